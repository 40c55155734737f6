"""One table from what went wrong in a turn to what the user is told."""

import json
import logging
import math
from collections.abc import Mapping

import httpx2
from agents import AgentsException, MaxTurnsExceeded, ModelBehaviorError
from openai import (
    APIConnectionError,
    APIError,
    APIResponseValidationError,
    APIStatusError,
    APITimeoutError,
    AuthenticationError,
    BadRequestError,
    NotFoundError,
    PermissionDeniedError,
    RateLimitError,
)

from todo_chat.agent.tools import ToolsUnavailableError
from todo_chat.turn import Failed, FailureCode

log = logging.getLogger(__name__)

LONGEST_RETRY_AFTER_SECONDS = 3600

SAVED = "Your message is saved; send it again"
MESSAGES: dict[FailureCode, str] = {
    "tools_unavailable": f"The task tools cannot be reached. {SAVED} in a moment.",
    "turn_timeout": f"The language model took too long. {SAVED}.",
    "model_unavailable": f"The language model cannot be reached. {SAVED} in a moment.",
    "model_key_refused": "The language model refuses this site’s key. Tell whoever runs this site. "
    f"{SAVED} when that is settled.",
    "model_misconfigured": "The language model does not take what this site asks of it. Tell "
    f"whoever runs this site. {SAVED} when that is settled.",
    "model_busy": f"The language model is busy. {SAVED} in a moment.",
    "model_quota_exhausted": "This site has used up what it may ask the language model. Tell "
    f"whoever runs this site. {SAVED} when that is settled.",
    "model_bad_answer": f"The language model answered with something unusable. {SAVED}.",
    "model_empty_answer": f"The language model answered nothing. {SAVED}.",
    "model_loops": "The assistant went round in circles and was stopped. Your message is saved; "
    "say it in smaller steps.",
    "context_too_long": "This conversation has become too long for the language model. Your "
    "message is saved; say it in a new conversation.",
    "refused_by_policy": "The language model’s provider refuses to answer this. Your message is "
    "saved; say it in other words.",
    "agent_failed": f"The assistant broke off. {SAVED}.",
}


class EmptyAnswerError(Exception):
    """The model has ended the turn without a word."""


def failure_of(error: Exception) -> Failed:
    """What the user is told; the reason itself stays in the log."""
    code = _code_of(error)
    reason = f"{type(error).__name__}: {error}"
    level = logging.ERROR if code in _FOR_WHO_RUNS_IT else logging.WARNING
    log.log(
        level,
        "turn failed",
        extra={"code": code, "reason": reason},
        exc_info=error if code == "agent_failed" else None,
    )
    return Failed(code=code, message=MESSAGES[code], retry_after=_retry_after(error))


_FOR_WHO_RUNS_IT = {
    "agent_failed",
    "model_key_refused",
    "model_misconfigured",
    "model_quota_exhausted",
}

# In this order: the first kind that an error is of decides.
_KINDS: tuple[tuple[tuple[type[Exception], ...], FailureCode], ...] = (
    ((ToolsUnavailableError,), "tools_unavailable"),
    ((EmptyAnswerError,), "model_empty_answer"),
    ((APITimeoutError, httpx2.TimeoutException), "turn_timeout"),
    ((AuthenticationError, PermissionDeniedError), "model_key_refused"),
    ((NotFoundError,), "model_misconfigured"),
    ((APIResponseValidationError, json.JSONDecodeError, ModelBehaviorError), "model_bad_answer"),
    ((APIConnectionError, APIError, httpx2.TransportError), "model_unavailable"),
    ((MaxTurnsExceeded,), "model_loops"),
    ((AgentsException,), "agent_failed"),
)

# What OpenAI calls it, and what the endpoints that speak its language do.
_BY_CODE: Mapping[str, FailureCode] = {
    "insufficient_quota": "model_quota_exhausted",
    "billing_hard_limit_reached": "model_quota_exhausted",
    "context_length_exceeded": "context_too_long",
    "string_above_max_length": "context_too_long",
    "content_filter": "refused_by_policy",
    "content_policy_violation": "refused_by_policy",
}


def _code_of(error: Exception) -> FailureCode:
    if isinstance(error, APIError) and (known := _BY_CODE.get(str(error.code))):
        return known
    if isinstance(error, RateLimitError):
        return "model_busy"
    if isinstance(error, BadRequestError):
        return "context_too_long" if "context length" in str(error) else "model_misconfigured"
    for kinds, code in _KINDS:
        if isinstance(error, kinds):
            return code
    return "agent_failed"


def _retry_after(error: Exception) -> int | None:
    if not isinstance(error, APIStatusError):
        return None
    try:
        seconds = math.ceil(float(error.response.headers.get("Retry-After", "")))
    except (ValueError, OverflowError):
        return None
    return min(max(1, seconds), LONGEST_RETRY_AFTER_SECONDS)
