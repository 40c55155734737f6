"""Names, deletion and search of conversations."""

import pytest

from tests.support.world import User, World


def titles(user: User, query: str = "") -> list[str]:
    answer = user.request("GET", f"/conversations{query}")
    assert answer.status_code == 200, answer.text
    return [item["title"] for item in answer.json()]


def begin(user: User, message: str = "hello") -> int:
    conversation: int = user.chat(message).json()["conversation_id"]
    return conversation


def rename(user: User, conversation: int, title: object) -> int:
    path = f"/conversations/{conversation}"
    return user.request("PATCH", path, json={"title": title}).status_code


def test_a_name_takes_the_place_of_the_first_message(user: User) -> None:
    conversation = begin(user)
    answer = user.request("PATCH", f"/conversations/{conversation}", json={"title": " Tea שלום "})
    assert (answer.status_code, answer.json()["title"]) == (200, "Tea שלום")
    user.chat("what's pending", conversation_id=conversation)
    assert titles(user) == ["Tea שלום"]


@pytest.mark.parametrize("title", ["", "   ", "x" * 81, "\x00", None, ["tea"]])
def test_what_is_no_name_is_refused(user: User, title: object) -> None:
    conversation = begin(user)
    assert rename(user, conversation, title) == 422
    assert titles(user) == ["hello"]


def test_a_deleted_conversation_is_gone_with_its_messages_and_the_tasks_stay(
    user: User, world: World
) -> None:
    kept, gone = begin(user), begin(user, "add buy milk")
    assert user.request("DELETE", f"/conversations/{gone}").status_code == 204
    assert titles(user) == ["hello"]
    assert user.request("GET", f"/conversations/{gone}/messages").status_code == 404
    left = world.sql("SELECT DISTINCT conversation_id FROM messages WHERE user_id = :u", u=user.id)
    assert [row.conversation_id for row in left] == [kept]
    assert [task["title"] for task in user.tasks()] == ["buy milk"]
    assert user.request("DELETE", f"/conversations/{gone}").status_code == 404
    assert user.chat("hello", conversation_id=gone).status_code == 404


def test_a_conversation_is_found_by_its_name_and_by_what_was_said(user: User) -> None:
    tea = begin(user, "add Green Tea")
    begin(user, "add 100% juice")
    assert rename(user, tea, "Drinks") == 200
    assert titles(user, "?search=green tea") == ["Drinks"]
    assert titles(user, "?search=dRINK") == ["Drinks"]
    assert titles(user, "?search=100%25") == ["add 100% juice"]
    assert titles(user, "?search=a_d") == [], "no wildcards"
    assert titles(user, "?search=%20") == ["add 100% juice", "Drinks"]
    assert titles(user, "?search=add&limit=1") == ["add 100% juice"]
    assert user.request("GET", f"/conversations?search={'x' * 201}").status_code == 422
    assert user.request("GET", "/conversations?search=%00").status_code == 422


def test_nobody_reaches_the_conversation_of_another_user(user: User, stranger: User) -> None:
    conversation = begin(user)
    assert rename(stranger, conversation, "stolen") == 404
    assert stranger.request("DELETE", f"/conversations/{conversation}").status_code == 404
    assert titles(stranger, "?search=hello") == []
    assert titles(user) == ["hello"]
