"""What an alert cites: the legs that took part in what the rule wants to be much or many, and no others.

A value that only must not be much (``repeated <= 1``) spares lawful payments; its legs are no evidence.
"""

from bisect import bisect_left, bisect_right
from collections import Counter
from collections.abc import Callable, Iterator
from typing import Final

from streams.detection.expression import Node
from streams.detection.rule import Rule
from streams.legs import Leg, LegKind
from streams.state.subject import Subject

_MOVES: Final = frozenset({int(LegKind.DEBIT), int(LegKind.CREDIT)})
_UP: Final = frozenset({">=", ">"})
_DOWN: Final = frozenset({"<=", "<"})


def wanted(rule: Rule) -> frozenset[str]:
    """Name the values of a rule whose legs its alerts cite; all of them when the rule wants none to be much."""
    lets = {let.name: let.value for let in rule.lets}
    found: set[str] = set()

    def walk(node: Node, sign: int) -> None:
        """``sign`` is 1 where more makes the rule fire, -1 where more keeps it silent, 0 where either may be."""
        if node.kind == "name" and node.value in lets:
            if sign >= 0:
                found.add(node.value)
            value = lets[node.value]
            if isinstance(value, Node):
                walk(value, sign)
            return
        signs = [sign] * len(node.parts)
        if node.kind in _UP:
            signs = [sign, -sign]
        elif node.kind in _DOWN:
            signs = [-sign, sign]
        elif node.kind == "-":
            signs = [sign, -sign]
        elif node.kind == "not":
            signs = [-sign]
        elif node.kind in {"=", "!="}:
            signs = [0, 0]
        for part, each in zip(node.parts, signs, strict=True):
            walk(part, each)

    walk(rule.when, 1)
    windows = {let.name for let in rule.lets if not isinstance(let.value, Node)}
    return frozenset(found if found & windows else lets)


def _window(subject: Subject, trigger: Leg, span_ms: int) -> Iterator[Leg]:
    """Go back over the counted legs of a window, from the trigger on."""
    log, at, start = subject.log, subject.index(trigger), trigger.time - span_ms
    while at >= 0 and log[at].time > start:
        if log[at].counted:
            yield log[at]
        at -= 1


def one_off_legs(subject: Subject, trigger: Leg, fits: Callable[[Leg], bool], span_ms: int, money: bool) -> list[Leg]:  # noqa: FBT001
    """Give the fitting legs of counterparties with no other payment in the window, the newest first."""
    legs = _payments(subject, trigger, span_ms, money)
    count = Counter(leg.other for leg in legs)
    return [leg for leg in legs if count[leg.other] == 1 and fits(leg)]


def fitting_legs(subject: Subject, trigger: Leg, fits: Callable[[Leg], bool], span_ms: int, money: bool) -> list[Leg]:  # noqa: FBT001
    """Give the fitting legs that have a counterparty, the newest first."""
    return [leg for leg in _payments(subject, trigger, span_ms, money) if fits(leg)]


def _payments(subject: Subject, trigger: Leg, span_ms: int, money: bool) -> list[Leg]:  # noqa: FBT001
    return [
        leg
        for leg in _window(subject, trigger, span_ms)
        if leg.other and leg.kind in _MOVES and not (money and leg.currency != trigger.currency)
    ]


def share_legs(
    subject: Subject, trigger: Leg, fits: Callable[[Leg], bool], span_ms: int, share: tuple[int, int, int, int]
) -> list[Leg]:
    """Give the fitting legs of which the trigger is the share asked for."""
    return [
        leg
        for leg in _window(subject, trigger, span_ms)
        if leg.currency == trigger.currency and fits(leg) and within_share([leg.amount], trigger.amount, *share)
    ]


def within_share(amounts: list[int], part: int, *share: int) -> int:
    """Count the amounts (in order of size) of which ``part`` is at least the first and at most the second fraction.

    ``share`` is numerator and denominator of the two, both above 0.
    """
    low, low_of, high, high_of = share
    least = -(-part * high_of // high)
    return bisect_right(amounts, part * low_of // low) - bisect_left(amounts, least)


__all__ = ["fitting_legs", "one_off_legs", "share_legs", "wanted", "within_share"]
