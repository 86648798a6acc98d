"""What a subject tells the other ends of its payments."""

from itertools import count

from streams.flow.marks import said
from streams.state.program import HitKey, Told
from streams.state.subject import Subject

TOLD = Told("e1", "payee", 7)
OTHER_TIME = Told("e1", "payee", 9)


def key(version: int) -> HitKey:
    return HitKey("step", version, "", 0, 0, "")


def spoken(subject: Subject, about: HitKey, *wanted: Told) -> list[tuple[int, bool]]:
    """Time and verdict of each mark."""
    numbers = count(1)
    marks = said(subject, about, wanted, lambda: (1, 1, next(numbers)))
    return [(mark.said.time, mark.said.stands) for mark in marks if mark.said is not None]


def test_what_is_wanted_is_said_once_and_taken_back() -> None:
    subject = Subject(1, "payer")
    assert spoken(subject, key(1), TOLD) == [(7, True)]
    assert not spoken(subject, key(1), TOLD)
    assert spoken(subject, key(1)) == [(7, False)]


def test_of_two_contents_under_one_id_each_is_spoken_of_by_itself() -> None:
    subject = Subject(1, "payer")
    spoken(subject, key(1), TOLD)
    assert spoken(subject, key(1), OTHER_TIME) == [(7, False), (9, True)]


def test_a_rule_that_goes_back_to_an_older_version_does_not_take_back_what_that_says() -> None:
    """Keys are told in order, so the older version speaks first, and the newest mark wins."""
    subject = Subject(1, "payer")
    spoken(subject, key(2), TOLD)
    assert spoken(subject, key(1), TOLD) == [(7, True)]
    assert not spoken(subject, key(2))
    assert spoken(subject, key(1)) == [(7, False)]
