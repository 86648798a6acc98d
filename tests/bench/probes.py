"""Three payments that make one alert, known beforehand: two credits of an account and, within the day, the money out again."""

from typing import Final

from tests.rig.order_data import Payment

RULE: Final = "pass-through-account"
PAYMENTS: Final = 3


def probe(account: str, time: int) -> list[bytes]:
    """Give the records of a probe; the alert about the account is there when all were processed, in whatever order."""
    moves = (
        (f"{account}-payer-1", account, 15_000_00),
        (f"{account}-payer-2", account, 15_000_00),
        (account, f"{account}-next", 28_500_00),
    )
    return [
        Payment(f"{account}-{place}", time + place, 0, "bench", debtor, creditor, amount, "CNY").line()
        for place, (debtor, creditor, amount) in enumerate(moves)
    ]
