"""A running value over counterparties: those with exactly one payment in the window, and that the first between the two ever."""


class OneOffs:
    """How many counterparties have a fitting first payment in the window and no other payment, either way.

    A fitting leg is by its condition the first with its counterparty for longer than any window, so a counterparty has at most one
    there and it is the oldest; only while a subject is rewound there may be more. Who calls counts all payments by counterparty and
    says when there are two, or one again.
    """

    __slots__ = ("count", "first")

    def __init__(self) -> None:
        """Start empty."""
        self.count = 0
        self.first: dict[str, int] = {}
        """Counterparties with a fitting leg in the window, and how many."""

    def __bool__(self) -> bool:
        """Tell whether there is anything in the window."""
        return bool(self.first)

    def enter(self, other: str, alone: bool) -> None:  # noqa: FBT001  called by generated code
        """A fitting leg joins the window, at either end."""
        self.first[other] = self.first.get(other, 0) + 1
        self.count += alone

    def leave(self, other: str, alone: bool) -> None:  # noqa: FBT001  as above
        """A fitting leg leaves the window, at either end."""
        left = self.first.pop(other) - 1
        if left:
            self.first[other] = left
        self.count -= alone

    def met_again(self, other: str) -> None:
        """A second payment joins the window."""
        self.count -= other in self.first

    def alone_again(self, other: str) -> None:
        """One payment is left in the window."""
        self.count += other in self.first
