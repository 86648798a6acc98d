"""The stream as a whole: the same from the same seed, valid, in order of arrival, of bounded memory."""

import tracemalloc
from collections import Counter, defaultdict
from itertools import pairwise
from pathlib import Path
from typing import Any

import msgspec
import pytest
from typer.testing import CliRunner

from streams.cli.generate import app
from streams.clock import DAY_MS, HOUR_MS, from_datetime, to_text
from streams.errors import UsageError
from streams.events import Limits, decode_event
from streams.events.model import (
    AccountReferenceEvent,
    Event,
    FraudReportEvent,
    PartyType,
    PaymentEvent,
    PaymentStatus,
    PaymentStatusEvent,
    Rail,
    ReportType,
    SettlementEvent,
    SettlementKind,
    SettlementStatus,
)
from streams.replay.generator import (
    FILES,
    TYPOLOGIES,
    Generator,
    GeneratorSettings,
    Label,
    Role,
    Scenario,
    generate,
    start_from_text,
)
from streams.replay.generator.draws import DWELL_MS, DayClock
from tests.unit.replay.conftest import Stream, made

EVENT_FILES = tuple(dict.fromkeys(FILES.values()))


def files_of(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


def test_the_same_settings_give_the_same_bytes(tmp_path: Path) -> None:
    settings = GeneratorSettings(seed=5, events=4_000, duplicates=0.02)
    generate(settings, tmp_path / "one")
    generate(settings, tmp_path / "two")
    assert files_of(tmp_path / "one") == files_of(tmp_path / "two")
    assert set(files_of(tmp_path / "one")) == {*EVENT_FILES, "labels.csv", "scenarios.json", "lists/licensed-psp.yaml"}


def test_another_seed_gives_another_stream(tmp_path: Path) -> None:
    for seed in (1, 2):
        generate(GeneratorSettings(seed=seed, events=2_000), tmp_path / str(seed))
    one, two = files_of(tmp_path / "1"), files_of(tmp_path / "2")
    assert all(one[name] != two[name] for name in one)


def test_disorder_moves_events_and_leaves_them_as_they_are() -> None:
    calm = made(GeneratorSettings(seed=3, events=5_000, disorder=0))
    mixed = made(GeneratorSettings(seed=3, events=5_000, disorder=0.3))

    def content(stream: Stream) -> set[bytes]:
        return {msgspec.json.encode(msgspec.structs.replace(one.event, ingest_time=None)) for one in stream.arrivals}

    assert content(calm) == content(mixed)
    assert [one.event.event_id for one in calm.arrivals] != [one.event.event_id for one in mixed.arrivals]
    lag = [one.at_ms - from_datetime(one.event.event_time) for one in mixed.arrivals]
    assert 0.2 < sum(ms > 3_000 for ms in lag) / len(lag) < 0.5


def test_events_come_in_order_of_arrival_and_say_when(stream: Stream) -> None:
    times = [arrival.at_ms for arrival in stream.arrivals]
    assert all(before <= after for before, after in pairwise(times))
    for arrival in stream.arrivals:
        assert arrival.event.ingest_time is not None
        assert from_datetime(arrival.event.ingest_time) == arrival.at_ms


def test_nothing_arrives_before_it_happened(stream: Stream) -> None:
    early = [one for one in stream.arrivals if one.at_ms < from_datetime(one.event.event_time)]
    assert early == []


def test_about_as_many_events_as_asked_for(stream: Stream) -> None:
    assert stream.settings.events <= len(stream.arrivals) <= stream.settings.events + 1_000


def test_every_type_status_and_rail_occurs(stream: Stream) -> None:
    events = list(stream.by_id.values())
    assert {type(event) for event in events} == set(FILES)
    payments = [event for event in events if isinstance(event, PaymentEvent)]
    seen = {event.status for event in payments}
    seen |= {event.status for event in events if isinstance(event, PaymentStatusEvent)}
    assert seen == set(PaymentStatus)
    assert {event.rail for event in payments} == set(Rail) - {Rail.CRYPTO_OFF}
    assert {event.type for event in events if isinstance(event, FraudReportEvent)} == set(ReportType)
    currencies = Counter(event.currency for event in payments)
    assert currencies.most_common(1)[0][0] == "CNY"
    assert set(currencies) == {"CNY", "USD", "EUR", "JPY"}


def test_every_event_is_accepted_by_intake(stream: Stream) -> None:
    end_ms = stream.arrivals[-1].at_ms
    for arrival in stream.arrivals:
        event, _ = decode_event(msgspec.json.encode(arrival.event), end_ms, Limits())
        assert event == arrival.event


def test_every_event_keeps_the_rules_of_its_type(stream: Stream) -> None:
    broken = {event_id for scenario in stream.of("batch_mismatch") for event_id in scenario.event_ids}
    faults = {event.event_id: found for event in stream.by_id.values() if (found := faults_of(event))}
    assert {event_id: found for event_id, found in faults.items() if event_id not in broken} == {}
    assert 0 < len(faults) < len(broken)


def faults_of(event: Event) -> list[str]:
    """The semantic rules of the event model once more, written apart from the product's own."""
    checks: dict[str, bool] = {"version": event.schema_version == 1}
    if isinstance(event, PaymentEvent):
        times = [time for time in (event.initiated_at, event.accepted_at, event.settled_at) if time is not None]
        shops = [side for side in (event.debtor, event.creditor) if side.party_type is PartyType.MERCHANT]
        stamp = {PaymentStatus.INITIATED: event.initiated_at, PaymentStatus.SETTLED: event.settled_at}
        checks |= {
            "amount": 0 < event.amount_minor <= 10**15,
            "two accounts": event.debtor.account_token != event.creditor.account_token,
            "times rise": times == sorted(times),
            "settled_at": (event.status is PaymentStatus.SETTLED) == (event.settled_at is not None),
            "event time": event.event_time == stamp.get(event.status, event.event_time),
            "merchant id": bool(shops) == (event.merchant_id is not None),
            "relation": (event.relation is None) == (event.related_payment_id is None),
            "cash": (event.rail is Rail.CASH_OUT) == (event.creditor.account_token == "CASH"),
        }
    elif isinstance(event, PaymentStatusEvent):
        checks["settled_at"] = (event.status is PaymentStatus.SETTLED) == (event.settled_at is not None)
        checks["named"] = event.payment_id is not None
    elif isinstance(event, SettlementEvent):
        taken = event.refund_minor + event.chargeback_minor + event.fee_minor + event.reserve_minor
        checks["identity"] = event.net_minor == (event.gross_minor or 0) - taken
        checks["positive"] = event.net_minor > 0
        checks["booked"] = event.status is SettlementStatus.BOOKED and event.event_time == event.booked_at
    elif isinstance(event, FraudReportEvent):
        release = event.type is ReportType.RELEASE
        checks["names something"] = bool(event.transactions or event.suspect_account_tokens) or release
        checks["release"] = release == (event.supersedes is not None)
        checks["received"] = event.reported_at <= event.received_at
    elif isinstance(event, AccountReferenceEvent):
        checks["valid from"] = event.event_time == event.valid_from
    return [f"{name}: {event}" for name, kept in checks.items() if not kept]


def test_messages_of_one_payment_agree(stream: Stream) -> None:
    for messages in stream.ledger.payments.values():
        assert len({(each.amount_minor, each.debtor, each.creditor, each.uetr, each.source) for each in messages}) == 1
        assert len({each.sequence for each in messages}) == len(messages)


def test_merchant_batches_add_up_to_their_payments(stream: Stream) -> None:
    sold: Counter[str] = Counter()
    for receipts in stream.ledger.received.values():
        for move in receipts:
            event = stream.by_id[next(iter(move.event_ids))]
            if isinstance(event, PaymentEvent) and event.merchant_id is not None and event.batch_id is not None:
                sold[event.batch_id] += move.amount
    booked = Counter(
        {
            event.batch_id or "": event.gross_minor or 0
            for event in stream.by_id.values()
            if isinstance(event, SettlementEvent) and event.kind is SettlementKind.MERCHANT_BATCH
        }
    )
    made = stream.of("batch_mismatch")
    fronts = {scenario.subject for scenario in made}
    true = sum(int(one.scenario_id[-5:]) % 3 == 2 and not one.faint for one in made)
    differ = {batch for batch in booked.keys() | sold.keys() if booked[batch] != sold[batch]}
    assert {batch.rsplit("-", 1)[0] for batch in differ} <= fronts
    assert len(differ) == len(fronts) - true, "the third way to break a batch leaves its gross amount true"


def test_each_ordinary_line_has_its_payment(stream: Stream) -> None:
    labelled = {label.event_id for label in stream.labels}
    known = set(stream.ledger.payments)
    for each in stream.ledger.payments.values():
        known |= {each[0].uetr or "", each[0].end_to_end_id or ""}
    booked: dict[str, int] = defaultdict(int)
    for event in stream.by_id.values():
        if isinstance(event, SettlementEvent) and event.kind is SettlementKind.INTERBANK:
            name = event.payment_id or event.uetr or event.end_to_end_id or ""
            booked[name] += 1
            assert event.event_id in labelled or name in known
    ordinary = [name for name, count in booked.items() if count > 1]
    assert len(ordinary) == len([one for one in stream.of("orphan_settlement") if len(one.event_ids) > 1])


def test_repeated_deliveries_are_the_same_bytes_again() -> None:
    stream = made(GeneratorSettings(seed=2, events=5_000, duplicates=0.1))
    again = [one for one in stream.arrivals if one.repeated]
    first = {one.event.event_id: one.event for one in stream.arrivals if not one.repeated}
    assert 350 < len(again) < 650
    assert all(msgspec.json.encode(first[one.event.event_id]) == msgspec.json.encode(one.event) for one in again)


def test_people_sleep_at_night() -> None:
    clock = DayClock(0, 2, 24_000)
    times = [clock.at(number) for number in range(24_000)]
    assert times == sorted(times)
    assert times[0] >= 0
    assert times[-1] < 2 * DAY_MS
    by_hour = Counter((time // HOUR_MS + 8) % 24 for time in times)
    assert by_hour[3] * 10 < by_hour[10]
    assert min(by_hour.values()) > 0


def test_activity_is_heavy_tailed(stream: Stream) -> None:
    counts = sorted((len(moves) for moves in stream.ledger.received.values()), reverse=True)
    top = counts[: len(counts) // 100 + 1]
    assert sum(top) > sum(counts) / 10


def test_dwell_times_are_those_of_the_source() -> None:
    # RUSI 2025: 28 % of money leaves a mule account within 15 minutes, more than half within the hour
    table = DWELL_MS._table
    assert sum(ms < 15 * 60_000 for ms in table) / len(table) == 0.28
    assert 0.5 < sum(ms < HOUR_MS for ms in table) / len(table) < 0.6


def test_memory_does_not_grow_with_the_length_of_the_stream() -> None:
    def peak(events: int, days: int) -> int:
        told: Counter[str] = Counter()

        def count(scenario: Scenario, labels: list[Label]) -> None:
            told[scenario.typology] += len(labels)

        generator = Generator(GeneratorSettings(seed=1, events=events, accounts=1_000, days=days), count)
        tracemalloc.start()
        for _ in generator.arrivals():
            pass
        found = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return found

    small, large, denser = peak(5_000, 2), peak(25_000, 10), peak(25_000, 2)
    assert large < small * 1.3
    assert denser < small * 2


def test_labels_and_scenarios_tell_the_same(stream: Stream) -> None:
    by_scenario: dict[str, list[str]] = defaultdict(list)
    for label in stream.labels:
        assert label.event_id in stream.by_id
        by_scenario[label.scenario_id].append(label.event_id)
    assert {scenario.scenario_id: list(scenario.event_ids) for scenario in stream.scenarios} == by_scenario
    assert len({scenario.scenario_id for scenario in stream.scenarios}) == len(stream.scenarios)
    for scenario in stream.scenarios:
        roles = {label.role for label in stream.labels if label.scenario_id == scenario.scenario_id}
        assert (roles == {Role.NORMAL}) == scenario.hard_negative
        times = [from_datetime(stream.by_id[event_id].event_time) for event_id in scenario.event_ids]
        assert (scenario.first_time, scenario.last_time) == (to_text(min(times)), to_text(max(times)))


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"events": 10}, "--events 10"),
        ({"days": 0}, "--days 0"),
        ({"days": 400}, "1 to 366"),
        ({"accounts": 5}, "--accounts 5"),
        ({"accounts": 90_000}, "a quarter of --events"),
        ({"disorder": 0.9}, "--disorder 0.9"),
        ({"duplicates": -0.1}, "--duplicates -0.1"),
        ({"per_typology": 21}, "one per 5,000 events"),
    ],
)
def test_a_bad_setting_is_named_with_its_range(settings: dict[str, Any], words: str) -> None:
    with pytest.raises(UsageError, match=words):
        GeneratorSettings(**settings)


def test_a_bad_date_says_how_to_write_it() -> None:
    with pytest.raises(UsageError, match="2025-03-03"):
        start_from_text("yesterday")


def test_a_folder_that_is_a_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "taken").write_text("x")
    with pytest.raises(UsageError, match="--out"):
        generate(GeneratorSettings(events=1_000), tmp_path / "taken")


def test_the_command_writes_and_sums_up(tmp_path: Path) -> None:
    out, labels = tmp_path / "out", tmp_path / "truth.csv"
    done = CliRunner().invoke(app, ["--out", str(out), "--events", "1500", "--labels", str(labels), "--json"])
    assert done.exit_code == 0, done.output
    summary = msgspec.json.decode(done.output)
    written = sum((out / name).read_bytes().count(b"\n") for name in EVENT_FILES)
    assert summary["events"] == written == sum(summary["files"].values())
    assert labels.read_text().count("\n") == summary["labels"] + 1
    assert CliRunner().invoke(app, ["--out", str(out), "--events", "1500"]).exit_code == 0


def test_the_command_makes_the_typologies_it_is_given(tmp_path: Path) -> None:
    chosen = ["--typologies", "crypto_exit, tuition", "--events", "1500", "--out", str(tmp_path)]
    assert CliRunner().invoke(app, chosen).exit_code == 0
    scenarios = msgspec.json.decode((tmp_path / "scenarios.json").read_bytes(), type=list[Scenario])
    assert {one.typology for one in scenarios} == {"crypto_exit", "tuition"}


def test_the_help_names_every_typology_and_an_example() -> None:
    shown = CliRunner().invoke(app, ["--help"], env={"COLUMNS": "400"}).output
    assert [typology.name for typology in TYPOLOGIES if typology.name not in shown] == []
    assert "Example: payweir generate" in shown
