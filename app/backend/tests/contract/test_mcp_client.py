"""The tool server through the official Python client."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, cast

import httpx2
import pytest
from mcp import Client
from mcp.client.streamable_http import streamable_http_client

from tests.support.world import Stack, User, World
from todo_chat.mcp.calls import ORDINAL_META_KEY

TOOLS = {"add_task", "list_tasks", "complete_task", "delete_task", "update_task"}


@asynccontextmanager
async def connect(url: str, token: str, mode: Any = "auto") -> AsyncIterator[Client]:
    headers = {"Authorization": f"Bearer {token}"}
    async with httpx2.AsyncClient(headers=headers, timeout=20, trust_env=False) as http:
        transport = streamable_http_client(f"{url}/mcp", http_client=http)
        async with Client(transport, mode=mode) as client:
            yield client


@pytest.mark.parametrize("mode", ["auto", "legacy"])
async def test_the_five_tools_by_any_protocol_era(stack: Stack, user: User, mode: str) -> None:
    async with connect(stack.mcp, user.token, mode) as client:
        listed = (await client.list_tools()).tools
        assert {tool.name for tool in listed} == TOOLS
        assert all(tool.description for tool in listed)

        added = (await client.call_tool("add_task", {"title": "buy milk"})).structured_content
        assert added is not None
        task_id = added["id"]
        assert added == {"id": task_id, "title": "buy milk", "description": "", "completed": False}

        changed = await client.call_tool("update_task", {"task_id": task_id, "description": "oat"})
        assert changed.structured_content == {**added, "description": "oat"}
        done = await client.call_tool("complete_task", {"task_id": task_id})
        assert done.structured_content == {**added, "description": "oat", "completed": True}
        for status, count in (("all", 1), ("completed", 1), ("pending", 0)):
            found = (await client.call_tool("list_tasks", {"status": status})).structured_content
            assert found is not None
            assert len(found["tasks"]) == count
        assert user.tasks()[0]["description"] == "oat"
        gone = await client.call_tool("delete_task", {"task_id": task_id})
        assert gone.is_error is False
    assert user.tasks() == []


async def test_no_schema_mentions_the_user(stack: Stack, user: User) -> None:
    async with connect(stack.mcp, user.token) as client:
        for tool in (await client.list_tools()).tools:
            assert "user" not in tool.input_schema["properties"]
            assert "user_id" not in tool.input_schema["properties"]
            assert "context" not in tool.input_schema["properties"]


@pytest.mark.parametrize(
    ("tool", "arguments", "words"),
    [
        ("complete_task", {"task_id": 922337203685477580}, "There is no task"),
        ("delete_task", {"task_id": 0}, "greater than or equal to 1"),
        ("delete_task", {"task_id": 2**63}, "less than or equal to"),
        ("delete_task", {"task_id": "one"}, "valid integer"),
        ("delete_task", {}, "Field required"),
        ("add_task", {"title": " "}, "at least 1 character"),
        ("add_task", {"title": "x" * 201}, "at most 200 characters"),
        ("add_task", {"title": "nul \x00"}, "U+0000"),
        ("list_tasks", {"status": "lost"}, "pending"),
        ("update_task", {"task_id": 1}, "Give at least one of title, description"),
        ("drop_tables", {}, "Unknown tool"),
    ],
)
async def test_bad_calls_are_tool_errors_that_change_nothing(
    stack: Stack, user: User, tool: str, arguments: dict[str, Any], words: str
) -> None:
    task = user.add_task()
    async with connect(stack.mcp, user.token) as client:
        result = await client.call_tool(tool, arguments)
        assert result.is_error is True
        assert words in result.content[0].text  # type: ignore[union-attr]
    assert user.tasks() == [task]


async def test_another_users_task_looks_like_none(stack: Stack, user: User, stranger: User) -> None:
    theirs = stranger.add_task("private")
    async with connect(stack.mcp, user.token) as client:
        for tool in ("complete_task", "delete_task"):
            result = await client.call_tool(tool, {"task_id": theirs["id"]})
            assert result.is_error is True
            assert "There is no task" in result.content[0].text  # type: ignore[union-attr]
    assert stranger.tasks() == [theirs]


def ping(url: str, headers: dict[str, str]) -> httpx2.Response:
    body = {"jsonrpc": "2.0", "id": 1, "method": "tools/list", "params": {}}
    accept = {"Accept": "application/json, text/event-stream"}
    return httpx2.post(f"{url}/mcp", json=body, headers={**accept, **headers}, trust_env=False)


def test_no_valid_token_no_tools(stack: Stack, world: World, user: User) -> None:
    expired, _ = world.tokens.issue_for_user(user.id, -60)
    refused = ["", "Bearer", "Bearer x", f"Bearer {expired}", f"Basic {user.token}"]
    for authorization in refused:
        response = ping(stack.mcp, {"Authorization": authorization})
        assert response.status_code == 401, authorization
        assert response.headers["WWW-Authenticate"].startswith("Bearer")


def test_only_allowed_hosts_and_origins_are_answered(world: World, user: User) -> None:
    with world.mcp(mcp_allowed_hosts=["mcp:8002"], mcp_allowed_origins=["https://ok"]) as url:
        token = {"Authorization": f"Bearer {user.token}"}
        assert ping(url, {**token, "Host": "mcp:8002"}).status_code == 200
        assert ping(url, {**token, "Host": "mcp:8002", "Origin": "https://ok"}).status_code == 200
        assert ping(url, {**token, "Host": "evil.example"}).status_code == 421
        origin = {**token, "Host": "mcp:8002", "Origin": "https://evil.example"}
        assert ping(url, origin).status_code == 403


def test_a_megabyte_is_refused(stack: Stack, user: User) -> None:
    response = httpx2.post(
        f"{stack.mcp}/mcp",
        content=b"x" * 1_000_000,
        headers={
            "Authorization": f"Bearer {user.token}",
            "Content-Type": "application/json",
            "Accept": "application/json, text/event-stream",
        },
        trust_env=False,
    )
    assert response.status_code == 413


async def test_a_turns_token_opens_the_tools_and_nothing_else(
    stack: Stack, world: World, user: User
) -> None:
    token = world.tokens.issue_for_turn(user.id, "turn-1", "request-1", 60)
    async with connect(stack.mcp, token) as client:
        assert (await client.call_tool("list_tasks", {})).is_error is False
    response = user.client.get(
        f"/api/{user.id}/tasks", headers={"Authorization": f"Bearer {token}"}
    )
    assert response.status_code == 401
    assert response.json()["error"]["code"] == "token_invalid"


async def test_a_repeated_call_of_a_turn_is_done_once(
    stack: Stack, world: World, user: User
) -> None:
    token = world.tokens.issue_for_turn(user.id, "turn-2", "request-2", 60)

    async def add(title: str, ordinal: int) -> Any:
        async with connect(stack.mcp, token) as client:
            result = await client.call_tool(
                "add_task", {"title": title}, meta=cast(Any, {ORDINAL_META_KEY: ordinal})
            )
            return result.structured_content

    first = await add("buy milk", 0)
    assert await add("buy milk", 0) == first
    assert await add("buy milk", 1) != first
    assert await add("call mum", 0) != first
    titles = [task["title"] for task in user.tasks()]
    assert titles == ["buy milk", "buy milk", "call mum"]


async def test_a_users_own_client_may_repeat_itself(stack: Stack, user: User) -> None:
    async with connect(stack.mcp, user.token) as client:
        for _ in range(2):
            await client.call_tool("add_task", {"title": "buy milk"})
    assert len(user.tasks()) == 2
