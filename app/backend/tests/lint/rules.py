"""What squawk cannot know: row-level security, our roles, our runner, expansions and contractions.

Each rule is a function from a migration and those before it to reasons; its name is the rule's.
"""

import re
from collections.abc import Callable, Iterator, Sequence

from tests.lint.finding import Finding
from tests.lint.migration import Migration
from tests.lint.sql import bodies, statements

Rule = Callable[[Migration, Sequence[Migration]], Iterator[str]]

_CREATED = re.compile(r"CREATE TABLE (?:IF NOT EXISTS )?(\w+)", re.I)
_ALTERED = re.compile(r"ALTER TABLE (?:IF EXISTS )?(?:ONLY )?(\w+)", re.I)
_WRITTEN = re.compile(r"\b(?:UPDATE (?:ONLY )?|DELETE FROM (?:ONLY )?|INSERT INTO )(\w+)", re.I)
_ADDS = re.compile(
    r"CREATE (?:TABLE|(?:UNIQUE )?INDEX|FUNCTION|VIEW|TRIGGER)|ADD COLUMN|^GRANT\b", re.I
)
_ENDS = re.compile(
    r"\bDROP (?:COLUMN|CONSTRAINT|TABLE|VIEW|FUNCTION|TRIGGER|POLICY|TYPE|SCHEMA|DEFAULT)\b"
    r"|^DROP INDEX|^REVOKE (?!.*\bFROM PUBLIC$)|^ALTER POLICY|^CREATE POLICY .* AS RESTRICTIVE"
    r"|\bRENAME\b|\bSET NOT NULL|DISABLE (?:TRIGGER|ROW LEVEL)",
    re.I,
)
_TIGHTENS = re.compile(r"\bADD CONSTRAINT|\bADD (?:CHECK|UNIQUE|FOREIGN KEY)|^CREATE UNIQUE", re.I)


def not_readable(migration: Migration, before: Sequence[Migration]) -> Iterator[str]:
    if migration.sql is None:
        yield (
            "its SQL cannot be written down without a database, so nobody can read it before it "
            f"runs ({migration.why_not})"
        )


def hidden_statements(migration: Migration, before: Sequence[Migration]) -> Iterator[str]:
    for statement in _of(migration):
        if re.match(r"DO\b", statement, re.I):
            yield "what a DO block executes is hidden from every rule; write its statements down"


def own_timeouts(migration: Migration, before: Sequence[Migration]) -> Iterator[str]:
    for statement in statements(migration.sql or "", literals=True):
        if re.search(r"\b(lock_timeout|statement_timeout)\b", statement, re.I):
            yield "sets a time-out itself; the migrate process sets both, by its settings"


def other_role(migration: Migration, before: Sequence[Migration]) -> Iterator[str]:
    for statement in _of(migration):
        if re.match(r"(SET|RESET)\b.*\b(ROLE|SESSION AUTHORIZATION)\b", statement, re.I):
            yield "changes the role: row-level security then hides rows and a backfill misses them"


def rows_of_one_user(migration: Migration, before: Sequence[Migration]) -> Iterator[str]:
    for statement in statements(migration.sql or "", literals=True):
        if "app.user_id" in statement and not re.match(r"(CREATE|ALTER) POLICY", statement, re.I):
            yield "reads or sets app.user_id: no migration has a user, and a backfill is for all"


def forced_security(migration: Migration, before: Sequence[Migration]) -> Iterator[str]:
    for statement in _of(migration):
        if re.search(r"(?<!NO )\bFORCE ROW LEVEL SECURITY", statement, re.I):
            yield (
                "row-level security then holds for the migrator too: its backfills, now and later, "
                "find no row and say nothing"
            )


def open_table(migration: Migration, before: Sequence[Migration]) -> Iterator[str]:
    found = _of(migration)
    for table in _tables(_CREATED, found):
        on = rf"\bON {table}\b"
        policies = [s for s in found if re.match(r"CREATE POLICY", s, re.I) and re.search(on, s)]
        if not any(re.search(rf"TABLE {table} ENABLE ROW LEVEL SECURITY", s, re.I) for s in found):
            yield f"{table} has no row-level security: every user sees every row"
        elif not any(" WITH CHECK " in s for s in policies):
            yield f"{table} has no policy that keeps users apart, USING and WITH CHECK"
        if not any("TO todo_backup" in s for s in policies):
            yield f"{table} has no policy for todo_backup: backups would leave its rows out"


def wide_grant(migration: Migration, before: Sequence[Migration]) -> Iterator[str]:
    for statement in _of(migration):
        if not re.match(r"(ALTER DEFAULT PRIVILEGES .*)?GRANT\b", statement, re.I):
            continue
        if re.search(r"\bTO\b.*\bPUBLIC\b", statement, re.I):
            yield "grants to everybody; name the roles that need it"
        if re.match(r"GRANT ALL\b", statement, re.I):
            yield "grants everything; name the privileges that are needed"
        if re.search(r"\bTO\b.*\btodo_backup\b", statement) and re.search(
            r"\b(INSERT|UPDATE|DELETE|TRUNCATE)\b", statement, re.I
        ):
            yield "the role that makes backups may only read"
        if not re.search(r"\bON\b", statement, re.I) and re.match("GRANT", statement, re.I):
            yield "makes a role a member of another one, which row-level security does not hold up"


def owner_function(migration: Migration, before: Sequence[Migration]) -> Iterator[str]:
    found = _of(migration)
    for statement in found:
        made = re.match(r"CREATE (?:OR REPLACE )?FUNCTION (\w+)", statement, re.I)
        if made is None or not re.search("SECURITY DEFINER", statement, re.I):
            continue
        if not re.search(r"SET search_path", statement, re.I):
            yield f"{made[1]} runs as the owner on the caller's search_path: fix it in the function"
        if not any(
            re.match(rf"REVOKE ALL ON FUNCTION {made[1]}\b.* FROM PUBLIC", s, re.I) for s in found
        ):
            yield f"{made[1]} runs as the owner and everybody may call it: REVOKE it FROM PUBLIC"
    if any(re.search(r"\bEXECUTE\b", body, re.I) for body in bodies(migration.sql or "")):
        yield "a function that puts its statements together from text is hidden from every rule"


def explicit_lock(migration: Migration, before: Sequence[Migration]) -> Iterator[str]:
    for statement in _of(migration):
        if re.match(r"LOCK\b", statement, re.I):
            yield "locks a table for the rest of the transaction; take only what a statement needs"


def backfill_under_lock(migration: Migration, before: Sequence[Migration]) -> Iterator[str]:
    found = _of(migration)
    altered = _tables(_ALTERED, found) - _tables(_CREATED, found)
    for table in sorted(altered & _written(found)):
        yield (
            f"writes rows of {table} while it holds the lock of its ALTER TABLE, which shuts "
            "everybody out until the end; backfill in a migration of its own"
        )


def backfill_without_bound(migration: Migration, before: Sequence[Migration]) -> Iterator[str]:
    for statement in _of(migration):
        if re.match(r"(UPDATE|DELETE)\b", statement, re.I) and not re.search(
            r"\bWHERE\b", statement, re.I
        ):
            yield "writes every row of a table at once; say which, so that it can be run again"


def contraction_not_declared(migration: Migration, before: Sequence[Migration]) -> Iterator[str]:
    if migration.contracts is not None:
        return
    found = _of(migration)
    created = _tables(_CREATED, found)
    for statement in found:
        if re.match(r"CREATE (OR REPLACE )?FUNCTION", statement, re.I):
            continue
        if _ENDS.search(statement):
            yield (
                f"“{_short(statement)}” ends what the release before needs; make it a migration "
                "of its own that says contracts = the expansion"
            )
        table = re.search(r"\bTABLE (?:ONLY )?(\w+)|\bON (?:ONLY )?(\w+)", statement, re.I)
        if _TIGHTENS.search(statement) and table and (table[1] or table[2]) not in created:
            yield (
                f"“{_short(statement)}” refuses rows that the release before may write; "
                "make it a contraction"
            )


def contraction_without_expansion(
    migration: Migration, before: Sequence[Migration]
) -> Iterator[str]:
    if migration.contracts is None:
        return
    known = {each.revision: each for each in before}
    expansion = known.get(migration.contracts)
    if expansion is None:
        yield f"contracts {migration.contracts}, which is no revision before it"
    elif expansion.contracts is not None:
        yield f"contracts {migration.contracts}, which is a contraction itself"


def contraction_that_expands(migration: Migration, before: Sequence[Migration]) -> Iterator[str]:
    if migration.contracts is None:
        return
    for statement in _of(migration):
        if _ADDS.search(statement):
            yield (
                f"“{_short(statement)}” is for the new code, which runs before contractions do; "
                "put it into an expansion"
            )


def number_out_of_order(migration: Migration, before: Sequence[Migration]) -> Iterator[str]:
    wanted = f"{len(before) + 1:04}"
    if migration.revision != wanted:
        yield f"its revision is {migration.revision}; the next is {wanted}"
    if not migration.file.startswith(f"{migration.revision}_"):
        yield f"its file has to be called {migration.revision}_….py"


RULES: tuple[Rule, ...] = (
    not_readable,
    hidden_statements,
    own_timeouts,
    other_role,
    rows_of_one_user,
    forced_security,
    open_table,
    wide_grant,
    owner_function,
    explicit_lock,
    backfill_under_lock,
    backfill_without_bound,
    contraction_not_declared,
    contraction_without_expansion,
    contraction_that_expands,
    number_out_of_order,
)


def name_of(rule: Rule) -> str:
    """The rule's name as findings have it."""
    return rule.__name__.replace("_", "-")


def check(migration: Migration, before: Sequence[Migration]) -> list[Finding]:
    """What our rules say of the migration that follows those."""
    return [
        Finding(migration.file, name_of(rule), reason)
        for rule in RULES
        for reason in rule(migration, before)
    ]


def _of(migration: Migration) -> list[str]:
    return statements(migration.sql or "")


def _tables(pattern: re.Pattern[str], found: Sequence[str]) -> set[str]:
    return {match[1] for statement in found if (match := pattern.match(statement))}


def _written(found: Sequence[str]) -> set[str]:
    rows = [s for s in found if re.match(r"(WITH|UPDATE|DELETE|INSERT)\b", s, re.I)]
    return {table for statement in rows for table in _WRITTEN.findall(statement)}


def _short(statement: str) -> str:
    return statement if len(statement) <= 60 else f"{statement[:57]}…"
