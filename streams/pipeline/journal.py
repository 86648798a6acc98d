"""What changed in a partition's state since the last snapshot began; kept only where snapshots are written."""

from collections.abc import Callable
from dataclasses import dataclass, field

from streams.legs import Leg
from streams.state.subject import Saved, Subject


def _nothing(_subject: Subject) -> None:
    """No snapshot is being written: nothing to keep as it was."""


@dataclass(slots=True)
class Journal:
    """Subjects touched, subjects forgotten, events counted and payments that wait, since the last snapshot began.

    ``preserve`` is called with a subject of a snapshot in writing right before the subject changes.
    """

    changed: list[Subject] = field(default_factory=list)
    gone: dict[tuple[int, str], Saved] = field(default_factory=dict)
    """Subjects that are no more, and what the topic may still hold of them."""
    events: list[str] = field(default_factory=list)
    dormant: list[Leg] = field(default_factory=list)
    preserve: Callable[[Subject], None] = _nothing
    preserve_all: Callable[[], None] = lambda: None

    def note(self, subject: Subject) -> None:
        """Remember that a subject has changed."""
        if not subject.changed:
            subject.changed = True
            self.changed.append(subject)

    def forget(self, subject: Subject) -> None:
        """Remember that a subject is no more."""
        if subject.saved is not None:
            self.gone[subject.kind, subject.key] = subject.saved

    def close(self) -> None:
        """No snapshot is being written any more."""
        self.preserve, self.preserve_all = _nothing, lambda: None
