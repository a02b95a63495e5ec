"""What the server says, whichever driver brings it: numbers of errors, and texts without values."""

from __future__ import annotations

import re
from importlib import import_module
from typing import Any

__all__ = ["driver_errors", "number", "reason"]

_DRIVERS = ("pymssql", "pyodbc")
_ODBC = re.compile(r"^\[\w{5}\] (?:\[[^\]]*\])+")
_ODBC_NUMBER = re.compile(r"\((\d+)\) \(SQL\w+\)")
_VALUES = (
    re.compile(r"((?:duplicate key value is|Truncated value:) ).*()"),  # it may hold anything
    re.compile(r"((?:converting|conversion of) the \w+ value )(?:.*( to data type )|.*$)", re.I),
)


def driver_errors() -> tuple[type[BaseException], ...]:
    """Return the errors of the drivers that are installed.

    Raises
    ------
    ImportError
        None is.
    """
    found: list[type[BaseException]] = []
    for name in _DRIVERS:
        try:
            found.append(import_module(name).Error)
        except ImportError:  # the other one may be there
            continue
    if not found:
        raise ImportError("no driver of SQL Server is installed", name=_DRIVERS[0])
    return tuple(found)


def number(exc: BaseException) -> int:
    """Return the server's number of an error; 0 where it has none.

    Examples
    --------
    >>> number(ValueError(1222, b"Lock request time out period exceeded."))
    1222
    >>> number(ValueError("42000", "[42000] [Microsoft][SQL Server]Lock. (1222) (SQLExecDirectW)"))
    1222
    """
    first: Any = exc.args[0] if exc.args else 0
    if isinstance(first, int):
        return first
    found = _ODBC_NUMBER.search(str(exc.args[-1]) if exc.args else "")
    return int(found[1]) if found else 0


def reason(exc: BaseException) -> str:
    """Return the server's message, in one line, without the values that it quotes.

    Examples
    --------
    >>> said = b"Violation of UNIQUE KEY. The duplicate key value is (ada@post.org).DB-Lib error 1"
    >>> reason(ValueError(2627, said))
    'Violation of UNIQUE KEY. The duplicate key value is …'
    """
    last: Any = exc.args[-1] if exc.args else ""
    text = last.decode("utf-8", "replace") if isinstance(last, bytes) else str(last)
    text = " ".join(text.split("DB-Lib error")[0].split())
    text = _ODBC_NUMBER.sub("", _ODBC.sub("", text)).strip()
    for pattern in _VALUES:
        text = pattern.sub(r"\1…\2", text)
    return text.rstrip(".)") or type(exc).__name__
