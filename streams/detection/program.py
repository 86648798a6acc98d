"""A ruleset made ready to run: one program per kind of subject."""

from bisect import bisect_left, insort
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from math import isqrt
from typing import Final, NamedTuple, cast

from streams.clock import parse_span
from streams.detection.baseline import history
from streams.detection.citing import one_off_legs, share_legs, within_share
from streams.detection.codegen import (
    SEGMENTS_OF,
    build,
    change_function,
    fold_function,
    kinds_of,
    may_hit_function,
    remember_function,
)
from streams.detection.comparisons import Seen
from streams.detection.lookback import alike, answered, dwell, look_of, swept
from streams.detection.naming import naming, naming_legs, naming_most, naming_of
from streams.detection.oneoff import OneOffs
from streams.detection.plan import limits_name, links_of, plan_rule
from streams.detection.planned import Judge, Plan, Shared
from streams.detection.rule import ListEntry, MoneyParam, Rule, Ruleset, Words
from streams.detection.sequences import (
    followed,
    followed_legs,
    matched,
    matched_legs,
    pause,
    registered_for,
    segment_of,
    standing_for,
)
from streams.detection.verdicts import points, verdict_legs, verdict_rules, verdicts
from streams.detection.words import PAIR_MS, SUBJECT_WORDS
from streams.legs import Leg, LegKind, SubjectKind
from streams.state.history import Panes, note
from streams.state.program import Groups, Pairs
from streams.state.subject import Subject

NEVER: Final = -(1 << 60)
Change = Callable[[Groups, Pairs, Leg], None]
MayHit = Callable[[Subject, Leg], Sequence[int]]


@dataclass(frozen=True, slots=True)
class Runnable:
    """One rule with its function and all that an alert of it needs."""

    rule: Rule
    digest: str
    plan: Plan
    judge: Judge
    held: Mapping[str, tuple[ListEntry, ...]]
    """Keys of the rule's ``unless`` lists of its own kind of subject."""
    held_other: Mapping[str, tuple[ListEntry, ...]]
    """Accounts of ``unless`` lists, looked up for the counterparty when the subject is no account."""
    list_of: Mapping[int, str]
    """Identity of a list entry to the list's id."""
    sees: Callable[[Leg], bool]
    """Tells whether a leg is one that the rule's windows look at."""
    reach_ms: int
    """The longest window."""
    picks: Callable[[Subject, Leg], Sequence[Leg]] | None = None
    """Gives single legs that a hit on a leg stands on, beside the windows."""
    needs_verdict: bool = False
    """It is silent as long as none of the rules whose verdicts it counts has said yes."""
    asked: bool = False
    """Other rules of the same subject count its verdicts."""
    tells_ends: bool = False
    """Rules at the other end of a payment count its verdicts."""
    tells_names: bool = False
    """And some of them ask which counterparties it counted."""
    marks_to: tuple[tuple[SubjectKind, int], ...] = ()
    """Kinds of subject that count this rule's marks, and for how long."""


class Asked(NamedTuple):
    """Rules that legs of one kind trigger at once."""

    rules: tuple[int, ...]
    may_hit: MayHit
    """Gives those of them that may have something to say, by their first conditions; the others are silent."""
    after: tuple[int, ...]
    """Rules that count verdicts of these and each other's, in an order in which each comes after those it counts."""
    may_hit_after: MayHit
    """Gives those of ``after`` that may have something to say, in the same order."""
    unprompted: bool
    """Some of ``after`` may say yes though no rule has said anything of the subject."""


@dataclass(slots=True)
class Program:
    """What a kind of subject runs under one ruleset. ``windows`` are in milliseconds, ascending."""

    kind: SubjectKind
    digest: str
    rules: tuple[Runnable, ...]
    windows: tuple[int, ...] = ()
    enter: Change = field(default=lambda _s, _l, _x: None)
    undo: Change = field(default=lambda _s, _l, _x: None)
    add: tuple[Change, ...] = ()
    sub: tuple[Change, ...] = ()
    on: dict[int, Asked] = field(default_factory=dict)
    """Kind of leg to the rules it triggers at once."""
    waits: dict[int, tuple[int, ...]] = field(default_factory=dict)
    """Kind of leg to the indexes of rules it triggers after a wait."""
    by_id: dict[str, int] = field(default_factory=dict)
    asked: frozenset[int] = frozenset()
    """Kinds of legs at which a rule looks at the windows."""
    kept: frozenset[int] = frozenset()
    """Kinds of legs worth keeping in the subject's log."""
    remember: Callable[[Pairs, Leg], None] | None = None
    """What stays known of a leg that is let go; None when no rule looks back that far."""
    memory_ms: int = 0
    """For how long."""
    fold: Callable[[Panes, Leg], None] | None = None
    """A leg joins the days it is remembered by; None when no rule asks for history."""
    history_ms: int = 0
    """How far before a leg its history may begin."""
    feeding: frozenset[str] = frozenset()
    """Rules whose alerts are told to subjects of other kinds."""


@dataclass(frozen=True, slots=True)
class Programs:
    """All programs of a ruleset, and how long legs must be retained for it."""

    ruleset: Ruleset
    by_kind: Mapping[int, Program]
    reach_ms: int
    kinds: frozenset[SubjectKind]
    """Kinds of subject that anything is known of: those of the rules, and the ids at which a bare status meets its payment."""


def compile_ruleset(ruleset: Ruleset, seen: Seen | None = None) -> Programs:
    """Make a checked ruleset ready; a rule that is ``off`` is left out. With ``seen``, comparisons note there how they came out."""
    rules = [rule for rule in ruleset.rules if rule.state != "off"]
    kinds = {rule.per for rule in rules}
    programs = {int(kind): _program(kind, ruleset, rules, seen) for kind in kinds}
    reach = max((_retained(runnable) for program in programs.values() for runnable in program.rules), default=0)
    return Programs(ruleset, programs, reach, frozenset({*kinds, SubjectKind.JOIN}))


def _retained(runnable: Runnable) -> int:
    """Say how far before a leg its alert looks: from the first hit of its bucket over a window."""
    return max(runnable.rule.wait_ms, runnable.rule.cool_down_ms + runnable.reach_ms)


def _program(kind: SubjectKind, ruleset: Ruleset, every: list[Rule], seen: Seen | None) -> Program:
    rules = [rule for rule in every if rule.per is kind]
    shared = Shared({name: each.kind for name, each in ruleset.lists.items()}, watched=seen is not None)
    plans = [plan_rule(rule, i, shared) for i, rule in enumerate(rules)]
    memory = max((plan.memory_ms for plan in plans), default=0)
    windows = tuple(sorted({slot.span_ms for _, slot in shared.slots.numbered()}))
    source = _source(shared, plans, windows, pairs=memory > 0)
    space = build(source, _names(rules, ruleset) | ({} if seen is None else {"seen": seen.note}))
    space |= {name: links_of(known, space) for name, known in shared.links.items()}
    space |= shared.baselines
    space |= {f"look_{i}": look_of(known, space) for i, known in enumerate(shared.looks)}
    space |= {f"naming_{i}": naming_of(known, space) for i, known in enumerate(shared.namings)}
    runnable = tuple(_runnable(plan, i, space, (ruleset, every)) for i, plan in enumerate(plans))
    program = Program(
        kind, ruleset.digest, runnable, windows, cast("Change", space["enter"]), cast("Change", space["undo"]),
        tuple(cast("Change", space[f"add_{k}"]) for k in range(len(windows))),
        tuple(cast("Change", space[f"sub_{k}"]) for k in range(len(windows))),
        memory_ms=memory, remember=cast("Callable[[Pairs, Leg], None]", space["remember"]) if memory else None,
    )  # fmt: skip
    if shared.series:
        program.fold = cast("Callable[[Panes, Leg], None]", space["fold"])
        program.history_ms = max(plan.history_ms for plan in plans)
    _wire(program, rules, space)
    return program


def _source(shared: Shared, plans: list[Plan], windows: tuple[int, ...], *, pairs: bool) -> str:
    numbered = list(shared.slots.numbered())
    source = [f"def fits_{i}(x): return {condition}" for i, condition in enumerate(shared.fits)]
    source += [
        shared.slots.source(),
        change_function("enter", numbered, into=True, pairs=pairs),
        change_function("undo", numbered, into=False, pairs=pairs),
        remember_function(shared.memories, pairs=pairs),
        fold_function(shared.series),
    ]
    for k, window in enumerate(windows):
        mine = [(place, slot) for place, slot in numbered if slot.span_ms == window]
        source += [change_function(f"add_{k}", mine, into=True, pairs=False)]
        source += [change_function(f"sub_{k}", mine, into=False, pairs=False)]
    for i, plan in enumerate(plans):
        source.append(f"def rule_{i}(s, x):\n" + "\n".join(f" {line}" for line in plan.source))
        seen = " or ".join(dict.fromkeys(f"({legs.source()})" for legs in plan.evidence)) or "None"
        source.append(f"def sees_{i}(x): return {seen}")
        if plan.picks:
            source.append(f"def picks_{i}(s, x): return [{', '.join(f'*{each}' for each in plan.picks)}]")
    rules = [plan.rule for plan in plans]
    for leg_kind in LegKind:
        at_once = [i for i in _at_once(leg_kind, rules) if not plans[i].asks]
        if _at_once(leg_kind, rules):
            source.append(may_hit_function(f"may_hit_{int(leg_kind)}", [(i, plans[i].gate) for i in at_once]))
            gates = [(i, plans[i].gate) for i in _after(leg_kind, rules)]
            source.append(may_hit_function(f"may_hit_after_{int(leg_kind)}", gates))
    return "\n".join(source)


def _names(rules: list[Rule], ruleset: Ruleset) -> dict[str, object]:
    """What generated code may call or look up: our own functions, limits, codes and lists."""
    names: dict[str, object] = {
        "NEVER": NEVER, "insort": insort, "drop": _drop, "listed": _listed, "followed": followed, "matched": matched,
        "pause": pause, "registered_for": registered_for, "standing_for": standing_for, "history": history, "note": note,
        "followed_legs": followed_legs,
        "matched_legs": matched_legs, "one_off_legs": one_off_legs, "share_legs": share_legs, "within_share": within_share,
        "OneOffs": OneOffs, "verdicts": verdicts, "verdict_rules": verdict_rules, "points": points, "verdict_legs": verdict_legs,
        "alike": alike, "answered": answered, "dwell": dwell, "swept": swept, "isqrt": isqrt,
        "naming": naming, "naming_legs": naming_legs, "naming_most": naming_most,
        "segment": segment_of,
    }  # fmt: skip
    for i, rule in enumerate(rules):
        for name, param in rule.params.items():
            if isinstance(param, MoneyParam):
                names[f"{limits_name(i)}{name}"] = param.minor
                names[f"{SEGMENTS_OF}{limits_name(i)}{name}"] = param.segments
            elif isinstance(param, Words):
                names[f"{limits_name(i)}{name}"] = param.codes
    return names | {f"K_{name.replace('-', '_')}": each.entries for name, each in ruleset.lists.items()}


def _listed(entries: tuple[ListEntry, ...], time: int) -> bool:
    return any(entry.valid_from <= time < entry.expires for entry in entries)


def _at_once(leg_kind: LegKind, rules: Sequence[Rule]) -> tuple[int, ...]:
    return tuple(i for i, rule in enumerate(rules) if leg_kind in rule.on and not rule.wait_ms)


def _after(leg_kind: LegKind, rules: Sequence[Rule]) -> tuple[int, ...]:
    depths = _depths(rules)
    return tuple(sorted((i for i in _at_once(leg_kind, rules) if rules[i].asks()), key=depths.__getitem__))


def _wire(program: Program, rules: list[Rule], space: dict[str, object]) -> None:
    """Note which legs trigger which rules, and which legs are worth keeping."""
    program.by_id = {rule.id: i for i, rule in enumerate(rules)}
    for leg_kind in LegKind:
        at_once = tuple(i for i in _at_once(leg_kind, rules) if not rules[i].asks())
        after = _after(leg_kind, rules)
        later = tuple(i for i, rule in enumerate(rules) if leg_kind in rule.on and rule.wait_ms)
        if at_once or after:
            may_hit, may_hit_after = (
                cast("MayHit", space[f"may_hit_{each}{int(leg_kind)}"]) for each in ("", "after_")
            )
            unprompted = not all(program.rules[i].needs_verdict for i in after)
            program.on[int(leg_kind)] = Asked(at_once, may_hit, after, may_hit_after, unprompted)
        if later:
            program.waits[int(leg_kind)] = later
    program.asked = frozenset({*program.on, int(LegKind.DEADLINE)})
    kept = {int(kind) for rule in rules for kind in kinds_of(rule)}
    if program.memory_ms:
        kept |= {int(LegKind.DEBIT), int(LegKind.CREDIT)}
    program.feeding = frozenset(runnable.rule.id for runnable in program.rules if runnable.marks_to)
    if program.feeding:
        kept.add(int(LegKind.DEBIT))
    program.kept = frozenset(kept)


def _depths(rules: Sequence[Rule]) -> list[int]:
    """Say for each rule how many rules ask about one another below it; there are no circles, the check of the set saw to that."""
    by_id = {rule.id: rule for rule in rules}
    known: dict[str, int] = {}

    def depth(rule: Rule) -> int:
        if rule.id not in known:
            known[rule.id] = 1 + max((depth(by_id[each]) for each in rule.asks() if each in by_id), default=-1)
        return known[rule.id]

    return [depth(rule) for rule in rules]


def _runnable(plan: Plan, number: int, space: dict[str, object], known: tuple[Ruleset, list[Rule]]) -> Runnable:
    rule, (ruleset, every) = plan.rule, known
    held: dict[str, tuple[ListEntry, ...]] = {}
    other: dict[str, tuple[ListEntry, ...]] = {}
    list_of: dict[int, str] = {}
    for name in rule.unless:
        reference = ruleset.lists[name]
        for key, entries in reference.entries.items():
            target = held if reference.kind.value == SUBJECT_WORDS[rule.per] else other
            target[key] = target.get(key, ()) + entries
            list_of |= {id(entry): name for entry in entries}
    marks_to = {target.per: max(slot_span(target), 1) for target in every if rule.id in target.senders()}
    return Runnable(
        rule, ruleset.digest, plan, cast("Judge", space[f"rule_{number}"]), held, other, list_of,
        cast("Callable[[Leg], bool]", space[f"sees_{number}"]), plan.reach_ms,
        cast("Callable[[Subject, Leg], Sequence[Leg]] | None", space.get(f"picks_{number}")), plan.needs_verdict,
        any(rule.id in each.asks() for each in every), any(rule.id in each.marked_by() for each in every),
        any(rule.id in each.named_by() for each in every), tuple(marks_to.items()),
    )  # fmt: skip


def slot_span(rule: Rule) -> int:
    """Give the longest window, in milliseconds, over which a rule counts marks."""
    return max(parse_span(aggregate.span) for aggregate in rule.aggregates() if aggregate.senders)


def _drop(values: list[int], value: int) -> None:
    del values[bisect_left(values, value)]


__all__ = ["NEVER", "PAIR_MS", "Program", "Programs", "Runnable", "compile_ruleset"]
