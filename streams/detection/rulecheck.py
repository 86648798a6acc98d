"""Reading a rule file into a ``Rule``; everything that one file alone can get wrong is found here."""

import re
from collections.abc import Mapping as MappingType
from dataclasses import replace
from decimal import Decimal, InvalidOperation

from streams.clock import DAY_MS, SpanError, parse_span
from streams.detection.aggregate import (
    VERDICTS,
    Aggregate,
    Since,
    is_aggregate,
    parse_aggregate,
    parse_named,
    parse_since,
)
from streams.detection.comparisons import Comparison, comparisons_of
from streams.detection.document import Item, Mapping, Sequence, Text
from streams.detection.expression import ExpressionError, Node, parse_condition
from streams.detection.fields import Fields
from streams.detection.findings import Findings, Spot
from streams.detection.rule import STORM_ALERTS, Let, MoneyParam, Param, ReferenceWord, Rule, Value, Words
from streams.detection.testcheck import EventReader, known_list, read_tests
from streams.detection.wholecheck import check_whole
from streams.detection.words import (
    DISTINCT,
    FIELDS,
    HISTORY_MS_MAX,
    LEGS,
    MOMENTS,
    OTHERS,
    REFERENCES,
    SEGMENTS,
    SUBJECT_WORDS,
    SUBJECTS,
    TEXTS,
    TRIGGERS,
    WINDOW_MS_MAX,
    Type,
)
from streams.legs import LegKind, SubjectKind
from streams.money import EXPONENTS, TooManyDecimals, parse_major

SEVERITIES = ("low", "medium", "high", "critical")
STATES = ("off", "shadow", "active", "signal")
LETS_MAX = 60
"""Values of one rule, each perhaps a window: what a rule may cost a worker is bounded."""
PARAMS_MAX = 60
"""Limits of one rule: those per currency are looked up for every leg."""
STORM = re.compile("([1-9][0-9]{0,5}) an hour")
_DIGITS_MAX = 9
_LIMIT_MAX = 10**12
KEYS = {
    "id", "version", "title", "typology", "severity", "state", "owner", "legal_basis", "per", "on", "wait", "let", "when",
    "params", "unless", "say", "cool_down", "tests", "description", "false_positives", "review_by", "storm",
}  # fmt: skip


def read_rule(
    document: Mapping, lists: MappingType[str, Type], findings: Findings, read_events: EventReader | None = None
) -> Rule | None:
    """Read one rule; None when it has faults. ``lists`` are the ids of the set's lists and what their keys name."""
    before = len(findings.errors)
    fields = Fields(document, findings)
    fields.unknown(KEYS)
    subject = fields.word("per", list(SUBJECTS))
    per = SUBJECTS.get(subject, SubjectKind.ACCOUNT)
    params = _params(fields, findings)
    lets = _lets(fields, per, findings)
    when_item = document.get("when")
    when = _condition(when_item, findings) if isinstance(when_item, Text) else None
    if not isinstance(when_item, Text):
        findings.error(document.spot, "the key 'when' is missing or no text", "add 'when: a condition'")
    rule = Rule(
        fields.identity(), fields.whole("version", 1), fields.text("title"), fields.identity("typology"),
        fields.word("severity", SEVERITIES), fields.word("state", STATES, "active"), fields.text("owner"),
        fields.text("legal_basis", required=False), per, _triggers(fields, per, findings),
        fields.span("wait", "0s", WINDOW_MS_MAX), tuple(lets), when or Node("number", 0, "0"),
        _comparisons(lets, when, document), params,
        _unless(fields, per, lists, findings), fields.text("say"),
        _cool_down(fields, findings), read_tests(fields, lists, findings, read_events), document.spot,
        fields.day("review_by", required=False), _storm(fields, findings), _texts(fields, when_item),
    )  # fmt: skip
    if subject:  # else every word about it would be another fault
        check_whole(rule, fields, lists, findings, readable=when is not None)
    return rule if len(findings.errors) == before else None


def _cool_down(fields: Fields, findings: Findings) -> int:
    """Read over what time hits are one alert, in milliseconds; 0 when each payment or settlement is its own."""
    told = fields.text("cool_down", required=False)
    if fields.document.get("state") is not None and fields.word("state", STATES) == "signal":
        if told:
            findings.error(
                fields.spot("cool_down"), "a signal never alerts, so it has no cool-down", "take 'cool_down' out"
            )
        return 0
    return 0 if told == "none" else fields.span("cool_down", "24h", 30 * DAY_MS)


def _storm(fields: Fields, findings: Findings) -> int:
    """Read from how many open alerts an hour on the rest is shown as one line; 0 when never."""
    told = fields.text("storm", required=False)
    if not told:
        return STORM_ALERTS
    if fields.document.get("state") is not None and fields.word("state", STATES) == "signal":
        findings.error(fields.spot("storm"), "a signal never alerts, so it has no storms", "take 'storm' out")
    if told == "none":
        return 0
    found = STORM.fullmatch(told)
    if found is None:
        findings.error(fields.spot("storm"), f"'storm' cannot be {told!r}", "write '100 an hour', or 'none'")
        return STORM_ALERTS
    return int(found[1])


def _comparisons(lets: list[Let], when: Node | None, document: Mapping) -> tuple[Comparison, ...]:
    found: list[Comparison] = []
    values = document.get("let")
    texts = values.entries if isinstance(values, Mapping) else {}
    for let in lets:
        text = texts[let.name][1]
        if isinstance(let.value, Node) and isinstance(text, Text):
            found += comparisons_of(let.value, text, let.name)
    condition = document.get("when")
    if when is not None and isinstance(condition, Text):
        found += comparisons_of(when, condition)
    return tuple(found)


def _texts(fields: Fields, when: Item | None) -> dict[str, Text]:
    found = {name: item for name, (_, item) in fields.mapping("let").items() if isinstance(item, Text)}
    return found | ({"": when} if isinstance(when, Text) else {})


def _params(fields: Fields, findings: Findings) -> dict[str, Param]:
    params: dict[str, Param] = {}
    if len(fields.mapping("params")) > PARAMS_MAX:
        findings.error(fields.spot("params"), f"a rule has at most {PARAMS_MAX} limits", "make two rules of it")
        return {}
    for name, (spot, item) in fields.mapping("params").items():
        if not _may_name(name, "a limit", spot, findings):
            continue
        if isinstance(item, Sequence):
            texts = [each.value for each in item if isinstance(each, Text)]
            if not texts or len(texts) < len(item.items):
                findings.error(spot, f"{name!r} is no list of codes", "write [SALA, PENS]")
            params[name] = Words(frozenset(texts))
        elif isinstance(item, Mapping):
            params[name] = replace(_money_param(item, findings), spot=spot)
        elif item.value.isascii() and item.value.isdigit() and len(item.value) <= _DIGITS_MAX:
            params[name] = int(item.value)
        else:
            findings.error(
                spot,
                f"{name!r} is neither a whole number nor limits per currency nor codes",
                "write {CNY: 20000, USD: 3000}",
            )
    return params


def _may_name(name: str, what: str, spot: Spot, findings: Findings) -> bool:
    """Tell whether a name can be one; it becomes the end of a name in the generated code."""
    fits = name.isidentifier() and name.isascii() and name not in FIELDS
    if not fits:
        findings.error(spot, f"{name!r} cannot be the name of {what}", "use letters, digits and _, not a leg field")
    return fits


def _money_param(item: Mapping, findings: Findings) -> MoneyParam:
    """Read limits per currency, perhaps of several kinds of account holder."""
    if not item.entries.keys() & set(SEGMENTS):
        return MoneyParam(_money(item, findings))
    known: dict[str, dict[str, int]] = {OTHERS: {}}
    for segment, (spot, limits) in item.entries.items():
        if segment not in SEGMENTS:
            findings.error(spot, f"{segment!r} is no kind of account holder", "write one of: " + ", ".join(SEGMENTS))
        elif not isinstance(limits, Mapping):
            findings.error(limits.spot, f"the limits of {segment} are missing", "write {CNY: 20000, USD: 3000}")
        else:
            known[segment] = _money(limits, findings)
    if OTHERS not in item.entries:
        findings.error(item.spot, "limits for all other account holders are missing", f"add '{OTHERS}: {{CNY: 20000}}'")
    return MoneyParam(known.pop(OTHERS), known)


def _money(item: Mapping, findings: Findings) -> dict[str, int]:
    minor: dict[str, int] = {}
    for code, (spot, amount) in item.entries.items():
        if code not in EXPONENTS:
            findings.error(spot, f"{code!r} is not an ISO 4217 currency code", "write CNY, USD, EUR ...")
            continue
        try:
            value = Decimal(amount.value.replace("_", "")) if isinstance(amount, Text) else Decimal("NaN")
        except InvalidOperation:
            value = Decimal("NaN")
        if not value.is_finite() or not 0 <= value <= _LIMIT_MAX:
            advice = "write a number of major units, like 20000"
            findings.error(amount.spot, f"the limit for {code} is not an amount", advice)
            continue
        try:
            minor[code] = parse_major(value, code)
        except TooManyDecimals as error:
            findings.error(amount.spot, str(error))
    return minor


def _lets(fields: Fields, per: SubjectKind, findings: Findings) -> list[Let]:
    lets = []
    if len(fields.mapping("let")) > LETS_MAX:
        findings.error(fields.spot("let"), f"a rule has at most {LETS_MAX} values", "make two rules of it")
        return []
    for name, (spot, item) in fields.mapping("let").items():
        if not _may_name(name, "a value", spot, findings):
            continue
        if name in fields.mapping("params"):
            findings.error(spot, f"{name!r} stands under 'params' too", "give one of them another name")
        elif not isinstance(item, Text):
            findings.error(item.spot, f"the value {name!r} must be a text", "like: sum amount of credits over 24h")
        elif (value := _value(item, per, findings)) is not None:
            lets.append(Let(name, value, spot))
    return lets


def _value(item: Text, per: SubjectKind, findings: Findings) -> Value | None:
    if item.value.startswith("reference "):
        word = item.value.removeprefix("reference ").strip()
        known = REFERENCES.get(per, {})
        if word not in known:
            advice = "write one of: " + ", ".join(known) if known else "it is known of accounts and merchants"
            findings.error(item.at(10), f"no reference data {word!r} here", advice)
            return None
        return ReferenceWord(word)
    try:
        return _value_of(item, per, findings)
    except ExpressionError as error:
        findings.error(item.at(error.column), str(error), error.advice)
        return None


def _value_of(item: Text, per: SubjectKind, findings: Findings) -> Value | None:
    if item.value.startswith("time since "):
        return _since(parse_since(item.value), item, per, findings)
    if item.value.startswith("account named"):
        return parse_named(item.value)
    if not is_aggregate(item.value):
        return parse_condition(item.value)
    aggregate = parse_aggregate(item.value)
    return aggregate if _fits(aggregate, item, per, findings) else None


def _since(since: Since, item: Text, per: SubjectKind, findings: Findings) -> Since | None:
    """Check the words after ``time since`` against the vocabulary."""
    if since.field:
        known = {word for word, kind in REFERENCES.get(per, {}).items() if kind is Type.SET}
        if since.field not in FIELDS or FIELDS[since.field][1] not in TEXTS:
            findings.error(item.at(0), f"{since.field!r} is no text of a leg", "write: time since counterparty in ...")
            return None
    else:
        known = set(MOMENTS.get(per, ()))
    if since.word not in known:
        advice = "write one of: " + ", ".join(sorted(known)) if known else "it is known of accounts and merchants"
        findings.error(item.at(since.column), f"no moment {since.word!r} here", advice)
        return None
    return since


def _fits(aggregate: Aggregate, item: Text, per: SubjectKind, findings: Findings) -> bool:
    """Check the words of an aggregate against the vocabulary."""
    before = len(findings)
    at = aggregate.columns
    chain = aggregate.chain
    for word, place in ((aggregate.legs, "legs"), *(((chain.legs, "then"),) if chain is not None else ())):
        if word not in LEGS[per] and aggregate.how not in VERDICTS:
            findings.error(item.at(at[place]), f"no legs called {word!r} here", "write one of: " + ", ".join(LEGS[per]))
    if aggregate.how in {"distinct", "same", "same sum"} and aggregate.what not in DISTINCT:
        place = "what" if aggregate.how == "distinct" else "same"
        told = f"cannot count distinct {aggregate.what!r}" if place == "what" else f"no field {aggregate.what!r} here"
        findings.error(item.at(at[place]), told, "write one of: " + ", ".join(DISTINCT))
    if aggregate.how in {"sum", "min", "max", "mean", "deviation", "median"} and aggregate.what != "amount":
        findings.error(item.at(at["what"]), f"{aggregate.how} of {aggregate.what!r}", "write 'amount'")
    _fits_payments(aggregate, item, per, findings)
    if aggregate.past is not None:
        return _fits_days(aggregate, item, per, findings) and len(findings) == before
    spans = [(aggregate.span, "span")]
    spans += [(chain.span, "within")] if chain is not None else []
    spans += [(aggregate.points.half, "within")] if aggregate.points is not None else []
    for span, place in spans:
        try:
            if not 0 < parse_span(span) <= WINDOW_MS_MAX:
                findings.error(item.at(at[place]), f"a window is at most {WINDOW_MS_MAX // DAY_MS}d", "shorten it")
        except SpanError as error:
            findings.error(item.at(at[place]), str(error))
    return len(findings) == before


def _fits_payments(aggregate: Aggregate, item: Text, per: SubjectKind, findings: Findings) -> None:
    """Check the words that are about payments between two accounts, and about verdicts."""
    at = aggregate.columns
    if (aggregate.new or aggregate.one_off or aggregate.marked) and per is not SubjectKind.ACCOUNT:
        findings.error(item.at(at["legs"]), "'new', 'one-off' and 'marked by' are for accounts only")
    if (aggregate.one_off or aggregate.marked) and aggregate.legs not in {"debits", "credits", "movements"}:
        findings.error(item.at(at["legs"]), "'one-off' and 'marked by' are about payments", "write debits or credits")
    if aggregate.how == "naming" and not aggregate.marked:
        findings.error(
            item.at(at["naming"]), "which rules name an account there?", "write: debits marked by rule-id naming ..."
        )
    if aggregate.one_off and (aggregate.how not in {"count", "naming"} or aggregate.past is not None):
        findings.error(item.at(at["legs"]), "one-off payments are only counted", "write: count of one-off ... over 14d")
    if aggregate.how in VERDICTS and not aggregate.senders:
        findings.error(item.at(at["legs"]), "'verdicts' of which rules?", "write: verdicts from rule-id, rule-id")
    if aggregate.share is not None and not 0 < aggregate.share[0] <= aggregate.share[1]:
        told = "a share is above 0%, and the first is not the larger"
        findings.error(item.at(at["share"]), told, "write 90% to 100%")


def _fits_days(aggregate: Aggregate, item: Text, per: SubjectKind, findings: Findings) -> bool:
    """Check what is special about whole days."""
    at, before, past = aggregate.columns, len(findings), aggregate.past
    assert past is not None  # noqa: S101  the caller looked
    daily = past.deviations is not None
    if past.active and past.active not in LEGS[per]:
        advice = "write one of: " + ", ".join(LEGS[per])
        findings.error(item.at(at["active"]), f"no legs called {past.active!r} here", advice)
    if aggregate.how not in {"count", "sum", "max"} and (
        daily or (aggregate.how, aggregate.what) != ("distinct", "day")
    ):
        advice = "write count, sum amount, max amount" + ("" if daily else " or count distinct day")
        findings.error(item.at(0), f"days do not know {aggregate.how}", advice)
    for text, place, unit, most in (
        (aggregate.span, "span", DAY_MS, HISTORY_MS_MAX),
        (past.before, "before", 1, WINDOW_MS_MAX),
    ):
        try:
            span = parse_span(text)
        except SpanError as error:
            findings.error(item.at(at[place]), str(error))
            continue
        if not 0 < span <= most or span % unit:
            findings.error(
                item.at(at[place]),
                f"write whole days up to {most // DAY_MS}d" if unit > 1 else f"at most {most // DAY_MS}d",
            )
        elif place == "span" and "days" in at and not 1 <= past.days_min <= span // DAY_MS:
            findings.error(item.at(at["days"]), f"write a number of days from 1 to {span // DAY_MS}")
    return len(findings) == before


def _condition(item: Text, findings: Findings) -> Node | None:
    try:
        return parse_condition(item.value)
    except ExpressionError as error:
        findings.error(item.at(error.column), str(error), error.advice)
        return None


def _triggers(fields: Fields, per: SubjectKind, findings: Findings) -> tuple[LegKind, ...]:
    words = fields.words("on")
    if not words:
        findings.error(fields.document.spot, "the key 'on' is missing", "write one of: " + ", ".join(TRIGGERS[per]))
    for word in words:
        if word.value not in TRIGGERS[per]:
            findings.error(
                word.spot, f"'on' cannot be {word.value!r} here", "write one of: " + ", ".join(TRIGGERS[per])
            )
    return tuple(TRIGGERS[per][word.value] for word in words if word.value in TRIGGERS[per])


def _unless(fields: Fields, per: SubjectKind, lists: MappingType[str, Type], findings: Findings) -> tuple[str, ...]:
    words = fields.words("unless")
    for word in words:
        if not known_list(word.value, word.spot, lists, findings):
            continue
        named = SUBJECTS.get(lists[word.value].value)
        if named is None:
            findings.error(word.spot, f"the list {word.value!r} names no subjects", "ask 'in' a list within 'when'")
        elif named is not per and named is not SubjectKind.ACCOUNT:
            told = (
                f"the list {word.value!r} names {lists[word.value].value}s, and the rule is about {SUBJECT_WORDS[per]}s"
            )
            findings.error(word.spot, told, "name a list of those, or of accounts")
    return tuple(word.value for word in words)
