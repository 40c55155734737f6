"""What a test can use: settings for each process, running processes, users, SQL."""

import json
import uuid
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx2
from sqlalchemy import URL, create_engine, text
from sqlalchemy.pool import NullPool

from tests.support.servers import serving
from todo_chat.entrypoints import agent as agent_process
from todo_chat.entrypoints import backend as backend_process
from todo_chat.entrypoints import mcp as mcp_process
from todo_chat.security import Tokens
from todo_chat.settings import AgentSettings, BackendSettings, McpSettings, read_jwt_key

PASSWORDS = {role: f"test-{role}" for role in ("migrator", "chat", "tasks", "mcp", "backup")}
CLIENT_TIMEOUT_SECONDS = 60


def login_of(url: URL, role: str, database: str | None = None) -> URL:
    """The login of ``todo_<role>`` to that database, by default to the one in the URL."""
    return url.set(database=database, username=f"todo_{role}", password=PASSWORDS[role])


@dataclass(frozen=True)
class Event:
    """A server-sent event."""

    name: str
    data: dict[str, Any]


@dataclass(frozen=True)
class User:
    """A user with a token and a client for one backend."""

    id: str
    token: str
    client: httpx2.Client

    def request(self, method: str, path: str, **arguments: Any) -> httpx2.Response:
        """Call ``/api/{user}{path}``."""
        return self.client.request(method, f"/api/{self.id}{path}", **arguments)

    def chat(self, message: str, key: str | None = None, **body: Any) -> httpx2.Response:
        """Send a message."""
        headers = {"Idempotency-Key": key} if key else {}
        return self.request("POST", "/chat", json={"message": message, **body}, headers=headers)

    def stream(self, message: str, key: str | None = None, **body: Any) -> list[Event]:
        """Send a message and read the events to the end."""
        headers = {"Idempotency-Key": key} if key else {}
        url = f"/api/{self.id}/chat/stream"
        with self.client.stream(
            "POST", url, json={"message": message, **body}, headers=headers
        ) as response:
            response.read()
            assert response.status_code == 200, response.text
            return parse_events(response.text)

    def tasks(self) -> list[dict[str, Any]]:
        """All tasks through REST."""
        response = self.request("GET", "/tasks")
        assert response.status_code == 200, response.text
        tasks: list[dict[str, Any]] = response.json()
        return tasks

    def add_task(self, title: str = "buy milk", **fields: Any) -> dict[str, Any]:
        """Add a task through REST."""
        response = self.request("POST", "/tasks", json={"title": title, **fields})
        assert response.status_code == 201, response.text
        task: dict[str, Any] = response.json()
        return task

    def messages(self, conversation_id: int) -> list[dict[str, Any]]:
        """The history of a conversation."""
        response = self.request("GET", f"/conversations/{conversation_id}/messages")
        assert response.status_code == 200, response.text
        messages: list[dict[str, Any]] = response.json()
        return messages


def parse_events(body: str) -> list[Event]:
    """The events of a finished stream, comments left out."""
    events = []
    for block in body.strip().split("\n\n"):
        fields = dict(
            line.split(": ", 1) for line in block.splitlines() if not line.startswith(":")
        )
        if fields:
            events.append(Event(fields["event"], json.loads(fields["data"])))
    return events


@dataclass(frozen=True)
class World:
    """One migrated database and the secrets for it."""

    url: URL
    """A superuser's login."""
    secrets: Path

    @property
    def tokens(self) -> Tokens:
        """Issues tokens with the key of all processes."""
        return Tokens(read_jwt_key(self.secrets / "jwt-key"))

    def database_settings(self) -> dict[str, Any]:
        """Where the database is."""
        return {
            "database_host": self.url.host,
            "database_port": self.url.port,
            "database_name": self.url.database,
            "jwt_key_file": self.secrets / "jwt-key",
        }

    def backend_settings(self, **changes: Any) -> BackendSettings:
        """Development settings of a backend; the agent is a closed port unless given."""
        values = {
            "environment": "development",
            "dev_login": True,
            "agent_url": "http://127.0.0.1:1",
            "database_chat_password_file": self.secrets / "chat-password",
            "database_tasks_password_file": self.secrets / "tasks-password",
            "rate_limit_per_minute": 1_000_000,
            "turn_timeout_seconds": 20,
            **self.database_settings(),
            **changes,
        }
        return BackendSettings(**values)

    def mcp_settings(self, **changes: Any) -> McpSettings:
        """Settings of a tool server."""
        values = {
            "database_mcp_password_file": self.secrets / "mcp-password",
            **self.database_settings(),
            **changes,
        }
        return McpSettings(**values)

    @contextmanager
    def backend(self, **changes: Any) -> Iterator[str]:
        """A running backend; gives its URL."""
        with serving(backend_process.build(self.backend_settings(**changes))[0]) as url:
            yield url

    @contextmanager
    def mcp(self, port: int = 0, **changes: Any) -> Iterator[str]:
        """A running tool server; gives its URL without ``/mcp``."""
        with serving(mcp_process.build(self.mcp_settings(**changes))[0], port) as url:
            yield url

    @contextmanager
    def agent(self, mcp_url: str, **changes: Any) -> Iterator[str]:
        """A running agent; gives its URL."""
        settings = AgentSettings(**{"mcp_url": f"{mcp_url}/mcp", **changes})
        with serving(agent_process.build(settings)[0]) as url:
            yield url

    @contextmanager
    def user(self, backend_url: str, name: str | None = None) -> Iterator[User]:
        """A user whom no other test knows."""
        user_id = name or f"user-{uuid.uuid4().hex[:12]}"
        token, _ = self.tokens.issue_for_user(user_id, 3600)
        with httpx2.Client(
            base_url=backend_url,
            headers={"Authorization": f"Bearer {token}"},
            timeout=CLIENT_TIMEOUT_SECONDS,
            trust_env=False,
            verify=False,  # plain http: reading the authorities takes longer than most tests
        ) as client:
            yield User(user_id, token, client)

    def sql(self, statement: str, role: str | None = None, **parameters: Any) -> Sequence[Any]:
        """Run a statement as superuser, or as one of the application's roles."""
        url = self.url
        if role is not None:
            url = login_of(url, role)
        engine = create_engine(url, poolclass=NullPool)
        with engine.begin() as connection:
            if "as_user" in parameters:
                connection.execute(
                    text("SELECT set_config('app.user_id', :user, true)"),
                    {"user": parameters.pop("as_user")},
                )
            result = connection.execute(text(statement), parameters)
            return result.all() if result.returns_rows else []


@dataclass(frozen=True)
class Stack:
    """Backend, agent with the scripted model, and tool server."""

    backend: str
    agent: str
    mcp: str
