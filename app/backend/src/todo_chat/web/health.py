"""Liveness, readiness and metrics endpoints, and the state that draining switches."""

import asyncio
from collections.abc import Callable, Coroutine, Mapping
from dataclasses import dataclass, field
from typing import Any

from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from todo_chat.web.within import within

CHECK_TIMEOUT_SECONDS = 2.0
"""Longest time for one readiness check; keep the probe's own timeout above it."""

Check = Callable[[], Coroutine[Any, Any, None]]
"""Returns when the dependency answers, raises when it does not."""


@dataclass
class Lifecycle:
    """Whether the process is leaving, and what it needs to be ready."""

    checks: Mapping[str, Check] = field(default_factory=dict)
    draining: bool = False


async def _outcome(check: Check) -> str:
    try:
        await within(CHECK_TIMEOUT_SECONDS, check())
    except TimeoutError:
        return f"no answer in {CHECK_TIMEOUT_SECONDS:g} s"
    except Exception as error:
        return type(error).__name__
    return "ok"


def health_routes(lifecycle: Lifecycle) -> list[Route]:
    """``/healthz`` (no dependency), ``/readyz`` (every check, red while draining), ``/metrics``."""

    async def healthz(_: Request) -> Response:
        return JSONResponse({"status": "ok"})

    async def readyz(_: Request) -> Response:
        if lifecycle.draining:
            return JSONResponse({"status": "draining", "checks": {}}, 503)
        names = list(lifecycle.checks)
        outcomes = await asyncio.gather(*(_outcome(lifecycle.checks[name]) for name in names))
        ready = all(outcome == "ok" for outcome in outcomes)
        return JSONResponse(
            {
                "status": "ready" if ready else "not_ready",
                "checks": dict(zip(names, outcomes, strict=True)),
            },
            200 if ready else 503,
        )

    async def metrics(_: Request) -> Response:
        return Response(generate_latest(), media_type=CONTENT_TYPE_LATEST)

    return [
        Route("/healthz", healthz),
        Route("/readyz", readyz),
        Route("/metrics", metrics),
    ]
