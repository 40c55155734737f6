"""One attempt to sign in: what the browser keeps while it is at the provider."""

import secrets
import time
from dataclasses import asdict, dataclass

import jwt
from pydantic import SecretStr

from todo_chat.identity.errors import SignInRefusedError

SECONDS = 600
"""How long a person may take at the provider."""

_ISSUER = "todo-chat"
_AUDIENCE = "todo-chat-sign-in"
_ALGORITHM = "HS256"


@dataclass(frozen=True)
class Attempt:
    """The secrets that tie an answer of the provider to the browser that asked.

    ``next`` is the path that the browser goes to in the end.
    """

    state: str
    nonce: str
    code_verifier: str
    next: str


class Attempts:
    """Seals an attempt into a cookie's value and opens it again, at any replica.

    The key is that of the bearer tokens; audience and issuer keep the two apart.
    """

    def __init__(self, key: SecretStr) -> None:
        self._key = key

    def new(self, next_path: str) -> Attempt:
        """An attempt with fresh secrets."""
        return Attempt(
            state=secrets.token_urlsafe(32),
            nonce=secrets.token_urlsafe(32),
            code_verifier=secrets.token_urlsafe(48),
            next=next_path,
        )

    def seal(self, attempt: Attempt) -> str:
        """The signed value for the cookie. It expires by itself."""
        claims = {
            **asdict(attempt),
            "iss": _ISSUER,
            "aud": _AUDIENCE,
            "exp": int(time.time()) + SECONDS,
        }
        return jwt.encode(claims, self._key.get_secret_value(), algorithm=_ALGORITHM)

    def open(self, sealed: str | None) -> Attempt:
        """The attempt of this browser.

        Raises:
            SignInRefusedError: none, too old, or not sealed here.
        """
        try:
            claims = jwt.decode(
                sealed or "",
                self._key.get_secret_value(),
                algorithms=[_ALGORITHM],
                audience=_AUDIENCE,
                issuer=_ISSUER,
                options={"require": ["exp", "iss", "aud"]},
            )
            return Attempt(**{name: str(claims[name]) for name in Attempt.__dataclass_fields__})
        except (jwt.InvalidTokenError, KeyError) as error:
            raise SignInRefusedError(
                "sign_in_expired",
                "This browser has no sign-in under way here, or it took longer than "
                f"{SECONDS // 60} minutes. Sign in again.",
            ) from error
