"""BigQuery: on its stand-in in a container, or, where a URL names one, in a real project.

What the stand-in lacks is marked `notimpl` with the reason; an unexpected pass is a failure.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any, ClassVar

import pyarrow as pa
import pytest
from sqlalchemy import Engine, create_engine

from synthohive.connectors.bigquery.service import client_of
from synthohive.connectors.registry import spelling
from synthohive.connectors.sql import SqlWarehouse
from synthohive.connectors.writers import open_writer
from synthohive.exceptions import ConnectorError
from synthohive.io.base import Provenance
from synthohive.io.steps import observe
from synthohive.schema import ColumnKind
from tests.contracts.engine import EngineContract, Place
from tests.contracts.lease import InterruptionContract
from tests.contracts.odd import OddContract
from tests.contracts.questions import QuestionsContract, statements
from tests.contracts.sent import documented
from tests.contracts.stand_ins import notimpl
from tests.evidence import ACCOUNT, STAND_IN, feature, runs
from tests.integration.bigquery_service import fresh_dataset

pytestmark = [pytest.mark.integration, runs("BigQuery", STAND_IN)]
ORIGIN = Provenance("0.1", "none", 7, 1.0, "2026-01-01T00:00:00+00:00", "source")
URL = os.environ.get("SYNTHOHIVE_TEST_BIGQUERY_URL")

TYPES = {
    "i": ("INT64", "-9223372036854775808"),
    "f": ("FLOAT64", "1.5"),
    "b": ("BOOL", "TRUE"),
    "s": ("STRING", r"'it\'s \\ `1`\n% %% ü'"),
    "y": ("BYTES", r"FROM_HEX('00ff')"),
    "d": ("DATE", "DATE '9999-12-31'"),
    "t": ("TIME", "TIME '23:59:59.999999'"),
    "dt": ("DATETIME", "DATETIME '2024-02-29 12:00:00.000001'"),
    "ts": ("TIMESTAMP", "TIMESTAMP '0001-01-01 00:00:00+00'"),
    "n": ("NUMERIC", "NUMERIC '12345678901234567890.123456789'"),
    "bn": ("BIGNUMERIC", "BIGNUMERIC '-1234567890.123456789012345'"),
    "j": ("JSON", """JSON '{"a": [1, null, "x"], "b": {"c": 1.5}}'"""),
    "a": ("ARRAY<INT64>", "[1, 2, 3]"),
    "ad": ("ARRAY<DATE>", "[DATE '2024-01-01']"),
    "st": ("STRUCT<p INT64, q STRING>", "STRUCT(1 AS p, 'x' AS q)"),
    "ast": (
        "ARRAY<STRUCT<sku STRING, price NUMERIC>>",
        "[STRUCT('k' AS sku, NUMERIC '1.25' AS price), STRUCT('l', NULL)]",
    ),
    "g": ("GEOGRAPHY", "ST_GEOGPOINT(13.5, -2)"),
    "iv": ("INTERVAL", "INTERVAL '1:2:3.5' HOUR TO SECOND"),
}


def run(engine: Engine, *statements: str) -> None:
    with engine.begin() as connection:
        for sql in statements:
            connection.exec_driver_sql(sql.replace("%", "%%"))


def ask(engine: Engine, sql: str) -> list[tuple[Any, ...]]:
    with engine.connect() as connection:
        return [tuple(row) for row in connection.exec_driver_sql(sql.replace("%", "%%"))]


def copied(engine: Engine, source: str, target: str, **how: Any) -> None:
    """Write all rows of a dataset, or of another engine's schema, to another one."""
    warehouse = SqlWarehouse(engine, source)
    how.setdefault("provenance", ORIGIN)
    with open_writer(
        engine, warehouse.metadata, target_schema=target, source_schema=source, **how
    ) as writer:
        for table in warehouse.metadata.tables:
            writer.load(table, warehouse.read(table))
        writer.finish()


@pytest.mark.slow
class TestBigquery(EngineContract):
    """At the level of the user's verbs."""

    @pytest.fixture(scope="class")
    @classmethod
    def source(cls, bigquery_engine: Engine) -> Iterator[Place]:
        with fresh_dataset(bigquery_engine) as name:
            yield Place(bigquery_engine, name)


@pytest.mark.skipif(URL is None, reason="SYNTHOHIVE_TEST_BIGQUERY_URL names no project")
@pytest.mark.remote
@runs("BigQuery", ACCOUNT)
class TestRemote(EngineContract):
    """The same in a real project: ``bigquery://project?location=EU``."""

    @pytest.fixture(scope="class")
    @classmethod
    def source(cls) -> Iterator[Place]:
        engine = create_engine(str(URL))
        with fresh_dataset(engine) as name:
            yield Place(engine, name)
        engine.dispose()


def test_shapes_that_are_no_points_say_nothing(bigquery_engine: Engine) -> None:
    with fresh_dataset(bigquery_engine) as name:
        shape = "ST_GEOGFROMTEXT('POLYGON((0 0, 0 1, 1 1, 0 0))')"
        run(
            bigquery_engine,
            f"CREATE TABLE {name}.land (id INT64 NOT NULL, g GEOGRAPHY, must GEOGRAPHY NOT NULL)",
            f"INSERT INTO {name}.land VALUES (1, {shape}, {shape}), (2, NULL, {shape})",
        )
        copied(bigquery_engine, name, f"{name}_copy")
        found = ask(
            bigquery_engine,
            "SELECT REPLACE(ST_ASTEXT(g), 'T (', 'T('), REPLACE(ST_ASTEXT(must), 'T (', 'T(') "
            f"FROM {name}_copy.land ORDER BY id",
        )
    assert found == [("POINT(0 0)", "POINT(0 0)"), (None, "POINT(0 0)")]


@feature("odd names")
def test_odd_names_and_many_rows(bigquery_engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    """More rows than a page has come by the Storage Read API."""
    with bigquery_engine.connect() as connection:
        storage: Any = connection.connection.dbapi_connection
    sessions: list[Any] = []
    make = storage._bqstorage_client.create_read_session
    monkeypatch.setattr(
        storage._bqstorage_client,
        "create_read_session",
        lambda *args, **more: sessions.append(1) or make(*args, **more),
    )
    with fresh_dataset(bigquery_engine) as name:
        run(
            bigquery_engine,
            f"CREATE TABLE {name}.`odd täble-1` (`größe 名` INT64 NOT NULL, `select` STRING)",
            f"INSERT INTO {name}.`odd täble-1` SELECT n, IF(n = 1, '%% % `', NULL) "
            "FROM UNNEST(GENERATE_ARRAY(1, 150000)) n",
        )
        copied(bigquery_engine, name, f"{name}_copy")
        found = ask(
            bigquery_engine,
            f"SELECT COUNT(*), SUM(`größe 名`), MAX(`select`) FROM {name}_copy.`odd täble-1`",
        )
    assert found == [(150_000, 150_000 * 150_001 // 2, "%% % `")]
    assert sessions


OTHER = {
    "b": ("BOOLEAN", "true"),
    "u": ("UUID", "'6f0b1a52-0000-4000-8000-000000000001'"),
    "j": ("JSON", """'{"a": [1.5]}'"""),
    "l": ("INTEGER[]", "[1, NULL, 3]"),
    "s": ("STRUCT(a INTEGER)", "{'a': 1}"),
    "d": ("DECIMAL(38, 10)", "1234567890.0123456789"),
    "ub": ("UBIGINT", "18446744073709551615"),
    "f": ("FLOAT", "1.5"),
    "dt": ("DATE", "'2024-02-29'"),
    "t": ("TIME", "'23:59:59.5'"),
    "ts": ("TIMESTAMPTZ", "'2024-01-01 00:00:00+00'"),
    "iv": ("INTERVAL", "INTERVAL '1 hour 1.5 seconds'"),
    "bl": ("BLOB", r"'\x00\xff'"),
    "e": ("ENUM('x', 'y')", "'x'"),
}


def test_copies_of_another_engine_and_back(bigquery_engine: Engine, tmp_path: Path) -> None:
    pytest.importorskip("duckdb_sqlalchemy")
    duck = create_engine(f"duckdb:///{tmp_path / 'other.duckdb'}")
    fields = ", ".join(f"{name} {type_}" for name, (type_, _) in OTHER.items())
    run(
        duck,
        "CREATE TABLE p (id INTEGER PRIMARY KEY, code VARCHAR UNIQUE, CHECK (id > 0), "
        "made TIMESTAMP DEFAULT current_timestamp)",
        "CREATE TABLE c (id BIGINT PRIMARY KEY, p INTEGER REFERENCES p (id), "
        f"code VARCHAR REFERENCES p (code), {fields})",
        "INSERT INTO p VALUES (1, 'k', '2024-01-01')",
        f"INSERT INTO c VALUES (1, 1, 'k', {', '.join(value for _, value in OTHER.values())})",
    )
    with fresh_dataset(bigquery_engine) as name:
        copied(duck, "main", f"{name}_there", target_engine=bigquery_engine)
        copied(bigquery_engine, f"{name}_there", "back", target_engine=duck)
    plain = {"l": "to_json(l)::VARCHAR", "s": "to_json(s)::VARCHAR"}
    # digits are what the stand-in does not tell
    plain |= {"ub": "ub::HUGEINT::VARCHAR", "d": "d::DECIMAL(38, 10)::VARCHAR"}
    listed = ", ".join(plain.get(n, f"{n}::VARCHAR") for n in ("id", "p", "code", *OTHER))
    first, back = (ask(duck, f"SELECT {listed} FROM {at}.c") for at in ("main", "back"))
    duck.dispose()
    assert [v and v.replace(" ", "") for v in back[0]] == [
        v and v.replace(" ", "") for v in first[0]
    ]


class TestTypes:
    """Each type, read and put back without loss."""

    @pytest.fixture(scope="class")
    @classmethod
    def place(cls, bigquery_engine: Engine) -> Iterator[str]:
        with fresh_dataset(bigquery_engine) as name:
            fields = ", ".join(f"{n} {type_}" for n, (type_, _) in TYPES.items())
            values = ", ".join(value for _, value in TYPES.values())
            nulls = ", ".join("[]" if t.startswith("ARRAY") else "NULL" for t, _ in TYPES.values())
            run(
                bigquery_engine,
                f"CREATE TABLE {name}.every (id INT64 NOT NULL, {fields})",
                f"INSERT INTO {name}.every SELECT 1, {values}",
                f"INSERT INTO {name}.every SELECT 2, {nulls}",
            )
            copied(bigquery_engine, name, f"{name}_copy")
            yield name

    @pytest.mark.parametrize("column", TYPES)
    @feature("types come back")
    def test_values_come_back(self, bigquery_engine: Engine, place: str, column: str) -> None:
        text = f"TO_JSON_STRING({column})" if column != "g" else "ST_ASTEXT(g)"
        source, copy = (
            ask(bigquery_engine, f"SELECT id, {text} FROM {at}.every ORDER BY id")
            for at in (place, f"{place}_copy")
        )
        assert source[0][1] not in (None, "null")
        assert copy == source

    def test_kinds(self, bigquery_engine: Engine, place: str) -> None:
        columns = SqlWarehouse(bigquery_engine, place).metadata.tables["every"].columns
        kinds = {name: column.kind for name, column in columns.items()}
        assert kinds["bn"] is ColumnKind.DECIMAL
        assert columns["bn"].arrow_type == pa.decimal128(38, 15)
        assert (kinds["a"], kinds["st"]) == (ColumnKind.ARRAY, ColumnKind.COMPOSITE)
        assert (kinds["g"], kinds["iv"]) == (ColumnKind.POINT, ColumnKind.INTERVAL)
        assert (columns["ts"].timezone, columns["dt"].timezone) == (True, False)
        assert not columns["a"].nullable


class TestLacking:
    """What the stand-in lacks (`tests/connectors/test_bigquery.py` has the recorded rows)."""

    @pytest.fixture(scope="class")
    @classmethod
    def table(cls, bigquery_engine: Engine) -> Iterator[Any]:
        with fresh_dataset(bigquery_engine) as name:
            run(
                bigquery_engine,
                f"CREATE TABLE {name}.t (n NUMERIC(9, 2), s STRING(40), b BIGNUMERIC, "
                "d STRING DEFAULT 'new', r RANGE<DATE>)",
                f"INSERT INTO {name}.t (b) VALUES (BIGNUMERIC '1.5')",
            )
            yield SqlWarehouse(bigquery_engine, name).metadata.tables["t"]

    @notimpl("INFORMATION_SCHEMA.COLUMNS has types without digits and lengths")
    @feature("a copy states what its source does")
    def test_digits_and_lengths(self, table: Any) -> None:
        assert (table.columns["n"].precision, table.columns["s"].length) == (9, 40)

    @notimpl("INFORMATION_SCHEMA.COLUMNS has no column_default")
    @feature("a copy states what its source does")
    def test_defaults(self, table: Any) -> None:
        assert table.columns["d"].default == "'new'"

    def test_ranges_are_not_read(self, table: Any) -> None:
        assert "r" in table.exclude_columns


def shop(engine: Engine, name: str) -> None:
    """Make two tables with keys, one of them partitioned."""
    run(
        engine,
        f"CREATE TABLE {name}.parent (id INT64 NOT NULL, name STRING NOT NULL, day DATE, "
        "PRIMARY KEY (id) NOT ENFORCED) PARTITION BY DATE_TRUNC(day, MONTH) CLUSTER BY name "
        "OPTIONS (description = 'who \"buys\"', labels = [('team', 'shop')])",
        f"CREATE TABLE {name}.child (id INT64 NOT NULL, parent INT64, "
        "PRIMARY KEY (id) NOT ENFORCED, FOREIGN KEY (parent) REFERENCES "
        f"{name}.parent (id) NOT ENFORCED)",
        f"INSERT INTO {name}.parent VALUES (1, 'a', '2024-01-01'), (2, 'b', NULL)",
        f"INSERT INTO {name}.child VALUES (1, 1), (2, 2), (3, NULL)",
    )


def _kind(call: dict[str, Any]) -> str:
    """Return what a call of the REST interface does."""
    if configured := (call.get("data") or {}).get("configuration"):
        return next(kind for kind in ("copy", "load", "query") if kind in configured)
    *_, last, end = ["", *call["path"].strip("/").split("/")]
    if last in ("queries", "jobs") or end == "queries":
        return "query" if call["method"] == "POST" or "queries" in (last, end) else "get job"
    if end in ("datasets", "tables"):
        return f"list {end}" if call["method"] == "GET" else f"create {end[:-1]}"
    verbs = {"GET": "get", "PATCH": "update", "PUT": "update", "DELETE": "delete"}
    return f"{verbs[call['method']]} {last[:-1]}"


class TestSafety:
    """What is refused, taken back, kept, and said; `copy` is there before each test, and after."""

    @pytest.fixture(scope="class")
    @classmethod
    def source(cls, bigquery_engine: Engine) -> Iterator[str]:
        with fresh_dataset(bigquery_engine) as name:
            shop(bigquery_engine, name)
            yield name

    @pytest.fixture(scope="class")
    @classmethod
    def copy(cls, bigquery_engine: Engine, source: str) -> str:
        copied(bigquery_engine, source, f"{source}_copy")
        return f"{source}_copy"

    @pytest.mark.parametrize(
        ("broken", "mended", "said"),
        [
            ("INSERT INTO {0}.parent VALUES (2, 'c', NULL)", "DELETE FROM {0}.parent WHERE "
             "name = 'c'", r"Primary key \(id\) of .* 1 values"),
            ("INSERT INTO {0}.child VALUES (9, 9)", "DELETE FROM {0}.child WHERE id = 9",
             "has 1 orphans"),
        ],
    )  # fmt: skip
    @feature("what breaks a key is refused")
    def test_a_broken_key_is_refused(
        self, bigquery_engine: Engine, source: str, broken: str, mended: str, said: str
    ) -> None:
        run(bigquery_engine, broken.format(source))
        with pytest.raises(ConnectorError, match=said):
            copied(bigquery_engine, source, f"{source}_broken")
        run(bigquery_engine, mended.format(source))
        left = ask(bigquery_engine, "SELECT schema_name FROM INFORMATION_SCHEMA.SCHEMATA")
        assert not [name for (name,) in left if name.startswith(f"{source}_broken")]

    @feature("a copy states what its source does")
    def test_the_copy_is_laid_out_like_the_source(self, bigquery_engine: Engine, copy: str) -> None:
        with bigquery_engine.connect() as connection:
            table = client_of(connection).get_table(f"local.{copy}.parent")
        partitions: Any = table.time_partitioning
        assert (partitions.type_, partitions.field) == ("MONTH", "day")
        assert table.clustering_fields == ["name"]
        assert (table.description, table.labels) == ('who "buys"', {"team": "shop"})
        assert [f.mode for f in table.schema] == ["REQUIRED", "REQUIRED", "NULLABLE"]
        assert table.expires is None

    @feature("a failure changes nothing")
    def test_a_failure_while_publishing_takes_all_back(
        self, bigquery_engine: Engine, source: str, copy: str
    ) -> None:
        run(bigquery_engine, f"CREATE VIEW {copy}.theirs AS SELECT id FROM {copy}.child",
            f"DELETE FROM {source}.child WHERE id = 3",
            f"CREATE TABLE {source}.more (id INT64)")  # fmt: skip

        def fail(name: str) -> None:
            if name == "tables published":
                assert ask(bigquery_engine, f"SELECT count(*) FROM {copy}.theirs") == [(2,)]
                raise RuntimeError(name)

        observe(fail)
        try:
            with pytest.raises(RuntimeError):
                copied(bigquery_engine, source, copy, if_exists="replace")
        finally:
            observe(None)
        assert ask(bigquery_engine, f"SELECT count(*) FROM {copy}.theirs") == [(3,)]
        there = ask(bigquery_engine, f"SELECT table_name FROM {copy}.INFORMATION_SCHEMA.TABLES")
        assert sorted(name for (name,) in there) == ["_synthohive", "child", "parent", "theirs"]
        run(bigquery_engine, f"INSERT INTO {source}.child VALUES (3, NULL)",
            f"DROP TABLE {source}.more")  # fmt: skip

    def test_what_is_sent_is_documented_with_the_right_it_asks_for(
        self, bigquery_engine: Engine, source: str, copy: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        with bigquery_engine.connect() as connection:
            talk: Any = client_of(connection)._connection
        sent: set[str] = set()
        ask_of = talk.api_request
        monkeypatch.setattr(
            talk, "api_request", lambda *a, **call: sent.add(_kind(call)) or ask_of(*a, **call)
        )
        copied(bigquery_engine, source, copy, if_exists="replace")
        assert {"copy", "create dataset", "query"} < sent
        assert sent <= documented("BigQuery")

    @feature("what others made is kept")
    def test_a_table_of_others_is_not_replaced(
        self, bigquery_engine: Engine, source: str, copy: str
    ) -> None:
        run(bigquery_engine, f"CREATE TABLE {copy}.own (id INT64)")
        with pytest.raises(ConnectorError, match="table own"):
            copied(bigquery_engine, source, copy, if_exists="replace")
        run(bigquery_engine, f"DROP TABLE {copy}.own")

    def test_jobs_are_labelled(self, bigquery_engine: Engine, source: str, copy: str) -> None:
        SqlWarehouse(bigquery_engine, source).count("child")
        with bigquery_engine.connect() as connection:
            jobs = list(client_of(connection).list_jobs(max_results=300))
        marks = {job.labels.get("synthohive") for job in jobs}
        assert {"describe", "read", "load", "prove", "publish"} <= marks
        ours = [job for job in jobs if "synthohive" in job.labels]
        assert all(job.labels.get("team") == "tests" for job in ours)
        zones = {
            p.value for job in ours if job.job_type == "query" for p in job.connection_properties
        }
        assert zones == {"UTC"}


def datasets(engine: Engine, start: str) -> list[str]:
    with engine.connect() as connection:
        found = client_of(connection).list_datasets()
        return sorted(d.dataset_id for d in found if d.dataset_id.startswith(start))


class _Target:
    """A dataset of a test's own, as the contracts of runs ask for."""

    @pytest.fixture
    def target(self, bigquery_engine: Engine) -> Iterator[str]:
        self.stand_in = bigquery_engine
        with fresh_dataset(bigquery_engine) as name:
            yield f"{name}_copy"

    def engine(self) -> Engine:
        return self.stand_in

    def places(self, start: str) -> list[str]:
        return datasets(self.stand_in, start)


@pytest.mark.slow
class TestOdd(_Target, OddContract):
    names = ("MixedCase", "x" * 120)  # each table costs requests
    # Where its catalogue tells no digits, the stand-in has 20 before the point.
    exact: ClassVar[list[Decimal]] = [Decimal(f"{'9' * 20}.0000000001"), Decimal(-1), Decimal(0)]


class TestLease(_Target, InterruptionContract):
    opener = "tests.integration.bigquery_service:engine_of"

    def url(self) -> str:
        with self.stand_in.connect() as connection:
            client: Any = client_of(connection)
        return f"{client._connection.API_BASE_URL}?grpc=unused"


@feature("reads see one state")
def test_what_changes_meanwhile_is_not_seen(bigquery_engine: Engine) -> None:
    with fresh_dataset(bigquery_engine) as name:
        shop(bigquery_engine, name)
        warehouse = SqlWarehouse(bigquery_engine, name)
        key = warehouse.metadata.tables["child"].foreign_keys[0]

        def seen() -> tuple[Any, ...]:
            sample = warehouse.sample({"parent": None, "child": key}, 100, 1).drawn
            questions = warehouse.questions()
            assert questions is not None
            return (
                warehouse.count("child"), warehouse.fan_out("child", key),
                sum(map(len, warehouse.read("child"))), len(sample["child"]),
                questions.repeated("child", ["parent"]),
            )  # fmt: skip

        with warehouse.one_state():
            before = seen()
            run(bigquery_engine, f"DELETE FROM {name}.child WHERE id = 1",
                f"INSERT INTO {name}.child VALUES (7, 2), (8, NULL)")  # fmt: skip
            assert seen() == before
            assert before[0] == before[2] == before[3] == 3
        assert seen()[0] == 4
        with warehouse.one_state():
            before_all = "TIMESTAMP '2020-01-01 00:00:00+00'"
            warehouse._moments = dict.fromkeys(warehouse._moments, before_all)
            with pytest.raises(ConnectorError, match=r"cannot be read any more.*max_time_travel"):
                warehouse.count("child")


@pytest.mark.slow
class TestQuestions(QuestionsContract):
    # Each rule alone costs requests: together, they are asked by the test after it.
    test_what_holds_in_a_row_is_proved_where_the_rows_are: Any = None

    @pytest.fixture(scope="class")
    @classmethod
    def warehouse(cls, bigquery_engine: Engine) -> Iterator[SqlWarehouse]:
        with fresh_dataset(bigquery_engine) as name:
            run(bigquery_engine, *statements(spelling("bigquery"), at=f"{name}."))
            yield SqlWarehouse(bigquery_engine, name)
