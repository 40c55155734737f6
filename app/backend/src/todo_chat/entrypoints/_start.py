"""How every process starts: settings or a clear message, logs, then its work."""

import sys
from collections.abc import Callable
from typing import TypeVar

from pydantic import ValidationError

from todo_chat.logs import configure_logging
from todo_chat.settings import ConfigurationError, ProcessError, ProcessSettings

EXIT_CONFIGURATION = ConfigurationError.exit_code

S = TypeVar("S", bound=ProcessSettings)


def start(process: str, settings_class: type[S], work: Callable[[S], None]) -> int:
    """Run ``work`` with validated settings and return the exit code.

    Returns:
        0 when the work ended, 3 when the process is not configured properly, that of the
        ProcessError when the work ends with one; the reason is then on standard error.
    """
    try:
        settings = settings_class()
        configure_logging(process, settings.log_level)
        work(settings)
    except ValidationError as error:
        for problem in error.errors(include_input=False, include_url=False):
            name = "_".join(["TODO", *(str(part).upper() for part in problem["loc"])])
            print(f"{process}: {name}: {problem['msg']}", file=sys.stderr)
        return EXIT_CONFIGURATION
    except ProcessError as error:
        print(f"{process}: {error}", file=sys.stderr)
        return error.exit_code
    return 0
