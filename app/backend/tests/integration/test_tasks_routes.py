"""REST routes for tasks."""

import json
from typing import Any

import pytest

from tests.support.world import User, World


def test_a_task_lives_from_post_to_delete(user: User) -> None:
    task = user.add_task("buy milk", description="two litres")
    assert task["user_id"] == user.id
    assert (task["title"], task["description"], task["completed"]) == (
        "buy milk",
        "two litres",
        False,
    )
    path = f"/tasks/{task['id']}"
    assert user.request("GET", path).json() == task

    changed = user.request("PATCH", path, json={"title": "buy oat milk"}).json()
    assert (changed["title"], changed["description"]) == ("buy oat milk", "two litres")
    assert changed["updated_at"] > task["updated_at"]

    replaced = user.request(
        "PUT", path, json={"title": "rest", "description": "", "completed": True}
    ).json()
    assert (replaced["title"], replaced["description"], replaced["completed"]) == ("rest", "", True)

    assert user.request("DELETE", path).status_code == 204
    assert user.request("GET", path).status_code == 404


def test_a_deleted_task_is_in_the_trash_until_it_is_restored(user: User) -> None:
    kept, task = user.add_task("kept"), user.add_task("buy milk", description="two litres")
    path = f"/tasks/{task['id']}"
    user.request("PATCH", path, json={"completed": True})
    user.request("DELETE", path)
    assert user.tasks() == [kept]
    (deleted,) = user.request("GET", "/tasks?status=deleted").json()
    assert deleted["id"] == task["id"]
    assert deleted["deleted_at"] is not None
    assert user.request("DELETE", path).status_code == 404
    for _ in range(2):
        restored = user.request("POST", f"{path}/restore")
        assert restored.status_code == 200
        assert restored.json()["deleted_at"] is None
    unchanged = ("id", "title", "description", "created_at")
    (again,) = [each for each in user.tasks() if each["id"] == task["id"]]
    assert [again[name] for name in unchanged] == [task[name] for name in unchanged]
    assert again["completed"] is True
    assert user.request("GET", "/tasks?status=deleted").json() == []


def test_the_trash_is_kept_for_30_days(user: User, world: World) -> None:
    task = user.add_task()
    user.request("DELETE", f"/tasks/{task['id']}")

    def aged(days: int) -> None:
        world.sql(
            "UPDATE deleted_tasks SET deleted_at = now() - make_interval(days => :d) "
            "WHERE user_id = :u",
            d=days,
            u=user.id,
        )

    aged(29)
    assert len(user.request("GET", "/tasks?status=deleted").json()) == 1
    aged(31)
    assert user.request("GET", "/tasks?status=deleted").json() == []
    refused = user.request("POST", f"/tasks/{task['id']}/restore")
    assert refused.status_code == 404
    assert refused.json()["error"]["code"] == "task_not_found"
    user.request("DELETE", f"/tasks/{user.add_task()['id']}")
    rows = world.sql("SELECT id FROM deleted_tasks WHERE user_id = :u", u=user.id)
    assert task["id"] not in [row.id for row in rows]


TITLES = [
    "two\nlines and a\ttab",
    'she said "milk" and left',
    "it’s ‘quoted’ «so» “or so”",
    "שלום עולם",
    "مهمة مع 123 أرقام",
    "\u202ereversed\u202c",
    "👩‍👩‍👧‍👦 family 🇩🇪 e\u0301",
    "<b>bold</b> & %s {x} \\n ; DROP TABLE tasks --",
    "x" * 200,
    "👍" * 200,
]


@pytest.mark.parametrize("title", TITLES, ids=lambda title: title[:12].encode("unicode_escape"))
def test_any_text_is_kept_as_it_is(user: User, title: str) -> None:
    task = user.add_task(title, description=title)
    assert (task["title"], task["description"]) == (title, title)
    user.request("DELETE", f"/tasks/{task['id']}")
    user.request("POST", f"/tasks/{task['id']}/restore")
    assert user.tasks()[0]["title"] == title


@pytest.mark.parametrize(
    ("method", "suffix", "body", "named"),
    [
        ("POST", "", {"title": "x", "due": "today"}, "body.due"),
        ("POST", "", {"title": "x", "user_id": "somebody"}, "body.user_id"),
        ("POST", "", {"title": "x", "description": None}, "body.description"),
        ("PATCH", "/{id}", {"titel": "x"}, "body.titel"),
        ("PATCH", "/{id}", {"title": None}, "title must not be null"),
        ("PATCH", "/{id}", {"title": ["milk"]}, "body.title"),
        ("PATCH", "/{id}", {"completed": "true"}, "body.completed"),
        ("PATCH", "/{id}", {"title": "new", "completed": None}, "completed must not be null"),
        ("PUT", "/{id}", {"title": "x", "description": "", "completed": 1}, "body.completed"),
        ("POST", "", {"title": "x", "due_at": "2030-03-01T17:00:00"}, "has no zone"),
        ("PATCH", "/{id}", {"due_at": "tomorrow"}, "body.due_at"),
        ("PATCH", "/{id}", {"due_at": 1893456000}, "ISO 8601"),
    ],
    ids=lambda value: str(value)[:30],
)
def test_what_is_not_understood_is_refused_by_name(
    user: User, method: str, suffix: str, body: Any, named: str
) -> None:
    task = user.add_task()
    response = user.request(method, f"/tasks{suffix.format(id=task['id'])}", json=body)
    assert response.status_code == 422
    assert named in response.json()["error"]["message"]
    assert user.tasks() == [task]


def test_completing_twice_is_the_same_as_once(user: User) -> None:
    task = user.add_task()
    for _ in range(2):
        response = user.request("PATCH", f"/tasks/{task['id']}/complete")
        assert response.status_code == 200
        assert response.json()["completed"] is True


def test_lists_by_status_and_in_pages(user: User) -> None:
    ids = [user.add_task(f"task {number}")["id"] for number in range(3)]
    user.request("PATCH", f"/tasks/{ids[1]}/complete")

    def listed(query: str) -> list[int]:
        return [task["id"] for task in user.request("GET", f"/tasks{query}").json()]

    assert listed("") == ids
    assert listed("?status=pending") == [ids[0], ids[2]]
    assert listed("?status=completed") == [ids[1]]
    assert listed("?limit=2") == ids[:2]
    assert listed(f"?after={ids[1]}") == ids[2:]


@pytest.mark.parametrize(
    ("method", "suffix", "body"),
    [
        ("GET", "", None),
        ("PUT", "", {"title": "x", "description": "", "completed": True}),
        ("PATCH", "", {"title": "x"}),
        ("PATCH", "/complete", None),
        ("DELETE", "", None),
        ("POST", "/restore", None),
    ],
)
def test_another_users_task_looks_like_none(
    user: User, stranger: User, method: str, suffix: str, body: Any
) -> None:
    task = stranger.add_task("private")
    answer = user.request(method, f"/tasks/{task['id']}{suffix}", json=body)
    unknown = user.request(method, f"/tasks/9223372036854775807{suffix}", json=body)
    assert answer.status_code == unknown.status_code == 404
    assert answer.json()["error"]["code"] == unknown.json()["error"]["code"] == "task_not_found"
    assert stranger.tasks() == [task]


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"title": ""},
        {"title": "   "},
        {"title": "x" * 201},
        {"title": "nul \x00"},
        {"title": "half a pair \ud800"},
        {"title": "x", "description": "y" * 2001},
        {"title": 7},
        [],
    ],
    ids=lambda body: str(body)[:30].encode("unicode_escape").decode(),
)
def test_bad_tasks_are_refused_and_change_nothing(user: User, body: Any) -> None:
    response = user.request(
        "POST", "/tasks", content=json.dumps(body), headers={"Content-Type": "application/json"}
    )
    assert response.status_code == 422
    error = response.json()["error"]
    assert error["code"] == "validation_error"
    assert error["details"]["errors"]
    assert error["request_id"] == response.headers["X-Request-Id"]
    assert user.tasks() == []


@pytest.mark.parametrize("task_id", ["0", "-1", "x", "9223372036854775808"])
def test_bad_ids_are_refused(user: User, task_id: str) -> None:
    response = user.request("GET", f"/tasks/{task_id}")
    assert response.status_code == 422
    assert response.json()["error"]["code"] == "validation_error"


def test_an_empty_change_is_refused(user: User) -> None:
    task = user.add_task()
    assert user.request("PATCH", f"/tasks/{task['id']}", json={}).status_code == 422
    assert user.tasks() == [task]


def test_invalid_json_is_named(user: User) -> None:
    response = user.request(
        "POST", "/tasks", content="{not json", headers={"Content-Type": "application/json"}
    )
    assert response.status_code == 400
    assert response.json()["error"]["code"] == "invalid_json"


@pytest.mark.parametrize("chunked", [False, True], ids=["declared length", "chunked"])
def test_a_megabyte_is_refused_unread(user: User, chunked: bool) -> None:
    body = b'{"title": "' + b"x" * 1_000_000 + b'"}'

    def pieces() -> Any:
        yield from (body[start : start + 65536] for start in range(0, len(body), 65536))

    response = user.request(
        "POST",
        "/tasks",
        content=pieces() if chunked else body,
        headers={"Content-Type": "application/json"},
    )
    assert response.status_code == 413
    assert response.json()["error"]["code"] == "payload_too_large"
    assert user.tasks() == []


def test_unknown_routes_and_methods_answer_in_the_same_shape(user: User) -> None:
    assert user.request("GET", "/nothing").json()["error"]["code"] == "not_found"
    response = user.request("POST", "/tasks/1")
    assert response.status_code == 405
    assert response.json()["error"]["code"] == "method_not_allowed"


DUE = "2030-03-01T17:00:00Z"


def test_a_due_date_is_kept_changed_and_taken_away(user: User) -> None:
    task = user.add_task(due_at="2030-03-01T18:00:00+01:00")
    path = f"/tasks/{task['id']}"
    assert task["due_at"] == DUE
    assert user.tasks()[0]["due_at"] == DUE
    later = user.request("PATCH", path, json={"due_at": "2031-01-01T00:00:00Z"}).json()
    assert (later["due_at"], later["title"]) == ("2031-01-01T00:00:00Z", task["title"])
    assert user.request("PATCH", path, json={"completed": True}).json()["due_at"] is not None
    assert user.request("PATCH", path, json={"due_at": None}).json()["due_at"] is None
    assert user.add_task()["due_at"] is None


def test_who_replaces_a_task_and_knows_no_due_date_leaves_it(user: User) -> None:
    path = f"/tasks/{user.add_task(due_at=DUE)['id']}"
    whole = {"title": "rest", "description": "", "completed": False}
    assert user.request("PUT", path, json=whole).json()["due_at"] == DUE
    assert user.request("PUT", path, json={**whole, "due_at": None}).json()["due_at"] is None


def test_a_due_date_goes_into_the_trash_and_back(user: User) -> None:
    task = user.add_task(due_at=DUE)
    user.request("DELETE", f"/tasks/{task['id']}")
    assert user.request("GET", "/tasks?status=deleted").json()[0]["due_at"] == DUE
    restored = user.request("POST", f"/tasks/{task['id']}/restore").json()
    assert restored["due_at"] == DUE
    assert user.tasks()[0]["due_at"] == DUE
