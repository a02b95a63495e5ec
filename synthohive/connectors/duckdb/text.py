"""DuckDB's own SQL texts: taking apart what its catalogue states, and its error messages."""

from __future__ import annotations

import re
from collections.abc import Iterator

__all__ = ["first_name", "is_constraint", "items", "nested_type", "quote", "reason", "shell"]

_TOKEN = re.compile(r"""'(?:[^']|'')*'|"(?:[^"]|"")*"|[()\[\]{},]|[^'"()\[\]{},]+""")
_NAME = re.compile(r'\s*("(?:[^"]|"")*"|[^\W\d]\w*)')
_CONSTRAINT = re.compile(r"\s*(?:(?:PRIMARY|FOREIGN)\s+KEY|UNIQUE|CHECK)\s*\(", re.IGNORECASE)
_NESTED = re.compile(r"(?:STRUCT|MAP)\(|.*\[\d*\]$", re.IGNORECASE | re.DOTALL)
_SCHEMA_ONLY = re.compile(
    r"(?:IO|Binder|Catalog|Parser|Connection|Permission) Error|"
    r"Constraint Error: (?:CHECK|NOT NULL) constraint failed"
)


def quote(name: str) -> str:
    """Quote an identifier.

    Examples
    --------
    >>> quote('a"b')
    '"a""b"'
    """
    return '"' + name.replace('"', '""') + '"'


def items(sql: str) -> list[str]:
    """Return what stands between the first parenthesis and its match, cut at the commas.

    Examples
    --------
    >>> items("CREATE TABLE raw.t(a DECIMAL(9,2), b VARCHAR DEFAULT('x,('), CHECK((a > 0)));")
    ['a DECIMAL(9,2)', "b VARCHAR DEFAULT('x,(')", 'CHECK((a > 0))']
    """
    return [text.strip() for text in _items(sql)]


def _items(sql: str) -> Iterator[str]:
    depth = 0
    parts: list[str] = []
    for match in _TOKEN.finditer(sql):
        token = match[0]
        if token in "([{":
            depth += 1
            if depth == 1:
                continue
        if token in ")]}":
            depth -= 1
            if depth == 0:
                break
        if depth == 1 and token == ",":
            yield "".join(parts)
            parts = []
        elif depth:
            parts.append(token)
    if "".join(parts).strip():
        yield "".join(parts)


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
