"""A detect worker killed at half load and started again a minute later: by when is nothing behind any more."""

import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Final

from streams.replay.generator import GeneratorSettings
from tests.bench.live import Live
from tests.bench.stream import by_arrival, make_stream, next_day
from tests.rig.process import wait_until
from tests.soak.pressure import paced

OUTAGE: Final = "outage"
OUTAGE_SECONDS: Final = 60.0
"""Between the kill and the start of the next; session time-out 15 s, as the benchmark has it."""
TIMES_MAX: Final = 2
"""Caught up after so many times the outage at most, from the start of the next worker."""
_WARM: Final = 100_000
"""Events of the backlog that tells the rate: a rate of little state is not borne for long."""
_BEFORE_SECONDS: Final = 20.0
_BEHIND_SECONDS: Final = 2.0
"""So much is on its way at any time."""


def killed_at_half_load(folder: Path, seed: int) -> str:
    """What counts is the place of the last record that SQL has counted, against what is sent by then."""
    (folder / "warm").mkdir()
    warm = make_stream(GeneratorSettings(seed, _WARM), folder / "warm")
    with Live(warm.rules, folder) as live, ThreadPoolExecutor(1) as pool:
        lines = warm.lines()
        rate = len(lines) / live.drain(lines).wall / 2
        count = int(rate * (_BEFORE_SECONDS + OUTAGE_SECONDS * (TIMES_MAX + 2)))
        settings = GeneratorSettings(seed + 1, count, start_ms=next_day(lines))
        arrivals = [line for _, line in by_arrival(settings)]
        begun = time.monotonic()
        sending = pool.submit(paced, live.bootstrap, arrivals, rate)

        def behind() -> float:
            sent = min((time.monotonic() - begun) * rate, len(arrivals))
            return len(lines) + sent - live.counted()

        time.sleep(_BEFORE_SECONDS)
        assert behind() <= _BEHIND_SECONDS * rate, (
            "behind before anything happened: this machine cannot bear half the load"
        )
        live.cluster.kill("detect")
        time.sleep(OUTAGE_SECONDS)
        waiting, started = behind(), time.monotonic()
        live.cluster.start("detect", "detect")
        wait_until(lambda: behind() <= _BEHIND_SECONDS * rate, 10 * OUTAGE_SECONDS, "the next worker has caught up")
        needed = time.monotonic() - started
        live.loaded += sending.result()
        live.wait_counted()
    said = (
        f"{rate:,.0f} records/s, no detect worker for {OUTAGE_SECONDS:g} s, {waiting:,.0f} records behind; "
        f"caught up {needed:.1f} s after the start of the next"
    )
    assert needed <= TIMES_MAX * OUTAGE_SECONDS, said
    return said
