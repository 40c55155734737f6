"""The scripted model's decisions."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from todo_chat.agent.phrases import ById, ByName, Complete, Delete, ListTasks, understand
from todo_chat.agent.policy import HELP, Outcome, Say, Use, find_by_name, next_step

MILK = {"id": 1, "title": "buy milk", "completed": False}
OAT = {"id": 2, "title": "buy oat milk", "completed": False}
RENT = {"id": 3, "title": "pay rent", "completed": True}


def listed(*tasks: dict[str, Any]) -> Outcome:
    return Outcome("list_tasks", json.dumps({"tasks": tasks, "truncated": False}))


def test_by_number_needs_one_call() -> None:
    assert next_step(Delete(ById(7)), []) == Use("delete_task", {"task_id": 7})


def test_by_name_lists_first() -> None:
    intent = Delete(ByName("Pay Rent"))
    assert next_step(intent, []) == Use("list_tasks", {"status": "all"})
    assert next_step(intent, [listed(MILK, RENT)]) == Use("delete_task", {"task_id": 3})
    done = [listed(MILK, RENT), Outcome("delete_task", json.dumps(RENT))]
    assert next_step(intent, done) == Say("Deleted task 3: pay rent")


def test_several_matches_are_asked_about() -> None:
    step = next_step(Complete(ByName("milk")), [listed(MILK, OAT)])
    assert isinstance(step, Say)
    assert "1. [ ] buy milk\n2. [ ] buy oat milk" in step.text


@pytest.mark.parametrize("intent", [Complete(ById(1)), ListTasks("all"), Delete(ByName("x"))])
def test_a_tool_error_is_passed_on_in_words(intent: Any) -> None:
    outcomes = [Outcome("list_tasks", "The database does not answer.")]
    if intent == Complete(ById(1)):
        outcomes = [Outcome("complete_task", "The database does not answer.")]
    assert next_step(intent, outcomes) == Say("That did not work: The database does not answer.")


def test_the_tools_own_prefix_is_not_shown() -> None:
    error = Outcome("delete_task", "Error executing tool delete_task: There is no task 7.")
    assert next_step(Delete(ById(7)), [error]) == Say("That did not work: There is no task 7.")


def test_a_tool_answer_that_is_no_object_counts_as_an_error() -> None:
    assert next_step(ListTasks("all"), [Outcome("list_tasks", "3")]) == Say("That did not work: 3")


def test_an_exact_title_wins_over_a_part() -> None:
    assert find_by_name("buy milk", [OAT, MILK]) == [MILK]
    assert find_by_name("MILK", [OAT, MILK, RENT]) == [OAT, MILK]


def test_completing_prefers_what_is_pending() -> None:
    done = {**MILK, "id": 9, "completed": True}
    assert find_by_name("buy milk", [done, MILK], pending_first=True) == [MILK]
    assert find_by_name("buy milk", [done], pending_first=True) == [done]


def test_the_help_names_only_phrases_that_are_understood() -> None:
    for phrase in HELP.split("“")[1:]:
        assert next_step(understand(phrase.split("”")[0]), []) != Say(HELP)


@given(st.text(), st.lists(st.text(), min_size=2, max_size=2))
def test_any_message_ends_with_words_whatever_the_tools_say(text: str, outputs: list[str]) -> None:
    intent = understand(text)
    outcomes: list[Outcome] = []
    for output in outputs:
        step = next_step(intent, outcomes)
        if isinstance(step, Say):
            assert step.text
            return
        outcomes.append(Outcome(step.tool, output))
    assert isinstance(next_step(intent, outcomes), Say)
