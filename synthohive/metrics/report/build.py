"""Building the validation report: each measure of both sides, in the order of the page."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Optional

import pyarrow as pa

from synthohive.exceptions import SchemaError
from synthohive.io.base import FanOut
from synthohive.metrics.associations import associated, comparable_columns
from synthohive.metrics.distances import column_distance
from synthohive.metrics.fan_out import fan_out_histogram, fan_out_ks, orphans
from synthohive.metrics.report.histograms import histogram
from synthohive.metrics.report.model import (
    ColumnReport,
    KeyReport,
    TableReport,
    ValidationReport,
)
from synthohive.metrics.validity import impossible
from synthohive.privacy.entities import Entities
from synthohive.schema import ForeignKey, Metadata, TableConfig
from synthohive.schema.columns import column_from_arrow

__all__ = ["build_report"]


def build_report(
    metadata: Metadata,
    real: Mapping[str, pa.Table],
    synthetic: Mapping[str, pa.Table],
    fan_outs: Optional[Mapping[str, FanOut]] = None,
    *,
    synthetic_fan_outs: Optional[Mapping[str, FanOut]] = None,
    personal: Optional[Mapping[str, Collection[str]]] = None,
    copied_rows: Optional[Mapping[str, float]] = None,
    copied_values: Optional[Mapping[str, float]] = None,
    k: int = 5,
    entities: Optional[Mapping[str, Entities]] = None,
) -> ValidationReport:
    """Compare a synthetic database with the real one.

    Keys and personal columns are not compared: they are made, not learned.

    Parameters
    ----------
    metadata : Metadata
        Tables, columns and keys to compare.
    real, synthetic : mapping of str to pyarrow.Table
        In one form (:func:`~synthohive.metrics.harmonise.harmonised_database`).
    fan_outs, synthetic_fan_outs : dict of str to FanOut, optional
        By key label, where `real`, or `synthetic`, is only a sample. Counted from the tables by
        default.
    personal : dict of str to collection of str, optional
        Columns with made-up personal data, by table.
    copied_rows, copied_values : dict of str to float, optional
        See :mod:`synthohive.metrics.copies`.
    k : int
        Entities that must stand behind every real bar and category that is shown.
    entities : dict of str to Entities, optional
        Those behind the real rows of each table; every row is one by default.

    Raises
    ------
    SchemaError
        A table or a column is missing on either side.
    """
    _check(metadata, real, synthetic)
    tables = []
    for name, table in metadata.tables.items():
        made, behind = set((personal or {}).get(name, ())), (entities or {}).get(name)
        tables.append(_compare(table, real[name], synthetic[name], made, k, behind))
    keys = []
    for child, key in metadata.foreign_keys():
        label = key.label(child)
        left = (fan_outs or {}).get(label) or _fan_out(real, child, key)
        right = (synthetic_fan_outs or {}).get(label) or _fan_out(synthetic, child, key)
        distance = fan_out_ks(left.histogram, right.histogram)
        keys.append(KeyReport(label, right.orphans, distance))
    return ValidationReport(
        tuple(sorted(tables, key=lambda table: -table.distance)),
        tuple(sorted(keys, key=lambda key: (-key.orphans, -key.fan_out_ks))),
        dict(copied_rows or {}),
        dict(copied_values or {}),
        k,
    )


def _fan_out(tables: Mapping[str, pa.Table], child: str, key: ForeignKey) -> FanOut:
    side = tables[child], key.columns, tables[key.parent], key.parent_columns
    return FanOut(fan_out_histogram(*side), orphans=orphans(*side))


def _check(
    metadata: Metadata, real: Mapping[str, pa.Table], synthetic: Mapping[str, pa.Table]
) -> None:
    for side, tables in (("real data", real), ("synthetic data", synthetic)):
        for name, table in metadata.tables.items():
            if name not in tables:
                raise SchemaError.unknown_table(name, tables, f"the {side}")
            for column in {**table.stored, **dict.fromkeys(sorted(table.key_columns))}:
                if column not in tables[name].column_names:
                    raise SchemaError(
                        f"Column {name}.{column} is missing from the {side}.",
                        hint="Pass whole tables, or take the column out of the metadata.",
                    )


def _compare(
    table: TableConfig,
    real: pa.Table,
    synthetic: pa.Table,
    made: set[str],
    k: int,
    entities: Optional[Entities],
) -> TableReport:
    columns = table.stored or {f.name: column_from_arrow(f) for f in real.schema}
    compared = {
        name: column
        for name, column in columns.items()
        if name not in table.key_columns | made and name in synthetic.column_names
    }
    reports = []
    for name, column in compared.items():
        left, right = real.column(name), synthetic.column(name)
        score = column_distance(column, left, right)
        chart = histogram(column, left, right, k, entities)
        reports.append(ColumnReport(name, column.kind.value, score, chart))
    chosen = comparable_columns(real, compared)
    pairs = associated(real, synthetic, chosen)
    return TableReport(
        table.name,
        real.num_rows,
        synthetic.num_rows,
        tuple(sorted(reports, key=lambda column: -column.score.worst)),
        tuple(sorted(pairs, key=lambda pair: -pair.difference)),
        tuple(column.name for column in chosen),
        tuple(i for i in impossible(table, columns, real, synthetic, made) if i.count),
    )
