"""Alembic's environment: one transaction on a connection that the caller passes in.

Without a connection the SQL is written down instead, for those who read it before it runs.
"""

from alembic import context
from sqlmodel import SQLModel

from todo_chat.chat import models as _chat_models  # noqa: F401 - fills the metadata
from todo_chat.identity import models as _identity_models  # noqa: F401 - fills the metadata
from todo_chat.tasks import audit as _audit_models  # noqa: F401 - fills the metadata
from todo_chat.tasks import models as _task_models  # noqa: F401 - fills the metadata

context.configure(
    connection=context.config.attributes["connection"],
    dialect_name="postgresql",
    target_metadata=SQLModel.metadata,
    transactional_ddl=not context.is_offline_mode(),
)
with context.begin_transaction():
    context.run_migrations()
