"""The backend process: REST, conversations and the chat endpoint."""

import sys

from fastapi import FastAPI

from todo_chat.api.app import create_app
from todo_chat.api.deps import Services
from todo_chat.api.rate_limit import RateLimiter
from todo_chat.chat.agent_client import HttpAgent
from todo_chat.chat.service import ChatService
from todo_chat.db.engine import Login, create_pool
from todo_chat.db.session import Database
from todo_chat.entrypoints._start import start
from todo_chat.security import Tokens
from todo_chat.settings import BackendSettings, read_jwt_key
from todo_chat.web.health import Lifecycle
from todo_chat.web.serve import build_server


def build(settings: BackendSettings) -> tuple[FastAPI, Lifecycle]:
    """The application with its real adapters; nothing is connected yet.

    Raises:
        ConfigurationError: a secret file is missing or unusable.
    """
    tokens = Tokens(read_jwt_key(settings.jwt_key_file))
    tasks_database = Database(
        create_pool(
            settings, Login(settings.database_tasks_user, settings.database_tasks_password_file)
        )
    )
    chat_database = Database(
        create_pool(
            settings, Login(settings.database_chat_user, settings.database_chat_password_file)
        )
    )
    agent = HttpAgent(str(settings.agent_url), settings.turn_timeout_seconds)
    chat = ChatService(chat_database, agent, tokens, settings.turn_timeout_seconds)
    services = Services(
        settings=settings,
        tokens=tokens,
        tasks_database=tasks_database,
        chat=chat,
        agent=agent,
        rate_limiter=RateLimiter(settings.rate_limit_per_minute),
    )
    lifecycle = Lifecycle(
        checks={"tasks_database": tasks_database.check, "chat_database": chat_database.check}
    )
    on_shutdown = [agent.close, chat_database.close, tasks_database.close, chat.drain]
    return create_app(services, lifecycle, on_shutdown), lifecycle


def serve(settings: BackendSettings) -> None:
    """Serve until told to leave."""
    app, lifecycle = build(settings)
    build_server(app, settings, lifecycle).run()


if __name__ == "__main__":
    sys.exit(start("backend", BackendSettings, serve))
