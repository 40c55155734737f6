"""What the scripted model understands: text to intent, a pure and total function."""

import re
from dataclasses import dataclass
from typing import Literal

Status = Literal["all", "pending", "completed"]


@dataclass(frozen=True)
class ById:
    """A task named by its number."""

    task_id: int


@dataclass(frozen=True)
class ByName:
    """A task named by its title or a part of it."""

    name: str


Reference = ById | ByName


@dataclass(frozen=True)
class Add:
    """Add a task."""

    title: str


@dataclass(frozen=True)
class ListTasks:
    """List tasks."""

    status: Status


@dataclass(frozen=True)
class Complete:
    """Complete a task."""

    task: Reference


@dataclass(frozen=True)
class Delete:
    """Delete a task."""

    task: Reference


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


Intent = Add | ListTasks | Complete | Delete | Update | Greet | Unknown

_MAX_ID_DIGITS = 18  # every number of that length fits a 64-bit integer
_TITLE_MAX = 200

_NUMBER = re.compile(rf"(?:the )?(?:task|number|no\.?|#)? ?#?(\d{{1,{_MAX_ID_DIGITS}}})", re.I)
_GREETING = re.compile(r"(?:hi|hello|hey|good (?:morning|afternoon|evening))(?: there)?", re.I)
_STATUS_WORDS: tuple[tuple[Status, re.Pattern[str]], ...] = (
    ("pending", re.compile(r"\b(?:pending|open|left|unfinished|still to do|to be done)\b", re.I)),
    ("completed", re.compile(r"\b(?:completed|complete|done|finished)\b", re.I)),
)
_LIST = re.compile(
    r"(?:(?:please )?(?:show|list|see|view|display)\b.*"
    r"|(?:what|which)(?:'s|’s| is| are| have| do| did| tasks)\b.*"
    r"|(?:my )?(?:tasks|todos|to-dos|list)"
    r"|(?:all|pending|open|completed|finished)(?: tasks)?)",
    re.I,
)
_ADD = re.compile(
    r"(?:please )?(?:"
    r"(?:add|create|make)(?: me)?(?: an?| the)?(?: new)?(?: (?:task|todo|to-do|reminder))?"
    r"(?: (?:to|for|called|named))?:?"
    r"|remind me(?: to)?"
    r"|(?:i )?(?:need|have|want) to(?: remember to)?"
    r"|remember to"
    r"|new task:?"
    r") (?P<title>.+)",
    re.I | re.S,
)
_COMPLETE = (
    re.compile(
        r"(?:please )?(?:mark|set) (?P<task>.+?) (?:as )?(?:done|complete|completed|finished)",
        re.I | re.S,
    ),
    re.compile(r"(?:please )?(?:complete|finish|tick off|check off) (?P<task>.+)", re.I | re.S),
    re.compile(
        r"(?:i(?:'ve|’ve| have)? )(?:finished|completed|done|did) (?P<task>.+)", re.I | re.S
    ),
    re.compile(r"(?P<task>(?:task )?#?\d+) is (?:done|complete|completed|finished)", re.I | re.S),
)
_DELETE = re.compile(r"(?:please )?(?:delete|remove|cancel|drop) (?P<task>.+)", re.I | re.S)
_UPDATE_DESCRIPTION = re.compile(
    r"(?:please )?(?:update|change|set) "
    r"(?:the description of (?P<of>.+?)|(?P<task>.+?)(?:'s|’s)? description) to (?P<value>.+)",
    re.I | re.S,
)
_UPDATE_TITLE = re.compile(
    r"(?:please )?(?:update|change|rename|edit) (?P<task>.+?) to (?P<value>.+)", re.I | re.S
)
_NAME_FILLING = re.compile(r"^(?:the |my )?(?:task )?|(?: task)$", re.I)


def understand(text: str) -> Intent:
    """The intent of a message; :class:`Unknown` for everything that is not documented."""
    said = " ".join(text.split()).rstrip(".!?").strip()
    if _GREETING.fullmatch(said):
        return Greet()
    for reader in (_read_update, _read_complete, _read_delete, _read_list, _read_add):
        intent = reader(said)
        if intent is not None:
            return intent
    return Unknown()


def _read_update(said: str) -> Intent | None:
    if match := _UPDATE_DESCRIPTION.fullmatch(said):
        task = _reference(match["of"] or match["task"])
        return Update(task, "description", _unquoted(match["value"])) if task else None
    if match := _UPDATE_TITLE.fullmatch(said):
        task, title = _reference(match["task"]), _title(match["value"])
        return Update(task, "title", title) if task and title else None
    return None


def _read_complete(said: str) -> Intent | None:
    for pattern in _COMPLETE:
        if match := pattern.fullmatch(said):
            task = _reference(match["task"])
            return Complete(task) if task else None
    return None


def _read_delete(said: str) -> Intent | None:
    match = _DELETE.fullmatch(said)
    task = _reference(match["task"]) if match else None
    return Delete(task) if task else None


def _read_list(said: str) -> Intent | None:
    if not _LIST.fullmatch(said):
        return None
    for status, words in _STATUS_WORDS:
        if words.search(said):
            return ListTasks(status)
    return ListTasks("all")


def _read_add(said: str) -> Intent | None:
    match = _ADD.fullmatch(said)
    title = _title(match["title"]) if match else ""
    return Add(title) if title else None


def _reference(words: str) -> Reference | None:
    words = _unquoted(words)
    if match := _NUMBER.fullmatch(words):
        # Zero is no task's number: the lookup by name then says that there is none.
        return ById(int(match[1])) if int(match[1]) > 0 else ByName(words)
    name = _unquoted(_NAME_FILLING.sub("", words).strip())
    return ByName(name) if name else None


def _unquoted(words: str) -> str:
    return words.strip().strip("\"'“”‘’«»").strip()


def _title(words: str) -> str:
    return _unquoted(words)[:_TITLE_MAX].strip()
