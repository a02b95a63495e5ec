"""Reading by Spark: classic, of Parquet tables, or by Spark Connect, of Delta tables."""

from __future__ import annotations

import datetime as dt
import json
import secrets
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from synthohive import ConnectorError, Metadata, SchemaError, Synthesizer, SynthoHiveError
from synthohive.connectors.spark.columns import stored
from synthohive.connectors.spark.stream import batches
from synthohive.connectors.spark.warehouse import SparkWarehouse
from synthohive.io.sample_levels import Strategy
from synthohive.schema import ColumnKind
from tests.evidence import SERVER, feature, runs
from tests.spark.session import is_sail

pytestmark = [
    pytest.mark.slow,
    pytest.mark.integration,
    *([] if is_sail() else [runs("Spark", SERVER)]),
]

MOMENT = dt.datetime(2024, 2, 29, 12, 0, 0, 1)
UTC = MOMENT.replace(tzinfo=dt.timezone.utc)
TYPES: dict[str, tuple[str, str, Any]] = {
    "i1": ("tinyint", "CAST(-128 AS TINYINT)", -128),
    "i2": ("smallint", "CAST(-32768 AS SMALLINT)", -32768),
    "i4": ("int", "2147483647", 2**31 - 1),
    "i8": ("bigint", "9223372036854775807L", 2**63 - 1),
    "n": ("decimal(38,10)", "1234567890123456789012345678.0123456789BD",
          Decimal("1234567890123456789012345678.0123456789")),
    "r": ("float", "CAST(0.5 AS FLOAT)", 0.5),
    "f": ("double", "0.1D", 0.1),
    "b": ("boolean", "true", True),
    "s": ("string", r"""'it\'s \\ "q" % %% ü ∑\n'""", 'it\'s \\ "q" % %% ü ∑\n'),
    "y": ("binary", "X'00ff27'", b"\x00\xff'"),
    "d": ("date", "DATE'9999-12-31'", dt.date(9999, 12, 31)),
    "ts": ("timestamp", "TIMESTAMP'2024-02-29 12:00:00.000001Z'", UTC),
    "ntz": ("timestamp_ntz", "TIMESTAMP_NTZ'2024-02-29 12:00:00.000001'", MOMENT),
    "l": ("array<int>", "array(1, NULL, 3)", "[1,null,3]"),
    "m": ("map<string,int>", "map('k', 1)", '{"k":1}'),
    "mi": ("map<int,string>", "map(7, 'x')", '[{"key":7,"value":"x"}]'),
    "st": ("struct<p:int,at:timestamp>",
           "named_struct('p', 1, 'at', TIMESTAMP'2024-02-29 12:00:00.000001Z')",
           '{"p":1,"at":"2024-02-29T12:00:00.000001Z"}'),
}  # fmt: skip


def shop(rows: int = 240) -> tuple[dict[str, pa.Table], Metadata]:
    """Return a small database, each table in the order of its key."""
    customers = pa.table(
        {
            "id": pa.array(range(rows // 6), pa.int64()),
            "city": [("Bern", "Graz", "Ulm")[i % 3] for i in range(rows // 6)],
        }
    )
    orders = pa.table(
        {
            "id": pa.array(range(rows), pa.int64()),
            "customer": pa.array([i * i % (rows // 6) for i in range(rows)], pa.int64()),
            "amount": pa.array([Decimal(i % 97) / 4 for i in range(rows)], pa.decimal128(12, 2)),
            "day": [dt.date(2024, 1, 1) + dt.timedelta(i % 200) for i in range(rows)],
        }
    )
    meta = Metadata().add_table("customers", "id")
    meta.add_table("orders", "id", fk={"customer": "customers.id"})
    return {"customers": customers, "orders": orders}, meta


class TestReading:
    QUERIED: dict[str, tuple[str, Any]] = {
        "span": ("INTERVAL '1 02:03:04.000005' DAY TO SECOND", dt.timedelta(1, 7384, 5)),
        "months": ("INTERVAL '1-2' YEAR TO MONTH", 14),
        "clock": ("TIME'01:02:03.000004'", dt.time(1, 2, 3, 4)),
        "v": ("parse_json('{\"a\":[1,null]}')", '{"a":[1,null]}'),
        "far": ("DATE'10000-01-01'", dt.date(9999, 12, 29)),
    }
    """Of types that not all formats of files have, what makes a value."""

    @pytest.fixture(scope="class")
    @classmethod
    def database(
        cls, spark: Any, how: str, tmp_path_factory: pytest.TempPathFactory
    ) -> Iterator[str]:
        """Give a database of two tables, and a view."""
        name = f"t{secrets.token_hex(5)}"
        spark.sql(f"CREATE DATABASE {name}")
        tables, _ = shop()
        for table, rows in tables.items():
            place = str(tmp_path_factory.mktemp(table) / table)
            frame = spark.createDataFrame(rows)
            frame.write.format(how).option("path", place).saveAsTable(f"{name}.{table}")
        spark.sql(f"CREATE VIEW {name}.cities AS SELECT DISTINCT city FROM {name}.customers")
        yield name
        spark.sql(f"DROP DATABASE {name} CASCADE")

    @feature("types come back")
    def test_types_come_back(self, spark: Any, how: str, database: str, tmp_path: Path) -> None:
        fields = ", ".join(f"`{n}` {t}" for n, (t, _, _) in TYPES.items())
        values = ", ".join(sql for _, sql, _ in TYPES.values())
        empty = ", ".join(f"NULL AS `{name}`" for name in TYPES)
        place = f"{database}.every"
        spark.sql(f"CREATE TABLE {place} ({fields}) USING {how} LOCATION '{tmp_path}/every'")
        spark.sql(f"INSERT INTO {place} SELECT {values}")
        spark.sql(f"INSERT INTO {place} SELECT {empty}")
        warehouse = SparkWarehouse(spark, {"every": place}, Metadata().add_table("every"))
        found = warehouse.metadata.tables["every"].columns
        rows = pa.Table.from_batches(list(warehouse.read("every")))
        spark.sql(f"DROP TABLE {place}")
        maps = spark.createDataFrame(rows.select(["m", "mi"])).where("m IS NOT NULL")
        (back,) = stored(maps, warehouse.metadata.tables["every"], how, "spark").collect()
        assert tuple(back) == ({"k": 1}, {7: "x"})
        assert {n: c.sql_type for n, c in found.items()} == {n: t for n, (t, _, _) in TYPES.items()}
        first, second = sorted(rows.to_pylist(), key=lambda row: row["i1"] is None)
        assert set(second.values()) == {None}
        for name, (_, _, value) in TYPES.items():
            if found[name].kind in (ColumnKind.ARRAY, ColumnKind.COMPOSITE):
                assert json.loads(first[name]) == json.loads(value), name
            else:
                assert first[name] == value, name

    @feature("types come back")
    def test_values_that_only_queries_have_come_back(self, spark: Any) -> None:
        listed = ", ".join(f"{sql} AS `{name}`" for name, (sql, _) in self.QUERIED.items())
        meta = Metadata().add_table("t")
        warehouse = SparkWarehouse(spark, {"t": spark.sql(f"SELECT {listed}")}, meta)
        (row,) = pa.Table.from_batches(list(warehouse.read("t"))).to_pylist()
        assert row == {name: value for name, (_, value) in self.QUERIED.items()}

    @feature("a copy states what its source does")
    def test_a_database_is_described(self, spark: Any, database: str) -> None:
        meta = Metadata.from_spark(database, spark_session=spark)
        catalog = spark.catalog.currentCatalog()
        assert list(meta.tables) == ["customers", "orders"]
        assert meta.dialect == "spark"
        orders = meta.tables["orders"].columns
        assert [c.kind.value for c in orders.values()] == ["integer", "integer", "decimal", "date"]
        assert (orders["amount"].precision, orders["amount"].scale) == (12, 2)
        whole = Metadata.from_spark(f"{catalog}.{database}", spark_session=spark)
        assert whole.tables == meta.tables
        warehouse = SparkWarehouse(spark, database)
        assert warehouse.not_cloned() == {"views": ("cities",)}
        assert [at.rpartition("/")[2] for at in warehouse.locations.values()] == list(meta.tables)
        named = SparkWarehouse(spark, {n: f"{database}.{n}" for n in meta.tables}, meta)
        assert named.fingerprint() < warehouse.fingerprint()

    def test_what_columns_and_tables_say_is_described(
        self, spark: Any, how: str, database: str, tmp_path: Path
    ) -> None:
        place, said = f"{database}.noted", "" if is_sail() else " DEFAULT 'none'"
        rules = "'delta.constraints.positive' = 'id > 0', 'other' = 'x'"
        spark.sql(
            f"CREATE TABLE {place} (id bigint NOT NULL COMMENT 'the key', x string{said}) "
            f"USING {how} COMMENT 'of notes' LOCATION '{tmp_path}/noted'"
            f"{'' if is_sail() else f' TBLPROPERTIES ({rules})'}"
        )
        meta = Metadata.from_spark(database, spark_session=spark, tables=["noted"])
        spark.sql(f"DROP TABLE {place}")
        noted = meta.tables["noted"]
        assert (noted.comment, noted.columns["id"].comment) == ("of notes", "the key")
        assert noted.columns["x"].nullable
        assert noted.columns["id"].nullable is (how != "delta")  # of which Delta alone keeps it
        assert noted.columns["x"].default == (None if is_sail() else "'none'")
        checks = [(check.name, check.sqltext) for check in noted.checks]
        assert checks == ([] if is_sail() else [("positive", "id > 0")])

    def test_names_are_checked_before_spark_is_asked(self, spark: Any) -> None:
        def silent(*_: Any, **__: Any) -> Any:
            raise AssertionError("Spark was asked")

        unasked = type("SparkSession", (), {"__module__": "pyspark.sql", "__getattr__": silent})()
        meta = Metadata().add_table("a", "id")
        synth = Synthesizer(meta, spark_session=unasked)
        for data in ("shop; DROP DATABASE shop", {"a": "a`b"}, {"a": "x y"}, {"a": 3}, {"b": "b"}):
            with pytest.raises(SchemaError):
                synth.fit(data, progress=False)  # type: ignore[arg-type]
        with pytest.raises(SchemaError, match="no name"):
            Metadata.from_spark("a.b.c", spark_session=unasked)
        with pytest.raises(SchemaError, match="spark_session"):
            Metadata.from_spark("a", spark_session=object())
        with pytest.raises(ConnectorError, match=r"spark:// .*by a session"):
            Synthesizer.from_database("spark://")

    def test_what_is_not_there_is_named(self, spark: Any, tmp_path: Path) -> None:
        with pytest.raises(SchemaError, match="no schema 'nowhere'"):
            Metadata.from_spark("nowhere", spark_session=spark)
        meta = Metadata().add_table("a", "id")
        synth = Synthesizer(meta, spark_session=spark)
        for place in ("default.nothing", f"{tmp_path}/nothing"):
            with pytest.raises(SynthoHiveError, match=r"described|No table has a row"):
                synth.fit({"a": place}, progress=False)

    @pytest.mark.skipif(is_sail(), reason="Sail has Delta built in")
    def test_delta_without_its_jars_is_not_taken_for_parquet(
        self, spark: Any, tmp_path: Path
    ) -> None:
        deltalake = pytest.importorskip("deltalake")
        for rows in ([1, 2], [3]):  # whose files all lie there
            table = pa.table({"id": pa.array(rows, pa.int64())})
            deltalake.write_deltalake(tmp_path / "a", table, mode="overwrite")
        synth = Synthesizer(Metadata().add_table("a", "id"), spark_session=spark)
        with pytest.raises(ConnectorError, match="Delta is not in this session"):
            synth.fit({"a": tmp_path / "a"}, progress=False)

    def test_the_session_keeps_its_settings(self, spark: Any) -> None:
        names = ("spark.sql.session.timeZone", "spark.sql.ansi.enabled")
        own = [spark.conf.get(name) for name in names]
        try:
            for name, value in zip(names, ("Asia/Tokyo", "false")):
                spark.conf.set(name, value)
            frame = spark.sql("SELECT TIMESTAMP'2024-01-01 00:00:00Z' AS at, 1 AS id")
            warehouse = SparkWarehouse(spark, {"t": frame}, Metadata().add_table("t", "id"))
            for _ in zip(range(1), warehouse.read("t")):
                warehouse.count("t")  # a connection within another one
                assert spark.conf.get(names[0]) == "UTC"
            assert [spark.conf.get(name) for name in names] == ["Asia/Tokyo", "false"]
        finally:
            for name, value in zip(names, own):
                spark.conf.set(name, value)

    @feature("no secret is shown")
    def test_errors_show_no_values(self, spark: Any) -> None:
        frame = spark.sql("SELECT CAST(x AS INT) AS id FROM VALUES ('ann@secret.org') AS t (x)")
        warehouse = SparkWarehouse(spark, {"t": frame}, Metadata().add_table("t", "id"))
        with pytest.raises(ConnectorError) as caught:
            list(warehouse.read("t"))
        assert "secret" not in str(caught.value)
        assert caught.value.__cause__ is None

    def test_samples_are_bounded_and_find_their_parents(self, spark: Any) -> None:
        day = "date_add(DATE'2024-01-01', CAST(id % 700 AS INT)) AS day"
        frames = {
            "customers": spark.range(1500).selectExpr("id", "CAST(id % 3 AS STRING) AS city", day),
            "orders": spark.range(3000).selectExpr("id", "id * id % 1500 AS customer", day),
        }
        _, meta = shop()
        warehouse = SparkWarehouse(spark, frames, meta)
        drivers = {"customers": None, "orders": meta.tables["orders"].foreign_keys[0]}
        strategies: tuple[Strategy, ...] = ("relational", "stratified", "recent")
        for strategy in strategies:
            found = warehouse.sample(drivers, 300, 1, strategy).drawn
            customers, orders = found["customers"].to_pydict(), found["orders"].to_pydict()
            assert set(orders["customer"]) <= set(customers["id"])
            assert 100 < len(orders["id"]) < 400
            assert (min(customers["day"]) > dt.date(2025, 6, 1)) is (strategy == "recent")
        most = 5_000
        few = warehouse.sample(drivers, 3000, 1, most_bytes=most).drawn
        assert sum(rows.nbytes for rows in few.values()) < 2 * most

    def test_many_rows_are_streamed_in_their_order(
        self, spark: Any, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("synthohive.connectors.spark.stream._AT_ONCE", 100)
        frame = spark.range(20_000, numPartitions=3).selectExpr("id", "CAST(id AS STRING) AS text")
        found = list(batches(frame.orderBy(frame.id.desc())))
        assert len(found) > 1
        rows = pa.Table.from_batches(found)
        assert [str(i) for i in rows.column("id").to_pylist()] == rows.column("text").to_pylist()
        in_order = rows.column("id").to_pylist()
        if is_sail():  # which sorts after the function that packs rows, or not at all
            in_order.sort(reverse=True)
        assert in_order == list(range(19_999, -1, -1))

    @feature("rows like the real ones")
    def test_a_fit_is_that_of_the_same_tables_in_memory(
        self, spark: Any, how: str, database: str, tmp_path: Path
    ) -> None:
        tables, meta = shop()
        settings: dict[str, Any] = {"epochs": 2, "seed": 1, "progress": False, "n_jobs": 1}

        def made(data: Any, session: Any = None) -> dict[str, Any]:
            synth = Synthesizer(meta, spark_session=session, model="autoregressive")
            synth.fit(data, **settings)
            if session is not None:
                with pytest.raises(ConnectorError, match="holds what was read"):  # in "orders"
                    synth.sample(output_format=how, output_path=tmp_path)
                with pytest.raises(SchemaError, match="output_path is 3"):
                    synth.sample(output_format=how, output_path=3)
                synth.save(tmp_path / "kept")
                synth = Synthesizer.load(tmp_path / "kept", spark_session=session)
                assert synth._spark is session
            found = synth.sample(seed=3)
            return {name: frame.to_dict("list") for name, frame in found.items()}

        wanted = made(tables)
        spark.table(f"{database}.orders").write.format(how).save(f"{tmp_path}/orders/all")
        frames = {"customers": f"{database}.customers", "orders": f"{tmp_path}/orders/all"}
        assert made(frames, spark) == wanted

    def test_fits_of_databases_and_frames(self, spark: Any, database: str) -> None:
        _, meta = shop()
        settings: dict[str, Any] = {"epochs": 1, "seed": 1, "progress": False, "n_jobs": 1}
        synth = Synthesizer(meta, spark_session=spark).fit(database, sample_size=100, **settings)
        assert synth._sources
        few = synth.sample(scale=0.1, seed=1)
        assert set(few["orders"]["customer"]) <= set(few["customers"]["id"])
        frames = {name: spark.table(f"{database}.{name}") for name in meta.tables}
        assert Synthesizer(meta).fit(frames, **settings).fitted_ is not None
