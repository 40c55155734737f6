"""The tools of one turn: those of the MCP server, each call numbered and its outcome kept."""

import ssl
from functools import lru_cache
from typing import Any, cast

import httpx2
from agents.mcp import MCPServerStreamableHttp, MCPToolMetaContext
from mcp_types import CallToolResult

from todo_chat.turn import CALL_META_KEY
from todo_chat.web.request_id import HEADER

MCP_TIMEOUT_SECONDS = 10.0
SENDS = 2
"""How often a call is sent whose answer does not arrive; its number lets it happen only once."""


class ToolsUnavailableError(Exception):
    """The MCP server could not be reached, refused the token or left a call unanswered."""


class TurnTools(MCPServerStreamableHttp):
    """The MCP server as one attempt at a turn uses it.

    A call whose answer is lost may have been carried out. The model must not be told that it
    failed, because it would try again in other words: the turn ends here, no other call is made,
    and the next attempt gets back what was done.
    """

    def __init__(self, url: str, token: str, request_id: str) -> None:
        super().__init__(
            params={
                "url": url,
                "headers": {"Authorization": f"Bearer {token}", HEADER: request_id},
                "timeout": MCP_TIMEOUT_SECONDS,
                "httpx_client_factory": _http_client,
            },
            name="todo-chat",
            cache_tools_list=True,
            client_session_timeout_seconds=MCP_TIMEOUT_SECONDS,
            tool_meta_resolver=self._meta,
        )
        self._calls = 0
        self._ids: dict[int, str] = {}
        self._succeeded: dict[str, bool] = {}
        self.lost: ToolsUnavailableError | None = None
        """Why the turn cannot go on."""

    def _meta(self, context: MCPToolMetaContext) -> dict[str, Any]:
        self._calls += 1
        self._ids[self._calls] = str(getattr(context.run_context, "tool_call_id", ""))
        return {CALL_META_KEY: self._calls}

    def succeeded(self, call_id: str) -> bool:
        """Whether the server has carried the call out: what its answer says, not how it reads."""
        return self._succeeded.get(call_id, False)

    async def start(self) -> None:
        """Connect and fetch the tools, before any model is asked.

        Raises:
            ToolsUnavailableError: not reachable, or it refused the token.
        """
        try:
            await self.connect()  # type: ignore[no-untyped-call]
            await self.list_tools()
        except Exception as error:
            raise ToolsUnavailableError(f"{type(error).__name__}: {error}") from error

    async def call_tool(
        self,
        tool_name: str,
        arguments: dict[str, Any] | None,
        meta: dict[str, Any] | None = None,
    ) -> CallToolResult:
        """Call a tool; the server checks the arguments and says so in its answer.

        Raises:
            ToolsUnavailableError: no answer to this call or to one before it.
        """
        for _ in range(SENDS):
            if self.lost is not None:
                break
            try:
                result = await self._send(tool_name, arguments, meta)
            except Exception as error:
                reason = ToolsUnavailableError(f"{tool_name}: {type(error).__name__}: {error}")
                reason.__cause__ = error
                continue
            number = (meta or {}).get(CALL_META_KEY, 0)
            self._succeeded[self._ids.get(number, "")] = not result.is_error
            return result
        self.lost = self.lost or reason
        raise self.lost

    async def _send(
        self, tool_name: str, arguments: dict[str, Any] | None, meta: dict[str, Any] | None
    ) -> CallToolResult:
        assert self.session is not None, "start() comes first"  # noqa: S101 - narrows the type
        return await self.session.call_tool(tool_name, arguments, meta=cast(Any, meta))


@lru_cache(maxsize=1)
def tls_context() -> ssl.SSLContext:
    """One for all clients: to read the authorities takes longer than all else in a short turn."""
    return httpx2.create_ssl_context()


def _http_client(
    headers: dict[str, str] | None = None,
    timeout: httpx2.Timeout | None = None,
    auth: httpx2.Auth | None = None,
) -> httpx2.AsyncClient:
    return httpx2.AsyncClient(
        headers=headers, timeout=timeout, auth=auth, verify=tls_context(), trust_env=False
    )
