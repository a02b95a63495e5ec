"""MySQL and MariaDB: a schema is a database; written by LOAD DATA LOCAL into a staging one."""

from __future__ import annotations

from synthohive.connectors.capabilities import Asking, Capabilities
from synthohive.schema import ColumnKind

_TEXT = "CAST(CONVERT({0} USING utf8mb4) AS BINARY)"
_SECONDS = "(TIMESTAMPDIFF(MICROSECOND, '1970-01-01', {0}) / 1e6)"
_NUMBERS = (ColumnKind.INTEGER, ColumnKind.DECIMAL, ColumnKind.FLOAT)
_MOMENTS = (ColumnKind.DATE, ColumnKind.TIMESTAMP)
ASKING = Asking(
    values={
        **dict.fromkeys((*_NUMBERS, *_MOMENTS, ColumnKind.BOOLEAN), "({0})"),
        **dict.fromkeys((ColumnKind.TEXT, ColumnKind.CATEGORICAL, ColumnKind.UUID), _TEXT),
    },
    numbers={
        **dict.fromkeys(_NUMBERS, "({0} + 0e0)"),
        **dict.fromkeys(_MOMENTS, _SECONDS),
    },
    literals={
        **dict.fromkeys((*_NUMBERS, ColumnKind.BOOLEAN), "CAST({0} + 0 AS CHAR)"),
        ColumnKind.BINARY: "CONCAT('X''', HEX({0}), '''')",
        # In hexadecimal, whatever a session's sql_mode takes a backslash for.
        None: "CONCAT('_utf8mb4 X''', HEX(CONVERT({0} USING utf8mb4)), '''')",
    },
    joined="CONCAT({0}, {1})",
    bytes="LENGTH({0})",
)

CAPABILITIES = Capabilities(
    "pymysql",
    "mysql",
    driver="pymysql",
    connect_args=(("local_infile", True),),
    variants=(("is_mariadb", "mariadb"),),
    resumes=True,
    asking=ASKING,
    denials=(
        (
            "(?P<right>[A-Z][A-Z ,]*) command denied to user (?P<who>'[^']*'@'[^']*')",
            "GRANT {right} ON {place}.* TO {who}",
        ),
        (
            "Access denied for user (?P<who>'[^']*'@'[^']*') to database",
            "GRANT {right} ON {place}.* TO {who}",
        ),
    ),
)
