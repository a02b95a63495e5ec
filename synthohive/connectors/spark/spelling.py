"""How Spark writes what every engine has."""

from __future__ import annotations

from synthohive.connectors.spark_sql.spelling import SparkSqlSpelling

__all__ = ["SPELLING"]

SPELLING = SparkSqlSpelling()
