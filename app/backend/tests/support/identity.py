"""An identity provider for tests, with real keys and a few ways to misbehave.

It plays the person too: whoever comes to the authorization endpoint is sent back signed in.
"""

import base64
import hashlib
import ssl
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlencode

import httpx2
from joserfc import jwt
from joserfc.jwk import RSAKey
from joserfc.jws import JWSRegistry
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, RedirectResponse, Response
from starlette.routing import Route

from tests.support.servers import serving

CLIENT_ID = "todo-chat"
CLIENT_SECRET = "only for a provider in a test"
PUBLIC_URL = "http://todo.test"

# The address is taken up by the browser of the test only; nothing listens there.
CALLBACK = f"{PUBLIC_URL}/api/auth/callback"


def new_key(kid: str) -> RSAKey:
    """A fresh signing key."""
    return RSAKey.generate_key(2048, {"kid": kid, "alg": "RS256", "use": "sig"})


@cache
def _first_key() -> RSAKey:
    """What a provider signs with at first; making a key takes a while."""
    return new_key("first")


@dataclass
class IdentityProvider:
    """The provider's state. Tests change it to misbehave."""

    issuer: str = ""
    key: RSAKey = field(default_factory=_first_key)
    published: list[RSAKey] = field(default_factory=list)
    """What the key set shows; by default the signing key."""
    subject: str = field(default_factory=lambda: f"ada-{uuid.uuid4().hex[:12]}")
    claims: dict[str, Any] = field(default_factory=dict)
    """Over the ordinary claims of the ID token; None removes one."""
    header: dict[str, Any] = field(default_factory=lambda: {"alg": "RS256"})
    userinfo: dict[str, Any] = field(default_factory=dict)
    document: dict[str, Any] = field(default_factory=dict)
    """Over the ordinary discovery document."""
    answers: dict[str, Response] = field(default_factory=dict)
    """Instead of what a path would answer."""
    seen: list[str] = field(default_factory=list)
    """The path of every request."""
    token_requests: list[dict[str, str]] = field(default_factory=list)
    _codes: dict[str, dict[str, str]] = field(default_factory=dict)

    def app(self) -> Starlette:
        """The provider as an application."""
        routes = {
            "/.well-known/openid-configuration": self._discovery,
            "/authorize": self._authorize,
            "/token": self._token,
            "/jwks": self._jwks,
            "/userinfo": self._userinfo,
        }
        return Starlette(
            routes=[
                Route(path, self._recorded(path, answer), methods=["GET", "POST"])
                for path, answer in routes.items()
            ]
        )

    def _recorded(self, path: str, answer: Any) -> Any:
        async def endpoint(request: Request) -> Response:
            self.seen.append(path)
            return self.answers[path] if path in self.answers else await answer(request)

        return endpoint

    async def _discovery(self, _: Request) -> Response:
        document = {
            "issuer": self.issuer,
            "authorization_endpoint": f"{self.issuer}/authorize",
            "token_endpoint": f"{self.issuer}/token",
            "jwks_uri": f"{self.issuer}/jwks",
            "userinfo_endpoint": f"{self.issuer}/userinfo",
            "response_types_supported": ["code"],
            "subject_types_supported": ["public"],
            "id_token_signing_alg_values_supported": ["RS256"],
        }
        return JSONResponse({**document, **self.document})

    async def _authorize(self, request: Request) -> Response:
        asked = dict(request.query_params)
        assert asked["response_type"] == "code"
        assert asked["client_id"] == CLIENT_ID
        assert asked["code_challenge_method"] == "S256"
        code = uuid.uuid4().hex
        self._codes[code] = asked
        answer = {"code": code, "state": asked["state"], "iss": self.issuer}
        return RedirectResponse(f"{asked['redirect_uri']}?{urlencode(answer)}", 302)

    async def _token(self, request: Request) -> Response:
        form = {
            name: values[0] for name, values in parse_qs((await request.body()).decode()).items()
        }
        self.token_requests.append(
            {**form, "authorization": request.headers.get("authorization", "")}
        )
        asked = self._codes.pop(form.get("code", ""), None)
        challenge = base64.urlsafe_b64encode(
            hashlib.sha256(form.get("code_verifier", "").encode()).digest()
        )
        if (
            asked is None
            or asked["redirect_uri"] != form["redirect_uri"]
            or asked["code_challenge"] != challenge.rstrip(b"=").decode()
        ):
            return JSONResponse({"error": "invalid_grant"}, 400)
        tokens = {"access_token": "access", "token_type": "Bearer", "expires_in": 60}
        return JSONResponse({**tokens, "id_token": self.id_token(nonce=asked["nonce"])})

    async def _jwks(self, _: Request) -> Response:
        keys = self.published or [self.key]
        return JSONResponse({"keys": [key.as_dict(private=False) for key in keys]})

    async def _userinfo(self, request: Request) -> Response:
        assert request.headers["authorization"] == "Bearer access"
        return JSONResponse({"sub": self.subject, **self.userinfo})

    def id_token(self, **claims: Any) -> str:
        """A token signed with the provider's key, or as ``header`` says."""
        now = int(time.time())
        values = {
            "iss": self.issuer,
            "sub": self.subject,
            "aud": CLIENT_ID,
            "iat": now,
            "exp": now + 300,
            **claims,
            **self.claims,
        }
        present = {name: value for name, value in values.items() if value is not None}
        return self.sign(present)

    def sign(self, claims: dict[str, Any]) -> str:
        """A token with exactly these claims."""
        header = {"kid": self.key.kid, **self.header}
        return jwt.encode(header, claims, self.key, registry=JWSRegistry(algorithms=["RS256"]))


@contextmanager
def identity_provider(
    port: int = 0, tls: tuple[Path, Path] | None = None
) -> Iterator[IdentityProvider]:
    """A running provider; with a certificate and its key it answers by https."""
    provider = IdentityProvider()
    with serving(provider.app(), port, tls) as url:
        provider.issuer = url
        yield provider


def html_page(status: int = 200) -> Response:
    """What a gateway shows in the place of the provider."""
    return HTMLResponse("<!doctype html><title>Please wait</title>", status)


class Browser:
    """A browser of one person: keeps cookies, follows the provider's redirects to the page.

    Args:
        backend: its URL.
        authority: what a provider's certificate is verified with; plain http without. Where
            nothing is verified no list of authorities is read, which takes longer than a sign-in.
    """

    def __init__(self, backend: str, authority: Path | None = None) -> None:
        self._tls = ssl.create_default_context(cafile=authority) if authority else False
        self.client = httpx2.Client(base_url=backend, trust_env=False, timeout=30, verify=False)

    def close(self) -> None:
        """Close its connections."""
        self.client.close()

    def begin(self, next_path: str | None = None, **headers: str) -> httpx2.Response:
        """Ask to sign in; the answer is not followed."""
        query = {} if next_path is None else {"next": next_path}
        return self.client.get("/api/auth/login", params=query, headers=headers)

    def at_provider(self, address: str) -> dict[str, str]:
        """Go to the provider; gives the parameters of the answer that it sends along."""
        response = httpx2.get(address, trust_env=False, timeout=30, verify=self._tls)
        location = response.headers["location"]
        assert location.startswith(f"{CALLBACK}?"), location
        return dict(httpx2.URL(location).params)

    def come_back(self, answer: dict[str, str], **headers: str) -> httpx2.Response:
        """Bring the provider's answer to the backend."""
        return self.client.get("/api/auth/callback", params=answer, headers=headers)

    def sign_in(self, next_path: str | None = None) -> httpx2.Response:
        """The whole way; gives the last answer."""
        begun = self.begin(next_path)
        assert begun.status_code == 302, begun.text
        return self.come_back(self.at_provider(begun.headers["location"]))

    def session(self) -> httpx2.Response:
        """Who the backend says is signed in."""
        return self.client.get("/api/auth/session")

    def post(self, path: str, origin: str | None = PUBLIC_URL, **more: Any) -> httpx2.Response:
        """A change, as the page at ``origin`` would ask for it."""
        headers = {} if origin is None else {"Origin": origin}
        return self.client.post(path, headers={**headers, **more.pop("headers", {})}, **more)
