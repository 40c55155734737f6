"""So do the tool calls that were there. Apart from 0006: to look at them locks nobody out."""

from alembic import op

revision: str = "0007"
down_revision: str | None = "0006"
branch_labels: str | None = None
depends_on: str | None = None
contracts: str | None = "0003"


def upgrade() -> None:
    op.execute("ALTER TABLE tool_calls VALIDATE CONSTRAINT tool_calls_attempt_of_turn")


def downgrade() -> None:
    """Nothing to undo: 0006 takes the constraint away."""
