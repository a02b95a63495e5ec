"""Amazon Redshift: read by cursors, written by multi-row INSERT, swapped in by renaming.

Redshift notes keys and does not check them, and its planner takes noted keys for true: the writer
counts orphans and repeated values in SQL before it declares any.
"""

from __future__ import annotations

from synthohive.connectors.capabilities import Asking, Capabilities
from synthohive.schema import ColumnKind

_PLAIN = (ColumnKind.INTEGER, ColumnKind.DECIMAL, ColumnKind.BOOLEAN)
_MOMENTS = (ColumnKind.DATE, ColumnKind.TIMESTAMP)
_FINITE = "CASE WHEN {0} NOT IN ('NaN', 'Infinity', '-Infinity') THEN {0} END"
ASKING = Asking(
    values={
        **dict.fromkeys((*_PLAIN, *_MOMENTS, ColumnKind.TEXT, ColumnKind.CATEGORICAL), "({0})"),
        ColumnKind.FLOAT: _FINITE,
    },
    numbers={
        **dict.fromkeys((*_PLAIN[:2], ColumnKind.FLOAT), "CAST({0} AS double precision)"),
        **dict.fromkeys(_MOMENTS, "CAST(extract(epoch FROM {0}) AS double precision)"),
    },
)

CAPABILITIES = Capabilities(
    "sqlalchemy-redshift",
    "redshift",
    driver="psycopg2",
    several_schemas=False,
    asking=ASKING,
    denials=(
        ("permission denied for schema (?P<it>.+)", "GRANT USAGE ON SCHEMA {it}"),
        ("permission denied for database (?P<it>.+)", "GRANT CREATE ON DATABASE {it}"),
        ("permission denied for (?:table|relation|.*view) (?P<it>.+)", "GRANT SELECT ON {it}"),
        ("must be owner of schema (?P<it>.+)", "ALTER SCHEMA {it} OWNER TO …"),
    ),
    remedies=(
        (
            "(?i)disk full|quota",
            "Nothing is wrong with the tables: free space on the cluster (old schemas, VACUUM), or "
            "raise the schema's quota.",
        ),
    ),
)
