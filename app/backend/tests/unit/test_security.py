"""Bearer tokens."""

import time
from typing import Any

import jwt
import pytest
from pydantic import SecretStr

from todo_chat.security import (
    API_AUDIENCE,
    ISSUER,
    MCP_AUDIENCE,
    Identity,
    TokenError,
    Tokens,
    TurnClaims,
)

KEY = "a key for tests that is long enough"
TOKENS = Tokens(SecretStr(KEY))
TURN = TurnClaims("turn", "attempt", "request")


def signed(**changes: Any) -> str:
    claims = {"sub": "alice", "iss": ISSUER, "aud": [API_AUDIENCE], "exp": int(time.time()) + 60}
    return jwt.encode(
        {name: value for name, value in {**claims, **changes}.items() if value is not None},
        KEY,
        algorithm="HS256",
    )


@pytest.mark.parametrize("audience", [API_AUDIENCE, MCP_AUDIENCE])
def test_a_users_token_opens_both_doors(audience: str) -> None:
    token, expires_at = TOKENS.issue_for_user("alice", 60)
    assert TOKENS.verify(token, audience) == Identity("alice", expires_at)


def test_a_turns_token_of_the_release_before_names_its_request_as_the_attempt() -> None:
    claims = {
        "sub": "alice",
        "iss": "todo-chat",
        "aud": MCP_AUDIENCE,
        "exp": int(time.time()) + 60,
        "turn": "turn",
        "request_id": "request",
    }
    token = jwt.encode(claims, KEY, algorithm="HS256")
    assert TOKENS.verify(token, MCP_AUDIENCE).turn == TurnClaims("turn", "request", "request")


def test_a_turns_token_opens_one_and_names_the_turn() -> None:
    token = TOKENS.issue_for_turn("alice", TURN, 60)
    identity = TOKENS.verify(token, MCP_AUDIENCE)
    assert (identity.user_id, identity.turn) == ("alice", TURN)
    with pytest.raises(TokenError) as caught:
        TOKENS.verify(token, API_AUDIENCE)
    assert caught.value.code == "token_invalid"


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"exp": int(time.time()) - 60}, "token_expired"),
        ({"exp": None}, "token_invalid"),
        ({"sub": None}, "token_invalid"),
        ({"sub": "../etc"}, "token_invalid"),
        ({"sub": ""}, "token_invalid"),
        ({"sub": 7}, "token_invalid"),
        ({"iss": "somebody"}, "token_invalid"),
        ({"aud": None}, "token_invalid"),
        ({"aud": ["other"]}, "token_invalid"),
        ({"nbf": int(time.time()) + 24 * 3600}, "token_invalid"),
    ],
)
def test_refused(changes: dict[str, Any], code: str) -> None:
    with pytest.raises(TokenError) as caught:
        TOKENS.verify(signed(**changes), API_AUDIENCE)
    assert caught.value.code == code


def test_a_little_clock_skew_is_allowed() -> None:
    assert TOKENS.verify(signed(exp=int(time.time()) - 1), API_AUDIENCE).user_id == "alice"
