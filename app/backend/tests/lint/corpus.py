"""Migrations that must be refused, each with the rule that refuses it, and some that are safe."""

from dataclasses import dataclass

from tests.lint.rules import (
    Rule,
    backfill_under_lock,
    backfill_without_bound,
    contraction_not_declared,
    contraction_that_expands,
    contraction_without_expansion,
    explicit_lock,
    forced_security,
    hidden_statements,
    name_of,
    not_readable,
    number_out_of_order,
    open_table,
    other_role,
    own_timeouts,
    owner_function,
    rows_of_one_user,
    wide_grant,
)


@dataclass(frozen=True)
class Case:
    """A migration after the release's own ones."""

    sql: str
    refused_by: str = ""
    """The rule's name; empty for a safe one."""
    contracts: str | None = None
    revision: str | None = None
    """The next one by default."""
    python: str | None = None
    """The body of ``upgrade()`` where it is more than the SQL."""


def refused(by: Rule | str, sql: str, **more: str) -> Case:
    return Case(sql, by if isinstance(by, str) else name_of(by), **more)


TABLE = """
CREATE TABLE labels (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  user_id text NOT NULL,
  name text NOT NULL CHECK (length(name) <= 50)
);
"""
SECURITY = """
ALTER TABLE labels ENABLE ROW LEVEL SECURITY;
CREATE POLICY labels_own_rows ON labels
  USING (user_id = current_setting('app.user_id', true))
  WITH CHECK (user_id = current_setting('app.user_id', true));
"""
BACKUP = "CREATE POLICY labels_backup_reads ON labels FOR SELECT TO todo_backup USING (true);"
FUNCTION = "CREATE FUNCTION tidy() RETURNS void LANGUAGE sql"
EXPANSION = "0003"

UNSAFE = {
    # Locks and rewrites: squawk knows them.
    "index that shuts writers out": refused(
        "require-concurrent-index-creation", "CREATE INDEX tasks_by_title ON tasks (title);"
    ),
    "concurrent index within the transaction": refused(
        "ban-concurrent-index-creation-in-transaction",
        "CREATE INDEX CONCURRENTLY tasks_by_title ON tasks (title);",
    ),
    "index dropped under a lock": refused(
        "require-concurrent-index-deletion", "DROP INDEX tasks_by_user;"
    ),
    "index built anew under a lock": refused(
        "require-concurrent-reindex", "REINDEX INDEX tasks_by_user;"
    ),
    "another type for a column": refused(
        "changing-column-type", "ALTER TABLE tool_calls ALTER COLUMN ordinal TYPE bigint;"
    ),
    "column with a value of its own for every row": refused(
        "adding-field-with-default",
        "ALTER TABLE tasks ADD COLUMN token uuid DEFAULT gen_random_uuid();",
    ),
    "column that is computed for every row": refused(
        "adding-field-with-default",
        "ALTER TABLE tasks ADD COLUMN words tsvector"
        " GENERATED ALWAYS AS (to_tsvector('simple', title)) STORED;",
    ),
    "serial column": refused(
        "adding-serial-primary-key-field",
        "ALTER TABLE sessions ADD COLUMN number bigserial PRIMARY KEY;",
    ),
    "column that old code does not fill": refused(
        "adding-required-field", "ALTER TABLE tasks ADD COLUMN remind_at timestamptz NOT NULL;"
    ),
    "null forbidden by a scan under the lock": refused(
        "adding-not-nullable-field",
        "ALTER TABLE tool_calls ALTER COLUMN attempt SET NOT NULL;",
        contracts=EXPANSION,
    ),
    "check that scans under the lock": refused(
        "constraint-missing-not-valid",
        "ALTER TABLE tool_calls ADD CONSTRAINT named CHECK (attempt IS NOT NULL);",
        contracts=EXPANSION,
    ),
    "check that is validated behind its own lock": refused(
        "constraint-missing-not-valid",
        "ALTER TABLE tool_calls ADD CONSTRAINT named CHECK (attempt IS NOT NULL) NOT VALID;"
        "ALTER TABLE tool_calls VALIDATE CONSTRAINT named;",
        contracts=EXPANSION,
    ),
    "foreign key that scans under the lock": refused(
        "adding-foreign-key-constraint",
        "ALTER TABLE sessions ADD CONSTRAINT of_account"
        " FOREIGN KEY (user_id) REFERENCES accounts (user_id);",
        contracts=EXPANSION,
    ),
    "unique constraint with an index of its own": refused(
        "disallowed-unique-constraint",
        "ALTER TABLE accounts ADD CONSTRAINT once UNIQUE (issuer, subject);",
        contracts=EXPANSION,
    ),
    "table emptied with all that points at it": refused(
        "ban-truncate-cascade", "TRUNCATE conversations CASCADE;"
    ),
    "transaction of its own": refused("transaction-nesting", "BEGIN; SELECT 1; COMMIT;"),
    "time without zone": refused(
        "prefer-timestamp-tz", "ALTER TABLE tasks ADD COLUMN remind_at timestamp;"
    ),
    "not SQL": refused("syntax-error", "ALTER TABEL tasks ADD COLUMN remind_at timestamptz;"),
    # What the release before still uses.
    "column dropped": refused("ban-drop-column", "ALTER TABLE tasks DROP COLUMN description;"),
    "table dropped": refused("ban-drop-table", "DROP TABLE deleted_tasks;"),
    "column renamed": refused("renaming-column", "ALTER TABLE tasks RENAME title TO name;"),
    "table renamed": refused("renaming-table", "ALTER TABLE tasks RENAME TO todos;"),
    "function dropped": refused(contraction_not_declared, "DROP FUNCTION empty_trash();"),
    "right taken from the application": refused(
        contraction_not_declared, "REVOKE DELETE ON tasks FROM todo_tasks;"
    ),
    "check on rows that old code writes": refused(
        contraction_not_declared,
        "ALTER TABLE tasks ADD CONSTRAINT short CHECK (length(title) < 100) NOT VALID;",
    ),
    "policy that hides rows from old code": refused(
        contraction_not_declared,
        "CREATE POLICY pending ON tasks AS RESTRICTIVE USING (NOT completed);",
    ),
    "contraction of a revision that is not there": refused(
        contraction_without_expansion, "DROP FUNCTION empty_trash();", contracts="0042"
    ),
    "contraction that brings what the new code needs": refused(
        contraction_that_expands,
        "DROP FUNCTION empty_trash(); ALTER TABLE tasks ADD COLUMN remind_at timestamptz;",
        contracts=EXPANSION,
    ),
    # Row-level security and roles.
    "backfill as a role that sees no row": refused(
        other_role,
        "SET LOCAL ROLE todo_tasks; UPDATE tasks SET description = title WHERE description = '';",
    ),
    "backfill for one user": refused(
        rows_of_one_user,
        "UPDATE tasks SET description = title"
        " WHERE user_id = current_setting('app.user_id', true);",
    ),
    "security that blinds the migrator": refused(
        forced_security, "ALTER TABLE tasks FORCE ROW LEVEL SECURITY;"
    ),
    "table that everybody reads": refused(open_table, TABLE + BACKUP),
    "table without a rule for rows": refused(
        open_table, f"{TABLE} ALTER TABLE labels ENABLE ROW LEVEL SECURITY; {BACKUP}"
    ),
    "table that backups leave out": refused(open_table, TABLE + SECURITY),
    "right for everybody": refused(wide_grant, "GRANT SELECT ON tasks TO PUBLIC;"),
    "every right": refused(wide_grant, "GRANT ALL ON tasks TO todo_mcp;"),
    "backups that may write": refused(wide_grant, "GRANT DELETE ON tasks TO todo_backup;"),
    "membership in the owner": refused(wide_grant, "GRANT todo_migrator TO todo_chat;"),
    "function of the owner on any search path": refused(
        owner_function,
        f"{FUNCTION} SECURITY DEFINER AS $$ DELETE FROM deleted_tasks WHERE id = 0 $$;"
        "REVOKE ALL ON FUNCTION tidy() FROM PUBLIC;",
    ),
    "function of the owner for everybody": refused(
        owner_function,
        f"{FUNCTION} SECURITY DEFINER SET search_path = pg_catalog"
        " AS $$ DELETE FROM public.deleted_tasks WHERE id = 0 $$;",
    ),
    "function that makes up its statements": refused(
        owner_function,
        "CREATE FUNCTION tidy(name text) RETURNS void LANGUAGE plpgsql"
        " AS $$ BEGIN EXECUTE 'DELETE FROM ' || name; END $$;",
    ),
    # Our runner.
    "time-out switched off": refused(own_timeouts, "SET LOCAL lock_timeout = 0;"),
    "time-out switched off by a function": refused(
        own_timeouts, "SELECT set_config('statement_timeout', '0', true);"
    ),
    "lock on a whole table": refused(explicit_lock, "LOCK TABLE tasks IN EXCLUSIVE MODE;"),
    "backfill behind the lock of its column": refused(
        backfill_under_lock,
        "ALTER TABLE tasks ADD COLUMN remind_at timestamptz;"
        "UPDATE tasks SET remind_at = created_at WHERE remind_at IS NULL;",
    ),
    "backfill of every row": refused(backfill_without_bound, "UPDATE messages SET failure = NULL;"),
    "statements hidden in a block": refused(
        hidden_statements, "DO $$ BEGIN EXECUTE 'DROP TABLE ' || 'tasks'; END $$;"
    ),
    "statements that depend on the rows": refused(
        not_readable,
        "",
        python='rows = op.get_bind().exec_driver_sql("SELECT id FROM tasks").all()\n'
        '    op.execute(f"DELETE FROM tasks WHERE id = {rows[0].id}")',
    ),
    "number that leaves a gap": refused(number_out_of_order, "SELECT 1;", revision="0099"),
}

SAFE = {
    "column that may be null": Case("ALTER TABLE tasks ADD COLUMN remind_at timestamptz;"),
    "column with a constant": Case("ALTER TABLE tasks ADD COLUMN stars bigint NOT NULL DEFAULT 0;"),
    "table with its security, index and rights": Case(
        f"{TABLE} CREATE INDEX labels_by_user ON labels (user_id, id); {SECURITY} {BACKUP}"
        "GRANT SELECT, INSERT, DELETE ON labels TO todo_tasks, todo_mcp;"
    ),
    "new table that points at an old one": Case(
        "CREATE TABLE notes (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,"
        " user_id text NOT NULL,"
        " conversation_id bigint NOT NULL REFERENCES conversations (id) ON DELETE CASCADE);"
        + SECURITY.replace("labels", "notes")
        + BACKUP.replace("labels", "notes")
    ),
    "right that new code needs": Case("GRANT DELETE ON conversations TO todo_chat;"),
    "function of the owner with a fixed path": Case(
        f"{FUNCTION} SECURITY DEFINER SET search_path = pg_catalog, pg_temp"
        " AS $$ DELETE FROM public.sessions WHERE expires_at < now() $$;"
        "REVOKE ALL ON FUNCTION tidy() FROM PUBLIC;"
        "GRANT EXECUTE ON FUNCTION tidy() TO todo_chat;"
    ),
    "backfill in a migration of its own": Case(
        "UPDATE messages SET failure = '{}' WHERE failure IS NULL AND lease_expires_at < now();"
    ),
    "comment that names a role and a DROP": Case(
        "-- SET ROLE todo_tasks; DROP TABLE tasks; and lock_timeout are only named here.\n"
        "COMMENT ON TABLE tasks IS 'DROP COLUMN; UPDATE tasks SET';"
    ),
    "check of new rows only, in a contraction": Case(
        "ALTER TABLE tool_calls ADD CONSTRAINT named"
        " CHECK (turn_key IS NULL OR attempt IS NOT NULL) NOT VALID;",
        contracts=EXPANSION,
    ),
    "check that was added before is validated": Case(
        "ALTER TABLE tasks VALIDATE CONSTRAINT tasks_title_check;", contracts=EXPANSION
    ),
    "old form dropped in a contraction": Case(
        "ALTER TABLE tool_calls DROP COLUMN repeats; DROP FUNCTION empty_trash();",
        contracts=EXPANSION,
    ),
    "right taken away in a contraction": Case(
        "REVOKE UPDATE (lease_expires_at) ON messages FROM todo_chat;", contracts=EXPANSION
    ),
}
