"""Keys that Unity Catalog notes: declared for readers, and never checked."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from typing import Any

from synthohive.connectors.dialect import ByTable, OwnCatalogue, by_table

__all__ = ["UnityCatalogue", "keys_sql"]


def keys_sql(at: str) -> str:
    """Return the query of all keys of a schema, which its parameter ``:schema`` names.

    Parameters
    ----------
    at : str
        The INFORMATION_SCHEMA of a catalog, quoted.
    """
    # What a key leads to stands by the name of that table's own key.
    return f"""
SELECT t.table_name, t.constraint_name, t.constraint_type, k.column_name, p.table_schema AS place,
    p.table_name AS parent, p.column_name AS parent_column
FROM {at}.table_constraints t JOIN {at}.key_column_usage k
    ON k.constraint_schema = t.constraint_schema AND k.table_name = t.table_name
    AND k.constraint_name = t.constraint_name
LEFT JOIN {at}.referential_constraints r
    ON r.constraint_schema = t.constraint_schema AND r.constraint_name = t.constraint_name
LEFT JOIN {at}.key_column_usage p
    ON p.constraint_catalog = r.unique_constraint_catalog
    AND p.constraint_schema = r.unique_constraint_schema
    AND p.constraint_name = r.unique_constraint_name
    AND p.ordinal_position = k.position_in_unique_constraint
WHERE t.table_schema = :schema ORDER BY t.table_name, t.constraint_name, k.ordinal_position"""


class UnityCatalogue(OwnCatalogue):
    """Tells keys from what INFORMATION_SCHEMA has of them."""

    @abstractmethod
    def key_rows(self, schema: str) -> list[dict[str, Any]]:
        """Return the rows of :func:`keys_sql`; none where there is no INFORMATION_SCHEMA."""

    def place(self, schema: str, named: str) -> str:
        """Return this catalogue's name of a schema to which a key leads from another one."""
        return named

    def _keys(self, schema: str, kind: str) -> dict[tuple[str, str], list[dict[str, Any]]]:
        found: dict[tuple[str, str], list[dict[str, Any]]] = {}
        for row in self.key_rows(schema):
            if row["constraint_type"] == kind:
                found.setdefault((row["table_name"], row["constraint_name"]), []).append(row)
        return found

    def get_multi_pk_constraint(self, schema: str, **_: Any) -> dict[tuple[str, str], Any]:
        """Return primary keys by table."""
        return {
            (schema, table): {"name": name, "constrained_columns": [r["column_name"] for r in rows]}
            for (table, name), rows in self._keys(schema, "PRIMARY KEY").items()
        }

    def get_multi_foreign_keys(self, schema: str, **_: Any) -> ByTable:
        """Return foreign keys by table; none has an action, as none is enforced."""

        def told(name: str, rows: Sequence[dict[str, Any]]) -> dict[str, Any]:
            return {
                "name": name,
                "constrained_columns": [row["column_name"] for row in rows],
                "referred_schema": self.place(schema, rows[0]["place"]),
                "referred_table": rows[0]["parent"],
                "referred_columns": [row["parent_column"] for row in rows],
            }

        keys = self._keys(schema, "FOREIGN KEY").items()
        return by_table(schema, ((table, told(name, rows)) for (table, name), rows in keys))
