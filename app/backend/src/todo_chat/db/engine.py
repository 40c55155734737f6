"""One pool of connections per database role."""

from dataclasses import dataclass
from pathlib import Path

from pydantic import SecretStr
from sqlalchemy import URL
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

from todo_chat.db.connection import BoundedConnection
from todo_chat.settings import DatabaseSettings, read_secret

CONNECT_TIMEOUT_SECONDS = 3
POOL_TIMEOUT_SECONDS = 5
"""Longest wait for a free connection; then the request is answered with 503."""


# A host that has vanished, which sends neither data nor a refusal, is noticed by the kernel.
_KEEPALIVE = {
    "keepalives_idle": 10,
    "keepalives_interval": 3,
    "keepalives_count": 3,
    "tcp_user_timeout": 10_000,
}


@dataclass(frozen=True)
class Login:
    """A role and its password, or the file that holds it."""

    user: str
    password: Path | SecretStr

    def secret(self) -> str:
        """The password itself.

        Raises:
            ConfigurationError: the file cannot be read.
        """
        known = self.password
        secret = read_secret(known) if isinstance(known, Path) else known
        return secret.get_secret_value()


def database_url(settings: DatabaseSettings, login: Login, database: str | None = None) -> URL:
    """The URL for a login; ``database`` overrides the configured name.

    Raises:
        ConfigurationError: the password file cannot be read.
    """
    return URL.create(
        "postgresql+psycopg",
        username=login.user,
        password=login.secret(),
        host=settings.database_host,
        port=settings.database_port,
        database=database or settings.database_name,
        query={
            "sslmode": settings.database_sslmode,
            "channel_binding": settings.database_channel_binding,
            "connect_timeout": str(CONNECT_TIMEOUT_SECONDS),
        },
    )


def create_pool(settings: DatabaseSettings, login: Login) -> AsyncEngine:
    """A pool that opens connections on demand and checks each before it is lent."""
    return create_async_engine(
        database_url(settings, login),
        pool_size=settings.database_pool_size,
        max_overflow=0,
        pool_timeout=POOL_TIMEOUT_SECONDS,
        pool_pre_ping=True,
        pool_recycle=300,
        hide_parameters=True,
        connect_args={"async_creator_fn": BoundedConnection.connect, **_KEEPALIVE},
    )
