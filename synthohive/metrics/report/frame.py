"""The figures of a report as one tidy table: a measure a row."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple, Optional

from synthohive.metrics.privacy import PrivacyReport
from synthohive.metrics.report.classifiers import ClassifierReport, UsefulnessReport
from synthohive.metrics.report.keys import JointFanOut, KeyReport
from synthohive.metrics.report.queries import QueryReport
from synthohive.metrics.report.tables import TableReport
from synthohive.metrics.sequences import SequenceScore

__all__ = [
    "Figure",
    "key_figures",
    "learned_figures",
    "privacy_figures",
    "query_figures",
    "sequence_figures",
    "table_figures",
]


class Figure(NamedTuple):
    """One measure of one thing; what does not apply is None."""

    part: str
    table: str
    name: str
    measure: str
    real: Optional[Any] = None
    synthetic: Optional[Any] = None
    distance: Optional[float] = None
    baseline: Optional[float] = None


def table_figures(tables: Sequence[TableReport]) -> Iterator[Figure]:
    """Yield the figures of tables, their columns and pairs."""
    for table in tables:
        name = table.name
        rows = table.real_rows, table.synthetic_rows
        yield Figure("table", name, name, "rows", *rows)
        yield Figure("table", name, name, "mean distance", distance=table.distance)
        for column in table.columns:
            said = "column", name, column.name
            score = column.score
            yield Figure(*said, score.metric, distance=score.value, baseline=column.chance)
            nulls = column.real_nulls, column.synthetic_nulls
            yield Figure(*said, "NULL share", *nulls, score.nulls, column.null_chance)
            if column.validity is not None:
                yield Figure(*said, "validity", 1.0, column.validity.validity)
            if column.rare is not None:
                few = "categories of fewer than k entities", column.rare, column.rare_returned
                yield Figure(*said, *few)
        for found in table.impossible:
            for kind in ("beyond", "nulls", "repeated", "malformed"):
                if getattr(found, kind):
                    count = getattr(found, kind)
                    yield Figure("impossible", name, found.column, kind, 0, count)
        for pair in table.pairs:
            both = pair.real, pair.synthetic, pair.difference
            yield Figure("pair", name, f"{pair.a}, {pair.b}", "association", *both)
        for joint in table.joint_tables:
            yield Figure("pair", name, f"{joint.a}, {joint.b}", "TVD", distance=joint.tvd)


def key_figures(keys: Sequence[KeyReport], joint: Sequence[JointFanOut]) -> Iterator[Figure]:
    """Yield the figures of keys, trends across them, and two keys together."""
    for key in keys:
        said = "key", key.child, key.label
        yield Figure(*said, "orphans", synthetic=key.orphans)
        children = key.real_children, key.synthetic_children
        yield Figure(*said, "children per parent", *children, key.fan_out_ks)
        yield Figure(*said, "NULL share", key.real_nulls, key.synthetic_nulls)
        for pair in key.trends:
            what = "trend", key.child, f"{pair.a}, {pair.b}"
            yield Figure(*what, "association", pair.real, pair.synthetic, pair.difference)
            yield Figure(*what, "TVD", distance=pair.tvd)
    for two in joint:
        yield Figure("joint fan-out", two.parent, f"{two.a}, {two.b}", "TVD", distance=two.tvd)


def learned_figures(
    classifiers: Sequence[ClassifierReport], usefulness: Sequence[UsefulnessReport]
) -> Iterator[Figure]:
    """Yield the figures of classifiers, and of models trained on real and on synthetic rows."""
    for one in classifiers:
        said = "classifier", one.table, f"{one.table} beside {one.beside}"
        yield Figure(*said, "AUC", synthetic=one.score, distance=one.excess, baseline=one.baseline)
        for column in one.columns:
            what = "given away", one.table, column.column
            yield Figure(*what, f"AUC beside {one.beside}", distance=column.drop)
    for use in usefulness:
        both = use.real, use.synthetic, use.loss
        yield Figure("usefulness", use.table, use.target, "error taken away", *both)


def sequence_figures(sequences: Sequence[SequenceScore]) -> Iterator[Figure]:
    """Yield the figures of rows that follow each other."""
    for one in sequences:
        said = "sequence", one.table
        yield Figure(*said, one.order, "gap", one.real_gap, one.synthetic_gap, one.gap_ks)
        for s in one.steps:
            changes = s.real_changes, s.synthetic_changes
            yield Figure(*said, s.column, "share of changes", *changes)
            yield Figure(*said, s.column, "changes in a group", distance=s.count_ks)
            runs = s.real_run, s.synthetic_run, s.run_ks
            yield Figure(*said, s.column, "rows without a change", *runs)
            if s.step_ks is not None:
                yield Figure(*said, s.column, "size of changes", distance=s.step_ks)
            if s.real_lag is not None:
                lags = s.real_lag, s.synthetic_lag
                yield Figure(*said, s.column, "lag-1 autocorrelation", *lags)


def privacy_figures(privacy: PrivacyReport) -> Iterator[Figure]:
    """Yield the figures of privacy, beside those of held-out entities."""
    for row in privacy.frame().to_dict("records"):
        said = "privacy", str(row["table"]), str(row["table"]), str(row["figure"])
        yield Figure(*said, synthetic=row["value"], baseline=row["usual"])


def query_figures(queries: Sequence[QueryReport]) -> Iterator[Figure]:
    """Yield the numbers of queries, by group and column, and the distances of their columns."""
    for query in queries:
        said = "query", f"query {query.number}"
        yield Figure(*said, "", "rows", query.real_rows, query.synthetic_rows)
        for column, score in query.scores.items():
            yield Figure(*said, column, score.metric, distance=score.value)
        for row in query.rows if query.shown else ():
            name = ", ".join(map(str, row.key))
            for i, column in enumerate(query.values):
                sides = [None if side is None else side[i] for side in (row.real, row.synthetic)]
                change = row.differences[i] if row.differences else None
                yield Figure(*said, name, column, sides[0], sides[1], change)
