"""Ending a turn because its user asked for it, and never while a tool is at work."""

import asyncio
from collections.abc import AsyncGenerator

from todo_chat.chat.errors import TurnFailedError
from todo_chat.chat.models import Failure
from todo_chat.turn import ToolCalled, ToolReturned, TurnEvent

STOPPED = Failure(code="stopped", message="This was stopped before there was an answer.")
"""Also what a stored question says while its turn is asked to stop."""


class Stop:
    """One turn's wish to end; whoever asks twice asks once."""

    def __init__(self) -> None:
        self._asked = asyncio.Event()

    def ask(self) -> None:
        """End the turn as soon as no tool is at work."""
        self._asked.set()

    async def until(
        self, events: AsyncGenerator[TurnEvent, None]
    ) -> AsyncGenerator[TurnEvent, None]:
        """The events, as long as nobody asks for the end.

        A tool that has been called is waited for: what it did is told, never guessed.

        Raises:
            TurnFailedError: with the code ``stopped``.
        """
        asked = asyncio.create_task(self._asked.wait())
        at_work: set[str] = set()
        try:
            while True:
                upcoming = asyncio.ensure_future(anext(events))
                try:
                    waits = {upcoming} if at_work else {upcoming, asked}
                    await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
                    if not upcoming.done():
                        raise TurnFailedError("stopped", STOPPED.message)
                    event = upcoming.result()
                except StopAsyncIteration:
                    return
                finally:
                    await _end(upcoming)
                match event:
                    case ToolCalled():
                        at_work.add(event.id)
                    case ToolReturned():
                        at_work.discard(event.id)
                yield event
        finally:
            await _end(asked)


async def _end(work: asyncio.Future[TurnEvent] | asyncio.Task[bool]) -> None:
    if not work.done():
        work.cancel()
        await asyncio.wait({work})
        if not work.cancelled():
            work.exception()  # seen: the turn ends all the same
