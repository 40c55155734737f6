"""A connection that never waits without limit, not even for a server that has stopped answering."""

import asyncio
from typing import TypeVar

from psycopg import AsyncConnection, OperationalError
from psycopg.abc import PQGen
from psycopg.rows import TupleRow
from psycopg.waiting import wait_async

ANSWER_SECONDS = 8.0
"""Longest wait for an answer. The limits that the server keeps come before it."""

T = TypeVar("T")


class BoundedConnection(AsyncConnection[TupleRow]):
    """Gives itself up when an answer stays away, or when nobody waits for it any more.

    The limits that the server keeps are worth nothing once the server is frozen, and asking it to
    cancel the statement, as the base class does first, only makes one more wait.
    """

    async def wait(
        self,
        gen: PQGen[T],
        interval: float = 0.1,
        timeout: float | None = None,  # noqa: ASYNC109 - the base class has it
    ) -> T:
        """See the base class.

        Raises:
            OperationalError: no answer within ``ANSWER_SECONDS``; the connection is closed.
        """
        try:
            async with asyncio.timeout(ANSWER_SECONDS):
                return await wait_async(gen, self.pgconn.socket, interval=interval, timeout=timeout)
        except asyncio.CancelledError:
            self.pgconn.finish()
            raise
        except TimeoutError as error:
            self.pgconn.finish()
            raise OperationalError(f"no answer within {ANSWER_SECONDS:g} s") from error
