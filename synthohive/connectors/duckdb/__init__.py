"""DuckDB: read by Arrow streams, written into a staging schema of the same file."""

from __future__ import annotations

from synthohive.connectors.capabilities import Capabilities

CAPABILITIES = Capabilities(
    "duckdb-sqlalchemy",
    "duckdb",
    is_file=True,
    exclusive=True,
    not_cloned="SELECT 'views', view_name, NULL FROM duckdb_views() "
    "WHERE schema_name = :schema AND NOT internal ORDER BY 2",
)
