"""DuckDB: read by Arrow streams, written into a staging schema of the same file."""

from __future__ import annotations

from synthohive.connectors.capabilities import Capabilities

CAPABILITIES = Capabilities("duckdb-sqlalchemy", "duckdb", is_file=True, exclusive=True)
