"""The scripted model's decisions: intent and tool results so far to the next step. Pure."""

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from todo_chat.agent.phrases import (
    Add,
    ById,
    ByName,
    Complete,
    Delete,
    Greet,
    Intent,
    It,
    ListTasks,
    OnTask,
    Reference,
    Reopen,
    Restore,
    Undo,
    Unknown,
    Update,
    read_number,
    understand,
)

GREETING = "Hello! I look after your to-do list. Say, for example, “add buy milk”."
HELP = (
    "I did not understand that. I am a scripted model and know these phrases: "
    "“add buy milk”, “show all my tasks”, “what's pending”, “what have I completed”, "
    "“complete task 3”, “reopen task 3”, “delete buy milk”, “undo”, “restore task 3”, "
    "“find milk”, “change task 1 to call mum tonight”."
)
WHICH = "Which task do you mean? Say its number or its title."
SEVERAL = "Several tasks match; which number do you mean?"
NOTHING_TO_UNDO = "There is nothing that I could undo. Say what the task should be."
_SENTENCES: dict[type[Greet | Unknown | Undo], str] = {
    Greet: GREETING,
    Unknown: HELP,
    Undo: NOTHING_TO_UNDO,
}
MAX_PAGES = 7
"""Most pages read in search of a name: the loop allows ten steps, and the change needs some."""


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


@dataclass(frozen=True)
class Before:
    """What was said last before the message: by the user, and by the assistant in answer."""

    question: str = ""
    answer: str = ""


@dataclass(frozen=True)
class Done:
    """What an answer says was done, and to which task."""

    verb: str
    task_id: int


_VERBS = ("Added", "Completed", "Reopened", "Deleted", "Restored", "Updated")
_DONE = re.compile(rf"({'|'.join(_VERBS)}) task (\d+): ", re.A)
_ONLY_ONE = re.compile(r"Here is your task:\n(\d+)\. ", re.A)


def read_done(answer: str) -> Done | None:
    """What the answer says was done; only its beginning counts, for the rest may be a title."""
    match = _DONE.match(answer)
    return Done(match[1], int(match[2])) if match else None


def resolve(message: str, before: Before) -> Intent:
    """The intent of the message in its conversation."""
    intent = understand(message)
    if isinstance(intent, Unknown) and before.answer.startswith((SEVERAL, WHICH)):
        asked, number = understand(before.question), read_number(message)
        if number and isinstance(asked, OnTask):
            return _of(asked, number)
    if isinstance(intent, Undo):
        return _opposite(read_done(before.answer)) or intent
    if isinstance(intent, OnTask) and isinstance(intent.task, It):
        known = _subject(before.answer)
        return _of(intent, known) if known else intent
    return intent


def _subject(answer: str) -> ById | None:
    if done := read_done(answer):
        return ById(done.task_id)
    match = _ONLY_ONE.match(answer)
    return ById(int(match[1])) if match else None


def _of(intent: OnTask, task: Reference) -> OnTask:
    return replace(intent, task=task)


def _opposite(done: Done | None) -> OnTask | None:
    if done is None:
        return None
    task = ById(done.task_id)
    opposites: dict[str, OnTask] = {
        "Added": Delete(task),
        "Completed": Reopen(task),
        "Reopened": Complete(task),
        "Deleted": Restore(task),
        "Restored": Delete(task),
    }
    return opposites.get(done.verb)


def next_step(intent: Intent, outcomes: Sequence[Outcome]) -> Step:
    """What to do after the calls made so far; ends after at most ``MAX_PAGES`` + 1 calls."""
    match intent:
        case Greet() | Unknown() | Undo():
            return Say(_SENTENCES[type(intent)])
        case Add(title=title):
            return (
                _conclude(outcomes[-1], "Added") if outcomes else Use("add_task", {"title": title})
            )
        case ListTasks():
            if outcomes:
                return _conclude_list(outcomes[-1])
            return _list(intent.status, intent.search)
        case Complete() | Reopen() | Delete() | Restore() | Update():
            return _act_on_task(intent, outcomes)


def _list(status: str, search: str, before: int | None = None) -> Use:
    arguments: dict[str, Any] = {"status": status}
    if search:
        arguments["search"] = search
    if before is not None:
        arguments["before"] = before
    return Use("list_tasks", arguments)


def _act_on_task(intent: OnTask, outcomes: Sequence[Outcome]) -> Step:
    if outcomes and outcomes[-1].tool != "list_tasks":
        return _conclude(outcomes[-1], _verb(intent))
    match intent.task:
        case It():
            return Say(WHICH)
        case ById(task_id=task_id):
            return _change(intent, task_id)
        case ByName(name=name):
            return _act_on_name(intent, name, outcomes)


def _act_on_name(intent: OnTask, name: str, outcomes: Sequence[Outcome]) -> Step:
    status = "deleted" if isinstance(intent, Restore) else "all"
    if not outcomes:
        return _list(status, name)
    listed = _result(outcomes[-1])
    if listed is None:
        return _failed(outcomes[-1])
    more = listed.get("next_before")
    if more is not None and len(outcomes) < MAX_PAGES:
        return _list(status, name, more)
    return _act_on_match(intent, name, outcomes, complete=more is None)


def _act_on_match(
    intent: OnTask, name: str, outcomes: Sequence[Outcome], *, complete: bool
) -> Step:
    pages = [result for outcome in outcomes if (result := _result(outcome))]
    tasks = [task for page in pages for task in page["tasks"]]
    matches = find_by_name(name, tasks, preferred=_preferred(intent))
    if len(matches) == 1:
        return _change(intent, matches[0]["id"])
    if matches:
        return Say(f"{SEVERAL}\n{_lines(matches)}")
    if complete:
        return Say(f"I found no task called “{name}”.")
    return Say(f"Too many tasks have “{name}” in them. Say the number of the one you mean.")


def _preferred(intent: OnTask) -> bool | None:
    """Whether the task that is meant is completed, where the intent tells."""
    match intent:
        case Complete():
            return False
        case Reopen():
            return True
        case _:
            return None


def find_by_name(
    name: str, tasks: Sequence[dict[str, Any]], *, preferred: bool | None = None
) -> list[dict[str, Any]]:
    """The tasks with exactly this title, else those with it as whole words; case is ignored.

    Tasks whose ``completed`` is not the preferred one count only when no other matches.
    """
    wanted = name.casefold()
    words = re.compile(rf"(?<!\w){re.escape(wanted)}(?!\w)")
    exact = [task for task in tasks if _bare(task["title"]) == _bare(name)]
    matches = exact or [task for task in tasks if words.search(task["title"].casefold())]
    if preferred is None:
        return matches
    return [task for task in matches if task["completed"] == preferred] or matches


def _bare(title: str) -> str:
    """A sentence's end may be missing where the title is said."""
    return title.casefold().rstrip(".!?").strip()


def _change(intent: OnTask, task_id: int) -> Use:
    match intent:
        case Complete():
            return Use("complete_task", {"task_id": task_id})
        case Reopen():
            return Use("update_task", {"task_id": task_id, "completed": False})
        case Delete():
            return Use("delete_task", {"task_id": task_id})
        case Restore():
            return Use("restore_task", {"task_id": task_id})
        case Update(field=field, value=value):
            return Use("update_task", {"task_id": task_id, field: value})


def _verb(intent: OnTask) -> str:
    verbs: dict[type[OnTask], str] = {
        Complete: "Completed",
        Reopen: "Reopened",
        Delete: "Deleted",
        Restore: "Restored",
        Update: "Updated",
    }
    return verbs[type(intent)]


def _failed(outcome: Outcome) -> Say:
    reason = outcome.output.removeprefix(f"Error executing tool {outcome.tool}: ")
    return Say(f"That did not work: {reason}")


def _conclude(outcome: Outcome, verb: str) -> Say:
    result = _result(outcome)
    if result is None:
        return _failed(outcome)
    text = f"{verb} task {result['id']}: {result['title']}"
    if result.get("note"):
        text += "\nThat was done when you sent this before; nothing was done twice."
    elif verb == "Deleted":
        text += "\nSay “undo” to get it back."
    return Say(text)


def _conclude_list(outcome: Outcome) -> Say:
    result = _result(outcome)
    if result is None:
        return _failed(outcome)
    tasks = result["tasks"]
    if not tasks:
        return Say("There are no such tasks.")
    if len(tasks) == 1:
        return Say(f"Here is your task:\n{_lines(tasks)}")
    text = f"Here are your tasks, newest first:\n{_lines(tasks)}"
    if result.get("truncated"):
        shown, total = len(tasks), result.get("total", "more")
        text += f"\nThese are {shown} of {total}; say “find …” with a word of the one you look for."
    return Say(text)


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
