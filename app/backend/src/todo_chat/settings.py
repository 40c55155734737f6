"""All environment variables (prefix ``TODO_``) and secret files, one class per process.

A process constructs its class once, in its entry point, and passes it on; nothing else
reads the environment. Secrets arrive as files and are kept as ``SecretStr``.
"""

from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import AnyHttpUrl, Field, SecretStr, field_validator, model_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from todo_chat import __version__

MINIMUM_KEY_BYTES = 32
"""Shortest key for HS256 (RFC 7518, 3.2: at least the size of the hash output)."""


class ConfigurationError(Exception):
    """The process cannot start as configured; the message says what to change."""


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
    version: str = __version__
    """Shown in /api/info; a release sets the tag of its image."""
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = "INFO"


class ServerSettings(ProcessSettings):
    """A process that serves HTTP."""

    # All interfaces: the process is alone in its container and the network policy decides.
    host: str = "0.0.0.0"  # noqa: S104
    port: Port
    drain_seconds: float = Field(default=5, ge=0, le=120)
    """From SIGTERM to closing the listener; readiness is red meanwhile."""
    shutdown_seconds: float = Field(default=30, ge=0, le=600)
    """The longest time that requests in flight get after the listener is closed."""


class DatabaseSettings(ProcessSettings):
    """Where PostgreSQL is; who logs in differs by process."""

    database_host: str
    database_port: Port = 5432
    database_name: str = "todo"
    database_sslmode: Literal[
        "disable", "allow", "prefer", "require", "verify-ca", "verify-full"
    ] = "prefer"
    database_pool_size: int = Field(default=5, ge=1, le=100)


class BackendSettings(ServerSettings, DatabaseSettings):
    """REST, conversations and the chat endpoint."""

    port: Port = 8000
    database_chat_user: str = "todo_chat"
    database_chat_password_file: Path
    database_tasks_user: str = "todo_tasks"
    database_tasks_password_file: Path
    jwt_key_file: Path
    agent_url: AnyHttpUrl
    dev_login: bool = False
    login_token_seconds: int = Field(default=8 * 3600, ge=60, le=7 * 24 * 3600)
    turn_timeout_seconds: float = Field(default=60, gt=0, le=600)
    rate_limit_per_minute: int = Field(default=240, ge=1)
    max_body_bytes: int = Field(default=64 * 1024, ge=1024)

    @model_validator(mode="after")
    def _development_login_only_in_development(self) -> Self:
        if self.dev_login and self.environment != "development":
            raise ValueError(
                f"TODO_DEV_LOGIN gives a token to anybody who asks; it is refused in "
                f"{self.environment}. Unset it, or set TODO_ENVIRONMENT=development"
            )
        return self


class AgentSettings(ServerSettings):
    """The model loop. It has no database credential and no token key."""

    port: Port = 8001
    mcp_url: AnyHttpUrl
    model_base_url: AnyHttpUrl | None = None
    model_name: str = "gpt-4o-mini"
    model_api_key_file: Path | None = None
    model_timeout_seconds: float = Field(default=30, gt=0, le=600)

    def model_api_key(self) -> SecretStr | None:
        """The model's key, or None when the scripted model is to be used.

        An optional Kubernetes secret that does not exist leaves no file, which is
        the ordinary way to ask for the scripted model.
        """
        path = self.model_api_key_file
        if path is None or not path.exists() or not path.read_text(encoding="utf-8").strip():
            return None
        return read_secret(path)


def _split_commas(value: object) -> object:
    if isinstance(value, str):
        return [part.strip() for part in value.split(",") if part.strip()]
    return value


CommaSeparated = Annotated[list[str], NoDecode]


class McpSettings(ServerSettings, DatabaseSettings):
    """The five tools."""

    port: Port = 8002
    database_mcp_user: str = "todo_mcp"
    database_mcp_password_file: Path
    jwt_key_file: Path
    mcp_allowed_hosts: CommaSeparated = ["localhost:*", "127.0.0.1:*", "mcp:*"]
    """``Host`` headers that are answered: ``host:port``, or ``host:*`` for any port."""
    mcp_allowed_origins: CommaSeparated = []
    max_body_bytes: int = Field(default=64 * 1024, ge=1024)

    _split = field_validator("mcp_allowed_hosts", "mcp_allowed_origins", mode="before")(
        _split_commas
    )


class MigrateSettings(DatabaseSettings):
    """The migration job; with an administrator's login it also creates the roles."""

    database_migrator_user: str = "todo_migrator"
    database_migrator_password_file: Path
    database_admin_user: str | None = None
    database_admin_password_file: Path | None = None
    database_chat_password_file: Path | None = None
    database_tasks_password_file: Path | None = None
    database_mcp_password_file: Path | None = None
    database_backup_password_file: Path | None = None
    database_wait_seconds: float = Field(default=60, ge=0, le=3600)
