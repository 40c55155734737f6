"""The agent over HTTP."""

from collections.abc import AsyncGenerator, Sequence

import httpx2
from pydantic import ValidationError

from todo_chat.chat.errors import AgentUnavailableError
from todo_chat.turn import (
    TURN_EVENT,
    Failed,
    Finished,
    HistoryMessage,
    ModelInfo,
    TurnEvent,
    TurnRequest,
)
from todo_chat.web.request_id import HEADER

CONNECT_TIMEOUT_SECONDS = 2.0
INFO_TIMEOUT_SECONDS = 1.5
CONNECT_RETRIES = 2
"""Only failed connects are repeated: nothing was sent yet."""


class HttpAgent:
    """Adapter of the :class:`todo_chat.chat.ports.Agent` port. Close it when done."""

    def __init__(
        self,
        url: str,
        read_timeout_seconds: float,
        transport: httpx2.AsyncBaseTransport | None = None,
    ) -> None:
        self._client = httpx2.AsyncClient(
            base_url=url,
            timeout=httpx2.Timeout(read_timeout_seconds, connect=CONNECT_TIMEOUT_SECONDS),
            transport=transport
            or httpx2.AsyncHTTPTransport(
                retries=CONNECT_RETRIES,
                limits=httpx2.Limits(max_connections=500, max_keepalive_connections=50),
            ),
            trust_env=False,
        )

    async def answer(
        self, history: Sequence[HistoryMessage], token: str, request_id: str
    ) -> AsyncGenerator[TurnEvent, None]:
        """See the port."""
        try:
            async with self._client.stream(
                "POST",
                "/turn",
                content=TurnRequest(messages=list(history)).model_dump_json(),
                headers={
                    "Authorization": f"Bearer {token}",
                    "Content-Type": "application/json",
                    HEADER: request_id,
                },
            ) as response:
                if response.status_code != httpx2.codes.OK:
                    raise AgentUnavailableError(f"the agent answered {response.status_code}")
                async for line in response.aiter_lines():
                    event = TURN_EVENT.validate_json(line)
                    yield event
                    if isinstance(event, Finished | Failed):
                        return
        except (httpx2.HTTPError, ValidationError) as error:
            raise AgentUnavailableError(f"{type(error).__name__}: {error}") from error
        raise AgentUnavailableError("the agent's answer ended early")

    async def model_info(self) -> ModelInfo:
        """See the port."""
        try:
            response = await self._client.get("/info", timeout=INFO_TIMEOUT_SECONDS)
            response.raise_for_status()
            return ModelInfo.model_validate_json(response.content)
        except (httpx2.HTTPError, ValidationError) as error:
            raise AgentUnavailableError(type(error).__name__) from error

    async def close(self) -> None:
        """Close the connections."""
        await self._client.aclose()
