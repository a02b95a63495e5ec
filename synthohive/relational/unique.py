"""Unique sets with a modelled column in them: repeats are found and repaired."""

from __future__ import annotations

import decimal
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, Optional

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from synthohive.relational import seeds
from synthohive.relational.hashing import hashed
from synthohive.relational.key_hashes import NO_KEY, key_hashes, repeats
from synthohive.schema import ColumnKind, TableConfig

__all__ = ["UniqueRepair", "together", "unique_repairs"]

IntArray = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]
U64 = npt.NDArray[np.uint64]
Broken = Callable[[pa.Table], Bools]
REDRAWS, NUMBERINGS = 12, 4
_COUNTED = (
    ColumnKind.INTEGER,
    ColumnKind.DECIMAL,
    ColumnKind.DATE,
    ColumnKind.TIMESTAMP,
    ColumnKind.TIME,
    ColumnKind.FLOAT,
    ColumnKind.INTERVAL,
)
_WORDS = (ColumnKind.TEXT, ColumnKind.CATEGORICAL)


class UniqueRepair:
    """Keeps one unique set of columns free of repeats, block after block.

    A repeated row gets another row's value in a *free* column (which keeps the column's
    distribution); where that does not help, the next value that nobody has; where there is
    none, NULL, if the column may be NULL. Rows with a NULL in the set never repeat (SQL).

    Parameters
    ----------
    config : TableConfig
    columns : sequence of str
        The unique set.
    free : set of str
        The columns of the set that may be changed.
    seed : int
    broken : callable, optional
        Tells which rows of a block break a CHECK: none may do so by a repair.

    Attributes
    ----------
    left : list of int
        Rows that still repeat, numbered over all blocks.
    peers : list of UniqueRepair
        Other sets of the table, of which a repair must not make any repeat.
    """

    def __init__(
        self,
        config: TableConfig,
        columns: Sequence[str],
        free: set[str],
        seed: int,
        broken: Optional[Broken] = None,
    ) -> None:
        self.columns = tuple(columns)
        self._config, self._free, self._seed = config, sorted(free), seed
        self._broken = broken
        self._seen: U64 = np.empty(0, dtype=np.uint64)
        self._beyond = self._rows = 0
        self.left: list[int] = []
        self.peers: list[UniqueRepair] = []

    def apply(self, block: pa.Table) -> tuple[pa.Table, int]:
        """Return the block without repeats, and how many rows were changed."""
        repeated = self._repeated(block)
        changed = len(repeated)
        if changed:
            block = self._repaired(block, repeated)
            self.left += (self._repeated(block) + self._rows).tolist()
        return block, changed

    def remember(self, block: pa.Table) -> None:
        """Bar the block's values from those to come; after all sets of the block were repaired."""
        hashes = self._hashes(block)
        self._seen = np.union1d(self._seen, hashes[hashes != NO_KEY])
        self._rows += len(block)

    def collides(self, block: pa.Table) -> Bools:
        """Return the rows with the same values as any other, before or after them."""
        hashes = self._hashes(block)
        _, place, count = np.unique(hashes, return_inverse=True, return_counts=True)
        found = (count[place.reshape(-1)] > 1) | np.isin(hashes, self._seen)
        return np.asarray(found & (hashes != NO_KEY), dtype=np.bool_)

    def _repaired(self, block: pa.Table, repeated: IntArray) -> pa.Table:
        """Try what changes least first, until nothing repeats."""
        distinct = {c: pc.count_distinct(block.column(c)).as_py() for c in self._free}
        others = {c for peer in self.peers for c in peer.columns}
        columns = sorted(self._free, key=lambda c: (c in others, -distinct[c]))
        first = columns[0]
        for attempt in range(REDRAWS):
            if not len(repeated):
                return block
            block = self._offered(
                block, repeated, first, self._others(block, first, repeated, attempt)
            )
            repeated = self._repeated(block)
        for name in columns:
            for fresh in self._fresh(block, name):
                if len(repeated):
                    block = self._offered(block, repeated, name, fresh(repeated))
                    repeated = self._repeated(block)
        for name in columns:
            if (
                len(repeated)
                and self._config.columns[name].nullable
                and name not in self._config.pk
            ):
                nothing = pa.nulls(len(repeated), block.schema.field(name).type)
                block = self._offered(block, repeated, name, nothing)
                repeated = self._repeated(block)
        return block

    def _types(self, block: pa.Table) -> list[pa.DataType]:
        return [block.schema.field(name).type for name in self.columns]

    def _hashes(self, block: pa.Table) -> U64:
        """Hash each row's values of the set; 0 where one is NULL."""
        return key_hashes(block, self.columns, self._types(block))

    def _repeated(self, block: pa.Table) -> IntArray:
        """Return rows whose hash stood before: in this block, or in an earlier one."""
        return repeats(self._hashes(block), self._seen)

    def _offered(
        self, block: pa.Table, rows: IntArray, column: str, values: Optional[pa.Array]
    ) -> pa.Table:
        """Return the block with other values in some rows, but where these break a CHECK."""
        if values is None or not len(rows):
            return block
        mask = np.zeros(len(block), dtype=np.bool_)
        mask[rows] = True
        old = block.column(column).combine_chunks()
        changed = _replaced(block, column, pc.replace_with_mask(old, pa.array(mask), values))
        wrong = np.zeros(len(block), dtype=np.bool_)
        if self._broken is not None:
            wrong |= self._broken(changed)
        for peer in self.peers:
            if column in peer.columns:
                wrong |= peer.collides(changed)
        wrong &= mask
        if not wrong.any():
            return changed
        kept = pc.if_else(pa.array(wrong), old, changed.column(column).combine_chunks())
        return _replaced(block, column, kept)

    def _others(self, block: pa.Table, column: str, rows: IntArray, attempt: int) -> pa.Array:
        """Return the values of other rows, drawn at random."""
        source = hashed(rows + len(self._seen), self._seed + attempt) % np.uint64(len(block))
        own = block.column(column).combine_chunks()
        values = own.take(pa.array(source.astype(np.int64)))
        return pc.if_else(pc.is_null(values), own.take(pa.array(rows)), values)

    def _fresh(self, block: pa.Table, name: str) -> list[Callable[[IntArray], Optional[pa.Array]]]:
        """Return what makes values that are new: of a list where there is one, else numbered on."""
        column, type_ = self._config.columns[name], block.schema.field(name).type
        labels: Optional[Sequence[Any]] = column.enum_values
        if column.kind is ColumnKind.BOOLEAN:
            labels = [False, True]
        if labels is not None:
            return [partial(_repeated_label, pa.scalar(label, type_)) for label in labels]
        return [lambda at: self._numbered(block, name, at)] * NUMBERINGS

    def _numbered(self, block: pa.Table, name: str, rows: IntArray) -> Optional[pa.Array]:
        """Return values after the largest one, numbered on; None where there is no room."""
        column = self._config.columns[name]
        values = block.column(name).combine_chunks()
        numbers = np.arange(len(rows)) + self._beyond + 1
        self._beyond += len(rows)
        if column.kind in _COUNTED:
            return _counted_on(values, numbers)
        if column.kind not in _WORDS or not pa.types.is_string(values.type):
            return None
        texts = values.take(pa.array(rows)).to_pylist()
        made = [_suffixed(text or "", int(n), column.length) for text, n in zip(texts, numbers)]
        return pa.array(made, values.type)


def _repeated_label(label: pa.Scalar, rows: IntArray) -> pa.Array:
    return pa.repeat(label, len(rows))


def _counted_on(values: pa.Array, numbers: IntArray) -> Optional[pa.Array]:
    """Continue after the largest value, in steps of the smallest gap; else below the smallest."""
    type_ = values.type
    if values.null_count == len(values):
        return None
    if pa.types.is_floating(type_):
        top = float(pc.max(values).as_py())
        return pa.array(top + numbers * max(abs(top) * 1e-6, 1e-6), type_)
    if pa.types.is_decimal(type_):
        unit = decimal.Decimal(1).scaleb(-type_.scale)
        ends = pc.max(values).as_py(), pc.min(values).as_py()
        for end, sign in zip(ends, (1, -1)):
            try:
                return pa.array([end + sign * int(n) * unit for n in numbers], type_)
            except pa.ArrowInvalid:
                continue
        return None
    narrow = pa.int32() if type_.bit_width == 32 and pa.types.is_temporal(type_) else pa.int64()
    whole = pc.cast(pc.cast(values, narrow) if pa.types.is_temporal(type_) else values, pa.int64())
    known = np.unique(whole.drop_null().to_numpy())
    gaps = np.diff(known)
    step = int(np.gcd.reduce(gaps)) if len(gaps) else 1
    for fresh in (known[-1] + numbers * step, known[0] - numbers * step):
        try:
            if not pa.types.is_temporal(type_):
                return pc.cast(pa.array(fresh), type_)
            return pc.cast(pc.cast(pa.array(fresh), narrow), type_)
        except pa.ArrowInvalid:  # beyond what the type holds
            continue
    return None


def _suffixed(text: str, number: int, length: Optional[int]) -> str:
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
    return together(
        [
            UniqueRepair(
                config, unique, set(free) & set(unique), seeds.seed_int(seed, config.name, *unique)
            )
            for unique in [*config.unique_sets, *undeclared]
            if set(free) & set(unique)
        ]
    )


def together(repairs: list[UniqueRepair]) -> list[UniqueRepair]:
    """Let repairs of one table know of one another."""
    for repair in repairs:
        columns = set(repair.columns)
        repair.peers = [p for p in repairs if p is not repair and columns & set(p.columns)]
    return repairs
