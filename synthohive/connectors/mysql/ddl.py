"""MySQL's and MariaDB's own DDL, as ``SHOW CREATE TABLE`` gives it, with the keys taken apart."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Optional

from synthohive.connectors.mysql.spelling import SPELLING, quote
from synthohive.ddl.statements import SchemaDdl, Statement, label, parenthesis

if TYPE_CHECKING:
    from synthohive.schema import Metadata, TableConfig

__all__ = ["clone", "definitions", "named_by", "recommented"]

_IDENTIFIER = r"`((?:[^`]|``)+)`"
_COLUMN = re.compile(_IDENTIFIER + r"\s")
_KEY = re.compile(r"(?:(UNIQUE|FULLTEXT|SPATIAL)\s+)?(?:KEY|INDEX)\s+" + _IDENTIFIER)
_FOREIGN = re.compile(
    rf"CONSTRAINT {_IDENTIFIER} FOREIGN KEY \((.+?)\) REFERENCES {_IDENTIFIER}(\.)?", re.DOTALL
)
_UNESCAPED = re.compile(
    r"^(\s*CONSTRAINT )`(.+)`( FOREIGN KEY \()`(.+?)`(\) REFERENCES `)", re.MULTILINE
)
_COUNTER = re.compile(r"\s*\bAUTO_INCREMENT=\d+")
_TOKEN = re.compile(r"'(?:[^'\\]|''|\\.)*'|`(?:[^`]|``)*`|.", re.DOTALL)

_WORD = re.compile(r"'(?:[^'\\]|''|\\.)*'|`(?:[^`]|``)*`|\w+|[()]", re.DOTALL)


def definitions(made: str) -> tuple[list[str], str]:
    r"""Return the definitions in a CREATE TABLE, as a server shows it, and what stands behind them.

    MariaDB (10.11.18) leaves backticks in the names of foreign keys and of their columns as they
    are, and doubles them in all else.

    Examples
    --------
    >>> key = "CONSTRAINT `k`1` FOREIGN KEY (`a`b`) REFERENCES `p` (`c`)"
    >>> definitions(f"CREATE TABLE `t` (\n {key})")[0]
    ['CONSTRAINT `k``1` FOREIGN KEY (`a``b`) REFERENCES `p` (`c`)']
    """

    def escaped(match: re.Match[str]) -> str:
        columns = ", ".join(quote(_undoubled(name)) for name in match[4].split("`, `"))
        return f"{match[1]}{quote(_undoubled(match[2]))}{match[3]}{columns}{match[5]}"

    return parenthesis(_UNESCAPED.sub(escaped, made), backslashes=True)


def _undoubled(name: str) -> str:
    return name.replace("``", "`")


def named_by(body: str) -> Optional[tuple[str, str]]:
    """Return kind and name of the column or index that a definition makes; None for all else.

    Examples
    --------
    >>> named_by("UNIQUE KEY `k` (`a`)"), named_by("`a` int")
    (('index', 'k'), ('column', 'a'))
    """
    if body.startswith("PRIMARY KEY"):
        return "index", "PRIMARY"
    if match := _KEY.match(body):
        return "index", _undoubled(match[2])
    return ("column", _name(body)) if _COLUMN.match(body) else None


def recommented(body: str, said: str) -> str:
    """Return the definition of a column or index with another comment, a quoted string.

    It goes before a column's CHECK, where MariaDB wants it.

    Examples
    --------
    >>> recommented("`a` int DEFAULT NULL COMMENT 'old' CHECK (`a` > 0)", "'new'")
    "`a` int DEFAULT NULL COMMENT 'new' CHECK (`a` > 0)"
    """
    kept = [(m.start(), m[0]) for m in _WORD.finditer(body)]
    words = [(start, word.upper()) for start, word in kept]
    depth, end = 0, len(body)
    for number, (start, word) in enumerate(words):
        depth += (word == "(") - (word == ")")
        if depth == 0 and word == "COMMENT":
            after = start + len(word) + 1 + len(kept[number + 1][1])
            return f"{body[:start]}COMMENT {said}{body[after:]}"
        if depth == 0 and word == "CHECK":
            end = start
            break
    return f"{body[:end].rstrip()} COMMENT {said} {body[end:]}".rstrip()


@dataclass
class _Parts:
    inside: list[str] = field(default_factory=list)
    after: list[Statement] = field(default_factory=list)
    keys: list[Statement] = field(default_factory=list)
    enforced: list[tuple[str, tuple[str, ...], str]] = field(default_factory=list)
    columns: set[str] = field(default_factory=set)


def clone(
    catalogue: Any, metadata: Metadata, schema: str, beside: Sequence[str]
) -> Optional[SchemaDdl]:
    """See the base class of the catalogue; types are the server's own, and have no place."""
    tables: dict[str, tuple[Statement, ...]] = {}
    parts: list[_Parts] = []
    catalogue.plain("SET SESSION sql_quote_show_create = 1")
    for name, config in metadata.tables.items():
        row = catalogue.plain(f"SHOW CREATE TABLE {catalogue.quote(schema, name)}").one()
        bodies, options = definitions(row[1])
        sorted_parts = _take_apart(name, bodies, metadata)
        if sorted_parts.columns != set(config.columns):
            return None
        body = ",\n  ".join(sorted_parts.inside)
        sql = f"CREATE TABLE {quote(name)} (\n  {body}\n){_COUNTER.sub('', options)}"
        tables[name] = (Statement(sql, name, f"table {name!r}"),)
        parts.append(sorted_parts)
    return SchemaDdl(
        tables=tables,
        after=tuple(statement for part in parts for statement in part.after),
        keys=tuple(statement for part in parts for statement in part.keys),
        enforced=frozenset(key for part in parts for key in part.enforced),
    )


def _take_apart(table: str, bodies: list[str], metadata: Metadata) -> _Parts:
    """Sort the definitions: what must stand in CREATE TABLE, what can wait for the rows.

    The primary key stays because InnoDB keeps the rows in it, the counter's key because
    the server insists, and checks because they cost little while loading but a copy of
    the table when they are added to it.
    """
    parts = _Parts()
    counter = next((_name(b) for b in bodies if _COLUMN.match(b) and _counts(b)), None)
    primary = next((b for b in bodies if b.startswith("PRIMARY KEY")), None)
    needs_key = counter is not None and not (primary and _leads(primary, counter))
    plain = []
    for body in bodies:
        if match := _FOREIGN.match(body):
            parent = _undoubled(match[3])
            if match[4] or parent not in metadata.tables:
                continue
            columns = [_undoubled(c) for c in re.findall(_IDENTIFIER, match[2])]
            what = label("foreign key", match[1], columns)
            parts.keys.append(Statement(f"ALTER TABLE {quote(table)} ADD {body}", table, what))
            parts.enforced.append((table, tuple(columns), parent))
        elif match := _KEY.match(body):
            if needs_key and counter is not None and _leads(body[match.end() :], counter):
                parts.inside.append(body)
                needs_key = False
            elif match[1]:
                what = label(f"{match[1].lower()} index", match[2])
                parts.after.append(Statement(f"ALTER TABLE {quote(table)} ADD {body}", table, what))
            else:
                plain.append((match[2], f"ADD {body}"))
        elif _COLUMN.match(body):
            name = _name(body)
            parts.columns.add(name)
            value = _filled(metadata.tables[table], name, body)
            parts.inside.append(body if value is None else f"{body} DEFAULT {value}")
            if value is not None:
                sql = f"ALTER TABLE {quote(table)} ALTER COLUMN {quote(name)} DROP DEFAULT"
                parts.after.append(Statement(sql, table, f"column {name!r}"))
        else:
            parts.inside.append(body)
    if plain:  # one statement: the server scans the table once for all of them
        names = ", ".join(name for name, _ in plain)
        actions = ", ".join(action for _, action in plain)
        sql = f"ALTER TABLE {quote(table)} {actions}"
        parts.after.append(Statement(sql, table, f"indexes {names}"))
    return parts


def _filled(config: TableConfig, name: str, body: str) -> Optional[str]:
    """Return what stands in an excluded column that must hold something, while rows are loaded."""
    column = config.columns.get(name)
    if column is None or not column.filled or name not in config.exclude_columns:
        return None
    found = _COLUMN.match(body)
    return SPELLING.empty_value(body[found.end() :]) if found else None


def _name(body: str) -> str:
    match = _COLUMN.match(body)
    return _undoubled(match[1]) if match else ""


def _counts(body: str) -> bool:
    bare = "".join(t[0] for t in _TOKEN.finditer(body) if t[0][0] not in "'`")
    return "AUTO_INCREMENT" in bare.upper()


def _leads(key: str, column: str) -> bool:
    """Whether a key's first column is `column`."""
    return key[key.find("(") + 1 :].startswith(quote(column))
