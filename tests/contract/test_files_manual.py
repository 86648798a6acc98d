"""The manual of files says what the readers do: its example is run, and every column and key of it is named."""

import json
import re
from pathlib import Path

import pytest

from streams.replay.files import open_inputs
from streams.replay.formats import FORMATS
from streams.replay.formats.mapping import MORE, Mapping, Meaning

MANUAL = (Path(__file__).parents[2] / "schemas" / "files.md").read_text(encoding="utf-8")
TABLES = {name: known.mapping for name, known in FORMATS.items() if known.mapping is not None}
COLUMNS = re.search(r"^\| \| (`amlsim`.*) \|$", MANUAL, re.MULTILINE)


def block(language: str) -> str:
    found = re.search(rf"```{language}\n(.*?)```", MANUAL, re.DOTALL)
    assert found is not None
    return found[1]


def test_the_example_is_read_as_it_stands(tmp_path: Path) -> None:
    (tmp_path / "bank.yaml").write_text(block("yaml"), encoding="utf-8")
    (tmp_path / "bank.csv").write_bytes(block("csv").encode("iso-8859-1"))
    (opened,) = open_inputs([str(tmp_path / "bank.csv")], str(tmp_path / "bank.yaml"))
    paid, refused = map(json.loads, opened.lines())
    assert (paid["event_id"], paid["amount_minor"], paid["currency"]) == ("my-bank:4711", 123450, "EUR")
    assert paid["event_time"] == "2025-07-01T07:30:00.000Z"
    assert (refused["refusal"], refused["field"], refused["number"]) == ("debtor_is_creditor", "Empfänger", 3)


def columns_of(mapping: Mapping) -> set[str]:
    labels = mapping.labels
    named = {*mapping.time, *mapping.payer, *mapping.payee, mapping.amount, mapping.currency, mapping.id, mapping.kind}
    named |= set(mapping.more.values()) | ({labels.flag, labels.typology, labels.instance} if labels else set())
    return named - {"", "Account.1|Account_1"}


@pytest.mark.parametrize("name", TABLES)
def test_every_column_that_is_read_stands_in_the_table(name: str) -> None:
    assert COLUMNS is not None
    place = [head.strip(" `") for head in COLUMNS[1].split(" | ")].index(name) + 2
    rows = [re.split(r"(?<!\\)\|", line) for line in MANUAL[COLUMNS.start() :].split("\n\n")[0].splitlines()]
    said = set(re.findall(r"`([^`]+)`", " ".join(row[place] for row in rows).replace("\\|", "|")))
    assert columns_of(TABLES[name]) - said == set()


def test_every_format_field_and_meaning_is_named() -> None:
    sides = {field.replace("creditor.", "debtor.") for field in MORE}
    wanted = {*TABLES, "labelled", *Meaning, *sides, *Mapping.__struct_fields__}
    renamed = {"payer", "payee", "time", "amount", "id", "kind", "more", "currency_default"}
    assert {word for word in wanted - renamed if f"`{word}`" not in MANUAL and f"**{word}**" not in MANUAL} == set()
