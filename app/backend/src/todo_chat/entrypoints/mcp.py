"""The tool server process: six MCP tools over the task database."""

import sys

from starlette.applications import Starlette

from todo_chat.db.engine import Login, create_pool
from todo_chat.db.session import Database
from todo_chat.entrypoints._start import start
from todo_chat.mcp.server import create_app
from todo_chat.security import Tokens
from todo_chat.settings import McpSettings, read_jwt_key
from todo_chat.web.health import Lifecycle
from todo_chat.web.serve import build_server


def build(settings: McpSettings) -> tuple[Starlette, Lifecycle]:
    """The application with its real adapters; nothing is connected yet.

    Raises:
        ConfigurationError: a secret file is missing or unusable.
    """
    login = Login(settings.database_mcp_user, settings.database_mcp_password_file)
    database = Database(create_pool(settings, login))
    lifecycle = Lifecycle(checks={"database": database.check})
    app = create_app(settings, Tokens(read_jwt_key(settings.jwt_key_file)), database, lifecycle)
    return app, lifecycle


def serve(settings: McpSettings) -> None:
    """Serve until told to leave."""
    app, lifecycle = build(settings)
    build_server(app, settings, lifecycle).run()


if __name__ == "__main__":
    sys.exit(start("mcp", McpSettings, serve))
