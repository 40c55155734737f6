"""The rules for tasks. Each query names the user; row-level security checks it again."""

from datetime import timedelta
from typing import Any

from sqlalchemy import func, or_, text
from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession
from sqlmodel.sql.expression import SelectOfScalar

from todo_chat.tasks.errors import DeletedTaskNotFoundError, TaskNotFoundError, TooManyTasksError
from todo_chat.tasks.models import (
    DeletedTask,
    Task,
    TaskCreate,
    TaskPage,
    TaskPublic,
    TaskReplace,
    TaskSearch,
    TaskStatus,
    TaskUpdate,
)

LIST_LIMIT = 500
"""Most tasks in one answer; ``after`` gives the next ones."""
TRASH_TIME = timedelta(days=30)
"""How long a deleted task can be restored; the database's empty_trash() knows it too."""

# The identity column takes a number of ours only when it is told so, which the ORM does not.
_RESTORE = text(
    """
    WITH back AS (
      DELETE FROM deleted_tasks
      WHERE user_id = :user_id AND id = :task_id AND deleted_at > now() - interval '30 days'
      RETURNING id, user_id, title, description, completed, due_at, created_at
    )
    INSERT INTO tasks (id, user_id, title, description, completed, due_at, created_at)
    OVERRIDING SYSTEM VALUE
    SELECT * FROM back
    RETURNING id, user_id, title, description, completed, due_at, created_at, updated_at
    """
)


async def list_tasks(
    session: AsyncSession,
    user_id: str,
    status: TaskStatus = TaskStatus.ALL,
    *,
    after: int = 0,
    limit: int = LIST_LIMIT,
) -> list[TaskPublic]:
    """The user's tasks in order of their ids, those above ``after``."""
    table = _table(status)
    query = _of_user(table, user_id, status).where(col(table.id) > after)
    rows = await session.exec(query.order_by(col(table.id)).limit(limit))
    return [_public(row) for row in rows]


async def find_tasks(session: AsyncSession, user_id: str, wanted: TaskSearch) -> TaskPage:
    """A page of the user's tasks, newest first."""
    table = _table(wanted.status)
    query = _of_user(table, user_id, wanted.status)
    if wanted.text:
        query = query.where(
            or_(
                col(table.title).icontains(wanted.text, autoescape=True),
                col(table.description).icontains(wanted.text, autoescape=True),
            )
        )
    total = await session.exec(select(func.count()).select_from(query.subquery()))
    below = query.where(col(table.id) < wanted.before)
    # One more than asked for tells whether there is another page.
    rows = await session.exec(below.order_by(col(table.id).desc()).limit(wanted.limit + 1))
    found = [_public(row) for row in rows]
    shown = found[: wanted.limit]
    more = len(found) > len(shown)
    return TaskPage(shown, total.one(), shown[-1].id if more else None)


async def get_task(session: AsyncSession, user_id: str, task_id: int) -> TaskPublic:
    """One task.

    Raises:
        TaskNotFoundError: unknown or another user's.
    """
    return _public(await _own(session, user_id, task_id, lock=False))


async def add_task(
    session: AsyncSession, user_id: str, new: TaskCreate, *, most: int
) -> TaskPublic:
    """Store a new, pending task.

    Raises:
        TooManyTasksError: the user has ``most`` already.
    """
    await _refuse_beyond(session, user_id, most)
    task = Task(user_id=user_id, title=new.title, description=new.description, due_at=new.due_at)
    return await _save(session, task)


async def replace_task(
    session: AsyncSession, user_id: str, task_id: int, new: TaskReplace
) -> TaskPublic:
    """Set every changeable field that is given.

    Raises:
        TaskNotFoundError: unknown or another user's.
    """
    return await _change(session, user_id, task_id, new.model_dump(exclude_unset=True))


async def update_task(
    session: AsyncSession, user_id: str, task_id: int, change: TaskUpdate
) -> TaskPublic:
    """Set the given fields, leave the others.

    Raises:
        TaskNotFoundError: unknown or another user's.
    """
    return await _change(session, user_id, task_id, change.model_dump(exclude_unset=True))


async def complete_task(session: AsyncSession, user_id: str, task_id: int) -> TaskPublic:
    """Mark as completed; once more changes nothing.

    Raises:
        TaskNotFoundError: unknown or another user's.
    """
    return await _change(session, user_id, task_id, {"completed": True})


async def delete_task(session: AsyncSession, user_id: str, task_id: int) -> TaskPublic:
    """Move to the trash and return it as it is there. What is too old leaves the trash.

    Raises:
        TaskNotFoundError: unknown or another user's.
    """
    task = await _own(session, user_id, task_id)
    deleted = DeletedTask.model_validate(task.model_dump())
    await session.delete(task)
    session.add(deleted)
    await session.flush()
    await session.refresh(deleted)
    await (await session.connection()).execute(text("SELECT empty_trash()"))
    return _public(deleted)


async def restore_task(
    session: AsyncSession, user_id: str, task_id: int, *, most: int
) -> TaskPublic:
    """Take out of the trash, under the number that it had; once more changes nothing.

    Raises:
        DeletedTaskNotFoundError: not in the user's trash, or there for too long.
        TooManyTasksError: the user has ``most`` without it.
    """
    known = await session.exec(select(Task).where(Task.user_id == user_id, Task.id == task_id))
    if (task := known.first()) is not None:
        return _public(task)
    await _refuse_beyond(session, user_id, most)
    connection = await session.connection()
    restored = await connection.execute(_RESTORE, {"user_id": user_id, "task_id": task_id})
    if (row := restored.mappings().first()) is None:
        raise DeletedTaskNotFoundError(task_id)
    return TaskPublic.model_validate(dict(row))


async def _refuse_beyond(session: AsyncSession, user_id: str, most: int) -> None:
    # Two requests at once may both be the last one: a few tasks too many do no harm.
    counted = select(Task.id).where(Task.user_id == user_id).limit(most).subquery()
    if (await session.exec(select(func.count()).select_from(counted))).one() >= most:
        raise TooManyTasksError(most)


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


def _table(status: TaskStatus) -> type[Task] | type[DeletedTask]:
    return DeletedTask if status is TaskStatus.DELETED else Task


def _of_user(
    table: type[Task] | type[DeletedTask], user_id: str, status: TaskStatus
) -> SelectOfScalar[Any]:
    query = select(table).where(table.user_id == user_id)
    match status:
        case TaskStatus.PENDING | TaskStatus.COMPLETED:
            return query.where(table.completed == (status is TaskStatus.COMPLETED))
        case TaskStatus.DELETED:
            return query.where(col(DeletedTask.deleted_at) > func.now() - TRASH_TIME)
        case TaskStatus.ALL:
            return query


def _public(task: Task | DeletedTask) -> TaskPublic:
    return TaskPublic.model_validate(task.model_dump())
