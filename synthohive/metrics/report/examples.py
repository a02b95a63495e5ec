"""A few synthetic rows, beside what may be said of the real columns: no real row is shown."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Optional

import pyarrow as pa

from synthohive.metrics.report.histograms import Histogram
from synthohive.metrics.report.tables import TableReport

__all__ = ["ExampleRows", "example_rows"]

_ROWS = 5
_LONG = 80  # characters of a value
_NAMED = 3  # categories


@dataclass(frozen=True)
class ExampleRows:
    """The first synthetic rows of a table.

    Attributes
    ----------
    table : str
    columns : tuple of str
    real : tuple of str
        Of each column, what `k` real entities share: its commonest values, or its range; empty of
        columns that are not compared.
    rows : tuple of tuple of str, or None for NULL
    """

    table: str
    columns: tuple[str, ...]
    real: tuple[str, ...]
    rows: tuple[tuple[Optional[str], ...], ...]


def example_rows(report: TableReport, synthetic: pa.Table) -> ExampleRows:
    """Return rows of a table that was compared.

    Parameters
    ----------
    report : TableReport
    synthetic : pyarrow.Table
    """
    shown = {column.name: _typical(column.chart) for column in report.columns}
    first = synthetic.slice(0, _ROWS)
    cells = [[_text(value) for value in column.to_pylist()] for column in first.columns]
    names = tuple(first.column_names)
    real = tuple(shown.get(name, "") for name in names)
    return ExampleRows(report.name, names, real, tuple(zip(*cells)))


def _typical(chart: Histogram) -> str:
    """Return the commonest categories, or the ends of the axis, of which `k` entities have some."""
    if not chart.labels:
        return ""
    if not chart.categorical:
        return f"{chart.axis[0]} to {chart.axis[-1]}"
    parts = [f"{label} ({share:.0%})" for label, share in zip(chart.labels, chart.real) if share]
    return ", ".join(parts[:_NAMED]) + (" …" if len(parts) > _NAMED else "")


def _text(value: Any) -> Optional[str]:
    if value is None:
        return None
    text = value.hex() if isinstance(value, bytes) else str(value)
    return text if len(text) <= _LONG else f"{text[: _LONG - 1]}…"
