"""A database that is away: 503 with Retry-After, readiness red, liveness green."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx2
import pytest

from tests.integration.test_conversation_survives import backend_environment
from tests.support.model_endpoint import Gate, ModelEndpoint
from tests.support.postgres import free_port
from tests.support.processes import process, wait_until
from tests.support.servers import serving
from tests.support.tcp_gate import TcpGate
from tests.support.world import Stack, User, World

ENDS_SECONDS = 25
"""Turn timeout, clean-up and what a busy machine adds; without limits it is for ever."""


@pytest.fixture
def gate(world: World) -> Iterator[TcpGate]:
    gate = TcpGate(world.url.host or "", world.url.port or 5432)
    yield gate
    gate.close()


@pytest.fixture
def gated_user(world: World, stack: Stack, gate: TcpGate) -> Iterator[User]:
    changes = {"database_host": "127.0.0.1", "database_port": gate.port}
    with world.backend(agent_url=stack.agent, **changes) as backend, world.user(backend) as user:
        yield user


def test_every_route_says_so_and_recovers_by_itself(gated_user: User, gate: TcpGate) -> None:
    user = gated_user
    task = user.add_task()
    assert user.client.get("/readyz").status_code == 200

    gate.shut()
    for method, path, body in (
        ("GET", "/tasks", None),
        ("POST", "/tasks", {"title": "x"}),
        ("POST", "/chat", {"message": "hello"}),
        ("POST", "/chat/stream", {"message": "hello"}),
        ("GET", "/conversations", None),
    ):
        response = user.request(method, path, json=body)
        assert response.status_code == 503, path
        assert response.json()["error"]["code"] == "database_unavailable"
        assert int(response.headers["Retry-After"]) >= 1
    ready = user.client.get("/readyz")
    assert ready.status_code == 503
    assert ready.json()["status"] == "not_ready"
    assert set(ready.json()["checks"]) == {"tasks_database", "chat_database"}
    assert user.client.get("/healthz").status_code == 200

    gate.open()
    assert user.client.get("/readyz").status_code == 200
    assert user.tasks() == [task]


def test_tools_without_their_database_answer_with_a_tool_error(world: World, gate: TcpGate) -> None:
    with (
        world.mcp(database_host="127.0.0.1", database_port=gate.port) as mcp,
        world.agent(mcp) as agent,
        world.backend(agent_url=agent) as backend,
        world.user(backend) as user,
    ):
        gate.shut()
        answer = user.chat("add buy milk").json()
        assert "database does not answer" in answer["response"]
        assert answer["tool_calls"][0]["ok"] is False
        with world.user(mcp) as tools:
            assert tools.client.get("/readyz").status_code == 503
            assert tools.client.get("/healthz").status_code == 200
        gate.open()
        assert user.chat("add buy milk").json()["tool_calls"][0]["ok"] is True


def test_an_answer_that_cannot_be_stored_is_asked_for_again(
    world: World, stack: Stack, gate: TcpGate
) -> None:
    """The database leaves between the question and the answer."""
    with (
        world.backend(
            agent_url=stack.agent, database_host="127.0.0.1", database_port=gate.port
        ) as backend,
        world.user(backend) as user,
        world.user(stack.backend, user.id) as other,
    ):
        world.sql(
            "CREATE OR REPLACE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS "
            "$$ BEGIN PERFORM pg_terminate_backend(pg_backend_pid()); RETURN NULL; END $$"
        )
        world.sql(
            "CREATE TRIGGER refuse BEFORE INSERT ON messages FOR EACH ROW "
            f"WHEN (NEW.role = 'assistant' AND NEW.user_id = '{user.id}') "
            "EXECUTE FUNCTION refuse()"
        )
        world.sql("ALTER FUNCTION refuse() SECURITY DEFINER")
        try:
            failed = user.chat("add buy milk", "the-key")
        finally:
            world.sql("DROP TRIGGER refuse ON messages")
        assert failed.status_code == 503
        assert failed.json()["error"]["code"] == "database_unavailable"
        assert other.chat("add buy milk", "the-key").status_code == 200
        assert len(other.tasks()) == 1


def test_a_frozen_database_holds_nobody(gated_user: User, gate: TcpGate) -> None:
    user = gated_user
    task = user.add_task()
    user.chat("hello")
    gate.freeze()
    started = time.monotonic()
    assert user.client.get("/readyz").status_code == 503
    assert time.monotonic() - started < 4, "the probe's own limit"
    for method, path, body in (
        ("GET", "/tasks", None),
        ("POST", "/tasks", {"title": "x"}),
        ("POST", "/chat", {"message": "hello"}),
        ("GET", "/conversations", None),
    ):
        started = time.monotonic()
        response = user.request(method, path, json=body, timeout=ENDS_SECONDS)
        assert response.status_code == 503, path
        assert response.json()["error"]["code"] == "database_unavailable"
        assert time.monotonic() - started < 12, path
    assert "todo_http_requests_in_flight 1.0" in user.client.get("/metrics").text, "this one"
    gate.open()
    wait_until(lambda: user.client.get("/readyz").status_code == 200)
    assert user.tasks() == [task]


@pytest.fixture
def held_model(tmp_path: Path) -> Iterator[tuple[Gate, ModelEndpoint, str, Path]]:
    """A language model that answers when it is told to."""
    key = tmp_path / "model-key"
    key.write_text("a-key")
    gate = Gate(threading.Event(), "Here I am.")
    endpoint = ModelEndpoint([gate])
    with serving(endpoint.app()) as url:
        yield gate, endpoint, f"{url}/v1", key
        gate.opened.set()


@pytest.mark.parametrize("what", ["read-only", "frozen"])
def test_a_turn_ends_and_its_process_leaves_when_the_database_changes_in_the_middle(
    world: World,
    stack: Stack,
    gate: TcpGate,
    held_model: tuple[Gate, ModelEndpoint, str, Path],
    what: str,
) -> None:
    held, endpoint, model, key = held_model
    with world.agent(stack.mcp, model_base_url=model, model_api_key_file=key) as agent:
        settings = {
            **backend_environment(world, agent),
            "database_host": "127.0.0.1",
            "database_port": gate.port,
        }
        with process("backend", free_port(), settings) as backend, world.user(backend.url) as user:
            answers: list[httpx2.Response] = []
            request = threading.Thread(target=lambda: answers.append(user.chat("hello", "the-key")))
            request.start()
            wait_until(lambda: bool(endpoint.requests))
            with changed_database(world, gate, what):
                held.opened.set()
                request.join(ENDS_SECONDS)
                assert answers, "the turn did not end"
                assert answers[0].status_code == 503
                assert answers[0].json()["error"]["code"] == "database_unavailable"
                metrics = user.client.get("/metrics").text
                assert "todo_http_requests_in_flight 1.0" in metrics, "this one"
                backend.terminate()
                assert backend.popen.wait(ENDS_SECONDS) == 0
    with world.user(stack.backend, user.id) as later:
        wait_until(lambda: later.chat("hello", "the-key").status_code == 200)


@contextmanager
def changed_database(world: World, gate: TcpGate, what: str) -> Iterator[None]:
    if what == "frozen":
        gate.freeze()
        yield
        gate.open()
        return
    role = f"ALTER ROLE todo_chat IN DATABASE {world.url.database}"
    world.sql(f"{role} SET default_transaction_read_only = on")
    world.sql(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'todo_chat'"
        " AND datname = current_database()"
    )
    yield
    world.sql(f"{role} RESET default_transaction_read_only")
    world.sql(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'todo_chat'"
        " AND datname = current_database()"
    )
