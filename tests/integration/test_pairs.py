"""A schema of each engine, written to each other: what is kept, and that the rest is listed.

Real rows go through the reader of one engine and the writer of the other, so that each value can
be compared. What was found is the table in ``docs/engines.md``, which must be as found;
``SYNTHOHIVE_WRITE_DOCS=1`` writes it.
"""

from __future__ import annotations

import datetime
import json
import os
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import create_engine
from sqlalchemy.exc import DBAPIError

from synthohive.connectors.registry import spelling
from synthohive.connectors.sql import SqlWarehouse
from synthohive.connectors.writers import open_writer
from tests.conftest import fresh_schema
from tests.contracts.engine import Place
from tests.contracts.writer import ORIGIN
from tests.integration.hard_schema import GOOD, RULES, TABLES, make, named

ENGINES = {
    "postgresql": "PostgreSQL",
    "mysql": "MySQL",
    "mariadb": "MariaDB",
    "sqlite": "SQLite",
    "duckdb": "DuckDB",
}
PAIRS = [(a, b) for a in ENGINES for b in ENGINES if a != b]
DOCUMENT = Path(__file__).parents[2] / "docs" / "engines.md"
WRITES = os.environ.get("SYNTHOHIVE_WRITE_DOCS") == "1"
_DAY, _MIDNIGHT = datetime.date(2000, 1, 1), datetime.time()
COLUMNS = (
    "values", "keys", "unique", "of some rows", "CHECKs", "computed", "defaults", "counter",
    "indexes", "comments",
)  # fmt: skip


@pytest.fixture(scope="module")
def places(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Any]:
    """Give a function that returns an empty place of an engine, and one that returns its source."""
    stack, sources = ExitStack(), {}

    def fresh(engine: str) -> Place:
        if engine in ("sqlite", "duckdb"):
            file = tmp_path_factory.mktemp(engine) / f"{engine}.db"
            return Place(create_engine(f"{engine}:///{file}"), None)
        server = request.getfixturevalue(
            "postgres_engine" if engine == "postgresql" else f"{engine}_engine"
        )
        return Place(server, stack.enter_context(fresh_schema(server)))

    def target(engine: str) -> Place:
        place = fresh(engine)
        return place if place.schema is None else Place(place.engine, f"{place.schema}_copy")

    def source(engine: str) -> Place:
        if engine not in sources:
            place = fresh(engine)
            if engine == "duckdb":
                with place.engine.begin() as connection:
                    connection.exec_driver_sql("CREATE SCHEMA shop")
                place = Place(place.engine, "shop")
            make(place)
            sources[engine] = place
        return sources[engine]

    with stack:
        yield source, target


@dataclass
class Found:
    """What of a source is in a copy."""

    cells: dict[str, str] = field(default_factory=dict)
    lost: list[str] = field(default_factory=list)

    def count(self, cell: str, kept: dict[str, bool]) -> None:
        """Say how many of some things are kept, and remember the others by name."""
        self.cells[cell] = f"{sum(kept.values())} of {len(kept)}" if kept else "–"
        self.lost += [name for name, there in kept.items() if not there]


def plain(value: Any) -> Any:
    """Return a value as it compares, whatever type holds it."""
    if isinstance(value, Decimal):
        return value.normalize()
    if isinstance(value, datetime.timedelta):
        return value.total_seconds()
    if isinstance(value, datetime.time):  # a duration of MySQL
        return plain(
            datetime.datetime.combine(_DAY, value) - datetime.datetime.combine(_DAY, _MIDNIGHT)
        )
    if isinstance(value, datetime.datetime) and value.tzinfo is not None:
        return value.astimezone(datetime.timezone.utc).replace(tzinfo=None)
    if isinstance(value, str) and value[:1] in ("{", "["):
        return json.loads(value)
    return value


def values(warehouse: SqlWarehouse, table: str) -> dict[str, list[Any]]:
    found: dict[str, list[Any]] = {}
    for batch in warehouse.read(table):
        for name, cells in batch.to_pydict().items():
            found.setdefault(name, []).extend(map(plain, cells))
    return found


def refused(place: Place, statement: str) -> bool:
    """Whether the database refuses a statement; what it takes is undone."""
    with place.engine.connect() as connection:
        try:
            connection.execution_options(no_parameters=True).exec_driver_sql(statement)
        except DBAPIError:
            return True
        finally:
            connection.rollback()
    return False


def measure(source: Place, copy: Place) -> Found:
    """Compare a copy with its source."""
    found = Found()
    real = SqlWarehouse(source.engine, source.schema)
    made = SqlWarehouse(copy.engine, copy.schema)
    for table in TABLES:
        a, b = values(real, table), values(made, table)
        same = {f"{table}.{name}": a[name] == b[name] for name in a}
        if table == "kinds":
            found.count("values", {n: s for n, s in same.items() if n != "kinds.id"})
        else:
            assert all(same.values()), [name for name, s in same.items() if not s]
    there = made.metadata.tables
    keys = {
        key.label(table): any(
            (k.columns, k.parent) == (key.columns, key.parent) for k in there[table].foreign_keys
        )
        for table, key in real.metadata.foreign_keys()
    }
    found.count("keys", keys)
    insert = f"INSERT INTO {copy.of('rules')} (name, a, b, price, day) VALUES "
    assert not refused(copy, f"{insert}({GOOD.replace('ok', 'fine')})")
    again = "'new', NULL, NULL" if "first_order" in there["customer"].columns else "'new', NULL"
    mail = f"INSERT INTO {copy.of('customer')} VALUES (5000, 'c1@post.org', {again})"
    found.count("unique", {"mail": refused(copy, mail), "name": refused(copy, f"{insert}({GOOD})")})
    order = f"INSERT INTO {copy.of('orders')} (id, customer_id, status, total, paid) VALUES "
    second = {"orders.one_open": refused(copy, f"{order}(999, 2, 'open', 9, 1)")}
    found.count("of some rows", second if spelling(named(source)).partial_indexes else {})
    broken = {f"rules.{n}": refused(copy, f"{insert}({row})") for n, (_, row) in RULES.items()}
    broken["orders.not_more"] = refused(copy, f"{order}(999, 2, 'paid', 9, 10)")
    for name, row in (("known", "'c', NULL, NULL"), ("gone_since", "'gone', NULL, NULL")):
        sql = f"INSERT INTO {copy.of('customer')} VALUES (5000, 'x@post.org', {row})"
        broken[f"customer.{name}"] = refused(copy, sql)
    found.count("CHECKs", broken)
    due = f"SELECT count(*) FROM {copy.of('orders')} WHERE due = total - paid"
    label = f"SELECT count(*) FROM {copy.of('rules')} WHERE label = upper(name)"
    found.count("computed", {"due": copy.ask(due) == 120, "label": copy.ask(label) == 2})
    _measure_defaults(copy, found, list(real.metadata.tables["rules"].columns))
    by = there["orders"].indexes
    found.count("indexes", {"by_status": any(i.columns == ["status", "total"] for i in by)})
    said = real.metadata.tables["orders"].columns["status"].comment
    same = there["orders"].columns["status"].comment == said
    found.count("comments", {"orders.status": same} if said else {})
    return found


def _measure_defaults(copy: Place, found: Found, columns: list[str]) -> None:
    expected = {
        "name": "x'y", "a": 7, "price": Decimal("1.5"), "yes": True, "ratio": 0.5,
    }  # fmt: skip
    with copy.engine.connect() as connection:
        rules = copy.of("rules")
        try:
            connection.exec_driver_sql(f"INSERT INTO {rules} (b) VALUES (1)")
        except DBAPIError:
            found.count("counter", {"rules.id": False})
            connection.rollback()
            connection.exec_driver_sql(f"INSERT INTO {rules} (id, b) VALUES (1000, 1)")
        else:
            found.count("counter", {"rules.id": True})
        last = connection.exec_driver_sql(f"SELECT * FROM {rules} ORDER BY id DESC")
        row = last.mappings().first()
        assert row is not None
        kept = {
            f"rules.{n}": row[n] is not None and Decimal(str(row[n])) == Decimal(str(v))
            if isinstance(v, Decimal)
            else row[n] == v
            for n, v in expected.items()
            if n in columns
        }
        kept |= {f"rules.{name}": row[name] is not None for name in ("day", "made")}
        connection.rollback()
    found.count("defaults", kept)


@pytest.mark.integration
@pytest.mark.parametrize(("source", "target"), PAIRS)
def test_a_schema_of_one_engine_in_another(source: str, target: str, places: Any) -> None:
    real, free = places
    place, copy = real(source), free(target)
    warehouse = SqlWarehouse(place.engine, place.schema)
    with open_writer(
        place.engine, warehouse.metadata, source_schema=place.schema, target_engine=copy.engine,
        target_schema=copy.schema, provenance=ORIGIN,
    ) as writer:  # fmt: skip
        for table in TABLES:
            writer.load(table, warehouse.read(table))
        checks = writer.finish()
    assert sum(check.orphans for check in checks) == 0
    reasons = writer.objects()
    found = measure(place, copy)
    rules = [name for kind, name in reasons if kind == "check constraints"]
    lost = [name for name in found.lost if name.startswith("rules.c")]
    assert len(lost) == len(rules), rules  # DuckDB's have no names
    listed = {name for _, name in reasons}.union(lost)
    assert set(found.lost) <= listed, "what is lost is listed"
    row = [f"{ENGINES[source]} → {ENGINES[target]}", *(found.cells[name] for name in COLUMNS)]
    left = [f"{kind} `{name}`: {why}" for (kind, name), why in reasons.items() if why]
    check_documented(row, left)


def check_documented(row: list[str], left: list[str]) -> None:
    """Check the row of a pair, and what it lacks, in the documentation; or write them."""
    for mark, line in (
        ("pairs", f"| {' | '.join(row)} |"),
        ("left out", f"| {row[0]} | {'; '.join(left) or 'nothing'} |"),
    ):
        text = DOCUMENT.read_text(encoding="utf-8")
        head, start, rest = text.partition(f"<!-- {mark}: measured -->")
        table, end, tail = rest.partition(f"<!-- {mark}: end -->")
        lines = table.strip().splitlines()
        if not WRITES:
            assert line in lines, f"docs/engines.md is not up to date: {line}"
            continue
        names = [f"| {ENGINES[a]} → {ENGINES[b]} |" for a, b in PAIRS]
        rows = {found[: found.index("|", 2) + 1]: found for found in lines[2:]}
        rows[f"| {row[0]} |"] = line
        made = "\n".join(["", "", *lines[:2], *(rows[n] for n in names if n in rows), "", ""])
        DOCUMENT.write_text(head + start + made + end + tail, encoding="utf-8")
