"""The validation report: real against synthetic tables, as HTML, JSON and text.

What it says is in :mod:`model`, how that is counted in :mod:`build`, how it looks in :mod:`page`.
"""

from __future__ import annotations

from synthohive.metrics.report.build import build_report
from synthohive.metrics.report.classifiers import ClassifierReport, UsefulnessReport
from synthohive.metrics.report.columns import ColumnReport
from synthohive.metrics.report.examples import ExampleRows
from synthohive.metrics.report.facts import DerivationReport, PersonalColumn
from synthohive.metrics.report.files import check_report
from synthohive.metrics.report.keys import FanOutChart, JointFanOut, KeyReport
from synthohive.metrics.report.model import ValidationReport
from synthohive.metrics.report.pairs import JointTable
from synthohive.metrics.report.provenance import NotCompared, Provenance
from synthohive.metrics.report.queries import QueryReport, QueryRow
from synthohive.metrics.report.tables import TableReport
from synthohive.metrics.report.verdict import Area

__all__ = [
    "Area",
    "ClassifierReport",
    "ColumnReport",
    "DerivationReport",
    "ExampleRows",
    "FanOutChart",
    "JointFanOut",
    "JointTable",
    "KeyReport",
    "NotCompared",
    "PersonalColumn",
    "Provenance",
    "QueryReport",
    "QueryRow",
    "TableReport",
    "UsefulnessReport",
    "ValidationReport",
    "build_report",
    "check_report",
]
