"""What can go wrong with a conversation or a turn."""

from typing import Literal

from todo_chat.turn import FailureCode, ToolCall

TurnFailureCode = FailureCode | Literal["database_unavailable", "stopped"]


class ConversationNotFoundError(Exception):
    """No such conversation, or another user's: the two are not told apart."""

    def __init__(self, conversation_id: int) -> None:
        super().__init__(f"there is no conversation {conversation_id}")
        self.conversation_id = conversation_id


class TurnInProgressError(Exception):
    """Another request is answering the message with this key."""

    def __init__(self, retry_after_seconds: int) -> None:
        super().__init__("this message is being answered by another request")
        self.retry_after_seconds = retry_after_seconds


class ConversationBusyError(Exception):
    """Another message of this conversation is being answered; this one is not stored."""

    def __init__(self, retry_after_seconds: int) -> None:
        super().__init__("another message of this conversation is being answered")
        self.retry_after_seconds = retry_after_seconds


class ConversationInUseError(Exception):
    """A message of this conversation is being answered; it cannot be deleted meanwhile."""

    def __init__(self, retry_after_seconds: int) -> None:
        super().__init__("a message of this conversation is being answered")
        self.retry_after_seconds = retry_after_seconds


class TurnNotFoundError(Exception):
    """The user has no message with this key."""


class TooManyConversationsError(Exception):
    """The user has as many conversations as one may have."""

    def __init__(self, limit: int) -> None:
        super().__init__(
            f"You have {limit} conversations, and no user may have more. Go on in one of them."
        )


class TooManyTurnsError(Exception):
    """So many messages of the user are being answered that no other is taken."""

    def __init__(self, limit: int) -> None:
        super().__init__(
            f"{limit} of your messages are being answered. Send this one when one of them is done."
        )


class KeyReusedError(Exception):
    """The key belongs to another message or conversation."""


class TurnFailedError(Exception):
    """The turn got no answer; the message is stored and can be sent again with its key.

    Attributes:
        code: stable name of the reason.
        message: sentence for the user.
        retry_after_seconds: when another try may help, where that is known.
        tool_calls: what was done all the same.
    """

    def __init__(
        self, code: TurnFailureCode, message: str, retry_after_seconds: int | None = None
    ) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.retry_after_seconds = retry_after_seconds
        self.tool_calls: list[ToolCall] = []


class AgentUnavailableError(Exception):
    """The agent did not answer or broke off."""
