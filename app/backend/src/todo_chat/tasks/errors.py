"""What can go wrong with a task."""


class TaskNotFoundError(Exception):
    """No such task, or another user's: the two are not told apart."""

    def __init__(self, task_id: int) -> None:
        super().__init__(f"there is no task {task_id}")
        self.task_id = task_id
