"""The hour of an account's local time: of its country, else of the country of its currency."""

import pytest

from streams.clock import quarters_ahead


@pytest.mark.parametrize(
    ("country", "currency", "quarters"),
    [
        ("CN", "USD", 32), ("KH", "USD", 28), ("IN", "INR", 22), ("US", "CNY", -20),
        ("GB", "CNY", 0),  # nought is an answer, not the want of one
        ("", "EUR", 4), ("", "JPY", 36), ("", "XAF", 0), ("ZZ", "CNY", 32),
    ],
)  # fmt: skip
def test_local_time_is_that_of_the_country_or_else_of_the_currency(country: str, currency: str, quarters: int) -> None:
    assert quarters_ahead(country, currency) == quarters
