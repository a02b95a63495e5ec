"""DataFrames and Arrow tables as a source, and DataFrames out with the dtypes that came in."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Optional

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from synthohive._arrow import column_from_arrow
from synthohive.connectors.base import BATCH_ROWS, FanOut, Reader
from synthohive.exceptions import SchemaError
from synthohive.schema import ForeignKey, Metadata

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["FrameReader", "to_frame"]


class FrameReader(Reader):
    """Reads tables that are in memory.

    Parameters
    ----------
    tables : dict of str to DataFrame or pyarrow.Table
    metadata : Metadata
        Keys; columns that it does not describe are taken from the tables. Its copy in
        :attr:`metadata` has every column.
    """

    def __init__(self, tables: Mapping[str, Any], metadata: Metadata) -> None:
        self._dtypes = {n: _dtypes(t) for n, t in tables.items()}
        self._tables = {n: _to_arrow(n, tables[n]) for n in metadata.tables}
        self._metadata = metadata.model_copy(deep=True)
        for name, table in self._tables.items():
            self._describe(name, table)

    def _describe(self, name: str, table: pa.Table) -> None:
        config = self._metadata.tables[name]
        for column in config.columns:
            if column not in table.column_names:
                raise SchemaError.unknown_column(name, column, table.column_names)
        described = {}
        for field in table.schema:
            found = column_from_arrow(field)
            known = config.columns.get(field.name)
            described[field.name] = (
                found if known is None else known.model_copy(update={"arrow": found.arrow})
            )
        config.columns = described

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
        known = parent.select(key.parent_columns).append_column(
            "__known__", pa.array(np.ones(len(parent), dtype=bool))
        )
        joined = groups.join(
            _cast_like(known, key.parent_columns, groups, key.columns),
            keys=key.columns,
            right_keys=key.parent_columns,
        )
        found = pc.fill_null(joined.column("__known__"), False)
        sizes = joined.filter(found).column("count_all").to_numpy()
        numbers, parents = np.unique(sizes, return_counts=True)
        histogram = dict(zip(numbers.tolist(), parents.tolist()))
        if len(parent) > len(sizes):
            histogram[0] = len(parent) - len(sizes)
        orphans = len(filled) - int(sizes.sum())
        return FanOut(dict(sorted(histogram.items())), len(child) - len(filled), orphans)

    def sample(
        self, drivers: Mapping[str, Optional[ForeignKey]], size: int, seed: int
    ) -> dict[str, pa.Table]:
        """Keep whole tables that fit; sample entities of the others with their children."""
        kept: dict[str, pa.Table] = {}
        largest = max((len(t) for t in self._tables.values()), default=0)
        share = min(1.0, size / max(largest, 1))
        for name, driver in drivers.items():
            table = self._tables[name]
            if driver is not None:
                keys = table.select(driver.columns)
                parents = _cast_like(
                    kept[driver.parent].select(driver.parent_columns),
                    driver.parent_columns,
                    keys,
                    driver.columns,
                )
                numbered = keys.append_column("__row__", pa.array(np.arange(len(keys))))
                matched = numbered.join(
                    parents,
                    keys=driver.columns,
                    right_keys=driver.parent_columns,
                    join_type="left semi",
                )
                free = np.flatnonzero(~_complete(keys).to_numpy(zero_copy_only=False))
                rows = np.concatenate([matched.column("__row__").to_numpy(), free])
                table = table.take(pa.array(np.sort(rows)))
            small_root = driver is None and len(table) < 1_000
            if len(table) > size or (driver is None and share < 1.0 and not small_root):
                rng = np.random.Generator(np.random.Philox(seed))
                wanted = min(
                    size, max(1_000, round(len(table) * share)) if driver is None else size
                )
                table = table.take(pa.array(np.sort(rng.permutation(len(table))[:wanted])))
            kept[name] = table.combine_chunks()
        return kept


def _complete(keys: pa.Table) -> pa.Array:
    mask = pa.array(np.ones(len(keys), dtype=bool))
    for column in keys.columns:
        mask = pc.and_(mask, pc.is_valid(column.combine_chunks()))
    return mask


def _cast_like(
    table: pa.Table, columns: Sequence[str], model: pa.Table, like: Sequence[str]
) -> pa.Table:
    """Give key columns the types of the other side: int32 against int64 is no mismatch."""
    for column, other in zip(columns, like):
        position = table.schema.get_field_index(column)
        cast = pc.cast(table.column(column), model.schema.field(other).type)
        table = table.set_column(position, column, cast)
    return table


def _dtypes(table: Any) -> Optional[dict[str, Any]]:
    return None if isinstance(table, pa.Table) else dict(getattr(table, "dtypes", {}))


def _to_arrow(name: str, table: Any) -> pa.Table:
    import pandas as pd

    if isinstance(table, pa.Table):
        plain = table
    elif isinstance(table, pd.DataFrame):
        plain = pa.table({str(c): _series(name, str(c), table[c]) for c in table.columns})
    else:
        raise SchemaError(
            f"Table {name!r} is a {type(table).__name__}.",
            hint="Pass a DataFrame, a pyarrow.Table, or a path.",
        )
    return pa.table({n: _plain(c) for n, c in zip(plain.column_names, plain.columns)})


def _plain(values: pa.ChunkedArray) -> pa.ChunkedArray:
    """Return values without dictionary, and all text as one type."""
    type_ = values.type.value_type if pa.types.is_dictionary(values.type) else values.type
    text = (pa.types.is_large_string, pa.types.is_string_view, pa.types.is_null)
    target = pa.string() if any(test(type_) for test in text) else type_
    return values if values.type == target else pc.cast(values, target)


def _series(table: str, column: str, values: Any) -> Any:
    try:
        return pa.array(values, from_pandas=True)
    except (pa.ArrowInvalid, pa.ArrowTypeError) as exc:
        kinds = sorted({type(v).__name__ for v in values.dropna()})
        raise SchemaError(
            f"{table}.{column} mixes values of different types ({', '.join(kinds)}).",
            hint="Convert the column to one type.",
        ) from exc


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

    whole = pa.types.is_integer(values.type) and values.null_count > 0
    if like is None:
        if whole or (pa.types.is_boolean(values.type) and values.null_count):
            name = str(values.type).capitalize().replace("Uint", "UInt").replace("Bool", "boolean")
            return pd.array(values.to_pylist(), dtype=name)
        return values.to_pandas()
    series = values.to_pandas()
    return series if series.dtype == like else series.astype(like)
