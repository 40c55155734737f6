"""HTTP of the agent: ``POST /turn``, ``GET /info`` and the health endpoints."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from pydantic import ValidationError
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route

from todo_chat.agent.runner import ChosenModel, TurnRunner
from todo_chat.turn import MEDIA_TYPE, TurnRequest
from todo_chat.web.answer_headers import AnswerHeadersMiddleware
from todo_chat.web.body_limit import BodyLimitMiddleware
from todo_chat.web.errors import ApiError
from todo_chat.web.health import Lifecycle, health_routes
from todo_chat.web.middleware import ObservabilityMiddleware
from todo_chat.web.request_id import current_request_id

MAX_BODY_BYTES = 1024 * 1024
"""The backend sends at most 48,000 characters of history."""


def create_app(runner: TurnRunner, model: ChosenModel, lifecycle: Lifecycle) -> Starlette:
    """The agent's application; closes the model at the end."""

    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        yield
        await model.close()

    async def info(_: Request) -> Response:
        return JSONResponse(model.info.model_dump())

    async def turn(request: Request) -> Response:
        scheme, _, token = request.headers.get("Authorization", "").partition(" ")
        if scheme.lower() != "bearer" or not token:
            return _refuse(ApiError(401, "unauthorized", "Send the user's bearer token."))
        try:
            given = TurnRequest.model_validate_json(await request.body())
        except ValidationError as error:
            return _refuse(ApiError(422, "validation_error", f"{error.error_count()} errors"))

        async def lines() -> AsyncIterator[str]:
            async for event in runner.run(given.messages, token, current_request_id()):
                yield event.model_dump_json() + "\n"

        return StreamingResponse(lines(), media_type=MEDIA_TYPE)

    app = Starlette(
        routes=[
            *health_routes(lifecycle),
            Route("/info", info),
            Route("/turn", turn, methods=["POST"]),
        ],
        lifespan=lifespan,
    )
    app.add_middleware(BodyLimitMiddleware, max_bytes=MAX_BODY_BYTES)
    app.add_middleware(AnswerHeadersMiddleware)
    app.add_middleware(ObservabilityMiddleware)
    return app


def _refuse(error: ApiError) -> Response:
    return JSONResponse(error.body(current_request_id()), error.status, error.headers())
