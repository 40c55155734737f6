"""The scripted model's parser: a table of phrases, and any text at all."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from todo_chat.agent.phrases import (
    Add,
    ById,
    ByName,
    Complete,
    Delete,
    Greet,
    Intent,
    ListTasks,
    Unknown,
    Update,
    understand,
)

PHRASES: list[tuple[str, Intent]] = [
    ("hello", Greet()),
    ("Hi!", Greet()),
    ("good morning", Greet()),
    ("add buy milk", Add("buy milk")),
    ("Add a task to buy milk.", Add("buy milk")),
    ("add a new task: buy milk", Add("buy milk")),
    ('create a task called "buy milk"', Add("buy milk")),
    ("remind me to call mum", Add("call mum")),
    ("I need to remember to pay rent", Add("pay rent")),
    ("I have to pay rent", Add("pay rent")),
    ("add   buy \n milk", Add("buy milk")),
    ("add delete buy milk", Add("delete buy milk")),
    ("add " + "x" * 300, Add("x" * 200)),
    ("show all my tasks", ListTasks("all")),
    ("list tasks", ListTasks("all")),
    ("my tasks", ListTasks("all")),
    ("what's pending?", ListTasks("pending")),
    ("what is pending", ListTasks("pending")),
    ("what’s left?", ListTasks("pending")),
    ("show pending tasks", ListTasks("pending")),
    ("pending", ListTasks("pending")),
    ("what have I completed?", ListTasks("completed")),
    ("show completed tasks", ListTasks("completed")),
    ("complete task 3", Complete(ById(3))),
    ("complete #3", Complete(ById(3))),
    ("mark task 3 as done", Complete(ById(3))),
    ("mark buy milk as completed", Complete(ByName("buy milk"))),
    ("I finished buy milk", Complete(ByName("buy milk"))),
    ("I've done task 12", Complete(ById(12))),
    ("task 3 is done", Complete(ById(3))),
    ("complete buy milk", Complete(ByName("buy milk"))),
    ("complete task 0", Complete(ByName("task 0"))),
    ("delete task 3", Delete(ById(3))),
    ("delete 3", Delete(ById(3))),
    ("delete buy milk", Delete(ByName("buy milk"))),
    ("remove the buy milk task", Delete(ByName("buy milk"))),
    ("please remove “buy milk”", Delete(ByName("buy milk"))),
    ("delete task 9223372036854775808", Delete(ByName("9223372036854775808"))),
    ("change task 1 to call mum tonight", Update(ById(1), "title", "call mum tonight")),
    ("rename buy milk to buy oat milk", Update(ByName("buy milk"), "title", "buy oat milk")),
    ("update task 1 description to two litres", Update(ById(1), "description", "two litres")),
    ("set the description of buy milk to oat", Update(ByName("buy milk"), "description", "oat")),
    ("", Unknown()),
    ("sing me a song", Unknown()),
    ("add", Unknown()),
    ('delete ""', Unknown()),
    ("delete", Unknown()),
    ('rename "" to x', Unknown()),
    ("???", Unknown()),
]


@pytest.mark.parametrize(("text", "intent"), PHRASES, ids=[row[0][:40] for row in PHRASES])
def test_phrase(text: str, intent: Intent) -> None:
    assert understand(text) == intent


WORDS = st.sampled_from(
    [
        *["add", "a", "task", "to", "delete", "the", "rename", "complete", "mark", "as", "done"],
        *["set", "description", "of", "show", "my", "what's", "pending", "remind", "me", "i"],
        *["need", "is", "finished", "#", "1", "99999999999999999999", '"', "’", ".", "!", ":"],
    ]
)


@given(st.text() | st.lists(WORDS, max_size=12).map(" ".join))
def test_any_text_has_an_intent_that_the_tools_accept(text: str) -> None:
    match understand(text):
        case Add(title=title) | Update(field="title", value=title):
            assert 1 <= len(title) <= 200
            assert title == title.strip()
        case Complete(task=ById(task_id=task_id)) | Delete(task=ById(task_id=task_id)):
            assert 1 <= task_id < 2**63
        case Complete(task=ByName(name=name)) | Delete(task=ByName(name=name)):
            assert name
