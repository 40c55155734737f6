"""The trash; what a failed turn did; which attempt of a turn made a tool call.

Code of before does not notice any of it: what it deletes is gone at once, as it was.
"""

from alembic import op

revision: str = "0003"
down_revision: str | None = "0002"
branch_labels: str | None = None
depends_on: str | None = None

# A deleted task moves here with its number. A table of its own, and not a mark on tasks, because
# code of before would go on showing what is marked.
_SCHEMA = """
CREATE TABLE deleted_tasks (
  id bigint PRIMARY KEY,
  user_id text NOT NULL,
  title text NOT NULL,
  description text NOT NULL,
  completed boolean NOT NULL,
  created_at timestamptz NOT NULL,
  updated_at timestamptz NOT NULL,
  deleted_at timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX deleted_tasks_by_user ON deleted_tasks (user_id, id);
CREATE INDEX deleted_tasks_by_age ON deleted_tasks (deleted_at);

ALTER TABLE deleted_tasks ENABLE ROW LEVEL SECURITY;
CREATE POLICY deleted_tasks_own_rows ON deleted_tasks
  USING (user_id = current_setting('app.user_id', true))
  WITH CHECK (user_id = current_setting('app.user_id', true));
CREATE POLICY deleted_tasks_backup_reads ON deleted_tasks
  FOR SELECT TO todo_backup USING (true);
GRANT SELECT, INSERT, DELETE ON deleted_tasks TO todo_tasks, todo_mcp;

-- What is older than 30 days goes, whoever it belonged to. The function runs as the owner of the
-- table, which row-level security does not hold for; it takes no argument that could widen it.
CREATE FUNCTION empty_trash() RETURNS void
  LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
  AS $$
    DELETE FROM public.deleted_tasks WHERE id IN (
      SELECT id FROM public.deleted_tasks WHERE deleted_at < now() - interval '30 days'
      LIMIT 1000 FOR UPDATE SKIP LOCKED
    )
  $$;
REVOKE ALL ON FUNCTION empty_trash() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION empty_trash() TO todo_tasks, todo_mcp;

-- On a question: why its last attempt got no answer. What that attempt did is in tool_calls.
ALTER TABLE messages ADD COLUMN failure jsonb;
GRANT UPDATE (tool_calls, failure) ON messages TO todo_chat;

-- Which attempt of the turn made the call, which call of the attempt it was, and which earlier
-- call it was answered with in the place of being carried out.
ALTER TABLE tool_calls
  ADD COLUMN attempt text,
  ADD COLUMN call integer,
  ADD COLUMN repeats bigint;
"""


def upgrade() -> None:
    op.execute(_SCHEMA)


def downgrade() -> None:
    op.execute(
        """
        ALTER TABLE tool_calls DROP COLUMN attempt, DROP COLUMN call, DROP COLUMN repeats;
        REVOKE UPDATE (tool_calls, failure) ON messages FROM todo_chat;
        ALTER TABLE messages DROP COLUMN failure;
        DROP FUNCTION empty_trash();
        DROP TABLE deleted_tasks;
        """
    )
