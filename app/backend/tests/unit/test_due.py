"""What counts as a due date."""

import re
from datetime import UTC, datetime
from typing import Any

import pytest

from todo_chat.tasks.due import EXAMPLE, parse_due


@pytest.mark.parametrize(
    ("given", "utc"),
    [
        ("2030-03-01T17:00:00Z", datetime(2030, 3, 1, 17, tzinfo=UTC)),
        ("2030-03-01T17:00Z", datetime(2030, 3, 1, 17, tzinfo=UTC)),
        ("2030-03-01t17:00:00z", datetime(2030, 3, 1, 17, tzinfo=UTC)),
        ("2030-03-01T00:30:00+01:00", datetime(2030, 2, 28, 23, 30, tzinfo=UTC)),
        ("2030-03-01T17:00:00.123456789-05:30", datetime(2030, 3, 1, 22, 30, 0, 123456, UTC)),
        (EXAMPLE, datetime(2030, 3, 1, 17, tzinfo=UTC)),
    ],
)
def test_a_time_with_a_zone(given: str, utc: datetime) -> None:
    assert parse_due(given) == utc


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ("2030-03-01T17:00:00", "has no zone: write Z for UTC or an offset such as"),
        ("2030-03-01", "ISO 8601 with a zone"),
        ("2030-03-01 17:00:00Z", "ISO 8601 with a zone"),
        ("tomorrow", EXAMPLE),
        ("", EXAMPLE),
        ("٢٠٣٠-03-01T17:00:00Z", EXAMPLE),
        (1893456000, EXAMPLE),
        (True, EXAMPLE),
        (["2030-03-01T17:00:00Z"], EXAMPLE),
        ("2030-02-30T17:00:00Z", "no date and time: day is out of range"),
        ("2030-03-01T24:01:00Z", "no date and time: hour must be in"),
        ("2030-03-01T17:00:00+99:00", "no date and time: offset"),
        ("0001-01-01T00:00:00+01:00", "outside of the years 1 to 9999"),
        ("9999-12-31T23:59:59-01:00", "outside of the years 1 to 9999"),
    ],
)
def test_anything_else_is_refused_in_words(given: Any, words: str) -> None:
    with pytest.raises(ValueError, match=re.escape(words)):
        parse_due(given)
