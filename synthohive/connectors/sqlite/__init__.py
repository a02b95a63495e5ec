"""SQLite: a schema is a file beside the source's."""

from __future__ import annotations

from synthohive.connectors.capabilities import Capabilities

CAPABILITIES = Capabilities("sqlite3", "dev", is_file=True, several_schemas=False)
