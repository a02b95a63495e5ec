"""Writing SQLite files: the common contract, and what only files do."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from datetime import date, datetime, time, timedelta, timezone
from decimal import Decimal
from pathlib import Path
from typing import Optional

import pyarrow as pa
import pytest
import sqlalchemy as sa
from sqlalchemy import Engine
from sqlalchemy.pool import NullPool

from synthohive.connectors.sql import SqlWarehouse
from synthohive.connectors.sqlite import file as sqlite_file
from synthohive.connectors.writers import open_writer
from synthohive.exceptions import ConnectorError
from synthohive.schema import Column, ColumnKind, Metadata
from tests.contracts.writer import (
    ORIGIN,
    Place,
    WriterContract,
    default_target,
    described,
    rows,
    staged,
    write,
)
from tests.evidence import SERVER, runs


class FilePlace(Place):
    """A file, and the file beside it."""

    def open_target(self) -> Engine:
        return sa.create_engine(f"sqlite:///{self.target}", poolclass=NullPool)

    def target_schema(self) -> Optional[str]:
        return None


@runs("SQLite", SERVER)
class TestSqliteWriter(WriterContract):
    @pytest.fixture
    def place(self, tmp_path: Path) -> Iterator[Place]:
        engine = sa.create_engine(f"sqlite:///{tmp_path / 'shop.db'}", poolclass=NullPool)
        yield FilePlace(engine, None, str(tmp_path / "shop_synthetic.db"))
        engine.dispose()

    def names(self, place: Place) -> set[str]:
        return super().names(place) if Path(place.target).exists() else set()

    def leftovers(self, place: Place) -> list[str]:
        folder = Path(place.target).parent
        known = {"shop.db", "shop_synthetic.db"}
        return sorted(path.name for path in folder.iterdir() if path.name not in known)

    def make_foreign(self, place: Place) -> None:
        with place.open_target().begin() as connection:
            connection.exec_driver_sql("CREATE TABLE theirs (x)")

    def source_name(self, place: Place) -> str:
        assert place.engine.url.database is not None
        return place.engine.url.database

    def test_default_target_is_beside(self, shop_place: Place) -> None:
        assert default_target(shop_place.engine) == shop_place.target
        write(self.writer(shop_place, target_schema=None), rows())
        assert "customers" in self.names(shop_place)

    def test_a_bare_name_is_beside(self, shop_place: Place) -> None:
        write(self.writer(shop_place, target_schema="other"), rows())
        assert Path(shop_place.target).with_name("other.db").exists()

    def test_source_through_a_link_is_refused(self, shop_place: Place, tmp_path: Path) -> None:
        link = tmp_path / "link.db"
        link.symlink_to(tmp_path / "shop.db")
        engine = sa.create_engine(f"sqlite:///{link}")
        with pytest.raises(ConnectorError, match="source itself"):
            self.writer(shop_place, target_schema=None, target_engine=engine, if_exists="replace")

    def test_memory_has_no_place_beside(self) -> None:
        with pytest.raises(ConnectorError, match="memory"):
            default_target(sa.create_engine("sqlite://"))

    def test_other_files_are_never_replaced(self, shop_place: Place) -> None:
        Path(shop_place.target).write_text("notes, not a database", encoding="utf-8")
        with pytest.raises(ConnectorError, match="not a SQLite database"):
            self.writer(shop_place, if_exists="replace")

    def test_missing_folder_is_named(self, shop_place: Place, tmp_path: Path) -> None:
        with pytest.raises(ConnectorError, match="no folder"):
            self.writer(shop_place, target_schema=str(tmp_path / "nix" / "a.db"))

    def test_read_only_targets_are_refused_at_once(self, shop_place: Place) -> None:
        write(self.writer(shop_place), rows())
        Path(shop_place.target).chmod(0o444)
        with pytest.raises(ConnectorError, match="is read-only"):
            self.writer(shop_place, if_exists="replace")
        engine = sa.create_engine(f"sqlite:///file:{shop_place.target}?mode=ro&uri=true")
        with pytest.raises(ConnectorError, match="read-only"):
            self.writer(shop_place, target_engine=engine, if_exists="replace")
        assert self.leftovers(shop_place) == []

    def test_full_disk_changes_nothing(self, shop_place: Place) -> None:
        write(self.writer(shop_place), rows())
        many = pa.table(
            {"id": list(range(9999)), "email": [str(i) for i in range(9999)]}
        ).append_column("referrer_id", pa.nulls(9999, pa.int64()))
        with self.writer(shop_place, if_exists="replace") as writer:
            staged(writer)._connection.execute("PRAGMA max_page_count = 9")
            with pytest.raises(ConnectorError, match=r"'customers'.*full"):
                writer.load("customers", many.to_batches())
        assert self.leftovers(shop_place) == []
        assert len(self.fetch(shop_place, "customers", "id")) == 3

    def test_the_source_s_own_words_are_kept(self, place: Place) -> None:
        create = "CREATE TABLE t (a INTEGER PRIMARY KEY AUTOINCREMENT, b CHECK (b > 0) UNIQUE)"
        index = "CREATE INDEX half ON t (b, lower(a)) WHERE b > 5"
        with place.engine.begin() as connection:
            connection.exec_driver_sql(create)
            connection.exec_driver_sql(index)
        columns = described(*(Column(name=n, kind=ColumnKind.INTEGER) for n in "ab"))
        meta = Metadata().add_table("t", "a", columns=columns)
        writer = open_writer(place.engine, meta, target_schema=place.target, provenance=ORIGIN)
        with pytest.raises(ConnectorError, match="CHECK constraint failed: b > 0"):
            write(writer, {"t": pa.table({"a": [1], "b": [0]})})
        writer = open_writer(place.engine, meta, target_schema=place.target, provenance=ORIGIN)
        write(writer, {"t": pa.table({"a": [1, 7], "b": [1, 9]})})
        with place.open_target().connect() as connection:
            query = "SELECT sql FROM sqlite_master WHERE tbl_name = 't' AND sql IS NOT NULL"
            assert connection.exec_driver_sql(query).scalars().all() == [create, index]
            query = "SELECT seq FROM sqlite_sequence WHERE name = 't'"
            assert connection.exec_driver_sql(query).scalar() == 7

    def test_write_ahead_log_does_not_survive(
        self, shop_place: Place, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(sqlite_file, "BUSY_SECONDS", 0.1)
        write(self.writer(shop_place), rows())
        old = sqlite3.connect(shop_place.target)
        old.execute("PRAGMA journal_mode = WAL")
        old.execute("DELETE FROM orders WHERE 0")
        with pytest.raises(ConnectorError, match=r"locked|in use"):
            write(self.writer(shop_place, if_exists="replace"), rows())
        old.close()
        write(self.writer(shop_place, if_exists="replace"), rows())
        assert self.leftovers(shop_place) == []


def test_sqlalchemy_reads_every_kind_back(tmp_path: Path) -> None:
    kinds = {
        "i": (ColumnKind.INTEGER, pa.int64(), 9223372036854775807),
        "n": (ColumnKind.DECIMAL, pa.decimal128(12, 2), Decimal("1234567890.12")),
        "f": (ColumnKind.FLOAT, pa.float64(), 0.1),
        "b": (ColumnKind.BOOLEAN, pa.bool_(), True),
        "d": (ColumnKind.DATE, pa.date32(), date(9999, 12, 31)),
        "t": (ColumnKind.TIME, pa.time64("us"), time(23, 59, 59, 1)),
        "s": (ColumnKind.TIMESTAMP, pa.timestamp("us"), datetime(1, 1, 1, 2, 3, 4, 5)),
        "z": (
            ColumnKind.TIMESTAMP,
            pa.timestamp("us", "UTC"),
            datetime(2024, 1, 1, tzinfo=timezone.utc),
        ),
        "v": (ColumnKind.INTERVAL, pa.duration("us"), timedelta(days=3, microseconds=1)),
        "j": (ColumnKind.JSON, pa.string(), '{"a": [1]}'),
        "x": (ColumnKind.BINARY, pa.binary(), b"\x00\xff"),
        "w": (ColumnKind.TEXT, pa.string(), "O'Neill ☃"),
    }
    meta = Metadata()
    columns = [
        Column(name=name, kind=kind, arrow=str(type_), timezone=name == "z")
        for name, (kind, type_, _) in kinds.items()
    ]
    meta.add_table("kinds", columns=described(*columns))
    batch = pa.table({n: pa.array([v, None], t) for n, (_, t, v) in kinds.items()})
    engine = sa.create_engine(f"sqlite:///{tmp_path / 'kinds.db'}", poolclass=NullPool)
    write(open_writer(None, meta, provenance=ORIGIN, target_engine=engine), {"kinds": batch})
    table = sa.Table("kinds", sa.MetaData(), autoload_with=engine)
    with engine.connect() as connection:
        full, empty = connection.execute(sa.select(table)).all()
    expected = {name: value for name, (_, _, value) in kinds.items()}
    expected["z"] = datetime(2024, 1, 1)
    expected["v"] = datetime(1970, 1, 4, microsecond=1)
    expected["j"] = {"a": [1]}
    assert dict(full._mapping) == expected
    assert set(empty) == {None}


@pytest.mark.parametrize(
    ("declared", "real"),
    [
        ("DATETIME", "2024-01-{:02d} 00:01:{:02d}"),
        ("DATETIME", "2024-01-{:02d}T05:30:{:02d}Z"),
        ("DATETIME", "2024-01-{:02d} 00:00:{:02d}.250"),
        ("DATETIME", "2024-01-{:02d}T10:00:{:02d}+02:00"),
        ("DATETIME", "2024-01-{:02d} 00:00"),
        ("DATETIME", "2024-01-{:02d}"),
        ("DATE", "2024-01-{:02d}"),
        ("TIME", "{:02d}:30"),
        ("TIME", "{:02d}:30:{:02d}.5"),
    ],
)
def test_dates_and_times_keep_the_form_of_the_source(
    declared: str, real: str, tmp_path: Path
) -> None:
    source, target = tmp_path / "s.db", tmp_path / "t.db"
    values = [real.format(i % 20 + 1, i % 60) for i in range(40)]
    with sqlite3.connect(source) as db:
        db.execute(f"CREATE TABLE t (id INTEGER PRIMARY KEY, v {declared}, price DECIMAL(10, 2))")
        db.executemany("INSERT INTO t (v, price) VALUES (?, 16.99)", [(v,) for v in values])
    db.close()
    warehouse = SqlWarehouse(f"sqlite:///{source}")
    writer = open_writer(
        sa.create_engine(f"sqlite:///{source}"),
        Metadata.from_json(warehouse.metadata.to_json()),
        target_engine=sa.create_engine(f"sqlite:///{target}"),
        provenance=ORIGIN,
    )
    write(writer, {"t": pa.Table.from_batches(list(warehouse.read("t")))})
    with sqlite3.connect(target) as db:
        assert [v for (v,) in db.execute("SELECT v FROM t ORDER BY id")] == values
        assert db.execute("SELECT count(*) FROM t WHERE price = 16.99").fetchone() == (40,)
    db.close()
