"""Why somebody could not sign in."""


class ProviderUnavailableError(Exception):
    """The identity provider does not answer, or says that it cannot serve now."""


class ProviderAnswerError(Exception):
    """The identity provider answered with something that is not what OpenID Connect asks for.

    The message names the address and what was wrong with its answer, for operators.
    """


class SignInRefusedError(Exception):
    """This attempt to sign in cannot succeed; another one may.

    Attributes:
        code: stable name of the reason.
        message: sentence for the user: what failed and what to do next.
    """

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message


class AccountTakenError(Exception):
    """The user id belongs to another person: another provider, or another subject."""

    def __init__(self, user_id: str) -> None:
        super().__init__(f"the user id {user_id} belongs to a subject of another provider")
        self.user_id = user_id
