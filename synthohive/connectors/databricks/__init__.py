"""Databricks SQL: read as Arrow, loaded from Parquet on a volume, published by deep clones."""

from __future__ import annotations

from synthohive.connectors.capabilities import Capabilities
from synthohive.connectors.spark_sql import ASKING

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
