"""The task: table, input and output shapes."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Annotated, Any, Self

from pydantic import Field as Constraint
from pydantic import model_validator
from pydantic.json_schema import SkipJsonSchema
from sqlalchemy import BigInteger, Column, DateTime, Identity, Text, func
from sqlmodel import Field, SQLModel

from todo_chat.tasks.due import DueAt
from todo_chat.text import BIGINT_MAX, Description, Title

TaskId = Annotated[int, Constraint(ge=1, le=BIGINT_MAX)]


class TaskStatus(StrEnum):
    """Which tasks a list shows; ``ALL`` are those that are not deleted."""

    ALL = "all"
    PENDING = "pending"
    COMPLETED = "completed"
    DELETED = "deleted"


class Task(SQLModel, table=True):
    """A row of ``tasks``.

    Deleting one moves it to ``deleted_tasks``: what reads tasks has nothing to leave out. Its
    number comes from the database and is never given again, so that what a conversation says of
    a number stays true.
    """

    __tablename__ = "tasks"

    id: int | None = Field(
        default=None, sa_column=Column(BigInteger, Identity(always=True), primary_key=True)
    )
    user_id: str = Field(sa_column=Column(Text, nullable=False))
    title: str = Field(sa_column=Column(Text, nullable=False))
    description: str = Field(default="", sa_column=Column(Text, nullable=False))
    completed: bool = Field(default=False)
    due_at: datetime | None = Field(default=None, sa_column=Column(DateTime(timezone=True)))
    created_at: datetime | None = Field(
        default=None,
        sa_column=Column(DateTime(timezone=True), nullable=False, server_default=func.now()),
    )
    updated_at: datetime | None = Field(
        default=None,
        sa_column=Column(
            DateTime(timezone=True), nullable=False, server_default=func.now(), onupdate=func.now()
        ),
    )


class DeletedTask(SQLModel, table=True):
    """A row of ``deleted_tasks``: a task in the trash, under the number that it had."""

    __tablename__ = "deleted_tasks"

    id: int = Field(sa_column=Column(BigInteger, primary_key=True, autoincrement=False))
    user_id: str = Field(sa_column=Column(Text, nullable=False))
    title: str = Field(sa_column=Column(Text, nullable=False))
    description: str = Field(sa_column=Column(Text, nullable=False))
    completed: bool
    due_at: datetime | None = Field(default=None, sa_column=Column(DateTime(timezone=True)))
    created_at: datetime = Field(sa_column=Column(DateTime(timezone=True), nullable=False))
    updated_at: datetime = Field(sa_column=Column(DateTime(timezone=True), nullable=False))
    deleted_at: datetime | None = Field(
        default=None,
        sa_column=Column(DateTime(timezone=True), nullable=False, server_default=func.now()),
    )


class _AsGiven(SQLModel):
    """Takes what it is given or refuses it: nothing unknown is dropped, nothing is converted."""

    model_config = {"extra": "forbid", "strict": True}


class TaskCreate(_AsGiven):
    """A new task."""

    title: Title
    description: Description = ""
    due_at: DueAt | None = None


class TaskReplace(_AsGiven):
    """Every changeable field of a task.

    ``due_at`` may be left out and then stays: clients of before do not know it.
    """

    title: Title
    description: Description
    completed: bool
    due_at: DueAt | None = None


class TaskUpdate(_AsGiven):
    """Some changeable fields of a task, at least one; null is refused but for ``due_at``.

    ``due_at`` null takes the due date away.
    """

    title: Title | SkipJsonSchema[None] = None
    description: Description | SkipJsonSchema[None] = None
    completed: bool | SkipJsonSchema[None] = None
    due_at: DueAt | None = None

    @model_validator(mode="before")
    @classmethod
    def _null_is_no_value(cls, given: Any) -> Any:
        if isinstance(given, dict):
            nulls = [str(n) for n, value in given.items() if value is None and n != "due_at"]
            if nulls:
                raise ValueError(f"{', '.join(nulls)} must not be null; leave out what stays")
        return given

    @model_validator(mode="after")
    def _something_to_change(self) -> Self:
        if not self.model_fields_set:
            raise ValueError("give at least one of title, description, completed, due_at")
        return self


class TaskPublic(SQLModel):
    """A task as clients see it. ``deleted_at`` is set while it is in the trash."""

    id: int
    user_id: str
    title: str
    description: str
    completed: bool
    due_at: datetime | None = None
    """Whether that is past is for the reader to tell, whose clock it is about."""
    created_at: datetime
    updated_at: datetime
    deleted_at: datetime | None = None


@dataclass(frozen=True)
class TaskSearch:
    """Which tasks to find: newest first, those with ids below ``before``."""

    status: TaskStatus = TaskStatus.ALL
    text: str = ""
    """Words in the title or the description, in any case; empty for every task."""
    before: int = BIGINT_MAX
    limit: int = 200


@dataclass(frozen=True)
class TaskPage:
    """A page of what was found; ``total`` counts the other pages too."""

    tasks: list[TaskPublic]
    total: int
    next_before: int | None
    """Where the next page begins, None on the last one."""
