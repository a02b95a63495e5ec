"""DuckDB: read by Arrow streams, written into a staging schema of the same file."""

from __future__ import annotations

from synthohive.connectors.capabilities import Asking, Capabilities
from synthohive.schema import ColumnKind

_NUMBERS = (ColumnKind.INTEGER, ColumnKind.DECIMAL)
_MOMENTS = (ColumnKind.DATE, ColumnKind.TIMESTAMP)
_TEXTS = (ColumnKind.TEXT, ColumnKind.CATEGORICAL, ColumnKind.UUID)
ASKING = Asking(
    values={
        **dict.fromkeys((*_NUMBERS, *_MOMENTS, ColumnKind.BOOLEAN), "({0})"),
        **dict.fromkeys(_TEXTS, "encode(CAST({0} AS VARCHAR))"),
        ColumnKind.FLOAT: "CASE WHEN isfinite({0}) THEN {0} END",
    },
    numbers={
        **dict.fromkeys((*_NUMBERS, ColumnKind.FLOAT), "CAST({0} AS DOUBLE)"),
        **dict.fromkeys(_MOMENTS, "epoch({0})"),
    },
    distinct="approx_count_distinct({0})",
    quantile="approx_quantile({0}, {1})",
    literals={
        **dict.fromkeys(_NUMBERS, "CAST({0} AS VARCHAR)"),
        None: "'''' || replace(CAST({0} AS VARCHAR), '''', '''''') || ''''",
    },
    bytes="strlen(CAST({0} AS VARCHAR))",
)

CAPABILITIES = Capabilities(
    "duckdb-sqlalchemy", "duckdb", is_file=True, exclusive=True, resumes=True, asking=ASKING
)
