"""From the text of rule files to a checked ruleset; every fault of every file comes at once, with its place."""

import json
from collections.abc import Mapping as MappingType
from hashlib import sha256

from streams.detection.document import Mapping, Text, read_document
from streams.detection.findings import Findings, Spot
from streams.detection.listcheck import read_list
from streams.detection.rule import ReferenceList, Rule, Ruleset
from streams.detection.rulecheck import read_rule
from streams.detection.testcheck import EventReader
from streams.detection.words import LIST_KINDS, Type
from streams.legs import LegKind


def check_files(
    files: MappingType[str, str], read_events: EventReader | None = None
) -> tuple[Ruleset | None, Findings]:
    """Check all files of a set (name to text); gives a ruleset only when there is no error.

    A file that has the key ``entries`` is a list, any other a rule. With ``read_events`` the events of its tests are read too.
    """
    findings = Findings()
    rules: list[Rule] = []
    lists: dict[str, ReferenceList] = {}
    documents = [document for name, text in sorted(files.items()) if (document := read_document(name, text, findings))]
    for document in documents:
        if "entries" in document.entries:
            reference = read_list(document, findings)
            if reference is not None:
                _once(lists, reference.id, reference.spot, findings)
                lists[reference.id] = reference
    list_names = _broken_lists(documents) | {name: reference.kind for name, reference in lists.items()}
    for document in documents:
        if "entries" not in document.entries:
            rule = read_rule(document, list_names, findings, read_events)
            if rule is not None:
                rules.append(rule)
    _check_together(rules, documents, findings)
    if not files:
        findings.error(Spot("-", 1, 1), "no rule files found", "give a folder with .yaml files")
    if findings.errors:
        return None, findings
    text = json.dumps(dict(sorted(files.items())), ensure_ascii=False, sort_keys=True)
    rules.sort(key=lambda rule: rule.id)
    return Ruleset(sha256(text.encode()).hexdigest(), text, tuple(rules), lists), findings


def _broken_lists(documents: list[Mapping]) -> dict[str, Type]:
    """Give all lists as far as they have a name and a kind: a fault in one is no fault of the rules that name it."""
    found = {}
    for document in documents:
        name, kind = document.get("id"), document.get("kind")
        if (
            "entries" in document.entries
            and isinstance(name, Text)
            and isinstance(kind, Text)
            and kind.value in LIST_KINDS
        ):
            found[name.value] = LIST_KINDS[kind.value]
    return found


def _once(seen: dict[str, ReferenceList], name: str, spot: Spot, findings: Findings) -> None:
    if name in seen:
        findings.error(spot, f"two lists have the id {name!r}", f"the other one is {seen[name].spot}")


def _check_together(rules: list[Rule], documents: list[Mapping], findings: Findings) -> None:
    """Check what only the set can tell: ids, senders of marks, cycles between rules."""
    by_id: dict[str, Rule] = {}
    for rule in rules:
        if rule.id in by_id:
            findings.error(rule.spot, f"two rules have the id {rule.id!r}", f"the other one is {by_id[rule.id].spot}")
        by_id[rule.id] = rule
    complete = len(rules) == sum("entries" not in document.entries for document in documents)
    for rule in rules:
        _check_senders(rule, by_id, findings, complete=complete)
    for rule in rules:
        if _reaches(rule.id, rule.id, by_id, set()):
            findings.error(
                rule.spot, f"the marks of {rule.id!r} come back to it through other rules", "break the circle"
            )


def _check_senders(rule: Rule, by_id: dict[str, Rule], findings: Findings, *, complete: bool) -> None:
    """Check that the rules whose word is counted exist and are about the right kind of subject."""
    for sender in sorted(rule.counts_on()):
        if sender not in by_id:
            if complete:
                findings.error(rule.spot, f"marks from {sender!r}, but no rule has that id", "name a rule of this set")
            continue
        other = by_id[sender]
        if sender in rule.senders() and other.per is rule.per:
            advice = (
                "write 'verdicts from' for what it said of the same subject, 'marked by' for the other end of payments"
            )
            findings.error(rule.spot, f"{sender!r} is a rule about the same kind of subject", advice)
        elif sender in rule.asks() and other.per is not rule.per:
            findings.error(
                rule.spot, f"{sender!r} is not about the same kind of subject", "'verdicts' are those of its own kind"
            )
        elif sender in rule.marked_by() and not (
            other.per is rule.per and {LegKind.DEBIT, LegKind.CREDIT}.intersection(other.on)
        ):
            findings.error(
                rule.spot, f"{sender!r} says nothing of payments", "name a rule per account, on debit or credit"
            )


def _reaches(start: str, goal: str, rules: dict[str, Rule], seen: set[str]) -> bool:
    rule = rules.get(start)
    for sender in rule.counts_on() if rule is not None else ():
        if sender == goal:
            return True
        if sender not in seen:
            seen.add(sender)
            if _reaches(sender, goal, rules, seen):
                return True
    return False
