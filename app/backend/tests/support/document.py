"""The backend's OpenAPI document, made without a database."""

from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from pydantic import AnyHttpUrl

from tests.support.identity import CLIENT_ID, PUBLIC_URL
from todo_chat.entrypoints import backend
from todo_chat.settings import BackendSettings


def openapi_document() -> dict[str, Any]:
    """The document of a backend with every route: development login and an identity provider."""
    with TemporaryDirectory() as folder:
        secret = Path(folder) / "secret"
        secret.write_text("only here so that the application can be built")
        app, _ = backend.build(
            BackendSettings(
                environment="development",
                dev_login=True,
                database_host="nowhere",
                agent_url=AnyHttpUrl("http://nowhere"),
                jwt_key_file=secret,
                database_chat_password_file=secret,
                database_tasks_password_file=secret,
                public_url=PUBLIC_URL,
                oidc_issuer="http://nowhere",
                oidc_client_id=CLIENT_ID,
            )
        )
        return app.openapi()
