"""What routes need, as type aliases: a signature says what its route depends on."""

import re
from dataclasses import dataclass
from typing import Annotated

from fastapi import Depends, Header, Path, Request
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer

from todo_chat.api.browser import BrowserDoor
from todo_chat.api.rate_limit import RateLimiter
from todo_chat.chat.ports import Agent
from todo_chat.chat.service import ChatService
from todo_chat.db.session import Database
from todo_chat.identity.bearer import ExternalTokens
from todo_chat.security import API_AUDIENCE, USER_ID_PATTERN, TokenError, Tokens
from todo_chat.settings import BackendSettings
from todo_chat.web.errors import ApiError


@dataclass(frozen=True)
class Services:
    """The adapters that the entry point picked; one instance per application."""

    settings: BackendSettings
    tokens: Tokens
    tasks_database: Database
    chat: ChatService
    agent: Agent
    rate_limiter: RateLimiter
    external_tokens: ExternalTokens
    browser: BrowserDoor | None
    """None when no identity provider is configured."""


def _services(request: Request) -> Services:
    services: Services = request.app.state.services
    return services


ServicesDep = Annotated[Services, Depends(_services)]
UserIdPath = Annotated[
    str,
    Path(
        pattern=USER_ID_PATTERN,
        description="The user; must be whom the token or the session is of.",
    ),
]
_Credentials = Annotated[HTTPAuthorizationCredentials | None, Depends(HTTPBearer(auto_error=False))]


async def _current_user(
    user_id: UserIdPath, services: ServicesDep, credentials: _Credentials, request: Request
) -> str:
    if credentials is not None:
        known = await _user_of_token(services, credentials.credentials)
    elif services.browser is not None:
        known = (await services.browser.session(request)).user_id
    else:
        raise ApiError(401, "unauthorized", "Send a bearer token in the Authorization header.")
    if known != user_id:
        raise ApiError(403, "forbidden", "You are signed in as another user.")
    await services.rate_limiter.hit(user_id)
    return user_id


async def _user_of_token(services: Services, token: str) -> str:
    try:
        if services.external_tokens.knows(token):
            return await services.external_tokens.user_id(token)
        return services.tokens.verify(token, API_AUDIENCE).user_id
    except TokenError as error:
        raise ApiError(401, error.code, str(error)) from error


CurrentUser = Annotated[str, Depends(_current_user)]

_KEY = re.compile(r"[\x21-\x7e]{1,64}")


def _idempotency_key(
    idempotency_key: Annotated[
        str | None,
        Header(description="1 to 64 visible ASCII characters; repeat a request with its key."),
    ] = None,
) -> str | None:
    if idempotency_key is not None and not _KEY.fullmatch(idempotency_key):
        raise ApiError(
            422, "validation_error", "Idempotency-Key must have 1 to 64 visible ASCII characters."
        )
    return idempotency_key


IdempotencyKey = Annotated[str | None, Depends(_idempotency_key)]
