"""Types for text that comes from outside."""

from typing import Annotated

from pydantic import AfterValidator, StringConstraints


def _storable(value: str) -> str:
    # PostgreSQL's text cannot hold U+0000, UTF-8 cannot hold half a surrogate pair.
    if "\x00" in value or any("\ud800" <= char <= "\udfff" for char in value):
        raise ValueError("must not contain U+0000 or unpaired surrogates")
    return value


Storable = AfterValidator(_storable)
"""Refuses characters that the database cannot store."""

Title = Annotated[
    str, StringConstraints(min_length=1, max_length=200, strip_whitespace=True), Storable
]
Description = Annotated[str, StringConstraints(max_length=2000), Storable]

BIGINT_MAX = 2**63 - 1
"""Largest id that the database can hold."""
