"""A test inside a rule may say what its alert must have measured."""

from typing import Final

import pytest

from streams.detection.check import check_files
from streams.replay.ruletests import run_tests

RULE: Final = """\
id: cash-through
version: 1
title: Cash through
typology: mule
severity: high
owner: fraud
per: account
on: credit
let:
  received: sum amount of credits over 24h
  payers: count distinct counterparty of credits over 24h
  quiet: pause before credits over 1h
when: received >= floor
params:
  floor: {CNY: 1000}
say: "{received} from {payers}, after {quiet}"
tests:
  - name: fires
    expect: alert
    events: ["08:00 x pays b 1.50 CNY", "10:00 a pays b 1500 CNY"]
    values: VALUES
  - name: silent
    expect: none
    events: ["10:00 a pays b 100 CNY"]
"""


def fault(values: str) -> str:
    ruleset, findings = check_files({"r.yaml": RULE.replace("VALUES", values)})
    assert ruleset is not None, findings
    return next(iter(run_tests(ruleset))).detail


@pytest.mark.parametrize("received", ["1501.5 CNY", "1501.50 CNY", '"1,501.50 CNY"', "1501.500CNY"])
def test_commas_spaces_and_last_zeros_make_no_difference(received: str) -> None:
    assert not fault(f"{{received: {received}, payers: 2, quiet: 2h}}")


def test_what_differs_is_named_with_what_was_measured() -> None:
    assert fault("{received: 1501 CNY, payers: 2, quiet: 20h}") == (
        "expected received to be 1501 CNY, measured 1,501.50 CNY; expected quiet to be 20h, measured 2h"
    )


@pytest.mark.parametrize("payers", ["20", "2.5", "0"])
def test_another_number_is_not_the_same(payers: str) -> None:
    assert fault(f"{{payers: {payers}}}") == f"expected payers to be {payers}, measured 2"
