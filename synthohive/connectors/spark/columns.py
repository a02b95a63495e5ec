"""Columns in Spark: the type that holds each value of an Arrow type, and how it is put there.

======================  =======================================================================
bool, int8 to int64,    as they are; unsigned ones the next wider type, of 64 bits DECIMAL(20,0)
float, double, string,
binary, date
decimal(p, s)           DECIMAL(p, s), of up to 38 digits; longer ones are refused
timestamp, with a zone  TIMESTAMP
timestamp, without      TIMESTAMP_NTZ
time                    STRING: ``10:00:00.000000`` (TIME is new in Spark 4.1, and not in Delta)
duration                INTERVAL DAY TO SECOND; in Delta, which has none, TIMESTAMP_NTZ from 1970 on
======================  =======================================================================

What Spark's own types were read as texts (ARRAY, MAP, STRUCT, VARIANT) is put back into them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Optional

import pyarrow as pa
import pyarrow.compute as pc

from synthohive.connectors.spark_sql.text import literal, quote
from synthohive.connectors.spark_sql.types import put_back
from synthohive.exceptions import SchemaError
from synthohive.io.text import text as as_text
from synthohive.schema import Column, ColumnKind, TableConfig

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

__all__ = ["NESTED", "as_read", "carried", "columns_sql", "frame_columns", "stored", "type_sql"]

_LONGEST_DECIMAL = 38
_EPOCH = "TIMESTAMP_NTZ '1970-01-01 00:00:00'"
_INTERVAL = "INTERVAL DAY TO SECOND"
_WHOLE = {8: "TINYINT", 16: "SMALLINT", 32: "INT", 64: "BIGINT"}
NESTED = ("array", "map", "struct", "variant")
"""How Spark's types begin that are read as texts."""
_CARRIED = {
    "TINYINT": pa.int8(), "SMALLINT": pa.int16(), "INT": pa.int32(), "BIGINT": pa.int64(),
    "FLOAT": pa.float32(), "DOUBLE": pa.float64(), "BOOLEAN": pa.bool_(), "DATE": pa.date32(),
    "TIMESTAMP": pa.timestamp("us", "UTC"), "TIMESTAMP_NTZ": pa.timestamp("us"),
    _INTERVAL: pa.duration("us"), "BINARY": pa.binary(), "STRING": pa.string(),
}  # fmt: skip


def type_sql(type_: pa.DataType) -> str:
    """Return the Spark type of a DataFrame's column that holds all values of an Arrow type.

    Raises
    ------
    SchemaError
        It has more digits than Spark's decimals.

    Examples
    --------
    >>> type_sql(pa.decimal128(12, 2)), type_sql(pa.uint64()), type_sql(pa.timestamp("us"))
    ('DECIMAL(12, 2)', 'DECIMAL(20, 0)', 'TIMESTAMP_NTZ')
    """
    is_ = pa.types
    if is_.is_dictionary(type_):
        return type_sql(type_.value_type)
    if is_.is_decimal(type_):
        digits, scale = type_.precision + max(-type_.scale, 0), max(type_.scale, 0)
        if max(digits, scale) > _LONGEST_DECIMAL:
            raise SchemaError(
                f"Spark's decimals have {_LONGEST_DECIMAL} digits, and {type_} has more.",
                hint="Leave the column out with exclude_columns, or declare fewer digits.",
            )
        return f"DECIMAL({max(digits, scale)}, {scale})"
    if is_.is_integer(type_):
        bits = type_.bit_width * (2 if is_.is_unsigned_integer(type_) else 1)
        return _WHOLE.get(bits, "DECIMAL(20, 0)")
    if is_.is_floating(type_):
        return "DOUBLE" if is_.is_float64(type_) else "FLOAT"
    if is_.is_timestamp(type_):
        return "TIMESTAMP" if type_.tz is not None else "TIMESTAMP_NTZ"
    for test, name in (
        (is_.is_boolean, "BOOLEAN"),
        (is_.is_date, "DATE"),
        (is_.is_duration, _INTERVAL),
        (is_.is_binary, "BINARY"),
        (is_.is_large_binary, "BINARY"),
        (is_.is_fixed_size_binary, "BINARY"),
    ):
        if test(type_):
            return name
    return "STRING"


def carried(array: pa.Array) -> pa.Array:
    """Return a column as Spark takes it from Arrow, in the type of :func:`type_sql`.

    Examples
    --------
    >>> carried(pa.array([7], pa.uint64())).type, carried(pa.array([0], pa.time32("s")))[0].as_py()
    (Decimal128Type(decimal128(20, 0)), '00:00:00')
    """
    if pa.types.is_dictionary(array.type):
        array = array.dictionary_decode()
    if pa.types.is_time(array.type):
        return as_text(array)
    name = type_sql(array.type)
    if name.startswith("DECIMAL"):
        digits, scale = name.removeprefix("DECIMAL(").rstrip(")").split(", ")
        return pc.cast(array, pa.decimal128(int(digits), int(scale)))
    return pc.cast(array, _CARRIED[name])


def as_read(array: pa.Array, type_: pa.DataType) -> pa.Array:
    """Return a column that Spark gives as Arrow in the type that it was :func:`carried` from.

    Examples
    --------
    >>> as_read(pa.array(["01:02:03.5"]), pa.time64("us"))[0]
    <pyarrow.Time64Scalar: datetime.time(1, 2, 3, 500000)>
    """
    if array.type == type_:
        return array
    if pa.types.is_time(type_) and not pa.types.is_time(array.type):
        day = pc.binary_join_element_wise("1970-01-01", pc.cast(array, pa.string()), " ")
        array = pc.cast(day, pa.timestamp("us"))
    elif pa.types.is_duration(type_) and pa.types.is_timestamp(array.type):  # Delta's
        array = pc.cast(pc.cast(pc.cast(array, pa.timestamp("us")), pa.int64()), pa.duration("us"))
    return pc.cast(array, type_, safe=False)


def frame_columns(config: TableConfig) -> str:
    """Return a table's columns as DDL, for a DataFrame that ``mapInArrow`` makes.

    Examples
    --------
    >>> from synthohive import Metadata
    >>> column = Column(name="id", kind=ColumnKind.INTEGER, nullable=False, comment="its number")
    >>> frame_columns(TableConfig(name="t", columns={"id": column}))
    "`id` BIGINT NOT NULL COMMENT 'its number'"
    """
    return ", ".join(_defined(c, type_sql(c.arrow_type)) for c in config.stored.values())


def _defined(column: Column, type_: str) -> str:
    rule = "" if column.nullable else " NOT NULL"
    comment = f" COMMENT {literal(column.comment)}" if column.comment else ""
    return f"{quote(column.name)} {type_}{rule}{comment}"


def columns_sql(frame: DataFrame, config: TableConfig) -> str:
    """Return the columns of a table for the rows of a frame, as CREATE TABLE has them.

    Parameters
    ----------
    frame : pyspark.sql.DataFrame
        As :func:`stored` returns it.
    config : TableConfig
        Tells what is NOT NULL, and comments.
    """
    return ", ".join(
        _defined(
            config.columns.get(field.name, Column(name=field.name, kind=ColumnKind.TEXT)),
            field.dataType.simpleString(),
        )
        for field in frame.schema.fields
    )


def stored(frame: DataFrame, config: TableConfig, kind: str, dialect: str) -> DataFrame:
    """Return rows as a table of a format holds them, lazily.

    Parameters
    ----------
    frame : pyspark.sql.DataFrame
        Described columns are of the types of :func:`frame_columns`; others stay as they are.
    config : TableConfig
    kind : {"delta", "parquet"}
        The table's format.
    dialect : str
        Of the description: what Spark's own types were read as is put back into them.
    """
    described = config.stored
    return frame.selectExpr(
        *(_value(name, described.get(name), kind, dialect) for name in frame.columns)
    )


def _value(own: str, column: Optional[Column], kind: str, dialect: str) -> str:
    name = quote(own)
    if column is None:
        return name
    if dialect == "spark" and (column.sql_type or "").lower().startswith(NESTED):
        return f"{put_back(column, name)} AS {name}"
    if kind == "delta" and type_sql(column.arrow_type) == _INTERVAL:
        return f"{_EPOCH} + {name} AS {name}"
    return name
