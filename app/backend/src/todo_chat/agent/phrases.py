"""What the scripted model understands: text to intent, a pure and total function."""

import re
from dataclasses import dataclass
from typing import Literal

Status = Literal["all", "pending", "completed", "deleted"]


@dataclass(frozen=True)
class ById:
    """A task named by its number."""

    task_id: int


@dataclass(frozen=True)
class ByName:
    """A task named by its title or a part of it."""

    name: str


@dataclass(frozen=True)
class It:
    """The task that the conversation is about."""


Reference = ById | ByName | It


@dataclass(frozen=True)
class Add:
    """Add a task."""

    title: str


@dataclass(frozen=True)
class ListTasks:
    """List tasks, those with ``search`` in them if it is given."""

    status: Status
    search: str = ""


@dataclass(frozen=True)
class Complete:
    """Complete a task."""

    task: Reference


@dataclass(frozen=True)
class Reopen:
    """Make a completed task pending again."""

    task: Reference


@dataclass(frozen=True)
class Delete:
    """Delete a task."""

    task: Reference


@dataclass(frozen=True)
class Restore:
    """Take a deleted task out of the trash."""

    task: Reference


@dataclass(frozen=True)
class Undo:
    """Take back what the last answer says was done."""


@dataclass(frozen=True)
class Update:
    """Change a task's title or description."""

    task: Reference
    field: Literal["title", "description"]
    value: str


@dataclass(frozen=True)
class Greet:
    """Answer a greeting."""


@dataclass(frozen=True)
class Unknown:
    """Explain what is understood."""


OnTask = Complete | Reopen | Delete | Restore | Update
Intent = Add | ListTasks | OnTask | Undo | Greet | Unknown

_MAX_ID_DIGITS = 18  # every number of that length fits a 64-bit integer


def _phrase(pattern: str) -> re.Pattern[str]:
    """A pattern in which a space stands for any white space, and a dot for any character."""
    return re.compile(pattern.replace(" ", r"\s+"), re.I | re.S)


_NUMBER = re.compile(
    rf"(?:the\s+)?(?:task|number|no\.?|#)?\s*#?(\d{{1,{_MAX_ID_DIGITS}}})", re.I | re.A
)
_IT = _phrase(r"(?:it|this|that|(?:this|that|the last|the same) (?:one|task))")
_GREETING = _phrase(r"(?:hi|hello|hey|good (?:morning|afternoon|evening))(?: there)?")
_STATUS_WORDS: tuple[tuple[Status, re.Pattern[str]], ...] = (
    ("deleted", _phrase(r"\b(?:deleted|trash|bin)\b")),
    ("pending", _phrase(r"\b(?:pending|open|left|unfinished|still to do|to be done)\b")),
    ("completed", _phrase(r"\b(?:completed|complete|done|finished)\b")),
)
_LIST = _phrase(
    r"(?:(?:please )?(?:show|list|see|view|display)\b.*"
    r"|(?:what|which)(?:'s|’s| is| are| have| do| did| tasks)\b.*"
    r"|(?:my )?(?:tasks|todos|to-dos|list|trash)"
    r"|(?:all|pending|open|completed|finished|deleted)(?: tasks)?)"
)
_FIND = _phrase(r"(?:please )?(?:find|search(?: for)?|look for) (?P<text>.+)")
_ADD = _phrase(
    r"(?:please )?(?:"
    r"(?:add|create|make)(?: me)?(?: an?| the)?(?: new)?(?: (?:task|todo|to-do|reminder))?"
    r"(?: (?:to|for|called|named))?:?"
    r"|remind me(?: to)?"
    r"|(?:i )?(?:need|have|want) to(?: remember to)?"
    r"|remember to"
    r"|new task:?"
    r") (?P<title>.+)"
)
_REOPEN = (
    _phrase(
        r"(?:please )?(?:mark|set) (?P<task>.+?) (?:as )?"
        r"(?:not (?:yet )?(?:done|complete|completed|finished)|pending|open|undone|incomplete)"
    ),
    _phrase(r"(?:please )?(?:re-?open|uncomplete|untick|uncheck) (?P<task>.+)"),
)
_COMPLETE = (
    _phrase(r"(?:please )?(?:mark|set) (?P<task>.+?) (?:as )?(?:done|complete|completed|finished)"),
    _phrase(r"(?:please )?(?:complete|finish|tick off|check off) (?P<task>.+)"),
    _phrase(r"(?:i(?:'ve|’ve| have)? )(?:finished|completed|done|did) (?P<task>.+)"),
    _phrase(r"(?P<task>(?:task )?#?\d+) is (?:done|complete|completed|finished)"),
)
_DELETE = (_phrase(r"(?:please )?(?:delete|remove|cancel|drop) (?P<task>.+)"),)
_RESTORE = (
    _phrase(
        r"(?:please )?(?:restore|undelete|recover|bring back) (?P<task>.+?)"
        r"(?: from the (?:trash|bin))?"
    ),
)
_UNDO = _phrase(r"(?:please )?undo(?: (?:it|this|that|the last change))?")
_UPDATE_DESCRIPTION = _phrase(
    r"(?:please )?(?:update|change|set) "
    r"(?:the description of (?P<of>.+?)|(?P<task>.+?)(?:'s|’s)? description) to (?P<value>.+)"
)
_UPDATE_TITLE = _phrase(r"(?:please )?(?:update|change|rename|edit) (?P<task>.+?) to (?P<value>.+)")
_NAME_FILLING = _phrase(r"^(?:the |my )?(?:task )?|(?: task)$")
_QUOTES = ('""', "''", "“”", "‘’", "«»", "„“", "»«")


def understand(text: str) -> Intent:
    """The intent of a message; :class:`Unknown` for everything that is not documented."""
    given = text.strip()
    said = given.rstrip(".!?").strip()
    if _GREETING.fullmatch(said):
        return Greet()
    if _UNDO.fullmatch(said):
        return Undo()
    # What becomes text of a task is taken as it is given; a reader of it gets all of it.
    return (
        _read_update(given)
        or _read_on_task(said)
        or _read_list(said)
        or _read_add(given)
        or Unknown()
    )


def read_number(text: str) -> ById | None:
    """The task that a bare number names, as the answer to the question which one is meant."""
    match = _NUMBER.fullmatch(text.strip().rstrip(".!?"))
    return ById(int(match[1])) if match and int(match[1]) > 0 else None


def _read_update(given: str) -> Intent | None:
    if match := _UPDATE_DESCRIPTION.fullmatch(given):
        task = _reference(match["of"] or match["task"])
        return Update(task, "description", _as_text(match["value"])) if task else None
    if match := _UPDATE_TITLE.fullmatch(given):
        task, title = _reference(match["task"]), _as_text(match["value"])
        return Update(task, "title", title) if task and title else None
    return None


_ON_TASK: tuple[
    tuple[type[Complete | Reopen | Delete | Restore], tuple[re.Pattern[str], ...]], ...
] = (
    # “mark it as not done” also reads as completing something called “it as not”.
    (Reopen, _REOPEN),
    (Complete, _COMPLETE),
    (Delete, _DELETE),
    (Restore, _RESTORE),
)


def _read_on_task(said: str) -> Intent | None:
    for intent, patterns in _ON_TASK:
        for pattern in patterns:
            if match := pattern.fullmatch(said):
                task = _reference(match["task"])
                return intent(task) if task else None
    return None


def _read_list(said: str) -> Intent | None:
    if match := _FIND.fullmatch(said):
        text = _unquoted(match["text"])
        return ListTasks("all", text) if text else None
    if not _LIST.fullmatch(said):
        return None
    for status, words in _STATUS_WORDS:
        if words.search(said):
            return ListTasks(status)
    return ListTasks("all")


def _read_add(given: str) -> Intent | None:
    match = _ADD.fullmatch(given)
    title = _as_text(match["title"]) if match else ""
    return Add(title) if title else None


def _reference(words: str) -> Reference | None:
    words = words.strip()
    if _IT.fullmatch(words):
        return It()
    words = _unquoted(words)
    if match := _NUMBER.fullmatch(words):
        # Zero is no task's number: the lookup by name then says that there is none.
        return ById(int(match[1])) if int(match[1]) > 0 else ByName(words)
    name = _unquoted(_NAME_FILLING.sub("", words).strip())
    return ByName(name) if name else None


def _unquoted(words: str) -> str:
    """Without the quotation marks around the whole; those within belong to it."""
    words = words.strip()
    marks, within = words[:1] + words[-1:], words[1:-1]
    if len(words) > 1 and marks in _QUOTES and not set(marks) & set(within):
        return within.strip()
    return words


def _as_text(words: str) -> str:
    """The text of a task: without the full stop that ends the sentence, and else as given."""
    words = words.strip()
    if words.endswith(".") and not words.endswith(".."):
        words = words[:-1]
    return _unquoted(words)
