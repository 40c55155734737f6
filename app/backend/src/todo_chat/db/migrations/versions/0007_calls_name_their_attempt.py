"""Each new tool call of a turn names its attempt. Code from before 0003 named none.

A call without one would count as an earlier attempt's: what the attempt does itself would be
given back to it in the place of being done.
"""

from alembic import op

revision: str = "0007"
down_revision: str | None = "0006"
branch_labels: str | None = None
depends_on: str | None = None
contracts: str | None = "0003"


def upgrade() -> None:
    op.execute(
        "ALTER TABLE tool_calls ADD CONSTRAINT tool_calls_attempt_of_turn"
        " CHECK (turn_key IS NULL OR attempt IS NOT NULL) NOT VALID"
    )


def downgrade() -> None:
    op.execute("ALTER TABLE tool_calls DROP CONSTRAINT tool_calls_attempt_of_turn")
