"""From a provider's subject to a user id."""

import base64
import hashlib
import re
from typing import TypeGuard

from todo_chat.security import USER_ID_PATTERN

MAX_SUBJECT_CHARACTERS = 255
"""OpenID Connect Core, section 2: a subject has at most 255 ASCII characters."""
DERIVED_PREFIX = "sub-"

_USER_ID = re.compile(USER_ID_PATTERN)


def is_subject(value: object) -> TypeGuard[str]:
    """Whether a claim ``sub`` can be used: a printable text of 1 to 255 characters."""
    return (
        isinstance(value, str) and 0 < len(value) <= MAX_SUBJECT_CHARACTERS and value.isprintable()
    )


def user_id_of(issuer: str, subject: str) -> str:
    """The subject itself where it is a valid user id, else one that is derived from both.

    A derived id is ``sub-`` and the SHA-256 of issuer, line feed, subject in base64url without
    padding: 47 characters, the same for ever. A subject that looks like a derived id is
    derived too, so that nobody can choose to be somebody else.
    """
    if _USER_ID.fullmatch(subject) and not subject.startswith(DERIVED_PREFIX):
        return subject
    digest = hashlib.sha256(f"{issuer}\n{subject}".encode()).digest()
    return DERIVED_PREFIX + base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
