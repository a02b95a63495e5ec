"""PostgreSQL: read by COPY, written by COPY into a staging schema."""

from __future__ import annotations

from synthohive.connectors.capabilities import Capabilities

CAPABILITIES = Capabilities("psycopg2", "postgres", driver="psycopg2")
