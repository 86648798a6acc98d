"""One labelled instance: what is known of it afterwards, and the bench on which it is made."""

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

from msgspec import Struct

from streams.clock import DAY_MS, HOUR_MS, MINUTE_MS, from_datetime, to_datetime, to_text
from streams.events.model import (
    Confidence,
    Event,
    FraudReportEvent,
    PartyType,
    ReportedTransaction,
    ReportType,
)
from streams.replay.generator.arrivals import Arrivals
from streams.replay.generator.draws import below, between, randomness
from streams.replay.generator.payments import Paid, Transfer, identifier, pay
from streams.replay.generator.population import Holder, Population, reference


class Role(StrEnum):
    """The part of the account that an event is about."""

    VICTIM = "VICTIM"
    L1_MULE = "L1_MULE"
    L2_MULE = "L2_MULE"
    COLLECTOR = "COLLECTOR"
    MERCHANT_FRONT = "MERCHANT_FRONT"
    EXIT = "EXIT"
    NORMAL = "NORMAL"


class Scenario(Struct, frozen=True):
    """The truth about one instance; ``rule_id`` is the rule that must find it, or must stay silent on a hard negative.

    ``subject`` is the account, device or merchant it is about; for a settlement, the id under which a line looks
    for its payment (``uetr:...``, ``pid:...``).
    """

    scenario_id: str
    typology: str
    rule_id: str
    hard_negative: bool
    subject_kind: str
    subject: str
    first_time: str
    last_time: str
    event_ids: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Label:
    """One event's part in one instance."""

    event_id: str
    scenario_id: str
    typology: str
    role: Role


Subject = tuple[str, str]
"""Kind and key."""


@dataclass(frozen=True, slots=True)
class Typology:
    """A kind of instance: how to make one, and which rule it is about."""

    name: str
    rule_id: str
    build: Callable[["Case"], Subject]
    hard_negative: bool = False


@dataclass(frozen=True, slots=True)
class Stage:
    """What instances share: the seed, the people, the way out, and where a finished instance is told."""

    seed: int
    population: Population
    arrivals: Arrivals
    tell: Callable[[Scenario, list[Label]], None]


class Case:
    """One instance in the making. Its chance depends on the seed and its own id, on nothing made before."""

    def __init__(self, stage: Stage, typology: Typology, number: int, start_ms: int) -> None:
        """Its events begin ten minutes after ``start_ms``, so that what is known of its accounts comes first."""
        self.typology = typology
        self.number = number
        self.scenario_id = f"{typology.name}-{number:05d}"
        self.rng = randomness(stage.seed, self.scenario_id)
        self.start_ms = start_ms + 10 * MINUTE_MS
        self._stage = stage
        self._labels: list[Label] = []
        self._times: list[int] = []

    def make(self) -> None:
        """Make the instance: send its events, tell its truth."""
        self.tell(*self.typology.build(self))

    def tell(self, kind: str, key: str) -> None:
        """Tell the truth of an instance whose events are made, and its main subject."""
        scenario = Scenario(
            self.scenario_id,
            self.typology.name,
            self.typology.rule_id,
            self.typology.hard_negative,
            kind,
            key,
            to_text(min(self._times)),
            to_text(max(self._times)),
            tuple(label.event_id for label in self._labels),
        )
        self._stage.tell(scenario, self._labels)

    def inner(self, typology: Typology) -> "Case":
        """Open an instance that is a part of this one; it is told by itself."""
        made = Case(self._stage, typology, self.number, self.start_ms - 10 * MINUTE_MS)
        made.scenario_id = f"{self.scenario_id}-{typology.name}"
        made.rng = randomness(self._stage.seed, made.scenario_id)
        return made

    def fresh(self, name: str, party_type: PartyType = PartyType.PERSON, *, device: str | None = None) -> Holder:
        """Open an account that nobody has dealt with; it has been known to the registry for some days or months."""
        holder = self.unknown(name, party_type)
        if device is not None:
            holder = Holder(holder.account, holder.currency, device)
        self.register(holder, between(self.rng, 5, 400), name)
        return holder

    def unknown(self, name: str, party_type: PartyType = PartyType.PERSON) -> Holder:
        """Open an account of which no reference is sent."""
        return self._stage.population.names.holder(f"{self.scenario_id} {name}", party_type)

    def register(self, holder: Holder, days_known: int, name: str) -> None:
        """Send the reference of an account, a few minutes before the instance begins."""
        names = self._stage.population.names
        event = reference(holder, self.start_ms - days_known * DAY_MS, f"{self.scenario_id} {name}", names)
        self._stage.arrivals.send_at(event, self.start_ms - between(self.rng, 1, 9 * MINUTE_MS))

    def re_register(self, holder: Holder, since_ms: int, payouts: tuple[str, ...] | None, arrival_ms: int) -> None:
        """Send a reference of a merchant by itself, with other payout accounts if given."""
        names = self._stage.population.names
        event = reference(holder, since_ms, f"{self.scenario_id} again {since_ms}", names, payouts)
        self._stage.arrivals.send_at(event, arrival_ms)

    def people(self, count: int) -> list[Holder]:
        """Pick so many different people of the background who keep accounts in CNY."""
        population, found = self._stage.population, dict[int, Holder]()
        while len(found) < count:
            holder = population.person(below(self.rng, population.people))
            if holder.currency == "CNY":
                found[holder.index] = holder
        return list(found.values())

    def pool(self) -> Holder:
        """Give a licensed company's pool account."""
        pools = self._stage.population.pools
        return pools[self.number % len(pools)]

    def pay(self, transfer: Transfer, role: Role, arrival_ms: int = 0) -> Paid:
        """Make a payment of the instance; with ``arrival_ms`` its messages arrive then, else in their own time."""
        paid = pay(transfer, self.rng)
        for number, message in enumerate(paid.messages):
            self.post(message, role, arrival_ms + number if arrival_ms else 0)
        return paid

    def post(self, event: Event, role: Role, arrival_ms: int = 0) -> None:
        """Send an event of the instance and label it."""
        self.label(event, role)
        if arrival_ms:
            self._stage.arrivals.send_at(event, arrival_ms)
        else:
            self._stage.arrivals.send(event, self.start_ms)

    def label(self, event: Event, role: Role) -> None:
        """Label an event without sending it: it is a part of two instances."""
        self._labels.append(Label(event.event_id, self.scenario_id, self.typology.name, role))
        self._times.append(from_datetime(event.event_time))

    def aside(self, event: Event) -> None:
        """Send an event that belongs to the life of an account, not to the instance."""
        self._stage.arrivals.send(event, self.start_ms)

    def report(self, paid: Paid) -> None:
        """Let the victim of a payment report it, and often a bank or the police act on the report."""
        rng = self.rng
        reported_ms = paid.settled_ms + between(rng, 20 * MINUTE_MS, 20 * HOUR_MS)
        event = self._report(paid, ReportType.VICTIM_REPORT, reported_ms)
        self.aside(event)
        act = rng.random()
        if act < 0.45:  # noqa: PLR2004 - about half of the reports end in a stop, few in the others
            stop = self._report(paid, ReportType.STOP_PAYMENT, reported_ms + between(rng, 5, 40) * MINUTE_MS)
            self.aside(stop)
            if act < 0.06:  # noqa: PLR2004
                self.aside(self._release(stop, from_datetime(stop.event_time) + between(rng, 2, 30) * HOUR_MS))
        elif act < 0.7:  # noqa: PLR2004
            kind = (ReportType.RECALL, ReportType.FREEZE, ReportType.LIST_ENTRY)[below(rng, 3)]
            self.aside(self._report(paid, kind, reported_ms + between(rng, 10, 90) * MINUTE_MS))

    def _report(self, paid: Paid, kind: ReportType, at_ms: int) -> FraudReportEvent:
        plan = paid.transfer
        victim, suspect = plan.debtor.token, plan.creditor.token
        stop = kind is ReportType.STOP_PAYMENT
        at = to_datetime(at_ms)
        by_ends = ReportedTransaction(
            None, None, None, victim, suspect, plan.amount_minor, to_datetime(paid.settled_ms)
        )
        by_id = ReportedTransaction(paid.payment_id, paid.uetr, paid.end_to_end_id)
        return FraudReportEvent(
            event_id=identifier(self.rng),
            schema_version=1,
            source="report-desk",
            event_time=at,
            report_id=f"r{self.rng.getrandbits(64):016x}",
            type=kind,
            reported_at=at,
            received_at=at,
            case_ref=f"case-{self.scenario_id}",
            confidence=Confidence.ALLEGED if kind is ReportType.VICTIM_REPORT else Confidence.POLICE,
            fraud_type="INVESTMENT_PLATFORM",
            victim_account_token=victim,
            transactions=() if kind is ReportType.LIST_ENTRY else (by_id if self.rng.random() < 0.8 else by_ends,),  # noqa: PLR2004
            suspect_account_tokens=(suspect,),
            reported_amount_minor=plan.amount_minor,
            currency=plan.currency,
            stop_started_at=at if stop else None,
            stop_expires_at=to_datetime(at_ms + 48 * HOUR_MS) if stop else None,
        )

    def _release(self, stop: FraudReportEvent, at_ms: int) -> FraudReportEvent:
        at = to_datetime(at_ms)
        return FraudReportEvent(
            event_id=identifier(self.rng),
            schema_version=1,
            source="report-desk",
            event_time=at,
            report_id=f"r{self.rng.getrandbits(64):016x}",
            type=ReportType.RELEASE,
            reported_at=at,
            received_at=at,
            case_ref=stop.case_ref,
            confidence=Confidence.POLICE,
            supersedes=stop.report_id,
        )
