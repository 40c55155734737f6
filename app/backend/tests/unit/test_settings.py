"""Settings refuse what would fail later."""

from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from todo_chat.settings import (
    AgentSettings,
    BackendSettings,
    ConfigurationError,
    McpSettings,
    read_jwt_key,
    read_secret,
)

BACKEND: dict[str, Any] = {
    "database_host": "db",
    "database_chat_password_file": "/x",
    "database_tasks_password_file": "/x",
    "jwt_key_file": "/x",
    "agent_url": "http://agent:8001",
}


def test_defaults_are_those_of_production() -> None:
    settings = BackendSettings(**BACKEND)
    assert (settings.environment, settings.dev_login, settings.port) == ("production", False, 8000)


@pytest.mark.parametrize("environment", ["staging", "production"])
def test_the_development_login_is_refused_elsewhere(environment: str) -> None:
    with pytest.raises(ValidationError, match=f"refused in {environment}"):
        BackendSettings(**BACKEND, environment=environment, dev_login=True)


def test_variables_have_a_prefix_and_lists_are_comma_separated(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name, value in {
        "DATABASE_HOST": "db",
        "DATABASE_MCP_PASSWORD_FILE": "/x",
        "JWT_KEY_FILE": "/x",
        "MCP_ALLOWED_HOSTS": "mcp:8002, mcp.todo-chat.svc:*,",
        "LOG_LEVEL": "",
    }.items():
        monkeypatch.setenv(f"TODO_{name}", value)
    settings = McpSettings()
    assert settings.mcp_allowed_hosts == ["mcp:8002", "mcp.todo-chat.svc:*"]
    assert settings.log_level == "INFO"


def test_values_are_not_shown_in_errors(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TODO_MCP_URL", "a-secret-in-the-wrong-place")
    with pytest.raises(ValidationError) as caught:
        AgentSettings()
    assert "a-secret" not in str(caught.value)


def test_secrets_are_stripped_and_hidden(tmp_path: Path) -> None:
    file = tmp_path / "secret"
    file.write_text("  swordfish\n")
    secret = read_secret(file)
    assert secret.get_secret_value() == "swordfish"
    assert "swordfish" not in repr(secret)


@pytest.mark.parametrize("content", [None, b"", b" \n", b"\xff\xfe"])
def test_unusable_secret_files_are_named(tmp_path: Path, content: bytes | None) -> None:
    file = tmp_path / "secret"
    if content is not None:
        file.write_bytes(content)
    with pytest.raises(ConfigurationError, match=str(file)):
        read_secret(file)


def test_a_short_key_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "key"
    file.write_text("x" * 31)
    with pytest.raises(ConfigurationError, match="31 bytes; at least 32"):
        read_jwt_key(file)
    file.write_text("x" * 32)
    assert len(read_jwt_key(file).get_secret_value()) == 32


def test_no_model_key_means_the_scripted_model(tmp_path: Path) -> None:
    file = tmp_path / "key"
    for prepare in (lambda: None, lambda: file.write_text(""), lambda: file.write_text(" \n")):
        prepare()
        settings = AgentSettings(mcp_url="http://mcp/mcp", model_api_key_file=file)
        assert settings.model_api_key() is None
    file.write_text("key\n")
    key = settings.model_api_key()
    assert key is not None
    assert key.get_secret_value() == "key"
