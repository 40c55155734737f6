"""The error answer that all routes share."""

from typing import Any


class ApiError(Exception):
    """An answer other than success, in the one shape that every route uses.

    Attributes:
        status: HTTP status.
        code: stable name for programs.
        message: sentence for people: what failed and what to do next.
        details: further data, or None.
        retry_after: seconds for the ``Retry-After`` header, or None.
    """

    def __init__(
        self,
        status: int,
        code: str,
        message: str,
        *,
        details: dict[str, Any] | None = None,
        retry_after: int | None = None,
    ) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.message = message
        self.details = details
        self.retry_after = retry_after

    def body(self, request_id: str) -> dict[str, Any]:
        """The JSON body: ``{"error": {code, message, request_id, details}}``."""
        return {
            "error": {
                "code": self.code,
                "message": self.message,
                "request_id": request_id,
                "details": self.details,
            }
        }

    def headers(self) -> dict[str, str]:
        """``Retry-After`` and ``WWW-Authenticate`` where the status calls for them."""
        headers: dict[str, str] = {}
        if self.retry_after is not None:
            headers["Retry-After"] = str(self.retry_after)
        if self.status == 401:  # noqa: PLR2004 - RFC 9110, 15.5.2
            headers["WWW-Authenticate"] = "Bearer"
        return headers
