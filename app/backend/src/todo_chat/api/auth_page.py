"""What a person sees when signing in did not work: a sentence, and the way on."""

import base64
import hashlib
import html

from starlette.responses import HTMLResponse

from todo_chat.web.errors import ApiError

_STYLE = (
    ":root{color-scheme:light dark}"
    "body{margin:0;min-height:100vh;display:grid;place-items:center;"
    "font:1rem/1.5 system-ui,sans-serif}"
    "main{max-width:28rem;padding:1.5rem}"
    "h1{font-size:1.5rem}"
    "a{display:inline-block;padding:.75rem 0;margin-right:1.5rem}"
)
_STYLE_HASH = base64.b64encode(hashlib.sha256(_STYLE.encode()).digest()).decode()
_POLICY = (
    f"default-src 'none'; style-src 'sha256-{_STYLE_HASH}'; base-uri 'none'; "
    "form-action 'none'; frame-ancestors 'none'"
)


def sign_in_failed(error: ApiError, request_id: str) -> HTMLResponse:
    """A page without scripts for a failed sign-in."""
    body = f"""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Sign-in failed · Todo chat</title>
<style>{_STYLE}</style>
</head>
<body>
<main>
<h1>You are not signed in</h1>
<p>{html.escape(error.message)}</p>
<p><a href="/api/auth/login">Sign in again</a><a href="/">Back to the start</a></p>
<p><small>Request {html.escape(request_id)} · {html.escape(error.code)}</small></p>
</main>
</body>
</html>
"""
    return HTMLResponse(body, error.status, {**error.headers(), "Content-Security-Policy": _POLICY})
