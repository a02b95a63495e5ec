"""Databricks SQL: read as Arrow, loaded from Parquet on a volume, published by deep clones."""

from __future__ import annotations

from synthohive.connectors.capabilities import Asking, Capabilities
from synthohive.schema import ColumnKind

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

CAPABILITIES = Capabilities(
    "databricks-sqlalchemy",
    "databricks",
    connect_args=(("user_agent_entry", "synthohive"),),
    several_schemas=False,
    asking=ASKING,
    past=(
        "DELTA_VERSION_NOT_FOUND|DELTA_FILE_NOT_FOUND|FILE_NOT_EXIST",
        "Delta keeps a table's past for its delta.deletedFileRetentionDuration (7 days, unless set "
        "otherwise). Lengthen it (ALTER TABLE … SET TBLPROPERTIES), or fit with a smaller "
        "sample_size.",
    ),
    denials=(
        (
            "does not have (?P<what>[A-Z ]+?) on (?P<kind>\\w+(?: \\w+)?) ['`](?P<it>[^'`]+)",
            "GRANT {what} ON {kind} {it} TO …",
        ),
    ),
    remedies=(
        (
            "(?i)(?:access|invalid)[ _]token|\\b40[13]\\b|unauthorized|invalid_client",
            "Check the login of the URL, databricks://token:…@host, and that it may use the "
            "warehouse of http_path.",
        ),
        (
            "(?i)(?:endpoint|warehouse|cluster) .*(?:not found|does not exist|deleted)|ENDPOINT_",
            "Check http_path=/sql/1.0/warehouses/… in the URL.",
        ),
        (
            "(?i)_NOT_FOUND|NoSuch",
            "Check catalog=… and schema=… in the URL.",
        ),
        (
            "(?i)quota|resource_exhausted|limit.*exceeded|rate limit",
            "Nothing is wrong with the tables: run again later, or have the quota raised.",
        ),
    ),
)
