"""Whether what a user passed is Spark's; the package itself need not be there."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from synthohive import _arguments as arguments

if TYPE_CHECKING:
    from typing import TypeGuard

    from pyspark.sql import DataFrame, SparkSession

__all__ = ["is_frame", "session_of"]


def _is_spark_s(value: Any, kind: str) -> bool:
    """Whether a value is of a class of Spark's: classic, or of Spark Connect, which share none."""
    return any(
        base.__name__ == kind and base.__module__.partition(".")[0] == "pyspark"
        for base in type(value).__mro__
    )


def is_frame(value: Any) -> TypeGuard[DataFrame]:
    """Whether a value is a DataFrame of Spark's.

    Examples
    --------
    >>> is_frame("orders")
    False
    """
    return _is_spark_s(value, "DataFrame") and hasattr(value, "createOrReplaceTempView")


def session_of(value: Any) -> SparkSession:
    """Return a session that a user passed.

    Raises
    ------
    SchemaError
        It is none.
    """
    if not _is_spark_s(value, "SparkSession"):
        arguments.refuse("spark_session", value, "a SparkSession of pyspark")
    session: SparkSession = value
    return session
