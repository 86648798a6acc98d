"""Between decimal text and minor units; exact, never through a float."""

from decimal import Context, Decimal
from typing import Final

from streams.money.currency import exponent

_EXACT: Final = Context(prec=1_000)
"""More digits than any amount has: the default of 28 would round a longer one."""


class TooManyDecimals(ValueError):
    """The amount has more decimals than its currency's minor unit."""


def parse_major(amount: Decimal | int, currency: str) -> int:
    """Turn major units (``Decimal("12.34")``, ``"CNY"``) into minor units (``1234``).

    Raises ``UnknownCurrency`` or ``TooManyDecimals``; an amount is never rounded.
    """
    scaled = Decimal(amount).scaleb(exponent(currency), _EXACT)
    minor = int(scaled)
    if minor != scaled:
        message = f"{amount} {currency} has more than {exponent(currency)} decimals"
        raise TooManyDecimals(message)
    return minor


def format_minor(amount_minor: int, currency: str) -> str:
    """Write minor units for people: ``1234567`` CNY as ``12,345.67 CNY``."""
    places = exponent(currency)
    return f"{Decimal(amount_minor).scaleb(-places):,.{places}f} {currency}"
