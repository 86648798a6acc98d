"""Converting from the command line: every record is accounted for, accounts become tokens, attempts become labels."""

import gzip
import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from streams.cli.convert import app
from streams.errors import UsageError
from streams.replay.formats.beside import read_labels, read_patterns
from tests.unit.replay.formats.samples import AMLWORLD, PAYSIM


def convert(*arguments: str) -> dict[str, object]:
    result = CliRunner().invoke(app, [*arguments, "--json"], catch_exceptions=False)
    assert result.exit_code == 0, result.output
    told = json.loads(result.output)
    assert isinstance(told, dict)
    return told


def test_three_files_account_for_every_record(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text(PAYSIM.text.replace("181.0,C13", "-181.0,C13"), encoding="utf-8")
    to, labels = tmp_path / "a.jsonl", tmp_path / "labels.csv"
    told = convert(str(tmp_path / "a.csv"), "--format", "paysim", "--to", str(to), "--labels", str(labels))
    assert told == {"found": 5, "written": 4, "refused": {"amount_not_positive": 1}, "labels": 1, "adds_up": True}
    (reason,) = (tmp_path / "a.refused.jsonl").read_text(encoding="utf-8").splitlines()
    assert json.loads(reason) == {
        "event_type": "refused", "refusal": "amount_not_positive", "field": "amount", "number": 3, "file": "a.csv",
        "detail": "a.csv:3: an amount is at least 1 minor unit",
    }  # fmt: skip
    assert labels.read_text(encoding="utf-8") == "event_id,scenario_id,typology,role\na.csv:4,a.csv:4,fraud,\n"


def test_what_was_converted_is_read_again_without_a_format(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text(PAYSIM.text, encoding="utf-8")
    convert(str(tmp_path / "a.csv"), "--format", "paysim", "--to", str(tmp_path / "a.jsonl"))
    again = convert(str(tmp_path / "a.jsonl"), "--to", str(tmp_path / "b.jsonl"))
    assert again["refused"] == {}
    assert (tmp_path / "a.jsonl").read_bytes() == (tmp_path / "b.jsonl").read_bytes()


def test_accounts_become_keyed_tokens(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text(PAYSIM.text, encoding="utf-8")
    (tmp_path / "key").write_text("a key of sixteen bytes and more\n", encoding="utf-8")
    to = tmp_path / "a.jsonl"
    convert(str(tmp_path / "a.csv"), "--format", "paysim", "--to", str(to), "--token-key", str(tmp_path / "key"))
    first = json.loads(to.read_text(encoding="utf-8").splitlines()[0])
    assert len(first["debtor"]["account_token"]) == 64
    assert first["merchant_id"] == first["creditor"]["account_token"] != first["debtor"]["account_token"]
    assert "C1231006815" not in to.read_text(encoding="utf-8")
    assert '"account_token":"CASH"' in to.read_text(encoding="utf-8")


def test_attempts_of_a_patterns_file_become_labels(tmp_path: Path) -> None:
    rows = AMLWORLD.text.splitlines()
    (tmp_path / "HI-Small_Trans.csv").write_text(AMLWORLD.text, encoding="utf-8")
    (tmp_path / "HI-Small_Patterns.txt").write_text(
        f"BEGIN LAUNDERING ATTEMPT - FAN-OUT:  Max 16-degree Fan-Out\n{rows[1]}\n"
        f"END LAUNDERING ATTEMPT - FAN-OUT\n\nBEGIN LAUNDERING ATTEMPT - CYCLE:  Max 2 hops\n{rows[3]}\n"
        "END LAUNDERING ATTEMPT - CYCLE\n",
        encoding="utf-8",
    )
    labels = tmp_path / "labels.csv"
    source = str(tmp_path / "HI-Small_Trans.csv")
    convert(source, "--format", "amlworld", "--to", str(tmp_path / "a.jsonl"), "--labels", str(labels))
    assert labels.read_text(encoding="utf-8").splitlines()[1:] == ["HI-Small_Trans.csv:4,attempt-2,cycle,"]


@pytest.mark.parametrize("end", ["", ".gz"])
def test_labels_of_a_labelled_set_are_found_beside_it(end: str, tmp_path: Path) -> None:
    row = '{"event_id":"e%d","ts":"2025-01-01T00:00:00Z","from_account":"A","to_account":"%s","amount":1,"currency":"EUR"}\n'
    (tmp_path / "x.events.jsonl").write_text(row % (1, "B") + row % (2, "A") + row % (3, "B"), encoding="utf-8")
    told = b"event_id,instance_id,typology\ne1,G1,fan_in\ne2,G1,fan_in\n"
    (tmp_path / f"x.labels.csv{end}").write_bytes(gzip.compress(told) if end else told)
    source, labels = str(tmp_path / "x.events.jsonl"), tmp_path / "out.csv"
    done = convert(source, "--format", "labelled", "--to", str(tmp_path / "a.jsonl"), "--labels", str(labels))
    assert (done["written"], done["refused"], done["labels"]) == (2, {"debtor_is_creditor": 1}, 1)
    assert labels.read_text(encoding="utf-8").splitlines()[1:] == ["e1,G1,fan_in,"]


@pytest.mark.parametrize("content", [b"a,b,c\n", b"event_id,instance_id,typology\ne1,G1\n", b"\xff\n"])
def test_a_labels_file_that_is_none_is_said_to_be_so(content: bytes, tmp_path: Path) -> None:
    (tmp_path / "x.labels.csv").write_bytes(content)
    with pytest.raises(UsageError, match=r"x\.labels\.csv:"):
        read_labels(tmp_path / "x.labels.csv")


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("a row\n", ":1: a row outside of any attempt"),
        ("BEGIN LAUNDERING ATTEMPT - FAN-IN\nrow\n", ":2: the last attempt does not end"),
        (
            "BEGIN LAUNDERING ATTEMPT - FAN-IN\nBEGIN LAUNDERING ATTEMPT - FAN-IN\n",
            ":2: an attempt begins before the last",
        ),
    ],
)
def test_a_patterns_file_that_is_none_is_said_to_be_so(text: str, fault: str, tmp_path: Path) -> None:
    (tmp_path / "p.txt").write_text(text, encoding="utf-8")
    with pytest.raises(UsageError, match=f"p.txt{fault}"):
        read_patterns(tmp_path / "p.txt")


@pytest.mark.parametrize(
    ("arguments", "fault"),
    [
        ((), "name the files to convert"),
        (("{a}",), "name the file to write with --to"),
        (("{a}", "--format", "abacus", "--to", "{to}"), "--format abacus: write one of payweir"),
        (("{a}", "--format", "no.yaml", "--to", "{to}"), "no.yaml: cannot be read"),
        (("{a}", "--format", "paysim", "--to", "{a}"), "this is one of the files to read"),
        (("{a}", "--format", "labelled", "--to", "{to}", "--labels", "{to}.csv"), "there are no labels in this format"),
        (("{a}", "--format", "paysim", "--to", "{to}", "--token-key", "{short}"), "a key has at least 16 bytes"),
        (("{a}", "--format", "paysim", "--to", "{a}/x.jsonl"), "cannot write"),
    ],
)
def test_a_wrong_call_says_what_to_do(arguments: tuple[str, ...], fault: str, tmp_path: Path) -> None:
    a, short = tmp_path / "a.csv", tmp_path / "short"
    a.write_text(PAYSIM.text, encoding="utf-8")
    short.write_text("secret", encoding="utf-8")
    given = [each.format(a=a, to=tmp_path / "to.jsonl", short=short) for each in arguments]
    with pytest.raises(UsageError, match=fault):
        CliRunner().invoke(app, given, catch_exceptions=False)
    assert a.read_text(encoding="utf-8") == PAYSIM.text
