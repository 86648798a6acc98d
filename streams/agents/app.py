"""The Faust app of one role: everything switched off that Faust would do wrong or that we do not use."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Coroutine
from functools import wraps
from typing import Any, NoReturn, cast

import faust
from faust import streams as faust_streams
from faust.app.base import BootStrategy
from faust.transport import conductor as faust_conductor

from streams.agents.batch import Batch, Stopped
from streams.agents.config import TransportConfig
from streams.agents.delivery import Handle
from streams.agents.guard import AgentGuard
from streams.agents.positions import StartOffsets
from streams.agents.producer import Sender
from streams.agents.retry import TRANSIENT, die
from streams.agents.rulesets import RulesetLibrary
from streams.agents.snapshots import SnapshotTopic
from streams.agents.transport import BatchConsumer, BatchTransport
from streams.errors import SettingError
from streams.telemetry.metrics import Metrics
from streams.telemetry.spans import NO_SPANS, Spans

logger = logging.getLogger(__name__)

# The agent's queue never fills: the consumer bounds what is ahead, and a full queue would block it in a rebalance.
QUEUE_MAX = 4096


class ConsumerOnly(BootStrategy):
    """Starts neither Faust's producer (we have our own) nor its web server (no authentication, tables in the open)."""

    enable_kafka_producer = False
    enable_web = False


class DeliveryApp(faust.App):
    """A Faust app whose delivery is ours; see ``streams.agents.transport``."""

    BootStrategy = ConsumerOnly

    def __init__(
        self, config: TransportConfig, start_offsets: StartOffsets | None, spans: Spans, **options: object
    ) -> None:
        self.delivery = config
        self.spans = spans
        self.sender = Sender(config, spans=spans)
        self.start_offsets = start_offsets
        self.faults = 0
        """Attempts at a batch at which a service was away."""
        self.from_start: list[Callable[[], Coroutine[Any, Any, None]]] = []
        """Run beside everything else from the start on; Faust's own tasks wait for the first assignment."""
        self.last_words: Callable[[], Awaitable[None]] | None = None
        """Awaited when a drained worker is about to leave."""
        self.at_stop: Callable[[], Awaitable[None]] | None = None
        """Awaited after the last commit of a clean stop."""
        super().__init__(config.group, **cast("dict[str, Any]", options))
        self.on_rebalance_complete.connect(self._open_term, weak=False)

    @property
    def positions(self) -> BatchConsumer:
        """The consumer, which keeps the positions; there from the worker's start."""
        return cast("BatchConsumer", self.consumer)

    def attach(
        self, handle: Handle, transient: tuple[type[Exception], ...] = TRANSIENT, metrics: Metrics | None = None
    ) -> None:
        """Make the one agent of this app, guarded, over all its topics; ``metrics`` hear of every batch."""

        @wraps(handle)
        async def attempt(batch: Batch) -> None:
            try:
                await handle(batch)
            except transient:
                self.faults += 1
                raise

        guard = AgentGuard(attempt, transient, metrics=metrics, spans=self.spans)
        # Without acks: Faust's compiled stream would keep them in the consumer's own lists, past any override.
        source = self.topic(*self.delivery.topics, key_serializer="raw", value_serializer="raw", acks=False)

        async def run(stream: Any) -> None:  # noqa: ANN401 - Faust finds out by itself what a stream is
            await guard.run(stream, lambda: self.positions)

        self.agent(source, name=self.delivery.role)(run)

    def task(self, fun: Callable[[], Awaitable[None]]) -> object:  # type: ignore[override]  # Faust's takes options of its own
        """Run a coroutine for as long as the worker runs; see ``streams.agents.delivery``."""
        return super().task(self._lasting(fun))

    def _lasting(self, fun: Callable[[], Awaitable[None]]) -> Callable[[], Coroutine[Any, Any, None]]:
        """End the process when a task of ours ends before its time: Faust would drop a cancelled one without a word."""

        @wraps(fun)
        async def run() -> None:
            try:
                await fun()
            except asyncio.CancelledError as stray:
                this = asyncio.current_task()
                if self.should_stop or (this is not None and this.cancelling()):
                    raise
                die(f"{fun.__qualname__}, cancelled by nobody", stray)
            except Stopped:
                logger.debug("%s: the worker stops", fun.__qualname__)
            except Exception as bug:  # noqa: BLE001 - whatever it is, it is a bug
                if not self.should_stop:
                    die(fun.__qualname__, bug)
                logger.warning("%s, while the worker stopped: %r", fun.__qualname__, bug)

        return run

    def rulesets(self, metrics: Metrics) -> RulesetLibrary:
        """Give the rulesets by digest, none read yet."""
        return RulesetLibrary(self.delivery, metrics)

    def snapshots(self, partition: int) -> SnapshotTopic:
        """Give one partition of the snapshots topic, not opened yet."""
        return SnapshotTopic(self.delivery, partition)

    async def _open_term(self, *_: object, **__: object) -> None:
        await self.positions.open_term()

    async def on_start(self) -> None:
        """Begin; called by Faust."""
        await super().on_start()
        for each in self.from_start:
            self.add_future(self._lasting(each)())

    def _new_transport(self) -> BatchTransport:
        return BatchTransport(self.conf.broker_consumer, self)

    def _new_consumer(self) -> BatchConsumer:
        consumer = cast("BatchConsumer", super()._new_consumer())
        consumer.start_offsets = self.start_offsets
        return consumer

    async def _stop_consumer(self) -> None:
        """Finish the batch in hand and commit before Faust takes the agents away."""
        if self._consumer is not None:
            await self.positions.settle()
        await super()._stop_consumer()
        await self.sender.close()
        if self.at_stop is not None:
            await self.at_stop()

    async def _producer_flush(self, logger: logging.Logger) -> None:
        """Nothing to flush: Faust's producer does not run."""

    def _create_directories(self) -> None:
        """Nothing to create: there are no tables."""


def make_app(
    config: TransportConfig, start_offsets: StartOffsets | None = None, spans: Spans = NO_SPANS
) -> DeliveryApp:
    """Make the Faust app of a role in its own consumer group; connects to nothing before it is run.

    Raises SettingError when Faust came without its compiled modules: the pure Python ones treat messages of a past
    generation differently, and nobody tests them with us.
    """
    compiled = vars(faust_streams).get("_CStreamIterator"), vars(faust_conductor).get("ConductorHandler")
    if None in compiled:
        raise SettingError("faust-streaming: its compiled modules are missing or switched off (NO_CYTHON)")
    return DeliveryApp(
        config,
        start_offsets,
        spans,
        broker=[f"kafka://{server}" for server in config.servers],
        broker_session_timeout=config.session_timeout_seconds,
        broker_heartbeat_interval=config.heartbeat_seconds,
        broker_rebalance_timeout=config.rebalance_timeout_seconds,
        broker_request_timeout=config.request_timeout_seconds,
        consumer_auto_offset_reset="earliest",
        # With 0 and no tables Faust takes another assignor; ours is set by hand as well (FetchingThread).
        table_standby_replicas=1,
        store="memory://",
        topic_allow_declare=False,
        topic_disable_leader=True,
        stream_wait_empty=False,
        stream_buffer_maxsize=QUEUE_MAX,
        web_enabled=False,
        web_bind="127.0.0.1",
        worker_redirect_stdouts=False,
    )


def run_worker(app: DeliveryApp, loglevel: str = "INFO") -> NoReturn:
    """Run the app until SIGTERM or SIGINT; ends the process with 0 after a clean stop, 1 or a code of ``retry`` after a fault."""
    faust.Worker(app, loglevel=loglevel, redirect_stdouts=False, override_logging=False).execute_from_commandline()
