"""What integrators read is what intake does: schemas, manual and examples against the model and the decoder."""

import json
import shutil
from pathlib import Path

import jsonschema
import msgspec
import pytest

from streams.clock import DAY_MS
from streams.events import Limits, Refused, decode_event
from streams.events.model import Event
from streams.events.schema import MEANINGS, PARTS, TYPES, export, fill_tables, tables, text_of, write
from streams.replay.generator import Generator, GeneratorSettings

FOLDER = Path(__file__).parents[2] / "schemas"
VALID = sorted((FOLDER / "examples" / "valid").glob("*.json"))
INVALID = sorted((FOLDER / "examples" / "invalid").glob("*.json"))
RECEIVED_MS = 1_740_960_000_000 + 7 * DAY_MS
BEYOND_A_SCHEMA = {"debtor_is_creditor", "far_future", "settled_without_time", "times_out_of_order", "unknown_currency"}
"""Refusals about the relation of fields, the clock or a table; the others a schema can say."""


def validator(event_type: str) -> jsonschema.Draft202012Validator:
    schema = export()[f"{event_type.replace('_', '-')}.schema.json"]
    jsonschema.Draft202012Validator.check_schema(schema)
    return jsonschema.Draft202012Validator(schema, format_checker=jsonschema.Draft202012Validator.FORMAT_CHECKER)


def test_the_files_are_the_export() -> None:
    assert {path.name: path.read_text(encoding="utf-8") for path in FOLDER.glob("*.schema.json")} == {
        name: text_of(schema) for name, schema in export().items()
    }


def test_writing_anew_changes_nothing(tmp_path: Path) -> None:
    for manual in FOLDER.glob("*.md"):
        shutil.copy(manual, tmp_path)
    write(tmp_path)
    assert {path.name: path.read_text(encoding="utf-8") for path in tmp_path.iterdir()} == {
        path.name: path.read_text(encoding="utf-8") for path in FOLDER.iterdir() if path.is_file()
    }


def test_the_manual_holds_every_table_as_the_model_says() -> None:
    manual = (FOLDER / "README.md").read_text(encoding="utf-8")
    assert fill_tables(manual) == manual
    for name, table in tables().items():
        assert f"### {name}\n" in manual
        assert table in manual


def test_every_field_has_one_meaning_and_every_meaning_a_field() -> None:
    kinds: list[type[msgspec.Struct]] = [*TYPES.values(), *PARTS]
    used = {field.name for kind in kinds for field in msgspec.structs.fields(kind)}
    assert used == set(MEANINGS)


def test_every_type_of_event_has_a_schema_and_two_examples() -> None:
    types = {part.__struct_config__.tag for part in Event.__args__}
    assert types == set(TYPES)
    told = [json.loads(path.read_bytes())["event_type"] for path in VALID]
    assert all(told.count(event_type) >= 2 for event_type in types)


@pytest.mark.parametrize("path", VALID, ids=lambda path: path.stem)
def test_a_valid_example_is_accepted_by_schema_and_intake(path: Path) -> None:
    raw = path.read_bytes()
    content = json.loads(raw)
    validator(content["event_type"]).validate(content)
    event, _ = decode_event(raw, RECEIVED_MS, Limits())
    assert set(content) <= {"event_type", *event.__struct_fields__}, "an example has no field that nobody reads"


@pytest.mark.parametrize("path", INVALID, ids=lambda path: path.stem)
def test_an_invalid_example_ends_in_the_refusal_it_is_named_after(path: Path) -> None:
    with pytest.raises(Refused) as refused:
        decode_event(path.read_bytes(), RECEIVED_MS, Limits())
    assert refused.value.refusal == path.stem


@pytest.mark.parametrize("path", INVALID, ids=lambda path: path.stem)
def test_a_schema_catches_what_a_schema_can_say(path: Path) -> None:
    if path.stem == "not_json":
        with pytest.raises(json.JSONDecodeError):
            json.loads(path.read_bytes())
        return
    assert validator("payment").is_valid(json.loads(path.read_bytes())) == (path.stem in BEYOND_A_SCHEMA)


def test_every_refusal_of_the_manual_has_its_example() -> None:
    manual = (FOLDER / "README.md").read_text(encoding="utf-8")
    table = manual.partition("| refusal |")[2].partition("## Fields")[0]
    assert {path.stem for path in INVALID} == {
        line.split("`")[1] for line in table.splitlines() if line.startswith("| `")
    }


def test_a_generated_stream_keeps_the_schemas() -> None:
    validators = {event_type: validator(event_type) for event_type in TYPES}
    generator = Generator(GeneratorSettings(seed=4, events=1_500), lambda _scenario, _labels: None)
    for arrival in generator.arrivals():
        content = json.loads(msgspec.json.encode(arrival.event))
        validators[content["event_type"]].validate(content)
