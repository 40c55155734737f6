"""What the processes say to each other during one chat turn: backend and agent, agent and tools.

Request: ``POST /turn`` with a JSON :class:`TurnRequest`, the user's short-lived token as the
bearer token and the request id as a header. Answer: ``application/x-ndjson``, one event
per line; the last one is :class:`Finished` or :class:`Failed`. The agent numbers its calls of
the tool server under ``CALL_META_KEY``.
"""

from typing import Annotated, Any, Literal

from pydantic import BaseModel, Field, TypeAdapter

MEDIA_TYPE = "application/x-ndjson"

CALL_META_KEY = "todo-chat/call"
"""Key in a call's ``_meta``: its number within the attempt, the same when it is sent again."""

FailureCode = Literal[
    "agent_unavailable",
    "agent_failed",
    "tools_unavailable",
    "turn_timeout",
    "model_unavailable",
    "model_key_refused",
    "model_misconfigured",
    "model_busy",
    "model_quota_exhausted",
    "model_bad_answer",
    "model_empty_answer",
    "model_loops",
    "context_too_long",
    "refused_by_policy",
]
"""Why a turn has no answer; the table in the README says what each means."""


class HistoryMessage(BaseModel):
    """A message of the conversation, oldest first in a request."""

    role: Literal["user", "assistant"]
    content: str


class TurnRequest(BaseModel):
    """The conversation up to and including the message that wants an answer."""

    messages: list[HistoryMessage] = Field(min_length=1)


class Delta(BaseModel):
    """The next piece of the answer's text."""

    type: Literal["delta"] = "delta"
    text: str


class ToolCalled(BaseModel):
    """A tool is about to run."""

    type: Literal["tool_call"] = "tool_call"
    id: str
    name: str
    arguments: dict[str, Any]


class ToolReturned(BaseModel):
    """A tool has run; ``ok`` is False when it answered with an error."""

    type: Literal["tool_result"] = "tool_result"
    id: str
    name: str
    ok: bool
    result: Any = None


class Finished(BaseModel):
    """The whole answer."""

    type: Literal["done"] = "done"
    response: str


class Failed(BaseModel):
    """The turn has no answer; the message says why, in words for the user."""

    type: Literal["error"] = "error"
    code: FailureCode
    message: str
    retry_after: int | None = None
    """Seconds after which another try may help, where the model's endpoint says so."""


TurnEvent = Annotated[
    Delta | ToolCalled | ToolReturned | Finished | Failed, Field(discriminator="type")
]
TURN_EVENT: TypeAdapter[TurnEvent] = TypeAdapter(TurnEvent)


class ToolCall(BaseModel):
    """A tool call with its outcome, as stored with the answer and shown to clients."""

    id: str
    name: str
    arguments: dict[str, Any]
    ok: bool
    result: Any = None


class ModelInfo(BaseModel):
    """Which model answers. ``kind`` is ``scripted`` when no LLM is configured."""

    name: str
    kind: Literal["scripted", "llm"]
