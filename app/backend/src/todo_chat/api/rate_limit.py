"""Requests per user and minute, counted in this replica."""

import math
import time

from limits import RateLimitItemPerMinute
from limits.aio.storage import MemoryStorage
from limits.aio.strategies import SlidingWindowCounterRateLimiter

from todo_chat.web.errors import ApiError


class RateLimiter:
    """A sliding window per user. With n replicas a user gets up to n times the limit."""

    def __init__(self, per_minute: int) -> None:
        self._limit = RateLimitItemPerMinute(per_minute)
        self._limiter = SlidingWindowCounterRateLimiter(MemoryStorage())

    async def hit(self, user_id: str) -> None:
        """Count a request.

        Raises:
            ApiError: 429 with ``Retry-After`` when the limit is used up.
        """
        if await self._limiter.hit(self._limit, user_id):
            return
        window = await self._limiter.get_window_stats(self._limit, user_id)
        raise ApiError(
            429,
            "rate_limited",
            f"More than {self._limit.amount} requests in a minute. Wait a moment.",
            retry_after=max(1, math.ceil(window.reset_time - time.time())),
        )
