"""Tasks, conversations, messages, the record of tool calls; row-level security and grants."""

from alembic import op

revision: str = "0001"
down_revision: str | None = None
branch_labels: str | None = None
depends_on: str | None = None

_TABLES = ("tasks", "conversations", "messages", "tool_calls")

_SCHEMA = """
CREATE TABLE tasks (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  user_id text NOT NULL,
  title text NOT NULL CHECK (length(title) BETWEEN 1 AND 200),
  description text NOT NULL DEFAULT '' CHECK (length(description) <= 2000),
  completed boolean NOT NULL DEFAULT false,
  created_at timestamptz NOT NULL DEFAULT now(),
  updated_at timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX tasks_by_user ON tasks (user_id, id);

CREATE TABLE conversations (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  user_id text NOT NULL,
  created_at timestamptz NOT NULL DEFAULT now(),
  updated_at timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX conversations_by_user ON conversations (user_id, id);

CREATE TABLE messages (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  user_id text NOT NULL,
  conversation_id bigint NOT NULL REFERENCES conversations (id) ON DELETE CASCADE,
  role text NOT NULL CHECK (role IN ('user', 'assistant')),
  content text NOT NULL,
  tool_calls jsonb NOT NULL DEFAULT '[]',
  turn_key text NOT NULL CHECK (length(turn_key) BETWEEN 1 AND 64),
  lease_expires_at timestamptz,
  created_at timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX messages_by_conversation ON messages (conversation_id, id);
-- A turn has one question and one answer: a repeated request cannot add a second.
CREATE UNIQUE INDEX messages_once_per_turn ON messages (user_id, turn_key, role);

CREATE TABLE tool_calls (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  user_id text NOT NULL,
  request_id text NOT NULL,
  turn_key text,
  ordinal integer NOT NULL DEFAULT 0,
  tool text NOT NULL,
  arguments jsonb NOT NULL,
  arguments_hash text NOT NULL,
  outcome text NOT NULL,
  task_id bigint,
  result jsonb NOT NULL,
  created_at timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX tool_calls_by_turn ON tool_calls (user_id, turn_key);
-- A repeated turn cannot do a change twice, not even when two replicas race.
CREATE UNIQUE INDEX tool_calls_once_per_turn
  ON tool_calls (user_id, turn_key, tool, arguments_hash, ordinal)
  WHERE turn_key IS NOT NULL AND outcome = 'ok' AND tool <> 'list_tasks';
"""

_GRANTS = """
GRANT USAGE ON SCHEMA public TO todo_chat, todo_tasks, todo_mcp, todo_backup;
GRANT SELECT, INSERT, UPDATE, DELETE ON tasks TO todo_tasks, todo_mcp;
GRANT SELECT, INSERT ON tool_calls TO todo_mcp;
GRANT SELECT, INSERT ON conversations, messages TO todo_chat;
GRANT UPDATE (updated_at) ON conversations TO todo_chat;
GRANT UPDATE (lease_expires_at) ON messages TO todo_chat;
GRANT SELECT ON alembic_version TO todo_chat, todo_tasks, todo_mcp;
GRANT SELECT ON ALL TABLES IN SCHEMA public TO todo_backup;
GRANT SELECT ON ALL SEQUENCES IN SCHEMA public TO todo_backup;
ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT SELECT ON TABLES TO todo_backup;
ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT SELECT ON SEQUENCES TO todo_backup;
"""


def upgrade() -> None:
    op.execute(_SCHEMA)
    for table in _TABLES:
        # current_setting(…, true) is NULL when no user is set: then no row matches.
        op.execute(
            f"""
            ALTER TABLE {table} ENABLE ROW LEVEL SECURITY;
            CREATE POLICY {table}_own_rows ON {table}
              USING (user_id = current_setting('app.user_id', true))
              WITH CHECK (user_id = current_setting('app.user_id', true));
            CREATE POLICY {table}_backup_reads ON {table}
              FOR SELECT TO todo_backup USING (true);
            """
        )
    op.execute(_GRANTS)


def downgrade() -> None:
    op.execute(
        "ALTER DEFAULT PRIVILEGES IN SCHEMA public REVOKE SELECT ON TABLES FROM todo_backup;"
        "ALTER DEFAULT PRIVILEGES IN SCHEMA public REVOKE SELECT ON SEQUENCES FROM todo_backup;"
    )
    for table in reversed(_TABLES):
        op.execute(f"DROP TABLE {table}")
