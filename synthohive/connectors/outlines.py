"""Who the rows of a database are and to whom they refer, by SQL, and the rows of those chosen.

A row is named by the text of its key as the engine itself writes it, so that collations, padding
and types compare as they do there; rows without a key by a hash of all of their values. Nothing is
written to the source, not even a temporary table.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence

import numpy as np
import pyarrow as pa
from sqlalchemy.engine import Connection

from synthohive.connectors.capabilities import Asking
from synthohive.connectors.dialect import Dialect
from synthohive.connectors.draws import Draws
from synthohive.ddl.statements import matching
from synthohive.io.sample_levels import Levels
from synthohive.io.subset import Outline, Outlines
from synthohive.schema import Column, ColumnKind, ForeignKey, TableConfig

__all__ = ["CONDITIONS", "SqlOutlines", "row_bytes"]

_VALUES = 1_000
"""Keys of one column in one query."""
CONDITIONS = 200
"""Keys of several columns in one query: SQLite takes expressions of 1,000 levels."""


class SqlOutlines(Outlines):
    """Asks one database, in one transaction.

    Parameters
    ----------
    dialect : Dialect
    asking : Asking
        Of an engine that has literals.
    connection : sqlalchemy.engine.Connection
    draws : Draws
    levels : Levels
        Where entities are drawn.
    """

    def __init__(
        self,
        dialect: Dialect,
        asking: Asking,
        connection: Connection,
        draws: Draws,
        levels: Levels,
    ) -> None:
        self.dialect, self.asking, self.connection = dialect, asking, connection
        self.draws, self.levels, self.source = draws, levels, draws.source
        self.metadata = draws.metadata
        self.numbers = {name: number for number, name in enumerate(self.metadata.tables)}

    def drawn(self, table: str, shares: Mapping[str, float]) -> Outline:
        """See the base class."""
        entities = self._entities(table)
        if all(shares[name] >= 1.0 for name, _ in entities):
            return self._outline(table, "")
        limits = [
            (name, alias, self.draws.among_first(name, alias, shares[name]))
            for name, alias in entities
        ]
        return self._outline(table, self._by_entity(limits))

    def named(self, table: str, ids: Sequence[str]) -> Outline:
        """See the base class."""
        return Outline.joined([self._outline(table, c) for c in self.conditions(table, ids)])

    def conditions(self, table: str, ids: Sequence[str]) -> list[str]:
        """Return what holds for the rows ``t0`` of some ids, and no others, in pieces."""
        if self._is_value(table):
            columns = self._key(table)
            value = (
                self._column(columns[0], "t0") if columns else f"({self.draws.hash(table, 't0')})"
            )
            return [
                f"{value} IN ({', '.join(ids[start : start + _VALUES])})"
                for start in range(0, len(ids), _VALUES)
            ]
        return [
            " OR ".join(ids[start : start + CONDITIONS]) for start in range(0, len(ids), CONDITIONS)
        ]

    def rows(self, table: str, ids: Sequence[str]) -> Iterator[pa.RecordBatch]:
        """Stream the rows of some ids."""
        config = self.metadata.tables[table]
        columns = list(config.stored.values())
        listed = ", ".join(
            self.dialect.expression(c, self.dialect.held(c.name, "t0", config.no_parents))
            for c in columns
        )
        order = ", ".join(self._column(c, "t0") for c in config.pk)
        for condition in self.conditions(table, ids):
            sql = f"SELECT {listed} FROM {self.source(table, 't0')} WHERE {condition}"
            sql += f" ORDER BY {order}" if order else ""
            yield from self.dialect.read(self.connection, sql, columns, table)

    def _outline(self, table: str, condition: str) -> Outline:
        config = self.metadata.tables[table]
        sql, parents, orphan = self._joined(config)
        entities = self._entities(table)
        number = self._by_entity([(n, a, str(self.numbers[n])) for n, a in entities])
        score = self._by_entity([(n, a, self.draws.score(n, a)) for n, a in entities])
        asked = [
            self._id(table, "t0"), number, score, self.draws.hash(table, "t0"),
            row_bytes(self.asking, config, self.dialect.quote, "t0"),
            *parents, orphan,
        ]  # fmt: skip
        whole, text = (ColumnKind.FLOAT, ColumnKind.TEXT)
        kinds = [text, whole, whole, whole, whole, *([text] * len(parents)), whole]
        columns = [Column(name=f"c{i}", kind=kind) for i, kind in enumerate(kinds)]
        listed = ", ".join(f"{value} AS c{i}" for i, value in enumerate(asked))
        query = f"SELECT {listed} FROM {sql}" + (f" WHERE {condition}" if condition else "")
        batches = list(self.dialect.read(self.connection, query, columns, table))
        found = pa.Table.from_batches(batches, schema=self.dialect.schema(columns))
        found = found.combine_chunks()
        ids, *numbers = (_array(found, i) for i in range(5))
        entity, places, order, size = (value.to_numpy(zero_copy_only=False) for value in numbers)
        return Outline(
            ids,
            entity.astype(np.int64),
            places,
            order,
            size.astype(np.int64),
            [_array(found, 5 + i) for i in range(len(parents))],
            _array(found, 5 + len(parents)).to_numpy(zero_copy_only=False) > 0,
        )

    def _joined(self, config: TableConfig) -> tuple[str, list[str], str]:
        """Return the table beside those it refers to, the ids of these, and what an orphan is."""
        sql, parents, orphans = f"{self.draws.rows(config.name, 't0')}", [], []
        for number, (name, alias) in enumerate(reversed(self._entities(config.name)[:-1])):
            driver = self._driver(self._chain(config.name)[number])
            equal = matching(driver, self.dialect.quote, f"t{number}", alias)
            sql += f" LEFT JOIN {self.draws.rows(name, alias)} ON {equal}"
        driving = self.levels.drivers[config.name] if len(self._chain(config.name)) > 1 else None
        for number, key in enumerate(config.foreign_keys):
            alias = "t1" if key == driving else f"p{number}"
            if key != driving:
                equal = matching(key, self.dialect.quote, "t0", alias)
                sql += f" LEFT JOIN {self.source(key.parent, alias)} ON {equal}"
            there = self._present(key, alias)
            complete = " AND ".join(
                f"{self.dialect.held(c, 't0', config.no_parents)} IS NOT NULL" for c in key.columns
            )
            found = self._id(key.parent, alias)
            parents.append(f"CASE WHEN {complete} AND {there} THEN {found} END")
            orphans.append(f"({complete} AND NOT {there})")
        orphan = f"CASE WHEN {' OR '.join(orphans)} THEN 1 ELSE 0 END" if orphans else "0"
        return sql, parents, orphan

    def _chain(self, table: str) -> list[str]:
        """Return the table and its ancestors up to where its entities are drawn."""
        chain = self.levels.chain(table)
        return chain[: chain.index(self.levels.level(table)) + 1]

    def _driver(self, table: str) -> ForeignKey:
        driver = self.levels.drivers[table]
        assert driver is not None
        return driver

    def _entities(self, table: str) -> list[tuple[str, str]]:
        """Return the tables whose row may be a row's entity, topmost first, with their aliases."""
        return [(name, f"t{i}") for i, name in enumerate(self._chain(table))][::-1]

    def _by_entity(self, values: Sequence[tuple[str, str, str]]) -> str:
        """Return what is stated for the topmost ancestor that a row has, or for itself."""
        *above, (own, _, value) = values
        chain = self._chain(own)
        whens = [
            f"WHEN {self._present(self._driver(chain[int(alias[1:]) - 1]), alias)} THEN {stated}"
            for _, alias, stated in above
        ]
        return f"CASE {' '.join(whens)} ELSE {value} END" if whens else value

    def _present(self, key: ForeignKey, alias: str) -> str:
        return f"({self._column(key.parent_columns[0], alias)} IS NOT NULL)"

    def _key(self, table: str) -> list[str]:
        """Return the columns by which rows are named; none where only all values tell them."""
        config = self.metadata.tables[table]
        whole = [u for u in config.unique_sets if not any(config.columns[c].nullable for c in u)]
        return list(config.pk) or list(next(iter(whole), ()))

    def _is_value(self, table: str) -> bool:
        """Whether ids are values of one column; else they are conditions."""
        key = self._key(table)
        return not key or (
            len(key) == 1 and not self.metadata.tables[table].columns[key[0]].nullable
        )

    def _id(self, table: str, alias: str) -> str:
        key = self._key(table)
        if not key:
            return self._literal(ColumnKind.INTEGER, f"({self.draws.hash(table, alias)})")
        columns = self.metadata.tables[table].columns
        values = {c: self._literal(columns[c].kind, self._column(c, alias)) for c in key}
        if self._is_value(table):
            return values[key[0]]
        text, lead = self.dialect.spelling.literal, "("
        parts: list[str] = []
        for column, value in values.items():
            equal = self.asking.joined.format(text("= "), value)
            empty = f"{self._column(column, alias)} IS NULL"
            parts.append(text(f"{lead}{self._column(column, 't0')} "))
            parts.append(f"(CASE WHEN {empty} THEN 'IS NULL' ELSE {equal} END)")
            lead = " AND "
        joined = text(")")
        for part in reversed(parts):
            joined = self.asking.joined.format(part, joined)
        return joined

    def _literal(self, kind: ColumnKind, sql: str) -> str:
        how = self.asking.literals
        return f"({how.get(kind, how[None]).format(sql)})"

    def _column(self, name: str, alias: str) -> str:
        return f"{alias}.{self.dialect.quote(name)}"


def row_bytes(asking: Asking, config: TableConfig, quote: Callable[[str], str], alias: str) -> str:
    """Return the size of a row: fixed where the type is, else that of its values.

    Parameters
    ----------
    asking : Asking
    config : TableConfig
    quote : callable
        Quotes a name.
    alias : str
        The table's in the query.
    """
    fixed, varying = 0, []
    for column in config.stored.values():
        if pa.types.is_primitive(column.arrow_type):
            fixed += max(column.arrow_type.bit_width // 8, 1)
        else:
            value = asking.bytes.format(f"{alias}.{quote(column.name)}")
            varying.append(f"COALESCE({value}, 0)")
    return " + ".join([str(fixed), *varying])


def _array(table: pa.Table, number: int) -> pa.Array:
    column = table.column(number)
    return column.chunk(0) if column.num_chunks else pa.array([], column.type)
