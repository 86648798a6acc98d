"""The command line with a rule that raises. The language gives no way to write one, so the fault is put in behind its back.

``python -m tests.rig.raising worker --role detect`` is a worker in which the rule ``raises`` raises at every leg.
"""

from dataclasses import replace
from typing import NoReturn

import streams.detection.program as compiler
from streams.detection.comparisons import Seen
from streams.detection.program import Programs
from streams.detection.rule import Ruleset
from streams.legs import Leg

RULE_ID = "raises"
RULE = f"""\
id: {RULE_ID}
version: 1
title: A rule with an error of the engine inside
typology: mule
severity: low
owner: fraud-ops
per: account
on: debit
when: amount >= floor
params:
  floor: {{CNY: 100}}
say: "never said"
"""
_compile = compiler.compile_ruleset


def compile_with_a_fault(ruleset: Ruleset, seen: Seen | None = None) -> Programs:
    """Compile a ruleset; the rule ``raises``, if it is in it, then raises."""
    programs = _compile(ruleset, seen)
    for program in programs.by_kind.values():
        program.rules = tuple(
            replace(one, judge=_raise) if one.rule.id == RULE_ID else one for one in program.rules
        )  # fmt: skip
    return programs


def _raise(_subject: object, leg: Leg) -> NoReturn:
    raise ZeroDivisionError(f"made by the test at {leg.kind}")


def main() -> None:
    """Run the command line."""
    compiler.compile_ruleset = compile_with_a_fault
    from streams.cli.app import main as payweir  # noqa: PLC0415 - after the fault is in

    payweir()


if __name__ == "__main__":
    main()
