"""The connection URL that providers of PostgreSQL give, taken apart. Pure."""

from typing import Annotated, Literal, get_args
from urllib.parse import parse_qsl, unquote, urlsplit

from pydantic import BaseModel, Field, SecretStr

SslMode = Literal["disable", "allow", "prefer", "require", "verify-ca", "verify-full"]
ChannelBinding = Literal["disable", "prefer", "require"]

_PARAMETERS: dict[str, tuple[str, ...]] = {
    "sslmode": get_args(SslMode),
    "channel_binding": get_args(ChannelBinding),
}


class DatabaseAddress(BaseModel):
    """What a URL says; None for what it leaves out."""

    host: str
    port: Annotated[int, Field(ge=1, le=65535)] | None = None
    name: str
    sslmode: SslMode | None = None
    channel_binding: ChannelBinding | None = None
    user: str | None = None
    password: SecretStr | None = None


def parse_database_url(url: str) -> DatabaseAddress:
    """Take ``postgresql://user:password@host:port/database?sslmode=…&channel_binding=…`` apart.

    Raises:
        ValueError: says which part is wrong and shows none that may be secret.
    """
    try:
        parts = urlsplit(url.strip())
        port = parts.port
    except ValueError:
        raise ValueError("is no URL: its host or port cannot be read") from None
    if parts.scheme not in {"postgresql", "postgres"}:
        raise ValueError("has to begin with postgresql://")
    if not parts.hostname or "," in parts.netloc:
        raise ValueError("has to name one host")
    name = unquote(parts.path.removeprefix("/"))
    if not name or "/" in name:
        raise ValueError("has to name the database after the host, as in …@host/todo")
    if parts.fragment:
        raise ValueError("must have no #; write it as %23 where it is part of the password")
    return DatabaseAddress.model_validate(
        {
            "host": parts.hostname,
            "port": port,
            "name": name,
            "user": unquote(parts.username) if parts.username else None,
            "password": unquote(parts.password) if parts.password else None,
            **_parameters(parts.query),
        }
    )


def _parameters(query: str) -> dict[str, str]:
    given = parse_qsl(query, keep_blank_values=True)
    for key, value in given:
        if key not in _PARAMETERS:
            raise ValueError(f"has the unknown parameter {key}; known: {', '.join(_PARAMETERS)}")
        if value not in _PARAMETERS[key]:
            raise ValueError(f"{key} has to be one of {', '.join(_PARAMETERS[key])}")
    if len(dict(given)) < len(given):
        raise ValueError("has a parameter twice")
    return dict(given)
