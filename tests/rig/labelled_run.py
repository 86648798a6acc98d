"""Runs of R10 and R15 over files, as ``payweir run`` makes them, reduced to what the oracle speaks about."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from streams.alerts.model import Alert, AlertState, Outcome
from streams.clock import DAY_MS
from streams.detection.check import check_files
from streams.detection.program import Programs, compile_ruleset
from streams.detection.rule import MoneyParam
from streams.pipeline import RawRecord, SourceState
from streams.replay.embedded import Embedded
from streams.replay.files import open_inputs
from streams.replay.run import Summary
from tests.rig import labelled_oracle as oracle

ROOT: Final = Path(__file__).parents[2]
RULES: Final = ("rules/mule/fan-in-new-payers.yaml", "rules/mule/pass-through-account.yaml")
LIST: Final = "rules/lists/licensed-psp.yaml"
_RECEIVED: Final = 1 << 50
_CHUNK: Final = 1_000


@dataclass(frozen=True, slots=True)
class Found:
    """What a run said in the end."""

    summary: Summary
    alerts: list[Alert]
    """Standing and held."""
    hits: dict[tuple[str, str, str, int], list[str]]
    """Event ids of the hits that the accounts still hold."""
    horizon: int
    """Hits older than this may have been forgotten; their alerts stay."""


def shipped(replaced: Mapping[str, str] | None = None) -> Programs:
    """Give the two rules and their list, with the texts of some files replaced."""
    files = {name: (ROOT / name).read_text() for name in (*RULES, LIST)} | dict(replaced or {})
    ruleset, findings = check_files(files)
    assert ruleset is not None, findings
    return compile_ruleset(ruleset)


def with_floors(floors: str) -> dict[str, str]:
    """Give the texts of both rules with another ``floor``: ``{SEK: 300}``."""
    texts = {name: (ROOT / name).read_text().splitlines() for name in RULES}
    return {
        name: "\n".join(f"  floor: {floors}" if line.startswith("  floor: ") else line for line in lines)
        for name, lines in texts.items()
    }


def limits(programs: Programs) -> oracle.Limits:
    """Give what the oracle needs of a ruleset: plain numbers."""
    rules = programs.ruleset.rules
    floors = [
        (rule.id, currency, minor)
        for rule in rules
        if isinstance(param := rule.params["floor"], MoneyParam)
        for currency, minor in param.minor.items()
    ]
    listed = [
        (key, entry.valid_from, entry.expires)
        for key, entries in programs.ruleset.lists["licensed-psp"].entries.items()
        for entry in entries
    ]
    return oracle.Limits(floors, listed)


def run(file: Path, format_: str, programs: Programs, partitions: int = 1) -> Found:
    """Take a file through the embedded pipeline."""
    summary, last = Summary(), dict[str, Alert]()

    def sink(outcomes: list[Outcome]) -> None:
        summary.take(outcomes)
        last.update({each.alert_id: each for each in outcomes if isinstance(each, Alert)})

    source = SourceState(file.name, 0)
    embedded = Embedded(programs, (source.name,), sink, partitions)
    (opened,) = open_inputs([str(file)], format_)
    records: list[RawRecord] = []
    for line in opened.lines():
        records.append(RawRecord(summary.found, _RECEIVED, line))
        summary.found += 1
        if len(records) == _CHUNK:
            embedded.feed(source, records)
            records.clear()
    embedded.feed(source, records)
    embedded.end()
    said = [a for a in last.values() if a.state in {AlertState.STANDING, AlertState.HELD} and a.typology == "mule"]
    horizon = max(state.horizon for state in embedded.states) + DAY_MS
    return Found(summary, said, _hits(embedded), horizon)


def _hits(embedded: Embedded) -> dict[tuple[str, str, str, int], list[str]]:
    found: dict[tuple[str, str, str, int], list[str]] = {}
    for state in embedded.states:
        for subject in state.subjects.values():
            for hit in subject.hits:
                bucket = hit.key.rule_id, subject.key, hit.key.currency, hit.key.bucket_start
                if "#" not in hit.key.rule_id:
                    found.setdefault(bucket, []).append(hit.leg.event_id)
    return found


def differences(found: Found, truth: oracle.Truth) -> list[str]:
    """Name every alert that differs from the oracle's: there or not, held, hits, first and last hit, evidence."""
    wanted = {alert[:4]: (*alert[4:5], len(alert.hits), *alert[6:]) for alert in truth.alerts}
    got = {
        (each.rule_id, each.subject, each.currency, each.bucket_start): (
            each.state is AlertState.HELD, each.hits, each.first_hit, each.last_hit,
            tuple(item.event_id for item in each.evidence),
        )
        for each in found.alerts
    }  # fmt: skip
    faults = [
        f"{key}: found {got.get(key)}, meant {wanted.get(key)}"
        for key in sorted(wanted.keys() | got.keys())
        if got.get(key) != wanted.get(key)
    ]
    recent = [alert for alert in truth.alerts if alert.bucket >= found.horizon]
    faults += [f"{a[:4]}: hits on {found.hits.get(a[:4])}, meant {a.hits}" for a in recent if not _same_hits(found, a)]
    undecided = {
        (rule, reason.removeprefix("no limit for currency ")): count
        for rule, reasons in found.summary.undecided.items()
        for reason, count in reasons.items()
    }
    if undecided != truth.undecided:
        faults.append(f"undecided: found {undecided}, meant {truth.undecided}")
    return faults


def _same_hits(found: Found, alert: oracle.Alert) -> bool:
    """Held hits of an alert that also has free ones are kept by the account, and not shown."""
    kept = found.hits.get(alert[:4], [])
    return [each for each in kept if each in set(alert.hits)] == list(alert.hits)
