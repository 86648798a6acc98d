"""The lesson of ``rules/README.md``, done as a learner does it; ``python -m tests.contract.lesson`` writes today's answers into it.

In its order: a box of YAML changes the rule, a box of commands is run, and a box of text is what they print. YAML is a whole file
if its first line names one, further tests if it begins with a dash, else keys of the rule to put in or to change.
"""

import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Final, NamedTuple

PAGE: Final = Path(__file__).parents[2] / "rules" / "README.md"
RULE: Final = "my-rules/many-new-payers.yaml"
COMMAND: Final = "python -m tests.contract.lesson"
WIDTH: Final = "100"
"""Columns of the learner's window."""
_BOX: Final = re.compile(r"^```(sh|text|yaml)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_SECTION: Final = r"^{}:.*\n(?:[ ].*\n)*"
_PROGRESS: Final = re.compile(r"^\w+ ━.*\n", re.MULTILINE)
_SECONDS_MAX: Final = 600


class Answer(NamedTuple):
    """A box of text: what stands there, what the program says, and where the box is on the page."""

    commands: str
    written: str
    said: str
    start: int
    end: int


def lesson(page: str) -> tuple[int, int]:
    """Say where the lesson begins and ends."""
    start = page.index("\n## A lesson") + 1
    return start, page.index("\n## ", start)


def answers(page: str, folder: Path) -> Iterator[Answer]:
    """Do the lesson in an empty folder, box by box."""
    commands, said = "", ""
    for box in _BOX.finditer(page, *lesson(page)):
        kind, text = box.groups()
        if kind == "yaml":
            change(folder, text)
        elif kind == "sh":
            commands, said = text, run(text, folder)
        else:
            yield Answer(commands, text, said, box.start(2), box.end(2))


def change(folder: Path, text: str) -> None:
    """Do to the rule what a box of YAML shows."""
    named = re.match(r"# (\S+\.yaml)\n", text)
    file = folder / (named[1] if named else RULE)
    if named:
        file.write_text(text, encoding="utf-8")
        return
    rule = file.read_text(encoding="utf-8")
    if text.startswith("  - "):
        rule += text
    for key in re.findall(r"^(\w+):", text, re.MULTILINE):
        section = re.compile(_SECTION.format(key), re.MULTILINE)
        [new] = section.findall(text)
        rule, found = section.subn(lambda _, new=new: new, rule)  # type: ignore[misc]
        rule = rule if found else rule.replace("\nsay:", f"\n{new}say:")
    file.write_text(rule, encoding="utf-8")


def run(commands: str, folder: Path) -> str:
    """Give what a learner sees; the bar that moves while files are read is gone then."""
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    done = subprocess.run(
        ["/bin/bash", "-c", commands], cwd=folder, env=os.environ | {"PATH": path, "COLUMNS": WIDTH}, stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT, text=True, timeout=_SECONDS_MAX, check=False,
    )  # fmt: skip
    return re.sub(r" +$", "", _PROGRESS.sub("", done.stdout), flags=re.MULTILINE)


def renewed(page: str) -> str:
    """Give the page with what the program answers today."""
    with tempfile.TemporaryDirectory() as folder:
        for answer in reversed(list(answers(page, Path(folder)))):
            page = page[: answer.start] + answer.said + page[answer.end :]
    return page


if __name__ == "__main__":
    PAGE.write_text(renewed(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
