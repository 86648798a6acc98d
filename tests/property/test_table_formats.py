"""Whatever the bytes of a table: one outcome per row, a payment or a refusal with its line, and no other error than a clear one."""

import io
import tracemalloc
from collections.abc import Iterator
from decimal import Decimal

import msgspec
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from streams.errors import UsageError
from streams.events import Limits, Refused, decode_event
from streams.events.codec import RefusedRecord
from streams.events.refusals import AMOUNT_MINOR_MAX
from streams.money import EXPONENTS
from streams.replay.formats import FORMATS, Label, Told, payments
from streams.replay.formats.guess import propose
from streams.replay.formats.labelled import labelled
from streams.replay.formats.mapping import Layout, Mapping
from streams.replay.formats.values import minor_of
from tests.property import table_fuzz
from tests.unit.replay.formats.samples import SAMPLES

TABLES = {name: sample for name, sample in SAMPLES.items() if " " not in name}
RECEIVED_MS = 1_900_000_000_000
CELLS = st.one_of(
    st.text(max_size=20),
    st.sampled_from(
        [
            '"',
            "",
            "-1",
            "0",
            "1e99",
            "1e-99",
            "NaN",
            "inf",
            "9" * 400,
            "\x00",
            "2022/09/01 00:20",
            "1,5",
            "\r",
            "٣",
            "\N{FULLWIDTH DIGIT ONE}",
        ]
    ),
    st.decimals(allow_nan=True, allow_infinity=True).map(str),
    st.datetimes().map(str),
)


def mapping_of(name: str) -> Mapping:
    mapping = FORMATS[name].mapping
    assert mapping is not None
    return mapping


def outcomes(stream: io.BytesIO, name: str) -> Iterator[str]:
    """Give the fate of each row; anything but a payment or a refusal of a known place is an error of the reader."""
    labels: list[Label] = []
    for line in payments(stream, "rows.csv", mapping_of(name), Told(labels.append)):
        try:
            decode_event(line, RECEIVED_MS, Limits())
        except Refused as refused:
            if b'"refused"' in line:
                assert msgspec.json.decode(line, type=RefusedRecord).number > 1
            yield refused.refusal.value
        else:
            yield "payment"


@settings(max_examples=400, deadline=None)
@given(st.sampled_from(sorted(TABLES)), st.data())
def test_a_row_of_any_cells_has_one_outcome(name: str, data: st.DataObject) -> None:
    head, *rows = TABLES[name].text.splitlines()
    cells = rows[1].split(",")
    for at in data.draw(st.sets(st.integers(0, len(cells) - 1), max_size=4)):
        cells[at] = data.draw(CELLS).replace("\n", " ")
    text = "\n".join([head, ",".join(cells), rows[1]])
    found = list(outcomes(io.BytesIO(text.encode("utf-8", "surrogatepass")), name))
    assert len(found) == 2
    assert found[1] == "payment" or name == "saml-d"


@settings(max_examples=400, deadline=None)
@given(st.sampled_from(sorted(TABLES)), st.binary(max_size=400), st.integers(0, 2_000))
@example("paysim", b"PAR1", 0)
@example("paysim", b"\xff\xfe", 0)
@example("amlworld", b'"\n', 300)
def test_bytes_anywhere_in_a_file_crash_nothing(name: str, noise: bytes, at: int) -> None:
    raw = TABLES[name].text.encode()
    raw = raw[:at] + noise + raw[at:]
    found, told = [], ""
    try:
        found = list(outcomes(io.BytesIO(raw), name))
    except UsageError as error:
        told = str(error)
    if told:
        assert told.startswith("rows.csv:")
        return
    lines = [line for line in raw.split(b"\n") if line.rstrip(b"\r")]
    assert len(found) == len(lines) - 1


@settings(max_examples=400, deadline=None)
@given(st.binary(max_size=600))
def test_any_bytes_get_a_proposal_or_a_clear_error(raw: bytes) -> None:
    try:
        text = propose(io.BytesIO(raw), "rows.csv")
    except UsageError as error:
        text = str(error)
    assert text.startswith("rows.csv:") or "columns:" in text


@settings(max_examples=400, deadline=None)
@given(st.lists(st.one_of(st.binary(max_size=80), st.just(b'{"event_id":"e","ts":"x","amount":1e400}')), max_size=8))
def test_each_labelled_line_has_one_outcome(rows: list[bytes]) -> None:
    raw = b"\n".join(rows)
    wanted = [line for line in raw.split(b"\n") if line.rstrip(b"\r")]
    assert len(list(labelled(io.BytesIO(raw), "set"))) == len(wanted)


@settings(max_examples=400, deadline=None)
@given(
    st.integers(1, AMOUNT_MINOR_MAX),
    st.sampled_from(sorted(EXPONENTS)),
    st.sampled_from([(".", ""), (",", "."), (".", ",")]),
)
def test_an_amount_is_read_back_to_the_last_minor_unit(minor: int, currency: str, marks: tuple[str, str]) -> None:
    decimal, thousands = marks
    text = f"{Decimal(minor).scaleb(-EXPONENTS[currency]):,.{EXPONENTS[currency]}f}"
    text = text.replace(",", "T").replace(".", decimal).replace("T", thousands)
    assert minor_of(text, currency, Layout("utf-8", "", decimal, thousands)) == minor


def test_a_large_file_is_read_in_bounded_memory() -> None:
    head, row = SAMPLES["paysim"].text.splitlines()[:2]
    large = io.BytesIO((head + "\n" + (row + "\n") * 50_000 + "x" * 8_000_000).encode())
    tracemalloc.start()
    try:
        count = sum(1 for _ in payments(large, "rows.csv", mapping_of("paysim")))
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert count == 50_001
    assert peak < 2_000_000


@pytest.mark.parametrize("name", table_fuzz.readers())
def test_mutated_files_end_in_events_and_named_refusals(name: str) -> None:
    found = table_fuzz.fuzz(150, name)
    assert found.files == 150
    assert found.refused or name == "guess"
    assert found.peak < 4_000_000
