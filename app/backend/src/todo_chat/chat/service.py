"""One chat turn: store the question, let the agent answer, store the answer.

The turn runs in a task of its own and finishes also when the client goes away. It keeps
nothing in this process that another replica would need.
"""

import asyncio
import contextlib
import logging
import time
import uuid
from collections import Counter
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field

from sqlalchemy.exc import IntegrityError

from todo_chat.chat import store
from todo_chat.chat.errors import (
    AgentUnavailableError,
    ConversationBusyError,
    TooManyTurnsError,
    TurnFailedError,
    TurnInProgressError,
)
from todo_chat.chat.models import (
    ChatRequest,
    ChatResponse,
    ConversationPublic,
    Failure,
    MessagePublic,
)
from todo_chat.chat.ports import Agent
from todo_chat.chat.stopping import Stop
from todo_chat.db.session import Database, DatabaseUnavailableError
from todo_chat.metrics import CHAT_TURN_SECONDS, CHAT_TURNS
from todo_chat.security import Tokens, TurnClaims
from todo_chat.turn import Delta, Failed, Finished, ToolCall, ToolCalled, ToolReturned
from todo_chat.web.within import within

log = logging.getLogger(__name__)

RENEW_SECONDS = store.LEASE_SECONDS / 3
TOKEN_GRACE_SECONDS = 30
"""The turn's token outlives the turn's own timeout by this much."""

BUSY_SECONDS = store.LEASE_SECONDS + 2
"""How long a message waits for the one before it. The lease of a replica that died is over then."""
BUSY_POLL_SECONDS = 0.25
CLEAN_UP_SECONDS = 10.0
"""Longest clean-up of a turn that failed; then its lease is left to run out."""
BROKE_OFF = "The assistant broke off. Your message is saved; send it again."

Progress = Delta | ToolCalled | ToolReturned


@dataclass(frozen=True)
class TurnLimits:
    """How much chatting is let happen."""

    timeout_seconds: float
    conversations_per_user: int
    turns_per_user: int
    """At once, in this replica: with n replicas a user gets up to n times as many."""


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
        """
        return await asyncio.shield(self._answer)

    def report(self, event: Progress) -> None:
        """Hand an event to the reader."""
        self._progress.put_nowait(event)

    def finish(self, outcome: ChatResponse | TurnFailedError) -> None:
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
        self, database: Database, agent: Agent, tokens: Tokens, limits: TurnLimits
    ) -> None:
        self._database = database
        self._agent = agent
        self._tokens = tokens
        self._limits = limits
        self._timeout = limits.timeout_seconds
        self._turns_of_user: Counter[str] = Counter()
        self._running: set[asyncio.Task[None]] = set()
        self._stops: dict[tuple[str, str], Stop] = {}
        """Of the turns that this replica answers, by user and key."""

    async def start_turn(
        self, user_id: str, request: ChatRequest, turn_key: str, request_id: str
    ) -> Turn:
        """Store the message and begin to answer it.

        Raises:
            ConversationNotFoundError, KeyReusedError, TurnInProgressError: see the store.
            ConversationBusyError: still so after ``BUSY_SECONDS``.
            TooManyConversationsError, TooManyTurnsError: nothing was stored.
            DatabaseUnavailableError: nothing was stored.
        """
        if self._turns_of_user[user_id] >= self._limits.turns_per_user:
            raise TooManyTurnsError(self._limits.turns_per_user)
        with contextlib.ExitStack() as counted:
            self._turns_of_user[user_id] += 1
            counted.callback(self._count_down, user_id)
            accepted = await self._accept(user_id, request, turn_key)
            if isinstance(accepted, store.Question):
                return self._begin(accepted, request_id, counted.pop_all())
        turn = Turn(accepted.conversation_id, turn_key, message_id=None)
        turn.finish(accepted)
        return turn

    def _begin(
        self, question: store.Question, request_id: str, counted: contextlib.ExitStack
    ) -> Turn:
        turn = Turn(question.conversation_id, question.turn_key, question.message_id)
        task = asyncio.create_task(self._run(turn, question, request_id))
        self._running.add(task)
        task.add_done_callback(self._running.discard)
        task.add_done_callback(lambda _: counted.close())
        return turn

    def _count_down(self, user_id: str) -> None:
        self._turns_of_user[user_id] -= 1
        if self._turns_of_user[user_id] == 0:
            del self._turns_of_user[user_id]

    async def _accept(
        self, user_id: str, request: ChatRequest, turn_key: str
    ) -> store.Question | ChatResponse:
        """Store the question; wait its turn when the conversation is busy."""
        deadline = time.monotonic() + BUSY_SECONDS
        while True:
            try:
                async with self._database.transaction(user_id) as session:
                    return await store.accept_question(
                        session,
                        user_id,
                        request,
                        turn_key,
                        most_conversations=self._limits.conversations_per_user,
                    )
            except ConversationBusyError:
                if time.monotonic() > deadline:
                    raise
            except IntegrityError as error:
                # The same key arrived twice at the same moment; the other one was first.
                raise TurnInProgressError(retry_after_seconds=1) from error
            await asyncio.sleep(BUSY_POLL_SECONDS)

    async def stop_turn(self, user_id: str, turn_key: str) -> None:
        """Ask for the end of a turn, on whichever replica it is.

        It ends with the failure ``stopped``, at once or within ``RENEW_SECONDS`` and the time
        that the tool at work takes, unless its answer is there before.

        Raises:
            TurnNotFoundError: see the store.
        """
        async with self._database.transaction(user_id) as session:
            await store.ask_to_stop(session, user_id, turn_key)
        if stop := self._stops.get((user_id, turn_key)):
            stop.ask()

    async def drain(self) -> None:
        """Wait for the turns under way, no longer than a turn may take."""
        if self._running:
            await asyncio.wait(self._running, timeout=self._timeout + CLEAN_UP_SECONDS)

    async def conversations(
        self, user_id: str, *, before: int, limit: int, search: str
    ) -> list[ConversationPublic]:
        """See :func:`todo_chat.chat.store.list_conversations`."""
        async with self._database.transaction(user_id) as session:
            return await store.list_conversations(
                session, user_id, before=before, limit=limit, search=search
            )

    async def rename_conversation(
        self, user_id: str, conversation_id: int, title: str
    ) -> ConversationPublic:
        """See :func:`todo_chat.chat.store.rename_conversation`."""
        async with self._database.transaction(user_id) as session:
            return await store.rename_conversation(session, user_id, conversation_id, title)

    async def delete_conversation(self, user_id: str, conversation_id: int) -> None:
        """See :func:`todo_chat.chat.store.delete_conversation`."""
        async with self._database.transaction(user_id) as session:
            await store.delete_conversation(session, user_id, conversation_id)

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
        outcome: ChatResponse | TurnFailedError = TurnFailedError("agent_failed", BROKE_OFF)
        try:
            outcome = await self._outcome(turn, question, request_id)
        finally:
            # Whatever went wrong, and even when the task itself is cancelled.
            _record(outcome, time.perf_counter() - started)
            turn.finish(outcome)

    async def _outcome(
        self, turn: Turn, question: store.Question, request_id: str
    ) -> ChatResponse | TurnFailedError:
        calls: dict[str, ToolCall] = {}
        stop = self._stops[question.user_id, question.turn_key] = Stop()
        renewal = asyncio.create_task(self._keep_lease(question, calls, stop))
        try:
            answer = self._answer(turn, question, request_id, calls, stop)
            return await within(self._timeout, answer)
        except TimeoutError:
            failure = TurnFailedError(
                "turn_timeout",
                f"The assistant took longer than {self._timeout:g} seconds. "
                "Your message is saved; send it again.",
            )
        except Exception as error:
            failure = _as_failure(error)
        finally:
            renewal.cancel()
            del self._stops[question.user_id, question.turn_key]
        failure.tool_calls = list(calls.values())
        try:
            await within(CLEAN_UP_SECONDS, self._give_up(question, failure))
        except Exception as error:
            # The lease runs out by itself.
            log.warning("the question was not given up", extra={"reason": repr(error)})
        return failure

    async def _answer(
        self,
        turn: Turn,
        question: store.Question,
        request_id: str,
        calls: dict[str, ToolCall],
        stop: Stop,
    ) -> ChatResponse:
        async with self._database.transaction(question.user_id) as session:
            history = await store.read_history(session, question)
        token = self._tokens.issue_for_turn(
            question.user_id,
            TurnClaims(question.turn_key, attempt=uuid.uuid4().hex, request_id=request_id),
            int(self._timeout) + TOKEN_GRACE_SECONDS,
        )
        response = ""
        async with (
            contextlib.aclosing(self._agent.answer(history, token, request_id)) as answering,
            contextlib.aclosing(stop.until(answering)) as events,
        ):
            async for event in events:
                match event:
                    case Failed():
                        raise TurnFailedError(event.code, event.message, event.retry_after)
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

    async def _keep_lease(
        self, question: store.Question, calls: Mapping[str, ToolCall], stop: Stop
    ) -> None:
        while True:
            await asyncio.sleep(RENEW_SECONDS)
            with contextlib.suppress(DatabaseUnavailableError):
                async with self._database.transaction(question.user_id) as session:
                    goes_on = await store.renew_lease(session, question, list(calls.values()))
                if not goes_on:
                    stop.ask()

    async def _give_up(self, question: store.Question, failure: TurnFailedError) -> None:
        async with self._database.transaction(question.user_id) as session:
            await store.store_failure(
                session,
                question,
                Failure(code=failure.code, message=failure.message),
                failure.tool_calls,
            )


def _as_failure(error: Exception) -> TurnFailedError:
    match error:
        case TurnFailedError():
            return error
        case DatabaseUnavailableError():
            return TurnFailedError(
                "database_unavailable",
                "The database did not answer in the middle of this. Your message is saved; "
                "send it again in a moment.",
            )
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


def _record(outcome: ChatResponse | TurnFailedError, seconds: float) -> None:
    CHAT_TURNS.labels("done" if isinstance(outcome, ChatResponse) else outcome.code).inc()
    CHAT_TURN_SECONDS.observe(seconds)
