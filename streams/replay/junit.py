"""Results of rule tests as JUnit XML, as build servers read it."""

import re
from collections import defaultdict
from collections.abc import Callable, Sequence
from html import escape
from typing import Final

from streams.replay.coverage import Coverage, said
from streams.replay.ruletests import Verdict

_NO_XML: Final = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
"""Characters that XML 1.0 cannot hold, not even escaped."""


def junit(results: Sequence[Verdict], shown: Coverage, placed: Callable[[str], str] = str) -> str:
    """Give one suite per rule, one case per test; what its tests do not show is the suite's output.

    ``placed`` puts the folder of the set before a text that begins with a file, so that a build server finds it.
    """
    by_rule: dict[str, list[Verdict]] = defaultdict(list)
    for one in results:
        by_rule[one.rule_id].append(one)
    failures = sum(bool(one.fault) for one in results)
    lines = [
        '<?xml version="1.0" encoding="UTF-8"?>',
        f'<testsuites name="payweir rules" tests="{len(results)}" failures="{failures}">',
    ]
    for rule in shown.rules:
        mine = by_rule[rule.rule_id]
        count = f'tests="{len(mine)}" failures="{sum(bool(one.fault) for one in mine)}"'
        lines.append(f' <testsuite name="{_text(rule.rule_id)}" {count}>')
        for one in mine:
            spot = one.test.spot
            head = f'name="{_text(one.test.name)}" classname="{_text(rule.rule_id)}"'
            place = f'file="{_text(placed(spot.file))}" line="{spot.line}"'
            fault = f'><failure message="{_text(placed(one.fault))}"/></testcase>' if one.fault else "/>"
            lines.append(f"  <testcase {head} {place}{fault}")
        told = "\n".join(placed(f"{each.spot}: {said(each, truth)}") for each, truth in rule.unseen)
        output = f"{rule.shown} of {rule.outcomes} outcomes shown\n{told}".rstrip()
        lines += [f"  <system-out>{_text(output)}</system-out>", " </testsuite>"]
    return "\n".join([*lines, "</testsuites>", ""])


def _text(text: str) -> str:
    return escape(_NO_XML.sub("?", text))
