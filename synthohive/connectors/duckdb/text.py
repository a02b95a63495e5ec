"""DuckDB's own SQL texts: taking apart what its catalogue states, and its error messages."""

from __future__ import annotations

import re

__all__ = ["first_name", "is_constraint", "nested_type", "reason", "shell"]

_NAME = re.compile(r'\s*("(?:[^"]|"")*"|[^\W\d]\w*)')
_CONSTRAINT = re.compile(r"\s*(?:(?:PRIMARY|FOREIGN)\s+KEY|UNIQUE|CHECK)\s*\(", re.IGNORECASE)
_NESTED = re.compile(r"(?:STRUCT|MAP)\(|.*\[\d*\]$", re.IGNORECASE | re.DOTALL)
_SCHEMA_ONLY = re.compile(
    r"(?:IO|Binder|Catalog|Parser|Connection|Permission) Error|"
    r"Constraint Error: (?:CHECK|NOT NULL) constraint failed"
)


def shell(item: str) -> str:
    """Return a text with its quoted parts emptied, in which words can be looked for.

    Examples
    --------
    >>> shell("s VARCHAR DEFAULT('COLLATE ''x''')")
    "s VARCHAR DEFAULT('')"
    """
    return re.sub(r"'(?:[^']|'')*'", "''", re.sub(r'"(?:[^"]|"")*"', '""', item))


def first_name(item: str) -> str:
    """Return the identifier with which a text begins, without its quotes.

    Examples
    --------
    >>> first_name('"we""ird" INTEGER'), first_name("plain, b")
    ('we"ird', 'plain')
    """
    match = _NAME.match(item)
    name = match[1] if match else item
    return name[1:-1].replace('""', '"') if name.startswith('"') else name


def is_constraint(item: str) -> bool:
    """Whether an item of CREATE TABLE is no column; a column of such a name is quoted."""
    return not item or _CONSTRAINT.match(item) is not None


def nested_type(type_: str) -> bool:
    """Whether values of a type are lists, arrays, structs or maps.

    Examples
    --------
    >>> nested_type("INTEGER[3]"), nested_type("STRUCT(a INTEGER)"), nested_type("DECIMAL(9,2)")
    (True, True, False)
    """
    return _NESTED.match(type_) is not None


def reason(exc: BaseException) -> str:
    """Return DuckDB's message without the values that it quotes.

    Examples
    --------
    >>> reason(ValueError("Conversion Error: Could not convert string 'secret' to INT32"))
    "Conversion Error: Could not convert string '…' to INT32"
    >>> reason(ValueError('Duplicate key "id: 4" violates primary key constraint.'))
    'Duplicate key "…" violates primary key constraint'
    """
    text = str(exc).strip().split("\n\nLINE ", maxsplit=1)[0]
    if not _SCHEMA_ONLY.match(text):
        for mark in ("'", '"'):
            first, last = text.find(mark), text.rfind(mark)
            if first >= 0:
                rest = text[last + 1 :] if last > first else ""
                text = f"{text[:first]}{mark}…{mark}{rest}"
        text = re.sub(r"(?<=value )[-+.\deE]+", "…", text)
    return text.split("\n", maxsplit=1)[0].rstrip(".")
