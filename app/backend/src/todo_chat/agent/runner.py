"""One turn of the Agents SDK's loop, with the MCP server as the only source of tools."""

import json
import logging
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from typing import Any

import httpx2
from agents import (
    Agent,
    AgentsException,
    MaxTurnsExceeded,
    Model,
    OpenAIChatCompletionsModel,
    RunConfig,
    RunItemStreamEvent,
    Runner,
    StreamEvent,
)
from agents.items import ToolCallItem, ToolCallOutputItem
from agents.mcp import MCPServerStreamableHttp, MCPToolMetaContext
from openai import APIConnectionError, APIError, APITimeoutError, AsyncOpenAI
from openai.types.responses import ResponseTextDeltaEvent

from todo_chat.agent.scripted import NAME as SCRIPTED_NAME
from todo_chat.agent.scripted import ScriptedModel
from todo_chat.settings import AgentSettings
from todo_chat.turn import (
    Delta,
    Failed,
    Finished,
    HistoryMessage,
    ModelInfo,
    ToolCalled,
    ToolReturned,
    TurnEvent,
)
from todo_chat.web.request_id import HEADER

log = logging.getLogger(__name__)

MAX_STEPS = 10
"""Model calls in one turn; a model that loops is cut off."""
MCP_TIMEOUT_SECONDS = 10.0
ORDINAL_META_KEY = "todo-chat/ordinal"
"""Contract with the tool server: how many equal calls this turn made before."""

INSTRUCTIONS = (
    "You look after the user's to-do list. Use the tools for everything that concerns tasks and "
    "never claim a change that no tool has confirmed. To complete, delete or update a task that "
    "is named rather than numbered, list the tasks first; if several match, ask which one. You "
    "act only for the current user; there is no way to reach anyone else's tasks. Answer briefly."
)


class ToolsUnavailableError(Exception):
    """The MCP server could not be reached or refused the token."""


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
    )
    model = OpenAIChatCompletionsModel(model=settings.model_name, openai_client=client)
    return ChosenModel(model, ModelInfo(name=settings.model_name, kind="llm"), client.close)


class _Ordinals:
    """Numbers equal tool calls of one turn, so that a repeated turn is recognised."""

    def __init__(self) -> None:
        self._seen: Counter[str] = Counter()

    def meta(self, context: MCPToolMetaContext) -> dict[str, Any]:
        call = json.dumps([context.tool_name, context.arguments], sort_keys=True)
        ordinal = self._seen[call]
        self._seen[call] += 1
        return {ORDINAL_META_KEY: ordinal}


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
        server = MCPServerStreamableHttp(
            params={
                "url": self._mcp_url,
                "headers": {"Authorization": f"Bearer {token}", HEADER: request_id},
                "timeout": MCP_TIMEOUT_SECONDS,
            },
            name="todo-chat",
            cache_tools_list=True,
            client_session_timeout_seconds=MCP_TIMEOUT_SECONDS,
            tool_meta_resolver=_Ordinals().meta,
        )
        try:
            await _connect(server)
            try:
                async for event in self._loop(server, history):
                    yield event
            finally:
                await server.cleanup()  # type: ignore[no-untyped-call]
        except Exception as error:
            yield _as_failure(error)

    async def _loop(
        self, server: MCPServerStreamableHttp, history: list[HistoryMessage]
    ) -> AsyncIterator[TurnEvent]:
        agent = Agent(
            name="todo-chat", instructions=INSTRUCTIONS, model=self._model, mcp_servers=[server]
        )
        result = Runner.run_streamed(
            agent,
            [{"role": message.role, "content": message.content} for message in history],
            max_turns=MAX_STEPS,
            run_config=RunConfig(tracing_disabled=True),
        )
        names: dict[str, str] = {}
        async for event in result.stream_events():
            if (translated := _translate(event, names)) is not None:
                yield translated
        yield Finished(response=str(result.final_output))


async def _connect(server: MCPServerStreamableHttp) -> None:
    """Connect and fetch the tools, before any model is asked.

    Raises:
        ToolsUnavailableError: not reachable, or it refused the token.
    """
    try:
        await server.connect()  # type: ignore[no-untyped-call]
        await server.list_tools()
    except Exception as error:
        raise ToolsUnavailableError(f"{type(error).__name__}: {error}") from error


def _translate(event: StreamEvent, names: dict[str, str]) -> TurnEvent | None:
    if event.type == "raw_response_event" and isinstance(event.data, ResponseTextDeltaEvent):
        return Delta(text=event.data.delta)
    if isinstance(event, RunItemStreamEvent):
        match event.item:
            case ToolCallItem(raw_item=call):
                return _called(call, names)
            case ToolCallOutputItem(raw_item=output):
                return _returned(output, event.item.output, names)
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


def _returned(raw: Any, output: Any, names: dict[str, str]) -> ToolReturned:
    call_id = raw["call_id"]
    text = str(output.get("text")) if isinstance(output, dict) else str(output)
    try:
        result, ok = json.loads(text), True
    except json.JSONDecodeError:
        result, ok = text, False
    return ToolReturned(id=call_id, name=names.get(call_id, ""), ok=ok, result=result)


def _as_failure(error: Exception) -> Failed:
    log.warning("turn failed", extra={"reason": f"{type(error).__name__}: {error}"})
    match error:
        case ToolsUnavailableError():
            return Failed(
                code="tools_unavailable",
                message="The task tools cannot be reached. Your message is saved; "
                "send it again in a moment.",
            )
        case APITimeoutError():
            return Failed(
                code="turn_timeout",
                message="The language model took too long. Your message is saved; send it again.",
            )
        case APIConnectionError() | APIError():
            return Failed(
                code="model_unavailable",
                message="The language model cannot be reached. Your message is saved; "
                "send it again in a moment.",
            )
        case MaxTurnsExceeded() | AgentsException():
            return Failed(
                code="agent_failed",
                message="The assistant could not finish this. Say it in smaller steps.",
            )
        case _:
            log.error("unexpected error", exc_info=error)
            return Failed(
                code="agent_failed",
                message="The assistant broke off. Your message is saved; send it again.",
            )
