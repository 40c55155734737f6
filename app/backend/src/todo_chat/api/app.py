"""The backend's application factory."""

from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager

from fastapi import FastAPI

from todo_chat import __version__
from todo_chat.api import auth, chat, session, tasks
from todo_chat.api.deps import Services
from todo_chat.api.errors import install_error_handlers
from todo_chat.web.answer_headers import AnswerHeadersMiddleware
from todo_chat.web.body_limit import BodyLimitMiddleware
from todo_chat.web.head import HeadMiddleware
from todo_chat.web.health import Lifecycle, health_routes
from todo_chat.web.middleware import ObservabilityMiddleware


def create_app(
    services: Services, lifecycle: Lifecycle, on_shutdown: Sequence[Callable[[], Awaitable[None]]]
) -> FastAPI:
    """Wire routes to services.

    Args:
        services: the adapters that the routes use.
        lifecycle: state for the health endpoints.
        on_shutdown: called in reverse order after the last request.
    """

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        async with AsyncExitStack() as stack:
            for close in on_shutdown:
                stack.push_async_callback(close)
            yield

    app = FastAPI(
        title="todo-chat",
        version=__version__,
        description="Tasks, conversations and an assistant that changes tasks through MCP tools.",
        openapi_url="/api/openapi.json",
        # The page of the documentation loads its scripts from elsewhere, which the policy of our
        # answers does not allow. The document itself is enough for tools.
        docs_url=None,
        redoc_url=None,
        lifespan=lifespan,
    )
    app.state.services = services
    app.add_middleware(AnswerHeadersMiddleware)
    app.add_middleware(BodyLimitMiddleware, max_bytes=services.settings.max_body_bytes)
    app.add_middleware(HeadMiddleware)
    app.add_middleware(ObservabilityMiddleware)
    install_error_handlers(app)
    app.router.routes.extend(health_routes(lifecycle))
    app.include_router(session.info_router)
    if services.settings.dev_login:
        app.include_router(session.login_router)
    if services.browser is not None:
        app.include_router(auth.router)
    app.include_router(tasks.router)
    app.include_router(chat.router)
    return app
