"""Small pure rules: what of a history is read, which tool call is a repeated one."""

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from todo_chat.chat.models import Message
from todo_chat.chat.store import fit_history, pair_up
from todo_chat.tasks.audit import ToolCallRecord, find_earlier, find_resent, hash_arguments
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


class Journal:
    """The record of one turn, written as the tool server does."""

    def __init__(self) -> None:
        self.records: list[ToolCallRecord] = []

    def call(self, attempt: str, tool: str, **arguments: object) -> str:
        """What happens to a call: ``done``, or ``given`` and the arguments of what is given."""
        earlier = find_earlier(self.records, attempt, tool, arguments)
        self.records.append(
            ToolCallRecord(
                id=len(self.records) + 1,
                user_id="alice",
                request_id="r",
                attempt=attempt,
                tool=tool,
                arguments=arguments,
                arguments_hash=hash_arguments(arguments),
                outcome="repeated" if earlier else "ok",
                repeats=earlier.id if earlier else None,
                result={},
            )
        )
        return f"given {earlier.arguments}" if earlier else "done"


MILK = {"title": "milk"}
EGGS = {"title": "eggs"}


def test_an_attempt_is_not_held_up_by_itself() -> None:
    journal = Journal()
    assert [journal.call("1", "add_task", **MILK) for _ in range(2)] == ["done", "done"]
    assert journal.call("1", "add_task", **EGGS) == "done"


def test_the_same_way_again_is_given_back_and_what_goes_beyond_is_done() -> None:
    journal = Journal()
    journal.call("1", "add_task", **MILK)
    journal.call("1", "add_task", **MILK)
    assert [journal.call("2", "add_task", **MILK) for _ in range(2)] == [f"given {MILK}"] * 2
    assert journal.call("2", "add_task", **EGGS) == "done"
    assert journal.call("2", "complete_task", task_id=1) == "done"
    again = [("add_task", MILK), ("add_task", MILK), ("add_task", EGGS)]
    assert [journal.call("3", tool, **given) for tool, given in again] == [
        f"given {MILK}",
        f"given {MILK}",
        f"given {EGGS}",
    ]


def test_other_words_are_the_same_change() -> None:
    journal = Journal()
    journal.call("1", "add_task", **MILK)
    assert journal.call("2", "add_task", title="Milk, please") == f"given {MILK}"
    assert journal.call("2", "add_task", **EGGS) == "done"


def test_another_order_does_nothing_twice_and_leaves_room_for_the_rest() -> None:
    journal = Journal()
    journal.call("1", "add_task", **MILK)
    assert journal.call("2", "add_task", **EGGS) == f"given {MILK}"
    assert journal.call("2", "add_task", **MILK) == f"given {MILK}"
    assert journal.call("2", "add_task", **EGGS) == "done"


def test_another_task_is_not_deleted_in_the_place_of_the_one_that_is_gone() -> None:
    journal = Journal()
    journal.call("1", "delete_task", task_id=1)
    assert journal.call("2", "delete_task", task_id=2) == "given {'task_id': 1}"


def test_reads_are_given_back_only_after_a_change() -> None:
    journal = Journal()
    journal.call("1", "list_tasks", status="all")
    assert journal.call("2", "list_tasks", status="all") == "done"
    journal.call("2", "delete_task", task_id=1)
    assert journal.call("3", "list_tasks", status="all") == "given {'status': 'all'}"
    assert journal.call("3", "list_tasks", status="pending") == "done"


def test_a_call_that_is_sent_again_has_its_number() -> None:
    journal = Journal()
    journal.call("1", "add_task", **MILK)
    journal.records[0].call = 4
    assert find_resent(journal.records, "1", 4) is journal.records[0]
    assert find_resent(journal.records, "1", 5) is None
    assert find_resent(journal.records, "2", 4) is None
    assert find_resent(journal.records, "1", None) is None


def message_row(number: int, role: str, key: str, **more: Any) -> Message:
    return Message(
        id=number,
        user_id="alice",
        conversation_id=1,
        role=role,
        content=f"{role} {key}",
        turn_key=key,
        **more,
    )


def test_an_answer_stands_after_its_question_and_a_note_where_there_is_none() -> None:
    call = {"id": "1", "name": "add_task", "arguments": MILK, "ok": True, "result": {}}
    failure = {"code": "turn_timeout", "message": "It took too long."}
    rows = [
        message_row(1, "user", "cut-off"),
        message_row(2, "user", "late"),
        message_row(3, "user", "failed", failure=failure, tool_calls=[call]),
        message_row(4, "user", "now"),
    ]
    late = message_row(9, "assistant", "late")
    said = [
        (each.role, each.content) for each in pair_up(rows[::-1], {"late": late}, turn_key="now")
    ][::-1]
    assert [role for role, _ in said] == ["user", "assistant"] * 3 + ["user"]
    assert "was cut off. Nothing is known to be done" in said[1][1]
    assert said[3][1] == "assistant late"
    assert "It took too long" in said[5][1]
    assert 'add_task {"title": "milk"}' in said[5][1]
    assert said[6] == ("user", "user now")


def test_an_answer_whose_question_is_out_of_sight_stays() -> None:
    rows = [message_row(2, "user", "b"), message_row(1, "assistant", "a")]
    assert [each.content for each in pair_up(rows, {}, "b")] == ["user b", "assistant a"]


def test_the_order_of_arguments_does_not_matter() -> None:
    assert hash_arguments({"a": 1, "b": 2}) == hash_arguments({"b": 2, "a": 1})
    assert hash_arguments({"a": 1}) != hash_arguments({"a": "1"})
