"""Refuse request bodies above a limit, in the error shape of all routes."""

from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from todo_chat.web.errors import ApiError
from todo_chat.web.request_id import current_request_id

PAYLOAD_TOO_LARGE = 413


class BodyLimitMiddleware:
    """A body that declares too much is refused unread; one that is streamed, when it passes.

    Args:
        max_bytes: the largest body that is let through.
    """

    def __init__(self, app: ASGIApp, max_bytes: int) -> None:
        self.app = app
        self._max_bytes = max_bytes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        declared = Headers(scope=scope).get("content-length", "")
        if declared.isdecimal() and int(declared) > self._max_bytes:
            error = ApiError(
                PAYLOAD_TOO_LARGE,
                "payload_too_large",
                f"The body has {declared} bytes; at most {self._max_bytes} are accepted.",
            )
            response = JSONResponse(error.body(current_request_id()), error.status)
            await response(scope, receive, send)
            return
        received = 0

        async def receive_counted() -> Message:
            nonlocal received
            message = await receive()
            received += len(message.get("body", b""))
            if received > self._max_bytes:
                raise HTTPException(PAYLOAD_TOO_LARGE)
            return message

        await self.app(scope, receive_counted, send)
