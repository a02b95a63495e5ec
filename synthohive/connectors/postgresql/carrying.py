"""What hangs on a PostgreSQL schema that is replaced, and goes over to the new one.

Views of other schemas, rights on the schema, its tables and columns, owners, comments that
others wrote and default privileges are carried over. All else that hangs on the old schema is
named and stops the run: no definition of it would give the same object again.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Optional

from synthohive._display import listed
from synthohive.connectors.postgresql.objects import Ask, Holdings
from synthohive.connectors.postgresql.spelling import literal
from synthohive.ddl.spelling import quote
from synthohive.exceptions import ConnectorError
from synthohive.io.comments import Comments, changes

__all__ = ["Carried", "carried_from", "copy_default_rights"]

_VIEWS = """
SELECT r.oid, format('%%I.%%I', n.nspname, v.relname), pg_get_viewdef(v.oid),
    array_to_string(v.reloptions, ', ')
FROM pg_rewrite r JOIN pg_class v ON v.oid = r.ev_class
JOIN pg_namespace n ON n.oid = v.relnamespace
WHERE r.oid = ANY (%s) AND r.rulename = '_RETURN' AND v.relkind = 'v'
AND n.nspname !~ '^pg_temp' AND pg_has_role(v.relowner, 'USAGE') ORDER BY v.oid"""

_OBJECTS = """
SELECT 'SCHEMA', NULL::text, NULL::text, n.nspowner, n.nspacl
FROM pg_namespace n WHERE n.nspname = %(schema)s
UNION ALL
SELECT CASE c.relkind WHEN 'S' THEN 'SEQUENCE' ELSE 'TABLE' END, c.relname, NULL,
    c.relowner, c.relacl
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE n.nspname = %(schema)s AND c.relkind IN ('r', 'p', 'S', 'v', 'm')
UNION ALL
SELECT 'TABLE', c.relname, a.attname, c.relowner, a.attacl
FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid
JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE n.nspname = %(schema)s AND c.relkind IN ('r', 'p', 'v', 'm') AND a.attnum > 0
AND NOT a.attisdropped
UNION ALL
SELECT 'TYPE', t.typname, NULL, t.typowner, t.typacl
FROM pg_type t JOIN pg_namespace n ON n.oid = t.typnamespace
WHERE n.nspname = %(schema)s AND t.typtype IN ('d', 'e')"""

_RIGHTS = f"""
SELECT kind, name, col, o.owner::regrole::text,
    CASE WHEN a.grantee = 0 THEN 'PUBLIC' ELSE a.grantee::regrole::text END,
    a.privilege_type, a.is_grantable, o.acl IS NULL
FROM ({_OBJECTS}) o (kind, name, col, owner, acl)
LEFT JOIN LATERAL aclexplode(o.acl) a ON a.grantee <> o.owner"""

_DEFAULTS = """
SELECT d.defaclrole::regrole::text, d.defaclobjtype,
    CASE WHEN a.grantee = 0 THEN 'PUBLIC' ELSE a.grantee::regrole::text END,
    a.privilege_type, a.is_grantable
FROM pg_default_acl d JOIN pg_namespace n ON n.oid = d.defaclnamespace, aclexplode(d.defaclacl) a
WHERE n.nspname = %s"""
_KINDS = {"r": "TABLES", "S": "SEQUENCES", "f": "FUNCTIONS", "T": "TYPES"}


@dataclass(frozen=True)
class Carried:
    """What the new schema takes over from the old one.

    Attributes
    ----------
    views : list of (str, str, str)
        Name, definition and options of the views of other schemas.
    rights : list of tuple
        The rows of the query on rights, of the old schema.
    comment : str, optional
        Of the schema.
    comments : dict
        On what is in the old schema, whoever wrote them.
    made : frozenset of str
        The keys in the old schema's note.
    """

    views: list[tuple[str, str, str]]
    rights: list[Any]
    comment: Any
    comments: Comments
    made: frozenset[str]

    def apply(self, new: Holdings) -> None:
        """Have the schema that took the name take the rest too, in the open transaction."""
        if _comment(new) != self.comment:
            new.ask(f"COMMENT ON SCHEMA {quote(new.schema)} IS {_said(self.comment)}")
        for name, definition, options in self.views:
            reloptions = f" WITH ({options})" if options else ""
            new.ask(f"CREATE OR REPLACE VIEW {name}{reloptions} AS {definition}")
        fresh = new.commented()
        for place, text in changes(self.comments, new.comments(), self.made).items():
            if place in fresh:
                new.ask(f"COMMENT ON {fresh[place][0]} IS {_said(text)}")
        self._apply_rights(new.ask, new.schema)

    def _apply_rights(self, ask: Ask, schema: str) -> None:
        """Change what differs, for objects that are in both schemas."""
        fresh = ask(_RIGHTS, {"schema": schema})
        owners = {row[:3]: row[3] for row in fresh}
        told = {row[:3] for row in self.rights if not row[7]}
        had = {row[:3] + row[4:7] for row in self.rights}
        has = {row[:3] + row[4:7] for row in fresh}
        for kind, name, column, grantee, right, _ in sorted(has - had, key=str):
            if right is not None and (kind, name, column) in told:
                place = _place(kind, schema, name)
                ask(f"REVOKE {right}{_of(column)} ON {place} FROM {grantee}")
        for kind, name, column, grantee, right, grantable in sorted(had - has, key=str):
            if right is not None and (kind, name, column) in owners:
                option = " WITH GRANT OPTION" if grantable else ""
                place = _place(kind, schema, name)
                ask(f"GRANT {right}{_of(column)} ON {place} TO {grantee}{option}")
        for kind, name, owner in {(row[0], row[1], row[3]) for row in self.rights}:
            # A sequence of a column goes with its table.
            if kind != "SEQUENCE" and owners.get((kind, name, None), owner) != owner:
                ask(f"ALTER {_place(kind, schema, name)} OWNER TO {owner}")


def _comment(place: Holdings) -> Any:
    sql = "SELECT obj_description(oid, 'pg_namespace') FROM pg_namespace WHERE nspname = %s"
    return place.ask(sql, (place.schema,))[0][0]


def _said(text: Optional[str]) -> str:
    return "NULL" if text is None else literal(text)


def _of(column: Any) -> str:
    return "" if column is None else f" ({quote(column)})"


def _place(kind: str, schema: str, name: Any) -> str:
    return f"{kind} {quote(schema)}" + ("" if name is None else f".{quote(name)}")


def carried_from(
    old: Holdings, made: Optional[frozenset[str]], group: Sequence[str] = ()
) -> Carried:
    """Return what goes over from a schema that is about to be replaced.

    Parameters
    ----------
    old : Holdings
    made : frozenset of str, optional
        The keys in its note; None: it is not ours, and comments are on other tables.
    group : sequence of str
        Schemas that are replaced together with it: what is in them may need it.

    Raises
    ------
    ConnectorError
        Something that cannot depends on it; it is named.
    """
    old.ask("SET LOCAL search_path = pg_catalog")  # definitions then name every schema
    beside = {thing for other in group for thing in Holdings(old.ask, other).members()}
    hanging = [thing for thing in old.dependents() if thing[:2] not in beside]
    rules = [number for catalogue, number, _ in hanging if catalogue == "pg_rewrite"]
    views = old.ask(_VIEWS, (rules,))
    carried = {("pg_rewrite", row[0]) for row in views}
    stuck = [name for catalogue, n, name in hanging if (catalogue, n) not in carried]
    if stuck:
        raise ConnectorError(
            f"The schema {old.schema!r} cannot be replaced: what depends on it and cannot be "
            f"carried over to a new one is {listed(stuck, 10)}.",
            hint="Nothing was changed. Drop them first, or write to another schema.",
        )
    return Carried(
        [(str(v[1]), str(v[2]), str(v[3] or "")) for v in views],
        old.ask(_RIGHTS, {"schema": old.schema}),
        _comment(old),
        {} if made is None else old.comments(),
        made or frozenset(),
    )


def copy_default_rights(ask: Ask, schema: str, to: str) -> None:
    """Have new objects in `to` get the rights that those of a schema would get.

    Parameters
    ----------
    ask : callable
        In an open transaction.
    schema, to : str
    """
    for role, kind, grantee, right, grantable in ask(_DEFAULTS, (schema,)):
        option = " WITH GRANT OPTION" if grantable else ""
        ask(
            f"ALTER DEFAULT PRIVILEGES FOR ROLE {role} IN SCHEMA {quote(to)} "
            f"GRANT {right} ON {_KINDS[kind]} TO {grantee}{option}"
        )
