"""Information about the service and the development login."""

from datetime import UTC, datetime
from typing import Annotated, Literal

from fastapi import APIRouter
from pydantic import BaseModel, StringConstraints

from todo_chat.api.deps import ServicesDep
from todo_chat.api.errors import error_responses
from todo_chat.chat.errors import AgentUnavailableError
from todo_chat.security import USER_ID_PATTERN
from todo_chat.settings import BackendSettings, Environment
from todo_chat.turn import ModelInfo

info_router = APIRouter(prefix="/api", tags=["session"])
login_router = APIRouter(prefix="/api", tags=["session"], responses=error_responses(400, 413, 422))


class Info(BaseModel):
    """What answers here. ``model`` is None while the agent cannot be reached.

    ``sign_in`` says how people get in: through an identity provider, by the development
    login, or not at all, which outside of development means that something is not configured.
    """

    version: str
    environment: Environment
    dev_login: bool
    sign_in: Literal["oidc", "development", "none"]
    agent: Literal["reachable", "unreachable"]
    model: ModelInfo | None


class LoginRequest(BaseModel):
    """Whom the token shall speak for; there is no password."""

    user_id: Annotated[str, StringConstraints(pattern=USER_ID_PATTERN)]


class LoginResponse(BaseModel):
    """A bearer token for REST and MCP."""

    token: str
    user_id: str
    expires_at: datetime


@info_router.get("/info")
async def info(services: ServicesDep) -> Info:
    """Version, environment and the model in use."""
    try:
        model = await services.agent.model_info()
    except AgentUnavailableError:
        model = None
    return Info(
        version=services.settings.version,
        environment=services.settings.environment,
        dev_login=services.settings.dev_login,
        sign_in=_sign_in(services.settings),
        agent="unreachable" if model is None else "reachable",
        model=model,
    )


def _sign_in(settings: BackendSettings) -> Literal["oidc", "development", "none"]:
    if settings.oidc is not None:
        return "oidc"
    return "development" if settings.dev_login else "none"


@login_router.post("/login")
async def login(services: ServicesDep, request: LoginRequest) -> LoginResponse:
    """Development login: a token for any user id, without a password."""
    token, expires_at = services.tokens.issue_for_user(
        request.user_id, services.settings.login_token_seconds
    )
    return LoginResponse(
        token=token,
        user_id=request.user_id,
        expires_at=datetime.fromtimestamp(expires_at, tz=UTC),
    )
