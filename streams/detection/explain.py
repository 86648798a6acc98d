"""A checked rule in plain sentences, for those who approve it; made from what is evaluated, not from its description."""

from collections.abc import Iterator, Mapping
from fractions import Fraction
from typing import Final

from streams.clock import span_text
from streams.detection.aggregate import VERDICTS, Aggregate, Chain, NamedIn, Past, Since, Sweep
from streams.detection.expression import Node
from streams.detection.rule import Let, MoneyParam, Param, ReferenceWord, Rule, Ruleset, Words
from streams.detection.words import KNOWN_MS, NOTICES, PAIR_MS, SUBJECT_WORDS
from streams.legs import LegKind
from streams.money import EXPONENTS

_COMPARED: Final = {
    ">=": "is at least", "<=": "is at most", ">": "is more than", "<": "is less than", "=": "is", "!=": "is not",
    "in": "is among", "not in": "is not among",
    "multiple": "is a multiple of",
}  # fmt: skip
_STATES: Final = {
    "off": "It is switched off.", "shadow": "It runs in the shadow: nobody is alerted.",
    "signal": "It is a signal: it alerts nobody, and other rules count what it says.",
}  # fmt: skip
_RANK: Final = {"least": 1, "or": 1, "and": 2, "not": 3, "+": 5, "-": 5, "*": 6, "percent": 7}
_COMPARISON_RANK: Final = 4
_ATOM_RANK: Final = 9
_HAPPENS: Final = {
    LegKind.DEBIT: "money leaves it", LegKind.CREDIT: "money arrives", LegKind.INITIATED: "it starts a payment, settled or not",
    LegKind.REFUND_OUT: "it pays a refund", LegKind.REFUND_IN: "it receives a refund", LegKind.USE: "it is used for a payment",
    LegKind.MARK: "another rule has fired on an account that uses it or is its own", LegKind.PAYOUT: "it is paid out",
    LegKind.LINE: "its settlement line arrives", LegKind.SALE: "a sale is paid", LegKind.BATCH: "a batch of its sales arrives",
    LegKind.INCOMING: "a payment to it is started, settled or not", LegKind.REPORT: "a fraud report points at it",
    LegKind.ACCEPTED: "its payment is accepted for clearing", LegKind.REFUND: "money is given back",
    LegKind.STANDING: "one of its accounts is restricted or made active again",
    LegKind.REGISTERED: "an account is registered under it",
}  # fmt: skip


def explain(rule: Rule) -> list[str]:
    """Give the sentences: what is looked at, when, what is measured, when it fires, what keeps it silent."""
    kind = SUBJECT_WORDS[rule.per]
    sentences = [f"{rule.title}."]
    if rule.state != "active":
        sentences.append(_STATES[rule.state])
    happens = " or ".join(_HAPPENS[leg] for leg in rule.on)
    wait = f", {span_text(rule.wait_ms)} after" if rule.wait_ms else ""
    sentences.append(f"It looks at each {kind}{wait} whenever {happens}.")
    sentences += [_measured(let, rule) for let in rule.lets]
    sentences.append(f"It fires when {_text(rule.when, rule, 0)}.")
    sentences += list(_limits(rule.params))
    if rule.unless:
        lists = " or ".join(rule.unless)
        sentences.append(f"It is held back, and that is recorded, for whoever stands on the list {lists}.")
    sentences.append(_cool_down(rule, kind))
    sentences += _storm(rule)
    sentences.append(f"The alert ({rule.severity}, {rule.typology}) says: “{rule.say}”.")
    return sentences


def condition_text(node: Node, rule: Rule) -> str:
    """Say a part of the rule's condition."""
    return _text(node, rule, 0)


def explain_set(ruleset: Ruleset) -> dict[str, list[str]]:
    """Give the sentences of every rule by its id."""
    return {rule.id: explain(rule) for rule in ruleset.rules}


def _measured(let: Let, rule: Rule) -> str:
    value = let.value
    if isinstance(value, ReferenceWord):
        return f"“{let.name}” is the {value.word.replace('_', ' ')} registered at that time."
    if isinstance(value, NamedIn):
        return f"“{let.name}” is the account that is named in “{value.let}”."
    if isinstance(value, Since) and value.word in NOTICES:
        return f"“{let.name}” is the time since the oldest {_plain(value.word)} that stands against it."
    if isinstance(value, Since):
        what = (
            f"the {value.field} stands in the registered {_plain(value.word)}"
            if value.field
            else f"it was {value.word}"
        )
        return f"“{let.name}” is the time since {what}, as registered at that time."
    if isinstance(value, Node):
        return f"“{let.name}” is {_text(value, rule, 0)}."
    return f"“{let.name}” is {_aggregate(value, rule)}."


def _plain(word: str) -> str:
    return word.replace("_", " ")


def _aggregate(value: Aggregate, rule: Rule) -> str:
    if value.how in VERDICTS:
        return _verdicts(value)
    if value.sweep is not None:
        return _sweep(value, value.sweep, rule)
    legs = _legs(value, rule)
    over = f"in the {value.span} up to that moment" if value.past is None else _past(value, value.past)
    text = _compared(value, legs, rule)
    if text:
        return f"{text}, {over}"
    what = _plain(value.what)
    amounts = {
        "sum": "the sum of", "min": "the smallest of", "max": "the largest of", "mean": "the mean of",
        "deviation": "the standard deviation of", "median": "the median of",
    }  # fmt: skip
    same = f"{legs}, with the same {what} as this one,"
    told = {
        "count": f"the number of {legs}", "same": f"the number of {same}", "same sum": f"the sum of the amounts of the {same}",
        "pause": f"the time without {legs} before the first of them",
        "distinct": f"how many different values of {what} there are among the {legs}",
    }  # fmt: skip
    text = told.get(value.how) or f"{amounts.get(value.how)} the {what}s of the {legs}"
    if value.past is None or value.past.deviations is None:
        return f"{text} {over}"
    plus = f" plus {_decimal(value.past.deviations)} standard deviations" if value.past.deviations else ""
    return f"the mean{plus} of a day's value ({text}), taken over the days with any, {over}"


def _legs(value: Aggregate, rule: Rule) -> str:
    legs = _plain(value.legs)
    if value.new:
        legs = f"{legs} with someone it had nothing to do with for {span_text(PAIR_MS)}"
    if value.one_off:
        legs = f"{legs} that are the only payment with their counterparty in that time, and the first for {span_text(KNOWN_MS)}"
    if value.marked:
        legs = f"{legs} on which the rule {' or '.join(value.marked)} says yes at the other end"
    if value.senders:
        legs = f"{legs} from the rule {' or '.join(value.senders)}"
    return legs if value.where is None else f"{legs} for which {_text(value.where, rule, 0)}"


def _compared(value: Aggregate, legs: str, rule: Rule) -> str:
    """Say how legs are seen beside others; nothing when they are not."""
    if value.how == "naming":
        return f"at how many counterparties the {legs}, and that rule counted one and the same account there (the most of any)"
    if value.near is not None:
        return f"how many of the {legs} are of nearly the same amount (within {_percent(value.near)})"
    if value.share is not None:
        low, high = map(_percent, value.share)
        return f"the number of {legs} of whose amount this one is {low} to {high}"
    if value.chain is None:
        return ""
    if value.chain.verb == "dwell":
        then = _then(value.chain, rule)
        return f"the median time that money of the {legs} stayed before it left in {then}, oldest first"
    return f"the number of {legs} {_chain(value.chain, rule)}"


def _past(value: Aggregate, past: Past) -> str:
    over = f"in the {value.span} of whole UTC days that had ended {past.before} before"
    if not past.days_min:
        return over
    such = f" with {_plain(past.active)}" if past.active else ""
    days = f"{past.days_min} {'' if such else 'such '}{'day' if past.days_min == 1 else 'days'}{such}"
    return f"{over} (with less than {days} the rule does not decide, and that is counted)"


def _verdicts(value: Aggregate) -> str:
    over = f"in the {value.span} up to that moment"
    if value.points is not None:
        weights = ", ".join(
            f"{rule} {weight}" for rule, weight in zip(value.senders, value.points.weights, strict=True)
        )
        return f"the points of the rules that said yes of it {over} ({weights}), each halved every {value.points.half}"
    rules = " or ".join(value.senders)
    what = "how many of the rules" if value.how == "verdict rules" else "how often one of the rules"
    return f"{what} {rules} said yes of it {over}"


def _percent(share: Fraction) -> str:
    return f"{_decimal(share * 100)} %"


def _decimal(number: Fraction) -> str:
    whole, hundredths = divmod(int(number * 100), 100)
    return f"{whole}.{hundredths:02d}".rstrip("0").rstrip(".")


def _chain(chain: Chain, rule: Rule) -> str:
    low = _percent(chain.low)
    share = f"at least {low}" if chain.high is None else f"{low} to {_percent(chain.high)}"
    then = _then(chain, rule)
    if chain.verb == "answered":
        return (
            f"to one counterparty that were made up for within {chain.span}, to {share}, by {then} from at least "
            f"{chain.others} others (the most to any)"
        )
    if chain.verb == "followed":
        return f"of which {share} left within {chain.span} in {then}"
    alike = f", all of nearly the same share (within {_percent(chain.alike)})" if chain.alike else ""
    return f"answered within {chain.span} by one of the {then} with {share} of the amount{alike}"


def _then(chain: Chain, rule: Rule) -> str:
    then = _plain(chain.legs)
    if chain.new:
        then = f"{then} with someone new"
    return then if chain.where is None else f"{then} for which {_text(chain.where, rule, 0)}"


def _sweep(value: Aggregate, sweep: Sweep, rule: Rule) -> str:
    pocket = f" or {_text(sweep.pocket, rule, 0)}" if sweep.pocket is not None else ""
    left = f"no more than {_percent(sweep.share)} of it{pocket}"
    return (
        f"on how many of the {value.span} of local days before at least {_text(sweep.floor, rule, 0)} came in and {left} was left "
        "in the end (by its balance where that is told, else what came in less what went out)"
    )


def _text(node: Node, rule: Rule, outer: int) -> str:
    """Write a condition; parentheses stand where ``and``, ``or`` and arithmetic would otherwise be read wrongly."""
    rank = _RANK.get(node.kind, _COMPARISON_RANK if node.kind in _COMPARED else _ATOM_RANK)
    if node.kind in _COMPARED:
        left, right = (_text(part, rule, rank) for part in node.parts)
        text = f"{left} {_COMPARED[node.kind]} {right}"
    elif node.kind in {"and", "or"}:
        text = f" {node.kind} ".join(_text(part, rule, rank) for part in node.parts)
    elif node.kind in {"missing", "given", "new"}:
        text = f"{_text(node.parts[0], rule, rank)} is {node.kind}"
    elif node.kind == "not":
        text = f"it is not so that {_text(node.parts[0], rule, rank)}"
    elif node.kind == "least":
        text = f"at least {node.value} of these hold: " + "; ".join(_text(part, rule, 0) for part in node.parts)
    elif node.kind == "percent":
        text = f"{node.value} % of {_text(node.parts[0], rule, rank)}"
    elif node.kind in {"+", "-", "*"}:
        sign = {"+": "plus", "-": "minus", "*": "times"}[node.kind]
        # The right side of a minus needs parentheses even at the same rank.
        text = f"{_text(node.parts[0], rule, rank)} {sign} {_text(node.parts[1], rule, rank + 1)}"
    else:
        text = _atom(node, rule.params)
    return f"({text})" if rank < outer else text


def _atom(node: Node, params: Mapping[str, Param]) -> str:
    if node.kind in {"number", "span", "code"}:
        return node.value
    param = params.get(node.value)
    if isinstance(param, MoneyParam):
        return f"the limit “{node.value}”"
    if isinstance(param, Words):
        return f"{', '.join(sorted(param.codes))} (“{node.value}”)"
    return f"{param} (“{node.value}”)" if param is not None else f"“{node.value}”"


def _limits(params: Mapping[str, Param]) -> Iterator[str]:
    for name, param in params.items():
        if isinstance(param, MoneyParam):
            told = [f"for {segment} {_amounts(minor)}" for segment, minor in sorted(param.segments.items())]
            said = "; ".join([*told, f"for all others {_amounts(param.minor)}"]) if told else _amounts(param.minor)
            yield f"The limit “{name}” is {said}; in any other currency the rule does not decide, and that is counted."


def _amounts(minor: Mapping[str, int]) -> str:
    return ", ".join(f"{_major(each, code)} {code}" for code, each in sorted(minor.items()))


def _major(minor: int, code: str) -> str:
    exponent = EXPONENTS[code]
    whole, rest = divmod(minor, 10**exponent)
    return f"{whole:,}.{rest:0{exponent}d}" if rest else f"{whole:,}"


def _cool_down(rule: Rule, kind: str) -> str:
    if not rule.cool_down_ms:
        return "Every payment or settlement it fires on is an alert of its own."
    return f"What fires on one {kind} within the same {span_text(rule.cool_down_ms)} is one alert."


def _storm(rule: Rule) -> list[str]:
    if rule.state == "signal":
        return []
    if not rule.storm:
        return ["However many it gives within an hour, each is a line of its own."]
    return [f"Of more than {rule.storm:,} open alerts within an hour the rest is one line, at no lower severity."]


__all__ = ["condition_text", "explain", "explain_set"]
