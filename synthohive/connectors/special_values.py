"""Values of an engine that no Arrow type has, and what stands for them between reading and writing.

PostgreSQL's infinite dates and its time 24:00, and MySQL's zero date, are point masses: they say
"for ever" or "unknown", and a column may be NOT NULL because it has them. Each is read as a moment
that nobody writes, near an end of what Python can show, learned as a value of its own, and written
as it was. Only a copy in the same engine spells them again; elsewhere the stand-in stays.

So is what Python cannot show: all of a column's moments before the year 1 are one value, the
last day before it, and all after 9999 the first day after it (PostgreSQL, DuckDB).
"""

from __future__ import annotations

import datetime
from collections.abc import Mapping
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from synthohive.ddl.spelling import Spelling

__all__ = [
    "AFTER",
    "BEFORE",
    "EARLY",
    "FAR",
    "MIDNIGHT",
    "UNSEEN",
    "reading",
    "respelled",
    "stand_in",
]

FAR = datetime.datetime(9999, 12, 30, 23, 59, 59, 999998)
EARLY = datetime.datetime(1, 1, 2, 0, 0, 0, 2)
AFTER = datetime.datetime(9999, 12, 29, 23, 59, 59, 999997)
BEFORE = datetime.datetime(1, 1, 3, 0, 0, 0, 3)
MIDNIGHT = datetime.time(23, 59, 59, 999998)

UNSEEN: Mapping[Any, str] = {
    FAR: "infinity",
    EARLY: "-infinity",
    BEFORE: "0001-12-31 BC",
    AFTER: "10000-01-01",
}
"""What dates and moments stand for, as PostgreSQL writes it."""


def stand_in(moment: datetime.datetime, type_: pa.DataType) -> Any:
    """Return a moment as a value of a column's type.

    Examples
    --------
    >>> stand_in(FAR, pa.date32())
    datetime.date(9999, 12, 30)
    """
    return moment.date() if pa.types.is_date(type_) else moment


def reading(moment: str, type_: str, zone: str = "", *, endless: bool = True) -> str:
    """Return SQL that reads a date or a moment, with what stands for those that cannot be shown.

    Parameters
    ----------
    moment : str
        An expression of SQL.
    type_ : str
        Of the expression.
    zone : str
        Written behind moments that are compared with it.
    endless : bool, default True
        The engine has infinite ones.
    """
    days = type_.lower() == "date"
    far, early, after, before = (
        f"{type_} '{value.date() if days else f'{value}{zone}'}'"
        for value in (FAR, EARLY, AFTER, BEFORE)
    )
    first, beyond = (
        f"{type_} '{day if days else f'{day} 00:00:00{zone}'}'"
        for day in ("0001-01-01", "10000-01-01")
    )
    never = f"WHEN {moment} = 'infinity' THEN {far} WHEN {moment} = '-infinity' THEN {early} "
    return (
        f"CASE {never if endless else ''}WHEN {moment} < {first} THEN {before} "
        f"WHEN {moment} >= {beyond} THEN {after} ELSE {moment} END"
    )


def respelled(array: pa.Array, written: pa.Array, spelling: Spelling) -> pa.Array:
    """Return a column's texts, with the engine's own spelling of what stands for others.

    Parameters
    ----------
    array : pyarrow.Array
        The values.
    written : pyarrow.Array
        The same as the loader would write them.
    spelling : Spelling
        Of the engine that the rows came from, and go to.

    Examples
    --------
    >>> from synthohive.connectors.registry import spelling
    >>> days = pa.array([FAR.date(), datetime.date(2024, 1, 1)])
    >>> respelled(days, days, spelling("postgresql")).to_pylist()
    ['infinity', '2024-01-01']
    """
    type_ = array.type
    words_of = spelling.times if pa.types.is_time(type_) else spelling.moments
    if not (pa.types.is_time(type_) or pa.types.is_date(type_) or pa.types.is_timestamp(type_)):
        return written
    plain = array  # stand-ins are moments of UTC, to the microsecond, whatever the column's zone
    if pa.types.is_timestamp(type_):
        plain = pc.cast(pc.cast(array, pa.timestamp("us", type_.tz)), pa.timestamp("us"))
    for moment, words in words_of.items():
        value = moment if pa.types.is_time(type_) else stand_in(moment, type_)
        stands_in = pc.equal(plain, pa.scalar(value, plain.type))
        if pc.any(stands_in).as_py():
            written = pc.if_else(stands_in, words, pc.cast(written, pa.string()))
    return written
