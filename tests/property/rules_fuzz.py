"""Whatever the text of a rule file: findings with places, soon, in bounded memory, and nothing outside is touched.

``python -m tests.property.rules_fuzz [NUMBER]`` mutates the shipped files, keeps what reaches new lines of the checker,
mutates that again, and prints figures.
"""

import random
import resource
import sys
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, Final

from streams.detection.check import check_files
from streams.detection.explain import explain
from streams.detection.folder import load_folder
from streams.detection.lint.ruleset import lint
from streams.detection.program import compile_ruleset

if TYPE_CHECKING:
    from _typeshed import TraceFunction

ROOT: Final = Path(__file__).parents[2]
_WATCHED: Final = str(ROOT / "streams" / "detection")
FORBIDDEN: Final = ("open", "os.", "subprocess.", "socket.", "shutil.", "ctypes.", "pty.", "urllib.", "glob.")
"""Events of the interpreter (PEP 578) that a text must not cause."""
PIECES: Final = (
    "\t", "\x00", "\ufeff", "\u202e", "\ud83d\ude00", "\u0661\u0662", "é\u0301", "\r", "\u2028",
    "{", "[", "]", "}", "&a ", "*a", "!!python/name:os.system ",
    "!!map ", "<<: *a", "? ", "|\n", ">-\n", "---\n", "%YAML 1.1\n", "#", "'", '"', "9" * 5000,
    "1e999999", "-0", "0x10", ".inf", ".nan",
    "2026-02-30", "((((((((((((((((((((((((", "not " * 40, "+ 1 " * 60, "over 99999999d", "over 30d",
    "__import__('os')", "x.__class__",
    "lambda: 0", "; import os", "{0.__class__}", "{floor!r}", "id: big\nid: big\n",
    "count distinct counterparty of credits over 30d",
    "[" * 60, "a: " * 30, "and amount >= amount ", " or ", "in licensed-psp", "known_for",
    "90% of ", "params:\n", "let:\n", "tests:\n",
)  # fmt: skip
_EACH: Final = 4
BOMB: Final = "a: &a [x, x, x, x, x, x, x, x, x]\n" + "".join(
    f"{chr(98 + n)}: &{chr(98 + n)} [{', '.join([f'*{chr(97 + n)}'] * 9)}]\n" for n in range(12)
)


@dataclass(slots=True)
class Figures:
    """What came of it."""

    files: int = 0
    good: int = 0
    kept: int = 0
    lines: int = 0
    slowest: float = 0.0
    peak: int = 0
    touched: Counter[str] = field(default_factory=Counter)


class _Guard:
    """Hears what the interpreter is asked for; an audit hook stays for the life of a process, so it is switched."""

    def __init__(self) -> None:
        self.on, self.heard = False, Counter[str]()
        sys.addaudithook(self._hear)

    def _hear(self, event: str, args: tuple[object, ...]) -> None:
        if self.on and event.startswith(FORBIDDEN):
            self.heard[f"{event} {args[:1]!r}"] += 1

    @contextmanager
    def watch(self) -> Iterator[Counter[str]]:
        self.heard = Counter()
        self.on = True
        try:
            yield self.heard
        finally:
            self.on = False


_guard: Final = _Guard()


def take(text: str, *, name: str = "rule.yaml") -> bool:
    """Check one text as a set; gives whether it was good. Nothing but findings may come of it."""
    with _guard.watch() as heard:
        ruleset, findings = check_files({name: text})
        if ruleset is not None:
            compile_ruleset(ruleset)
            lint(ruleset)
            for rule in ruleset.rules:
                explain(rule)
    assert not heard, f"a text made the checker ask for {heard}"
    assert (ruleset is None) == bool(findings.errors)
    assert all(each.spot.line >= 1 and each.spot.column >= 1 and str(each) for each in findings)
    return ruleset is not None


def seeds() -> list[str]:
    """Give some of the shipped files, and a bomb."""
    files = sorted(load_folder(ROOT / "rules").values(), key=len)
    return [*files[::_EACH], BOMB]


def mutated(text: str, others: list[str], chance: random.Random) -> str:
    """Change a text in a few places."""
    for _ in range(chance.randint(1, 4)):
        at, end = sorted((chance.randint(0, len(text)), chance.randint(0, len(text))))
        end = min(end, at + chance.choice((1, 8, 80)))
        match chance.randrange(6):
            case 0:
                text = text[:at] + text[end:]
            case 1:
                text = text[:at] + chance.choice(PIECES) + text[at:]
            case 2:
                text = text[:at] + chance.choice(PIECES) + text[end:]
            case 3:
                text = text[:at] + text[at:end] * chance.choice((2, 3, 200)) + text[end:]
            case 4:
                other = chance.choice(others).splitlines(keepends=True)
                text = text[:at] + (chance.choice(other) if other else "") + text[at:]
            case _:
                text = (
                    text[:at] + chr(chance.choice((9, 10, 32, 58, 45, 123, 0x7F, 0x85, 0x2029, 0x10FFFF))) + text[at:]
                )
    return text


def fuzz(number: int, seed: int = 5) -> Figures:
    """Check so many texts, guided by the lines of the checker they reach."""
    chance, figures = random.Random(seed), Figures()
    reached: set[tuple[str, int]] = set()
    pool = seeds()
    first = len(pool)
    for count in range(number + first):
        text = pool[count] if count < first else mutated(chance.choice(pool), pool, chance)
        new: set[tuple[str, int]] = set()
        begun = time.process_time()
        with _traced(new):
            figures.good += take(text)
        figures.slowest = max(figures.slowest, time.process_time() - begun)
        figures.files += 1
        if not new <= reached and count >= first:
            pool.append(text)
            figures.kept += 1
        reached |= new
    figures.peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    figures.lines = len(reached)
    return figures


@contextmanager
def _traced(lines: set[tuple[str, int]]) -> Iterator[None]:
    """Note the lines of the checker that run."""

    def within(frame: FrameType, event: str, _: object) -> "TraceFunction | None":
        if event == "line":
            lines.add((frame.f_code.co_filename, frame.f_lineno))
        return within

    def entered(frame: FrameType, _: str, __: object) -> "TraceFunction | None":
        return within if frame.f_code.co_filename.startswith(_WATCHED) else None

    before = sys.gettrace()
    sys.settrace(entered)
    try:
        yield
    finally:
        sys.settrace(before)


def main(number: int) -> None:
    """Print the figures."""
    found = fuzz(number)
    sys.stdout.write(
        f"{found.files:,} texts, {found.good:,} of them good sets; {found.kept:,} reached something new, "
        f"{found.lines:,} lines of the checker in all; slowest {found.slowest:.2f} s (traced), process {found.peak // 1024:,} MiB\n"
    )


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 2_000)
