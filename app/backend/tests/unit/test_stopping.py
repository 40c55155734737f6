"""When a turn that is to stop really ends."""

import asyncio
from collections.abc import AsyncGenerator

import pytest

from todo_chat.chat.errors import TurnFailedError
from todo_chat.chat.stopping import Stop
from todo_chat.turn import Delta, Finished, ToolCalled, ToolReturned, TurnEvent

CALLED = ToolCalled(id="c1", name="add_task", arguments={})
RETURNED = ToolReturned(id="c1", name="add_task", ok=True)


class Source:
    """Events that a test hands out one by one."""

    def __init__(self) -> None:
        self.queue: asyncio.Queue[TurnEvent | None] = asyncio.Queue()
        self.closed = False

    async def events(self) -> AsyncGenerator[TurnEvent, None]:
        try:
            while (event := await self.queue.get()) is not None:
                yield event
        finally:
            self.closed = True


async def read(stop: Stop, source: Source, seen: list[TurnEvent]) -> None:
    async for event in stop.until(source.events()):
        seen.append(event)


async def settle() -> None:
    for _ in range(10):
        await asyncio.sleep(0)


async def test_without_a_stop_every_event_arrives() -> None:
    source, seen = Source(), list[TurnEvent]()
    events: list[TurnEvent] = [Delta(text="a"), CALLED, RETURNED, Finished(response="b")]
    for event in [*events, None]:
        source.queue.put_nowait(event)
    await read(Stop(), source, seen)
    assert seen == events


async def test_a_silent_turn_ends_at_once_and_lets_go_of_the_agent() -> None:
    stop, source = Stop(), Source()
    reading = asyncio.create_task(read(stop, source, []))
    await settle()
    stop.ask()
    stop.ask()
    with pytest.raises(TurnFailedError) as failed:
        await asyncio.wait_for(reading, 1)
    assert failed.value.code == "stopped"
    assert source.closed


async def test_a_tool_at_work_is_waited_for() -> None:
    stop, source, seen = Stop(), Source(), list[TurnEvent]()
    reading = asyncio.create_task(read(stop, source, seen))
    source.queue.put_nowait(CALLED)
    await settle()
    stop.ask()
    await settle()
    assert not reading.done()
    source.queue.put_nowait(RETURNED)
    with pytest.raises(TurnFailedError):
        await asyncio.wait_for(reading, 1)
    assert seen == [CALLED, RETURNED]


async def test_a_failure_of_the_agent_stays_what_it_is() -> None:
    async def failing() -> AsyncGenerator[TurnEvent, None]:
        yield Delta(text="a")
        raise ConnectionError("gone")

    with pytest.raises(ConnectionError, match="gone"):
        async for _ in Stop().until(failing()):
            pass


async def test_a_turn_that_is_cancelled_lets_go_of_the_agent() -> None:
    source = Source()
    reading = asyncio.create_task(read(Stop(), source, []))
    await settle()
    reading.cancel()
    with pytest.raises(asyncio.CancelledError):
        await reading
    assert source.closed
