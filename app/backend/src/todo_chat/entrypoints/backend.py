"""The backend process: REST, conversations and the chat endpoint."""

import logging
import sys

from fastapi import FastAPI

from todo_chat.api.app import create_app
from todo_chat.api.browser import BrowserDoor
from todo_chat.api.deps import Services
from todo_chat.api.rate_limit import RateLimiter
from todo_chat.chat.agent_client import HttpAgent
from todo_chat.chat.service import ChatService, TurnLimits
from todo_chat.db.engine import Login, create_pool
from todo_chat.db.session import Database
from todo_chat.entrypoints._start import start
from todo_chat.identity.accounts import Accounts
from todo_chat.identity.attempt import Attempts
from todo_chat.identity.bearer import ExternalTokens
from todo_chat.identity.discovery import Discovery
from todo_chat.identity.http import ProviderHttp
from todo_chat.identity.provider import Client, Provider
from todo_chat.identity.sessions import Sessions
from todo_chat.identity.sign_in import SignIn
from todo_chat.security import Tokens
from todo_chat.settings import BackendSettings, read_jwt_key
from todo_chat.web.health import Lifecycle
from todo_chat.web.serve import build_server

log = logging.getLogger("todo_chat.backend")


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
    limits = TurnLimits(
        timeout_seconds=settings.turn_timeout_seconds,
        conversations_per_user=settings.max_conversations_per_user,
        turns_per_user=settings.max_turns_per_user,
    )
    chat = ChatService(chat_database, agent, tokens, limits)
    provider_http = ProviderHttp()
    accounts = Accounts(chat_database)
    services = Services(
        settings=settings,
        tokens=tokens,
        tasks_database=tasks_database,
        chat=chat,
        agent=agent,
        rate_limiter=RateLimiter(settings.rate_limit_per_minute),
        external_tokens=ExternalTokens(settings.api_issuers, provider_http, accounts),
        browser=_browser_door(settings, chat_database, provider_http, accounts),
    )
    lifecycle = Lifecycle(
        checks={"tasks_database": tasks_database.check, "chat_database": chat_database.check}
    )
    on_shutdown = [
        agent.close,
        provider_http.close,
        chat_database.close,
        tasks_database.close,
        chat.drain,
    ]
    return create_app(services, lifecycle, on_shutdown), lifecycle


def _browser_door(
    settings: BackendSettings, database: Database, http: ProviderHttp, accounts: Accounts
) -> BrowserDoor | None:
    oidc = settings.oidc
    if oidc is None:
        log.warning("no identity provider is configured", extra={"dev_login": settings.dev_login})
        return None
    client = Client(oidc.client_id, oidc.client_secret(), oidc.redirect_uri, oidc.scopes)
    log.info(
        "people sign in through OpenID Connect",
        extra={
            "issuer": oidc.issuer,
            "redirect_uri": oidc.redirect_uri,
            "client": "public" if client.secret is None else "confidential",
        },
    )
    sessions = Sessions(database, settings.session_seconds)
    return BrowserDoor(
        public_url=oidc.public_url,
        sign_in=SignIn(
            Provider(Discovery(oidc.issuer, http), client, http),
            Attempts(read_jwt_key(settings.jwt_key_file)),
            accounts,
            sessions,
        ),
        sessions=sessions,
    )


def serve(settings: BackendSettings) -> None:
    """Serve until told to leave."""
    app, lifecycle = build(settings)
    build_server(app, settings, lifecycle).run()


if __name__ == "__main__":
    sys.exit(start("backend", BackendSettings, serve))
