"""Signing in and out with a browser."""

import logging
from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request
from fastapi.responses import JSONResponse, RedirectResponse
from pydantic import BaseModel
from starlette.responses import Response

from todo_chat.api.auth_page import sign_in_failed
from todo_chat.api.browser import BrowserDoor
from todo_chat.api.deps import ServicesDep
from todo_chat.api.errors import error_responses, to_api_error
from todo_chat.db.session import DatabaseUnavailableError
from todo_chat.identity.errors import (
    AccountTakenError,
    ProviderAnswerError,
    ProviderUnavailableError,
    SignInRefusedError,
)
from todo_chat.identity.sign_in import Answer
from todo_chat.web.request_id import current_request_id

log = logging.getLogger(__name__)

router = APIRouter(prefix="/api/auth", tags=["session"], responses=error_responses(422, 503))

_FAILURES = (
    AccountTakenError,
    DatabaseUnavailableError,
    ProviderAnswerError,
    ProviderUnavailableError,
    SignInRefusedError,
)


class SessionPublic(BaseModel):
    """Who is signed in with this browser."""

    user_id: str
    name: str
    expires_at: datetime


def _door(services: ServicesDep) -> BrowserDoor:
    assert services.browser is not None  # noqa: S101 - else these routes do not exist
    return services.browser


Door = Annotated[BrowserDoor, Depends(_door)]
# A provider's answer is bounded by what a request line may hold; this says so per field.
Field = Annotated[str | None, Query(max_length=4096)]


@router.get(
    "/login", response_class=RedirectResponse, status_code=302, responses=error_responses(400, 502)
)
async def login(request: Request, door: Door, next: Annotated[str, Query()] = "/") -> Response:
    """Send the browser to the identity provider; ``next`` is the path to return to."""
    try:
        url, sealed = await door.sign_in.begin(next)
    except _FAILURES as error:
        return _failed(request, error)
    response = _redirect(url)
    door.set_attempt(response, sealed)
    return response


@router.get(
    "/callback",
    response_class=RedirectResponse,
    status_code=302,
    responses=error_responses(400, 403, 409, 502),
)
async def callback(
    request: Request,
    door: Door,
    state: Field = None,
    code: Field = None,
    error: Field = None,
    iss: Field = None,
) -> Response:
    """Where the identity provider sends the browser back to."""
    sealed = request.cookies.get(door.attempt_cookie)
    try:
        signed_in = await door.sign_in.finish(Answer(state, code, error, iss), sealed)
        # A browser has one session: what it had before must not outlive it.
        await door.sessions.end(request.cookies.get(door.session_cookie, ""))
    except _FAILURES as failure:
        response = _failed(request, failure)
    else:
        response = _redirect(signed_in.next)
        door.set_session(response, signed_in.cookie, signed_in.session)
        log.info("signed in", extra={"user_id": signed_in.session.user_id})
    door.forget(response, door.attempt_cookie)
    return response


@router.get("/session", responses=error_responses(401))
async def session(request: Request, door: Door) -> SessionPublic:
    """Who is signed in, and until when."""
    found = await door.session(request)
    return SessionPublic(user_id=found.user_id, name=found.name, expires_at=found.expires_at)


@router.post("/logout", status_code=204, responses=error_responses(403))
async def logout(request: Request, door: Door) -> Response:
    """End the session of this browser. Without one there is nothing to end."""
    door.check_own(request)
    await door.sessions.end(request.cookies.get(door.session_cookie, ""))
    return _signed_out(door)


@router.post("/logout-everywhere", status_code=204, responses=error_responses(401, 403))
async def logout_everywhere(request: Request, door: Door) -> Response:
    """End every session of the user who is signed in, in every browser."""
    found = await door.session(request)
    await door.sessions.end_all(found.user_id)
    return _signed_out(door)


def _signed_out(door: BrowserDoor) -> Response:
    response = Response(status_code=204)
    door.forget(response, door.session_cookie)
    return response


def _redirect(url: str) -> RedirectResponse:
    return RedirectResponse(url, 302)


def _failed(request: Request, failure: Exception) -> Response:
    """The failure as a page for a browser, else in the shape of every other error."""
    error = to_api_error(failure)
    log.warning("sign-in failed", extra={"code": error.code, "reason": str(failure)})
    if "text/html" in request.headers.get("accept", ""):
        return sign_in_failed(error, current_request_id())
    return JSONResponse(error.body(current_request_id()), error.status, error.headers())
