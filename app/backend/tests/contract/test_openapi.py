"""The OpenAPI document against the running backend: generated requests to each operation.

A few dozen each, the same every time, are part of every run. ``TODO_FUZZ_EXAMPLES`` asks for
more, and then others each time: ``--hypothesis-seed`` gives the same ones again.
"""

import os
import sys
from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, settings
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import Route

from tests.support.document import openapi_document
from tests.support.identity import CLIENT_ID, PUBLIC_URL, identity_provider
from tests.support.servers import serving
from tests.support.world import User, World
from todo_chat.turn import MEDIA_TYPE, Delta, Finished

EXAMPLES = int(os.environ.get("TODO_FUZZ_EXAMPLES", "40"))
SAME_EVERY_TIME = "TODO_FUZZ_EXAMPLES" not in os.environ


schema = schemathesis.openapi.from_dict(openapi_document())


def _echo_agent() -> Starlette:
    """Answers every turn at once: the subject here is the backend's own document."""

    async def turn(_: Request) -> Response:
        async def lines() -> AsyncIterator[str]:
            for event in (Delta(text="yes"), Finished(response="yes")):
                yield event.model_dump_json() + "\n"

        return StreamingResponse(lines(), media_type=MEDIA_TYPE)

    return Starlette(routes=[Route("/turn", turn, methods=["POST"])])


@pytest.fixture(scope="module")
def fuzzed(world: World) -> Iterator[User]:
    with (
        serving(_echo_agent()) as agent,
        identity_provider() as provider,
        world.backend(
            agent_url=agent,
            public_url=PUBLIC_URL,
            oidc_issuer=provider.issuer,
            oidc_client_id=CLIENT_ID,
        ) as backend,
        world.user(backend) as user,
    ):
        yield user


@pytest.fixture
def untraced() -> Iterator[None]:
    """No coverage of this thread, which only generates requests and judges answers.

    The servers' threads, where the code under test runs, stay traced. Tracing the generator
    takes more time than everything else in these tests.
    """
    tracer = sys.gettrace()
    sys.settrace(None)
    yield
    sys.settrace(tracer)


@schema.parametrize()
@pytest.mark.usefixtures("untraced")
@settings(
    max_examples=EXAMPLES,
    deadline=None,
    derandomize=SAME_EVERY_TIME,
    database=None,
    suppress_health_check=list(HealthCheck),
)
def test_operation(case: schemathesis.Case[Any], fuzzed: User) -> None:
    if "user_id" in (case.path_parameters or {}):
        # Own user: generated ones would all end at 403.
        case.path_parameters["user_id"] = fuzzed.id
    case.call_and_validate(
        base_url=str(fuzzed.client.base_url),
        headers={"Authorization": f"Bearer {fuzzed.token}"},
        checks=[
            not_a_server_error,
            status_code_conformance,
            content_type_conformance,
            response_schema_conformance,
        ],
        timeout=20,
        # Signing in leads to the provider, whose answers are not in the document.
        allow_redirects=False,
    )


def test_the_document_names_every_route() -> None:
    operations = {
        f"{method.upper()} {path}"
        for path, methods in openapi_document()["paths"].items()
        for method in methods
    }
    assert operations == {
        "GET /api/info",
        "POST /api/login",
        "GET /api/auth/login",
        "GET /api/auth/callback",
        "GET /api/auth/session",
        "POST /api/auth/logout",
        "POST /api/auth/logout-everywhere",
        "GET /api/{user_id}/tasks",
        "POST /api/{user_id}/tasks",
        "GET /api/{user_id}/tasks/{task_id}",
        "PUT /api/{user_id}/tasks/{task_id}",
        "PATCH /api/{user_id}/tasks/{task_id}",
        "DELETE /api/{user_id}/tasks/{task_id}",
        "PATCH /api/{user_id}/tasks/{task_id}/complete",
        "POST /api/{user_id}/tasks/{task_id}/restore",
        "POST /api/{user_id}/chat",
        "POST /api/{user_id}/chat/stream",
        "POST /api/{user_id}/chat/stop",
        "GET /api/{user_id}/conversations",
        "PATCH /api/{user_id}/conversations/{conversation_id}",
        "DELETE /api/{user_id}/conversations/{conversation_id}",
        "GET /api/{user_id}/conversations/{conversation_id}/messages",
    }
