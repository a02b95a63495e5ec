"""The validation report: real against synthetic tables, as HTML, JSON and text.

What it says is in :mod:`model`, how that is counted in :mod:`build`, how it looks in :mod:`page`.
"""

from __future__ import annotations

from synthohive.metrics.report.build import build_report
from synthohive.metrics.report.files import check_report
from synthohive.metrics.report.model import (
    ColumnReport,
    KeyReport,
    TableReport,
    ValidationReport,
)

__all__ = [
    "ColumnReport",
    "KeyReport",
    "TableReport",
    "ValidationReport",
    "build_report",
    "check_report",
]
