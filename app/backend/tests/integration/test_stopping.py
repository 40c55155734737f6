"""A turn that its user stops: it ends everywhere, and what it did is told."""

import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.support.model_endpoint import Hang, Text
from tests.support.prepared_model import add, talking
from tests.support.world import Event, Stack, User, World

KEY = "the-key"


def wait_for(condition: Callable[[], Any], seconds: float = 60) -> Any:
    """What the condition gives once it is true."""
    deadline = time.monotonic() + seconds
    while not (found := condition()):
        assert time.monotonic() < deadline, "it did not happen"
        time.sleep(0.05)
    return found


def question(user: User) -> dict[str, Any] | None:
    """The stored message of the only conversation, if there is one."""
    conversations = user.request("GET", "/conversations").json()
    return user.messages(conversations[0]["id"])[0] if conversations else None


def stop(user: User, key: str = KEY) -> int:
    return user.request("POST", "/chat/stop", json={"idempotency_key": key}).status_code


@pytest.mark.parametrize("replica", ["the same", "another"])
def test_a_stopped_turn_ends_and_tells_what_it_did(
    world: World, stack: Stack, tmp_path: Path, replica: str
) -> None:
    with (
        talking(world, stack.mcp, tmp_path, [add("tea"), Hang(), Text("There.")], 60) as (user, _),
        world.backend() as elsewhere,
        world.user(elsewhere, user.id) as other,
    ):
        events: list[Event] = []
        turn = threading.Thread(target=lambda: events.extend(user.stream("add tea", KEY)))
        turn.start()
        wait_for(user.tasks)
        under_way = wait_for(lambda: question(user))
        assert (under_way["answering"], under_way["failure"]) == (True, None)
        conversation = under_way["conversation_id"]
        refused = user.request("DELETE", f"/conversations/{conversation}")
        assert (refused.status_code, refused.json()["error"]["code"]) == (409, "turn_in_progress")

        assert stop(user if replica == "the same" else other) == 204
        turn.join(10)
        assert not turn.is_alive()
        error = events[-1]
        assert (error.name, error.data["code"]) == ("error", "stopped")
        (call,) = error.data["details"]["tool_calls"]
        assert (call["name"], call["ok"], call["result"]["title"]) == ("add_task", True, "tea")

        stored = question(user)
        assert stored is not None
        assert stored["answering"] is False
        assert stored["failure"]["code"] == "stopped"
        assert stored["tool_calls"] == [call]
        assert len(user.messages(conversation)) == 1

        again = user.chat("add tea", KEY)
        assert again.json()["response"] == "There."
        assert [task["title"] for task in user.tasks()] == ["tea"]
        assert question(user) == {**stored, "failure": None, "tool_calls": []}


def test_a_turn_under_way_shows_what_it_did_so_far(
    world: World, stack: Stack, tmp_path: Path
) -> None:
    with talking(world, stack.mcp, tmp_path, [add("tea"), Hang()], 60) as (user, _):
        turn = threading.Thread(target=lambda: user.chat("add tea", KEY))
        turn.start()
        done = wait_for(lambda: (found := question(user)) and found["tool_calls"])
        assert [(call["name"], call["ok"]) for call in done] == [("add_task", True)]
        assert stop(user) == 204
        turn.join(10)
        assert not turn.is_alive()


def test_a_turn_that_is_over_stays_as_it_is(user: User) -> None:
    answered = user.chat("hello", KEY).json()
    assert stop(user) == 204
    assert user.chat("hello", KEY).json() == answered
    (asked, _) = user.messages(answered["conversation_id"])
    assert (asked["failure"], asked["answering"]) == (None, False)


def test_only_an_own_turn_can_be_stopped(user: User, stranger: User) -> None:
    user.chat("hello", KEY)
    assert stop(stranger) == 404
    assert stop(user, "other-key") == 404
    assert stop(user, "no key") == 422
