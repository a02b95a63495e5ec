"""CHECK texts evaluated on Arrow tables, held against SQLite and against servers' own texts."""

from __future__ import annotations

import datetime as dt
import sqlite3
from decimal import Decimal
from typing import Any, Optional

import numpy as np
import pyarrow as pa
import pytest

from synthohive.constrain.sql_expressions import compile_check
from synthohive.schema import Column
from tests.events import captured_events

ROWS = 400
COLUMNS = {
    c.name: c
    for c in (
        Column(name="i", kind="integer"),
        Column(name="j", kind="integer", arrow="int16"),
        Column(name="x", kind="float"),
        Column(name="d", kind="decimal", precision=10, scale=2),
        Column(name="s", kind="text"),
        Column(name="t", kind="text"),
        Column(name="day", kind="date"),
        Column(name="due", kind="date"),
        Column(name="b", kind="boolean"),
        Column(name="odd name", kind="integer"),
    )
}
SQLITE = [
    "i > 3",
    "i >= 3 AND j <> 2",
    "i > 3 OR j < -1 AND x > 0",
    "NOT i = 2",
    "NOT (i > 2 OR s = 'ab')",
    "i BETWEEN -2 AND 4",
    "i NOT BETWEEN -2 AND j",
    "i IN (1, 2, 3)",
    "i IN (1, NULL)",
    "i NOT IN (1, NULL)",
    "i NOT IN (1, j)",
    "i IS NULL",
    "i IS NOT NULL AND j NOTNULL",
    "i IS j",
    "i IS NOT 3",
    "i = NULL",
    "i % 3 = 1",
    "(i + 1) * (j - 2) - i > 3",
    "-i < 2",
    "i * 2.5 > 6",
    "x * 2 <= 3",
    "x / 0 IS NULL",
    "x / j > 0.5",
    "d >= 0",
    "d * i <= 10.5",
    "d / 2 > 0.6",
    "d / i > 0.6",
    "d + x > 1.25",
    "abs(i) < 4",
    "abs(d) < 1.5",
    "coalesce(i, j, 0) > 1",
    "ifnull(s, 'none') <> 'ab'",
    "nullif(i, 3) > 1",
    "max(i, j) > 2",
    "min(i, 2) = 2",
    "round(x) = 1",
    "length(s) > 2",
    "length(s) <= i",
    "lower(s) = 'zoe'",
    "trim(s) = s",
    "substr(s, 1, 2) = 'ab'",
    "instr(s, 'b') > 1",
    "s || t = 'abab'",
    "s < t",
    "s = t",
    "s <> ''",
    "s LIKE 'A%'",
    "s LIKE '%!_%' ESCAPE '!'",
    "s LIKE '50.%'",
    "day <= due",
    "day < '2020-01-10'",
    "day BETWEEN '2020-01-03' AND due",
    "date(day) > '2020-01-05'",
    "b",
    "NOT b",
    "b = 1 OR i > 2",
    "b IS TRUE",
    "b IS NOT TRUE",
    "b IN (0, 1)",
    "CASE WHEN s = 'ab' THEN i > 0 WHEN b THEN 0 ELSE 1 END",
    "CASE i WHEN 1 THEN 'x' WHEN 2 THEN 'y' END = 'x'",
    "iif(i > 2, j, 1) = 1",
    "(i > 2) = (j > 1)",
    '"odd name" > 0 AND [odd name] < 5 AND `odd name` <> 2',
    "I == 3",
    "cast(i AS real) / 2 > 0.6",
]


@pytest.fixture(scope="module")
def rows() -> pa.Table:
    rng = np.random.default_rng(5)
    day = np.datetime64("2020-01-01")

    def some(values: Any, type_: Any) -> pa.Array:
        return pa.array(list(values), type_, mask=rng.random(ROWS) < 0.15)

    texts = ["ab", "AB", "abc", "it's", "Zoe", "", " x", "a_b", "50%", "50.1", "é", "zoe"]
    cents = rng.integers(-300, 300, ROWS)
    return pa.table(
        {
            "i": some(rng.integers(-5, 6, ROWS), pa.int64()),
            "j": some(rng.integers(-3, 4, ROWS), pa.int16()),
            "x": some(np.round(rng.normal(0, 2, ROWS), 1), pa.float64()),
            "d": some([Decimal(int(c)).scaleb(-2) for c in cents], pa.decimal128(10, 2)),
            "s": some(rng.choice(texts, ROWS), pa.string()),
            "t": some(rng.choice(texts, ROWS), pa.string()),
            "day": some((day + rng.integers(0, 15, ROWS)).tolist(), pa.date32()),
            "due": some((day + rng.integers(0, 15, ROWS)).tolist(), pa.date32()),
            "b": some(rng.random(ROWS) < 0.5, pa.bool_()),
            "odd name": some(rng.integers(-1, 8, ROWS), pa.int32()),
        }
    )


@pytest.fixture(scope="module")
def sqlite(rows: pa.Table) -> Any:
    connection = sqlite3.connect(":memory:")
    connection.execute(
        "CREATE TABLE r (i INTEGER, j SMALLINT, x REAL, d DECIMAL(10,2), s TEXT, t VARCHAR(9), "
        '"day" DATE, "due" DATE, b BOOLEAN, "odd name" INT)'
    )
    texts = [
        tuple(str(v) if isinstance(v, (Decimal, dt.date)) else v for v in row.values())
        for row in rows.to_pylist()
    ]
    connection.executemany(f"INSERT INTO r VALUES ({', '.join('?' * 10)})", texts)
    yield connection
    connection.close()


@pytest.mark.parametrize("sqltext", SQLITE)
def test_evaluates_as_sqlite_does(sqltext: str, rows: pa.Table, sqlite: Any) -> None:
    check = compile_check(sqltext, "sqlite", COLUMNS)
    assert check is not None
    # what SQLite tests for a CHECK: neither 0 nor anything else that casts to 0
    sql = f"SELECT coalesce(CAST(({sqltext}) AS REAL) <> 0, 1) FROM r ORDER BY rowid"
    expected = [bool(value) for (value,) in sqlite.execute(sql)]
    assert check.holds(rows).tolist() == expected


def test_text_checks_are_not_vacuous(rows: pa.Table) -> None:
    share = [
        np.mean(compile_check(text, "sqlite", COLUMNS).holds(rows).tolist())  # type: ignore
        for text in SQLITE
    ]
    assert sum(0.05 < s < 0.999 for s in share) > 0.8 * len(SQLITE)


SERVER_COLUMNS = {
    c.name: c
    for c in (
        Column(name="qty", kind="integer", arrow="int16"),
        Column(name="big", kind="integer"),
        Column(name="price", kind="decimal", precision=15, scale=2),
        Column(name="disc", kind="float"),
        Column(name="r", kind="float", arrow="float"),
        Column(name="status", kind="text", sql_type="VARCHAR(10)"),
        Column(name="exact", kind="text", sql_type="VARCHAR(10) COLLATE utf8mb4_bin"),
        Column(name="grade", kind="text", sql_type="CHAR(3)"),
        Column(name="code", kind="text"),
        Column(name="ship", kind="date"),
        Column(name="commit", kind="date"),
        Column(name="receipt", kind="timestamp"),
        Column(name="tz", kind="timestamp", timezone=True),
        Column(name="tm", kind="time"),
        Column(name="iv", kind="interval"),
        Column(name="flag", kind="boolean"),
        Column(name="tiny", kind="integer", arrow="int8"),
        Column(name="m", kind="categorical"),
        Column(name="js", kind="json"),
        Column(name="Odd Name", kind="integer"),
        Column(name="made", kind="integer", computed="qty + 1"),
    )
}


def evaluate(sqltext: str, dialect: str, **values: Any) -> Optional[bool]:
    """Evaluate a CHECK on one row."""
    check = compile_check(sqltext, dialect, SERVER_COLUMNS)
    assert check is not None, sqltext
    assert check.columns == set(values)
    arrays = {n: pa.array([v], SERVER_COLUMNS[n].arrow_type) for n, v in values.items()}
    (truth,) = check.holds(pa.table(arrays)).tolist()
    return truth


D, T = dt.date, dt.datetime
POSTGRESQL: list[tuple[str, dict[str, Any], dict[str, Any]]] = [
    # text in the form that PostgreSQL 15 prints, some with other columns or literals;
    # then a row that satisfies it and one that does not
    ("\"Odd Name\" <> '-1'::integer", {"Odd Name": 1}, {"Odd Name": -1}),
    ("(big % 2::bigint) = 0", {"big": 4}, {"big": -3}),
    (
        "ship <= receipt",
        {"ship": D(2020, 1, 1), "receipt": T(2020, 1, 1, 5)},
        {"ship": D(2020, 1, 2), "receipt": T(2020, 1, 1, 5)},
    ),
    (r"((code)::text ~~ 'a\_%'::text)", {"code": "a_x"}, {"code": "abx"}),
    ("flag OR qty > 3", {"flag": None, "qty": 2}, {"flag": False, "qty": 2}),
    (
        "(commit - ship) < 100",
        {"commit": D(2020, 4, 9), "ship": D(2020, 1, 1)},
        {"commit": D(2020, 4, 10), "ship": D(2020, 1, 1)},
    ),
    (
        "(ship + 3) > commit",
        {"ship": D(2020, 1, 1), "commit": D(2020, 1, 3)},
        {"ship": D(2020, 1, 1), "commit": D(2020, 1, 4)},
    ),
    (
        "(price * qty::numeric) <= 1000.5",
        {"price": Decimal("100.05"), "qty": 10},
        {"price": Decimal("100.06"), "qty": 10},
    ),
    (
        "\nCASE\n    WHEN status::text = 'new'::text THEN price > 0::numeric\n    ELSE true\nEND",
        {"status": "old", "price": Decimal(0)},
        {"status": "new", "price": Decimal(0)},
    ),
    (
        "(status::text = 'paid'::text) = (price IS NOT NULL)",
        {"status": "paid", "price": Decimal(1)},
        {"status": "paid", "price": None},
    ),
    (
        "ship IS DISTINCT FROM commit",
        {"ship": None, "commit": D(2020, 1, 1)},
        {"ship": None, "commit": None},
    ),
    (
        "(status::text || code::text) <> 'newAB1'::text",
        {"status": "new", "code": "A"},
        {"status": "new", "code": "AB1"},
    ),
    (
        "receipt::date = ship",
        {"receipt": T(1969, 5, 5, 23), "ship": D(1969, 5, 5)},
        {"receipt": T(1969, 5, 6, 0), "ship": D(1969, 5, 5)},
    ),
    (r"code::text ~ '^[A-Z]{2}\d+$'::text", {"code": "AB12"}, {"code": "ab12"}),
    ("upper(code::text) = code::text", {"code": "É1"}, {"code": "é1"}),
    ("SUBSTRING(code FROM 1 FOR 1) = 'A'::text", {"code": "Ab"}, {"code": "bA"}),
    ("code::text !~* 'x'::text", {"code": "ab"}, {"code": "aXb"}),
    ("POSITION(('@'::text) IN (code)) > 1", {"code": "é@b"}, {"code": "@b"}),
    (
        "disc >= 0::double precision AND disc <= 0.1::double precision",
        {"disc": 0.1},
        {"disc": 0.1000001},
    ),
    ("NOT flag", {"flag": False}, {"flag": True}),
    ("flag IS TRUE", {"flag": True}, {"flag": None}),
    ("flag = true", {"flag": None}, {"flag": False}),
    (
        "iv > '1 day'::interval",
        {"iv": dt.timedelta(days=1, seconds=1)},
        {"iv": dt.timedelta(days=1)},
    ),
    ("m = 'sad'::mood", {"m": "sad"}, {"m": "ok"}),
    ("m = ANY (ARRAY['sad'::mood, 'ok'::mood])", {"m": "ok"}, {"m": "no"}),
    (
        "code::text ~~ 'a%'::text OR code::text !~~ '%z'::text OR code::text ~~* 'Q_'::text",
        {"code": "b"},
        {"code": "bz"},
    ),
    ("code IS NULL OR length(code) <= 3", {"code": "äöü"}, {"code": "abcd"}),
    ("price >= 0::numeric", {"price": None}, {"price": Decimal("-0.01")}),
    ("(price / 3::numeric) > 0.1", {"price": Decimal("0.31")}, {"price": Decimal("0.30")}),
    ("round(price, 1) < 10::numeric", {"price": Decimal("9.94")}, {"price": Decimal("9.95")}),
    ("price = trunc(price)", {"price": Decimal("-3.00")}, {"price": Decimal("-3.01")}),
    (
        "price = ANY (ARRAY[1::numeric, 2::numeric])",
        {"price": Decimal("2.00")},
        {"price": Decimal("2.01")},
    ),
    ("floor(price) = ceil(price)", {"price": Decimal("5.00")}, {"price": Decimal("5.50")}),
    ("price::integer > 2", {"price": Decimal("2.50")}, {"price": Decimal("2.49")}),
    ("(- qty) < 0", {"qty": 1}, {"qty": -1}),
    ("COALESCE(qty::integer, 0) < 10", {"qty": None}, {"qty": 10}),
    ("GREATEST(qty::integer, 3) < 9", {"qty": None}, {"qty": 9}),
    ("NULLIF(qty, 0) > 1", {"qty": 0}, {"qty": 1}),
    ("mod(qty::integer, 2) = 0", {"qty": -2}, {"qty": -1}),
    ("r < 1.5::double precision", {"r": 1.25}, {"r": 1.5}),
    (
        "receipt >= '1992-01-01 00:00:00.5'::timestamp without time zone",
        {"receipt": T(1992, 1, 1, 0, 0, 1)},
        {"receipt": T(1992, 1, 1)},
    ),
    (
        "EXTRACT(year FROM ship) >= 1990::numeric",
        {"ship": D(1990, 1, 1)},
        {"ship": D(1989, 12, 31)},
    ),
    (
        "ship >= '1992-01-01'::date AND ship <= '9999-12-31'::date",
        {"ship": D(9999, 12, 31)},
        {"ship": D(1991, 12, 31)},
    ),
    (
        "status::text = ANY (ARRAY['new'::character varying, 'it''s'::character varying]::text[])",
        {"status": "it's"},
        {"status": "New"},
    ),
    (
        "\nCASE status\n    WHEN 'new'::text THEN 1\n    ELSE 2\nEND = 1",
        {"status": "new"},
        {"status": None},
    ),
    ("TRIM(BOTH FROM status) <> ''::text", {"status": " a"}, {"status": "  "}),
    ("status::text <> ALL (ARRAY['q'::text, 'r'::text])", {"status": "s"}, {"status": "r"}),
    ("tm >= '08:00:00'::time without time zone", {"tm": dt.time(8)}, {"tm": dt.time(7, 59)}),
    (
        "tz > '2000-01-01 02:00:00+02'::timestamp with time zone",
        {"tz": T(2000, 1, 1, 0, 0, 1, tzinfo=dt.timezone.utc)},
        {"tz": T(2000, 1, 1, tzinfo=dt.timezone.utc)},
    ),
]
MYSQL: list[tuple[str, dict[str, Any], dict[str, Any]]] = [
    # text in the form that MySQL 9 prints, some with other columns or literals
    ("(`code` not like _utf8mb4'Z%')", {"code": "ab"}, {"code": "za"}),
    ("(`m` = _utf8mb4'sad')", {"m": "sad"}, {"m": "ok"}),
    (r"(`m` = _utf8mb4\'it\\\'s\')", {"m": "it's"}, {"m": "its"}),
    ("(`Odd Name` <> -(1))", {"Odd Name": 1}, {"Odd Name": -1}),
    ("((`big` % 2) = 0)", {"big": 2}, {"big": 3}),
    ("(`ship` >= _utf8mb4'1992-01-01')", {"ship": D(1992, 1, 1)}, {"ship": D(1991, 1, 1)}),
    ("(`ship` >= DATE'1992-01-01')", {"ship": D(1992, 1, 1)}, {"ship": D(1991, 1, 1)}),
    (
        "(`receipt` >= TIMESTAMP'1992-01-01 00:00:00')",
        {"receipt": T(1992, 1, 1)},
        {"receipt": T(1991, 12, 31)},
    ),
    ("(extract(year from `ship`) >= 1990)", {"ship": D(1990, 1, 1)}, {"ship": D(1989, 1, 1)}),
    (
        "(year(`receipt`) between 1990 and 2000)",
        {"receipt": T(2000, 12, 31, 23)},
        {"receipt": T(2001, 1, 1)},
    ),
    ("((0 <> `tiny`) or (`qty` > 3))", {"tiny": 2, "qty": 1}, {"tiny": 0, "qty": 1}),
    ("((0 <> `flag`) is true)", {"flag": True}, {"flag": None}),
    ("(`tiny` = true)", {"tiny": 1}, {"tiny": 2}),
    ("(`tiny` in (0,1))", {"tiny": 1}, {"tiny": 2}),
    (
        "((`price` * `qty`) <= 1000.5)",
        {"price": Decimal("100.05"), "qty": 10},
        {"price": Decimal("100.06"), "qty": 10},
    ),
    ("((`price` / 3) > 0.1)", {"price": Decimal("0.31")}, {"price": Decimal("0.30")}),
    ("((`qty` / 2) > 1)", {"qty": 3}, {"qty": 2}),
    ("((`qty` DIV 2) > 1)", {"qty": 4}, {"qty": 3}),
    ("(`disc` between 0 and 0.1)", {"disc": 0.1}, {"disc": 0.11}),
    ("(ifnull(`qty`,0) < 10)", {"qty": None}, {"qty": 10}),
    ("(upper(`exact`) = `exact`)", {"exact": "A"}, {"exact": "a"}),
    ("(`exact` <> _utf8mb4'bad')", {"exact": "BAD"}, {"exact": "bad"}),
    ("(`qty` not between 5 and 6)", {"qty": 4}, {"qty": 5}),
    ("(`status` <=> `code`)", {"status": None, "code": None}, {"status": None, "code": "a"}),
    ("(if((`status` = _utf8mb4'new'),1,0) = 0)", {"status": None}, {"status": "new"}),
    ("(greatest(`qty`,3) < 9)", {"qty": None}, {"qty": 9}),
    (
        "((`qty` > 1) xor (`price` > 1))",
        {"qty": 2, "price": Decimal(1)},
        {"qty": 2, "price": Decimal(2)},
    ),
    ("(cast(`price` as signed) > 1)", {"price": Decimal("1.50")}, {"price": Decimal("1.49")}),
    (
        "((`ship` + interval 1 day) > `commit`)",
        {"ship": D(2020, 1, 1), "commit": D(2020, 1, 1)},
        {"ship": D(2020, 1, 1), "commit": D(2020, 1, 2)},
    ),
    (
        "((to_days(`receipt`) - to_days(`ship`)) > 1)",
        {"receipt": T(2020, 1, 3), "ship": D(2020, 1, 1)},
        {"receipt": T(2020, 1, 2, 23), "ship": D(2020, 1, 1)},
    ),
    (
        "(concat(`status`,`code`) <> _utf8mb4'x')",
        {"status": None, "code": "x"},
        {"status": "", "code": "x"},
    ),
    (r"(`status` <> _utf8mb4'a\\b')", {"status": "ab"}, {"status": "a\\b"}),
    (
        "((`code` like _utf8mb4'a%') or (not((`code` like _utf8mb4'%z'))))",
        {"code": "Az"},
        {"code": "bz"},
    ),
    ("(`tm` >= TIME'08:00:00')", {"tm": dt.time(8)}, {"tm": dt.time(7)}),
    ("(`disc` < 1e3)", {"disc": 999.0}, {"disc": 1000.0}),
]


@pytest.mark.parametrize(("sqltext", "good", "bad"), POSTGRESQL)
def test_evaluates_postgresql(sqltext: str, good: dict[str, Any], bad: dict[str, Any]) -> None:
    assert evaluate(sqltext, "postgresql", **good) is True
    assert evaluate(sqltext, "postgresql", **bad) is False


@pytest.mark.parametrize(("sqltext", "good", "bad"), MYSQL)
def test_evaluates_mysql(sqltext: str, good: dict[str, Any], bad: dict[str, Any]) -> None:
    assert evaluate(sqltext, "mysql", **good) is True
    assert evaluate(sqltext, "mariadb", **bad) is False


@pytest.mark.parametrize(
    ("sqltext", "dialect"),
    [
        ("jsonb_typeof(js) = 'object'::text", "postgresql"),
        ("code::text ~ similar_to_escape('[A-Z]+'::text)", "postgresql"),
        (r"code::text ~ '(a)\1'::text", "postgresql"),
        ("missing > 1", "postgresql"),
        ("qty > 1 AND (", "postgresql"),
        ("1 = 1", "postgresql"),
        ("qty > 0", "db2"),
    ],
)
def test_leaves_what_it_does_not_understand_to_the_database(sqltext: str, dialect: str) -> None:
    with captured_events() as logs:
        assert compile_check(sqltext, dialect, SERVER_COLUMNS) is None
    assert [(e["event"], e["check"]) for e in logs] == [("check_not_understood", sqltext)]


def test_decimals_are_exact() -> None:
    columns = {"a": Column(name="a", kind="decimal", precision=30, scale=10)}
    table = pa.table({"a": pa.array([Decimal("12345678901234567890.0000000001")])})
    for bound, truth in (("0001", True), ("0000", False)):
        sqltext = f"a <= 12345678901234567890.000000{bound}"
        check = compile_check(sqltext, "postgresql", columns)
        assert check is not None
        assert check.holds(table).tolist() == [truth]


def test_decimals_are_doubles_to_sqlite() -> None:
    columns = {n: Column(name=n, kind="decimal", precision=10, scale=2) for n in ("a", "b", "c")}
    values = {"a": ["0.10", "0.50"], "b": ["0.20", "0.25"], "c": ["0.30", "0.75"]}
    type_ = pa.decimal128(10, 2)
    table = pa.table({n: pa.array(map(Decimal, v), type_) for n, v in values.items()})
    for dialect, truths in (("sqlite", [False, True]), ("postgresql", [True, True])):
        check = compile_check("c = a + b", dialect, columns)
        assert check is not None
        assert check.holds(table).tolist() == truths


def test_a_check_that_fails_to_evaluate_is_left_to_the_database() -> None:
    columns = {"a": Column(name="a", kind="integer")}
    check = compile_check("(a * a) > a", "postgresql", columns)
    assert check is not None
    assert check.holds(pa.table({"a": [3, 1]})).tolist() == [True, False]
    assert check.holds(pa.table({"a": [2**62, 1]})).tolist() == [True, True]


@pytest.mark.parametrize("name", ["duckdb", "postgresql", "mysql", "mariadb", "sqlite"])
def test_every_engine_s_checks_are_read(name: str) -> None:
    columns = {"a": Column(name="a", kind="integer"), "b": Column(name="b", kind="integer")}
    check = compile_check("((a > 0) AND (a < b))", name, columns)
    assert check is not None
    assert check.holds(pa.table({"a": [1, 0], "b": [2, 2]})).tolist() == [True, False]


def test_labels_of_a_schema_s_own_enum_are_read() -> None:
    columns = {"status": Column(name="status", kind="categorical", enum_values=["open", "done"])}
    check = compile_check("(status = 'open'::shop.state)", "postgresql", columns)
    assert check is not None
    assert check.holds(pa.table({"status": ["open", "done"]})).tolist() == [True, False]


@pytest.mark.parametrize("operator", ["=", "<=>"])
def test_comparisons_are_compared(operator: str) -> None:
    columns = {"a": Column(name="a", kind="integer"), "b": Column(name="b", kind="integer")}
    sql = f"`a` = 1 {operator} (`b` is not null)"  # as MariaDB states it, without parentheses
    check = compile_check(sql, "mariadb", columns)
    assert check is not None
    assert check.holds(pa.table({"a": [1, 2, 1], "b": [5, None, None]})).tolist() == [
        True, True, False,
    ]  # fmt: skip


@pytest.mark.parametrize(("dialect", "truth"), [("duckdb", False), ("sqlite", True)])
def test_like_ignores_case_where_the_engine_does(dialect: str, truth: bool) -> None:
    check = compile_check("a LIKE 'x%'", dialect, {"a": Column(name="a", kind="text")})
    assert check is not None
    assert check.holds(pa.table({"a": ["Xy"]})).tolist() == [truth]
