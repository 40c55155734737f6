"""The connection URL: taken apart, refused in words, and never shown."""

import re
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from todo_chat.database_url import parse_database_url
from todo_chat.db.engine import Login, database_url
from todo_chat.settings import BackendSettings, DatabaseSettings, McpSettings, MigrateSettings

NEON = (
    "postgresql://owner:p%40ss%2Fword@ep-cool-darkness-123456.eu-central-1.aws.neon.tech/todo"
    "?sslmode=require&channel_binding=require"
)


def test_a_url_as_a_provider_gives_it() -> None:
    address = parse_database_url(NEON)
    assert address.host == "ep-cool-darkness-123456.eu-central-1.aws.neon.tech"
    assert (address.port, address.name, address.user) == (None, "todo", "owner")
    assert (address.sslmode, address.channel_binding) == ("require", "require")
    assert address.password is not None
    assert address.password.get_secret_value() == "p@ss/word"


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("mysql://db/todo", "begin with postgresql://"),
        ("db.example.org", "begin with postgresql://"),
        ("postgresql:///todo", "name one host"),
        ("postgresql://one,two/todo", "name one host"),
        ("postgresql://db", "name the database"),
        ("postgresql://db/", "name the database"),
        ("postgresql://db/todo/more", "name the database"),
        ("postgresql://db:x/todo", "host or port cannot be read"),
        ("postgresql://db:99999/todo", "host or port cannot be read"),
        ("postgresql://u:hush#hush@db/todo", "host or port cannot be read"),
        ("postgresql://db/todo#hush", "must have no #"),
        ("postgresql://db/todo?sslmode=yes", "sslmode has to be one of disable, allow"),
        ("postgresql://db/todo?channel_binding=on", "channel_binding has to be one of"),
        ("postgresql://db/todo?options=-csearch_path%3Dx", "unknown parameter options; known"),
        ("postgresql://db/todo?sslmode=", "sslmode has to be one of"),
        ("postgresql://db/todo?sslmode=allow&sslmode=require", "a parameter twice"),
    ],
)
def test_what_is_refused(url: str, words: str) -> None:
    with pytest.raises(ValueError, match=re.escape(words)) as refused:
        parse_database_url(url)
    assert "hush" not in str(refused.value)


@pytest.fixture
def files(tmp_path: Path) -> dict[str, Any]:
    """Secret files that every class of settings needs."""
    secret = tmp_path / "secret"
    secret.write_text("x" * 32)
    names = ("chat", "tasks", "mcp", "migrator")
    return {f"database_{name}_password_file": secret for name in names} | {
        "jwt_key_file": secret,
        "agent_url": "http://agent",
    }


def with_url(tmp_path: Path, url: str) -> dict[str, Any]:
    file = tmp_path / "url"
    file.write_text(f"{url}\n")
    return {"database_url_file": file}


def test_settings_from_a_url_reach_the_driver(files: dict[str, Any], tmp_path: Path) -> None:
    url = "postgresql://pool.example.org:6432/todo?sslmode=verify-full&channel_binding=require"
    settings = BackendSettings(**files, **with_url(tmp_path, url))
    made = database_url(settings, Login("todo_chat", settings.database_chat_password_file))
    assert (made.host, made.port, made.database) == ("pool.example.org", 6432, "todo")
    assert made.username == "todo_chat"
    assert made.query["sslmode"] == "verify-full"
    assert made.query["channel_binding"] == "require"


def test_what_the_url_leaves_out_has_the_default(files: dict[str, Any], tmp_path: Path) -> None:
    settings = McpSettings(**files, **with_url(tmp_path, "postgres://db/things"))
    assert (settings.database_port, settings.database_sslmode) == (5432, "prefer")
    assert settings.database_channel_binding == "prefer"


def test_only_the_migrate_process_takes_the_login(files: dict[str, Any], tmp_path: Path) -> None:
    given = {**files, **with_url(tmp_path, NEON)}
    settings = MigrateSettings(**given)
    assert settings.database_admin_user == "owner"
    assert settings.admin_password is not None
    assert Login("owner", settings.admin_password).secret() == "p@ss/word"
    assert "p@ss" not in repr(settings)
    for other in (BackendSettings, McpSettings):
        with pytest.raises(ValidationError, match="without user and password") as refused:
            other(**given)
        assert "p@ss" not in str(refused.value)
        assert "p%40ss" not in str(refused.value)


@pytest.mark.parametrize(
    "single",
    [{"database_host": "db"}, {"database_name": "todo"}, {"database_sslmode": "require"}],
)
def test_one_place_for_each_setting(
    single: dict[str, Any], files: dict[str, Any], tmp_path: Path
) -> None:
    url = with_url(tmp_path, "postgresql://db/todo?sslmode=require")
    with pytest.raises(ValidationError, match="says it already") as refused:
        McpSettings(**files, **url, **single)
    assert f"TODO_{next(iter(single)).upper()}" in str(refused.value)


def test_an_unknown_parameter_is_named_with_the_setting(tmp_path: Path) -> None:
    with pytest.raises(ValidationError, match="TODO_DATABASE_URL_FILE has the unknown parameter"):
        DatabaseSettings(**with_url(tmp_path, "postgresql://db/todo?pgbouncer=true"))


def test_it_comes_from_the_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = with_url(tmp_path, "postgresql://db/todo?channel_binding=disable")["database_url_file"]
    monkeypatch.setenv("TODO_DATABASE_URL_FILE", str(file))
    settings = DatabaseSettings()
    assert (settings.database_host, settings.database_channel_binding) == ("db", "disable")
    monkeypatch.setenv("TODO_DATABASE_HOST", "other")
    with pytest.raises(ValidationError, match="TODO_DATABASE_HOST: the URL"):
        DatabaseSettings()
