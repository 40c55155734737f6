"""REST routes for tasks."""

from typing import Annotated

from fastapi import APIRouter, Path, Query

from todo_chat.api.deps import CurrentUser, ServicesDep
from todo_chat.api.errors import EVERY_ROUTE, error_responses
from todo_chat.tasks import service
from todo_chat.tasks.models import (
    TaskCreate,
    TaskPublic,
    TaskReplace,
    TaskStatus,
    TaskUpdate,
)
from todo_chat.text import BIGINT_MAX

router = APIRouter(
    prefix="/api/{user_id}/tasks",
    tags=["tasks"],
    responses=error_responses(*EVERY_ROUTE),
)

TaskIdPath = Annotated[int, Path(ge=1, le=BIGINT_MAX)]


@router.get("")
async def list_tasks(
    user: CurrentUser,
    services: ServicesDep,
    status: TaskStatus = TaskStatus.ALL,
    after: Annotated[int, Query(ge=0, le=BIGINT_MAX)] = 0,
    limit: Annotated[int, Query(ge=1, le=service.LIST_LIMIT)] = service.LIST_LIMIT,
) -> list[TaskPublic]:
    """The user's tasks by id; the next page starts after the last id.

    ``status=deleted`` lists the trash, where a task stays for 30 days.
    """
    async with services.tasks_database.transaction(user) as session:
        return await service.list_tasks(session, user, status, after=after, limit=limit)


@router.post("", status_code=201)
async def add_task(user: CurrentUser, services: ServicesDep, new: TaskCreate) -> TaskPublic:
    """Add a pending task."""
    async with services.tasks_database.transaction(user) as session:
        most = services.settings.max_tasks_per_user
        return await service.add_task(session, user, new, most=most)


@router.get("/{task_id}", responses=error_responses(404))
async def get_task(user: CurrentUser, services: ServicesDep, task_id: TaskIdPath) -> TaskPublic:
    """One task."""
    async with services.tasks_database.transaction(user) as session:
        return await service.get_task(session, user, task_id)


@router.put("/{task_id}", responses=error_responses(404))
async def replace_task(
    user: CurrentUser, services: ServicesDep, task_id: TaskIdPath, new: TaskReplace
) -> TaskPublic:
    """Set title, description and completed, and the due date if it is given."""
    async with services.tasks_database.transaction(user) as session:
        return await service.replace_task(session, user, task_id, new)


@router.patch("/{task_id}", responses=error_responses(404))
async def update_task(
    user: CurrentUser, services: ServicesDep, task_id: TaskIdPath, change: TaskUpdate
) -> TaskPublic:
    """Set the given fields."""
    async with services.tasks_database.transaction(user) as session:
        return await service.update_task(session, user, task_id, change)


@router.patch("/{task_id}/complete", responses=error_responses(404))
async def complete_task(
    user: CurrentUser, services: ServicesDep, task_id: TaskIdPath
) -> TaskPublic:
    """Mark as completed; once more changes nothing."""
    async with services.tasks_database.transaction(user) as session:
        return await service.complete_task(session, user, task_id)


@router.delete("/{task_id}", status_code=204, responses=error_responses(404))
async def delete_task(user: CurrentUser, services: ServicesDep, task_id: TaskIdPath) -> None:
    """Move to the trash, from which the task can be restored for 30 days."""
    async with services.tasks_database.transaction(user) as session:
        await service.delete_task(session, user, task_id)


@router.post("/{task_id}/restore", responses=error_responses(404))
async def restore_task(user: CurrentUser, services: ServicesDep, task_id: TaskIdPath) -> TaskPublic:
    """Take out of the trash, under the same number; once more changes nothing."""
    async with services.tasks_database.transaction(user) as session:
        most = services.settings.max_tasks_per_user
        return await service.restore_task(session, user, task_id, most=most)
