"""Files made to harm: each is refused by its name, at once and without costing memory."""

import tracemalloc

import pytest

from streams.events.iso20022 import Limits
from streams.events.iso20022.limits import MEBIBYTE
from tests.rig.iso20022 import read, refusals, transfer, transfers

GOOD = transfers()
LAUGHS = "".join(f'<!ENTITY l{n} "{f"&l{n - 1};" * 10}">' for n in range(1, 10))
HOSTILE = {
    "billion laughs": (f'<!DOCTYPE a [<!ENTITY l0 "ha">{LAUGHS}]><a>&l9;</a>', "doctype"),
    "quadratic blow-up": (f'<!DOCTYPE a [<!ENTITY x "{"x" * 50_000}">]><a>{"&x;" * 50_000}</a>', "doctype"),
    "external entity": ('<!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/passwd">]><a>&x;</a>', "doctype"),
    "external document type": ('<!DOCTYPE a SYSTEM "http://localhost:1/a.dtd"><a/>', "doctype"),
    "parameter entity": ('<!DOCTYPE a [<!ENTITY % x SYSTEM "file:///etc/passwd"> %x;]><a/>', "doctype"),
    "document type in a good message": (f"<!DOCTYPE Document>{GOOD}", "doctype"),
    "entity nobody declared": (GOOD.replace("M-1", "&secret;"), "not_xml"),
    "deep nesting": ("<a>" * 100_000, "too_deep"),
    "deep nesting inside a message": (transfers("<x>" * 1_000 + "</x>" * 1_000), "too_deep"),
    "huge attribute": (f'<a b="{"x" * 5 * MEBIBYTE}"/>', "too_large"),
    "many attributes": ("<a " + " ".join(f"b{n}='1'" for n in range(200_000)) + "/>", "too_large"),
    "huge name": (f"<{'a' * 2 * MEBIBYTE}/>", "too_large"),
    "huge comment": (f"<!-- {'x' * 2 * MEBIBYTE} -->{GOOD}", "too_large"),
    "huge text": (GOOD.replace("M-1", "M" * 200_000), "too_large"),
    "huge character data": (GOOD.replace("M-1", f"<![CDATA[{'M' * 2 * MEBIBYTE}]]>"), "too_large"),
    "header without end": (GOOD.replace("</GrpHdr>", "<x>1</x>" * 600_000 + "</GrpHdr>"), "too_large"),
    "transaction without end": (transfers(transfer(extra="<x>1</x>" * 600_000)), "too_large"),
    "cut off": (GOOD[:-40], "not_xml"),
    "two roots": (GOOD + GOOD, "not_xml"),
    "prefix nobody declared": (GOOD.replace("<GrpHdr>", "<p:GrpHdr>"), "not_xml"),
    "deep JSON": ('{"a":' * 100_000, "too_deep"),
    "deep JSON list": ("[" * 100_000, "too_deep"),
    "deep JSON list in a message": ('{"FIToFICstmrCdtTrf": ' + "[" * 900 + "]" * 900 + "}", "too_deep"),
    "half a character in JSON": ('{"FIToFICstmrCdtTrf": {"GrpHdr": {"MsgId": "\\ud800"}}}', "not_json"),
    "control character in JSON": ('{"FIToFICstmrCdtTrf": {"GrpHdr": {"MsgId": "a\\u0000"}}}', "not_json"),
    "message without content in JSON": ('{"FIToFICstmrCdtTrf": []}', "no_transactions"),
    "JSON name twice": ('{"FIToFICstmrCdtTrf": {"a": 1, "a": 2}}', "not_json"),
    "JSON not a number": ('{"FIToFICstmrCdtTrf": {"a": NaN}}', "not_json"),
    "JSON cut off": ('{"FIToFICstmrCdtTrf": {"GrpHdr": ', "not_json"),
    "JSON too large": ('{"FIToFICstmrCdtTrf": "' + "x" * 17 * MEBIBYTE + '"}', "too_large"),
    "empty": ("", "empty"),
    "white space": (" \n\t", "empty"),
    "neither": ("MsgId;CreDtTm\n1;2\n", "unknown_message"),
}  # fmt: skip


@pytest.mark.parametrize(("content", "name"), HOSTILE.values(), ids=HOSTILE)
def test_a_hostile_file_is_one_named_refusal(content: str, name: str) -> None:
    assert refusals(content) == [name]


@pytest.mark.parametrize(
    "content", [HOSTILE[name][0] for name in ("billion laughs", "quadratic blow-up", "huge attribute")]
)
def test_a_bomb_costs_little_memory(content: str) -> None:
    raw = content.encode()
    tracemalloc.start()
    try:
        read(raw)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 8 * MEBIBYTE


def test_binary_rubbish_is_refused() -> None:
    assert refusals(bytes(range(256))) == ["unknown_message"]
    assert refusals(b"<\x00\x01\x02") == ["not_xml"]
    assert refusals(b'{"a": "\xff"}') == ["not_utf8"]


def test_a_file_over_the_limit_is_refused_whole() -> None:
    many = transfers("".join(map(transfer, range(200))))
    assert refusals(many, Limits(bytes_max=100)) == ["too_large"]


def test_transactions_over_the_limit_are_one_refusal_for_the_rest() -> None:
    many = transfers("".join(map(transfer, range(20))))
    assert refusals(many, Limits(transactions_max=5)) == [*5 * [""], "too_large"]


def test_a_file_broken_at_its_end_gives_nothing() -> None:
    many = transfers("".join(map(transfer, range(5_000)))).removesuffix("</Document>")
    assert refusals(many) == ["not_xml"]


def test_no_value_of_the_file_is_in_a_refusal() -> None:
    secret = "DE89370400440532013001"
    for content in (
        transfers(transfer(amount=secret)),
        transfers(transfer(currency=secret)),
        transfers(created=secret),
        transfers().replace("DE89370400440532013000", f"{secret} {secret} {secret}"),
        transfers()[:-20] + secret,
    ):
        (found,) = read(content)
        assert found.refused is not None
        assert secret not in str(found.refused)
