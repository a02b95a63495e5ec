"""Whether a classifier tells the copy from the real rows, and what models learn from the copy."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np
import pyarrow as pa

from synthohive.metrics.classifier import FeatureAttribution, c2st, feature_attribution
from synthohive.metrics.joins import Described, attributes, parent_rows, with_children, with_parents
from synthohive.metrics.report.halves import Halves, halved
from synthohive.metrics.tstr import Utility, utility
from synthohive.schema import ForeignKey, Metadata
from synthohive.schema.plan import RelationalPlan

__all__ = ["ClassifierReport", "Learned", "UsefulnessReport", "learned"]

Beside = Literal["rows", "children", "parents"]

ROWS = 2_000
"""Of each side of a classifier: an area under the curve is then right to about 0.01."""
LEAST = 30  # rows of each side, below which an area says nothing
_SHARED = 0.05  # of the rows of a half whose parents the other half has, too: hardly any
_TOLD = 0.05  # area above that of real against real, from which columns are searched for
_GIVEN_AWAY = 0.005  # of the area that a column takes with it, to be named


@dataclass(frozen=True)
class ClassifierReport:
    """How well a classifier tells synthetic rows of a table from real ones.

    Attributes
    ----------
    table : str
    beside : {"rows", "children", "parents"}
        What it sees: the rows alone, or beside aggregates of their children, or their parents.
    score : float
        Area under the ROC curve, from 0.5 (it cannot tell them apart) to 1.
    baseline : float
        What it reaches between two halves of the real rows, of as many rows.
    rows : int
        Of each side.
    columns : tuple of FeatureAttribution
        Those that give the copy away, the most telling first.
    """

    table: str
    beside: Beside
    score: float
    baseline: float
    rows: int
    columns: tuple[FeatureAttribution, ...] = ()

    @property
    def excess(self) -> float:
        """How much better the copy is told than real rows are; 0 where it is not."""
        return max(0.0, self.score - self.baseline)


@dataclass(frozen=True)
class UsefulnessReport(Utility):
    """How well a column of a table is predicted by what was learned from real and synthetic rows.

    Attributes
    ----------
    target : str
        The column.
    real, synthetic : float
        Share of the error of the best constant that the model takes away, on held-out real rows.
    table : str
    """

    table: str


@dataclass(frozen=True)
class Learned:
    """What models learned of real and synthetic rows.

    Attributes
    ----------
    classifiers : tuple of ClassifierReport
        The best told first.
    usefulness : tuple of UsefulnessReport
        The greatest loss first.
    """

    classifiers: tuple[ClassifierReport, ...] = ()
    usefulness: tuple[UsefulnessReport, ...] = ()


def learned(
    metadata: Metadata, real: Mapping[str, pa.Table], synthetic: Mapping[str, pa.Table]
) -> Learned:
    """Train classifiers of real and synthetic rows of each table, and models on both.

    Parameters
    ----------
    metadata : Metadata
        Without what no model may see (:func:`~synthohive.metrics.report.halves.learned_columns`).
    real, synthetic : dict of str to pyarrow.Table
        In one form.
    """
    plan = RelationalPlan.build(metadata, {name: len(rows) for name, rows in real.items()})
    classifiers: list[ClassifierReport] = []
    usefulness: list[UsefulnessReport] = []
    for name, table in metadata.tables.items():
        if not attributes(real, metadata, name)[1]:
            continue
        halves = halved(metadata, plan, real, synthetic, name, ROWS)
        if len(halves.first) < LEAST:
            continue
        views: dict[Beside, tuple[pa.Table, pa.Table, Described]] = {}
        (left, said), (right, _) = (attributes(side, metadata, name) for side in (real, synthetic))
        views["rows"] = left, right, said
        if any(key.parent == name for _, key in metadata.foreign_keys()):
            (left, said), (right, _) = (
                with_children(side, metadata, name) for side in (real, synthetic)
            )
            views["children"] = left, right, said
        keys = [
            key for key in table.foreign_keys if _fair(metadata, real, synthetic, name, key, halves)
        ]
        if keys:
            (left, said), (right, _) = (
                with_parents(side, metadata, name, *keys) for side in (real, synthetic)
            )
            views["parents"] = left, right, said
        classifiers += (_told(name, view, *views[view], halves) for view in views)
        left, right, said = views["rows"]
        # the first half is learned from, as is the copy; the second one has seen neither
        held_out = left.take(halves.second)
        learned_from = left.take(halves.first), right.take(halves.synthetic)
        useful = utility(*learned_from, held_out, None, said, quick=True)
        usefulness += (UsefulnessReport(u.target, u.real, u.synthetic, name) for u in useful)
    return Learned(
        tuple(sorted(classifiers, key=lambda one: -one.excess)),
        tuple(sorted(usefulness, key=lambda one: -one.loss)),
    )


def _fair(
    metadata: Metadata,
    real: Mapping[str, pa.Table],
    synthetic: Mapping[str, pa.Table],
    table: str,
    key: ForeignKey,
    halves: Halves,
) -> bool:
    """Tell whether parents may be looked at: halves of real rows do not share them either.

    Rows of the same forty depots are known by the depots' values, real ones among real ones not:
    any copy would be told from the real rows, unless it has the same depots.
    """
    above = [attributes(side, metadata, key.parent)[0] for side in (real, synthetic)]
    if not above[0].column_names:
        return False
    if above[0].equals(above[1]):
        return True
    at = parent_rows(real[table], key, real[key.parent])
    first, second = (at[rows] for rows in (halves.first, halves.second))
    return float(np.isin(second, first[first >= 0]).mean()) <= _SHARED


def _told(
    name: str,
    beside: Beside,
    real: pa.Table,
    synthetic: pa.Table,
    columns: Described,
    halves: Halves,
) -> ClassifierReport:
    first, second = real.take(halves.first), real.take(halves.second)
    made = synthetic.take(halves.synthetic)
    own, theirs = halves.owners
    # no entity in two folds: else rows are known by what they share with others of theirs
    groups = own[halves.first], theirs[halves.synthetic]
    score = c2st(first, made, columns, groups=groups, quick=True)
    among_real = own[halves.first], own[halves.second]
    baseline = c2st(first, second, columns, groups=among_real, quick=True)
    found: list[FeatureAttribution] = []
    if score - baseline > _TOLD:
        attributed = feature_attribution(first, made, columns, most=3, quick=True)
        found = [one for one in attributed if one.drop > _GIVEN_AWAY]
    return ClassifierReport(name, beside, score, baseline, len(first), tuple(found))
