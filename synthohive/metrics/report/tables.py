"""What the report says of one table."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Literal, Optional

import pyarrow as pa

from synthohive.metrics.associations import Associated, associated, comparable_columns
from synthohive.metrics.report.columns import ColumnReport, column_report
from synthohive.metrics.report.pairs import JointTable, joint_tables
from synthohive.metrics.validity import Impossible, impossible
from synthohive.privacy.entities import Entities
from synthohive.schema import TableConfig
from synthohive.schema.columns import column_from_arrow

__all__ = ["TableReport", "mean", "table_report"]

Matrix = tuple[tuple[float, ...], ...]


@dataclass(frozen=True)
class TableReport:
    """One table: its columns and pairs of columns, the worst first.

    Attributes
    ----------
    name : str
    real_rows, synthetic_rows : int
        Rows that were compared.
    columns : tuple of ColumnReport
    pairs : tuple of Associated
    compared : tuple of str
        Columns whose associations were compared, in table order.
    impossible : tuple of Impossible
        Columns, and unique sets, that hold values that no real row could.
    real_total, synthetic_total : int, optional
        Rows that there are, where only a sample was compared.
    joint_tables : tuple of JointTable
        The pairs that differ most, beyond what their columns do.
    """

    name: str
    real_rows: int
    synthetic_rows: int
    columns: tuple[ColumnReport, ...]
    pairs: tuple[Associated, ...]
    compared: tuple[str, ...]
    impossible: tuple[Impossible, ...] = ()
    real_total: Optional[int] = None
    synthetic_total: Optional[int] = None
    joint_tables: tuple[JointTable, ...] = ()

    @property
    def distance(self) -> float:
        """Mean distance of the columns."""
        return mean([column.score.value for column in self.columns])

    @property
    def told(self) -> float:
        """Mean distance of the columns, where chance alone does not explain it."""
        return mean([min(column.score.value, column.told) for column in self.columns])

    def associations(self, side: Literal["real", "synthetic", "difference"]) -> Matrix:
        """Return the strength of association of each two of :attr:`compared`, or its difference.

        Examples
        --------
        >>> pair = Associated("a", "b", real=0.75, synthetic=0.5)
        >>> TableReport("t", 9, 9, (), (pair,), ("a", "b")).associations("difference")
        ((0.0, 0.25), (0.25, 0.0))
        """
        strengths = {frozenset((p.a, p.b)): float(getattr(p, side)) for p in self.pairs}
        same = 0.0 if side == "difference" else 1.0
        return tuple(
            tuple(same if a == b else strengths[frozenset((a, b))] for b in self.compared)
            for a in self.compared
        )


def table_report(
    table: TableConfig,
    real: pa.Table,
    synthetic: pa.Table,
    made: set[str],
    k: int,
    entities: Optional[Entities],
    totals: tuple[Optional[int], Optional[int]] = (None, None),
    kept: bool = False,
) -> TableReport:
    """Compare one table.

    Parameters
    ----------
    table : TableConfig
    real, synthetic : pyarrow.Table
        In one form.
    made : set of str
        Its columns with made-up personal data.
    k : int
    entities : Entities, optional
        Those behind the real rows.
    totals : tuple of two int, optional
        Rows that there are on each side, where those here are a sample.
    kept : bool
        Whether real values come out on purpose: of a look-up table.
    """
    columns = table.stored or {f.name: column_from_arrow(f) for f in real.schema}
    compared = {
        name: column
        for name, column in columns.items()
        if name not in table.key_columns | made and name in synthetic.column_names
    }
    wrong = impossible(table, columns, real, synthetic, made)
    of_column = _by_column(wrong)
    if not real.num_rows and not synthetic.num_rows:
        compared = {}
    reports = [
        column_report(
            column,
            real.column(name),
            synthetic.column(name),
            k,
            entities,
            of_column.get(name),
            kept,
        )
        for name, column in compared.items()
    ]
    chosen = comparable_columns(real, compared)
    pairs = associated(real, synthetic, chosen)
    return TableReport(
        table.name,
        real.num_rows,
        synthetic.num_rows,
        tuple(sorted(reports, key=lambda column: (-column.told, -column.score.worst))),
        tuple(sorted(pairs, key=lambda pair: -pair.difference)),
        tuple(column.name for column in chosen),
        tuple(found for found in wrong if found.count),
        *totals,
        joint_tables(real, synthetic, chosen, pairs, k, entities),
    )


def _by_column(found: Iterable[Impossible]) -> dict[str, Impossible]:
    """Return what is wrong by column; what repeats in a unique set of one is its column's, too."""
    columns: dict[str, Impossible] = {}
    for one in found:
        before = columns.get(one.column)
        columns[one.column] = replace(before, repeated=one.repeated) if before else one
    return columns


def mean(values: list[float]) -> float:
    """Return the mean; 0 of nothing."""
    return sum(values) / len(values) if values else 0.0
