"""Starting and leaving, as Kubernetes sees it."""

import os
import socket
import threading
from pathlib import Path
from typing import Any

import httpx2
import pytest

from tests.integration.test_conversation_survives import backend_environment
from tests.support.model_endpoint import Gate, ModelEndpoint
from tests.support.postgres import free_port
from tests.support.processes import STOP_SECONDS, process, wait_until
from tests.support.servers import serving
from tests.support.world import Stack, World


def test_sigterm_turns_readiness_red_then_finishes_what_is_under_way(
    world: World, stack: Stack, tmp_path: Path
) -> None:
    key_file = tmp_path / "model-key"
    key_file.write_text("a-key")
    gate = Gate(threading.Event(), "Here I am.")
    endpoint = ModelEndpoint([gate])
    with (
        serving(endpoint.app()) as model,
        world.agent(stack.mcp, model_base_url=f"{model}/v1", model_api_key_file=key_file) as agent,
    ):
        settings = {**backend_environment(world, agent), "drain_seconds": 60}
        with process("backend", free_port(), settings) as backend, world.user(backend.url) as user:
            answers: list[httpx2.Response] = []
            request = threading.Thread(target=lambda: answers.append(user.chat("hello")))
            request.start()
            wait_until(lambda: bool(endpoint.requests))

            backend.terminate()
            wait_until(lambda: backend.get("/readyz").status_code == 503)
            assert backend.get("/readyz").json()["status"] == "draining"
            assert backend.get("/healthz").status_code == 200
            assert backend.get("/api/info").status_code == 200, "routes still answer"

            backend.terminate()  # the second signal ends the pause: the listener closes
            wait_until(lambda: not accepts_connections(backend.url))
            assert answers == []
            gate.opened.set()
            request.join(STOP_SECONDS)
            assert answers[0].json()["response"] == "Here I am."
            assert backend.popen.wait(STOP_SECONDS) == 0


def accepts_connections(url: str) -> bool:
    port = httpx2.URL(url).port or 0
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


@pytest.mark.parametrize("name", ["agent", "mcp"])
def test_the_other_processes_leave_with_exit_code_0(world: World, name: str) -> None:
    settings: dict[str, Any] = {
        "agent": {"mcp_url": "http://127.0.0.1:1/mcp"},
        "mcp": world.mcp_settings().model_dump(exclude={"host", "port"}, exclude_none=True)
        | {"mcp_allowed_hosts": "127.0.0.1:*", "mcp_allowed_origins": ""},
    }
    with process(name, free_port(), settings[name]) as running:
        assert running.get("/healthz").json() == {"status": "ok"}
        running.terminate()
        assert running.popen.wait(STOP_SECONDS) == 0


def test_the_agent_starts_without_any_database_setting() -> None:
    with process("agent", free_port(), {"mcp_url": "http://127.0.0.1:1/mcp"}) as agent:
        environ = Path(f"/proc/{agent.popen.pid}/environ").read_bytes().decode()
        assert "DATABASE" not in environ
        assert "JWT" not in environ
        opened = [os.readlink(link) for link in Path(f"/proc/{agent.popen.pid}/fd").iterdir()]
        assert not any("password" in target for target in opened)
        assert agent.get("/info").json() == {"name": "scripted model", "kind": "scripted"}
        assert agent.get("/readyz").status_code == 503
