"""An OpenAI-compatible chat endpoint that answers with prepared steps.

It lets tests run the agent's real client for language models. It is no language model.
"""

import asyncio
import json
import threading
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route


@dataclass(frozen=True)
class Text:
    """Answer in words."""

    text: str


@dataclass(frozen=True)
class Tool:
    """Call a tool; ``arguments`` is sent as it is, so it need not be JSON."""

    name: str
    arguments: str


@dataclass(frozen=True)
class Status:
    """Fail with an HTTP status."""

    code: int


@dataclass(frozen=True)
class Hang:
    """Say nothing until the client gives up."""


@dataclass(frozen=True)
class Gate:
    """Answer in words once the event is set."""

    opened: threading.Event
    text: str


Step = Text | Tool | Status | Hang | Gate

POLL_SECONDS = 0.01


@dataclass
class ModelEndpoint:
    """Takes one step per request; the last one is repeated."""

    steps: list[Step]
    requests: list[dict[str, Any]] = field(default_factory=list)

    def app(self) -> Starlette:
        """``POST /v1/chat/completions``."""
        return Starlette(routes=[Route("/v1/chat/completions", self._answer, methods=["POST"])])

    async def _answer(self, request: Request) -> Response:
        self.requests.append(await request.json())
        step = self.steps.pop(0) if len(self.steps) > 1 else self.steps[0]
        match step:
            case Status(code=code):
                return JSONResponse({"error": {"message": "prepared failure"}}, code)
            case Hang():
                while not await request.is_disconnected():
                    await asyncio.sleep(POLL_SECONDS)
                return Response(status_code=500)
            case Gate(opened=opened, text=text):
                while not opened.is_set():
                    await asyncio.sleep(POLL_SECONDS)
                return _stream(Text(text), len(self.requests))
            case Text() | Tool():
                return _stream(step, len(self.requests))


def _stream(step: Text | Tool, number: int) -> Response:
    return StreamingResponse(_chunks(step, number), media_type="text/event-stream")


async def _chunks(step: Text | Tool, number: int) -> AsyncIterator[str]:
    if isinstance(step, Text):
        half = len(step.text) // 2
        deltas: list[dict[str, Any]] = [
            {"role": "assistant", "content": step.text[:half]},
            {"content": step.text[half:]},
        ]
        reason = "stop"
    else:
        call = {
            "index": 0,
            "id": f"call_{number}",
            "type": "function",
            "function": {"name": step.name, "arguments": step.arguments},
        }
        deltas = [{"role": "assistant", "content": None, "tool_calls": [call]}]
        reason = "tool_calls"
    for delta in deltas:
        yield _chunk({"index": 0, "delta": delta, "finish_reason": None})
    yield _chunk({"index": 0, "delta": {}, "finish_reason": reason})
    yield "data: [DONE]\n\n"


def _chunk(choice: dict[str, Any]) -> str:
    body = {
        "id": "chunk",
        "object": "chat.completion.chunk",
        "created": 0,
        "model": "prepared",
        "choices": [choice],
    }
    return f"data: {json.dumps(body)}\n\n"
