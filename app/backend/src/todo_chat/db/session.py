"""A transaction that carries the user's identity for row-level security."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from psycopg.errors import ReadOnlySqlTransaction
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError, InterfaceError, OperationalError, ProgrammingError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError
from sqlalchemy.ext.asyncio import AsyncEngine
from sqlmodel.ext.asyncio.session import AsyncSession

from todo_chat.db.revisions import NEEDED_REVISION, SchemaBehindError

STATEMENT_TIMEOUT_MILLISECONDS = 5000
LOCK_TIMEOUT_MILLISECONDS = 3000
IDLE_TIMEOUT_MILLISECONDS = 15_000
"""A transaction that its process has forgotten must not keep its locks."""
BEGIN_SECONDS = 8.0
"""Longest way to a transaction: a free connection, a new one if need be, the first answer.

More than the pool's own limit: on a busy machine a rollout makes these ways long, and late is
better than refused.
"""

# set_config(…, true) is SET LOCAL with parameters: all of it ends with the transaction,
# so a pooled connection never carries one user's identity into the next request.
_BEGIN = text(
    "SELECT set_config('app.user_id', :user_id, true),"
    f" set_config('statement_timeout', '{STATEMENT_TIMEOUT_MILLISECONDS}', true),"
    f" set_config('lock_timeout', '{LOCK_TIMEOUT_MILLISECONDS}', true),"
    f" set_config('idle_in_transaction_session_timeout', '{IDLE_TIMEOUT_MILLISECONDS}', true)"
)


class DatabaseUnavailableError(Exception):
    """The database did not answer: refused, cut off, read-only, out of connections or too slow."""


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
                await self._begin(session, user_id)
                try:
                    yield session
                    await session.commit()
                except DBAPIError as error:
                    if _is_read_only(error):
                        # The server has become a standby. Another connection may find its heir.
                        await session.invalidate()
                    raise
        except (OperationalError, InterfaceError, PoolTimeoutError) as error:
            raise DatabaseUnavailableError(type(error).__name__) from error
        except DBAPIError as error:
            if error.connection_invalidated or _is_read_only(error):
                raise DatabaseUnavailableError(type(error).__name__) from error
            raise

    async def _begin(self, session: AsyncSession, user_id: str) -> None:
        try:
            async with asyncio.timeout(BEGIN_SECONDS):
                await session.exec(  # type: ignore[call-overload]
                    _BEGIN, params={"user_id": user_id}
                )
        except TimeoutError as error:
            raise DatabaseUnavailableError(f"no answer in {BEGIN_SECONDS:g} s") from error

    async def check(self) -> None:
        """Raise unless the database answers and has what the code needs.

        A later release's schema has it too: it expands before it contracts.

        Raises:
            SchemaBehindError: no schema, or that of an earlier release.
        """
        async with self._engine.connect() as connection:
            try:
                revisions = await connection.execute(
                    text("SELECT version_num FROM alembic_version")
                )
            except ProgrammingError as error:
                raise SchemaBehindError(None) from error
            found = revisions.scalar()
            if found is None or found < NEEDED_REVISION:
                raise SchemaBehindError(found)

    async def close(self) -> None:
        """Close every pooled connection."""
        await self._engine.dispose()


def _is_read_only(error: DBAPIError) -> bool:
    return isinstance(error.orig, ReadOnlySqlTransaction)
