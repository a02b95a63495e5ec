"""Small databases of real rows, on each engine: closed under every key, within the budget."""

from __future__ import annotations

import random
import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, create_engine

from synthohive import ConnectorError, SchemaError, Synthesizer
from synthohive.connectors.registry import spelling
from synthohive.ddl.statements import PROVENANCE_TABLE
from synthohive.interface.result import SubsetSummary
from synthohive.io.steps import observe
from tests.conftest import fresh_schema
from tests.contracts.engine import Place

ENGINES = ("postgresql", "mysql", "mariadb", "sqlite", "duckdb")
PERSON = """o'Brien \\ %s "x" {ü}"""
ODD = "sel ect 'it'"
TABLES = (
    "region",
    "person",
    "team",
    "product",
    "orders",
    "line",
    "note",
    "loose",
    "dated",
    "nothing",
    ODD,
)
KEYS = [
    ("person", ("region",), "region", ("id",)),
    ("person", ("boss",), "person", ("id",)),
    ("team", ("lead_by",), "person", ("id",)),
    ("orders", ("buyer",), "person", ("id",)),
    ("orders", ("payer",), "person", ("id",)),
    ("line", ("shop", "number"), "orders", ("shop", "number")),
    ("line", ("product",), "product", ("code",)),
    ("note", ("shop", "number"), "orders", ("shop", "number")),
]
CYCLE = ("person", ("team",), "team", ("id",))


def quoted(place: Place, name: str) -> str:
    """Return a name, quoted."""
    return spelling(place.engine.dialect.name).quote(name)


def of(place: Place, table: str) -> str:
    """Return a table's quoted name with its schema."""
    return ".".join(quoted(place, part) for part in (place.schema, table) if part)


def run(place: Place, *statements: str) -> None:
    """Run statements, tables' names in double braces."""
    with place.engine.begin() as connection:
        plain = connection.execution_options(no_parameters=True)
        for sql in statements:
            named = re.sub("{{(.*?)}}", lambda found: of(place, found[1]), sql)
            plain.exec_driver_sql(named)


def rows(place: Place, table: str) -> Counter[tuple[Any, ...]]:
    """Return a table's rows, each with how often it is there."""
    with place.engine.connect() as connection:
        found = connection.exec_driver_sql(f"SELECT * FROM {of(place, table)}".replace("%", "%%"))
        return Counter(map(tuple, found))


def make(place: Place) -> None:
    """Make a source: a chain of bosses, composite keys, keys to a UNIQUE, tables without keys."""
    name = place.engine.dialect.name
    late, text = name not in ("duckdb", "sqlite"), spelling(name).literal
    identity = "int GENERATED ALWAYS AS IDENTITY" if name == "postgresql" else "int"
    cyclic = ", team int REFERENCES {{team}} (id)" if name == "sqlite" else ", team int"
    run(
        place,
        "CREATE TABLE {{region}} (id int NOT NULL PRIMARY KEY, label varchar(20))",
        f"CREATE TABLE {{{{person}}}} (id varchar(40) NOT NULL PRIMARY KEY, region int NOT NULL, "
        f"boss varchar(40){cyclic}, born date, FOREIGN KEY (region) REFERENCES {{{{region}}}} (id),"
        " FOREIGN KEY (boss) REFERENCES {{person}} (id))",
        "CREATE TABLE {{team}} (id int NOT NULL PRIMARY KEY, lead_by varchar(40) NOT NULL, "
        "FOREIGN KEY (lead_by) REFERENCES {{person}} (id))",
        f"CREATE TABLE {{{{product}}}} (id {identity} NOT NULL PRIMARY KEY, "
        "code varchar(9) NOT NULL UNIQUE, story text)",
        "CREATE TABLE {{orders}} (shop int NOT NULL, number int NOT NULL, buyer varchar(40) "
        "NOT NULL, payer varchar(40), total decimal(9, 2), PRIMARY KEY (shop, number), FOREIGN KEY "
        "(buyer) REFERENCES {{person}} (id), FOREIGN KEY (payer) REFERENCES {{person}} (id))",
        "CREATE TABLE {{line}} (shop int NOT NULL, number int NOT NULL, pos int NOT NULL, product "
        "varchar(9) NOT NULL, PRIMARY KEY (shop, number, pos), FOREIGN KEY (shop, number) "
        "REFERENCES {{orders}} (shop, number), "
        "FOREIGN KEY (product) REFERENCES {{product}} (code))",
        "CREATE TABLE {{note}} (shop int, number int, word varchar(9), FOREIGN KEY (shop, number) "
        "REFERENCES {{orders}} (shop, number))",
        "CREATE TABLE {{loose}} (a int, b varchar(9))",
        "CREATE TABLE {{dated}} (day date NOT NULL)",
        "CREATE TABLE {{nothing}} (id int NOT NULL PRIMARY KEY)",
        f"CREATE TABLE {{{{{ODD}}}}} ({quoted(place, 'wh%ere')} int, {quoted(place, 'a b')} int)",
    )
    if late:
        run(place, "ALTER TABLE {{person}} ADD FOREIGN KEY (team) REFERENCES {{team}} (id)")
    for table, values in content(text):
        always = " OVERRIDING SYSTEM VALUE" if table == "product" and identity != "int" else ""
        alone = name == "duckdb" and table == "person"  # it finds bosses of earlier statements only
        for listed in values if alone else ["), (".join(values)]:
            run(place, f"INSERT INTO {{{{{table}}}}}{always} VALUES ({listed})")
    if name != "duckdb":
        leads = " ".join(f"WHEN {t} THEN {text(PERSON + str(7 * t))}" for t in range(20))
        run(
            place,
            "UPDATE {{person}} SET team = 3 WHERE boss IS NULL",
            f"UPDATE {{{{team}}}} SET lead_by = CASE id {leads} END",
        )


def content(text: Any) -> Iterator[tuple[str, list[str]]]:
    """Yield the rows of each table, parents first."""
    rng = random.Random(5)
    person = [text(f"{PERSON}{i}") for i in range(200)]
    yield "region", [f"{i}, 'r{i}'" for i in range(6)]
    bosses = ["NULL" if i % 9 == 0 else person[rng.randrange(i)] for i in range(200)]
    yield "person", [f"{p}, {i % 6}, {bosses[i]}, NULL, '199{i % 10}-01-31'"
                     for i, p in enumerate(person)]  # fmt: skip
    yield "team", [f"{i}, {person[i]}" for i in range(20)]
    yield "product", [f"{i}, 'c{i}', 'it''s {'x' * i}'" for i in range(1, 61)]
    for start in range(0, 1500, 500):
        numbers = range(start, start + 500)
        yield "orders", [
            f"{n % 3}, {n}, {person[rng.randrange(200)]}, "
            f"{person[0] if n % 4 else 'NULL'}, {n}.25" for n in numbers
        ]  # fmt: skip
        yield "line", [
            f"{n % 3}, {n}, {pos}, 'c{1 if rng.random() < 0.5 else rng.randint(1, 60)}'"
            for n in numbers for pos in range(n % 4)
        ]  # fmt: skip
    yield "note", [f"{'NULL' if i % 5 == 0 else i % 3}, {i if i % 7 else 'NULL'}, 'w{i % 3}'"
                   for i in range(0, 900, 3)]  # fmt: skip
    yield "loose", ["1, 'same'"] * 30 + [f"{i}, NULL" for i in range(100, 155)] + ["99, 'rare'"]
    yield "dated", [f"'2024-01-{d:02d}'" for d in range(1, 32)]
    yield ODD, [f"{i}, {i % 2}" for i in range(9)]


@pytest.fixture(scope="module", params=ENGINES)
def source(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Place]:
    """Give a filled schema of each engine."""
    name = request.param
    if name in ("sqlite", "duckdb"):
        place = Place(create_engine(f"{name}:///{tmp_path_factory.mktemp(name) / 'real.db'}"))
        if name == "duckdb":
            with place.engine.begin() as connection:
                connection.exec_driver_sql("CREATE SCHEMA shop")
            place = Place(place.engine, "shop")
        make(place)
        yield place
        place.engine.dispose()
        return
    server = request.getfixturevalue(f"{'postgres' if name == 'postgresql' else name}_engine")
    with fresh_schema(server) as schema:
        make(Place(server, schema))
        yield Place(server, schema)


def target(source: Place, name: str) -> Place:
    """Return where a subset of that name lies."""
    if source.schema is None:
        file = Path(str(source.engine.url.database)).with_name(f"{name}.db")
        return Place(create_engine(f"sqlite:///{file}"))
    return Place(source.engine, f"{source.schema}_{name}")


def subset(source: Place, name: str, **asked: Any) -> tuple[SubsetSummary, Place]:
    """Write a subset beside the source."""
    place = target(source, name)
    synth = Synthesizer.from_database(source.engine, source.schema)
    summary = synth.subset(schema=place.schema or name, **asked)
    return summary, place


def check(source: Place, copy: Place) -> int:
    """Assert that all rows are the source's, and every key leads to a row; return their number."""
    found = {table: rows(copy, table) for table in TABLES}
    for table, own in found.items():
        assert not own - rows(source, table), table
    with copy.engine.connect() as connection:
        for child, columns, parent, theirs in [*KEYS, CYCLE]:
            equal = " AND ".join(f"p.{q} = c.{c}" for c, q in zip(columns, theirs))
            whole = " AND ".join(f"c.{c} IS NOT NULL" for c in columns)
            orphans = (
                f"SELECT count(*) FROM {of(copy, child)} c WHERE {whole} AND NOT EXISTS "
                f"(SELECT 1 FROM {of(copy, parent)} p WHERE {equal})"
            )
            assert connection.exec_driver_sql(orphans).scalar() == 0, (child, columns)
    return sum(own.total() for own in found.values())


@pytest.mark.parametrize("size", [40, 900])
def test_what_rows_refer_to_is_there_and_the_budget_is_used(source: Place, size: int) -> None:
    summary, copy = subset(source, "few", rows=size, seed=3, if_exists="replace")
    assert check(source, copy) == summary.rows
    assert 0.95 * size <= summary.rows <= size
    assert summary.orphans == 0
    assert {k.enforced for k in summary.keys} == {True}
    with copy.engine.connect() as connection:
        note = connection.exec_driver_sql(f"SELECT model FROM {of(copy, PROVENANCE_TABLE)}")
        assert "REAL" in str(note.scalar())
    assert "REAL ROWS" in str(summary)
    drawn = {t.name: t.rows - summary.referred.get(t.name, 0) for t in summary.tables}
    for name, weight in summary.weights.items():  # popular parents that are referred to have none
        if weight:
            assert drawn[name] * weight == pytest.approx(rows(source, name).total())
    assert summary.referred["product"] > 0


def test_all_of_it_where_the_budget_is_large(source: Place) -> None:
    summary, copy = subset(source, "whole", rows=100_000, seed=3)
    for table in TABLES:
        assert rows(copy, table) == rows(source, table)
    assert not summary.referred
    assert set(summary.weights.values()) == {1.0}


def test_the_same_seed_gives_the_same_rows(source: Place) -> None:
    first, one = subset(source, "first", rows=300, seed=1)
    again, two = subset(source, "again", rows=300, seed=1)
    _, three = subset(source, "other", rows=300, seed=2)
    assert first.shares == again.shares
    assert all(rows(one, table) == rows(two, table) for table in TABLES)
    assert any(rows(one, table) != rows(three, table) for table in TABLES)


def test_bytes_are_held(source: Place) -> None:
    summary, copy = subset(source, "small", rows=10_000, max_bytes=9_000, seed=1)
    assert 0.9 * 9_000 <= summary.bytes <= 9_000
    assert check(source, copy) == summary.rows


def test_it_lies_nowhere_unless_named_and_replaces_no_synthetic_schema(source: Place) -> None:
    synth = Synthesizer.from_database(source.engine, source.schema)
    with pytest.raises(ConnectorError, match="named"):
        synth.subset(rows=10)
    with pytest.raises(ConnectorError, match="source itself"):
        synth.subset(schema=source.schema or "real", rows=10, if_exists="replace")
    _, copy = subset(source, "once", rows=50, seed=1)
    before = rows(copy, "person")
    with pytest.raises(ConnectorError, match="subset of REAL rows"):
        subset(source, "once", rows=60, seed=1)
    note = of(copy, PROVENANCE_TABLE)
    with copy.engine.begin() as connection:
        connection.exec_driver_sql(f"UPDATE {note} SET model = 'autoregressive'")
    with pytest.raises(ConnectorError, match="synthetic schema, and REAL rows"):
        subset(source, "once", rows=60, seed=1, if_exists="replace")
    with copy.engine.begin() as connection:
        connection.exec_driver_sql(f"DROP TABLE {note}")
    with pytest.raises(ConnectorError, match="did not make it"):
        subset(source, "once", rows=60, seed=1, if_exists="replace")
    assert rows(copy, "person") == before


def test_excluded_columns_are_not_copied(source: Place) -> None:
    synth = Synthesizer.from_database(source.engine, source.schema)
    synth.metadata.exclude("product.story")
    place = target(source, "without")
    summary = synth.subset(schema=place.schema or "without", rows=400, seed=1)
    assert summary.excluded == ("product.story",)
    with place.engine.connect() as connection:
        told = f"SELECT count(*), count(story) FROM {of(place, 'product')}"
        there, known = connection.exec_driver_sql(told).one()
    assert there > 0
    assert known == 0


def test_another_database_gets_the_rows_by_the_reader(source: Place, tmp_path: Path) -> None:
    synth = Synthesizer.from_database(source.engine, source.schema)
    url = f"sqlite:///{tmp_path / 'elsewhere.db'}"
    summary = synth.subset(url, rows=300, seed=3)
    copy = Place(create_engine(url))
    assert sum(rows(copy, table).total() for table in TABLES) == summary.rows
    assert rows(copy, "orders").total() > 10
    with copy.engine.connect() as connection:
        assert connection.exec_driver_sql("PRAGMA foreign_key_check").all() == []


def test_nothing_fits(source: Place) -> None:
    synth = Synthesizer.from_database(source.engine, source.schema)
    with pytest.raises(SchemaError, match="No row fits"):
        synth.subset(schema="tiny", rows=10, max_bytes=1, seed=1)


def test_the_newest_or_some_of_each_category_are_drawn_first(source: Place) -> None:
    asked: dict[str, Any] = {"rows": 300, "seed": 1, "if_exists": "replace"}
    summary, copy = subset(source, "first_of", sampling_strategy="stratified", **asked)
    assert check(source, copy) == summary.rows
    assert (99, "rare") in rows(copy, "loose")
    summary, copy = subset(source, "first_of", sampling_strategy="recent", **asked)
    assert check(source, copy) == summary.rows
    assert {str(row[0]) for row in rows(copy, "dated")} >= {f"2024-01-{d}" for d in (30, 31)}
    assert all(str(row[0]) > "2024-01-25" for row in rows(copy, "dated"))


def test_rows_that_go_meanwhile_are_missed(postgres_engine: Engine, postgres_schema: str) -> None:
    source = Place(postgres_engine, postgres_schema)
    make(source)
    gone: list[str] = []

    def delete(step: str) -> None:
        if step == "table loaded" and not gone:
            gone.append(step)
            run(source, "DELETE FROM {{line}}")

    observe(delete)
    try:
        with pytest.raises(ConnectorError, match=r"'line' were chosen, and 0 are there now"):
            subset(source, "meanwhile", rows=900, seed=1)
    finally:
        observe(None)
    assert gone
    with source.engine.connect() as connection:
        left = "SELECT count(*) FROM pg_namespace WHERE nspname LIKE '%%meanwhile%%'"
        assert connection.exec_driver_sql(left).scalar() == 0
