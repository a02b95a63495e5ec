"""Partitioned tables of a PostgreSQL schema: one table to whoever reads or writes rows.

What is declared on the partitions alone (keys, uniqueness) holds for the table's rows, and is
described as the table's; where a row has to lie so that a partition takes it, is a CHECK.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Optional

from synthohive.connectors.dialect import Catalogue

__all__ = ["Partition", "Partitions"]

_TREE = """
SELECT r.relname AS root, c.relname AS name, p.relname AS parent, t.isleaf,
    pg_get_expr(c.relpartbound, c.oid) AS bound, pg_get_partkeydef(c.oid) AS key,
    pg_get_partition_constraintdef(c.oid) AS rule, c.relnamespace = r.relnamespace AS here
FROM pg_class r JOIN pg_namespace n ON n.oid = r.relnamespace
CROSS JOIN LATERAL pg_partition_tree(r.oid) t
JOIN pg_class c ON c.oid = t.relid LEFT JOIN pg_class p ON p.oid = t.parentrelid
WHERE n.nspname = :schema AND r.relkind = 'p' AND NOT r.relispartition
ORDER BY r.relname, t.level, c.relname"""

_UNIQUE = """
SELECT c.relname, i.indisprimary,
    ARRAY(SELECT a.attname::text FROM unnest(i.indkey[0:i.indnkeyatts - 1])
        WITH ORDINALITY k(n, i) JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum = k.n
        ORDER BY k.i) AS columns
FROM pg_index i JOIN pg_class c ON c.oid = i.indrelid
JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE n.nspname = :schema AND c.relispartition AND i.indisunique AND i.indisvalid
    AND i.indexprs IS NULL AND i.indpred IS NULL
ORDER BY c.relname, i.indexrelid"""


@dataclass(frozen=True)
class Partition:
    """One part of a partitioned table.

    Attributes
    ----------
    name, parent : str
        `parent` is the table that it is a part of: the root, or another part.
    leaf : bool
        Whether it holds rows itself.
    bound : str
        ``FOR VALUES …`` or ``DEFAULT``.
    key : str, optional
        By what it is partitioned in turn: ``RANGE (day)``.
    rule : str, optional
        The condition of its rows.
    """

    name: str
    parent: str
    leaf: bool
    bound: str
    key: Optional[str]
    rule: Optional[str]


class Partitions:
    """All partitioned tables of a schema.

    Attributes
    ----------
    keys : dict of str to str
        By root: by what it is partitioned.
    parts : dict of str to list of Partition
        By root: all below it, parents first.
    elsewhere : set of str
        Roots with a part in another schema.
    """

    def __init__(self, catalogue: Catalogue, schema: str) -> None:
        self.keys: dict[str, str] = {}
        self.parts: dict[str, list[Partition]] = defaultdict(list)
        self.elsewhere: set[str] = set()
        self._schema, self._catalogue = schema, catalogue
        for row in catalogue.rows(_TREE, schema=schema):
            if row.parent is None or row.name == row.root:
                self.keys[row.root] = row.key
                continue
            part = Partition(row.name, row.parent, row.isleaf, row.bound, row.key, row.rule)
            self.parts[row.root].append(part)
            if not row.here:
                self.elsewhere.add(row.root)
        self._roots = {p.name: root for root, parts in self.parts.items() for p in parts}

    def root(self, table: str) -> str:
        """Return the table that a table is a part of; itself where it is none."""
        return self._roots.get(table, table)

    def unique(self) -> Iterator[tuple[str, bool, list[str]]]:
        """Yield the unique sets that all parts of a table have: root, whether primary, columns."""
        leaves = {root: {p.name for p in parts if p.leaf} for root, parts in self.parts.items()}
        found: dict[tuple[str, tuple[str, ...]], dict[str, bool]] = defaultdict(dict)
        for row in self._catalogue.rows(_UNIQUE, schema=self._schema):
            if row.columns and row.relname in self._roots:
                found[self.root(row.relname), tuple(row.columns)][row.relname] = row.indisprimary
        for (root, columns), owners in found.items():
            own = {name: primary for name, primary in owners.items() if name in leaves[root]}
            if own.keys() == leaves[root]:
                yield root, all(own.values()), list(columns)

    def condition(self, root: str) -> Optional[str]:
        """Return what a row must satisfy to have a place; None where any row has one.

        Hashes have a place for all rows.
        """
        leaves = [p for p in self.parts[root] if p.leaf]
        rules = [p.rule for p in leaves]
        if not rules or any(p.bound == "DEFAULT" for p in leaves) or None in rules:
            return None
        if any("satisfies_hash_partition(" in str(rule) for rule in rules):
            return None
        return " OR ".join(f"({rule})" for rule in rules)
