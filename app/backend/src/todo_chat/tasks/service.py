"""The rules for tasks. Each query names the user; row-level security checks it again."""

from typing import Any

from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from todo_chat.tasks.errors import TaskNotFoundError
from todo_chat.tasks.models import (
    Task,
    TaskCreate,
    TaskPublic,
    TaskReplace,
    TaskStatus,
    TaskUpdate,
)

LIST_LIMIT = 500
"""Most tasks in one answer; ``after`` gives the next ones."""


async def list_tasks(
    session: AsyncSession,
    user_id: str,
    status: TaskStatus = TaskStatus.ALL,
    *,
    after: int = 0,
    limit: int = LIST_LIMIT,
) -> list[TaskPublic]:
    """The user's tasks in order of their ids, those above ``after``."""
    query = select(Task).where(Task.user_id == user_id, col(Task.id) > after)
    if status is not TaskStatus.ALL:
        query = query.where(Task.completed == (status is TaskStatus.COMPLETED))
    rows = await session.exec(query.order_by(col(Task.id)).limit(limit))
    return [TaskPublic.model_validate(row, from_attributes=True) for row in rows]


async def get_task(session: AsyncSession, user_id: str, task_id: int) -> TaskPublic:
    """One task.

    Raises:
        TaskNotFoundError: unknown or another user's.
    """
    return _public(await _own(session, user_id, task_id, lock=False))


async def add_task(session: AsyncSession, user_id: str, new: TaskCreate) -> TaskPublic:
    """Store a new, pending task."""
    task = Task(user_id=user_id, title=new.title, description=new.description)
    return await _save(session, task)


async def replace_task(
    session: AsyncSession, user_id: str, task_id: int, new: TaskReplace
) -> TaskPublic:
    """Set every changeable field.

    Raises:
        TaskNotFoundError: unknown or another user's.
    """
    return await _change(session, user_id, task_id, new.model_dump())


async def update_task(
    session: AsyncSession, user_id: str, task_id: int, change: TaskUpdate
) -> TaskPublic:
    """Set the given fields, leave the others.

    Raises:
        TaskNotFoundError: unknown or another user's.
    """
    return await _change(session, user_id, task_id, change.model_dump(exclude_none=True))


async def complete_task(session: AsyncSession, user_id: str, task_id: int) -> TaskPublic:
    """Mark as completed; once more changes nothing.

    Raises:
        TaskNotFoundError: unknown or another user's.
    """
    return await _change(session, user_id, task_id, {"completed": True})


async def delete_task(session: AsyncSession, user_id: str, task_id: int) -> TaskPublic:
    """Delete for good and return what was deleted.

    Raises:
        TaskNotFoundError: unknown or another user's.
    """
    task = await _own(session, user_id, task_id)
    await session.delete(task)
    await session.flush()
    return _public(task)


async def _change(
    session: AsyncSession, user_id: str, task_id: int, fields: dict[str, Any]
) -> TaskPublic:
    task = await _own(session, user_id, task_id)
    task.sqlmodel_update(fields)
    return await _save(session, task)


async def _own(session: AsyncSession, user_id: str, task_id: int, *, lock: bool = True) -> Task:
    query = select(Task).where(Task.user_id == user_id, Task.id == task_id)
    if lock:
        query = query.with_for_update()
    task = (await session.exec(query)).first()
    if task is None:
        raise TaskNotFoundError(task_id)
    return task


async def _save(session: AsyncSession, task: Task) -> TaskPublic:
    session.add(task)
    await session.flush()
    await session.refresh(task)
    return _public(task)


def _public(task: Task) -> TaskPublic:
    return TaskPublic.model_validate(task, from_attributes=True)
