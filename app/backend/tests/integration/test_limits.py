"""Limits that hold, and what answers carry."""

import asyncio
import socket
import threading
from pathlib import Path

import httpx2
import pytest

from tests.support.model_endpoint import Gate, Text
from tests.support.prepared_model import talking
from tests.support.processes import wait_until
from tests.support.world import Stack, User, World


def test_a_user_has_so_many_tasks_and_no_more_whichever_way(world: World) -> None:
    with (
        world.mcp(max_tasks_per_user=2) as mcp,
        world.agent(mcp) as agent,
        world.backend(agent_url=agent, max_tasks_per_user=2) as backend,
        world.user(backend) as user,
        world.user(backend) as other,
    ):
        first = user.add_task("one")
        user.add_task("two")
        refused = user.request("POST", "/tasks", json={"title": "three"})
        assert refused.status_code == 429
        assert refused.json()["error"]["code"] == "quota_exceeded"
        assert "You have 2 tasks" in refused.json()["error"]["message"]
        assert int(refused.headers["Retry-After"]) > 0
        assert "You have 2 tasks" in user.chat("add three").json()["response"]
        assert other.add_task("mine")

        user.request("DELETE", f"/tasks/{first['id']}")
        user.add_task("three")
        assert user.request("POST", f"/tasks/{first['id']}/restore").status_code == 429
        assert [task["title"] for task in user.tasks()] == ["two", "three"]
        assert len(user.request("GET", "/tasks?status=deleted").json()) == 1


def test_a_user_has_so_many_conversations_and_no_more(world: World, stack: Stack) -> None:
    with (
        world.backend(agent_url=stack.agent, max_conversations_per_user=2) as backend,
        world.user(backend) as user,
        world.user(backend) as other,
    ):
        conversation = user.chat("hello", "key-1").json()["conversation_id"]
        user.chat("hello", "key-2")
        refused = user.chat("hello", "key-3")
        assert refused.status_code == 429
        assert refused.json()["error"]["code"] == "quota_exceeded"
        assert int(refused.headers["Retry-After"]) > 0
        assert user.chat("hello", conversation_id=conversation).status_code == 200
        assert user.chat("hello", "key-2").status_code == 200, "known already"
        assert other.chat("hello").status_code == 200


def test_a_user_has_so_many_turns_at_once_and_others_are_not_held_up(
    world: World, stack: Stack, tmp_path: Path
) -> None:
    gate = Gate(threading.Event(), "Here.")
    with talking(world, stack.mcp, tmp_path, [gate], max_turns_per_user=2) as (user, endpoint):
        answers: list[httpx2.Response] = []
        threads = [
            threading.Thread(target=lambda: answers.append(user.chat("hello"))) for _ in range(2)
        ]
        for thread in threads:
            thread.start()
        wait_until(lambda: len(endpoint.requests) == 2)
        refused = user.chat("hello")
        assert refused.status_code == 429
        assert refused.json()["error"]["code"] == "too_many_turns"
        assert int(refused.headers["Retry-After"]) > 0
        assert user.request("GET", "/tasks").status_code == 200
        gate.opened.set()
        for thread in threads:
            thread.join()
        assert [answer.status_code for answer in answers] == [200, 200]
        endpoint.steps[:] = [Text("Again.")]
        assert user.chat("hello").status_code == 200


def raw(url: str, request: bytes) -> bytes:
    target = httpx2.URL(url)
    with socket.create_connection((target.host, target.port or 80), timeout=10) as connection:
        connection.sendall(request)
        answer = b""
        while data := connection.recv(65536):
            answer += data
        return answer


def series(text: str) -> int:
    return sum(not line.startswith("#") for line in text.splitlines())


@pytest.mark.parametrize("tier", ["backend", "agent", "mcp"])
def test_invented_methods_and_paths_make_no_series(world: World, stack: Stack, tier: str) -> None:
    url = getattr(stack, tier)
    with world.user(url) as user:
        invented = b"%s /%s HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
        raw(url, invented % (b"PROPFIND", b"first"))
        user.client.get("/metrics")
        before = series(user.client.get("/metrics").text)
        for number in range(50):
            raw(url, invented % (b"METHOD%d" % number, b"path-%d" % number))
            raw(url, invented % (b"MKCOL", b"path-%d" % number))
        text = user.client.get("/metrics").text
    assert series(text) == before
    assert "METHOD" not in text
    assert "MKCOL" not in text
    assert "path-" not in text
    assert 'method="other"' in text


PLACES = [
    ("backend", "GET", "/api/info", 200),
    ("backend", "GET", "/api/openapi.json", 200),
    ("backend", "GET", "/healthz", 200),
    ("backend", "GET", "/api/nothing", 404),
    ("backend", "POST", "/api/info", 405),
    ("backend", "GET", "/api/docs", 404),
    ("agent", "GET", "/info", 200),
    ("agent", "POST", "/turn", 401),
    ("mcp", "POST", "/mcp", 401),
    ("mcp", "GET", "/healthz", 200),
]


@pytest.mark.parametrize(("tier", "method", "path", "status"), PLACES)
def test_every_answer_tells_browsers_what_not_to_do(
    stack: Stack, tier: str, method: str, path: str, status: int
) -> None:
    response = httpx2.request(method, getattr(stack, tier) + path, trust_env=False)
    assert response.status_code == status
    assert response.headers["X-Content-Type-Options"] == "nosniff"
    assert response.headers["Cache-Control"] == "no-store"
    policy = response.headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "frame-ancestors 'none'" in policy


@pytest.mark.parametrize("path", ["/api/info", "/api/openapi.json", "/healthz", "/nothing"])
def test_head_is_get_without_the_body(user: User, path: str) -> None:
    get, head = user.client.get(path), user.client.head(path)
    assert head.status_code == get.status_code
    assert head.content == b""
    for name in ("Content-Type", "Content-Length"):
        assert head.headers[name] == get.headers[name]


def test_head_of_a_users_route_needs_the_user(user: User, stranger: User) -> None:
    assert user.client.head(f"/api/{user.id}/tasks").status_code == 200
    assert stranger.client.head(f"/api/{user.id}/tasks").status_code == 403
    metrics = user.client.get("/metrics").text
    assert 'method="HEAD",route="/api/{user_id}/tasks",status="200"' in metrics


async def test_many_turns_of_one_user_all_end(user: User) -> None:
    async with httpx2.AsyncClient(
        base_url=user.client.base_url, headers=user.client.headers, timeout=60, trust_env=False
    ) as client:

        async def say() -> int:
            answer = await client.post(f"/api/{user.id}/chat", json={"message": "hello"})
            return answer.status_code

        statuses = await asyncio.gather(*(say() for _ in range(20)))
    assert set(statuses) <= {200, 429}
    assert statuses.count(200) >= 10
    assert user.chat("hello").status_code == 200
