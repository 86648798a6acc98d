"""ISO 20022 files through the embedded run: in folders, compressed, from standard input; every transaction is accounted for."""

import gzip
import io
import json
import resource
import sys
from collections import Counter
from pathlib import Path

import pytest
from typer.testing import CliRunner

from streams.cli.run import app
from streams.replay.files import open_inputs, read_all
from tests.rig.iso20022 import transfer, transfers

EXAMPLES = Path(__file__).parents[3] / "schemas" / "iso20022" / "examples"
RULES = Path(__file__).parents[2] / "rules" / "small"


def told(*words: object) -> dict[str, object]:
    done = CliRunner().invoke(app, [*map(str, words), "--rules", str(RULES), "--json"])
    assert done.exit_code == 0, done.output
    found: dict[str, object] = json.loads(done.output)
    return found


@pytest.fixture
def store(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path}/alerts.db"


def test_a_folder_of_messages_is_counted_transaction_by_transaction(tmp_path: Path, store: str) -> None:
    folder = tmp_path / "in"
    folder.mkdir()
    expected: Counter[str] = Counter()
    for path in EXAMPLES.glob("*.xml"):
        (folder / path.name).write_bytes(path.read_bytes())
        for line in path.with_name(f"{path.name}.events.jsonl").read_text(encoding="utf-8").splitlines():
            expected[json.loads(line).get("refusal", "")] += 1
    (folder / "broken.xml").write_text("<Document>")
    (folder / "other.XML").write_text("<a/>")
    expected |= Counter({"not_xml": 1, "unknown_message": 1})
    said = told("--input", folder, "--store", store)
    assert said["found"] == expected.total()
    assert said["accepted"] == expected.pop("")
    assert said["refused"] == dict(expected)
    assert said["adds_up"] is True


def test_the_same_file_twice_counts_as_duplicates(tmp_path: Path, store: str) -> None:
    for name in ("a.xml", "b.xml"):
        (tmp_path / name).write_text(transfers(transfer(1) + transfer(2)))
    said = told("--input", tmp_path, "--store", store)
    assert (said["found"], said["accepted"], said["duplicate"], said["conflict"]) == (4, 2, 2, 0)


def test_a_compressed_message_and_one_from_standard_input_are_read_like_a_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    content = transfers(transfer(1) + transfer(2)).encode()
    (tmp_path / "a.xml").write_bytes(content)
    (tmp_path / "a.xml.gz").write_bytes(gzip.compress(content))
    plain = list(read_all(open_inputs([str(tmp_path / "a.xml")])))
    assert list(read_all(open_inputs([str(tmp_path / "a.xml.gz")]))) == plain
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(content)))
    assert list(read_all(open_inputs(["-"], "iso20022"))) == plain


def test_json_is_read_as_messages_when_told(store: str) -> None:
    said = told("--input", EXAMPLES / "pacs.008.001.10.json", "--format", "iso20022", "--store", store)
    assert (said["found"], said["accepted"]) == (1, 1)


def test_many_small_files_need_no_more_open_files_than_one(tmp_path: Path, store: str) -> None:
    for number in range(300):
        (tmp_path / f"{number}.xml").write_text(transfers(transfer(number)))
    bound = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (128, bound[1]))
    try:
        said = told("--input", tmp_path, "--store", store)
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, bound)
    assert (said["found"], said["accepted"], said["adds_up"]) == (300, 300, True)
