"""Views of a schema, with the names in them led to the copy: what engines of one grammar share."""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import Any, Optional

import sqlglot
from sqlglot import exp
from sqlglot.errors import SqlglotError

from synthohive.ddl.spelling import Spelling
from synthohive.ddl.statements import SchemaObject
from synthohive.io.staging import outside_reason

__all__ = ["view"]


def view(
    name: str,
    definition: str,
    home: tuple[str, str],
    known: Collection[str],
    how: Spelling,
    *,
    fold: Callable[[str], str],
    comment: Optional[str] = None,
) -> SchemaObject:
    """Return a view as a copy may have it, or why it may not.

    Names without a schema are looked up where the view is made.

    Parameters
    ----------
    name : str
    definition : str
        Its query, or the whole CREATE VIEW.
    home : tuple of str
        The database and the schema where it is.
    known : collection of str
        The tables of the copy, and the views of the schema.
    how : Spelling
        Of the engine.
    fold : callable
        Returns what the engine makes of a name without quotes.
    comment : str, optional

    Examples
    --------
    >>> from synthohive.connectors.registry import spelling
    >>> how = spelling("snowflake")
    >>> text = "create view V as select A from DB.SHOP.T join OTHER.U using (A)"
    >>> view("V", text, ("DB", "SHOP"), {"T"}, how, fold=str.upper).refused
    'it uses OTHER.U, which the copy does not have'
    """
    try:
        made = sqlglot.parse_one(definition, dialect=how.grammar)
    except SqlglotError:
        return SchemaObject("views", name, refused="its definition is not understood")
    query = made.expression if isinstance(made, exp.Create) else made
    if not isinstance(query, exp.Query):
        return SchemaObject("views", name, refused="its definition is not understood")

    def of(found: Any) -> str:
        if not isinstance(found, exp.Identifier):
            return str(found)
        return str(found.this) if found.quoted else fold(str(found.this))

    outside = _led(query, home, known, how, of)
    heading = made.this if isinstance(made, exp.Create) else None
    columns = heading.expressions if isinstance(heading, exp.Schema) else []
    listed = ", ".join(how.quote(of(c.find(exp.Identifier))) for c in columns)
    body = query.sql(dialect=how.grammar, comments=False)
    said = f"COMMENT ON VIEW {how.quote(name)} IS {how.literal(comment)}" if comment else ""
    return SchemaObject(
        "views",
        name,
        f"CREATE VIEW {how.table(name)}{f' ({listed})' if listed else ''} AS {body}",
        comment=said,
        refused=outside_reason(sorted(set(outside))),
    )


def _led(
    query: exp.Query,
    home: tuple[str, str],
    known: Collection[str],
    how: Spelling,
    of: Callable[[Any], str],
) -> list[str]:
    """Name a query's tables as in a staging place; return those that lead elsewhere."""
    within = {cte.alias for cte in query.find_all(exp.CTE)}
    outside = [
        dot.sql(dialect=how.grammar)
        for dot in query.find_all(exp.Dot)
        if isinstance(dot.expression, exp.Anonymous)
    ]
    for place in list(query.find_all(exp.Table)):
        if not place.db and place.name in within:
            continue
        at = [of(place.args[part]) if place.args.get(part) else "" for part in ("catalog", "db")]
        here = all(part in ("", own) for part, own in zip(at, home))
        if not here or of(place.this) not in known:
            outside.append(".".join(part.name for part in place.parts))
            continue
        own = of(place.this)
        written = sqlglot.parse_one(how.table(own), into=exp.Table, dialect=how.grammar)
        for part in ("this", "db", "catalog"):
            place.set(part, written.args.get(part))
        if (place.db or place.name != own) and not place.alias:  # its columns may be named by it
            place.set("alias", exp.TableAlias(this=exp.to_identifier(own, quoted=True)))
    for column in query.find_all(exp.Column):  # before whose table no place stands any more
        column.set("db", None)
        column.set("catalog", None)
    return outside
