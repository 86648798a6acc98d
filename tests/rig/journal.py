"""Results of long runs: one line per case in a file of the repository, so that a run can be broken off and taken up again."""

import shutil
import subprocess
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

_ROOT: Final = Path(__file__).parents[2]
_JUDGED: Final = ("streams", "rules", "tests/rig")
_HEAD: Final = (
    "| when (UTC) | commit | case | seed | result | seconds | what was seen |\n|---|---|---|---|---|---|---|\n"
)


@dataclass(frozen=True, slots=True)
class Result:
    """What came of one case."""

    case: str
    seed: int
    ok: bool
    seconds: float
    seen: str


class ResultsFile:
    """A table in Markdown, appended to and never rewritten."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.commit = _commit()

    def passed(self, case: str, seed: int) -> bool:
        """Tell whether a case passed on this very commit of what is tested."""
        wanted = f"| {self.commit} | {case} | {seed} | passed |"
        return not self.commit.endswith("+") and any(wanted in line for line in self._lines())

    def add(self, result: Result) -> None:
        """Append a line."""
        if _HEAD.splitlines()[0] not in self._lines():
            with self.path.open("a") as file:
                file.write("\n" + _HEAD)
        word = "passed" if result.ok else "FAILED"
        seen = result.seen.replace("|", "/").replace("\n", " ")
        with self.path.open("a") as file:
            file.write(
                f"| {datetime.now(UTC):%Y-%m-%d %H:%M} | {self.commit} | {result.case} | {result.seed} | {word} | "
                f"{result.seconds:.0f} | {seen} |\n"
            )

    def _lines(self) -> list[str]:
        return self.path.read_text().splitlines() if self.path.exists() else []


def _commit() -> str:
    """Name the last commit that changed what is tested; a plus when there are changes that are not committed."""

    def git(*words: str) -> str:
        return subprocess.run(
            [shutil.which("git") or "git", *words, "--", *_JUDGED],
            cwd=_ROOT,
            capture_output=True,
            text=True,
            check=True,
        ).stdout

    return git("log", "-1", "--format=%h").strip() + ("+" if git("status", "--porcelain").strip() else "")
