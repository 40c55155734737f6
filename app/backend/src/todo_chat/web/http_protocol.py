"""The parser of HTTP requests: httptools, with a limit on what a request has beside its body."""

from httptools import HttpParserError
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

MAX_HEAD_BYTES = 64 * 1024
"""Address and header fields of a request; for a body in chunks, also their frames and trailers."""


class BoundedHttpProtocol(HttpToolsProtocol):
    """Answers 400 and hangs up beyond ``MAX_HEAD_BYTES``; the base class keeps what it is sent."""

    _fields = 0
    """Bytes of the request's address and complete header fields."""
    _beside_body = 0
    """Bytes of the request that were not its body's, in pieces of what the socket gave."""

    def data_received(self, data: bytes) -> None:
        """See the base class."""
        self._beside_body += len(data)
        super().data_received(data)
        # A field without an end is seen only here.
        if self._beside_body > MAX_HEAD_BYTES and not self.transport.is_closing():
            self.send_400_response("The head of the request is too large.")

    def on_url(self, url: bytes) -> None:
        """See the base class."""
        self._count(len(url))
        super().on_url(url)

    def on_header(self, name: bytes, value: bytes) -> None:
        """See the base class."""
        self._count(len(name) + len(value))
        super().on_header(name, value)

    def on_body(self, body: bytes) -> None:
        """See the base class."""
        self._beside_body -= len(body)
        super().on_body(body)

    def on_message_complete(self) -> None:
        """See the base class."""
        self._beside_body = self._fields = 0
        super().on_message_complete()

    def _count(self, size: int) -> None:
        self._fields += size
        if self._fields > MAX_HEAD_BYTES:
            # The base class answers what its parser cannot read with 400.
            raise HttpParserError("the head is too large")
