"""One pure ASGI middleware: request id, access log, metrics, last line of defence."""

import logging
import time

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from todo_chat.metrics import HTTP_IN_FLIGHT, HTTP_REQUESTS, HTTP_SECONDS
from todo_chat.web.errors import ApiError
from todo_chat.web.request_id import HEADER, accept_request_id, set_request_id

log = logging.getLogger("todo_chat.access")

_METHODS = {"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"}
_PROBES = {"/healthz", "/readyz", "/metrics"}


class ObservabilityMiddleware:
    """Gives each request its id, counts and times it, and logs one line at its end.

    An exception that nothing else handled becomes ``500 internal_error``; its text
    stays in the log.
    """

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        request_id = accept_request_id(Headers(scope=scope).get(HEADER))
        set_request_id(request_id)
        status = 0
        started = time.perf_counter()

        async def send_with_id(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                MutableHeaders(scope=message)[HEADER] = request_id
            await send(message)

        HTTP_IN_FLIGHT.inc()
        try:
            await self.app(scope, receive, send_with_id)
        except Exception:
            log.exception("unhandled error")
            if status:  # the answer has begun: only cutting it off tells the client
                raise
            error = ApiError(
                500,
                "internal_error",
                "Something broke here. Quote the request id when you report it.",
            )
            await JSONResponse(error.body(request_id), 500)(scope, receive, send_with_id)
        finally:
            HTTP_IN_FLIGHT.dec()
            _record(scope, status, time.perf_counter() - started)


def _record(scope: Scope, status: int, seconds: float) -> None:
    # The template, never the path, and no method that a client made up: every new label is a time
    # series, which this process and the monitoring keep in memory.
    route = getattr(scope.get("route"), "path", "unmatched")
    method = scope["method"] if scope["method"] in _METHODS else "other"
    HTTP_REQUESTS.labels(method, route, str(status)).inc()
    HTTP_SECONDS.labels(method, route).observe(seconds)
    log.log(
        logging.DEBUG if scope["path"] in _PROBES else logging.INFO,
        "request",
        extra={
            "method": scope["method"],
            "path": scope["path"],
            "status": status,
            "milliseconds": round(seconds * 1000, 1),
        },
    )
