"""The TPC-H tables with the keys and checks of the specification (section 1.4)."""

from __future__ import annotations

from typing import Any, Optional

from sqlalchemy import (
    CHAR,
    DECIMAL,
    VARCHAR,
    CheckConstraint,
    Column,
    Date,
    ForeignKeyConstraint,
    Index,
    Integer,
    MetaData,
    PrimaryKeyConstraint,
    SmallInteger,
    Table,
)

MONEY = DECIMAL(15, 2)


def tpch_schema(schema: Optional[str] = None) -> MetaData:
    """Return the eight tables, in `schema` where given."""
    metadata = MetaData(schema=schema)
    _geography(metadata)
    _goods(metadata)
    _trade(metadata)
    return metadata


def _col(name: str, kind: Any) -> Column[Any]:
    return Column(name, kind, nullable=False, autoincrement=False)


def _key(columns: str, parent: str, parent_columns: str, schema: Optional[str]) -> Any:
    prefix = f"{schema}." if schema else ""
    names = columns.split()
    return ForeignKeyConstraint(
        names,
        [f"{prefix}{parent}.{column}" for column in parent_columns.split()],
        name=f"fk_{'_'.join(names)}",
    )


def _geography(metadata: MetaData) -> None:
    Table(
        "region",
        metadata,
        _col("r_regionkey", Integer),
        _col("r_name", CHAR(25)),
        Column("r_comment", VARCHAR(152)),
        PrimaryKeyConstraint("r_regionkey"),
    )
    Table(
        "nation",
        metadata,
        _col("n_nationkey", Integer),
        _col("n_name", CHAR(25)),
        _col("n_regionkey", Integer),
        Column("n_comment", VARCHAR(152)),
        PrimaryKeyConstraint("n_nationkey"),
        _key("n_regionkey", "region", "r_regionkey", metadata.schema),
    )


def _goods(metadata: MetaData) -> None:
    Table(
        "part",
        metadata,
        _col("p_partkey", Integer),
        _col("p_name", VARCHAR(55)),
        _col("p_mfgr", CHAR(25)),
        _col("p_brand", CHAR(10)),
        _col("p_type", VARCHAR(25)),
        _col("p_size", Integer),
        _col("p_container", CHAR(10)),
        _col("p_retailprice", MONEY),
        _col("p_comment", VARCHAR(23)),
        PrimaryKeyConstraint("p_partkey"),
        CheckConstraint("p_size >= 0", name="ck_p_size"),
        CheckConstraint("p_retailprice >= 0", name="ck_p_retailprice"),
    )
    Table(
        "supplier",
        metadata,
        _col("s_suppkey", Integer),
        _col("s_name", CHAR(25)),
        _col("s_address", VARCHAR(40)),
        _col("s_nationkey", Integer),
        _col("s_phone", CHAR(15)),
        _col("s_acctbal", MONEY),
        _col("s_comment", VARCHAR(101)),
        PrimaryKeyConstraint("s_suppkey"),
        _key("s_nationkey", "nation", "n_nationkey", metadata.schema),
    )
    Table(
        "partsupp",
        metadata,
        _col("ps_partkey", Integer),
        _col("ps_suppkey", Integer),
        _col("ps_availqty", Integer),
        _col("ps_supplycost", MONEY),
        _col("ps_comment", VARCHAR(199)),
        PrimaryKeyConstraint("ps_partkey", "ps_suppkey"),
        _key("ps_partkey", "part", "p_partkey", metadata.schema),
        _key("ps_suppkey", "supplier", "s_suppkey", metadata.schema),
        CheckConstraint("ps_availqty >= 0", name="ck_ps_availqty"),
        CheckConstraint("ps_supplycost >= 0", name="ck_ps_supplycost"),
    )


def _trade(metadata: MetaData) -> None:
    Table(
        "customer",
        metadata,
        _col("c_custkey", Integer),
        _col("c_name", VARCHAR(25)),
        _col("c_address", VARCHAR(40)),
        _col("c_nationkey", Integer),
        _col("c_phone", CHAR(15)),
        _col("c_acctbal", MONEY),
        _col("c_mktsegment", CHAR(10)),
        _col("c_comment", VARCHAR(117)),
        PrimaryKeyConstraint("c_custkey"),
        _key("c_nationkey", "nation", "n_nationkey", metadata.schema),
    )
    orders = Table(
        "orders",
        metadata,
        _col("o_orderkey", Integer),
        _col("o_custkey", Integer),
        _col("o_orderstatus", CHAR(1)),
        _col("o_totalprice", MONEY),
        _col("o_orderdate", Date),
        _col("o_orderpriority", CHAR(15)),
        _col("o_clerk", CHAR(15)),
        _col("o_shippriority", Integer),
        _col("o_comment", VARCHAR(79)),
        PrimaryKeyConstraint("o_orderkey"),
        _key("o_custkey", "customer", "c_custkey", metadata.schema),
        CheckConstraint("o_totalprice >= 0", name="ck_o_totalprice"),
    )
    Index("ix_orders_custkey", orders.c.o_custkey)
    Index("ix_orders_orderdate", orders.c.o_orderdate)
    lineitem = Table(
        "lineitem",
        metadata,
        _col("l_orderkey", Integer),
        _col("l_partkey", Integer),
        _col("l_suppkey", Integer),
        _col("l_linenumber", SmallInteger),
        *(_col(f"l_{n}", MONEY) for n in ("quantity", "extendedprice", "discount", "tax")),
        _col("l_returnflag", CHAR(1)),
        _col("l_linestatus", CHAR(1)),
        *(_col(f"l_{n}date", Date) for n in ("ship", "commit", "receipt")),
        _col("l_shipinstruct", CHAR(25)),
        _col("l_shipmode", CHAR(10)),
        _col("l_comment", VARCHAR(44)),
        PrimaryKeyConstraint("l_orderkey", "l_linenumber"),
        _key("l_orderkey", "orders", "o_orderkey", metadata.schema),
        _key("l_partkey l_suppkey", "partsupp", "ps_partkey ps_suppkey", metadata.schema),
        CheckConstraint("l_quantity > 0", name="ck_l_quantity"),
        CheckConstraint("l_extendedprice >= 0", name="ck_l_extendedprice"),
        CheckConstraint("l_tax >= 0", name="ck_l_tax"),
        CheckConstraint("l_discount BETWEEN 0.00 AND 1.00", name="ck_l_discount"),
        CheckConstraint("l_shipdate <= l_receiptdate", name="ck_l_dates"),
    )
    Index("ix_lineitem_part", lineitem.c.l_partkey, lineitem.c.l_suppkey)
    Index("ix_lineitem_shipdate", lineitem.c.l_shipdate)
