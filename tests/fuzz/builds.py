"""Builds that are broken on purpose, each as a reader of rules may well be: the fuzzer has to find every one."""

from collections.abc import Callable
from typing import Final

from yaml.events import Event, SequenceStartEvent

from streams.detection import document
from streams.detection.document import DEPTH_MAX, Item
from streams.detection.fields import Fields
from streams.detection.findings import Finding, Spot

_UNHANDLED: Final = DEPTH_MAX - 6


def depth_unhandled() -> None:
    """A list in a list in a list in a rule's test ends in an exception of Python's own."""
    honest = document._Reading.item

    def item(self: document._Reading, event: Event, depth: int) -> Item:
        if depth <= _UNHANDLED and isinstance(event, SequenceStartEvent):
            raise KeyError(depth)
        return honest(self, event, depth)

    document._Reading.item = item  # type: ignore[method-assign]


def lines_squared() -> None:
    """Every line is compared with all before it, as one might to find keys that stand twice."""
    honest = document._unfit

    def unfit(start: Spot, text: str) -> Finding | None:
        lines = text.splitlines()
        for number, line in enumerate(lines):
            for other in lines[:number]:
                if line.split() == other.split() == ["id:", "id:"]:
                    return Finding(start, "a key stands twice")
        return honest(start, text)

    document._unfit = unfit


class _Anything(str):
    """A name that says of itself that it may be one."""

    __slots__ = ()

    def isidentifier(self) -> bool:
        return True

    def isascii(self) -> bool:
        return True


def names_unchecked() -> None:
    """Names under ``let`` and ``params`` enter the generated code as they are written."""
    honest = Fields.mapping

    def mapping(self: Fields, key: str) -> dict[str, tuple[Spot, Item]]:
        found = honest(self, key)
        return {_Anything(name): entry for name, entry in found.items()} if key in {"let", "params"} else found

    Fields.mapping = mapping  # type: ignore[method-assign]


BUILDS: Final[dict[str, Callable[[], None]]] = {
    each.__name__.replace("_", "-"): each for each in (depth_unhandled, lines_squared, names_unchecked)
}
"""Each changes the modules of this process for good."""
