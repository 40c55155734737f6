"""All environment variables (prefix ``TODO_``) and secret files, one class per process.

A process constructs its class once, in its entry point, and passes it on; nothing else
reads the environment. Secrets arrive as files and are kept as ``SecretStr``.
"""

from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal, Self
from urllib.parse import urlsplit

from pydantic import (
    AfterValidator,
    AnyHttpUrl,
    BaseModel,
    ConfigDict,
    Field,
    SecretStr,
    field_validator,
    model_validator,
)
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from todo_chat import __version__
from todo_chat.database_url import ChannelBinding, DatabaseAddress, SslMode, parse_database_url

MINIMUM_KEY_BYTES = 32
"""Shortest key for HS256 (RFC 7518, 3.2: at least the size of the hash output)."""


class ProcessError(Exception):
    """Why a process ends: a sentence for whoever runs it, and the exit code."""

    exit_code = 1


class ConfigurationError(ProcessError):
    """The process cannot start as configured; the message says what to change."""

    exit_code = 3


Environment = Literal["development", "staging", "production"]
Port = Annotated[int, Field(ge=1, le=65535)]


def read_secret(path: Path) -> SecretStr:
    """Read a secret file and strip surrounding white space.

    Raises:
        ConfigurationError: the file is missing, unreadable or empty.
    """
    try:
        value = path.read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigurationError(
            f"cannot read the secret file {path}: {error}; mount the secret there"
        ) from error
    if not value:
        raise ConfigurationError(f"the secret file {path} is empty; write the secret into it")
    return SecretStr(value)


def read_jwt_key(path: Path) -> SecretStr:
    """Read the key that signs and verifies bearer tokens.

    Raises:
        ConfigurationError: unreadable, or shorter than 32 bytes.
    """
    key = read_secret(path)
    length = len(key.get_secret_value().encode())
    if length < MINIMUM_KEY_BYTES:
        raise ConfigurationError(
            f"the token key in {path} has {length} bytes; at least {MINIMUM_KEY_BYTES} are needed"
        )
    return key


class ProcessSettings(BaseSettings):
    """What every process takes from its environment."""

    model_config = SettingsConfigDict(
        env_prefix="TODO_", hide_input_in_errors=True, env_ignore_empty=True, extra="ignore"
    )

    environment: Environment = "production"
    """Which rules hold: outside of development no login without a password and no plain http."""
    version: str = __version__
    """Shown in /api/info; a release sets the tag of its image."""
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = "INFO"
    """Lines below it are not written."""


class ServerSettings(ProcessSettings):
    """A process that serves HTTP."""

    # All interfaces: the process is alone in its container and the network policy decides.
    host: str = "0.0.0.0"  # noqa: S104
    """Address that is listened on."""
    port: Port
    """Where HTTP is served."""
    drain_seconds: float = Field(default=5, ge=0, le=120)
    """From SIGTERM to closing the listener; readiness is red meanwhile."""
    shutdown_seconds: float = Field(default=30, ge=0, le=600)
    """The longest time that requests in flight get after the listener is closed."""


def _read_database_url(path: Path) -> DatabaseAddress:
    url = read_secret(path).get_secret_value()
    try:
        return parse_database_url(url)
    except ValueError as error:
        raise ValueError(f"the URL in TODO_DATABASE_URL_FILE {error}") from None


class DatabaseSettings(ProcessSettings):
    """Where PostgreSQL is; who logs in differs by process."""

    database_url_file: Path | None = None
    """A secret file with ``postgresql://host:port/name?sslmode=…&channel_binding=…``, in the place
    of the five single settings. Only the migrate process takes a login from it, as its
    administrator's; the others log in by their roles."""
    database_host: str
    """Name or address of the server."""
    database_port: Port = 5432
    """Its port."""
    database_name: str = "todo"
    """The database on that server."""
    database_sslmode: SslMode = "prefer"
    """TLS as libpq has it: only ``verify-full`` knows that it is the right server."""
    database_channel_binding: ChannelBinding = "prefer"
    """Whether the login is bound to the TLS connection, so that nobody between can pass it on."""
    database_pool_size: int = Field(default=5, ge=1, le=100)
    """Connections that a process keeps for each of its roles."""

    _takes_login_from_url: ClassVar[bool] = False

    @model_validator(mode="before")
    @classmethod
    def _from_url(cls, given: Any) -> Any:
        if not isinstance(given, dict) or not given.get("database_url_file"):
            return given
        address = _read_database_url(Path(given["database_url_file"]))
        said = address.model_dump(exclude_none=True, exclude={"user", "password"})
        taken = {f"database_{name}": value for name, value in said.items()}
        if (address.user or address.password) and not cls._takes_login_from_url:
            raise ValueError(
                "the URL in TODO_DATABASE_URL_FILE has a login, which this process does not use "
                "and must not know: give it the URL without user and password"
            )
        if address.user:
            taken["database_admin_user"] = address.user
        if twice := sorted(set(taken) & {name for name in given if given[name] is not None}):
            names = ", ".join(f"TODO_{name.upper()}" for name in twice)
            raise ValueError(f"{names}: the URL in TODO_DATABASE_URL_FILE says it already")
        return given | taken


class TaskSettings(ProcessSettings):
    """What holds for tasks, whichever process adds them."""

    max_tasks_per_user: int = Field(default=5000, ge=1)
    """The trash does not count."""


def _http_address(value: str) -> str:
    """An address as it is written: an issuer is compared to the letter.

    Raises:
        ValueError: not an absolute http or https URL, or one with a user, query or fragment.
    """
    parts = urlsplit(value)
    if parts.scheme not in {"http", "https"} or not parts.hostname or value != value.strip():
        raise ValueError("has to be an absolute URL, such as https://login.example.org")
    if parts.username is not None or parts.query or parts.fragment:
        raise ValueError("must have neither a user name nor a query nor a fragment")
    return value


HttpAddress = Annotated[str, AfterValidator(_http_address)]


class ApiIssuer(BaseModel):
    """Somebody else whose tokens the API takes."""

    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True)

    issuer: HttpAddress
    """The claim ``iss``, to the letter."""
    audience: Annotated[str, Field(min_length=1)]
    """What the claim ``aud`` has to name."""
    jwks_uri: HttpAddress | None = None
    """Where the issuer's public keys are; by default its discovery document says so."""


class OidcSettings(BaseModel):
    """Signing in through OpenID Connect, once the settings for it are complete."""

    issuer: str
    client_id: str
    client_secret_file: Path | None
    scopes: str
    public_url: str

    @property
    def redirect_uri(self) -> str:
        """What has to be registered with the provider."""
        return f"{self.public_url}/api/auth/callback"

    def client_secret(self) -> SecretStr | None:
        """The client's secret; None for a public client, which has no file or an empty one.

        Raises:
            ConfigurationError: the file exists and cannot be read.
        """
        return _optional_secret(self.client_secret_file)


def _optional_secret(path: Path | None) -> SecretStr | None:
    """An optional Kubernetes secret that does not exist leaves no file: that is None."""
    if path is None or not path.exists() or not path.read_bytes().strip():
        return None
    return read_secret(path)


class BackendSettings(ServerSettings, DatabaseSettings, TaskSettings):
    """REST, conversations and the chat endpoint."""

    port: Port = 8000
    """Where HTTP is served."""
    database_chat_user: str = "todo_chat"
    """Role for conversations, messages, sessions and accounts."""
    database_chat_password_file: Path
    """Its password."""
    database_tasks_user: str = "todo_tasks"
    """Role for tasks over REST."""
    database_tasks_password_file: Path
    """Its password."""
    jwt_key_file: Path
    """Key that signs and verifies bearer tokens, at least 32 bytes; the tool server's too."""
    agent_url: AnyHttpUrl
    """Where the agent answers turns."""
    dev_login: bool = False
    """Whether anybody gets a token for any name; refused outside of development."""
    login_token_seconds: int = Field(default=8 * 3600, ge=60, le=7 * 24 * 3600)
    """How long such a token is good."""
    public_url: HttpAddress | None = None
    """Where people open the page: scheme and host, such as https://todo.example.org."""
    oidc_issuer: HttpAddress | None = None
    """The provider where people sign in, to the letter: a trailing slash counts."""
    oidc_client_id: str | None = None
    """What the provider calls this application."""
    oidc_client_secret_file: Path | None = None
    """Absent or empty for a public client."""
    oidc_scopes: str = "openid profile email"
    """What the provider is asked for, in words; ``openid`` has to be one of them."""
    session_seconds: int = Field(default=12 * 3600, ge=60, le=30 * 24 * 3600)
    """How long a browser stays signed in; then the provider is asked again."""
    api_issuers: list[ApiIssuer] = []
    """Whose tokens the API takes beside our own, as JSON: ``[{"issuer": …, "audience": …}]``."""
    turn_timeout_seconds: float = Field(default=60, gt=0, le=600)
    """The longest time from a message to its answer."""
    rate_limit_per_minute: int = Field(default=240, ge=1)
    """Requests of one user in a minute, in each replica."""
    max_conversations_per_user: int = Field(default=2000, ge=1)
    """Conversations of one user."""
    max_turns_per_user: int = Field(default=10, ge=1)
    """Turns of one user at once, in each replica."""
    max_body_bytes: int = Field(default=64 * 1024, ge=1024)
    """Largest body of a request."""

    @model_validator(mode="after")
    def _development_login_only_in_development(self) -> Self:
        if self.dev_login and self.environment != "development":
            raise ValueError(
                f"TODO_DEV_LOGIN gives a token to anybody who asks; it is refused in "
                f"{self.environment}. Unset it, or set TODO_ENVIRONMENT=development"
            )
        return self

    @model_validator(mode="after")
    def _sign_in_complete_or_absent(self) -> Self:
        if self.oidc_issuer is None and self.oidc_client_id is None:
            return self
        needed = {
            "TODO_OIDC_ISSUER": self.oidc_issuer,
            "TODO_OIDC_CLIENT_ID": self.oidc_client_id,
            "TODO_PUBLIC_URL": self.public_url,
        }
        missing = [name for name, value in needed.items() if value is None]
        if missing:
            raise ValueError(
                f"signing in needs {', '.join(needed)}; not set: {', '.join(missing)}. "
                "Set all of them, or unset TODO_OIDC_ISSUER and TODO_OIDC_CLIENT_ID"
            )
        if "openid" not in self.oidc_scopes.split():
            raise ValueError("TODO_OIDC_SCOPES has to contain the word openid")
        if self.public_url is not None and urlsplit(self.public_url).path not in {"", "/"}:
            raise ValueError("TODO_PUBLIC_URL must have no path: the page is served at /")
        return self

    @model_validator(mode="after")
    def _no_plain_http_outside_development(self) -> Self:
        if self.environment == "development":
            return self
        addresses = {"TODO_OIDC_ISSUER": self.oidc_issuer}
        if self.oidc_issuer is not None:
            addresses["TODO_PUBLIC_URL"] = self.public_url
        for index, each in enumerate(self.api_issuers):
            addresses[f"TODO_API_ISSUERS[{index}].issuer"] = each.issuer
            addresses[f"TODO_API_ISSUERS[{index}].jwks_uri"] = each.jwks_uri
        for name, address in addresses.items():
            if address is not None and not address.startswith("https://"):
                raise ValueError(
                    f"{name} has to begin with https:// in {self.environment}: over plain http "
                    "anybody on the way could sign in as anybody"
                )
        return self

    @property
    def oidc(self) -> OidcSettings | None:
        """How people sign in, or None when no provider is configured."""
        if self.oidc_issuer is None or self.oidc_client_id is None or self.public_url is None:
            return None
        return OidcSettings(
            issuer=self.oidc_issuer,
            client_id=self.oidc_client_id,
            client_secret_file=self.oidc_client_secret_file,
            scopes=self.oidc_scopes,
            public_url=self.public_url.removesuffix("/"),
        )


class AgentSettings(ServerSettings):
    """The model loop. It has no database credential and no token key."""

    port: Port = 8001
    """Where HTTP is served."""
    mcp_url: AnyHttpUrl
    """Where the tool server is."""
    model_base_url: AnyHttpUrl | None = None
    """An OpenAI-compatible endpoint; by default that of the SDK."""
    model_name: str = "gpt-4o-mini"
    """Model to ask for there."""
    model_api_key_file: Path | None = None
    """Its key; without one, or with an empty file, the scripted model answers."""
    model_timeout_seconds: float = Field(default=30, gt=0, le=600)
    """The longest silence of the endpoint, before and within its answer."""

    def model_api_key(self) -> SecretStr | None:
        """The model's key, or None when the scripted model is to be used.

        An optional Kubernetes secret that does not exist leaves no file, which is
        the ordinary way to ask for the scripted model.
        """
        return _optional_secret(self.model_api_key_file)


def _split_commas(value: object) -> object:
    if isinstance(value, str):
        return [part.strip() for part in value.split(",") if part.strip()]
    return value


CommaSeparated = Annotated[list[str], NoDecode]


class McpSettings(ServerSettings, DatabaseSettings, TaskSettings):
    """The six tools."""

    port: Port = 8002
    """Where HTTP is served."""
    database_mcp_user: str = "todo_mcp"
    """Role for tasks and the record of tool calls."""
    database_mcp_password_file: Path
    """Its password."""
    jwt_key_file: Path
    """Key that verifies bearer tokens; the backend has the same."""
    mcp_allowed_hosts: CommaSeparated = ["localhost:*", "127.0.0.1:*", "mcp:*"]
    """``Host`` headers that are answered: ``host:port``, or ``host:*`` for any port."""
    mcp_allowed_origins: CommaSeparated = []
    """``Origin`` headers of browsers that are answered; requests without one always are."""
    max_body_bytes: int = Field(default=64 * 1024, ge=1024)
    """Largest body of a request."""

    _split = field_validator("mcp_allowed_hosts", "mcp_allowed_origins", mode="before")(
        _split_commas
    )


class MigrateSettings(DatabaseSettings):
    """The migration job; with an administrator's login it also creates the roles."""

    _takes_login_from_url: ClassVar[bool] = True

    database_migrator_user: str = "todo_migrator"
    """Role that owns the schema."""
    database_migrator_password_file: Path
    """Its password."""
    database_admin_user: str | None = None
    """Login with CREATEROLE that makes database and roles; without it only migrations run."""
    database_admin_password_file: Path | None = None
    """Its password."""
    database_chat_password_file: Path | None = None
    """Password that the administrator gives to ``todo_chat``."""
    database_tasks_password_file: Path | None = None
    """Password that the administrator gives to ``todo_tasks``."""
    database_mcp_password_file: Path | None = None
    """Password that the administrator gives to ``todo_mcp``."""
    database_backup_password_file: Path | None = None
    """Password that the administrator gives to ``todo_backup``."""
    database_wait_seconds: float = Field(default=60, ge=0, le=3600)
    """How long to wait for the server to answer."""
    migrate_lock_seconds: float = Field(default=2, ge=0.1, le=60)
    """Longest wait for a lock. Every statement of the application on that table waits behind it,
    and gives up after 3 s: keep it below."""
    migrate_lock_attempts: int = Field(default=15, ge=1, le=1000)
    """How often to try for the locks, a second apart, so that the application gets its turn."""
    migrate_statement_seconds: float = Field(default=60, ge=1, le=3600)
    """Longest statement. One that takes longer holds its locks for too long, and belongs into a
    migration that does its work in smaller parts."""
    migrate_contract: bool = False
    """Whether to end what older releases need. Set it when no process of theirs is left and
    nobody will roll back to them."""

    @property
    def admin_password(self) -> SecretStr | Path | None:
        """The administrator's password or its file; None when nobody gave one."""
        if self.database_admin_password_file is None and self.database_url_file is not None:
            return _read_database_url(self.database_url_file).password
        return self.database_admin_password_file
