"""Backend processes die; conversations go on."""

import threading
import time
import uuid
from typing import Any

import httpx2
import pytest

from tests.support.model_endpoint import Hang, ModelEndpoint, Text, Tool
from tests.support.postgres import free_port
from tests.support.processes import process
from tests.support.servers import serving
from tests.support.world import Stack, World

RETRY_SECONDS = 30


def backend_environment(world: World, agent_url: str) -> dict[str, Any]:
    settings = world.backend_settings(agent_url=agent_url).model_dump(exclude_none=True)
    return {name: value for name, value in settings.items() if name not in {"host", "port"}}


def test_between_two_messages(world: World, stack: Stack) -> None:
    settings = backend_environment(world, stack.agent)
    with process("backend", free_port(), settings) as first, world.user(first.url) as user:
        conversation = user.chat("add buy milk").json()["conversation_id"]
        first.kill()
    with (
        process("backend", free_port(), settings) as second,
        world.user(second.url, user.id) as again,
    ):
        answer = again.chat("what's pending", conversation_id=conversation).json()
        assert "buy milk" in answer["response"]
        assert len(again.messages(conversation)) == 4


def test_during_a_request(world: World, stack: Stack, tmp_path: Any) -> None:
    """Killed after the tool has run and before the model has answered."""
    key_file = tmp_path / "model-key"
    key_file.write_text("a-key")
    call = Tool("add_task", '{"title": "buy milk"}')
    endpoint = ModelEndpoint([call, Hang()])
    key = uuid.uuid4().hex
    with (
        serving(endpoint.app()) as model,
        world.agent(stack.mcp, model_base_url=f"{model}/v1", model_api_key_file=key_file) as agent,
    ):
        settings = backend_environment(world, agent)
        with process("backend", free_port(), settings) as first, world.user(first.url) as user:
            killer = threading.Thread(target=_kill_when, args=(first, endpoint, 2))
            killer.start()
            with pytest.raises(httpx2.TransportError):
                user.chat("we are out of milk", key)
            killer.join()

        endpoint.steps[:] = [call, Text("Milk is on the list.")]
        with (
            process("backend", free_port(), settings) as second,
            world.user(second.url, user.id) as again,
        ):
            answer = _ask_until_answered(again, key)
            assert answer["response"] == "Milk is on the list."
            assert len(again.messages(answer["conversation_id"])) == 2
            assert [task["title"] for task in again.tasks()] == ["buy milk"]


def _kill_when(victim: Any, endpoint: ModelEndpoint, requests: int) -> None:
    deadline = time.monotonic() + RETRY_SECONDS
    while len(endpoint.requests) < requests and time.monotonic() < deadline:
        time.sleep(0.01)
    victim.kill()


def _ask_until_answered(user: Any, key: str) -> dict[str, Any]:
    """Repeat as a client does: after the time in Retry-After."""
    deadline = time.monotonic() + RETRY_SECONDS
    while True:
        response = user.chat("we are out of milk", key)
        if response.status_code == 200:
            answer: dict[str, Any] = response.json()
            return answer
        assert response.json()["error"]["code"] == "turn_in_progress"
        assert time.monotonic() < deadline, "the dead replica's lease did not run out"
        time.sleep(float(response.headers["Retry-After"]))
