"""What a SQLite target must survive: other programs, other people's objects, crashes."""

from __future__ import annotations

import os
import sqlite3
import sys
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy.pool import NullPool

from synthohive.connectors.sqlite import file as sqlite_file
from synthohive.connectors.writers import open_writer
from synthohive.exceptions import ConnectorError
from synthohive.io import steps
from synthohive.io.writer import Writer
from tests.contracts.writer import ODD, ORIGIN, make_shop, rows, shop, write

COUNT = f"""SELECT count(*) AS n FROM "{ODD.replace('"', '""')}\""""


@pytest.fixture
def target(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Give a free name beside a source."""
    monkeypatch.setattr(sqlite_file, "BUSY_SECONDS", 0.2)
    engine = sa.create_engine(f"sqlite:///{tmp_path / 'shop.db'}", poolclass=NullPool)
    make_shop(engine, None)
    return tmp_path / "out.db"


def opened(target: Path, if_exists: Any = "fail", **more: Any) -> Writer:
    source = sa.create_engine(f"sqlite:///{target.with_name('shop.db')}", poolclass=NullPool)
    more = {"target_schema": str(target), "provenance": ORIGIN, **more}
    return open_writer(source, shop(), if_exists=if_exists, **more)


def filled(writer: Writer) -> Writer:
    for name, table in rows().items():
        writer.load(name, table.to_batches())
    return writer


def run(target: Path, *sql: str) -> list[Any]:
    with closing(sqlite3.connect(target, timeout=0)) as connection:
        found = [connection.execute(statement).fetchall() for statement in sql]
        connection.commit()
    return found[-1]


def beside(target: Path) -> list[str]:
    return sorted(p.name for p in target.parent.iterdir() if p.name not in ("shop.db", "out.db"))


def customers(target: Path) -> int:
    assert run(target, "PRAGMA integrity_check") == [("ok",)]
    return int(run(target, "SELECT count(*) FROM customers")[0][0])


@pytest.mark.parametrize("linked", [True, False])
@pytest.mark.parametrize("if_exists", ["fail", "replace"])
def test_a_file_that_appears_is_kept(
    target: Path, if_exists: str, linked: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    if not linked:
        monkeypatch.setattr(os, "link", _no_links)
    with filled(opened(target, if_exists)) as writer:
        run(target, "CREATE TABLE precious (x)", "INSERT INTO precious VALUES (1)")
        with pytest.raises(ConnectorError, match="made meanwhile"):
            writer.finish()
    assert run(target, "SELECT * FROM precious") == [(1,)]
    assert beside(target) == []


def _no_links(*_: Any) -> None:
    raise PermissionError(1, "Operation not permitted")


def test_file_systems_without_links(target: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "link", _no_links)
    write(opened(target), rows())
    assert customers(target) == 3
    assert beside(target) == []


def test_tables_that_appear_in_an_empty_target_are_kept(target: Path) -> None:
    target.touch()
    with filled(opened(target)) as writer:
        run(target, "CREATE TABLE precious (x)")
        with pytest.raises(ConnectorError, match=r"did not make it: it holds .*table precious"):
            writer.finish()
    assert run(target, "SELECT count(*) FROM precious") == [(0,)]


@pytest.mark.parametrize("mode", ["DELETE", "WAL"])
@pytest.mark.parametrize("when", ["before", "during"])
def test_another_writer_s_transaction_is_not_torn(target: Path, mode: str, when: str) -> None:
    write(opened(target), rows())
    other = sqlite3.connect(target, isolation_level=None)
    other.execute(f"PRAGMA journal_mode = {mode}")
    other.execute("PRAGMA synchronous = OFF")

    def begin() -> None:
        other.execute("BEGIN IMMEDIATE")
        other.execute("UPDATE customers SET email = email || 'x'")

    if when == "before":
        begin()
        holder = rf" \(process {os.getpid()}\)" if sys.platform == "linux" else ""
        with pytest.raises(ConnectorError, match=f"in use by another program{holder}"):
            opened(target, "replace")
    else:
        other.close()
        writer = filled(opened(target, "replace"))
        other = sqlite3.connect(target, isolation_level=None)
        begin()
        with pytest.raises(ConnectorError, match="in use by another program"):
            writer.finish()
    other.execute("COMMIT")
    other.close()
    assert customers(target) == 3
    assert run(target, "SELECT email FROM customers WHERE id = 1") == [("ax",)]
    assert beside(target) == []
    write(opened(target, "replace"), rows())
    assert run(target, "SELECT email FROM customers WHERE id = 1") == [("a",)]
    assert run(target, "PRAGMA journal_mode") == [(mode.lower(),)]  # as its owner set it


def test_open_connections_see_the_new_rows_and_harm_nothing(target: Path) -> None:
    write(opened(target), rows())
    number = target.stat().st_ino
    other = sqlite3.connect(target, isolation_level=None)
    assert other.execute(COUNT).fetchone() == (2,)
    write(opened(target, "replace"), rows(**{ODD: rows()[ODD].slice(1)}))
    assert target.stat().st_ino == number
    assert other.execute(COUNT).fetchone() == (1,)
    other.execute("BEGIN")
    other.execute("INSERT INTO customers (id, email) VALUES (77, 'new')")
    assert target.with_name("out.db-journal").exists()  # it belongs to the file that is there
    assert run(target, "SELECT count(*) FROM customers") == [(3,)]
    other.execute("COMMIT")
    other.close()
    assert customers(target) == 4


def test_a_reader_during_the_swap_sees_the_old_whole(target: Path) -> None:
    write(opened(target), rows())
    writer = filled(opened(target, "replace"))
    with closing(sqlite3.connect(target, isolation_level=None)) as reader:
        reader.execute("BEGIN")
        assert reader.execute("SELECT count(*) FROM customers").fetchone() == (3,)
        with pytest.raises(ConnectorError, match="in use by another program"):
            writer.finish()
        assert reader.execute("SELECT count(*) FROM order_items").fetchone() == (2,)
    assert customers(target) == 3


@pytest.mark.parametrize("suffix", ["-journal", "-wal", "-shm"])
def test_no_target_is_called_like_the_journal_of_a_database(target: Path, suffix: str) -> None:
    with pytest.raises(ConnectorError, match="calls a journal of"):
        opened(target, target_schema=str(target.with_name(f"shop.db{suffix}")))
    assert beside(target) == []


@pytest.mark.parametrize("name", ["loop.db", "x" * 300 + ".db", ""])
def test_names_that_lead_nowhere(target: Path, name: str) -> None:
    target.with_name("loop.db").symlink_to("loop.db")
    place = str(target.with_name(name)) if name else "/"
    with pytest.raises(ConnectorError, match=r"cannot be followed|is not a file"):
        opened(target, target_schema=place)


@pytest.mark.parametrize("suffix", ["-journal", "-wal", "-shm"])
def test_journals_of_other_databases_are_not_adopted(target: Path, suffix: str) -> None:
    journal = target.with_name(target.name + suffix)
    journal.write_bytes(b"of a database that is gone")
    with pytest.raises(ConnectorError, match="journal of another database"):
        opened(target)
    assert beside(target) == [journal.name]
    journal.unlink()
    with filled(opened(target)) as writer:
        journal.write_bytes(b"of a database that is gone")
        with pytest.raises(ConnectorError, match="journal of another database"):
            writer.finish()
    assert not target.exists()


@pytest.mark.parametrize(
    ("sql", "named"),
    [
        ("CREATE TABLE mine (x)", "table mine"),
        ("ALTER TABLE customers ADD COLUMN mine", "column customers.mine"),
        (
            "CREATE TRIGGER mine AFTER INSERT ON orders BEGIN DELETE FROM orders; END",
            "trigger orders.mine",
        ),
        ("CREATE VIRTUAL TABLE mine USING fts5 (x)", "table mine"),
    ],
    ids=["table", "column", "trigger", "virtual"],
)
@pytest.mark.parametrize("when", ["before", "during"])
def test_what_others_made_is_not_dropped(target: Path, sql: str, named: str, when: str) -> None:
    write(opened(target), rows())
    if when == "before":
        run(target, sql)
        with pytest.raises(ConnectorError, match=f"did not make: .*{named}"):
            opened(target, "replace")
    else:
        with filled(opened(target, "replace")) as writer:
            run(target, sql)
            with pytest.raises(ConnectorError, match=f"did not make: .*{named}"):
                writer.finish()
    assert customers(target) == 3
    assert beside(target) == []
    write(opened(target, "replace_foreign", replace_foreign=str(target)), rows())
    assert run(target, "SELECT count(*) FROM sqlite_master WHERE name = 'mine'") == [(0,)]


def test_views_and_indexes_of_others_go_over(target: Path) -> None:
    write(opened(target), rows())
    run(
        target,
        "CREATE VIEW outer_ AS SELECT * FROM inner_",  # before the view that it reads
        f"CREATE VIEW inner_ AS {COUNT}",
        "CREATE VIEW broken AS SELECT gone FROM orders",
        "CREATE INDEX mine ON orders (first_line, id)",
    )
    write(opened(target, "replace"), rows(**{ODD: rows()[ODD].slice(1)}))
    write(opened(target, "replace"), rows(**{ODD: rows()[ODD].slice(1)}))
    assert run(target, "SELECT n FROM outer_") == [(1,)]
    names = run(target, "SELECT name FROM sqlite_master WHERE name IN ('mine', 'broken')")
    assert len(names) == 2


def test_views_that_would_break_are_refused(target: Path) -> None:
    whole = shop()
    whole.tables["customers"].columns["extra"] = whole.tables["order_items"].columns["note"]
    engine = sa.create_engine(f"sqlite:///{target}", poolclass=NullPool)
    with open_writer(None, whole, provenance=ORIGIN, target_engine=engine) as writer:
        writer.finish()
    run(target, "CREATE VIEW mine AS SELECT note FROM customers")
    writer = filled(opened(target, "replace"))
    with pytest.raises(ConnectorError, match="view mine would lose"):
        writer.finish()
    assert run(target, "SELECT note FROM mine") == []


def test_two_writers(target: Path) -> None:
    with opened(target) as first:
        with pytest.raises(ConnectorError, match="Another run is writing"):
            opened(target)
        filled(first).finish()
    assert customers(target) == 3


def test_what_is_no_staging_file_is_kept(target: Path) -> None:
    names = [f"out.db__synthohive_{kind}" for kind in ("deadbeef", "12345678", "not-hex!")]
    run(target.with_name(names[0]), "CREATE TABLE mine (x)")
    target.with_name(names[1]).write_text("mine", encoding="utf-8")
    target.with_name(names[2]).touch()
    write(opened(target), rows())
    assert beside(target) == sorted(names)


def test_a_link_is_followed(target: Path) -> None:
    link = target.with_name("link.db")
    link.symlink_to(target.name)
    for mode in ("fail", "replace"):
        write(opened(link, mode), rows())
    assert link.is_symlink()
    assert customers(target) == 3


@pytest.mark.parametrize("name", ["hard.db", "soft.db", "shop.db"])
def test_the_source_is_refused_by_any_name(target: Path, name: str) -> None:
    source = target.with_name("shop.db")
    other = target.with_name(name)
    if name == "hard.db":
        os.link(source, other)
    elif name == "soft.db":
        other.symlink_to(source)
    before = source.read_bytes()
    for mode in ("fail", "replace", "replace_foreign"):
        with pytest.raises(ConnectorError, match="source itself"):
            opened(other, mode, replace_foreign=str(other) if mode.endswith("n") else None)
    assert source.read_bytes() == before


def test_a_full_disk_while_copying_changes_nothing(target: Path) -> None:
    write(opened(target), rows())
    resource = pytest.importorskip("resource")
    with filled(opened(target, "replace")) as writer:
        limits = resource.getrlimit(resource.RLIMIT_FSIZE)

        def fill(name: str) -> None:
            if name == "target held":
                resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, limits[1]))

        steps.observe(fill)
        try:
            with pytest.raises(ConnectorError, match=r"full|I/O"):
                writer.finish()
        finally:
            steps.observe(None)
            resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert customers(target) == 3
    assert beside(target) == []
