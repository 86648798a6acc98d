"""Memory over a long time at half load, and more than can be done at once: what degrades is lag, and nothing else."""

import threading
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import msgspec
from kafka import KafkaProducer

from streams.agents.feeding import route
from streams.agents.publishing import end_history
from streams.replay.generator import GeneratorSettings
from streams.settings import load_settings
from tests.bench.live import ROLES, Live
from tests.bench.meter import memory
from tests.bench.stream import by_arrival, make_stream, next_day
from tests.rig.cluster import embedded

WARM: Final = 20_000
"""Events of the backlog by which the rate of saturation is measured."""
DAYS: Final = 120
"""Event time of a long run: legs stop to be more after the longest window and lateness, 45 days. Accounts do not: new ones come."""
GROWTH_MAX: Final = 0.10
"""By such a share memory may grow over the second half of a long run beyond what there is state of."""
PRESSED: Final = 30_000
HOT_SHARE: Final = 5
"""One payment in so many is made by one account, so its partition gets many times what the others get."""
SLOW_SECONDS: Final = 0.25
BURST: Final = 10
_LOOK_SECONDS: Final = 1.0
_MIB: Final = 1 << 20
STATELESS_MIB_MAX: Final = 200
"""Intake and record hold nothing but a few batches: by so much they may grow under a backlog of any length."""
_SLOW: Final = f"""
CREATE FUNCTION slow() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN PERFORM pg_sleep({SLOW_SECONDS}); RETURN NULL; END $$;
CREATE TRIGGER slow AFTER INSERT OR UPDATE ON ingest_counters FOR EACH STATEMENT EXECUTE FUNCTION slow();
"""


@dataclass(slots=True)
class Watched:
    """What was seen of the workers, look by look."""

    at: list[float] = field(default_factory=list)
    resident: dict[str, list[float]] = field(default_factory=lambda: {role: [] for role in ROLES})
    subjects: list[float] = field(default_factory=list)
    """Accounts, devices, ... the detect worker has state of."""
    lag: dict[str, float] = field(default_factory=lambda: dict.fromkeys(ROLES, 0.0))
    """Greatest lag in records."""
    oldest: dict[str, float] = field(default_factory=lambda: dict.fromkeys(ROLES, 0.0))
    """Greatest age of a record that waited, in seconds."""

    def look(self, live: Live) -> None:
        """Note where they stand."""
        self.at.append(time.monotonic())
        self.subjects.append(live.cluster.watch("detect").total("payweir_subjects"))
        for role in ROLES:
            watch = live.cluster.watch(role)
            self.resident[role].append(memory(live.cluster.workers[role].pid).now)
            self.lag[role] = max(self.lag[role], watch.total("payweir_lag_records"))
            self.oldest[role] = max(self.oldest[role], watch.total("payweir_oldest_unprocessed_seconds"))

    def growth(self, seen: Sequence[float]) -> tuple[float, float]:
        """Give by what share of its mean something grew over the second half, by least squares, and the mean."""
        half = len(self.at) // 2
        times, sizes = self.at[half:], seen[half:]
        middle, mean = sum(times) / len(times), sum(sizes) / len(sizes)
        spread = sum((each - middle) ** 2 for each in times)
        slope = sum((t - middle) * (size - mean) for t, size in zip(times, sizes, strict=True)) / spread
        return slope * (times[-1] - times[0]) / mean, mean

    def grown(self, role: str) -> float:
        """MiB between the first look and the greatest."""
        return (max(self.resident[role]) - self.resident[role][0]) / _MIB

    def __str__(self) -> str:
        return "; ".join(
            f"{role}: {self.resident[role][0] / _MIB:.0f} MiB, peak {max(self.resident[role]) / _MIB:.0f}, lag up to "
            f"{self.lag[role]:,.0f}, oldest up to {self.oldest[role]:.1f} s"
            for role in ROLES
        )


@contextmanager
def watching(live: Live) -> Iterator[Watched]:
    """Look every second until left."""
    watched, over = Watched(), threading.Event()

    def look_on() -> None:
        while not over.is_set():
            watched.look(live)
            over.wait(_LOOK_SECONDS)

    thread = threading.Thread(target=look_on)
    thread.start()
    try:
        yield watched
    finally:
        over.set()
        thread.join()


def steady(minutes: float, folder: Path, seed: int) -> str:
    """Half of the load it can bear, for so many minutes, over months of event time: what a subject weighs must not grow."""
    (folder / "warm").mkdir()
    warm = make_stream(GeneratorSettings(seed, WARM), folder / "warm")
    with Live(warm.rules, folder) as live:
        lines = warm.lines()
        rate = len(lines) / live.drain(lines).wall / 2
        count = max(1_000, int(rate * minutes * 60))
        start = next_day(lines)
        arrivals = (line for _, line in by_arrival(GeneratorSettings(seed + 1, count, days=DAYS, start_ms=start)))
        with watching(live) as watched:
            live.loaded += paced(live.bootstrap, arrivals, rate)
            live.wait_counted()
        live.cluster.check_alive()
    known, subjects = watched.growth(watched.subjects)
    said = [f"{subjects:,.0f} subjects {known:+.1%}"]
    faults = []
    for role in ROLES:
        grown, mean = watched.growth(watched.resident[role])
        said.append(f"{role} {mean / _MIB:.0f} MiB {grown:+.1%}")
        allowed = GROWTH_MAX + (max(known, 0.0) if role == "detect" else 0.0)
        if minutes >= 10 and grown > allowed:
            faults.append(role)
    assert not faults, f"memory of {faults} grows: {'; '.join(said)}"
    return f"{minutes:g} minutes at {rate:,.0f} records/s, growth over the second half: {'; '.join(said)}; {watched}"


def pressed(folder: Path, seed: int) -> str:
    """A hot account and with it a hot partition, a slow store and a tenfold burst at once: lag, never loss, never an end."""
    (folder / "stream").mkdir()
    stream = make_stream(GeneratorSettings(seed, PRESSED), folder / "stream")
    payments = stream.folder / "payments.jsonl"
    payments.write_bytes(b"".join(heated(payments.read_bytes().splitlines())))
    expected = embedded(stream.folder, stream.rules, f"sqlite:///{folder / 'expected.db'}")
    with Live(stream.rules, folder) as live:
        live.sql.execute(_SLOW)
        lines = stream.lines()
        calm, rest = lines[: len(lines) // 10], lines[len(lines) // 10 :]
        with watching(live) as watched:
            begun = time.monotonic()
            live.loaded += paced(live.bootstrap, calm, 500)
            live.wait_counted()
            rate = len(calm) / (time.monotonic() - begun)
            live.loaded += paced(live.bootstrap, rest, BURST * rate)
            live.wait_counted()
            end_history(load_settings({"bootstrap": live.bootstrap}))
            live.cluster.wait_for(expected)
            time.sleep(2 * _LOOK_SECONDS)
        live.cluster.check_alive()
        left = {role: live.cluster.watch(role).total("payweir_lag_records") for role in ROLES}
        ages = {role: live.cluster.watch(role).total("payweir_oldest_unprocessed_seconds") for role in ROLES}
    assert set(left.values()) == {0.0}, f"lag is left: {left}"
    assert set(ages.values()) == {0.0}, f"something still waits: {ages}"
    assert watched.lag["record"] > 0, "the store was not slow enough to make a lag"
    assert watched.oldest["record"] > SLOW_SECONDS, "the age of what waits for the store was not seen"
    for role in ("intake", "record"):
        assert watched.grown(role) < STATELESS_MIB_MAX, f"{role} grew by {watched.grown(role):.0f} MiB: {watched}"
    return (
        f"{stream.records:,} records in a burst of {BURST * rate:,.0f}/s, {len(expected)} alerts as embedded; {watched}"
    )


def heated(lines: Sequence[bytes]) -> Iterator[bytes]:
    """Let one account make one payment in five."""
    for number, line in enumerate(lines):
        if number % HOT_SHARE == 0 and b'"event_type":"payment",' in line:
            event = msgspec.json.decode(line, type=dict[str, object])
            debtor = event.get("debtor")
            if isinstance(debtor, dict):
                debtor["account_token"] = "acct-hot-0001"
                yield msgspec.json.encode(event) + b"\n"
                continue
        yield line + b"\n"


def paced(bootstrap: str, lines: Iterable[bytes], rate: float) -> int:
    """Send lines at a rate; gives how many."""
    producer = KafkaProducer(bootstrap_servers=bootstrap, acks="all", linger_ms=5)
    begun, count = time.monotonic(), 0
    for line in lines:
        ahead = begun + count / rate - time.monotonic()
        if ahead > 0.01:
            time.sleep(ahead)
        topic, key, _ = route(line)
        producer.send(topic, line, key)
        count += 1
    producer.flush()
    producer.close()
    return count
