"""What generated code may not hold is seen, and what the compiler makes of every shipped rule is let pass."""

import pytest

from tests.fuzz import inputs, oracle
from tests.fuzz.emitted import faults

SPACE = {"NO_C": [], "NO_A": [], "P0_floor": {}, "verdicts": print}
GOOD = """\
NO_C = [0, None]
def rule_0(s, x):
 g = s.groups.get(x.currency) or NO_C
 v_sent = g[0]
 if not (v_sent >= P0_floor[x.currency] and x.other in ('a b', "it's")): return None
 return (v_sent, verdicts(s, x, {'relay'}, 5),)
"""


def test_an_honest_function_is_let_pass() -> None:
    assert faults(GOOD, SPACE) == []


@pytest.mark.parametrize(
    ("line", "told"),
    [
        (" import os", "Import"),
        (" v_sent = __import__('os')", "'__import__' of nobody"),
        (" v_sent = open('/etc/passwd')", "'open' of nobody"),
        (" v_sent = CASH_OUT", "'CASH_OUT' of nobody"),
        (" v_sent = x.__class__", "attribute __class__"),
        (" v_sent = x.other.format(s)", "attribute format"),
        (" v_sent = [each for each in g]", "ListComp"),
        (" v_sent = lambda: 0", "Lambda"),
        (" while True: g[0] += 1", "While"),
        (" for v_each in g: return 1", "For"),
        (" global NO_C", "Global"),
        (" v_sent = f'{x}'", "JoinedStr"),
        (" v_sent = 0.5", "constant 0.5"),
        (" v_sent = g[0](s)", "call of g[0]"),
        (" verdicts(s, x, rules=1)", "call of verdicts"),
        (" verdicts = 1", "a local name 'verdicts'"),
        (" def v_f(): return 1", "a function within"),
        (" return (yield)", "Yield"),
        ("import os", "at the top"),
        ("P0_floor = 1", "at the top"),
        ("def other(x=1): return x", "no plain function"),
    ],
)
def test_what_reaches_outside_is_named(line: str, told: str) -> None:
    assert told in "; ".join(faults(GOOD + line + "\n", SPACE))


def test_an_input_is_the_files_of_a_set() -> None:
    assert inputs.split(inputs.BETWEEN.join(("id: a", "id: b"))) == {"0.yaml": "id: a", "1.yaml": "id: b"}


@pytest.mark.parametrize("number", range(4))
def test_the_shipped_rules_are_taken_whole(number: int) -> None:
    assert all(oracle.take(inputs.split(text)) for text in inputs.seeds()[number::4])
