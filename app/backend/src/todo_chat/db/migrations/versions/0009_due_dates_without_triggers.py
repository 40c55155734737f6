"""Every release that is left carries due dates itself: the triggers for the others go."""

from alembic import op

from todo_chat.db.migrations.due_date_triggers import CREATE, DROP

revision: str = "0009"
down_revision: str | None = "0008"
branch_labels: str | None = None
depends_on: str | None = None
contracts: str | None = "0004"


def upgrade() -> None:
    op.execute(DROP)


def downgrade() -> None:
    op.execute(CREATE)
