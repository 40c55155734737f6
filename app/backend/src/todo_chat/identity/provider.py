"""An OpenID provider, as the relying party sees it: authorization code with PKCE."""

import asyncio
import logging
from dataclasses import dataclass
from typing import Any

import httpx2
from authlib.integrations.base_client import OAuthError
from authlib.integrations.httpx_client import AsyncOAuth2Client
from authlib.oidc.core import CodeIDToken
from joserfc.errors import JoseError
from pydantic import SecretStr

from todo_chat.identity.attempt import Attempt
from todo_chat.identity.discovery import Discovery, Document
from todo_chat.identity.errors import (
    ProviderAnswerError,
    ProviderUnavailableError,
    SignInRefusedError,
)
from todo_chat.identity.http import TIMEOUT, TOTAL_SECONDS, ProviderHttp, unavailable
from todo_chat.identity.keys import CLOCK_SKEW_SECONDS, ProviderKeys
from todo_chat.identity.subject import is_subject

log = logging.getLogger(__name__)

NAME_CLAIMS = ("name", "preferred_username", "email")
"""Where a name to show comes from, best first."""


@dataclass(frozen=True)
class Client:
    """This application as the provider knows it. Without a secret it is a public client."""

    id: str
    secret: SecretStr | None
    redirect_uri: str
    scopes: str


@dataclass(frozen=True)
class Person:
    """Who signed in, by the provider's word."""

    issuer: str
    subject: str
    name: str


class Provider:
    """Sends browsers to the provider and takes the code that they come back with."""

    def __init__(self, discovery: Discovery, client: Client, http: ProviderHttp) -> None:
        self._discovery = discovery
        self._client = client
        self._http = http
        self._keys = ProviderKeys(http, discovery.keys_address)

    async def authorization_url(self, attempt: Attempt) -> str:
        """Where the browser goes to sign in.

        Raises:
            ProviderUnavailableError, ProviderAnswerError: there is no discovery document.
        """
        document = await self._discovery.document()
        async with self._oauth(document) as oauth:
            url, _ = oauth.create_authorization_url(
                document.authorization_endpoint,
                state=attempt.state,
                code_verifier=attempt.code_verifier,
                nonce=attempt.nonce,
            )
        return str(url)

    async def check_issuer(self, named: str | None) -> None:
        """Judge the ``iss`` of an authorization response (RFC 9207).

        Raises:
            SignInRefusedError: the response comes from another provider.
        """
        document = await self._discovery.document()
        expected = document.authorization_response_iss_parameter_supported
        if (named is None and expected) or (named is not None and named != document.issuer):
            raise SignInRefusedError(
                "sign_in_mismatch",
                "The answer does not come from the identity provider that was asked. "
                "Sign in again.",
            )

    async def person(self, code: str, attempt: Attempt) -> Person:
        """Exchange the code, judge the ID token, find a name.

        Raises:
            SignInRefusedError: the code or the ID token is not accepted.
            ProviderUnavailableError, ProviderAnswerError: the provider failed.
        """
        document = await self._discovery.document()
        tokens = await self._exchange(document, code, attempt)
        claims = await self._judge(document, tokens, attempt)
        access_token = tokens.get("access_token")
        name = _name(claims) or await self._name_from_userinfo(document, claims, access_token)
        return Person(document.issuer, claims["sub"], name or claims["sub"])

    async def _exchange(self, document: Document, code: str, attempt: Attempt) -> dict[str, Any]:
        url = document.token_endpoint
        try:
            async with asyncio.timeout(TOTAL_SECONDS), self._oauth(document) as oauth:
                return dict(
                    await oauth.fetch_token(
                        url,
                        grant_type="authorization_code",
                        code=code,
                        code_verifier=attempt.code_verifier,
                        redirect_uri=self._client.redirect_uri,
                    )
                )
        except OAuthError as error:
            if error.error == "invalid_grant":
                raise SignInRefusedError(
                    "sign_in_expired",
                    "The identity provider no longer accepts this sign-in. Sign in again.",
                ) from error
            raise ProviderAnswerError(f"{url} refused the exchange: {error.error!r}") from error
        except httpx2.HTTPStatusError as error:
            if error.response.is_server_error:
                raise unavailable(url, error) from error
            raise ProviderAnswerError(f"{url} answered {error.response.status_code}") from error
        except (httpx2.HTTPError, TimeoutError) as error:
            raise unavailable(url, error) from error
        except (ValueError, TypeError, KeyError, AttributeError) as error:
            raise ProviderAnswerError(f"{url} gave no tokens: {error}") from error

    async def _judge(
        self, document: Document, tokens: dict[str, Any], attempt: Attempt
    ) -> dict[str, Any]:
        id_token = tokens.get("id_token")
        if not isinstance(id_token, str):
            raise ProviderAnswerError(f"{document.token_endpoint} gave no id_token")
        try:
            token = await self._keys.decode(id_token)
            claims = CodeIDToken(
                token.claims,
                token.header,
                options={
                    "iss": {"essential": True, "value": document.issuer},
                    "aud": {"essential": True, "value": self._client.id},
                },
                params={
                    "nonce": attempt.nonce,
                    "client_id": self._client.id,
                    "access_token": tokens.get("access_token"),
                },
            )
            claims.validate(leeway=CLOCK_SKEW_SECONDS)
        except (JoseError, TypeError, ValueError) as error:
            log.warning("an ID token was refused", extra={"reason": f"{error}"})
            raise SignInRefusedError(
                "id_token_refused",
                "What the identity provider says about you could not be verified. Sign in again; "
                "if it happens again, tell whoever runs this site.",
            ) from error
        if not is_subject(claims["sub"]):
            raise ProviderAnswerError(f"{document.issuer} names no usable subject (sub)")
        return dict(claims)

    async def _name_from_userinfo(
        self, document: Document, claims: dict[str, Any], access_token: object
    ) -> str | None:
        if document.userinfo_endpoint is None or not isinstance(access_token, str):
            return None
        try:
            info = await self._http.get_json(document.userinfo_endpoint, bearer=access_token)
        except (ProviderUnavailableError, ProviderAnswerError) as error:
            # Only a name to show is missing: no reason to keep anybody out.
            log.warning("userinfo failed", extra={"reason": str(error)})
            return None
        # OpenID Connect Core, 5.3.2: an answer about somebody else must not be used.
        return _name(info) if info.get("sub") == claims["sub"] else None

    def _oauth(self, document: Document) -> Any:
        return AsyncOAuth2Client(
            client_id=self._client.id,
            client_secret=self._client.secret and self._client.secret.get_secret_value(),
            token_endpoint_auth_method=self._authentication(document),
            scope=self._client.scopes,
            redirect_uri=self._client.redirect_uri,
            code_challenge_method="S256",
            verify=self._http.tls,
            timeout=TIMEOUT,
            trust_env=False,
        )

    def _authentication(self, document: Document) -> str:
        if self._client.secret is None:
            return "none"
        offered = document.token_endpoint_auth_methods_supported
        return next(
            (way for way in ("client_secret_basic", "client_secret_post") if way in offered),
            "client_secret_basic",
        )


def _name(claims: dict[str, Any]) -> str | None:
    names = (claims.get(claim) for claim in NAME_CLAIMS)
    return next((name for name in names if isinstance(name, str) and name.strip()), None)
