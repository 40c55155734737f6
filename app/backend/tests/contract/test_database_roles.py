"""What each database role must not be able to do."""

import uuid

import pytest
from sqlalchemy.exc import ProgrammingError

from tests.support.world import User, World
from todo_chat.db.migrate import ROLES

IDENTITY = ("accounts", "sessions")

FORBIDDEN = [
    ("chat", "SELECT * FROM tasks"),
    ("chat", "INSERT INTO tasks (user_id, title) VALUES ('alice', 'x')"),
    ("chat", "UPDATE tasks SET completed = true"),
    ("chat", "DELETE FROM tasks"),
    ("chat", "SELECT * FROM tool_calls"),
    ("chat", "SELECT * FROM deleted_tasks"),
    ("chat", "SELECT empty_trash()"),
    ("chat", "DELETE FROM messages"),
    ("chat", "UPDATE messages SET role = 'assistant'"),
    ("chat", "UPDATE messages SET content = 'x'"),
    ("chat", "UPDATE conversations SET user_id = 'mallory'"),
    ("chat", "UPDATE conversations SET created_at = now()"),
    ("chat", "UPDATE sessions SET user_id = 'mallory'"),
    ("chat", "UPDATE accounts SET subject = 'mallory'"),
    ("chat", "DELETE FROM accounts"),
    *((role, f"SELECT * FROM {table}") for role in ("tasks", "mcp") for table in IDENTITY),
    *((role, f"DELETE FROM {table}") for role in ("tasks", "mcp", "backup") for table in IDENTITY),
    ("tasks", "SELECT * FROM messages"),
    ("tasks", "SELECT * FROM conversations"),
    ("tasks", "SELECT * FROM tool_calls"),
    ("mcp", "SELECT * FROM messages"),
    ("mcp", "SELECT * FROM conversations"),
    ("mcp", "UPDATE tool_calls SET outcome = 'x'"),
    ("mcp", "DELETE FROM tool_calls"),
    ("backup", "INSERT INTO tasks (user_id, title) VALUES ('alice', 'x')"),
    ("backup", "DELETE FROM tasks"),
    ("backup", "DELETE FROM messages"),
    ("backup", "DELETE FROM deleted_tasks"),
    ("backup", "SELECT empty_trash()"),
    ("tasks", "UPDATE deleted_tasks SET deleted_at = now()"),
    ("mcp", "UPDATE deleted_tasks SET deleted_at = now()"),
    *((role, "CREATE TABLE mine ()") for role in ROLES if role != "migrator"),
    *(
        (role, "ALTER TABLE tasks DISABLE ROW LEVEL SECURITY")
        for role in ROLES
        if role != "migrator"
    ),
    *((role, "DROP TABLE tasks") for role in ROLES if role != "migrator"),
    *((role, "TRUNCATE tasks") for role in ROLES if role != "migrator"),
    *((role, "CREATE ROLE helper") for role in ROLES),
    *((role, "SET ROLE todo_migrator") for role in ROLES if role != "migrator"),
]


@pytest.mark.parametrize(("role", "statement"), FORBIDDEN, ids=lambda value: value[:48])
def test_forbidden(world: World, role: str, statement: str) -> None:
    with pytest.raises(ProgrammingError, match=r"permission denied|must be owner"):
        world.sql(statement, role, as_user="alice")


@pytest.mark.parametrize(
    ("role", "table"),
    [("tasks", "tasks"), ("mcp", "tasks"), ("chat", "conversations"), ("chat", "messages")],
)
def test_rows_belong_to_one_user(user: User, world: World, role: str, table: str) -> None:
    user.chat("add buy milk")
    count = f"SELECT count(*) FROM {table}"
    assert world.sql(count, role, as_user=user.id)[0][0] > 0
    assert world.sql(count, role, as_user="somebody-else")[0][0] == 0
    assert world.sql(count, role)[0][0] == 0, "no user, no rows"


@pytest.mark.parametrize("role", ["tasks", "mcp"])
def test_nobody_writes_rows_for_another_user(user: User, world: World, role: str) -> None:
    task = user.add_task()
    insert = "INSERT INTO tasks (user_id, title) VALUES (:owner, 'planted')"
    with pytest.raises(ProgrammingError, match="row-level security"):
        world.sql(insert, role, as_user="mallory", owner=user.id)
    world.sql("UPDATE tasks SET title = 'stolen'", role, as_user="mallory")
    world.sql("DELETE FROM tasks", role, as_user="mallory")
    with pytest.raises(ProgrammingError, match="row-level security"):
        world.sql("UPDATE tasks SET user_id = 'mallory'", role, as_user=user.id)
    assert user.tasks() == [task]


def test_nobody_names_or_deletes_the_conversation_of_another_user(user: User, world: World) -> None:
    conversation = user.chat("hello").json()["conversation_id"]
    world.sql("UPDATE conversations SET title = 'stolen'", "chat", as_user="mallory")
    world.sql("DELETE FROM conversations", "chat", as_user="mallory")
    assert len(user.messages(conversation)) == 2
    assert user.request("GET", "/conversations").json()[0]["title"] == "hello"


@pytest.mark.parametrize("role", ["tasks", "mcp"])
def test_the_trash_belongs_to_one_user(user: User, world: World, role: str) -> None:
    task = user.add_task()
    user.request("DELETE", f"/tasks/{task['id']}")
    count = "SELECT count(*) FROM deleted_tasks"
    assert world.sql(count, role, as_user=user.id)[0][0] == 1
    assert world.sql(count, role, as_user="mallory")[0][0] == 0
    assert world.sql(count, role)[0][0] == 0, "no user, no rows"
    world.sql("DELETE FROM deleted_tasks", role, as_user="mallory")
    assert world.sql(count, role, as_user=user.id)[0][0] == 1
    insert = (
        "INSERT INTO deleted_tasks (id, user_id, title, description, completed, created_at,"
        " updated_at) VALUES (1, :owner, 'planted', '', false, now(), now())"
    )
    with pytest.raises(ProgrammingError, match="row-level security"):
        world.sql(insert, role, as_user="mallory", owner=user.id)


@pytest.mark.parametrize("role", ["tasks", "mcp"])
def test_emptying_the_trash_takes_what_is_old_and_nothing_else(
    user: User, stranger: User, world: World, role: str
) -> None:
    for owner in (user, stranger):
        for title in ("old", "young"):
            owner.request("DELETE", f"/tasks/{owner.add_task(title)['id']}")
    world.sql(
        "UPDATE deleted_tasks SET deleted_at = now() - interval '31 days' WHERE title = 'old'"
    )
    world.sql("SELECT empty_trash()", role, as_user=user.id)
    for owner in (user, stranger):
        left = world.sql("SELECT title FROM deleted_tasks WHERE user_id = :u", u=owner.id)
        assert [row.title for row in left] == ["young"]


def test_sessions_and_accounts_belong_to_one_user(world: World) -> None:
    owner = f"owner-{uuid.uuid4().hex[:8]}"
    account = "INSERT INTO accounts (user_id, issuer, subject) VALUES (:owner, 'https://a', 's')"
    session = (
        "INSERT INTO sessions (user_id, token_hash, display_name, expires_at)"
        " VALUES (:owner, sha256(convert_to(:owner, 'UTF8')), '', now())"
    )
    for insert in (account, session):
        with pytest.raises(ProgrammingError, match="row-level security"):
            world.sql(insert, "chat", as_user="mallory", owner=owner)
        world.sql(insert, "chat", as_user=owner, owner=owner)
    world.sql("DELETE FROM sessions", "chat", as_user="mallory")
    for table in IDENTITY:
        count = f"SELECT count(*) FROM {table}"
        assert world.sql(count, "chat", as_user=owner)[0][0] == 1
        assert world.sql(count, "chat", as_user="mallory")[0][0] == 0
        assert world.sql(count, "chat")[0][0] == 0, "no user, no rows"


def test_the_backup_role_reads_every_users_rows(user: User, world: World) -> None:
    user.add_task()
    owners = world.sql("SELECT DISTINCT user_id FROM tasks", "backup")
    assert user.id in [row.user_id for row in owners]


def test_every_table_with_users_has_row_level_security(world: World) -> None:
    unprotected = world.sql(
        "SELECT relname FROM pg_class JOIN pg_attribute ON attrelid = pg_class.oid "
        "WHERE relkind = 'r' AND attname = 'user_id' AND NOT relrowsecurity"
    )
    assert unprotected == []
    protected = world.sql("SELECT relname FROM pg_class WHERE relrowsecurity ORDER BY relname")
    assert [row.relname for row in protected] == [
        "accounts",
        "conversations",
        "deleted_tasks",
        "messages",
        "sessions",
        "tasks",
        "tool_calls",
    ]
