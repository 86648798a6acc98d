"""What a subject has of a kind of thing it has nothing of: empty containers that all subjects share.

Of most subjects no rule ever says anything, and most have no reference data: a container of their own for each of these would be
more than half of what an empty subject weighs. Nothing can be written into these; who is about to puts one of its own in the place.
"""

from types import MappingProxyType
from typing import Any, Final, cast


class _NothingChanged(frozenset[Any]):
    """An empty set that may be emptied."""

    def clear(self) -> None:
        """Do nothing: it is empty."""


# Typed as what stands in their place as soon as there is something.
NO_LIST: Final = cast("list[Any]", ())
NO_DICT: Final = cast("dict[Any, Any]", MappingProxyType({}))
NO_SET: Final = cast("set[Any]", _NothingChanged())
