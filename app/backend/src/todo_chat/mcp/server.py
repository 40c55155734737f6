"""The MCP server as an ASGI application: streamable HTTP, stateless, bearer tokens."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from mcp.server.auth.provider import AccessToken
from mcp.server.auth.settings import AuthSettings
from mcp.server.mcpserver import MCPServer
from mcp.server.transport_security import TransportSecuritySettings
from pydantic import AnyHttpUrl
from starlette.applications import Starlette
from starlette.routing import Mount

from todo_chat import __version__
from todo_chat.db.session import Database
from todo_chat.mcp.calls import ToolRunner
from todo_chat.mcp.tools import build_tools
from todo_chat.security import ISSUER, MCP_AUDIENCE, TokenError, Tokens
from todo_chat.settings import McpSettings
from todo_chat.web.answer_headers import AnswerHeadersMiddleware
from todo_chat.web.health import Lifecycle, health_routes
from todo_chat.web.middleware import ObservabilityMiddleware

INSTRUCTIONS = (
    "Manages the to-do list of the user whose token was presented. "
    "Find a task's number with list_tasks before completing, deleting or updating it by name. "
    "A deleted task can be restored for 30 days."
)


class JwtVerifier:
    """The SDK's TokenVerifier over our tokens."""

    def __init__(self, tokens: Tokens) -> None:
        self._tokens = tokens

    async def verify_token(self, token: str) -> AccessToken | None:
        """The access token's data, None when it is not accepted."""
        try:
            identity = self._tokens.verify(token, MCP_AUDIENCE)
        except TokenError:
            return None
        return AccessToken(
            token=token,
            client_id=identity.user_id,
            scopes=[],
            subject=identity.user_id,
            claims={"iss": ISSUER, "turn": identity.turn},
        )


def create_app(
    settings: McpSettings, tokens: Tokens, database: Database, lifecycle: Lifecycle
) -> Starlette:
    """The tools at ``/mcp`` and the health endpoints beside it; closes the database at the end."""
    server: MCPServer[None] = MCPServer(
        "todo-chat",
        version=__version__,
        instructions=INSTRUCTIONS,
        token_verifier=JwtVerifier(tokens),
        # Tokens are issued by the backend, not by an OAuth server: no metadata is served
        # and the verifier checks the audience itself.
        auth=AuthSettings(
            issuer_url=AnyHttpUrl("https://todo-chat.invalid"), resource_server_url=None
        ),
        log_level=settings.log_level,
        subscriptions=False,
        tools=build_tools(ToolRunner(database), most_tasks=settings.max_tasks_per_user),
    )
    mcp_app = server.streamable_http_app(
        stateless_http=True,
        json_response=True,
        max_request_body_size=settings.max_body_bytes,
        transport_security=TransportSecuritySettings(
            allowed_hosts=settings.mcp_allowed_hosts,
            allowed_origins=settings.mcp_allowed_origins,
        ),
    )

    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        async with server.session_manager.run():
            yield
        await database.close()

    app = Starlette(routes=[*health_routes(lifecycle), Mount("/", mcp_app)], lifespan=lifespan)
    app.add_middleware(AnswerHeadersMiddleware)
    app.add_middleware(ObservabilityMiddleware)
    return app
