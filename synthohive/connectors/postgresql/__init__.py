"""PostgreSQL: read by COPY, written by COPY into a staging schema."""

from __future__ import annotations

from synthohive.connectors.capabilities import Asking, Capabilities
from synthohive.schema import ColumnKind

_TEXT = '({0}) COLLATE "C"'
_SECONDS = "extract(epoch FROM {0})::float8"
_PLAIN = (ColumnKind.INTEGER, ColumnKind.DECIMAL, ColumnKind.BOOLEAN)
_MOMENTS = (ColumnKind.DATE, ColumnKind.TIMESTAMP)
_TEXTS = (ColumnKind.TEXT, ColumnKind.CATEGORICAL, ColumnKind.UUID)
ASKING = Asking(
    values={
        **dict.fromkeys((*_PLAIN, *_MOMENTS), "({0})"),
        **dict.fromkeys(_TEXTS, _TEXT),
        ColumnKind.FLOAT: "CASE WHEN {0} NOT IN ('NaN', 'Infinity', '-Infinity') THEN {0} END",
    },
    numbers={
        **dict.fromkeys((ColumnKind.INTEGER, ColumnKind.DECIMAL), "({0})::float8"),
        ColumnKind.FLOAT: "({0})::float8",
        **dict.fromkeys(_MOMENTS, _SECONDS),
    },
    literals={None: "quote_nullable({0})"},
    bytes="octet_length(({0})::text)",
)

CAPABILITIES = Capabilities(
    "psycopg2",
    "postgres",
    driver="psycopg2",
    resumes=True,
    asking=ASKING,
    denials=(
        ("permission denied for schema (?P<it>.+)", "GRANT USAGE ON SCHEMA {it}"),
        ("permission denied for database (?P<it>.+)", "GRANT CREATE ON DATABASE {it}"),
        ("permission denied for (?:table|relation|.*view) (?P<it>.+)", "GRANT SELECT ON {it}"),
        ("permission denied for (?P<what>[a-z ]+) (?P<it>\\S+)", "GRANT USAGE ON {what} {it}"),
    ),
)
