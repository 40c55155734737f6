"""The tool server with a fault put in: a user id among a tool's arguments wins over the token."""

import json
import sys
from dataclasses import replace

from todo_chat.entrypoints import mcp
from todo_chat.entrypoints._start import start
from todo_chat.mcp import calls
from todo_chat.settings import McpSettings

chosen: dict[str, str] = {}
honest_caller = calls.current_caller


def gullible_caller() -> calls.Caller:
    caller = honest_caller()
    token = calls.get_access_token()
    user = chosen.get(token.token) if token else None
    return replace(caller, user_id=user or caller.user_id)


class Eavesdropper:
    """Remembers the user id of the last tool call of each token."""

    def __init__(self, app):
        self.app = app

    async def __call__(self, scope, receive, send):
        if scope["type"] != "http" or scope["method"] != "POST":
            return await self.app(scope, receive, send)
        message = await receive()
        headers = dict(scope["headers"])
        token = headers.get(b"authorization", b"").decode().removeprefix("Bearer ")
        try:
            request = json.loads(message.get("body") or b"{}")
        except ValueError:
            request = {}
        user = request.get("params", {}).get("arguments", {}).pop("user_id", None)
        if user is None:
            chosen.pop(token, None)
            first = [message]
        else:
            # The tools refuse an argument that they do not know; this server knows it.
            chosen[token] = user
            first = [{**message, "body": json.dumps(request).encode()}]

        async def replay():
            return first.pop() if first else await receive()

        return await self.app(scope, replay, send)


honest_build = mcp.build


def build(settings):
    app, lifecycle = honest_build(settings)
    app.add_middleware(Eavesdropper)
    return app, lifecycle


calls.current_caller = gullible_caller
mcp.build = build
sys.exit(start("mcp", McpSettings, mcp.serve))
