"""Nothing is done twice, nothing is done silently, one turn at a time."""

import threading
import time
import uuid
from pathlib import Path

import httpx2
import pytest

from tests.support.losing_answers import LosingAnswers
from tests.support.model_endpoint import Gate, Hang, Status, Step, Text
from tests.support.prepared_model import add, talking
from tests.support.processes import wait_until
from tests.support.servers import serving
from tests.support.world import Stack, User, World
from todo_chat.entrypoints import mcp as mcp_process


def test_a_model_that_says_it_differently_the_second_time_changes_nothing_again(
    world: World, stack: Stack, tmp_path: Path
) -> None:
    broken: list[Step] = [add("buy milk"), Status(500)]
    with talking(world, stack.mcp, tmp_path, broken) as (user, endpoint):
        failed = user.chat("we need milk", "the-key")
        assert failed.status_code == 503
        details = failed.json()["error"]["details"]
        assert [call["name"] for call in details["tool_calls"]] == ["add_task"]

        endpoint.steps[:] = [add("Milk (2 litres)"), add("bread"), Text("Both are on the list.")]
        answer = user.chat("we need milk", "the-key").json()
        assert [task["title"] for task in user.tasks()] == ["buy milk", "bread"]
        first, second = answer["tool_calls"]
        assert first["result"]["title"] == "buy milk"
        assert "already done" in first["result"]["note"]
        assert "note" not in second["result"]
        assert "already done" in str(endpoint.requests[-1]["messages"]), "the model is told"


def test_an_answer_lost_after_the_commit_is_asked_for_again(world: World, tmp_path: Path) -> None:
    lossy = LosingAnswers(mcp_process.build(world.mcp_settings())[0], "add_task", times=1)
    steps: list[Step] = [add("buy milk"), Text("Done.")]
    with serving(lossy) as mcp, talking(world, mcp, tmp_path, steps) as (user, _):
        answer = user.chat("we need milk").json()
        assert answer["tool_calls"][0]["ok"] is True
        assert [task["title"] for task in user.tasks()] == ["buy milk"]


def test_an_answer_lost_for_good_ends_the_turn_and_the_next_attempt_finds_the_change(
    world: World, tmp_path: Path
) -> None:
    lossy = LosingAnswers(mcp_process.build(world.mcp_settings())[0], "add_task", times=9)
    steps: list[Step] = [add("buy milk"), add("milk again"), Text("Added.")]
    with serving(lossy) as mcp, talking(world, mcp, tmp_path, steps) as (user, endpoint):
        failed = user.chat("we need milk", "the-key")
        assert failed.json()["error"]["code"] == "tools_unavailable"
        assert [task["title"] for task in user.tasks()] == ["buy milk"]

        lossy.times = 0
        endpoint.steps[:] = [add("some milk"), Text("Milk is on the list.")]
        answer = user.chat("we need milk", "the-key").json()
        assert answer["tool_calls"][0]["result"]["title"] == "buy milk"
        assert [task["title"] for task in user.tasks()] == ["buy milk"]


def test_a_failed_turn_shows_what_it_did_and_the_next_one_does_not_do_it_again(
    world: World, stack: Stack, tmp_path: Path
) -> None:
    broken: list[Step] = [add("buy milk"), Status(500)]
    with talking(world, stack.mcp, tmp_path, broken) as (user, endpoint):
        failed = user.chat("we need milk", "the-key")
        conversation = failed.json()["error"]["details"]["conversation_id"]
        (question,) = user.messages(conversation)
        assert question["failure"]["code"] == "model_unavailable"
        assert [call["result"]["title"] for call in question["tool_calls"]] == ["buy milk"]

        endpoint.steps[:] = [Text("Nothing else.")]
        user.chat("what else?", conversation_id=conversation)
        said = endpoint.requests[-1]["messages"][1:]
        assert [message["role"] for message in said] == ["user", "assistant", "user"]
        assert "got no answer" in said[1]["content"]
        assert "buy milk" in said[1]["content"]

        endpoint.steps[:] = [Text("Milk is there.")]
        assert user.chat("we need milk", "the-key").status_code == 200
        question = user.messages(conversation)[0]
        assert (question["failure"], question["tool_calls"]) == (None, [])
        assert len(user.tasks()) == 1


def test_what_a_turn_did_before_its_replica_died_is_known(
    world: World, stack: Stack, tmp_path: Path
) -> None:
    steps: list[Step] = [add("buy milk"), Hang()]
    with talking(world, stack.mcp, tmp_path, steps, turn_timeout_seconds=600) as (user, _):
        key = uuid.uuid4().hex
        sending = threading.Thread(target=lambda: user.chat("we need milk", key))
        sending.start()
        wait_until(lambda: bool(user.request("GET", "/conversations").json()))
        conversation = user.request("GET", "/conversations").json()[0]["id"]
        wait_until(lambda: bool(user.messages(conversation)[0]["tool_calls"]))
        assert user.messages(conversation)[0]["tool_calls"][0]["name"] == "add_task"
        sending.join()


def test_turns_of_one_conversation_take_turns(world: World, stack: Stack, tmp_path: Path) -> None:
    gate = Gate(threading.Event(), "First.")
    with (
        talking(world, stack.mcp, tmp_path, [Text("Hello.")]) as (user, endpoint),
        world.backend(agent_url=stack.agent) as other_replica,
        world.user(other_replica, user.id) as elsewhere,
    ):
        conversation = user.chat("hello").json()["conversation_id"]
        endpoint.steps[:] = [gate, Text("Second.")]
        answers: list[httpx2.Response] = []

        def say(sender: User, message: str) -> threading.Thread:
            def run() -> None:
                answers.append(sender.chat(message, conversation_id=conversation))

            thread = threading.Thread(target=run)
            thread.start()
            return thread

        first = say(user, "one")
        wait_until(lambda: len(endpoint.requests) == 2)
        second = say(elsewhere, "hello")
        time.sleep(1)
        assert len(user.messages(conversation)) == 3, "the second one waits"
        gate.opened.set()
        first.join()
        second.join()
        assert [answer.status_code for answer in answers] == [200, 200]
        assert [m["role"] for m in user.messages(conversation)] == ["user", "assistant"] * 3
        contents = [m["content"] for m in user.messages(conversation)]
        assert contents[2:5] == ["one", "First.", "hello"]


def test_who_waits_too_long_is_told_so_and_nothing_is_stored(
    world: World, stack: Stack, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("todo_chat.chat.service.BUSY_SECONDS", 0.5)
    gate = Gate(threading.Event(), "First.")
    with talking(world, stack.mcp, tmp_path, [Text("Hello.")]) as (user, endpoint):
        conversation = user.chat("hello").json()["conversation_id"]
        endpoint.steps[:] = [gate]
        first = threading.Thread(target=lambda: user.chat("one", conversation_id=conversation))
        first.start()
        wait_until(lambda: len(endpoint.requests) == 2)
        refused = user.chat("two", conversation_id=conversation)
        assert refused.status_code == 409
        assert refused.json()["error"]["code"] == "turn_in_progress"
        assert int(refused.headers["Retry-After"]) >= 1
        gate.opened.set()
        first.join()
        assert [m["content"] for m in user.messages(conversation)][2:] == ["one", "First."]
