"""Conversations and messages: tables, input and output shapes."""

from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, StringConstraints
from pydantic import Field as Constraint
from sqlalchemy import BigInteger, Column, DateTime, Identity, Text, func
from sqlalchemy.dialects.postgresql import JSONB
from sqlmodel import Field, SQLModel

from todo_chat.text import BIGINT_MAX, Storable
from todo_chat.turn import ToolCall

MESSAGE_MAX_CHARACTERS = 8000
TITLE_CHARACTERS = 80

ConversationId = Annotated[int, Constraint(ge=1, le=BIGINT_MAX)]
MessageText = Annotated[
    str,
    StringConstraints(min_length=1, max_length=MESSAGE_MAX_CHARACTERS, strip_whitespace=True),
    Storable,
]


class Conversation(SQLModel, table=True):
    """A row of ``conversations``.

    A new message locks the row, so that messages take turns on whichever replica. It has no
    title: a list shows its first message. ``updated_at`` is when its last answer was stored.
    """

    __tablename__ = "conversations"

    id: int | None = Field(
        default=None, sa_column=Column(BigInteger, Identity(always=True), primary_key=True)
    )
    user_id: str = Field(sa_column=Column(Text, nullable=False))
    title: str | None = Field(default=None, sa_column=Column(Text))
    created_at: datetime | None = Field(
        default=None,
        sa_column=Column(DateTime(timezone=True), nullable=False, server_default=func.now()),
    )
    updated_at: datetime | None = Field(
        default=None,
        sa_column=Column(DateTime(timezone=True), nullable=False, server_default=func.now()),
    )


class Message(SQLModel, table=True):
    """A row of ``messages``.

    ``turn_key`` ties a question to its answer; it is the client's idempotency key, or one
    made here. ``lease_expires_at`` is set on a question while a replica is answering it.
    A question whose attempt failed has its ``failure`` and the ``tool_calls`` of that attempt.
    """

    __tablename__ = "messages"

    id: int | None = Field(
        default=None, sa_column=Column(BigInteger, Identity(always=True), primary_key=True)
    )
    user_id: str = Field(sa_column=Column(Text, nullable=False))
    conversation_id: int = Field(sa_column=Column(BigInteger, nullable=False))
    role: str = Field(sa_column=Column(Text, nullable=False))
    content: str = Field(sa_column=Column(Text, nullable=False))
    tool_calls: list[dict[str, Any]] = Field(
        default_factory=list, sa_column=Column(JSONB, nullable=False)
    )
    turn_key: str = Field(sa_column=Column(Text, nullable=False))
    lease_expires_at: datetime | None = Field(
        default=None, sa_column=Column(DateTime(timezone=True))
    )
    failure: dict[str, Any] | None = Field(default=None, sa_column=Column(JSONB(none_as_null=True)))
    created_at: datetime | None = Field(
        default=None,
        sa_column=Column(DateTime(timezone=True), nullable=False, server_default=func.now()),
    )


class ChatRequest(BaseModel):
    """A message of the user; without ``conversation_id`` it begins a new conversation."""

    model_config = ConfigDict(extra="forbid")

    conversation_id: ConversationId | None = None
    message: MessageText


class StopRequest(BaseModel):
    """The turn to end, by the key of its message."""

    model_config = ConfigDict(extra="forbid")

    idempotency_key: Annotated[str, StringConstraints(pattern=r"^[\x21-\x7e]{1,64}$")]


class ConversationUpdate(BaseModel):
    """A new name for a conversation."""

    model_config = ConfigDict(extra="forbid")

    title: Annotated[
        str,
        StringConstraints(min_length=1, max_length=TITLE_CHARACTERS, strip_whitespace=True),
        Storable,
    ]


class ChatResponse(BaseModel):
    """The stored answer to a message."""

    conversation_id: int
    response: str
    tool_calls: list[ToolCall]
    idempotency_key: str


class ConversationPublic(BaseModel):
    """A conversation in a list; ``title`` is its name, or else its first message, shortened."""

    id: int
    title: str
    created_at: datetime
    updated_at: datetime


class Failure(BaseModel):
    """Why a message has no answer: for programs (``code``) and for people (``message``)."""

    code: str
    message: str


class MessagePublic(BaseModel):
    """A message as clients see it.

    A message of the user that got no answer has the ``failure`` and the tool calls that were made
    before it; both are gone when it is answered after all. While a replica is ``answering`` it,
    the tool calls are those made so far.
    """

    id: int
    conversation_id: int
    role: Literal["user", "assistant"]
    content: str
    tool_calls: list[ToolCall]
    idempotency_key: str
    failure: Failure | None = None
    answering: bool = False
    created_at: datetime
