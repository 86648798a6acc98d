"""The comparisons a rule is made of, in its own words and at their places, and how they were seen to come out."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final, NamedTuple

from streams.detection.document import Text
from streams.detection.expression import Node
from streams.detection.findings import Spot

_KINDS: Final = frozenset({">=", "<=", ">", "<", "=", "!=", "in", "not in", "missing", "given", "new", "multiple"})
Key = tuple[str, str, int]
"""A comparison: id of its rule, name of the value in whose text it stands (empty for ``when``), place in that text."""


class Comparison(NamedTuple):
    """One comparison; ``let`` and ``column`` tell it from the others of its rule."""

    let: str
    column: int
    text: str
    spot: Spot


@dataclass(slots=True)
class Seen:
    """What comparisons were seen to be; handed to the compiler, which makes every comparison note itself here.

    Only those of one rule are noted at a time: another rule's tests say nothing about this one.
    """

    rule_id: str = ""
    outcomes: set[tuple[Key, bool]] = field(default_factory=set)

    def note(self, key: Key, truth: bool) -> bool:  # noqa: FBT001  called by generated code, on the way through
        """Note how a comparison came out, and hand it on."""
        if key[0] == self.rule_id:
            self.outcomes.add((key, truth))
        return truth

    def never(self, rule_id: str, comparison: Comparison) -> tuple[bool, ...]:
        """Give the outcomes that were not seen."""
        key = rule_id, comparison.let, comparison.column
        return tuple(truth for truth in (True, False) if (key, truth) not in self.outcomes)


def comparisons_of(node: Node, item: Text, let: str = "") -> Iterator[Comparison]:
    """Go through the comparisons of a condition, in the order of its text."""
    if node.kind in _KINDS:
        yield Comparison(let, node.column, words_of(node), item.at(start_of(node)))
        return
    for part in node.parts:
        yield from comparisons_of(part, item, let)


def start_of(node: Node) -> int:
    """Give the place of an expression's first word in its text."""
    return min([node.column, *(start_of(part) for part in node.parts)])


def words_of(node: Node) -> str:
    """Write an expression as a rule would."""
    if not node.parts:
        return node.value
    parts = [f"({words_of(part)})" if part.kind in {"+", "-"} else words_of(part) for part in node.parts]
    plain = {
        "percent": f"{node.value}% of {parts[0]}", "not": f"not {parts[0]}",
        "least": f"at least {node.value} of ({', '.join(parts)})",
        **dict.fromkeys(("missing", "given", "new"), f"{parts[0]} is {node.kind}"),
    }  # fmt: skip
    if node.kind in plain:
        return plain[node.kind]
    if node.kind in _KINDS:  # what is compared needs no parentheses
        parts = [words_of(part) for part in node.parts]
    if node.kind == "multiple":
        return f"{parts[0]} is a multiple of {parts[1]}"
    return f" {node.kind} ".join(parts)
