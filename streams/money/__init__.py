"""Money as integers: ISO 4217 codes, minor units, whose currency is whose, and text for people."""

from streams.money.currency import EXPONENTS, UnknownCurrency, exponent
from streams.money.tender import TENDER, is_foreign
from streams.money.text import TooManyDecimals, format_minor, parse_major

__all__ = [
    "EXPONENTS",
    "TENDER",
    "TooManyDecimals",
    "UnknownCurrency",
    "exponent",
    "format_minor",
    "is_foreign",
    "parse_major",
]
