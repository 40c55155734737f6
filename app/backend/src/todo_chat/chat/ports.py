"""The agent as the chat service sees it."""

from collections.abc import AsyncGenerator, Sequence
from typing import Protocol

from todo_chat.turn import HistoryMessage, ModelInfo, TurnEvent


class Agent(Protocol):
    """Answers a conversation."""

    def answer(
        self, history: Sequence[HistoryMessage], token: str, request_id: str
    ) -> AsyncGenerator[TurnEvent, None]:
        """The events of one turn; the last is ``Finished`` or ``Failed``.

        Args:
            history: the conversation, oldest first, ending with the message to answer.
            token: bearer token that the agent hands to the tools.
            request_id: id of the request, for the logs of all processes.

        Raises:
            AgentUnavailableError: no answer, or it ended early.
        """
        ...

    async def model_info(self) -> ModelInfo:
        """Which model the agent uses.

        Raises:
            AgentUnavailableError: no answer.
        """
        ...
