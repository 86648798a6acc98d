"""Texts of rulesets by digest, from their compacted topic."""

import asyncio
import json
from hashlib import sha256

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import KafkaError

from streams.agents.config import TransportConfig
from streams.detection.check import check_files
from streams.detection.program import Programs, compile_ruleset
from streams.errors import BrokerUnreachable, RulesetRefused
from streams.settings.topics import RULESETS
from streams.telemetry.metrics import Metrics

READ_SECONDS_MAX = 30.0


class RulesetLibrary(dict[str, Programs]):
    """Compiled rulesets by digest; ``load`` reads what is not there yet."""

    def __init__(self, config: TransportConfig, metrics: Metrics) -> None:
        """Connects at ``load``."""
        super().__init__()
        self._config, self._metrics = config, metrics

    async def load(self, digest: str) -> None:
        """Make a ruleset available. Raises BrokerUnreachable, or RulesetRefused when the topic lacks it or it cannot be used."""
        if digest in self:
            return
        try:
            text = (await asyncio.wait_for(self._texts(), READ_SECONDS_MAX)).get(digest)
        except (KafkaError, TimeoutError) as fault:
            message = f"{self._config.bootstrap}: the rulesets topic cannot be read: {fault!r}"
            raise BrokerUnreachable(message) from fault
        if text is None or sha256(text.encode()).hexdigest() != digest:
            raise self._refused(f"{digest[:12]} is in the activity log but not in the rulesets topic; publish it again")
        ruleset, findings = check_files(json.loads(text))
        if ruleset is None:
            raise self._refused(f"{digest[:12]} was published by another version of Payweir: {findings.errors[0]}")
        self[digest] = compile_ruleset(ruleset)

    def _refused(self, why: str) -> RulesetRefused:
        self._metrics.ruleset_refused.inc()
        return RulesetRefused(f"ruleset {why}")

    async def _texts(self) -> dict[str, str]:
        consumer = AIOKafkaConsumer(
            bootstrap_servers=self._config.servers, enable_auto_commit=False, isolation_level="read_committed",
            **self._config.security,
        )  # fmt: skip
        await consumer.start()
        try:
            partition = TopicPartition(RULESETS, 0)
            consumer.assign([partition])
            await consumer.seek_to_beginning(partition)
            end = (await consumer.end_offsets([partition]))[partition]
            texts: dict[str, str] = {}
            while await consumer.position(partition) < end:
                for records in (await consumer.getmany(timeout_ms=500)).values():
                    texts |= {one.key.decode(): one.value.decode() for one in records if one.key and one.value}
            return texts
        finally:
            await consumer.stop()
