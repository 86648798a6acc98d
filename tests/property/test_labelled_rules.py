"""R10 and R15, as shipped, say on a file of transfers what SQL says over the whole: alerts, hits, evidence, what is held back.

::

    legs of an account      known payer?        in the window of x?
    ------|--------------------|----------------------|-------|--->
          30 d and more        |                      24 h    x at t, ties by source and event id
          before: new          30 d less 1 ms         before: out
                               before: known
"""

import sys
from collections.abc import Callable
from operator import attrgetter

import pytest

from streams.detection.words import PAIR_MS
from streams.legs import Leg
from streams.money import EXPONENTS
from streams.state import subject
from tests.rig import labelled_oracle as oracle
from tests.rig.labelled_data import UNMAPPED, Stream, make
from tests.rig.labelled_run import LIST, ROOT, RULES, differences, limits, run, shipped, with_floors
from tests.rig.settings import rig_settings

EVENTS, FEWER = 40_000, 8_000
DIALECTS = {"labelled": oracle.LABELLED, "payweir": oracle.EVENTS}
LOWERED = "{CNY: 300, USD: 50, EUR: 50, SEK: 300}"
Breakage = Callable[[pytest.MonkeyPatch], None]


@pytest.fixture(scope="module")
def stream(tmp_path_factory: pytest.TempPathFactory) -> Stream:
    return make(tmp_path_factory.mktemp("labelled"), EVENTS, seed=5)


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Stream:
    return make(tmp_path_factory.mktemp("labelled"), FEWER, seed=11)


def faults(stream: Stream, format_: str, partitions: int = 1, window: str = "24h") -> list[str]:
    """Compare a run with SQL; another ``window`` makes a build whose windows are not those of the rules."""
    file = {"labelled": stream.labelled, "payweir": stream.events}[format_]
    programs = shipped({LIST: stream.allow_list})
    texts = {name: (ROOT / name).read_text(encoding="utf-8").replace(" over 24h", f" over {window}") for name in RULES}
    found = run(file, format_, shipped(texts | {LIST: stream.allow_list}), partitions)
    assert found.summary.adds_up
    return differences(found, oracle.meant(file, DIALECTS[format_], limits(programs)))


def test_the_oracle_states_the_conditions_that_are_shipped() -> None:
    rules = {rule.id: rule for rule in shipped().ruleset.rules}
    for rule_id, lines in oracle.STATED.items():
        text = (ROOT / rules[rule_id].spot.file).read_text(encoding="utf-8")
        assert [line for line in lines if f"{line}\n" not in text] == []
        assert len(rules[rule_id].lets) == sum(" over " in line or line in oracle.FACTS for line in lines)


def test_the_stream_has_ties_borders_and_everything_the_rules_ask_about(stream: Stream) -> None:
    programs = shipped({LIST: stream.allow_list})
    for dialect, file in ((oracle.LABELLED, stream.labelled), (oracle.EVENTS, stream.events)):
        truth = oracle.meant(file, dialect, limits(programs))
        for rule in ("pass-through-account", "fan-in-new-payers"):
            mine = [alert for alert in truth.alerts if alert.rule_id == rule]
            assert len(mine) > 30
            assert any(alert.held for alert in mine)
            assert truth.undecided[rule, UNMAPPED] > 100
        assert {alert.currency for alert in truth.alerts} >= {"CNY", "EUR", "JPY"}
    assert stream.lines > 20_000


@pytest.mark.parametrize("partitions", [1, 4])
@pytest.mark.parametrize("format_", DIALECTS)
def test_alerts_are_those_of_sql_over_the_whole_file(stream: Stream, format_: str, partitions: int) -> None:
    assert faults(stream, format_, partitions) == []


def test_lines_that_are_no_payment_are_refused_by_name(stream: Stream) -> None:
    summary = run(stream.labelled, "labelled", shipped({LIST: stream.allow_list})).summary
    assert summary.refused == {"amount_not_positive": 2, "debtor_is_creditor": 1, "missing_field": 1}
    assert summary.found == stream.lines
    assert summary.total("duplicate") > 100
    assert summary.total("conflict") == 0


def ties_by_arrival(patch: pytest.MonkeyPatch) -> None:
    arrived: dict[tuple[str, str, int], int] = {}

    def by_arrival(leg: Leg) -> tuple[int, int]:
        return leg.time, arrived.setdefault((leg.subject, leg.event_id, leg.kind), len(arrived))

    patch.setattr(subject, "order", by_arrival)


def payer_new_a_millisecond_later(patch: pytest.MonkeyPatch) -> None:
    _new_for(patch, PAIR_MS + 1)


def payer_new_a_millisecond_earlier(patch: pytest.MonkeyPatch) -> None:
    _new_for(patch, PAIR_MS - 1)


def _new_for(patch: pytest.MonkeyPatch, millis: int) -> None:
    """Change the constant in every module that has it."""
    for name, module in list(sys.modules.items()):
        if name.startswith("streams.") and hasattr(module, "PAIR_MS"):
            patch.setattr(module, "PAIR_MS", millis)


def one_decimal_for_every_currency(patch: pytest.MonkeyPatch) -> None:
    patch.setitem(EXPONENTS, "JPY", 2)


@pytest.mark.parametrize(
    "breakage",
    [
        ties_by_arrival,
        payer_new_a_millisecond_later,
        payer_new_a_millisecond_earlier,
        one_decimal_for_every_currency,
    ],
    ids=attrgetter("__name__"),
)
def test_a_broken_build_is_caught(small: Stream, breakage: Breakage, monkeypatch: pytest.MonkeyPatch) -> None:
    assert faults(small, "labelled") == []
    breakage(monkeypatch)
    assert faults(small, "labelled")


@pytest.mark.parametrize("window", ["86400001ms", "86399999ms"])
def test_a_window_that_is_a_millisecond_off_is_caught(small: Stream, window: str) -> None:
    assert faults(small, "labelled", window=window)


def test_lists_that_do_not_count_are_caught(stream: Stream) -> None:
    programs = shipped()
    found = run(stream.labelled, "labelled", programs)
    assert differences(
        found, oracle.meant(stream.labelled, oracle.LABELLED, limits(shipped({LIST: stream.allow_list})))
    )


@pytest.mark.soak
@pytest.mark.timeout(1_800)
def test_alerts_on_the_labelled_sets_given_are_those_of_sql(capsys: pytest.CaptureFixture[str]) -> None:
    folder = rig_settings().labelled
    if folder is None:
        pytest.skip("PAYWEIR_LABELLED names no folder of labelled sets")
    files = sorted(folder.glob("*.events.jsonl.gz"))
    assert files, f"{folder} holds no *.events.jsonl.gz"
    for file in files:
        name = file.name.removesuffix(".events.jsonl.gz")
        for floors in ("shipped", LOWERED):
            programs = shipped(None if floors == "shipped" else with_floors(floors))
            truth = oracle.meant(file, oracle.LABELLED, limits(programs))
            found = run(file, "labelled", programs)
            assert found.summary.adds_up
            assert differences(found, truth) == []
            with capsys.disabled():
                hits = sum(len(alert.hits) for alert in truth.alerts)
                sys.stdout.write(f"\n{name}, floors {floors}: {len(truth.alerts)} alerts, {hits} hits, all as in SQL\n")
