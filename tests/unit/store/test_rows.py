"""What an outcome becomes in SQL, before any database sees it."""

import pytest

from streams.alerts.model import Evidence, Measured
from streams.store import rows, schema
from streams.store.masking import STARS, mask_free_text, mask_text, mask_token
from streams.store.upsert import Upsert, _array
from tests.unit.store.samples import (
    MARCH,
    MULE,
    credit,
    dead_letter,
    debit,
    ingest_count,
    mule_alert,
    rule_count,
    ruleset,
    token,
    watermark,
)


def test_every_row_fills_exactly_the_columns_of_its_table() -> None:
    alert = mule_alert()
    texts = rows.texts_of(alert)
    made = {
        schema.alerts: rows.alert_row(alert, texts),
        schema.alert_evidence: rows.evidence_rows(alert)[0],
        schema.alert_amendments: rows.amendment_row(alert, texts),
        schema.dead_letters: rows.dead_letter_row(dead_letter()),
        schema.ingest_counters: rows.ingest_row(ingest_count()),
        schema.rule_counters: rows.rule_row(rule_count()),
        schema.watermarks: rows.watermark_row(watermark()),
        schema.rulesets: rows.ruleset_row(ruleset()),
        schema.ruleset_partitions: rows.ruleset_partition_row(ruleset()),
    }
    assert {table.name: len(row) for table, row in made.items()} == {
        table.name: len(Upsert(table).columns) for table in made
    }


def test_the_amount_of_an_alert_is_that_of_its_heaviest_kind_of_leg_not_the_sum_of_both_sides() -> None:
    assert rows.money_of(mule_alert()) == (2_000_000, "CNY")
    assert rows.money_of(mule_alert(evidence=(credit(1), debit(2)))) == (1_900_000, "CNY")


def test_an_alert_without_a_currency_has_an_amount_only_if_its_evidence_has_one_currency() -> None:
    euro = Evidence("event-9", "credit", MARCH, 500, "EUR", token("payer"))
    assert rows.money_of(mule_alert(currency="", evidence=(euro,))) == (500, "EUR")
    assert rows.money_of(mule_alert(currency="", evidence=(euro, credit(1)))) == (None, None)
    assert rows.money_of(mule_alert(currency="CNY", evidence=(euro,))) == (None, None)
    assert rows.money_of(mule_alert(evidence=())) == (None, None)


@pytest.mark.parametrize(
    ("given", "masked"),
    [
        (MULE, STARS + MULE[-4:]),
        ("acct-001", "****-001"),
        ("acct-01", STARS),
        ("x", STARS),
        ("CASH", "CASH"),
        ("EXTERNAL", "EXTERNAL"),
        ("", ""),
    ],
)
def test_a_token_shows_its_last_four_and_a_short_one_nothing(given: str, masked: str) -> None:
    assert mask_token(given) == masked


def test_a_token_in_a_text_is_masked_only_where_it_stands_as_a_word() -> None:
    assert mask_text("from 12 to 120, 12.", ["12"]) == "from **** to 120, ****."


def test_a_reason_that_names_no_account_is_not_stored_twice() -> None:
    assert rows.texts_of(mule_alert()).reason_masked is None
    assert rows.texts_of(mule_alert(reason=f"all to {token('collector')}")).reason_masked == (
        f"all to {mask_token(token('collector'))}"
    )


def test_an_account_that_was_measured_is_masked_in_the_reason_too() -> None:
    partner = token("partner")
    alert = mule_alert(reason=f"in common with {partner}", values=(Measured("partner", partner, partner, "account"),))
    assert rows.texts_of(alert).reason_masked == f"in common with {mask_token(partner)}"


def test_a_zero_character_anywhere_becomes_a_sign_that_shows_it() -> None:
    alert = mule_alert(reason="a\0b", evidence=(Evidence("e\0", "credit", MARCH, 1, "CNY", "x\0y"),))
    assert rows.readable(alert) == mule_alert(
        reason="a\u2400b", evidence=(Evidence("e\u2400", "credit", MARCH, 1, "CNY", "x\u2400y"),)
    )


def test_an_outcome_without_zero_characters_stays_the_same_object() -> None:
    alert = mule_alert(reason="a \\u000 b")
    assert rows.readable(alert) is alert


def test_text_for_an_array_survives_quotes_backslashes_commas_and_null() -> None:
    assert _array(['a"b', "c\\d", "e,f{}", "", "NULL"]) == '{"a\\"b","c\\\\d","e,f{}","","NULL"}'
    assert _array(["a", None]) == '{"a",NULL}'
    assert _array([1, -2]) == "{1,-2}"
    assert _array([None, 3]) == "{NULL,3}"
    assert _array([True, False]) == "{True,False}"


@pytest.mark.parametrize(
    ("given", "masked"),
    [
        ("victim called on 2026-03-01, sent 5000 to the shop", "victim called on 2026-03-01, sent 5000 to the shop"),
        ("to DE89 3704 0044 0532 0130 00 at once", "to ****0 00 at once"),
        ("card 6222-0212 3456 7890 stopped", "card ****7890 stopped"),
        ("see acct4711x99z", "see ****x99z"),
        ("Mr. Appleby-Thornton agrees", "Mr. Appleby-Thornton agrees"),
        (f"{MULE} is his", f"{STARS}{MULE[-4:]} is his"),
    ],
)
def test_what_a_person_writes_is_masked_where_it_looks_like_an_account(given: str, masked: str) -> None:
    assert mask_free_text(given, {MULE}) == masked
