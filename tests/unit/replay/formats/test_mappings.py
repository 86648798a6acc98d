"""A mapping of one's own: what it reads, what is wrong with it, and what is proposed for a file nobody has seen."""

from pathlib import Path

import msgspec
import pytest

from streams.errors import UsageError
from streams.events import Limits, decode_event
from streams.events.model import PaymentEvent
from streams.replay.files import open_inputs
from streams.replay.formats import read_mapping
from streams.replay.formats.guess import propose

BANK = """\
source: my-bank
layout: {encoding: iso-8859-1, separator: ";", decimal: ",", thousands: "."}
time_format: "%d.%m.%Y %H:%M"
zone: Europe/Berlin
currency_names: {Euro: EUR}
outside: [BAR, "X-*"]
columns:
  id: Nummer
  time: [Datum, Zeit]
  payer: [Blz, Konto]
  payee: Empfänger
  amount: Betrag
  currency: Währung
  kind: Art
  end_to_end_id: Referenz
kinds:
  Karte: {rail: CARD, meaning: purchase}
  Gebühr: {meaning: no-payment}
labels: {flag: Betrug, instance: Fall}
"""
ROWS = """\
Nummer;Datum;Zeit;Blz;Konto;Empfänger;Betrag;Währung;Art;Referenz;Betrug;Fall
1;01.07.2025;09:30;100;7;Müller;1.234,50;Euro;Ãœberweisung;R-1;nein;
2;01.12.2025;09:30;100;7;BAR;12,5;EUR;Karte;;ja;F1
3;01.12.2025;09:30;100;7;X-9;12;EUR;;;0;
4;01.12.2025;09:30;100;7;8;1,00;EUR;Gebühr;;0;
5;01.12.2025;09:30;100;7;8;12.34,00;EUR;;;0;
6;2025-12-01;09:30;100;7;8;1,00;EUR;;;0;
"""


@pytest.fixture
def bank(tmp_path: Path) -> Path:
    (tmp_path / "bank.yaml").write_text(BANK, encoding="utf-8")
    (tmp_path / "rows.csv").write_bytes(ROWS.replace("Ãœ", "Ü").encode("iso-8859-1"))
    return tmp_path


def read(folder: Path) -> list[dict[str, object]]:
    (opened,) = open_inputs([str(folder / "rows.csv")], str(folder / "bank.yaml"))
    return [msgspec.json.decode(line, type=dict[str, object]) for line in opened.lines()]


def test_a_mapping_reads_a_file_of_another_country(bank: Path) -> None:
    first, card, outside, fee, groups, form = read(bank)
    assert first["event_time"] == "2025-07-01T07:30:00.000Z"
    assert (first["amount_minor"], first["currency"], first["end_to_end_id"]) == (123450, "EUR", "R-1")
    assert (first["debtor"], first["creditor"]) == ({"account_token": "100:7"}, {"account_token": "Müller"})
    assert (card["event_time"], card["rail"], card["amount_minor"]) == ("2025-12-01T08:30:00.000Z", "CARD", 1250)
    assert card["creditor"] == outside["creditor"] == {"account_token": "EXTERNAL"}
    assert [(row["refusal"], row["field"]) for row in (fee, groups, form)] == [
        ("not_about_a_payment", "Art"),
        ("wrong_type", "Betrag"),
        ("wrong_type", "Datum"),
    ]


def test_every_fault_of_a_mapping_is_told_at_once_with_its_place(tmp_path: Path) -> None:
    path = tmp_path / "bad.yaml"
    path.write_text(
        'source: a\nlayout: {encoding: klingon, decimal: ";"}\nzone: Mars\ncolumns: {time: a, payee: c, amunt: d}\n'
        "kinds: {x: {rail: PIGEON}, y: z}\ntime_format: noon\nlabels: {typology: t}\ncurrency: EURO\n",
        encoding="utf-8",
    )
    with pytest.raises(UsageError) as error:
        read_mapping(path)
    faults = [line.removeprefix(str(path)).partition(" (")[0] for line in str(error.value).splitlines()[1:]]
    assert sorted(faults) == sorted(
        [
            ":8:11: error: 'EURO' is no ISO 4217 code",
            ":4:30: error: unknown key 'amunt'",
            ":4:10: error: the key 'payer' is missing",
            ":4:10: error: the key 'amount' is missing",
            ":5:19: error: 'rail' cannot be 'PIGEON'",
            ":5:28: error: 'y' must have keys of its own",
            ":7:9: error: the key 'flag' is missing",
            ":2:38: error: 'decimal' cannot be ';'",
            ":2:20: error: 'klingon' is no encoding that is read",
            ":3:7: error: 'Mars' is no time zone; write one like UTC or Europe/Stockholm",
            ":6:14: error: 'noon' is no form of time; write iso, epoch-s, epoch-ms, days:DATE, hours:DATE or like %d.%m.%Y",
        ]
    )


@pytest.mark.parametrize("encoding", ["utf-16", "utf-32", "cp500", "utf-7", "idna", "undefined", "rot13", "zip"])
def test_an_encoding_without_plain_line_ends_is_no_encoding_of_a_table(encoding: str, tmp_path: Path) -> None:
    path = tmp_path / "bank.yaml"
    path.write_text(BANK.replace("iso-8859-1", encoding), encoding="utf-8")
    with pytest.raises(UsageError, match="is no encoding that is read"):
        read_mapping(path)


TABLES = {
    "German, semicolons, Latin-1": (
        "iso-8859-1",
        """Buchungs-Nr;Datum;Uhrzeit;Auftraggeber Konto;Empfänger Konto;Betrag;Währung
B1;28.03.2025;10:01;DE1;DE2;1.000,50;EUR
B2;29.03.2025;10:02;DE2;DE3;12,00;EUR
""",
        (100050, "2025-03-28T10:01:00+00:00", "DE1", "DE2"),
    ),
    "Chinese, GB18030": (
        "gb18030",
        "交易流水号,交易时间,付款账号,收款账号,交易金额,币种\nT1,2025-03-28 10:01:00,6222,6223,1000.50,CNY\n",
        (100050, "2025-03-28T10:01:00+00:00", "6222", "6223"),
    ),
    "bank and account, each name twice": (
        "utf-8",
        "When at,From Bank,Account,To Bank,Account,Amount,Currency\n2025-03-28 10:01:00,01,A,02,A,1000.50,EUR\n",
        (100050, "2025-03-28T10:01:00+00:00", "01:A", "02:A"),
    ),
    "hour before day": (
        "utf-8",
        "Time,Date,Sender_account,Receiver_account,Amount,Currency\n10:01:00,2025-03-28,A,B,1000.50,EUR\n",
        (100050, "2025-03-28T10:01:00+00:00", "A", "B"),
    ),
    "English, tabs, grouped": (
        "utf-8",
        """transaction_id\tcreated_at\tsender_account\treceiver_account\tamount\tcurrency
a\t2025/03/28 10:01\tA\tB\t1,000.50\tUSD
b\t2025/03/28 10:02\tB\tC\t2,000,000.00\tUSD
""",
        (100050, "2025-03-28T10:01:00+00:00", "A", "B"),
    ),
}


@pytest.mark.parametrize("name", TABLES)
def test_the_proposed_mapping_reads_the_file_it_was_made_from(name: str, tmp_path: Path) -> None:
    encoding, text, (amount, time, payer, payee) = TABLES[name]
    path, mapping = tmp_path / "rows.csv", tmp_path / "guess.yaml"
    path.write_bytes(text.encode(encoding))
    (opened,) = open_inputs([str(path)])
    mapping.write_text(opened.look(propose), encoding="utf-8")
    (opened,) = open_inputs([str(path)], str(mapping))
    first, *_ = opened.lines()
    event, _ = decode_event(first, 1_900_000_000_000, Limits())
    assert isinstance(event, PaymentEvent)
    assert (event.amount_minor, event.event_time.isoformat()) == (amount, time)
    assert (event.debtor.account_token, event.creditor.account_token) == (payer, payee)


def test_what_is_not_found_stands_as_a_comment_and_the_mapping_is_not_accepted(tmp_path: Path) -> None:
    path, mapping = tmp_path / "rows.csv", tmp_path / "guess.yaml"
    path.write_text("when,who,how much\nnoon,a,5\n", encoding="utf-8")
    (opened,) = open_inputs([str(path)])
    mapping.write_text(text := opened.look(propose), encoding="utf-8")
    assert "# payer: not found" in text
    assert "# currency: EUR" in text
    with pytest.raises(UsageError, match="the key 'payer' is missing"):
        read_mapping(mapping)


def test_doubtful_amounts_and_dates_are_said_aloud(tmp_path: Path) -> None:
    path = tmp_path / "rows.csv"
    path.write_text("id;date;from;to;amount\n1;03/04/2025;a;b;1,234\n", encoding="utf-8")
    (opened,) = open_inputs([str(path)])
    text = opened.look(propose)
    assert "# amount: is 1,234 a thousand or one and a bit?" in text
    assert "# time_format: '%m/%d/%Y' fits these rows too" in text


def test_names_of_currencies_are_listed_for_a_person_to_fill_in(tmp_path: Path) -> None:
    path = tmp_path / "rows.csv"
    path.write_text("time,from,to,amount,currency\n2025-03-28 10:01:00,a,b,1,US Dollar\n", encoding="utf-8")
    (opened,) = open_inputs([str(path)])
    assert "# currency_names: {US Dollar: CODE}" in opened.look(propose)
