"""Views of a schema, with the names in them led to the copy."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

import sqlglot
from sqlglot import exp
from sqlglot.errors import SqlglotError

from synthohive.connectors.snowflake.spelling import SPELLING
from synthohive.ddl.statements import SchemaObject
from synthohive.io.staging import outside_reason

__all__ = ["view"]


def view(
    facts: Mapping[str, Any], database: str, schema: str, known: Collection[str]
) -> SchemaObject:
    """Return a view as a copy may have it, or why it may not.

    Snowflake looks up names without a schema in the view's own: so written, they stay in the
    schema whatever that comes to be called.

    Parameters
    ----------
    facts : mapping
        Its row of INFORMATION_SCHEMA.VIEWS.
    database, schema : str
        Where it is.
    known : collection of str
        The tables of the copy, and the views of the schema.

    Examples
    --------
    >>> facts = {"table_name": "V", "comment": None, "view_definition":
    ...          "create view V as select A from DB.SHOP.T join OTHER.U using (A)"}
    >>> view(facts, "DB", "SHOP", {"T"}).refused
    'it uses OTHER.U, which the copy does not have'
    """
    name = str(facts["table_name"])
    try:
        made = sqlglot.parse_one(str(facts["view_definition"]), dialect=SPELLING.grammar)
    except SqlglotError:
        return SchemaObject("views", name, refused="its definition is not understood")
    query = made.expression if isinstance(made, exp.Create) else None
    if not isinstance(query, exp.Query):
        return SchemaObject("views", name, refused="its definition is not understood")
    within = {cte.alias for cte in query.find_all(exp.CTE)}
    outside = [
        dot.sql(dialect=SPELLING.grammar)
        for dot in query.find_all(exp.Dot)
        if isinstance(dot.expression, exp.Anonymous)
    ]
    for place in query.find_all(exp.Table):
        if not place.db and place.name in within:
            continue
        here = _name(place, "db") in ("", schema) and _name(place, "catalog") in ("", database)
        if not here or _name(place, "this") not in known:
            outside.append(".".join(part.name for part in place.parts))
        place.set("db", None)
        place.set("catalog", None)
    columns = made.this.expressions if isinstance(made.this, exp.Schema) else []
    listed = ", ".join(SPELLING.quote(_of(c.find(exp.Identifier))) for c in columns)
    body = query.sql(dialect=SPELLING.grammar, comments=False)
    said = facts.get("comment")
    return SchemaObject(
        "views",
        name,
        f"CREATE VIEW {SPELLING.quote(name)}{f' ({listed})' if listed else ''} AS {body}",
        comment=f"COMMENT ON VIEW {SPELLING.quote(name)} IS {SPELLING.literal(said)}"
        if said
        else "",
        refused=outside_reason(sorted(set(outside))),
    )


def _name(place: exp.Table, part: str) -> str:
    found = place.args.get(part)
    return "" if found is None else _of(found)


def _of(found: Any) -> str:
    """Return a name as the catalogue has it."""
    if not isinstance(found, exp.Identifier):
        return str(found)
    return str(found.this) if found.quoted else str(found.this).upper()
