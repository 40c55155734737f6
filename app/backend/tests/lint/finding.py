"""What the lint says of a migration."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Finding:
    """A rule that a migration breaks, and why that is unsafe."""

    file: str
    rule: str
    reason: str

    def __str__(self) -> str:
        return f"{self.file}: {self.rule}: {self.reason}"
