"""SQLite: a schema is a file beside the source's."""

from __future__ import annotations

from synthohive.connectors.capabilities import Asking, Capabilities
from synthohive.schema import ColumnKind

_NUMBER = "CASE WHEN typeof({0}) IN ('integer', 'real') THEN {0} END"
_DAY = "[0-9][0-9][0-9][0-9]-[0-9][0-9]-[0-9][0-9]"
_CLOCK = "[0-9][0-9]:[0-9][0-9]:[0-9][0-9]"
_DATE = f"CASE WHEN {{0}} GLOB '{_DAY}' THEN {{0}} END"
_MOMENT = f"CASE WHEN {{0}} GLOB '{_DAY} {_CLOCK}' THEN {{0}} END"
_TEXT = "CASE typeof({0}) WHEN 'text' THEN {0} END COLLATE BINARY"
_INTEGER = "CASE typeof({0}) WHEN 'integer' THEN {0} END"
ASKING = Asking(  # any column may hold anything: of what is not as declared, nothing is known
    values={
        ColumnKind.INTEGER: _INTEGER,
        ColumnKind.BOOLEAN: _INTEGER,
        **dict.fromkeys((ColumnKind.DECIMAL, ColumnKind.FLOAT), _NUMBER),
        **dict.fromkeys((ColumnKind.TEXT, ColumnKind.CATEGORICAL, ColumnKind.UUID), _TEXT),
        ColumnKind.DATE: _DATE,
        ColumnKind.TIMESTAMP: _MOMENT,
    },
    numbers={
        ColumnKind.INTEGER: f"CAST({_INTEGER} AS REAL)",
        **dict.fromkeys((ColumnKind.DECIMAL, ColumnKind.FLOAT), f"CAST({_NUMBER} AS REAL)"),
        ColumnKind.DATE: f"CAST(strftime('%s', {_DATE}) AS REAL)",
        ColumnKind.TIMESTAMP: f"CAST(strftime('%s', {_MOMENT}) AS REAL)",
    },
    literals={None: "quote({0})"},
    bytes="LENGTH(CAST({0} AS BLOB))",
)

CAPABILITIES = Capabilities(
    "sqlite3", "dev", is_file=True, several_schemas=False, resumes=True, asking=ASKING
)
