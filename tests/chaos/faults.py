"""The faults, by name, in lanes: what happens in one lane happens one after the other, the lanes go on side by side.

A fault is a generator that yields while it waits and gives how many faults it made: 0 when none came about.
"""

import signal
import threading
import time
from collections.abc import Callable, Generator
from dataclasses import dataclass
from functools import partial
from random import Random
from typing import Final

from tests.chaos.sql_faults import SQL_FAULTS, SqlScene
from tests.chaos.supervisor import ROLES, Supervisor
from tests.rig.failing import EXIT_FAILPOINT, FAILPOINTS
from tests.rig.kafka import KafkaBroker
from tests.rig.postgres import PostgresServer
from tests.rig.proxy import Proxy

SESSION_SECONDS: Final = 6
REACH_SECONDS: Final = 100.0
"""So long a failpoint may take to be reached: a rebalance with a dead member takes a session, and the broker may be away."""
_BEGIN_SECONDS: Final = 20.0
Going = Generator[None, None, int]


@dataclass(frozen=True, slots=True)
class Scene:
    """What faults are made on."""

    workers: Supervisor
    broker: KafkaBroker
    store: PostgresServer
    kafka_proxy: Proxy
    """Workers ``b`` reach the broker through it, and the store through ``sql_proxy``."""
    sql_proxy: Proxy
    dice: Random
    publish: Callable[[str], int]
    """Publishes the rules once more with a failpoint, or with none; gives the exit code."""

    def slot(self, role: str) -> str:
        """Choose one of the two workers of a role."""
        return f"{role}-{self.dice.choice('ab')}"


Fault = Callable[[Scene], Going]


def waited(seconds: float) -> Generator[None, None, None]:
    """Let the other lanes go on for a while."""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        yield


def seen(what: Callable[[], bool], seconds: float) -> Generator[None, None, bool]:
    """Wait for something; False when it does not come."""
    until = time.monotonic() + seconds
    while not what():
        if time.monotonic() > until:
            return False
        yield
    return True


def aside(work: Callable[[], object]) -> Generator[None, None, None]:
    """Do something that blocks while the other lanes go on; raises what it raises."""
    faults: list[BaseException] = []

    def run() -> None:
        try:
            work()
        except BaseException as fault:  # noqa: BLE001 - handed on below
            faults.append(fault)

    thread = threading.Thread(target=run)
    thread.start()
    while thread.is_alive():
        yield
    for fault in faults:
        raise fault


# --- workers --------------------------------------------------------------------------------------------------------


def _kill(role: str, scene: Scene) -> Going:
    slot = scene.slot(role)
    yield from seen(lambda: scene.workers.begun(slot), _BEGIN_SECONDS)
    return int(scene.workers.send(slot, signal.SIGKILL))


def _burst(role: str, scene: Scene) -> Going:
    """Again and again while it starts and recovers, at any moment of it."""
    slot, made = scene.slot(role), 0
    for _ in range(scene.dice.randrange(3, 6)):
        made += scene.workers.send(slot, signal.SIGKILL)
        yield from seen(lambda: scene.workers.begun(slot), _BEGIN_SECONDS)
        yield from waited(scene.dice.uniform(0.5, 6))
    return made


def _pair(role: str, scene: Scene) -> Going:
    """Both workers of a role at once."""
    yield from seen(lambda: all(scene.workers.begun(f"{role}-{letter}") for letter in "ab"), _BEGIN_SECONDS)
    return sum(scene.workers.send(f"{role}-{letter}", signal.SIGKILL) for letter in "ab")


def _pause(role: str, scene: Scene) -> Going:
    """Longer than the session: the other takes over, then the zombie wakes up."""
    slot = scene.slot(role)
    yield from seen(lambda: scene.workers.begun(slot), _BEGIN_SECONDS)
    made = scene.workers.send(slot, signal.SIGSTOP)
    yield from waited(SESSION_SECONDS + scene.dice.uniform(1, 4))
    scene.workers.send(slot, signal.SIGCONT)
    return int(made)


def _has_ended(workers: Supervisor, slot: str, before: int) -> bool:
    return len(workers.ended.get(slot, ())) > before


def _roll(role: str, scene: Scene) -> Going:
    """SIGTERM to one after the other, as a roll-out does."""
    made = 0
    for letter in "ab":
        slot = f"{role}-{letter}"
        yield from seen(partial(scene.workers.begun, slot), _BEGIN_SECONDS)
        told = partial(_has_ended, scene.workers, slot, len(scene.workers.ended.get(slot, ())))
        made += scene.workers.send(slot, signal.SIGTERM)
        if not (yield from seen(told, 30)):
            scene.workers.send(slot, signal.SIGKILL)
        yield from waited(scene.dice.uniform(1, 3))
    return made


def _scale(role: str, scene: Scene) -> Going:
    """1 -> 3 -> 1 workers, then two again: five changes of the group, of which the four comings and goings count."""
    workers, extra = scene.workers, f"{role}-c"
    workers.drop(f"{role}-b")
    yield from waited(scene.dice.uniform(2, 4))
    workers.add(f"{role}-b")
    workers.add(extra)
    yield from waited(scene.dice.uniform(5, 8))
    workers.drop(extra)
    workers.drop(f"{role}-a")
    yield from waited(scene.dice.uniform(2, 4))
    yield from seen(lambda: workers.running(f"{role}-a") is None, 15)
    workers.send(f"{role}-a", signal.SIGKILL)
    workers.add(f"{role}-a")
    return 4


def _failpoint(name: str, scene: Scene) -> Going:
    """A worker that ends by itself at the n-th time it comes to a place."""
    slot = scene.slot(name.partition("/")[0])
    hits = scene.dice.choice((1, 1, 2, 3))
    before = len(scene.workers.ended.get(slot, ()))
    scene.workers.armed[slot] = f"{name}:{hits}"
    scene.workers.send(slot, signal.SIGKILL)
    reached = yield from seen(lambda: EXIT_FAILPOINT in scene.workers.ended.get(slot, [])[before:], REACH_SECONDS)
    del scene.workers.armed[slot]
    if not reached:
        scene.workers.send(slot, signal.SIGKILL)
    return int(reached)


def _frozen(name: str, scene: Scene) -> Going:
    """A zombie of the worst kind: it freezes with outputs in hand, wakes when others have gone on, and sends them."""
    slot = scene.slot(name.partition("/")[0])
    scene.workers.armed[slot] = f"{name}:{scene.dice.choice((1, 2, 4))}:freeze"
    scene.workers.send(slot, signal.SIGKILL)
    reached = yield from seen(lambda: scene.workers.frozen(slot), REACH_SECONDS)
    del scene.workers.armed[slot]
    if reached:
        yield from waited(SESSION_SECONDS + scene.dice.uniform(1, 4))
        scene.workers.send(slot, signal.SIGCONT)
    else:
        scene.workers.send(slot, signal.SIGKILL)
    return int(reached)


def _everybody(scene: Scene) -> Going:
    yield from seen(lambda: all(map(scene.workers.begun, scene.workers.slots)), _BEGIN_SECONDS)
    return sum([scene.workers.send(slot, signal.SIGKILL) for slot in scene.workers.slots])


def _publisher(name: str, scene: Scene) -> Going:
    """A publisher of control records ends half way; its successor finds all partitions alike."""
    codes: list[int] = []
    yield from aside(lambda: codes.append(scene.publish(f"{name}:1")))
    yield from aside(lambda: codes.append(scene.publish("")))
    assert codes[1] == 0, f"the second publisher ended with {codes[1]}"
    return int(codes[0] == EXIT_FAILPOINT)


# --- broker ---------------------------------------------------------------------------------------------------------


def _broker_killed(scene: Scene) -> Going:
    scene.broker.kill()
    yield from waited(scene.dice.uniform(0.5, 4))
    yield from aside(scene.broker.start)
    return 1


def _broker_stopped(scene: Scene) -> Going:
    yield from aside(scene.broker.stop)
    yield from waited(scene.dice.uniform(0.5, 4))
    yield from aside(scene.broker.start)
    return 1


def _broker_paused(scene: Scene) -> Going:
    """5 to 60 s, seldom long."""
    scene.broker.pause()
    yield from waited(5 * 12 ** (scene.dice.random() ** 3))
    scene.broker.resume()
    return 1


def _workers_first(scene: Scene) -> Going:
    """Workers that start while there is no broker."""
    yield from aside(scene.broker.stop)
    made = sum([scene.workers.send(scene.slot(role), signal.SIGKILL) for role in ROLES])
    yield from waited(6)
    yield from aside(scene.broker.start)
    return made


# --- the way to the broker ------------------------------------------------------------------------------------------


def slowed(proxy: Proxy, scene: Scene) -> Going:
    """Every packet takes a while, more than a second there and back at worst."""
    proxy.delay_seconds = scene.dice.choice((0.05, 0.2, 0.6))
    yield from waited(scene.dice.uniform(3, 8))
    proxy.delay_seconds = 0
    return 1


def reset(proxy: Proxy, scene: Scene) -> Going:
    """All connections at once, several times."""
    made = 0
    for _ in range(scene.dice.randrange(2, 5)):
        yield from seen(lambda: proxy.links > 0, _BEGIN_SECONDS)
        made += bool(proxy.reset())
        yield from waited(scene.dice.uniform(0.2, 2))
    return made


def swallowed(proxy: Proxy, scene: Scene) -> Going:
    """Longer than the session; then all that was under way arrives at once."""
    proxy.black = True
    yield from waited(SESSION_SECONDS + scene.dice.uniform(1, 5))
    proxy.black = False
    return 1


def cut(proxy: Proxy, request: str, _scene: Scene) -> Going:
    """The request arrives and is answered; the answer is lost, and the connection with it."""
    before, proxy.cut_at = proxy.done[request], request
    reached = yield from seen(lambda: proxy.done[request] > before, REACH_SECONDS)
    proxy.cut_at = ""
    return int(reached)


def broken(proxy: Proxy, request: str, _scene: Scene) -> Going:
    """The request is lost, and the connection with it."""
    before, proxy.break_at = proxy.done[request], request
    reached = yield from seen(lambda: proxy.done[request] > before, REACH_SECONDS)
    proxy.break_at = ""
    return int(reached)


def _kafka(way: Callable[[Proxy, Scene], Going], scene: Scene) -> Going:
    return way(scene.kafka_proxy, scene)


def _sql(way: Callable[[Proxy, Scene], Going], scene: Scene) -> Going:
    return way(scene.sql_proxy, scene)


def _in_sql(fault: Callable[[SqlScene], Going], scene: Scene) -> Going:
    return fault(SqlScene(scene.store, scene.workers.cluster.store_url, scene.dice))


def _at(way: Callable[[Proxy, str, Scene], Going], request: str) -> Callable[[Proxy, Scene], Going]:
    return lambda proxy, scene: way(proxy, request, scene)


_FREEZE: Final = {
    "intake": ("intake/send/before", "intake/acknowledge/before", "intake/commit/before"),
    "detect": (
        "detect/send/before", "detect/acknowledge/before", "detect/snapshot-write/before", "detect/snapshot-commit/before",
        "detect/restore/before",
    ),
    "record": ("record/write/before", "record/commit/before"),
}  # fmt: skip


def _of_role(role: str) -> dict[str, Fault]:
    return {
        f"{role}: SIGKILL": partial(_kill, role),
        f"{role}: SIGKILL of both workers": partial(_pair, role),
        f"{role}: SIGKILL again and again while it recovers": partial(_burst, role),
        f"{role}: SIGSTOP past the session, then SIGCONT": partial(_pause, role),
        f"{role}: rolling SIGTERM": partial(_roll, role),
        f"{role}: 1 -> 3 -> 1 workers": partial(_scale, role),
        **{f"frozen past the session at {name}": partial(_frozen, name) for name in _FREEZE[role]},
        **{f"failpoint {name}": partial(_failpoint, name) for name in FAILPOINTS if name.startswith(f"{role}/")},
    }


LANES: Final[dict[str, dict[str, Fault]]] = {
    **{role: _of_role(role) for role in ROLES},
    "broker": {
        "broker: SIGKILL": _broker_killed,
        "broker: SIGTERM": _broker_stopped,
        "broker: SIGSTOP": _broker_paused,
        "broker: workers start before it": _workers_first,
        "all workers: SIGKILL": _everybody,
        "way to the broker: delay": partial(_kafka, slowed),
        "way to the broker: reset": partial(_kafka, reset),
        "way to the broker: black hole past the session": partial(_kafka, swallowed),
        **{
            f"way to the broker: {word} of {what} ({request})": partial(_kafka, _at(way, request))
            for request, what in (("OffsetCommit", "a commit"), ("EndTxn", "a snapshot"), ("Produce", "outputs"))
            for word, way in (("answer lost", cut), ("cut in the middle", broken))
        },
        **{
            f"failpoint {name}": partial(_publisher, name)
            for name in FAILPOINTS
            if name.startswith("publish/") and name != "publish/commit/after"
        },
    },
    "store": {
        **{f"store: {name}": partial(_in_sql, fault) for name, fault in SQL_FAULTS.items()},
        "way to the store: delay": partial(_sql, slowed),
        "way to the store: reset": partial(_sql, reset),
        "way to the store: black hole": partial(_sql, swallowed),
        "way to the store: lost after COMMIT was sent": partial(_sql, _at(cut, "COMMIT")),
        "way to the store: lost before COMMIT arrives": partial(_sql, _at(broken, "COMMIT")),
        "way to the store: cut in the middle of a transaction": partial(_sql, _at(broken, "COPY")),
    },
}
FAULTS: Final[dict[str, Fault]] = {name: fault for lane in LANES.values() for name, fault in lane.items()}
