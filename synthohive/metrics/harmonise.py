"""Real and synthetic tables in one form, whatever they were held in.

A date is a date in a database, text in a CSV file and a timestamp in a DataFrame; a report that
took each as it came would compare days in one case and the lengths of texts in another.
"""

from __future__ import annotations

import ast
import json
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from typing import Any, Optional, Union

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from synthohive._arrays import Floats
from synthohive.exceptions import SchemaError
from synthohive.io.dataframe import array_from_series, plain_array, read_loosely
from synthohive.metrics.encode import as_numbers
from synthohive.schema import Column, ColumnKind, Metadata
from synthohive.schema.arrow_types import is_binary, reason_of
from synthohive.schema.columns import column_from_arrow
from synthohive.texts import moments

__all__ = [
    "Columns",
    "Tables",
    "array_of",
    "as_text",
    "harmonised",
    "harmonised_database",
    "harmonised_numbers",
    "harmonised_pair",
    "table_of",
]

Columns = Union[Mapping[str, Optional[Column]], Collection[str], None]
Tables = Mapping[str, Any]
Convert = Callable[[pa.ChunkedArray], Optional[pa.ChunkedArray]]

_LOOKED_AT = 500
_FLAGS = {"true": True, "t": True, "1": True, "false": False, "f": False, "0": False}
_UUID = r"(?i)^\{?[0-9a-f]{8}-?(?:[0-9a-f]{4}-?){3}[0-9a-f]{12}\}?$"
_BYTES = r"(?s)^b(?:'.*'|\".*\")$"
_TREE = r"(?s)^\s*(?:[\[{].*[\]}]|null)\s*$"
_SPAN = r"^-?\d+ days(?: [+-]?\d\d:\d\d:\d\d(?:\.\d{1,9})?)?$"  # as pandas writes them


def array_of(values: Any, name: str = "The data") -> pa.ChunkedArray:
    """Return one column, whatever it is held in, or refuse it; NaN in pandas and NumPy is NULL."""
    import pandas as pd

    refused = isinstance(values, (Mapping, pd.DataFrame, pa.Table))
    try:
        if isinstance(values, (pa.Array, pa.ChunkedArray)):
            found = values
        elif refused or not pd.api.types.is_list_like(values):
            raise TypeError(f"it is of type {type(values).__name__}")
        elif hasattr(values, "__arrow_c_stream__") and not isinstance(values, pd.Series):
            found = pa.chunked_array(values)  # polars
        else:
            found = array_from_series(pd.Series(values))
    except (pa.ArrowException, TypeError, ValueError) as exc:
        raise SchemaError(
            f"{name} is no column: {reason_of(exc)}.",
            hint="Pass a Series, an array of one dimension, or a list.",
        ) from None  # it may repeat a value
    return _decoded(found if isinstance(found, pa.ChunkedArray) else pa.chunked_array([found]))


def table_of(table: Any, name: str = "rows") -> pa.Table:
    """Return one table: of a DataFrame, an Arrow table or stream, or a dict of columns."""
    if not isinstance(table, Mapping):
        read = read_loosely(name, table)
        return pa.table({n: plain_array(c) for n, c in zip(read.column_names, read.columns)})
    columns = {str(n): array_of(values, f"{name}.{n}") for n, values in table.items()}
    if len({len(values) for values in columns.values()}) > 1:
        sizes = ", ".join(f"{n}: {len(values):,}" for n, values in columns.items())
        raise SchemaError(f"Table {name!r} has columns of different lengths ({sizes}).")
    return pa.table(columns)


def harmonised(
    columns: Columns, *tables: Any, keys: Collection[str] = ()
) -> tuple[dict[str, Column], list[pa.Table]]:
    """Return what columns are, and tables of the same columns, each of one type in all.

    Parameters
    ----------
    columns : dict of str to Column, collection of str, optional
        Those to take; by default all that the tables share. A description that is None, or not
        given, is found out: from what the values of all tables can be read as.
    tables : DataFrame, pyarrow.Table, dict of columns, …
    keys : collection of str
        Columns of keys, whose numbers may not be rounded.

    Raises
    ------
    SchemaError
        A column is missing, or none is shared.
    """
    read = [table_of(table) for table in tables]
    if columns is None:
        columns = [n for n in read[0].column_names if all(n in t.column_names for t in read)]
        if not columns and any(table.column_names for table in read):
            raise SchemaError("The tables have no column in common.")
    if isinstance(columns, str):
        columns = [columns]
    known = columns if isinstance(columns, Mapping) else dict.fromkeys(columns)
    found: dict[str, Column] = {}
    sides: list[dict[str, pa.ChunkedArray]] = [{} for _ in read]
    for name, column in known.items():
        for table in read:
            if name not in table.column_names:
                raise SchemaError.unknown_column("rows", name, table.column_names)
        kind, arrays = _same(column, [table.column(name) for table in read], name in keys)
        described = column_from_arrow(pa.field(name, arrays[0].type))
        found[name] = described.model_copy(update={"kind": kind})
        for side, values in zip(sides, arrays):
            side[name] = values
    return found, [pa.table(side) for side in sides]


def harmonised_pair(column: Optional[Column], *values: Any) -> tuple[Column, list[Any]]:
    """Return :func:`harmonised` of single columns."""
    found, tables = harmonised({"values": column}, *({"values": array_of(v)} for v in values))
    return found["values"], [table.column("values") for table in tables]


def harmonised_numbers(*values: Any) -> list[Floats]:
    """Return the known values of columns of numbers, or of times, in one unit."""
    arrays = [array_of(each) for each in values]
    for kind in (ColumnKind.FLOAT, ColumnKind.TIMESTAMP, ColumnKind.TIME, ColumnKind.INTERVAL):
        found = [_CONVERT[kind](array) for array in arrays]
        if None not in found:
            return [as_numbers(array) for array in found]
    raise SchemaError(
        f"Values of {' and '.join(dict.fromkeys(str(a.type) for a in arrays))} have no order to "
        "compare.",
        hint="Pass numbers or times; compare categories by tvd.",
    )


def harmonised_database(
    metadata: Metadata, real: Tables, synthetic: Tables
) -> tuple[Metadata, dict[str, pa.Table], dict[str, pa.Table]]:
    """Return what columns are now, and both sides with each column as that says.

    What the metadata declares decides what a column is; of all others, what the values of
    both sides can be read as. What cannot be read as declared is compared as text.

    Parameters
    ----------
    metadata : Metadata
        Is not changed. Where a table describes no columns, all that both sides have are taken.
    real, synthetic : dict of str to pyarrow.Table
        Tables that only one side has, or that are not described, stay as they are.
    """
    described = metadata.model_copy(deep=True)
    sides: tuple[dict[str, pa.Table], dict[str, pa.Table]] = (dict(real), dict(synthetic))
    for name, table in described.tables.items():
        if name in real and name in synthetic:  # else the report refuses
            said = table.stored
            both = [n for n in said or real[name].column_names if _in_all(n, sides, name)]
            known = {n: said.get(n) for n in both}
            found, read = harmonised(known, *(s[name] for s in sides), keys=table.key_columns)
            for side, rows in zip(sides, read):
                kept = {n: side[name].column(n) for n in side[name].column_names}
                side[name] = pa.table({**kept, **dict(zip(rows.column_names, rows.columns))})
            table.columns = {**said, **found}
    _align_keys(described, sides)
    return described, *sides


def _in_all(column: str, sides: Sequence[Tables], table: str) -> bool:
    return all(table in side and column in side[table].column_names for side in sides)


def _align_keys(metadata: Metadata, sides: tuple[dict[str, pa.Table], ...]) -> None:
    """Make text of key columns that lead to columns of another type."""
    for _ in metadata.tables:  # a parent's key may be a key itself
        for child, key in metadata.foreign_keys():
            for own, theirs in zip(key.columns, key.parent_columns):
                ends = [(child, own), (key.parent, theirs)]
                if all(_in_all(c, sides, n) for n, c in ends):
                    types = {s[n].schema.field(c).type for s in sides for n, c in ends}
                    for name, column in ends if len(types) > 1 else ():
                        for side in sides:
                            index = side[name].column_names.index(column)
                            text = as_text(side[name].column(column))
                            side[name] = side[name].set_column(index, column, text)


def _same(
    said: Optional[Column], pair: list[pa.ChunkedArray], key: bool
) -> tuple[ColumnKind, list[pa.ChunkedArray]]:
    """Return all sides in one type, and what they are."""
    pair = [_decoded(values) for values in pair]
    for wanted in _candidates(pair) if said is None else [said.kind]:
        convert = _whole if key and wanted.family == "number" else _CONVERT.get(wanted, as_text)
        values = [convert(side) for side in pair]
        if None not in values:
            return wanted, values
    return ColumnKind.TEXT, [as_text(values) for values in pair]


def _candidates(pair: list[pa.ChunkedArray]) -> Iterator[ColumnKind]:
    """Yield what a column may be that nobody described, the likeliest first."""
    kinds = {
        column_from_arrow(pa.field("x", values.type)).kind
        for values in pair
        if len(values) > values.null_count
    }
    families = {kind.family for kind in kinds}
    if kinds - {ColumnKind.TEXT} and families <= {"text", "flag", "number"}:
        yield ColumnKind.BOOLEAN  # 0 and 1, as many engines keep flags
        yield ColumnKind.FLOAT
    if ColumnKind.BINARY in kinds or all(_all(values, _BYTES) for values in pair):
        yield ColumnKind.BINARY
    if ColumnKind.INTERVAL in kinds or all(_all(values, _SPAN) for values in pair):
        yield from (ColumnKind.TIME, ColumnKind.INTERVAL)
    elif ColumnKind.TIME in kinds:
        yield ColumnKind.TIME
    elif kinds and kinds <= {ColumnKind.DATE, ColumnKind.TIMESTAMP, ColumnKind.TEXT}:
        yield from (ColumnKind.TIMESTAMP, ColumnKind.TIME)
    if kinds == {ColumnKind.TEXT}:
        if all(_all(values, _UUID) for values in pair):
            yield ColumnKind.UUID
        if all(_all(values, _TREE) for values in pair):
            yield ColumnKind.JSON
    yield ColumnKind.TEXT


def _all(values: pa.ChunkedArray, pattern: str) -> bool:
    if not pa.types.is_string(values.type):
        return bool(values.null_count == len(values))
    return bool(pc.all(pc.match_substring_regex(values, pattern), min_count=0).as_py())


def _decoded(values: pa.ChunkedArray) -> pa.ChunkedArray:
    """Return values without dictionary; rows and lists as JSON, all texts as one type."""
    if isinstance(values.type, pa.BaseExtensionType):  # as pandas' UUIDs
        values = pa.chunked_array([chunk.storage for chunk in values.chunks])
        return _mapped(values, bytes.hex) if is_binary(values.type) else _decoded(values)
    return _mapped(values, _tree_text) if pa.types.is_nested(values.type) else plain_array(values)


def _mapped(
    values: pa.ChunkedArray, change: Callable[[Any], Any], type_: Optional[pa.DataType] = None
) -> pa.ChunkedArray:
    changed = [None if value is None else change(value) for value in values.to_pylist()]
    return pa.chunked_array([pa.array(changed, type_ or pa.string())])


def _cast(values: pa.ChunkedArray, type_: pa.DataType) -> Optional[pa.ChunkedArray]:
    try:
        # times may lose digits, and dates the time of day; numbers may lose nothing
        return pc.cast(values, type_, safe=not pa.types.is_temporal(type_))
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError):
        return None


def _number(values: pa.ChunkedArray) -> Optional[pa.ChunkedArray]:
    if pa.types.is_temporal(values.type):
        return None
    if pa.types.is_decimal(values.type) or pa.types.is_integer(values.type):
        # a checked cast would refuse most decimals, and whole numbers beyond 2^53
        floats = pc.cast(values, pa.float64(), safe=False)
    else:
        plain = pc.cast(values, pa.int8()) if pa.types.is_boolean(values.type) else values
        floats = _cast(plain, pa.float64())
    if floats is None:
        return None
    # as in pandas: NaN beside NULL would be a value that no metric can order
    return pc.if_else(pc.is_nan(floats), pa.scalar(None, pa.float64()), floats)


def _whole(values: pa.ChunkedArray) -> Optional[pa.ChunkedArray]:
    """Return the numbers of a key, none of which may be rounded."""
    return _cast(values, pa.int64())


def _flag(values: pa.ChunkedArray) -> Optional[pa.ChunkedArray]:
    if pa.types.is_boolean(values.type):
        return values
    # before all are made texts: most numbers are no flags, and a few distinct ones tell
    if len(values) > values.null_count and len(pc.unique(values)) > len(_FLAGS) + 1:
        return None
    texts = pc.utf8_lower(as_text(values))
    if not set(pc.unique(texts).to_pylist()) <= {None, *_FLAGS}:
        return None
    return _mapped(texts, _FLAGS.__getitem__, pa.bool_())


def _moment(values: pa.ChunkedArray, kind: str) -> Optional[pa.ChunkedArray]:
    """Return dates and times of a kind, also those written as text of one form."""
    target = {"date": pa.date32(), "timestamp": pa.timestamp("us"), "time": pa.time64("us")}[kind]
    if pa.types.is_string(values.type):
        parsed = _written(values, kind)
        return None if parsed is None else _moment(parsed, kind)
    if pa.types.is_duration(values.type):
        # MySQL's TIME comes as a duration, and is a time of day only within one day
        spans = pc.cast(pc.cast(values, pa.duration("us"), safe=False), pa.int64())
        fits = pc.all(pc.and_(pc.greater_equal(spans, 0), pc.less(spans, 86_400_000_000)))
        return _cast(spans, target) if kind == "time" and fits.as_py() is not False else None
    if not pa.types.is_temporal(values.type):
        return None
    if pa.types.is_timestamp(values.type):
        values = pc.cast(values, pa.timestamp("us", tz=values.type.tz), safe=False)
    return _cast(values, target)


def _written(values: pa.ChunkedArray, kind: str) -> Optional[pa.ChunkedArray]:
    # ISO texts by Arrow, all at once; other forms one by one, and only if all have the same
    for type_ in (pa.timestamp("us"), pa.timestamp("us", tz="UTC")) if kind != "time" else ():
        read = _cast(values, type_)
        if read is not None and len(values) > values.null_count:
            return read
    texts = pc.unique(values.drop_null())
    if kind == "time":
        spans = _span(values)
        if spans is not None and _all(values, r"^(?:0 days )?\d\d?:\d\d(?::\d\d(?:\.\d{1,9})?)?$"):
            return spans
    form = moments.form_of(texts[:_LOOKED_AT].to_pylist())
    if form is None or (moments.kind_of_form(form) == "time") != (kind == "time"):
        return None
    parsed = moments.parse(values, form)
    whole = parsed.null_count == values.null_count
    return pa.chunked_array([parsed]) if whole else None


def _span(values: pa.ChunkedArray) -> Optional[pa.ChunkedArray]:
    """Return spans of time: pandas writes them as ``1 days 02:00:00``, we as microseconds."""
    import pandas as pd

    if pa.types.is_string(values.type):
        try:
            texts = pd.to_timedelta(pd.Series(values.to_pylist(), dtype=object))
        except ValueError:
            return None
        return pa.chunked_array([pa.array(texts, from_pandas=True)]).cast(pa.duration("us"), False)
    if pa.types.is_time(values.type):
        return _cast(pc.cast(values, pa.time64("us")).cast(pa.int64()), pa.duration("us"))
    if pa.types.is_integer(values.type):
        return _cast(pc.cast(values, pa.int64()), pa.duration("us"))
    return _cast(values, pa.duration("us")) if pa.types.is_duration(values.type) else None


def as_text(values: pa.ChunkedArray) -> pa.ChunkedArray:
    """Return values as text; whole numbers alike, whether or not NULLs made them floats."""
    if pa.types.is_string(values.type):
        return values
    if pa.types.is_floating(values.type) or pa.types.is_decimal(values.type):
        # pandas makes 7.0 of a 7 beside a NULL, and the other side's key is "7"
        whole = _cast(values, pa.int64())
        values = values if whole is None else whole
    if is_binary(values.type):
        return _mapped(values, bytes.hex)
    return pc.cast(values, pa.string())


def _tree(values: pa.ChunkedArray) -> pa.ChunkedArray:
    if is_binary(values.type):
        values = _mapped(values, lambda data: data.decode("utf-8", "replace"))
    return _mapped(as_text(values), _tree_text)


def _tree_text(value: Any) -> Optional[str]:
    """Return JSON in one spelling, of a text (JSON, or what Python prints) or what that means.

    JSON's null is NULL: drivers give None for both.
    """
    if isinstance(value, str):
        try:
            value = json.loads(value)
        except ValueError:
            try:
                value = ast.literal_eval(value)
            except (ValueError, SyntaxError, MemoryError, RecursionError):
                return str(value)
    if value is None:
        return None
    return json.dumps(_plain(value), sort_keys=True, separators=(",", ":"), default=str)


def _plain(value: Any) -> Any:
    """Return a tree without members that are null: a row of a table has all of its columns."""
    if isinstance(value, Mapping):
        return {str(k): _plain(v) for k, v in value.items() if v is not None}
    if isinstance(value, (list, tuple)):
        return [_plain(each) for each in value]
    return value.tolist() if isinstance(value, np.ndarray) else value


def _bytes(values: pa.ChunkedArray) -> Optional[pa.ChunkedArray]:
    """Return bytes, also those that are written in Python's way or in hexadecimal."""
    if is_binary(values.type):
        return pc.cast(values, pa.binary())
    if not pa.types.is_string(values.type):
        return None
    read: Callable[[str], bytes] = str.encode
    if _all(values, _BYTES):
        read = ast.literal_eval
    elif _all(values, r"^(?:\\x)?(?:[0-9a-fA-F]{2})*$"):
        read = lambda text: bytes.fromhex(text.removeprefix("\\x"))  # noqa: E731
    try:
        return _mapped(values, read, pa.binary())
    except (ValueError, SyntaxError):
        return None


def _uuid(values: pa.ChunkedArray) -> pa.ChunkedArray:
    if is_binary(values.type):
        values = _mapped(values, bytes.hex)
    return pc.replace_substring_regex(pc.utf8_lower(as_text(values)), r"[{}-]", "")


_CONVERT: dict[ColumnKind, Convert] = {
    ColumnKind.INTEGER: _number,
    ColumnKind.DECIMAL: _number,
    ColumnKind.FLOAT: _number,
    ColumnKind.BOOLEAN: _flag,
    ColumnKind.DATE: lambda values: _moment(values, "date"),
    ColumnKind.TIMESTAMP: lambda values: _moment(values, "timestamp"),
    ColumnKind.TIME: lambda values: _moment(values, "time"),
    ColumnKind.INTERVAL: _span,
    ColumnKind.UUID: _uuid,
    ColumnKind.JSON: _tree,
    ColumnKind.ARRAY: _tree,
    ColumnKind.BINARY: _bytes,
}
