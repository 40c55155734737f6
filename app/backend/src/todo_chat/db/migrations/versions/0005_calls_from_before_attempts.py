"""Tool calls of turns from before 0003 get the name of an attempt: an empty one, which none has.

They count as an earlier attempt's with it as they did without.
"""

from alembic import op

revision: str = "0005"
down_revision: str | None = "0004"
branch_labels: str | None = None
depends_on: str | None = None


def upgrade() -> None:
    # The migrator owns the table: row-level security hides no user's rows from it.
    op.execute("UPDATE tool_calls SET attempt = '' WHERE turn_key IS NOT NULL AND attempt IS NULL")


def downgrade() -> None:
    op.execute("UPDATE tool_calls SET attempt = NULL WHERE attempt = ''")
