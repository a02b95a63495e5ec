"""The training sample as SQL: hash-sampled entities, with all that belongs to them.

Nothing is written to the source, not even a temporary table: each table is one query that
joins up its driving keys to the level at which entities are sampled.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Optional

from synthohive.connectors.dialects.base import Dialect
from synthohive.schema import Column, ForeignKey, Metadata

__all__ = ["Subset"]

ENTITIES = 1_000
"""A table with fewer rows is no place to sample at: its rows would be too few draws."""
SPACE = 1 << 32


class Subset:
    """Builds the queries of one sample.

    Parameters
    ----------
    dialect : Dialect
    place : callable
        From a table's name to its quoted name with the schema.
    metadata : Metadata
    drivers : dict of str to ForeignKey or None
    size : int
        Most rows per table.
    seed : int
    """

    def __init__(
        self,
        dialect: Dialect,
        place: Callable[[str], str],
        metadata: Metadata,
        drivers: Mapping[str, Optional[ForeignKey]],
        size: int,
        seed: int,
    ) -> None:
        self.dialect, self.place, self.metadata = dialect, place, metadata
        self.drivers, self.size, self.seed = drivers, size, seed

    def chain(self, table: str) -> list[str]:
        """Return the table and its ancestors over driving keys, nearest first."""
        found = [table]
        while (driver := self.drivers.get(found[-1])) is not None:
            found.append(driver.parent)
        return found

    def level(self, table: str, counts: Mapping[str, int]) -> str:
        """Return the topmost of a table and its ancestors that has enough rows."""
        large = [name for name in self.chain(table) if counts[name] >= ENTITIES]
        return large[-1] if large else table

    def fraction(self, level: str, counts: Mapping[str, int]) -> float:
        """Return the share of a level's rows such that no table below exceeds the size."""
        below = [counts[name] for name in self.drivers if self.level(name, counts) == level]
        return min(1.0, self.size / max([1, *below]))

    def query(self, table: str, columns: Sequence[Column], counts: Mapping[str, int]) -> str:
        """Return the query of one table's sample, in a fixed order."""
        level = self.level(table, counts)
        share = self.fraction(level, counts)
        chain = self.chain(table)
        q = self.dialect.quote
        listed = ", ".join(self.dialect.expression(c, f"t0.{q(c.name)}") for c in columns)
        sql = f"SELECT {listed} FROM {self.place(table)} t0"
        conditions = []
        for i, name in enumerate(chain[:-1] if share < 1.0 else chain[:1]):
            driver = self.drivers[name]
            if driver is None or (share < 1.0 and name == level):
                break
            equal = " AND ".join(
                f"t{i}.{q(c)} = t{i + 1}.{q(p)}"
                for c, p in zip(driver.columns, driver.parent_columns)
            )
            sql += f" LEFT JOIN {self.place(driver.parent)} t{i + 1} ON {equal}"
        driver = self.drivers[table]
        if driver is not None and (share >= 1.0 or level != table):
            empty = " OR ".join(f"t0.{q(c)} IS NULL" for c in driver.columns)
            present = " AND ".join(f"t1.{q(p)} IS NOT NULL" for p in driver.parent_columns)
            conditions.append(f"(({empty}) OR ({present}))")
        if share < 1.0:
            conditions.append(self._drawn(table, level, chain, share))
        if conditions:
            sql += f" WHERE {' AND '.join(conditions)}"
        names = [c.name for c in columns]
        keys = self.metadata.tables[table].pk or names
        return f"{sql} ORDER BY {', '.join(str(names.index(c) + 1) for c in keys)}"

    def _drawn(self, table: str, level: str, chain: list[str], share: float) -> str:
        """Return the condition that a row's entity is drawn (its own key without one)."""
        at = chain.index(level)
        limit = int(share * SPACE)
        own = self._hash(table, 0)
        if at == 0:
            return f"{own} < {limit}"
        entity = f"t{at}.{self.dialect.quote(self._keys(level)[0])}"
        drawn = f"{self._hash(level, at)} < {limit}"
        return f"(({entity} IS NOT NULL AND {drawn}) OR ({entity} IS NULL AND {own} < {limit}))"

    def _keys(self, table: str) -> list[str]:
        config = self.metadata.tables[table]
        return config.pk or list(config.columns)

    def _hash(self, table: str, alias: int) -> str:
        columns = [f"t{alias}.{self.dialect.quote(c)}" for c in self._keys(table)]
        return self.dialect.hashed(columns, self.seed)
