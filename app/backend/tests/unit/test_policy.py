"""The scripted model's decisions."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from todo_chat.agent.phrases import (
    Add,
    ById,
    ByName,
    Complete,
    Delete,
    Intent,
    It,
    ListTasks,
    Reopen,
    Restore,
    Undo,
    Unknown,
    Update,
    understand,
)
from todo_chat.agent.policy import (
    HELP,
    MAX_PAGES,
    NOTHING_TO_UNDO,
    SEVERAL,
    WHICH,
    Before,
    Outcome,
    Say,
    Use,
    find_by_name,
    next_step,
    resolve,
)

MILK = {"id": 1, "title": "buy milk", "completed": False}
OAT = {"id": 2, "title": "buy oat milk", "completed": False}
RENT = {"id": 3, "title": "pay rent", "completed": True}


def listed(*tasks: dict[str, Any]) -> Outcome:
    page = {"tasks": tasks, "truncated": False, "total": len(tasks), "next_before": None}
    return Outcome("list_tasks", json.dumps(page))


def test_by_number_needs_one_call() -> None:
    assert next_step(Delete(ById(7)), []) == Use("delete_task", {"task_id": 7})


def test_by_name_lists_first() -> None:
    intent = Delete(ByName("Pay Rent"))
    assert next_step(intent, []) == Use("list_tasks", {"status": "all", "search": "Pay Rent"})
    assert next_step(intent, [listed(MILK, RENT)]) == Use("delete_task", {"task_id": 3})
    done = [listed(MILK, RENT), Outcome("delete_task", json.dumps(RENT))]
    said = Say("Deleted task 3: pay rent\nSay “undo” to get it back.")
    assert next_step(intent, done) == said


def test_every_page_is_read_before_a_name_is_decided() -> None:
    intent = Delete(ByName("milk"))
    first = Outcome("list_tasks", json.dumps({"tasks": [OAT], "truncated": True, "next_before": 2}))
    page = {"status": "all", "search": "milk", "before": 2}
    assert next_step(intent, [first]) == Use("list_tasks", page)
    step = next_step(intent, [first, listed(MILK)])
    assert isinstance(step, Say)
    assert step.text.startswith(SEVERAL)
    exact = {**MILK, "title": "Milk"}
    assert next_step(intent, [first, listed(exact)]) == Use("delete_task", {"task_id": 1})


def test_a_name_in_more_tasks_than_can_be_read_is_asked_about() -> None:
    other = {**OAT, "title": "milkshake"}
    page = {"tasks": [other], "truncated": True, "next_before": 2}
    pages = [Outcome("list_tasks", json.dumps(page))] * MAX_PAGES
    step = next_step(Delete(ByName("milk")), pages)
    assert isinstance(step, Say)
    assert step.text.startswith("Too many tasks")


def test_what_an_earlier_attempt_did_is_said_so() -> None:
    output = json.dumps({**MILK, "note": "done before"})
    step = next_step(Add("some milk"), [Outcome("add_task", output)])
    assert isinstance(step, Say)
    assert step.text.startswith("Added task 1: buy milk\nThat was done when you sent this before")


def test_a_page_of_a_long_list_says_how_many_there_are() -> None:
    listing = {"tasks": [MILK, OAT], "truncated": True, "total": 501, "next_before": 1}
    step = next_step(ListTasks("all"), [Outcome("list_tasks", json.dumps(listing))])
    assert isinstance(step, Say)
    assert "These are 2 of 501" in step.text


SAID = [
    ("Added task 5: buy milk", "delete it", Delete(ById(5))),
    ("Completed task 5: x", "reopen it", Reopen(ById(5))),
    ("Updated task 5: Added task 7: x", "complete that", Complete(ById(5))),
    ("Here is your task:\n5. [ ] buy milk", "rename it to x", Update(ById(5), "title", "x")),
    ("Here are your tasks, newest first:\n5. [ ] a\n4. [ ] b", "delete it", Delete(It())),
    ("Hello! Deleted task 5: x", "delete it", Delete(It())),
    ("", "delete it", Delete(It())),
    ("Deleted task 5: x", "undo", Restore(ById(5))),
    ("Completed task 5: x", "undo", Reopen(ById(5))),
    ("Reopened task 5: x", "undo", Complete(ById(5))),
    ("Added task 5: x", "undo", Delete(ById(5))),
    ("Restored task 5: x", "undo", Delete(ById(5))),
    ("Updated task 5: x", "undo", Undo()),
    ("", "undo", Undo()),
]


@pytest.mark.parametrize(("answer", "message", "intent"), SAID, ids=str)
def test_it_is_what_the_last_answer_was_about(answer: str, message: str, intent: Intent) -> None:
    assert resolve(message, Before("whatever", answer)) == intent


@pytest.mark.parametrize("question", [SEVERAL, WHICH])
def test_a_number_answers_the_question_which_one(question: str) -> None:
    assert resolve("7", Before("delete milk", question)) == Delete(ById(7))
    assert resolve("Task 7.", Before("reopen it", question)) == Reopen(ById(7))
    assert resolve("7", Before("hello", question)) == Unknown()
    assert resolve("7", Before("delete milk", "Added task 1: x")) == Unknown()


def test_it_without_a_task_is_asked_about_and_nothing_is_called() -> None:
    for message in ("delete it", "complete that", "rename it to x", "restore it"):
        assert next_step(resolve(message, Before()), []) == Say(WHICH)
    assert next_step(Undo(), []) == Say(NOTHING_TO_UNDO)


def test_what_is_restored_is_looked_for_in_the_trash() -> None:
    wanted = {"status": "deleted", "search": "milk"}
    assert next_step(Restore(ByName("milk")), []) == Use("list_tasks", wanted)
    restored = [listed(MILK), Outcome("restore_task", json.dumps(MILK))]
    assert next_step(Restore(ByName("milk")), restored) == Say("Restored task 1: buy milk")


@pytest.mark.parametrize(
    ("name", "title", "found"),
    [
        ("it", "write a letter", False),
        ("it", "do it now", True),
        ("milk", "buy milkshake", False),
        ("milk", "buy milk, eggs", True),
        ("MILK", "Milk", True),
        ("café", "the CAFÉ visit", True),
        ("caf", "café", False),
        ("rent", "current account", False),
        ("c++", "learn c++ today", True),
        ("who is coming", "who is coming?", True),
        ("buy milk", "rebuy milk", False),
    ],
)
def test_a_name_is_whole_words(name: str, title: str, found: bool) -> None:
    assert bool(find_by_name(name, [{"id": 1, "title": title, "completed": False}])) is found


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
    assert find_by_name("buy milk", [done, MILK], preferred=False) == [MILK]
    assert find_by_name("buy milk", [done], preferred=False) == [done]


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
