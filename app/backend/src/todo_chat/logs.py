"""JSON log lines on standard output, each with the id of its request."""

import logging
import sys

from pythonjsonlogger.json import JsonFormatter

from todo_chat.web.request_id import current_request_id

_CHATTY = ("httpx2", "httpcore2", "mcp", "openai", "openai.agents", "sse_starlette")
"""Libraries that log each request at INFO; the middleware already logs ours."""


class _RequestIdFilter(logging.Filter):
    def filter(self, record: logging.LogRecord) -> bool:
        record.request_id = current_request_id()
        return True


def configure_logging(process: str, level: str) -> None:
    """Send every logger of the process to standard output as one JSON object per line.

    Args:
        process: name put into each line: backend, agent, mcp or migrate.
        level: DEBUG, INFO, WARNING or ERROR.
    """
    handler = logging.StreamHandler(sys.stdout)
    handler.addFilter(_RequestIdFilter())
    handler.setFormatter(
        JsonFormatter(
            "{asctime}{levelname}{name}{message}{request_id}",
            style="{",
            rename_fields={"asctime": "time", "levelname": "level", "name": "logger"},
            static_fields={"process": process},
            datefmt="%Y-%m-%dT%H:%M:%S%z",
        )
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level)
    for name in _CHATTY:
        logging.getLogger(name).setLevel(max(logging.WARNING, logging.getLevelName(level)))
