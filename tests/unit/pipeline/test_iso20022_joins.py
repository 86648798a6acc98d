"""A status or return finds its payment by any name the two messages share, and by no name that two payments have.

Messages go through reader and pipeline; rules that fire on every movement show what moved.
"""

import io
from itertools import permutations
from pathlib import Path

import pytest

from streams.alerts.model import Alert, AlertState, Outcome
from streams.detection.check import check_files
from streams.detection.program import compile_ruleset
from streams.events.iso20022 import lines_of
from streams.pipeline import RawRecord, SourceState
from streams.replay.embedded import Embedded
from tests.rig.iso20022 import NAMESPACE, report, transfers

RULE = """\
id: {name}
version: 1
title: Every movement
typology: mule
severity: low
owner: test
per: account
on: {leg}
let:
  moved: sum amount of {legs} over 24h
when: moved >= floor
params:
  floor: {{EUR: 0.01}}
say: "{{moved}}"
cool_down: 24h
tests:
  - {{name: a, events: [], expect: none}}
  - {{name: b, events: [], expect: none}}
"""
MOVES = {"debit": "debits", "credit": "credits", "refund_paid": "refunds_paid", "refund_received": "refunds_received"}
ORPHAN = Path(__file__).parents[2] / "rules" / "small" / "orphan.yaml"
PAYER, PAYEE = "DE89370400440532013000", "FR7630006000011234567890189"
OUT_AND_IN = {("credit", PAYEE, "10.00 EUR"), ("debit", PAYER, "10.00 EUR")}
ALL = {"TxId": "T-1", "UETR": "8a562c67-ca16-48ba-b074-65581be6f011", "InstrId": "I-1", "EndToEndId": "E-1"}


def payment(ids: dict[str, str], amount: str = "10.00") -> str:
    named = "".join(f"<{name}>{value}</{name}>" for name, value in ids.items())
    return (
        f'<CdtTrfTxInf><PmtId>{named}</PmtId><IntrBkSttlmAmt Ccy="EUR">{amount}</IntrBkSttlmAmt>'
        f"<DbtrAcct><Id><IBAN>{PAYER}</IBAN></Id></DbtrAcct><CdtrAcct><Id><IBAN>{PAYEE}</IBAN></Id></CdtrAcct></CdtTrfTxInf>"
    )


def settled(ids: dict[str, str], message: str = "", code: str = "ACSC") -> str:
    named = "".join(f"<Orgnl{name}>{value}</Orgnl{name}>" for name, value in ids.items())
    group = f"<OrgnlGrpInf><OrgnlMsgId>{message}</OrgnlMsgId></OrgnlGrpInf>" if message else ""
    return report(f"<TxInfAndSts>{group}{named}<TxSts>{code}</TxSts></TxInfAndSts>")


def returned(ids: dict[str, str], amount: str, chain: str = "") -> str:
    named = "".join(f"<Orgnl{name}>{value}</Orgnl{name}>" for name, value in ids.items())
    return (
        f'<Document xmlns="{NAMESPACE}pacs.004.001.09"><PmtRtr><GrpHdr><MsgId>R-1</MsgId><CreDtTm>2026-03-02T09:00:00Z</CreDtTm>'
        f'</GrpHdr><TxInf>{named}<RtrdIntrBkSttlmAmt Ccy="EUR">{amount}</RtrdIntrBkSttlmAmt>{chain}</TxInf></PmtRtr></Document>'
    )


def moved(*messages: str, partitions: int = 1) -> set[tuple[str, str, str]]:
    """Give each movement: kind, account, amount."""
    files = {name: RULE.format(name=name.replace("_", "-"), leg=name, legs=legs) for name, legs in MOVES.items()}
    ruleset, findings = check_files(files | {"orphan": ORPHAN.read_text(encoding="utf-8")})
    assert ruleset is not None, findings.errors
    final: dict[str, Alert] = {}

    def sink(outcomes: list[Outcome]) -> None:
        final.update({each.alert_id: each for each in outcomes if isinstance(each, Alert)})

    embedded = Embedded(compile_ruleset(ruleset), ("test/0",), sink, partitions)
    source, place = SourceState("test", 0), 0
    for message in messages:
        lines = list(lines_of(io.BytesIO(message.encode()), "test"))
        assert embedded.feed(source, [RawRecord(place + each, 1 << 50, line) for each, line in enumerate(lines)]) == []
        place += len(lines)
    embedded.end()
    return {
        (alert.rule_id.replace("-", "_"), alert.subject, alert.reason)
        for alert in final.values()
        if alert.state is AlertState.STANDING and alert.subject_kind == "account"
    }


QUOTED = [
    (ALL, {"TxId": "T-1"}, ""),
    (ALL, {"UETR": ALL["UETR"]}, ""),
    (ALL, {"UETR": ALL["UETR"].upper()}, ""),
    (ALL, {"InstrId": "I-1", "EndToEndId": "E-1"}, ""),
    (ALL, {"InstrId": "I-1"}, "M-1"),
    (ALL, {"EndToEndId": "E-1"}, "M-1"),
    (ALL, ALL, "M-1"),
    ({"EndToEndId": "E-1", "UETR": ALL["UETR"]}, {"EndToEndId": "E-1"}, "M-1"),
    ({"EndToEndId": "E-1"}, {"EndToEndId": "E-1"}, "M-1"),
    ({"InstrId": "I-1", "EndToEndId": "E-1"}, {"InstrId": "I-1", "EndToEndId": "E-1"}, ""),
    ({"InstrId": "I-1", "EndToEndId": "NOTPROVIDED"}, {"InstrId": "I-1"}, "M-1"),
]


@pytest.mark.parametrize("partitions", [1, 4])
@pytest.mark.parametrize(("ids", "quoted", "message"), QUOTED)
def test_a_status_settles_its_payment_once_whichever_ids_it_quotes_and_whichever_comes_first(
    ids: dict[str, str], quoted: dict[str, str], message: str, partitions: int
) -> None:
    both = transfers(payment(ids)), settled(quoted, message)
    for first, second in permutations(both):
        assert moved(first, second, partitions=partitions) == OUT_AND_IN


def test_without_a_status_no_money_has_moved() -> None:
    assert moved(transfers(payment(ALL))) == set()
    assert moved(transfers(payment(ALL)), settled(ALL, "M-1", "ACSP")) == set()
    assert moved(transfers(payment(ALL)), settled(ALL, "M-1", "RJCT")) == set()


@pytest.mark.parametrize(
    "quoted",
    [{"TxId": "T-2"}, {"UETR": "8a562c67-ca16-48ba-b074-65581be6f012"}, {"InstrId": "I-2", "EndToEndId": "E-1"}],
)
def test_a_status_of_another_payment_settles_nothing(quoted: dict[str, str]) -> None:
    assert moved(transfers(payment(ALL)), settled(quoted)) == set()


def test_a_name_that_two_payments_have_settles_neither() -> None:
    two = transfers(payment({"EndToEndId": "E-1"}) + payment({"EndToEndId": "E-1"}))
    assert moved(two, settled({"EndToEndId": "E-1"}, "M-1")) == set()


def test_a_name_that_comes_to_stand_for_two_payments_takes_nothing_back_that_a_better_name_settled() -> None:
    one, two = ({"TxId": f"T-{number}", "EndToEndId": "E-1"} for number in (1, 2))
    both = transfers(payment(one)), settled(one, "M-1"), transfers(payment(two, "5.00"))
    for messages in permutations(both):
        assert moved(*messages) == OUT_AND_IN


CHAIN = (
    f"<RtrChain><DbtrAcct><Id><IBAN>{PAYEE}</IBAN></Id></DbtrAcct>"
    f"<CdtrAcct><Id><IBAN>{PAYER}</IBAN></Id></CdtrAcct></RtrChain>"
)


@pytest.mark.parametrize("chain", ["", CHAIN], ids=["by id", "with its own sides"])
def test_a_return_takes_back_what_it_says_from_receiver_to_payer_and_the_payment_stands(chain: str) -> None:
    back = returned({"TxId": "T-1"}, "4.00", chain)
    for messages in permutations((transfers(payment(ALL)), settled({"TxId": "T-1"}), back)):
        assert moved(*messages) == OUT_AND_IN | {
            ("refund_paid", PAYEE, "4.00 EUR"),
            ("refund_received", PAYER, "4.00 EUR"),
        }
