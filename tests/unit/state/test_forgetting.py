"""What a subject forgets of what other subjects told it."""

from streams.legs import Leg, LegKind, Mark, SubjectKind
from streams.state.forgetting import evict
from streams.state.subject import Subject

HOUR_MS = 3_600_000


def told(kind: LegKind, hour: int | None, key: str = "") -> Mark:
    """A mark about a leg of an hour, or one that is withdrawn."""
    key = key or f"{kind.name}-{hour}"
    leg = None if hour is None else Leg(SubjectKind.ACCOUNT, "a", int(kind), hour * HOUR_MS, 0, "~rule", key, 1)
    return Mark(int(SubjectKind.ACCOUNT), "a", key, (1, hour or 0, 0), leg)


def test_marks_are_forgotten_with_the_legs_they_brought_and_reports_stay() -> None:
    subject = Subject(int(SubjectKind.ACCOUNT), "a")
    for mark in (
        told(LegKind.REPORT, 1),
        *(told(LegKind.MARK, hour) for hour in (1, 2, 30)),
        told(LegKind.MARK, None, "gone"),
    ):
        subject.receive(mark)
    subject.done = len(subject.log)
    evict(subject, 24 * HOUR_MS, None)
    assert sorted(subject.marks_in or ()) == ["MARK-30", "REPORT-1", "gone"]
    evict(subject, 48 * HOUR_MS, None)
    assert sorted(subject.marks_in or ()) == ["REPORT-1"]


def test_what_was_only_told_of_leaves_nothing_behind() -> None:
    subject = Subject(int(SubjectKind.ACCOUNT), "a")
    for mark in (told(LegKind.MARK, 1), told(LegKind.MARK, None, "gone")):
        subject.receive(mark)
    subject.done = len(subject.log)
    evict(subject, 24 * HOUR_MS, None)
    assert not subject.log
    assert subject.marks_in is None
