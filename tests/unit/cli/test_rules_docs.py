"""The manual of a set: all that an auditor asks of a rule, and no text of a rule file that becomes more than text."""

import re
from html.parser import HTMLParser
from pathlib import Path

import pytest
from typer.testing import CliRunner

from streams.cli.rules import app
from streams.detection.check import check_files
from streams.detection.explain import explain
from streams.detection.folder import load_folder
from streams.errors import RuleError, UsageError

SHIPPED = Path(__file__).parents[3] / "rules"
HOSTILE = "<script src=//evil>alert('1')</script> | [x](javascript:alert) **bold** &lt;b&gt; \"'"
RULE = f"""\
id: big
version: 3
title: &no
typology: mule
severity: high
owner: '{HOSTILE.replace("'", "''")}'
description: '{HOSTILE.replace("'", "''")}'
per: account
on: debit
when: amount >= floor and merchant is missing and not purpose in lawful
params:
  floor: {{CNY: 100.50, JPY: 2000}}
  less: {{CNY: 7}}
  lawful: ["<b>", SALA]
unless: [friends]
say: "paid out more than {{floor}} <i>"
tests:
  - name: 'fires <img src=x onerror=alert(1)>'
    events: ["09:00 a pays b 101 CNY"]
    expect: alert
""".replace("title: &no", f"title: '{HOSTILE.replace(chr(39), chr(39) * 2)}'")
FRIENDS = """\
id: friends
kind: account
owner: compliance
entries:
  - {key: TOKEN1, reason: "<u>why</u>", added_by: one, approved_by: two, valid_from: 2026-01-01, expires: 2027-12-31}
  - {key: TOKEN2, reason: why not, added_by: one, approved_by: two, expires: 2027-06-30}
"""


class Page(HTMLParser):
    """The tags of a page and its text."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.attributes: set[str] = set()
        self.texts: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.attributes |= {name for name, _ in attrs}

    def handle_data(self, data: str) -> None:
        self.texts.append(data)


def run(*words: object) -> tuple[int, str]:
    done = CliRunner().invoke(app, [str(word) for word in words])
    if done.exception is not None and not isinstance(done.exception, SystemExit):
        raise done.exception
    return done.exit_code, done.output


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "big.yaml").write_text(RULE)
    (tmp_path / "friends.yaml").write_text(FRIENDS)
    return tmp_path


def test_no_text_of_a_rule_file_becomes_html(folder: Path) -> None:
    page = Page()
    page.feed(run("docs", folder, "--format", "html")[1])
    assert page.tags == {
        "html", "meta", "title", "style", "body", "h1", "h2", "h3", "p", "ul", "li", "div", "table", "tr", "th", "td", "a",
    }  # fmt: skip
    assert page.attributes == {"lang", "charset", "name", "content", "http-equiv", "id", "class", "href"}
    assert f"big: {HOSTILE}" in page.texts
    assert HOSTILE in page.texts
    assert "fires <img src=x onerror=alert(1)>" in page.texts


def test_no_text_of_a_rule_file_becomes_markdown(folder: Path) -> None:
    lines = run("docs", folder)[1].splitlines()
    assert [line for line in lines if "<" in line.replace(r"\<", "")] == [
        '<a id="big"></a>',
        '<a id="list-friends"></a>',
    ]
    assert not [line for line in lines if "*" in line.replace(r"\*", "") or "](javascript" in line.replace(r"\]", "")]
    assert {line.replace(r"\|", "").count("|") for line in lines if HOSTILE[1:7] in line and line.startswith("|")} == {
        3,
        8,
    }


def test_the_manual_says_what_an_auditor_asks(folder: Path) -> None:
    text = run("docs", folder)[1]
    for part in (
        "condition coverage", "| Version | 3 |", "| Review | an entry of its lists expires on 2027-06-30 |",
        "| Currency | floor | less |\n| --- | --- | --- |\n| CNY | 100.50 CNY | 7.00 CNY |\n| JPY | 2,000 JPY | not decided |",
        "- It fires only when “merchant” is missing.", "- It fires only when it is not so that “purpose” is among",
        "Whoever stands on the list friends (2 entries) is held back", "They show 2 of 6 outcomes of its 3 comparisons.",
        r"- Line 10, column 7: 'amount \>= floor' is never false",
        r"| TOKEN1 | \<u\>why\</u\> | one | two | 2026-01-01 | 2027-12-31 |",
        "| TOKEN2 | why not | one | two | always | 2027-06-30 |",
    ):  # fmt: skip
        assert part.lower() in text.lower(), part


def test_every_shipped_rule_and_list_is_in_the_manual_which_is_the_same_each_time(tmp_path: Path) -> None:
    ruleset, _ = check_files(load_folder(SHIPPED))
    assert ruleset is not None
    code, said = run("docs", SHIPPED, "--output", tmp_path / "manual.html")
    assert (code, said) == (
        0,
        f"{tmp_path}/manual.html is written: {len(ruleset.rules)} rules, {len(ruleset.lists)} lists\n",
    )
    text = (tmp_path / "manual.html").read_text()
    page = Page()
    page.feed(text)
    for rule in ruleset.rules:
        assert f"{rule.id}: {rule.title}" in page.texts
        assert set(explain(rule)) <= set(page.texts)
        assert {test.name for test in rule.tests} <= set(page.texts)
    assert {f"List {name}" for name in ruleset.lists} <= set(page.texts)
    assert run("docs", SHIPPED, "--format", "html")[1] == text


def test_the_head_of_the_manual_counts_every_rule() -> None:
    ruleset, _ = check_files(load_folder(SHIPPED))
    assert ruleset is not None
    text = run("docs", SHIPPED)[1]
    head = re.search(r"(\d+) rules \((\d+) active, (\d+) off, (\d+) shadow, (\d+) signal\)", text)
    assert head is not None
    total, *parts = map(int, head.groups())
    assert total == len(ruleset.rules) == sum(parts)


@pytest.mark.parametrize("name", ["manual.pdf", "manual", "manual.docx"])
def test_a_manual_is_not_written_under_a_name_of_another_kind(folder: Path, name: str) -> None:
    with pytest.raises(UsageError, match=r"let the name end in \.md or \.html"):
        run("docs", folder, "--output", folder / name)
    assert not (folder / name).exists()


def test_a_set_whose_tests_fail_is_not_described(folder: Path) -> None:
    (folder / "big.yaml").write_text(RULE.replace("101 CNY", "100 CNY"))
    with pytest.raises(RuleError, match="expected an alert, got none"):
        run("docs", folder)


def test_a_place_that_cannot_be_written_is_said(folder: Path) -> None:
    with pytest.raises(UsageError, match=r"nowhere/manual\.md: cannot be written"):
        run("docs", folder, "--output", folder / "nowhere" / "manual.md")
