"""A running value over counterparties: those with exactly one payment in the window, and that the first between the two ever."""


class OneOffs:
    """How many counterparties have a fitting first payment in the window and no other payment, either way.

    A fitting leg is by its condition the first with its counterparty for longer than any window, so a counterparty has at most one
    and it is the oldest. Per counterparty stands twice the number of its payments, plus one when the fitting leg is among them.
    """

    __slots__ = ("count", "known")

    def __init__(self) -> None:
        """Start empty."""
        self.count = 0
        self.known: dict[str, int] = {}

    def __bool__(self) -> bool:
        """Tell whether there is anything in the window."""
        return bool(self.known)

    def enter(self, other: str, fits: bool) -> None:  # noqa: FBT001  called by generated code, for every leg
        """A leg joins the window."""
        before = self.known.get(other, 0)
        now = self.known[other] = before + 2 + fits
        self.count += (now == _ALONE) - (before == _ALONE)

    def leave(self, other: str, fits: bool) -> None:  # noqa: FBT001  as above
        """A leg leaves the window, at either end."""
        before = self.known[other]
        now = before - 2 - fits
        if now:
            self.known[other] = now
        else:
            del self.known[other]
        self.count += (now == _ALONE) - (before == _ALONE)


_ALONE = 3
