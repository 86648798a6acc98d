"""Hypothesis chooses what happens next, and makes what fails small."""

from typing import Final

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule

from tests.simulation.campaign import quiet
from tests.simulation.faults import DRAWS, SLOTS, Fault
from tests.simulation.oracle import judge
from tests.simulation.schedule import Schedule

_FEW: Final = 6
seconds = st.sampled_from((0.05, 0.5, 2.5, 4.0))


class Cluster(RuleBasedStateMachine):
    """A cluster to which anything may happen at any time; in the end it comes to rest and the oracle is asked."""

    def __init__(self) -> None:
        super().__init__()
        self.schedule: Schedule | None = None
        self.fed = 0

    @initialize(seed=st.integers(0, 1_000))
    def start(self, seed: int) -> None:
        self.schedule = Schedule(seed)
        with quiet():
            self.schedule.begin()

    @property
    def running(self) -> Schedule:
        assert self.schedule is not None
        return self.schedule

    @precondition(lambda self: self.schedule is not None and self.fed < len(self.schedule.feed))
    @rule(count=st.integers(1, _FEW))
    def feed(self, count: int) -> None:
        """Some of what the world holds comes in."""
        for arrival in self.running.feed[self.fed : self.fed + count]:
            self.running.produce(arrival)
        self.fed += count

    @rule(kind=st.sampled_from(sorted(DRAWS)), slot=st.sampled_from(SLOTS), steps=st.integers(0, 200), for_=seconds)
    def fail(self, kind: str, slot: str, steps: int, for_: float) -> None:
        """Something goes wrong."""
        amount = steps / 400 if "lost" in kind or "late" in kind else steps
        with quiet():
            self.running.make(Fault(0.0, kind, slot, amount, for_))

    @rule(for_=seconds)
    def wait(self, for_: float) -> None:
        """Time passes."""
        with quiet():
            self.running.advance(for_)

    def teardown(self) -> None:
        """Come to rest, and ask."""
        if self.schedule is None:
            return
        with quiet():
            self.schedule.finish()
        assert judge(self.schedule) == []


TestCluster = Cluster.TestCase
TestCluster.settings = settings(
    max_examples=25, stateful_step_count=12, deadline=None, derandomize=True, print_blob=False,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
)  # fmt: skip
