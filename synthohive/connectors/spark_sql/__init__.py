"""Spark SQL, the language of Apache Spark and of Databricks: what the two engines share."""

from __future__ import annotations

from synthohive.connectors.capabilities import Asking
from synthohive.schema import ColumnKind

__all__ = ["ASKING"]

_PLAIN = (ColumnKind.INTEGER, ColumnKind.DECIMAL, ColumnKind.BOOLEAN, ColumnKind.DATE)
_TEXTS = (ColumnKind.TEXT, ColumnKind.CATEGORICAL, ColumnKind.UUID)
_NUMBERS = (ColumnKind.INTEGER, ColumnKind.DECIMAL, ColumnKind.FLOAT)
ASKING = Asking(
    values={
        **dict.fromkeys((*_PLAIN, ColumnKind.TIMESTAMP), "({0})"),
        **dict.fromkeys(_TEXTS, "({0} COLLATE UTF8_BINARY)"),  # whatever its collation
        ColumnKind.FLOAT: "CASE WHEN abs({0}) < double('Infinity') THEN {0} END",
    },
    numbers={
        **dict.fromkeys(_NUMBERS, "CAST({0} AS DOUBLE)"),
        ColumnKind.DATE: "(unix_date({0}) * 86400e0)",
        ColumnKind.TIMESTAMP: "(unix_micros(CAST({0} AS TIMESTAMP)) / 1e6)",
    },
    distinct="approx_count_distinct({0})",
    quantile="percentile_approx({0}, {1})",
)
