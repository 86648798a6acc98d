"""What the three roles share: the plan of a worker."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from streams.agents.config import TransportConfig
from streams.clock import DAY_MS
from streams.pipeline.intake import Intake
from streams.settings.topics import ACTIVITY, ALERTS, SOURCES
from streams.telemetry.metrics import Metrics

TOPICS_OF: Final = {"intake": SOURCES, "detect": (ACTIVITY,), "record": (ALERTS,)}
DETECT_BYTES_MAX: Final = 1 << 18
"""Bytes in one batch of detect: some thousand legs, in one packed record of a backlog or in many small ones of live traffic."""


@dataclass(frozen=True, slots=True)
class Plan:
    """What a worker needs beside the broker's address. Times in milliseconds unless the name says otherwise."""

    prefix: str
    bootstrap: str
    partitions: int
    epoch: int = 1
    lateness_ms: int = 3 * DAY_MS
    history: bool = False
    """Idle sources stand still instead of following the wall clock."""
    idle_seconds: float = 5.0
    session_timeout_seconds: float = 15.0
    snapshot_seconds: float = 30.0
    instance_id: str | None = None
    security: Mapping[str, object] = field(default_factory=dict, repr=False)
    """Options of every client, with the password in them."""
    intake: Intake = field(default_factory=Intake)
    metrics: Metrics = field(default_factory=Metrics)

    def transport(self, role: str) -> TransportConfig:
        """Give the transport's configuration of a role."""
        return TransportConfig(
            prefix=self.prefix, role=role, bootstrap=self.bootstrap, topics=TOPICS_OF[role],
            batch_bytes_max=DETECT_BYTES_MAX if role == "detect" else 1 << 20,
            session_timeout_seconds=self.session_timeout_seconds, instance_id=self.instance_id, security=self.security,
        )  # fmt: skip
