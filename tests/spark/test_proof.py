"""What a database would refuse, and how far columns are off: found in Spark as on one machine."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from synthohive import Metadata, Synthesizer
from synthohive.connectors.spark.columns import carried
from synthohive.connectors.spark.counting import Counted, added_up
from synthohive.connectors.spark.folders import write_folders
from synthohive.connectors.spark.proof import prove
from synthohive.connectors.spark.publication import Asked
from synthohive.constrain.unique import special_rules
from synthohive.constrain.validity import violations
from synthohive.exceptions import ConstraintViolationError, QualityError
from synthohive.interface import reporting
from synthohive.interface.measures import Measures
from synthohive.interface.spark_proof import (
    LastLook,
    fan_out_distances,
    unique_rows,
)
from synthohive.interface.writing import provenance_of
from synthohive.io.base import FanOut
from synthohive.learn.fitted import FittedDatabase, FittedKey, FittedTable
from synthohive.metrics.fan_out import fan_out_histogram
from synthohive.metrics.profile import profile_table
from synthohive.schema import (
    Column,
    ColumnKind,
    ForeignKey,
    Index,
    PrivacyConfig,
    UniqueConstraint,
)
from synthohive.schema.columns import column_from_arrow
from synthohive.schema.plan import RelationalPlan
from synthohive.tables.degrees import FanOutModel
from synthohive.tables.roles import Roles
from synthohive.tables.sample import Sample

pytestmark = pytest.mark.integration
INT, TEXT = ColumnKind.INTEGER, ColumnKind.TEXT


def library() -> Metadata:
    def columns(*names: str, nullable: tuple[str, ...] = ()) -> dict[str, Column]:
        return {
            name: Column(
                name=name, kind=TEXT if name == "no te" else INT, nullable=name in nullable
            )
            for name in names
        }

    shelf = ForeignKey(columns=["room", "row"], parent="shelves", parent_columns=["room", "row"])
    sequel = ForeignKey(columns=["sequel"], parent="books", parent_columns=["id"])
    loans = Index(
        name="one", columns=[], unique=True,
        definition='CREATE UNIQUE INDEX one ON books (lower("no te")) WHERE loans > 0',
    )  # fmt: skip
    meta = Metadata(dialect="postgresql")
    meta.add_table("shelves", ["room", "row"], columns=columns("room", "row"))
    return meta.add_table(
        "books",
        "id",
        columns=columns(
            "id", "room", "row", "sequel", "isbn", "ean", "no te", "loans",
            nullable=("room", "row", "sequel", "isbn", "ean", "no te"),
        ),
        foreign_keys=[shelf, sequel],
        unique=[
            UniqueConstraint(columns=["isbn"]),
            UniqueConstraint(name="ean", columns=["ean"], nulls_distinct=False),
        ],
        indexes=[loans],
    )  # fmt: skip


SHELVES: dict[str, list[Any]] = {"room": [1, 1, 2], "row": [1, 2, 1]}
BOOKS: dict[str, list[Any]] = {
    "id": [1, 2, 3, 4, 5],
    "room": [1, 1, 1, None, 7],  # a key that is NULL in part refers to nothing
    "row": [1, 1, 2, 9, None],
    "sequel": [2, 3, None, None, 2],
    "isbn": [10, None, None, 11, 12],
    "ean": [None, 1, 2, 3, 4],
    "no te": ["a", "A", None, "b", "B"],
    "loans": [1, 0, 5, 0, 2],
}
FAULTS: dict[str, list[Any]] = {
    "id": [1, 2, 3, 4, 4],
    "room": [1, 1, 1, 3, 3],
    "row": [1, 1, 2, 9, None],
    "sequel": [2, 3, 9, 8, 8],
    "isbn": [10, None, None, 11, 11],
    "ean": [None, None, 2, 3, 4],
    "no te": ["a", "A", None, "b", "B"],
    "loans": [1, 3, 5, None, 2],
}


def found_in(spark: Any, books: dict[str, list[Any]]) -> Any:
    """Return what is found in Spark; it is what is found on one machine."""
    metadata = library()
    tables = {
        "shelves": pa.table({**SHELVES, "row": pa.array(SHELVES["row"], pa.int16())}),
        "books": pa.table(books, schema=pa.schema([
            (n, c.arrow_type) for n, c in metadata.tables["books"].columns.items()
        ])),
    }  # fmt: skip
    special = {"books": special_rules(metadata.tables["books"], "postgresql")}
    frames = {name: spark.createDataFrame(table) for name, table in tables.items()}
    rules = {name: [unique_rows(rule) for rule in own] for name, own in special.items()}
    proof = prove(metadata, frames, rules)
    sample = Sample(metadata, RelationalPlan.build(metadata, {}), tables)
    assert set(proof.violations) == set(violations(metadata, sample, special))
    return proof


def test_rows_that_are_right_pass(spark: Any) -> None:
    proof = found_in(spark, BOOKS)
    assert proof.violations == ()
    assert proof.rows == {"shelves": 3, "books": 5}
    shelf, sequel = (key.key.label("books") for key in proof.keys)
    assert proof.fan_outs[shelf] == FanOut({0: 1, 1: 1, 2: 1}, nulls=2)
    assert proof.fan_outs[sequel] == FanOut({0: 3, 1: 1, 2: 1}, nulls=2)
    assert [(key.rows, key.orphans, key.enforced) for key in proof.keys] == [(5, 0, False)] * 2


def test_each_fault_is_found(spark: Any) -> None:
    proof = found_in(spark, FAULTS)
    assert {(one.table, one.what): one.rows for one in proof.violations} == {
        ("books", "NOT NULL (loans)"): 1,
        ("books", "PRIMARY KEY (id)"): 1,
        ("books", "UNIQUE (isbn)"): 1,
        ("books", "UNIQUE (ean) NULLS NOT DISTINCT 'ean'"): 1,
        ("books", "UNIQUE (no te) of some rows 'one'"): 1,
        ("books", "books(room, row) -> shelves(room, row)"): 1,
        ("books", "books(sequel) -> books(id)"): 3,
    }
    assert [key.orphans for key in proof.keys] == [1, 3]


def test_what_stands_for_no_parent_is_no_orphan(spark: Any) -> None:
    metadata = Metadata().add_table("a", "id").add_table("b", "id")
    for name, columns in (("a", ("id", "code")), ("b", ("id", "a", "code"))):
        kinds = {"code": TEXT}
        metadata.tables[name].columns = {
            column: Column(name=column, kind=kinds.get(column, INT)) for column in columns
        }
    metadata.tables["b"].foreign_keys = [
        ForeignKey(columns=["a"], parent="a", parent_columns=["id"], no_parent=0),
        ForeignKey(columns=["code"], parent="a", parent_columns=["code"], no_parent="none"),
    ]
    tables = {
        "a": pa.table({"id": [1, 2], "code": ["x", "y"]}),
        "b": pa.table({"id": [1, 2, 3, 4], "a": [0, 0, 1, None], "code": ["none", "x", "x", "z"]}),
    }
    proof = prove(metadata, {n: spark.createDataFrame(table) for n, table in tables.items()})
    assert [key.orphans for key in proof.keys] == [0, 1]
    assert [found.nulls for found in proof.fan_outs.values()] == [3, 1]


def test_special_rules_see_values_as_they_are_made(spark: Any) -> None:
    """Spark has times of day as texts, and Delta has spans as moments."""
    definition = "CREATE UNIQUE INDEX hours ON visits (EXTRACT(hour FROM came))"
    index = Index(name="hours", columns=[], unique=True, definition=definition)
    columns = {"came": Column(name="came", kind=ColumnKind.TIME)}
    metadata = Metadata(dialect="postgresql").add_table("visits", columns=columns, indexes=[index])
    rules = [unique_rows(r) for r in special_rules(metadata.tables["visits"], "postgresql")]
    times = [dt.time(10, 1), dt.time(10, 2), dt.time(11, 0)]
    frame = spark.createDataFrame(pa.table({"came": carried(pa.array(times))}))
    (broken,) = prove(metadata, {"visits": frame}, {"visits": rules}).violations
    assert broken.rows == 1


def test_profiles_are_held_against_all_rows(spark: Any) -> None:
    """Whatever Spark holds a column in, and however many parts there are of it."""
    rng, rows = np.random.default_rng(3), 300
    day = np.datetime64("2024-01-01T00:00:00", "us") + rng.integers(0, 10**12, rows)
    gone = rng.random(rows) < 0.1
    floats = np.where(rng.random(rows) < 0.1, np.nan, rng.normal(size=rows))
    times = [dt.time(int(n) % 24, 30, 1, int(n)) for n in rng.integers(0, 999, rows)]
    held = {
        "integer": (pa.array(rng.poisson(3, rows), mask=gone), INT, "int64"),
        "unsigned": (pa.array(rng.integers(0, 99, rows)), INT, "uint64"),
        "float": (pa.array(floats, mask=gone), ColumnKind.FLOAT, None),
        "decimal": (
            pa.array([Decimal(int(n)).scaleb(-2) for n in rng.integers(0, 999, rows)]),
            ColumnKind.DECIMAL,
            "decimal128(12, 2)",
        ),
        "flag": (pa.array(rng.random(rows) < 0.3, mask=gone), ColumnKind.BOOLEAN, None),
        "of few": (pa.array(rng.choice(["a", "b", "ü"], rows), mask=gone), TEXT, None),
        "text": (pa.array([f"{n}" * (n % 7) for n in range(rows)]), TEXT, None),
        "date": (pa.array(day).cast(pa.date32()), ColumnKind.DATE, None),
        "moment": (pa.array(day, mask=gone), ColumnKind.TIMESTAMP, None),
        "time": (pa.array(times), ColumnKind.TIME, None),
        "span": (pa.array(rng.integers(-9, 10**9, rows)), ColumnKind.INTERVAL, None),
        "binary": (pa.array([b"x" * (n % 5) for n in range(rows)]), ColumnKind.BINARY, None),
    }
    columns = {
        name: Column(name=name, kind=kind, arrow=arrow) for name, (_, kind, arrow) in held.items()
    }
    schema = pa.schema([(name, column.arrow_type) for name, column in columns.items()])
    table = pa.table([a.cast(f.type) for (a, *_), f in zip(held.values(), schema)], schema=schema)
    profile = profile_table(table.slice(0, 200), columns)
    arrays = [carried(column.combine_chunks()) for column in table.columns]
    frame = spark.createDataFrame(pa.table(arrays, names=table.column_names))
    same = Counted(frame.repartition(2), schema, profile)
    other, nothing = Counted(frame.where("`of few` = 'a'"), schema, profile), frame.where("1 = 0")
    counts = added_up([same, other, Counted(nothing, schema, profile)])
    assert np.array_equal(counts[0], profile.counted(table))
    assert profile.scored(counts[0]) == profile.score(table)
    assert profile.scored(counts[1])["of few"].value > 0.5
    assert not counts[2].any()


def shops(shift: float, rows: int = 60) -> dict[str, pa.Table]:
    rng = np.random.default_rng(0)
    kinds = rng.choice(["a", "b"], rows)
    return {
        "shops": pa.table({"id": pa.array(range(rows)), "kind": pa.array(kinds)}),
        "orders": pa.table(
            {
                "id": pa.array(range(7 * rows)),
                "shop": pa.array(rng.integers(0, rows - 9, 7 * rows)),
                "paid": pa.array(rng.normal(shift, size=7 * rows)),
            }
        ),
    }


def kept(tables: dict[str, pa.Table]) -> FittedDatabase:
    """Return what a fit keeps of tables to score others by."""
    metadata = Metadata().add_table("shops", "id", columns=columns_of(tables["shops"]))
    metadata.add_table(
        "orders", "id", fk={"shop": "shops.id"}, columns=columns_of(tables["orders"])
    )
    ((child, key),) = metadata.foreign_keys()
    sides = tables[child], key.columns, tables[key.parent], key.parent_columns
    fan_out = FittedKey(FanOutModel.fit(fan_out_histogram(*sides)), 0.0)
    keys = {"orders": {key.label(child): fan_out}}
    found = {}
    for name, config in metadata.tables.items():
        roles = Roles.of(config, [c for k in config.foreign_keys for c in k.columns], {}, ["id"])
        own = {column: config.columns[column] for column in roles.attributes}
        profile = profile_table(tables[name], own)
        found[name] = FittedTable(
            config, len(tables[name]), roles, keys=keys.get(name, {}), profile=profile
        )
    plan = RelationalPlan.build(metadata, {})
    return FittedDatabase(metadata, plan, found, PrivacyConfig(), "none", 0, 0)


def columns_of(table: pa.Table) -> dict[str, Column]:
    return {field.name: column_from_arrow(field) for field in table.schema}


def test_a_run_is_proved_and_scored_as_on_one_machine(spark: Any, tmp_path: Path) -> None:
    known, tables = kept(shops(0.0)), shops(0.3)
    frames = {name: spark.createDataFrame(table) for name, table in tables.items()}
    origin = provenance_of(known, 7, 1.0)
    look = LastLook(known)
    asked = Asked("parquet", check=look)
    write_folders(frames, tmp_path / "lake", known.metadata, origin, asked)
    proof = look.proof
    assert proof.rows == {"shops": 60, "orders": 420}
    (distance,) = fan_out_distances(known, proof).values()
    assert distance < 0.05
    expected = {
        f"{name}.{column}": score
        for name, table in known.shown.items()
        for column, score in table.profile.score(tables[name]).items()
    }
    assert look.scores == expected
    said = str(look.summary("lake.shop", 7, {"generate": 1.0}))
    assert "Wrote 480 rows in 2 tables to 'lake.shop' (seed 7)" in said
    assert "orders(shop) -> shops(id): 0 of 420 (counted by anti-join)" in said
    assert expected["orders.paid"].value > 0.05
    far = frames["orders"].selectExpr("id", "shop", "paid + 100 AS paid")
    with pytest.raises(QualityError, match=r"orders\.paid"):
        LastLook(known, Measures(known, 0.9))({**frames, "orders": far})
    astray = frames["orders"].selectExpr("id", "shop + 1000 AS shop", "paid")
    frames["orders"] = astray
    with pytest.raises(ConstraintViolationError, match=r"orders: 420 rows break orders\(shop\)"):
        write_folders(frames, tmp_path / "other", known.metadata, origin, asked)
    assert not list((tmp_path / "other").rglob("*.parquet"))


def test_the_report_samples_what_is_in_spark(
    spark: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Few rows come; orphans and numbers of children are those of all rows."""
    real, made = shops(0.0, 600), shops(1.0, 600)
    astray = pa.array([9000, 9001] + made["orders"]["shop"].to_pylist()[2:])
    made["orders"] = made["orders"].set_column(1, "shop", astray)
    metadata = Metadata().add_table("shops", "id")
    metadata.add_table("orders", "id", fk={"shop": "shops.id"})
    here = Synthesizer(metadata).generate_validation_report(real, made, tmp_path / "here")
    sides = [{n: spark.createDataFrame(t) for n, t in side.items()} for side in (real, made)]
    synth = Synthesizer(metadata)
    whole = synth.generate_validation_report(*sides, tmp_path / "whole")
    assert whole.scores == here.scores  # rows come in another order, which models look at
    assert whole.keys == here.keys
    assert whole.orphans == 2
    monkeypatch.setattr(reporting, "MOST", 300)
    few = synth.generate_validation_report(*sides, tmp_path / "few")
    assert max(t.real_rows + t.synthetic_rows for t in few.tables) <= 720
    counted = [(k.label, k.orphans, k.fan_out_ks, k.fan_out) for k in whole.keys]
    assert [(k.label, k.orphans, k.fan_out_ks, k.fan_out) for k in few.keys] == counted
    assert few.scores["orders.paid"].value > 0.2
    mixed = synth.generate_validation_report(sides[0], made, tmp_path / "mixed")
    assert [(k.label, k.orphans, k.fan_out_ks, k.fan_out) for k in mixed.keys] == counted
