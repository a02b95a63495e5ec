"""The training sample as SQL: hash-sampled entities, with all that belongs to them.

Nothing is written to the source, not even a temporary table: each table is one query that
joins up its driving keys to the level at which entities are sampled.
"""

from __future__ import annotations

from collections.abc import Sequence

from synthohive.connectors.draws import Draws
from synthohive.ddl.statements import matching
from synthohive.io.sample_levels import Levels
from synthohive.schema import Column, ForeignKey

__all__ = ["Subset"]


class Subset:
    """Builds the queries of one sample.

    Parameters
    ----------
    draws : Draws
        Which rows come first.
    levels : Levels
        Where entities are drawn.
    """

    def __init__(self, draws: Draws, levels: Levels) -> None:
        self.draws, self.levels = draws, levels
        self.dialect, self.metadata = draws.dialect, draws.metadata
        self.drivers = levels.drivers

    def query(self, table: str, columns: Sequence[Column], *beside: str) -> str:
        """Return the query of one table's sample, in a fixed order.

        Parameters
        ----------
        table : str
        columns : sequence of Column
            Those to read, in this order; the primary key's among them, where there is one.
        *beside : str
            Of a row ``t0``, what else is read behind the columns.
        """
        levels = self.levels
        level, chain = levels.level(table), levels.chain(table)
        share = levels.fraction(level)
        q = self.dialect.quote
        none = self.metadata.tables[table].no_parents
        listed = ", ".join(
            self.dialect.expression(c, self.dialect.held(c.name, "t0", none)) for c in columns
        )
        sql = f"SELECT {', '.join([listed, *beside])} FROM {self.draws.rows(table, 't0')}"
        conditions = []
        for i, driver in enumerate(self._drivers(chain)):
            equal = matching(driver, q, f"t{i}", f"t{i + 1}")
            sql += f" LEFT JOIN {self.draws.rows(driver.parent, f't{i + 1}')} ON {equal}"
            # A row whose parent is missing is left out, and with it all that hangs on it.
            none = self.metadata.tables[chain[i]].no_parents
            empty = " OR ".join(
                f"{self.dialect.held(c, f't{i}', none)} IS NULL" for c in driver.columns
            )
            conditions.append(f"({empty} OR {self._present(driver, i + 1)})")
        if share < 1.0:
            conditions.append(self._drawn(chain[: chain.index(level) + 1], share))
        if conditions:
            sql += f" WHERE {' AND '.join(conditions)}"
        names = [c.name for c in columns]
        keys = self.metadata.tables[table].pk or names
        return f"{sql} ORDER BY {', '.join(str(names.index(c) + 1) for c in keys)}"

    def _drivers(self, chain: Sequence[str]) -> list[ForeignKey]:
        drivers = [self.drivers[name] for name in chain[:-1]]
        return [driver for driver in drivers if driver is not None]

    def _present(self, driver: ForeignKey, alias: int) -> str:
        return f"t{alias}.{self.dialect.quote(driver.parent_columns[0])} IS NOT NULL"

    def _drawn(self, chain: Sequence[str], share: float) -> str:
        """Return the condition that a row's entity is drawn.

        The entity is the row's ancestor at the last table of the chain, or, where an empty
        key cuts the chain, the last that there is.
        """
        whens = [
            f"WHEN {self._present(driver, i + 1)} "
            f"THEN {self.draws.among_first(driver.parent, f't{i + 1}', share)}"
            for i, driver in enumerate(self._drivers(chain))
        ]
        itself = self.draws.among_first(chain[0], "t0", share)
        # CASE takes the first condition that holds: the topmost ancestor stands first.
        return f"CASE {' '.join(reversed(whens))} ELSE {itself} END" if whens else itself
