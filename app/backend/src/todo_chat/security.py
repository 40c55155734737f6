"""Bearer tokens: HS256 JSON Web Tokens, one audience per door."""

import re
import time
from dataclasses import dataclass
from typing import Any

import jwt
from pydantic import SecretStr

ISSUER = "todo-chat"
API_AUDIENCE = "todo-chat-api"
MCP_AUDIENCE = "todo-chat-mcp"
CLOCK_SKEW_SECONDS = 5
USER_ID_PATTERN = r"^[A-Za-z0-9][A-Za-z0-9_.@-]{0,63}$"

_ALGORITHM = "HS256"
_USER_ID = re.compile(USER_ID_PATTERN)


class TokenError(Exception):
    """The token is not accepted.

    Attributes:
        code: ``token_expired`` or ``token_invalid``.
    """

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


@dataclass(frozen=True)
class TurnClaims:
    """Which chat turn a token was issued for, and which attempt at it."""

    turn_key: str
    attempt: str
    request_id: str


@dataclass(frozen=True)
class Identity:
    """Who a verified token speaks for.

    ``turn`` is set in the tokens that the backend issues for one chat turn, None in a user's own.
    """

    user_id: str
    expires_at: int
    turn: TurnClaims | None = None


class Tokens:
    """Issues and verifies tokens with one key."""

    def __init__(self, key: SecretStr) -> None:
        self._key = key

    def issue_for_user(self, user_id: str, seconds: int) -> tuple[str, int]:
        """A user's own token for REST and MCP, and its expiry in seconds since the epoch."""
        expires_at = int(time.time()) + seconds
        return self._sign(user_id, [API_AUDIENCE, MCP_AUDIENCE], expires_at, {}), expires_at

    def issue_for_turn(self, user_id: str, turn: TurnClaims, seconds: int) -> str:
        """A token for the tools only, for one attempt at a chat turn. It opens no REST route."""
        expires_at = int(time.time()) + seconds
        extra = {
            "turn": turn.turn_key,
            "attempt": turn.attempt,
            "request_id": turn.request_id,
        }
        return self._sign(user_id, [MCP_AUDIENCE], expires_at, extra)

    def _sign(
        self, user_id: str, audience: list[str], expires_at: int, extra: dict[str, str]
    ) -> str:
        claims: dict[str, Any] = {
            "sub": user_id,
            "iss": ISSUER,
            "aud": audience,
            "iat": int(time.time()),
            "exp": expires_at,
            **extra,
        }
        return jwt.encode(claims, self._key.get_secret_value(), algorithm=_ALGORITHM)

    def verify(self, token: str, audience: str) -> Identity:
        """The identity behind a token.

        Raises:
            TokenError: expired, signed with another key, for another audience or malformed.
        """
        try:
            claims = jwt.decode(
                token,
                self._key.get_secret_value(),
                algorithms=[_ALGORITHM],
                audience=audience,
                issuer=ISSUER,
                leeway=CLOCK_SKEW_SECONDS,
                options={"require": ["sub", "exp", "iss", "aud"]},
            )
        except jwt.ExpiredSignatureError as error:
            raise TokenError("token_expired", "The token has expired. Log in again.") from error
        except jwt.InvalidTokenError as error:
            raise TokenError(
                "token_invalid", "The token is not valid here. Log in again."
            ) from error
        user_id = claims["sub"]
        if not _USER_ID.fullmatch(user_id):
            raise TokenError("token_invalid", "The token names no valid user.")
        return Identity(
            user_id=user_id,
            expires_at=int(claims["exp"]),
            turn=_turn_claims(claims),
        )


def _turn_claims(claims: dict[str, Any]) -> TurnClaims | None:
    if "turn" not in claims:
        return None
    # A backend of the release before names no attempt; each of its attempts is a request.
    attempt = claims.get("attempt", claims["request_id"])
    return TurnClaims(claims["turn"], attempt, claims["request_id"])
