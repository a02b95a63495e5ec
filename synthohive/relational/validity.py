"""The last look at rows before they are handed out: NOT NULL, unique keys, foreign keys.

Every step before is meant to keep these by construction. This one trusts none of them: it reads
what is on disk, one block at a time, and holds 8 bytes per row and key.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from synthohive.exceptions import ConstraintViolationError
from synthohive.relational.key_hashes import NO_KEY, key_hashes
from synthohive.schema import ForeignKey, Metadata, TableConfig

__all__ = ["Violation", "check_validity", "violations"]

U64 = npt.NDArray[np.uint64]
SHOWN = 5


class Blocks(Protocol):
    """The rows of one table, in blocks."""

    @property
    def schema(self) -> pa.Schema:
        """Columns and types."""

    def batches(self, columns: list[str]) -> Iterable[pa.RecordBatch]:
        """Yield the blocks in order, with some columns."""


@dataclass(frozen=True)
class Violation:
    """Rows that a database would refuse.

    Attributes
    ----------
    table : str
    what : str
        The constraint, as it is named to users.
    rows : int
    """

    table: str
    what: str
    rows: int

    def __str__(self) -> str:
        return f"{self.table}: {self.rows:,} rows break {self.what}"


def check_validity(metadata: Metadata, tables: Mapping[str, Blocks]) -> None:
    """Refuse tables with a row that a database would refuse.

    Raises
    ------
    ConstraintViolationError
        Naming tables, keys, and numbers of rows.
    """
    found = list(violations(metadata, tables))
    if not found:
        return
    shown = "; ".join(map(str, found[:SHOWN]))
    more = f"; and {len(found) - SHOWN} more" if len(found) > SHOWN else ""
    raise ConstraintViolationError(
        f"The generated rows are not valid, and nothing was handed out: {shown}{more}.",
        hint="Try another seed or scale, and report the schema: keys are meant to hold always.",
    )


def violations(metadata: Metadata, tables: Mapping[str, Blocks]) -> Iterator[Violation]:
    """Yield what rows break, table by table."""
    for name, table in tables.items():
        config = metadata.tables[name]
        yield from _nulls(config, table)
        for unique in config.unique_sets:
            repeated = _repeated(table, unique)
            if repeated:
                label = "PRIMARY KEY" if unique == tuple(config.pk) else "UNIQUE"
                yield Violation(name, f"{label} ({', '.join(unique)})", repeated)
        for key in config.foreign_keys:
            orphans = _orphans(table, key, tables[key.parent])
            if orphans:
                yield Violation(name, key.label(name), orphans)


def _nulls(config: TableConfig, table: Blocks) -> Iterator[Violation]:
    names = [
        n for n in table.schema.names if n in config.columns and not config.columns[n].nullable
    ]
    empty = dict.fromkeys(names, 0)
    if names:
        for batch in table.batches(names):
            for name, column in zip(names, batch.columns):
                empty[name] += column.null_count
    for name, rows in empty.items():
        if rows:
            yield Violation(config.name, f"NOT NULL ({name})", rows)


def _repeated(table: Blocks, unique: tuple[str, ...]) -> int:
    """Return how many rows repeat a unique key."""
    if not set(unique) <= set(table.schema.names):  # a part is computed by the database
        return 0
    types = [table.schema.field(name).type for name in unique]
    hashes = _hashes(table, list(unique), types)
    hashes.sort()
    return int((hashes[1:] == hashes[:-1]).sum())


def _orphans(table: Blocks, key: ForeignKey, parent: Blocks) -> int:
    """Return how many rows have a complete key without a parent."""
    if not set(key.columns) <= set(table.schema.names):
        return 0
    types = [parent.schema.field(name).type for name in key.parent_columns]
    known = np.sort(_hashes(parent, key.parent_columns, types))
    orphans = 0
    for hashes in _block_hashes(table, key.columns, types):
        own = hashes[hashes != NO_KEY]
        if not len(known):
            orphans += len(own)
        elif len(own):
            place = np.minimum(np.searchsorted(known, own), len(known) - 1)
            orphans += int((known[place] != own).sum())
    return orphans


def _hashes(table: Blocks, columns: list[str], types: list[pa.DataType]) -> U64:
    """Return the hashes of all rows whose key is complete."""
    parts = [h[h != NO_KEY] for h in _block_hashes(table, columns, types)]
    return np.concatenate(parts) if parts else np.zeros(0, dtype=np.uint64)


def _block_hashes(table: Blocks, columns: list[str], types: list[pa.DataType]) -> Iterator[U64]:
    for batch in table.batches(columns):
        yield key_hashes(pa.Table.from_batches([batch]), columns, types)
