"""Routes for chatting, conversations and histories."""

import uuid
from collections.abc import AsyncIterator
from typing import Annotated

from fastapi import APIRouter, Depends, Path, Query
from fastapi.sse import EventSourceResponse, ServerSentEvent

from todo_chat.api.deps import CurrentUser, IdempotencyKey, ServicesDep
from todo_chat.api.errors import (
    EVERY_ROUTE,
    error_responses,
    streaming_error_responses,
    to_api_error,
)
from todo_chat.chat.errors import TurnFailedError
from todo_chat.chat.models import (
    ChatRequest,
    ChatResponse,
    ConversationPublic,
    ConversationUpdate,
    MessagePublic,
    StopRequest,
)
from todo_chat.chat.service import Turn
from todo_chat.text import BIGINT_MAX, Storable
from todo_chat.web.errors import ApiError
from todo_chat.web.request_id import current_request_id

router = APIRouter(
    prefix="/api/{user_id}",
    tags=["chat"],
    responses=error_responses(*EVERY_ROUTE),
)


async def _start_turn(
    user: CurrentUser, services: ServicesDep, request: ChatRequest, key: IdempotencyKey
) -> Turn:
    return await services.chat.start_turn(
        user, request, key or uuid.uuid4().hex, current_request_id()
    )


ConversationIdPath = Annotated[int, Path(ge=1, le=BIGINT_MAX)]
SearchText = Annotated[str, Query(max_length=200), Storable]

# A dependency, so that its errors are ordinary answers also on the streaming route.
StartedTurn = Annotated[Turn, Depends(_start_turn)]


@router.post("/chat", responses=error_responses(404, 409, 504))
async def chat(turn: StartedTurn) -> ChatResponse:
    """Send a message and wait for the answer.

    Repeating a request with its Idempotency-Key gives the stored answer and neither a second
    message nor a second change of a task.
    """
    try:
        return await turn.answer()
    except TurnFailedError as error:
        raise _with_turn(error, turn) from error


@router.post(
    "/chat/stream",
    response_class=EventSourceResponse,
    responses=streaming_error_responses(*EVERY_ROUTE, 404, 409),
)
async def chat_stream(turn: StartedTurn) -> AsyncIterator[ServerSentEvent]:
    """Send a message and receive the answer as server-sent events.

    Events: ``start``, ``delta``, ``tool_call``, ``tool_result``, then ``done`` or ``error``.
    The turn is finished and stored also when the client leaves.
    """
    yield ServerSentEvent(
        event="start",
        data={
            "conversation_id": turn.conversation_id,
            "message_id": turn.message_id,
            "idempotency_key": turn.turn_key,
        },
    )
    async for event in turn.progress():
        yield ServerSentEvent(event=event.type, data=event.model_dump(exclude={"type"}))
    try:
        yield ServerSentEvent(event="done", data=await turn.answer())
    except TurnFailedError as error:
        body = _with_turn(error, turn).body(current_request_id())
        yield ServerSentEvent(event="error", data=body["error"])


@router.post("/chat/stop", status_code=204, responses=error_responses(404))
async def stop_turn(user: CurrentUser, services: ServicesDep, request: StopRequest) -> None:
    """End the turn of a message, whichever replica answers it.

    The turn ends with the error ``stopped`` within two seconds, or once the tool at work is done;
    what it did until then is stored and told. A turn that is over stays as it is.
    """
    await services.chat.stop_turn(user, request.idempotency_key)


def _with_turn(error: TurnFailedError, turn: Turn) -> ApiError:
    api_error = to_api_error(error)
    api_error.details = {
        "conversation_id": turn.conversation_id,
        "idempotency_key": turn.turn_key,
        "tool_calls": [call.model_dump(mode="json") for call in error.tool_calls],
        # A stream has sent its headers already.
        "retry_after": api_error.retry_after,
    }
    return api_error


@router.get("/conversations")
async def list_conversations(
    user: CurrentUser,
    services: ServicesDep,
    before: Annotated[int, Query(ge=1, le=BIGINT_MAX)] = BIGINT_MAX,
    limit: Annotated[int, Query(ge=1, le=100)] = 50,
    search: SearchText = "",
) -> list[ConversationPublic]:
    """The user's conversations, newest first; with ``search`` those that have the text in them."""
    return await services.chat.conversations(
        user, before=before, limit=limit, search=search.strip()
    )


@router.patch("/conversations/{conversation_id}", responses=error_responses(404))
async def rename_conversation(
    user: CurrentUser,
    services: ServicesDep,
    conversation_id: ConversationIdPath,
    change: ConversationUpdate,
) -> ConversationPublic:
    """Give a conversation a name."""
    return await services.chat.rename_conversation(user, conversation_id, change.title)


@router.delete(
    "/conversations/{conversation_id}", status_code=204, responses=error_responses(404, 409)
)
async def delete_conversation(
    user: CurrentUser, services: ServicesDep, conversation_id: ConversationIdPath
) -> None:
    """Delete a conversation and its messages for good; what was done in it stays done."""
    await services.chat.delete_conversation(user, conversation_id)


@router.get("/conversations/{conversation_id}/messages", responses=error_responses(404))
async def list_messages(
    user: CurrentUser,
    services: ServicesDep,
    conversation_id: ConversationIdPath,
    after: Annotated[int, Query(ge=0, le=BIGINT_MAX)] = 0,
    limit: Annotated[int, Query(ge=1, le=500)] = 200,
) -> list[MessagePublic]:
    """The messages of a conversation, oldest first."""
    return await services.chat.messages(user, conversation_id, after=after, limit=limit)
