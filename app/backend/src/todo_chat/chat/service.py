"""One chat turn: store the question, let the agent answer, store the answer.

The turn runs in a task of its own and finishes also when the client goes away. It keeps
nothing in this process that another replica would need.
"""

import asyncio
import contextlib
import logging
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass, field

from sqlalchemy.exc import IntegrityError

from todo_chat.chat import store
from todo_chat.chat.errors import AgentUnavailableError, TurnFailedError, TurnInProgressError
from todo_chat.chat.models import ChatRequest, ChatResponse, ConversationPublic, MessagePublic
from todo_chat.chat.ports import Agent
from todo_chat.db.session import Database, DatabaseUnavailableError
from todo_chat.metrics import CHAT_TURN_SECONDS, CHAT_TURNS
from todo_chat.security import Tokens
from todo_chat.turn import Delta, Failed, Finished, ToolCall, ToolCalled, ToolReturned
from todo_chat.web.within import within

log = logging.getLogger(__name__)

RENEW_SECONDS = store.LEASE_SECONDS / 3
TOKEN_GRACE_SECONDS = 30
"""The turn's token outlives the turn's own timeout by this much."""

CLEAN_UP_SECONDS = 10.0
"""Longest clean-up of a turn that failed; then its lease is left to run out."""
BROKE_OFF = "The assistant broke off. Your message is saved; send it again."

Progress = Delta | ToolCalled | ToolReturned


@dataclass
class Turn:
    """A turn under way, or one that was answered before."""

    conversation_id: int
    turn_key: str
    message_id: int | None
    """The stored question; None when the answer was already there."""
    _progress: asyncio.Queue[Progress | None] = field(default_factory=asyncio.Queue)
    _answer: asyncio.Future[ChatResponse] = field(
        default_factory=lambda: asyncio.get_running_loop().create_future()
    )

    async def progress(self) -> AsyncIterator[Progress]:
        """What happens on the way to the answer; one reader only."""
        while (event := await self._progress.get()) is not None:
            yield event

    async def answer(self) -> ChatResponse:
        """The stored answer.

        Raises:
            TurnFailedError: there is none; the question is stored.
            DatabaseUnavailableError: the answer could not be stored.
        """
        return await asyncio.shield(self._answer)

    def report(self, event: Progress) -> None:
        """Hand an event to the reader."""
        self._progress.put_nowait(event)

    def finish(self, outcome: ChatResponse | Exception) -> None:
        """End the turn."""
        if isinstance(outcome, ChatResponse):
            self._answer.set_result(outcome)
        else:
            self._answer.set_exception(outcome)
            self._answer.exception()  # seen: a client that left does not fetch it
        self._progress.put_nowait(None)


class ChatService:
    """Turns, conversations and histories of all users of this replica."""

    def __init__(
        self, database: Database, agent: Agent, tokens: Tokens, turn_timeout_seconds: float
    ) -> None:
        self._database = database
        self._agent = agent
        self._tokens = tokens
        self._timeout = turn_timeout_seconds
        self._running: set[asyncio.Task[None]] = set()

    async def start_turn(
        self, user_id: str, request: ChatRequest, turn_key: str, request_id: str
    ) -> Turn:
        """Store the message and begin to answer it.

        Raises:
            ConversationNotFoundError, KeyReusedError, TurnInProgressError: see the store.
            DatabaseUnavailableError: nothing was stored.
        """
        try:
            async with self._database.transaction(user_id) as session:
                accepted = await store.accept_question(session, user_id, request, turn_key)
        except IntegrityError as error:
            # The same key arrived twice at the same moment; the other one was first.
            raise TurnInProgressError(retry_after_seconds=1) from error
        if isinstance(accepted, ChatResponse):
            turn = Turn(accepted.conversation_id, turn_key, message_id=None)
            turn.finish(accepted)
            return turn
        turn = Turn(accepted.conversation_id, turn_key, accepted.message_id)
        task = asyncio.create_task(self._run(turn, accepted, request_id))
        self._running.add(task)
        task.add_done_callback(self._running.discard)
        return turn

    async def drain(self) -> None:
        """Wait for the turns under way, no longer than a turn may take."""
        if self._running:
            await asyncio.wait(self._running, timeout=self._timeout + CLEAN_UP_SECONDS)

    async def conversations(
        self, user_id: str, *, before: int, limit: int
    ) -> list[ConversationPublic]:
        """See :func:`todo_chat.chat.store.list_conversations`."""
        async with self._database.transaction(user_id) as session:
            return await store.list_conversations(session, user_id, before=before, limit=limit)

    async def messages(
        self, user_id: str, conversation_id: int, *, after: int, limit: int
    ) -> list[MessagePublic]:
        """See :func:`todo_chat.chat.store.list_messages`."""
        async with self._database.transaction(user_id) as session:
            return await store.list_messages(
                session, user_id, conversation_id, after=after, limit=limit
            )

    async def _run(self, turn: Turn, question: store.Question, request_id: str) -> None:
        started = time.perf_counter()
        outcome: ChatResponse | Exception = TurnFailedError("agent_failed", BROKE_OFF)
        try:
            outcome = await self._outcome(turn, question, request_id)
        finally:
            # Whatever went wrong, and even when the task itself is cancelled.
            _record(outcome, time.perf_counter() - started)
            turn.finish(outcome)

    async def _outcome(
        self, turn: Turn, question: store.Question, request_id: str
    ) -> ChatResponse | Exception:
        renewal = asyncio.create_task(self._keep_lease(question))
        try:
            return await within(self._timeout, self._answer(turn, question, request_id))
        except TimeoutError:
            failure: Exception = TurnFailedError(
                "turn_timeout",
                f"The assistant took longer than {self._timeout:g} seconds. "
                "Your message is saved; send it again.",
            )
        except Exception as error:
            failure = _as_failure(error)
        finally:
            renewal.cancel()
        try:
            await within(CLEAN_UP_SECONDS, self._give_up(question))
        except Exception as error:
            # The lease runs out by itself.
            log.warning("the question was not given up", extra={"reason": repr(error)})
        return failure

    async def _answer(self, turn: Turn, question: store.Question, request_id: str) -> ChatResponse:
        async with self._database.transaction(question.user_id) as session:
            history = await store.read_history(session, question)
        token = self._tokens.issue_for_turn(
            question.user_id,
            question.turn_key,
            request_id,
            int(self._timeout) + TOKEN_GRACE_SECONDS,
        )
        response = ""
        calls: dict[str, ToolCall] = {}
        async with contextlib.aclosing(self._agent.answer(history, token, request_id)) as events:
            async for event in events:
                match event:
                    case Failed():
                        raise TurnFailedError(event.code, event.message)
                    case Finished():
                        response = event.response
                        break
                    case ToolCalled():
                        calls[event.id] = ToolCall(
                            id=event.id, name=event.name, arguments=event.arguments, ok=False
                        )
                    case ToolReturned():
                        call = calls[event.id]
                        call.ok, call.result = event.ok, event.result
                turn.report(event)
        async with self._database.transaction(question.user_id) as session:
            return await store.store_answer(session, question, response, list(calls.values()))

    async def _keep_lease(self, question: store.Question) -> None:
        while True:
            await asyncio.sleep(RENEW_SECONDS)
            with contextlib.suppress(DatabaseUnavailableError):
                async with self._database.transaction(question.user_id) as session:
                    await store.renew_lease(session, question)

    async def _give_up(self, question: store.Question) -> None:
        async with self._database.transaction(question.user_id) as session:
            await store.release_lease(session, question)


def _as_failure(error: Exception) -> Exception:
    match error:
        case TurnFailedError() | DatabaseUnavailableError():
            return error
        case AgentUnavailableError():
            log.warning("agent unavailable", extra={"reason": str(error)})
            return TurnFailedError(
                "agent_unavailable",
                "The assistant cannot be reached. Your message is saved; "
                "send it again in a moment.",
            )
        case _:
            log.error("turn failed", exc_info=error)
            return TurnFailedError(
                "agent_failed",
                BROKE_OFF,
            )


def _record(outcome: ChatResponse | Exception, seconds: float) -> None:
    label: str
    if isinstance(outcome, TurnFailedError):
        label = outcome.code
    else:
        label = "done" if isinstance(outcome, ChatResponse) else "database_unavailable"
    CHAT_TURNS.labels(label).inc()
    CHAT_TURN_SECONDS.observe(seconds)
