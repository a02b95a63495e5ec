"""The statements that make one schema, in the order in which a loader runs them."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from synthohive.schema import ForeignKey

__all__ = [
    "PROVENANCE_TABLE",
    "Refused",
    "SchemaDdl",
    "SchemaObject",
    "Statement",
    "fit_identifier",
    "items",
    "label",
    "reference",
]

PROVENANCE_TABLE = "_synthohive"
_TOKEN = re.compile(r"""'(?:[^']|'')*'|"(?:[^"]|"")*"|[()\[\]{},]|[^'"()\[\]{},]+""")


class Refused(ValueError):
    """A text of the description that is not written to any engine; the message says why."""


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
    """

    tables: dict[str, tuple[Statement, ...]]
    setup: tuple[Statement, ...] = ()
    after: tuple[Statement, ...] = ()
    keys: tuple[Statement, ...] = ()
    counters: tuple[Statement, ...] = ()
    enforced: frozenset[tuple[str, tuple[str, ...], str]] = field(default_factory=frozenset)
    objects: tuple[SchemaObject, ...] = ()
    brought: tuple[tuple[str, str], ...] = ()


def label(kind: str, name: str, columns: Sequence[str] = ()) -> str:
    """Return how a constraint is named to users.

    Examples
    --------
    >>> label("unique constraint", "users_email", ["email"])
    "unique constraint 'users_email' (email)"
    """
    shown = f" {name!r}" if name else ""
    return f"{kind}{shown} ({', '.join(columns)})" if columns else f"{kind}{shown}"


def reference(key: ForeignKey, quote: Callable[[str], str], parent: str) -> str:
    """Return a foreign key as a clause without actions; `parent` is the quoted table."""
    columns, parents = (", ".join(map(quote, c)) for c in (key.columns, key.parent_columns))
    return f"FOREIGN KEY ({columns}) REFERENCES {parent} ({parents})"


def fit_identifier(name: str, limit: int, *, in_bytes: bool = True) -> str:
    """Shorten a name to what the engine takes, keeping it distinct.

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
