"""Accounts: a user id belongs to one subject of one provider."""

from collections import OrderedDict

from sqlalchemy.dialects.postgresql import insert
from sqlmodel import select

from todo_chat.db.session import Database
from todo_chat.identity.errors import AccountTakenError
from todo_chat.identity.models import Account
from todo_chat.identity.subject import user_id_of

REMEMBERED = 10_000
"""Accounts whose owner is kept in memory. The rows never change, so they cannot be outdated."""


class Accounts:
    """Finds the user id of a provider's subject and keeps it from everybody else."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._known: OrderedDict[tuple[str, str], str] = OrderedDict()

    async def user_id(self, issuer: str, subject: str) -> str:
        """The user id; it is bound to this subject when it is used for the first time.

        Raises:
            AccountTakenError: it is bound to another subject, or to another provider's.
            DatabaseUnavailableError: the database does not answer.
        """
        if (issuer, subject) in self._known:
            return self._known[issuer, subject]
        user_id = user_id_of(issuer, subject)
        account = {"user_id": user_id, "issuer": issuer, "subject": subject}
        async with self._database.transaction(user_id) as session:
            await session.exec(insert(Account).values(account).on_conflict_do_nothing())
            owner = (await session.exec(select(Account).where(Account.user_id == user_id))).one()
            if (owner.issuer, owner.subject) != (issuer, subject):
                raise AccountTakenError(user_id)
        self._known[issuer, subject] = user_id
        if len(self._known) > REMEMBERED:
            self._known.popitem(last=False)
        return user_id
