"""Sessions of browsers: kept in the database, so that every replica knows them and their end."""

import base64
import hashlib
import re
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import delete, func
from sqlmodel import col, select

from todo_chat.db.session import Database
from todo_chat.identity.models import BrowserSession
from todo_chat.security import USER_ID_PATTERN

SECRET_BYTES = 32
NAME_CHARACTERS = 200

_COOKIE = re.compile(r"([A-Za-z0-9_-]{1,88})\.([A-Za-z0-9_-]{43})")
_USER_ID = re.compile(USER_ID_PATTERN)


@dataclass(frozen=True)
class Session:
    """Who is signed in with a browser, and until when."""

    user_id: str
    name: str
    expires_at: datetime


class Sessions:
    """Starts, finds and ends sessions.

    A cookie's value is ``<user id in base64url>.<secret>``. The user id is only a claim: it
    opens that user's rows to the query (row-level security), and nothing counts unless one
    of them has the hash of the secret.

    Args:
        database: a role that may read, add and delete sessions.
        seconds: how long a session lasts.
    """

    def __init__(self, database: Database, seconds: int) -> None:
        self._database = database
        self._seconds = seconds

    async def start(self, user_id: str, name: str) -> tuple[str, Session]:
        """A new session and the value of its cookie. The user's expired sessions are removed."""
        secret = secrets.token_urlsafe(SECRET_BYTES)
        async with self._database.transaction(user_id) as session:
            # The database's clock: replicas need not agree on the time.
            await session.exec(
                delete(BrowserSession).where(
                    col(BrowserSession.user_id) == user_id,
                    col(BrowserSession.expires_at) <= func.now(),
                )
            )
            now = (await session.exec(select(func.now()))).one()
            row = BrowserSession(
                user_id=user_id,
                token_hash=_hash(secret),
                display_name=_storable(name)[:NAME_CHARACTERS],
                expires_at=now + timedelta(seconds=self._seconds),
            )
            session.add(row)
        encoded = base64.urlsafe_b64encode(user_id.encode()).rstrip(b"=").decode()
        return f"{encoded}.{secret}", _public(row)

    async def find(self, cookie: str) -> Session | None:
        """The running session of a cookie; None when it is malformed, unknown or over."""
        parts = _parse(cookie)
        if parts is None:
            return None
        user_id, secret = parts
        async with self._database.transaction(user_id) as session:
            rows = await session.exec(
                select(BrowserSession).where(
                    BrowserSession.user_id == user_id,
                    BrowserSession.token_hash == _hash(secret),
                    col(BrowserSession.expires_at) > func.now(),
                )
            )
            row = rows.first()
        return None if row is None else _public(row)

    async def end(self, cookie: str) -> None:
        """End the session of a cookie, if it has one."""
        parts = _parse(cookie)
        if parts is None:
            return
        user_id, secret = parts
        async with self._database.transaction(user_id) as session:
            await session.exec(
                delete(BrowserSession).where(
                    col(BrowserSession.user_id) == user_id,
                    col(BrowserSession.token_hash) == _hash(secret),
                )
            )

    async def end_all(self, user_id: str) -> None:
        """End every session of a user."""
        async with self._database.transaction(user_id) as session:
            await session.exec(delete(BrowserSession).where(col(BrowserSession.user_id) == user_id))


def _parse(cookie: str) -> tuple[str, str] | None:
    match = _COOKIE.fullmatch(cookie)
    if match is None:
        return None
    encoded, secret = match.groups()
    try:
        user_id = base64.urlsafe_b64decode(encoded + "=" * (-len(encoded) % 4)).decode()
    except ValueError:
        return None
    return (user_id, secret) if _USER_ID.fullmatch(user_id) else None


def _hash(secret: str) -> bytes:
    return hashlib.sha256(secret.encode()).digest()


def _storable(name: str) -> str:
    """PostgreSQL stores neither NUL nor lone surrogates."""
    return name.replace("\x00", "").encode(errors="replace").decode()


def _public(row: BrowserSession) -> Session:
    return Session(user_id=row.user_id, name=row.display_name, expires_at=row.expires_at)
