"""Conversations and messages in the database. Each query names the user."""

import json
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, ScalarSelect, func, or_, update
from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from todo_chat.chat.errors import (
    ConversationBusyError,
    ConversationInUseError,
    ConversationNotFoundError,
    KeyReusedError,
    TooManyConversationsError,
    TurnInProgressError,
    TurnNotFoundError,
)
from todo_chat.chat.models import (
    TITLE_CHARACTERS,
    ChatRequest,
    ChatResponse,
    Conversation,
    ConversationPublic,
    Failure,
    Message,
    MessagePublic,
)
from todo_chat.chat.stopping import STOPPED
from todo_chat.turn import HistoryMessage, ToolCall

LEASE_SECONDS = 6
"""A question that nobody has renewed for this long may be answered by another replica."""
HISTORY_MESSAGES = 40
HISTORY_CHARACTERS = 48_000
"""What the model gets to read: the newest messages within both limits."""


@dataclass(frozen=True)
class Question:
    """A stored message that this replica holds the lease to answer."""

    user_id: str
    conversation_id: int
    message_id: int
    turn_key: str


async def accept_question(
    session: AsyncSession,
    user_id: str,
    request: ChatRequest,
    turn_key: str,
    *,
    most_conversations: int,
) -> Question | ChatResponse:
    """Store the user's message once and lease it, or return the answer it already has.

    Raises:
        ConversationNotFoundError: unknown or another user's conversation.
        KeyReusedError: the key belongs to another message or conversation.
        TurnInProgressError: another replica holds the lease.
        ConversationBusyError: another message of the conversation is being answered.
        TooManyConversationsError: the user has ``most_conversations`` already.
    """
    known = await _messages_of_turn(session, user_id, turn_key)
    if not known:
        if request.conversation_id is None:
            await _refuse_beyond(session, user_id, most_conversations)
        return await _store_question(session, user_id, request, turn_key)
    question = known["user"]
    if question.content != request.message or request.conversation_id not in (
        None,
        question.conversation_id,
    ):
        raise KeyReusedError
    if answer := known.get("assistant"):
        return stored_answer(answer)
    await _own_conversation(session, user_id, question.conversation_id, lock=True)
    await _take_lease(session, question)
    await _refuse_while_busy(session, user_id, question.conversation_id, _id(question.id))
    return _question(question)


async def _refuse_beyond(session: AsyncSession, user_id: str, most: int) -> None:
    counted = select(Conversation.id).where(Conversation.user_id == user_id).limit(most)
    total = await session.exec(select(func.count()).select_from(counted.subquery()))
    if total.one() >= most:
        raise TooManyConversationsError(most)


async def _messages_of_turn(
    session: AsyncSession, user_id: str, turn_key: str
) -> dict[str, Message]:
    rows = await session.exec(
        select(Message).where(Message.user_id == user_id, Message.turn_key == turn_key)
    )
    return {row.role: row for row in rows}


async def _store_question(
    session: AsyncSession, user_id: str, request: ChatRequest, turn_key: str
) -> Question:
    if request.conversation_id is None:
        conversation = Conversation(user_id=user_id)
        session.add(conversation)
        await session.flush()
    else:
        conversation = await _own_conversation(session, user_id, request.conversation_id, lock=True)
        await _refuse_while_busy(session, user_id, request.conversation_id)
    message = Message(
        user_id=user_id,
        conversation_id=_id(conversation.id),
        role="user",
        content=request.message,
        turn_key=turn_key,
        lease_expires_at=await _lease_end(session),
    )
    session.add(message)
    await session.flush()
    return _question(message)


async def _take_lease(session: AsyncSession, question: Message) -> None:
    taken = await session.exec(
        update(Message)
        .where(
            col(Message.id) == question.id,
            or_(
                col(Message.lease_expires_at).is_(None),
                col(Message.lease_expires_at) < func.clock_timestamp(),
            ),
        )
        # What the attempt before came to, a stop of it above all, is not this one's.
        .values(lease_expires_at=_lease_end_expression(), failure=None)
    )
    if taken.rowcount == 0:
        raise TurnInProgressError(await _lease_seconds_left(session, _id(question.id)))


async def _lease_seconds_left(session: AsyncSession, message_id: int) -> int:
    row = await session.exec(
        select(Message.lease_expires_at, func.clock_timestamp()).where(Message.id == message_id)
    )
    return _whole_seconds(*row.one())


async def _refuse_while_busy(
    session: AsyncSession, user_id: str, conversation_id: int, own_id: int | None = None
) -> None:
    """One turn at a time: the conversation's row is locked, so no other can begin meanwhile."""
    rows = await session.exec(
        select(Message.lease_expires_at, func.clock_timestamp())
        .where(
            Message.user_id == user_id,
            Message.conversation_id == conversation_id,
            col(Message.lease_expires_at) > func.clock_timestamp(),
            col(Message.id).is_distinct_from(own_id),
        )
        .limit(1)
    )
    if (busy := rows.first()) is not None:
        raise ConversationBusyError(_whole_seconds(*busy))


def _whole_seconds(expires_at: datetime | None, now: datetime) -> int:
    left = (expires_at - now).total_seconds() if expires_at else 0
    return max(1, math.ceil(left))


def _lease_end_expression() -> ColumnElement[datetime]:
    return func.clock_timestamp() + timedelta(seconds=LEASE_SECONDS)


async def _lease_end(session: AsyncSession) -> datetime:
    # The database's clock, so that replicas need not agree on the time.
    row = await session.exec(select(_lease_end_expression()))
    return row.one()


async def renew_lease(
    session: AsyncSession, question: Question, tool_calls: Sequence[ToolCall]
) -> bool:
    """Keep the question for another ``LEASE_SECONDS``; note what was done for it so far.

    Returns:
        Whether its turn is to go on: the user has not asked to stop it.
    """
    renewed = await session.exec(
        update(Message)
        .where(
            col(Message.id) == question.message_id,
            # Not once it is answered or given up: a renewal may come too late.
            col(Message.lease_expires_at).is_not(None),
        )
        .values(lease_expires_at=_lease_end_expression(), tool_calls=_rows(tool_calls))
        .returning(col(Message.failure))
    )
    return all(failure is None for (failure,) in renewed)


async def ask_to_stop(session: AsyncSession, user_id: str, turn_key: str) -> None:
    """Tell the replica that answers this message to stop; its next renewal reads it.

    A message that nobody is answering stays as it is.

    Raises:
        TurnNotFoundError: the user has no message with this key.
    """
    if "user" not in await _messages_of_turn(session, user_id, turn_key):
        raise TurnNotFoundError
    await session.exec(
        update(Message)
        .where(
            col(Message.user_id) == user_id,
            col(Message.turn_key) == turn_key,
            col(Message.role) == "user",
            col(Message.lease_expires_at) > func.clock_timestamp(),
        )
        .values(failure=STOPPED.model_dump())
    )


async def store_failure(
    session: AsyncSession, question: Question, failure: Failure, tool_calls: Sequence[ToolCall]
) -> None:
    """Give the question up, so that it can be asked again at once, with what was done for it."""
    await session.exec(
        update(Message)
        .where(col(Message.id) == question.message_id)
        .values(lease_expires_at=None, failure=failure.model_dump(), tool_calls=_rows(tool_calls))
    )


def _rows(tool_calls: Sequence[ToolCall]) -> list[dict[str, Any]]:
    return [call.model_dump(mode="json") for call in tool_calls]


async def read_history(session: AsyncSession, question: Question) -> list[HistoryMessage]:
    """The conversation up to and including the question, oldest first, within the limits."""
    rows = await session.exec(
        select(Message)
        .where(
            Message.user_id == question.user_id,
            Message.conversation_id == question.conversation_id,
            col(Message.id) <= question.message_id,
        )
        .order_by(col(Message.id).desc())
        .limit(HISTORY_MESSAGES)
    )
    newest_first = list(rows)
    answers = {row.turn_key: row for row in newest_first if row.role == "assistant"}
    unanswered = {row.turn_key for row in newest_first if row.role == "user"} - answers.keys()
    unanswered.discard(question.turn_key)
    if unanswered:
        # A question that was sent again has its answer after younger questions.
        late = await session.exec(
            select(Message).where(
                Message.user_id == question.user_id,
                Message.role == "assistant",
                col(Message.turn_key).in_(unanswered),
            )
        )
        answers |= {row.turn_key: row for row in late}
    return fit_history(list(pair_up(newest_first, answers, question.turn_key)))


def pair_up(
    newest_first: Sequence[Message], answers: Mapping[str, Message], turn_key: str
) -> Iterator[HistoryMessage]:
    """Each question after its answer, newest first; the question of ``turn_key`` has none.

    A question without an answer gets a note in its place: without it a model takes the question
    for one that it still has to carry out.
    """
    asked = {row.turn_key for row in newest_first if row.role == "user"}
    for row in newest_first:
        if row.role == "assistant":
            if row.turn_key not in asked:
                yield HistoryMessage(role="assistant", content=row.content)
            continue
        if row.turn_key != turn_key:
            answer = answers.get(row.turn_key)
            content = answer.content if answer else unanswered_note(row)
            yield HistoryMessage(role="assistant", content=content)
        yield HistoryMessage(role="user", content=row.content)


def unanswered_note(question: Message) -> str:
    """What a model is told in the place of an answer that there is not."""
    reason = (question.failure or {}).get("message", "The attempt was cut off.")
    done = [
        f"{call.name} {json.dumps(call.arguments, ensure_ascii=False)}"
        for call in map(ToolCall.model_validate, question.tool_calls)
        if call.ok
    ]
    deeds = (
        f"Before that it had done: {'; '.join(done)}." if done else "Nothing is known to be done."
    )
    return (
        f"[This message got no answer. {reason} {deeds} "
        "Do not carry it out now; it is repeated only when the user sends it again.]"
    )


def fit_history(
    newest_first: Sequence[HistoryMessage], characters: int = HISTORY_CHARACTERS
) -> list[HistoryMessage]:
    """The newest messages that fit, oldest first; the very newest is always kept."""
    kept: list[HistoryMessage] = []
    used = 0
    for message in newest_first:
        used += len(message.content)
        if kept and used > characters:
            break
        kept.append(message)
    return kept[::-1]


async def store_answer(
    session: AsyncSession, question: Question, response: str, tool_calls: Sequence[ToolCall]
) -> ChatResponse:
    """Store the answer and release the lease.

    Should another replica have answered meanwhile, its answer counts.
    """
    known = await _messages_of_turn(session, question.user_id, question.turn_key)
    if answer := known.get("assistant"):
        return stored_answer(answer)
    answer = Message(
        user_id=question.user_id,
        conversation_id=question.conversation_id,
        role="assistant",
        content=response,
        tool_calls=_rows(tool_calls),
        turn_key=question.turn_key,
    )
    session.add(answer)
    await session.exec(
        update(Conversation)
        .where(col(Conversation.id) == question.conversation_id)
        .values(updated_at=func.now())
    )
    await session.exec(
        update(Message)
        .where(col(Message.id) == question.message_id)
        .values(lease_expires_at=None, failure=None, tool_calls=[])
    )
    await session.flush()
    return stored_answer(answer)


def stored_answer(answer: Message) -> ChatResponse:
    """A stored answer in the shape of the chat route."""
    return ChatResponse(
        conversation_id=answer.conversation_id,
        response=answer.content,
        tool_calls=[ToolCall.model_validate(call) for call in answer.tool_calls],
        idempotency_key=answer.turn_key,
    )


async def list_conversations(
    session: AsyncSession, user_id: str, *, before: int, limit: int, search: str = ""
) -> list[ConversationPublic]:
    """The user's conversations with ids below ``before``, newest first.

    With ``search`` only those that have the text in their name or in a message, in any case.
    """
    wanted = select(Conversation, _first_message(user_id)).where(
        Conversation.user_id == user_id, col(Conversation.id) < before
    )
    if search:
        said = (
            select(Message.id)
            .where(
                Message.user_id == user_id,
                Message.conversation_id == Conversation.id,
                col(Message.content).icontains(search, autoescape=True),
            )
            .exists()
        )
        wanted = wanted.where(or_(said, col(Conversation.title).icontains(search, autoescape=True)))
    rows = await session.exec(wanted.order_by(col(Conversation.id).desc()).limit(limit))
    return [_public(conversation, first) for conversation, first in rows]


async def rename_conversation(
    session: AsyncSession, user_id: str, conversation_id: int, title: str
) -> ConversationPublic:
    """Give the conversation a name.

    Raises:
        ConversationNotFoundError: unknown or another user's.
    """
    conversation = await _own_conversation(session, user_id, conversation_id, lock=True)
    conversation.title = title
    session.add(conversation)
    await session.flush()
    return _public(conversation, None)


async def delete_conversation(session: AsyncSession, user_id: str, conversation_id: int) -> None:
    """Delete the conversation with its messages.

    Raises:
        ConversationNotFoundError: unknown or another user's.
        ConversationInUseError: a message of it is being answered.
    """
    conversation = await _own_conversation(session, user_id, conversation_id, lock=True)
    try:
        await _refuse_while_busy(session, user_id, conversation_id)
    except ConversationBusyError as error:
        raise ConversationInUseError(error.retry_after_seconds) from error
    await session.delete(conversation)


def _first_message(user_id: str) -> ScalarSelect[str]:
    return (
        select(func.left(Message.content, TITLE_CHARACTERS))
        .where(Message.user_id == user_id, Message.conversation_id == Conversation.id)
        .order_by(col(Message.id))
        .limit(1)
        .scalar_subquery()
    )


def _public(conversation: Conversation, first_message: str | None) -> ConversationPublic:
    title = conversation.title or first_message or ""
    return ConversationPublic.model_validate({**conversation.model_dump(), "title": title})


async def list_messages(
    session: AsyncSession, user_id: str, conversation_id: int, *, after: int, limit: int
) -> list[MessagePublic]:
    """The messages of a conversation with ids above ``after``, oldest first.

    Raises:
        ConversationNotFoundError: unknown or another user's.
    """
    await _own_conversation(session, user_id, conversation_id)
    answering = func.coalesce(col(Message.lease_expires_at) > func.clock_timestamp(), False)
    rows = await session.exec(
        select(Message, answering)
        .where(
            Message.user_id == user_id,
            Message.conversation_id == conversation_id,
            col(Message.id) > after,
        )
        .order_by(col(Message.id))
        .limit(limit)
    )
    return [
        MessagePublic.model_validate(
            {
                **row.model_dump(),
                "idempotency_key": row.turn_key,
                "answering": under_way,
                # While it is answered it only says that somebody asked to stop that.
                "failure": None if under_way else row.failure,
            }
        )
        for row, under_way in rows
    ]


async def _own_conversation(
    session: AsyncSession, user_id: str, conversation_id: int, *, lock: bool = False
) -> Conversation:
    query = select(Conversation).where(
        Conversation.user_id == user_id, Conversation.id == conversation_id
    )
    conversation = (await session.exec(query.with_for_update() if lock else query)).first()
    if conversation is None:
        raise ConversationNotFoundError(conversation_id)
    return conversation


def _question(message: Message) -> Question:
    return Question(message.user_id, message.conversation_id, _id(message.id), message.turn_key)


def _id(value: int | None) -> int:
    assert value is not None, "flushed rows have an id"  # noqa: S101 - narrows the type
    return value
