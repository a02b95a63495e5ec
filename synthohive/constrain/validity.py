"""The last look at rows before they are handed out: NOT NULL, unique keys, foreign keys.

Every step before is meant to keep these by construction. This one trusts none of them: it reads
what is on disk, one block at a time, and holds 8 bytes per row and key.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Optional, Protocol

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from synthohive._logging import get_logger
from synthohive.constrain.unique_rules import UniqueRule
from synthohive.exceptions import ConstraintViolationError
from synthohive.schema import ForeignKey, Metadata, TableConfig
from synthohive.tables.key_hashes import NO_KEY, key_hashes

__all__ = ["Rows", "Violation", "check_validity", "violations"]

log = get_logger(__name__)
U64 = npt.NDArray[np.uint64]
Rules = Mapping[str, Sequence[UniqueRule]]
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


class Rows:
    """The rows of one table in memory.

    Parameters
    ----------
    table : pyarrow.Table
    """

    def __init__(self, table: pa.Table) -> None:
        self.table = table
        self.schema = table.schema

    def batches(self, columns: list[str]) -> Iterator[pa.RecordBatch]:
        """Yield the blocks in order, with some columns."""
        yield from self.table.select(columns).to_batches()


def check_validity(
    metadata: Metadata,
    tables: Mapping[str, Blocks],
    rules: Optional[Rules] = None,
    given: Optional[Mapping[str, Blocks]] = None,
) -> None:
    """Refuse tables with a row that a database would refuse.

    Parameters
    ----------
    rules : mapping of str to sequence of UniqueRule, optional
        By table: what must not repeat beside the unique sets of `metadata`.
    given : mapping of str to Blocks, optional
        What the rows were before cells of them were filled: what they broke already is
        nobody's fault here, and is told by the log event ``given_rows_not_valid``.

    Raises
    ------
    ConstraintViolationError
        Naming tables, keys, and numbers of rows.
    """
    found = list(violations(metadata, tables, rules))
    if found and given is not None:
        before = {(v.table, v.what): v.rows for v in violations(metadata, given, rules)}
        old = [v for v in found if v.rows <= before.get((v.table, v.what), 0)]
        if old:
            log.warning("given_rows_not_valid", problems=list(map(str, old)))
        found = [v for v in found if v not in old]
    if not found:
        return
    shown = "; ".join(map(str, found[:SHOWN]))
    more = f"; and {len(found) - SHOWN} more" if len(found) > SHOWN else ""
    raise ConstraintViolationError(
        f"The generated rows are not valid, and nothing was handed out: {shown}{more}.",
        hint="Try another seed or scale, and report the schema: keys are meant to hold always.",
    )


def violations(
    metadata: Metadata, tables: Mapping[str, Blocks], rules: Optional[Rules] = None
) -> Iterator[Violation]:
    """Yield what rows break, table by table."""
    for name, table in tables.items():
        config = metadata.tables[name]
        yield from _nulls(config, table)
        for unique in config.unique_sets:
            repeated = _repeated(table, unique)
            if repeated:
                label = "PRIMARY KEY" if unique == tuple(config.pk) else "UNIQUE"
                yield Violation(name, f"{label} ({', '.join(unique)})", repeated)
        for rule in (rules or {}).get(name, ()):
            repeated = _breaking(table, rule)
            if repeated:
                yield Violation(name, rule.label, repeated)
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


def _breaking(table: Blocks, rule: UniqueRule) -> int:
    """Return how many rows repeat what a rule says."""
    if not set(rule.all_columns) <= set(table.schema.names):
        return 0
    parts = [
        rule.hashes(pa.Table.from_batches([batch]))
        for batch in table.batches(list(rule.all_columns))
    ]
    hashes = np.sort(np.concatenate([*parts, np.zeros(0, dtype=np.uint64)]))
    hashes = hashes[hashes != NO_KEY]
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
