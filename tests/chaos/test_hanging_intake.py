"""An intake whose fetches hang does not look idle: it knows nothing new, so its watermark must not follow the wall clock."""

import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final, NamedTuple

import pytest

from streams.agents.wall import now_ms
from streams.clock import MINUTE_MS, to_datetime
from streams.legs import unpack
from streams.settings.topics import ACTIVITY
from tests.rig.cluster import Cluster
from tests.rig.kafka import KafkaBroker
from tests.rig.postgres import PostgresServer
from tests.rig.process import wait_until
from tests.rig.proxy import Proxy, kafka_names
from tests.rig.samples import PAYMENT, changed
from tests.rig.settings import BROKEN
from tests.rig.topics import read_committed
from tests.rig.troubled import COMMAND

pytestmark = pytest.mark.integration

RULES: Final = Path(__file__).parents[2] / "rules"
SOURCE: Final = "payments/0"
HANG_SECONDS: Final = 8
SLACK_MS: Final = 4_000
"""Idle for a second, told once a second, and what was under way when the hand fell."""


class Hanging(NamedTuple):
    """An intake that reads through a proxy; ``told`` is the newest watermark of a source in the log."""

    cluster: Cluster
    proxy: Proxy
    told: Callable[[], int]


@pytest.fixture
def hanging(request: pytest.FixtureRequest, postgres: PostgresServer, tmp_path: Path) -> Iterator[Hanging]:
    with (
        Proxy(kafka_names) as proxy,
        KafkaBroker(proxy.port) as broker,
        Cluster(broker.bootstrap, postgres.create_database(), tmp_path, 1) as cluster,
    ):
        proxy.target = broker.proxied_port
        cluster.settings |= {"PAYWEIR_HISTORY": "false", "PAYWEIR_INTAKE_IDLE_SECONDS": "1"}
        cluster.prepare(RULES)
        settings = {"PAYWEIR_BOOTSTRAP": f"127.0.0.1:{proxy.port}", BROKEN: request.param}
        cluster.start("intake", "intake", COMMAND, settings)

        def told() -> int:
            packed = [unpack(value) for _, value in read_committed(broker.bootstrap, ACTIVITY, 0)]
            return max((each.watermarks.get(SOURCE, 0) for each in packed), default=0)

        yield Hanging(cluster, proxy, told)


def _hang(hanging: Hanging) -> tuple[int, int]:
    """Hold back every fetch for a while; gives when that began and the watermark at its end."""
    wait_until(lambda: hanging.told() > now_ms() - MINUTE_MS - SLACK_MS, 60, "the idle source follows the wall clock")
    hanging.proxy.hold = "Fetch"
    wait_until(lambda: hanging.proxy.done["Fetch"] > 0, 30, "a fetch hangs")
    began = now_ms()
    unread = hanging.cluster.folder / "unread.jsonl"
    moment = to_datetime(began - 2 * MINUTE_MS).isoformat()
    times = dict.fromkeys(("event_time", "initiated_at", "accepted_at", "settled_at"), moment)
    unread.write_bytes(b"".join(changed(PAYMENT, event_id=f"e{n}", **times) + b"\n" for n in range(40)))
    hanging.cluster.run("produce", str(unread), "--round-robin")
    time.sleep(max(0, HANG_SECONDS - (now_ms() - began) / 1000))
    return began, hanging.told()


@pytest.mark.parametrize("hanging", [""], indirect=True)
def test_a_hanging_fetch_holds_the_watermark_and_all_is_read_when_it_goes_on(hanging: Hanging) -> None:
    began, told = _hang(hanging)
    assert told <= began - MINUTE_MS + SLACK_MS
    hanging.cluster.check_alive()
    hanging.proxy.hold = ""
    hanging.proxy.reset()
    hanging.cluster.run("produce", str(hanging.cluster.folder / "unread.jsonl"), "--end", "--wait", "60")
    wait_until(lambda: hanging.told() > began - MINUTE_MS + HANG_SECONDS * 1000, 60, "the watermark goes on")


@pytest.mark.parametrize("hanging", ["a hanging fetch looks idle"], indirect=True)
def test_a_build_in_which_a_hanging_fetch_looks_idle_is_found_out(hanging: Hanging) -> None:
    began, told = _hang(hanging)
    assert told > began - MINUTE_MS + SLACK_MS
