"""A provider's public keys, and the tokens that they verify."""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable

from joserfc import jwt
from joserfc.errors import InvalidKeyIdError, JoseError
from joserfc.jwk import KeySet
from joserfc.jws import JWSRegistry

from todo_chat.identity.errors import ProviderAnswerError, ProviderUnavailableError
from todo_chat.identity.http import ProviderHttp

log = logging.getLogger(__name__)

ALGORITHMS = [
    *("RS256", "RS384", "RS512", "PS256", "PS384", "PS512"),
    *("ES256", "ES384", "ES512", "Ed25519", "EdDSA"),
]
"""Signatures with a private key only: with ``none`` or HMAC anybody who knows the public key,
or nothing at all, could sign."""
MAX_AGE_SECONDS = 3600
"""A key that the provider withdrew is forgotten after this time, if it answers then."""
REFETCH_SECONDS = 10
"""Keys are not fetched more often, whatever ids tokens name."""
CLOCK_SKEW_SECONDS = 60


class ProviderKeys:
    """The key set at an address: kept for an hour, fetched anew when a token names a new key.

    Args:
        http: how to fetch.
        address: gives the URL of the key set; called before each fetch.
        clock: seconds that only go forward.
    """

    def __init__(
        self,
        http: ProviderHttp,
        address: Callable[[], Awaitable[str]],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._http = http
        self._address = address
        self._clock = clock
        self._keys: KeySet | None = None
        self._fetched_at = 0.0
        self._tried_at: float | None = None
        self._failure: ProviderUnavailableError | ProviderAnswerError | None = None
        self._lock = asyncio.Lock()

    async def decode(self, token: str) -> jwt.Token:
        """Header and claims of a token with a good signature; the claims are not judged here.

        Raises:
            JoseError: no such key, a bad signature, an algorithm that is not allowed, no token.
            ProviderUnavailableError, ProviderAnswerError: there are no keys to be had.
        """
        keys = await self._current()
        try:
            return _decode(token, keys)
        except InvalidKeyIdError:
            newer = await self._newer_than(keys)
            if newer is keys:
                raise
            return _decode(token, newer)

    async def _current(self) -> KeySet:
        keys = self._keys
        if keys is not None and self._clock() - self._fetched_at < MAX_AGE_SECONDS:
            return keys
        return await self._newer_than(keys)

    async def _newer_than(self, known: KeySet | None) -> KeySet:
        async with self._lock:
            if self._keys is not None and self._keys is not known:
                return self._keys  # another request fetched them meanwhile
            tried = self._tried_at
            if tried is None or self._clock() - tried >= REFETCH_SECONDS:
                await self._try()
            if self._keys is not None:
                return self._keys  # old ones still verify what they verified before
            assert self._failure is not None  # noqa: S101 - without keys the last try failed
            raise self._failure

    async def _try(self) -> None:
        self._tried_at = self._clock()
        try:
            self._keys = await self._fetch()
            self._fetched_at = self._clock()
        except (ProviderUnavailableError, ProviderAnswerError) as error:
            log.warning("the provider's keys could not be fetched", extra={"reason": str(error)})
            self._failure = error

    async def _fetch(self) -> KeySet:
        url = await self._address()
        document = await self._http.get_json(url)
        try:
            return KeySet.import_key_set({"keys": document["keys"]})
        except (JoseError, ValueError, KeyError, TypeError, AttributeError) as error:
            raise ProviderAnswerError(f"{url} holds no usable set of keys: {error!r}") from error


def _decode(token: str, keys: KeySet) -> jwt.Token:
    registry = JWSRegistry(algorithms=ALGORITHMS, strict_check_header=False)
    try:
        return jwt.decode(token, keys, registry=registry)
    except (ValueError, TypeError, KeyError) as error:
        raise BadTokenError(str(error)) from error


class BadTokenError(JoseError):
    """Not a signed token at all."""

    error = "bad_token"
