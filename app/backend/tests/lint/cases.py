"""The corpus as files that Alembic reads."""

from pathlib import Path

from tests.lint.corpus import Case
from tests.lint.migration import Migration, read

OWN = read()
"""The release's own migrations, oldest first."""

FILE = '''"""A case of the corpus."""

from alembic import op

revision: str = "{revision}"
down_revision: str | None = "{down_revision}"
contracts: str | None = {contracts!r}


def upgrade() -> None:
    {body}
'''


def of_case(case: Case, folder: Path) -> Migration:
    """The case as a migration after the release's own ones."""
    revision = case.revision or f"{len(OWN) + 1:04}"
    body = case.python or f"op.execute({case.sql!r})"
    (folder / f"{revision}_case.py").write_text(
        FILE.format(
            revision=revision,
            down_revision=OWN[-1].revision,
            contracts=case.contracts,
            body=body,
        )
    )
    return read(folder)[-1]
