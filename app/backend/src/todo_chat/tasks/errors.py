"""What can go wrong with a task. The text of each error is a sentence for the user."""


class TaskNotFoundError(Exception):
    """No such task, or another user's: the two are not told apart."""

    def __init__(self, task_id: int) -> None:
        super().__init__(f"There is no task {task_id}.")


class TooManyTasksError(Exception):
    """The user has as many tasks as one may have."""

    def __init__(self, limit: int) -> None:
        super().__init__(
            f"You have {limit} tasks, and no user may have more. Delete one that is done first."
        )


class DeletedTaskNotFoundError(Exception):
    """Not in the user's trash: never there, restored or gone after its time."""

    def __init__(self, task_id: int) -> None:
        super().__init__(f"There is no task {task_id} among the deleted ones.")
