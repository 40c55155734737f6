"""The processes as a user starts them: ``python -m todo_chat.entrypoints.…``."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass

import httpx2

START_SECONDS = 180
STOP_SECONDS = 120


@dataclass(frozen=True)
class Process:
    """A running process and its base URL."""

    url: str
    popen: subprocess.Popen[str]

    def kill(self) -> None:
        """As the kernel does when memory runs out: no warning, no clean-up."""
        self.popen.kill()
        self.popen.wait(STOP_SECONDS)

    def terminate(self) -> None:
        """As Kubernetes does first."""
        self.popen.send_signal(signal.SIGTERM)

    def get(self, path: str) -> httpx2.Response:
        """One request."""
        return httpx2.get(self.url + path, trust_env=False, timeout=30, verify=False)


def environment(values: Mapping[str, object]) -> dict[str, str]:
    """A minimal environment with the given settings."""
    named = {f"TODO_{name.upper()}": str(value) for name, value in values.items()}
    kept = {name: os.environ[name] for name in ("PATH", "PYTHONPATH") if name in os.environ}
    return {**kept, **named}


@contextmanager
def process(name: str, port: int, settings: Mapping[str, object]) -> Iterator[Process]:
    """Start a process on a port and wait until it answers; it is killed at the end."""
    values = {"host": "127.0.0.1", "port": port, "drain_seconds": 0, **settings}
    popen = subprocess.Popen(
        [sys.executable, "-m", f"todo_chat.entrypoints.{name}"],
        env=environment(values),
        stdout=subprocess.DEVNULL,
        text=True,
    )
    started = Process(f"http://127.0.0.1:{port}", popen)
    try:
        _wait_until_alive(started)
        yield started
    finally:
        if popen.poll() is None:
            started.kill()


def _wait_until_alive(started: Process) -> None:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        if started.popen.poll() is not None:
            raise RuntimeError(f"the process ended with exit code {started.popen.returncode}")
        try:
            if started.get("/healthz").status_code == 200:
                return
        except httpx2.TransportError:
            time.sleep(0.05)
    raise TimeoutError(f"the process did not answer in {START_SECONDS} s")


def wait_until(condition: Callable[[], bool]) -> None:
    """Ask until it is so.

    Raises:
        AssertionError: not within ``STOP_SECONDS``.
    """
    deadline = time.monotonic() + STOP_SECONDS
    while not condition():
        assert time.monotonic() < deadline, f"not the case within {STOP_SECONDS} s"
        time.sleep(0.02)
