"""Simple charts as SVG that stands in a page: bars by name, bars by day. Texts are escaped, nothing is fetched."""

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from typing import Final

_COLOURS: Final = ("#8a8f98", "#d9480f", "#1c7ed6")
_BAR, _GAP, _LEFT, _WIDTH, _RIGHT = 12, 10, 230, 560, 60
_HEIGHT: Final = 180


@dataclass(frozen=True, slots=True)
class Series:
    """Values under one name, one for each label."""

    name: str
    values: Sequence[int]


def bars(title: str, labels: Sequence[str], series: Sequence[Series]) -> str:
    """Draw horizontal bars, the series of a label one below the other, each with its number."""
    most = max((max(each.values, default=0) for each in series), default=0) or 1
    row = _BAR * len(series) + _GAP
    parts = _legend(series)
    for index, label in enumerate(labels):
        top = 30 + index * row
        middle = top + _BAR * len(series) / 2 + 4
        parts.append(f'<text x="{_LEFT - 8}" y="{middle:.0f}" text-anchor="end">{escape(label)}</text>')
        for number, each in enumerate(series):
            y, width = top + number * _BAR, each.values[index] * _WIDTH / most
            parts.append(
                f'<rect x="{_LEFT}" y="{y}" width="{width:.1f}" height="{_BAR - 2}" fill="{_COLOURS[number]}"/>'
            )
            parts.append(f'<text x="{_LEFT + width + 4:.1f}" y="{y + _BAR - 3}">{each.values[index]:,}</text>')
    return _svg(title, _LEFT + _WIDTH + _RIGHT, 30 + row * len(labels), parts)


def columns(title: str, labels: Sequence[str], series: Sequence[Series]) -> str:
    """Draw upright bars over labels in a row, such as days; the first and the last label are written."""
    most = max((max(each.values, default=0) for each in series), default=0) or 1
    whole = _LEFT + _WIDTH
    slot = (whole - 50) / max(1, len(labels))
    width = slot * 0.9 / max(1, len(series))
    floor = 30 + _HEIGHT
    parts = _legend(series)
    parts.append(f'<text x="44" y="40" text-anchor="end">{most:,}</text>')
    parts.append(f'<line x1="50" y1="{floor}" x2="{whole}" y2="{floor}" stroke="currentColor" stroke-opacity="0.4"/>')
    for number, each in enumerate(series):
        for index, value in enumerate(each.values):
            if value:
                x, height = 50 + index * slot + number * width, value * _HEIGHT / most
                told = escape(f"{labels[index]}, {each.name}: {value:,}")
                parts.append(
                    f'<rect x="{x:.1f}" y="{floor - height:.1f}" width="{max(width, 0.5):.1f}" height="{height:.1f}" '
                    f'fill="{_COLOURS[number]}"><title>{told}</title></rect>'
                )
    if labels:
        parts.append(f'<text x="50" y="{floor + 16}">{escape(labels[0])}</text>')
        parts.append(f'<text x="{whole}" y="{floor + 16}" text-anchor="end">{escape(labels[-1])}</text>')
    return _svg(title, whole + _RIGHT, floor + 24, parts)


def curve(title: str, labels: Sequence[str], series: Sequence[Series]) -> str:
    """Draw lines over labels in a row, each point with its number; the first and the last label are written."""
    most = max((max(each.values, default=0) for each in series), default=0) or 1
    whole, floor = _LEFT + _WIDTH, 40 + _HEIGHT
    slot = (whole - 80) / max(1, len(labels) - 1)
    parts = _legend(series)
    parts.append(f'<line x1="50" y1="{floor}" x2="{whole}" y2="{floor}" stroke="currentColor" stroke-opacity="0.4"/>')
    for number, each in enumerate(series):
        places = [(60 + index * slot, floor - value * _HEIGHT / most) for index, value in enumerate(each.values)]
        line = " ".join(f"{x:.1f},{y:.1f}" for x, y in places)
        parts.append(f'<polyline points="{line}" fill="none" stroke="{_COLOURS[number]}" stroke-width="2"/>')
        for (x, y), label, value in zip(places, labels, each.values, strict=True):
            told = escape(f"{label}, {each.name}: {value:,}")
            dot = f'<circle cx="{x:.1f}" cy="{y:.1f}" r="4" fill="{_COLOURS[number]}"><title>{told}</title></circle>'
            parts += [dot, f'<text x="{x:.1f}" y="{y - 8:.1f}" text-anchor="middle">{value:,}</text>']
    if labels:
        parts.append(f'<text x="50" y="{floor + 16}">{escape(labels[0])}</text>')
        parts.append(f'<text x="{whole}" y="{floor + 16}" text-anchor="end">{escape(labels[-1])}</text>')
    return _svg(title, whole + _RIGHT, floor + 24, parts)


def _legend(series: Sequence[Series]) -> list[str]:
    parts = []
    for number, each in enumerate(series):
        x = _LEFT + number * 120
        parts.append(f'<rect x="{x}" y="8" width="12" height="10" fill="{_COLOURS[number]}"/>')
        parts.append(f'<text x="{x + 18}" y="17">{escape(each.name)}</text>')
    return parts


def _svg(title: str, width: int, height: int, parts: Sequence[str]) -> str:
    head = f'<svg viewBox="0 0 {width} {height}" width="{width}" height="{height}" role="img" aria-label="{escape(title)}">'
    return "\n".join([head, f"<title>{escape(title)}</title>", *parts, "</svg>"])
