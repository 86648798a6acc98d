"""The lesson of the rules' manual is true: done as it stands, the program answers what it says."""

from pathlib import Path

import pytest

from streams.detection.check import check_files
from tests.contract.lesson import COMMAND, PAGE, RULE, answers, change

TEXT = PAGE.read_text(encoding="utf-8")


def test_the_program_answers_what_the_lesson_says(tmp_path: Path) -> None:
    done = list(answers(TEXT, tmp_path))
    assert len(done) > 8
    for answer in done:
        assert answer.said == answer.written, (
            f"after\n{answer.commands}the page says otherwise; look, then run: {COMMAND}"
        )
    ruleset, findings = check_files({"rule.yaml": (tmp_path / RULE).read_text(encoding="utf-8"), "list.yaml": LIST})
    assert ruleset is not None, findings
    assert ruleset.rules[0].state == "active"


LIST = "id: licensed-psp\nkind: account\nowner: compliance\nentries: []\n"


@pytest.mark.parametrize(
    ("box", "rule"),
    [
        ("when: b\n", "let:\n  x: 1\nwhen: b\nsay: c\ntests:\n  - t\n"),
        ("let:\n  y: 2\n  z: 3\n", "let:\n  y: 2\n  z: 3\nwhen: a\nsay: c\ntests:\n  - t\n"),
        ("unless: [l]\n", "let:\n  x: 1\nwhen: a\nunless: [l]\nsay: c\ntests:\n  - t\n"),
        ("  - u\n", "let:\n  x: 1\nwhen: a\nsay: c\ntests:\n  - t\n  - u\n"),
        (f"# {RULE}\nid: new\n", f"# {RULE}\nid: new\n"),
    ],
)
def test_a_box_changes_the_rule_as_a_learner_would(tmp_path: Path, box: str, rule: str) -> None:
    (tmp_path / RULE).parent.mkdir()
    (tmp_path / RULE).write_text("let:\n  x: 1\nwhen: a\nsay: c\ntests:\n  - t\n")
    change(tmp_path, box)
    assert (tmp_path / RULE).read_text() == rule
