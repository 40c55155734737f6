"""Applications served on loopback by a loop in a thread of its own."""

import asyncio
import socket
import threading
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from pathlib import Path

import uvicorn
from starlette.types import ASGIApp

from todo_chat.web.http_protocol import BoundedHttpProtocol

START_SECONDS = 60
STOP_SECONDS = 30


class _Server(uvicorn.Server):
    def capture_signals(self) -> AbstractContextManager[None]:  # type: ignore[override]
        return nullcontext()  # signals belong to the test runner


@contextmanager
def serving(app: ASGIApp, port: int = 0, tls: tuple[Path, Path] | None = None) -> Iterator[str]:
    """Serve the application; gives its base URL.

    Args:
        app: the application.
        port: where to listen; 0 for any free port.
        tls: files with a certificate for 127.0.0.1 and its key; plain http by default.
    """
    listener = socket.socket()
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.bind(("127.0.0.1", port))
    certificate, key = tls or (None, None)
    config = uvicorn.Config(
        app,
        loop="uvloop",
        http=BoundedHttpProtocol,
        log_config=None,
        access_log=False,
        timeout_graceful_shutdown=2,
        ssl_certfile=certificate,
        ssl_keyfile=key,
    )
    server = _Server(config)

    def serve() -> None:
        with asyncio.Runner(loop_factory=config.get_loop_factory()) as runner:
            runner.run(server.serve(sockets=[listener]))

    thread = threading.Thread(target=serve)
    thread.start()
    try:
        waited = threading.Event()
        for _ in range(START_SECONDS * 100):
            if server.started:
                break
            waited.wait(0.01)
        else:
            raise TimeoutError(f"the application did not start in {START_SECONDS} s")
        yield f"{'http' if tls is None else 'https'}://127.0.0.1:{listener.getsockname()[1]}"
    finally:
        server.should_exit = True
        thread.join(STOP_SECONDS)
        listener.close()
        assert not thread.is_alive(), f"the application did not stop in {STOP_SECONDS} s"
