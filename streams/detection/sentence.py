"""The reason sentence of an alert: a template with the names of measured values in braces."""

import re

_NAME = re.compile(r"\{([A-Za-z_][A-Za-z0-9_]*)\}")


def names_in(template: str) -> list[tuple[str, int]]:
    """Give the names in braces, each with its offset in the text."""
    return [(match[1], match.start()) for match in _NAME.finditer(template)]


def stray_braces(template: str) -> list[int]:
    """Give the offsets of braces that are not around a name."""
    bare = _NAME.sub(lambda match: " " * len(match[0]), template)
    return [at for at, sign in enumerate(bare) if sign in "{}"]


def fill(template: str, texts: dict[str, str]) -> str:
    """Put the values' texts in place of their names; anything else of the template stays as it is."""
    return _NAME.sub(lambda match: texts.get(match[1], match[0]), template)
