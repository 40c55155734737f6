"""One tool call: who asks, the change and its record in one transaction, repeats answered."""

import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, TypeVar

from mcp.server.auth.middleware.auth_context import get_access_token
from mcp.server.mcpserver import Context
from mcp.server.mcpserver.exceptions import ToolError
from pydantic import BaseModel
from sqlalchemy.exc import IntegrityError
from sqlmodel.ext.asyncio.session import AsyncSession

from todo_chat.db.session import Database, DatabaseUnavailableError
from todo_chat.metrics import TOOL_CALLS
from todo_chat.tasks.audit import (
    ToolCallRecord,
    find_earlier,
    hash_arguments,
    records_of_turn,
)
from todo_chat.tasks.errors import TaskNotFoundError
from todo_chat.web.request_id import current_request_id

log = logging.getLogger("todo_chat.audit")

ORDINAL_META_KEY = "todo-chat/ordinal"
"""Key in a call's ``_meta``: how many equal calls the same chat turn made before."""

R = TypeVar("R", bound=BaseModel)
Work = Callable[[AsyncSession, str], Awaitable[R]]


@dataclass(frozen=True)
class Caller:
    """Whom a verified token speaks for, and which chat turn it belongs to."""

    user_id: str
    turn_key: str | None
    request_id: str


def current_caller() -> Caller:
    """The caller of the tool that is running.

    Raises:
        ToolError: no verified token; only a wrongly wired server gets here.
    """
    token = get_access_token()
    if token is None or token.subject is None:
        raise ToolError("no verified user")
    claims = token.claims or {}
    return Caller(
        token.subject, claims.get("turn"), claims.get("request_id") or current_request_id()
    )


@dataclass(frozen=True)
class Call:
    """A tool call as it is recorded."""

    caller: Caller
    tool: str
    arguments: dict[str, Any]
    ordinal: int

    def record(self, outcome: str, result: dict[str, Any]) -> ToolCallRecord:
        """The row for the audit table."""
        task_id = result.get("id") or self.arguments.get("task_id")
        return ToolCallRecord(
            user_id=self.caller.user_id,
            request_id=self.caller.request_id,
            turn_key=self.caller.turn_key,
            ordinal=self.ordinal,
            tool=self.tool,
            arguments=self.arguments,
            arguments_hash=hash_arguments(self.arguments),
            outcome=outcome,
            task_id=task_id,
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
        call = Call(current_caller(), tool, arguments, _ordinal(context))
        outcome = "ok"
        try:
            try:
                return await self._once(call, result_type, work)
            except IntegrityError:
                # Another replica did the same call of the same turn meanwhile.
                return await self._once(call, result_type, work)
        except TaskNotFoundError as error:
            outcome = "task_not_found"
            await self._record_failure(call, outcome)
            raise ToolError(f"There is no task {error.task_id}. List the tasks first.") from error
        except DatabaseUnavailableError as error:
            outcome = "database_unavailable"
            raise ToolError("The task database does not answer. Try again later.") from error
        finally:
            TOOL_CALLS.labels(tool, outcome).inc()
            log.info(
                "tools/call",
                extra={
                    "tool": tool,
                    "user_id": call.caller.user_id,
                    "turn_key": call.caller.turn_key,
                    "caller_request_id": call.caller.request_id,
                    "outcome": outcome,
                },
            )

    async def _once(self, call: Call, result_type: type[R], work: Work[R]) -> R:
        user_id = call.caller.user_id
        async with self._database.transaction(user_id) as session:
            if call.caller.turn_key is not None:
                records = await records_of_turn(session, user_id, call.caller.turn_key)
                earlier = find_earlier(records, call.tool, call.arguments, call.ordinal)
                if earlier is not None:
                    return result_type.model_validate(earlier.result)
            result = await work(session, user_id)
            session.add(call.record("ok", result.model_dump(mode="json")))
            await session.flush()
            return result

    async def _record_failure(self, call: Call, outcome: str) -> None:
        async with self._database.transaction(call.caller.user_id) as session:
            session.add(call.record(outcome, {}))


def _ordinal(context: Context[Any, Any]) -> int:
    value = (context.request_context.meta or {}).get(ORDINAL_META_KEY, 0)
    return value if isinstance(value, int) and 0 <= value < 2**31 else 0
