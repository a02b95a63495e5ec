"""Short texts, and tables for notebooks."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

__all__ = ["counted", "html_table", "listed", "percent"]

MOST_LINES = 500
"""Rows of a table in a notebook, which browsers draw at once."""


def counted(number: int, noun: str) -> str:
    """Return a number with its noun.

    Examples
    --------
    >>> counted(1, "foreign key"), counted(1200, "row")
    ('1 foreign key', '1,200 rows')
    """
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def listed(names: Sequence[str], most: int = 8) -> str:
    """Return the first names, and how many more there are.

    Examples
    --------
    >>> listed(["a", "b", "c", "d"], most=2)
    'a, b and 2 more'
    """
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return ", ".join(names[:most]) + more


def html_table(caption: str, head: Sequence[str], rows: Sequence[Sequence[object]]) -> str:
    """Return a table for a notebook; names come from databases, and are never markup.

    Parameters
    ----------
    caption : str
    head : sequence of str
        What the columns are called.
    rows : sequence of sequence of object
        A cell for each column; None is an empty one. Of more than 500 rows, only the number of the
        others is shown.

    Examples
    --------
    >>> html_table("t", ["Table"], [["<b>"]])
    '<table><caption>t</caption>...<tbody><tr><td>&lt;b&gt;</td></tr></tbody></table>'
    """
    lines = "".join(_line("td", row) for row in rows[:MOST_LINES])
    if len(rows) > MOST_LINES:
        lines += _line("td", [f"… and {len(rows) - MOST_LINES:,} more"])
    return (
        f"<table><caption>{escape(caption)}</caption><thead>{_line('th', head)}</thead>"
        f"<tbody>{lines}</tbody></table>"
    )


def _line(tag: str, cells: Sequence[object]) -> str:
    return f"<tr>{''.join(f'<{tag}>{escape(_shown(c))}</{tag}>' for c in cells)}</tr>"


def _shown(cell: object) -> str:
    if cell is None:
        return ""
    return f"{cell:,}" if isinstance(cell, int) else str(cell)


def percent(share: float) -> str:
    """Write a share with as many digits as tell it from all.

    Examples
    --------
    >>> percent(0.79), percent(0.993), percent(0.99983), percent(0.9999999)
    ('79%', '99.3%', '99.98%', '99.99%')
    """
    digits = next((n for n in range(2) if 1.0 - share >= 10.0 ** -(n + 2)), 2)
    return f"{min(share, 0.9999):.{digits}%}"
