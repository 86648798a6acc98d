"""One labelled instance: what is known of it afterwards, and the bench on which it is made."""

from collections.abc import Callable
from copy import copy
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from msgspec import Struct
from msgspec.structs import replace

from streams.clock import DAY_MS, HOUR_MS, MINUTE_MS, from_datetime, to_datetime, to_text
from streams.events.model import AccountStatus, Event, FraudReportEvent, PartyType, PaymentStatusEvent, ReportType
from streams.replay.generator.arrivals import Arrivals
from streams.replay.generator.draws import below, between, randomness
from streams.replay.generator.payments import Paid, Transfer, pay, returned
from streams.replay.generator.population import Holder, Names, Population, reference
from streams.replay.generator.reports import release_event, report_event

ANY_RULE: Final = "any"
"""In place of a rule: the instance is found by whichever rule sees a part of it."""
FAINT_EVERY: Final = 6
"""Of a typology that has faint instances, every so-manieth is one."""
_CROWD_SHARE: Final = 4
"""At most one in so many people of the background stands in one crowd."""


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

    A rule whose id begins with it and a dash counts as well; ``any`` stands for every rule.
    ``subject`` is the account, device or merchant it is about; for a settlement, the id under which a line looks
    for its payment (``uetr:...``, ``pid:...``). ``members`` are the accounts, devices and merchants that were made for it,
    by kind and key. ``tainted_at`` is when the first money of a victim was there, or empty without a victim's payment.
    ``faint`` fraud stays under a limit at which the catalogue speaks: too little, too slow, too few. It is made so that a score
    tells what a rule is not meant to see, and is counted apart.
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
    members: tuple[tuple[str, str], ...] = ()
    tainted_at: str = ""
    faint: bool = False


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
    has_faint: bool = False
    """Whether some instances stay under the limits of the catalogue."""
    days: int = 0
    """So many days of history come before it; a shorter stream has none of it."""


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
        self.faint = typology.has_faint and number % FAINT_EVERY == FAINT_EVERY - 1
        self._stage = stage
        self._labels: list[Label] = []
        self._times: list[int] = []
        self._tainted: list[int] = []
        self._members: dict[Subject, None] = {}

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
            tuple(self._members),
            to_text(min(self._tainted)) if self._tainted else "",
            self.faint,
        )
        self._stage.tell(scenario, self._labels)

    def inner(self, typology: Typology) -> "Case":
        """Open an instance that is a part of this one; it is told by itself."""
        made = Case(self._stage, typology, self.number, self.start_ms - 10 * MINUTE_MS)
        made.scenario_id = f"{self.scenario_id}-{typology.name}"
        made.rng = randomness(self._stage.seed, made.scenario_id)
        return made

    @property
    def names(self) -> Names:
        """What makes tokens."""
        return self._stage.population.names

    @property
    def last_ms(self) -> int:
        """Event time of its latest event so far."""
        return max(self._times)

    def later(self, at_ms: int) -> "Case":
        """Give the same instance with its next part beginning at a moment."""
        moved = copy(self)
        moved.start_ms = at_ms
        return moved

    def belongs(self, kind: str, key: str) -> None:
        """Count something that is no account to the instance: an address, a party, a telephone."""
        self._members[kind, key] = None

    def fresh(self, name: str, party_type: PartyType = PartyType.PERSON, *, device: str | None = None) -> Holder:
        """Open an account that nobody has dealt with; it has been known to the registry for some days or months."""
        holder = self.unknown(name, party_type)
        if device is not None:
            holder = replace(holder, device=device)
        self.register(holder, between(self.rng, 5, 400), name)
        return holder

    def unknown(self, name: str, party_type: PartyType = PartyType.PERSON) -> Holder:
        """Open an account of which no reference is sent."""
        holder = self.names.holder(f"{self.scenario_id} {name}", party_type)
        self.member(holder)
        return holder

    def abroad(self, name: str, country: str) -> Holder:
        """Open an account in another country, of which no reference is sent."""
        holder = self.names.abroad(f"{self.scenario_id} {name}", country)
        self.member(holder)
        return holder

    def member(self, holder: Holder) -> None:
        """Count an account, and the merchant behind it, to the instance."""
        self._members["account", holder.token] = None
        if holder.merchant_id is not None:
            self._members["merchant", holder.merchant_id] = None

    def register(self, holder: Holder, days_known: int, name: str, asleep_days: int = 0) -> None:
        """Send the reference of an account, a few minutes before the instance begins.

        It was opened ``days_known`` days before; with ``asleep_days`` the registry calls it dormant since then.
        """
        event = reference(holder, self.start_ms - days_known * DAY_MS, f"{self.scenario_id} {name}", self.names)
        if asleep_days:
            since = to_datetime(self.start_ms - asleep_days * DAY_MS)
            event = replace(event, event_time=since, valid_from=since, status=AccountStatus.DORMANT)
        self._stage.arrivals.send_at(event, self.start_ms - between(self.rng, 1, 9 * MINUTE_MS))

    def re_register(self, holder: Holder, since_ms: int, payouts: tuple[str, ...] | None, arrival_ms: int) -> None:
        """Send a reference of a merchant by itself, with other payout accounts if given."""
        event = reference(holder, since_ms, f"{self.scenario_id} again {since_ms}", self.names, payouts)
        self._stage.arrivals.send_at(event, arrival_ms)

    def people(self, count: int) -> list[Holder]:
        """Pick so many different people of the background who keep accounts in CNY."""
        population, found = self._stage.population, dict[int, Holder]()
        while len(found) < count:
            holder = population.person(below(self.rng, population.people))
            if holder.currency == "CNY":
                found[holder.index] = holder
        return list(found.values())

    def crowd(self, count: int) -> list[Holder]:
        """Give many payers: people of the background as far as there are enough, then accounts nobody knows."""
        some = min(count, self._stage.population.people // _CROWD_SHARE)
        strangers = (
            self.names.holder(f"{self.scenario_id} payer {number}", PartyType.PERSON) for number in range(count - some)
        )
        return [*self.people(some), *strangers]

    def pool(self) -> Holder:
        """Give a licensed company's pool account."""
        pools = self._stage.population.pools
        return pools[self.number % len(pools)]

    def pay(self, transfer: Transfer, role: Role, arrival_ms: int = 0) -> Paid:
        """Make a payment of the instance; with ``arrival_ms`` its messages arrive then, else in their own time."""
        paid = pay(transfer, self.rng)
        for number, message in enumerate(paid.messages):
            self.post(message, role, arrival_ms + number if arrival_ms else 0)
        if role is Role.VICTIM:
            self._tainted.append(paid.settled_ms)
        return paid

    def pay_aside(self, transfer: Transfer) -> Paid:
        """Make a payment that belongs to the life of an account, not to the instance."""
        paid = pay(transfer, self.rng)
        for message in paid.messages:
            self.aside(message)
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
        self.aside(self.desk(paid, ReportType.VICTIM_REPORT, reported_ms))
        act = rng.random()
        if act < 0.45:  # noqa: PLR2004 - about half of the reports end in a stop, few in the others
            stop = self.desk(paid, ReportType.STOP_PAYMENT, reported_ms + between(rng, 5, 40) * MINUTE_MS)
            self.aside(stop)
            if act < 0.06:  # noqa: PLR2004
                self.aside(release_event(stop, from_datetime(stop.event_time) + between(rng, 2, 30) * HOUR_MS, rng))
        elif act < 0.7:  # noqa: PLR2004
            kind = (ReportType.RECALL, ReportType.FREEZE, ReportType.LIST_ENTRY)[below(rng, 3)]
            told = self.desk(paid, kind, reported_ms + between(rng, 10, 90) * MINUTE_MS)
            self.aside(told)
            if kind is ReportType.RECALL:  # the other bank answers that nothing is left (camt.029, AM04)
                self.aside(release_event(told, from_datetime(told.event_time) + between(rng, 3, 90) * HOUR_MS, rng))

    def released(self, report: FraudReportEvent, at_ms: int) -> FraudReportEvent:
        """Write the release of a report, without sending it."""
        return release_event(report, at_ms, self.rng)

    def given_back(self, paid: Paid, at_ms: int) -> PaymentStatusEvent:
        """Write the return of a payment (pacs.004), without sending it."""
        return returned(paid, at_ms, self.rng)

    def desk(self, paid: Paid, kind: ReportType, at_ms: int) -> FraudReportEvent:
        """Write a report about a payment of the instance, without sending it."""
        return report_event(paid, kind, at_ms, f"case-{self.scenario_id}", self.rng)
