"""TLS, users and rights: every role works with its own rights and with no more, and no secret is said anywhere."""

import subprocess
from collections.abc import Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

import pytest
from kafka import KafkaProducer, TopicPartition
from kafka.errors import TopicAuthorizationFailedError

from streams.agents.acls import Right, allow, read_rights
from streams.agents.clients import committed_reader, feeding_producer, transaction
from streams.agents.security import client_security
from streams.agents.topics import create
from streams.errors import SettingError, TopicError, UsageError
from streams.settings import Settings, load_settings
from streams.settings.topics import ACTIVITY, ALERTS, DEAD_LETTERS, RULESETS, SNAPSHOTS, SOURCES
from tests.integration.test_kafka_equals_embedded import make_stream
from tests.rig.certificates import Authority, Pair
from tests.rig.cluster import COMMAND, Cluster
from tests.rig.secured import SecuredBroker, SecuredPostgres

pytestmark = pytest.mark.integration

ACLS = Path(__file__).parents[2] / "deploy" / "kafka" / "acls.yaml"
TOPICS = (*SOURCES, ACTIVITY, ALERTS, DEAD_LETTERS, RULESETS, SNAPSHOTS)
EVENTS = 2_000
PARTITIONS = 2
STORE_PASSWORD = "a-store-secret"


class Secured(NamedTuple):
    """A broker and a store that ask who comes, and what each user shows."""

    broker: SecuredBroker
    store: SecuredPostgres
    authority: Authority
    folder: Path
    passwords: Mapping[str, str]
    detect: Pair

    def by_password(self, user: str, **other: str) -> dict[str, str]:
        """Settings of a user who comes with a password."""
        path = self.folder / f"{user}.password"
        path.write_text(f"{self.passwords.get(user, 'unknown')}\n")
        return {
            "PAYWEIR_BOOTSTRAP": self.broker.bootstrap, "PAYWEIR_SECURITY_PROTOCOL": "sasl_ssl",
            "PAYWEIR_KAFKA_CA_FILE": str(self.authority.certificate), "PAYWEIR_SASL_USER": user,
            "PAYWEIR_SASL_PASSWORD_FILE": str(path), **other,
        }  # fmt: skip

    def by_certificate(self, pair: Pair) -> dict[str, str]:
        """Settings of a user who comes with a certificate."""
        return {
            "PAYWEIR_BOOTSTRAP": self.broker.mutual, "PAYWEIR_SECURITY_PROTOCOL": "ssl",
            "PAYWEIR_KAFKA_CA_FILE": str(self.authority.certificate), "PAYWEIR_KAFKA_CERTIFICATE_FILE": str(pair.certificate),
            "PAYWEIR_KAFKA_KEY_FILE": str(pair.key),
        }  # fmt: skip


@pytest.fixture(scope="module")
def secured(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Secured]:
    folder = tmp_path_factory.mktemp("secured")
    authority = Authority(folder)
    users = {"admin", *(right.user for right in read_rights(ACLS))}
    passwords = {user: f"secret-of-{user}" for user in users}
    with (
        SecuredBroker(authority, passwords, folder) as broker,
        SecuredPostgres(authority, "payweir", STORE_PASSWORD) as store,
    ):
        made = Secured(broker, store, authority, folder, passwords, authority.sign("payweir-detect"))
        admin = load_settings({"partitions": PARTITIONS}, made.by_password("admin"))
        create(admin)
        assert all(one.made for one in allow(admin, read_rights(ACLS)))
        assert not any(one.made for one in allow(admin, read_rights(ACLS)))
        yield made


@pytest.fixture
def cluster(secured: Secured, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Cluster]:
    monkeypatch.setenv("PGPASSWORD", STORE_PASSWORD)
    url = secured.store.secured_url(secured.authority.sign("payweir"))
    with Cluster(secured.broker.bootstrap, url, tmp_path, PARTITIONS) as made:
        made.settings |= secured.by_password("admin")
        yield made


def test_each_role_with_its_own_rights_stores_what_the_embedded_run_stores(
    secured: Secured, cluster: Cluster, tmp_path: Path
) -> None:
    stream = make_stream(tmp_path, EVENTS)
    assert "payweir-intake: read topics payments (was there)" in cluster.run("topics", "allow", str(ACLS))
    cluster.settings |= secured.by_password("payweir-operator")
    cluster.prepare(stream.rules)
    for role in ("intake", "record"):
        cluster.settings |= secured.by_password(f"payweir-{role}")
        cluster.start(role, role)
    operator = dict(cluster.settings) | secured.by_password("payweir-operator")
    cluster.settings = {
        name: text for name, text in cluster.settings.items() if "SASL" not in name
    } | secured.by_certificate(secured.detect)
    cluster.start("detect", "detect")
    cluster.settings = operator | secured.by_password("payweir-feed")
    cluster.run("produce", *stream.files)
    cluster.settings = operator
    cluster.run("produce", stream.files[0], "--end", "--wait", "60")
    cluster.wait_for(stream.expected)
    for name in list(cluster.workers):
        cluster.stop(name)
    said = "".join(path.read_text() for path in tmp_path.glob("*.log"))
    assert not [each for each in (*secured.passwords.values(), STORE_PASSWORD) if each in said]


def test_every_user_may_do_what_the_file_says_and_nothing_else(secured: Secured) -> None:
    fill(settings(secured.by_password("admin")))
    rights = read_rights(ACLS)
    for user in sorted({right.user for right in rights}):
        own = settings(secured.by_password(user))
        for operation, found in (("read", readable(own)), ("write", writable(own))):
            allowed = {topic for topic in TOPICS if Right(user, "topics", topic, operation) in rights}
            assert found == allowed, f"{user} can {operation} {found}, the file says {allowed}"
    assert readable(settings(secured.by_certificate(secured.detect))) == {ACTIVITY, RULESETS, SNAPSHOTS}


def test_a_worker_cannot_take_anothers_transactions(secured: Secured) -> None:
    with (
        pytest.raises(TopicError, match="Authorization"),
        transaction(settings(secured.by_password("payweir-record")), "payweir-detect-0"),
    ):
        pass


BAD = {
    "a wrong password": ({"PAYWEIR_SASL_USER": "nobody"}, 3, "what we show it (sasl_ssl): sasl_user and password"),
    "an authority that did not sign": ({"PAYWEIR_KAFKA_CA_FILE": "{other}"}, 3, "kafka_ca_file"),
    "no password file": ({"PAYWEIR_SASL_PASSWORD_FILE": "/nowhere"}, 2, "sasl_password_file: /nowhere cannot be read"),
    "no authority's file": ({"PAYWEIR_KAFKA_CA_FILE": "/nowhere"}, 2, "kafka_ca_file: /nowhere cannot be used"),
}


@pytest.mark.parametrize("case", BAD)
def test_who_cannot_come_in_is_told_why_and_no_secret_is_said(secured: Secured, tmp_path: Path, case: str) -> None:
    changed, code, words = BAD[case]
    other = Authority(tmp_path, "other").certificate
    told = {name: text.format(other=other) for name, text in changed.items()}
    with Cluster(secured.broker.bootstrap, "sqlite://", tmp_path) as cluster:
        cluster.settings |= secured.by_password("payweir-intake") | told
        done = subprocess.run(
            [*COMMAND, "topics", "check"],
            env=cluster.environment(),
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )
    assert (done.returncode, done.stdout) == (code, ""), done.stderr
    assert words in done.stderr
    assert "Traceback" not in done.stderr
    assert secured.passwords["payweir-intake"] not in done.stderr


def test_a_store_without_password_or_certificate_is_not_reached(
    cluster: Cluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PGPASSWORD", "wrong")
    bare = cluster.store_url.partition("&sslcert")[0]
    for url, words in ((cluster.store_url, "password authentication failed"), (bare, "certificate")):
        done = subprocess.run(
            [*COMMAND, "store", "check", "--store", url],
            env=cluster.environment(),
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 3
        assert words in done.stderr


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("[]", "must be names"),
        ("a: {topic: {x: [read]}}", "there is no kind 'topic'"),
        ("a: {topics: {x: read}}", "write a list of operations"),
        ("a: {topics: {x: [delete]}}", "there is no operation 'delete'"),
        ("a: [", "cannot be read"),
    ],
)
def test_a_file_of_rights_that_is_not_understood_is_refused_by_its_place(tmp_path: Path, text: str, words: str) -> None:
    path = tmp_path / "acls.yaml"
    path.write_text(text)
    with pytest.raises(UsageError, match=words):
        read_rights(path)


def test_a_key_that_does_not_belong_to_the_certificate_is_said(tmp_path: Path) -> None:
    authority = Authority(tmp_path)
    first, second = authority.sign("first"), authority.sign("second")
    mixed = load_settings(
        environment={
            "PAYWEIR_SECURITY_PROTOCOL": "ssl", "PAYWEIR_KAFKA_CERTIFICATE_FILE": str(first.certificate),
            "PAYWEIR_KAFKA_KEY_FILE": str(second.key),
        }
    )  # fmt: skip
    with pytest.raises(SettingError, match=r"^kafka_certificate_file: "), feeding_producer(mixed):
        pass


def settings(environment: dict[str, str]) -> Settings:
    return load_settings(environment=environment)


def fill(admin: Settings) -> None:
    """Put a record into each topic, so that who may read finds one at once."""
    with feeding_producer(admin) as producer:
        for topic in TOPICS:
            producer.send(topic, b"x", key=b"x", partition=0).get(timeout=20)


def readable(own: Settings) -> set[str]:
    """Topics from which a record comes back; anything but a refusal for the others is an error."""
    found = set()
    for topic in TOPICS:
        with suppress(TopicError), committed_reader(own) as consumer:
            if not consumer.partitions_for_topic(topic):
                continue  # it may not even know that the topic is there
            place = TopicPartition(topic, 0)
            consumer.assign([place])
            consumer.seek(place, 0)
            assert any(consumer.poll(timeout_ms=500) for _ in range(20)), (
                f"{own.sasl_user} {topic}: no record, no refusal"
            )
            found.add(topic)
    return found


def writable(own: Settings) -> set[str]:
    """Topics that take a record; not idempotent, because such a producer gives up for good after its first refusal."""
    found = set()
    producer = KafkaProducer(
        bootstrap_servers=own.bootstrap, enable_idempotence=False, max_block_ms=20_000, **client_security(own)
    )
    try:
        for topic in TOPICS:
            with suppress(TopicAuthorizationFailedError):
                producer.send(topic, b"x", key=b"x", partition=0).get(timeout=20)
                found.add(topic)
    finally:
        producer.close(timeout=1)
    return found
