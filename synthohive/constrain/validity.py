"""The last look at rows before they are handed out: NOT NULL, unique keys, foreign keys.

Every step before is meant to keep these by construction. This one trusts none of them: it reads
what is on disk, one block at a time. Hashes of keys wait in a file; equal ones are looked for among
those of one range after the other, so that no more than a million are held.
"""

from __future__ import annotations

import tempfile
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from typing import IO, Optional

import numpy as np
import numpy.typing as npt

from synthohive._logging import get_logger
from synthohive.constrain.unique import UniqueRule
from synthohive.exceptions import ConstraintViolationError
from synthohive.io.base import Violation
from synthohive.schema import ForeignKey, Metadata, TableConfig
from synthohive.tables.base import Tables
from synthohive.tables.key_hashes import NO_KEY, key_hashes

__all__ = ["check_validity", "refuse", "repeats", "violations"]

log = get_logger(__name__)
U64 = npt.NDArray[np.uint64]
Rules = Mapping[str, Sequence[UniqueRule]]
SHOWN = 5
AT_ONCE, READ_AT_ONCE = 1_000_000, 131_072
"""Hashes of one range, and of one piece of a file."""


def check_validity(
    metadata: Metadata,
    tables: Tables,
    rules: Optional[Rules] = None,
    given: Optional[Tables] = None,
    names: Optional[Collection[str]] = None,
) -> None:
    """Refuse tables with a row that a database would refuse.

    Parameters
    ----------
    metadata : Metadata
    tables : Tables
    rules : mapping of str to sequence of UniqueRule, optional
        By table: what must not repeat beside the unique sets of `metadata`.
    given : Tables, optional
        What the rows were before cells of them were filled: what they broke already is
        nobody's fault here, and is told by the log event ``given_rows_not_valid``.
    names : collection of str, optional
        The tables whose rows are looked at; all by default.
    """
    found = list(violations(metadata, tables, rules, names))
    if found and given is not None:
        before = {(v.table, v.what): v.rows for v in violations(metadata, given, rules)}
        old = [v for v in found if v.rows <= before.get((v.table, v.what), 0)]
        if old:
            log.warning("given_rows_not_valid", problems=list(map(str, old)))
        found = [v for v in found if v not in old]
    refuse(found)


def refuse(found: Sequence[Violation]) -> None:
    """Refuse rows that break something.

    Raises
    ------
    ConstraintViolationError
    """
    if not found:
        return
    shown = "; ".join(map(str, found[:SHOWN]))
    more = f"; and {len(found) - SHOWN} more" if len(found) > SHOWN else ""
    raise ConstraintViolationError(
        f"The generated rows are not valid, and nothing was handed out: {shown}{more}.",
        hint="Try another seed or scale, and report the schema: keys are meant to hold always.",
    )


def violations(
    metadata: Metadata,
    tables: Tables,
    rules: Optional[Rules] = None,
    names: Optional[Collection[str]] = None,
) -> Iterator[Violation]:
    """Yield what rows break, table by table: NOT NULL, what must not repeat, foreign keys.

    Parameters
    ----------
    metadata, tables, rules, names
        As of :func:`check_validity`; all tables are read block by block.
    """
    for name, config in metadata.tables.items():
        if names is not None and name not in names:
            continue
        for column, rows in _nulls(config, tables).items():
            if rows:
                yield Violation(name, f"NOT NULL ({column})", rows)
        yield from repeats(config, tables, (rules or {}).get(name, ()))
        for key in config.foreign_keys:
            orphans = _orphans(tables, name, key)
            if orphans:
                yield Violation(name, key.label(name), orphans)


def repeats(
    config: TableConfig,
    tables: Tables,
    rules: Sequence[UniqueRule],
    filled: Collection[str] = (),
) -> Iterator[Violation]:
    """Yield what a table's rows repeat that must not, as :func:`violations` does.

    Parameters
    ----------
    config : TableConfig
    tables : Tables
    rules : sequence of UniqueRule
        Beside the unique sets of `config`.
    filled : collection of str
        Columns in which something stands for NULL by now: what is about them is not looked at.
    """
    for rule in [*map(UniqueRule, config.unique_sets), *rules]:
        if set(rule.columns) & set(filled):
            continue
        repeated = _repeated(tables, config.name, rule)
        if repeated:
            label = rule.label if rule.special else config.unique_label(rule.columns)
            yield Violation(config.name, label, repeated)


def _nulls(config: TableConfig, tables: Tables) -> dict[str, int]:
    """Return how many rows are NULL in each column that must not be."""
    known = [n for n in tables.schema(config.name).names if n in config.columns]
    empty = {name: 0 for name in known if not config.columns[name].nullable}
    for rows in tables.batches(config.name, list(empty)) if empty else ():
        for name in empty:
            empty[name] += rows.column(name).null_count
    return empty


def _repeated(tables: Tables, name: str, rule: UniqueRule) -> int:
    """Return how many rows repeat what must not repeat."""
    if not set(rule.all_columns) <= set(tables.schema(name).names):
        return 0  # a part is computed by the database
    with _Hashes(rule.hashes(rows) for rows in tables.batches(name, rule.all_columns)) as found:
        ranges = found.ranges
        kept = (np.sort(found.within(number, ranges)) for number in range(ranges))
        return sum(int((hashes[1:] == hashes[:-1]).sum()) for hashes in kept)


def _orphans(tables: Tables, name: str, key: ForeignKey) -> int:
    """Return how many rows have a complete key without a parent."""
    if not set(key.columns) <= set(tables.schema(name).names):
        return 0
    # Both sides are hashed as the type referred to: else a numeric would find no integer.
    types = [tables.schema(key.parent).field(column).type for column in key.parent_columns]
    above = tables.batches(key.parent, key.parent_columns)
    parents = _Hashes(key_hashes(rows, key.parent_columns, types) for rows in above)
    below = tables.batches(name, key.columns)
    children = _Hashes(key_hashes(rows, key.columns, types) for rows in below)
    orphans = 0
    with parents, children:
        ranges = max(parents.ranges, children.ranges)
        for number in range(ranges):
            theirs = np.sort(parents.within(number, ranges))
            hashes = np.sort(children.within(number, ranges))  # neighbours are near each other
            if len(theirs):
                at = np.minimum(np.searchsorted(theirs, hashes), len(theirs) - 1)
                hashes = hashes[theirs[at] != hashes]
            orphans += len(hashes)
    return orphans


class _Hashes:
    """The hashes of all rows that have one, in a file if they are many.

    Parameters
    ----------
    parts : iterable of ndarray of uint64
    """

    def __init__(self, parts: Iterable[U64]) -> None:
        self.count = 0
        self._file = _file()
        for part in parts:
            known = part[part != NO_KEY]
            self._file.write(known.tobytes())
            self.count += len(known)
        self._starts = np.array([0, self.count])

    def __enter__(self) -> _Hashes:
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()

    @property
    def ranges(self) -> int:
        """The number of ranges, in each of which about `AT_ONCE` hashes lie, or fewer."""
        return max(1, -(-self.count // AT_ONCE))

    def within(self, number: int, ranges: int) -> U64:
        """Return the hashes in one of so many ranges of equal length."""
        if len(self._starts) != ranges + 1:
            self._part(ranges)
        start, stop = self._starts[number], self._starts[number + 1]
        self._file.seek(8 * int(start))
        return np.frombuffer(self._file.read(8 * int(stop - start)), dtype=np.uint64)

    def _part(self, ranges: int) -> None:
        """Put the hashes in the order of their ranges: two passes over the file, however many."""
        counts = np.zeros(ranges, dtype=np.int64)
        for _, own in self._pieces(ranges):
            counts += np.bincount(own, minlength=ranges)
        self._starts = np.concatenate([[0], np.cumsum(counts)])
        parted, ends = _file(), self._starts[:-1].copy()
        for hashes, own in self._pieces(ranges):
            order, sizes = np.argsort(own, kind="stable"), np.bincount(own, minlength=ranges)
            parts = np.split(hashes[order], np.cumsum(sizes)[:-1])
            for number in np.flatnonzero(sizes):
                parted.seek(8 * int(ends[number]))
                parted.write(parts[number].tobytes())
            ends += sizes
        self._file.close()
        self._file = parted

    def _pieces(self, ranges: int) -> Iterator[tuple[U64, npt.NDArray[np.int64]]]:
        """Yield the hashes in pieces, with the range of each."""
        self._file.seek(0)
        while data := self._file.read(8 * READ_AT_ONCE):
            hashes = np.frombuffer(data, dtype=np.uint64)
            # the first 32 bits, which are as much by chance as all, times the number of ranges
            own = (hashes >> np.uint64(32)) * np.uint64(ranges) >> np.uint64(32)
            yield hashes, own.astype(np.int64)


def _file() -> IO[bytes]:
    """Return a file that stays in memory while it is short, and goes when it is closed."""
    return tempfile.SpooledTemporaryFile(max_size=8 * AT_ONCE)
