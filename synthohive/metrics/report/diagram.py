"""The schema as a drawing: tables as boxes, their keys as lines, fan-outs beside them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from unicodedata import east_asian_width

from synthohive.metrics.report.layout import Box, Layout, Line, laid_out

__all__ = ["DiagramKey", "DiagramTable", "diagram"]

_HEAD, _STEP, _PAD = 44.0, 17.0, 9.0
_WIDTHS = (120.0, 270.0)  # of boxes
_LETTER, _BOLD = 6.7, 8.4  # mean width of a letter, with room for wide fonts
_MARGIN = 4.0
_LEAST = 0.75  # to which it is shrunk to fit; beyond that it scrolls
_SIGNS = {"good": "✓", "fair": "!", "poor": "✗"}  # beside colours, which not all see


@dataclass(frozen=True)
class DiagramKey:
    """A foreign key of a table."""

    parent: str
    columns: str
    note: str  # children per parent, orphans
    level: str  # "good", "fair", "poor" or "unknown"


@dataclass(frozen=True)
class DiagramTable:
    """A table, with the place that it leads to."""

    name: str
    note: str
    level: str
    link: str
    keys: tuple[DiagramKey, ...] = ()


def diagram(tables: Sequence[DiagramTable]) -> str:
    """Return the drawing as SVG; its classes are coloured by the page.

    Examples
    --------
    >>> customer = DiagramTable("customer", "20 rows", "good", "#customer")
    >>> diagram([customer]).startswith("<svg")
    True
    """
    layout = laid_out([_box(table) for table in tables])
    lines = "".join(_line(line, _key(tables, line)) for line in layout.lines)
    boxes = "".join(_drawn(table, layout) for table in tables)
    keys = sum(len(table.keys) for table in tables)
    wide, high = layout.width + 2 * _MARGIN, layout.height + 2 * _MARGIN
    return (
        f'<svg class="diagram" viewBox="{-_MARGIN} {-_MARGIN} {wide:.0f} {high:.0f}" '
        f'style="min-width:{wide * _LEAST:.0f}px;max-width:{wide:.0f}px" role="group" '
        f'aria-label="Schema: {len(tables)} tables, {keys} foreign keys">{lines}{boxes}</svg>'
    )


def _box(table: DiagramTable) -> Box:
    texts = [_width(table.name, _BOLD) + 16, _width(table.note, _LETTER)]
    texts += [_width(f"{key.columns}  {key.note}", _LETTER) + 12 for key in table.keys]
    width = min(_WIDTHS[1], max(_WIDTHS[0], *texts) + 2 * _PAD)
    parents = tuple(key.parent for key in table.keys)
    return Box(table.name, parents, width, _HEAD, _STEP)


def _width(text: str, letter: float) -> float:
    return sum(2 * letter if east_asian_width(c) in "WF" else letter for c in text)


def _fitting(text: str, room: float, letter: float) -> str:
    """Return a text that is no wider than there is room for; its end is left out."""
    if _width(text, letter) <= room:
        return text
    while text and _width(text, letter) > room - letter:
        text = text[:-1]
    return text + "…"


def _key(tables: Sequence[DiagramTable], line: Line) -> DiagramKey:
    return next(table for table in tables if table.name == line.child).keys[line.key]


def _line(line: Line, key: DiagramKey) -> str:
    shared, own = _paths(line)
    # the many: a foot at the child's end
    (x, y), out = (line.points[0], 8) if line.backward else (line.points[-1], -8)
    own += f"M{x:.1f} {y - 4:.1f}L{x + out:.1f} {y:.1f}L{x:.1f} {y + 4:.1f}"
    names = f"{line.child} ({key.columns}) refers to {key.parent}: {key.note}"
    style = f"edge {key.level}{' back' if line.backward else ''}"
    way = f'<path class="way" d="{shared}"/>' if shared else ""
    return f'<g class="{style}"><title>{escape(names)}</title>{way}<path d="{own}"/></g>'


def _paths(line: Line) -> tuple[str, str]:
    """Return what other lines of the same table may share, and the end that is this one's own."""
    (x, y), *rest = line.points
    steps, own_from = [], 0 if line.backward else len(rest) - 1
    for i, (to_x, to_y) in enumerate(rest):
        middle = (x + to_x) / 2
        bend = f"C{middle:.1f} {y:.1f} {middle:.1f} {to_y:.1f} {to_x:.1f} {to_y:.1f}"
        through = f"H{to_x:.1f}"  # a layer
        start = f"M{x:.1f} {y:.1f}" if i in (0, own_from) else ""
        steps.append(start + (through if i % 2 else bend))
        x, y = to_x, to_y
    return "".join(steps[:own_from]), "".join(steps[own_from:])


def _drawn(table: DiagramTable, layout: Layout) -> str:
    x, y, width, height = layout.boxes[table.name]
    room = width - 2 * _PAD
    name = _fitting(table.name, room - 14, _BOLD)
    parts = [
        f'<rect x="{x:.1f}" y="{y:.1f}" width="{width:.1f}" height="{height:.1f}" rx="5"/>',
        f'<rect class="bar" x="{x:.1f}" y="{y:.1f}" width="4" height="{height:.1f}" rx="2"/>',
        _text("name", x + _PAD, y + 17, name),
        _text("sign end", x + width - _PAD, y + 17, _SIGNS.get(table.level, "")),
        _text("note", x + _PAD, y + 34, table.note),
    ]
    for row, i in enumerate(layout.keys[table.name]):
        key, base = table.keys[i], y + _HEAD + row * _STEP + 12
        loop = "↻ " if key.parent == table.name else ""
        columns = _fitting(loop + key.columns, room - _width(key.note, _LETTER) - 8, _LETTER)
        parts.append(_text("key", x + _PAD, base, columns))
        parts.append(_text(f"end {key.level}", x + width - _PAD, base, key.note))
    title = f"{table.name}: {table.note}"
    for key in table.keys:
        title += f"\n{key.columns} refers to {key.parent}: {key.note}"
    return (
        f'<a href="{escape(table.link)}" class="box {table.level}" '
        f'aria-label="{escape(title)}"><title>{escape(title)}</title>{"".join(parts)}</a>'
    )


def _text(style: str, x: float, y: float, text: str) -> str:
    return f'<text class="{style}" x="{x:.1f}" y="{y:.1f}">{escape(text)}</text>' if text else ""
