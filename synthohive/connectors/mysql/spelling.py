"""How MySQL and MariaDB write what every engine has."""

from __future__ import annotations

import re
import struct
from collections.abc import Mapping
from typing import Any, ClassVar, Optional

import pyarrow as pa
import sqlalchemy as sa
from sqlalchemy.dialects import mysql
from sqlglot import exp
from sqlglot.dialects.mysql import MySQL

from synthohive.connectors.special_values import EARLY
from synthohive.ddl.spelling import Spelling, Type, text_length
from synthohive.schema import Column, ColumnKind

__all__ = [
    "GEOMETRIES",
    "SPELLING",
    "empty_geometry",
    "literal",
    "point_hex",
    "point_text",
    "quote",
]

_CHARS = 16_383
"""Characters of the longest VARCHAR in utf8mb4."""
_KEY_CHARS = 255
"""Characters of a VARCHAR that is indexed whole: an index takes 768."""
GEOMETRIES = {
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
"""The types of shapes, each with the text of one that says nothing."""
_SRID = re.compile(r"\bSRID\s+(\d+)|\bREF_SYSTEM_ID\s*=\s*(\d+)", re.IGNORECASE)
_POINT = re.compile(r"(?:SRID=(\d+);)?POINT\s*\((\S+) (\S+)\)")
_INTRODUCER = re.compile(r"(?<![\w'`])_(?:utf8mb4|utf8mb3|utf8|latin1|ascii|binary)\s*(?=\\?')")


class _MysqlAndMariadb(MySQL):
    """Writes regular expressions by the operator, as MariaDB has no REGEXP_LIKE."""

    class Generator(MySQL.Generator):  # type: ignore[misc, valid-type]
        """Knows the operator."""

        TRANSFORMS = {  # noqa: RUF012 - the form that sqlglot reads
            **MySQL.Generator.TRANSFORMS,
            exp.RegexpLike: lambda self, node: self.binary(node, "REGEXP"),
        }


def quote(name: str) -> str:
    """Quote an identifier."""
    return "`" + name.replace("`", "``") + "`"


def literal(text: str) -> str:
    """Quote a string; the loader's session takes a backslash for an escape."""
    return "'" + text.replace("\\", "\\\\").replace("'", "''") + "'"


def empty_geometry(definition: str) -> str:
    """Return the text of the empty value of a type of shapes; none of another type.

    Examples
    --------
    >>> empty_geometry("linestring NOT NULL")
    'LINESTRING(0 0,1 1)'
    """
    word = re.match(r"\w+", definition.strip().lower())
    return GEOMETRIES.get(word[0] if word else "", "")


def point_text(form: str) -> str:
    """Return the text of a point: its reference system, then well-known binary, in hexadecimal.

    Examples
    --------
    >>> point_text(point_hex("SRID=4326;POINT(13.5 -2.0)"))
    'SRID=4326;POINT(13.5 -2.0)'
    """
    raw = bytes.fromhex(form)
    order = "<" if raw[4] else ">"
    (system,) = struct.unpack("<I", raw[:4])
    x, y = struct.unpack(f"{order}dd", raw[9:25])
    lead = f"SRID={system};" if system else ""
    return f"{lead}POINT({x!r} {y!r})"


def point_hex(text: str) -> str:
    """Return a point in hexadecimal digits, as a column of MySQL takes it.

    Raises
    ------
    ValueError
        The text is none of a point.
    """
    found = _POINT.fullmatch(text)
    if found is None:
        raise ValueError("the text is none of a point")
    raw = struct.pack("<IBIdd", int(found[1] or 0), 1, 1, float(found[2]), float(found[3]))
    return raw.hex()


class MysqlSpelling(Spelling):
    """See the base class."""

    grammar = MySQL
    writes = _MysqlAndMariadb
    late = frozenset({"unique", "foreign key"})
    names_in_bytes = False
    names_per_schema = False
    comments = "inside"
    enums = "column"
    now = "CURRENT_TIMESTAMP(6)"
    today = "(CURRENT_DATE)"
    updating_defaults = True
    compares = True
    exact = "utf8mb4_bin"
    backslashes = True
    like_escapes = True
    index_clauses = True
    moments: ClassVar[Mapping[Any, str]] = {EARLY: "0000-00-00"}
    types: ClassVar[Mapping[ColumnKind, Any]] = {
        **Spelling.types,
        ColumnKind.TIME: mysql.TIME(fsp=6),
        ColumnKind.TIMESTAMP: mysql.DATETIME(fsp=6),
        ColumnKind.INTERVAL: mysql.DATETIME(fsp=6),
    }
    type_names = frozenset(
        name.replace("-", " ")
        for name in """
        bigint binary bit blob bool boolean char character date datetime dec decimal double
        double-precision enum fixed float inet4 inet6 int integer json longblob longtext mediumblob
        mediumint mediumtext nchar national-char national-varchar numeric nvarchar real set smallint
        text time timestamp tinyblob tinyint tinytext uuid varbinary varchar year geometry point
        linestring polygon multipoint multilinestring multipolygon geometrycollection vector
        """.split()
    )
    type_signs = frozenset({"unsigned", "signed", "zerofill"})
    quote = staticmethod(quote)
    literal = staticmethod(literal)

    def plain(self, sql: str) -> str:
        r"""Drop character set introducers, and the escaping of ``information_schema``."""
        if re.search(r"_\w+\\'", sql):
            sql = re.sub(r"\\(.)", r"\1", sql, flags=re.DOTALL)
        return _INTRODUCER.sub("", sql)

    def described(self, type_: Any, name: str) -> Optional[dict[str, Any]]:
        """See the base class."""
        if isinstance(type_, sa.Boolean):
            return {"kind": ColumnKind.INTEGER, "arrow": "int16"}
        if name == "FLOAT":
            return {"kind": ColumnKind.FLOAT, "arrow": "float"}
        if isinstance(type_, sa.Time):  # a duration, up to 838 hours
            return {"kind": ColumnKind.INTERVAL}
        if name == "BIT":  # one bit is how Hibernate keeps a boolean
            bits = getattr(type_, "length", None) or 1
            if bits == 1:
                return {"kind": ColumnKind.BOOLEAN}
            arrow = "int64" if bits < 64 else "uint64"
            return {"kind": ColumnKind.INTEGER, "unsigned": True, "arrow": arrow}
        return None

    def empty_value(self, definition: str) -> Optional[str]:
        """See the base class.

        Examples
        --------
        >>> SPELLING.empty_value("geometry NOT NULL /*!80003 SRID 4326 */")
        "(ST_GeomFromText('POINT(0 0)', 4326))"
        """
        shape, found = empty_geometry(definition), _SRID.search(definition)
        srid = "" if found is None else f", {found[1] or found[2]}"
        return f"(ST_GeomFromText('{shape}'{srid}))" if shape else None

    def loses(self, column: Column) -> str:
        """See the base class."""
        if (column.precision or 0) > 65 or (column.scale or 0) > 30:
            return "its decimals have at most 65 digits, 30 of them behind the point"
        return ""

    def type_of(self, column: Column, *, in_key: bool, sole_key: bool) -> Type:
        """See the base class."""
        kind, type_ = column.kind, column.arrow_type
        if kind is ColumnKind.DECIMAL:
            return sa.Numeric(min(type_.precision, 65), min(type_.scale, 30))
        if kind is ColumnKind.FLOAT:
            return mysql.FLOAT() if pa.types.is_float32(type_) else mysql.DOUBLE()
        if kind.family == "text":
            if column.enum_values:
                return mysql.ENUM(*column.enum_values)
            length = text_length(column) or (_KEY_CHARS if in_key else None)
            return sa.String(length) if length and length <= _CHARS else mysql.LONGTEXT()
        if kind is ColumnKind.BINARY:
            length = column.length or (_KEY_CHARS if in_key else None)
            return sa.VARBINARY(length) if length and length <= _CHARS else mysql.LONGBLOB()
        return super().type_of(column, in_key=in_key, sole_key=sole_key)

    def integer(self, column: Column) -> Type:
        """See the base class."""
        type_ = column.arrow_type
        bits = type_.bit_width if pa.types.is_integer(type_) else 64
        makers: dict[int, Any] = {8: mysql.TINYINT, 16: mysql.SMALLINT, 32: mysql.INTEGER}
        unsigned = pa.types.is_unsigned_integer(type_)
        found: Type = makers.get(bits, mysql.BIGINT)(unsigned=unsigned)
        return found

    def indexable(self, type_: str) -> bool:
        """See the base class."""
        return type_.upper().split(" ")[0] not in {"LONGTEXT", "LONGBLOB", "JSON"}

    def counter(self, table: str, column: Column, *, sole_key: bool) -> str:
        """See the base class."""
        return "NOT NULL AUTO_INCREMENT" if sole_key else ""

    def nullable(self, type_: str) -> str:
        """See the base class; MariaDB declares a TIMESTAMP NOT NULL by itself."""
        return "NULL" if type_.upper().startswith("TIMESTAMP") else ""


SPELLING = MysqlSpelling()
