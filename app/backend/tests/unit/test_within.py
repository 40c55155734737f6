"""A time limit that holds whatever the work does."""

import asyncio

import pytest

from todo_chat.web.within import within


async def test_work_in_time_gives_its_result_or_its_error() -> None:
    async def give(value: int) -> int:
        return 10 // value

    assert await within(5, give(2)) == 5
    with pytest.raises(ZeroDivisionError):
        await within(5, give(0))


@pytest.mark.parametrize("ending", ["stubborn", "broken"])
async def test_late_work_is_left_to_itself(ending: str) -> None:
    told = asyncio.Event()
    released = asyncio.Event()

    async def work() -> None:
        try:
            await asyncio.sleep(60)
        except asyncio.CancelledError:
            told.set()
            if ending == "broken":
                raise ValueError("in the clean-up") from None
            await released.wait()

    async with asyncio.timeout(5):
        with pytest.raises(TimeoutError):
            await within(0.01, work())
        await told.wait()
    released.set()


async def test_who_waits_can_be_cancelled() -> None:
    told = asyncio.Event()

    async def work() -> None:
        try:
            await asyncio.sleep(60)
        finally:
            told.set()

    waiting = asyncio.create_task(within(60, work()))
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    async with asyncio.timeout(5):
        await told.wait()
