"""The agent process: the model loop over MCP. No database, no token key."""

import sys

import httpx2
from starlette.applications import Starlette

from todo_chat.agent.app import create_app
from todo_chat.agent.runner import TurnRunner, choose_model
from todo_chat.agent.tools import tls_context
from todo_chat.entrypoints._start import start
from todo_chat.settings import AgentSettings
from todo_chat.web.health import CHECK_TIMEOUT_SECONDS, Check, Lifecycle
from todo_chat.web.serve import build_server


def build(settings: AgentSettings) -> tuple[Starlette, Lifecycle]:
    """The application with its real adapters; nothing is connected yet."""
    chosen = choose_model(settings)
    lifecycle = Lifecycle(checks={"mcp": _reachable(str(settings.mcp_url))})
    return create_app(TurnRunner(chosen.model, str(settings.mcp_url)), chosen, lifecycle), lifecycle


def _reachable(mcp_url: str) -> Check:
    # Its liveness, not its readiness: a slow database must not take the agent out too.
    url = str(httpx2.URL(mcp_url).copy_with(path="/healthz"))

    async def check() -> None:
        async with httpx2.AsyncClient(
            timeout=CHECK_TIMEOUT_SECONDS, verify=tls_context(), trust_env=False
        ) as client:
            (await client.get(url)).raise_for_status()

    return check


def serve(settings: AgentSettings) -> None:
    """Serve until told to leave."""
    app, lifecycle = build(settings)
    build_server(app, settings, lifecycle).run()


if __name__ == "__main__":
    sys.exit(start("agent", AgentSettings, serve))
