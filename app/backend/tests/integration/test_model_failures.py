"""A model endpoint that misbehaves: what the user sees, what is stored, what a retry does.

The README of the backend has the table for people.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from tests.support.model_endpoint import (
    BrokenStream,
    Calls,
    Hang,
    ModelEndpoint,
    Raw,
    Status,
    Step,
    Text,
    Tool,
)
from tests.support.prepared_model import add, talking
from tests.support.world import Stack, User, World


def refusal(code: int, name: str | None, message: str = "no", **headers: str) -> Raw:
    body = {"error": {"message": message, "code": name, "type": "error"}}
    return Raw(code, json.dumps(body), {key.replace("_", "-"): v for key, v in headers.items()})


def stream(*lines: str) -> Raw:
    return Raw(200, "".join(f"data: {line}\n\n" for line in lines), {}, "text/event-stream")


@dataclass(frozen=True)
class Row:
    """One way to misbehave. Every step is repeated for as long as it is asked."""

    name: str
    step: Step
    status: int
    code: str
    words: str
    retry_after: str | None = "5"


TOO_LONG = "This model's maximum context length is 8192 tokens"
FAILURES = [
    Row("wrong key", refusal(401, "invalid_api_key"), 503, "model_key_refused", "key"),
    Row("key without rights", refusal(403, None), 503, "model_key_refused", "key"),
    Row("unknown model", refusal(404, "model_not_found"), 503, "model_misconfigured", "asks of it"),
    Row("bad request", refusal(400, "invalid_value"), 503, "model_misconfigured", "asks of it"),
    Row("busy", refusal(429, None, Retry_After="17"), 503, "model_busy", "busy", "17"),
    Row("busy for ever", refusal(429, None, Retry_After="1e9"), 503, "model_busy", "busy", "3600"),
    Row("busy in words", refusal(429, None, Retry_After="later"), 503, "model_busy", "busy"),
    Row("no quota", refusal(429, "insufficient_quota"), 503, "model_quota_exhausted", "used up"),
    Row(
        "context too long",
        refusal(400, "context_length_exceeded"),
        422,
        "context_too_long",
        "new conversation",
        None,
    ),
    Row(
        "context too long, in words",
        refusal(400, None, TOO_LONG + " (context length)"),
        422,
        "context_too_long",
        "new conversation",
        None,
    ),
    Row(
        "refused by policy",
        refusal(400, "content_filter"),
        422,
        "refused_by_policy",
        "other words",
        None,
    ),
    Row("broken", Status(500), 503, "model_unavailable", "cannot be reached"),
    Row("overloaded", refusal(503, None, Retry_After="0.2"), 503, "model_unavailable", "in a", "1"),
    Row("empty answer", Text(""), 503, "model_empty_answer", "nothing"),
    Row("blank answer", Text(" \n "), 503, "model_empty_answer", "nothing"),
    Row("not JSON", stream("{not json"), 503, "model_bad_answer", "unusable"),
    Row(
        "error in the stream",
        stream('{"error": {"message": "overloaded", "code": null}}'),
        503,
        "model_unavailable",
        "cannot be reached",
    ),
    Row("silent", Hang(), 504, "turn_timeout", "too long"),
    Row("stalled stream", BrokenStream("silence"), 504, "turn_timeout", "too long"),
    Row("cut stream", BrokenStream("cut"), 503, "model_unavailable", "cannot be reached"),
    Row("loop", Tool("list_tasks", "{}"), 503, "model_loops", "smaller steps"),
    Row("unknown tool", Tool("drop_tables", "{}"), 503, "model_bad_answer", "unusable"),
]


@pytest.fixture(scope="module")
def talk(
    world: World, stack: Stack, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[User, ModelEndpoint]]:
    folder = tmp_path_factory.mktemp("model")
    with talking(world, stack.mcp, folder, [Text("Hello.")], model_timeout=1.5) as both:
        yield both


@pytest.mark.parametrize("row", FAILURES, ids=lambda row: row.name)
def test_what_is_seen_stored_and_done_by_a_retry(
    talk: tuple[User, ModelEndpoint], row: Row
) -> None:
    user, endpoint = talk
    endpoint.steps[:] = [row.step]
    failed = user.chat("we need milk", row.name.replace(" ", "-"))
    error = failed.json()["error"]
    assert (failed.status_code, error["code"]) == (row.status, row.code), error["message"]
    assert row.words in error["message"]
    assert "saved" in error["message"]
    assert "prepared" not in error["message"], "nothing of the endpoint's own words"
    assert failed.headers.get("Retry-After") == row.retry_after

    conversation = error["details"]["conversation_id"]
    (question,) = user.messages(conversation)
    assert question["failure"] == {"code": row.code, "message": error["message"]}

    endpoint.steps[:] = [Text("Milk is on the list.")]
    again = user.chat("we need milk", row.name.replace(" ", "-"))
    assert again.json()["response"] == "Milk is on the list."
    assert [m["role"] for m in user.messages(conversation)] == ["user", "assistant"]
    assert user.messages(conversation)[0]["failure"] is None


@pytest.mark.parametrize(
    ("said", "kept"),
    [
        ("nul \x00 in it", "nul \ufffd in it"),
        ("half a pair \ud83d here", "half a pair \ufffd here"),
        ("a whole pair \U0001f44d here", "a whole pair \U0001f44d here"),
    ],
    ids=["NUL", "lone surrogate", "emoji"],
)
def test_text_that_cannot_be_stored_is_made_storable(
    talk: tuple[User, ModelEndpoint], said: str, kept: str
) -> None:
    user, endpoint = talk
    endpoint.steps[:] = [Text(said)]
    answer = user.chat("hello").json()
    assert answer["response"] == kept
    assert user.messages(answer["conversation_id"])[1]["content"] == kept


@pytest.mark.parametrize("ids", [("same", "same"), ("", ""), ("a", "")], ids=str)
def test_calls_are_told_apart_whatever_ids_the_model_gives(
    talk: tuple[User, ModelEndpoint], ids: tuple[str, str]
) -> None:
    user, endpoint = talk
    titles = [f"{name} of {ids}".replace("'", "") for name in ("first", "second")]
    arguments = [json.dumps({"title": title}) for title in titles]
    first, second = (
        Calls(((call_id, "add_task", a),)) for call_id, a in zip(ids, arguments, strict=True)
    )
    endpoint.steps[:] = [first, second, Text("Both.")]
    answer = user.chat("add two").json()
    assert [call["result"]["title"] for call in answer["tool_calls"]] == titles
    assert [call["ok"] for call in answer["tool_calls"]] == [True, True]
    assert len({call["id"] for call in answer["tool_calls"]}) == 2


def test_an_answer_in_words_is_a_success_when_the_tool_says_so(
    talk: tuple[User, ModelEndpoint],
) -> None:
    user, endpoint = talk
    unknown = Tool("complete_task", '{"task_id": 922337203685477580}')
    endpoint.steps[:] = [add("something"), unknown, Text("Well.")]
    calls = user.chat("two calls").json()["tool_calls"]
    assert [call["ok"] for call in calls] == [True, False]
