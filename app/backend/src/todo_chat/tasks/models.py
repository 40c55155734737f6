"""The task: table, input and output shapes."""

from datetime import datetime
from enum import StrEnum
from typing import Annotated, Self

from pydantic import Field as Constraint
from pydantic import model_validator
from sqlalchemy import BigInteger, Column, DateTime, Identity, Text, func
from sqlmodel import Field, SQLModel

from todo_chat.text import BIGINT_MAX, Description, Title

TaskId = Annotated[int, Constraint(ge=1, le=BIGINT_MAX)]


class TaskStatus(StrEnum):
    """Which tasks a list shows."""

    ALL = "all"
    PENDING = "pending"
    COMPLETED = "completed"


class Task(SQLModel, table=True):
    """A row of ``tasks``."""

    __tablename__ = "tasks"

    id: int | None = Field(
        default=None, sa_column=Column(BigInteger, Identity(always=True), primary_key=True)
    )
    user_id: str = Field(sa_column=Column(Text, nullable=False))
    title: str = Field(sa_column=Column(Text, nullable=False))
    description: str = Field(default="", sa_column=Column(Text, nullable=False))
    completed: bool = Field(default=False)
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


class TaskCreate(SQLModel):
    """A new task."""

    title: Title
    description: Description = ""


class TaskReplace(SQLModel):
    """Every changeable field of a task."""

    title: Title
    description: Description
    completed: bool


class TaskUpdate(SQLModel):
    """Some changeable fields of a task, at least one."""

    title: Title | None = None
    description: Description | None = None
    completed: bool | None = None

    @model_validator(mode="after")
    def _something_to_change(self) -> Self:
        if self.title is None and self.description is None and self.completed is None:
            raise ValueError("give at least one of title, description, completed")
        return self


class TaskPublic(SQLModel):
    """A task as clients see it."""

    id: int
    user_id: str
    title: str
    description: str
    completed: bool
    created_at: datetime
    updated_at: datetime
