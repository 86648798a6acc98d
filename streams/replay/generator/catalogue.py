"""Every kind of instance that can be made, and the choice among them."""

from typing import Final

from streams.errors import UsageError
from streams.replay.generator.breaks import ORPHAN_SETTLEMENT, PAYOUT_MISMATCH
from streams.replay.generator.controls import CONTROL_NEAR_MISSES, CONTROLS
from streams.replay.generator.decoys import CURRENCY_NEAR_MISSES, DECOYS
from streams.replay.generator.exits import CURRENCY_MISMATCH, EXITS
from streams.replay.generator.fronts import FRONT_NEAR_MISSES, FRONTS
from streams.replay.generator.habits import HABITS
from streams.replay.generator.honest_shops import SHOP_NEAR_MISSES
from streams.replay.generator.hops import HOPS
from streams.replay.generator.mules import FAN_IN_NEW, PASS_THROUGH, SHARED_DEVICE
from streams.replay.generator.near_misses import NEAR_MISSES
from streams.replay.generator.ordinary import HABIT_NEAR_MISSES
from streams.replay.generator.rings import FRAUD_RING
from streams.replay.generator.shops import SHOPS
from streams.replay.generator.story import Typology

TYPOLOGIES: Final = (
    PASS_THROUGH, FAN_IN_NEW, SHARED_DEVICE, PAYOUT_MISMATCH, ORPHAN_SETTLEMENT, *NEAR_MISSES,
    *HOPS, *FRONTS, *EXITS, FRAUD_RING, *FRONT_NEAR_MISSES, *DECOYS,
    *HABITS, *CONTROLS, *SHOPS, *HABIT_NEAR_MISSES, *CONTROL_NEAR_MISSES, *SHOP_NEAR_MISSES,
    CURRENCY_MISMATCH, *CURRENCY_NEAR_MISSES,
)  # fmt: skip
"""In the order in which instances that begin at the same moment are made."""


def chosen(names: tuple[str, ...], days: int) -> tuple[Typology, ...]:
    """Give the typologies of these names, or all for which a stream of so many days is long enough.

    Raises ``UsageError`` for a name that is none, and for one that needs a longer stream.
    """
    known = {typology.name: typology for typology in TYPOLOGIES}
    for name in names:
        if name not in known:
            message = f"--typologies: there is no {name!r}; there are {', '.join(sorted(known))}"
            raise UsageError(message)
        if known[name].days > days:
            message = f"--typologies: {name!r} has a history of {known[name].days} days; give --days {known[name].days} or more"
            raise UsageError(message)
    return tuple(each for each in TYPOLOGIES if each.days <= days and (not names or each.name in names))
