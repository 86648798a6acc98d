"""The pages say what the reader does, the examples become what stands beside them, and real messages are read right."""

import json
from collections.abc import Iterator
from pathlib import Path
from xml.parsers import expat

import msgspec
import pytest
from rich.console import Console

from streams.events import Limits, Refused, decode_event
from streams.events.iso20022 import MESSAGES, Found, line_of, lines_of, read_messages
from streams.events.iso20022.fields import Message
from streams.events.iso20022.pages import pages, write
from streams.events.model import PaymentEvent
from tests.contract.iso20022 import RECEIVED_MS, compare, compare_forms, judge, show
from tests.contract.iso20022_forms import forms
from tests.rig.iso20022 import read
from tests.rig.settings import rig_settings

FOLDER = Path(__file__).parents[2] / "schemas" / "iso20022"
EXAMPLES = sorted(path for path in (FOLDER / "examples").iterdir() if path.suffix in {".xml", ".json"})
XML = [path for path in EXAMPLES if path.suffix == ".xml"]


def found_in(path: Path) -> list[Found]:
    with path.open("rb") as stream:
        return list(read_messages(stream))


def test_the_pages_are_made_from_the_tables(tmp_path: Path) -> None:
    write(tmp_path)
    made = {path.name: path.read_text(encoding="utf-8") for path in tmp_path.iterdir()}
    assert made == pages()
    assert made == {name: FOLDER.joinpath(name).read_text(encoding="utf-8") for name in made}


def test_the_manual_names_every_page() -> None:
    manual = (FOLDER / "README.md").read_text(encoding="utf-8")
    assert all(f"({name})" in manual for name in pages())


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.name)
def test_an_example_becomes_the_lines_beside_it(path: Path) -> None:
    with path.open("rb") as stream:
        made = list(lines_of(stream, path.name))
    assert made == path.with_name(f"{path.name}.events.jsonl").read_bytes().splitlines()


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.name)
def test_intake_takes_each_line_as_it_is_meant(path: Path) -> None:
    for found, line in zip(
        found_in(path), path.with_name(f"{path.name}.events.jsonl").read_bytes().splitlines(), strict=True
    ):
        if found.refused is None:
            event, _ = decode_event(line, RECEIVED_MS, Limits())
            assert event.event_id.startswith("iso-")
        else:
            with pytest.raises(Refused) as refused:
                decode_event(line, RECEIVED_MS, Limits())
            assert refused.value.refusal is found.refused.refusal


def test_every_kind_has_examples_of_several_versions() -> None:
    versions = {found.version for path in EXAMPLES for found in found_in(path) if found.event is not None}
    for kind in MESSAGES:
        assert len({version for version in versions if version.startswith(kind)}) >= 2, kind


def leaves(path: Path) -> Iterator[tuple[Message, str]]:
    """Give each element with text below a message's root, by path; found without our own reader."""
    stack: list[str] = []
    found: list[tuple[Message, str]] = []
    text: list[str] = []

    def start(name: str, _attributes: dict[str, str]) -> None:
        stack.append(name.rpartition(":")[2])
        text.clear()

    def end(_name: str) -> None:
        for place, name in enumerate(stack):
            for message in MESSAGES.values():
                root = name.removesuffix("V01") in message.roots or name.startswith(f"{message.kind}.")
                if root and "".join(text).strip():
                    found.append((message, "/".join(stack[place + 1 :])))
        stack.pop()
        text.clear()

    parser = expat.ParserCreate()
    parser.StartElementHandler, parser.EndElementHandler, parser.CharacterDataHandler = start, end, text.append
    parser.Parse(path.read_bytes(), True)  # noqa: FBT003  the parser's own signature
    yield from found


@pytest.mark.parametrize("path", XML, ids=lambda path: path.name)
def test_every_element_of_an_example_is_read_or_knowingly_left_aside(path: Path) -> None:
    for message, place in leaves(path):
        read = {each for wanted in message.fields.values() for each in wanted.paths}
        inside = any(place.startswith(f"{each}/") for each in (*message.ignored, *read))
        assert place in read or place in message.ignored or inside, f"{message.kind}: {place} is on neither list"


def test_no_element_is_both_read_and_left_aside() -> None:
    for message in MESSAGES.values():
        read = {each for wanted in message.fields.values() for each in wanted.paths}
        assert not read & set(message.ignored), message.kind


def record_of(event: dict[str, object]) -> dict[str, str]:
    """Say what an independent reader would of the first payment of an example."""
    debtor, creditor = json.loads(json.dumps([event["debtor"], event["creditor"]]))
    return {
        "file": "a", "kind": "pacs.008", "version": "pacs.008.001.01", "version_from": "namespace", "level": "transaction",
        "msg_id": "OLD-FI-1", "created": "2026-03-02T08:00:00Z", "amount": "10.00", "currency": "GBP", "tx_id": "T-9",
        "instr_id": "I-9", "end_to_end_id": "E-9", "settlement_date": "2026-03-02",
        "debtor_account": debtor["account_token"].partition("@")[0], "debtor_account_scheme": "OTHR",
        "debtor_agent": "NWBKGB2LXXX", "debtor_agent_scheme": "BIC",
        "creditor_account": creditor["account_token"], "creditor_account_scheme": "IBAN",
    }  # fmt: skip


def test_the_comparison_calls_a_right_reading_right_and_each_wrong_one_wrong() -> None:
    (found,) = found_in(FOLDER / "examples" / "pacs.008.001.01.xml")
    assert isinstance(found.event, PaymentEvent)
    expected = record_of(msgspec.to_builtins(found.event))
    assert judge(found, expected) == ("right", "")
    changes: dict[str, object] = {
        "amount_minor": 100, "currency": "EUR", "payment_id": "T-8", "end_to_end_id": "E-8", "status": "SETTLED",
        "debtor": msgspec.structs.replace(found.event.creditor, account_token="X"), "uetr": None, "instruction_id": None,
        "settlement_date": None, "initiated_at": found.event.initiated_at.replace(year=2025),
    }  # fmt: skip
    for name, value in changes.items():
        changed = {name: value, "uetr": "8a562c67-ca16-48ba-b074-65581be6f011"} if name == "uetr" else {name: value}
        if name == "status":
            changed["settled_at"] = found.event.event_time
        event = msgspec.structs.replace(found.event, **changed)
        broken = Found(found.kind, found.version, found.message_id, found.number, event=event)
        assert judge(broken, expected)[0] == "wrong", name


@pytest.mark.skipif(rig_settings().iso20022 is None, reason="PAYWEIR_TEST_ISO20022 names no folder of real messages")
def test_real_messages_are_read_right_or_refused_by_name() -> None:
    folder = rig_settings().iso20022
    assert folder is not None
    assert show(compare(folder), Console(width=150)) == 0


@pytest.mark.skipif(rig_settings().iso20022 is None, reason="PAYWEIR_TEST_ISO20022 names no folder of real messages")
def test_real_messages_say_the_same_in_every_form() -> None:
    folder = rig_settings().iso20022
    assert folder is not None
    found = compare_forms(folder)
    assert len(found) > 10
    assert show(found, Console(width=150)) == 0


@pytest.mark.parametrize("path", XML, ids=lambda path: path.name)
def test_an_example_says_the_same_in_every_form(path: Path) -> None:
    written = dict(forms(path.read_bytes()))
    assert len(written) >= 14
    told = [line_of(found, "a") for found in found_in(path)]
    for form, raw in written.items():
        assert [line_of(found, "a") for found in read(raw)] == told, form
