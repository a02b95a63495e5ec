"""What SQLAlchemy must know of the engine: with real ones, this is somebody else's package."""

from __future__ import annotations

from sqlalchemy.dialects.sqlite.pysqlite import SQLiteDialect_pysqlite

__all__ = ["ToyDialect"]


class ToyDialect(SQLiteDialect_pysqlite):
    """SQLite, under another name."""

    name = "toy"
    supports_statement_cache = True
