"""What the migrate process does when somebody is in its way, and with schemas not its own."""

import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from alembic import command
from sqlalchemy import URL, Engine, create_engine, text
from sqlalchemy.pool import NullPool

from tests.support.world import World, login_of
from todo_chat.db import migrate
from todo_chat.entrypoints.migrate import check, run
from todo_chat.settings import MigrateSettings, ProcessError

QUICK = migrate.Limits(lock_seconds=0.6, lock_attempts=2, statement_seconds=5)
OLDER = "0002"
"""A revision whose successor needs a lock on ``messages``."""


@pytest.fixture
def login(world: World, migrate_settings: MigrateSettings) -> URL:
    """The migrator's login to a database at ``OLDER``."""
    run(migrate_settings)
    url = login_of(world.url, "migrator", migrate_settings.database_name)
    with engine_of(url).begin() as connection:
        command.downgrade(migrate.alembic_config(connection), OLDER)
    return url


def engine_of(url: URL) -> Engine:
    return create_engine(url, poolclass=NullPool)


def found(url: URL) -> str | None:
    with engine_of(url).connect() as connection:
        return migrate.found_revision(connection)


@contextmanager
def held(url: URL, statement: str) -> Iterator[None]:
    """A transaction of the backend's that has done ``statement`` and goes on."""
    backend = login_of(url, "chat").set(query={"application_name": "long report"})
    with engine_of(backend).begin() as connection:
        connection.execute(text(statement))
        yield


def test_a_held_lock_is_named_and_another_run_goes_through(login: URL) -> None:
    with held(login, "SELECT count(*) FROM messages"):
        with pytest.raises(migrate.LockHeldError) as refused:
            migrate.upgrade_schema(engine_of(login), QUICK)
        assert found(login) == OLDER
    sentence = str(refused.value)
    assert "waited for messages, held by todo_chat (process " in sentence
    assert "program long report)" in sentence
    assert "no lock within 0.6 s, tried 2 times" in sentence
    assert migrate.upgrade_schema(engine_of(login), QUICK)[0] == OLDER


def test_a_lock_that_is_given_back_in_time_does_not_matter(login: URL) -> None:
    leave = threading.Event()

    def hold() -> None:
        with held(login, "SELECT count(*) FROM messages"):
            leave.wait(10)

    holder = threading.Thread(target=hold)
    holder.start()
    threading.Timer(1.5, leave.set).start()
    try:
        limits = migrate.Limits(lock_seconds=0.5, lock_attempts=10)
        assert migrate.upgrade_schema(engine_of(login), limits)[0] == OLDER
    finally:
        leave.set()
        holder.join()


def test_the_application_reads_between_the_attempts(login: URL) -> None:
    chat = engine_of(login_of(login, "chat"))

    def read() -> None:
        with chat.begin() as connection:
            connection.execute(text("SET LOCAL lock_timeout = '3s'"))
            connection.execute(text("SELECT count(*) FROM messages"))

    with held(login, "SELECT count(*) FROM messages"):
        limits = migrate.Limits(lock_seconds=1, lock_attempts=3)
        failed: list[BaseException] = []

        def migrating() -> None:
            try:
                migrate.upgrade_schema(engine_of(login), limits)
            except migrate.LockHeldError as error:
                failed.append(error)

        thread = threading.Thread(target=migrating)
        thread.start()
        reads = 0
        while thread.is_alive():
            read()
            reads += 1
        thread.join()
    assert len(failed) == 1
    assert reads >= 3


def test_another_run_of_the_migrations_is_waited_for_and_named(login: URL) -> None:
    with engine_of(login).begin() as connection:
        connection.execute(text("SELECT pg_advisory_xact_lock(hashtext('todo-chat schema'))"))
        with pytest.raises(migrate.LockHeldError, match="another run of the migrations, held by"):
            migrate.upgrade_schema(engine_of(login), QUICK)
    assert migrate.upgrade_schema(engine_of(login), QUICK)[0] == OLDER


def test_a_statement_that_takes_too_long_ends_the_migration(
    login: URL, monkeypatch: pytest.MonkeyPatch
) -> None:
    upgrade = command.upgrade

    def slow(config: object, revision: str) -> None:
        upgrade(config, revision)  # type: ignore[arg-type]
        config.attributes["connection"].execute(text("SELECT pg_sleep(30)"))  # type: ignore[attr-defined]

    monkeypatch.setattr(command, "upgrade", slow)
    limits = migrate.Limits(statement_seconds=0.3)
    with pytest.raises(migrate.TooSlowError, match=r"longer than 0\.3 s"):
        migrate.upgrade_schema(engine_of(login), limits)
    assert found(login) == OLDER
    monkeypatch.undo()
    assert migrate.upgrade_schema(engine_of(login), limits)[0] == OLDER


def test_a_database_that_vanishes_in_the_middle_is_said(
    world: World, login: URL, monkeypatch: pytest.MonkeyPatch
) -> None:
    upgrade = command.upgrade

    def cut_off(config: object, revision: str) -> None:
        upgrade(config, revision)  # type: ignore[arg-type]
        world.sql(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = :name",
            name=login.database,
        )

    monkeypatch.setattr(command, "upgrade", cut_off)
    with pytest.raises(migrate.ConnectionLostError, match="run once more"):
        migrate.upgrade_schema(engine_of(login))
    assert found(login) == OLDER
    monkeypatch.undo()
    assert migrate.upgrade_schema(engine_of(login))[0] == OLDER


def judged(
    settings: MigrateSettings, capsys: pytest.CaptureFixture[str]
) -> tuple[int, str, str | None]:
    """The exit code of the process with ``check``, the state and the revision that it says."""
    code = 0
    try:
        check(settings)
    except ProcessError as error:
        code = error.exit_code
    said = json.loads(capsys.readouterr().out)
    assert said["newest"] == migrate.head_revision()
    return code, said["state"], said["found"]


def test_a_newer_schema_is_told_in_one_sentence_and_left_alone(
    login: URL, migrate_settings: MigrateSettings, capsys: pytest.CaptureFixture[str]
) -> None:
    migrate.upgrade_schema(engine_of(login))
    with engine_of(login).begin() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    before = schema_of(login)
    given = migrate_settings.model_dump(exclude_none=True, exclude={"database_admin_user"})
    ended = subprocess.run(
        [sys.executable, "-m", "todo_chat.entrypoints.migrate"],
        env={**os.environ, **{f"TODO_{name.upper()}": str(given[name]) for name in given}},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert ended.returncode == 5
    assert ended.stderr.startswith("migrate: the schema is at revision 9999 and this release")
    assert len(ended.stderr.splitlines()) == 1
    assert judged(migrate_settings, capsys) == (5, "newer", "9999")
    assert schema_of(login) == before


def schema_of(url: URL) -> list[tuple[object, ...]]:
    """Every column and the revision."""
    with engine_of(url).connect() as connection:
        rows = connection.execute(
            text(
                "SELECT attrelid::regclass::text, attname, atttypid FROM pg_attribute "
                "JOIN pg_class ON pg_class.oid = attrelid "
                "WHERE relnamespace = 'public'::regnamespace ORDER BY 1, 2"
            )
        )
        return [*map(tuple, rows), (migrate.found_revision(connection),)]


def test_check_judges_by_the_schema_and_changes_nothing(
    login: URL, migrate_settings: MigrateSettings, capsys: pytest.CaptureFixture[str]
) -> None:
    job = migrate_settings.model_copy(update={"database_admin_user": None})
    assert judged(job, capsys) == (2, "behind", OLDER)
    assert found(login) == OLDER
    run(job)
    assert judged(job, capsys) == (0, "current", found(login))
    # The volume was lost: the Job of this release has run, and yet there is no schema.
    with engine_of(login).begin() as connection:
        command.downgrade(migrate.alembic_config(connection), "base")
    assert judged(job, capsys) == (2, "empty", None)
    run(job)
    assert judged(job, capsys) == (0, "current", migrate.head_revision())
