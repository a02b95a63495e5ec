"""The order of tables, as users see it: :class:`SchemaGraph`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Optional

from synthohive.schema import ForeignKey, Metadata
from synthohive.schema.plan import RelationalPlan, TablePlan

__all__ = ["SchemaGraph"]


class SchemaGraph:
    """In which order tables are learned and generated, and over which keys.

    Parameters
    ----------
    metadata : Metadata
    rows : dict of str to int, optional
        The rows of each table. Of several keys that may drive a table, that to more rows
        does, where nothing else decides.

    Raises
    ------
    SchemaValidationError
        The metadata has problems.

    Examples
    --------
    >>> from synthohive import Metadata, SchemaGraph
    >>> tables = Metadata().add_table("shops", "id")
    >>> tables = tables.add_table("orders", "id", fk={"shop": "shops.id"})
    >>> graph = SchemaGraph(tables.add_table("lines", "id", fk={"order": "orders.id"}))
    >>> graph.order, graph.roots, graph.ancestors("lines")
    (('shops', 'orders', 'lines'), ('shops',), ('orders', 'shops'))
    """

    def __init__(self, metadata: Metadata, rows: Optional[Mapping[str, int]] = None) -> None:
        metadata.validate_schema()
        self.metadata = metadata
        self._plan = RelationalPlan.build(metadata, {} if rows is None else rows)

    @property
    def order(self) -> tuple[str, ...]:
        """All tables, parents first; of a cycle, the key is left out that may best be NULL."""
        return self._plan.order

    @property
    def roots(self) -> tuple[str, ...]:
        """The tables that no key drives."""
        return tuple(name for name in self.order if self._plan.tables[name].driver is None)

    def driver(self, table: str) -> Optional[ForeignKey]:
        """Return the key over which a table is generated, parent by parent; None for a root."""
        return self._table(table).driver

    def ancestors(self, table: str) -> tuple[str, ...]:
        """Return the tables above over driving keys, nearest first."""
        return self._table(table).ancestors

    def _table(self, name: str) -> TablePlan:
        return self._plan.tables[self.metadata.table(name).name]

    def __str__(self) -> str:
        return str(self._plan)
