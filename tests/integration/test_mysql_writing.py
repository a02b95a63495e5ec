"""Writing on a real MySQL and MariaDB: the common contract, exact types, LOCAL on and off."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pyarrow as pa
import pytest
import sqlalchemy as sa
from sqlalchemy import Engine

from synthohive.connectors.writers import open_writer
from synthohive.exceptions import ConnectorError
from synthohive.schema import Column, ColumnKind, Metadata
from tests.contracts.writer import (
    ORIGIN,
    Place,
    ServerWriterContract,
    default_target,
    described,
    rows,
    staged,
    write,
)
from tests.evidence import SERVER, runs

ALL_TYPES = """
CREATE TABLE {schema}.kinds (
    id int unsigned NOT NULL AUTO_INCREMENT,
    tiny tinyint(1) DEFAULT '1', huge bigint unsigned, exact decimal(40,10),
    part float, whole double DEFAULT '0.5', feeling enum('sad','it''s "ok",)') DEFAULT 'sad',
    chosen set('a','b'), day date, clock time(3), local datetime(3),
    instant timestamp(6) NULL DEFAULT CURRENT_TIMESTAMP(6) ON UPDATE CURRENT_TIMESTAMP(6),
    year_ year, doc json, bytes varbinary(20), fixed binary(4), big_bytes longblob, flags bit(10),
    code char(5) CHARACTER SET ascii, name varchar(20) COLLATE utf8mb4_bin NOT NULL DEFAULT 'x''y',
    notes text COMMENT 'a, (b) ''c''\\n', twice int GENERATED ALWAYS AS (tiny * 2) STORED,
    PRIMARY KEY (name, id), KEY counter (id), UNIQUE KEY once (huge, day),
    KEY `odd ``name, (` (notes(10)), FULLTEXT KEY words (notes),
    CONSTRAINT `low, is low` CHECK (tiny < 100 and name <> ',')
) DEFAULT CHARSET=utf8mb4 COMMENT='All ''kinds''' AUTO_INCREMENT=900"""

COLUMNS = """
SELECT COLUMN_NAME, ORDINAL_POSITION, COLUMN_DEFAULT, IS_NULLABLE, COLUMN_TYPE,
       CHARACTER_SET_NAME, COLLATION_NAME, NUMERIC_PRECISION, NUMERIC_SCALE, DATETIME_PRECISION,
       COLUMN_KEY, EXTRA, COLUMN_COMMENT, GENERATION_EXPRESSION
FROM information_schema.COLUMNS WHERE TABLE_SCHEMA = %(schema)s AND TABLE_NAME = 'kinds'
ORDER BY ORDINAL_POSITION"""

INDEXES = """
SELECT INDEX_NAME, SEQ_IN_INDEX, COLUMN_NAME, NON_UNIQUE, SUB_PART, INDEX_TYPE
FROM information_schema.STATISTICS WHERE TABLE_SCHEMA = %(schema)s AND TABLE_NAME = 'kinds'
ORDER BY 1, 2"""

CONSTRAINTS = """
SELECT CONSTRAINT_NAME, CONSTRAINT_TYPE FROM information_schema.TABLE_CONSTRAINTS
WHERE TABLE_SCHEMA = %(schema)s AND TABLE_NAME = 'kinds' ORDER BY 1"""

TABLE = """
SELECT ENGINE, TABLE_COLLATION, TABLE_COMMENT FROM information_schema.TABLES
WHERE TABLE_SCHEMA = %(schema)s AND TABLE_NAME = 'kinds'"""

KINDS: dict[str, tuple[ColumnKind, pa.DataType, list[Any]]] = {
    "id": (ColumnKind.INTEGER, pa.uint32(), [0, 4_000_000_000]),
    "tiny": (ColumnKind.INTEGER, pa.int8(), [2, None]),
    "huge": (ColumnKind.INTEGER, pa.uint64(), [2**64 - 1, None]),
    "exact": (
        ColumnKind.DECIMAL,
        pa.decimal256(40, 10),
        [Decimal("123456789012345678901234567890.0123456789"), None],
    ),
    "part": (ColumnKind.FLOAT, pa.float32(), [0.5, None]),
    "whole": (ColumnKind.FLOAT, pa.float64(), [0.1, -1e300]),
    "feeling": (ColumnKind.CATEGORICAL, pa.string(), ['it\'s "ok",)', None]),
    "chosen": (ColumnKind.TEXT, pa.string(), ["a,b", ""]),
    "day": (ColumnKind.DATE, pa.date32(), [date.max, date(1000, 1, 1)]),
    "clock": (
        ColumnKind.INTERVAL,
        pa.duration("us"),
        [timedelta(hours=838, milliseconds=5), -timedelta(minutes=90)],
    ),
    "local": (ColumnKind.TIMESTAMP, pa.timestamp("us"), [datetime(2024, 2, 29, 12), None]),
    "instant": (
        ColumnKind.TIMESTAMP,
        pa.timestamp("us", "UTC"),
        [datetime(2024, 2, 29, 12, 0, 0, 7), None],
    ),
    "year_": (ColumnKind.INTEGER, pa.int16(), [2024, None]),
    "doc": (ColumnKind.JSON, pa.string(), ['{"a": "q\\"\\n,"}', None]),
    "bytes": (ColumnKind.BINARY, pa.binary(), [b"\x00\xff,\n\"'", b""]),
    "fixed": (ColumnKind.BINARY, pa.binary(), [b"\x00\x01\x02\x03", None]),
    "big_bytes": (ColumnKind.BINARY, pa.binary(), [b"NULL", None]),
    "flags": (ColumnKind.INTEGER, pa.int64(), [513, None]),
    "code": (ColumnKind.TEXT, pa.string(), ["abc", None]),
    "name": (ColumnKind.TEXT, pa.string(), ["\\N \\", '☃,"b"\r\n']),
    "notes": (ColumnKind.TEXT, pa.string(), ["NULL", None]),
}


def kinds() -> tuple[Metadata, pa.Table]:
    """Describe the table of all types, and give two rows for it."""
    meta = Metadata(dialect="mysql")
    columns = [
        Column(name=name, kind=kind, arrow=str(type_), timezone=name == "instant")
        for name, (kind, type_, _) in KINDS.items()
    ]
    columns.append(Column(name="twice", kind=ColumnKind.INTEGER, computed="tiny * 2"))
    meta.add_table("kinds", ["name", "id"], columns=described(*columns))
    return meta, pa.table({n: pa.array(v, t) for n, (_, t, v) in KINDS.items()})


class MysqlWriterContract(ServerWriterContract):
    def leftovers(self, place: Place) -> list[str]:
        names = sa.inspect(place.engine).get_schema_names()
        return [n for n in names if n.startswith(f"{place.target}__synthohive_")]

    def make_foreign(self, place: Place) -> None:
        with place.engine.begin() as connection:
            connection.exec_driver_sql(f"CREATE DATABASE {place.target}")
            connection.exec_driver_sql(f"CREATE TABLE {place.target}.theirs (x int)")

    def write_kinds(self, place: Place) -> None:
        """Make the table of all types in the source, and write its clone."""
        meta, table = kinds()
        with place.engine.begin() as connection:
            connection.exec_driver_sql(ALL_TYPES.format(schema=place.schema))
        writer = open_writer(
            place.engine,
            meta,
            target_schema=place.target,
            source_schema=place.schema,
            provenance=ORIGIN,
        )
        write(writer, {"kinds": table})

    def test_default_target(self, place: Place) -> None:
        assert default_target(place.engine, place.schema) == place.target

    def test_every_type_is_cloned(self, place: Place) -> None:
        self.write_kinds(place)
        with place.engine.begin() as connection:
            for query in (COLUMNS, INDEXES, CONSTRAINTS, TABLE):
                source, target = (
                    connection.exec_driver_sql(query, {"schema": schema}).all()
                    for schema in (place.schema, place.target)
                )
                assert target == source
            connection.exec_driver_sql(f"INSERT INTO {place.target}.kinds (name) VALUES ('n')")
            query = f"SELECT id FROM {place.target}.kinds WHERE name = 'n'"
            assert connection.exec_driver_sql(query).scalar() == 4_000_000_001

    def test_every_value_arrives(self, place: Place) -> None:
        self.write_kinds(place)
        self.check_values(place)

    def check_values(self, place: Place) -> None:
        """Compare the target's two rows with what was given."""
        with place.engine.begin() as connection:
            connection.exec_driver_sql("SET time_zone = '+00:00'")
            found = connection.exec_driver_sql(
                f"SELECT * FROM {place.target}.kinds ORDER BY id"
            ).mappings()
            for i, row in enumerate(found):
                expected = {name: values[i] for name, (_, _, values) in KINDS.items()}
                expected["chosen"] = row["chosen"] and "a,b" if i == 0 else ""
                given = {name: row[name] for name in KINDS}
                if given["flags"] is not None:  # a driver gives the bits as bytes
                    given["flags"] = int.from_bytes(given["flags"], "big")
                if isinstance(given["chosen"], set):
                    given["chosen"] = ",".join(sorted(given["chosen"]))
                assert given == expected

    def test_insert_where_local_is_off(self, place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
        with place.engine.begin() as connection:
            connection.exec_driver_sql("SET GLOBAL local_infile = 0")
        try:
            self.write_kinds(place)
        finally:
            with place.engine.begin() as connection:
                connection.exec_driver_sql("SET GLOBAL local_infile = 1")
        self.check_values(place)

    @pytest.mark.parametrize("local", [0, 1])
    def test_values_are_never_repaired(self, place: Place, local: int) -> None:
        with place.engine.begin() as connection:
            connection.exec_driver_sql(
                f"CREATE TABLE {place.schema}.t (id int PRIMARY KEY, s varchar(3))"
            )
            connection.exec_driver_sql(f"SET GLOBAL local_infile = {local}")
        meta = Metadata()
        columns = described(
            Column(name="id", kind=ColumnKind.INTEGER), Column(name="s", kind=ColumnKind.TEXT)
        )
        meta.add_table("t", "id", columns=columns)
        try:
            writer = open_writer(
                place.engine,
                meta,
                target_schema=place.target,
                source_schema=place.schema,
                provenance=ORIGIN,
            )
            with pytest.raises(ConnectorError, match=r"Data .* for column 's'"):
                write(writer, {"t": pa.table({"id": [1], "s": ["four"]})})
        finally:
            with place.engine.begin() as connection:
                connection.exec_driver_sql("SET GLOBAL local_infile = 1")
        assert self.leftovers(place) == []

    def test_foreign_references_are_not_broken(self, shop_place: Place) -> None:
        write(self.writer(shop_place), rows())
        with shop_place.engine.begin() as connection:
            connection.exec_driver_sql(
                f"CREATE TABLE {shop_place.schema}.theirs (id bigint, "
                f"FOREIGN KEY (id) REFERENCES {shop_place.target}.customers (id))"
            )
        with pytest.raises(ConnectorError, match=r"\.theirs refer to"):
            self.writer(shop_place, if_exists="replace")
        with shop_place.engine.begin() as connection:
            connection.exec_driver_sql(f"DROP TABLE {shop_place.schema}.theirs")

    def test_a_crash_is_cleaned_up_by_the_next_run(self, shop_place: Place) -> None:
        crashed = self.writer(shop_place)
        crashed.load("customers", rows()["customers"].to_batches())
        with pytest.raises(ConnectorError, match="Another run"):
            self.writer(shop_place)
        staged(crashed)._connection.close()
        assert len(self.leftovers(shop_place)) == 1
        write(self.writer(shop_place), rows())
        assert self.leftovers(shop_place) == []

    def test_lost_connection_leaves_nothing(self, shop_place: Place) -> None:
        writer = self.writer(shop_place)
        writer.load("customers", rows()["customers"].to_batches())
        thread = staged(writer)._connection.thread_id()
        with shop_place.engine.begin() as connection:
            connection.exec_driver_sql(f"KILL {thread}")
        with pytest.raises(ConnectorError, match="connection was lost"):
            writer.load("orders", rows()["orders"].to_batches())
        assert self.leftovers(shop_place) == []

    def test_user_without_rights_is_refused(self, shop_place: Place) -> None:
        role = f"u{shop_place.schema}"
        with shop_place.engine.begin() as connection:
            connection.exec_driver_sql(f"CREATE USER '{role}'@'%%' IDENTIFIED BY 'hunter2'")
            connection.exec_driver_sql(f"GRANT SELECT ON {shop_place.schema}.* TO '{role}'@'%%'")
        url = shop_place.engine.url.set(
            username=role, password="hunter2", database=shop_place.schema
        )
        poor = sa.create_engine(url)
        try:
            with pytest.raises(ConnectorError, match="refused to create") as caught:
                self.writer(Place(poor, shop_place.schema, shop_place.target))
            assert "hunter2" not in str(caught.value)
        finally:
            poor.dispose()
            with shop_place.engine.begin() as connection:
                connection.exec_driver_sql(f"DROP USER '{role}'@'%%'")


@runs("MySQL", SERVER)
class TestMysqlWriter(MysqlWriterContract):
    @pytest.fixture
    def place(self, mysql_engine: Engine, mysql_database: str) -> Iterator[Place]:
        return Place(mysql_engine, mysql_database, f"{mysql_database}_synthetic")


@runs("MariaDB", SERVER)
class TestMariadbWriter(MysqlWriterContract):
    @pytest.fixture
    def place(self, mariadb_engine: Engine, mariadb_database: str) -> Iterator[Place]:
        return Place(mariadb_engine, mariadb_database, f"{mariadb_database}_synthetic")
