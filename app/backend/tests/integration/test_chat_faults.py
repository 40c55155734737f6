"""What the user sees when a process behind the chat is missing."""

import pytest
from pydantic import AnyHttpUrl

from tests.support.postgres import free_port
from tests.support.servers import serving
from tests.support.world import Stack, User, World
from todo_chat.entrypoints import agent as agent_process
from todo_chat.settings import AgentSettings


def assert_kept_and_answered_later(user: User, later: User, code: str) -> None:
    failed = user.chat("add buy milk", "the-key")
    assert failed.status_code == 503
    assert int(failed.headers["Retry-After"]) >= 1
    error = failed.json()["error"]
    assert error["code"] == code
    assert "saved" in error["message"]
    conversation = error["details"]["conversation_id"]
    assert [m["content"] for m in user.messages(conversation)] == ["add buy milk"]

    answered = later.chat("add buy milk", "the-key", conversation_id=conversation)
    assert answered.json()["response"].startswith("Added task")
    assert len(later.messages(conversation)) == 2
    assert len(later.tasks()) == 1


def test_agent_down(world: World, stack: Stack) -> None:
    with (
        world.backend() as lonely,
        world.user(lonely) as user,
        world.user(stack.backend, user.id) as later,
    ):
        assert user.client.get("/readyz").status_code == 200
        info = user.client.get("/api/info").json()
        assert (info["agent"], info["model"]) == ("unreachable", None)
        assert_kept_and_answered_later(user, later, "agent_unavailable")


def test_mcp_down(world: World, stack: Stack) -> None:
    nobody = f"http://127.0.0.1:{free_port()}"
    with (
        world.agent(nobody) as agent,
        world.backend(agent_url=agent) as backend,
        world.user(backend) as user,
        world.user(stack.backend, user.id) as later,
    ):
        assert_kept_and_answered_later(user, later, "tools_unavailable")
        events = user.stream("what's pending")
        assert [event.name for event in events] == ["start", "error"]
        assert events[-1].data["code"] == "tools_unavailable"
        assert events[-1].data["details"]["conversation_id"] == events[0].data["conversation_id"]


def test_mcp_refuses_the_token(world: World, stack: Stack) -> None:
    foreign = world.secrets / "foreign-key"
    foreign.write_text("another key of at least 32 bytes, really")
    with (
        world.mcp(jwt_key_file=foreign) as mcp,
        world.agent(mcp) as agent,
        world.backend(agent_url=agent) as backend,
        world.user(backend) as user,
        world.user(stack.backend, user.id) as later,
    ):
        assert_kept_and_answered_later(user, later, "tools_unavailable")


def test_mcp_comes_back_without_a_restart(world: World) -> None:
    port = free_port()
    settings = AgentSettings(mcp_url=AnyHttpUrl(f"http://127.0.0.1:{port}/mcp"))
    with (
        serving(agent_process.build(settings)[0]) as agent,
        world.backend(agent_url=agent) as backend,
        world.user(backend) as user,
    ):
        assert user.chat("hello").status_code == 503
        with world.mcp(port):
            assert user.chat("hello").status_code == 200


def test_a_turn_has_a_time_limit(world: World, stack: Stack) -> None:
    with (
        world.backend(agent_url=stack.agent, turn_timeout_seconds=0.001) as backend,
        world.user(backend) as user,
        world.user(stack.backend, user.id) as later,
    ):
        failed = user.chat("hello", "the-key")
        assert failed.status_code == 504
        assert failed.json()["error"]["code"] == "turn_timeout"
        assert later.chat("hello", "the-key").status_code == 200


@pytest.mark.parametrize("body", ["", "{}", '{"messages": []}', "no json"])
def test_the_agent_refuses_bad_requests(world: World, stack: Stack, body: str) -> None:
    with world.user(stack.agent) as user:
        response = user.client.post("/turn", content=body)
        assert response.status_code == 422
        assert response.json()["error"]["code"] == "validation_error"


def test_the_agent_asks_no_model_without_a_token(world: World, stack: Stack) -> None:
    with world.user(stack.agent) as user:
        del user.client.headers["Authorization"]
        response = user.client.post("/turn", json={"messages": [{"role": "user", "content": "hi"}]})
        assert response.status_code == 401
