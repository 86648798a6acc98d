"""A measured value may be larger than any store or format holds; what is told of it fits all the same."""

from typing import Final

from streams.alerts.codec import encode_outcome
from streams.alerts.model import Alert
from streams.detection.check import check_files
from streams.detection.evaluation import VALUE_MAX
from streams.detection.program import compile_ruleset
from streams.legs import Leg, LegKind, Packed, SubjectKind
from streams.pipeline import PartitionState, step
from streams.pipeline.snapshot import SnapshotWriter
from tests.rig.samples import RULE_HEAD

RULE: Final = f"""{RULE_HEAD}let:
  spent: sum amount of debits over 1d
when: spent >= floor
params:
  floor: {{CNY: 5}}
say: "{{spent}}"
"""


def test_an_alert_on_more_than_64_bits_is_sent_and_its_subject_written() -> None:
    ruleset, report = check_files({"rule.yaml": RULE})
    assert ruleset is not None, report
    state = PartitionState()
    state.schedule.add(0, compile_ruleset(ruleset))
    writer = SnapshotWriter(state, [], 0)
    legs = [
        Leg(
            int(SubjectKind.ACCOUNT),
            "a",
            int(LegKind.DEBIT),
            at,
            0,
            "s",
            f"e{at}",
            at,
            payment=f"p{at}",
            amount=6 * 10**18,
            currency="CNY",
        )
        for at in range(3)
    ]
    out = step(state, Packed(1, "intake", legs, [], {}), {})
    (alert,) = (each for each in out.outcomes if isinstance(each, Alert))
    assert VALUE_MAX in {each.value for each in alert.values}
    assert encode_outcome(alert)
    cut = writer.cut(state.next_offset)
    assert cut.drain(10)
    assert cut.closed
