"""A database that is away: 503 with Retry-After, readiness red, liveness green."""

from collections.abc import Iterator

import pytest

from tests.support.tcp_gate import TcpGate
from tests.support.world import Stack, User, World


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
