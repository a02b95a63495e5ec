"""SQLite: a schema is a file beside the source's."""

from __future__ import annotations

from synthohive.connectors.capabilities import Capabilities

CAPABILITIES = Capabilities(
    "sqlite3",
    "dev",
    is_file=True,
    several_schemas=False,
    not_cloned="SELECT type || 's', name, CASE type WHEN 'trigger' THEN tbl_name END "
    "FROM sqlite_master WHERE type IN ('view', 'trigger') AND :schema = 'main' "
    "UNION ALL SELECT 'virtual tables', name, NULL FROM sqlite_master "
    "WHERE sql LIKE 'CREATE VIRTUAL TABLE%' AND :schema = 'main' ORDER BY 1, 2",
)
