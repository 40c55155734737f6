"""The migrate process: roles (when an administrator's login is given), then the schema.

With the argument ``check`` it only says what it finds, as a line of JSON.
"""

import json
import logging
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from psycopg.errors import InsufficientPrivilege
from sqlalchemy import Engine
from sqlalchemy.exc import OperationalError, ProgrammingError

from todo_chat.db import migrate
from todo_chat.db.engine import Login, database_url
from todo_chat.db.revisions import NEEDED_REVISION, SchemaBehindError, State, judge, plan
from todo_chat.entrypoints._start import start
from todo_chat.settings import ConfigurationError, MigrateSettings, read_secret

log = logging.getLogger("todo_chat.migrate")


def run(settings: MigrateSettings) -> None:
    """Migrate the database.

    Raises:
        ConfigurationError: a secret is missing or the database does not let us in.
        ProcessError: see ``migrate.upgrade_schema``.
    """
    if settings.database_admin_user is not None:
        _prepare(settings, settings.database_admin_user)
    login = Login(settings.database_migrator_user, settings.database_migrator_password_file)
    engine = _connect(settings, login)
    limits = migrate.Limits(
        lock_seconds=settings.migrate_lock_seconds,
        lock_attempts=settings.migrate_lock_attempts,
        statement_seconds=settings.migrate_statement_seconds,
    )
    before, after = migrate.upgrade_schema(engine, limits, contract=settings.migrate_contract)
    log.info("schema is up to date", extra={"before": before, "after": after})


def check(settings: MigrateSettings) -> None:
    """Say what the schema is to this release; change nothing.

    Raises:
        ConfigurationError: a secret is missing or the database does not let us in.
        SchemaBehindError: no schema, or an older one: the migrations have to run.
        NewerSchemaError: it belongs to a later release.
    """
    login = Login(settings.database_migrator_user, settings.database_migrator_password_file)
    with _connect(settings, login).connect() as connection:
        found = migrate.found_revision(connection)
    known = migrate.known_revisions()
    state = judge(found, known)
    newest = known[-1].number
    print(json.dumps({"state": state, "found": found, "needed": NEEDED_REVISION, "newest": newest}))
    plan(found, known, contract=settings.migrate_contract)
    if state in {State.EMPTY, State.BEHIND}:
        raise SchemaBehindError(found)


def _prepare(settings: MigrateSettings, admin_user: str) -> None:
    admin = Login(admin_user, settings.admin_password or _required(settings, "admin"))
    passwords = {
        role: read_secret(_required(settings, role)).get_secret_value() for role in migrate.ROLES
    }
    with _refusals_explained(
        f'as a role with CREATEDB: CREATE DATABASE "{settings.database_name}" OWNER "{admin_user}";'
    ):
        created = migrate.create_database(
            _connect(settings, admin, database="postgres"), settings.database_name
        )
    with _refusals_explained("ask a superuser to run it"):
        migrate.create_roles(_connect(settings, admin), passwords)
    log.info("roles are in place", extra={"database_created": created})


@contextmanager
def _refusals_explained(otherwise: str) -> Iterator[None]:
    """Turn what the administrator may not do into an error that says who can give it.

    Args:
        otherwise: what to do, for refusals that carry no hint of their own.
    """
    try:
        yield
    except (InsufficientPrivilege, ProgrammingError) as error:
        refusal = error.orig if isinstance(error, ProgrammingError) else error
        if not isinstance(refusal, InsufficientPrivilege):
            raise
        message = refusal.diag.message_primary
        raise ConfigurationError(f"{message}; {refusal.diag.message_hint or otherwise}") from error


def _required(settings: MigrateSettings, role: str) -> Path:
    name = f"database_{role}_password_file"
    path: Path | None = getattr(settings, name)
    if path is None:
        raise ConfigurationError(
            f"TODO_{name.upper()} is not set; it is needed to create the roles"
        )
    return path


def _connect(settings: MigrateSettings, login: Login, database: str | None = None) -> Engine:
    try:
        return migrate.wait_for_database(
            database_url(settings, login, database), settings.database_wait_seconds
        )
    except OperationalError as error:
        raise ConfigurationError(
            f"the database at {settings.database_host}:{settings.database_port} did not let "
            f"{login.user} in within {settings.database_wait_seconds:g} s: {error.orig}"
        ) from error


if __name__ == "__main__":
    sys.exit(start("migrate", MigrateSettings, check if sys.argv[1:] == ["check"] else run))
