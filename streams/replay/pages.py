"""Pages for people: blocks written as Markdown or as one HTML file that needs nothing else. All text is taken literally."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from html import escape
from typing import Final

_MARKS: Final = re.compile(r"([\\`*_\[\]<>|~#])")
_OPENING: Final = re.compile(r"^(\s*)([-+=]|[0-9]+(?=[.)](?:\s|$)))")
_STYLE: Final = """
:root { color-scheme: light dark; --line: #8886; --faint: #8882; }
body { font: 16px/1.5 system-ui, sans-serif; margin: 2rem auto; max-width: 70rem; padding: 0 1rem; }
h1, h2, h3 { line-height: 1.2; margin: 2rem 0 .5rem; }
h2 { border-top: 1px solid var(--line); padding-top: 1.5rem; }
.wide { overflow-x: auto; }
table { border-collapse: collapse; margin: .5rem 0; font-variant-numeric: tabular-nums; }
th, td { border: 1px solid var(--line); padding: .25rem .5rem; text-align: left; vertical-align: top; overflow-wrap: anywhere; }
th { background: var(--faint); overflow-wrap: normal; }
svg { max-width: 100%; height: auto; }
svg text { fill: currentColor; font-size: 12px; }
@media print { body { max-width: none; margin: 0; } h2 { break-before: page; } table { break-inside: avoid; } }
"""


@dataclass(frozen=True, slots=True)
class Heading:
    """A heading of level 1 to 3; ``anchor`` is what links point at."""

    level: int
    text: str
    anchor: str = ""


@dataclass(frozen=True, slots=True)
class Paragraph:
    """A few sentences."""

    text: str


@dataclass(frozen=True, slots=True)
class Bullets:
    """A list of sentences."""

    items: Sequence[str]


@dataclass(frozen=True, slots=True)
class Grid:
    """A table; with ``links``, the first cell of a row points at the anchor of that name."""

    heads: Sequence[str]
    rows: Sequence[Sequence[str]]
    links: bool = False


@dataclass(frozen=True, slots=True)
class Drawing:
    """A picture, as SVG of our own making; Markdown shows the table that goes with it instead."""

    svg: str


Block = Heading | Paragraph | Bullets | Grid | Drawing


def as_markdown(blocks: Iterable[Block]) -> str:
    """Write blocks as Markdown."""
    return "\n\n".join(text for block in blocks if (text := _markdown(block))) + "\n"


def _markdown(block: Block) -> str:
    match block:
        case Heading(level, text, anchor):
            target = f'<a id="{escape(anchor)}"></a>\n\n' if anchor else ""
            return f"{target}{'#' * level} {_plain(text)}"
        case Paragraph(text):
            return _plain(text)
        case Bullets(items):
            return "\n".join(f"- {_plain(item)}" for item in items)
        case Grid(heads, rows, links):
            lines = [_row(map(_plain, heads)), _row("---" for _ in heads)]
            for row in rows:
                first, *others = map(_plain, row)
                lines.append(_row([f"[{first}](#{escape(row[0])})" if links else first, *others]))
            return "\n".join(lines)
        case Drawing():
            return ""


def _row(cells: Iterable[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _plain(text: str) -> str:
    """Take from a text what Markdown would read as more than text."""
    marked = _MARKS.sub(r"\\\1", " ".join(text.replace("&", "&amp;").split()))
    return _OPENING.sub(
        lambda found: f"{found[1]}\\{found[2]}" if not found[2].isdigit() else f"{found[1]}{found[2]}\\", marked
    )


def as_html(title: str, blocks: Iterable[Block]) -> str:
    """Write blocks as one HTML file: no script, nothing fetched, and a policy that forbids both."""
    body = "\n".join(_html(block) for block in blocks)
    return (
        '<!doctype html>\n<html lang="en">\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width">\n'
        "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">\n"
        f"<title>{escape(title)}</title>\n<style>{_STYLE}</style>\n<body>\n{body}\n</body>\n</html>\n"
    )


def _html(block: Block) -> str:
    match block:
        case Heading(level, text, anchor):
            target = f' id="{escape(anchor)}"' if anchor else ""
            return f"<h{level}{target}>{escape(text)}</h{level}>"
        case Paragraph(text):
            return f"<p>{escape(text)}</p>"
        case Bullets(items):
            return "<ul>\n" + "\n".join(f"<li>{escape(item)}</li>" for item in items) + "\n</ul>"
        case Grid(heads, rows, links):
            head = "".join(f"<th>{escape(text)}</th>" for text in heads)
            lines = "\n".join(f"<tr>{_cells(row, links=links)}</tr>" for row in rows)
            return f'<div class="wide"><table>\n<tr>{head}</tr>\n{lines}\n</table></div>'
        case Drawing(svg):
            return svg


def _cells(row: Sequence[str], *, links: bool) -> str:
    texts = [escape(text) for text in row]
    if links:
        texts[0] = f'<a href="#{texts[0]}">{texts[0]}</a>'
    return "".join(f"<td>{text}</td>" for text in texts)
