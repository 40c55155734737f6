"""Roles and schema: what the migrate process does to a database."""

import logging
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory
from psycopg.errors import LockNotAvailable, QueryCanceled
from sqlalchemy import URL, Connection, Engine, create_engine, text
from sqlalchemy.exc import IntegrityError, OperationalError
from sqlalchemy.pool import NullPool
from tenacity import (
    Retrying,
    retry_if_exception_type,
    stop_after_attempt,
    stop_after_delay,
    wait_exponential,
    wait_fixed,
)

from todo_chat.db.lock_watch import watching
from todo_chat.db.revisions import Revision, State, plan
from todo_chat.settings import ProcessError

log = logging.getLogger("todo_chat.migrate")

BETWEEN_LOCK_ATTEMPTS_SECONDS = 1.0
"""What had to wait behind the attempt gets its turn meanwhile."""

ROLES = ("migrator", "chat", "tasks", "mcp", "backup")
"""The database roles, without their prefix ``todo_``."""

_MIGRATIONS = Path(__file__).parent / "migrations"


def wait_for_database(url: URL, seconds: float) -> Engine:
    """An engine whose database has answered.

    Raises:
        OperationalError: still no answer after ``seconds``; the last reason.
    """
    engine = create_engine(url, poolclass=NullPool, hide_parameters=True)
    for attempt in Retrying(
        stop=stop_after_delay(seconds),
        wait=wait_exponential(multiplier=0.25, max=3),
        retry=retry_if_exception_type(OperationalError),
        reraise=True,
    ):
        with attempt, engine.connect() as connection:
            connection.execute(text("SELECT 1"))
    return engine


def create_database(engine: Engine, name: str) -> bool:
    """Create the database when it is absent. ``engine`` is an administrator's."""
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        known = connection.execute(
            text("SELECT 1 FROM pg_database WHERE datname = :name"), {"name": name}
        ).first()
        if known:
            return False
        quoted = connection.dialect.identifier_preparer.quote(name)
        connection.execute(text(f"CREATE DATABASE {quoted}"))
        return True


def create_roles(engine: Engine, passwords: dict[str, str]) -> None:
    """Create the roles where they are absent, set their passwords, hand the schema over.

    Args:
        engine: an administrator's, on the application's database.
        passwords: one for each name in ``ROLES``.
    """
    with engine.begin() as connection:
        for role in ROLES:
            connection.execute(
                text("SELECT set_config(:name, :password, true)"),
                {"name": f"todo.{role}_password", "password": passwords[role]},
            )
        # The plain cursor: the script's percent signs are no placeholders.
        cursor = connection.connection.cursor()
        cursor.execute(files("todo_chat.db").joinpath("roles.sql").read_text(encoding="utf-8"))


@dataclass(frozen=True)
class Limits:
    """How long a migration may wait for locks and keep them; see ``MigrateSettings``."""

    lock_seconds: float = 2
    lock_attempts: int = 15
    statement_seconds: float = 60

    def statements(self) -> list[str]:
        """What sets the server's time-outs, until the end of the transaction."""
        return [
            f"SET LOCAL lock_timeout = '{self.lock_seconds * 1000:.0f}ms'",
            f"SET LOCAL statement_timeout = '{self.statement_seconds * 1000:.0f}ms'",
        ]


class LockHeldError(ProcessError):
    """Somebody else keeps a lock that the migration needs."""

    exit_code = 4


class TooSlowError(ProcessError):
    """A statement took longer than a migration may hold its locks."""


class RowsAgainstItError(ProcessError):
    """A migration finds rows that its new rule forbids."""


class ConnectionLostError(ProcessError):
    """The database went away in the middle."""


def upgrade_schema(
    engine: Engine, limits: Limits | None = None, *, contract: bool = False
) -> tuple[str | None, str | None]:
    """Bring the schema as far as the release may; returns the revisions before and after.

    Each migration is a transaction, so that its locks are not kept while the next one works; a
    database without a schema gets all of them in one. Two runs at once take turns, and an
    interrupted one leaves whole migrations.

    Raises:
        NewerSchemaError: the schema belongs to a later release.
        ContractionPendingError: see ``revisions.plan``.
        LockHeldError: no lock in any of the attempts.
        TooSlowError: a statement took too long.
        RowsAgainstItError: rows that a migration's new rule forbids.
        ConnectionLostError: the database went away.
    """
    limits = limits or Limits()
    first, found, target = _upgrade_patiently(engine, limits, contract=contract)
    while found != target:
        _, found, target = _upgrade_patiently(engine, limits, contract=contract)
    return first, found


_Step = tuple[str | None, str | None, str | None]
"""The revisions before and after a migration, and the one that the run goes to."""


def _upgrade_patiently(engine: Engine, limits: Limits, *, contract: bool) -> _Step:
    for attempt in Retrying(
        stop=stop_after_attempt(limits.lock_attempts),
        wait=wait_fixed(BETWEEN_LOCK_ATTEMPTS_SECONDS),
        retry=retry_if_exception_type(LockHeldError),
        reraise=True,
    ):
        with attempt:
            return _upgrade_once(engine, limits, contract=contract)
    raise AssertionError("unreachable: the last attempt returns or raises")


def _upgrade_once(engine: Engine, limits: Limits, *, contract: bool) -> _Step:
    with engine.connect() as connection:
        pid = connection.execute(text("SELECT pg_backend_pid()")).scalar_one()
        connection.commit()
        with watching(engine, pid) as watch:
            try:
                with connection.begin():
                    return _upgrade(connection, limits, contract=contract)
            except IntegrityError as error:
                raise RowsAgainstItError(
                    f"the migration after {found_revision(connection)} changed nothing: "
                    f"{error.orig}; end what still writes such rows, correct them, then run "
                    "once more"
                ) from error
            except OperationalError as error:
                if isinstance(error.orig, LockNotAvailable):
                    raise LockHeldError(
                        f"no lock within {limits.lock_seconds:g} s, tried "
                        f"{limits.lock_attempts} times: waited for "
                        f"{watch.last_seen or 'a lock that was gone before it was seen'}; "
                        "this migration changed nothing; end that transaction, then run once more"
                    ) from error
                if isinstance(error.orig, QueryCanceled):
                    raise TooSlowError(
                        f"a statement took longer than {limits.statement_seconds:g} s and kept its "
                        f"locks meanwhile: this migration changed nothing; {error.orig}"
                    ) from error
                raise ConnectionLostError(
                    f"the database went away: {error.orig}; each migration is in place as a "
                    "whole or not at all; run once more"
                ) from error


def _upgrade(connection: Connection, limits: Limits, *, contract: bool) -> _Step:
    for statement in limits.statements():
        connection.exec_driver_sql(statement)
    connection.exec_driver_sql("SELECT pg_advisory_xact_lock(hashtext('todo-chat schema'))")
    before = found_revision(connection)
    todo = plan(before, known_revisions(), contract=contract)
    if todo.held_back:
        log.info(
            "contractions are held back until TODO_MIGRATE_CONTRACT=true",
            extra={"revisions": todo.held_back},
        )
    if todo.target is None:
        return before, before, before
    step = todo.target if todo.state is State.EMPTY else "+1"
    command.upgrade(alembic_config(connection), step)
    return before, found_revision(connection), todo.target


def head_revision() -> str:
    """The newest revision that this code knows."""
    return known_revisions()[-1].number


def known_revisions(config: Config | None = None) -> list[Revision]:
    """The release's migrations, oldest first."""
    scripts = ScriptDirectory.from_config(config or alembic_config(None)).walk_revisions()
    return [
        Revision(script.revision, getattr(script.module, "contracts", None)) for script in scripts
    ][::-1]


def alembic_config(connection: Connection | None) -> Config:
    """Alembic's configuration for the migrations of this package."""
    config = Config()
    config.set_main_option("script_location", str(_MIGRATIONS))
    config.attributes["connection"] = connection
    return config


def found_revision(connection: Connection) -> str | None:
    """The database's revision, None when it has no schema."""
    if not connection.dialect.has_table(connection, "alembic_version"):
        return None
    return connection.execute(text("SELECT version_num FROM alembic_version")).scalar()
