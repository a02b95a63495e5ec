"""Tables in memory as a source: DataFrames, Arrow tables, and what gives an Arrow stream."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Callable, Optional, Union

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from synthohive._arrays import Bools, IntArray
from synthohive.exceptions import SchemaError
from synthohive.io.base import BATCH_ROWS, FanOut, GroupPlaces, Reader, SampledRows
from synthohive.io.frames import FrameForm, carried, is_missing
from synthohive.io.keys import match_rows
from synthohive.io.referred import referred_rows
from synthohive.io.sample_levels import (
    CATEGORIES,
    STEPS,
    Levels,
    Strategy,
    Stretches,
    date_of,
    without_dates,
)
from synthohive.io.sample_levels import candidates as candidates_of
from synthohive.io.typical import by_hash, typical_rows
from synthohive.io.unsupported import exclude_unsupported
from synthohive.schema import Column, ColumnKind, ForeignKey, Metadata
from synthohive.schema.arrow_types import reason_of
from synthohive.schema.checks import joinable
from synthohive.schema.columns import column_from_arrow

__all__ = ["FrameReader", "array_from_series", "children_of", "plain_array", "read_loosely"]


class FrameReader(Reader):
    """Reads tables that are in memory.

    Parameters
    ----------
    tables : dict of str to DataFrame, pyarrow.Table, or object with ``__arrow_c_stream__``
    metadata : Metadata
        Keys; columns that it does not describe are taken from the tables. Its copy in
        :attr:`metadata` has every column. What it describes as something else than it came
        as (a date as text, a flag as 0 and 1) is converted.
    """

    def __init__(self, tables: Mapping[str, Any], metadata: Metadata) -> None:
        tables = {name: _in_memory(name, table) for name, table in tables.items()}
        read = {n: _without(tables[n], t.exclude_columns) for n, t in metadata.tables.items()}
        self._tables = {name: _to_arrow(name, table, _strictly) for name, table in read.items()}
        self._forms = {
            name: FrameForm.of(table)
            for name, table in read.items()
            if not isinstance(table, pa.Table)
        }
        self._metadata = metadata.model_copy(deep=True)
        for name, table in self._tables.items():
            self._describe(name, table, _names(tables[name]))
        exclude_unsupported(self._metadata)
        for name, config in self._metadata.tables.items():
            config.open_keys()
            for column, value in config.no_parents.items():
                self._tables[name] = _null_where(self._tables[name], column, value)
            kept = [c for c in self._tables[name].column_names if c not in config.exclude_columns]
            self._tables[name] = self._tables[name].select(kept)
        self._widen_keys()

    def _widen_keys(self) -> None:
        """Give whole numbers of keys the wider type of the parents', whose values they hold."""
        tables = self._metadata.tables
        for _ in tables:  # a parent's key may be a key itself
            for child, key in self._metadata.foreign_keys():
                for own, theirs in zip(key.columns, key.parent_columns):
                    column = tables[child].columns.get(own)
                    above = tables[key.parent].columns.get(theirs) if key.parent in tables else None
                    if column is not None and above is not None:
                        self._widen(child, column, above.arrow_type)

    def _widen(self, table: str, column: Column, wide: pa.DataType) -> None:
        narrow, rows = column.arrow_type, self._tables[table]
        if not (pa.types.is_integer(narrow) and pa.types.is_integer(wide)):
            return
        if narrow.bit_width < wide.bit_width and column.name in rows.column_names:
            column.arrow = str(wide)
            values = pc.cast(rows.column(column.name), wide)
            place = rows.column_names.index(column.name)
            self._tables[table] = rows.set_column(place, column.name, values)

    def _describe(self, name: str, table: pa.Table, given: Sequence[str]) -> None:
        config = self._metadata.tables[name]
        for column in config.stored:
            if column not in table.column_names:
                raise SchemaError.unknown_column(name, column, table.column_names)
        table = self._as_declared(name, table)
        described = {}
        for field in table.schema:
            as_held = column_from_arrow(field)
            as_held.kind = self._kind_of_objects(name, field.name) or as_held.kind
            declared = config.columns.get(field.name)
            described[field.name] = (
                as_held
                if declared is None
                else declared.model_copy(update={"arrow": as_held.arrow})
            )
        unread = {n: c for n, c in config.columns.items() if n not in config.stored}
        for column in given:
            if column in config.exclude_columns:
                unread.setdefault(column, Column(name=column, kind=ColumnKind.UNSUPPORTED))
        config.columns = {**described, **unread}

    def _kind_of_objects(self, name: str, column: str) -> Optional[ColumnKind]:
        """Return what a column of Python objects holds, which is carried as text."""
        objects = self._forms[name].objects.get(column) if name in self._forms else None
        kinds = {"uuid": ColumnKind.UUID, "json": ColumnKind.JSON, None: None}
        return kinds.get(objects, ColumnKind.ARRAY)

    def _as_declared(self, name: str, table: pa.Table) -> pa.Table:
        """Convert the columns that hold another sort of values than the metadata says."""
        for column, declared in self._metadata.tables[name].stored.items():
            values, type_ = table.column(column), declared.arrow_type
            sorts = {_sort_of(values.type), _sort_of(type_)}
            if None in sorts or len(sorts) == 1:
                continue
            try:
                values = pc.cast(values, type_)
            except (pa.ArrowInvalid, pa.ArrowNotImplementedError) as exc:
                raise SchemaError(
                    f"{name}.{column} holds {values.type}; the metadata says {type_}: "
                    f"{reason_of(exc)}.",
                    hint="Convert the column, or change its description in the metadata.",
                ) from None  # it repeats the value
            table = table.set_column(table.column_names.index(column), column, values)
            if name in self._forms:
                self._forms[name] = self._forms[name].without(column)
        self._tables[name] = table
        return table

    @property
    def metadata(self) -> Metadata:
        """The tables, with every column described."""
        return self._metadata

    def form(self, table: str) -> Optional[FrameForm]:
        """Return how a table's DataFrame was; None for an Arrow table."""
        return self._forms.get(table)

    def count(self, table: str) -> int:
        """Return the number of rows."""
        return len(self._tables[table])

    def read(self, table: str, columns: Optional[Sequence[str]] = None) -> Iterator[pa.RecordBatch]:
        """Yield all rows."""
        data = self._tables[table]
        chosen = data if columns is None else data.select(list(columns))
        batches = chosen.to_batches(max_chunksize=BATCH_ROWS)
        yield from batches or [
            pa.RecordBatch.from_arrays(
                [pa.array([], f.type) for f in chosen.schema], schema=chosen.schema
            )
        ]

    def fan_out(self, table: str, key: ForeignKey) -> FanOut:
        """Count children per parent."""
        return children_of(table, key, self._tables[table], self._tables[key.parent])

    def sample(
        self,
        drivers: Mapping[str, Optional[ForeignKey]],
        size: int,
        seed: int,
        strategy: Strategy = "relational",
        most_bytes: Optional[int] = None,
    ) -> SampledRows:
        """Keep whole tables that fit; sample entities of the others with all below them.

        See the base class.
        """
        counts = {name: len(self._tables[name]) for name in drivers}
        widths = {n: self._tables[n].nbytes / max(count, 1) for n, count in counts.items()}
        levels = Levels.of(self._metadata, drivers, counts, size, widths, most_bytes)
        sampled = [name for name in levels.entities if levels.fraction(name) < 1.0]
        dates = {name: date_of(self._metadata.tables[name]) for name in sampled}
        if strategy == "recent" and sampled and not any(dates.values()):
            raise without_dates(sampled)
        kept: dict[str, pa.Table] = {}
        entities: dict[str, Bools] = {}
        places: dict[str, GroupPlaces] = {}
        for name, driver in drivers.items():
            table, level = self._tables[name], levels.level(name)
            # Anew for each table: what is drawn of one depends on no other.
            rng, share = np.random.Generator(np.random.Philox(seed)), levels.fraction(level)
            alone = np.arange(len(table))  # positions of the rows without a driving parent
            if driver is not None:
                table, alone = _with_parent(name, driver, table, kept[driver.parent])
            if share < 1.0:  # rows below the level come with their parents
                drawn = np.ones(len(table), dtype=bool)
                candidates = np.arange(len(table)) if level == name else alone
                drawn[candidates] = False
                order = rng.permutation(candidates)
                stretches = levels.stretches(self._metadata.tables[name])
                if stretches is not None and strategy == "relational":
                    parents = kept[stretches.key.parent]
                    places[name], order = _in_stretches(table, stretches, parents, rng)
                if level == name and strategy == "recent":
                    order = _newest_first(table, dates[name], order)
                elif level == name and strategy == "stratified":
                    names = candidates_of(self._metadata.tables[name])
                    step, by_chance = _steps(table, names, order), np.argsort(order)
                    order = order[np.argsort(step[order], kind="stable")]
                    some = np.sort(order[: round(share * len(order))])
                    entities[name] = by_hash(by_chance[some], step[some])
                drawn[order[: round(share * len(candidates))]] = True
                table = table.filter(pa.array(drawn))
                if name in places:
                    places[name] = places[name].where(drawn)
            kept[name] = table.combine_chunks()
        room = levels.room({name: len(rows) for name, rows in kept.items()})
        referred = referred_rows(self._metadata, kept, room, self._referred)
        return SampledRows(kept, referred, typical_rows(drivers, kept, entities), places)

    def _referred(self, key: ForeignKey, keys: pa.Table) -> pa.Table:
        """Return the rows of some keys of a parent."""
        rows = self._tables[key.parent]
        at = match_rows(keys, key.parent_columns, rows, key.parent_columns)
        return rows.take(pa.array(at[at >= 0]))


def children_of(name: str, key: ForeignKey, child: pa.Table, parent: pa.Table) -> FanOut:
    """Count the children of each parent over a key.

    Parameters
    ----------
    name : str
        What messages call the child.
    key : ForeignKey
    child, parent : pyarrow.Table
    """
    keys = child.select(key.columns)
    filled = keys.filter(_complete(keys))
    groups = filled.group_by(key.columns).aggregate([([], "count_all")])
    left, right = _aligned(name, key, groups.select(key.columns), parent)
    counted = left.append_column("n", groups.column("count_all"))
    # A left join says nothing of what it did not find: a column of the right side does, by
    # its NULLs.
    marked = right.append_column("known", pa.array(np.ones(len(right), dtype=bool)))
    joined = counted.join(marked, keys=right.column_names)
    has_parent = pc.fill_null(joined.column("known"), False)
    sizes = joined.filter(has_parent).column("n").to_numpy()  # (parents with children,)
    numbers, parents = np.unique(sizes, return_counts=True)
    histogram = dict(zip(numbers.tolist(), parents.tolist()))
    if len(parent) > len(sizes):
        histogram[0] = len(parent) - len(sizes)
    orphans = len(filled) - int(sizes.sum())
    return FanOut(dict(sorted(histogram.items())), len(child) - len(filled), orphans)


def _null_where(table: pa.Table, column: str, value: Union[int, str]) -> pa.Table:
    """Return a table with NULL where a column holds a value."""
    if column not in table.column_names:
        return table
    values, place = table.column(column), table.column_names.index(column)
    same = pc.equal(values, pa.scalar(value).cast(values.type))
    emptied = pc.if_else(pc.fill_null(same, False), pa.scalar(None, values.type), values)
    return table.set_column(place, column, emptied)


def _newest_first(table: pa.Table, date: Optional[str], order: IntArray) -> IntArray:
    """Return row numbers, those of the newest rows first, and else in their order."""
    if date is None:
        return order
    moments = table.column(date).take(pa.array(order))
    places = pc.sort_indices(moments, sort_keys=[("", "descending")])  # stable, NULL last
    newest: IntArray = order[places.to_numpy()]
    return newest


def _steps(table: pa.Table, names: Sequence[str], order: IntArray) -> IntArray:
    """Return how early each row comes, since some of each category come first."""
    least = np.full(len(order), len(order))
    for name in names:
        codes = pd.factorize(table.column(name).take(pa.array(order)).to_pandas())[0]
        if 1 < codes.max(initial=-1) + 1 <= CATEGORIES:
            least = np.minimum(least, pd.Series(codes).groupby(codes).cumcount() + 1)
    steps = np.empty(len(order), dtype=np.int64)
    steps[order] = np.append(STEPS, STEPS[-1] + 1)[np.searchsorted(STEPS, least)]
    return steps


def _in_stretches(
    table: pa.Table, stretches: Stretches, parents: pa.Table, rng: np.random.Generator
) -> tuple[GroupPlaces, IntArray]:
    """Return the places of rows in their groups, and all rows, by stretches.

    Parameters
    ----------
    table, parents : pyarrow.Table
        All rows, and those of the groups' parents.
    stretches : Stretches
    rng : numpy.random.Generator
        Says which stretches come first.
    """
    key = stretches.key
    group = match_rows(table, key.columns, parents, key.parent_columns)
    by = [(name, "ascending") for name in stretches.order]  # NULL last
    ranks = np.empty(len(table), dtype=np.int64)
    ranks[pc.sort_indices(table, sort_keys=by).to_numpy()] = np.arange(len(table))
    order = np.lexsort((ranks, group))
    starts = np.flatnonzero(np.diff(group[order], prepend=-2))
    rows = np.diff(np.append(starts, len(table)))
    positions, sizes = np.empty_like(ranks), np.empty_like(ranks)
    positions[order] = np.arange(len(table)) - np.repeat(starts, rows)
    sizes[order] = np.repeat(rows, rows)
    pieces = group * stretches.pieces + positions * stretches.pieces // sizes
    known, piece = np.unique(pieces, return_inverse=True)
    turn = rng.permutation(len(known))[piece]
    return GroupPlaces(key, positions, sizes), np.lexsort((positions, turn, positions > 0))


def _with_parent(
    name: str, driver: ForeignKey, table: pa.Table, parent: pa.Table
) -> tuple[pa.Table, IntArray]:
    """Return the rows whose parent is there, or whose key is empty, and which are the latter."""
    keys = table.select(driver.columns)
    filled = _complete(keys).to_numpy(zero_copy_only=False)
    left, right = _aligned(name, driver, keys.filter(pa.array(filled)), parent)
    # Arrow's joins keep no order: rows carry their numbers, and are sorted by them.
    numbered = left.append_column("row", pa.array(np.flatnonzero(filled)))
    matched = numbered.join(right, keys=right.column_names, join_type="left semi")
    rows = np.sort(np.concatenate([matched.column("row").to_numpy(), np.flatnonzero(~filled)]))
    return table.take(pa.array(rows)), np.flatnonzero(~filled[rows])


def _aligned(
    name: str, key: ForeignKey, child: pa.Table, parent: pa.Table
) -> tuple[pa.Table, pa.Table]:
    """Give both sides of a key the same types: int32 against int64 is no mismatch."""
    found = joinable(child, parent.select(key.parent_columns))
    if found is None:
        raise SchemaError(
            f"The columns of {key.label(name)} hold types that cannot be compared.",
            hint="Convert one side.",
        )
    return found


def _complete(keys: pa.Table) -> pa.Array:
    mask = pa.array(np.ones(len(keys), dtype=bool))
    for column in keys.columns:
        mask = pc.and_(mask, pc.is_valid(column.combine_chunks()))
    return mask


def _sort_of(type_: pa.DataType) -> Optional[str]:
    """Return what values of a type are, however wide; None for what is never converted."""
    kind = column_from_arrow(pa.field("", type_)).kind
    if kind.family != "time":
        return None if kind is ColumnKind.UNSUPPORTED else kind.family
    return "day" if kind in (ColumnKind.DATE, ColumnKind.TIMESTAMP) else kind.value


def _in_memory(name: str, table: Any) -> Union[pd.DataFrame, pa.Table]:
    """Return what can be read more than once: a DataFrame of pandas, or an Arrow table."""
    if isinstance(table, (pa.Table, pd.DataFrame)):
        return table
    try:
        if hasattr(table, "__arrow_c_stream__"):  # polars, DuckDB, readers of batches …
            return pa.table(table)
        if hasattr(table, "__arrow_c_array__"):
            return pa.Table.from_batches([pa.record_batch(table)])
    except (pa.ArrowException, TypeError, ValueError, NotImplementedError) as exc:
        raise SchemaError(
            f"Table {name!r} is a {type(table).__name__} that gives no rows of columns: "
            f"{reason_of(exc)}.",
            hint=_HINT,
        ) from None  # it may repeat a value
    raise SchemaError(f"Table {name!r} is a {type(table).__name__}.", hint=_HINT)


_HINT = (
    "Pass a DataFrame (pandas, polars), a pyarrow.Table, anything that gives an Arrow stream, or a "
    "path."
)


def _without(table: Any, excluded: Sequence[str]) -> Any:
    """Drop the excluded columns, which may hold what cannot be carried."""
    if not excluded:
        return table
    kept = [i for i, name in enumerate(_names(table)) if name not in excluded]
    return table.select(kept) if isinstance(table, pa.Table) else table.iloc[:, kept]


def read_loosely(name: str, table: Any) -> pa.Table:
    """Return a table of which nothing is to be learned: what Arrow does not carry, as text.

    Raises
    ------
    SchemaError
        It is no table.
    """
    return _to_arrow(name, _in_memory(name, table), lambda _, values: array_from_series(values))


def array_from_series(values: pd.Series[Any]) -> pa.Array:
    """Return the values of a series; what Arrow does not carry, as text."""
    try:
        return pa.array(carried(values), from_pandas=True)
    except (pa.ArrowException, TypeError, ValueError, OverflowError):
        texts = [None if is_missing(v) else str(v) for v in values]
        return pa.array([t and t.encode("utf-8", "replace").decode() for t in texts], pa.string())


def _names(table: Any) -> list[str]:
    return table.column_names if isinstance(table, pa.Table) else [str(c) for c in table.columns]


def _to_arrow(
    name: str,
    table: Union[pd.DataFrame, pa.Table],
    array_of: Callable[[str, pd.Series[Any]], pa.Array],
) -> pa.Table:
    names = _names(table)
    if len(set(names)) < len(names):
        twice = sorted({n for n in names if names.count(n) > 1})
        raise SchemaError(f"Table {name!r} has column {twice[0]!r} twice.")
    if not isinstance(table, pa.Table):
        arrays = [array_of(f"{name}.{c}", table.iloc[:, i]) for i, c in enumerate(names)]
        table = pa.table(arrays, names=names)
    return pa.table({n: plain_array(c) for n, c in zip(table.column_names, table.columns)})


def plain_array(values: pa.ChunkedArray) -> pa.ChunkedArray:
    """Return values without dictionary, and all text as one type."""
    type_ = values.type.value_type if pa.types.is_dictionary(values.type) else values.type
    text = (pa.types.is_large_string, pa.types.is_string_view, pa.types.is_null)
    target = pa.string() if any(test(type_) for test in text) else type_
    if pa.types.is_binary_view(type_):
        target = pa.binary()
    if pa.types.is_decimal(type_) and type_.bit_width < 128:
        target = pa.decimal128(type_.precision, type_.scale)
    if pa.types.is_dictionary(values.type):  # whose types not all can be cast at once
        # A chunk has a dictionary of its own, each value of which is cast once.
        decoded = [pc.cast(c.dictionary, target).take(c.indices) for c in values.chunks]
        return pa.chunked_array(decoded, target)
    return values if values.type == target else pc.cast(values, target)


def _strictly(name: str, values: pd.Series[Any]) -> pa.Array:
    """Return the values of a series; what Arrow does not carry is refused.

    Raises
    ------
    SchemaError
    """
    try:
        found = pa.array(carried(values), from_pandas=True)
        if pa.types.is_binary(found.type) and pd.api.types.infer_dtype(values) != "bytes":
            raise pa.ArrowTypeError("text among bytes")
        return found
    except UnicodeEncodeError:
        raise SchemaError(
            f"{name} holds text that is no valid Unicode (half of a surrogate pair).",
            hint="Read it with the right encoding, or replace such characters.",
        ) from None  # the cause repeats a value
    except (pa.ArrowException, TypeError, ValueError, OverflowError):
        kinds = sorted({type(v).__name__ for v in values.dropna()})
        if len(kinds) == 1:
            what = f"holds values that cannot be carried ({kinds[0]}, dtype {values.dtype})"
        else:
            what = f"mixes values of different types ({', '.join(kinds)})"
        raise SchemaError(
            f"{name} {what}.", hint="Convert the column to one plain type."
        ) from None  # the cause repeats a value
