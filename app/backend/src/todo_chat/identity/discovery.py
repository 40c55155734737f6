"""The provider's discovery document: fetched when it is needed, kept for an hour."""

import asyncio
import logging
import time
from collections.abc import Callable

from pydantic import BaseModel, ValidationError

from todo_chat.identity.errors import ProviderAnswerError, ProviderUnavailableError
from todo_chat.identity.http import ProviderHttp

log = logging.getLogger(__name__)

PATH = "/.well-known/openid-configuration"
MAX_AGE_SECONDS = 3600
RETRY_SECONDS = 3
"""After a failure the provider is left alone for this long: requests that wait share its answer."""


class Document(BaseModel):
    """What is used of OpenID Connect Discovery 1.0, section 3."""

    issuer: str
    authorization_endpoint: str
    token_endpoint: str
    jwks_uri: str
    userinfo_endpoint: str | None = None
    token_endpoint_auth_methods_supported: list[str] = ["client_secret_basic"]
    authorization_response_iss_parameter_supported: bool = False


class Discovery:
    """Gives the document of one issuer."""

    def __init__(
        self, issuer: str, http: ProviderHttp, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self.issuer = issuer
        self._http = http
        self._clock = clock
        self._document: Document | None = None
        self._failure: ProviderUnavailableError | ProviderAnswerError | None = None
        self._tried_at: float | None = None
        self._lock = asyncio.Lock()

    async def document(self) -> Document:
        """The document; an old one when the provider does not answer now.

        Raises:
            ProviderUnavailableError: there is none yet and the provider does not answer.
            ProviderAnswerError: there is none yet and the answer is not such a document, or
                that of another issuer.
        """
        async with self._lock:
            age = None if self._tried_at is None else self._clock() - self._tried_at
            lasts = MAX_AGE_SECONDS if self._failure is None else RETRY_SECONDS
            if age is None or age >= lasts:
                await self._try()
            if self._document is not None:
                return self._document
            assert self._failure is not None  # noqa: S101 - without a document the try failed
            raise self._failure

    async def keys_address(self) -> str:
        """Where the provider's keys are."""
        return (await self.document()).jwks_uri

    async def _try(self) -> None:
        self._tried_at = self._clock()
        try:
            self._document, self._failure = await self._fetch(), None
        except (ProviderUnavailableError, ProviderAnswerError) as error:
            log.warning("discovery failed", extra={"issuer": self.issuer, "reason": str(error)})
            self._failure = error

    async def _fetch(self) -> Document:
        url = self.issuer.removesuffix("/") + PATH
        try:
            document = Document.model_validate(await self._http.get_json(url))
        except ValidationError as error:
            first = error.errors(include_input=False, include_url=False)[0]
            place = ".".join(str(part) for part in first["loc"])
            raise ProviderAnswerError(f"{url}: {place}: {first['msg']}") from error
        if document.issuer != self.issuer:
            raise ProviderAnswerError(
                f"{url} is the document of the issuer {document.issuer!r}; "
                f"configured is {self.issuer!r}. The two have to be equal to the letter"
            )
        endpoints = [
            document.authorization_endpoint,
            document.token_endpoint,
            document.jwks_uri,
            *([document.userinfo_endpoint] if document.userinfo_endpoint else []),
        ]
        scheme = self.issuer.partition("://")[0]
        for endpoint in endpoints:
            if not endpoint.startswith(("https://", f"{scheme}://")):
                raise ProviderAnswerError(f"{url} names the address {endpoint!r}; use {scheme}")
        return document
