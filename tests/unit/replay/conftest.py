"""One stream for the tests that read it, made once."""

from dataclasses import dataclass
from functools import cached_property

import pytest

from streams.events.model import AccountReferenceEvent, Event, FraudReportEvent, SettlementEvent
from streams.replay.generator import Generator, GeneratorSettings, Label, Scenario
from streams.replay.generator.arrivals import Arrival
from tests.unit.replay.ledger import Ledger


@dataclass(frozen=True)
class Stream:
    """What a generator gave, and an independent reading of it."""

    settings: GeneratorSettings
    arrivals: list[Arrival]
    scenarios: list[Scenario]
    labels: list[Label]
    ledger: Ledger
    by_id: dict[str, Event]

    @cached_property
    def references(self) -> list[AccountReferenceEvent]:
        """Give what the registry sent."""
        return [event for event in self.by_id.values() if isinstance(event, AccountReferenceEvent)]

    @cached_property
    def reports(self) -> list[FraudReportEvent]:
        """Give what the report desk sent."""
        return [event for event in self.by_id.values() if isinstance(event, FraudReportEvent)]

    @cached_property
    def settlements(self) -> list[SettlementEvent]:
        """Give every settlement line."""
        return [event for event in self.by_id.values() if isinstance(event, SettlementEvent)]

    def of(self, typology: str) -> list[Scenario]:
        """Give the instances of one typology; there is at least one."""
        found = [scenario for scenario in self.scenarios if scenario.typology == typology]
        assert found, typology
        return found


def made(settings: GeneratorSettings) -> Stream:
    """Make a stream in memory."""
    scenarios: list[Scenario] = []
    labels: list[Label] = []

    def tell(scenario: Scenario, its_labels: list[Label]) -> None:
        scenarios.append(scenario)
        labels.extend(its_labels)

    arrivals = list(Generator(settings, tell).arrivals())
    events = [arrival.event for arrival in arrivals]
    return Stream(settings, arrivals, scenarios, labels, Ledger(events), {event.event_id: event for event in events})


@pytest.fixture(scope="session")
def stream() -> Stream:
    """A busy stream with many instances of everything."""
    return made(GeneratorSettings(seed=11, events=120_000, days=35, accounts=8_000, per_typology=24))
