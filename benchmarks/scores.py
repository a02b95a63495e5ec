"""All scores of a database against the real one, as numbers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Optional

import numpy as np
import pyarrow as pa

from synthohive import Column, ForeignKey, Metadata
from synthohive.metrics import (
    FeatureAttribution,
    Utility,
    c2st,
    c2st_over_key,
    column_pairs,
    column_scores,
    fan_out_histogram,
    fan_out_ks,
    feature_attribution,
    joint_fan_outs,
    key_pairs,
    orphans,
    utility,
    with_children,
    with_parents,
    within_group_variances,
)

__all__ = ["DatabaseScore", "KeyScore", "TableScore", "database_score", "with_columns"]

Tables = Mapping[str, pa.Table]
PAIR_ROWS = 50_000
LEAST_ROWS = 100
TOLD = 0.6
NAN = float("nan")


@dataclass
class TableScore:
    """One table: means over its columns and pairs; areas under the classifier's ROC curve.

    `areas` are of the rows alone, beside aggregates of their children, and beside their
    parents; `telling` says by what the worst of them was told.
    """

    rows: int
    column: float
    nulls: float
    pair: float
    association: float
    areas: dict[str, float]
    worst: str = ""
    utility: list[Utility] = field(default_factory=list)
    telling: list[FeatureAttribution] = field(default_factory=list)


@dataclass
class KeyScore:
    """One foreign key; `pair`, `association` and `within` are means over columns.

    `area` is the classifier's, of rows beside their parent; a parent is never in two folds.
    """

    orphans: int
    fan_out: float
    pair: float
    association: float
    within: float
    area: float
    worst: str = ""
    worst_within: str = ""


@dataclass
class DatabaseScore:
    """Everything; keys by label, joint fan-outs by the labels of both keys."""

    tables: dict[str, TableScore]
    keys: dict[str, KeyScore]
    joint: dict[str, float]


def with_columns(metadata: Metadata, tables: Tables) -> Metadata:
    """Return the metadata with the columns that the data shows, where it names none."""
    copy = metadata.model_copy(deep=True)
    for name, config in copy.tables.items():
        if not config.columns:
            config.columns = config.described(tables[name].schema)
    return copy


def database_score(
    metadata: Metadata,
    real: Tables,
    made: Tables,
    held_out: Optional[Tables] = None,
    explain: bool = False,
) -> DatabaseScore:
    """Compare two databases of the same tables.

    Parameters
    ----------
    held_out : mapping of str to pyarrow.Table, optional
        Real rows to test models on that were trained on either side.
    explain : bool
        Say by which columns a classifier told the sides apart.
    """
    tables = {}
    for name in metadata.tables:
        tables[name] = _table(metadata, name, real, made, explain)
        if held_out is not None:
            tables[name].utility = _utility(metadata, name, real, made, held_out)
    keys = {
        key.label(child): _key(metadata, child, key, real, made)
        for child, key in metadata.foreign_keys()
    }
    joint = {f"{a} & {b}": gap for (a, b), gap in joint_fan_outs(real, made, metadata).items()}
    return DatabaseScore(tables, keys, joint)


def _attributes(metadata: Metadata, table: str) -> dict[str, Column]:
    config = metadata.tables[table]
    return {n: c for n, c in config.columns.items() if n not in config.key_columns}


def _thinned(table: pa.Table) -> pa.Table:
    step = max(1, -(-len(table) // PAIR_ROWS))
    return table.take(pa.array(np.arange(0, len(table), step))) if step > 1 else table


def _table(metadata: Metadata, name: str, real: Tables, made: Tables, explain: bool) -> TableScore:
    columns = _attributes(metadata, name)
    scores = {
        n: score
        for n, score in column_scores(real[name], made[name], columns).items()
        if score.metric != "KS of lengths"
    }
    worst = max(scores, key=lambda n: scores[n].worst, default="")
    pairs = column_pairs(_thinned(real[name]), _thinned(made[name]), columns)
    score = TableScore(
        len(made[name]),
        _mean([s.worst for s in scores.values()]),
        _mean([s.nulls for s in scores.values()]),
        _mean([p.tvd for p in pairs]),
        _mean([p.difference for p in pairs]),
        {},
        f"{worst} {scores[worst].worst:.3f}" if worst else "",
    )
    if _kept(metadata, name, real, made):  # a classifier of twins is worse than chance
        return score
    views = {"alone": (real[name], made[name], columns)}
    for view, beside in (("children", with_children), ("parents", with_parents)):
        (a, more), (b, _) = (beside(side, metadata, name) for side in (real, made))
        if len(more) > len(columns):
            views[view] = (a, b, more)
    score.areas = {view: c2st(a, b, more) for view, (a, b, more) in views.items()}
    told = max(score.areas, key=lambda view: score.areas[view])
    if explain and score.areas[told] > TOLD:
        score.telling = feature_attribution(*views[told])
    return score


def _utility(
    metadata: Metadata, name: str, real: Tables, made: Tables, held_out: Tables
) -> list[Utility]:
    columns = _attributes(metadata, name)
    sides = real[name], made[name], held_out[name]
    if min(map(len, sides)) < LEAST_ROWS or sides[0].equals(sides[2]):
        return []
    return utility(*sides, columns=columns)


def _key(metadata: Metadata, child: str, key: ForeignKey, real: Tables, made: Tables) -> KeyScore:
    ends = [
        (side[child], key.columns, side[key.parent], key.parent_columns) for side in (real, made)
    ]
    thin = [{**side, child: _thinned(side[child])} for side in (real, made)]
    pairs = key_pairs(thin[0], thin[1], metadata, child, key)
    a, b = (within_group_variances(side, metadata, child, key) for side in (real, made))
    within = {name: abs(a[name] - b[name]) for name in a if name in b}
    far = max(within, key=lambda name: within[name], default="")
    worst = f"{pairs[0].a} ~ {pairs[0].b} {pairs[0].tvd:.3f}" if pairs else ""
    return KeyScore(
        orphans(*ends[1]),
        fan_out_ks(*(fan_out_histogram(*end) for end in ends)),
        _mean([p.tvd for p in pairs]),
        _mean([p.difference for p in pairs]),
        _mean(list(within.values())),
        c2st_over_key(real, made, metadata, child, key),
        worst,
        f"{far} {a[far]:.2f} -> {b[far]:.2f}" if far else "",
    )


def _kept(metadata: Metadata, name: str, real: Tables, made: Tables) -> bool:
    """Whether a table is the real one, as look-up tables are."""
    names = list(_attributes(metadata, name))
    return bool(names) and real[name].select(names).equals(made[name].select(names))


def _mean(values: list[float]) -> float:
    return sum(values) / len(values) if values else NAN
