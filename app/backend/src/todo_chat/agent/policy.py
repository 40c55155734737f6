"""The scripted model's decisions: intent and tool results so far to the next step. Pure."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from todo_chat.agent.phrases import (
    Add,
    ById,
    ByName,
    Complete,
    Delete,
    Greet,
    Intent,
    ListTasks,
    Unknown,
    Update,
)

GREETING = "Hello! I look after your to-do list. Say, for example, “add buy milk”."
HELP = (
    "I did not understand that. I am a scripted model and know these phrases: "
    "“add buy milk”, “show all my tasks”, “what's pending”, “what have I completed”, "
    "“complete task 3”, “delete buy milk”, “change task 1 to call mum tonight”."
)


@dataclass(frozen=True)
class Say:
    """Answer the user."""

    text: str


@dataclass(frozen=True)
class Use:
    """Call a tool."""

    tool: str
    arguments: dict[str, Any]


Step = Say | Use


@dataclass(frozen=True)
class Outcome:
    """A tool call that this turn has made, with the text that came back."""

    tool: str
    output: str


def next_step(intent: Intent, outcomes: Sequence[Outcome]) -> Step:
    """What to do after the calls made so far; ends after at most two calls."""
    match intent:
        case Greet():
            return Say(GREETING)
        case Unknown():
            return Say(HELP)
        case Add() | ListTasks():
            if outcomes:
                return _conclude(outcomes[-1])
            return _first_call(intent)
        case Complete() | Delete() | Update():
            return _act_on_task(intent, outcomes)


def _first_call(intent: Add | ListTasks) -> Use:
    match intent:
        case Add(title=title):
            return Use("add_task", {"title": title})
        case ListTasks(status=status):
            return Use("list_tasks", {"status": status})


def _act_on_task(intent: Complete | Delete | Update, outcomes: Sequence[Outcome]) -> Step:
    if outcomes and outcomes[-1].tool != "list_tasks":
        return _conclude(outcomes[-1])
    if isinstance(intent.task, ById):
        return _change(intent, intent.task.task_id)
    if not outcomes:
        return Use("list_tasks", {"status": "all"})
    listed = _result(outcomes[-1])
    if listed is None:
        return _conclude(outcomes[-1])
    return _act_on_match(intent, intent.task, listed["tasks"])


def _act_on_match(
    intent: Complete | Delete | Update, wanted: ByName, tasks: Sequence[dict[str, Any]]
) -> Step:
    matches = find_by_name(wanted.name, tasks, pending_first=isinstance(intent, Complete))
    if not matches:
        return Say(f"I found no task called “{wanted.name}”.")
    if len(matches) > 1:
        return Say("Several tasks match; which number do you mean?\n" + _lines(matches))
    return _change(intent, matches[0]["id"])


def find_by_name(
    name: str, tasks: Sequence[dict[str, Any]], *, pending_first: bool = False
) -> list[dict[str, Any]]:
    """The tasks with exactly this title (ignoring case), else those whose title contains it.

    With ``pending_first`` completed tasks count only when no pending one matches.
    """
    wanted = name.casefold()
    exact = [task for task in tasks if task["title"].casefold() == wanted]
    matches = exact or [task for task in tasks if wanted in task["title"].casefold()]
    if pending_first:
        return [task for task in matches if not task["completed"]] or matches
    return matches


def _change(intent: Complete | Delete | Update, task_id: int) -> Use:
    match intent:
        case Complete():
            return Use("complete_task", {"task_id": task_id})
        case Delete():
            return Use("delete_task", {"task_id": task_id})
        case Update(field=field, value=value):
            return Use("update_task", {"task_id": task_id, field: value})


def _conclude(outcome: Outcome) -> Say:
    result = _result(outcome)
    if result is None:
        reason = outcome.output.removeprefix(f"Error executing tool {outcome.tool}: ")
        return Say(f"That did not work: {reason}")
    if outcome.tool == "list_tasks":
        return Say(_describe_list(result["tasks"]))
    verb = {
        "add_task": "Added",
        "complete_task": "Completed",
        "delete_task": "Deleted",
        "update_task": "Updated",
    }[outcome.tool]
    return Say(f"{verb} task {result['id']}: {result['title']}")


def _describe_list(tasks: Sequence[dict[str, Any]]) -> str:
    if not tasks:
        return "There are no such tasks."
    return "Here are your tasks:\n" + _lines(tasks)


def _lines(tasks: Sequence[dict[str, Any]]) -> str:
    return "\n".join(
        f"{task['id']}. [{'x' if task['completed'] else ' '}] {task['title']}" for task in tasks
    )


def _result(outcome: Outcome) -> dict[str, Any] | None:
    """The tool's structured answer, None when it answered with an error in words."""
    try:
        result = json.loads(outcome.output)
    except json.JSONDecodeError:
        return None
    return result if isinstance(result, dict) else None
