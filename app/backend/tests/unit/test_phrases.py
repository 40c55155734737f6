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
    It,
    ListTasks,
    Reopen,
    Restore,
    Undo,
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
    ("add   buy \n milk", Add("buy \n milk")),
    ("ADD\na task  to buy milk", Add("buy milk")),
    ("add buy milk!", Add("buy milk!")),
    ("add who is coming?", Add("who is coming?")),
    ("add and so on...", Add("and so on...")),
    ('add say "hi"', Add('say "hi"')),
    ('add "hi" and "ho".', Add('"hi" and "ho"')),
    ("add ‘quoted’.", Add("quoted")),
    ("add שלום עולם", Add("שלום עולם")),
    ("add 👩‍👩‍👧 party", Add("👩‍👩‍👧 party")),
    ("add delete buy milk", Add("delete buy milk")),
    ("add " + "x" * 300, Add("x" * 300)),
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
    ("reopen task 3", Reopen(ById(3))),
    ("re-open buy milk", Reopen(ByName("buy milk"))),
    ("mark task 3 as not done", Reopen(ById(3))),
    ("mark it as not yet done", Reopen(It())),
    ("set buy milk as pending", Reopen(ByName("buy milk"))),
    ("untick #3", Reopen(ById(3))),
    ("complete it", Complete(It())),
    ("mark that as done", Complete(It())),
    ("delete it", Delete(It())),
    ("Delete it!", Delete(It())),
    ("delete this one", Delete(It())),
    ("delete the last task", Delete(It())),
    ('delete "it"', Delete(ByName("it"))),
    ("rename it to x", Update(It(), "title", "x")),
    ("restore task 3", Restore(ById(3))),
    ("bring back buy milk from the trash", Restore(ByName("buy milk"))),
    ("undelete it", Restore(It())),
    ("undo", Undo()),
    ("Undo that.", Undo()),
    ("show deleted tasks", ListTasks("deleted")),
    ("what have I deleted?", ListTasks("deleted")),
    ("trash", ListTasks("deleted")),
    ("find milk", ListTasks("all", "milk")),
    ("search for “milk”", ListTasks("all", "milk")),
    ('find ""', Unknown()),
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
            assert title
            assert title == title.strip()
            assert title in text, "nothing is cut out of it"
        case Complete(task=ById(task_id=task_id)) | Delete(task=ById(task_id=task_id)):
            assert 1 <= task_id < 2**63
        case Complete(task=ByName(name=name)) | Delete(task=ByName(name=name)):
            assert name
