"""What must come of any rule files: named faults with places inside their text, or rules that run; soon, and nothing else.

``take`` does with a set what the commands do with it: check, compile, lint, explain, run its tests, run it over payments by the
production pipeline. It raises AssertionError for what must not be; every other exception is a fault of the product too.
"""

import re
import sys
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from types import CodeType
from typing import Final

from streams.alerts.model import Outcome, RuleCount
from streams.detection.check import check_files
from streams.detection.comparisons import Seen
from streams.detection.explain import explain
from streams.detection.findings import Finding, Findings
from streams.detection.lint.ruleset import lint
from streams.detection.program import Programs, compile_ruleset
from streams.detection.rule import Ruleset
from streams.events.codec import encode_event
from streams.pipeline import RawRecord, SourceState
from streams.replay.coverage import coverage
from streams.replay.embedded import Embedded
from streams.replay.notation import read_events
from streams.replay.ruletests import run_tests
from tests.fuzz.emitted import faults

FORBIDDEN: Final = (
    "open", "os.", "subprocess.", "socket.", "shutil.", "ctypes.", "pty.", "urllib.", "glob.", "import", "code.__new__",
    "object.__getattr__", "sys.settrace", "sys.setprofile",
)  # fmt: skip
"""Events of the interpreter (PEP 578) that a text must not cause."""
Space = Mapping[str, object]
GENERATED: Final = "<ruleset>"
_LINE_END: Final = re.compile("\r\n|[\n\r\x85\u2028\u2029]")
FAR_MS: Final = 1 << 50
EVENTS: Final = (
    "00:00 reference shop merchant=M1 owner=trader payouts=shop opened=2025-12-01 type=MERCHANT onboarded=2025-12-20",
    "00:00 reference mule owner=boss opened=2025-12-30 home=CN phone=555",
    "00:01 reference twin owner=boss opened=2025-12-30 home=CN phone=555",
    "09:00 p# pays mule 4000 CNY device=phone, 6 times every 1m",
    "09:10 mule pays boss 21000 CNY device=phone ip=router ip_class=VPN_TOR ip_country=KH rail=QR purpose=SALA",
    "09:11 mule pays CASH 900 CNY device=phone from_balance=12",
    "09:12 CASH pays twin 9000 USD to_country=KH to_type=VASP to_agent=BANK",
    "09:20 buyer pays shop 300 CNY merchant=M1 pid=P1 mcc=5816 batch=B1 e2e=I1",
    "09:30 line 300 CNY pid=P1 merchant=M1",
    "09:40 batch 970 CNY merchant=M1 id=B1 gross=1000 fee=30 items=2",
    "09:50 payout 970 CNY to shop merchant=M1 payee_owner=trader cycle=T0",
    "10:00 shop pays buyer 300 CNY merchant=M1 refund_of=P1",
    "10:10 buyer pays mule 15000 JPY status=INITIATED pid=P2 started=09:59",
    "10:20 report STOP_PAYMENT of mule id=R1 pid=P1",
    "day 9 09:00 mule pays p1 4000 CNY device=phone",
    "day 2 08:00 p1 pays mule 5000 CNY device=other",
)
"""Something for every kind of subject and trigger; the last comes late, so that values are taken back and made again."""


@dataclass(slots=True)
class _Heard:
    """What was asked of the interpreter: what is forbidden, and the sources that were compiled."""

    forbidden: Counter[str] = field(default_factory=Counter)
    sources: list[str] = field(default_factory=list)


class _Guard:
    """Hears what the interpreter is asked for; an audit hook stays for the life of a process, so it is switched."""

    def __init__(self) -> None:
        self.heard: _Heard | None = None
        sys.addaudithook(self._hear)

    def _hear(self, event: str, args: tuple[object, ...]) -> None:
        if self.heard is None:
            return
        if event == "compile" and args[1] == GENERATED:
            self.heard.sources.append(args[0].decode() if isinstance(args[0], bytes) else str(args[0]))
        elif event == "exec" and isinstance(args[0], CodeType) and args[0].co_filename == GENERATED:
            return
        elif event.startswith((*FORBIDDEN, "compile", "exec")):
            self.heard.forbidden[f"{event} {args[:1]!r}"[:200]] += 1

    @contextmanager
    def watch(self) -> Iterator[_Heard]:
        self.heard = heard = _Heard()
        try:
            yield heard
        finally:
            self.heard = None


_guard: Final = _Guard()
_records: Final = [
    RawRecord(number, FAR_MS, encode_event(event))
    for number, event in enumerate(event for n, text in enumerate(EVENTS, 1) for event in read_events(text, n))
]


def take(files: Mapping[str, str]) -> bool:
    """Take a set as far as it goes; gives whether it was good."""
    made: list[tuple[str, Space]] = []
    with _guard.watch() as heard:
        ruleset, findings = check_files(files)
        assert (ruleset is None) == bool(findings.errors)
        if ruleset is not None:
            made = _use(ruleset, findings, heard.sources)
    assert not heard.forbidden, f"a text made the program ask for {heard.forbidden}"
    for source, space in made:
        found = faults(source, space)
        assert not found, f"generated code holds what it may not: {found[:3]}"
    _placed(files, findings)
    return ruleset is not None


def _use(ruleset: Ruleset, findings: Findings, sources: list[str]) -> list[tuple[str, Space]]:
    """Do all that is done with a good set; gives what was generated for it, and the names it was given."""
    seen = Seen()
    made: list[tuple[str, Space]] = []
    for each in (None, seen):
        sources.clear()
        programs = compile_ruleset(ruleset, each)
        made += zip(sources, (program.enter.__globals__ for program in programs.by_kind.values()), strict=True)
        if each is None:
            _run(programs)
    findings += lint(ruleset)
    for rule in ruleset.rules:
        assert all(explain(rule))
    findings += [Finding(verdict.test.spot, "a test") for verdict in run_tests(ruleset, seen)]
    findings += coverage(ruleset, seen).findings()
    return made


def _run(programs: Programs) -> None:
    """Run a set over the payments; a rule that fails on one is a fault: whatever it says has been checked."""
    errors: Counter[str] = Counter()

    def sink(outcomes: list[Outcome]) -> None:
        errors.update({each.rule_id: each.errors for each in outcomes if isinstance(each, RuleCount) and each.errors})

    embedded = Embedded(programs, ("test/0",), sink)
    refused = embedded.feed(SourceState("test", 0), _records)
    embedded.end()
    assert not refused, refused[0].detail
    assert not errors, f"rules fail on payments: {errors}"


def _placed(files: Mapping[str, str], findings: Findings) -> None:
    """Every finding names a place that is in its file, or just behind it."""
    lines = {name: _LINE_END.split(text) for name, text in files.items()}
    for each in findings:
        file, line, column = each.spot
        assert each.message, each
        if file == "-":
            continue
        known = lines[file]
        assert 1 <= line <= len(known), str(each)
        assert 1 <= column <= len(known[line - 1]) + 1, str(each)
