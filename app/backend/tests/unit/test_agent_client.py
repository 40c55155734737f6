"""The agent over HTTP, when it misbehaves."""

import httpx2
import pytest

from todo_chat.chat.agent_client import HttpAgent
from todo_chat.chat.errors import AgentUnavailableError
from todo_chat.turn import Delta, Finished, HistoryMessage, ModelInfo, TurnEvent

HISTORY = [HistoryMessage(role="user", content="hello")]


async def events(response: httpx2.Response) -> list[TurnEvent]:
    agent = HttpAgent("http://agent", 1, httpx2.MockTransport(lambda _: response))
    try:
        return [event async for event in agent.answer(HISTORY, "token", "request")]
    finally:
        await agent.close()


async def test_events_until_the_last() -> None:
    lines = '{"type":"delta","text":"he"}\n{"type":"done","response":"hey"}\n{"type":"nothing"}\n'
    assert await events(httpx2.Response(200, text=lines)) == [
        Delta(text="he"),
        Finished(response="hey"),
    ]


@pytest.mark.parametrize(
    ("response", "words"),
    [
        (httpx2.Response(500), "answered 500"),
        (httpx2.Response(401), "answered 401"),
        (httpx2.Response(200, text=""), "ended early"),
        (httpx2.Response(200, text='{"type":"delta","text":"he"}\n'), "ended early"),
        (httpx2.Response(200, text="no json\n"), "ValidationError"),
        (httpx2.Response(200, text='{"type":"other"}\n'), "ValidationError"),
    ],
)
async def test_anything_else_is_an_unavailable_agent(response: httpx2.Response, words: str) -> None:
    with pytest.raises(AgentUnavailableError, match=words):
        await events(response)


async def test_token_and_request_id_are_sent() -> None:
    def answer(request: httpx2.Request) -> httpx2.Response:
        assert request.headers["Authorization"] == "Bearer token"
        assert request.headers["X-Request-Id"] == "request"
        return httpx2.Response(200, text='{"type":"done","response":"hey"}\n')

    agent = HttpAgent("http://agent", 1, httpx2.MockTransport(answer))
    assert [event async for event in agent.answer(HISTORY, "token", "request")]


@pytest.mark.parametrize("response", [httpx2.Response(500), httpx2.Response(200, text="{}")])
async def test_model_info_needs_a_proper_answer(response: httpx2.Response) -> None:
    agent = HttpAgent("http://agent", 1, httpx2.MockTransport(lambda _: response))
    with pytest.raises(AgentUnavailableError):
        await agent.model_info()


async def test_model_info() -> None:
    body = {"name": "scripted model", "kind": "scripted"}
    agent = HttpAgent(
        "http://agent", 1, httpx2.MockTransport(lambda _: httpx2.Response(200, json=body))
    )
    assert await agent.model_info() == ModelInfo(name="scripted model", kind="scripted")
