"""The way through a sign-in: to the provider, back with a code, into a session."""

import re
import secrets
from dataclasses import dataclass

from todo_chat.identity.accounts import Accounts
from todo_chat.identity.attempt import Attempts
from todo_chat.identity.errors import (
    ProviderAnswerError,
    ProviderUnavailableError,
    SignInRefusedError,
)
from todo_chat.identity.provider import Provider
from todo_chat.identity.sessions import Session, Sessions

NEXT_MAX_CHARACTERS = 512

# One slash, then anything that no browser reads as another host: "//host" and "/\host" are.
_LOCAL_PATH = re.compile(r"/(?![/\\])[\x21-\x5b\x5d-\x7e]*")
_ERROR_NAME = re.compile(r"[a-z_]{1,64}")


@dataclass(frozen=True)
class Answer:
    """The provider's answer, as the browser brings it."""

    state: str | None
    code: str | None
    error: str | None
    issuer: str | None


@dataclass(frozen=True)
class SignedIn:
    """A session that began, the value of its cookie, and where the browser goes."""

    cookie: str
    session: Session
    next: str


class SignIn:
    """Begins and finishes sign-ins. Nothing is kept here between the two."""

    def __init__(
        self, provider: Provider, attempts: Attempts, accounts: Accounts, sessions: Sessions
    ) -> None:
        self._provider = provider
        self._attempts = attempts
        self._accounts = accounts
        self._sessions = sessions

    async def begin(self, next_path: str) -> tuple[str, str]:
        """The provider's address for the browser, and the sealed attempt for its cookie.

        Raises:
            SignInRefusedError: ``next_path`` is not a path of the page.
            ProviderUnavailableError, ProviderAnswerError: the provider failed.
        """
        if not is_page_path(next_path):
            raise SignInRefusedError(
                "next_refused",
                "The address to return to has to be a path of this page, such as /. "
                "Open the page and sign in there.",
            )
        attempt = self._attempts.new(next_path)
        return await self._provider.authorization_url(attempt), self._attempts.seal(attempt)

    async def finish(self, answer: Answer, sealed: str | None) -> SignedIn:
        """Start a session for the person whom the provider names.

        Raises:
            SignInRefusedError: the answer is not accepted; says why.
            AccountTakenError: the user id belongs to somebody else.
            ProviderUnavailableError, ProviderAnswerError: the provider failed.
            DatabaseUnavailableError: the database does not answer.
        """
        attempt = self._attempts.open(sealed)
        if not secrets.compare_digest((answer.state or "").encode(), attempt.state.encode()):
            raise SignInRefusedError(
                "sign_in_mismatch",
                "This answer belongs to another sign-in, perhaps one of another tab. "
                "Sign in again.",
            )
        await self._provider.check_issuer(answer.issuer)
        if answer.error is not None:
            raise _refusal(answer.error)
        if not answer.code:
            raise ProviderAnswerError("the provider sent the browser back without a code")
        person = await self._provider.person(answer.code, attempt)
        user_id = await self._accounts.user_id(person.issuer, person.subject)
        cookie, session = await self._sessions.start(user_id, person.name)
        return SignedIn(cookie, session, attempt.next)


def is_page_path(path: str) -> bool:
    """Whether the path leads to the page: on this host, and not into the API."""
    return (
        len(path) <= NEXT_MAX_CHARACTERS
        and _LOCAL_PATH.fullmatch(path) is not None
        and path != "/api"
        and not path.startswith(("/api/", "/api?", "/api#"))
    )


def _refusal(error: str) -> Exception:
    if error == "access_denied":
        return SignInRefusedError(
            "access_denied",
            "The identity provider did not let you in, or you cancelled there. "
            "Sign in again, or ask whoever runs this site for access.",
        )
    name = error if _ERROR_NAME.fullmatch(error) else "an unknown error"
    if error in {"temporarily_unavailable", "server_error"}:
        return ProviderUnavailableError(f"the provider sent the browser back with {name}")
    return ProviderAnswerError(f"the provider sent the browser back with {name}")
