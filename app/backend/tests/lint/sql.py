"""Reading SQL well enough for the rules: statements without comments and bodies."""

import re

_QUIET = re.compile(r"--[^\n]*|/\*.*?\*/|(\$\w*\$).*?\1|'(?:[^']|'')*'", re.DOTALL)


def statements(sql: str, *, literals: bool = False) -> list[str]:
    """Each statement on a line of its own; function bodies are empty, and literals unless asked."""

    def quiet(match: re.Match[str]) -> str:
        if match[0][0] == "'" and literals:
            return match[0].replace(";", "")
        return "''" if match[0][0] in "'$" else " "

    return [" ".join(part.split()) for part in _QUIET.sub(quiet, sql).split(";") if part.strip()]


def bodies(sql: str) -> list[str]:
    """What is between dollar signs: bodies of functions."""
    return [match[0] for match in _QUIET.finditer(sql) if match[1]]
