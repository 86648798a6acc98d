"""All settings: name, default, range and meaning of each, in one place."""

from collections.abc import Iterator
from dataclasses import dataclass, field, fields
from enum import StrEnum
from typing import Final, NamedTuple, cast

from streams.clock import DAY_MS, MINUTE_MS
from streams.errors import SettingError
from streams.settings.kinds import (
    Choice,
    Flag,
    Kind,
    Seconds,
    Span,
    Whole,
    Words,
    is_bootstrap,
    is_host,
    is_instance,
    is_name,
    is_path,
    is_store,
    is_traces,
    is_user,
)

_KIB: Final = 1 << 10
_MIB: Final = 1 << 20
PORT_MAX: Final = (1 << 16) - 1


class LogLevel(StrEnum):
    """From talkative to quiet."""

    DEBUG = "debug"
    INFO = "info"
    WARNING = "warning"
    ERROR = "error"


class LogFormat(StrEnum):
    """Who reads the log: a machine or a person."""

    JSON = "json"
    TEXT = "text"


class SecurityProtocol(StrEnum):
    """How clients talk to Kafka: encrypted or not, with a user or not."""

    PLAINTEXT = "plaintext"
    SSL = "ssl"
    SASL_PLAINTEXT = "sasl_plaintext"
    SASL_SSL = "sasl_ssl"


class SaslMechanism(StrEnum):
    """How a user proves a password to Kafka."""

    SCRAM_SHA_512 = "scram-sha-512"
    SCRAM_SHA_256 = "scram-sha-256"
    PLAIN = "plain"


class Meaning(NamedTuple):
    """What stands beside a setting's default."""

    kind: Kind
    text: str


def _about(kind: Kind, text: str) -> dict[str, Meaning]:
    return {"meaning": Meaning(kind, text)}


@dataclass(frozen=True, slots=True)
class Settings:
    """Everything a process is told from outside. Raises ``SettingError``, naming the setting, for any value out of range.

    In the environment a setting is called ``PAYWEIR_`` and its name in capitals, in the TOML file its name; lengths of time
    (``lateness_ms`` and others on ``_ms``) go without the ``_ms``, because they are written with their unit.
    """

    bootstrap: str = field(
        default="127.0.0.1:9092",
        metadata=_about(Words("host:port, or several with commas", is_bootstrap), "Where the Kafka brokers are."),
    )
    security_protocol: SecurityProtocol = field(
        default=SecurityProtocol.PLAINTEXT,
        metadata=_about(Choice(SecurityProtocol), "How to talk to Kafka; the same for every command."),
    )
    kafka_ca_file: str = field(
        default="",
        metadata=_about(
            Words("a file", is_path), "PEM file of the authorities that sign brokers; the system's unless given."
        ),
    )
    kafka_certificate_file: str = field(
        default="",
        metadata=_about(Words("a file", is_path), "PEM file with our certificate, where brokers ask clients for one."),
    )
    kafka_key_file: str = field(
        default="", metadata=_about(Words("a file", is_path), "PEM file with the key of that certificate.")
    )
    sasl_mechanism: SaslMechanism = field(
        default=SaslMechanism.SCRAM_SHA_512,
        metadata=_about(Choice(SaslMechanism), "How the user proves the password; plain only under TLS."),
    )
    sasl_user: str = field(
        default="", metadata=_about(Words("a user name", is_user), "Who we are to Kafka, under a sasl_ protocol.")
    )
    sasl_password_file: str = field(
        default="",
        metadata=_about(
            Words("a file", is_path),
            "File that holds the user's password and nothing else; read at the start, so that it is in no environment.",
        ),
    )
    instance_id: str = field(
        default="",
        metadata=_about(
            Words("nothing or a name of letters, digits, '.', '_' and '-'", is_instance),
            "A lasting name of this worker, such as its pod's: it keeps its partitions while it restarts. Unique within a role.",
        ),
    )
    prefix: str = field(
        default="payweir",
        metadata=_about(
            Words("a name of letters, digits, '.', '_' and '-'", is_name),
            "Begins the names of consumer groups and transactional ids. Topics carry no prefix.",
        ),
    )
    partitions: int = field(
        default=8,
        metadata=_about(Whole(1, 1024), "Partitions of activity and alerts. Never changed while there is state."),
    )
    source_partitions: int = field(
        default=4, metadata=_about(Whole(1, 1024), "Partitions of a source topic that is made because it is missing.")
    )
    replication_factor: int = field(
        default=1, metadata=_about(Whole(1, 32), "Copies of every partition; 3 in production, 1 with a single broker.")
    )
    activity_retention_ms: int = field(
        default=7 * DAY_MS,
        metadata=_about(
            Span(7 * DAY_MS, 3650 * DAY_MS), "How long the activity log is kept; state is rebuilt from it."
        ),
    )
    store_url: str = field(
        default="sqlite:///payweir.db",
        repr=False,
        metadata=_about(
            Words("sqlite:///FILE or postgresql://USER@HOST:PORT/DATABASE", is_store, secret=True),
            "The SQL store. May hold a password, which is never shown.",
        ),
    )
    lateness_ms: int = field(
        default=3 * DAY_MS,
        metadata=_about(Span(MINUTE_MS, 365 * DAY_MS), "How far behind its source's watermark an event is late."),
    )
    history: bool = field(
        default=False,
        metadata=_about(Flag(), "History is being read: idle sources stand still instead of following the wall clock."),
    )
    epoch: int = field(
        default=1,
        metadata=_about(Whole(1, 1 << 30), "Raised whenever the activity topic is made anew or its partitions change."),
    )
    metrics: bool = field(default=True, metadata=_about(Flag(), "Serve metrics and health over HTTP."))
    metrics_host: str = field(
        default="127.0.0.1",
        metadata=_about(Words("a host name or address", is_host), "Where metrics and health listen."),
    )
    metrics_port: int = field(
        default=9464, metadata=_about(Whole(0, PORT_MAX), "Port of metrics and health; 0 takes a free one and logs it.")
    )
    intake_idle_seconds: float = field(
        default=5.0,
        metadata=_about(Seconds(0.1, 3600), "A source that stood at its end for so long is idle."),
    )
    batch_records_max: int = field(
        default=1000, metadata=_about(Whole(1, 100_000), "Records in one batch of a source.")
    )
    batch_bytes_max: int = field(
        default=_MIB, metadata=_about(Whole(_KIB, 64 * _MIB), "Bytes in one batch, one record at least.")
    )
    session_timeout_seconds: float = field(
        default=15.0, metadata=_about(Seconds(1, 30), "A worker that is silent for so long loses its partitions.")
    )
    snapshot_seconds: float = field(
        default=30.0,
        metadata=_about(
            Seconds(1, 3600), "Between two snapshots of a partition: what a new owner has to evaluate again."
        ),
    )
    watchdog_seconds: float = field(
        default=300.0,
        metadata=_about(
            Seconds(1, 86_400),
            "A worker of which nothing moves for so long though its services answer ends with code 71.",
        ),
    )
    announce_seconds: float = field(
        default=60.0,
        metadata=_about(
            Seconds(0, 86_400), "How far ahead a published ruleset comes into force, unless a time is given."
        ),
    )
    log_level: LogLevel = field(default=LogLevel.INFO, metadata=_about(Choice(LogLevel), "What is worth a line."))
    log_format: LogFormat = field(
        default=LogFormat.TEXT, metadata=_about(Choice(LogFormat), "JSON for machines, text for people.")
    )

    traces_url: str = field(
        default="",
        metadata=_about(
            Words("nothing or http://HOST:PORT/v1/traces", is_traces),
            "The collector that OpenTelemetry spans go to (OTLP over HTTP); none are made unless given.",
        ),
    )

    def __post_init__(self) -> None:
        """Check every value, whoever made the object."""
        for one in describe():
            try:
                one.kind.check(getattr(self, one.field))
            except ValueError as error:
                raise SettingError(f"{one.name}: {error}") from None
        self._check_security()

    def _check_security(self) -> None:
        """What belongs together is given together; a certificate or a user that would not be used is a mistake."""
        encrypted = self.security_protocol in {SecurityProtocol.SSL, SecurityProtocol.SASL_SSL}
        named = self.security_protocol in {SecurityProtocol.SASL_PLAINTEXT, SecurityProtocol.SASL_SSL}
        for name in ("sasl_user", "sasl_password_file"):
            if named and not getattr(self, name):
                raise SettingError(f"{name}: needed when security_protocol is {self.security_protocol}")
            if not named and getattr(self, name):
                raise SettingError(f"{name}: not used when security_protocol is {self.security_protocol}")
        for name in ("kafka_ca_file", "kafka_certificate_file", "kafka_key_file"):
            if not encrypted and getattr(self, name):
                raise SettingError(f"{name}: not used when security_protocol is {self.security_protocol}")
        if bool(self.kafka_certificate_file) != bool(self.kafka_key_file):
            raise SettingError("kafka_certificate_file: needs kafka_key_file, and the other way round")
        if self.security_protocol is SecurityProtocol.SASL_PLAINTEXT and self.sasl_mechanism is SaslMechanism.PLAIN:
            raise SettingError(
                "sasl_mechanism: plain would send the password in the open; take sasl_ssl or scram-sha-512"
            )

    def __repr__(self) -> str:
        """All settings, without secrets."""
        return f"Settings({', '.join(f'{one.name}={one.kind.show(getattr(self, one.field))}' for one in describe())})"


class Setting(NamedTuple):
    """One setting as documentation and loader see it."""

    field: str
    """Attribute of ``Settings``."""
    name: str
    """Key in the TOML file."""
    kind: Kind
    default: object
    meaning: str

    @property
    def variable(self) -> str:
        """Name in the environment."""
        return f"PAYWEIR_{self.name.upper()}"


def describe() -> Iterator[Setting]:
    """Give all settings in order, for the loader, ``--help`` and the manual."""
    for one in fields(Settings):
        kind, text = cast("Meaning", one.metadata["meaning"])
        yield Setting(one.name, one.name.removesuffix("_ms"), kind, one.default, text)
