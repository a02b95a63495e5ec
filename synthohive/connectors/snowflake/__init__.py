"""Snowflake: read as Arrow, loaded from Parquet on an internal stage, swapped in by schema.

Snowflake declares keys and does not enforce them: the writer counts orphans and repeated values
in SQL before the swap, and refuses what breaks a key.
"""

from __future__ import annotations

from synthohive.connectors.capabilities import Asking, Capabilities
from synthohive.schema import ColumnKind

_PLAIN = (ColumnKind.INTEGER, ColumnKind.DECIMAL, ColumnKind.BOOLEAN, ColumnKind.DATE)
_TEXTS = (ColumnKind.TEXT, ColumnKind.CATEGORICAL, ColumnKind.UUID)
_NUMBERS = (ColumnKind.INTEGER, ColumnKind.DECIMAL, ColumnKind.FLOAT)
ASKING = Asking(
    values={
        **dict.fromkeys((*_PLAIN, ColumnKind.TIMESTAMP), "({0})"),
        **dict.fromkeys(_TEXTS, "TO_BINARY({0}, 'UTF-8')"),  # whatever its collation
        ColumnKind.FLOAT: "CASE WHEN {0} NOT IN ('NaN', 'inf', '-inf') THEN {0} END",
    },
    numbers={
        **dict.fromkeys(_NUMBERS, "CAST({0} AS FLOAT)"),
        ColumnKind.DATE: "(DATEDIFF('day', CAST('1970-01-01' AS DATE), {0}) * 86400e0)",
        ColumnKind.TIMESTAMP: "({0} / 1e6)",  # which is read as microseconds
    },
    distinct="APPROX_COUNT_DISTINCT({0})",
    quantile="APPROX_PERCENTILE({0}, {1})",
)

# Two schemas are swapped by two statements, each of which commits.
CAPABILITIES = Capabilities(
    "snowflake-sqlalchemy",
    "snowflake",
    connect_args=(("session_parameters", {"QUERY_TAG": "synthohive"}),),
    several_schemas=False,
    asking=ASKING,
    past=(
        "(?i)time travel data is not available",
        "Snowflake keeps a table's past for its DATA_RETENTION_TIME_IN_DAYS (1, unless set "
        "otherwise), and none of a table that was made anew. Lengthen it (ALTER SCHEMA … SET "
        "DATA_RETENTION_TIME_IN_DAYS = 7), or fit with a smaller sample_size.",
    ),
)
