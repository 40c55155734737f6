"""What only a database with rows tells: whether a migration writes a whole table anew."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from alembic import command
from sqlalchemy import Connection, Engine, create_engine, text
from sqlalchemy.pool import NullPool

from tests.lint.cases import OWN, of_case
from tests.lint.corpus import SAFE, UNSAFE
from tests.support.world import World, login_of
from todo_chat.db import migrate
from todo_chat.entrypoints.migrate import run
from todo_chat.settings import MigrateSettings

USERS = ("ann", "bob")
REWRITES = {
    "another type for a column": {"tool_calls"},
    "column with a value of its own for every row": {"tasks"},
    "column that is computed for every row": {"tasks"},
}
"""Cases of the corpus, and the tables that they write anew."""


@pytest.fixture
def engine(world: World, migrate_settings: MigrateSettings) -> Engine:
    """The migrator's, on a database of its own with the newest schema and no row."""
    run(migrate_settings)
    url = login_of(world.url, "migrator", migrate_settings.database_name)
    return create_engine(url, poolclass=NullPool)


def add_rows(connection: Connection, turn: str | None) -> None:
    """Some for each user, in every table that has been there from the beginning."""
    for user in USERS:
        connection.execute(
            text(
                """
                WITH c AS (INSERT INTO conversations (user_id) VALUES (:user) RETURNING id),
                t AS (INSERT INTO tasks (user_id, title) VALUES (:user, 'milk') RETURNING id),
                m AS (INSERT INTO messages (user_id, conversation_id, role, content, turn_key)
                      SELECT :user, id, 'user', 'add milk', 'turn' FROM c)
                INSERT INTO tool_calls
                  (user_id, request_id, turn_key, tool, arguments, arguments_hash, outcome, result)
                VALUES (:user, 'r', :turn, 'add_task', '{}', 'h', 'ok', '{}')
                """
            ),
            {"user": user, "turn": turn},
        )


def files_of_tables(connection: Connection) -> dict[str, int]:
    """The file that holds each table's rows; another one means that it was written anew."""
    rows = connection.execute(
        text(
            "SELECT relname, relfilenode FROM pg_class "
            "WHERE relnamespace = 'public'::regnamespace AND relkind = 'r'"
        )
    )
    return {row.relname: row.relfilenode for row in rows}


def rewritten(connection: Connection, before: dict[str, int]) -> set[str]:
    after = files_of_tables(connection)
    return {table for table in before if table in after and after[table] != before[table]}


def test_no_migration_of_this_release_writes_a_table_anew(engine: Engine) -> None:
    with engine.begin() as connection:
        config = migrate.alembic_config(connection)
        command.downgrade(config, "0001")
        add_rows(connection, "turn")
        for revision in migrate.known_revisions()[1:]:
            before = files_of_tables(connection)
            command.upgrade(config, revision.number)
            assert rewritten(connection, before) == set(), revision.number
            for table in ("tasks", "messages", "tool_calls"):
                kept = connection.execute(text(f"SELECT count(*) FROM {table}")).scalar_one()
                assert kept == len(USERS), f"{revision.number} loses rows of {table}"
        reached = connection.execute(text("SELECT attempt FROM tool_calls")).scalars().all()
        assert reached == [""] * len(USERS), "the backfill of 0005 is for every user"


@pytest.fixture
def tried(engine: Engine) -> Iterator[Connection]:
    """A transaction on rows that is undone."""
    with engine.connect() as connection:
        add_rows(connection, None)
        yield connection
        connection.rollback()


def test_the_corpus(tried: Connection, tmp_path: Path) -> None:
    before = files_of_tables(tried)
    for name, tables in {**REWRITES, **{name: set[str]() for name in SAFE}}.items():
        case = {**UNSAFE, **SAFE}[name]
        sql = of_case(case, tmp_path).sql
        assert sql is not None
        point = tried.begin_nested()
        tried.exec_driver_sql(sql.replace("%", "%%"))
        assert rewritten(tried, before) == tables, name
        point.rollback()


def test_the_release_has_migrations_to_look_at() -> None:
    assert [migration.revision for migration in OWN] == [
        revision.number for revision in migrate.known_revisions()
    ]
