"""The six tools. The user comes from the verified token and is in no tool's schema."""

from collections.abc import Callable
from datetime import datetime
from typing import Annotated, Any

from mcp.server.mcpserver import Context
from mcp.server.mcpserver.exceptions import ToolError
from mcp.server.mcpserver.tools import Tool
from mcp.server.mcpserver.utilities.func_metadata import FuncMetadata
from mcp_types import ToolAnnotations
from pydantic import AfterValidator, BaseModel, Field
from sqlmodel.ext.asyncio.session import AsyncSession

from todo_chat.mcp.calls import ToolRunner
from todo_chat.tasks import service
from todo_chat.tasks.due import EXAMPLE, parse_due
from todo_chat.tasks.models import TaskCreate, TaskId, TaskSearch, TaskStatus, TaskUpdate
from todo_chat.text import BIGINT_MAX, Description, Storable, Title

PAGE_LIMIT = 200
"""Most tasks in one list; a model's context is finite."""


class ToolTask(BaseModel):
    """A task as a model sees it. ``note`` says what is unusual about the answer."""

    id: int
    title: str
    description: str
    completed: bool
    due_at: Annotated[datetime | None, Field(exclude_if=lambda due: due is None)] = None
    note: Annotated[str | None, Field(exclude_if=lambda note: note is None)] = None


class TaskList(BaseModel):
    """A page of tasks, newest first, of ``total`` that match.

    ``truncated`` says that there are more: call again with ``before`` set to ``next_before``.
    """

    tasks: list[ToolTask]
    truncated: bool
    total: int
    next_before: int | None


class _ArgumentsAsGiven(FuncMetadata):
    """The SDK reads text that looks like JSON as JSON: a title “null” would be none at all."""

    def pre_parse_json(self, data: dict[str, Any]) -> dict[str, Any]:
        """Nothing to parse: the arguments are JSON already."""
        return data


def _optional(description: str) -> Any:
    """An argument that may be left out, but not be null: the schema has no default for it."""
    return Field(description=description, json_schema_extra=_without_default)


def _without_default(schema: dict[str, Any]) -> None:
    schema.pop("default", None)


_LEFT_OUT: Any = None
"""Default of an optional argument. It is not validated, so what is given cannot be null."""

ToolContext = Context[Any, Any]
_TaskId = Annotated[TaskId, Field(description="The task's number.", strict=True)]
_Title = Annotated[Title, Field(description="What is to be done, 1 to 200 characters.")]
_Description = Annotated[Description, Field(description="Details, at most 2000 characters.")]


def _due_or_none(given: str) -> str:
    """Empty for no due date, else as it was given once it is known to be one."""
    if given:
        parse_due(given)
    return given


_Due = Annotated[str, AfterValidator(_due_or_none)]
_DUE = (
    f"When it is due, ISO 8601 with the user's zone, such as {EXAMPLE}; whether that is past is "
    "yours to tell."
)


def _due(given: str) -> datetime | None:
    return parse_due(given) if given else None


def _due_field(fields: dict[str, Any]) -> dict[str, Any]:
    return {"due_at": _due(fields["due_at"])} if "due_at" in fields else {}


def _tool_task(task: BaseModel) -> ToolTask:
    return ToolTask.model_validate(task, from_attributes=True)


def _tool(function: Callable[..., Any], annotations: ToolAnnotations) -> Tool:
    """The function as a tool that refuses arguments that it does not know, by their names."""
    tool = Tool.from_function(function, annotations=annotations)
    known = tool.fn_metadata
    known.arg_model.model_config["extra"] = "forbid"
    known.arg_model.model_rebuild(force=True)
    return tool.model_copy(
        update={
            "parameters": known.arg_model.model_json_schema(by_alias=True),
            "fn_metadata": _ArgumentsAsGiven(
                arg_model=known.arg_model,
                output_schema=known.output_schema,
                output_model=known.output_model,
                wrap_output=known.wrap_output,
            ),
        }
    )


def build_tools(runner: ToolRunner, *, most_tasks: int) -> list[Tool]:
    """The six tools; ``most_tasks`` is how many a user may have."""

    async def add_task(
        context: ToolContext,
        title: _Title,
        description: _Description = "",
        due_at: Annotated[_Due, Field(description=_DUE)] = "",
    ) -> ToolTask:
        """Add a task to the user's list."""

        async def work(session: AsyncSession, user: str) -> ToolTask:
            new = TaskCreate(title=title, description=description, due_at=_due(due_at))
            return _tool_task(await service.add_task(session, user, new, most=most_tasks))

        arguments = {"title": title, "description": description}
        if due_at:
            # Left out otherwise: a call without one is the same call to the release before.
            arguments["due_at"] = due_at
        return await runner.run(context, "add_task", arguments, ToolTask, work)

    async def list_tasks(
        context: ToolContext,
        status: Annotated[
            TaskStatus, Field(description="Which tasks; deleted ones can be restored.")
        ] = TaskStatus.ALL,
        search: Annotated[
            str, Storable, Field(max_length=200, description="Text in the title or description.")
        ] = "",
        before: Annotated[
            int, Field(ge=1, le=BIGINT_MAX, strict=True), _optional("next_before of a page.")
        ] = BIGINT_MAX,
        limit: Annotated[
            int, Field(ge=1, le=PAGE_LIMIT, strict=True, description="Most tasks on a page.")
        ] = PAGE_LIMIT,
    ) -> TaskList:
        """List the user's tasks with their numbers, newest first, a page at a time."""

        async def work(session: AsyncSession, user: str) -> TaskList:
            page = await service.find_tasks(
                session, user, TaskSearch(status, search.strip(), before, limit)
            )
            return TaskList(
                tasks=[_tool_task(task) for task in page.tasks],
                truncated=page.next_before is not None,
                total=page.total,
                next_before=page.next_before,
            )

        arguments = {"status": status.value, "search": search, "before": before, "limit": limit}
        return await runner.run(context, "list_tasks", arguments, TaskList, work)

    async def complete_task(context: ToolContext, task_id: _TaskId) -> ToolTask:
        """Mark a task as completed. To reopen it, update it with completed false."""

        async def work(session: AsyncSession, user: str) -> ToolTask:
            return _tool_task(await service.complete_task(session, user, task_id))

        return await runner.run(context, "complete_task", {"task_id": task_id}, ToolTask, work)

    async def delete_task(context: ToolContext, task_id: _TaskId) -> ToolTask:
        """Move a task to the trash, where it stays for 30 days; the answer is the task."""

        async def work(session: AsyncSession, user: str) -> ToolTask:
            return _tool_task(await service.delete_task(session, user, task_id))

        return await runner.run(context, "delete_task", {"task_id": task_id}, ToolTask, work)

    async def restore_task(context: ToolContext, task_id: _TaskId) -> ToolTask:
        """Take a deleted task out of the trash; it has the number that it had."""

        async def work(session: AsyncSession, user: str) -> ToolTask:
            return _tool_task(await service.restore_task(session, user, task_id, most=most_tasks))

        return await runner.run(context, "restore_task", {"task_id": task_id}, ToolTask, work)

    async def update_task(
        context: ToolContext,
        task_id: _TaskId,
        title: Annotated[Title, _optional("The new title, 1 to 200 characters.")] = _LEFT_OUT,
        description: Annotated[
            Description, _optional("The new details, at most 2000 characters.")
        ] = _LEFT_OUT,
        completed: Annotated[
            bool, Field(strict=True), _optional("Whether it is done; false reopens it.")
        ] = _LEFT_OUT,
        due_at: Annotated[_Due, _optional(f"{_DUE} Empty takes it away.")] = _LEFT_OUT,
    ) -> ToolTask:
        """Change a task's title, description or due date, or reopen it; give at least one."""
        given = {
            "title": title,
            "description": description,
            "completed": completed,
            "due_at": due_at,
        }
        fields = {name: value for name, value in given.items() if value is not _LEFT_OUT}
        if not fields:
            raise ToolError("Give at least one of title, description, completed, due_at.")
        change = TaskUpdate.model_validate({**fields, **_due_field(fields)})

        async def work(session: AsyncSession, user: str) -> ToolTask:
            return _tool_task(await service.update_task(session, user, task_id, change))

        arguments = {"task_id": task_id, **fields}
        return await runner.run(context, "update_task", arguments, ToolTask, work)

    adds = ToolAnnotations(destructive_hint=False, open_world_hint=False)
    reads = ToolAnnotations(read_only_hint=True, open_world_hint=False)
    settles = ToolAnnotations(destructive_hint=False, idempotent_hint=True, open_world_hint=False)
    removes = ToolAnnotations(destructive_hint=True, open_world_hint=False)
    replaces = ToolAnnotations(destructive_hint=True, idempotent_hint=True, open_world_hint=False)
    return [
        _tool(add_task, adds),
        _tool(list_tasks, reads),
        _tool(complete_task, settles),
        _tool(delete_task, removes),
        _tool(restore_task, settles),
        _tool(update_task, replaces),
    ]
