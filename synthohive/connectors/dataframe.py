"""DataFrames and Arrow tables as a source, and DataFrames out with the dtypes that came in."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Callable, Optional

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from synthohive._arrow import column_from_arrow, reason_of
from synthohive._files import FileIdentity
from synthohive._schema_checks import joinable
from synthohive.connectors.base import BATCH_ROWS, FanOut, Reader
from synthohive.connectors.levels import Levels
from synthohive.connectors.unsupported import exclude_unsupported
from synthohive.exceptions import SchemaError
from synthohive.schema import Column, ColumnKind, ForeignKey, Metadata

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["FrameReader", "to_frame"]

IntArray = npt.NDArray[np.int64]


class FrameReader(Reader):
    """Reads tables that are in memory.

    Parameters
    ----------
    tables : dict of str to DataFrame or pyarrow.Table
    metadata : Metadata
        Keys; columns that it does not describe are taken from the tables. Its copy in
        :attr:`metadata` has every column. What it describes as something else than it came
        as (a date as text, a flag as 0 and 1) is converted.

    Attributes
    ----------
    files : frozenset of FileIdentity
        Those that the tables were read from.
    """

    files: frozenset[FileIdentity] = frozenset()

    def __init__(self, tables: Mapping[str, Any], metadata: Metadata) -> None:
        self._dtypes = {n: _dtypes(t) for n, t in tables.items()}
        self._tables = {
            n: _to_arrow(n, _without(tables[n], t.exclude_columns))
            for n, t in metadata.tables.items()
        }
        self._metadata = metadata.model_copy(deep=True)
        for name, table in self._tables.items():
            self._describe(name, table, _names(tables[name]))
        exclude_unsupported(self._metadata)
        for name, config in self._metadata.tables.items():
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
            found = column_from_arrow(field)
            known = config.columns.get(field.name)
            described[field.name] = (
                found if known is None else known.model_copy(update={"arrow": found.arrow})
            )
        unread = {n: c for n, c in config.columns.items() if n not in config.stored}
        for column in given:
            if column in config.exclude_columns:
                unread.setdefault(column, Column(name=column, kind=ColumnKind.UNSUPPORTED))
        config.columns = {**described, **unread}

    def _as_declared(self, name: str, table: pa.Table) -> pa.Table:
        """Convert the columns that hold another sort of values than the metadata says."""
        for column, declared in self._metadata.tables[name].stored.items():
            values, type_ = table.column(column), declared.arrow_type
            known = {_sort_of(values.type), _sort_of(type_)}
            if None in known or len(known) == 1:
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
            dtypes = self._dtypes.get(name)
            if dtypes is not None:
                del dtypes[column]  # comes out as what it is
        self._tables[name] = table
        return table

    @property
    def metadata(self) -> Metadata:
        """The tables, with every column described."""
        return self._metadata

    def dtypes(self, table: str) -> Optional[dict[str, Any]]:
        """Return the pandas dtypes in which a table came; None for an Arrow table."""
        return self._dtypes.get(table)

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
        child, parent = self._tables[table], self._tables[key.parent]
        keys = child.select(key.columns)
        filled = keys.filter(_complete(keys))
        groups = filled.group_by(key.columns).aggregate([([], "count_all")])
        left, right = _aligned(table, key, groups.select(key.columns), parent)
        counted = left.append_column("n", groups.column("count_all"))
        known = right.append_column("known", pa.array(np.ones(len(right), dtype=bool)))
        joined = counted.join(known, keys=right.column_names)
        found = pc.fill_null(joined.column("known"), False)
        sizes = joined.filter(found).column("n").to_numpy()
        numbers, parents = np.unique(sizes, return_counts=True)
        histogram = dict(zip(numbers.tolist(), parents.tolist()))
        if len(parent) > len(sizes):
            histogram[0] = len(parent) - len(sizes)
        orphans = len(filled) - int(sizes.sum())
        return FanOut(dict(sorted(histogram.items())), len(child) - len(filled), orphans)

    def sample(
        self, drivers: Mapping[str, Optional[ForeignKey]], size: int, seed: int
    ) -> dict[str, pa.Table]:
        """Keep whole tables that fit; sample entities of the others with all below them."""
        counts = {name: len(self._tables[name]) for name in drivers}
        levels = Levels.of(self._metadata, drivers, counts, size)
        kept: dict[str, pa.Table] = {}
        for name, driver in drivers.items():
            table, level = self._tables[name], levels.level(name)
            rng, share = np.random.Generator(np.random.Philox(seed)), levels.fraction(level)
            alone = np.arange(len(table))
            if driver is not None:
                table, alone = _with_parent(name, driver, table, kept[driver.parent])
            if share < 1.0:  # rows below the level come with their parents
                drawn = np.ones(len(table), dtype=bool)
                own = np.arange(len(table)) if level == name else alone
                drawn[own] = False
                drawn[rng.permutation(own)[: round(share * len(own))]] = True
                table = table.filter(pa.array(drawn))
            kept[name] = table.combine_chunks()
        return kept


def _with_parent(
    name: str, driver: ForeignKey, table: pa.Table, parent: pa.Table
) -> tuple[pa.Table, IntArray]:
    """Return the rows whose parent is there, or whose key is empty, and which are the latter."""
    keys = table.select(driver.columns)
    filled = _complete(keys).to_numpy(zero_copy_only=False)
    left, right = _aligned(name, driver, keys.filter(pa.array(filled)), parent)
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


_SORTS: tuple[tuple[str, tuple[Callable[[pa.DataType], bool], ...]], ...] = (
    ("number", (pa.types.is_integer, pa.types.is_floating, pa.types.is_decimal)),
    ("text", (pa.types.is_string,)),
    ("flag", (pa.types.is_boolean,)),
    ("day", (pa.types.is_date, pa.types.is_timestamp)),
    ("time", (pa.types.is_time,)),
    ("span", (pa.types.is_duration,)),
    ("bytes", (pa.types.is_binary,)),
)


def _sort_of(type_: pa.DataType) -> Optional[str]:
    """Return what values of a type are, however wide; None for what is never converted."""
    return next((sort for sort, tests in _SORTS if any(test(type_) for test in tests)), None)


def _dtypes(table: Any) -> Optional[dict[str, Any]]:
    import pandas as pd

    if not isinstance(table, pd.DataFrame):
        return None
    return {str(name): dtype for name, dtype in dict(table.dtypes).items()}


def _without(table: Any, excluded: Sequence[str]) -> Any:
    """Drop the excluded columns, which may hold what cannot be carried."""
    import pandas as pd

    if not excluded or not isinstance(table, (pa.Table, pd.DataFrame)):
        return table
    kept = [i for i, name in enumerate(_names(table)) if name not in excluded]
    return table.select(kept) if isinstance(table, pa.Table) else table.iloc[:, kept]


def _names(table: Any) -> list[str]:
    return table.column_names if isinstance(table, pa.Table) else [str(c) for c in table.columns]


def _to_arrow(name: str, table: Any) -> pa.Table:
    import pandas as pd

    if isinstance(table, pa.Table):
        _distinct(name, table.column_names)
        plain = table
    elif isinstance(table, pd.DataFrame):
        names = [str(c) for c in table.columns]
        _distinct(name, names)
        series = [table.iloc[:, i] for i in range(len(names))]
        plain = pa.table([_series(name, c, s) for c, s in zip(names, series)], names=names)
    else:
        raise SchemaError(
            f"Table {name!r} is a {type(table).__name__}.",
            hint="Pass a DataFrame, a pyarrow.Table, or a path.",
        )
    return pa.table({n: _plain(c) for n, c in zip(plain.column_names, plain.columns)})


def _distinct(table: str, names: Sequence[str]) -> None:
    if len(set(names)) < len(names):
        twice = sorted({n for n in names if names.count(n) > 1})
        raise SchemaError(f"Table {table!r} has column {twice[0]!r} twice.")


def _plain(values: pa.ChunkedArray) -> pa.ChunkedArray:
    """Return values without dictionary, and all text as one type."""
    type_ = values.type.value_type if pa.types.is_dictionary(values.type) else values.type
    text = (pa.types.is_large_string, pa.types.is_string_view, pa.types.is_null)
    target = pa.string() if any(test(type_) for test in text) else type_
    if pa.types.is_decimal(type_) and type_.bit_width < 128:
        target = pa.decimal128(type_.precision, type_.scale)
    return values if values.type == target else pc.cast(values, target)


def _series(table: str, column: str, values: Any) -> Any:
    import pandas as pd

    try:
        found = pa.array(_carried(values), from_pandas=True)
        if pa.types.is_binary(found.type) and pd.api.types.infer_dtype(values) != "bytes":
            raise pa.ArrowTypeError("text among bytes")
        return found
    except UnicodeEncodeError:
        raise SchemaError(
            f"{table}.{column} holds text that is no valid Unicode (half of a surrogate pair).",
            hint="Read it with the right encoding, or replace such characters.",
        ) from None  # the cause repeats a value
    except (pa.ArrowException, TypeError, ValueError, OverflowError):
        kinds = sorted({type(v).__name__ for v in values.dropna()})
        if len(kinds) == 1:
            what = f"holds values that cannot be carried ({kinds[0]}, dtype {values.dtype})"
        else:
            what = f"mixes values of different types ({', '.join(kinds)})"
        raise SchemaError(
            f"{table}.{column} {what}.", hint="Convert the column to one plain type."
        ) from None  # the cause repeats a value


def _fits(values: pa.ChunkedArray, like: Any) -> bool:
    """Whether whole numbers fit the dtype of the real ones: keys follow their parents'."""
    plain = getattr(like, "numpy_dtype", like)
    if not isinstance(plain, np.dtype) or plain.kind not in "iu":
        return True
    ends, limits = pc.min_max(values).as_py(), np.iinfo(plain)
    return ends["min"] is None or bool(limits.min <= ends["min"] and ends["max"] <= limits.max)


def _category_names(dtype: Any) -> Optional[dict[str, Any]]:
    """Return names for categories that are neither text nor numbers, such as those of `pd.cut`."""
    import pandas as pd

    if not isinstance(dtype, pd.CategoricalDtype):
        return None
    kind = dtype.categories.dtype
    if isinstance(kind, (pd.IntervalDtype, pd.PeriodDtype)):
        return {str(category): category for category in dtype.categories}
    return None


def _carried(values: Any) -> Any:
    """Return a series as what Arrow carries: names of intervals, the start of periods."""
    import pandas as pd

    dtype = getattr(values, "dtype", None)
    if isinstance(dtype, pd.PeriodDtype):
        return values.dt.to_timestamp()
    names = _category_names(dtype)
    return values if names is None else values.cat.rename_categories(list(names))


def to_frame(table: pa.Table, dtypes: Optional[Mapping[str, Any]]) -> pd.DataFrame:
    """Return a DataFrame; with the dtypes of the real one where they are known.

    Otherwise whole numbers with NULLs become ``Int64``, and decimals, dates and times
    Python objects, so that nothing is rounded.
    """
    import pandas as pd

    columns = {}
    for name, values in zip(table.column_names, table.columns):
        like = None if dtypes is None else dtypes.get(name)
        columns[name] = _restored(values, like)
    frame: pd.DataFrame = pd.DataFrame(columns)
    return frame


def _restored(values: pa.ChunkedArray, like: Any) -> Any:
    import pandas as pd

    type_ = values.type
    if pa.types.is_integer(type_) and not _fits(values, like):
        like = None
    if like is None:
        if values.null_count and (pa.types.is_integer(type_) or pa.types.is_boolean(type_)):
            name = str(type_).capitalize().replace("Uint", "UInt")
            maker: Any = getattr(pd, "BooleanDtype" if name == "Bool" else f"{name}Dtype")
            return maker().__from_arrow__(values)
        return values.to_pandas()
    if isinstance(like, pd.ArrowDtype):
        values = pc.cast(values, like.pyarrow_dtype)
    if isinstance(like, (pd.ArrowDtype, pd.BooleanDtype, pd.StringDtype)) or hasattr(
        like, "numpy_dtype"
    ):
        return like.__from_arrow__(values)  # by way of floats, whole numbers would be rounded
    if pd.api.types.is_object_dtype(like):
        shown = pa.types.is_string(type_) or pa.types.is_binary(type_)
        plain = values.to_numpy() if shown else values.to_pylist()
        return pd.Series(plain, dtype=object)
    series = values.to_pandas()
    if isinstance(like, pd.PeriodDtype):
        return series.dt.to_period(like.freq)
    names = _category_names(like)
    if names is not None:
        kept = [c for name, c in names.items() if name in set(series.dropna())]
        dtype = pd.CategoricalDtype(kept, like.ordered)
        return pd.Series(pd.Categorical(series.map(names), dtype=dtype), index=series.index)
    if isinstance(like, pd.CategoricalDtype):  # its categories are real values: none but shown ones
        shown = set(series.dropna().unique())
        old = [value for value in like.categories if value in shown]
        like = pd.CategoricalDtype([*old, *sorted(shown.difference(old))], like.ordered)
    return series if series.dtype == like else series.astype(like)
