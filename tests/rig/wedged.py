"""The command line of a worker that gets stuck, in one of the ways a watchdog is for.

``python -m tests.rig.wedged loop worker --role detect``: at the first record of the log, and once the watchdog has heard of it, the
event loop never gets its turn again.
``... wait ...``: the handler waits for what never comes.
``... fetch ...``: the client's thread hangs, nothing is fetched any more.
``... term ...``: the group moves on without this member, and no new term begins.
"""

import asyncio
import sys
import time
from typing import Final

from streams.agents.batch import Batch
from streams.agents.detect import DetectWorker
from streams.agents.fetching import FetchingThread
from streams.agents.transport import BatchConsumer
from streams.agents.watchdog import LOOK_SECONDS

FOR_EVER: Final = 1e6


async def _block(_worker: DetectWorker, _batch: Batch) -> None:
    await asyncio.sleep(LOOK_SECONDS)
    time.sleep(FOR_EVER)  # noqa: ASYNC251  the fault


async def _wait(_worker: DetectWorker, _batch: Batch) -> None:
    await asyncio.Event().wait()


async def _hang(*_: object) -> None:
    time.sleep(FOR_EVER)  # noqa: ASYNC251  the fault


async def _never(consumer: BatchConsumer) -> None:
    consumer.ledger.ended.set()
    await asyncio.Event().wait()


FAULTS: Final = {
    "loop": (DetectWorker, "handle", _block),
    "wait": (DetectWorker, "handle", _wait),
    "fetch": (FetchingThread, "fetch", _hang),
    "term": (BatchConsumer, "open_term", _never),
}


def main() -> None:
    """Run the command line."""
    owner, name, fault = FAULTS[sys.argv.pop(1)]
    setattr(owner, name, fault)
    from streams.cli.app import main as payweir  # noqa: PLC0415 - after the fault is in

    payweir()


if __name__ == "__main__":
    main()
