"""The faults, by name. Each is made once, waited for, and leaves everything running again."""

import signal
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from random import Random
from typing import Final

from tests.chaos.supervisor import SLOTS, Supervisor
from tests.rig.failing import EXIT_FAILPOINT, FAILPOINTS
from tests.rig.kafka import KafkaBroker
from tests.rig.postgres import PostgresServer

SESSION_SECONDS: Final = 6
_FAILPOINT_SECONDS: Final = 25.0


@dataclass(frozen=True, slots=True)
class Scene:
    """What faults are made on."""

    workers: Supervisor
    broker: KafkaBroker
    store: PostgresServer
    dice: Random

    def slot(self, role: str) -> str:
        """Choose one of the two workers of a role."""
        return f"{role}-{self.dice.choice('ab')}"


Fault = Callable[[Scene], bool]
"""Makes the fault; False when it did not come about (a failpoint that was not reached)."""


def _kill(role: str, scene: Scene) -> bool:
    scene.workers.send(scene.slot(role), signal.SIGKILL)
    return True


def _kill_again(role: str, scene: Scene) -> bool:
    """Once more while it recovers."""
    slot = scene.slot(role)
    for _ in range(scene.dice.randrange(2, 4)):
        scene.workers.send(slot, signal.SIGKILL)
        scene.workers.rest(scene.dice.uniform(1.5, 4))
    return True


def _pause(role: str, scene: Scene) -> bool:
    """Longer than the session: the others take over, then the zombie wakes up."""
    slot = scene.slot(role)
    scene.workers.send(slot, signal.SIGSTOP)
    scene.workers.rest(SESSION_SECONDS + scene.dice.uniform(1, 4))
    scene.workers.send(slot, signal.SIGCONT)
    return True


def _terminate(role: str, scene: Scene) -> bool:
    slot = scene.slot(role)
    scene.workers.send(slot, signal.SIGTERM)
    scene.workers.wait_end(slot, 20)
    return True


def _leave(role: str, scene: Scene) -> bool:
    """One worker goes, the other is alone for a while, then it comes back."""
    slot = scene.slot(role)
    scene.workers.down.add(slot)
    scene.workers.send(slot, signal.SIGTERM)
    scene.workers.rest(scene.dice.uniform(3, 6))
    scene.workers.down.discard(slot)
    return True


def _all_at_once(scene: Scene) -> bool:
    for slot in SLOTS:
        scene.workers.send(slot, signal.SIGKILL)
    return True


def _failpoint(name: str, scene: Scene) -> bool:
    """Start a worker that ends by itself at the n-th time it comes to a place."""
    role = name.partition("/")[0]
    slot, before = scene.slot(role), scene.workers.count(role, EXIT_FAILPOINT)
    hits = scene.dice.choice((1, 2, 5))
    scene.workers.next_command[slot] = (sys.executable, "-m", "tests.rig.failing", name, str(hits))
    scene.workers.send(slot, signal.SIGKILL)
    until = time.monotonic() + _FAILPOINT_SECONDS
    while time.monotonic() < until:
        scene.workers.rest(0.2)
        if scene.workers.count(role, EXIT_FAILPOINT) > before:
            return True
    scene.workers.send(slot, signal.SIGKILL)
    return False


def _broker_killed(scene: Scene) -> bool:
    scene.broker.kill()
    scene.workers.rest(scene.dice.uniform(1, 5))
    scene.broker.start()
    return True


def _broker_stopped(scene: Scene) -> bool:
    scene.broker.stop()
    scene.workers.rest(scene.dice.uniform(1, 5))
    scene.broker.start()
    return True


def _broker_paused(scene: Scene) -> bool:
    scene.broker.pause()
    scene.workers.rest(scene.dice.uniform(5, 12))
    scene.broker.resume()
    return True


def _store_down(scene: Scene) -> bool:
    scene.store.stop()
    scene.workers.rest(scene.dice.uniform(2, 8))
    scene.store.start()
    return True


_ROLES: Final = ("intake", "detect", "record")
FAULTS: Final[dict[str, Fault]] = {
    **{f"{role}: SIGKILL": partial(_kill, role) for role in _ROLES},
    **{f"{role}: SIGKILL again while it recovers": partial(_kill_again, role) for role in _ROLES},
    **{f"{role}: SIGSTOP past the session, then SIGCONT": partial(_pause, role) for role in _ROLES},
    **{f"{role}: SIGTERM": partial(_terminate, role) for role in _ROLES},
    **{f"{role}: one worker less for a while": partial(_leave, role) for role in _ROLES},
    "all workers: SIGKILL": _all_at_once,
    "broker: SIGKILL": _broker_killed,
    "broker: SIGTERM": _broker_stopped,
    "broker: SIGSTOP": _broker_paused,
    "store: down": _store_down,
    **{f"failpoint {name}": partial(_failpoint, name) for name in FAILPOINTS},
}
