"""Which legs a value means, as the source of a condition."""

from collections.abc import Iterator
from dataclasses import dataclass

from streams.detection.words import KNOWN_MS, PAIR_MS, Kinds


def new_source() -> str:
    """Give the source of the question whether nothing passed with the counterparty lately."""
    return f"x.previous <= x.time - {PAIR_MS}"


def first_source() -> str:
    """Give the source of the question whether the counterparty is not known."""
    return f"x.previous <= x.time - {KNOWN_MS}"


@dataclass(frozen=True, slots=True)
class Legs:
    """Which legs are meant; ``where`` is the source of a condition on a leg ``x``."""

    kinds: Kinds
    senders: tuple[str, ...] = ()
    new: bool = False
    where: str = ""
    one_off: bool = False
    marked: tuple[str, ...] = ()

    def conditions(self) -> Iterator[str]:
        """Give what a counted leg of the right kind must fulfil besides."""
        if self.senders:
            yield f"x.origin in {self.senders!r}"
        if self.new:
            yield new_source()
        if self.one_off:
            yield first_source()
        if self.marked:
            yield "x.marked and (" + " or ".join(f"{rule!r} in x.marked" for rule in self.marked) + ")"
        if self.where:
            yield self.where

    def source(self) -> str:
        """Give the source of a condition on any leg ``x``."""
        kinds = " or ".join(f"x.kind == {int(kind)}" for kind in self.kinds)
        return " and ".join(["x.counted", f"({kinds})", *self.conditions()])
