"""Rules of signing in that need no provider."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st
from joserfc import jwt
from joserfc.errors import BadSignatureError, InvalidKeyIdError
from joserfc.jwk import RSAKey
from pydantic import SecretStr

from tests.support.identity import new_key
from todo_chat.api.browser import origin_of
from todo_chat.identity.attempt import Attempts
from todo_chat.identity.errors import (
    ProviderAnswerError,
    ProviderUnavailableError,
    SignInRefusedError,
)
from todo_chat.identity.http import ProviderHttp
from todo_chat.identity.keys import MAX_AGE_SECONDS, REFETCH_SECONDS, ProviderKeys
from todo_chat.identity.sign_in import is_page_path
from todo_chat.identity.subject import is_subject, user_id_of
from todo_chat.security import API_AUDIENCE, USER_ID_PATTERN, TokenError, Tokens

A, B = "https://a.example.org", "https://b.example.org"


@pytest.mark.parametrize("subject", ["ada", "ada@example.org", "1234", "a" * 64])
def test_a_fitting_subject_is_the_user_id(subject: str) -> None:
    assert user_id_of(A, subject) == subject


@pytest.mark.parametrize("subject", ["auth0|1", "a" * 65, "ä", " ada", "-ada", "ada\n", "sub-x"])
def test_any_other_is_derived_with_its_issuer(subject: str) -> None:
    assert user_id_of(A, subject).startswith("sub-")
    assert user_id_of(A, subject) == user_id_of(A, subject)
    assert user_id_of(A, subject) != user_id_of(B, subject)


def test_the_derived_id_is_for_ever() -> None:
    assert user_id_of(A, "auth0|1") == "sub-xPPtl7hEh_Bl88Joyc9o5dho8QH8WJlCOby-94ZaY_A"


@given(st.text(min_size=1, max_size=255))
def test_every_subject_gets_a_valid_user_id(subject: str) -> None:
    assert re.fullmatch(USER_ID_PATTERN, user_id_of(A, subject))


@pytest.mark.parametrize("value", [None, 7, "", "a" * 256, "a\x00", "a\n", "\ud800"], ids=ascii)
def test_what_no_database_and_no_url_could_hold_is_no_subject(value: object) -> None:
    assert not is_subject(value)
    assert is_subject("auth0|Ada Lovelace")


def test_nobody_can_name_themselves_like_a_derived_id() -> None:
    derived = user_id_of(A, "auth0|1")
    assert user_id_of(A, derived) != derived


@pytest.mark.parametrize("path", ["/", "/a/b?c=d#e", "/apifoo", "/%2f%2fhost", "/@host"])
def test_paths_of_the_page(path: str) -> None:
    assert is_page_path(path)


@pytest.mark.parametrize("path", ["", "x", "//h", "/\\h", "/a\\b", "/a b", "/\t", "/api", "/api/x"])
def test_paths_that_lead_elsewhere(path: str) -> None:
    assert not is_page_path(path)


@pytest.mark.parametrize(
    ("url", "origin"),
    [
        ("https://todo.example.org", "https://todo.example.org"),
        ("https://TODO.example.org:443/", "https://todo.example.org"),
        ("http://localhost:80", "http://localhost"),
        ("https://todo.example.org:8443", "https://todo.example.org:8443"),
        ("http://[::1]:8080/", "http://[::1]:8080"),
    ],
)
def test_origins_are_written_as_browsers_write_them(url: str, origin: str) -> None:
    assert origin_of(url) == origin


ONE, TWO, OTHER_TWO = new_key("one"), new_key("two"), new_key("two")


def token(key: RSAKey) -> str:
    """A token signed with the key."""
    return jwt.encode({"alg": "RS256", "kid": key.kid}, {"sub": "ada"}, key)


class Clock:
    """Time that passes when it is told to."""

    now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.mark.parametrize("sealed", [None, "", "x", "a.b.c", "é.é.é", "\x00", "." * 5000])
def test_what_is_no_attempt_is_refused(sealed: str | None) -> None:
    with pytest.raises(SignInRefusedError, match="Sign in again"):
        Attempts(KEY).open(sealed)


def test_an_attempt_lasts_ten_minutes_and_only_for_its_key(monkeypatch: pytest.MonkeyPatch) -> None:
    attempts = Attempts(KEY)
    attempt = attempts.new("/a")
    sealed = attempts.seal(attempt)
    assert attempts.open(sealed) == attempt
    with pytest.raises(SignInRefusedError):
        Attempts(SecretStr("another key of at least 32 bytes")).open(sealed)
    monkeypatch.setattr("time.time", lambda: 1_000_000.0)
    with pytest.raises(SignInRefusedError):
        attempts.open(attempts.seal(attempt))


def test_tokens_of_the_same_key_are_no_attempts_and_attempts_no_tokens() -> None:
    token, _ = Tokens(KEY).issue_for_user("ada", 60)
    with pytest.raises(SignInRefusedError):
        Attempts(KEY).open(token)
    with pytest.raises(TokenError):
        Tokens(KEY).verify(Attempts(KEY).seal(Attempts(KEY).new("/")), API_AUDIENCE)


KEY = SecretStr("only for a test, 32 bytes or more")


class KeyServer(ProviderHttp):
    """Gives a key set, counts how often, and fails on request."""

    def __init__(self) -> None:
        super().__init__()
        self.keys = [ONE]
        self.fetched = 0
        self.failure: Exception | None = None

    async def get_json(self, url: str, bearer: str | None = None) -> dict[str, object]:
        self.fetched += 1
        if self.failure is not None:
            raise self.failure
        return {"keys": [key.as_dict(private=False) for key in self.keys]}


@pytest.fixture
def server() -> KeyServer:
    return KeyServer()


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def keys(server: KeyServer, clock: Clock) -> ProviderKeys:
    async def address() -> str:
        return f"{A}/jwks"

    return ProviderKeys(server, address, clock)


async def test_keys_are_fetched_once(server: KeyServer, keys: ProviderKeys) -> None:
    for _ in range(3):
        assert (await keys.decode(token(ONE))).claims == {"sub": "ada"}
    assert server.fetched == 1


async def test_a_new_key_is_fetched_when_a_token_names_it(
    server: KeyServer, keys: ProviderKeys, clock: Clock
) -> None:
    await keys.decode(token(ONE))
    server.keys = [ONE, TWO]
    with pytest.raises(InvalidKeyIdError):
        await keys.decode(token(TWO))  # a moment after the last fetch
    clock.now += REFETCH_SECONDS
    await keys.decode(token(TWO))
    await keys.decode(token(ONE))
    assert server.fetched == 2
    with pytest.raises(BadSignatureError):
        await keys.decode(token(OTHER_TWO))


async def test_a_withdrawn_key_is_forgotten(
    server: KeyServer, keys: ProviderKeys, clock: Clock
) -> None:
    await keys.decode(token(ONE))
    server.keys = [TWO]
    clock.now += MAX_AGE_SECONDS
    with pytest.raises(InvalidKeyIdError):
        await keys.decode(token(ONE))


@pytest.mark.parametrize("failure", [ProviderUnavailableError("down"), ProviderAnswerError("html")])
async def test_keys_outlive_a_failing_provider(
    server: KeyServer, keys: ProviderKeys, clock: Clock, failure: Exception
) -> None:
    await keys.decode(token(ONE))
    server.failure = failure
    clock.now += MAX_AGE_SECONDS
    await keys.decode(token(ONE))
    await keys.decode(token(ONE))
    assert server.fetched == 2, "asked once, not for every token"


async def test_without_keys_the_failure_is_told_and_the_provider_left_alone(
    server: KeyServer, keys: ProviderKeys, clock: Clock
) -> None:
    server.failure = ProviderUnavailableError("down")
    for _ in range(3):
        with pytest.raises(ProviderUnavailableError):
            await keys.decode(token(ONE))
    assert server.fetched == 1
    server.failure = None
    clock.now += REFETCH_SECONDS
    await keys.decode(token(ONE))
