"""One table from what went wrong to what the client is told."""

from collections.abc import Callable
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from pydantic import BaseModel
from starlette.exceptions import HTTPException

from todo_chat.chat.errors import (
    ConversationBusyError,
    ConversationInUseError,
    ConversationNotFoundError,
    KeyReusedError,
    TooManyConversationsError,
    TooManyTurnsError,
    TurnFailedError,
    TurnInProgressError,
    TurnNotFoundError,
)
from todo_chat.db.session import DatabaseUnavailableError
from todo_chat.identity.errors import (
    AccountTakenError,
    ProviderAnswerError,
    ProviderUnavailableError,
    SignInRefusedError,
)
from todo_chat.tasks.errors import DeletedTaskNotFoundError, TaskNotFoundError, TooManyTasksError
from todo_chat.web.errors import ApiError
from todo_chat.web.request_id import current_request_id

RETRY_AFTER_SECONDS = 5
QUOTA_RETRY_AFTER_SECONDS = 3600
"""Time alone gives no room, so a client must not try again soon by itself."""

EVERY_ROUTE = (400, 401, 403, 413, 422, 429, 503)
"""Statuses that each route with a user can answer with."""


class ErrorDetail(BaseModel):
    """What went wrong: for programs (``code``), for people (``message``), for the logs."""

    code: str
    message: str
    request_id: str
    details: dict[str, Any] | None = None


class ErrorBody(BaseModel):
    """The body of every answer that is not a success."""

    error: ErrorDetail


UNPROCESSABLE = 422
CONFLICT = 409
_TURN_STATUSES = {
    "turn_timeout": 504,
    "context_too_long": UNPROCESSABLE,
    "refused_by_policy": UNPROCESSABLE,
    "stopped": CONFLICT,
}
_WITHOUT_WAITING = {UNPROCESSABLE, CONFLICT}
"""What the message or the user is to blame for gets no better by waiting."""


def _turn_failed(error: TurnFailedError) -> ApiError:
    status = _TURN_STATUSES.get(error.code, 503)
    wait = None if status in _WITHOUT_WAITING else error.retry_after_seconds or RETRY_AFTER_SECONDS
    return ApiError(status, error.code, error.message, retry_after=wait)


_REFUSED_BY_PROVIDER = {"access_denied", "id_token_refused"}


def _sign_in_refused(error: SignInRefusedError) -> ApiError:
    return ApiError(403 if error.code in _REFUSED_BY_PROVIDER else 400, error.code, error.message)


def _quota(message: str) -> ApiError:
    return ApiError(429, "quota_exceeded", message, retry_after=QUOTA_RETRY_AFTER_SECONDS)


_TABLE: dict[type[Exception], Callable[[Any], ApiError]] = {
    TaskNotFoundError: lambda e: ApiError(404, "task_not_found", str(e)),
    DeletedTaskNotFoundError: lambda e: ApiError(404, "task_not_found", str(e)),
    ConversationNotFoundError: lambda e: ApiError(
        404, "conversation_not_found", f"There is no conversation {e.conversation_id}."
    ),
    TurnInProgressError: lambda e: ApiError(
        409,
        "turn_in_progress",
        "This message is being answered. Ask again after the time in Retry-After.",
        retry_after=e.retry_after_seconds,
    ),
    ConversationBusyError: lambda e: ApiError(
        409,
        "turn_in_progress",
        "Another message of this conversation is being answered, so this one was not taken. "
        "Send it again after the time in Retry-After.",
        retry_after=e.retry_after_seconds,
    ),
    ConversationInUseError: lambda e: ApiError(
        409,
        "turn_in_progress",
        "A message of this conversation is being answered. Stop that first, or wait for it.",
        retry_after=e.retry_after_seconds,
    ),
    TurnNotFoundError: lambda _: ApiError(
        404, "turn_not_found", "There is no message with this Idempotency-Key."
    ),
    TooManyTasksError: lambda e: _quota(str(e)),
    TooManyConversationsError: lambda e: _quota(str(e)),
    TooManyTurnsError: lambda e: ApiError(
        429, "too_many_turns", str(e), retry_after=RETRY_AFTER_SECONDS
    ),
    KeyReusedError: lambda _: ApiError(
        422,
        "idempotency_key_reused",
        "This Idempotency-Key belongs to another message. Use a new key.",
    ),
    TurnFailedError: _turn_failed,
    SignInRefusedError: _sign_in_refused,
    AccountTakenError: lambda e: ApiError(
        409,
        "account_taken",
        f"The user name {e.user_id} belongs to an account of another identity provider. "
        "Ask whoever runs this site.",
    ),
    ProviderAnswerError: lambda _: ApiError(
        502,
        "provider_bad_answer",
        "The identity provider answered with something unusable. Try again in a moment; if it "
        "stays so, tell whoever runs this site: its log has the reason.",
    ),
    ProviderUnavailableError: lambda _: ApiError(
        503,
        "provider_unavailable",
        "The identity provider does not answer. Try again in a moment.",
        retry_after=RETRY_AFTER_SECONDS,
    ),
    DatabaseUnavailableError: lambda _: ApiError(
        503,
        "database_unavailable",
        "The database does not answer. Try again in a moment.",
        retry_after=RETRY_AFTER_SECONDS,
    ),
}

_HTTP_CODES = {
    404: ("not_found", "There is no such route."),
    405: ("method_not_allowed", "This route does not know that method."),
    413: ("payload_too_large", "The body is too large."),
}


def to_api_error(error: Exception) -> ApiError:
    """The client's view of a domain error; an ApiError is its own.

    Raises:
        KeyError: not a domain error, so a bug.
    """
    return error if isinstance(error, ApiError) else _TABLE[type(error)](error)


def _answer(error: ApiError) -> JSONResponse:
    return JSONResponse(error.body(current_request_id()), error.status, error.headers())


async def _on_domain_error(_: Request, error: Exception) -> JSONResponse:
    return _answer(to_api_error(error))


async def _on_http_error(_: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, HTTPException)  # noqa: S101 - registered for this type only
    code, message = _HTTP_CODES.get(error.status_code, ("http_error", str(error.detail)))
    answer = _answer(ApiError(error.status_code, code, message))
    answer.headers.update(error.headers or {})
    return answer


async def _on_invalid(_: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, RequestValidationError)  # noqa: S101 - registered for this type only
    problems = error.errors()
    if any(problem["type"] == "json_invalid" for problem in problems):
        return _answer(ApiError(400, "invalid_json", "The body is not valid JSON."))
    # Only place and rule: the rejected value may be private and may not be JSON.
    errors = [{"loc": list(problem["loc"]), "msg": problem["msg"]} for problem in problems]
    first = errors[0]
    place = ".".join(str(part) for part in first["loc"])
    return _answer(
        ApiError(422, "validation_error", f"{place}: {first['msg']}", details={"errors": errors})
    )


def install_error_handlers(app: FastAPI) -> None:
    """Answer every expected error with an :class:`ErrorBody`."""
    kinds: list[type[Exception]] = [ApiError, *_TABLE]
    for kind in kinds:
        app.add_exception_handler(kind, _on_domain_error)
    app.add_exception_handler(HTTPException, _on_http_error)
    app.add_exception_handler(RequestValidationError, _on_invalid)


def error_responses(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """The OpenAPI entries for these statuses."""
    return {status: {"model": ErrorBody} for status in statuses}


def streaming_error_responses(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """The same for a route whose success is not JSON: its errors are JSON all the same."""
    schema = {"$ref": f"#/components/schemas/{ErrorBody.__name__}"}
    entry = {"description": "Error", "content": {"application/json": {"schema": schema}}}
    return dict.fromkeys(statuses, entry)
