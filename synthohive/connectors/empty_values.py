"""The empty value of types that are not read, for columns that must hold something.

Pagila's ``film.fulltext tsvector NOT NULL`` and Sakila's ``address.location geometry NOT NULL``
have no default and may not be NULL. The copy holds the value of their type that says nothing.
"""

from __future__ import annotations

import re
from typing import Optional

from synthohive.schema import Column, ColumnKind

__all__ = ["GEOMETRIES", "empty_geometry", "empty_value", "fill_known", "needs_value"]

_POSTGRESQL = {
    "tsvector": "",
    "tsquery": "",
    "point": "(0,0)",
    "line": "{1,0,0}",
    "lseg": "[(0,0),(0,0)]",
    "box": "(0,0),(0,0)",
    "path": "((0,0))",
    "polygon": "((0,0))",
    "circle": "<(0,0),0>",
    "jsonpath": "$",
    "pg_lsn": "0/0",
    "regclass": "-",
}
_MYSQL = {
    "geometry": "POINT(0 0)",
    "point": "POINT(0 0)",
    "linestring": "LINESTRING(0 0,1 1)",
    "polygon": "POLYGON((0 0,0 1,1 1,0 0))",
    "multipoint": "MULTIPOINT(0 0)",
    "multilinestring": "MULTILINESTRING((0 0,1 1))",
    "multipolygon": "MULTIPOLYGON(((0 0,0 1,1 1,0 0)))",
    "geometrycollection": "GEOMETRYCOLLECTION(POINT(0 0))",
    "geomcollection": "GEOMETRYCOLLECTION(POINT(0 0))",
}
GEOMETRIES = tuple(_MYSQL)
_POSTGIS = re.compile(r"(?:\w+\.)?(geometry|geography)(?:\((\w+?)(z?m?)(?:,(\d+))?\))?")
_SRID = re.compile(r"\bSRID\s+(\d+)|\bREF_SYSTEM_ID\s*=\s*(\d+)", re.IGNORECASE)


def needs_value(column: Column) -> bool:
    """Whether rows of a copy must hold a value that neither they nor the database bring."""
    brought = column.default is not None or column.identity is not None
    return not (column.nullable or brought or column.computed is not None)


def empty_value(definition: str, dialect: str) -> Optional[str]:
    """Return the SQL of a type's empty value; None where the type is not known.

    Parameters
    ----------
    definition : str
        The engine's own text of the type, perhaps with what follows it.
    dialect : str

    Examples
    --------
    >>> empty_value("tsvector", "postgresql"), empty_value("int4range", "postgresql")
    ("''", "'empty'")
    >>> empty_value("geometry(Point,4326)", "postgresql")
    "'SRID=4326;POINT EMPTY'"
    >>> empty_value("geometry NOT NULL /*!80003 SRID 4326 */", "mysql")
    "(ST_GeomFromText('POINT(0 0)', 4326))"
    """
    if dialect == "postgresql":
        return _postgresql(definition.lower())
    if dialect in ("mysql", "mariadb"):
        word = re.match(r"\w+", definition.strip().lower())
        shape = _MYSQL.get(word[0]) if word else None
        found = _SRID.search(definition)
        srid = "" if found is None else f", {found[1] or found[2]}"
        return None if shape is None else f"(ST_GeomFromText('{shape}'{srid}))"
    return None


def empty_geometry(definition: str) -> str:
    """Return the text of the empty value of one of MySQL's types of shapes.

    Examples
    --------
    >>> empty_geometry("linestring")
    'LINESTRING(0 0,1 1)'
    """
    word = re.match(r"\w+", definition.strip().lower())
    return _MYSQL[word[0] if word else ""]


def _postgresql(definition: str) -> Optional[str]:
    if definition in _POSTGRESQL:
        return f"'{_POSTGRESQL[definition]}'"
    if re.fullmatch(r"(?:int4|int8|num|ts|tstz|date)range", definition):
        return "'empty'"
    if re.fullmatch(r"(?:int4|int8|num|ts|tstz|date)multirange", definition):
        return "'{}'"
    if (match := _POSTGIS.fullmatch(definition)) is not None:
        shape = "point" if match[2] in (None, "geometry") else match[2]
        srid = f"SRID={match[4]};" if match[4] else ""
        return f"'{srid}{shape.upper()} {(match[3] or '').upper()} EMPTY'".replace("  ", " ")
    return None


def fill_known(columns: list[Column], dialect: str) -> None:
    """Mark the columns of unknown types for which a copy has an empty value.

    Those that may be NULL hold it in as many rows as the real ones hold anything.
    """
    for column in columns:
        known = empty_value(column.sql_type or "", dialect) is not None
        if column.kind is not ColumnKind.UNSUPPORTED or not known or column.computed is not None:
            continue
        if column.nullable:
            column.kind = ColumnKind.EMPTY
        elif needs_value(column):
            column.filled = True
