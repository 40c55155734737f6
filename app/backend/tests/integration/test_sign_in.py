"""Signing in through an identity provider: the way in, and everything that must not be one."""

import base64
import hmac
import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx2
import pytest
from starlette.responses import JSONResponse

from tests.support.identity import (
    CLIENT_ID,
    CLIENT_SECRET,
    PUBLIC_URL,
    Browser,
    IdentityProvider,
    html_page,
    identity_provider,
    new_key,
)
from tests.support.postgres import free_port
from tests.support.tls import private_authority
from tests.support.world import World


@pytest.fixture
def provider() -> Iterator[IdentityProvider]:
    with identity_provider() as running:
        yield running


def oidc(world: World, issuer: str, **changes: Any) -> dict[str, Any]:
    secret = world.secrets / "oidc-client-secret"
    secret.write_text(f"{CLIENT_SECRET}\n")
    return {
        "dev_login": False,
        "public_url": PUBLIC_URL,
        "oidc_issuer": issuer,
        "oidc_client_id": CLIENT_ID,
        "oidc_client_secret_file": secret,
        **changes,
    }


@pytest.fixture
def backend(world: World, provider: IdentityProvider) -> Iterator[str]:
    with world.backend(**oidc(world, provider.issuer)) as url:
        yield url


@pytest.fixture
def browser(backend: str) -> Iterator[Browser]:
    browser = Browser(backend)
    yield browser
    browser.close()


def refused(response: httpx2.Response) -> tuple[int, str]:
    """Status and code of an error, which never comes with a session."""
    assert "todo-session" not in response.headers.get("set-cookie", "")
    body: dict[str, Any] = response.json()
    assert body["error"]["message"]
    return response.status_code, body["error"]["code"]


def test_the_way_in_and_out(browser: Browser, provider: IdentityProvider) -> None:
    assert browser.session().status_code == 401
    provider.userinfo = {"name": "Ada Lovelace"}
    done = browser.sign_in("/somewhere?else=1")
    assert (done.status_code, done.headers["location"]) == (302, "/somewhere?else=1")
    session = browser.session().json()
    assert (session["user_id"], session["name"]) == (provider.subject, "Ada Lovelace")
    tasks = f"/api/{provider.subject}/tasks"
    added = browser.post(tasks, json={"title": "by cookie"})
    assert added.status_code == 201, added.text
    listed = browser.client.get(tasks)
    assert [task["title"] for task in listed.json()] == ["by cookie"]
    assert listed.headers["cache-control"] == "no-store", "no cache may show it to somebody else"
    assert listed.headers["x-content-type-options"] == "nosniff"
    assert listed.headers["cross-origin-resource-policy"] == "same-origin"
    assert browser.client.get("/api/somebody-else/tasks").status_code == 403
    cookie = dict(browser.client.cookies)
    assert browser.post("/api/auth/logout").status_code == 204
    assert dict(browser.client.cookies) == {}
    browser.client.cookies.update(cookie)
    assert refused(browser.session()) == (401, "session_ended")
    assert refused(browser.client.get(tasks)) == (401, "session_ended")
    basic = base64.b64encode(f"{CLIENT_ID}:{CLIENT_SECRET.replace(' ', '+')}".encode()).decode()
    raw = base64.b64encode(f"{CLIENT_ID}:{CLIENT_SECRET}".encode()).decode()
    assert provider.token_requests[0]["authorization"] in {f"Basic {basic}", f"Basic {raw}"}


def test_info_says_how_people_get_in(world: World, backend: str) -> None:
    def sign_in(url: str) -> str:
        answer: str = httpx2.get(f"{url}/api/info", trust_env=False, timeout=30).json()["sign_in"]
        return answer

    assert sign_in(backend) == "oidc"
    with world.backend() as development:
        assert sign_in(development) == "development"
        begun = httpx2.get(f"{development}/api/auth/login", trust_env=False, timeout=30)
        assert begun.status_code == 404
    with world.backend(environment="production", dev_login=False) as nothing:
        assert sign_in(nothing) == "none"


def test_cookies_are_out_of_reach(world: World, provider: IdentityProvider) -> None:
    with world.backend(**oidc(world, provider.issuer)) as url:
        plain = Browser(url)
        attempt = plain.begin().headers["set-cookie"]
        assert attempt.startswith("todo-sign-in=")
        assert "HttpOnly" in attempt
        assert "samesite=lax" in attempt.lower()
        assert "Max-Age=600" in attempt
        plain.close()
    with world.backend(**oidc(world, provider.issuer, public_url="https://todo.test/")) as url:
        secure = Browser(url)
        begun = secure.begin()
        assert begun.headers["set-cookie"].startswith("__Host-todo-sign-in=")
        assert "; Secure" in begun.headers["set-cookie"]
        redirect = httpx2.URL(begun.headers["location"]).params["redirect_uri"]
        assert redirect == "https://todo.test/api/auth/callback"
        secure.close()


def test_a_public_client_sends_no_secret(world: World, provider: IdentityProvider) -> None:
    absent = world.secrets / "no-such-file"
    with world.backend(**oidc(world, provider.issuer, oidc_client_secret_file=absent)) as url:
        browser = Browser(url)
        assert browser.sign_in().status_code == 302
        browser.close()
    assert provider.token_requests[0]["authorization"] == ""
    assert provider.token_requests[0]["client_id"] == CLIENT_ID


def test_any_replica_finishes_and_ends_what_another_began(
    world: World, provider: IdentityProvider
) -> None:
    settings = oidc(world, provider.issuer)
    with world.backend(**settings) as first, world.backend(**settings) as second:
        one, two, other = Browser(first), Browser(second), Browser(first)
        answer = one.at_provider(one.begin().headers["location"])
        two.client.cookies.update(one.client.cookies)
        assert two.come_back(answer).status_code == 302
        one.client.cookies.update(two.client.cookies)
        assert one.session().json()["user_id"] == provider.subject
        assert other.sign_in().status_code == 302
        assert two.post("/api/auth/logout-everywhere").status_code == 204
        assert one.session().status_code == 401
        assert other.session().status_code == 401
        for browser in (one, two, other):
            browser.close()


def test_logging_out_everywhere_leaves_other_people_alone(
    backend: str, provider: IdentityProvider
) -> None:
    ada, ben = Browser(backend), Browser(backend)
    ada.sign_in()
    provider.subject = f"ben-{time.monotonic_ns()}"
    ben.sign_in()
    assert ada.post("/api/auth/logout-everywhere").status_code == 204
    assert ada.session().status_code == 401
    assert ben.session().status_code == 200
    ada.close()
    ben.close()


def test_a_new_session_ends_the_one_before_in_the_same_browser(
    browser: Browser, backend: str
) -> None:
    browser.sign_in()
    before = dict(browser.client.cookies)
    browser.sign_in()
    assert browser.session().status_code == 200
    late = Browser(backend)
    late.client.cookies.update(before)
    assert late.session().status_code == 401
    late.close()


def test_a_session_ends_by_itself_and_is_cleared_away(
    browser: Browser, provider: IdentityProvider, world: World
) -> None:
    browser.sign_in()
    world.sql(
        "UPDATE sessions SET expires_at = now() - interval '1 second' WHERE user_id = :user",
        user=provider.subject,
    )
    assert refused(browser.session()) == (401, "session_ended")
    browser.sign_in()
    rows = world.sql("SELECT 1 FROM sessions WHERE user_id = :user", user=provider.subject)
    assert len(rows) == 1


def test_the_database_never_sees_the_secret(
    browser: Browser, provider: IdentityProvider, world: World
) -> None:
    browser.sign_in()
    secret = browser.client.cookies["todo-session"].partition(".")[2]
    rows = world.sql(
        "SELECT sessions::text FROM sessions WHERE user_id = :user", user=provider.subject
    )
    assert len(rows) == 1
    assert secret not in rows[0][0]


@pytest.mark.parametrize(
    "cookie", ["", "x", "YWRh.short", "!!!!.x", f"YWRh.{'x' * 43}", f"__8.{'x' * 43}"]
)
def test_invented_cookies_are_nobody(browser: Browser, cookie: str) -> None:
    browser.client.cookies.set("todo-session", cookie)
    assert browser.session().status_code == 401


def test_a_cookie_of_one_user_with_the_secret_of_another(
    browser: Browser, provider: IdentityProvider
) -> None:
    browser.sign_in()
    secret = browser.client.cookies["todo-session"].partition(".")[2]
    browser.client.cookies.clear()
    victim = base64.urlsafe_b64encode(b"victim").rstrip(b"=").decode()
    browser.client.cookies.set("todo-session", f"{victim}.{secret}")
    assert refused(browser.session()) == (401, "session_ended")


@pytest.mark.parametrize(
    ("origin", "site"),
    [
        ("https://evil.test", None),
        ("https://evil.test", "same-origin"),
        ("http://todo.test:8080", None),
        ("https://todo.test", None),
        ("null", None),
        (None, None),
        (None, "cross-site"),
        (None, "same-site"),
        (PUBLIC_URL, "cross-site"),
    ],
)
def test_changes_of_other_sites_are_refused(
    browser: Browser, provider: IdentityProvider, origin: str | None, site: str | None
) -> None:
    browser.sign_in()
    headers = {} if site is None else {"Sec-Fetch-Site": site}
    tasks = f"/api/{provider.subject}/tasks"
    for path in (tasks, f"/api/{provider.subject}/chat", "/api/auth/logout-everywhere"):
        response = browser.post(path, origin, headers=headers, json={"title": "x", "message": "x"})
        assert refused(response) == (403, "cross_site"), path
    assert browser.post("/api/auth/logout", origin, headers=headers).status_code == 403
    assert browser.client.get(tasks).json() == []
    assert browser.session().status_code == 200


def test_the_page_itself_is_let_through(browser: Browser, provider: IdentityProvider) -> None:
    browser.sign_in()
    tasks = f"/api/{provider.subject}/tasks"
    for origin, site in [(PUBLIC_URL, None), (PUBLIC_URL, "same-origin"), (None, "same-origin")]:
        headers = {} if site is None else {"Sec-Fetch-Site": site}
        answer = browser.post(tasks, origin, headers=headers, json={"title": "x"})
        assert answer.status_code == 201, answer.text


def test_a_bearer_token_needs_no_origin_and_wins_over_the_cookie(
    browser: Browser, world: World
) -> None:
    browser.sign_in()
    token, _ = world.tokens.issue_for_user("api-client", 60)
    headers = {"Authorization": f"Bearer {token}"}
    answer = browser.post("/api/api-client/tasks", None, headers=headers, json={"title": "x"})
    assert answer.status_code == 201
    headers = {"Authorization": "Bearer nonsense"}
    assert browser.client.get("/api/api-client/tasks", headers=headers).status_code == 401


@pytest.mark.parametrize(
    "target",
    [
        "https://evil.test/",
        "//evil.test/",
        "/\\evil.test",
        "/\t/evil.test",
        "\\\\evil.test",
        "javascript:alert(1)",
        "evil.test",
        "",
        "/ok\r\nSet-Cookie: a=b",
        "/api/auth/login",
        "/" + "x" * 600,
    ],
)
def test_nobody_is_sent_elsewhere_after_signing_in(
    browser: Browser, provider: IdentityProvider, target: str
) -> None:
    assert refused(browser.begin(target)) == (400, "next_refused")
    assert provider.seen == []


def test_the_answer_must_belong_to_this_browser_and_attempt(
    browser: Browser, backend: str, provider: IdentityProvider
) -> None:
    answer = browser.at_provider(browser.begin().headers["location"])
    stranger = Browser(backend)
    assert refused(stranger.come_back(answer)) == (400, "sign_in_expired")
    stranger.begin()
    assert refused(stranger.come_back(answer)) == (400, "sign_in_mismatch")
    assert provider.token_requests == []
    stranger.close()


def test_an_answer_counts_once(browser: Browser) -> None:
    begun = browser.begin()
    kept = dict(browser.client.cookies)
    answer = browser.at_provider(begun.headers["location"])
    assert browser.come_back(answer).status_code == 302
    assert refused(browser.come_back(answer)) == (400, "sign_in_expired")
    browser.client.cookies.update(kept)
    assert refused(browser.come_back(answer)) == (400, "sign_in_expired")


def test_a_forged_attempt_is_no_attempt(browser: Browser) -> None:
    begun = browser.begin()
    answer = browser.at_provider(begun.headers["location"])
    sealed = browser.client.cookies["todo-sign-in"]
    head, claims, signature = sealed.split(".")
    altered = json.loads(base64.urlsafe_b64decode(claims + "=="))
    altered["next"] = "//evil.test"
    forged = base64.urlsafe_b64encode(json.dumps(altered).encode()).rstrip(b"=").decode()
    browser.client.cookies.clear()
    browser.client.cookies.set("todo-sign-in", f"{head}.{forged}.{signature}")
    assert refused(browser.come_back(answer)) == (400, "sign_in_expired")


def test_the_provider_says_no(browser: Browser, provider: IdentityProvider) -> None:
    for error, expected in {
        "access_denied": (403, "access_denied"),
        "temporarily_unavailable": (503, "provider_unavailable"),
        "invalid_scope": (502, "provider_bad_answer"),
        "<script>": (502, "provider_bad_answer"),
    }.items():
        answer = browser.at_provider(browser.begin().headers["location"])
        response = browser.come_back({"error": error, "state": answer["state"]})
        assert refused(response) == expected
        assert "script" not in response.text
    answer = browser.at_provider(browser.begin().headers["location"])
    missing = browser.come_back({"state": answer["state"]})
    assert refused(missing) == (502, "provider_bad_answer")


def test_the_answer_of_another_provider_is_refused(
    browser: Browser, provider: IdentityProvider
) -> None:
    answer = browser.at_provider(browser.begin().headers["location"])
    mixed = browser.come_back({**answer, "iss": "https://evil.test"})
    assert refused(mixed) == (400, "sign_in_mismatch")
    assert provider.token_requests == []


def _unsigned(provider: IdentityProvider, claims: dict[str, Any], algorithm: str = "none") -> str:
    def part(value: dict[str, Any]) -> str:
        return base64.urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=").decode()

    return f"{part({'alg': algorithm, 'kid': provider.key.kid})}.{part(claims)}."


def _hmac_with_the_public_key(provider: IdentityProvider, claims: dict[str, Any]) -> str:
    head, body, _ = _unsigned(provider, claims, "HS256").split(".")
    key = provider.key.as_pem(private=False)
    signature = hmac.digest(key, f"{head}.{body}".encode(), "sha256")
    return f"{head}.{body}.{base64.urlsafe_b64encode(signature).rstrip(b'=').decode()}"


@pytest.mark.parametrize("forge", [_unsigned, _hmac_with_the_public_key])
def test_only_the_providers_private_key_signs(
    browser: Browser,
    provider: IdentityProvider,
    monkeypatch: pytest.MonkeyPatch,
    forge: Any,
) -> None:
    monkeypatch.setattr(provider, "sign", lambda claims: forge(provider, claims))
    assert refused(browser.sign_in()) == (403, "id_token_refused")
    monkeypatch.undo()
    assert browser.sign_in().status_code == 302


NOW = int(time.time())


@pytest.mark.parametrize(
    "claims",
    [
        {"nonce": "another"},
        {"nonce": None},
        {"iss": "https://evil.test"},
        {"iss": None},
        {"aud": "another-client"},
        {"aud": "another-client", "azp": CLIENT_ID},
        {"aud": None},
        {"aud": [CLIENT_ID, "another-client"]},
        {"azp": "another-client"},
        {"exp": NOW - 120},
        {"exp": None},
        {"exp": "soon"},
        {"iat": None},
        {"nbf": NOW + 3600},
        {"sub": None},
        {"at_hash": "another"},
    ],
    ids=lambda claims: next(iter(claims)),
)
def test_every_claim_counts(
    browser: Browser, provider: IdentityProvider, claims: dict[str, Any]
) -> None:
    provider.claims = claims
    assert refused(browser.sign_in()) == (403, "id_token_refused")
    assert browser.session().status_code == 401


@pytest.mark.parametrize("subject", ["", "x" * 256, 7, ["ada"], "a\x00"], ids=ascii)
def test_a_subject_is_a_text(browser: Browser, provider: IdentityProvider, subject: Any) -> None:
    provider.claims = {"sub": subject}
    status, code = refused(browser.sign_in())
    assert (status, code) in {(403, "id_token_refused"), (502, "provider_bad_answer")}


def test_clocks_may_differ_a_little(browser: Browser, provider: IdentityProvider) -> None:
    now = int(time.time())
    provider.claims = {"exp": now - 30, "iat": now + 30, "nbf": now + 30}
    assert browser.sign_in().status_code == 302


def test_a_rotated_key_is_fetched_and_a_strange_one_refused(
    world: World, provider: IdentityProvider, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("todo_chat.identity.keys.REFETCH_SECONDS", 0)
    with world.backend(**oidc(world, provider.issuer)) as url:
        browser = Browser(url)
        assert browser.sign_in().status_code == 302
        provider.key = new_key("second")
        assert browser.sign_in().status_code == 302
        assert provider.seen.count("/jwks") == 2
        provider.published = [provider.key]
        provider.key = new_key("never-published")
        assert refused(browser.sign_in()) == (403, "id_token_refused")
        provider.key = new_key("second")  # the id of a published key, and yet not that key
        assert refused(browser.sign_in()) == (403, "id_token_refused")
        browser.close()


def test_unknown_keys_do_not_make_us_ask_again_and_again(
    browser: Browser, provider: IdentityProvider
) -> None:
    assert browser.sign_in().status_code == 302
    provider.published = [provider.key]
    for number in range(3):
        provider.key = new_key(f"unknown-{number}")
        assert refused(browser.sign_in()) == (403, "id_token_refused")
    assert provider.seen.count("/jwks") == 1


@pytest.mark.parametrize(
    ("path", "answer", "expected"),
    [
        ("/.well-known/openid-configuration", html_page(), 502),
        ("/.well-known/openid-configuration", html_page(404), 502),
        ("/.well-known/openid-configuration", html_page(503), 503),
        ("/token", html_page(), 502),
        ("/token", html_page(400), 502),
        ("/token", html_page(500), 503),
        ("/jwks", html_page(), 502),
        ("/jwks", html_page(500), 503),
    ],
    ids=lambda value: str(getattr(value, "status_code", value)),
)
def test_a_gateways_page_instead_of_the_provider(
    browser: Browser, provider: IdentityProvider, path: str, answer: Any, expected: int
) -> None:
    provider.answers[path] = answer
    begun = browser.begin()
    response = begun
    if begun.status_code == 302:
        response = browser.come_back(browser.at_provider(begun.headers["location"]))
    code = {502: "provider_bad_answer", 503: "provider_unavailable"}[expected]
    assert refused(response) == (expected, code)


@pytest.mark.parametrize(
    "document",
    [
        {"issuer": "https://evil.test"},
        {"token_endpoint": None},
        {"jwks_uri": 7},
        {"token_endpoint": "ftp://evil.test/token"},
    ],
    ids=str,
)
def test_a_wrong_discovery_document(
    browser: Browser, provider: IdentityProvider, document: dict[str, Any]
) -> None:
    provider.document = document
    assert refused(browser.begin()) == (502, "provider_bad_answer")


@pytest.mark.parametrize(
    "keys", [{}, {"keys": []}, {"keys": 7}, {"keys": [7]}, {"keys": [{"kty": "RSA"}]}], ids=str
)
def test_unusable_keys(browser: Browser, provider: IdentityProvider, keys: dict[str, Any]) -> None:
    provider.answers["/jwks"] = JSONResponse(keys)
    assert refused(browser.sign_in()) == (502, "provider_bad_answer")


@pytest.mark.parametrize(
    "tokens",
    [
        {"access_token": "access", "token_type": "Bearer"},
        {"id_token": 7},
        {"id_token": "no token"},
        {"id_token": "a.b.c", "expires_in": []},
        {"error": "invalid_client"},
    ],
    ids=str,
)
def test_unusable_tokens(
    browser: Browser, provider: IdentityProvider, tokens: dict[str, Any]
) -> None:
    provider.answers["/token"] = JSONResponse(tokens)
    status, _ = refused(browser.sign_in())
    assert status in {403, 502}


def test_a_provider_that_is_down_is_told_from_a_broken_page(world: World) -> None:
    with world.backend(**oidc(world, f"http://127.0.0.1:{free_port()}")) as url:
        browser = Browser(url)
        assert refused(browser.begin()) == (503, "provider_unavailable")
        page = browser.begin(accept="text/html,*/*")
        assert page.status_code == 503
        assert page.headers["retry-after"]
        assert "does not answer" in page.text
        assert 'href="/api/auth/login"' in page.text
        assert "style-src 'sha256-" in page.headers["content-security-policy"]
        browser.close()


def test_a_provider_that_comes_back_is_used_again(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("todo_chat.identity.discovery.RETRY_SECONDS", 0)
    port = free_port()
    with world.backend(**oidc(world, f"http://127.0.0.1:{port}")) as url:
        browser = Browser(url)
        assert browser.begin().status_code == 503
        with identity_provider(port):
            assert browser.sign_in().status_code == 302
        assert browser.session().status_code == 200, "a session does not need the provider"
        browser.close()


def test_a_provider_that_never_answers_is_not_waited_for(
    world: World, provider: IdentityProvider, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("todo_chat.identity.http.TOTAL_SECONDS", 0.2)

    class Never:
        async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
            await receive()
            await receive()  # until the client leaves

    provider.answers["/.well-known/openid-configuration"] = Never()  # type: ignore[assignment]
    with world.backend(**oidc(world, provider.issuer)) as url:
        browser = Browser(url)
        started = time.monotonic()
        assert refused(browser.begin()) == (503, "provider_unavailable")
        assert time.monotonic() - started < 4
        browser.close()


def test_a_failing_userinfo_costs_only_the_name(
    browser: Browser, provider: IdentityProvider
) -> None:
    provider.answers["/userinfo"] = html_page(500)
    assert browser.sign_in().status_code == 302
    assert browser.session().json()["name"] == provider.subject


def test_userinfo_of_somebody_else_is_not_shown(
    browser: Browser, provider: IdentityProvider
) -> None:
    provider.userinfo = {"sub": "eve", "name": "Eve"}
    assert browser.sign_in().status_code == 302
    assert browser.session().json()["name"] == provider.subject


def test_a_subject_that_is_no_user_id_gets_a_stable_one(
    browser: Browser, provider: IdentityProvider
) -> None:
    provider.subject = "auth0|Ada Lovelace/1"
    provider.claims = {"name": "Ada\x00 " + "x" * 300}
    browser.sign_in()
    first = browser.session().json()
    assert first["user_id"].startswith("sub-")
    assert len(first["name"]) == 200
    assert browser.client.get(f"/api/{first['user_id']}/tasks").status_code == 200
    browser.sign_in()
    assert browser.session().json()["user_id"] == first["user_id"]


def test_the_same_subject_of_another_provider_is_somebody_else(
    world: World, provider: IdentityProvider
) -> None:
    with world.backend(**oidc(world, provider.issuer)) as url:
        browser = Browser(url)
        assert browser.sign_in().status_code == 302
        browser.close()
    with identity_provider() as newer, world.backend(**oidc(world, newer.issuer)) as url:
        newer.subject = provider.subject
        browser = Browser(url)
        assert refused(browser.sign_in()) == (409, "account_taken")
        assert browser.session().status_code == 401
        browser.close()


def test_without_the_database_nobody_is_signed_in_and_nothing_breaks(
    world: World, provider: IdentityProvider
) -> None:
    settings = oidc(world, provider.issuer, database_port=free_port())
    with world.backend(**settings) as url:
        browser = Browser(url)
        assert refused(browser.sign_in()) == (503, "database_unavailable")
        browser.client.cookies.set("todo-session", f"YWRh.{'x' * 43}")
        assert refused(browser.session()) == (503, "database_unavailable")
        browser.close()


def test_a_private_authority_is_trusted_when_ssl_cert_file_names_it(
    world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    authority, certificate, key = private_authority(tmp_path)
    with identity_provider(tls=(certificate, key)) as provider:
        with world.backend(**oidc(world, provider.issuer)) as url:
            assert refused(Browser(url).begin()) == (503, "provider_unavailable")
        monkeypatch.setenv("SSL_CERT_FILE", str(authority))
        with world.backend(**oidc(world, provider.issuer)) as url:
            browser = Browser(url, authority)
            assert browser.sign_in().status_code == 302
            assert browser.session().json()["user_id"] == provider.subject
            browser.close()
