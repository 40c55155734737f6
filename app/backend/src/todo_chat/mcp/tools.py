"""The five tools. The user comes from the verified token and is in no tool's schema."""

from typing import Annotated, Any

from mcp.server.mcpserver import Context, MCPServer
from mcp.server.mcpserver.exceptions import ToolError
from mcp_types import ToolAnnotations
from pydantic import BaseModel, Field
from sqlmodel.ext.asyncio.session import AsyncSession

from todo_chat.mcp.calls import ToolRunner
from todo_chat.tasks import service
from todo_chat.tasks.models import TaskCreate, TaskId, TaskStatus, TaskUpdate
from todo_chat.text import Description, Title

LIST_LIMIT = 200
"""Most tasks in one list; a model's context is finite."""


class ToolTask(BaseModel):
    """A task as a model sees it."""

    id: int
    title: str
    description: str
    completed: bool


class TaskList(BaseModel):
    """Tasks by id; ``truncated`` says that there are more."""

    tasks: list[ToolTask]
    truncated: bool


ToolContext = Context[Any, Any]
_TaskId = Annotated[TaskId, Field(description="The task's number.")]
_Title = Annotated[Title, Field(description="What is to be done, 1 to 200 characters.")]
_Description = Annotated[Description, Field(description="Details, at most 2000 characters.")]


def _tool_task(task: BaseModel) -> ToolTask:
    return ToolTask.model_validate(task, from_attributes=True)


def register_tools(server: MCPServer[Any], runner: ToolRunner) -> None:
    """Add the five tools to the server."""

    @server.tool(annotations=ToolAnnotations(destructive_hint=False, open_world_hint=False))
    async def add_task(
        context: ToolContext, title: _Title, description: _Description = ""
    ) -> ToolTask:
        """Add a task to the user's list."""

        async def work(session: AsyncSession, user: str) -> ToolTask:
            new = TaskCreate(title=title, description=description)
            return _tool_task(await service.add_task(session, user, new))

        arguments = {"title": title, "description": description}
        return await runner.run(context, "add_task", arguments, ToolTask, work)

    @server.tool(annotations=ToolAnnotations(read_only_hint=True, open_world_hint=False))
    async def list_tasks(
        context: ToolContext,
        status: Annotated[TaskStatus, Field(description="Which tasks.")] = TaskStatus.ALL,
    ) -> TaskList:
        """List the user's tasks with their numbers."""

        async def work(session: AsyncSession, user: str) -> TaskList:
            tasks = await service.list_tasks(session, user, status, limit=LIST_LIMIT + 1)
            shown = [_tool_task(task) for task in tasks[:LIST_LIMIT]]
            return TaskList(tasks=shown, truncated=len(tasks) > LIST_LIMIT)

        arguments = {"status": status.value}
        return await runner.run(context, "list_tasks", arguments, TaskList, work)

    @server.tool(
        annotations=ToolAnnotations(
            destructive_hint=False, idempotent_hint=True, open_world_hint=False
        )
    )
    async def complete_task(context: ToolContext, task_id: _TaskId) -> ToolTask:
        """Mark a task as completed."""

        async def work(session: AsyncSession, user: str) -> ToolTask:
            return _tool_task(await service.complete_task(session, user, task_id))

        return await runner.run(context, "complete_task", {"task_id": task_id}, ToolTask, work)

    @server.tool(annotations=ToolAnnotations(destructive_hint=True, open_world_hint=False))
    async def delete_task(context: ToolContext, task_id: _TaskId) -> ToolTask:
        """Delete a task for good; the answer is the deleted task."""

        async def work(session: AsyncSession, user: str) -> ToolTask:
            return _tool_task(await service.delete_task(session, user, task_id))

        return await runner.run(context, "delete_task", {"task_id": task_id}, ToolTask, work)

    @server.tool(
        annotations=ToolAnnotations(
            destructive_hint=True, idempotent_hint=True, open_world_hint=False
        )
    )
    async def update_task(
        context: ToolContext,
        task_id: _TaskId,
        title: _Title | None = None,
        description: _Description | None = None,
    ) -> ToolTask:
        """Change a task's title or description; give at least one."""
        if title is None and description is None:
            raise ToolError("Give at least one of title, description.")
        change = TaskUpdate(title=title, description=description)

        async def work(session: AsyncSession, user: str) -> ToolTask:
            return _tool_task(await service.update_task(session, user, task_id, change))

        arguments = {"task_id": task_id, **change.model_dump(exclude_none=True)}
        return await runner.run(context, "update_task", arguments, ToolTask, work)
