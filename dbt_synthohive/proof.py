"""Whether all rows of tables agree with what is said of them."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any, Optional

from synthohive import ForeignKey, UniqueConstraint

__all__ = ["Proof"]


class Proof:
    """Asks the database, once for each set of columns.

    Parameters
    ----------
    reader : Reader
        As in :attr:`synthohive.Synthesizer.source`. Columns that are proven to be unique are
        noted in its metadata, so that engines join to them.
    """

    def __init__(self, reader: Any) -> None:
        self.reader = reader
        self._nulls: dict[str, dict[str, int]] = {}
        self._orphans: dict[str, int] = {}
        self._repeated: set[tuple[str, tuple[str, ...]]] = set()

    def unique(self, table: str, columns: Sequence[str]) -> bool:
        """Whether no two rows without NULL in these columns are equal in all of them."""
        config = self.reader.metadata.table(table)
        if any(set(known) <= set(columns) for known in config.unique_sets):
            return True
        keyed = all(config.columns[column].kind.keyed for column in columns)
        if not keyed or (table, tuple(columns)) in self._repeated:
            return False
        known, distinct = self.reader.distinct(table, columns)
        if known == distinct:
            config.unique.append(UniqueConstraint(columns=list(columns)))
        else:
            self._repeated.add((table, tuple(columns)))
        return bool(known == distinct)

    def filled(self, table: str, column: str) -> bool:
        """Whether no row has NULL in a column."""
        config = self.reader.metadata.table(table)
        if not config.columns[column].nullable:
            return True
        if table not in self._nulls:
            self._nulls[table] = self.reader.nulls(table, list(config.stored))
        return self._nulls[table].get(column) == 0

    def within(self, table: str, column: str, values: Collection[str]) -> bool:
        """Whether a column holds nothing but some values, as text, and NULL."""
        if not self.reader.metadata.table(table).columns[column].kind.keyed:
            return False
        held = self.reader.values(table, column, len(values))
        if held is None:
            return False
        flags = {value.lower() for value in values}  # true, as YAML and dbt write it
        return all(
            str(v).lower() in flags if isinstance(v, bool) else str(v) in values for v in held
        )

    def orphans(self, table: str, key: ForeignKey) -> Optional[int]:
        """Count the rows whose parent does not exist; None if the key leads to no unique one."""
        tables = self.reader.metadata.tables
        own, theirs = tables[table].columns, tables[key.parent].columns
        pairs = zip(key.columns, key.parent_columns)
        if any(own[one].kind.family != theirs[other].kind.family for one, other in pairs):
            return None
        if not self.unique(key.parent, key.parent_columns):
            return None
        label = key.label(table)
        if label not in self._orphans:
            self._orphans[label] = self.reader.fan_out(table, key).orphans
        return self._orphans[label]
