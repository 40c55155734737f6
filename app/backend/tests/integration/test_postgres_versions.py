"""Roles, schema and row-level security on every PostgreSQL, by every kind of administrator.

What a role may do to another one changed in 16: what serves an administrator on one version
fails on the next.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import URL, create_engine, text
from sqlalchemy.exc import ProgrammingError
from sqlalchemy.pool import NullPool

from tests.support.postgres import VERSIONS, server_of_version
from tests.support.world import PASSWORDS, World
from todo_chat.db import migrate
from todo_chat.entrypoints.migrate import run
from todo_chat.settings import ConfigurationError, MigrateSettings

ADMIN = "managed-admin"
"""Not a plain identifier: names are quoted wherever they are used."""
DATABASE = "todo-managed"


@dataclass(frozen=True)
class Server:
    """A server whose databases and roles are its own."""

    version: int
    url: URL
    """A superuser's login."""
    files: Path

    def sql(self, *statements: str, user: str | None = None, database: str = "postgres") -> Any:
        """Run statements, each in a transaction of its own; gives the rows of the last."""
        url = self.url.set(database=database, username=user or self.url.username)
        engine = create_engine(url, poolclass=NullPool)
        with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            for statement in statements:
                result = connection.execute(text(statement))
            return result.all() if result.returns_rows else []

    def settings(self, admin: str | None) -> MigrateSettings:
        """Settings of a migration by this administrator."""
        values: dict[str, Any] = {
            f"database_{role}_password_file": self.files / f"{role}-password"
            for role in (*PASSWORDS, "admin")
        }
        return MigrateSettings(
            database_host=self.url.host,
            database_port=self.url.port,
            database_name=DATABASE,
            database_wait_seconds=5,
            database_admin_user=admin,
            **values,
        )

    def world(self) -> World:
        """The migrated database."""
        return World(self.url.set(database=DATABASE), self.files)

    def clean(self) -> None:
        """Take away what a test made."""
        self.sql(f'DROP DATABASE IF EXISTS "{DATABASE}" WITH (FORCE)')
        made = "SELECT rolname FROM pg_roles WHERE rolname LIKE 'todo_%' OR rolname LIKE '%-admin'"
        for role in self.sql(made):
            self.sql(f'DROP ROLE "{role.rolname}"')


NAMES = [f"PostgreSQL {version}" for version in VERSIONS]


@pytest.fixture(scope="session", params=VERSIONS, ids=NAMES)
def running(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Server]:
    """A running server of each version."""
    files = tmp_path_factory.mktemp("passwords")
    for role, password in {**PASSWORDS, "admin": "unused"}.items():
        (files / f"{role}-password").write_text(password)
    with server_of_version(request.param) as url:
        yield Server(request.param, url, files)


@pytest.fixture
def server(running: Server) -> Iterator[Server]:
    """The server as `initdb` leaves it."""
    yield running
    running.clean()


OWN_DATABASE = f'CREATE DATABASE "{DATABASE}" OWNER "{ADMIN}"'

ADMINISTRATORS = {
    "superuser": (f'CREATE ROLE "{ADMIN}" LOGIN SUPERUSER',),
    "createrole createdb": (f'CREATE ROLE "{ADMIN}" LOGIN CREATEROLE CREATEDB',),
    "createrole, its own database": (f'CREATE ROLE "{ADMIN}" LOGIN CREATEROLE', OWN_DATABASE),
    "createrole, member of the database's owner": (
        f'CREATE ROLE "{ADMIN}" LOGIN CREATEROLE',
        'CREATE ROLE "owner-admin"',
        f'GRANT "owner-admin" TO "{ADMIN}"',
        f'CREATE DATABASE "{DATABASE}" OWNER "owner-admin"',
    ),
}

SELF_GRANTS = ["set", "inherit", "set, inherit"]
"""Values of ``createrole_self_grant``, which 16 brought."""


def check(server: Server) -> None:
    """The schema is the newest one, and each role may do its own work and nothing else."""
    world = server.world()
    assert (
        world.sql("SELECT version_num FROM alembic_version", "chat")[0][0]
        == migrate.head_revision()
    )
    count = "SELECT count(*) FROM tasks"
    before = world.sql(count, "tasks", as_user="alice")[0][0]
    world.sql("INSERT INTO tasks (user_id, title) VALUES ('alice', 'x')", "tasks", as_user="alice")
    assert world.sql(count, "mcp", as_user="alice")[0][0] == before + 1
    assert world.sql(count, "mcp", as_user="bob")[0][0] == 0
    assert world.sql(count, "tasks")[0][0] == 0, "no user, no rows"
    assert world.sql(count, "backup")[0][0] == before + 1, "the backup has every user's rows"
    with pytest.raises(ProgrammingError, match="row-level security"):
        world.sql(
            "INSERT INTO tasks (user_id, title) VALUES ('alice', 'x')", "tasks", as_user="bob"
        )
    for role, statement in [
        ("chat", count),
        ("tasks", "CREATE TABLE public.mine ()"),
        ("mcp", "ALTER TABLE tasks DISABLE ROW LEVEL SECURITY"),
        ("tasks", "SET ROLE todo_migrator"),
        ("backup", "CREATE ROLE helper"),
    ]:
        with pytest.raises(ProgrammingError, match=r"permission denied|must be owner"):
            world.sql(statement, role, as_user="alice")
    server.sql('CREATE ROLE "stranger-admin" LOGIN')
    with pytest.raises(Exception, match="permission denied for database"):
        server.sql("SELECT 1", user="stranger-admin", database=DATABASE)
    server.sql('DROP ROLE "stranger-admin"')


def members(server: Server) -> list[str]:
    """Who can act as the owner of the schema."""
    can = "true" if server.version < 16 else "set_option OR inherit_option"
    rows = server.sql(
        "SELECT member::regrole::text AS name FROM pg_auth_members "
        f"WHERE roleid = 'todo_migrator'::regrole AND ({can})"
    )
    return [row.name for row in rows]


def refusal(server: Server) -> str:
    with pytest.raises(ConfigurationError) as refused:
        run(server.settings(ADMIN))
    return str(refused.value)


def remedy(message: str) -> list[str]:
    """The statements that an error asks for."""
    statements = message.partition(": ")[2]
    assert statements.endswith(";"), message
    return re.split(r"; ?", statements.rstrip(";"))


@pytest.mark.parametrize("kind", ADMINISTRATORS)
def test_an_administrator_prepares_a_database_twice(server: Server, kind: str) -> None:
    server.sql(*ADMINISTRATORS[kind])
    for _ in range(2):
        run(server.settings(ADMIN))
        assert members(server) == [], "nobody stays a member of the schema's owner"
    run(server.settings(None))
    check(server)


@pytest.mark.parametrize("running", VERSIONS[1:], ids=NAMES[1:], indirect=True)
@pytest.mark.parametrize("options", SELF_GRANTS)
def test_grants_of_an_administrator_to_itself_stay(server: Server, options: str) -> None:
    server.sql(
        f'CREATE ROLE "{ADMIN}" LOGIN CREATEROLE CREATEDB',
        f"ALTER ROLE \"{ADMIN}\" SET createrole_self_grant = '{options}'",
    )
    for _ in range(2):
        run(server.settings(ADMIN))
    check(server)
    given = server.sql(
        "SELECT set_option, inherit_option FROM pg_auth_members "
        "WHERE roleid = 'todo_migrator'::regrole AND member = grantor"
    )
    assert given == [("set" in options, "inherit" in options)]


def test_what_was_opened_is_closed_again(server: Server) -> None:
    server.sql(f'CREATE ROLE "{ADMIN}" LOGIN CREATEROLE CREATEDB')
    run(server.settings(ADMIN))
    server.sql(
        f'ALTER DATABASE "{DATABASE}" OWNER TO todo_migrator',
        f'GRANT CONNECT ON DATABASE "{DATABASE}" TO PUBLIC',
        "ALTER ROLE todo_tasks CREATEROLE",
    )
    server.sql("GRANT CREATE ON SCHEMA public TO PUBLIC", database=DATABASE)
    run(server.settings(ADMIN))
    check(server)
    assert (
        server.sql("SELECT rolcreaterole FROM pg_roles WHERE rolname = 'todo_tasks'")[0][0] is False
    )


FOREIGN = {
    "the database is somebody else's": (VERSIONS, "", (f'CREATE DATABASE "{DATABASE}"',)),
    "the roles are somebody else's": (
        VERSIONS[1:],
        "",
        (OWN_DATABASE, "CREATE ROLE todo_migrator", "CREATE ROLE todo_chat"),
    ),
    "everything is somebody else's": (
        VERSIONS,
        "",
        (f'CREATE DATABASE "{DATABASE}"', "CREATE ROLE todo_backup"),
    ),
    "the owner of the database inherits nothing": ((15,), "NOINHERIT", (OWN_DATABASE,)),
}
"""What an administrator finds: the versions that refuse, its attributes, how it came about."""


@pytest.mark.parametrize("story", FOREIGN)
def test_a_refusal_names_the_grants_that_help(server: Server, story: str) -> None:
    refusing, attributes, statements = FOREIGN[story]
    server.sql(f'CREATE ROLE "{ADMIN}" LOGIN CREATEROLE {attributes}', *statements)
    if server.version in refusing:
        roles = server.sql("SELECT count(*) FROM pg_roles")
        message = refusal(server)
        assert f"{ADMIN} may not prepare the roles of database {DATABASE}" in message
        assert server.sql("SELECT count(*) FROM pg_roles") == roles, "nothing was changed"
        server.sql(*remedy(message), database=DATABASE)
    for _ in range(2):
        run(server.settings(ADMIN))
    check(server)


def test_a_schema_that_came_from_an_older_server(server: Server) -> None:
    server.sql(f'CREATE ROLE "{ADMIN}" LOGIN CREATEROLE', OWN_DATABASE)
    server.sql(
        "ALTER SCHEMA public OWNER TO postgres",
        "GRANT CREATE ON SCHEMA public TO PUBLIC",
        database=DATABASE,
    )
    message = refusal(server)
    assert remedy(message) == [f'ALTER SCHEMA public OWNER TO "{ADMIN}"']
    server.sql(*remedy(message), database=DATABASE)
    run(server.settings(ADMIN))
    check(server)


def test_another_administrator_rotates_the_passwords(server: Server) -> None:
    server.sql(
        f'CREATE ROLE "{ADMIN}" LOGIN CREATEROLE', 'CREATE ROLE "first-admin" SUPERUSER LOGIN'
    )
    run(server.settings("first-admin"))
    server.sql(f'GRANT CONNECT ON DATABASE "{DATABASE}" TO "{ADMIN}"')
    if server.version >= 16:
        message = refusal(server)
        assert len(remedy(message)) == len(PASSWORDS)
        server.sql(*remedy(message), database=DATABASE)
    run(server.settings(ADMIN))
    check(server)


def test_without_createrole(server: Server) -> None:
    server.sql(f'CREATE ROLE "{ADMIN}" LOGIN', OWN_DATABASE)
    assert remedy(refusal(server)) == [f'ALTER ROLE "{ADMIN}" CREATEROLE']


def test_without_createdb_and_without_a_database(server: Server) -> None:
    server.sql(f'CREATE ROLE "{ADMIN}" LOGIN CREATEROLE')
    message = refusal(server)
    assert "permission denied to create database" in message
    server.sql(*remedy(message))
    run(server.settings(ADMIN))
    check(server)
