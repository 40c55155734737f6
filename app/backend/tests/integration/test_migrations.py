"""The migrate process and the schema."""

from pathlib import Path

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import create_engine, text
from sqlalchemy.pool import NullPool
from sqlmodel import SQLModel

from tests.support.world import World, login_of
from todo_chat.db import migrate
from todo_chat.entrypoints.migrate import run
from todo_chat.settings import ConfigurationError, MigrateSettings


def revision(world: World, migrate_settings: MigrateSettings) -> str:
    url = login_of(world.url, "chat", migrate_settings.database_name)
    with create_engine(url, poolclass=NullPool).connect() as connection:
        found: str = connection.execute(
            text("SELECT version_num FROM alembic_version")
        ).scalar_one()
        return found


def test_makes_database_roles_and_schema_and_may_run_again(
    world: World, migrate_settings: MigrateSettings
) -> None:
    run(migrate_settings)
    assert revision(world, migrate_settings) == migrate.head_revision()
    run(migrate_settings)
    ordinary = migrate_settings.model_copy(update={"database_admin_user": None})
    run(ordinary)
    assert revision(world, migrate_settings) == migrate.head_revision()


def test_an_administrator_needs_all_passwords(
    world: World, migrate_settings: MigrateSettings
) -> None:
    incomplete = migrate_settings.model_copy(update={"database_backup_password_file": None})
    with pytest.raises(ConfigurationError, match="TODO_DATABASE_BACKUP_PASSWORD_FILE"):
        run(incomplete)


def test_a_wrong_password_is_an_error_that_names_the_role(
    world: World, migrate_settings: MigrateSettings
) -> None:
    absent = migrate_settings.model_copy(
        update={"database_admin_user": None, "database_wait_seconds": 0}
    )
    with pytest.raises(ConfigurationError, match="todo_migrator"):
        run(absent)  # the database does not exist


def test_models_and_migrations_agree(world: World) -> None:
    with create_engine(world.url, poolclass=NullPool).connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        differences = [
            difference
            for difference in compare_metadata(context, SQLModel.metadata)
            # Indexes and foreign keys exist for the database only.
            if difference[0] not in {"remove_index", "remove_fk"}
        ]
    assert differences == []


def test_down_and_up_again(world: World, migrate_settings: MigrateSettings) -> None:
    run(migrate_settings)
    url = login_of(world.url, "migrator", migrate_settings.database_name)
    engine = create_engine(url, poolclass=NullPool)
    with engine.begin() as connection:
        command.downgrade(migrate.alembic_config(connection), "base")
    assert migrate.upgrade_schema(engine) == (None, migrate.head_revision())


def test_a_failed_migration_leaves_nothing(
    world: World, migrate_settings: MigrateSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    upgrade = command.upgrade

    def break_at_the_end(*arguments: object) -> None:
        upgrade(*arguments)  # type: ignore[arg-type]
        raise RuntimeError("broken migration")

    monkeypatch.setattr(command, "upgrade", break_at_the_end)
    with pytest.raises(RuntimeError, match="broken migration"):
        run(migrate_settings)
    monkeypatch.undo()
    assert migrate.upgrade_schema(
        create_engine(
            login_of(world.url, "migrator", migrate_settings.database_name),
            poolclass=NullPool,
        )
    ) == (None, migrate.head_revision())


def at_url(world: World, settings: MigrateSettings, tmp_path: Path, query: str) -> MigrateSettings:
    """The same by a URL with the administrator's login."""
    file = tmp_path / "url"
    login = f"{world.url.username}:{world.url.password or 'unused'}"
    where = f"{world.url.host}:{world.url.port}/{settings.database_name}"
    file.write_text(f"postgresql://{login}@{where}{query}\n")
    single = {"database_host", "database_port", "database_name"}
    admin = {"database_admin_user", "database_admin_password_file"}
    kept = settings.model_dump(exclude_unset=True, exclude=single | admin)
    return MigrateSettings(**kept, database_url_file=file)


def test_a_connection_url_prepares_and_migrates(
    world: World, migrate_settings: MigrateSettings, tmp_path: Path
) -> None:
    run(at_url(world, migrate_settings, tmp_path, "?sslmode=disable&channel_binding=disable"))
    assert revision(world, migrate_settings) == migrate.head_revision()


def test_the_urls_channel_binding_is_insisted_on(
    world: World, migrate_settings: MigrateSettings, tmp_path: Path
) -> None:
    bound = at_url(world, migrate_settings, tmp_path, "?channel_binding=require")
    with pytest.raises(ConfigurationError, match="channel binding"):
        run(bound.model_copy(update={"database_wait_seconds": 0}))
