"""SQLAlchemy's engine over a Spark session."""

from __future__ import annotations

from functools import partial
from types import ModuleType
from typing import TYPE_CHECKING, Any, Optional

from sqlalchemy import create_engine
from sqlalchemy import types as sa
from sqlalchemy.engine import Connection, Dialect, Engine
from sqlalchemy.engine.default import DefaultDialect
from sqlalchemy.pool import NullPool
from sqlalchemy.sql.compiler import GenericTypeCompiler, IdentifierPreparer

from synthohive.connectors.spark import dbapi

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

__all__ = ["SparkDialect", "engine_of"]


class _Preparer(IdentifierPreparer):
    def __init__(
        self,
        dialect: Dialect,
        initial_quote: str = "`",
        final_quote: Optional[str] = None,
        escape_quote: str = "`",
        quote_case_sensitive_collations: bool = True,
        omit_schema: bool = False,
    ) -> None:
        super().__init__(
            dialect, initial_quote, final_quote, escape_quote, quote_case_sensitive_collations,
            omit_schema,
        )  # fmt: skip


class _Types(GenericTypeCompiler):
    """A text without a length is a STRING."""

    def visit_string(self, type_: sa.String, **_: Any) -> str:
        return "STRING"

    def visit_VARCHAR(self, type_: sa.String, **_: Any) -> str:
        return "STRING"


class SparkDialect(DefaultDialect):
    """Renders Spark SQL; what a catalogue holds, Spark's own interface tells."""

    name = "spark"
    driver = "session"
    default_paramstyle = "named"
    preparer = _Preparer
    type_compiler_cls = _Types
    supports_statement_cache = True
    supports_native_boolean = True
    supports_comments = False
    supports_sane_rowcount = False

    @classmethod
    def import_dbapi(cls) -> ModuleType:
        """Return what connects."""
        return dbapi

    def initialize(self, connection: Connection) -> None:
        """Ask nothing: neither versions nor settings change what is rendered."""


def engine_of(session: SparkSession) -> Engine:
    """Return an engine over a session.

    No connection is kept: each gives the session its own settings back when it ends.
    """
    creator = partial(dbapi.connect, session)
    return create_engine("spark://", creator=creator, poolclass=NullPool, hide_parameters=True)
