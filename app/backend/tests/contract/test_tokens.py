"""Who gets in through REST."""

from typing import Any

import httpx2
import jwt
import pytest
from pydantic import SecretStr

from tests.support.world import Stack, User, World
from todo_chat.security import Tokens

ROUTES = [
    ("GET", "/tasks"),
    ("POST", "/tasks"),
    ("GET", "/tasks/1"),
    ("PUT", "/tasks/1"),
    ("PATCH", "/tasks/1"),
    ("PATCH", "/tasks/1/complete"),
    ("DELETE", "/tasks/1"),
    ("POST", "/tasks/1/restore"),
    ("POST", "/chat"),
    ("POST", "/chat/stream"),
    ("GET", "/conversations"),
    ("GET", "/conversations/1/messages"),
]


@pytest.mark.parametrize(("method", "path"), ROUTES)
def test_every_route_needs_the_users_own_token(
    stack: Stack, user: User, stranger: User, method: str, path: str
) -> None:
    body: Any = {"title": "x", "message": "hello", "description": "", "completed": False}
    arguments: Any = {"json": body} if method in {"POST", "PUT", "PATCH"} else {}
    url = f"{stack.backend}/api/{user.id}{path}"
    anonymous = httpx2.request(method, url, trust_env=False, verify=False, **arguments)
    assert anonymous.status_code == 401
    assert anonymous.json()["error"]["code"] == "unauthorized"
    assert anonymous.headers["WWW-Authenticate"] == "Bearer"

    foreign = stranger.client.request(method, url, **arguments)
    assert foreign.status_code == 403
    assert foreign.json()["error"]["code"] == "forbidden"
    assert user.tasks() == []
    assert user.request("GET", "/conversations").json() == []


def test_expired_foreign_and_forged_tokens_are_told_apart(world: World, user: User) -> None:
    expired, _ = world.tokens.issue_for_user(user.id, -60)
    foreign, _ = Tokens(SecretStr("another key of at least 32 bytes, really")).issue_for_user(
        user.id, 60
    )
    unsigned = jwt.encode({"sub": user.id, "iss": "todo-chat"}, "", algorithm="none")
    for token, code in (
        (expired, "token_expired"),
        (foreign, "token_invalid"),
        (unsigned, "token_invalid"),
        ("nonsense", "token_invalid"),
        (user.token[:-2], "token_invalid"),
    ):
        response = user.client.get(
            f"/api/{user.id}/tasks", headers={"Authorization": f"Bearer {token}"}
        )
        assert response.status_code == 401
        assert response.json()["error"]["code"] == code


def test_the_development_login_gives_a_token_that_works(stack: Stack, user: User) -> None:
    answer = user.client.post("/api/login", json={"user_id": user.id}).json()
    assert answer["user_id"] == user.id
    response = httpx2.get(
        f"{stack.backend}/api/{user.id}/tasks",
        headers={"Authorization": f"Bearer {answer['token']}"},
        trust_env=False,
    )
    assert response.status_code == 200
    for bad in ("", "-x", "a b", "x" * 65, "a/b"):
        assert user.client.post("/api/login", json={"user_id": bad}).status_code == 422


def test_without_the_setting_there_is_no_login(world: World) -> None:
    with (
        world.backend(environment="production", dev_login=False) as backend,
        world.user(backend) as user,
    ):
        assert user.client.post("/api/login", json={"user_id": "alice"}).status_code == 404
        assert "/api/login" not in user.client.get("/api/openapi.json").json()["paths"]
        assert user.client.get("/api/info").json()["environment"] == "production"


def test_requests_are_limited_per_user(world: World, stack: Stack) -> None:
    with (
        world.backend(rate_limit_per_minute=3) as backend,
        world.user(backend) as busy,
        world.user(backend) as calm,
    ):
        statuses = [busy.request("GET", "/tasks").status_code for _ in range(4)]
        assert statuses == [200, 200, 200, 429]
        refused = busy.request("GET", "/tasks")
        assert refused.json()["error"]["code"] == "rate_limited"
        assert 1 <= int(refused.headers["Retry-After"]) <= 60
        assert calm.request("GET", "/tasks").status_code == 200


def test_request_ids_are_kept_or_made(user: User) -> None:
    given = user.client.get("/api/info", headers={"X-Request-Id": "mine-1"})
    assert given.headers["X-Request-Id"] == "mine-1"
    forged = user.client.get("/api/info", headers={"X-Request-Id": 'a" "level": "ERROR'})
    assert len(forged.headers["X-Request-Id"]) == 32


def test_metrics_count_by_route_and_name_no_user(user: User) -> None:
    user.add_task()
    metrics = user.client.get("/metrics").text
    assert (
        'todo_http_requests_total{method="POST",route="/api/{user_id}/tasks",status="201"}'
        in metrics
    )
    assert user.id not in metrics
