"""The scripted model: stands in for an LLM behind the Agents SDK's model interface.

Only the language model is replaced. The SDK's loop, its tool calls over MCP and its
streaming are the real ones.
"""

import json
import re
import time
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from typing import Any

from agents import Model, ModelResponse, ModelSettings, ModelTracing, Tool, Usage
from agents.agent_output import AgentOutputSchemaBase
from agents.handoffs import Handoff
from agents.items import TResponseInputItem, TResponseStreamEvent
from openai.types.responses import (
    Response,
    ResponseCompletedEvent,
    ResponseFunctionToolCall,
    ResponseOutputMessage,
    ResponseOutputText,
    ResponseTextDeltaEvent,
)
from openai.types.responses.response_prompt_param import ResponsePromptParam

from todo_chat.agent.policy import Before, Outcome, Say, Use, next_step, resolve

NAME = "scripted model"

_PIECE = re.compile(r"\s*\S+\s*$|\s*\S+")


class ScriptedModel(Model):
    """Deterministic: the same conversation and the same tool results give the same step."""

    async def get_response(
        self,
        system_instructions: str | None,
        input: str | list[TResponseInputItem],
        model_settings: ModelSettings,
        tools: list[Tool],
        output_schema: AgentOutputSchemaBase | None,
        handoffs: list[Handoff[Any, Any]],
        tracing: ModelTracing,
        *,
        previous_response_id: str | None = None,
        conversation_id: str | None = None,
        prompt: ResponsePromptParam | None = None,
    ) -> ModelResponse:
        """The next step as one piece."""
        return ModelResponse(output=[_output_item(input)], usage=Usage(), response_id=None)

    async def stream_response(
        self,
        system_instructions: str | None,
        input: str | list[TResponseInputItem],
        model_settings: ModelSettings,
        tools: list[Tool],
        output_schema: AgentOutputSchemaBase | None,
        handoffs: list[Handoff[Any, Any]],
        tracing: ModelTracing,
        *,
        previous_response_id: str | None = None,
        conversation_id: str | None = None,
        prompt: ResponsePromptParam | None = None,
    ) -> AsyncIterator[TResponseStreamEvent]:
        """The next step; a text comes word by word."""
        item = _output_item(input)
        sequence = 0
        if isinstance(item, ResponseOutputMessage):
            for piece in split_pieces(_text_of(item)):
                yield ResponseTextDeltaEvent(
                    type="response.output_text.delta",
                    item_id=item.id,
                    output_index=0,
                    content_index=0,
                    delta=piece,
                    logprobs=[],
                    sequence_number=sequence,
                )
                sequence += 1
        yield ResponseCompletedEvent(
            type="response.completed", sequence_number=sequence, response=_response(item)
        )


def split_pieces(text: str) -> list[str]:
    """The text in pieces of one word with the space before it; joined they give the text."""
    return _PIECE.findall(text)


@dataclass(frozen=True)
class Reading:
    """The user's last message, what was said before it, the tool results and calls since then."""

    message: str
    before: Before
    outcomes: list[Outcome]
    calls: int


def read_turn(items: Sequence[Any]) -> Reading:
    """What a conversation says, as far as the scripted model looks at it."""
    message, answer, before = "", "", Before()
    outcomes, names = list[Outcome](), dict[str, str]()
    for item in items:
        if item.get("role") == "user":
            before = Before(message, answer)
            message, answer = _text_of_content(item.get("content")), ""
            outcomes, names = [], {}
        elif item.get("role") == "assistant":
            answer = _text_of_content(item.get("content"))
        elif item.get("type") == "function_call":
            names[item["call_id"]] = item["name"]
        elif item.get("type") == "function_call_output":
            name = names.get(item["call_id"], "")
            outcomes.append(Outcome(name, _tool_text(item["output"])))
    return Reading(message, before, outcomes, len(names))


def _text_of_content(content: Any) -> str:
    if isinstance(content, str):
        return content
    parts = content if isinstance(content, list) else [content]
    return "".join(part["text"] for part in parts if isinstance(part, dict) and "text" in part)


def _tool_text(output: Any) -> str:
    """A tool's answer may arrive as the JSON of one text content."""
    text = _text_of_content(output)
    try:
        part = json.loads(text)
    except json.JSONDecodeError:
        return text
    if isinstance(part, dict) and part.get("type") == "text" and isinstance(part.get("text"), str):
        return str(part["text"])
    return text


def _output_item(
    given: str | list[TResponseInputItem],
) -> ResponseOutputMessage | ResponseFunctionToolCall:
    items = [{"role": "user", "content": given}] if isinstance(given, str) else given
    turn = read_turn(items)
    match next_step(resolve(turn.message, turn.before), turn.outcomes):
        case Say(text=text):
            return ResponseOutputMessage(
                id=f"message_{turn.calls}",
                type="message",
                role="assistant",
                status="completed",
                content=[ResponseOutputText(type="output_text", text=text, annotations=[])],
            )
        case Use(tool=tool, arguments=arguments):
            call_id = f"call_{turn.calls + 1}"
            return ResponseFunctionToolCall(
                id=call_id,
                call_id=call_id,
                type="function_call",
                name=tool,
                arguments=json.dumps(arguments, ensure_ascii=False),
            )


def _text_of(item: ResponseOutputMessage) -> str:
    return "".join(part.text for part in item.content if isinstance(part, ResponseOutputText))


def _response(item: ResponseOutputMessage | ResponseFunctionToolCall) -> Response:
    return Response(
        id="scripted",
        object="response",
        created_at=time.time(),
        model=NAME,
        output=[item],
        parallel_tool_calls=False,
        tool_choice="auto",
        tools=[],
    )
