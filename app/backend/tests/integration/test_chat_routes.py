"""The chat routes with the real agent loop and the scripted model."""

import asyncio
import uuid

import httpx2
import pytest

from tests.support.world import User, World

ANSWERS = [
    ("hello", [], "to-do list"),
    ("add buy milk", ["add_task"], "Added task"),
    ("remind me to call mum", ["add_task"], "call mum"),
    ("show all my tasks", ["list_tasks"], "[ ] pay rent"),
    ("what's pending?", ["list_tasks"], "pay rent"),
    ("what have I completed", ["list_tasks"], "no such tasks"),
    ("complete pay rent", ["list_tasks", "complete_task"], "Completed task"),
    ("delete pay rent", ["list_tasks", "delete_task"], "Deleted task"),
    ("rename pay rent to pay the rent", ["list_tasks", "update_task"], "pay the rent"),
    ("delete something unheard of", ["list_tasks"], "no task called"),
    ("find rent", ["list_tasks"], "[ ] pay rent"),
    ("delete it", [], "Which task do you mean"),
    ("undo", [], "nothing that I could undo"),
    ("delete pay", ["list_tasks", "delete_task"], "Deleted task"),
    ("delete ren", ["list_tasks"], "no task called"),
    ("add " + "x" * 201, ["add_task"], "at most 200 characters"),
    ("delete task 922337203685477580", ["delete_task"], "There is no task"),
    ("sing me a song", [], "scripted model"),
]


@pytest.mark.parametrize(("message", "tools", "words"), ANSWERS, ids=[row[0] for row in ANSWERS])
def test_documented_phrases(user: User, message: str, tools: list[str], words: str) -> None:
    user.add_task("pay rent")
    answer = user.chat(message).json()
    assert [call["name"] for call in answer["tool_calls"]] == tools
    assert words in answer["response"]


def test_chat_changes_the_tasks_that_rest_shows(user: User) -> None:
    call = user.chat("add buy milk").json()["tool_calls"][0]
    assert call["ok"] is True
    (task,) = user.tasks()
    assert (task["id"], task["title"], task["completed"]) == (
        call["result"]["id"],
        "buy milk",
        False,
    )
    user.chat(f"complete task {task['id']}")
    assert user.tasks()[0]["completed"] is True
    user.chat("delete buy milk")
    assert user.tasks() == []


def test_it_and_undo_follow_the_conversation(user: User) -> None:
    unrelated = user.add_task("write it down")

    def say(message: str, conversation: int | None = None) -> tuple[str, int]:
        answer = user.chat(message, conversation_id=conversation).json()
        return answer["response"], answer["conversation_id"]

    _, conversation = say("add buy milk")
    for message, beginning in (
        ("complete it", "Completed task"),
        ("undo", "Reopened task"),
        ("delete it", "Deleted task"),
    ):
        answer, _ = say(message, conversation)
        assert answer.startswith(beginning)
    assert user.tasks() == [unrelated]
    assert say("undo", conversation)[0].startswith("Restored task")
    assert [task["title"] for task in user.tasks()] == ["write it down", "buy milk"]

    assert say("delete it")[0].startswith("Which task do you mean")
    user.add_task("buy bread")
    answer, conversation = say("delete buy")
    assert answer.startswith("Several tasks match")
    number = user.tasks()[-1]["id"]
    assert say(str(number), conversation)[0].startswith(f"Deleted task {number}: buy bread")
    assert [task["title"] for task in user.tasks()] == ["write it down", "buy milk"]


def test_an_old_task_among_many_is_found_by_its_name(user: User, world: World) -> None:
    world.sql(
        "INSERT INTO tasks (user_id, title) SELECT :u, 'task number ' || n"
        " FROM generate_series(1, 501) n",
        u=user.id,
    )
    assert user.chat("complete “task number 1”").json()["response"].startswith("Completed task")
    done = user.request("GET", "/tasks?status=completed").json()
    assert [task["title"] for task in done] == ["task number 1"]
    answer = user.chat("show all my tasks").json()["response"]
    assert "These are 200 of 501" in answer
    assert "task number 501" in answer.split("\n")[1], "newest first"


@pytest.mark.parametrize(
    "title",
    [
        "two\nlines",
        'she said "milk"',
        "שלום עולם",
        "👩‍👩‍👧‍👦 family",
        "null",
        '["milk"]',
        "x" * 200,
    ],
)
def test_any_title_goes_through_the_chat_as_it_is(user: User, title: str) -> None:
    answer = user.chat(f"add {title}").json()
    assert [task["title"] for task in user.tasks()] == [title]
    assert title in answer["response"]
    user.chat(f"delete {title}")
    assert user.tasks() == []


def test_a_conversation_grows_and_is_listed(user: User) -> None:
    first = user.chat("add buy milk").json()
    conversation = first["conversation_id"]
    second = user.chat("what's pending", conversation_id=conversation).json()
    assert second["conversation_id"] == conversation
    messages = user.messages(conversation)
    assert [(message["role"], message["content"]) for message in messages] == [
        ("user", "add buy milk"),
        ("assistant", first["response"]),
        ("user", "what's pending"),
        ("assistant", second["response"]),
    ]
    assert messages[1]["tool_calls"] == first["tool_calls"]
    assert messages[0]["idempotency_key"] == messages[1]["idempotency_key"]

    other = user.chat("hello").json()["conversation_id"]
    listed = user.request("GET", "/conversations").json()
    assert [(item["id"], item["title"]) for item in listed] == [
        (other, "hello"),
        (conversation, "add buy milk"),
    ]
    assert [
        item["id"] for item in user.request("GET", f"/conversations?before={other}").json()
    ] == [conversation]


def test_events_of_a_stream_come_in_order_and_add_up(user: User) -> None:
    user.add_task("buy milk")
    events = user.stream("delete buy milk")
    names = [event.name for event in events]
    assert names[:5] == ["start", "tool_call", "tool_result", "tool_call", "tool_result"]
    assert set(names[5:-1]) == {"delta"}
    assert names[-1] == "done"
    done = events[-1].data
    assert (
        "".join(event.data["text"] for event in events if event.name == "delta") == done["response"]
    )
    assert done["conversation_id"] == events[0].data["conversation_id"]
    assert [call["name"] for call in done["tool_calls"]] == ["list_tasks", "delete_task"]
    assert user.messages(done["conversation_id"])[1]["content"] == done["response"]


def test_a_repeated_key_gives_the_stored_answer_and_no_second_task(user: User) -> None:
    key = uuid.uuid4().hex
    first = user.chat("add buy milk", key).json()
    again = user.chat("add buy milk", key)
    assert again.status_code == 200
    assert again.json() == first
    assert again.json()["idempotency_key"] == key
    streamed = user.stream("add buy milk", key)
    assert [event.name for event in streamed] == ["start", "done"]
    assert streamed[-1].data == first
    assert len(user.tasks()) == 1
    assert len(user.messages(first["conversation_id"])) == 2


def test_a_key_of_another_message_is_refused(user: User) -> None:
    first = user.chat("hello", "the-key").json()
    for answer in (
        user.chat("add buy milk", "the-key"),
        user.chat("hello", "the-key", conversation_id=first["conversation_id"] + 1),
    ):
        assert answer.status_code == 422
        assert answer.json()["error"]["code"] == "idempotency_key_reused"
    assert user.tasks() == []


def test_keys_of_two_users_do_not_meet(user: User, stranger: User) -> None:
    assert user.chat("hello", "same-key").status_code == 200
    assert stranger.chat("add buy milk", "same-key").status_code == 200


async def test_one_key_sent_many_times_at_once_is_answered_once(user: User) -> None:
    key = uuid.uuid4().hex
    async with httpx2.AsyncClient(
        base_url=user.client.base_url, headers=user.client.headers, timeout=30, trust_env=False
    ) as client:

        async def send() -> int:
            response = await client.post(
                f"/api/{user.id}/chat",
                json={"message": "add buy milk"},
                headers={"Idempotency-Key": key},
            )
            return response.status_code

        statuses = await asyncio.gather(*(send() for _ in range(8)))
    assert set(statuses) <= {200, 409}
    assert 200 in statuses
    assert len(user.tasks()) == 1


@pytest.mark.parametrize("key", ["", "x" * 65, "two words", "ü"])
def test_bad_keys_are_refused(user: User, key: str) -> None:
    response = user.request(
        "POST",
        "/chat",
        json={"message": "hello"},
        headers=[("Idempotency-Key", key.encode())],
    )
    assert response.status_code == 422
    assert response.json()["error"]["code"] == "validation_error"


@pytest.mark.parametrize("route", ["/chat", "/chat/stream"])
@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        ({"message": ""}, 422, "validation_error"),
        ({"message": " \n "}, 422, "validation_error"),
        ({"message": "x" * 8001}, 422, "validation_error"),
        ({"message": "x" * 1_000_000}, 413, "payload_too_large"),
        ({}, 422, "validation_error"),
        ({"message": "hello", "conversation_id": 0}, 422, "validation_error"),
        ({"message": "hello", "conversationId": 1}, 422, "validation_error"),
        (
            {"message": "hello", "conversation_id": 9223372036854775807},
            404,
            "conversation_not_found",
        ),
    ],
    ids=[
        "empty",
        "blank",
        "too long",
        "a megabyte",
        "missing",
        "bad id",
        "unknown field",
        "unknown conversation",
    ],
)
def test_bad_messages_are_refused_before_anything_is_stored(
    user: User, route: str, body: dict[str, object], status: int, code: str
) -> None:
    response = user.request("POST", route, json=body)
    assert response.status_code == status
    assert response.json()["error"]["code"] == code
    assert user.request("GET", "/conversations").json() == []


def test_another_users_conversation_looks_like_none(user: User, stranger: User) -> None:
    theirs = stranger.chat("hello").json()["conversation_id"]
    for response in (
        user.chat("hello", conversation_id=theirs),
        user.request("GET", f"/conversations/{theirs}/messages"),
    ):
        assert response.status_code == 404
        assert response.json()["error"]["code"] == "conversation_not_found"
    assert len(stranger.messages(theirs)) == 2


def test_a_client_that_leaves_does_not_stop_its_turn(user: User, world: World) -> None:
    key = uuid.uuid4().hex
    with user.client.stream(
        "POST",
        f"/api/{user.id}/chat/stream",
        json={"message": "add buy milk"},
        headers={"Idempotency-Key": key},
    ) as response:
        next(response.iter_lines())  # the start event: the message is stored
    for _ in range(50):
        answer = user.chat("add buy milk", key)
        if answer.status_code == 200:
            break
        assert answer.json()["error"]["code"] == "turn_in_progress"
        assert int(answer.headers["Retry-After"]) >= 1
    assert answer.status_code == 200
    assert len(user.tasks()) == 1
    calls = world.sql("SELECT tool FROM tool_calls WHERE user_id = :u", u=user.id)
    assert [call.tool for call in calls] == ["add_task"]
