"""A test inside a rule may say what its alert must have measured."""

from typing import Final

import pytest

from streams.detection.check import check_files
from streams.replay.ruletests import run_tests
from tests.rig.samples import RULE_HEAD

RULE: Final = f"""{RULE_HEAD}let:
  sent: sum amount of debits over 24h
  payees: count distinct counterparty of debits over 24h
  quiet: pause before debits over 1h
when: sent >= floor
params:
  floor: {{CNY: 1000}}
say: "{{sent}} to {{payees}}, after {{quiet}}"
tests:
  - name: fires
    expect: alert
    events: ["08:00 b pays x 1.50 CNY", "10:00 b pays a 1500 CNY"]
    values: VALUES
  - name: silent
    expect: none
    events: ["10:00 a pays b 100 CNY"]
"""


def fault(values: str) -> str:
    ruleset, findings = check_files({"r.yaml": RULE.replace("VALUES", values)})
    assert ruleset is not None, findings
    return next(iter(run_tests(ruleset))).detail


@pytest.mark.parametrize("sent", ["1501.5 CNY", "1501.50 CNY", '"1,501.50 CNY"', "1501.500CNY"])
def test_commas_spaces_and_last_zeros_make_no_difference(sent: str) -> None:
    assert not fault(f"{{sent: {sent}, payees: 2, quiet: 2h}}")


def test_what_differs_is_named_with_what_was_measured() -> None:
    assert fault("{sent: 1501 CNY, payees: 2, quiet: 20h}") == (
        "expected sent to be 1501 CNY, measured 1,501.50 CNY; expected quiet to be 20h, measured 2h"
    )


@pytest.mark.parametrize("payees", ["20", "2.5", "0"])
def test_another_number_is_not_the_same(payees: str) -> None:
    assert fault(f"{{payees: {payees}}}") == f"expected payees to be {payees}, measured 2"
