"""A migration as the lint sees it: what its file says of it, and the SQL that it would run."""

import io
from dataclasses import dataclass
from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.script import Script, ScriptDirectory

from todo_chat.db import migrate

OWN = Path(migrate.__file__).parent / "migrations/versions"


@dataclass(frozen=True)
class Migration:
    """One file, rendered."""

    file: str
    revision: str
    down_revision: str | None
    contracts: str | None
    sql: str | None
    """Every statement of ``upgrade()``; None when it cannot be written down without a database."""
    why_not: str = ""
    """Why it cannot."""

    @property
    def as_run(self) -> str:
        """The statements of the transaction in which the migrate process runs it."""
        limits = "".join(f"{statement};\n" for statement in migrate.Limits().statements())
        return limits + (self.sql or "")


def read(extra: Path | None = None) -> list[Migration]:
    """The release's migrations, oldest first, with those of another folder behind them."""
    out = io.StringIO()
    config = Config(output_buffer=out)
    config.attributes["connection"] = None
    config.set_main_option("script_location", str(OWN.parent))
    config.set_main_option("path_separator", "newline")
    config.set_main_option("version_locations", "\n".join(map(str, filter(None, [OWN, extra]))))
    scripts = list(ScriptDirectory.from_config(config).walk_revisions())[::-1]
    return [_render(config, out, script) for script in scripts]


def _render(config: Config, out: io.StringIO, script: Script) -> Migration:
    out.seek(0)
    out.truncate()
    down = script.down_revision
    assert down is None or isinstance(down, str), f"{script.path} merges branches"
    sql, why_not = None, ""
    try:
        command.upgrade(config, f"{down or 'base'}:{script.revision}", sql=True)
        sql = _own_statements(out.getvalue())
    except Exception as error:
        why_not = f"{type(error).__name__}: {error}"
    contracts = getattr(script.module, "contracts", None)
    return Migration(Path(script.path).name, script.revision, down, contracts, sql, why_not)


def _own_statements(rendered: str) -> str:
    """Without those by which Alembic keeps its own table."""
    body = rendered.partition("-- Running upgrade ")[2].partition("\n")[2]
    cut = max(body.rfind(f"{verb} alembic_version") for verb in ("INSERT INTO", "UPDATE"))
    return body[:cut].strip()
