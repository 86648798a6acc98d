"""Money as integers: ISO 4217 codes, minor units, and text for people."""

from streams.money.currency import EXPONENTS, UnknownCurrency, exponent
from streams.money.text import TooManyDecimals, format_minor, parse_major

__all__ = ["EXPONENTS", "TooManyDecimals", "UnknownCurrency", "exponent", "format_minor", "parse_major"]
