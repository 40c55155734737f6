"""Browsers that are signed in: their cookies, and which of their requests are their own."""

from dataclasses import dataclass
from datetime import UTC, datetime
from urllib.parse import urlsplit

from fastapi import Request
from starlette.responses import Response

from todo_chat.identity.attempt import SECONDS as ATTEMPT_SECONDS
from todo_chat.identity.sessions import Session, Sessions
from todo_chat.identity.sign_in import SignIn
from todo_chat.web.errors import ApiError

_SAFE = {"GET", "HEAD", "OPTIONS"}


@dataclass(frozen=True)
class BrowserDoor:
    """Signing in with a browser, for the page at one public address."""

    public_url: str
    sign_in: SignIn
    sessions: Sessions

    @property
    def session_cookie(self) -> str:
        """The name of the session's cookie."""
        return self._cookie_name("todo-session")

    @property
    def attempt_cookie(self) -> str:
        """The name of the cookie of a sign-in that is under way."""
        return self._cookie_name("todo-sign-in")

    @property
    def _secure(self) -> bool:
        return self.public_url.startswith("https://")

    def _cookie_name(self, name: str) -> str:
        # The prefix makes browsers refuse the cookie from a sibling host or over plain http.
        return f"__Host-{name}" if self._secure else name

    def set_cookie(self, response: Response, name: str, value: str, seconds: int) -> None:
        """Give the browser a cookie that no script reads and no other site's form sends."""
        response.set_cookie(
            name,
            value,
            max_age=seconds,
            path="/",
            secure=self._secure,
            httponly=True,
            samesite="lax",
        )

    def set_attempt(self, response: Response, sealed: str) -> None:
        """Remember a sign-in that is under way."""
        self.set_cookie(response, self.attempt_cookie, sealed, ATTEMPT_SECONDS)

    def set_session(self, response: Response, cookie: str, session: Session) -> None:
        """Give the browser its session; the cookie lasts as long."""
        seconds = int((session.expires_at - datetime.now(UTC)).total_seconds())
        self.set_cookie(response, self.session_cookie, cookie, max(0, seconds))

    def forget(self, response: Response, name: str) -> None:
        """Take a cookie back."""
        self.set_cookie(response, name, "", 0)

    async def session(self, request: Request) -> Session:
        """The session of a request.

        Raises:
            ApiError: 401 without a running session, 403 for a request that another site made.
        """
        cookie = request.cookies.get(self.session_cookie)
        if not cookie:
            raise ApiError(401, "unauthorized", "Sign in first, or send a bearer token.")
        self.check_own(request)
        session = await self.sessions.find(cookie)
        if session is None:
            raise ApiError(401, "session_ended", "You are no longer signed in. Sign in again.")
        return session

    def check_own(self, request: Request) -> None:
        """Refuse a change that the page itself did not ask for.

        Browsers add the cookie to requests of any page, but they also say where a request
        comes from, and no page can make them lie: ``Origin`` on every change, ``Sec-Fetch-Site``
        too where the address is https. A client that is no browser has to send an ``Origin``.

        Raises:
            ApiError: 403 ``cross_site``.
        """
        if request.method in _SAFE:
            return
        origin = request.headers.get("origin")
        site = request.headers.get("sec-fetch-site")
        own_origin = origin is None or origin == origin_of(self.public_url)
        own_site = site is None or site == "same-origin"
        if not (own_origin and own_site) or (origin is None and site is None):
            raise ApiError(
                403,
                "cross_site",
                "With a session's cookie, changes are accepted from this page only: the Origin "
                f"header has to be {origin_of(self.public_url)}.",
            )


def origin_of(url: str) -> str:
    """Scheme, host and port as browsers write them in ``Origin``: no default port."""
    parts = urlsplit(url)
    default = {"http": 80, "https": 443}[parts.scheme]
    host = parts.hostname or ""
    host = f"[{host}]" if ":" in host else host
    port = "" if parts.port in {None, default} else f":{parts.port}"
    return f"{parts.scheme}://{host}{port}"
