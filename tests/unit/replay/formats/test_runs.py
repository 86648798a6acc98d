"""``payweir run`` over files of other formats: found = accepted + duplicate + refused, from files, folders and standard input."""

import gzip
import json
from pathlib import Path

import duckdb
import pytest
from typer.testing import CliRunner

from streams.cli.run import app
from tests.unit.replay.formats.samples import AMLSIM, PAYSIM, SAMPLES, Sample

RULES = Path(__file__).parents[3] / "rules" / "small"


def told(folder: Path, *words: object) -> dict[str, object]:
    store = f"sqlite:///{folder}/alerts.db"
    done = CliRunner().invoke(app, [*map(str, words), "--rules", str(RULES), "--store", store, "--json"])
    assert done.exit_code == 0, done.output
    found: dict[str, object] = json.loads(done.output)
    return found


def counts(sample: Sample) -> dict[str, int]:
    """Give the refusals of a sample by name."""
    names = [row.partition(":")[0] for row in sample.rows if isinstance(row, str)]
    return {name: names.count(name) for name in names}


@pytest.mark.parametrize("name", SAMPLES)
def test_every_row_of_a_sample_is_accounted_for(name: str, tmp_path: Path) -> None:
    path = tmp_path / "sample.csv"
    path.write_text(SAMPLES[name].text, encoding="utf-8")
    said = told(tmp_path, "--input", path, "--format", name.partition(" ")[0])
    assert said["found"] == len(SAMPLES[name].rows)
    assert said["refused"] == counts(SAMPLES[name])
    assert said["adds_up"] is True


def test_a_folder_of_packed_and_plain_tables_is_read_and_nothing_else_in_it(tmp_path: Path) -> None:
    folder = tmp_path / "in"
    folder.mkdir()
    (folder / "a.csv").write_text(PAYSIM.text, encoding="utf-8")
    (folder / "b.csv.gz").write_bytes(gzip.compress(PAYSIM.text.encode()))
    (folder / "c.jsonl").write_text("{}\n", encoding="utf-8")
    said = told(tmp_path, "--input", folder, "--format", "paysim")
    assert (said["found"], said["accepted"], said["duplicate"]) == (10, 10, 0)


def test_a_repeated_id_is_a_duplicate_and_another_content_a_conflict(tmp_path: Path) -> None:
    head, first, *_ = AMLSIM.text.splitlines()
    path = tmp_path / "a.csv"
    path.write_text("\n".join([head, first, first, first.replace("150.5", "151")]), encoding="utf-8")
    said = told(tmp_path, "--input", path, "--format", "amlsim")
    assert (said["found"], said["accepted"], said["duplicate"], said["conflict"]) == (3, 1, 2, 1)


def test_parquet_is_read_from_standard_input(tmp_path: Path) -> None:
    path = tmp_path / "a.parquet"
    with duckdb.connect() as base:
        base.execute(
            "copy (select 1 as step, 'TRANSFER' as type, 5.25::decimal(9, 2) as amount, 'C1' as nameOrig, 'C2' as nameDest)"
            f" to '{path}' (format parquet)"
        )
    done = CliRunner().invoke(
        app,
        [
            "--input",
            "-",
            "--format",
            "paysim",
            "--rules",
            str(RULES),
            "--store",
            f"sqlite:///{tmp_path}/a.db",
            "--json",
        ],
        input=path.read_bytes(),
    )
    assert done.exit_code == 0, done.output
    assert json.loads(done.output)["accepted"] == 1
