"""What a client may send beside the body of a request, before anybody knows who it is."""

import socket
from collections.abc import Iterable

import httpx2
import pytest

from tests.support.world import Stack, User
from todo_chat.web.http_protocol import MAX_HEAD_BYTES

PIECE = 16 * 1024
LINE = b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n"
CHUNKED = (
    b"POST /api/login HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
    b"Transfer-Encoding: chunked\r\n\r\n"
)
FIELDS = b"".join(b"X-%d: value\r\n" % number for number in range(100_000))
ENDLESS = b"a" * 100 * MAX_HEAD_BYTES
TOO_LARGE = {
    "an endless address": b"GET /" + ENDLESS,
    "an endless field": LINE + b"X-Long: " + ENDLESS,
    "100,000 fields": LINE + FIELDS + b"\r\n",
    "fields that end just above the limit": LINE + b"X: " + b"a" * MAX_HEAD_BYTES + b"\r\n\r\n",
    "a body in 1,000,000 chunks": CHUNKED + b"1\r\n \r\n" * 1_000_000,
    "an endless trailer": CHUNKED + b"2\r\n{}\r\n0\r\nX-Long: " + ENDLESS,
}


def pieces(request: bytes) -> Iterable[bytes]:
    return (request[at : at + PIECE] for at in range(0, len(request), PIECE))


def send(url: str, request: bytes) -> tuple[bytes, int]:
    """The answer, and how much was sent until the server hung up."""
    target = httpx2.URL(url)
    sent = 0
    answer = b""
    with socket.create_connection((target.host, target.port or 80), timeout=10) as connection:
        try:
            for piece in pieces(request):
                connection.sendall(piece)
                sent += len(piece)
            while data := connection.recv(65536):
                answer += data
        except ConnectionError:
            pass  # hung up while there was more to send
    return answer, sent


@pytest.mark.parametrize("tier", ["backend", "agent", "mcp"])
@pytest.mark.parametrize("request_", TOO_LARGE.values(), ids=TOO_LARGE)
def test_a_head_that_is_too_large_is_not_kept(stack: Stack, tier: str, request_: bytes) -> None:
    url = getattr(stack, tier)
    answer, sent = send(url, request_)
    assert answer.startswith(b"HTTP/1.1 400 ") or sent < len(request_)
    assert httpx2.get(f"{url}/healthz", trust_env=False).status_code == 200


def test_a_head_below_the_limit_is_answered(stack: Stack) -> None:
    field = b"X: " + b"a" * (MAX_HEAD_BYTES - 4096)
    answer, _ = send(stack.backend, LINE + field + b"\r\nConnection: close\r\n\r\n")
    assert answer.startswith(b"HTTP/1.1 200 ")


def test_requests_of_one_connection_are_measured_each_on_its_own(user: User) -> None:
    field = {"X-Padding": "a" * (MAX_HEAD_BYTES // 2)}
    body = {"title": "a task", "description": "d" * 2000}
    for _ in range(4):
        answer = user.request("POST", "/tasks", json=body, headers=field)
        assert answer.status_code == 201


def test_a_large_body_counts_as_a_body(stack: Stack) -> None:
    body = b'{"messages": [' + b" " * 4 * MAX_HEAD_BYTES + b"]}"
    answer = httpx2.post(
        f"{stack.agent}/turn",
        content=body,
        headers={"Authorization": "Bearer any"},
        trust_env=False,
    )
    assert answer.status_code == 422
