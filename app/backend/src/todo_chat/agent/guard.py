"""What a model says, made fit for the rest of the turn: storable text, calls told apart."""

from collections.abc import AsyncIterator
from typing import Any

from agents import Model, ModelResponse
from agents.items import TResponseStreamEvent
from openai.types.responses import (
    ResponseCompletedEvent,
    ResponseFunctionToolCall,
    ResponseOutputItemAddedEvent,
    ResponseOutputItemDoneEvent,
    ResponseOutputMessage,
    ResponseOutputText,
    ResponseTextDeltaEvent,
)

REPLACEMENT = "\ufffd"
"""Unicode's own sign for what cannot be shown."""


def storable(text: str) -> str:
    """The text without what PostgreSQL (U+0000) or UTF-8 (half a surrogate pair) cannot hold."""
    return "".join(
        REPLACEMENT if char == "\x00" or "\ud800" <= char <= "\udfff" else char for char in text
    )


class GuardedModel(Model):
    """A model for one turn. Make a new one for each: it remembers the ids of the turn's calls."""

    def __init__(self, model: Model) -> None:
        self._model = model
        self._used: set[str] = set()

    async def get_response(self, *arguments: Any, **named: Any) -> ModelResponse:
        """See the base class."""
        response = await self._model.get_response(*arguments, **named)
        self._clean_output(response.output, {})
        return response

    async def stream_response(
        self, *arguments: Any, **named: Any
    ) -> AsyncIterator[TResponseStreamEvent]:
        """See the base class."""
        ids: dict[int, str] = {}
        async for event in self._model.stream_response(*arguments, **named):
            match event:
                case ResponseTextDeltaEvent():
                    event.delta = storable(event.delta)
                case ResponseOutputItemAddedEvent() | ResponseOutputItemDoneEvent():
                    self._clean_item(event.item, event.output_index, ids)
                case ResponseCompletedEvent():
                    self._clean_output(event.response.output, ids)
                case _:
                    pass
            yield event

    def _clean_output(self, output: list[Any], ids: dict[int, str]) -> None:
        for index, item in enumerate(output):
            self._clean_item(item, index, ids)

    def _clean_item(self, item: Any, index: int, ids: dict[int, str]) -> None:
        match item:
            case ResponseFunctionToolCall():
                item.arguments = storable(item.arguments)
                if index not in ids:
                    ids[index] = self._unique(item.call_id)
                item.call_id = ids[index]
            case ResponseOutputMessage():
                for part in item.content:
                    if isinstance(part, ResponseOutputText):
                        part.text = storable(part.text)
            case _:
                pass

    def _unique(self, call_id: str) -> str:
        """The id if it is one, else a new one: results are matched to calls by it."""
        if not call_id or call_id in self._used:
            call_id = f"call-{len(self._used) + 1}"
        self._used.add(call_id)
        return call_id
