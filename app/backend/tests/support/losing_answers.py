"""An application whose answers get lost after it has done its work."""

from dataclasses import dataclass

from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send


@dataclass
class LosingAnswers:
    """Lets the application work, and answers 502 in its place as a proxy does.

    Attributes:
        app: the application.
        tool: requests that name this tool lose their answer.
        times: so many more answers get lost.
    """

    app: ASGIApp
    tool: str
    times: int = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        body = b""

        async def receive_and_look() -> Message:
            nonlocal body
            message = await receive()
            body += message.get("body", b"")
            return message

        sent: list[Message] = []

        async def keep(message: Message) -> None:
            sent.append(message)

        await self.app(scope, receive_and_look, keep)
        if self.times > 0 and f'"name":"{self.tool}"' in body.decode().replace(": ", ":"):
            self.times -= 1
            await PlainTextResponse("lost", 502)(scope, receive, send)
            return
        for message in sent:
            await send(message)
