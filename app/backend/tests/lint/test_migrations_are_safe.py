"""Every migration is linted, and the lint itself refuses what it has to."""

from pathlib import Path

import pytest

from tests.lint import rules, squawk
from tests.lint.cases import OWN, of_case
from tests.lint.corpus import SAFE, UNSAFE
from tests.lint.finding import Finding
from tests.lint.migration import Migration


def lint(migration: Migration, before: list[Migration]) -> list[Finding]:
    found = rules.check(migration, before)
    return found if migration.sql is None else found + squawk.check(migration)


@pytest.mark.parametrize("number", range(len(OWN)), ids=[each.file for each in OWN])
def test_the_migrations_of_this_release(number: int) -> None:
    assert [str(finding) for finding in lint(OWN[number], OWN[:number])] == []


@pytest.mark.parametrize("name", UNSAFE)
def test_unsafe(name: str, tmp_path: Path) -> None:
    case = UNSAFE[name]
    found = lint(of_case(case, tmp_path), OWN)
    reasons = [finding.reason for finding in found if finding.rule == case.refused_by]
    assert reasons, f"not refused by {case.refused_by}, only by {sorted({f.rule for f in found})}"
    assert all(reasons)


@pytest.mark.parametrize("name", SAFE)
def test_safe(name: str, tmp_path: Path) -> None:
    assert [str(finding) for finding in lint(of_case(SAFE[name], tmp_path), OWN)] == []


def test_the_corpus_has_every_rule_of_ours_and_is_large_enough() -> None:
    refusing = {case.refused_by for case in UNSAFE.values()}
    assert {rules.name_of(rule) for rule in rules.RULES} <= refusing
    assert len(UNSAFE) >= 25
    assert len(SAFE) >= 10


def test_the_transaction_begins_with_the_time_outs_of_the_migrate_process() -> None:
    bare = Migration("x.py", "0001", None, None, "ALTER TABLE tasks ADD COLUMN x text;")
    lines = bare.as_run.splitlines()
    assert [line.split(" = ")[0] for line in lines[:2]] == [
        "SET LOCAL lock_timeout",
        "SET LOCAL statement_timeout",
    ]
