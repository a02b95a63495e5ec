"""The statements that make one schema, in the order in which a loader runs them."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Optional

if TYPE_CHECKING:
    from synthohive.ddl.spelling import Spelling
    from synthohive.schema import ForeignKey, Metadata, TableConfig

__all__ = [
    "PROVENANCE_TABLE",
    "Left",
    "Refused",
    "SchemaDdl",
    "SchemaObject",
    "Statement",
    "comment_on",
    "comments_on",
    "declared_keys",
    "fit_identifier",
    "items",
    "keys_of",
    "label",
    "matching",
    "parenthesis",
    "reference",
]

PROVENANCE_TABLE = "_synthohive"
_OPENING, _CLOSING = ("(", "[", "{"), (")", "]", "}")
_NAMES_AND_MARKS = r"""\"(?:[^"]|"")*"|`(?:[^`]|``)*`|[()\[\]{},]|[^'"`()\[\]{},]+|."""
_TOKEN = re.compile(rf"'(?:[^']|'')*'|{_NAMES_AND_MARKS}", re.DOTALL)
_ESCAPED = re.compile(rf"'(?:[^'\\]|''|\\.)*'|{_NAMES_AND_MARKS}", re.DOTALL)


class Refused(ValueError):
    """A text of the description that is not written to any engine; the message says why."""


@dataclass(frozen=True)
class Left:
    """Something that a copy in another engine does not have.

    Attributes
    ----------
    kind, name : str
        As a summary names it: ``"check constraints"``, ``"orders.positive"``.
    reason : str
        Why not, or what stands for it.
    """

    kind: str
    name: str
    reason: str


@dataclass(frozen=True)
class Statement:
    """One statement without any schema name; the loader sets the place it runs in.

    Attributes
    ----------
    what : str
        What it makes, as named to users: ``"unique constraint users_email (email)"``.
    """

    sql: str
    table: str = ""
    what: str = ""


@dataclass(frozen=True)
class SchemaObject:
    """A view, a materialised view or a trigger of the source, which a copy may have.

    Attributes
    ----------
    kind : str
        As a summary names it: ``"views"``.
    create : str
        Its statement; MySQL's and DuckDB's writers put the copy's places into it.
    before : tuple of str
        What it needs.
    parts : tuple of str
        Its indexes.
    then : tuple of str
        What follows when it is proved to use nothing but the copy, like its rows.
    comment : str
        The statement that comments on it.
    function : str
        The trigger function that is made with it.
    refused : str
        Why it is not tried.
    """

    kind: str
    name: str
    create: str = ""
    before: tuple[str, ...] = ()
    parts: tuple[str, ...] = ()
    then: tuple[str, ...] = ()
    comment: str = ""
    table: str = ""
    function: str = ""
    refused: str = ""


@dataclass(frozen=True)
class SchemaDdl:
    """The DDL of a schema, cut where the rows go in between.

    Attributes
    ----------
    setup : tuple of Statement
        Collations, types, functions that the tables call, and sequences.
    tables : dict of str to tuple of Statement
        What makes each table ready for its rows.
    after : tuple of Statement
        Primary keys, uniqueness, checks, indexes, comments.
    keys : tuple of Statement
        Foreign keys.
    counters : tuple of Statement
        Sequences advanced past the loaded values.
    enforced : frozenset
        ``(table, columns, parent)`` of every foreign key among the statements.
    objects : tuple of SchemaObject
        What was asked for beside the tables.
    brought : tuple of (str, str)
        Kind, as a summary names it, and name of what comes with the tables.
    left : tuple of Left
        What the source states, and the target cannot.
    """

    tables: dict[str, tuple[Statement, ...]]
    setup: tuple[Statement, ...] = ()
    after: tuple[Statement, ...] = ()
    keys: tuple[Statement, ...] = ()
    counters: tuple[Statement, ...] = ()
    enforced: frozenset[tuple[str, tuple[str, ...], str]] = field(default_factory=frozenset)
    objects: tuple[SchemaObject, ...] = ()
    brought: tuple[tuple[str, str], ...] = ()
    left: tuple[Left, ...] = ()


def label(kind: str, name: str, columns: Sequence[str] = ()) -> str:
    """Return how a constraint is named to users.

    Parameters
    ----------
    kind : str
        ``"index"``, ``"foreign key"``.
    name : str
        Empty where it has none.
    columns : sequence of str
        Left out if there are none.

    Examples
    --------
    >>> label("unique constraint", "users_email", ["email"])
    "unique constraint 'users_email' (email)"
    """
    shown = f" {name!r}" if name else ""
    return f"{kind}{shown} ({', '.join(columns)})" if columns else f"{kind}{shown}"


def reference(key: ForeignKey, quote: Callable[[str], str], parent: str) -> str:
    """Return a foreign key as a clause without actions.

    Parameters
    ----------
    key : ForeignKey
    quote : callable
        Quotes a name.
    parent : str
        The quoted table, with its place where that is needed.
    """
    columns, parents = (", ".join(map(quote, c)) for c in (key.columns, key.parent_columns))
    return f"FOREIGN KEY ({columns}) REFERENCES {parent} ({parents})"


def matching(
    key: ForeignKey, quote: Callable[..., str], child: str = "c", parent: str = "p"
) -> str:
    """Return the condition that a row is another's parent.

    Parameters
    ----------
    key : ForeignKey
    quote : callable
        Quotes a name.
    child, parent : str
        Their names in the query.
    """
    pairs = zip(key.columns, key.parent_columns)
    return " AND ".join(f"{parent}.{quote(p)} = {child}.{quote(c)}" for c, p in pairs)


def keys_of(table: TableConfig, spelling: Spelling) -> tuple[list[Statement], list[Statement]]:
    """Return what adds a table's primary key and UNIQUEs, and what adds its declared foreign keys.

    Of engines that note keys: none has an action.

    Parameters
    ----------
    table : TableConfig
    spelling : Spelling
        Quotes names, says which keys there are, and what stands behind one that is not checked.
    """
    quote = spelling.quote

    def added(kind: str, name: Optional[str], columns: Sequence[str], body: str) -> Statement:
        named = f"CONSTRAINT {quote(name)} " if name else ""
        sql = f"ALTER TABLE {quote(table.name)} ADD {named}{body}{spelling.unenforced}"
        return Statement(sql, table.name, label(kind, name or "", columns))

    there = table.unique if "unique" in spelling.has else ()
    unique = [("unique constraint", u.name, u.columns, "UNIQUE") for u in there]
    if table.pk:
        unique.insert(0, ("primary key", None, table.pk, "PRIMARY KEY"))
    return (
        [
            added(kind, name, columns, f"{words} ({', '.join(map(quote, columns))})")
            for kind, name, columns, words in unique
        ],
        [
            added("foreign key", key.name, key.columns, reference(key, quote, quote(key.parent)))
            for key in table.foreign_keys
            if key.declared
        ],
    )


def fit_identifier(name: str, limit: int, *, in_bytes: bool = True) -> str:
    """Shorten a name to what the engine takes, keeping it distinct.

    Parameters
    ----------
    name : str
    limit : int
        Most bytes of UTF-8, or characters; at least 10.
    in_bytes : bool, default True
        What `limit` counts.

    Examples
    --------
    >>> fit_identifier("short", 63)
    'short'
    >>> len(fit_identifier("é" * 60, 63).encode()) <= 63
    True
    """
    size = len(name.encode()) if in_bytes else len(name)
    if size <= limit:
        return name
    digest = hashlib.sha256(name.encode()).hexdigest()[:8]
    room = limit - len(digest) - 1
    head = name.encode()[:room].decode(errors="ignore") if in_bytes else name[:room]
    return f"{head}_{digest}"


def parenthesis(sql: str, *, backslashes: bool = False) -> tuple[list[str], str]:
    """Cut what the first parenthesis holds at its commas; return that, and what comes behind it.

    Of one that is not closed, nothing is returned.

    Parameters
    ----------
    sql : str
    backslashes : bool, default False
        A backslash escapes in strings.

    Examples
    --------
    >>> parenthesis("CREATE TABLE `t` (`a` enum('x,)') NOT NULL, KEY `k` (`a`)) ENGINE=InnoDB")
    (["`a` enum('x,)') NOT NULL", 'KEY `k` (`a`)'], ' ENGINE=InnoDB')
    """
    items_before: list[str] = []
    depth, part = 0, ""
    for match in (_ESCAPED if backslashes else _TOKEN).finditer(sql):
        token = match[0]
        if token in _CLOSING:
            depth -= 1
            if depth == 0:
                return [*items_before, part.strip()], sql[match.end() :]
        if token == "," and depth == 1:
            items_before.append(part.strip())
            part = ""
        elif depth:
            part += token
        depth += token in _OPENING
    return [], ""


def items(sql: str) -> list[str]:
    """Return what stands between the first parenthesis and its match, cut at the commas.

    Examples
    --------
    >>> items("CREATE TABLE raw.t(a DECIMAL(9,2), b VARCHAR DEFAULT('x,('), CHECK((a > 0)), );")
    ['a DECIMAL(9,2)', "b VARCHAR DEFAULT('x,(')", 'CHECK((a > 0))']
    """
    found, _ = parenthesis(sql)
    return found[:-1] if found[-1:] == [""] else found


def comment_on(thing: str, text: str, table: str, literal: Callable[[str], str]) -> Statement:
    """Return the statement that comments on something.

    Parameters
    ----------
    thing : str
        Kind and quoted name: ``'TABLE "t"'``.
    text : str
    table : str
        Which errors name.
    literal : callable
        Quotes a text.
    """
    return Statement(f"COMMENT ON {thing} IS {literal(text)}", table, f"comment on {thing}")


def comments_on(table: TableConfig, spelling: Spelling) -> list[Statement]:
    """Return the statements that comment on a table and its columns."""
    found = [(None, table.comment), *((c.name, c.comment) for c in table.columns.values())]
    return [
        Statement(
            spelling.commented(table.name, column, text),
            table.name,
            f"comment on {table.name if column is None else f'{table.name}.{column}'}",
        )
        for column, text in found
        if text
    ]


def declared_keys(metadata: Metadata) -> frozenset[tuple[str, tuple[str, ...], str]]:
    """Return the keys that the source enforces, as :attr:`SchemaDdl.enforced` has them."""
    keys = metadata.foreign_keys()
    return frozenset((name, tuple(k.columns), k.parent) for name, k in keys if k.declared)
