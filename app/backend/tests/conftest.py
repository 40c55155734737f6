"""Fixtures. All but the database server are explicit: a test names what it uses.

Isolation: each worker has a database of its own, each test a user of its own, and row-level
security keeps users apart. That leaves nothing to roll back and lets tests run the real
processes, whose transactions are their own.
"""

import os
import secrets
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import URL, create_engine, make_url, text
from sqlalchemy.pool import NullPool

from tests.support.postgres import URL_VARIABLE, postgres_server
from tests.support.world import PASSWORDS, Stack, User, World, login_of
from todo_chat.db import migrate
from todo_chat.settings import MigrateSettings

TEMPLATE = "todo_test_template"

_server = ExitStack()


def pytest_configure(config: pytest.Config) -> None:
    """Start or find the database server once, before any worker exists."""
    if hasattr(config, "workerinput") or config.option.collectonly:
        return
    url = _server.enter_context(postgres_server())
    os.environ[URL_VARIABLE] = url.render_as_string(hide_password=False)
    _make_template(url)


def pytest_unconfigure() -> None:
    """Stop what ``pytest_configure`` started."""
    _server.close()


def _make_template(url: URL) -> None:
    admin = create_engine(url, poolclass=NullPool)
    with admin.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text(f"DROP DATABASE IF EXISTS {TEMPLATE} WITH (FORCE)"))
    migrate.create_database(admin, TEMPLATE)
    template = url.set(database=TEMPLATE)
    migrate.create_roles(create_engine(template, poolclass=NullPool), PASSWORDS)
    owner = login_of(template, "migrator")
    migrate.upgrade_schema(create_engine(owner, poolclass=NullPool))


@pytest.fixture(scope="session")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """A database of this worker, cloned from the migrated template."""
    url = make_url(os.environ[URL_VARIABLE])
    name = f"todo_test_{os.getpid()}_{secrets.token_hex(3)}"
    admin = create_engine(url, poolclass=NullPool)
    with admin.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text(f"CREATE DATABASE {name} TEMPLATE {TEMPLATE}"))
        yield World(url.set(database=name), _write_secrets(tmp_path_factory.mktemp("secrets")))
        connection.execute(text(f"DROP DATABASE {name} WITH (FORCE)"))


def _write_secrets(folder: Path) -> Path:
    for role, password in PASSWORDS.items():
        (folder / f"{role}-password").write_text(f"{password}\n")
    (folder / "jwt-key").write_text(secrets.token_urlsafe(48))
    return folder


@pytest.fixture
def migrate_settings(world: World, tmp_path: Path) -> Iterator[MigrateSettings]:
    """An administrator's settings for a database that does not exist yet."""
    admin_password = tmp_path / "admin-password"
    admin_password.write_text(world.url.password or "unused")
    name = f"todo_test_migrate_{secrets.token_hex(4)}"
    values: dict[str, Any] = {
        "database_host": world.url.host,
        "database_port": world.url.port,
        "database_name": name,
        "database_wait_seconds": 5,
        "database_admin_user": world.url.username,
        "database_admin_password_file": admin_password,
    }
    for role in PASSWORDS:
        values[f"database_{role}_password_file"] = world.secrets / f"{role}-password"
    yield MigrateSettings(**values)
    admin = create_engine(world.url, poolclass=NullPool)
    with admin.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)"))


@pytest.fixture(scope="session")
def stack(world: World) -> Iterator[Stack]:
    """The three processes' applications, wired to each other over loopback."""
    with (
        world.mcp() as mcp,
        world.agent(mcp) as agent,
        world.backend(agent_url=agent) as backend,
    ):
        yield Stack(backend, agent, mcp)


@pytest.fixture
def user(world: World, stack: Stack) -> Iterator[User]:
    """A new user of the stack."""
    with world.user(stack.backend) as user:
        yield user


@pytest.fixture
def stranger(world: World, stack: Stack) -> Iterator[User]:
    """Another new user of the stack."""
    with world.user(stack.backend) as user:
        yield user
