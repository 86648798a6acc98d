"""What one role needs to know about Kafka; the caller fills it from settings, nothing here reads the environment."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from streams.errors import SettingError


@dataclass(frozen=True, slots=True)
class TransportConfig:
    """How a worker of one role reads and writes.

    Bounds exist so that a worker's memory does not depend on the length of a backlog: at most
    ``batches_ahead_max`` batches per topic are delivered and not finished, and aiokafka holds at most one fetched block
    of ``fetch_bytes_max`` per partition behind them.
    """

    prefix: str
    role: str
    bootstrap: str
    topics: tuple[str, ...]
    batch_records_max: int = 1000
    batch_bytes_max: int = 1 << 20
    batches_ahead_max: int = 2
    fetch_bytes_max: int = 1 << 20
    # The broker gathers so much, or so long: live traffic then travels in batches too. aiokafka keeps one fetch per broker in
    # flight, so a partition with news waits behind an idle one at most this long.
    fetch_bytes_min: int = 1 << 16
    fetch_wait_ms: int = 50
    # 0: only explicit commits.
    commit_seconds: float = 1.0
    # How long a rebalance or a stop waits for the batch in hand before it is abandoned.
    settle_seconds: float = 5.0
    session_timeout_seconds: float = 15.0
    heartbeat_seconds: float = 3.0
    rebalance_timeout_seconds: float = 30.0
    request_timeout_seconds: float = 30.0
    linger_ms: int = 5
    instance_id: str | None = None
    # Passed to aiokafka as it is: security_protocol, ssl_context, sasl_mechanism and so on.
    security: Mapping[str, object] = field(default_factory=dict, repr=False)

    def __post_init__(self) -> None:
        if not self.topics:
            raise SettingError("topics: a role reads at least one topic")
        if min(self.batch_records_max, self.batch_bytes_max, self.batches_ahead_max, self.fetch_bytes_max) < 1:
            raise SettingError("batch and fetch bounds: each is at least 1")
        if self.session_timeout_seconds > self.request_timeout_seconds:
            raise SettingError("session_timeout_seconds: not above request_timeout_seconds")

    @property
    def group(self) -> str:
        """Consumer group: one per role, so that a stalled store does not stall detection."""
        return f"{self.prefix}-{self.role}"

    @property
    def servers(self) -> list[str]:
        """The bootstrap addresses one by one."""
        return [address.strip() for address in self.bootstrap.split(",")]
