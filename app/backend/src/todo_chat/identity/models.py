"""Accounts and sessions: the tables."""

from datetime import datetime

from sqlalchemy import BigInteger, Column, DateTime, Identity, LargeBinary, Text, func
from sqlmodel import Field, SQLModel


class Account(SQLModel, table=True):
    """A row of ``accounts``: which person of which provider a user id belongs to, for good."""

    __tablename__ = "accounts"

    user_id: str = Field(sa_column=Column(Text, primary_key=True))
    issuer: str = Field(sa_column=Column(Text, nullable=False))
    subject: str = Field(sa_column=Column(Text, nullable=False))
    created_at: datetime | None = Field(
        default=None,
        sa_column=Column(DateTime(timezone=True), nullable=False, server_default=func.now()),
    )


class BrowserSession(SQLModel, table=True):
    """A row of ``sessions``. It holds the hash of the cookie's secret, never the secret."""

    __tablename__ = "sessions"

    id: int | None = Field(
        default=None, sa_column=Column(BigInteger, Identity(always=True), primary_key=True)
    )
    user_id: str = Field(sa_column=Column(Text, nullable=False))
    token_hash: bytes = Field(sa_column=Column(LargeBinary, nullable=False, unique=True))
    display_name: str = Field(sa_column=Column(Text, nullable=False))
    created_at: datetime | None = Field(
        default=None,
        sa_column=Column(DateTime(timezone=True), nullable=False, server_default=func.now()),
    )
    expires_at: datetime = Field(sa_column=Column(DateTime(timezone=True), nullable=False))
