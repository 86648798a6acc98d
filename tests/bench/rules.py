"""Sets of rules that parts of the benchmark run with, and what more of them cost."""

import re
import shutil
import time
from dataclasses import replace
from pathlib import Path
from typing import Final

from streams.detection.check import check_files
from streams.detection.folder import load_folder
from streams.detection.lint.ruleset import lint
from tests.bench.embedded import measure_child
from tests.bench.report import Figure, Report
from tests.bench.stream import Stream

FIVE: Final = (
    "pass-through-account",
    "fan-in-new-payers",
    "shared-device",
    "payout-party-mismatch",
    "orphan-settlement",
)
"""One rule for each kind of machinery: windows, new counterparties, marks, registered facts, joins with a deadline."""
FEW: Final = 30
MANY: Final = 300
COPIED: Final = ("pass-through-account", "fan-in-new-payers", "fan-out-new", "crypto-exit", "new-account-burst")
RULE_MAX: Final = 0.3
CHECK_SECONDS_MAX: Final = 2.0
_MARKS: Final = re.compile(r"(?<=marks from )[\w\s,-]+?(?= over )")
_AMOUNT: Final = re.compile(r"(?<=: )\d+(?=[,}])")


def only_five(whole: Path, folder: Path) -> Path:
    """Copy the lists and the five rules; marks are asked for from those of them that send any, and what else tests that goes."""
    shutil.copytree(whole / "lists", folder / "lists")
    for path in whole.rglob("*.yaml"):
        if path.stem in FIVE:
            text = path.read_text()
            if _MARKS.search(text):
                text = _MARKS.sub("pass-through-account, fan-in-new-payers", text).partition("\ntests:")[0] + "\n"
            (folder / path.name).write_text(text)
    return folder


def with_copies(whole: Path, folder: Path, count: int) -> Path:
    """Copy a set and make it ``count`` rules: copies share the windows of theirs and ask for ever larger amounts."""
    shutil.copytree(whole, folder)
    rules = [path for path in sorted(folder.rglob("*.yaml")) if path.parent.name != "lists"]
    originals = [path for path in rules if path.stem in COPIED]
    for number in range(count - len(rules)):
        path, factor = originals[number % len(originals)], 2 + number % 50
        name = f"{path.stem}-{number}"
        text = path.read_text().replace(f"id: {path.stem}", f"id: {name}", 1)
        head, tests, tail = text.partition("\ntests:")
        path.with_name(f"{name}.yaml").write_text(_larger(head, factor) + tests + tail)
    return folder


def _larger(text: str, factor: int) -> str:
    return _AMOUNT.sub(lambda found: str(int(found[0]) * factor), text)


def cost(report: Report, stream: Stream, folder: Path) -> None:
    """Measure what a rule adds to each leg, and how long it takes to check very many."""
    few, many = (with_copies(stream.rules, folder / str(count), count) for count in (FEW, MANY))
    legs = measure_child("stages", stream, folder)["legs"]
    spent = {rules: measure_child("run", replace(stream, rules=rules), folder)["cpu"] for rules in (few, many)}
    each = (spent[many] - spent[few]) / (MANY - FEW) / legs * 1e6
    begun = time.process_time()
    ruleset, findings = check_files(load_folder(many))
    told = lint(ruleset) if ruleset is not None else findings
    took = time.process_time() - begun
    if ruleset is None or len(ruleset.rules) != MANY:
        raise AssertionError(f"{MANY} rules were meant: {findings.errors[:3]}")
    if not told:
        raise AssertionError("the copies ask for more than their originals, and the lint says nothing of it")
    what = f"each rule from {FEW} to {MANY}, shared windows"
    report.figures += [
        Figure("rules", what, each, "us CPU/leg", None, f"<= {RULE_MAX}", each <= RULE_MAX),
        Figure(
            "rules",
            f"check of {MANY} rules",
            took,
            "s CPU",
            took,
            f"<= {CHECK_SECONDS_MAX:.0f}",
            took <= CHECK_SECONDS_MAX,
        ),
    ]
