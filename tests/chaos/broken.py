"""The builds broken on purpose, each in the scene meant for it, which the honest build gets through: ``make chaos BROKEN=1``.

A scene is one fault, placed where the missing thing would have helped, on the real broker and PostgreSQL, before the same oracle.
"""

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final, NamedTuple

from kafka import KafkaProducer

import streams.cli.run
from streams.alerts.codec import decode_outcome
from streams.alerts.model import Alert
from streams.cli.run import load_programs
from streams.settings.topics import ALERTS
from streams.state.subject import Subject
from tests.chaos.faults import SESSION_SECONDS, Scene
from tests.chaos.log import read, withdrawn_again
from tests.chaos.run import Outcome, at_rest, end_history, finish, judge, stage
from tests.chaos.stream import Feeder, Stream, make_stream
from tests.rig import raising
from tests.rig.activity import activity_log
from tests.rig.broken import BUILDS
from tests.rig.failing import EXIT_FAILPOINT
from tests.rig.process import wait_until
from tests.rig.settings import BROKEN

EVENTS: Final = 1_500
_PART_SECONDS: Final = 8.0
_PATIENCE_SECONDS: Final = 120.0


class Play(NamedTuple):
    """A scene and the role that is built otherwise in it."""

    scene: Callable[[Scene, Stream], None]
    role: str


def _feed(scene: Scene, stream: Stream, first: float, last: float) -> None:
    """Send a part of the stream and wait until it is sent."""
    total = len(stream.records)
    part = stream.records[int(first * total) : int(last * total)]
    feeder = Feeder(scene.workers.cluster.bootstrap, part, _PART_SECONDS)
    feeder.start()
    finish(feeder, scene.workers)


def _rest(scene: Scene) -> None:
    """Wait until everything that is there is detected and stored, and snapshots are taken."""
    until = time.monotonic() + _PATIENCE_SECONDS
    while not at_rest(scene.workers.cluster) and time.monotonic() < until:
        scene.workers.rest(0.5)
    scene.workers.rest(2.5)


def _start(scene: Scene, *slots: str) -> None:
    for slot in slots:
        scene.workers.add(slot)


def _freeze_detect(scene: Scene, stream: Stream, failpoint: str) -> None:
    """Let one worker freeze with something in hand, and another take over and go on."""
    workers = scene.workers
    workers.slots.clear()
    workers.armed["detect-a"] = f"{failpoint}:freeze"
    _start(scene, "intake-a", "record-a", "detect-a")
    _feed(scene, stream, 0, 0.35)
    wait_until(lambda: workers.frozen("detect-a"), _PATIENCE_SECONDS, f"{failpoint} is reached")
    del workers.armed["detect-a"]
    _start(scene, "detect-b")
    _feed(scene, stream, 0.35, 0.7)
    workers.rest(SESSION_SECONDS)
    _rest(scene)
    workers.wake_all()
    workers.rest(5)


def _zombie_with_a_snapshot(scene: Scene, stream: Stream) -> None:
    """It writes what was true before the other took over; then others write on, who believe theirs is in the topic."""
    _freeze_detect(scene, stream, "detect/snapshot-write/before:9")
    _feed(scene, stream, 0.7, 1)


def _outputs_again(scene: Scene, stream: Stream) -> None:
    """All alerts come once more as they were first said, behind what was said since: the buffer of a zombie that sends late."""
    workers, cluster = scene.workers, scene.workers.cluster
    workers.slots.clear()
    _start(scene, "intake-a", "record-a", "detect-a")
    _feed(scene, stream, 0, 1)
    _rest(scene)
    producer = KafkaProducer(bootstrap_servers=cluster.bootstrap, acks="all")
    for partition in range(cluster.partitions):
        first: dict[str, bytes] = {}
        for _, _, value in read(cluster, ALERTS, partition):
            outcome = decode_outcome(value) if value is not None else None
            if value is not None and isinstance(outcome, Alert):
                first.setdefault(outcome.alert_id, value)
        for value in first.values():
            producer.send(ALERTS, value, partition=partition)
    producer.close()
    _rest(scene)


def _end_before_sending(scene: Scene, stream: Stream) -> None:
    """It ends with outputs in hand."""
    workers = scene.workers
    workers.slots.clear()
    workers.armed["detect-a"] = "detect/send/before:20"
    _start(scene, "intake-a", "record-a", "detect-a")
    _feed(scene, stream, 0, 0.5)
    wait_until(lambda: _ended(scene, "detect-a"), _PATIENCE_SECONDS, "the failpoint is reached")
    del workers.armed["detect-a"]
    _feed(scene, stream, 0.5, 1)


def _ended(scene: Scene, slot: str) -> bool:
    scene.workers.tick()
    return EXIT_FAILPOINT in scene.workers.ended.get(slot, ())


def _nothing_special(scene: Scene, stream: Stream) -> None:
    """All that is needed is somebody who folds the log once more."""
    scene.workers.slots.clear()
    _start(scene, "intake-a", "record-a", "detect-a")
    _feed(scene, stream, 0, 1)


PLAYS: Final[dict[str, Play]] = {
    "fencing off": Play(_zombie_with_a_snapshot, "detect"),
    "position committed early": Play(_end_before_sending, "detect"),
    "a revision ignored": Play(_outputs_again, "record"),
    "a wall clock in the core": Play(_nothing_special, "detect"),
}


def play(name: str, build: str, folder: Path, seed: int = 5) -> list[str]:
    """Play the scene meant for a broken build, with it or (``build`` empty) with the honest one; gives what was wrong."""
    vars(streams.cli.run)["compile_ruleset"] = raising.compile_with_a_fault
    stream = make_stream(folder, EVENTS, seed)
    settings = {PLAYS[name].role: {BROKEN: build}} if build else None
    with stage(stream, seed, folder, settings) as scene:
        outcome = Outcome()
        PLAYS[name].scene(scene, stream)
        end_history(scene.workers)
        judge(outcome, scene.workers, stream, patience_seconds=45 if build else _PATIENCE_SECONDS)
        return outcome.verdict.wrong


def withdrawals_again(folder: Path, seed: int = 5) -> tuple[int, int]:
    """Make a log in which marks are withdrawn, tell them once more, and give how many there were and how many came back."""
    vars(streams.cli.run)["compile_ruleset"] = raising.compile_with_a_fault
    stream = make_stream(folder, EVENTS, seed)
    programs = load_programs(stream.rules)
    return withdrawn_again(programs, activity_log(programs, stream.chunks()))


@contextmanager
def built(name: str) -> Iterator[None]:
    """Break this very process for a while."""
    honest = Subject.receive
    BUILDS[name]()
    try:
        yield
    finally:
        setattr(Subject, "receive", honest)  # noqa: B010


def _show(name: str, honest: object, broken: object, *, ok: bool) -> bool:
    sys.stdout.write(f"{name}: honest build {honest or 'gets through'}; broken build: {str(broken)[:300]}\n")
    sys.stdout.write(f"  {'found out, as it must' if ok else 'NOT AS IT MUST BE'}\n")
    sys.stdout.flush()
    return ok


def main(only: str = "") -> int:
    """Play everything; gives 1 when a broken build got through or the honest one did not."""
    ok = True
    for name in PLAYS:
        if only in name:
            with (
                TemporaryDirectory(prefix="payweir-broken-") as one,
                TemporaryDirectory(prefix="payweir-broken-") as two,
            ):
                honest, broken = play(name, "", Path(one)), play(name, name, Path(two))
            ok &= _show(name, honest, broken and broken[0], ok=not honest and bool(broken))
    name = "a withdrawn mark forgotten"
    if only in name:
        with TemporaryDirectory(prefix="payweir-broken-") as one, TemporaryDirectory(prefix="payweir-broken-") as two:
            known, honest_back = withdrawals_again(Path(one))
            with built(name):
                _, back = withdrawals_again(Path(two))
        seen = f"{back} of {known} withdrawn marks came back"
        ok &= _show(name, honest_back, seen, ok=not honest_back and bool(back))
    return 0 if ok else 1
