"""What a release may do to the schema that it finds. Pure: the database is not asked here.

A migration *expands*: the release before goes on working on what it leaves. One that ends an old
form *contracts*, and says so by naming the revision whose expansion it completes
(``contracts = "0004"``). Code works without the contractions of its own release, so that they can
wait until no process of an older one is left.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from todo_chat.settings import ProcessError

NEEDED_REVISION = "0006"
"""The newest expansion: what the code of this release finds nothing missing in."""


class NewerSchemaError(ProcessError):
    """The database belongs to a later release."""

    exit_code = 5


class SchemaBehindError(ProcessError):
    """The schema lacks what the code needs."""

    exit_code = 2

    def __init__(self, found: str | None) -> None:
        super().__init__(
            f"the schema is {'empty' if found is None else f'at revision {found}'}; this release "
            f"needs {NEEDED_REVISION}: run the migrations"
        )


class ContractionPendingError(ProcessError):
    """An expansion comes after a contraction that nobody has allowed yet."""

    exit_code = 2


@dataclass(frozen=True)
class Revision:
    """A migration: its number, and the expansion that it ends if it is a contraction."""

    number: str
    contracts: str | None = None


class State(StrEnum):
    """The schema as a release finds it."""

    EMPTY = "empty"
    BEHIND = "behind"
    CURRENT = "current"
    """Everything that the code needs is there; contractions may be outstanding."""
    NEWER = "newer"


@dataclass(frozen=True)
class Plan:
    """Where the schema is and where it goes; ``target`` None when nothing is to be done."""

    state: State
    target: str | None
    held_back: tuple[str, ...] = ()
    """Contractions that stay outstanding."""


def judge(found: str | None, known: Sequence[Revision]) -> State:
    """What the found revision, None for no schema, is to a release with these revisions."""
    if found is None:
        return State.EMPTY
    numbers = [revision.number for revision in known]
    if found not in numbers:
        return State.NEWER
    left = known[numbers.index(found) + 1 :]
    return State.CURRENT if all(r.contracts for r in left) else State.BEHIND


def plan(found: str | None, known: Sequence[Revision], *, contract: bool) -> Plan:
    """What a run of the migrations does.

    A database without a schema has no code of before, so it gets everything.

    Args:
        found: the revision in the database, None for no schema.
        known: the release's revisions, oldest first.
        contract: whether contractions are allowed.

    Raises:
        NewerSchemaError: the release does not know the revision that it found.
        ContractionPendingError: an expansion can only be reached through a contraction.
    """
    state = judge(found, known)
    numbers = [revision.number for revision in known]
    if state is State.NEWER:
        raise NewerSchemaError(
            f"the schema is at revision {found} and this release knows none after {numbers[-1]}: "
            "nothing was changed; deploy the release that the schema belongs to, or a later one"
        )
    left = list(known) if found is None else list(known[numbers.index(found) + 1 :])
    if state is State.EMPTY or contract:
        return Plan(state, left[-1].number if left else None)
    now = [r.number for r in left if not r.contracts]
    held_back = [r.number for r in left if r.contracts]
    if now and held_back and now[-1] > held_back[0]:
        raise ContractionPendingError(
            f"revision {now[-1]} comes after {held_back[0]}, which ends what older releases need: "
            "nothing was changed; when no process of a release from before "
            f"{held_back[0]} is left, run once more with TODO_MIGRATE_CONTRACT=true"
        )
    return Plan(state, now[-1] if now else None, tuple(held_back))
