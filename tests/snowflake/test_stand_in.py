"""What fakesnow lacks of Snowflake: each is added by `stand_in.py`, or tested on recorded rows.

A test that passes here is a failure: fakesnow has learned it, and the addition can go.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests.contracts.stand_ins import notimpl
from tests.evidence import STAND_IN, feature, runs

pytestmark = runs("Snowflake", STAND_IN)

fakesnow = pytest.importorskip("fakesnow")


@pytest.fixture
def ask(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """Run statements on fakesnow as it is, and return the last one's rows."""
    from fakesnow.cursor import FakeSnowflakeCursor
    from fakesnow.instance import FakeSnow

    from tests.snowflake import stand_in

    monkeypatch.setattr(FakeSnowflakeCursor, "execute", stand_in.PLAIN)
    with FakeSnow().connect("TEST", "A") as connection:

        def run(*statements: str) -> list[tuple[Any, ...]]:
            with connection.cursor() as cursor:
                for sql in statements:
                    cursor.execute(sql)
                return [tuple(row) for row in cursor.fetchall()]

        yield run


TOLD = "SELECT {} FROM INFORMATION_SCHEMA.{} WHERE TABLE_NAME = 'T'"
KEYED = (
    "CREATE TABLE P (ID INTEGER PRIMARY KEY, CODE INTEGER UNIQUE)",
    "CREATE TABLE C (ID INTEGER, P INTEGER, CONSTRAINT OF_P FOREIGN KEY (P) REFERENCES P (ID))",
)


@notimpl("ALTER SCHEMA … SWAP WITH", raises=Exception)
@feature("replaced as a whole")
def test_schemas_are_swapped(ask: Any) -> None:
    ask("CREATE SCHEMA B", "CREATE TABLE A.T (X INTEGER)", 'ALTER SCHEMA "A" SWAP WITH "B"')
    ask("SELECT * FROM B.T")


@notimpl("ALTER SCHEMA … RENAME TO", raises=Exception)
@feature("replaced as a whole")
def test_schemas_are_renamed(ask: Any) -> None:
    ask("CREATE TABLE A.T (X INTEGER)", 'ALTER SCHEMA "A" RENAME TO "B"', "SELECT * FROM B.T")


@notimpl("comments on schemas, by which locks and staging schemas are known")
@feature("two runs do not mix")
def test_schemas_have_comments(ask: Any) -> None:
    found = ask("CREATE SCHEMA B COMMENT = 'x'", "SELECT COMMENT FROM INFORMATION_SCHEMA.SCHEMATA "
                "WHERE SCHEMA_NAME = 'B'")  # fmt: skip
    assert found == [("x",)]


@notimpl("time travel: tables are read as they are when each query begins", raises=Exception)
@feature("reads see one state")
def test_tables_keep_their_past(ask: Any) -> None:
    ask("CREATE TABLE T (X INTEGER)", "SELECT * FROM T AT(TIMESTAMP => CURRENT_TIMESTAMP())")


@notimpl("DROP STAGE", raises=Exception)
def test_stages_are_dropped(ask: Any) -> None:
    ask("CREATE STAGE S", "DROP STAGE S", "CREATE STAGE S")


@notimpl("keys that are declared and not enforced: DuckDB enforces them", raises=Exception)
@feature("keys")
def test_keys_are_not_enforced(ask: Any) -> None:
    ask(*KEYED, "INSERT INTO P VALUES (1, 1), (1, 1)", "INSERT INTO C VALUES (1, 7)")


@notimpl("keys that are added to a table", raises=Exception)
@feature("keys")
def test_keys_are_added(ask: Any) -> None:
    ask(KEYED[0], "CREATE TABLE D (P INTEGER)",
        "ALTER TABLE D ADD CONSTRAINT OF_P FOREIGN KEY (P) REFERENCES P (ID)")  # fmt: skip


@notimpl("the parent's name in SHOW IMPORTED KEYS")
@feature("keys")
def test_foreign_keys_are_shown(ask: Any) -> None:
    assert any("OF_P" in row for row in ask(*KEYED, 'SHOW IMPORTED KEYS IN SCHEMA "A"'))


@notimpl("UNIQUE in SHOW UNIQUE KEYS")
@feature("keys")
def test_unique_keys_are_shown(ask: Any) -> None:
    assert any("CODE" in row for row in ask(*KEYED, 'SHOW UNIQUE KEYS IN SCHEMA "A"'))


@notimpl("whole numbers of more than 64 bits: NUMBER(38, 0) is a BIGINT", raises=Exception)
@feature("types come back")
def test_whole_numbers_have_38_digits(ask: Any) -> None:
    ask("CREATE TABLE T (N NUMBER(38, 0))", f"INSERT INTO T VALUES ({'9' * 38})")


@notimpl("nanoseconds: moments and times end at microseconds")
@feature("types come back")
def test_times_have_nanoseconds(ask: Any) -> None:
    ((found,),) = ask("SELECT TO_VARCHAR('12:00:00.123456789'::TIME(9))")
    assert found.endswith("789")


@notimpl("GEOGRAPHY", raises=Exception)
@feature("types come back")
def test_places_are_kept(ask: Any) -> None:
    ask("CREATE TABLE T (G GEOGRAPHY)", "INSERT INTO T SELECT TO_GEOGRAPHY('POINT(1 2)')")


@notimpl("tags", raises=Exception)
@feature("a copy states what its source does")
def test_tags_are_told(ask: Any) -> None:
    ask("CREATE TABLE T (X INTEGER)", "SELECT * FROM TABLE(INFORMATION_SCHEMA."
        "TAG_REFERENCES_ALL_COLUMNS('A.T', 'table'))")  # fmt: skip


@notimpl("OBJECT and ARRAY in INFORMATION_SCHEMA: both are VARIANT")
@feature("a copy states what its source does")
def test_documents_keep_their_types(ask: Any) -> None:
    found = ask("CREATE TABLE T (O OBJECT, L ARRAY)",
                TOLD.format("DATA_TYPE", "COLUMNS"))  # fmt: skip
    assert sorted(found) == [("ARRAY",), ("OBJECT",)]


@notimpl("IDENTITY in INFORMATION_SCHEMA: it is a default")
@feature("counters")
def test_counters_are_told(ask: Any) -> None:
    found = ask("CREATE TABLE T (X INTEGER IDENTITY START 5 INCREMENT 2)",
                TOLD.format("IS_IDENTITY", "COLUMNS"))  # fmt: skip
    assert found == [("YES",)]


@notimpl("clustering keys in INFORMATION_SCHEMA")
@feature("a copy states what its source does")
def test_clustering_is_told(ask: Any) -> None:
    found = ask("CREATE TABLE T (X INTEGER)", "ALTER TABLE T CLUSTER BY (X)",
                TOLD.format("CLUSTERING_KEY", "TABLES"))  # fmt: skip
    assert found == [("LINEAR(X)",)]
