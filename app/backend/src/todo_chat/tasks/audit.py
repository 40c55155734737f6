"""The record of every MCP tool call, written in the transaction of the change itself.

It serves two readers: a person who asks which request changed a task, and a chat turn that
is repeated after a crash, which must not do its changes a second time.
"""

import hashlib
import json
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, Column, DateTime, Identity, Text, func
from sqlalchemy.dialects.postgresql import JSONB
from sqlmodel import Field, SQLModel, col, select
from sqlmodel.ext.asyncio.session import AsyncSession

READING_TOOLS = frozenset({"list_tasks"})
"""Tools that change nothing."""


class ToolCallRecord(SQLModel, table=True):
    """A row of ``tool_calls``; rows are only ever added."""

    __tablename__ = "tool_calls"

    id: int | None = Field(
        default=None, sa_column=Column(BigInteger, Identity(always=True), primary_key=True)
    )
    user_id: str = Field(sa_column=Column(Text, nullable=False))
    request_id: str = Field(sa_column=Column(Text, nullable=False))
    turn_key: str | None = Field(default=None, sa_column=Column(Text))
    """The chat turn that made the call; None for a client of its own."""
    ordinal: int = Field(default=0)
    """How many equal calls the turn had made before."""
    tool: str = Field(sa_column=Column(Text, nullable=False))
    arguments: dict[str, Any] = Field(sa_column=Column(JSONB, nullable=False))
    arguments_hash: str = Field(sa_column=Column(Text, nullable=False))
    outcome: str = Field(sa_column=Column(Text, nullable=False))
    """``ok``, or the code of the error."""
    task_id: int | None = Field(default=None, sa_column=Column(BigInteger))
    result: dict[str, Any] = Field(sa_column=Column(JSONB, nullable=False))
    created_at: datetime | None = Field(
        default=None,
        sa_column=Column(DateTime(timezone=True), nullable=False, server_default=func.now()),
    )


def hash_arguments(arguments: dict[str, Any]) -> str:
    """SHA-256 over the arguments as JSON with sorted keys, in hexadecimal."""
    canonical = json.dumps(arguments, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(canonical.encode()).hexdigest()


async def records_of_turn(
    session: AsyncSession, user_id: str, turn_key: str
) -> Sequence[ToolCallRecord]:
    """The successful calls that a turn has made so far, oldest first."""
    rows = await session.exec(
        select(ToolCallRecord)
        .where(
            ToolCallRecord.user_id == user_id,
            ToolCallRecord.turn_key == turn_key,
            ToolCallRecord.outcome == "ok",
        )
        .order_by(col(ToolCallRecord.id))
    )
    return rows.all()


def find_earlier(
    records: Sequence[ToolCallRecord], tool: str, arguments: dict[str, Any], ordinal: int
) -> ToolCallRecord | None:
    """The record that answers this call again, or None when the call has to be made.

    A turn that has changed something is resumed from its record, reads included, so that
    it takes the same way again. A turn that changed nothing reads afresh.
    """
    if tool in READING_TOOLS and all(record.tool in READING_TOOLS for record in records):
        return None
    wanted = (tool, hash_arguments(arguments), ordinal)
    for record in records:
        if (record.tool, record.arguments_hash, record.ordinal) == wanted:
            return record
    return None
