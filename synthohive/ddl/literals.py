"""Literals in views and triggers: a real value that no row of the copy may hold stays out of it."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Optional

import sqlalchemy as sa

if TYPE_CHECKING:
    from sqlalchemy.engine import Engine

    from synthohive.ddl.statements import SchemaObject
    from synthohive.schema import Metadata

__all__ = ["Guarded", "without_real_values"]

# Whether a backslash escapes is the engine's: both readings are looked for.
_LITERALS = (re.compile(r"'((?:[^']|'')*)'"), re.compile(r"'((?:[^'\\]|''|\\.)*)'", re.DOTALL))
_AT_ONCE = 500


@dataclass(frozen=True)
class Guarded:
    """Which values a copy does not show.

    Attributes
    ----------
    k : int
        Values in fewer rows are not shown.
    columns : dict of str to dict of str to bool
        By table, the text columns whose values are not kept as they are, and whether they are
        personal: of those no value is shown.
    """

    k: int
    columns: Mapping[str, Mapping[str, bool]]


def without_real_values(
    things: Sequence[SchemaObject],
    source: Engine,
    metadata: Metadata,
    schema: Optional[str],
    guarded: Guarded,
) -> list[SchemaObject]:
    """Refuse what has a literal that is a guarded value of the source; the rest stays.

    Upper and lower case are one, and so are ``'ann@x.org'`` and ``'%ann@x.org'``.

    Parameters
    ----------
    things : sequence of SchemaObject
    source : sqlalchemy.engine.Engine
        Asked in how many rows a literal stands.
    metadata : Metadata
        The tables that are searched.
    schema : str, optional
        Theirs, where they do not tell it themselves.
    guarded : Guarded

    Returns
    -------
    list of SchemaObject
        All of them, in their order; :attr:`SchemaObject.refused` names the column of the value.
    """
    literals_of = {thing: _literals(thing) for thing in things if not thing.refused}
    every = sorted(set().union(*literals_of.values()))
    where_is: dict[str, str] = {}
    with source.connect() as connection:
        for name in metadata.tables if every else ():
            table = metadata.tables[name]
            place = (table.own_name, table.schema_name or schema)
            for column, personal in guarded.columns.get(name, {}).items():
                least = 1 if personal else guarded.k
                for value, rows in _counts(connection, place, column, every):
                    if rows < least or personal:
                        where_is.setdefault(value.lower(), f"{name}.{column}")
        connection.rollback()
    refused = {
        thing: next((where_is[v.lower()] for v in sorted(literals) if v.lower() in where_is), None)
        for thing, literals in literals_of.items()
    }
    return [
        replace(thing, refused=f"its text holds a value of {where}, which the copy does not show")
        if (where := refused.get(thing)) is not None
        else thing
        for thing in things
    ]


def _literals(thing: SchemaObject) -> set[str]:
    sql = " ".join((thing.create, *thing.before, *thing.parts))
    texts = {text for literal in _LITERALS for text in literal.findall(sql)}
    plain = {text.replace("''", "'") for text in texts}
    plain |= {re.sub(r"\\(.)", r"\1", text) for text in plain}
    return {text.strip("%") for text in plain} - {""}


def _counts(
    connection: Any, place: tuple[str, Optional[str]], column: str, values: Sequence[str]
) -> list[tuple[str, int]]:
    """Return which of some values a column holds, in lower case, and in how many rows."""
    name, schema = place
    table = sa.table(name, sa.column(column), schema=schema or None)
    plain = sa.cast(table.c[column], sa.String)
    folded = sa.func.lower(plain)  # which in SQLite is so for English letters alone
    rows: list[tuple[str, int]] = []
    for start in range(0, len(values), _AT_ONCE):
        part = list(values[start : start + _AT_ONCE])
        same = sa.or_(plain.in_(part), folded.in_([value.lower() for value in part]))
        query = sa.select(folded, sa.func.count()).where(same).group_by(folded)
        rows += [(str(row[0]), int(row[1])) for row in connection.execute(query)]
    return rows
