"""A leg far out of order waits until its subject's own word to itself comes up in the log; then all that wait are taken at once."""

import pytest

from streams.clock import DAY_MS
from streams.errors import EngineError
from streams.legs import FORMAT_VERSION, Leg, Mark, Packed, SubjectKind, pack, unpack
from streams.pipeline import WHOLE, PartitionState, RawRecord, SourceState, step
from streams.pipeline.step import TAKE_WAITING
from streams.state.subject import DEEP, Subject
from tests.rig.activity import activity_log, fold
from tests.rig.worlds import programs
from tests.unit.pipeline.test_skips import payment

RULESETS = {programs().ruleset.digest: programs()}


def without_words(numbers: list[int]) -> list[bytes]:
    """Payments of one account, one a record; times follow the numbers, and nothing the subject says is in the log."""
    source = SourceState("world", 0)
    chunks = [
        (source, [RawRecord(n, 1 << 50, payment(number, "a", f"payee{number}"))]) for n, number in enumerate(numbers)
    ]
    return [record for record in activity_log(programs(), chunks) if not unpack(record).marks]


def moved(log: list[bytes], *skips: tuple[int, int, str]) -> tuple[PartitionState, list[Mark]]:
    state = PartitionState(lateness_ms=3 * DAY_MS, skips=frozenset(skips))
    told = fold(state, log, RULESETS, len(log))
    return state, [each for _, each in told if isinstance(each, Mark) and each.subject == "a"]


def seen(state: PartitionState) -> list[str]:
    return [leg.event_id for leg in state.subjects[SubjectKind.ACCOUNT, "a"].log]


LATE = [*range(2, DEEP + 4), 0, 1]
WORD = pack(Packed(FORMAT_VERSION, "detect/0", [], [Mark(1, "a", TAKE_WAITING, (1, 20, 1), None)], {}))


def test_a_leg_with_many_after_it_waits_and_its_subject_tells_itself_once() -> None:
    state, marks = moved(without_words(LATE))
    assert seen(state) == [f"e{number}" for number in range(2, DEEP + 4)]
    assert [(mark.key, mark.leg) for mark in marks] == [(TAKE_WAITING, None)]


def test_a_leg_with_few_after_it_is_taken_at_once() -> None:
    state, marks = moved(without_words([*range(2, DEEP + 2), 1]))
    assert seen(state)[0] == "e1"
    assert not marks


def test_the_word_takes_all_that_wait() -> None:
    log = without_words(LATE)
    state, _ = moved([*log, WORD])
    assert seen(state) == [f"e{number}" for number in range(DEEP + 4)]
    assert state.subjects[SubjectKind.ACCOUNT, "a"].waiting is None
    again = step(state, unpack(WORD), RULESETS)
    assert not again.marks
    assert not again.outcomes


def test_a_subject_with_legs_that_wait_forgets_nothing() -> None:
    # The watermark moves years on while two legs wait that may look at all the others.
    far = Packed(FORMAT_VERSION, "intake", [], [], {"world/0": 1 << 41})
    state, _ = moved([*without_words(LATE), pack(far)])
    assert {f"e{number}" for number in range(2, DEEP + 4)} <= set(seen(state))
    step(state, unpack(WORD), RULESETS)
    assert not {"e0", "e1", "e2"} & set(seen(state))


def test_a_skip_of_the_word_leaves_out_what_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    log, honest = [*without_words(LATE), WORD], Subject.enter

    def enter(subject: Subject) -> Leg:
        if subject.key == "a" and subject.log[subject.done].event_id == "e0":
            raise ZeroDivisionError("made by the test")
        return honest(subject)

    monkeypatch.setattr(Subject, "enter", enter)
    with pytest.raises(EngineError) as failed:
        moved(log)
    fault = failed.value
    state, _ = moved(log, (fault.offset, fault.subject_kind, fault.subject))
    assert seen(state) == [f"e{number}" for number in range(2, DEEP + 4)]
    assert state.subjects[SubjectKind.ACCOUNT, "a"].waiting is None


def test_after_a_skip_of_a_whole_record_every_subject_with_legs_that_wait_is_told_again() -> None:
    log = without_words(LATE)
    state, marks = moved([*log, WORD], (len(log), *WHOLE))
    assert len(marks) == 2
    assert len(state.subjects[SubjectKind.ACCOUNT, "a"].waiting or ()) == 2
