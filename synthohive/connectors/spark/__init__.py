"""Spark: tables of a catalogue, folders of Delta and Parquet, and DataFrames, by a session.

There is no URL: whoever has a session passes it. Nothing here needs the JVM, so that a session may
be Spark Connect's.
"""

from __future__ import annotations

from dataclasses import replace

from sqlalchemy.dialects import registry

from synthohive.connectors.capabilities import Capabilities
from synthohive.connectors.spark_sql import ASKING
from synthohive.schema import ColumnKind

__all__ = ["CAPABILITIES"]

registry.register("spark", f"{__name__}.engine", "SparkDialect")
_TEXTS = (ColumnKind.TEXT, ColumnKind.CATEGORICAL, ColumnKind.UUID)
CAPABILITIES = Capabilities(
    "pyspark",
    "spark",
    writes=False,
    driver_errors=("pyspark.errors.PySparkException",),
    several_schemas=False,
    asking=replace(
        ASKING,
        # As COLLATE, which not every server of Spark Connect knows.
        values={**ASKING.values, **dict.fromkeys(_TEXTS, "CAST(CAST({0} AS BINARY) AS STRING)")},
        bytes="octet_length(CAST({0} AS STRING))",
    ),
    past=(
        "DELTA_VERSION_NOT_FOUND|DELTA_FILE_NOT_FOUND|FILE_NOT_EXIST|commit file",
        "Delta keeps a table's past for its delta.deletedFileRetentionDuration (7 days, unless set "
        "otherwise), and VACUUM takes away what is older. Lengthen it (ALTER TABLE … SET "
        "TBLPROPERTIES), or fit with a smaller sample_size.",
    ),
    denials=(
        (
            "does not have (?P<what>[A-Z ]+?) on (?P<kind>\\w+(?: \\w+)?) ['`](?P<it>[^'`]+)",
            "GRANT {what} ON {kind} {it} TO …",
        ),
    ),
    remedies=(
        (
            "DATA_SOURCE_NOT_FOUND.*delta|TABLE_OR_VIEW_NOT_FOUND.*`delta`\\.`",
            "Delta is not in this session: start it with delta.configure_spark_with_delta_pip(…), "
            "or spark.jars.packages=io.delta:delta-spark_….",
        ),
        ("(?i)NOT_FOUND|does not exist", "Check the names, or the path as Spark's server sees it."),
    ),
)
