"""What a watchdog says of a worker of which nothing has moved."""

from collections.abc import Collection, Mapping
from types import SimpleNamespace
from typing import Final, cast

import pytest

from streams.agents.app import DeliveryApp
from streams.agents.batch import TP
from streams.agents.watchdog import Sighting, Watchdog
from streams.errors import BrokerUnreachable

PLACE: Final = TP("activity", 0)


def at_rest(done: int, *, live: bool = True) -> Sighting:
    return Sighting(7, 1, live, {PLACE: done}, {PLACE: done}, 0)


def ends(_: Collection[TP]) -> Mapping[TP, int]:
    return {PLACE: 5}


def away(*_: object) -> Mapping[TP, int]:
    raise BrokerUnreachable("nobody answers")


def watchdog(ask: object = ends, *services: object) -> Watchdog:
    app = cast("DeliveryApp", SimpleNamespace(from_start=[]))
    return Watchdog(app, 8, ask, services)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("seen", "silent", "said"),
    [
        (at_rest(3), True, "the event loop has had no turn"),
        (at_rest(3, live=False), True, "the event loop has had no turn"),
        (at_rest(5, live=False), False, "it is no member of its consumer group, or has not begun to read"),
        (at_rest(3), False, "records wait and no position moves: activity/0 at 3 of 5"),
        (at_rest(5), False, None),
    ],
)
def test_it_names_what_stands_still_and_lets_be_who_has_nothing_to_do(
    seen: Sighting, *, silent: bool, said: str | None
) -> None:
    assert watchdog().judge(seen, silent=silent) == said


def test_who_waits_for_a_service_is_let_be() -> None:
    assert watchdog(away).judge(at_rest(3), silent=True) is None
    assert watchdog(ends, away).judge(at_rest(3), silent=False) is None
