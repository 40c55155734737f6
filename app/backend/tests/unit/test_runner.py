"""Translation of the Agents SDK's events and errors."""

from types import SimpleNamespace
from typing import Any

import pytest
from agents import AgentsException, MaxTurnsExceeded, ModelBehaviorError

from todo_chat.agent.failures import failure_of
from todo_chat.agent.runner import _called, _returned
from todo_chat.agent.tools import ToolsUnavailableError


@pytest.mark.parametrize(
    ("written", "shown"),
    [
        ('{"task_id": 1}', {"task_id": 1}),
        ("{", {"unreadable": "{"}),
        ("[1]", {"unreadable": "[1]"}),
    ],
)
def test_arguments_are_shown_as_the_model_wrote_them(written: str, shown: dict[str, Any]) -> None:
    names: dict[str, str] = {}
    call = SimpleNamespace(call_id="call_1", name="delete_task", arguments=written)
    assert _called(call, names).arguments == shown
    assert names == {"call_1": "delete_task"}


@pytest.mark.parametrize(
    ("output", "result"),
    [
        ({"type": "text", "text": '{"id": 1}'}, {"id": 1}),
        ('{"id": 1}', {"id": 1}),
        ("There is no task 1.", "There is no task 1."),
    ],
)
@pytest.mark.parametrize("ok", [True, False])
def test_success_is_what_the_server_says_however_the_answer_reads(
    output: Any, result: Any, ok: bool
) -> None:
    returned = _returned("call_1", "delete_task", output, {"call_1": ok}.__getitem__)
    assert (returned.name, returned.ok, returned.result) == ("delete_task", ok, result)


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (ToolsUnavailableError("refused"), "tools_unavailable"),
        (MaxTurnsExceeded("10"), "model_loops"),
        (ModelBehaviorError("nonsense"), "model_bad_answer"),
        (AgentsException("something"), "agent_failed"),
        (ValueError("a bug"), "agent_failed"),
    ],
)
def test_every_failure_has_a_code_and_keeps_its_text_inside(error: Exception, code: str) -> None:
    failure = failure_of(error)
    assert failure.code == code
    assert str(error) not in failure.message
