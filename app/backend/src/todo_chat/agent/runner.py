"""One turn of the Agents SDK's loop, with the MCP server as the only source of tools."""

import json
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, cast

import httpx2
from agents import (
    Agent,
    Model,
    OpenAIChatCompletionsModel,
    RunConfig,
    RunItemStreamEvent,
    Runner,
    StreamEvent,
)
from agents.items import ToolCallItem, ToolCallOutputItem
from openai import AsyncOpenAI, DefaultAsyncHttpxClient
from openai.types.responses import ResponseTextDeltaEvent

from todo_chat.agent.failures import EmptyAnswerError, failure_of
from todo_chat.agent.guard import GuardedModel
from todo_chat.agent.scripted import NAME as SCRIPTED_NAME
from todo_chat.agent.scripted import ScriptedModel
from todo_chat.agent.tools import TurnTools
from todo_chat.settings import AgentSettings
from todo_chat.turn import (
    Delta,
    Finished,
    HistoryMessage,
    ModelInfo,
    ToolCalled,
    ToolReturned,
    TurnEvent,
)

MAX_STEPS = 10
"""Model calls in one turn; a model that loops is cut off."""

INSTRUCTIONS = (
    "You look after the user's to-do list. Use the tools for everything that concerns tasks and "
    "never claim a change that no tool has confirmed. To complete, delete or update a task that "
    "is named rather than numbered, search for it first: a title that is exactly the name wins; "
    "if several match, list them with their numbers and ask which one. “It” is the task that the "
    "conversation is about; if that is not clear, ask, and change nothing. A deleted task can be "
    "restored for 30 days. You act only for the current user; there is no way to reach anyone "
    "else's tasks. Answer briefly."
)


@dataclass(frozen=True)
class ChosenModel:
    """A model, what to say about it, and how to let go of its connections."""

    model: Model
    info: ModelInfo
    close: Callable[[], Awaitable[None]]


def choose_model(settings: AgentSettings) -> ChosenModel:
    """The LLM when a key is configured, else the scripted model."""
    key = settings.model_api_key()
    if key is None:
        scripted = ScriptedModel()
        info = ModelInfo(name=SCRIPTED_NAME, kind="scripted")
        return ChosenModel(scripted, info, scripted.close)
    client = AsyncOpenAI(
        api_key=key.get_secret_value(),
        base_url=str(settings.model_base_url) if settings.model_base_url else None,
        timeout=httpx2.Timeout(settings.model_timeout_seconds, connect=5),
        max_retries=1,
        http_client=DefaultAsyncHttpxClient(event_hooks={"response": [_ask_once_when_busy]}),
    )
    model = OpenAIChatCompletionsModel(model=settings.model_name, openai_client=client)
    return ChosenModel(model, ModelInfo(name=settings.model_name, kind="llm"), client.close)


async def _ask_once_when_busy(response: httpx2.Response) -> None:
    # The client would wait for as long as Retry-After says, and the user with it, in silence.
    if response.status_code == httpx2.codes.TOO_MANY_REQUESTS:
        response.headers["x-should-retry"] = "false"


class TurnRunner:
    """Answers turns with one model and one MCP server."""

    def __init__(self, model: Model, mcp_url: str) -> None:
        self._model = model
        self._mcp_url = mcp_url

    async def run(
        self, history: list[HistoryMessage], token: str, request_id: str
    ) -> AsyncIterator[TurnEvent]:
        """The events of one turn; always ends with ``Finished`` or ``Failed``.

        Args:
            history: the conversation, oldest first, ending with the message to answer.
            token: the user's short-lived token, handed to the MCP server unread.
            request_id: handed to the MCP server.
        """
        tools = TurnTools(self._mcp_url, token, request_id)
        try:
            await tools.start()
            try:
                async for event in self._loop(tools, history):
                    yield event
            finally:
                await tools.cleanup()  # type: ignore[no-untyped-call]
        except Exception as error:
            yield failure_of(tools.lost or error)

    async def _loop(
        self, tools: TurnTools, history: list[HistoryMessage]
    ) -> AsyncIterator[TurnEvent]:
        agent = Agent(
            name="todo-chat",
            instructions=f"{INSTRUCTIONS} It is now {datetime.now(UTC):%A, %Y-%m-%dT%H:%MZ}.",
            model=GuardedModel(self._model),
            mcp_servers=[tools],
        )
        result = Runner.run_streamed(
            agent,
            [{"role": message.role, "content": message.content} for message in history],
            max_turns=MAX_STEPS,
            run_config=RunConfig(tracing_disabled=True),
        )
        names: dict[str, str] = {}
        async for event in result.stream_events():
            if tools.lost is not None:
                result.cancel()
                raise tools.lost
            if (translated := _translate(event, names, tools.succeeded)) is not None:
                yield translated
        if tools.lost is not None:
            raise tools.lost
        response = str(result.final_output or "")
        if not response.strip():
            raise EmptyAnswerError
        yield Finished(response=response)


def _translate(
    event: StreamEvent, names: dict[str, str], succeeded: Callable[[str], bool]
) -> TurnEvent | None:
    if event.type == "raw_response_event" and isinstance(event.data, ResponseTextDeltaEvent):
        return Delta(text=event.data.delta)
    if isinstance(event, RunItemStreamEvent):
        match event.item:
            case ToolCallItem(raw_item=call):
                return _called(call, names)
            case ToolCallOutputItem(raw_item=output):
                call_id = str(cast(Any, output)["call_id"])
                name = names.get(call_id, "")
                return _returned(call_id, name, event.item.output, succeeded)
    return None


def _called(call: Any, names: dict[str, str]) -> ToolCalled:
    names[call.call_id] = call.name
    try:
        arguments = json.loads(call.arguments)
    except json.JSONDecodeError:
        arguments = None
    if not isinstance(arguments, dict):
        # A model may write anything; the tool server refuses it, the user sees it.
        arguments = {"unreadable": call.arguments}
    return ToolCalled(id=call.call_id, name=call.name, arguments=arguments)


def _returned(
    call_id: str, name: str, output: Any, succeeded: Callable[[str], bool]
) -> ToolReturned:
    text = str(output.get("text")) if isinstance(output, dict) else str(output)
    try:
        result = json.loads(text)
    except json.JSONDecodeError:
        result = text
    return ToolReturned(id=call_id, name=name, ok=succeeded(call_id), result=result)
