"""What flows while faults are made: a generated stream with conflicts, poison and one record that ends the engine among it."""

import shutil
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from random import Random
from typing import Final

import msgspec
from kafka import KafkaAdminClient, KafkaProducer
from kafka.admin import ConfigResource, ConfigResourceType
from kafka.errors import KafkaError

from streams.agents.feeding import route
from streams.events import Limits, decode_event, digest_of
from streams.pipeline import RawRecord, SourceState
from streams.replay.generator import GeneratorSettings, generate
from streams.settings.topics import PAYMENTS
from streams.store.reader import Standing, ingest_totals
from streams.store.writer import open_store
from tests.chaos.sql_faults import REFUSED_BYTES
from tests.rig.cluster import embedded
from tests.rig.raising import RULE
from tests.unit.events.test_bad_input import BAD

UNBEARABLE: Final = "account-the-engine-cannot-bear"
CONFLICTS: Final = 6
_RULES: Final = Path(__file__).parents[2] / "rules"
_CHUNK: Final = 20
_NEAR: Final = 100
"""A conflicting copy comes so many payments after the first, so that neither is late."""
_RECEIVED_MS: Final = 1_800_000_000_000
_GIVE_UP_SECONDS: Final = 240.0
Sent = tuple[bytes | None, bool]
"""A record, and whether it is poison."""


@dataclass(frozen=True, slots=True)
class Stream:
    """Records in the order they are sent, and what the embedded run says of the good ones."""

    rules: Path
    records: list[Sent]
    expected: dict[str, Standing]
    accepted: int

    def chunks(self, size: int = 50) -> Iterator[tuple[SourceState, list[RawRecord]]]:
        """Give the good records as intake would read them from one partition."""
        source = SourceState("all", 0)
        good = [value for value, poison in self.records if not poison]
        for first in range(0, len(good), size):
            part = good[first : first + size]
            yield source, [RawRecord(first + n, _RECEIVED_MS, value) for n, value in enumerate(part)]

    @property
    def poison(self) -> dict[bytes | None, str]:
        """Every bad value, and the name of its refusal."""
        return {**dict(BAD.values()), _planted(): "not_json"}


def _planted() -> bytes:
    return b"?" * REFUSED_BYTES


def make_stream(folder: Path, events: int, seed: int) -> Stream:
    """Make it and ask the embedded run; the rule ``raises`` must have been put into this process."""
    dice = Random(seed)
    folder.mkdir(exist_ok=True)
    generate(GeneratorSettings(seed=seed, events=events, duplicates=0.01), folder / "stream")
    rules = folder / "rules"
    shutil.copytree(_RULES, rules)
    shutil.copytree(folder / "stream" / "lists", rules / "lists", dirs_exist_ok=True)
    (rules / "raises.yaml").write_text(RULE)
    payments = (folder / "stream" / "payments.jsonl").read_bytes().splitlines()
    extra = _extra(payments, dice)
    (folder / "stream" / "extra.jsonl").write_bytes(b"".join(line + b"\n" for _, line in extra))
    url = f"sqlite:///{folder / 'expected.db'}"
    expected = embedded(folder / "stream", rules, url)
    with open_store(url) as store:
        accepted = sum(each.accepted for each in ingest_totals(store))
    placed: list[tuple[float, Sent]] = [(at, (line, False)) for at, line in extra]
    for path in sorted((folder / "stream").glob("*.jsonl")):
        if path.name != "extra.jsonl":
            lines = path.read_bytes().splitlines()
            placed += [(n / len(lines), (line, False)) for n, line in enumerate(lines)]
    bad = [*(raw for raw, _ in BAD.values()), _planted()]
    placed += [(dice.uniform(0.02, 0.9), (raw, True)) for raw in bad]
    placed.sort(key=lambda one: one[0])
    return Stream(rules, [sent for _, sent in placed], expected, accepted)


def _extra(payments: list[bytes], dice: Random) -> list[tuple[float, bytes]]:
    """Give other contents under the ids of some payments, and a payment to the account that ends the engine.

    Half of the other contents are about another payment and win: what a status said of the first one is withdrawn.
    """
    known, total = [msgspec.json.decode(line) for line in payments], len(payments)
    told = {one.get("payment_id") for one in known if one["event_type"] == "payment_status"}
    early = [n for n in range(total // 20, total // 2) if known[n]["event_type"] == "payment"]
    withdrawn = dice.sample([n for n in early if known[n]["payment_id"] in told], CONFLICTS // 2)
    amended = dice.sample(early, CONFLICTS // 2)
    extra = [((n + _NEAR) / total, _other_payment(known[n])) for n in withdrawn]
    extra += [
        ((n + _NEAR) / total, msgspec.json.encode({**known[n], "amount_minor": known[n]["amount_minor"] + 1}))
        for n in amended
        if n not in withdrawn
    ]
    fatal = {**known[early[-1]], "event_id": "fatal", "payment_id": "fatal", "creditor": {"account_token": UNBEARABLE}}
    fatal.pop("uetr", None)
    extra.append((early[-1] / total, msgspec.json.encode(fatal)))
    return sorted(extra)


def _other_payment(known: dict[str, object]) -> bytes:
    """Give another payment under the same event id, whose digest is the smaller one."""

    def digest(line: bytes) -> int:
        return digest_of(decode_event(line, _RECEIVED_MS, Limits())[0])

    mine = digest(msgspec.json.encode(known))
    changed = (msgspec.json.encode({**known, "payment_id": f"other-{number}"}) for number in count())
    return next(line for line in changed if digest(line) < mine)


def allow_large_records(bootstrap: str) -> None:
    """One kind of poison is larger than the topic takes."""
    admin = KafkaAdminClient(bootstrap_servers=bootstrap)
    admin.alter_configs([ConfigResource(ConfigResourceType.TOPIC, PAYMENTS, {"max.message.bytes": str(4 << 20)})])
    admin.close()


class Feeder(threading.Thread):
    """Sends the records at a steady rate until told to hurry; what was not acknowledged is sent again, as producers do."""

    def __init__(self, bootstrap: str, records: list[Sent], seconds: float) -> None:
        """``seconds`` is how long it takes when nobody hurries it."""
        super().__init__(daemon=True)
        self._servers, self._records = bootstrap, records
        self._pause = seconds * _CHUNK / max(1, len(records))
        self.hurry = threading.Event()
        self.fault: BaseException | None = None
        self.again = 0
        """Chunks that were sent again."""

    def run(self) -> None:
        """Send everything, or leave word why not."""
        try:
            self._run()
        except Exception as fault:  # noqa: BLE001 - told by the main thread
            self.fault = fault

    def _run(self) -> None:
        producer = None
        for chunk in self._chunks():
            until = time.monotonic() + _GIVE_UP_SECONDS
            while True:
                try:
                    producer = producer or self._connect()
                    self._send(producer, chunk)
                    break
                except KafkaError:
                    if time.monotonic() > until:
                        raise
                    self.again += 1
                    if producer is not None:
                        with suppress(KafkaError):
                            producer.close(timeout=1)
                        producer = None
                    time.sleep(1)
            self.hurry.wait(self._pause)
        if producer is not None:
            producer.close(timeout=5)

    def _chunks(self) -> Iterator[list[Sent]]:
        for first in range(0, len(self._records), _CHUNK):
            yield self._records[first : first + _CHUNK]

    def _connect(self) -> KafkaProducer:
        return KafkaProducer(
            bootstrap_servers=self._servers, acks="all", linger_ms=5, max_request_size=4 << 20, request_timeout_ms=8_000,
            delivery_timeout_ms=25_000, max_block_ms=20_000,
        )  # fmt: skip

    def _send(self, producer: KafkaProducer, chunk: list[Sent]) -> None:
        waiting = []
        for number, (value, poison) in enumerate(chunk):
            # A tombstone needs a key.
            topic, key = (PAYMENTS, b"bad %d" % number) if poison or value is None else route(value)[:2]
            waiting.append(producer.send(topic, value, key))
        producer.flush(timeout=60)
        for one in waiting:
            one.get(timeout=1)
