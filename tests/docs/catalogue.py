"""What is in the database's catalogue after all migrations, as JSON.

Run in app/backend with its own packages: ``PYTHONPATH=src:. python ../../tests/docs/catalogue.py``.
Takes the superuser's URL in ``TODO_TEST_DATABASE_URL``, or starts a throw-away server, as the tests
do. Makes a database, migrates it, reads it, and drops it; the roles stay with the server.
"""

import json
import secrets
import sys
from typing import Any

from sqlalchemy import Connection, create_engine, text
from sqlalchemy.pool import NullPool
from sqlmodel import SQLModel
from tests.support.postgres import postgres_server
from tests.support.world import PASSWORDS

from todo_chat.chat import models as _chat  # noqa: F401 - fills the metadata
from todo_chat.db import migrate
from todo_chat.identity import models as _identity  # noqa: F401 - fills the metadata
from todo_chat.tasks import audit as _audit  # noqa: F401 - fills the metadata
from todo_chat.tasks import models as _tasks  # noqa: F401 - fills the metadata

QUERIES = {
    "tables": """
        SELECT relname AS name, relrowsecurity AS row_security, pg_get_userbyid(relowner) AS owner
        FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind = 'r' ORDER BY relname
    """,
    "columns": """
        SELECT relname AS "table", attname AS name, format_type(atttypid, atttypmod) AS type,
          attnotnull AS required, attidentity = 'a' AS generated,
          pg_get_expr(adbin, adrelid) AS "default"
        FROM pg_attribute JOIN pg_class ON pg_class.oid = attrelid
        LEFT JOIN pg_attrdef ON adrelid = attrelid AND adnum = attnum
        WHERE relnamespace = 'public'::regnamespace AND relkind = 'r'
          AND attnum > 0 AND NOT attisdropped
        ORDER BY relname, attnum
    """,
    "constraints": """
        SELECT conrelid::regclass::text AS "table", conname AS name, contype AS kind,
          pg_get_constraintdef(oid) AS definition,
          CASE contype WHEN 'f' THEN confrelid::regclass::text END AS target,
          ARRAY(SELECT attname FROM pg_attribute
            WHERE attrelid = conrelid AND attnum = ANY (conkey) ORDER BY attnum)::text[] AS columns
        FROM pg_constraint WHERE connamespace = 'public'::regnamespace AND conrelid <> 0
          AND contype IN ('c', 'f', 'p', 'u')
        ORDER BY 1, contype, conname
    """,
    "indexes": """
        SELECT tablename AS "table", indexname AS name, indexdef AS definition
        FROM pg_indexes WHERE schemaname = 'public'
          AND indexname NOT IN (SELECT conname FROM pg_constraint)
        ORDER BY tablename, indexname
    """,
    "policies": """
        SELECT tablename AS "table", policyname AS name, cmd AS command, roles::text[] AS roles,
          qual AS using, with_check AS "check"
        FROM pg_policies WHERE schemaname = 'public' ORDER BY tablename, policyname
    """,
    "functions": """
        SELECT oid::regprocedure::text AS name, prosecdef AS as_owner, prosrc AS source,
          ARRAY(SELECT CASE grantee WHEN 0 THEN 'PUBLIC' ELSE pg_get_userbyid(grantee) END
            FROM aclexplode(coalesce(proacl, acldefault('f', proowner)))
            WHERE grantee <> proowner ORDER BY 1)::text[] AS callers
        FROM pg_proc WHERE pronamespace = 'public'::regnamespace ORDER BY 1
    """,
    "roles": """
        SELECT rolname AS name, rolcanlogin AS login, rolinherit AS inherit, rolsuper AS superuser,
          rolcreatedb AS create_database, rolcreaterole AS create_role, rolbypassrls AS bypass
        FROM pg_roles WHERE rolname LIKE 'todo\\_%' ORDER BY rolname
    """,
    # A column is null where the privilege holds for the whole table.
    "grants": """
        SELECT relname AS "table", NULL AS "column", pg_get_userbyid(grantee) AS role,
          privilege_type AS privilege
        FROM pg_class, aclexplode(relacl)
        WHERE relnamespace = 'public'::regnamespace AND relkind = 'r' AND grantee <> relowner
        UNION ALL
        SELECT relname, attname, pg_get_userbyid(grantee), privilege_type
        FROM pg_attribute JOIN pg_class ON pg_class.oid = attrelid, aclexplode(attacl)
        WHERE relnamespace = 'public'::regnamespace AND relkind = 'r'
        ORDER BY 1, 3, 4, 2 NULLS FIRST
    """,
}


def catalogue(connection: Connection) -> dict[str, list[dict[str, Any]]]:
    """The rows of each query, by its name."""
    return {
        name: [dict(row) for row in connection.execute(text(query)).mappings()]
        for name, query in QUERIES.items()
    }


def reasons() -> dict[str, str]:
    """What the model of each table says of it."""
    return {
        str(mapper.class_.__tablename__): (mapper.class_.__doc__ or "").strip()
        for mapper in SQLModel._sa_registry.mappers
    }


def read() -> dict[str, Any]:
    """The catalogue of a new database with every migration."""
    name = f"todo_docs_{secrets.token_hex(4)}"
    with postgres_server() as url:
        admin = create_engine(url, poolclass=NullPool)
        migrate.create_database(admin, name)
        try:
            own = url.set(database=name)
            migrate.create_roles(create_engine(own, poolclass=NullPool), PASSWORDS)
            login = own.set(username="todo_migrator", password=PASSWORDS["migrator"])
            engine = create_engine(login, poolclass=NullPool)
            _, revision = migrate.upgrade_schema(engine)
            with engine.connect() as connection:
                return {**catalogue(connection), "revision": revision, "reasons": reasons()}
        finally:
            with admin.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
                connection.execute(text(f"DROP DATABASE {name} WITH (FORCE)"))


if __name__ == "__main__":
    json.dump(read(), sys.stdout)
