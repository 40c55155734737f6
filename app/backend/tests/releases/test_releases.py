"""From one release to the next and back, under load, on one database."""

import os
import subprocess
import sys
import threading
import zipfile
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from alembic import command
from sqlalchemy import Engine, create_engine, text
from sqlalchemy.exc import IntegrityError
from sqlalchemy.pool import NullPool

from tests.support.postgres import free_port
from tests.support.processes import process, wait_until
from tests.support.world import Stack, User, World, login_of
from todo_chat.db import migrate
from todo_chat.db.revisions import NEEDED_REVISION
from todo_chat.entrypoints.migrate import run
from todo_chat.settings import MigrateSettings

OLD = Path(__file__).parent / "0003.zip"
DUE = "2030-03-01T17:00:00Z"
ROUNDS = 3
"""Rounds of the load in each phase, at least."""


@pytest.fixture
def own(world: World, migrate_settings: MigrateSettings) -> World:
    """A world whose database is at the old release's revision."""
    run(migrate_settings)
    own = World(world.url.set(database=migrate_settings.database_name), world.secrets)
    with migrator(own).begin() as connection:
        command.downgrade(migrate.alembic_config(connection), OLD.stem)
    return own


def migrator(world: World) -> Engine:
    return create_engine(login_of(world.url, "migrator"), poolclass=NullPool)


def revision(world: World) -> str | None:
    with migrator(world).connect() as connection:
        return migrate.found_revision(connection)


@contextmanager
def old_release(world: World, monkeypatch: pytest.MonkeyPatch) -> Iterator[Stack]:
    """Backend and tool server of the old release. The agent, which has no database, is today's."""
    database = world.database_settings()
    with ExitStack() as stack, monkeypatch.context() as patch:
        patch.setenv("PYTHONPATH", str(OLD))
        mcp = stack.enter_context(
            process(
                "mcp",
                free_port(),
                {**database, "database_mcp_password_file": world.secrets / "mcp-password"},
            )
        )
        agent = stack.enter_context(world.agent(mcp.url))
        backend = stack.enter_context(
            process(
                "backend",
                free_port(),
                {
                    **database,
                    "agent_url": agent,
                    "database_chat_password_file": world.secrets / "chat-password",
                    "database_tasks_password_file": world.secrets / "tasks-password",
                    "rate_limit_per_minute": 1_000_000,
                },
            )
        )
        wait_until(lambda: backend.get("/readyz").status_code == 200)
        yield Stack(backend.url, agent, mcp.url)


@contextmanager
def new_release(world: World) -> Iterator[Stack]:
    """Today's processes."""
    with (
        world.mcp() as mcp,
        world.agent(mcp) as agent,
        world.backend(agent_url=agent) as backend,
    ):
        yield Stack(backend, agent, mcp)


@dataclass
class Load:
    """One user of a release who goes on until told to stop."""

    user: User
    rounds: int = 0
    answers: Counter[str] = field(default_factory=Counter)
    broken: str = ""
    stop: threading.Event = field(default_factory=threading.Event)

    def run(self) -> None:
        try:
            while not self.stop.is_set():
                self._round()
                self.rounds += 1
        except Exception as error:  # the thread's end is the test's to judge
            self.broken = f"{type(error).__name__}: {error}"

    def _round(self) -> None:
        task = self._ask("POST", "/tasks", 201, json={"title": "pay rent"})
        path = f"/tasks/{task['id']}"
        self._ask("PATCH", path, 200, json={"completed": True})
        self._ask("DELETE", path, 204)
        assert self._ask("POST", f"{path}/restore", 200)["title"] == "pay rent"
        self._ask("DELETE", path, 204)
        said = self._ask("POST", "/chat", 200, json={"message": "add buy milk"})
        assert said["response"].startswith("Added task "), said
        deleted = said["response"].split()[2].rstrip(":")
        self._ask("DELETE", f"/tasks/{deleted}", 204)
        assert self._ask("GET", "/tasks", 200) == []

    def _ask(self, method: str, path: str, status: int, **more: Any) -> Any:
        answer = self.user.request(method, path, **more)
        self.answers[f"{method} {answer.status_code}"] += 1
        assert answer.status_code == status, f"{method} {path}: {answer.status_code} {answer.text}"
        return answer.json() if answer.content else None


@contextmanager
def load(world: World, url: str) -> Iterator[Load]:
    """Ask a backend all the while; nothing may have failed at the end."""
    with world.user(url) as user:
        load = Load(user)
        thread = threading.Thread(target=load.run)
        thread.start()
        try:
            yield load
        finally:
            load.stop.set()
            thread.join()
        assert load.broken == ""
        assert load.rounds >= ROUNDS


def a_while(*loads: Load) -> None:
    """Until each has done some more rounds; one that is broken does no more."""
    before = [load.rounds for load in loads]
    wait_until(
        lambda: all(
            load.broken or load.rounds >= rounds + ROUNDS
            for load, rounds in zip(loads, before, strict=True)
        )
    )


def keep_due_date(world: World, by: str, through: str) -> str | None:
    """A due date set by one backend, after another has moved its task to the trash and back."""
    with world.user(by) as writer, world.user(through, writer.id) as mover:
        path = f"/tasks/{writer.add_task(due_at=DUE)['id']}"
        mover.request("PATCH", path, json={"title": "pay the rent"}).raise_for_status()
        mover.request("DELETE", path).raise_for_status()
        trash = writer.request("GET", "/tasks?status=deleted").json()
        assert [task["due_at"] for task in trash] == [DUE]
        mover.request("POST", f"{path}/restore").raise_for_status()
        due: str | None = writer.request("GET", path).json()["due_at"]
        return due


def test_a_release_forth_and_back_and_forth(own: World, monkeypatch: pytest.MonkeyPatch) -> None:
    with old_release(own, monkeypatch) as old, load(own, old.backend) as asked_old:
        a_while(asked_old)
        # N+1: the schema first, then the code, beside what still runs.
        assert migrate.upgrade_schema(migrator(own)) == (OLD.stem, NEEDED_REVISION)
        a_while(asked_old)
        with new_release(own) as new, load(own, new.backend) as asked_new:
            a_while(asked_old, asked_new)
            assert keep_due_date(own, new.backend, through=old.backend) == DUE
            assert keep_due_date(own, new.backend, through=new.backend) == DUE
        # Back to N: the code goes, the schema stays.
        a_while(asked_old)

    # N+1 once more, and N is gone: the contractions.
    with new_release(own) as new, load(own, new.backend) as asked_new:
        a_while(asked_new)
        assert revision(own) == NEEDED_REVISION
        assert migrate.upgrade_schema(migrator(own)) == (NEEDED_REVISION, NEEDED_REVISION)
        after = migrate.upgrade_schema(migrator(own), contract=True)
        assert after == (NEEDED_REVISION, migrate.head_revision())
        a_while(asked_new)
        assert keep_due_date(own, new.backend, through=new.backend) == DUE


def test_the_old_release_is_that_of_the_archive() -> None:
    # Were it today's code after all, nothing above would be proven.
    assert OLD.stem < NEEDED_REVISION
    with zipfile.ZipFile(OLD) as archive:
        names = archive.namelist()
    migrations = sorted(name for name in names if "/versions/0" in name)
    assert migrations[-1].rpartition("/")[2].startswith(OLD.stem)
    ended = subprocess.run(
        [sys.executable, "-c", "import todo_chat; print(todo_chat.__file__)"],
        env={**os.environ, "PYTHONPATH": str(OLD)},
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    assert ended.stdout.startswith(str(OLD))


def test_new_code_is_not_ready_on_the_old_schema(own: World) -> None:
    with new_release(own) as new, own.user(new.backend) as user:
        ready = user.client.get("/readyz")
        assert (ready.status_code, ready.json()["checks"]) == (
            503,
            {"tasks_database": "SchemaBehindError", "chat_database": "SchemaBehindError"},
        )
        migrate.upgrade_schema(migrator(own))
        wait_until(lambda: user.client.get("/readyz").status_code == 200)


INSERT = text(
    "INSERT INTO tool_calls"
    " (user_id, request_id, turn_key, tool, arguments, arguments_hash, outcome, result)"
    " VALUES ('ann', 'r', :turn, 'add_task', '{}', 'h', 'ok', '{}')"
)
"""A tool call as code from before 0003 records it."""


def test_a_contraction_refuses_what_only_older_code_writes(own: World) -> None:
    with migrator(own).begin() as connection:
        connection.execute(INSERT, {"turn": "before 0003"})
    migrate.upgrade_schema(migrator(own))
    migrate.upgrade_schema(migrator(own), contract=True)
    with migrator(own).begin() as connection:
        connection.execute(INSERT, {"turn": None})
    with (
        pytest.raises(IntegrityError, match="tool_calls_attempt_of_turn"),
        migrator(own).begin() as connection,
    ):
        connection.execute(INSERT, {"turn": "after"})


def test_a_contraction_finds_that_older_code_still_ran(own: World) -> None:
    migrate.upgrade_schema(migrator(own))
    with migrator(own).begin() as connection:
        connection.execute(INSERT, {"turn": "after the backfill"})
    with pytest.raises(migrate.RowsAgainstItError, match="violated by some row") as refused:
        migrate.upgrade_schema(migrator(own), contract=True)
    assert "the migration after 0007 changed nothing" in str(refused.value)
    with migrator(own).begin() as connection:
        connection.execute(text("UPDATE tool_calls SET attempt = '' WHERE attempt IS NULL"))
    after = migrate.upgrade_schema(migrator(own), contract=True)
    assert after == ("0007", migrate.head_revision())
