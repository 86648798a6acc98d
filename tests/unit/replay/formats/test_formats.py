"""Every row of a file becomes the payment it tells of, or a refusal that names the row and the column."""

import gzip
import io
from pathlib import Path

import duckdb
import msgspec
import pytest

from streams.errors import UsageError
from streams.events import Limits, Refused, decode_event
from streams.events.codec import RefusedRecord
from streams.events.model import PaymentEvent
from streams.replay.convert import Targets, convert
from streams.replay.files import open_inputs
from streams.replay.formats import FORMATS
from tests.unit.replay.formats.samples import PAYSIM, SAMPLES, Sample

RECEIVED_MS = 1_900_000_000_000
ALL = pytest.mark.parametrize("name", SAMPLES)


def of(name: str) -> str:
    """Give the format of a sample: the first word of its name."""
    return name.partition(" ")[0]


def lines_of(file: Path, format_: str) -> list[bytes]:
    (opened,) = open_inputs([str(file)], format_)
    return list(opened.lines())


def written(folder: Path, text: str, name: str = "sample.csv") -> Path:
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path


def outcome(line: bytes, wanted: str | dict[str, object]) -> str | dict[str, object]:
    """Give what came of a row in the terms of what was wanted."""
    try:
        event, _ = decode_event(line, RECEIVED_MS, Limits())
    except Refused as refused:
        return f"{refused.refusal}:{refused.field}"
    assert isinstance(event, PaymentEvent)
    said = msgspec.to_builtins(event) | {
        "payer": event.debtor.account_token, "payee": event.creditor.account_token, "debtor_country": event.debtor.country,
        "creditor_country": event.creditor.country,
    }  # fmt: skip
    assert event.event_time == event.initiated_at == event.settled_at
    return said if isinstance(wanted, str) else _plain({key: said[key] for key in wanted}, event)


def _plain(said: dict[str, object], event: PaymentEvent) -> dict[str, object]:
    if "event_time" in said:
        said["event_time"] = event.event_time.isoformat(timespec="milliseconds").replace("+00:00", "Z")
    return said


def check(lines: list[bytes], sample: Sample) -> None:
    assert [outcome(line, wanted) for line, wanted in zip(lines, sample.rows, strict=True)] == list(sample.rows)


@ALL
def test_each_row_becomes_its_payment_or_its_refusal(name: str, tmp_path: Path) -> None:
    check(lines_of(written(tmp_path, SAMPLES[name].text), of(name)), SAMPLES[name])


@ALL
def test_a_refusal_names_file_line_and_column(name: str, tmp_path: Path) -> None:
    for number, line in enumerate(lines_of(written(tmp_path, SAMPLES[name].text), of(name)), 2):
        if b'"refused"' in line:
            refused = msgspec.json.decode(line, type=RefusedRecord)
            assert (refused.file, refused.number) == ("sample.csv", number)
            assert refused.detail.startswith(f"sample.csv:{number}: ")


@pytest.mark.parametrize(("mark", "end"), [("\ufeff", "\n"), ("", "\r\n"), ("\ufeff", "\r\n")])
@ALL
def test_byte_order_marks_and_line_ends_change_nothing(name: str, mark: str, end: str, tmp_path: Path) -> None:
    sample = SAMPLES[name]
    path = tmp_path / "sample.csv"
    path.write_bytes((mark + sample.text.replace("\n", end)).encode())
    check(lines_of(path, of(name)), sample)


@pytest.mark.parametrize("separator", [";", "\t", "|"])
def test_other_separators_are_found_in_the_header(separator: str, tmp_path: Path) -> None:
    check(lines_of(written(tmp_path, PAYSIM.text.replace(",", separator)), "paysim"), PAYSIM)


def test_a_column_without_a_name_is_no_field(tmp_path: Path) -> None:
    rows = PAYSIM.text.splitlines()
    text = "\n".join([f",{rows[0]}", *(f"{number},{row}" for number, row in enumerate(rows[1:]))])
    check(lines_of(written(tmp_path, text), "paysim"), PAYSIM)


def test_a_packed_file_is_read_like_a_plain_one(tmp_path: Path) -> None:
    path = tmp_path / "sample.csv.gz"
    path.write_bytes(gzip.compress(PAYSIM.text.encode()))
    check(lines_of(path, "paysim"), PAYSIM)


@ALL
def test_parquet_says_the_same_as_csv(name: str, tmp_path: Path) -> None:
    head, *rows = SAMPLES[name].text.splitlines()
    text = "\n".join([head, *(row for row in rows if row.count(",") == head.count(",") and '"' not in row)]) + "\n"
    source, path = written(tmp_path, text), tmp_path / "sample.parquet"
    with duckdb.connect() as base:
        base.execute(f"copy (from read_csv('{source}', all_varchar = true)) to '{path}' (format parquet)")
    plain = [_without_place(line) for line in lines_of(source, of(name))]
    assert [_without_place(line) for line in lines_of(path, of(name))] == plain


def _without_place(line: bytes) -> object:
    """Leave out what names the place: rows of Parquet count from 1, and a second column of one name has another name there."""
    data = msgspec.json.decode(line)
    assert isinstance(data, dict)
    return {
        key: value
        for key, value in data.items()
        if key not in {"event_id", "payment_id", "file", "number", "detail", "field"}
    }


def test_numbers_and_times_of_parquet_are_read_exactly(tmp_path: Path) -> None:
    path = tmp_path / "sample.parquet"
    with duckdb.connect() as base:
        base.execute(
            "copy (select 7 as step, 'TRANSFER' as type, 571.87::double as amount, 'C1' as nameOrig, 'C2' as nameDest, true as"
            " isFraud union all select 8, 'TRANSFER', 0.1::double + 0.2::double, 'C1', 'C2', false)"
            f" to '{path}' (format parquet)"
        )
    lines = lines_of(path, "paysim")
    assert outcome(lines[0], {"amount_minor": 0, "event_time": 0}) == {
        "amount_minor": 57187,
        "event_time": "2025-01-01T07:00:00.000Z",
    }
    assert outcome(lines[1], "") == "amount_decimals:amount"


def test_a_header_that_lacks_columns_is_one_error_that_names_them_all(tmp_path: Path) -> None:
    with pytest.raises(UsageError) as error:
        lines_of(written(tmp_path, "step,type,amounts,nameOrg\n"), "paysim")
    assert str(error.value) == (
        "sample.csv:1: the header lacks 'nameOrig' (did you mean 'nameOrg'?), 'nameDest', 'amount' (did you mean 'amounts'?); "
        "it has 'step', 'type', 'amounts', 'nameOrg'"
    )


@pytest.mark.parametrize(
    ("content", "fault"),
    [
        (b"", "sample.csv:1: no header"),
        (b"\n\n", "sample.csv:1: no header"),
        ("step".encode("utf-16"), "sample.csv:1: the file is UTF-16"),
        (b"st\xe9p,type\n", "sample.csv:1: the header is not utf-8"),
        (b"PAR1 and no more", "sample.csv: not a Parquet file that can be read"),
        (b"x" * 300_000, "sample.csv:1: no header"),
    ],
)
def test_a_file_that_is_no_table_is_one_clear_error(content: bytes, fault: str, tmp_path: Path) -> None:
    path = tmp_path / "sample.csv"
    path.write_bytes(content)
    with pytest.raises(UsageError) as error:
        lines_of(path, "paysim")
    assert str(error.value).startswith(fault)


def test_a_line_that_is_too_long_spoils_itself_only(tmp_path: Path) -> None:
    rows = PAYSIM.text.splitlines(keepends=True)
    rows.insert(2, "1,TRANSFER," + "9" * 600_000 + ",C1,0,0,C2,0,0,0,0\n")
    lines = lines_of(written(tmp_path, "".join(rows)), "paysim")
    assert outcome(lines[1], "") == "too_large:"
    assert len(lines) == len(PAYSIM.rows) + 1


def test_bytes_of_another_encoding_spoil_their_own_line_only(tmp_path: Path) -> None:
    path = tmp_path / "sample.csv"
    path.write_bytes(PAYSIM.text.encode().replace(b"C1305486145", b"C\xe9", 1))
    lines = lines_of(path, "paysim")
    assert outcome(lines[1], "") == "not_utf8:"
    assert len(lines) == len(PAYSIM.rows)


@ALL
def test_converting_accounts_for_every_row_and_writes_labels_and_reasons(name: str, tmp_path: Path) -> None:
    sample = SAMPLES[name]
    events, refused, labels = io.BytesIO(), io.BytesIO(), io.BytesIO()
    files = open_inputs([str(written(tmp_path, sample.text))], of(name))
    done = convert(files, Targets(events, refused, labels, RECEIVED_MS), lambda _read, _found: None)
    bad = sum(isinstance(row, str) for row in sample.rows)
    assert (done.found, done.written, done.refused.total()) == (len(sample.rows), len(sample.rows) - bad, bad)
    assert done.adds_up
    assert len(refused.getvalue().splitlines()) == bad
    assert len(events.getvalue().splitlines()) == len(sample.rows) - bad
    head, *told = labels.getvalue().decode().splitlines()
    kept = [row for row in sample.labels if row.split(",")[0].encode() in events.getvalue()]
    assert head == "event_id,scenario_id,typology,role"
    assert told == kept


def test_every_format_has_one_line_of_help() -> None:
    assert all(known.help and "\n" not in known.help for known in FORMATS.values())
