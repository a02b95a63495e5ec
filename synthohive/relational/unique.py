"""Unique sets with a modelled column in them: repeats are found and repaired."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from synthohive.relational import seeds
from synthohive.relational.hashing import hashed
from synthohive.schema import ColumnKind, TableConfig

__all__ = ["UniqueRepair", "unique_repairs"]

U64 = npt.NDArray[np.uint64]
REDRAWS = 12
_COUNTED = (
    ColumnKind.INTEGER,
    ColumnKind.DECIMAL,
    ColumnKind.DATE,
    ColumnKind.TIMESTAMP,
    ColumnKind.TIME,
    ColumnKind.FLOAT,
    ColumnKind.INTERVAL,
)


class UniqueRepair:
    """Keeps one unique set of columns free of repeats, block after block.

    A repeated row gets another row's value in a *free* column (which keeps the column's
    distribution); where that does not help, the next value that nobody has. Rows with a
    NULL in the set never repeat (SQL).

    Parameters
    ----------
    config : TableConfig
    columns : sequence of str
        The unique set.
    free : set of str
        The columns of the set that may be changed.
    seed : int
    """

    def __init__(
        self, config: TableConfig, columns: Sequence[str], free: set[str], seed: int
    ) -> None:
        self.columns = tuple(columns)
        self._config, self._free, self._seed = config, sorted(free), seed
        self._seen: U64 = np.empty(0, dtype=np.uint64)
        self._pending: list[U64] = []
        self._beyond = 0

    def apply(self, block: pa.Table) -> tuple[pa.Table, int]:
        """Return the block without repeats, and how many rows were changed."""
        repeated = self._repeated(self._hashes(block))
        changed = len(repeated)
        if changed:
            column = max(self._free, key=lambda c: pc.count_distinct(block.column(c)).as_py())
            for attempt in range(REDRAWS):
                if not len(repeated):
                    break
                block = self._redrawn(block, column, repeated, attempt)
                repeated = self._repeated(self._hashes(block))
            if len(repeated):
                block = self._beyond_range(block, column, repeated)
        hashes = self._hashes(block)
        self._seen = np.union1d(self._seen, hashes[hashes != 0])
        return block, changed

    def _hashes(self, block: pa.Table) -> U64:
        """Hash each row's values of the set; 0 where one is NULL."""
        total = np.zeros(len(block), dtype=np.uint64)
        null = np.zeros(len(block), dtype=bool)
        for position, name in enumerate(self.columns):
            column = block.column(name).combine_chunks()
            null |= pc.is_null(column).to_numpy(zero_copy_only=False)
            total = hashed(total ^ _column_hash(column, position), 7)
        return np.asarray(np.where(null, np.uint64(0), total | np.uint64(1)))

    def _repeated(self, hashes: U64) -> npt.NDArray[np.int64]:
        """Return rows whose hash stood before: in this block, or in an earlier one."""
        order = np.argsort(hashes, kind="stable")
        ordered = hashes[order]
        again = np.r_[False, ordered[1:] == ordered[:-1]] & (ordered != 0)
        if len(self._seen):
            place = np.minimum(np.searchsorted(self._seen, ordered), len(self._seen) - 1)
            again |= (self._seen[place] == ordered) & (ordered != 0)
        return np.sort(order[again]).astype(np.int64)

    def _redrawn(
        self, block: pa.Table, column: str, rows: npt.NDArray[np.int64], attempt: int
    ) -> pa.Table:
        source = hashed(rows + len(self._seen), self._seed + attempt) % np.uint64(len(block))
        index = np.arange(len(block))
        index[rows] = source.astype(np.int64)
        values = block.column(column).combine_chunks().take(pa.array(index))
        filled = pc.if_else(pc.is_null(values), block.column(column), values)
        return _replaced(block, column, filled)

    def _beyond_range(self, block: pa.Table, column: str, rows: npt.NDArray[np.int64]) -> pa.Table:
        """Give the last repeated rows values after the largest one, numbered on."""
        values = block.column(column).combine_chunks()
        kind = self._config.columns[column].kind
        numbers = np.arange(len(rows)) + self._beyond + 1
        self._beyond += len(rows)
        fresh: Any
        if kind in _COUNTED:
            fresh = _counted_on(values, numbers)
        else:
            length = self._config.columns[column].length
            texts = values.take(pa.array(rows)).to_pylist()
            fresh = pa.array(
                [_suffixed(t, int(n), length) for t, n in zip(texts, numbers)], values.type
            )
        mask = np.zeros(len(block), dtype=bool)
        mask[rows] = True
        return _replaced(block, column, pc.replace_with_mask(values, pa.array(mask), fresh))


def _column_hash(column: pa.Array, position: int) -> U64:
    """Hash values independently of the block that they stand in."""
    if pa.types.is_integer(column.type) or pa.types.is_temporal(column.type):
        wide = pc.cast(
            column, pa.int32() if column.type.bit_width == 32 else pa.int64(), safe=False
        )
        numbers = pc.fill_null(pc.cast(wide, pa.int64()), 0).to_numpy(zero_copy_only=False)
        return hashed(numbers, position + 1)
    coded = column.dictionary_encode()
    import pandas as pd  # its hash of strings is vectorised and stable

    known = (
        pd.util.hash_array(
            np.asarray([str(v) for v in coded.dictionary.to_pylist()], dtype=object),
            categorize=False,
        )
        if len(coded.dictionary)
        else np.zeros(1, np.uint64)
    )
    index = pc.fill_null(coded.indices, 0).to_numpy(zero_copy_only=False)
    return hashed(known[index].astype(np.uint64), position + 1)


def _counted_on(values: pa.Array, numbers: npt.NDArray[np.int64]) -> pa.Array:
    """Continue after the largest value, in steps of the smallest gap."""
    type_ = values.type
    if pa.types.is_floating(type_):
        top = float(pc.max(values).as_py())
        return pa.array(top + numbers * max(abs(top) * 1e-6, 1e-6), type_)
    scale = type_.scale if pa.types.is_decimal(type_) else 0
    if pa.types.is_decimal(type_):
        import decimal

        top_value, unit = pc.max(values).as_py(), decimal.Decimal(1).scaleb(-scale)
        return pa.array([top_value + int(n) * unit for n in numbers], type_)
    narrow = pa.int32() if type_.bit_width == 32 and pa.types.is_temporal(type_) else pa.int64()
    whole = pc.cast(pc.cast(values, narrow) if pa.types.is_temporal(type_) else values, pa.int64())
    known = np.unique(whole.drop_null().to_numpy())
    gaps = np.diff(known)
    step = int(np.gcd.reduce(gaps)) if len(gaps) else 1
    fresh = pa.array(known[-1] + numbers * step)
    return (
        pc.cast(pc.cast(fresh, narrow), type_)
        if pa.types.is_temporal(type_)
        else pc.cast(fresh, type_)
    )


def _suffixed(text: str, number: int, length: Any) -> str:
    suffix = f"{number}"
    kept = text if length is None else text[: max(length - len(suffix), 0)]
    return kept + suffix


def _replaced(block: pa.Table, column: str, values: Any) -> pa.Table:
    position = block.schema.get_field_index(column)
    return block.set_column(position, block.schema.field(position), values)


def unique_repairs(
    config: TableConfig, free: Sequence[str], seed: int, undeclared: Sequence[Sequence[str]] = ()
) -> list[UniqueRepair]:
    """Build a repair for each unique set with a column in it that may be changed.

    Parameters
    ----------
    undeclared : sequence of sequence of str
        Sets that are unique though no constraint says so.
    """
    return [
        UniqueRepair(
            config, unique, set(free) & set(unique), seeds.seed_int(seed, config.name, *unique)
        )
        for unique in [*config.unique_sets, *undeclared]
        if set(free) & set(unique)
    ]
