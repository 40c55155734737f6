"""So do the tool calls that were there. Apart from 0007: to look at them locks nobody out."""

from alembic import op

revision: str = "0008"
down_revision: str | None = "0007"
branch_labels: str | None = None
depends_on: str | None = None
contracts: str | None = "0003"


def upgrade() -> None:
    op.execute("ALTER TABLE tool_calls VALIDATE CONSTRAINT tool_calls_attempt_of_turn")


def downgrade() -> None:
    """Nothing to undo: 0007 takes the constraint away."""
