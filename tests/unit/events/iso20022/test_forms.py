"""Where a message stands and how it is written does not change what it says: envelopes, prefixes, encodings, versions, JSON."""

import json

import msgspec
import pytest

from streams.events.iso20022 import MESSAGES, Options
from streams.events.model import PaymentEvent
from tests.rig.iso20022 import NAMESPACE, read, refusals, report, transfer, transfers

GOOD = transfers(transfer(1) + transfer(2))
PLAIN = read(GOOD)
HEADER = f'<AppHdr xmlns="{NAMESPACE}head.001.001.02"><MsgDefIdr>pacs.002.001.03</MsgDefIdr></AppHdr>'
BARE = GOOD[GOOD.index("<FIToFI") : GOOD.index("</Document>")]


def prefixed(text: str) -> str:
    """Put a prefix on every element."""
    return text.replace("</", "<\0").replace("<", "<p:").replace("<p:\0", "</p:").replace("xmlns=", "xmlns:p=")


FORMS = {
    "declaration": f'<?xml version="1.0"?>\n{GOOD}',
    "prefix": prefixed(GOOD),
    "header beside": f"<Message>{HEADER}{GOOD}</Message>",
    "header around": f'<B xmlns="urn:b"><C>{HEADER}</C><D><E>{GOOD}</E></D></B>',
    "no document": f'<Message xmlns="urn:tch">{HEADER}<Body xmlns="{NAMESPACE}pacs.008.001.08">{BARE}</Body></Message>',
    "vendor's namespace": GOOD.replace(f"{NAMESPACE}pacs.008.001.08", "http://bank.example/pacs.008.001.08.ch.02.xsd"),
    "comments and instructions": GOOD.replace("<GrpHdr>", "<?render now?><!-- <MsgId>X</MsgId> --><GrpHdr>"),
    "white space": GOOD.replace("><", ">\n\t <").replace(">E-1<", ">\n E-1\t<"),
    "character data": GOOD.replace(">T-1<", "><![CDATA[T-1]]><"),
}


@pytest.mark.parametrize("content", FORMS.values(), ids=FORMS)
def test_a_form_changes_nothing(content: str) -> None:
    assert read(content) == PLAIN


CODINGS = ["utf-8", "utf-8-sig", "utf-16", "iso-8859-1", "iso-8859-15", "windows-1252", "gb18030"]


@pytest.mark.parametrize("coding", CODINGS)
def test_an_encoding_changes_nothing(coding: str) -> None:
    named = "utf-8" if coding == "utf-8-sig" else coding
    assert read(f'<?xml version="1.0" encoding="{named}"?>{GOOD}'.encode(coding)) == PLAIN


def test_letters_of_other_encodings_come_through() -> None:
    content = '<?xml version="1.0" encoding="{}"?>' + GOOD.replace("T-1", "T-账-1")
    (first, _) = read(content.format("gb18030").encode("gb18030"))
    assert isinstance(first.event, PaymentEvent)
    assert first.event.payment_id == "T-账-1"
    for coding in ("utf-16", "utf-16-le", "utf-16-be"):
        assert read(content.format("utf-16").encode(coding))[0].event == first.event


@pytest.mark.parametrize(
    ("declared", "coding"), [("klingon", "utf-8"), ("utf-7", "utf-7"), ("utf-16", "utf-8"), ("gb18030", "latin-1")]
)
def test_bytes_that_are_not_what_they_say_are_refused(declared: str, coding: str) -> None:
    raw = f'<?xml version="1.0" encoding="{declared}"?>{GOOD}'.encode(coding)
    assert refusals(raw) == ["unknown_encoding"]


def test_latin_bytes_in_a_utf8_file_are_refused() -> None:
    assert refusals(GOOD.encode("latin-1")) == ["not_xml"]


def test_several_messages_of_one_file_are_all_read_and_a_strange_one_is_refused() -> None:
    other = f'<Document xmlns="{NAMESPACE}camt.029.001.09"><RsltnOfInvstgtn><GrpHdr/></RsltnOfInvstgtn></Document>'
    status = report("<TxInfAndSts><OrgnlTxId>T-1</OrgnlTxId><TxSts>ACSC</TxSts></TxInfAndSts>")
    found = read(f"<Batch>{GOOD}{other}{status}</Batch>")
    assert [(each.version, each.number, each.event is not None) for each in found] == [
        ("pacs.008.001.08", 1, True),
        ("pacs.008.001.08", 2, True),
        ("camt.029.001.09", 0, False),
        ("pacs.002.001.10", 1, True),
    ]


@pytest.mark.parametrize("kind", MESSAGES)
def test_all_versions_are_read_up_to_the_highest_known(kind: str) -> None:
    root, top = MESSAGES[kind].roots[0], MESSAGES[kind].version_max
    for number in range(1, top + 1):
        for content in (
            f'<Document xmlns="{NAMESPACE}{kind}.001.{number:02}"><{root}/></Document>',
            f'<Document xmlns="{NAMESPACE}{kind}.001.{number:02}"><{kind}.001.{number:02}/></Document>',
        ):
            (found,) = read(content)
            assert found.version == f"{kind}.001.{number:02}"
            assert found.refused is not None
            assert found.refused.refusal == "no_transactions"
    assert refusals(f'<Document xmlns="{NAMESPACE}{kind}.001.{top + 1:02}"><{root}/></Document>') == ["unknown_version"]
    assert refusals(f'<Document xmlns="{NAMESPACE}{kind}.001.00"><{root}/></Document>') == ["unknown_version"]


def test_namespace_and_root_that_name_two_messages_are_refused() -> None:
    assert refusals(GOOD.replace("pacs.008.001.08", "pacs.002.001.10")) == ["unknown_message"]


def test_a_root_without_a_namespace_is_read_by_its_name() -> None:
    assert [(each.version, each.event is not None) for each in read(BARE)] == [("", True), ("", True)]


WRAPPED = {
    "TxTp": "pacs.008.001.08",
    "FIToFICstmrCdtTrf": {
        "CdtTrfTxInf": [
            {
                "PmtId": {"EndToEndId": f"E-{number}", "TxId": f"T-{number}"},
                "IntrBkSttlmAmt": {"Amt": {"Amt": 10.00, "Ccy": "EUR"}},
                "DbtrAcct": {"Id": {"IBAN": "DE89370400440532013000"}, "Ccy": "EUR"},
                "CdtrAcct": {"Id": {"IBAN": "FR7630006000011234567890189"}, "Ccy": ["EUR", "USD"]},
            }
            for number in (1, 2)
        ],
        "GrpHdr": {"MsgId": "M-1", "CreDtTm": "2026-03-02T08:00:00Z", "NbOfTxs": 2},
    },
}
JSON_FORMS = {
    "in one line": json.dumps(WRAPPED),
    "in many lines": json.dumps(WRAPPED, indent=2),
    "byte-order mark": "\ufeff" + json.dumps(WRAPPED),
    "in a list": json.dumps([WRAPPED], indent=1),
    "in an envelope": json.dumps({"transaction": {"body": WRAPPED}}),
    "amount as Mojaloop": json.dumps(WRAPPED).replace(
        '{"Amt": {"Amt": 10.0, "Ccy": "EUR"}}', '{"Ccy": "EUR", "ActiveCurrencyAndAmount": "10.00"}'
    ),
    "amount as converters": json.dumps(WRAPPED).replace(
        '{"Amt": {"Amt": 10.0, "Ccy": "EUR"}}', '{"@Ccy": "EUR", "#text": "10.00"}'
    ),
    "prefix": json.dumps(WRAPPED).replace('"PmtId"', '"ns2:PmtId"').replace('"FITo', '"ns2:FITo'),
}


@pytest.mark.parametrize("content", JSON_FORMS.values(), ids=JSON_FORMS)
def test_a_json_rendering_says_the_same_as_xml(content: str) -> None:
    assert read(content) == PLAIN


def test_one_message_a_line_is_read_line_by_line_and_a_broken_line_is_one_refusal() -> None:
    line = json.dumps(WRAPPED)
    assert refusals(f"{line}\n{{broken\n\n{line}\n") == ["", "", "not_json", "", ""]


def test_a_json_number_keeps_every_digit() -> None:
    assert refusals(json.dumps(WRAPPED).replace('"Amt": 10.0', '"Amt": 10.00000000000000001')) == 2 * [
        "amount_decimals"
    ]
    (first, _) = read(json.dumps(WRAPPED).replace('"Amt": 10.0', '"Amt": 9999999999999.99'))
    assert isinstance(first.event, PaymentEvent)
    assert first.event.amount_minor == 999_999_999_999_999


def test_a_body_without_its_name_is_read_only_where_no_other_message_has_such_a_body() -> None:
    bare = {
        "GrpHdr": {"MsgId": "S", "CreDtTm": "2026-03-02T08:00:00Z"},
        "TxInfAndSts": {"OrgnlTxId": "T-1", "TxSts": "COMM"},
    }
    (found,) = read(json.dumps(bare))
    assert found.kind == "pacs.002"
    assert found.event is not None


def test_a_transfer_without_its_name_is_read_when_told_and_a_quote_is_not() -> None:
    content = json.loads(json.dumps(WRAPPED["FIToFICstmrCdtTrf"]))
    content["CdtTrfTxInf"] = content["CdtTrfTxInf"][0]
    told = Options(bare_transfers=True)
    assert refusals(json.dumps(content)) == ["ambiguous_message"]
    assert read(json.dumps(content), options=told)[0].event == PLAIN[0].event
    content["CdtTrfTxInf"]["InstdAmt"] = {"Ccy": "EUR", "ActiveOrHistoricCurrencyAndAmount": "10"}
    assert read(json.dumps(content), options=told)[0].event is None
    assert refusals('{"GrpHdr": {}}') == ["unknown_message"]


def test_tokens_are_made_in_one_place() -> None:
    (found, _) = read(GOOD, options=Options(source="bank-a", tokenise=lambda identity: f"#{identity[:4]}"))
    assert isinstance(found.event, PaymentEvent)
    assert (found.event.debtor.account_token, found.event.creditor.account_token) == ("#DE89", "#FR76")
    assert "DE89370400440532013000" not in msgspec.json.encode(found.event).decode()
