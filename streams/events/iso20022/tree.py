"""The part of a message that is held at one time: its headers and the transaction being read."""

from collections.abc import Iterator
from dataclasses import dataclass, field

from streams.events.iso20022.limits import ELEMENT_COST


@dataclass(slots=True)
class Node:
    """One element: local name, own text, the currency attribute, and children in order."""

    name: str
    text: str = ""
    currency: str = ""
    children: list["Node"] = field(default_factory=list)
    size: int = ELEMENT_COST
    """What this element and those below cost of what may be held."""

    def find(self, path: tuple[str, ...]) -> Iterator["Node"]:
        """Give all nodes at a path of names below this one, in document order."""
        if not path:
            yield self
            return
        for child in self.children:
            if child.name == path[0]:
                yield from child.find(path[1:])

    def below(self, *path: str) -> str:
        """Give the first text at a path below this node, without white space around it; empty when there is none."""
        return next((each.text.strip() for each in self.find(path)), "")
