"""Oracle: a schema is a user; loaded by array binds under other names, then renamed.

What is written has no server in this repository's tests: see ``docs/engines.md``.
"""

from __future__ import annotations

from synthohive.connectors.capabilities import Asking, Capabilities
from synthohive.schema import ColumnKind

_NUMBERS = (ColumnKind.INTEGER, ColumnKind.DECIMAL)
# Texts are not asked about: those without an end are in no group, and '' is NULL.
ASKING = Asking(
    values=dict.fromkeys((*_NUMBERS, ColumnKind.TIMESTAMP), "({0})"),
    numbers=dict.fromkeys((*_NUMBERS, ColumnKind.FLOAT), "TO_BINARY_DOUBLE({0})"),
)

# Each statement that makes or moves a table commits: no two schemas appear together.
CAPABILITIES = Capabilities(
    "oracledb",
    "oracle",
    driver="oracledb",
    several_schemas=False,
    asking=ASKING,
    denials=(
        ("ORA-01031|ORA-41900", "GRANT CREATE TABLE, CREATE VIEW to the user that writes {place}"),
        ("ORA-01950", "ALTER USER {place} QUOTA UNLIMITED ON its tablespace"),
    ),
)
