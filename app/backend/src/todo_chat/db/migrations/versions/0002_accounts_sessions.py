"""Accounts of identity providers and browser sessions. Code of before does not notice them."""

from alembic import op

revision: str = "0002"
down_revision: str | None = "0001"
branch_labels: str | None = None
depends_on: str | None = None

_TABLES = ("accounts", "sessions")

# An account is never changed: whoever may add one cannot give it to somebody else later.
# A session is found by its secret's hash and the user id that the cookie claims, so the rule
# for rows is that of the other tables.
_SCHEMA = """
CREATE TABLE accounts (
  user_id text PRIMARY KEY,
  issuer text NOT NULL,
  subject text NOT NULL CHECK (length(subject) BETWEEN 1 AND 255),
  created_at timestamptz NOT NULL DEFAULT now()
);

CREATE TABLE sessions (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  user_id text NOT NULL,
  token_hash bytea NOT NULL UNIQUE CHECK (length(token_hash) = 32),
  display_name text NOT NULL CHECK (length(display_name) <= 200),
  created_at timestamptz NOT NULL DEFAULT now(),
  expires_at timestamptz NOT NULL
);
CREATE INDEX sessions_by_user ON sessions (user_id, expires_at);

GRANT SELECT, INSERT ON accounts TO todo_chat;
GRANT SELECT, INSERT, DELETE ON sessions TO todo_chat;
"""


def upgrade() -> None:
    op.execute(_SCHEMA)
    for table in _TABLES:
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


def downgrade() -> None:
    for table in reversed(_TABLES):
        op.execute(f"DROP TABLE {table}")
