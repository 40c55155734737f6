"""The tools of one turn, as far as no server is needed."""

import ssl

import pytest

from todo_chat.agent.tools import ToolsUnavailableError, TurnTools, tls_context


async def test_turns_share_one_tls_context(monkeypatch: pytest.MonkeyPatch) -> None:
    tls_context()

    def read_again(*_: object, **__: object) -> ssl.SSLContext:
        raise AssertionError("the authorities are read for each turn")

    monkeypatch.setattr(ssl, "create_default_context", read_again)
    monkeypatch.setattr("httpx2.create_ssl_context", read_again)
    for number in range(2):
        tools = TurnTools("http://127.0.0.1:1/mcp", "token", f"request-{number}")
        with pytest.raises(ToolsUnavailableError):
            await tools.start()
        await tools.cleanup()  # type: ignore[no-untyped-call]


async def test_after_a_lost_answer_no_other_call_is_sent() -> None:
    tools = TurnTools("http://127.0.0.1:1/mcp", "token", "request")
    tools.lost = ToolsUnavailableError("the answer before")
    with pytest.raises(ToolsUnavailableError, match="the answer before"):
        await tools.call_tool("add_task", {"title": "x"})
