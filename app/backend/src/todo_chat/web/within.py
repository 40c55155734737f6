"""A time limit that holds also when the work does not stop at once."""

import asyncio
from collections.abc import Coroutine
from typing import Any, TypeVar

T = TypeVar("T")

_abandoned: set[asyncio.Task[Any]] = set()
"""The loop keeps only weak references to tasks."""


async def within(seconds: float, work: Coroutine[Any, Any, T]) -> T:
    """The work's result, if it comes in time. Late work is cancelled and left to itself.

    ``asyncio.timeout`` would wait for the clean-up of what it cancels, however long that takes.

    Raises:
        TimeoutError: no result after ``seconds``.
    """
    task = asyncio.create_task(work)
    try:
        done, _ = await asyncio.wait({task}, timeout=seconds)
    finally:
        if not task.done():
            _abandoned.add(task)
            task.add_done_callback(_forget)
            task.cancel()
    if not done:
        raise TimeoutError
    return task.result()


def _forget(task: asyncio.Task[Any]) -> None:
    _abandoned.discard(task)
    if not task.cancelled():
        task.exception()  # seen: nobody waits for it any more
