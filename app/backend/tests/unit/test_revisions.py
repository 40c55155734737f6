"""What a release does with the schema that it finds: a table."""

import pytest

from todo_chat.db.migrate import head_revision, known_revisions
from todo_chat.db.revisions import (
    NEEDED_REVISION,
    ContractionPendingError,
    NewerSchemaError,
    Plan,
    Revision,
    State,
    judge,
    plan,
)

EXPANDED = [Revision("0001"), Revision("0002")]
ONE_PAIR = [*EXPANDED, Revision("0003", contracts="0002")]
TWO_CONTRACTIONS = [*ONE_PAIR, Revision("0004", contracts="0001")]
EXPANSION_BEHIND = [*ONE_PAIR, Revision("0004")]


@pytest.mark.parametrize(
    ("found", "known", "contract", "expected"),
    [
        (None, ONE_PAIR, False, Plan(State.EMPTY, "0003")),
        (None, EXPANSION_BEHIND, False, Plan(State.EMPTY, "0004")),
        ("0001", EXPANDED, False, Plan(State.BEHIND, "0002")),
        ("0002", EXPANDED, False, Plan(State.CURRENT, None)),
        ("0002", EXPANDED, True, Plan(State.CURRENT, None)),
        ("0001", ONE_PAIR, False, Plan(State.BEHIND, "0002", ("0003",))),
        ("0001", ONE_PAIR, True, Plan(State.BEHIND, "0003")),
        ("0002", ONE_PAIR, False, Plan(State.CURRENT, None, ("0003",))),
        ("0002", ONE_PAIR, True, Plan(State.CURRENT, "0003")),
        ("0002", TWO_CONTRACTIONS, False, Plan(State.CURRENT, None, ("0003", "0004"))),
        ("0003", TWO_CONTRACTIONS, False, Plan(State.CURRENT, None, ("0004",))),
        ("0003", EXPANSION_BEHIND, False, Plan(State.BEHIND, "0004")),
        ("0002", EXPANSION_BEHIND, True, Plan(State.BEHIND, "0004")),
    ],
)
def test_plan(found: str | None, known: list[Revision], contract: bool, expected: Plan) -> None:
    assert plan(found, known, contract=contract) == expected
    assert judge(found, known) is expected.state


@pytest.mark.parametrize("contract", [False, True])
def test_a_newer_schema_is_one_sentence(contract: bool) -> None:
    with pytest.raises(NewerSchemaError) as refused:
        plan("0009", ONE_PAIR, contract=contract)
    assert str(refused.value).startswith("the schema is at revision 0009 and this release knows")
    assert "none after 0003" in str(refused.value)
    assert "\n" not in str(refused.value)


def test_an_expansion_behind_a_contraction_names_both() -> None:
    with pytest.raises(ContractionPendingError, match="0004 comes after 0003") as refused:
        plan("0002", EXPANSION_BEHIND, contract=False)
    assert "TODO_MIGRATE_CONTRACT=true" in str(refused.value)


def test_the_code_needs_the_newest_expansion() -> None:
    assert [r.number for r in known_revisions() if not r.contracts][-1] == NEEDED_REVISION


def test_revisions_are_known_in_their_order() -> None:
    numbers = [revision.number for revision in known_revisions()]
    assert numbers == sorted(numbers)
    assert numbers[-1] == head_revision()
