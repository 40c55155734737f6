"""A process that is not configured says what is missing and shows no secret."""

import logging
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from todo_chat.entrypoints import agent, backend, mcp, migrate
from todo_chat.entrypoints._start import EXIT_CONFIGURATION, start
from todo_chat.settings import AgentSettings, BackendSettings, McpSettings, MigrateSettings

pytestmark = pytest.mark.usefixtures("root_logger")


@pytest.fixture
def root_logger() -> Iterator[None]:
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    root.handlers[:] = handlers
    root.setLevel(level)


@pytest.mark.parametrize(
    ("settings_class", "work", "environment", "words"),
    [
        (BackendSettings, backend.serve, {}, "TODO_DATABASE_HOST: Field required"),
        (AgentSettings, agent.serve, {"MCP_URL": "http://mcp/mcp", "PORT": "x"}, "TODO_PORT: "),
        (
            BackendSettings,
            backend.serve,
            {
                "DATABASE_HOST": "db",
                "DATABASE_CHAT_PASSWORD_FILE": "PASSWORD",
                "DATABASE_TASKS_PASSWORD_FILE": "PASSWORD",
                "JWT_KEY_FILE": "PASSWORD",
                "AGENT_URL": "http://agent",
            },
            "has 11 bytes; at least 32 are needed",
        ),
        (
            McpSettings,
            mcp.serve,
            {
                "DATABASE_HOST": "db",
                "DATABASE_MCP_PASSWORD_FILE": "/nowhere/password",
                "JWT_KEY_FILE": "PASSWORD",
            },
            "/nowhere/password",
        ),
        (
            MigrateSettings,
            migrate.run,
            {
                "DATABASE_HOST": "127.0.0.1",
                "DATABASE_PORT": "1",
                "DATABASE_WAIT_SECONDS": "0",
                "DATABASE_MIGRATOR_PASSWORD_FILE": "PASSWORD",
            },
            "127.0.0.1:1 did not let todo_migrator in within 0 s",
        ),
    ],
    ids=["nothing set", "bad port", "short key", "no secret file", "no database"],
)
def test_not_configured(
    settings_class: type[Any],
    work: Callable[[Any], None],
    environment: dict[str, str],
    words: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    password = tmp_path / "password"
    password.write_text("very secret")
    for name, value in environment.items():
        monkeypatch.setenv(f"TODO_{name}", str(password) if value == "PASSWORD" else value)
    assert start("test", settings_class, work) == EXIT_CONFIGURATION
    shown = capsys.readouterr()
    assert shown.err.startswith("test: ")
    assert words in shown.err
    assert "very secret" not in shown.err + shown.out


def test_work_that_ends_is_exit_code_0(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TODO_MCP_URL", "http://mcp/mcp")
    assert start("test", AgentSettings, lambda _: None) == 0
