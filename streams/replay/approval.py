"""Approval of a ruleset: one person proposes it, another approves it, and both mean one digest and one report of its tests.

Approvals are files beside the rules, ``approvals/DIGEST.json``, so that they travel with the rules through version control and need
no database. The digest is that of the whole set, lists included: whoever changes a rule or an entry of a list afterwards has a set
that nobody approved. What the file cannot do is prove who wrote it; that is the business of whoever guards the branch.
"""

import unicodedata
from collections.abc import Sequence
from hashlib import sha256
from pathlib import Path
from typing import Final

import msgspec
from msgspec import Struct

from streams.alerts.compose import ENGINE
from streams.detection.comparisons import Seen
from streams.detection.listcheck import same_person
from streams.detection.rule import Ruleset
from streams.errors import RuleError, UsageError
from streams.replay.coverage import Coverage, coverage
from streams.replay.ruletests import Verdict, run_tests

APPROVALS: Final = "approvals"
NAME_MAX: Final = 200
_SHOWN: Final = 12


class Tested(Struct, frozen=True, forbid_unknown_fields=True):
    """What the tests of a set say; ``report`` is the SHA-256 of the whole report, test by test and comparison by comparison."""

    passed: int
    failed: int
    coverage: str
    report: str


class BacktestReport(Struct, frozen=True, forbid_unknown_fields=True):
    """A file that ``payweir rules backtest --json`` wrote for this digest; ``report`` is its SHA-256."""

    report: str
    payments: int
    days: int
    alerts: int
    precision: float | None = None
    recall: float | None = None


class Approval(Struct, frozen=True, forbid_unknown_fields=True):
    """A set as it was proposed and, if ``approved_by`` is not empty, approved. Times in RFC 3339."""

    digest: str
    rules: int
    lists: int
    engine: int
    tests: Tested
    proposed_by: str
    proposed_at: str
    note: str = ""
    backtest: BacktestReport | None = None
    approved_by: str = ""
    approved_at: str = ""


def report_of(ruleset: Ruleset) -> tuple[Tested, list[Verdict], Coverage]:
    """Run the tests of a set, and say what they said."""
    seen = Seen()
    results = list(run_tests(ruleset, seen))
    shown = coverage(ruleset, seen)
    whole = (
        ENGINE, ruleset.digest, [(one.rule_id, one.test.name, one.test.expect, one.fault) for one in results],
        [(rule.rule_id, rule.outcomes, [(str(each.spot), truth) for each, truth in rule.unseen]) for rule in shown.rules],
    )  # fmt: skip
    failed = sum(bool(one.fault) for one in results)
    report = sha256(msgspec.json.encode(whole)).hexdigest()
    return Tested(len(results) - failed, failed, shown.percent, report), results, shown


def propose(ruleset: Ruleset, tests: Tested, who: tuple[str, str], backtest: Path | None, note: str) -> Approval:
    """Give a proposal. ``who`` is a name and the time.

    Raises RuleError when tests fail or there are none of rules that run, UsageError for a report of another set.
    """
    if tests.failed:
        raise RuleError(f"{tests.failed} tests of the set fail; it can be proposed when they pass")
    if not tests.passed and any(rule.state != "off" for rule in ruleset.rules):
        raise RuleError("the set has 0 tests, so nobody can see what he approves; write one that fires and a near miss")
    name, now = who
    found = None if backtest is None else _read_backtest(backtest, ruleset.digest)
    return Approval(
        ruleset.digest, len(ruleset.rules), len(ruleset.lists), ENGINE, tests, named(name), now, note, found
    )


def approve(proposal: Approval | None, ruleset: Ruleset, tests: Tested, who: tuple[str, str]) -> Approval:
    """Give the approved proposal.

    Raises RuleError when nobody proposed it, whoever approves did, its tests say otherwise, or it is approved already.
    """
    name, now = named(who[0]), who[1]
    if proposal is None:
        raise RuleError(f"nobody proposed the set {ruleset.digest[:_SHOWN]}; run: payweir rules propose, as its author")
    if same_person(name, proposal.proposed_by):
        raise RuleError(f"{proposal.proposed_by} proposed the set {ruleset.digest[:_SHOWN]}; somebody else approves it")
    _bind(proposal, ruleset, tests)
    if _holds(proposal):
        raise RuleError(
            f"{proposal.approved_by} approved the set {ruleset.digest[:_SHOWN]} at {proposal.approved_at}; nothing was changed"
        )
    return msgspec.structs.replace(proposal, approved_by=name, approved_at=now)


def replaced(path: Path, made: Approval, *, again: bool) -> Approval | None:
    """Give what a new proposal takes the place of. Raises RuleError when that is an approval that holds, unless ``again``."""
    try:
        found = read(path, made.digest)
    except RuleError:
        return None  # a damaged file approves nothing, and a proposal is what mends it
    if found is not None and _holds(found) and found.tests == made.tests and not again:
        raise RuleError(
            f"the set {made.digest[:_SHOWN]} was proposed by {found.proposed_by} and approved by {found.approved_by}; a new "
            "proposal makes that void: give --again if you mean it"
        )
    return found


def approved(path: Path, ruleset: Ruleset, tests: Tested) -> Approval:
    """Give the approval of a set, or raise RuleError and say what is lacking."""
    found = read(path, ruleset.digest)
    short = ruleset.digest[:_SHOWN]
    if found is None:
        others = len(list(_folder(path).glob("*.json")))
        changed = "; other sets are: it was changed since, if only by a character" if others else ""
        raise RuleError(f"the set {short} is not approved{changed}; run: payweir rules propose, and approve by another")
    if not found.approved_by:
        raise RuleError(
            f"the set {short} was proposed by {found.proposed_by} and is not approved; somebody else approves it"
        )
    if not _holds(found):
        raise RuleError(
            f"the set {short} was approved by {found.approved_by}, who proposed it; somebody else approves it"
        )
    _bind(found, ruleset, tests)
    return found


def read(path: Path, digest: str) -> Approval | None:
    """Read the file of a digest beside the rules at ``path``; None when there is none. Raises RuleError for a damaged one."""
    file = _file(path, digest)
    try:
        return msgspec.json.decode(file.read_bytes(), type=Approval)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise UsageError(f"{file}: cannot be read: {error.strerror}") from None
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise RuleError(f"{file}: is no approval as payweir writes it ({error}); propose the set again") from None


def write(path: Path, approval: Approval) -> Path:
    """Write the file of an approval; gives its name."""
    file = _file(path, approval.digest)
    try:
        file.parent.mkdir(exist_ok=True)
        file.write_bytes(msgspec.json.format(msgspec.json.encode(approval)) + b"\n")
    except OSError as error:
        raise UsageError(f"{file}: cannot be written: {error.strerror}") from None
    return file


def named(name: str) -> str:
    """Give a person's name as it is kept; raises UsageError for what is none."""
    clean = " ".join(unicodedata.normalize("NFKC", name).split())
    if not clean or len(clean) > NAME_MAX or not clean.isprintable():
        raise UsageError(f"--by {name!r}: say who you are, in at most {NAME_MAX} characters that can be printed")
    return clean


def _holds(approval: Approval) -> bool:
    """Two people signed it."""
    return bool(
        approval.proposed_by and approval.approved_by and not same_person(approval.approved_by, approval.proposed_by)
    )


def _bind(approval: Approval, ruleset: Ruleset, tests: Tested) -> None:
    """What was looked at is what is there."""
    if approval.digest != ruleset.digest:
        raise RuleError(f"the approval is of the set {approval.digest[:_SHOWN]}, this is {ruleset.digest[:_SHOWN]}")
    if approval.tests != tests:
        raise RuleError(
            f"the tests of the set {ruleset.digest[:_SHOWN]} say something else than when it was proposed (engine "
            f"{approval.engine} then, {ENGINE} now); propose it again"
        )


def _read_backtest(path: Path, digest: str) -> BacktestReport:
    try:
        data = path.read_bytes()
        found = msgspec.json.decode(data, type=_Backtest)
    except OSError as error:
        raise UsageError(f"{path}: cannot be read: {error.strerror}") from None
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise UsageError(f"{path}: is no report of payweir rules backtest --json ({error})") from None
    if found.digest != digest:
        raise RuleError(
            f"{path}: is the backtest of the set {found.digest[:_SHOWN]}, this is {digest[:_SHOWN]}; run it again"
        )
    score = found.score or {}
    return BacktestReport(
        sha256(data).hexdigest(), found.payments, found.days, found.alerts, score.get("precision"), score.get("recall")
    )


class _Backtest(Struct):
    digest: str
    payments: int
    days: int
    alerts: int
    score: dict[str, float | None] | None = None


def _folder(path: Path) -> Path:
    return (path.parent if path.is_file() else path) / APPROVALS


def _file(path: Path, digest: str) -> Path:
    return _folder(path) / f"{digest}.json"


def changes(old: Sequence[tuple[str, str]], new: Ruleset) -> dict[str, str]:
    """Say what became of each rule against an older set, given as (id, state): ``new``, ``gone``, or a change of its state."""
    before, after = dict(old), {rule.id: rule.state for rule in new.rules}
    found = {name: f"new, {state}" for name, state in after.items() if name not in before}
    found |= {name: "gone" for name in before if name not in after}
    found |= {name: f"{before[name]} -> {state}" for name, state in after.items() if before.get(name, state) != state}
    return dict(sorted(found.items()))
