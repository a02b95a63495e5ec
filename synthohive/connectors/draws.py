"""In which order rows are drawn, by SQL: by hash, by date, by category, by stretches of groups."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from typing import Any

from sqlalchemy.engine import Connection

from synthohive.connectors.dialect import Dialect
from synthohive.io.sample_levels import (
    CATEGORIES,
    STEPS,
    Stretches,
    candidates,
    date_of,
    without_dates,
)
from synthohive.schema import ForeignKey, Metadata

__all__ = ["Draws"]

SPACE = 1 << 32
_RANK, _HASH, _STEP = "synthohive_rank", "synthohive_hash", "synthohive_step"
_PLACE, _SIZE, _PIECE = "synthohive_place", "synthohive_size", "synthohive_piece"


class Draws:
    """Says of a row whether it is among the first of its table.

    Parameters
    ----------
    dialect : Dialect
    source : callable
        Gives a table of a FROM clause, by its name and an alias.
    metadata : Metadata
    counts : mapping of str to int
        The rows of each table.
    seed : int
    """

    def __init__(
        self,
        dialect: Dialect,
        source: Callable[[str, str], str],
        metadata: Metadata,
        counts: Mapping[str, int],
        seed: int,
    ) -> None:
        self.dialect, self.source, self.metadata = dialect, source, metadata
        self.counts, self.seed = counts, seed
        self._ranked: dict[str, str] = {}
        self.stratified: set[str] = set()
        self.stretched: dict[str, ForeignKey] = {}

    def arrange(self, strategy: str, tables: Collection[str], connection: Connection) -> None:
        """Have rows of some tables come in another order than that of their hashes.

        Parameters
        ----------
        strategy : {"relational", "stratified", "recent"}
        tables : collection of str
            Those at which entities are drawn.
        connection : sqlalchemy.engine.Connection
            Asked for the categories.

        Raises
        ------
        SchemaError
            There is no date to go by.
        """
        if strategy == "recent":
            self._ranked = {name: sql for name in tables if (sql := self._by_date(name))}
            if tables and not self._ranked:
                raise without_dates(tables)
        elif strategy == "stratified":
            for name in tables:
                names = self._categories(name, connection)
                if names:
                    self._ranked[name] = self._by_category(name, names)
                    self.stratified.add(name)

    def in_stretches(self, table: str, stretches: Stretches) -> None:
        """Have the first rows of a table's groups come first, then stretches by their hashes."""
        self._ranked[table] = self._by_stretch(table, stretches)
        self.stretched[table] = stretches.key

    def rows(self, table: str, alias: str) -> str:
        """Return what stands for a table in a FROM clause."""
        ranked = self._ranked.get(table)
        return f"{ranked} {alias}" if ranked else self.source(table, alias)

    def score(self, table: str, alias: str) -> str:
        """Return the place of a row in the order of its table, or what goes with it."""
        return f"{alias}.{_RANK}" if table in self._ranked else f"({self.hash(table, alias)})"

    def among_first(self, table: str, alias: str, share: float) -> str:
        """Return the condition that a row is among the first of its table."""
        ranked = table in self._ranked
        end = round(share * self.counts[table]) + 1 if ranked else int(share * SPACE)
        return f"{self.score(table, alias)} < {end}"  # the hash is uniform below SPACE

    def places(self, table: str, alias: str) -> list[str]:
        """Return what is read beside a row, to tell what its place means.

        Of a stratified table, that is its hash, and how early its categories let it be (more than
        the last of `STEPS` where they do not); of one that is drawn in stretches, its place in its
        group, from 1 on, and the group's rows. Of other tables there is nothing.
        """
        read = (_HASH, _STEP) if table in self.stratified else ()
        read = (_PLACE, _SIZE) if table in self.stretched else read
        return [f"{alias}.{name}" for name in read]

    def hash(self, table: str, alias: str) -> str:
        """Return the hash of a row: of its key, or of all its values."""
        config = self.metadata.tables[table]
        columns = [self._column(c, alias) for c in config.pk or config.stored]
        return self.dialect.hashed(columns, self.seed)

    def _column(self, name: str, alias: str) -> str:
        return f"{alias}.{self.dialect.quote(name)}"

    def _read(self, table: str, name: str) -> str:
        """Return a value as it is read: not all types know when two are equal."""
        column = self.metadata.tables[table].columns[name]
        return self.dialect.expression(column, self._column(name, "x"))

    def _by_date(self, table: str) -> str:
        date = date_of(self.metadata.tables[table])
        if date is None:
            return ""
        value = self._column(date, "x")
        order = (
            f"CASE WHEN {value} IS NULL THEN 1 ELSE 0 END, {value} DESC, {self.hash(table, 'x')}"
        )
        rank = f"ROW_NUMBER() OVER (ORDER BY {order}) AS {_RANK}"
        return f"(SELECT x.*, {rank} FROM {self.source(table, 'x')})"

    def _categories(self, table: str, connection: Connection) -> list[str]:
        """Return the columns of few values."""
        names = candidates(self.metadata.tables[table])
        if not names or not self.counts[table]:
            return []
        asked = ", ".join(f"COUNT(DISTINCT {self._read(table, name)})" for name in names)
        sql = f"SELECT {asked} FROM {self.source(table, 'x')}"
        found: Any = self.dialect.execute(connection, sql)
        return [n for n, count in zip(names, found.one()) if 1 < int(count) <= CATEGORIES]

    def _by_category(self, table: str, names: Collection[str]) -> str:
        """Return the table with rows of each category first, then more of each, then all."""
        value = self.hash(table, "x")
        numbers = [
            f"ROW_NUMBER() OVER (PARTITION BY {self._read(table, name)} ORDER BY {value}) "
            f"AS {_RANK}_{i}"
            for i, name in enumerate(names)
        ]
        inner = (
            f"SELECT x.*, {value} AS {_HASH}, {', '.join(numbers)} FROM {self.source(table, 'x')}"
        )
        whens = [
            f"WHEN {' OR '.join(f'y.{_RANK}_{i} <= {end}' for i in range(len(names)))} THEN {end}"
            for end in STEPS
        ]
        step = f"CASE {' '.join(whens)} ELSE {STEPS[-1] + 1} END"
        rank = f"ROW_NUMBER() OVER (ORDER BY {step}, y.{_HASH})"
        return f"(SELECT y.*, {rank} AS {_RANK}, {step} AS {_STEP} FROM ({inner}) y)"

    def _by_stretch(self, table: str, stretches: Stretches) -> str:
        """Return the table with the first rows of its groups first, then stretch after stretch."""
        pk = self.metadata.tables[table].pk
        order = [
            f"CASE WHEN {value} IS NULL THEN 1 ELSE 0 END, {value}"
            for value in (self._column(c, "x") for c in stretches.order)
        ]
        # Rows that are equal in the order stand in one that is always the same.
        order += [self._column(c, "x") for c in pk if c not in stretches.order]
        order += [] if pk else [self.hash(table, "x")]
        group = f"PARTITION BY {', '.join(self._column(c, 'x') for c in stretches.key.columns)}"
        window = f"OVER ({group} ORDER BY {', '.join(order)})"
        inner = (
            f"SELECT x.*, ROW_NUMBER() {window} AS {_PLACE}, COUNT(*) OVER ({group}) AS {_SIZE}, "
            f"NTILE({stretches.pieces}) {window} AS {_PIECE} FROM {self.source(table, 'x')}"
        )
        keys = [self._column(c, "y") for c in stretches.key.columns]
        drawn = self.dialect.hashed([*keys, f"y.{_PIECE}"], self.seed)
        first = f"CASE WHEN y.{_PLACE} = 1 THEN 0 ELSE 1 END"
        by = ", ".join([first, drawn, *keys, f"y.{_PLACE}"])
        return f"(SELECT y.*, ROW_NUMBER() OVER (ORDER BY {by}) AS {_RANK} FROM ({inner}) y)"
