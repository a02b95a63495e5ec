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
from synthohive.connectors.postgresql.objects import commented, dependents, members
from synthohive.connectors.postgresql.spelling import literal
from synthohive.ddl.spelling import quote
from synthohive.exceptions import ConnectorError
from synthohive.io.comments import Comments, changes

__all__ = ["Carried", "carried_from", "comments_in", "copy_default_rights"]

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

    def apply(self, cursor: Any, schema: str) -> None:
        """Have the schema that took the name take the rest too, in the open transaction."""
        if _comment(cursor, schema) != self.comment:
            comment = "NULL" if self.comment is None else literal(self.comment)
            cursor.execute(f"COMMENT ON SCHEMA {quote(schema)} IS {comment}")
        for name, definition, options in self.views:
            reloptions = f" WITH ({options})" if options else ""
            cursor.execute(f"CREATE OR REPLACE VIEW {name}{reloptions} AS {definition}")
        self._apply_comments(cursor, schema)
        self._apply_rights(cursor, schema)

    def _apply_comments(self, cursor: Any, schema: str) -> None:
        fresh = commented(cursor, schema)
        new = {place: text for place, (_, text) in fresh.items() if text is not None}
        for place, text in changes(self.comments, new, self.made).items():
            if place in fresh:
                words = "NULL" if text is None else literal(text)
                cursor.execute(f"COMMENT ON {fresh[place][0]} IS {words}")

    def _apply_rights(self, cursor: Any, schema: str) -> None:
        """Change what differs, for objects that are in both schemas."""
        cursor.execute(_RIGHTS, {"schema": schema})
        fresh = cursor.fetchall()
        owners = {row[:3]: row[3] for row in fresh}
        told = {row[:3] for row in self.rights if not row[7]}
        had = {row[:3] + row[4:7] for row in self.rights}
        has = {row[:3] + row[4:7] for row in fresh}
        for kind, name, column, grantee, right, _ in sorted(has - had, key=str):
            if right is not None and (kind, name, column) in told:
                place = _place(kind, schema, name)
                cursor.execute(f"REVOKE {right}{_of(column)} ON {place} FROM {grantee}")
        for kind, name, column, grantee, right, grantable in sorted(had - has, key=str):
            if right is not None and (kind, name, column) in owners:
                option = " WITH GRANT OPTION" if grantable else ""
                place = _place(kind, schema, name)
                cursor.execute(f"GRANT {right}{_of(column)} ON {place} TO {grantee}{option}")
        for kind, name, owner in {(row[0], row[1], row[3]) for row in self.rights}:
            # A sequence of a column goes with its table.
            if kind != "SEQUENCE" and owners.get((kind, name, None), owner) != owner:
                cursor.execute(f"ALTER {_place(kind, schema, name)} OWNER TO {owner}")


def _comment(cursor: Any, schema: str) -> Any:
    cursor.execute(
        "SELECT obj_description(oid, 'pg_namespace') FROM pg_namespace WHERE nspname = %s",
        (schema,),
    )
    return cursor.fetchone()[0]


def _of(column: Any) -> str:
    return "" if column is None else f" ({quote(column)})"


def _place(kind: str, schema: str, name: Any) -> str:
    return f"{kind} {quote(schema)}" + ("" if name is None else f".{quote(name)}")


def carried_from(
    cursor: Any, schema: str, made: Optional[frozenset[str]], group: Sequence[str] = ()
) -> Carried:
    """Return what goes over from a schema that is about to be replaced.

    Parameters
    ----------
    cursor : psycopg2 cursor
    schema : str
    made : frozenset of str, optional
        The keys in its note; None: it is not ours, and comments are on other tables.
    group : sequence of str
        Schemas that are replaced together with it: what is in them may need it.

    Raises
    ------
    ConnectorError
        Something that cannot depends on it; it is named.
    """
    cursor.execute("SET LOCAL search_path = pg_catalog")  # definitions then name every schema
    beside = {thing for other in group for thing in members(cursor, other)}
    hanging = [thing for thing in dependents(cursor, schema) if thing[:2] not in beside]
    rules = [number for catalogue, number, _ in hanging if catalogue == "pg_rewrite"]
    cursor.execute(_VIEWS, (rules,))
    views = cursor.fetchall()
    carried = {row[0] for row in views}
    stuck = [
        name for catalogue, n, name in hanging if not (catalogue == "pg_rewrite" and n in carried)
    ]
    if stuck:
        raise ConnectorError(
            f"The schema {schema!r} cannot be replaced: what depends on it and cannot be carried "
            f"over to a new one is {listed(stuck, 10)}.",
            hint="Nothing was changed. Drop them first, or write to another schema.",
        )
    cursor.execute(_RIGHTS, {"schema": schema})
    rights = cursor.fetchall()
    comment = _comment(cursor, schema)
    return Carried(
        [(str(v[1]), str(v[2]), str(v[3] or "")) for v in views],
        rights,
        comment,
        {} if made is None else comments_in(cursor, schema),
        made or frozenset(),
    )


def comments_in(cursor: Any, schema: str) -> Comments:
    """Return the comments on what is in a schema."""
    found = commented(cursor, schema).items()
    return {place: text for place, (_, text) in found if text is not None}


def copy_default_rights(cursor: Any, schema: str, to: str) -> None:
    """Have new objects of a schema get the rights that those of another one would get.

    Parameters
    ----------
    cursor : psycopg2 cursor
        In an open transaction.
    schema : str
        Whose ALTER DEFAULT PRIVILEGES are read.
    to : str
        Which gets the same.
    """
    cursor.execute(_DEFAULTS, (schema,))
    for role, kind, grantee, right, grantable in cursor.fetchall():
        option = " WITH GRANT OPTION" if grantable else ""
        cursor.execute(
            f"ALTER DEFAULT PRIVILEGES FOR ROLE {role} IN SCHEMA {quote(to)} "
            f"GRANT {right} ON {_KINDS[kind]} TO {grantee}{option}"
        )
