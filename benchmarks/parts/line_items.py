"""TPC-H's line items made without learning anything: by rules of dbldatagen, and constant ones."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import Any

import pyarrow as pa

__all__ = ["constant", "ruled"]

PARTS = 16
AT_ONCE = 50_000


def ruled(spark: Any, rows: int) -> Any:
    """Return line items by rules that somebody wrote who knows TPC-H.

    Parameters
    ----------
    spark : pyspark.sql.SparkSession
    rows : int
    """
    import dbldatagen as dg

    def drawn(values: str) -> dict[str, Any]:
        return {"values": values.split("|"), "random": True}

    whole = {"minValue": 1, "random": True}
    spec = (
        dg.DataGenerator(spark, name="lineitem", rows=rows, partitions=PARTS, randomSeed=7)
        .withColumn("l_orderkey", "bigint", expr="id div 4 + 1")
        .withColumn("l_partkey", "bigint", maxValue=max(rows // 30, 1), **whole)
        .withColumn("l_suppkey", "bigint", maxValue=max(rows // 600, 1), **whole)
        .withColumn("l_linenumber", "int", expr="cast(id % 4 + 1 as int)")
        .withColumn("l_quantity", "decimal(15,2)", maxValue=50, **whole)
        .withColumn("price", "int", maxValue=200_000, omit=True, **{**whole, "minValue": 90_000})
        .withColumn(
            "l_extendedprice", "decimal(15,2)", expr="l_quantity * price / 100",
            baseColumn=["l_quantity", "price"],
        )
        .withColumn("l_discount", "decimal(15,2)", values=[n / 100 for n in range(11)], random=True)
        .withColumn("l_tax", "decimal(15,2)", values=[n / 100 for n in range(9)], random=True)
        .withColumn("l_returnflag", "string", **drawn("A|N|R"), weights=[1, 2, 1])
        .withColumn(
            "l_shipdate", "date", begin="1992-01-02", end="1998-12-01", interval="1 day",
            random=True,
        )
        .withColumn(
            "l_linestatus", "string", baseColumn="l_shipdate",
            expr="if(l_shipdate > date'1995-06-17', 'O', 'F')",
        )
        .withColumn("between", "int", minValue=-60, maxValue=60, random=True, omit=True)
        .withColumn(
            "l_commitdate", "date", expr="date_add(l_shipdate, between)",
            baseColumn=["l_shipdate", "between"],
        )
        .withColumn("later", "int", maxValue=30, omit=True, **whole)
        .withColumn(
            "l_receiptdate", "date", expr="date_add(l_shipdate, later)",
            baseColumn=["l_shipdate", "later"],
        )
        .withColumn(
            "l_shipinstruct", "string",
            **drawn("COLLECT COD|DELIVER IN PERSON|NONE|TAKE BACK RETURN"),
        )
        .withColumn("l_shipmode", "string", **drawn("AIR|FOB|MAIL|RAIL|REG AIR|SHIP|TRUCK"))
        .withColumn("l_comment", "string", template=r"\w \w \w \w|\w \w \w", random=True)
    )  # fmt: skip
    return spec.build()


def constant(spark: Any, first: pa.Table, rows: int) -> Any:
    """Return as many rows that Python workers hand over, all of them one and the same.

    Parameters
    ----------
    spark : pyspark.sql.SparkSession
    first : pyarrow.Table
        The row.
    rows : int
    """
    schema = spark.createDataFrame(first).schema
    return spark.range(0, rows, 1, PARTS).mapInArrow(partial(_repeated, first), schema)


def _repeated(first: pa.Table, batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    block = first.take(pa.array([0] * AT_ONCE)).combine_chunks().to_batches()[0]
    for batch in batches:
        for start in range(0, len(batch), AT_ONCE):
            yield block.slice(0, min(AT_ONCE, len(batch) - start))
