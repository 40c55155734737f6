"""When a task is due. Code of before does not notice, and keeps what it does not know.

That code moves tasks to the trash and back by naming each column: a due date would be lost on
either way. Until no such code is left, two triggers carry it along.
"""

from alembic import op

from todo_chat.db.migrations.due_date_triggers import CREATE, DROP

revision: str = "0004"
down_revision: str | None = "0003"
branch_labels: str | None = None
depends_on: str | None = None

# Every transaction that uses both tables begins with tasks. To take them in the same order means
# that none can be waited for while it waits for us.
_SCHEMA = """
ALTER TABLE tasks ADD COLUMN due_at timestamptz;
ALTER TABLE deleted_tasks ADD COLUMN due_at timestamptz;
"""


def upgrade() -> None:
    op.execute(_SCHEMA)
    op.execute(CREATE)


def downgrade() -> None:
    op.execute(DROP)
    op.execute("ALTER TABLE tasks DROP COLUMN due_at; ALTER TABLE deleted_tasks DROP COLUMN due_at")
