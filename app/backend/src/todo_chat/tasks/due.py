"""When a task is due: what is taken for a due date."""

import re
from datetime import UTC, datetime
from typing import Annotated, Any

from pydantic import BeforeValidator, WithJsonSchema

EXAMPLE = "2030-03-01T17:00:00Z"

_WRITTEN = re.compile(
    r"\d{4}-\d\d-\d\d[Tt]\d\d:\d\d(:\d\d(\.\d{1,9})?)?(?P<zone>[Zz]|[+-]\d\d:\d\d)?", re.A
)


def parse_due(given: Any) -> datetime:
    """A date and time of ISO 8601 with its zone, as a time in UTC.

    Raises:
        ValueError: in words for whoever wrote it.
    """
    if isinstance(given, datetime):
        return given
    match = _WRITTEN.fullmatch(given) if isinstance(given, str) else None
    if match is None:
        raise ValueError(f"has to be a date and time of ISO 8601 with a zone, such as {EXAMPLE}")
    if match["zone"] is None:
        raise ValueError(f"has no zone: write Z for UTC or an offset such as +01:00 after {given}")
    try:
        return datetime.fromisoformat(match[0].upper()).astimezone(UTC)
    except ValueError as error:
        raise ValueError(f"is no date and time: {error}") from None
    except OverflowError:
        raise ValueError("is outside of the years 1 to 9999 in UTC") from None


DueAt = Annotated[
    datetime,
    BeforeValidator(parse_due),
    WithJsonSchema({"type": "string", "format": "date-time", "examples": [EXAMPLE]}),
]
"""A due date as clients give it."""
