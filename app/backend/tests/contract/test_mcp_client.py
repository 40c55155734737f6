"""The tool server through the official Python client."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, cast

import httpx2
import pytest
from mcp import Client
from mcp.client.streamable_http import streamable_http_client

from tests.support.world import Stack, User, World
from todo_chat.security import TurnClaims
from todo_chat.turn import CALL_META_KEY

TOOLS = {
    "add_task",
    "list_tasks",
    "complete_task",
    "delete_task",
    "restore_task",
    "update_task",
}


@asynccontextmanager
async def connect(url: str, token: str, mode: Any = "auto") -> AsyncIterator[Client]:
    headers = {"Authorization": f"Bearer {token}"}
    async with httpx2.AsyncClient(
        headers=headers, timeout=20, trust_env=False, verify=False
    ) as http:
        transport = streamable_http_client(f"{url}/mcp", http_client=http)
        async with Client(transport, mode=mode) as client:
            yield client


@pytest.mark.parametrize("mode", ["auto", "legacy"])
async def test_the_six_tools_by_any_protocol_era(stack: Stack, user: User, mode: str) -> None:
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


@pytest.mark.parametrize("title", ["null", '["milk"]', "true", "7", '"milk"', '{"a": 1}'])
async def test_text_stays_text_whatever_it_looks_like(stack: Stack, user: User, title: str) -> None:
    async with connect(stack.mcp, user.token) as client:
        added = (await client.call_tool("add_task", {"title": title})).structured_content
        assert added is not None
        await client.call_tool("update_task", {"task_id": added["id"], "title": f"{title} "})
        changed = {"task_id": added["id"], "title": title, "description": title}
        result = await client.call_tool("update_task", changed)
        assert result.is_error is False
    (task,) = user.tasks()
    assert (task["title"], task["description"]) == (title, title)


async def test_every_task_is_found_newest_first_in_pages_and_by_its_words(
    stack: Stack, user: User, world: World
) -> None:
    world.sql(
        "INSERT INTO tasks (user_id, title, description)"
        " SELECT :u, 'task ' || n, CASE n WHEN 7 THEN 'a 100%_Safe place' ELSE '' END"
        " FROM generate_series(1, 501) n",
        u=user.id,
    )
    found: list[str] = []
    async with connect(stack.mcp, user.token) as client:

        async def page(**arguments: Any) -> Any:
            result = await client.call_tool("list_tasks", arguments)
            assert result.is_error is False, result.content
            return result.structured_content

        listed = await page()
        found += [task["title"] for task in listed["tasks"]]
        while listed["truncated"]:
            listed = await page(before=listed["next_before"])
            found += [task["title"] for task in listed["tasks"]]
            assert listed["total"] == 501
        assert found == [f"task {number}" for number in range(501, 0, -1)]
        assert [task["title"] for task in (await page(search="TASK 201"))["tasks"]] == ["task 201"]
        assert [task["title"] for task in (await page(search="100%_safe"))["tasks"]] == ["task 7"]
        small = await page(limit=2, search="task 50")
        assert [task["title"] for task in small["tasks"]] == ["task 501", "task 500"]
        assert small["total"] == 3


async def test_what_is_deleted_can_be_restored_and_what_is_done_reopened(
    stack: Stack, user: User
) -> None:
    task = user.add_task("buy milk", description="two litres")
    async with connect(stack.mcp, user.token) as client:
        await client.call_tool("delete_task", {"task_id": task["id"]})
        assert user.tasks() == []
        trash = (await client.call_tool("list_tasks", {"status": "deleted"})).structured_content
        assert trash is not None
        assert [each["id"] for each in trash["tasks"]] == [task["id"]]
        for _ in range(2):
            restored = await client.call_tool("restore_task", {"task_id": task["id"]})
            assert restored.is_error is False
        await client.call_tool("complete_task", {"task_id": task["id"]})
        reopened = {"task_id": task["id"], "completed": False}
        assert (await client.call_tool("update_task", reopened)).is_error is False
    (again,) = user.tasks()
    assert {**again, "updated_at": ""} == {**task, "updated_at": ""}


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
        ("update_task", {"task_id": 1, "title": None}, "valid string"),
        ("update_task", {"task_id": 1, "title": ["milk"]}, "valid string"),
        ("update_task", {"task_id": True, "title": "x"}, "valid integer"),
        ("update_task", {"task_id": 1, "completed": "true"}, "valid boolean"),
        ("add_task", {"title": "x", "user_id": "somebody"}, "user_id"),
        ("add_task", {"title": "x", "due": "today", "priority": 1}, "priority"),
        ("list_tasks", {"user_id": "somebody"}, "user_id"),
        ("complete_task", {"task_id": 1, "done": True}, "done"),
        ("restore_task", {"task_id": 1, "user": "somebody"}, "user"),
        ("restore_task", {"task_id": 922337203685477580}, "among the deleted ones"),
        ("list_tasks", {"limit": 201}, "less than or equal to 200"),
        ("list_tasks", {"search": "x" * 201}, "at most 200"),
        ("drop_tables", {}, "Unknown tool"),
        ("add_task", {"title": "x", "due_at": "2030-03-01T17:00:00"}, "has no zone"),
        ("update_task", {"task_id": 1, "due_at": "tomorrow"}, "ISO 8601 with a zone"),
        ("update_task", {"task_id": 1, "due_at": None}, "valid string"),
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
    return httpx2.post(
        f"{url}/mcp", json=body, headers={**accept, **headers}, trust_env=False, verify=False
    )


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
    token = world.tokens.issue_for_turn(user.id, TurnClaims("turn-1", "attempt-1", "request-1"), 60)
    async with connect(stack.mcp, token) as client:
        assert (await client.call_tool("list_tasks", {})).is_error is False
    response = user.client.get(
        f"/api/{user.id}/tasks", headers={"Authorization": f"Bearer {token}"}
    )
    assert response.status_code == 401
    assert response.json()["error"]["code"] == "token_invalid"


async def test_a_turn_does_nothing_twice_whatever_its_attempts_say(
    stack: Stack, world: World, user: User
) -> None:
    async def add(attempt: str, number: int, title: str) -> Any:
        claims = TurnClaims("turn-2", attempt, "request-2")
        token = world.tokens.issue_for_turn(user.id, claims, 60)
        async with connect(stack.mcp, token) as client:
            result = await client.call_tool(
                "add_task", {"title": title}, meta=cast(Any, {CALL_META_KEY: number})
            )
            return result.structured_content

    milk = await add("1", 1, "buy milk")
    assert await add("1", 1, "buy milk") == milk, "sent again for want of an answer"
    assert (await add("1", 2, "buy milk"))["id"] != milk["id"], "the user wants two"
    assert await add("2", 1, "buy milk") == milk
    reworded = await add("2", 2, "Buy some milk!")
    assert reworded["title"] == "buy milk"
    assert "already done this" in reworded["note"]
    assert "note" not in await add("2", 3, "call mum"), "goes beyond"
    assert [task["title"] for task in user.tasks()] == ["buy milk", "buy milk", "call mum"]
    rows = world.sql(
        "SELECT attempt, call, outcome FROM tool_calls WHERE user_id = :u ORDER BY id", u=user.id
    )
    assert [tuple(row) for row in rows] == [
        ("1", 1, "ok"),
        ("1", 2, "ok"),
        ("2", 1, "repeated"),
        ("2", 2, "repeated"),
        ("2", 3, "ok"),
    ]


async def test_two_replicas_with_one_call_do_it_once(
    stack: Stack, world: World, user: User
) -> None:
    token = world.tokens.issue_for_turn(user.id, TurnClaims("turn-3", "attempt", "request"), 60)

    async def add() -> Any:
        async with connect(stack.mcp, token) as client:
            result = await client.call_tool(
                "add_task", {"title": "buy milk"}, meta=cast(Any, {CALL_META_KEY: 1})
            )
            return result.structured_content

    with world.mcp() as other:
        assert other != stack.mcp
        results = await asyncio.gather(*(add() for _ in range(5)))
    assert all(result == results[0] for result in results)
    assert len(user.tasks()) == 1


async def test_a_users_own_client_may_repeat_itself(stack: Stack, user: User) -> None:
    async with connect(stack.mcp, user.token) as client:
        for _ in range(2):
            await client.call_tool("add_task", {"title": "buy milk"})
    assert len(user.tasks()) == 2


async def test_due_dates(stack: Stack, user: User) -> None:
    async with connect(stack.mcp, user.token) as client:

        async def call(tool: str, **arguments: Any) -> dict[str, Any]:
            result = await client.call_tool(tool, arguments)
            assert result.is_error is False, result.content
            content: dict[str, Any] = result.structured_content
            return content

        added = await call("add_task", title="pay rent", due_at="2030-03-01T18:00:00+01:00")
        assert added["due_at"] == "2030-03-01T17:00:00Z"
        assert (await call("list_tasks"))["tasks"] == [added]
        later = await call("update_task", task_id=added["id"], due_at="2031-01-01T00:00:00Z")
        assert later == {**added, "due_at": "2031-01-01T00:00:00Z"}
        same = await call("update_task", task_id=added["id"], title="pay the rent")
        assert same["due_at"] == later["due_at"]
        assert "due_at" not in await call("update_task", task_id=added["id"], due_at="")
        assert "due_at" not in await call("add_task", title="buy milk")


async def test_a_call_without_a_due_date_is_recorded_as_the_release_before_did(
    stack: Stack, user: User, world: World
) -> None:
    async with connect(stack.mcp, user.token) as client:
        await client.call_tool("add_task", {"title": "buy milk"})
    rows = world.sql("SELECT arguments FROM tool_calls WHERE user_id = :u", u=user.id)
    assert [row.arguments for row in rows] == [{"title": "buy milk", "description": ""}]
