"""kafka-python clients for the tools: topics, publishing, feeding. Workers do not use them.

Whoever calls these is a person or a script at a terminal: a broker that does not answer is said within ten seconds.
"""

import logging
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Final

from kafka import KafkaAdminClient, KafkaConsumer, KafkaProducer
from kafka.errors import BrokerResponseError, KafkaError, RetriableError, UnknownTopicOrPartitionError

from streams.agents.security import client_security
from streams.errors import BrokerUnreachable, TopicError
from streams.settings import SecurityProtocol, Settings

ANSWER_SECONDS_MAX: Final = 8.0
"""Leaves two of the ten seconds for closing."""
_MS: Final = int(ANSWER_SECONDS_MAX * 1000)
_CLOSE_SECONDS: Final = 1.0
_CONNECT_SECONDS: Final = 2.0
_AGAIN_SECONDS: Final = 0.25
_SILENT: Final = logging.NullHandler()


def servers(bootstrap: str) -> list[str]:
    """Give the addresses one by one."""
    return [address.strip() for address in bootstrap.split(",")]


@contextmanager
def reaching(settings: Settings) -> Iterator[None]:
    """Turn the client's errors into ours: BrokerUnreachable when it may help to try again, TopicError when it may not."""
    # What kafka-python logs on the way comes as one of our errors; a program that set up logging still gets it.
    logging.getLogger("kafka").addHandler(_SILENT)
    bootstrap = settings.bootstrap
    try:
        yield
    except UnknownTopicOrPartitionError as error:
        raise TopicError(f"{bootstrap}: a topic is missing; run: payweir topics create") from error
    except BrokerResponseError as error:
        if isinstance(error, RetriableError):
            raise _unreachable(settings, error) from error
        raise TopicError(f"{bootstrap}: the broker refuses: {_said(error)}") from error
    except KafkaError as error:
        raise _unreachable(settings, error) from error


@contextmanager
def admin_client(settings: Settings) -> Iterator[KafkaAdminClient]:
    """Give an admin client that is connected. Raises BrokerUnreachable or TopicError, also for what happens inside."""
    with reaching(settings):
        client = KafkaAdminClient(
            **_found(settings),
            request_timeout_ms=_MS,
            client_id="payweir-tools",
        )
        try:
            yield client
        finally:
            client.close()


@contextmanager
def committed_reader(settings: Settings) -> Iterator[KafkaConsumer]:
    """Give a consumer without a group that sees committed records only. Raises like ``admin_client``."""
    with reaching(settings):
        client = KafkaConsumer(
            **_found(settings), request_timeout_ms=_MS,
            client_id="payweir-tools", isolation_level="read_committed", enable_auto_commit=False, group_id=None,
        )  # fmt: skip
        try:
            yield client
        finally:
            with suppress(KafkaError):
                client.close()


@contextmanager
def feeding_producer(settings: Settings) -> Iterator[KafkaProducer]:
    """Give an idempotent producer that waits for all replicas. Raises like ``admin_client``."""
    with reaching(settings):
        client = KafkaProducer(
            **_found(settings), client_id="payweir-produce", acks="all",
            enable_idempotence=True, linger_ms=20, batch_size=1 << 17, allow_auto_create_topics=False, max_block_ms=_MS,
            delivery_timeout_ms=30_000, request_timeout_ms=10_000, max_request_size=1 << 20,
        )  # fmt: skip
        try:
            yield client
        finally:
            _close(client)


@contextmanager
def transaction(settings: Settings, transactional_id: str) -> Iterator[KafkaProducer]:
    """Give a producer that has fenced every other of its id; the caller begins and commits. Raises like ``admin_client``.

    The time-out is short: an open transaction holds back every reader of the activity topic.
    """
    with reaching(settings):
        client = KafkaProducer(
            **_found(settings), client_id="payweir-publish", acks="all",
            enable_idempotence=True, transactional_id=transactional_id, transaction_timeout_ms=15_000,
            allow_auto_create_topics=False, max_block_ms=_MS, delivery_timeout_ms=12_000, request_timeout_ms=5_000,
            max_request_size=1 << 20,
        )  # fmt: skip
        try:
            client.init_transactions()
            yield client
        finally:
            _close(client)


def _found(settings: Settings) -> dict[str, object]:
    """Where the broker is and how to talk to it."""
    security = client_security(settings)
    return {
        "bootstrap_servers": servers(settings.bootstrap), "bootstrap_timeout_ms": _knock(settings.bootstrap), **security
    }  # fmt: skip


def _knock(bootstrap: str) -> int:
    """Wait until someone listens, and give the milliseconds left for an answer; raises BrokerUnreachable.

    kafka-python leaves the sockets of refused connections open (3.0.12), so it is not asked to try.
    """
    deadline = time.monotonic() + ANSWER_SECONDS_MAX
    while True:
        for address in servers(bootstrap):
            host, _, port = address.rpartition(":")
            left = deadline - time.monotonic()
            try:
                with socket.create_connection(
                    (host.strip("[]"), int(port)), timeout=max(0.1, min(left, _CONNECT_SECONDS))
                ):
                    return max(1000, int((deadline - time.monotonic()) * 1000))
            except OSError as error:
                fault = error
            if time.monotonic() + _AGAIN_SECONDS > deadline:
                raise BrokerUnreachable(
                    f"{bootstrap}: no Kafka broker answers ({fault}); check the address and the broker"
                ) from fault
        time.sleep(_AGAIN_SECONDS)


def partition_counts(admin: KafkaAdminClient, topics: tuple[str, ...]) -> dict[str, int]:
    """Give the number of partitions of each topic that exists."""
    described = admin.describe_topics(list(topics))
    return {one["name"]: len(one["partitions"]) for one in described if not one["error_code"]}


def _close(client: KafkaProducer) -> None:
    with suppress(KafkaError):
        client.close(timeout=_CLOSE_SECONDS)


def _unreachable(settings: Settings, error: KafkaError) -> BrokerUnreachable:
    """A broker that does not know us hangs up, and the client only says that it could not begin."""
    protocol = settings.security_protocol
    what = "the address and the broker"
    if protocol is not SecurityProtocol.PLAINTEXT:
        what += f", and what we show it ({protocol}): sasl_user and password, certificate, kafka_ca_file"
    return BrokerUnreachable(f"{settings.bootstrap}: no Kafka broker answers ({_said(error)}); check {what}")


def _said(error: KafkaError) -> str:
    """Kafka's own words, without the class name twice."""
    name = type(error).__name__
    text = str(error).removeprefix(f"{name}: ").strip()
    return text or name


__all__ = [
    "admin_client", "committed_reader", "feeding_producer", "partition_counts", "reaching", "servers",
    "transaction",
]  # fmt: skip
