"""What the fuzzer begins with and how it changes it: shipped rules, words of the language, and what breaks readers of texts."""

import random
import re
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Final

from streams.detection.check import check_files
from streams.detection.folder import load_folder
from streams.detection.reference import reference

ROOT: Final = Path(__file__).parents[2]
BETWEEN: Final = "\n%%%\n"
"""Stands between the files of a set in one input."""
PIECES: Final = (
    "\t", "\x00", "\ufeff", "\u202e", "\u200b", "\U0001f600", "\u0661\u0662", "e\u0301", "\r", "\u2028", "\x85", "\x7f",
    "{", "[", "]", "}", "&a ", "*a", "!!python/name:os.system ", "!!map ", "<<: *a", "? ", "|\n", ">-\n", "---\n",
    "%YAML 1.1\n", "#", "'", '"', "9" * 5000, "1e999999", "-0", "0x10", ".inf", ".nan", "NaN", "0.1", "2026-02-30",
    "0001-01-01", "((((((((((((((((((((((((", "not " * 40, "+ 1 " * 60, "over 99999999d", "over 30d", "__import__('os')",
    "x.__class__", "lambda: 0", "; import os", "{0.__class__}", "{floor!r}", "id: big\nid: big\n", "[" * 60, "a: " * 30,
    "and amount >= amount ", " or ", "at least 1 of (", "params:\n", "let:\n", "tests:\n", "_BY", ", 99 times every 1m",
    "\n" * 12_000, "[]" * 5_000, "a: 1\n" * 2_000, "- a\n" * 2_000,
)  # fmt: skip
_WORD: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_-]*|[0-9]+[%smhd]?")
_KEYED: Final = re.compile(r"^( +)([a-z_]+)(: .*)$", re.MULTILINE)
_LIKE: Final = ("2", "_BY", " 2", "-2", ".x", "'", "()", "\u00e9", "\u0661")
_REPEATS: Final = (2, 3, 200, 2_000)
LONG: Final = 80
BYTES_MAX: Final = 16 * 1024
"""Of one input."""


def split(text: str) -> dict[str, str]:
    """Give the files of an input by name."""
    return {f"{number}.yaml": each for number, each in enumerate(text.split(BETWEEN))}


@cache
def seeds() -> tuple[str, ...]:
    """Give each shipped rule with the rules it counts on and the lists it names, where that is a small set: all are good."""
    files = load_folder(ROOT / "rules")
    ruleset, _ = check_files(files)
    assert ruleset is not None
    rules = {each.id: each for each in ruleset.rules}
    found = []
    for rule in ruleset.rules:
        needed, left = {rule.id: None}, [rule]
        while left:
            more = sorted(left.pop().counts_on() - needed.keys())
            needed |= dict.fromkeys(more)
            left += [rules[each] for each in more]
        texts = [files[rules[each].spot.file] for each in needed]
        said = " ".join(texts)
        texts += [files[each.spot.file] for each in ruleset.lists.values() if each.id in said]
        found.append(BETWEEN.join(texts))
    found = [text for text in found if len(text.encode()) <= BYTES_MAX]
    return tuple(found)


@cache
def words() -> tuple[str, ...]:
    """Give the words of the language: those of its reference, which is made from what the checker knows, and of shipped rules."""
    told = {word for text in re.findall(r"`([^`]+)`", reference()) for word in _WORD.findall(text)}
    used = {
        word
        for text in seeds()
        for line in re.findall(r"^(?:  [a-z_]+|when): (.*)$", text, re.MULTILINE)
        for word in _WORD.findall(line)
    }
    return tuple(sorted(told | used))


def mutated(text: str, others: Sequence[str], chance: random.Random) -> str:
    """Change a text in one to four places."""
    for _ in range(chance.randint(1, 4)):
        at = chance.randint(0, len(text))
        end = min(len(text), at + chance.choice((1, 8, LONG)))
        match chance.randrange(9):
            case 0:
                text = text[:at] + text[end:]
            case 1:
                text = text[:at] + chance.choice(PIECES) + text[at:]
            case 2:
                text = text[:at] + chance.choice(PIECES) + text[end:]
            case 3:
                text = text[:at] + text[at:end] * chance.choice(_REPEATS) + text[end:]
            case 4:
                text = _line(text, at, chance.choice(others), chance)
            case 5:
                sign = chr(chance.choice((9, 10, 32, 34, 39, 45, 58, 123, 0x7F, 0x85, 0x2029, 0x10FFFF)))
                text = text[:at] + sign + text[at:]
            case 6:
                text = _again(text, at, chance)
            case _:
                text = _worded(text, at, chance)
    return text


def _again(text: str, at: int, chance: random.Random) -> str:
    """Write the next line with a key once more, under a name like it."""
    found = _KEYED.search(text, at)
    if found is None:
        return text
    line = f"{found[1]}{found[2]}{chance.choice(_LIKE)}{found[3]}\n"
    return text[: found.start()] + line + text[found.start() :]


def _line(text: str, at: int, other: str, chance: random.Random) -> str:
    """Put a line of another text in, or in place of one."""
    begin = text.rfind("\n", 0, at) + 1
    end = begin if chance.random() < 0.5 else (text.find("\n", at) + 1 or len(text))
    lines = other.splitlines(keepends=True)
    return text[:begin] + (chance.choice(lines) if lines else "") + text[end:]


def _worded(text: str, at: int, chance: random.Random) -> str:
    """Put a word of the language, or one of the text itself, in place of the next one."""
    found = _WORD.search(text, at)
    if found is None:
        return text
    word = chance.choice(words()) if chance.random() < 0.7 else chance.choice(_WORD.findall(text))
    return text[: found.start()] + word + (" " + found[0] if chance.random() < 0.2 else "") + text[found.end() :]
