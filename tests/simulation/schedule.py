"""One schedule: a world, two workers of every role, faults, and then calm. Everything in it follows from its seed."""

import os
import sys
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from hashlib import blake2b
from random import Random
from typing import Final
from unittest.mock import patch

from aiokafka.errors import KafkaError

import streams.agents.detect as detect_module
import streams.agents.positions as positions_module
import streams.agents.wall as wall_module
from streams.agents.batch import TP
from streams.agents.detect import DetectWorker
from streams.agents.intake import IntakeWorker
from streams.agents.record import RecordWorker
from streams.agents.roles import TOPICS_OF, Plan
from streams.alerts.model import SourceFound
from streams.detection.program import Programs
from streams.errors import EngineError, ZombieError
from streams.legs import FORMAT_VERSION, Control, Packed, pack
from streams.pipeline import WHOLE, Intake, Outputs, PartitionState, step
from streams.pipeline.snapshot import fingerprint
from streams.settings.topics import (
    ACCOUNTS,
    ACTIVITY,
    ALERTS,
    DEAD_LETTERS,
    FRAUD_REPORTS,
    PAYMENTS,
    SETTLEMENTS,
    SNAPSHOTS,
    SOURCES,
    WATERMARKED,
)
from streams.telemetry.metrics import Metrics
from tests.rig.worlds import START_MS, programs
from tests.simulation.broker import Broker, Group
from tests.simulation.faults import FAULTS_SECONDS, SLOTS, Fault, MadeToFail, engine_faults, faults
from tests.simulation.loop import Process, SimLoop, leave, process
from tests.simulation.network import Network, Weather
from tests.simulation.sink import Service, Sink
from tests.simulation.worker import SimApp
from tests.simulation.world import NOW_MS, PAYMENT_PARTITIONS, Arrival, arrivals

PARTITIONS: Final = 2
SESSION_SECONDS: Final = 1.2
STEPS_MAX: Final = 100_000
LOOK_SECONDS: Final = 0.3
SWEEP_SECONDS: Final = 0.3
WIDTHS: Final = {
    PAYMENTS: PAYMENT_PARTITIONS, SETTLEMENTS: 1, FRAUD_REPORTS: 1, ACCOUNTS: 1, ACTIVITY: PARTITIONS, ALERTS: PARTITIONS,
    SNAPSHOTS: PARTITIONS, DEAD_LETTERS: 1,
}  # fmt: skip
_METRICS: Final = Metrics()


@dataclass(slots=True)
class Seen:
    """A state that a worker held between two records, everything before it acknowledged."""

    partition: int
    offset: int
    fingerprint: str
    whose: str


@dataclass(slots=True)
class Running:
    """One worker."""

    process: Process
    app: SimApp
    role: IntakeWorker | DetectWorker | RecordWorker


@dataclass(frozen=True, slots=True)
class Tempo:
    """How the workers of a schedule are set."""

    records_max: int
    snapshot_seconds: float
    history: bool
    work_seconds: float

    @classmethod
    def draw(cls, dice: Random) -> "Tempo":
        """Draw from what makes a difference."""
        return cls(
            dice.choice((1, 3, 50)), dice.choice((0.2, 1.0, 5.0)), dice.random() < 0.7, dice.choice((-1.0, 10.0))
        )


class Schedule:
    """A schedule; to be run once, then asked what came of it."""

    def __init__(self, seed: int) -> None:
        """Everything is drawn; who wants another plan, feed or tempo changes it before it begins."""
        self.seed = seed
        self.dice = dice = Random(seed)
        self.loop = SimLoop(dice)
        self.broker = Broker(WIDTHS, lambda: NOW_MS + int(self.loop.time() * 1000))
        self.network = Network(self.loop, self.broker)
        self.sink = Sink()
        self.store = Service(self.sink.write, dice)
        self.tempo = Tempo.draw(dice)
        self.feed = list(arrivals(dice))
        self.plan = faults(dice) + engine_faults(Random(f"engine {seed}"))
        """The engine's failures have dice of their own: schedules that were known before there were any are the same still."""
        self.workers: dict[str, Running] = {}
        self.exits: Counter[str] = Counter()
        self.bugs: list[str] = []
        self.seen: list[Seen] = []
        self.skew_ms = 0
        self.calm = self.ended = self.rested = False
        for role, topics in TOPICS_OF.items():
            tps = [TP(topic, place) for topic in topics for place in range(WIDTHS[topic])]
            self.broker.groups[f"simulated-{role}"] = Group(tps, SESSION_SECONDS, dice)

    def run(self) -> None:
        """Feed, make faults, come to rest. ``rested`` stays False when that takes too long."""
        self.begin()
        at = 0.0
        for arrival in self.feed:
            at += arrival.pause
            self.network.later(at, self._produce(arrival))
        for fault in self.plan:
            self.network.later(fault.at, self._makes(fault))
        self.advance(max(at, FAULTS_SECONDS))
        self.finish()

    def begin(self) -> None:
        """Start the workers."""
        with self._clocks():
            sources = tuple(f"{topic}/{place}" for topic in WATERMARKED for place in range(WIDTHS[topic]))
            self._publish(Control("sources", names=sources), Control("ruleset", programs().ruleset.digest, 0))
            for slot in SLOTS:
                self._start(slot)
            self._sweep()

    def advance(self, seconds: float) -> None:
        """Let time pass."""
        with self._clocks():
            self.loop.halt = bool(self.bugs)
            self.network.later(seconds, self._pause)
            self.loop.run(STEPS_MAX)

    def finish(self) -> None:
        """Mend everything, come to rest, and end everybody."""
        with self._clocks():
            self.loop.halt = bool(self.bugs)
            self._mend()
            self.loop.run(STEPS_MAX)
            for slot in SLOTS:
                self._look(slot)
            self.loop.shut()

    @property
    def trace(self) -> str:
        """Hash everything that arrived at the broker, and when."""
        found = blake2b(digest_size=16)
        for each in self.network.trace:
            found.update(repr(each).encode())
        return found.hexdigest()

    # -- the surroundings

    @contextmanager
    def _clocks(self) -> Iterator[None]:
        """Give the product our clock and our end of a process; its pauses are ours, too."""

        def now_ns() -> int:
            return (NOW_MS + int(self.loop.time() * 1000) + self.skew_ms) * 1_000_000

        with (
            patch.object(wall_module, "time_ns", now_ns),
            patch.object(os, "_exit", self._exit),
            patch.object(detect_module, "step", self._step),
            patch.object(detect_module, "WORK_SECONDS_MAX", self.tempo.work_seconds),
            patch.object(detect_module, "SNAPSHOT_PAUSE_SECONDS", 0.4),
            patch.object(positions_module, "FETCH_WAIT_SECONDS", 2.0),
        ):
            yield

    def _exit(self, code: int) -> None:
        """Note why a process ends by itself; one that lost its place may, and one whose engine was made to fail."""
        if not process().alive:
            leave(code)
        bug = sys.exc_info()[1]
        self.exits[type(bug).__name__] += 1
        if not isinstance(bug, ZombieError) and not isinstance(bug and bug.__cause__, MadeToFail):
            self.loop.halt = True
            self.bugs.append(f"a worker ended with {type(bug).__name__}: {bug}")
        elif isinstance(bug, ZombieError) and (wrong := self.workers[process().name].app.fenced_in_vain()):
            self.loop.halt = True
            self.bugs.append(wrong)
        leave(code)

    def _publish(self, *controls: Control) -> None:
        """Write control records to every activity partition in one transaction."""
        name = "publish"
        _, epoch = self.broker.initialise(name)
        for control in controls:
            value = pack(Packed(FORMAT_VERSION, name, [], [], {}, control))
            for place in range(PARTITIONS):
                self.broker.write(name, epoch, TP(ACTIVITY, place), [(None, value)])
        self.broker.commit(name, epoch)

    def _start(self, slot: str) -> None:
        role = slot.partition("-")[0]
        intake = Intake(partitions=PARTITIONS, kinds=programs().kinds)
        plan = Plan(
            "simulated", "simulated", PARTITIONS, history=self.tempo.history, idle_seconds=2.5,
            session_timeout_seconds=SESSION_SECONDS, snapshot_seconds=self.tempo.snapshot_seconds, intake=intake,
            metrics=_METRICS,
        )  # fmt: skip
        config = replace(
            plan.transport(role), batch_records_max=self.tempo.records_max, settle_seconds=0.6, heartbeat_seconds=0.45,
            request_timeout_seconds=2.0,
        )  # fmt: skip
        number = self.exits.total()

        async def main() -> None:
            app = SimApp(self.network, config, {programs().ruleset.digest: programs()})
            running.app = app
            if role == "intake":
                running.role = IntakeWorker(plan, app)
            elif role == "detect":
                running.role = DetectWorker(plan, app)
            else:
                running.role = RecordWorker(plan, app, self.store)
            await app.run(f"{slot}/{number}")

        running = Running.__new__(Running)
        running.process = self.loop.spawn(slot, main)
        running.process.at_end = lambda code: self._ended(slot, code)
        running.process.paused = self.ended and role == "intake"  # nobody looks at the clock any more
        self.workers[slot] = running

    def _pause(self) -> None:
        self.loop.halt = True

    def produce(self, arrival: Arrival) -> None:
        """Put a record into its source topic."""
        self.broker.append(TP(arrival.topic, arrival.partition), None, arrival.value)

    def _produce(self, arrival: Arrival) -> Callable[[], None]:
        return lambda: self.produce(arrival)

    def _makes(self, fault: Fault) -> Callable[[], None]:
        return lambda: self.make(fault)

    def _ended(self, slot: str, code: int | None) -> None:
        """A supervisor starts it again."""
        self.exits["killed" if code is None else f"exit {code}"] += 1
        self._look(slot)
        self.network.later(self.dice.uniform(0.1, 1.5), lambda: self._start(slot))

    def _look(self, slot: str) -> None:
        """Keep what a detect worker holds, to be compared with the fold of the log."""
        running = self.workers[slot]
        if not hasattr(running, "role") or not isinstance(running.role, DetectWorker):
            return
        for tp, held in running.role.held.items():
            if held.settled:
                self.seen.append(Seen(tp.partition, held.state.next_offset, fingerprint(held.state), slot))

    def _sweep(self) -> None:
        """The group coordinators look now and then who is gone."""
        for group in self.broker.groups.values():
            group.sweep(self.loop.time())
        self.network.later(SWEEP_SECONDS, self._sweep)

    # -- faults and their end

    def make(self, fault: Fault) -> None:
        """Make a fault now."""
        running = self.workers.get(fault.slot)
        match fault.kind:
            case "kill" if running is not None:
                running.process.fuse = int(fault.amount)
            case "pause" if running is not None:
                running.process.paused = True
                self.network.later(fault.seconds, lambda: self._resume(running.process))
            case kind if " at " in kind and running is not None:
                what, moment = kind.split(" at ")
                self.network.traps[fault.slot, moment] = lambda: self._trapped(what, fault)
            case "stop" if running is not None and hasattr(running, "role") and running.process.alive:
                self.loop.create_task(running.app.stop(), context=running.process.context)
            case "requests lost" | "answers lost" | "requests late":
                self._for_a_while(fault)
            case "store down":
                self.store.down = True
                self.network.later(fault.seconds, self._store_up)
            case "store connection lost":
                self.store.lost = fault.amount
            case "clock jump":
                self.skew_ms += int(fault.amount)
            case "ruleset again":
                self._publish(Control("ruleset", programs().ruleset.digest, START_MS + int(fault.amount)))
            case "compaction":
                for place in range(PARTITIONS):
                    self.broker.logs[TP(SNAPSHOTS, place)].compact()

    def _step(self, state: PartitionState, packed: Packed, rulesets: Mapping[str, Programs]) -> Outputs:
        """Stand in for the engine; where it fails, all is changed already and nobody has heard of it."""
        outputs = step(state, packed, rulesets)
        try:
            self.network.trip("record")
        except MadeToFail as cause:
            raise EngineError(state.next_offset, *WHOLE, cause) from cause
        return outputs

    def _refused(self) -> None:
        raise KafkaError("in no transaction")  # as the broker says to a writer whose transaction is over

    def _trapped(self, what: str, fault: Fault) -> None:
        """The worker comes to the moment it was waited for at; it does not go one step further."""
        process = self.workers[fault.slot].process
        if what == "kill":
            process.fuse = 0
        elif what == "fail":
            raise MadeToFail
        elif what == "fail unheard":
            self.network.traps[fault.slot, "snapshot"] = self._refused
            raise MadeToFail
        elif not self.calm:
            process.paused = True
            self.network.later(fault.seconds, lambda: self._resume(process))

    def _resume(self, process: Process) -> None:
        # Once history has ended nobody looks at the clock any more.
        process.paused = self.ended and process.name.startswith("intake")

    def _for_a_while(self, fault: Fault) -> None:
        """The weather of the last fault holds."""
        where = {"requests lost": "lost", "answers lost": "unanswered", "requests late": "late"}[fault.kind]
        self.network.weather = replace(self.network.weather, **{where: fault.amount})
        self.network.later(fault.seconds, lambda: setattr(self.network, "weather", Weather()))

    def _store_up(self) -> None:
        self.store.down = False

    def _mend(self) -> None:
        """No fault from here on; what is down comes up."""
        self.calm = True
        self.network.traps.clear()
        self.network.weather = Weather()
        self.store.down, self.store.lost = False, 0.0
        for running in self.workers.values():
            running.process.fuse, running.process.paused = -1, False
        self._rest()

    def _rest(self) -> None:
        """Look now and then whether everything is done."""
        if not self.ended and self._done("intake", SOURCES) and self._told():
            self._end()
        if self.ended and self._done("detect", (ACTIVITY,)) and self._done("record", (ALERTS,)):
            self.rested = self.loop.halt = True
            return
        self.network.later(LOOK_SECONDS, self._rest)

    def _end(self) -> None:
        """History has ended, and nobody looks at the clock any more."""
        self.ended = True
        for slot in SLOTS:
            if slot.startswith("intake"):
                self.workers[slot].process.paused = True
        self._publish(Control("end"))

    def _told(self) -> bool:
        """Whether the store has heard of every record of the sources."""
        tps = [tp for topic in SOURCES for tp in (TP(topic, place) for place in range(WIDTHS[topic]))]
        told = {tp: self.sink.newest.get(("found", f"{tp.topic}/{tp.partition}")) for tp in tps}
        return all(
            not log.entries or (isinstance(one := told[tp], SourceFound) and one.found == len(log.entries))
            for tp in tps
            for log in (self.broker.logs[tp],)
        )

    def _done(self, role: str, topics: tuple[str, ...]) -> bool:
        """Whether a role has committed the end of its topics."""
        return not any(self.lag(role, topics))

    def lag(self, role: str, topics: tuple[str, ...]) -> Iterator[str]:
        """Name the partitions whose end a role has not committed."""
        committed = self.broker.groups[f"simulated-{role}"].committed
        for topic in topics:
            for place in range(WIDTHS[topic]):
                tp = TP(topic, place)
                end, known = len(self.broker.logs[tp].entries), committed.get(tp)
                if end > (known.offset if known else 0):
                    yield f"{role} has committed {known} of {topic}/{place} up to {end}"
