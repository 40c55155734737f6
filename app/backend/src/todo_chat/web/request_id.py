"""The request id: taken from the caller when it is well formed, else made here."""

import re
import uuid
from contextvars import ContextVar

HEADER = "X-Request-Id"

_WELL_FORMED = re.compile(r"[A-Za-z0-9._-]{1,64}")
_current: ContextVar[str] = ContextVar("request_id", default="-")


def accept_request_id(candidate: str | None) -> str:
    """The candidate if it has 1 to 64 characters of ``A-Za-z0-9._-``, else a new random id.

    Anything else could forge log lines.
    """
    if candidate is not None and _WELL_FORMED.fullmatch(candidate):
        return candidate
    return uuid.uuid4().hex


def current_request_id() -> str:
    """The id of the request being served, ``-`` outside of one."""
    return _current.get()


def set_request_id(request_id: str) -> None:
    """Make the id current for this task and the tasks that it starts."""
    _current.set(request_id)
