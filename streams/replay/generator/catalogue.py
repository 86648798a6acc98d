"""Every kind of instance that can be made, and the choice among them."""

from typing import Final

from streams.errors import UsageError
from streams.replay.generator.breaks import ORPHAN_SETTLEMENT, PAYOUT_MISMATCH
from streams.replay.generator.decoys import DECOYS
from streams.replay.generator.exits import EXITS
from streams.replay.generator.fronts import FRONT_NEAR_MISSES, FRONTS
from streams.replay.generator.hops import HOPS
from streams.replay.generator.mules import FAN_IN_NEW, PASS_THROUGH, SHARED_DEVICE
from streams.replay.generator.near_misses import NEAR_MISSES
from streams.replay.generator.rings import FRAUD_RING
from streams.replay.generator.story import Typology

TYPOLOGIES: Final = (
    PASS_THROUGH, FAN_IN_NEW, SHARED_DEVICE, PAYOUT_MISMATCH, ORPHAN_SETTLEMENT, *NEAR_MISSES,
    *HOPS, *FRONTS, *EXITS, FRAUD_RING, *FRONT_NEAR_MISSES, *DECOYS,
)  # fmt: skip
"""In the order in which instances that begin at the same moment are made."""


def chosen(names: tuple[str, ...]) -> tuple[Typology, ...]:
    """Give the typologies of these names, all when there are none; raises ``UsageError`` for a name that is none."""
    known = {typology.name: typology for typology in TYPOLOGIES}
    for name in names:
        if name not in known:
            message = f"--typologies: there is no {name!r}; there are {', '.join(sorted(known))}"
            raise UsageError(message)
    return tuple(typology for typology in TYPOLOGIES if not names or typology.name in names)
