"""A TCP forwarder that can be shut, frozen and opened: a database that goes away and comes back."""

import contextlib
import socket
import threading


class TcpGate:
    """Forwards connections on ``port`` to a target while it is open."""

    def __init__(self, host: str, port: int) -> None:
        self._target = (host, port)
        self._pairs: list[tuple[socket.socket, socket.socket]] = []
        self._open = True
        self._thawed = threading.Event()
        self._thawed.set()
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def shut(self) -> None:
        """Cut every connection and refuse new ones."""
        self._open = False
        for pair in self._pairs:
            for end in pair:
                _close(end)
        self._pairs.clear()

    def freeze(self) -> None:
        """Keep every connection, accept new ones, and let nothing through."""
        self._thawed.clear()

    def open(self) -> None:
        """Forward again."""
        self._open = True
        self._thawed.set()

    def close(self) -> None:
        """Shut for good."""
        self.shut()
        self._thawed.set()
        self._listener.close()

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            if not self._open:
                client.close()
                continue
            server = socket.create_connection(self._target)
            self._pairs.append((client, server))
            for source, sink in ((client, server), (server, client)):
                threading.Thread(target=self._forward, args=(source, sink), daemon=True).start()

    def _forward(self, source: socket.socket, sink: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while data := source.recv(65536):
                self._thawed.wait()
                sink.sendall(data)
        _close(sink)


def _close(end: socket.socket) -> None:
    with contextlib.suppress(OSError):
        end.shutdown(socket.SHUT_RDWR)
    end.close()
