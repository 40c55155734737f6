"""Alembic's environment: one transaction on a connection that the caller passes in."""

from alembic import context
from sqlmodel import SQLModel

from todo_chat.chat import models as _chat_models  # noqa: F401 - fills the metadata
from todo_chat.identity import models as _identity_models  # noqa: F401 - fills the metadata
from todo_chat.tasks import audit as _audit_models  # noqa: F401 - fills the metadata
from todo_chat.tasks import models as _task_models  # noqa: F401 - fills the metadata

context.configure(
    connection=context.config.attributes["connection"], target_metadata=SQLModel.metadata
)
with context.begin_transaction():
    context.run_migrations()
