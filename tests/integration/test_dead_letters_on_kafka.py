"""``payweir dead-letters`` on a real broker and a real store: list, show, feed again once, and nothing twice."""

import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import cast

import msgspec
import pytest
from kafka import KafkaProducer
from kafka.errors import KafkaTimeoutError
from typer.testing import CliRunner

from streams.agents.deadletters import parse_place, retry
from streams.cli.deadletters import app
from streams.errors import BrokerUnreachable, UsageError
from streams.settings import Settings
from streams.store import open_store
from tests.integration.store_questions import ask
from tests.rig.cluster import COMMAND, Cluster
from tests.rig.kafka import KafkaBroker, end_offsets
from tests.rig.process import wait_until
from tests.rig.samples import PAYMENT, changed
from tests.rig.topics import drop_topics, read_committed

pytestmark = pytest.mark.integration

RULES = Path(__file__).parents[2] / "rules"
BROKEN, NONSENSE, FOREIGN = "payments/0/1", "payments/0/2", "payments/0/3"
LINES = [
    changed(PAYMENT, event_id="good"),
    changed(PAYMENT, event_id="mended", currency="ABC", event_time="2025-12-20T09:00:00Z"),
    b"payment of 5 yuan by 6222020200112233445",
    changed(PAYMENT, event_id="foreign", currency="ABD"),
]


@pytest.fixture(scope="module")
def cluster(kafka: KafkaBroker, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    """A good payment and three refused ones, in the store as well."""
    folder = tmp_path_factory.mktemp("letters")
    drop_topics(kafka.bootstrap)
    with Cluster(kafka.bootstrap, f"sqlite:///{folder / 'payweir.db'}", folder, 2) as made:
        made.settings |= {"PAYWEIR_PREFIX": "letters", "PAYWEIR_SOURCE_PARTITIONS": "1"}
        made.prepare(RULES)
        (folder / "payments.jsonl").write_bytes(b"\n".join(LINES) + b"\n")
        made.run("produce", str(folder / "payments.jsonl"))
        for role in ("intake", "detect", "record"):
            made.start(role, role)
        wait_until(lambda: len(listed(made)) == 3, 60, "the letters are in the store")
        yield made
    drop_topics(kafka.bootstrap)


def listed(cluster: Cluster, *words: str) -> list[str]:
    """The places that a list shows."""
    printed = cluster.run("dead-letters", "list", "--store", cluster.store_url, "--json", *words)
    lines = cast("list[dict[str, object]]", msgspec.json.decode(printed))
    return sorted(f"{one['source_topic']}/{one['source_partition']}/{one['source_offset']}" for one in lines)


def fed(cluster: Cluster, *words: str) -> list[tuple[str, str]]:
    """Feed again; place and result of each."""
    printed = cluster.run("dead-letters", "retry", "--json", *words)
    return [(one["place"], one["result"]) for one in cast("list[dict[str, str]]", msgspec.json.decode(printed))]


def counts(cluster: Cluster) -> list[tuple[object, ...]]:
    with open_store(cluster.store_url) as store:
        names = "found, accepted, late, duplicate, refused, missing"
        return ask(store, f"SELECT {names} FROM v_ingest_reconciliation WHERE source = 'payments/0'")


def code(cluster: Cluster, *words: str, **settings: str) -> tuple[int, str]:
    done = subprocess.run(
        [*COMMAND, "dead-letters", *words],
        env=cluster.environment() | settings, capture_output=True, text=True, check=False, timeout=60,
    )  # fmt: skip
    assert "Traceback" not in done.stderr
    return done.returncode, done.stderr


def test_letters_are_listed_by_source_refusal_and_time(cluster: Cluster) -> None:
    assert {BROKEN, NONSENSE, FOREIGN} <= set(listed(cluster, "--source", "payments/0", "--since", "1h"))
    assert listed(cluster, "--source", "settlements") == []
    assert NONSENSE in listed(cluster, "--refusal", "not_json")
    assert NONSENSE not in listed(cluster, "--refusal", "unknown_currency")


def test_a_letter_is_shown_masked_and_raw_only_when_asked_for(cluster: Cluster) -> None:
    shown = cluster.run("dead-letters", "show", NONSENSE, "--store", cluster.store_url)
    assert "not_json" in shown
    assert "62220202" not in shown
    assert cluster.run("dead-letters", "show", NONSENSE, "--raw").encode() == LINES[2]


def test_a_mended_letter_is_fed_again_once_and_is_not_late(cluster: Cluster, tmp_path: Path) -> None:
    mended = tmp_path / "mended.json"
    mended.write_bytes(changed(PAYMENT, event_id="mended", event_time="2025-12-20T09:00:00Z"))
    assert fed(cluster, BROKEN, "--file", str(mended)) == [(BROKEN, "fed")]
    end = end_offsets(cluster.bootstrap, "payments", 1)
    assert fed(cluster, BROKEN, "--file", str(mended)) == [(BROKEN, "before")]
    assert fed(cluster, BROKEN) == [(BROKEN, "before")]
    assert end_offsets(cluster.bootstrap, "payments", 1) == end
    wait_until(lambda: BROKEN not in listed(cluster, "--open"), 30, "the store knows that it was fed again")
    wait_until(lambda: counts(cluster)[0][1:] == (2, 0, 0, 3, 0), 30, "the mended payment is accepted, and not late")


def test_a_letter_that_is_refused_again_is_a_letter_of_its_own(cluster: Cluster) -> None:
    before = set(listed(cluster))
    assert fed(cluster, "--refusal", "not_json", "--store", cluster.store_url) == [(NONSENSE, "fed")]
    wait_until(lambda: len(listed(cluster)) == len(before) + 1, 30, "the copy is refused")
    (copy,) = set(listed(cluster)) - before
    assert cluster.run("dead-letters", "show", copy, "--raw").encode() == LINES[2]


def test_a_retry_that_is_broken_off_before_the_commit_has_fed_nothing(
    cluster: Cluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = Settings(bootstrap=cluster.bootstrap, prefix="letters", partitions=2)
    place = parse_place(FOREIGN)
    with monkeypatch.context() as broken:

        def gone(_producer: KafkaProducer) -> None:
            raise KafkaTimeoutError("made by the test")

        broken.setattr(KafkaProducer, "commit_transaction", gone)
        broken.setattr(KafkaProducer, "abort_transaction", gone)
        with pytest.raises(BrokerUnreachable):
            retry(settings, [place], None, 0)
    copies = [value for _, value in read_committed(cluster.bootstrap, "payments", 0)].count(LINES[3])
    assert copies == 1
    assert [one.result for one in retry(settings, [place, place], None, 0)] == ["fed"]
    copies = [value for _, value in read_committed(cluster.bootstrap, "payments", 0)].count(LINES[3])
    assert copies == 2


def test_exit_codes_say_what_to_do(cluster: Cluster) -> None:
    assert code(cluster, "retry", "payments/0/0")[0] == 2
    number, said = code(cluster, "retry", NONSENSE, PAYWEIR_BOOTSTRAP="127.0.0.1:1")
    assert (number, "no Kafka broker answers" in said) == (3, True)
    for words in (["retry", "payments/0"], ["retry"], ["show", "payments/0/0", "--store", cluster.store_url]):
        assert isinstance(CliRunner().invoke(app, words).exception, UsageError)
    for command in ("list", "show", "retry"):
        assert "Example: payweir dead-letters" in CliRunner().invoke(app, [command, "--help"]).output
