"""How many different payments there were, although several records tell of most of them."""

from array import array
from collections.abc import Iterator
from dataclasses import dataclass, field
from hashlib import blake2b
from typing import Final

_AT_ONCE: Final = 4_000_000
"""Records whose names are compared at a time: some hundred megabytes."""
_BYTES: Final = 8


@dataclass(slots=True)
class Tally:
    """Names noted by UTC day (counted from 1970-01-01), eight bytes for each time one is noted.

    Two of ten million names look alike once in some hundred thousand runs. Tallies of several processes add up.
    """

    days: dict[int, "array[int]"] = field(default_factory=dict)

    def note(self, day: int, source: str, name: str) -> None:
        """Note a name; names are those of their source."""
        noted = self.days.get(day)
        if noted is None:
            noted = self.days[day] = array("Q")
        hashed = blake2b(f"{source}|{name}".encode(errors="replace"), digest_size=_BYTES)
        noted.append(int.from_bytes(hashed.digest(), "big"))

    def add(self, other: "Tally") -> None:
        """Take in what another has noted."""
        for day, noted in other.days.items():
            self.days.setdefault(day, array("Q")).extend(noted)

    def distinct(self) -> int:
        """Count the different names."""
        parts = 1 + sum(map(len, self.days.values())) // _AT_ONCE
        return sum(len({each for each in self._all() if each % parts == part}) for part in range(parts))

    def _all(self) -> Iterator[int]:
        for noted in self.days.values():
            yield from noted
