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


OIDC: dict[str, Any] = {
    "oidc_issuer": "https://login.example.org/realm/",
    "oidc_client_id": "todo-chat",
    "public_url": "https://todo.example.org",
}


def test_a_complete_sign_in() -> None:
    oidc = BackendSettings(**BACKEND, **OIDC).oidc
    assert oidc is not None
    assert oidc.issuer == "https://login.example.org/realm/", "to the letter"
    assert oidc.redirect_uri == "https://todo.example.org/api/auth/callback"
    assert oidc.client_secret() is None


@pytest.mark.parametrize("environment", ["development", "production"])
def test_without_a_provider_the_backend_starts(environment: str) -> None:
    files_and_words: dict[str, Any] = {
        "oidc_client_secret_file": "/x",
        "public_url": "http://localhost:8080",
    }
    settings = BackendSettings(**BACKEND, environment=environment, **files_and_words)
    assert settings.oidc is None


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"oidc_issuer": None}, "not set: TODO_OIDC_ISSUER"),
        ({"oidc_client_id": None}, "not set: TODO_OIDC_CLIENT_ID"),
        ({"public_url": None}, "not set: TODO_PUBLIC_URL"),
        ({"public_url": None, "oidc_issuer": None}, "not set: TODO_OIDC_ISSUER, TODO_PUBLIC_URL"),
        ({"oidc_scopes": "profile"}, "TODO_OIDC_SCOPES has to contain the word openid"),
        ({"public_url": "https://todo.example.org/app"}, "TODO_PUBLIC_URL must have no path"),
        ({"public_url": "todo.example.org"}, "has to be an absolute URL"),
        ({"oidc_issuer": "ftp://login.example.org"}, "has to be an absolute URL"),
        ({"oidc_issuer": "https://u:p@login.example.org"}, "neither a user name"),
        ({"oidc_issuer": "https://login.example.org?x=1"}, "neither a user name nor a query"),
        ({"oidc_issuer": "http://login.example.org"}, "TODO_OIDC_ISSUER has to begin with https"),
        ({"public_url": "http://todo.example.org"}, "TODO_PUBLIC_URL has to begin with https"),
        (
            {"api_issuers": [{"issuer": "http://a.example.org", "audience": "todo"}]},
            r"TODO_API_ISSUERS\[0\].issuer has to begin with https",
        ),
        (
            {
                "api_issuers": [
                    {"issuer": "https://a", "audience": "todo", "jwks_uri": "http://a/jwks"}
                ]
            },
            r"TODO_API_ISSUERS\[0\].jwks_uri has to begin with https",
        ),
        ({"api_issuers": [{"issuer": "https://a"}]}, "audience"),
        ({"api_issuers": [{"issuer": "https://a", "audience": ""}]}, "audience"),
        ({"api_issuers": [{"issuer": "https://a", "audience": "b", "jwks": "c"}]}, "jwks"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_half_a_sign_in_is_refused(changes: dict[str, Any], reason: str) -> None:
    with pytest.raises(ValidationError, match=reason):
        BackendSettings(**BACKEND, **{**OIDC, **changes})


def test_issuers_of_api_tokens_are_json(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in BACKEND.items():
        monkeypatch.setenv(f"TODO_{name.upper()}", value)
    monkeypatch.setenv("TODO_API_ISSUERS", '[{"issuer": "https://a", "audience": "todo"}]')
    assert BackendSettings().api_issuers[0].issuer == "https://a"


def test_the_client_secret_is_optional_but_readable(tmp_path: Path) -> None:
    def secret_in(file: Path) -> str | None:
        oidc = BackendSettings(**BACKEND, **OIDC, oidc_client_secret_file=file).oidc
        assert oidc is not None
        secret = oidc.client_secret()
        return None if secret is None else secret.get_secret_value()

    file = tmp_path / "oidc-client-secret"
    assert secret_in(file) is None
    file.write_text("\n")
    assert secret_in(file) is None
    file.write_text("swordfish\n")
    assert secret_in(file) == "swordfish"
    with pytest.raises(ConfigurationError, match="oidc-client-secret"):
        secret_in(_unreadable(file))


def _unreadable(file: Path) -> Path:
    file.write_bytes(b"\xff\xfe")
    return file
