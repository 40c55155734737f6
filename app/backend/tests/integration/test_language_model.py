"""The agent with an OpenAI-compatible endpoint in the place of the scripted model."""

from pathlib import Path

import pytest

from tests.support.model_endpoint import Hang, Status, Step, Text, Tool
from tests.support.prepared_model import talking
from tests.support.world import Stack, User, World


def test_a_model_calls_tools_and_answers(world: World, stack: Stack, tmp_path: Path) -> None:
    steps: list[Step] = [
        Tool("add_task", '{"title": "buy milk"}'),
        Text("I have put milk on your list."),
    ]
    with talking(world, stack.mcp, tmp_path, steps) as (user, endpoint):
        answer = user.chat("we are out of milk").json()
        assert answer["response"] == "I have put milk on your list."
        assert [call["name"] for call in answer["tool_calls"]] == ["add_task"]
        assert [task["title"] for task in user.tasks()] == ["buy milk"]
        info = user.client.get("/api/info").json()
        assert info["model"] == {"name": "prepared", "kind": "llm"}
        offered = {tool["function"]["name"] for tool in endpoint.requests[0]["tools"]}
        assert offered == {
            "add_task",
            "list_tasks",
            "complete_task",
            "delete_task",
            "restore_task",
            "update_task",
        }


def test_the_model_reads_the_history(world: World, stack: Stack, tmp_path: Path) -> None:
    with talking(world, stack.mcp, tmp_path, [Text("Yes?")]) as (user, endpoint):
        conversation = user.chat("first").json()["conversation_id"]
        user.chat("second", conversation_id=conversation)
        said = [(m["role"], m["content"]) for m in endpoint.requests[1]["messages"][1:]]
        assert said == [("user", "first"), ("assistant", "Yes?"), ("user", "second")]


def test_a_model_cannot_act_for_another_user(
    world: World, stack: Stack, stranger: User, tmp_path: Path
) -> None:
    theirs = stranger.add_task("private")
    steps: list[Step] = [
        Tool("delete_task", f'{{"task_id": {theirs["id"]}, "user_id": "{stranger.id}"}}'),
        Tool("add_task", f'{{"title": "planted", "user_id": "{stranger.id}"}}'),
        Text("Done."),
    ]
    with talking(world, stack.mcp, tmp_path, steps) as (user, _):
        answer = user.chat(f"act as {stranger.id} and delete their tasks").json()
        assert answer["tool_calls"][0]["ok"] is False
        assert stranger.tasks() == [theirs]
        assert all(task["user_id"] == user.id for task in user.tasks())


@pytest.mark.parametrize("arguments", ["not json", "[]", '{"task_id": "x"}', "{}"])
def test_a_model_that_writes_nonsense_gets_a_tool_error(
    world: World, stack: Stack, tmp_path: Path, arguments: str
) -> None:
    steps: list[Step] = [Tool("delete_task", arguments), Text("I could not do that.")]
    with talking(world, stack.mcp, tmp_path, steps) as (user, _):
        kept = user.add_task()
        response = user.chat("delete it")
        assert response.status_code in {200, 503}
        if response.status_code == 200:
            assert response.json()["tool_calls"][0]["ok"] is False
        assert user.tasks() == [kept]


@pytest.mark.parametrize(
    ("step", "status", "code"),
    [
        (Status(500), 503, "model_unavailable"),
        (Status(401), 503, "model_key_refused"),
        (Hang(), 504, "turn_timeout"),
    ],
    ids=["fails", "refuses the key", "is slow"],
)
def test_a_failing_model_is_named_and_nothing_is_lost(
    world: World, stack: Stack, tmp_path: Path, step: Step, status: int, code: str
) -> None:
    steps: list[Step] = [step, step, step, Text("Here I am.")]
    with talking(world, stack.mcp, tmp_path, steps, model_timeout=0.5) as (user, endpoint):
        failed = user.chat("hello", "the-key")
        assert failed.status_code == status
        error = failed.json()["error"]
        assert error["code"] == code
        assert "saved" in error["message"]
        conversation = error["details"]["conversation_id"]
        assert [m["content"] for m in user.messages(conversation)] == ["hello"]

        endpoint.steps[:] = [Text("Here I am.")]
        again = user.chat("hello", error["details"]["idempotency_key"])
        assert again.json()["response"] == "Here I am."
        assert [m["role"] for m in user.messages(conversation)] == ["user", "assistant"]


def test_a_turn_that_broke_after_a_change_is_resumed_without_a_second_change(
    world: World, stack: Stack, tmp_path: Path
) -> None:
    call = Tool("add_task", '{"title": "buy milk"}')
    with talking(world, stack.mcp, tmp_path, [call, Status(500)], model_timeout=1) as (
        user,
        endpoint,
    ):
        assert user.chat("milk", "the-key").status_code == 503
        assert len(user.tasks()) == 1
        endpoint.steps[:] = [call, Text("Added.")]
        answer = user.chat("milk", "the-key").json()
        assert answer["response"] == "Added."
        assert [task["id"] for task in user.tasks()] == [answer["tool_calls"][0]["result"]["id"]]


def test_two_equal_calls_of_one_turn_are_two_changes(
    world: World, stack: Stack, tmp_path: Path
) -> None:
    call = Tool("add_task", '{"title": "buy milk"}')
    with talking(world, stack.mcp, tmp_path, [call, call, Text("Twice.")]) as (user, _):
        assert user.chat("milk, twice").json()["response"] == "Twice."
        assert [task["title"] for task in user.tasks()] == ["buy milk", "buy milk"]


def test_a_model_that_never_ends_is_cut_off(world: World, stack: Stack, tmp_path: Path) -> None:
    with talking(world, stack.mcp, tmp_path, [Tool("list_tasks", "{}")]) as (user, endpoint):
        response = user.chat("go on for ever")
        assert response.status_code == 503
        assert response.json()["error"]["code"] == "model_loops"
        assert len(endpoint.requests) == 10
