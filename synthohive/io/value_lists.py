"""Rows as the lists of a multi-row INSERT, for engines that take no rows in another form."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import pyarrow as pa
import pyarrow.compute as pc

from synthohive.io.text import iso_timestamps, text

__all__ = ["quoted", "value_lists", "written"]


def quoted(array: pa.Array, *, backslashes: bool) -> pa.Array:
    r"""Return texts as literals of SQL; where a backslash escapes, it is doubled.

    Examples
    --------
    >>> quoted(pa.array(["it's a\\b", None]), backslashes=True).to_pylist()
    ["'it''s a\\\\b'", None]
    """
    plain = pc.cast(text(array), pa.string())
    if backslashes:
        plain = pc.replace_substring(plain, "\\", "\\\\")
    return pc.binary_join_element_wise("'", pc.replace_substring(plain, "'", "''"), "'", "")


def written(array: pa.Array, *, backslashes: bool, zone: str = "+00:00") -> pa.Array:
    """Return numbers, flags, dates, moments and texts as literals of SQL; NULL is NULL.

    Parameters
    ----------
    array : pyarrow.Array
    backslashes : bool
        A backslash escapes in strings.
    zone : str
        Stands behind moments of UTC.

    Examples
    --------
    >>> written(pa.array([1.5, float("inf"), None]), backslashes=False).to_pylist()
    ['1.5', "'Infinity'", None]
    """
    type_ = array.type
    if pa.types.is_dictionary(type_):
        array = array.dictionary_decode()
        type_ = array.type
    if pa.types.is_boolean(type_):
        return pc.if_else(array, "TRUE", "FALSE")
    if pa.types.is_integer(type_) or pa.types.is_decimal(type_):
        return text(array)
    if pa.types.is_floating(type_):
        finite = pc.is_finite(array)
        if pc.all(finite).as_py() in (True, None):
            return text(array)
        endless = pc.if_else(pc.greater(array, 0), "'Infinity'", "'-Infinity'")
        odd = pc.if_else(pc.is_nan(array), "'NaN'", endless)
        return pc.if_else(finite, text(array), odd)
    if pa.types.is_timestamp(type_):
        array = pc.binary_join_element_wise(iso_timestamps(array), zone if type_.tz else "", "")
    return quoted(array, backslashes=backslashes)


def value_lists(
    columns: Sequence[pa.Array], most_bytes: int, most_rows: int
) -> Iterator[tuple[str, int]]:
    """Yield what stands behind VALUES, and its number of rows.

    Parameters
    ----------
    columns : sequence of pyarrow.Array
        Of SQL; NULL where a value is.
    most_bytes, most_rows : int
        Of one statement; a single row may be longer.

    Examples
    --------
    >>> columns = [pa.array(["1", "2", "3"]), pa.array(["'a'", None, "'c'"])]
    >>> list(value_lists(columns, 1000, 2))
    [("(1, 'a'), (2, NULL)", 2), ("(3, 'c')", 1)]
    """
    fields = [pc.fill_null(column, "NULL") for column in columns]
    lines: list[str] = pc.binary_join_element_wise(*fields, ", ").to_pylist()
    held: list[str] = []
    size = 0
    for line in lines:
        room = len(line.encode()) + 4
        if held and (size + room > most_bytes or len(held) == most_rows):
            yield _listed(held), len(held)
            held, size = [], 0
        held.append(line)
        size += room
    if held:
        yield _listed(held), len(held)


def _listed(lines: Sequence[str]) -> str:
    return f"({'), ('.join(lines)})"
