"""Bearer tokens of an external issuer, beside our own."""

import base64
import time
import uuid
from collections.abc import Iterator
from typing import Any

import httpx2
import pytest

from tests.support.identity import IdentityProvider, html_page, identity_provider, new_key
from tests.support.world import World

AUDIENCE = "todo-chat-api"


@pytest.fixture
def issuer() -> Iterator[IdentityProvider]:
    with identity_provider() as running:
        yield running


@pytest.fixture
def backend(world: World, issuer: IdentityProvider) -> Iterator[str]:
    trusted = [{"issuer": issuer.issuer, "audience": AUDIENCE}]
    with world.backend(dev_login=False, api_issuers=trusted) as url:
        yield url


def access_token(issuer: IdentityProvider, **claims: Any) -> str:
    now = int(time.time())
    values = {
        "iss": issuer.issuer,
        "sub": issuer.subject,
        "aud": AUDIENCE,
        "exp": now + 60,
        **claims,
    }
    return issuer.sign({name: value for name, value in values.items() if value is not None})


def tasks(backend: str, user_id: str, token: str, **more: Any) -> httpx2.Response:
    return httpx2.request(
        "POST" if more else "GET",
        f"{backend}/api/{user_id}/tasks",
        headers={"Authorization": f"Bearer {token}"},
        trust_env=False,
        verify=False,
        timeout=30,
        **more,
    )


def test_its_subject_is_a_user(backend: str, issuer: IdentityProvider, world: World) -> None:
    token = access_token(issuer)
    assert tasks(backend, issuer.subject, token, json={"title": "x"}).status_code == 201
    assert tasks(backend, "somebody-else", token).status_code == 403
    own, _ = world.tokens.issue_for_user("api-client", 60)
    assert tasks(backend, "api-client", own).status_code == 200, "ours still count"


def test_keys_may_be_named_without_a_discovery_document(
    world: World, issuer: IdentityProvider
) -> None:
    issuer.answers["/.well-known/openid-configuration"] = html_page(404)
    trusted = {
        "issuer": issuer.issuer,
        "audience": AUDIENCE,
        "jwks_uri": f"{issuer.issuer}/jwks",
    }
    with world.backend(api_issuers=[trusted]) as url:
        assert tasks(url, issuer.subject, access_token(issuer)).status_code == 200
    with world.backend(api_issuers=[{**trusted, "jwks_uri": None}]) as url:
        answer = tasks(url, issuer.subject, access_token(issuer))
        assert answer.json()["error"]["code"] == "provider_bad_answer"


@pytest.mark.parametrize(
    ("claims", "code"),
    [
        ({"aud": "another"}, "token_invalid"),
        ({"aud": None}, "token_invalid"),
        ({"iss": "https://evil.test"}, "token_invalid"),
        ({"exp": None}, "token_invalid"),
        ({"exp": 1}, "token_expired"),
        ({"exp": "soon"}, "token_invalid"),
        ({"nbf": 99999999999}, "token_invalid"),
        ({"sub": None}, "token_invalid"),
        ({"sub": ""}, "token_invalid"),
        ({"sub": "x" * 256}, "token_invalid"),
        ({"sub": 7}, "token_invalid"),
        ({"sub": "a\x00"}, "token_invalid"),
    ],
    ids=str,
)
def test_every_claim_counts(
    backend: str, issuer: IdentityProvider, claims: dict[str, Any], code: str
) -> None:
    answer = tasks(backend, issuer.subject, access_token(issuer, **claims))
    assert (answer.status_code, answer.json()["error"]["code"]) == (401, code)


@pytest.mark.parametrize("payload", ["", "[]", "[" * 20_000, '{"iss": []}', "\x00", "é"])
def test_what_is_no_token_is_refused(backend: str, payload: str) -> None:
    middle = base64.urlsafe_b64encode(payload.encode()).rstrip(b"=").decode()
    head = base64.urlsafe_b64encode(b'{"alg":"RS256"}').rstrip(b"=").decode()
    answer = tasks(backend, "ada", f"{head}.{middle}.c2ln")
    assert (answer.status_code, answer.json()["error"]["code"]) == (401, "token_invalid")


def test_another_key_signs_nothing(backend: str, issuer: IdentityProvider) -> None:
    issuer.published = [issuer.key]
    for kid in ("first", "strange"):
        issuer.key = new_key(kid)
        answer = tasks(backend, issuer.subject, access_token(issuer))
        assert (answer.status_code, answer.json()["error"]["code"]) == (401, "token_invalid")


def test_our_key_cannot_speak_for_the_issuer(
    backend: str, issuer: IdentityProvider, world: World
) -> None:
    import jwt  # noqa: PLC0415

    key = (world.secrets / "jwt-key").read_text().strip()
    claims = {"iss": issuer.issuer, "sub": "ada", "aud": AUDIENCE, "exp": int(time.time()) + 60}
    answer = tasks(backend, "ada", jwt.encode(claims, key, algorithm="HS256"))
    assert answer.status_code == 401


def test_the_same_subject_of_two_issuers_is_one_of_them_only(world: World) -> None:
    subject = f"both-{uuid.uuid4().hex[:8]}"
    with identity_provider() as first, identity_provider() as second:
        first.subject = second.subject = subject
        trusted = [{"issuer": each.issuer, "audience": AUDIENCE} for each in (first, second)]
        with world.backend(api_issuers=trusted) as url:
            assert tasks(url, subject, access_token(first)).status_code == 200
            answer = tasks(url, subject, access_token(second))
            assert (answer.status_code, answer.json()["error"]["code"]) == (409, "account_taken")


def test_an_issuer_that_is_down(backend: str, issuer: IdentityProvider) -> None:
    issuer.answers["/jwks"] = html_page(503)
    answer = tasks(backend, issuer.subject, access_token(issuer))
    assert (answer.status_code, answer.json()["error"]["code"]) == (503, "provider_unavailable")
    assert answer.headers["retry-after"]
