"""The rules of squawk, a linter for PostgreSQL, on the transaction that the migrations run in."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

from tests.lint.finding import Finding
from tests.lint.migration import Migration
from tests.support.postgres import VERSIONS

# Also asked for, beside what squawk looks for by itself.
INCLUDED = (
    "ban-alter-policy-condition",
    "ban-alter-policy-roles",
    "ban-disable-trigger",
    "ban-drop-constraint",
    "ban-drop-function",
    "ban-drop-policy",
    "ban-drop-type",
    "ban-drop-view",
    "ban-set-schema",
    "renaming-object",
    "require-lock-timeout",
    "require-statement-timeout",
)

EXCLUDED = {
    "prefer-robust-stmts": "all migrations are one transaction: there is no half of one to repeat",
    "prefer-bigint-over-int": "small counters of the tables that there are",
    "prefer-text-field": "Alembic's own table",
}

DESTRUCTIVE = frozenset(
    {
        "ban-drop-column",
        "ban-drop-constraint",
        "ban-drop-function",
        "ban-drop-policy",
        "ban-drop-table",
        "ban-drop-type",
        "ban-drop-view",
        "ban-alter-policy-condition",
        "ban-alter-policy-roles",
    }
)
"""What ends an old form: for contractions only, and their purpose."""


def check(migration: Migration) -> list[Finding]:
    """What squawk says of the migration.

    Raises:
        RuntimeError: squawk is not installed or did not answer.
    """
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")])
    program = shutil.which("squawk", path=path)
    if program is None:
        raise RuntimeError("no squawk: install requirements-dev.txt, which has squawk-cli")
    ended = subprocess.run(
        [
            program,
            "--reporter=json",
            "--assume-in-transaction",
            f"--pg-version={VERSIONS[0]}",
            *(f"--include={rule}" for rule in INCLUDED),
            *(f"--exclude={rule}" for rule in EXCLUDED),
            f"--stdin-filepath={migration.file}.sql",
        ],
        input=migration.as_run,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    try:
        found = json.loads(ended.stdout)
    except json.JSONDecodeError:
        raise RuntimeError(f"squawk did not answer: {ended.stderr}") from None
    return [
        Finding(migration.file, each["rule_name"], each["message"])
        for each in found
        if not (migration.contracts and each["rule_name"] in DESTRUCTIVE)
    ]
