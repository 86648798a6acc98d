"""What an editor says of a rule file is what the loader says: the JSON Schemas of rules and lists, held to ``check_files``."""

import json
from collections.abc import Callable
from datetime import date
from io import StringIO
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from ruamel.yaml import YAML
from typer.testing import CliRunner

from streams.cli.rules import app
from streams.detection import listcheck, rulecheck, testcheck
from streams.detection.check import check_files
from streams.detection.folder import load_folder
from streams.detection.ruleschema import export, text_of

FOLDER = Path(__file__).parents[2] / "rules"
SHIPPED = load_folder(FOLDER)
Tree = dict[str, Any]
LIST: Tree = {
    "id": "friends", "kind": "account", "owner": "compliance", "description": "who is left out",
    "entries": [
        {
            "key": "TOKEN", "reason": "why", "added_by": "one", "approved_by": "two", "valid_from": "2026-01-01",
            "expires": "2027-12-31",
        }
    ],
}  # fmt: skip
RULE: Tree = {
    "id": "big", "version": 1, "title": "A big payment", "description": "why", "false_positives": "rent", "typology": "mule",
    "severity": "high", "state": "shadow", "owner": "fraud-ops", "legal_basis": "Art. 18", "review_by": "2027-06-30",
    "per": "account", "on": "debit",
    "wait": "1h", "let": {"sent": "sum amount of debits over 24h"}, "when": "sent >= floor",
    "params": {"floor": {"CNY": 100, "USD": "20.50"}, "least": 3, "codes": ["SALA", 5411]}, "unless": ["friends"],
    "say": "paid {sent}", "cool_down": "none", "storm": "100 an hour",
    "tests": [
        {"name": "fires", "events": ["09:00 a pays b 100 CNY"], "expect": "alert", "subject": "a", "on_list": {"friends": ["c"]}},
        {"name": "silent", "events": "09:00 a pays b 9 CNY", "expect": "none"},
    ],
}  # fmt: skip
RULE_REQUIRED = ("id", "title", "typology", "severity", "owner", "per", "on", "when", "say")
LIST_REQUIRED = ("id", "kind", "owner")


def put(*path: object) -> Callable[[Tree], None]:
    """An edit: the last of ``path`` is put at the place the others name."""

    def edit(tree: Tree) -> None:
        way, (last, value) = path[:-2], path[-2:]
        inner: Any = tree
        for step in way:
            inner = inner[step]
        inner[last] = value

    return edit


WRONG_RULES: dict[str, Callable[[Tree], None]] = {
    "an unknown key": put("colour", "red"),
    "a severity that is none": put("severity", "hi"),
    "a state that is none": put("state", "on"),
    "an id in capitals": put("id", "Big"),
    "an id with an underscore": put("typology", "money_mule"),
    "version 0": put("version", 0),
    "an empty title": put("title", " "),
    "a title of 401 letters": put("title", "x" * 401),
    "a subject that is none": put("per", "person"),
    "a trigger of another subject": put("on", "sale"),
    "one wrong trigger of two": put("on", ["debit", "sale"]),
    "no trigger": put("on", []),
    "a wait without a unit": put("wait", "24"),
    "a value that is a list": put("let", "sent", ["a"]),
    "a value named like a field": put("let", "amount", "sent"),
    "a value with a dash in its name": put("let", "a-b", "sent"),
    "values as a text": put("let", "sent"),
    "a condition that is a map": put("when", {"a": "b"}),
    "a limit with a sign": put("params", "least", -3),
    "a limit of words": put("params", "least", "three"),
    "a limit with decimals": put("params", "least", 1.5),
    "no codes": put("params", "codes", []),
    "a currency that is none": put("params", "floor", "XXY", 3),
    "an amount below nothing": put("params", "floor", "CNY", -1),
    "an amount in words": put("params", "floor", "CNY", "many"),
    "a limit named like a field": put("params", "rail", 3),
    "unless as a map": put("unless", {"friends": "x"}),
    "a cool-down in words": put("cool_down", "a day"),
    "a storm without its hour": put("storm", 100),
    "a storm of none": put("storm", "0 an hour"),
    "a storm a day": put("storm", "100 a day"),
    "tests as a text": put("tests", "none"),
    "a test that is a text": put("tests", 0, "fires"),
    "a test with an unknown key": put("tests", 0, "expected", "alert"),
    "a test that expects what is none": put("tests", 0, "expect", "two"),
    "a test without a name": put("tests", 0, {"events": [], "expect": "none"}),
    "events that are maps": put("tests", 0, "events", [{"at": "09:00"}]),
    "a list of a test with reasons": put("tests", 0, "on_list", "friends", {"c": "why"}),
}
WRONG_LISTS: dict[str, Callable[[Tree], None]] = {
    "an unknown key": put("colour", "red"),
    "a kind that is none": put("kind", "person"),
    "entries as a map": put("entries", {"TOKEN": "why"}),
    "an entry that is a text": put("entries", 0, "TOKEN"),
    "an entry with an unknown key": put("entries", 0, "until", "2027-12-31"),
    "an entry without a reason": put("entries", 0, "reason", ""),
    "a day that is none": put("entries", 0, "expires", "next year"),
}
BEYOND_A_SCHEMA: dict[str, Callable[[Tree], None]] = {
    "an unknown name": put("when", "sent >= flor"),
    "an unknown list": put("unless", ["foes"]),
    "a window of a year": put("let", "sent", "sum amount of debits over 365d"),
    "a sentence with an unknown value": put("say", "{nothing}"),
}


def plain(tree: object) -> object:
    """YAML as an editor sees it: a date is a text."""
    if isinstance(tree, dict):
        return {key: plain(value) for key, value in tree.items()}
    if isinstance(tree, list):
        return [plain(value) for value in tree]
    return tree.isoformat() if isinstance(tree, date) else tree


def accepted_by_schema(tree: object) -> bool:
    schema = export()["list.schema.json" if isinstance(tree, dict) and "entries" in tree else "rule.schema.json"]
    return not list(jsonschema.Draft202012Validator(schema).iter_errors(tree))


def yaml_of(tree: object) -> str:
    out = StringIO()
    YAML(typ="safe", pure=True).dump(tree, out)
    return out.getvalue()


def accepted_by_loader(*trees: object) -> bool:
    ruleset, _ = check_files({f"{number}.yaml": yaml_of(tree) for number, tree in enumerate(trees)})
    return ruleset is not None


def copy(tree: Tree) -> Tree:
    copied: Tree = json.loads(json.dumps(tree))
    return copied


def test_the_files_are_the_export_and_the_command_writes_them(tmp_path: Path) -> None:
    for name, schema in export().items():
        jsonschema.Draft202012Validator.check_schema(schema)
        assert (FOLDER / name).read_text(encoding="utf-8") == text_of(schema), "payweir rules schema --write rules/"
    assert CliRunner().invoke(app, ["schema", "--write", str(tmp_path)]).exit_code == 0
    assert CliRunner().invoke(app, ["schema"]).output == (tmp_path / "rule.schema.json").read_text(encoding="utf-8")
    assert {path.name for path in tmp_path.iterdir()} == set(export())


@pytest.mark.parametrize("name", SHIPPED)
def test_a_shipped_file_is_right_for_the_schema(name: str) -> None:
    assert accepted_by_schema(plain(YAML(typ="safe").load(SHIPPED[name])))


def test_schema_and_loader_know_the_same_keys() -> None:
    rule, lists = export()["rule.schema.json"], export()["list.schema.json"]
    tests: Any = rule["properties"]
    entries: Any = lists["properties"]
    assert set(tests) == rulecheck.KEYS
    assert set(tests["tests"]["items"]["properties"]) == testcheck.TEST_KEYS
    assert set(entries) == listcheck._KEYS
    assert set(entries["entries"]["items"]["properties"]) == listcheck._ENTRY_KEYS
    assert set(RULE) == rulecheck.KEYS


def test_the_rule_with_every_key_is_right_for_both() -> None:
    assert accepted_by_schema(RULE)
    assert accepted_by_schema(LIST)
    assert accepted_by_loader(RULE, LIST)


@pytest.mark.parametrize("name", WRONG_RULES)
def test_a_rule_of_a_wrong_shape_is_wrong_for_both(name: str) -> None:
    tree = copy(RULE)
    WRONG_RULES[name](tree)
    assert not accepted_by_loader(tree, LIST)
    assert not accepted_by_schema(tree)


@pytest.mark.parametrize("name", WRONG_LISTS)
def test_a_list_of_a_wrong_shape_is_wrong_for_both(name: str) -> None:
    tree = copy(LIST)
    WRONG_LISTS[name](tree)
    assert not accepted_by_loader(RULE, tree)
    assert not accepted_by_schema(tree)


@pytest.mark.parametrize("key", [*RULE, *LIST])
def test_a_key_is_required_by_both_or_by_none(key: str) -> None:
    for tree, other, required in ((RULE, LIST, RULE_REQUIRED), (LIST, RULE, LIST_REQUIRED)):
        if key in tree and key not in {"entries", "let", "params"}:
            less = {name: value for name, value in tree.items() if name != key}
            assert accepted_by_schema(less) is (key not in required)
            assert accepted_by_loader(less, other) is (key not in required)


@pytest.mark.parametrize("name", BEYOND_A_SCHEMA)
def test_what_an_expression_means_only_the_loader_can_tell(name: str) -> None:
    tree = copy(RULE)
    BEYOND_A_SCHEMA[name](tree)
    assert accepted_by_schema(tree)
    assert not accepted_by_loader(tree, LIST)
