"""Whose currency is whose: the euro area of 2026, the dollar outside America, and countries nobody can say it of."""

import pytest

from streams.clock.zones import _AHEAD
from streams.money import EXPONENTS, TENDER, is_foreign

EURO_AREA = {
    "AT", "BE", "BG", "CY", "DE", "EE", "ES", "FI", "FR", "GR", "HR", "IE", "IT", "LT", "LU", "LV", "MT", "NL", "PT", "SI", "SK",
}  # fmt: skip
NO_COUNTRY = {"USN", "CHE", "CHW", "COU", "MXV", "UYI", "XSU", "XUA"}
"""Fund codes and units of account, should the table of currencies ever have them."""


def test_the_euro_area_is_that_of_2026() -> None:
    union = EURO_AREA | {"CZ", "DK", "HU", "PL", "RO", "SE"}
    assert {country for country in union if "EUR" in TENDER[country]} == EURO_AREA


def test_every_country_with_a_local_time_has_a_currency() -> None:
    assert set(_AHEAD) - set(TENDER) == {"EU"}  # stands for no country, but for the euro


def test_every_currency_is_at_home_somewhere_and_every_one_is_a_currency() -> None:
    at_home = {currency for currencies in TENDER.values() for currency in currencies}
    assert at_home - set(EXPONENTS) == set()
    assert set(EXPONENTS) - NO_COUNTRY - at_home == set()


@pytest.mark.parametrize(
    ("currency", "here", "there", "foreign"),
    [
        ("USD", "CN", "TH", True), ("USD", "CN", "CN", True), ("CNY", "TH", "VN", True),
        ("CNY", "CN", "TH", False), ("THB", "CN", "TH", False), ("THB", "TH", "CN", False),
        ("USD", "CN", "KH", False), ("KHR", "CN", "KH", False),  # both are paid in at Phnom Penh
        ("USD", "SV", "CN", False), ("PAB", "PA", "CN", False), ("USD", "PA", "CN", False),
        ("EUR", "BG", "CN", False), ("BGN", "BG", "CN", False), ("EUR", "CZ", "PL", True), ("GBP", "IM", "CN", False),
        ("USD", "CN", "", False), ("USD", "", "", False), ("USD", "ZZ", "CN", False), ("USD", "AQ", "CN", False),
    ],
)  # fmt: skip
def test_a_currency_is_foreign_where_both_countries_are_known_and_neither_has_it(
    currency: str, here: str, there: str, *, foreign: bool
) -> None:
    assert is_foreign(currency, here, there) is foreign
