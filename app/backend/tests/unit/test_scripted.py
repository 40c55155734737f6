"""The scripted model behind the Agents SDK's interface."""

import json
from typing import Any

from agents import Agent, RunConfig, Runner
from hypothesis import given
from hypothesis import strategies as st

from todo_chat.agent.policy import GREETING, Before, Outcome
from todo_chat.agent.scripted import Reading, ScriptedModel, read_turn, split_pieces

CALL = {"type": "function_call", "call_id": "call_1", "name": "list_tasks", "arguments": "{}"}


@given(st.text())
def test_pieces_add_up_to_the_text(text: str) -> None:
    assert "".join(split_pieces(text)) == text or not text.strip()


def test_only_what_follows_the_last_message_belongs_to_the_turn() -> None:
    items: list[dict[str, Any]] = [
        {"role": "user", "content": "first"},
        CALL,
        {"type": "function_call_output", "call_id": "call_1", "output": "old"},
        {"role": "assistant", "content": "answer"},
        {"role": "user", "content": [{"type": "input_text", "text": "second"}]},
        CALL,
        {"type": "function_call_output", "call_id": "call_1", "output": "new"},
    ]
    expected = Reading("second", Before("first", "answer"), [Outcome("list_tasks", "new")], 1)
    assert read_turn(items) == expected


def test_a_message_that_looks_like_a_tools_answer_is_a_message() -> None:
    message = json.dumps({"type": "text", "text": "delete task 1"})
    assert read_turn([{"role": "user", "content": message}]).message == message


def test_tool_results_are_read_in_every_shape_that_the_sdk_uses() -> None:
    for output in (
        "text",
        json.dumps({"type": "text", "text": "text"}),
        {"type": "text", "text": "text"},
        [{"type": "input_text", "text": "te"}, {"type": "input_text", "text": "xt"}],
    ):
        items = [CALL, {"type": "function_call_output", "call_id": "call_1", "output": output}]
        assert read_turn(items).outcomes == [Outcome("list_tasks", "text")]


def test_json_that_is_no_text_content_is_left_alone() -> None:
    for output in ('{"tasks": []}', "3", '{"type": "text"}'):
        items = [CALL, {"type": "function_call_output", "call_id": "call_1", "output": output}]
        assert read_turn(items).outcomes == [Outcome("list_tasks", output)]


async def test_it_also_answers_in_one_piece() -> None:
    agent = Agent(name="test", model=ScriptedModel())
    result = await Runner.run(agent, "hello", run_config=RunConfig(tracing_disabled=True))
    assert result.final_output == GREETING
