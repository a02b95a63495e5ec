"""The definitions of a description's indexes, parsed and written again."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Optional

from synthohive.ddl.spelling import Spelling
from synthohive.ddl.statements import Refused, items, parenthesis
from synthohive.ddl.vetted import Vetting
from synthohive.schema import Column

__all__ = ["IndexParts", "index_parts", "key_part", "names_in", "unquoted", "vetted_index"]

_NAME = r'(?:"(?:[^"]|"")+"|`(?:[^`]|``)+`|[^\W\d][\w$]*)'
_CREATE = re.compile(
    rf"CREATE\s+(?P<kind>UNIQUE\s+|FULLTEXT\s+|SPATIAL\s+)?INDEX\s+(?:IF\s+NOT\s+EXISTS\s+)?{_NAME}"
    rf"\s+ON\s+(?:ONLY\s+)?(?:{_NAME}\.)*{_NAME}\s*(?:USING\s+(?P<method>\w+)\s*)?(?=\()",
    re.IGNORECASE,
)
_KEY = re.compile(
    rf"(?P<kind>UNIQUE\s+|FULLTEXT\s+|SPATIAL\s+)?(?:KEY|INDEX)\s+{_NAME}\s*(?P<method>)(?=\()",
    re.IGNORECASE,
)
_END = re.compile(
    rf"(?:\s*INCLUDE\s*\((?P<include>(?:[^()'\"]|{_NAME})*)\))?(?P<nulls>\s*NULLS\s+NOT\s+DISTINCT)?"
    r"(?:\s*WITH\s*\((?P<options>[\w\s=',.]*)\))?(?:\s*USING\s+(?:BTREE|HASH))?"
    r"(?:\s*WHERE\s+(?P<where>.+))?\s*;?\s*",
    re.IGNORECASE | re.DOTALL,
)
_ORDER = re.compile(
    r"(?P<body>.*?)(?P<class>\s+[a-z]\w*_ops)?(?P<order>(?:\s+(?:ASC|DESC))?"
    r"(?:\s+NULLS\s+(?:FIRST|LAST))?)",
    re.IGNORECASE | re.DOTALL,
)
_PREFIX = re.compile(rf"(?P<column>{_NAME})\s*\((?P<length>\d+)\)")
_METHODS = ("btree", "hash", "gin", "gist", "brin", "spgist", "art")


@dataclass(frozen=True)
class IndexParts:
    """An index's definition, taken apart.

    Attributes
    ----------
    kind : str
        ``UNIQUE``, ``FULLTEXT``, ``SPATIAL``, or nothing.
    method : str
        As after USING, in lower case; nothing if not stated.
    keys : tuple of str
        What is indexed: a name, or an expression, with what orders it.
    include : tuple of str
        Columns that are only stored.
    nulls_distinct : bool
        False where NULL equals NULL.
    where : str, optional
        The condition of the rows that are indexed.
    """

    kind: str
    method: str
    keys: tuple[str, ...]
    include: tuple[str, ...]
    nulls_distinct: bool
    where: Optional[str]


def index_parts(definition: str, spelling: Spelling) -> IndexParts:
    """Take apart an index's own definition.

    Examples
    --------
    >>> from synthohive.connectors.registry import spelling
    >>> sql = "CREATE UNIQUE INDEX i ON t (lower(a), b DESC) WHERE c > 1"
    >>> parts = index_parts(sql, spelling("sqlite"))
    >>> parts.kind, parts.keys, parts.where
    ('UNIQUE', ('lower(a)', 'b DESC'), 'c > 1')

    Raises
    ------
    Refused
        It is no CREATE INDEX (on MySQL: no KEY clause) of known shape.
    """
    text = definition.strip()
    match = (_KEY if spelling.index_clauses else _CREATE).match(text)
    if match is None:
        raise Refused("it is no definition of an index")
    keys, rest = parenthesis(text[match.end() :])
    end = _END.fullmatch(rest)
    if end is None or not keys:
        raise Refused(f"{rest.strip()[:40]!r} is no part of an index")
    return IndexParts(
        " ".join((match["kind"] or "").upper().split()),
        (match["method"] or "").lower(),
        tuple(keys),
        tuple(map(unquoted, items(f"({end['include']})"))) if end["include"] else (),
        not end["nulls"],
        end["where"],
    )


def key_part(item: str, spelling: Spelling) -> tuple[str, Optional[int]]:
    """Return what one part of an index is about, without its order, and a prefix's length.

    Examples
    --------
    >>> from synthohive.connectors.registry import spelling
    >>> key_part("lower(a) text_pattern_ops DESC", spelling("postgresql"))
    ('lower(a)', None)
    >>> key_part("`a`(10)", spelling("mysql"))
    ('`a`', 10)
    """
    match = _ORDER.fullmatch(item.strip())
    body = item.strip() if match is None else match["body"].strip()
    prefix = _PREFIX.fullmatch(body) if spelling.index_clauses else None
    return (body, None) if prefix is None else (prefix["column"], int(prefix["length"]))


def names_in(sql: str) -> set[str]:
    """Return the words of an expression that may be names, without their quotes.

    Examples
    --------
    >>> sorted(names_in('lower("a b") || c'))
    ['a b', 'c', 'lower']
    """
    return {unquoted(name) for name in re.findall(_NAME, sql)}


def vetted_index(
    definition: str, table: str, name: str, columns: Mapping[str, Column], vetting: Vetting
) -> str:
    """Write an index's definition anew.

    Storage options and tablespaces are left out: they belong to the source's server.

    Parameters
    ----------
    definition : str
        As the source's catalogue, or a description, has it.
    table, name : str
        What the new one is on, and what it is called, whatever the definition says.
    columns : dict of str to Column
        Those of the table, which alone it may name.
    vetting : Vetting
        Of the engine, for its expressions.

    Returns
    -------
    str
        CREATE INDEX, also where the engine's own text is a clause of CREATE TABLE.

    Raises
    ------
    Refused
        It is no CREATE INDEX (on MySQL: no KEY clause) of known shape.
    """
    old = index_parts(definition, vetting.spelling)
    if old.method and old.method not in _METHODS:
        raise Refused(f"there is no index method {old.method!r}")
    parts = ", ".join(_part(item, columns, vetting) for item in old.keys)
    quote, kind, place = vetting.spelling.quote, old.kind, vetting.spelling.table(table)
    sql = f"CREATE {kind + ' ' if kind else ''}INDEX {vetting.spelling.part(name)} ON {place} "
    using = f"USING {old.method} " if old.method and vetting.spelling.index_methods else ""
    sql += f"{using}({parts})"
    if old.include:
        sql += f" INCLUDE ({', '.join(quote(_known(c, columns)) for c in old.include)})"
    sql += "" if old.nulls_distinct else " NULLS NOT DISTINCT"
    if old.where:
        sql += f" WHERE {vetting.expression(old.where, columns)}"
    return sql


def _part(item: str, columns: Mapping[str, Column], vetting: Vetting) -> str:
    match = _ORDER.fullmatch(item.strip())
    if match is None:
        raise Refused(f"{item[:40]!r} is no part of an index")
    body = match["body"].strip()
    suffix = " ".join(f"{match['class'] or ''}{match['order'] or ''}".split())
    prefix = _PREFIX.fullmatch(body) if vetting.spelling.index_clauses else None
    if prefix is not None:
        column = _known(unquoted(prefix["column"]), columns)
        written = f"{vetting.spelling.quote(column)}({prefix['length']})"
    elif re.fullmatch(_NAME, body):
        written = vetting.spelling.quote(_known(unquoted(body), columns))
    else:
        written = f"({vetting.expression(body, columns)})"
    return f"{written} {suffix}" if suffix else written


def unquoted(name: str) -> str:
    """Return a name without its quotes; any other text as it is."""
    for mark in ('"', "`"):
        if name.startswith(mark):
            return name[1:-1].replace(mark * 2, mark)
    return name


def _known(name: str, columns: Collection[str]) -> str:
    found: Optional[str] = name if name in columns else None
    found = found or next((c for c in columns if c.lower() == name.lower()), None)
    if found is None:
        raise Refused(f"it names {name[:40]!r}, which is no column of the table")
    return found
