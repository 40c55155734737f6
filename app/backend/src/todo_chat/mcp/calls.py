"""One tool call: who asks, the change and its record in one transaction, repeats answered."""

import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, TypeVar

from mcp.server.auth.middleware.auth_context import get_access_token
from mcp.server.mcpserver import Context
from mcp.server.mcpserver.exceptions import ToolError
from pydantic import BaseModel
from sqlmodel.ext.asyncio.session import AsyncSession

from todo_chat.db.session import Database, DatabaseUnavailableError
from todo_chat.metrics import TOOL_CALLS
from todo_chat.security import TurnClaims
from todo_chat.tasks.audit import (
    READING_TOOLS,
    ToolCallRecord,
    count_equal,
    find_earlier,
    find_resent,
    hash_arguments,
    lock_turn,
    records_of_turn,
)
from todo_chat.tasks.errors import DeletedTaskNotFoundError, TaskNotFoundError, TooManyTasksError
from todo_chat.turn import CALL_META_KEY
from todo_chat.web.request_id import current_request_id

log = logging.getLogger("todo_chat.audit")

NOT_DONE_AGAIN = (
    "An earlier attempt at this message had already done this, so nothing was done now. Tell the "
    "user what is here. Call the tool again only for something else that is still missing."
)

R = TypeVar("R", bound=BaseModel)
Work = Callable[[AsyncSession, str], Awaitable[R]]


@dataclass(frozen=True)
class Caller:
    """Whom a verified token speaks for, and which chat turn it belongs to."""

    user_id: str
    turn: TurnClaims | None

    @property
    def request_id(self) -> str:
        """The request that led to the call: the turn's, or the call's own."""
        return self.turn.request_id if self.turn else current_request_id()


def current_caller() -> Caller:
    """The caller of the tool that is running.

    Raises:
        ToolError: no verified token; only a wrongly wired server gets here.
    """
    token = get_access_token()
    if token is None or token.subject is None:
        raise ToolError("no verified user")
    return Caller(token.subject, (token.claims or {}).get("turn"))


@dataclass(frozen=True)
class Call:
    """A tool call as it is recorded."""

    caller: Caller
    tool: str
    arguments: dict[str, Any]
    number: int | None

    def record(
        self,
        outcome: str,
        result: dict[str, Any],
        *,
        ordinal: int = 0,
        repeats: int | None = None,
    ) -> ToolCallRecord:
        """The row for the audit table."""
        turn = self.caller.turn
        return ToolCallRecord(
            user_id=self.caller.user_id,
            request_id=self.caller.request_id,
            turn_key=turn.turn_key if turn else None,
            attempt=turn.attempt if turn else None,
            call=self.number,
            ordinal=ordinal,
            repeats=repeats,
            tool=self.tool,
            arguments=self.arguments,
            arguments_hash=hash_arguments(self.arguments),
            outcome=outcome,
            task_id=result.get("id") or self.arguments.get("task_id"),
            result=result,
        )


class ToolRunner:
    """Runs tool calls against the database."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def run(
        self,
        context: Context[Any, Any],
        tool: str,
        arguments: dict[str, Any],
        result_type: type[R],
        work: Work[R],
    ) -> R:
        """Do the work and record it, or give the result that the turn had before.

        Raises:
            ToolError: with a message that the model can act on.
        """
        call = Call(current_caller(), tool, arguments, _number(context))
        outcome = "ok"
        try:
            return await self._once(call, result_type, work)
        except (TaskNotFoundError, DeletedTaskNotFoundError) as error:
            outcome = "task_not_found"
            await self._record_failure(call, outcome)
            raise ToolError(f"{error} List the tasks first.") from error
        except TooManyTasksError as error:
            outcome = "too_many_tasks"
            await self._record_failure(call, outcome)
            raise ToolError(str(error)) from error
        except DatabaseUnavailableError as error:
            outcome = "database_unavailable"
            raise ToolError("The task database does not answer. Try again later.") from error
        finally:
            TOOL_CALLS.labels(tool, outcome).inc()
            turn = call.caller.turn
            log.info(
                "tools/call",
                extra={
                    "tool": tool,
                    "user_id": call.caller.user_id,
                    "turn_key": turn.turn_key if turn else None,
                    "caller_request_id": call.caller.request_id,
                    "outcome": outcome,
                },
            )

    async def _once(self, call: Call, result_type: type[R], work: Work[R]) -> R:
        user_id, turn = call.caller.user_id, call.caller.turn
        async with self._database.transaction(user_id) as session:
            ordinal = 0
            if turn is not None:
                await lock_turn(session, user_id, turn.turn_key)
                records = await records_of_turn(session, user_id, turn.turn_key)
                if resent := find_resent(records, turn.attempt, call.number):
                    return result_type.model_validate(resent.result)
                if earlier := find_earlier(records, turn.attempt, call.tool, call.arguments):
                    result = _given_back(call, earlier)
                    session.add(call.record("repeated", result, repeats=earlier.id))
                    return result_type.model_validate(result)
                ordinal = count_equal(records, call.tool, call.arguments)
            done = await work(session, user_id)
            session.add(call.record("ok", done.model_dump(mode="json"), ordinal=ordinal))
            await session.flush()
            return done

    async def _record_failure(self, call: Call, outcome: str) -> None:
        async with self._database.transaction(call.caller.user_id) as session:
            session.add(call.record(outcome, {}))


def _given_back(call: Call, earlier: ToolCallRecord) -> dict[str, Any]:
    """The earlier result, with a note when it may not be what this call asked for."""
    if call.tool in READING_TOOLS or hash_arguments(call.arguments) == earlier.arguments_hash:
        return earlier.result
    return {**earlier.result, "note": NOT_DONE_AGAIN}


def _number(context: Context[Any, Any]) -> int | None:
    value = (context.request_context.meta or {}).get(CALL_META_KEY)
    return value if isinstance(value, int) and 0 <= value < 2**31 else None
