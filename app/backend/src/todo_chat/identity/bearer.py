"""Bearer tokens of external issuers, verified with the issuer's public keys."""

from collections.abc import Sequence
from dataclasses import dataclass

import jwt
from joserfc.errors import ExpiredTokenError, JoseError
from joserfc.jwt import JWTClaimsRegistry

from todo_chat.identity.accounts import Accounts
from todo_chat.identity.discovery import Discovery
from todo_chat.identity.http import ProviderHttp
from todo_chat.identity.keys import CLOCK_SKEW_SECONDS, ProviderKeys
from todo_chat.identity.subject import is_subject
from todo_chat.security import TokenError
from todo_chat.settings import ApiIssuer


@dataclass(frozen=True)
class _Trusted:
    audience: str
    keys: ProviderKeys


class ExternalTokens:
    """Tokens of the issuers in ``TODO_API_ISSUERS``."""

    def __init__(
        self, issuers: Sequence[ApiIssuer], http: ProviderHttp, accounts: Accounts
    ) -> None:
        self._accounts = accounts
        self._trusted = {
            each.issuer: _Trusted(each.audience, _keys(each, http)) for each in issuers
        }

    def knows(self, token: str) -> bool:
        """Whether the token says that it comes from one of the issuers; nothing is verified."""
        return self._issuer(token) is not None

    def _issuer(self, token: str) -> str | None:
        if not self._trusted:
            return None
        try:
            claims = jwt.decode(token, options={"verify_signature": False})
        except (jwt.InvalidTokenError, RecursionError):
            return None  # no token, or one of a thousand brackets
        issuer = claims.get("iss")
        return issuer if isinstance(issuer, str) and issuer in self._trusted else None

    async def user_id(self, token: str) -> str:
        """The user id of a token that :meth:`knows` said yes to.

        Raises:
            TokenError: expired, for another audience, or not signed by the issuer.
            AccountTakenError: the user id belongs to somebody else.
            ProviderUnavailableError, ProviderAnswerError: the issuer's keys cannot be had.
        """
        issuer = self._issuer(token)
        if issuer is None:
            raise _invalid()
        trusted = self._trusted[issuer]
        rules = JWTClaimsRegistry(
            leeway=CLOCK_SKEW_SECONDS,
            iss={"essential": True, "value": issuer},
            aud={"essential": True, "value": trusted.audience},
            sub={"essential": True},
            exp={"essential": True},
        )
        try:
            claims = (await trusted.keys.decode(token)).claims
            rules.validate(claims)
        except ExpiredTokenError as error:
            raise TokenError("token_expired", "The token has expired. Get a new one.") from error
        except (JoseError, TypeError, ValueError) as error:
            raise _invalid() from error
        subject = claims["sub"]
        if not is_subject(subject):
            raise TokenError("token_invalid", "The token names no valid user.")
        return await self._accounts.user_id(issuer, subject)


def _keys(issuer: ApiIssuer, http: ProviderHttp) -> ProviderKeys:
    address = issuer.jwks_uri
    if address is None:
        return ProviderKeys(http, Discovery(issuer.issuer, http).keys_address)

    async def configured() -> str:
        return address

    return ProviderKeys(http, configured)


def _invalid() -> TokenError:
    return TokenError("token_invalid", "The token is not valid here. Get a new one.")
