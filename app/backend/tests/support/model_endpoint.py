"""An OpenAI-compatible chat endpoint that answers with prepared steps.

It lets tests run the agent's real client for language models. It is no language model.
"""

import asyncio
import json
import threading
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any, Literal

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


@dataclass(frozen=True)
class Raw:
    """Answer with exactly this."""

    code: int
    body: str
    headers: dict[str, str] = field(default_factory=dict)
    media_type: str = "application/json"


@dataclass(frozen=True)
class Calls:
    """Call tools under ids of the model's choice: ``(id, name, arguments)`` each."""

    calls: tuple[tuple[str, str, str], ...]


@dataclass(frozen=True)
class BrokenStream:
    """Begin to answer in words, then fall silent or cut the connection."""

    ending: Literal["silence", "cut"]


Step = Text | Tool | Status | Hang | Gate | Raw | Calls | BrokenStream

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
            case Raw(code=code, body=body, headers=headers, media_type=media_type):
                return Response(body, code, headers, media_type)
            case BrokenStream(ending=ending):
                return StreamingResponse(_broken(request, ending), media_type="text/event-stream")
            case Text() | Tool() | Calls():
                return _stream(step, len(self.requests))


async def _broken(request: Request, ending: str) -> AsyncIterator[str]:
    delta = {"role": "assistant", "content": "I will"}
    yield _chunk({"index": 0, "delta": delta, "finish_reason": None})
    if ending == "cut":
        raise ConnectionAbortedError("cut on purpose")
    while not await request.is_disconnected():
        await asyncio.sleep(POLL_SECONDS)


def _stream(step: Text | Tool | Calls, number: int) -> Response:
    return StreamingResponse(_chunks(step, number), media_type="text/event-stream")


async def _chunks(step: Text | Tool | Calls, number: int) -> AsyncIterator[str]:
    if isinstance(step, Text):
        half = len(step.text) // 2
        deltas: list[dict[str, Any]] = [
            {"role": "assistant", "content": step.text[:half]},
            {"content": step.text[half:]},
        ]
        reason = "stop"
    else:
        given = (
            step.calls
            if isinstance(step, Calls)
            else ((f"call_{number}", step.name, step.arguments),)
        )
        calls = [
            {
                "index": index,
                "id": call_id,
                "type": "function",
                "function": {"name": name, "arguments": arguments},
            }
            for index, (call_id, name, arguments) in enumerate(given)
        ]
        deltas = [{"role": "assistant", "content": None, "tool_calls": calls}]
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
