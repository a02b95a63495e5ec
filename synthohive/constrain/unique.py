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

from synthohive._arrays import Bools, IntArray
from synthohive._random import hashed
from synthohive.constrain.base import Broken, Repair
from synthohive.constrain.unique_rules import UniqueRule
from synthohive.schema import ColumnKind, TableConfig
from synthohive.tables.joins import put
from synthohive.tables.key_hashes import NO_KEY, repeats
from synthohive.texts.words import vocabulary_of

__all__ = ["UniqueRepair"]

U64 = npt.NDArray[np.uint64]
REDRAWS, NUMBERINGS = 12, 4


class UniqueRepair(Repair):
    """Keeps one rule of uniqueness, block after block.

    A repeated row first trades what puts it under the rule's condition with a row that is not
    (an address is the default one in place of another); then it gets another row's value in a
    *free* column. Both keep all columns' distributions. Where that does not help, it gets the
    next value that nobody has; where there is none, NULL, if the column may be NULL; at last it
    leaves the rule's condition.

    Parameters
    ----------
    config, broken
        As of :class:`Repair`.
    rule : UniqueRule
    free : set of str
        The columns of the set that may be changed.
    seed : int
    movable : sequence of str
        Columns that tell whether a row is under the rule's condition, and those tied to them,
        which are traded together.
    """

    def __init__(
        self,
        config: TableConfig,
        rule: UniqueRule,
        free: set[str],
        seed: int,
        broken: Optional[Broken] = None,
        movable: Sequence[str] = (),
    ) -> None:
        super().__init__(config, rule, {*free, *movable}, broken)
        self.rule, self._free, self._seed = rule, sorted(free), seed
        self._movable = list(movable)
        self._seen: U64 = np.empty(0, dtype=np.uint64)
        self._beyond = 0

    def repeated(self, block: pa.Table) -> IntArray:
        """Return rows whose hash stood before: in this block, or in an earlier one."""
        return repeats(self.rule.hashes(block), self._seen)

    def violations(self, block: pa.Table) -> Bools:
        """Return the rows with the same values as any other, before or after them."""
        hashes = self.rule.hashes(block)
        _, place, count = np.unique(hashes, return_inverse=True, return_counts=True)
        found = (count[place.reshape(-1)] > 1) | np.isin(hashes, self._seen)
        return np.asarray(found & (hashes != NO_KEY), dtype=np.bool_)

    def _bar(self, block: pa.Table, repeated: IntArray) -> None:
        hashes = self.rule.hashes(block)
        self._seen = np.union1d(self._seen, hashes[hashes != NO_KEY])

    def _repaired(self, block: pa.Table, repeated: IntArray) -> pa.Table:
        """Try what changes least first, until nothing repeats."""
        distinct = {c: pc.count_distinct(block.column(c)).as_py() for c in self._free}
        others = {c for peer in self.peers for c in peer.columns}
        # First the column with most values, which repeats least; last what other rules look at.
        columns = sorted(self._free, key=lambda c: (c in others, -distinct[c]))
        for attempt in range(REDRAWS if self._movable else 0):
            if len(repeated):
                block = self._traded(block, repeated, attempt)
                repeated = self.repeated(block)
        for attempt in range(REDRAWS if columns else 0):
            if len(repeated):
                values = self._others(block, columns[0], repeated, attempt)
                block = self._offered(block, repeated, columns[0], values)
                repeated = self.repeated(block)
        for name in columns:
            for fresh in self._fresh(block, name):
                if len(repeated):
                    block = self._offered(block, repeated, name, fresh(repeated))
                    repeated = self.repeated(block)
        for name in columns:
            if len(repeated) and self.config.columns[name].nullable and name not in self.config.pk:
                nothing = pa.nulls(len(repeated), block.schema.field(name).type)
                block = self._offered(block, repeated, name, nothing)
                repeated = self.repeated(block)
        if len(repeated) and self._movable:
            block = self._moved_out(block, repeated)
        return block

    def _outside(self, block: pa.Table) -> IntArray:
        """Return the rows that the rule's condition leaves out."""
        assert self.rule.where is not None
        return np.flatnonzero(~self.rule.where.holds(block)).astype(np.int64)

    def _traded(self, block: pa.Table, rows: IntArray, attempt: int) -> pa.Table:
        """Exchange what decides on the condition with rows outside, where both are right then."""
        outside = self._outside(block)
        # By hashes that go on where the blocks before ended: the same rows in any run.
        outside = outside[np.argsort(hashed(outside + len(self._seen), self._seed + attempt))]
        size = min(len(rows), len(outside))
        rows, partners = rows[:size], outside[:size]
        source = np.arange(len(block), dtype=np.int64)
        source[rows], source[partners] = partners, rows
        changed = _taken(block, self._movable, source)
        wrong = self._moves_wrong(changed)
        kept = (wrong[rows] | wrong[partners]).nonzero()[0]
        source[rows[kept]], source[partners[kept]] = rows[kept], partners[kept]
        return _taken(block, self._movable, source)

    def _moved_out(self, block: pa.Table, rows: IntArray) -> pa.Table:
        """Let rows take what decides on the condition from rows outside."""
        for attempt in range(REDRAWS):
            outside = self._outside(block)
            if not len(rows) or not len(outside):
                break
            drawn = hashed(rows + len(self._seen), self._seed - attempt - 1)
            source = np.arange(len(block), dtype=np.int64)
            source[rows] = outside[(drawn % np.uint64(len(outside))).astype(np.int64)]
            wrong = self._moves_wrong(_taken(block, self._movable, source))[rows]
            source[rows[wrong]] = rows[wrong]
            block = _taken(block, self._movable, source)
            rows = self.repeated(block)
        return block

    def _moves_wrong(self, changed: pa.Table) -> Bools:
        """Return the rows that break a CHECK, or repeat another one, by this rule or a peer's."""
        return self._wrong(changed, self._movable) | self.violations(changed)

    def _offered(
        self, block: pa.Table, rows: IntArray, column: str, values: Optional[pa.Array]
    ) -> pa.Table:
        """Return the block with other values in some rows, but where these break a CHECK."""
        if values is None or not len(rows):
            return block
        mask = np.zeros(len(block), dtype=np.bool_)
        mask[rows] = True
        old = block.column(column).combine_chunks()
        changed = _replaced(block, column, put(old, mask, values))
        wrong = self._wrong(changed, [column]) & mask
        if not wrong.any():
            return changed
        kept = pc.if_else(pa.array(wrong), old, changed.column(column).combine_chunks())
        return _replaced(block, column, kept)

    def _others(self, block: pa.Table, column: str, rows: IntArray, attempt: int) -> pa.Array:
        """Return the values of other rows, drawn at random."""
        source = hashed(rows + len(self._seen), self._seed + attempt) % np.uint64(len(block))
        own = block.column(column).combine_chunks()
        # Not another row's NULL, of which there would be more then: the own value stays.
        values = own.take(pa.array(source.astype(np.int64)))
        return pc.if_else(pc.is_null(values), own.take(pa.array(rows)), values)

    def _fresh(self, block: pa.Table, name: str) -> list[Callable[[IntArray], Optional[pa.Array]]]:
        """Return what makes values that are new: of a list where there is one, else numbered on."""
        column, type_ = self.config.columns[name], block.schema.field(name).type
        labels: Optional[Sequence[Any]] = column.enum_values
        if column.kind is ColumnKind.BOOLEAN:
            labels = [False, True]
        if column.kind.family == "text" and labels is None:
            texts = block.column(name).unique().drop_null().to_pylist()
            members = vocabulary_of([str(text) for text in texts], every=True) or ()
            labels = [text for text in members if len(text) <= (column.length or len(text))] or None
        if labels is not None:
            return [partial(_repeated_label, pa.scalar(label, type_)) for label in labels]
        return [lambda at: self._numbered(block, name, at)] * NUMBERINGS

    def _numbered(self, block: pa.Table, name: str, rows: IntArray) -> Optional[pa.Array]:
        """Return values after the largest one, numbered on; None where there is no room."""
        column = self.config.columns[name]
        values = block.column(name).combine_chunks()
        numbers = np.arange(len(rows)) + self._beyond + 1
        self._beyond += len(rows)
        if column.kind.family in ("number", "time"):
            return _counted_on(values, numbers)
        if column.kind.family != "text" or not pa.types.is_string(values.type):
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
    # The common step of all values: dates that are all Mondays stay such.
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


def _taken(block: pa.Table, columns: Sequence[str], source: IntArray) -> pa.Table:
    """Return the block with some columns from other rows."""
    for name in columns:
        values = block.column(name).combine_chunks().take(pa.array(source))
        block = _replaced(block, name, values)
    return block
