"""The record of every MCP tool call, written in the transaction of the change itself.

It serves two readers: a person who asks which request changed a task, and a chat turn that is
attempted again after it broke off, which must not do its changes a second time.
"""

import hashlib
import json
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, Column, DateTime, Identity, Text, func, text
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
    """How many equal calls the turn had made before: a unique index tells them apart by it."""
    attempt: str | None = Field(default=None, sa_column=Column(Text))
    """Which attempt at the turn made the call."""
    call: int | None = Field(default=None)
    """Which call of the attempt it is; the same when it is sent again for want of an answer."""
    repeats: int | None = Field(default=None, sa_column=Column(BigInteger))
    """The earlier call that this one was answered with; it was not carried out itself."""
    tool: str = Field(sa_column=Column(Text, nullable=False))
    arguments: dict[str, Any] = Field(sa_column=Column(JSONB, nullable=False))
    arguments_hash: str = Field(sa_column=Column(Text, nullable=False))
    outcome: str = Field(sa_column=Column(Text, nullable=False))
    """``ok``, ``repeated`` for a call that was answered from the record, or an error's code."""
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


async def lock_turn(session: AsyncSession, user_id: str, turn_key: str) -> None:
    """Let one call of the turn run at a time, on whichever replica, until the transaction ends."""
    await (await session.connection()).execute(
        text("SELECT pg_advisory_xact_lock(hashtextextended(:turn, 0))"),
        {"turn": f"turn {user_id} {turn_key}"},
    )


async def records_of_turn(
    session: AsyncSession, user_id: str, turn_key: str
) -> Sequence[ToolCallRecord]:
    """The successful calls that a turn has made so far, in all its attempts, oldest first."""
    rows = await session.exec(
        select(ToolCallRecord)
        .where(
            ToolCallRecord.user_id == user_id,
            ToolCallRecord.turn_key == turn_key,
            col(ToolCallRecord.outcome).in_(("ok", "repeated")),
        )
        .order_by(col(ToolCallRecord.id))
    )
    return rows.all()


def count_equal(records: Sequence[ToolCallRecord], tool: str, arguments: dict[str, Any]) -> int:
    """How often the turn has carried out this very call."""
    same = (tool, hash_arguments(arguments))
    return sum(
        record.outcome == "ok" and (record.tool, record.arguments_hash) == same
        for record in records
    )


def find_resent(
    records: Sequence[ToolCallRecord], attempt: str, call: int | None
) -> ToolCallRecord | None:
    """The record of this very call, whose answer was lost on its way."""
    if call is None:
        return None
    own = (record for record in records if (record.attempt, record.call) == (attempt, call))
    return next(own, None)


def find_earlier(
    records: Sequence[ToolCallRecord], attempt: str, tool: str, arguments: dict[str, Any]
) -> ToolCallRecord | None:
    """What an earlier attempt at the turn did, in answer to this call; None to carry the call out.

    An attempt first gets back what the earlier ones did, tool by tool, and only what goes beyond
    is new. Equal arguments come first. But a model words its call differently when it is asked
    again, so any change by the same tool that has not been given back yet counts too. Reads are
    given back only when they are equal and the turn has changed something: then the attempt
    takes the same way again.
    """
    before = [r for r in records if r.attempt != attempt and r.outcome == "ok"]
    if all(record.tool in READING_TOOLS for record in before):
        return None
    by_id = {record.id: record for record in before}
    given = [r for r in records if r.attempt == attempt and r.repeats in by_id]
    given_ids = {record.repeats for record in given}
    wanted = hash_arguments(arguments)
    of_tool = [record for record in before if record.tool == tool]
    equal = [record for record in of_tool if record.arguments_hash == wanted]
    left = [record for record in of_tool if record.id not in given_ids]
    given_for_another = {
        record.repeats
        for record in given
        if by_id[record.repeats].arguments_hash != record.arguments_hash
    }
    candidates = [record for record in equal if record.id not in given_ids]
    candidates += [record for record in equal if record.id in given_for_another]
    if tool not in READING_TOOLS:
        candidates += left
    return next(iter(candidates), None)
