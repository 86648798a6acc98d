"""Findings of the rule checker: where, what is wrong, and what to write instead."""

from enum import StrEnum
from typing import NamedTuple


class Severity(StrEnum):
    """An error keeps a set from being used; a warning fails ``check --strict``; a hint only says so."""

    ERROR = "error"
    WARNING = "warning"
    HINT = "hint"


class Spot(NamedTuple):
    """A place in a rule file; line and column count from 1."""

    file: str
    line: int
    column: int

    def __str__(self) -> str:
        """``file:line:column``, as editors understand it."""
        return f"{self.file}:{self.line}:{self.column}"


class Finding(NamedTuple):
    """One fault of a rule file."""

    spot: Spot
    message: str
    advice: str = ""
    severity: Severity = Severity.ERROR

    def __str__(self) -> str:
        """One line: place, severity, fault, advice."""
        advice = f" ({self.advice})" if self.advice else ""
        return f"{self.spot}: {self.severity}: {self.message}{advice}"


class Findings(list[Finding]):
    """All faults of a set of files, collected so that they come at once."""

    def error(self, spot: Spot, message: str, advice: str = "") -> None:
        """Add an error."""
        self.append(Finding(spot, message, advice))

    def warn(self, spot: Spot, message: str, advice: str = "") -> None:
        """Add a warning."""
        self.append(Finding(spot, message, advice, Severity.WARNING))

    def hint(self, spot: Spot, message: str, advice: str = "") -> None:
        """Add a hint."""
        self.append(Finding(spot, message, advice, Severity.HINT))

    @property
    def errors(self) -> list[Finding]:
        """Only the errors."""
        return [finding for finding in self if finding.severity is Severity.ERROR]
