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
    denials=(
        (
            "(?i)privileges to operate on (?:database|account) '(?P<it>[^']+)'",
            "GRANT CREATE SCHEMA ON DATABASE {it} TO ROLE …",
        ),
        (
            "(?i)privileges to operate on warehouse '(?P<it>[^']+)'",
            "GRANT USAGE ON WAREHOUSE {it} TO ROLE …",
        ),
        (
            "(?i)privileges to operate on schema '(?P<it>[^']+)'",
            "GRANT OWNERSHIP ON SCHEMA {it} TO ROLE …, if it is the target; "
            "GRANT USAGE ON SCHEMA {it} TO ROLE …, if it is the source",
        ),
        (
            "(?i)privileges to operate on (?:\\w+ )?(?:table|view) '(?P<it>[^']+)'",
            "GRANT SELECT ON TABLE {it} TO ROLE …",
        ),
        (
            "(?P<kind>Database|Schema) '(?P<it>[^']+)' does not exist or not authorized",
            "GRANT USAGE ON {kind} {it} TO ROLE …",
        ),
        (
            "(?:Object|Table|View) '(?P<it>[^']+)' does not exist or not authorized",
            "GRANT SELECT ON TABLE {it} TO ROLE …, and USAGE on its schema and database",
        ),
    ),
    remedies=(
        (
            "No active warehouse|warehouse .*(?:does not exist|missing|is suspended)",
            "Name one in the URL, …?warehouse=NAME, that the role may use (GRANT USAGE ON "
            "WAREHOUSE) and that resumes by itself.",
        ),
        (
            "does not have a current database",
            "Name the database in the URL, snowflake://user@account/DATABASE/SCHEMA, and let the "
            "role use it (GRANT USAGE ON DATABASE).",
        ),
        (
            "(?i)exceeded its quota",
            "Nothing is wrong with the tables: raise the credit quota of the resource monitor, "
            "name another warehouse with …?warehouse=NAME, or run again when its period is over.",
        ),
        (
            "(?i)role '?[^ ]+'? specified in the connect string",
            "Name another role in the URL, …?role=NAME, or GRANT ROLE … TO USER ….",
        ),
        (
            "(?i)JWT token|private key|passphrase|decrypt|\\bPEM\\b|a file that its settings name",
            "Check the key pair: the file and passphrase in connect_args, and RSA_PUBLIC_KEY of "
            "the user (DESC USER).",
        ),
    ),
)
