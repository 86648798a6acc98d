"""The ISO 20022 reader holds for every input: it ends, raises nothing, and accounts for each transaction it is given."""

import json
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.events.iso20022 import MESSAGES
from streams.events.iso20022.limits import MEBIBYTE
from streams.events.model import PaymentEvent
from tests.property.iso20022_fuzz import EXAMPLES, Figures, fuzz, many, take
from tests.rig.iso20022 import read, transfer, transfers

NAMES = ("Document", "FIToFICstmrCdtTrf", "FIToFIPmtStsRpt", "PmtRtr", "GrpHdr", "MsgId", "CreDtTm", "CdtTrfTxInf", "TxInfAndSts",
         "TxInf", "PmtId", "TxId", "Ntfctn", "Ntry", "NtryDtls", "TxDtls", "Undrlyg", "Amt", "IntrBkSttlmAmt")  # fmt: skip
texts = st.one_of(st.sampled_from(("1", "2026-03-02T08:00:00Z", "EUR", "ACSC", "")), st.text(max_size=8))
trees = st.recursive(
    texts,
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(st.sampled_from(NAMES), inner, max_size=5)),
    max_leaves=25,
)


@given(st.binary(max_size=400))
def test_any_bytes_end_in_a_named_refusal(raw: bytes) -> None:
    figures = Figures()
    take(raw, figures)
    assert figures.refused.total() >= 1


@given(st.dictionaries(st.sampled_from(NAMES), trees, min_size=1, max_size=4))
def test_any_json_ends_in_events_or_named_refusals(document: dict[str, object]) -> None:
    figures = Figures()
    take(json.dumps(document).encode(), figures)
    assert figures.events + figures.refused.total() >= 1


@given(st.lists(st.tuples(st.integers(1, 10**15), st.booleans()), min_size=1, max_size=30))
def test_every_transaction_of_a_message_is_found_with_its_amount(amounts: list[tuple[int, bool]]) -> None:
    written = [str(Decimal(minor).scaleb(-2)) if good else "1.001" for minor, good in amounts]
    found = read(transfers("".join(transfer(number, text) for number, text in enumerate(written))))
    assert [each.number for each in found] == list(range(1, len(amounts) + 1))
    taken = [each.event.amount_minor if isinstance(each.event, PaymentEvent) else None for each in found]
    assert taken == [minor if good else None for minor, good in amounts]


def test_mutated_messages_are_read_or_refused_by_name() -> None:
    figures = fuzz(600, [EXAMPLES])
    assert figures.files == 600
    assert figures.peak < 32 * MEBIBYTE


@pytest.mark.parametrize("kind", MESSAGES)
def test_memory_does_not_grow_with_the_number_of_transactions(kind: str) -> None:
    number = 10_000 if kind == "pacs.008" else 2_000
    (small, few), (large, lots) = many(100, kind), many(number, kind)
    assert lots.events == number
    assert len(large) > number // 200 * len(small)
    assert lots.peak < few.peak + 2 * MEBIBYTE + 200 * number
