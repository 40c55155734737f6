"""Roles and schema: what the migrate process does to a database."""

from importlib.resources import files
from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory
from sqlalchemy import URL, Connection, Engine, create_engine, text
from sqlalchemy.exc import OperationalError
from sqlalchemy.pool import NullPool
from tenacity import Retrying, retry_if_exception_type, stop_after_delay, wait_exponential

LOCK_TIMEOUT_MILLISECONDS = 10_000
"""A migration gives up rather than queue every query behind its own lock."""

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


def upgrade_schema(engine: Engine) -> tuple[str | None, str | None]:
    """Bring the schema to the newest revision; returns the revisions before and after.

    Two runs at once take turns, and an interrupted one changes nothing: all of it is
    one transaction.
    """
    with engine.begin() as connection:
        connection.exec_driver_sql(f"SET LOCAL lock_timeout = {LOCK_TIMEOUT_MILLISECONDS}")
        connection.exec_driver_sql("SELECT pg_advisory_xact_lock(hashtext('todo-chat schema'))")
        before = _revision(connection)
        command.upgrade(alembic_config(connection), "head")
        return before, _revision(connection)


def head_revision() -> str | None:
    """The newest revision that this code knows."""
    return ScriptDirectory.from_config(alembic_config(None)).get_current_head()


def alembic_config(connection: Connection | None) -> Config:
    """Alembic's configuration for the migrations of this package."""
    config = Config()
    config.set_main_option("script_location", str(_MIGRATIONS))
    config.attributes["connection"] = connection
    return config


def _revision(connection: Connection) -> str | None:
    if not connection.dialect.has_table(connection, "alembic_version"):
        return None
    return connection.execute(text("SELECT version_num FROM alembic_version")).scalar()
