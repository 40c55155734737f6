"""Serve an ASGI application and leave gracefully on SIGTERM."""

import asyncio
import logging
import signal
import socket
from types import FrameType

import uvicorn
from starlette.types import ASGIApp

from todo_chat.settings import ServerSettings
from todo_chat.web.health import Lifecycle
from todo_chat.web.http_protocol import BoundedHttpProtocol

log = logging.getLogger(__name__)

# Longer than the 90 s for which Traefik, and Go's HTTP client in general, keep an idle connection:
# only the side that sends requests closes it. Else a request may meet a connection that the server
# is closing, and one that must not be sent twice is answered with 502.
KEEP_ALIVE_SECONDS = 120


class DrainingServer(uvicorn.Server):
    """On the first signal readiness goes red, after ``drain_seconds`` the listener closes.

    The pause lets load balancers take the process out before it refuses connections.
    A second signal skips it.
    """

    def __init__(self, config: uvicorn.Config, lifecycle: Lifecycle, drain_seconds: float) -> None:
        super().__init__(config)
        self._lifecycle = lifecycle
        self._drain_seconds = drain_seconds
        self._loop: asyncio.AbstractEventLoop | None = None

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Remember the loop, then start as usual."""
        self._loop = asyncio.get_running_loop()
        await super().startup(sockets)

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """Begin to leave; called by the interpreter between two byte codes."""
        # Not recorded for re-raising: leaving on request is exit code 0.
        if self._loop is None or self._lifecycle.draining or self._drain_seconds == 0:
            self._lifecycle.draining = True
            self.should_exit = True
            return
        self._lifecycle.draining = True
        self._loop.call_soon_threadsafe(self._close_later, signal.Signals(sig).name)

    def _close_later(self, signal_name: str) -> None:
        log.info("draining", extra={"signal": signal_name, "seconds": self._drain_seconds})
        asyncio.get_running_loop().call_later(self._drain_seconds, self._close)

    def _close(self) -> None:
        self.should_exit = True


def build_server(app: ASGIApp, settings: ServerSettings, lifecycle: Lifecycle) -> DrainingServer:
    """A server that logs through our handlers, never through its own."""
    config = uvicorn.Config(
        app,
        host=settings.host,
        port=settings.port,
        # By name, not by what is installed: without them a turn would be slow and nothing said.
        loop="uvloop",
        http=BoundedHttpProtocol,
        log_config=None,
        access_log=False,
        server_header=False,
        timeout_keep_alive=KEEP_ALIVE_SECONDS,
        timeout_graceful_shutdown=int(settings.shutdown_seconds),
    )
    return DrainingServer(config, lifecycle, settings.drain_seconds)
