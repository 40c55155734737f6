"""Conversations can be named and deleted.

Code of before goes on showing the first message in the place of the name.
"""

from alembic import op

revision: str = "0006"
down_revision: str | None = "0005"
branch_labels: str | None = None
depends_on: str | None = None


def upgrade() -> None:
    op.execute(
        """
        ALTER TABLE conversations ADD COLUMN title text;
        GRANT UPDATE (title) ON conversations TO todo_chat;
        -- Its messages go with it: the reference says so, and needs no right of the role.
        GRANT DELETE ON conversations TO todo_chat;
        """
    )


def downgrade() -> None:
    op.execute(
        """
        REVOKE DELETE ON conversations FROM todo_chat;
        REVOKE UPDATE (title) ON conversations FROM todo_chat;
        ALTER TABLE conversations DROP COLUMN title;
        """
    )
