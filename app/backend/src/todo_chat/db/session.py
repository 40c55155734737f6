"""A transaction that carries the user's identity for row-level security."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from sqlalchemy import text
from sqlalchemy.exc import DBAPIError, InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError
from sqlalchemy.ext.asyncio import AsyncEngine
from sqlmodel.ext.asyncio.session import AsyncSession

STATEMENT_TIMEOUT_MILLISECONDS = 5000

# set_config(…, true) is SET LOCAL with parameters: all of it ends with the transaction,
# so a pooled connection never carries one user's identity into the next request.
_BEGIN = text(
    "SELECT set_config('app.user_id', :user_id, true),"
    " set_config('statement_timeout', :timeout, true)"
)


class DatabaseUnavailableError(Exception):
    """The database did not answer: refused, cut off, out of connections or too slow."""


class Database:
    """The transactions of one database role."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine

    @asynccontextmanager
    async def transaction(self, user_id: str) -> AsyncIterator[AsyncSession]:
        """Commit at the end, roll back on any exception.

        Raises:
            DatabaseUnavailableError: no answer; nothing was changed, unless the connection
                was lost during the commit itself.
        """
        try:
            async with AsyncSession(self._engine, expire_on_commit=False) as session:
                await session.exec(  # type: ignore[call-overload]
                    _BEGIN,
                    params={"user_id": user_id, "timeout": str(STATEMENT_TIMEOUT_MILLISECONDS)},
                )
                yield session
                await session.commit()
        except (OperationalError, InterfaceError, PoolTimeoutError) as error:
            raise DatabaseUnavailableError(type(error).__name__) from error
        except DBAPIError as error:
            if error.connection_invalidated:
                raise DatabaseUnavailableError(type(error).__name__) from error
            raise

    async def check(self) -> None:
        """Raise unless the database answers and holds a migrated schema."""
        async with self._engine.connect() as connection:
            revision = await connection.execute(text("SELECT version_num FROM alembic_version"))
            if revision.first() is None:
                raise DatabaseUnavailableError("the schema has not been migrated")

    async def close(self) -> None:
        """Close every pooled connection."""
        await self._engine.dispose()
