"""Small pure rules: what of a history is read, which tool call is a repeated one."""

from hypothesis import given
from hypothesis import strategies as st

from todo_chat.chat.store import fit_history
from todo_chat.tasks.audit import ToolCallRecord, find_earlier, hash_arguments
from todo_chat.turn import HistoryMessage


def message(length: int) -> HistoryMessage:
    return HistoryMessage(role="user", content="x" * length)


def test_the_newest_messages_that_fit_are_kept_in_order() -> None:
    newest_first = [message(3), message(2), message(6), message(1)]
    assert [len(m.content) for m in fit_history(newest_first, 10)] == [2, 3]


def test_the_message_to_answer_is_always_kept() -> None:
    assert len(fit_history([message(100), message(1)], 10)) == 1
    assert fit_history([], 10) == []


@given(st.lists(st.integers(1, 50), min_size=1), st.integers(1, 200))
def test_a_history_is_a_run_of_the_newest_messages(lengths: list[int], limit: int) -> None:
    newest_first = [message(length) for length in lengths]
    kept = fit_history(newest_first, limit)
    assert kept == newest_first[: len(kept)][::-1]
    assert len(kept) == 1 or sum(len(m.content) for m in kept) <= limit


def record(tool: str, arguments: dict[str, object], ordinal: int = 0) -> ToolCallRecord:
    return ToolCallRecord(
        user_id="alice",
        request_id="r",
        tool=tool,
        arguments=arguments,
        arguments_hash=hash_arguments(arguments),
        ordinal=ordinal,
        outcome="ok",
        result={},
    )


def test_the_same_call_with_the_same_ordinal_is_a_repeated_one() -> None:
    known = [record("add_task", {"title": "x"})]
    assert find_earlier(known, "add_task", {"title": "x"}, 0) is known[0]
    assert find_earlier(known, "add_task", {"title": "x"}, 1) is None
    assert find_earlier(known, "add_task", {"title": "y"}, 0) is None
    assert find_earlier(known, "update_task", {"title": "x"}, 0) is None


def test_reads_are_repeated_only_in_a_turn_that_has_changed_something() -> None:
    read = record("list_tasks", {"status": "all"})
    change = record("delete_task", {"task_id": 1})
    assert find_earlier([read], "list_tasks", {"status": "all"}, 0) is None
    assert find_earlier([read, change], "list_tasks", {"status": "all"}, 0) is read


def test_the_order_of_arguments_does_not_matter() -> None:
    assert hash_arguments({"a": 1, "b": 2}) == hash_arguments({"b": 2, "a": 1})
    assert hash_arguments({"a": 1}) != hash_arguments({"a": "1"})
