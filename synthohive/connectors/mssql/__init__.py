"""SQL Server: a schema of a database, loaded as JSON that the server takes apart, moved in at once.

What is written has no server in this repository's tests: see ``docs/engines.md``.
"""

from __future__ import annotations

from synthohive.connectors.capabilities import Asking, Capabilities
from synthohive.schema import ColumnKind

_EXACT = (ColumnKind.INTEGER, ColumnKind.DECIMAL, ColumnKind.DATE, ColumnKind.TIMESTAMP)
# Texts are not asked about: 'a' and 'a ' are equal in every collation. Nor are flags, as a BIT is
# no condition. What reads a date or a moment is a number already; see read.py.
ASKING = Asking(
    values=dict.fromkeys(_EXACT, "({0})"),
    numbers={
        **dict.fromkeys(
            (ColumnKind.INTEGER, ColumnKind.DECIMAL, ColumnKind.FLOAT), "CAST({0} AS FLOAT)"
        ),
        ColumnKind.DATE: "({0} * 86400e0)",
        ColumnKind.TIMESTAMP: "({0} / 1e6)",
    },
)

CAPABILITIES = Capabilities(
    "pymssql",
    "mssql",
    driver="pymssql",
    asking=ASKING,
    denials=(
        (
            "The (?P<right>[A-Z ]+) permission was denied on the (?:object|column) '[^']*'.*"
            "schema '(?P<schema>[^']*)'",
            "GRANT {right} ON SCHEMA::[{schema}]",
        ),
        (
            "(?P<right>CREATE [A-Z]+) permission denied in database '(?P<database>[^']*)'",
            "GRANT {right} in the database [{database}]",
        ),
        ("VIEW DEFINITION permission denied", "GRANT VIEW DEFINITION ON SCHEMA::{place}"),
    ),
)
