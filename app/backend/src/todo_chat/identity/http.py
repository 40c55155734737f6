"""Requests to identity providers: bounded in time, judged by what comes back."""

import asyncio
import json
import ssl
from typing import Any

import httpx2

from todo_chat.identity.errors import ProviderAnswerError, ProviderUnavailableError

TIMEOUT = httpx2.Timeout(5, connect=3)
TOTAL_SECONDS = 8
"""The longest time for one request, a slow answer included."""
LIMITS = httpx2.Limits(max_connections=20)

_SERVER_ERROR = 500
_TOO_MANY = 429


def tls_context() -> ssl.SSLContext:
    """Trusts the certificate authorities of SSL_CERT_FILE where it is set, else the system's."""
    return ssl.create_default_context()


class ProviderHttp:
    """A pool of connections to providers. Close it when done."""

    def __init__(self, transport: httpx2.AsyncBaseTransport | None = None) -> None:
        self.tls = tls_context()
        self._client = httpx2.AsyncClient(
            timeout=TIMEOUT, limits=LIMITS, verify=self.tls, trust_env=False, transport=transport
        )

    async def get_json(self, url: str, bearer: str | None = None) -> dict[str, Any]:
        """A JSON object.

        Raises:
            ProviderUnavailableError: no answer in time, a broken one, or status 429 or 5xx.
            ProviderAnswerError: any other status than 200, or not a JSON object.
        """
        headers = {"Accept": "application/json"}
        if bearer is not None:
            headers["Authorization"] = f"Bearer {bearer}"
        try:
            async with asyncio.timeout(TOTAL_SECONDS):
                response = await self._client.get(url, headers=headers)
        except (httpx2.HTTPError, TimeoutError) as error:
            raise unavailable(url, error) from error
        return json_object(url, response)

    async def close(self) -> None:
        """Close every connection."""
        await self._client.aclose()


def unavailable(url: str, error: Exception) -> ProviderUnavailableError:
    """No usable answer came from ``url``."""
    return ProviderUnavailableError(f"{url}: {type(error).__name__}: {error}".rstrip(": "))


def json_object(url: str, response: httpx2.Response) -> dict[str, Any]:
    """The JSON object of an answer with status 200.

    Raises:
        ProviderUnavailableError: status 429 or 5xx.
        ProviderAnswerError: another status, or another body.
    """
    status = response.status_code
    if status >= _SERVER_ERROR or status == _TOO_MANY:
        raise ProviderUnavailableError(f"{url} answered {status}")
    if not response.is_success:
        raise ProviderAnswerError(f"{url} answered {status} instead of 200")
    try:
        body = json.loads(response.content)
    except ValueError as error:
        kind = response.headers.get("content-type", "no content type")
        raise ProviderAnswerError(f"{url} answered with {kind} instead of JSON") from error
    if not isinstance(body, dict):
        raise ProviderAnswerError(f"{url} answered with JSON that is not an object")
    return body
