"""The SQL for engines that cannot run here is at least SQL in their dialects."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path
from typing import Any, Optional

import duckdb
import pytest
import sqlglot
import yaml
from jinja2 import Environment, nodes
from sqlglot import exp

from tests.dbt import restrictions
from tests.dbt.pages import described
from tests.dbt.rendering import ROOT, Macros, source

CALLS: list[tuple[str, tuple[str, ...], dict[str, Any]]] = [
    (statistic, ("candidate_rows", "real_rows", "moment"), {"kind": kind})
    for statistic in ("ks", "ks_binned", "psi", "psi_binned", "outside_range")
    for kind in ("float", "number", "date", "timestamp", "unknown")
]
CALLS += [
    (statistic, ("candidate_rows", "real_rows", "category"), {"reference_where": "id > 3"})
    for statistic in ("tvd", "null_rate", "outside_domain", "copied_values")
]
CHECKS = [
    {
        "id": i, "key": key, "column": column, "reference_column": column, "kind": kind,
        "reference_kind": kind, "statistic": statistic, "limit": 0.1,
    }
    for i, (key, column, kind, statistic) in enumerate(
        [
            (1, "price", "float", "ks"),
            (1, "price", "float", "psi"),
            (3, "moment", "timestamp", "ks"),
            (4, "category", "text", "tvd"),
            (4, "category", "text", "domain"),
            (6, "day", "date", "ks"),
            (7, "category", "text", "null_rate"),
            (8, "a", "number", "psi"),
        ],
        start=1,
    )
]  # fmt: skip
CALLS += [
    ("column_drifts", ("candidate_rows", "real_rows", CHECKS), {}),  # type: ignore[list-item]
    ("row_count", ("candidate_rows", "real_rows"), {}),
    (
        "correlation",
        ("candidate_rows", "real_rows", "day", "moment"),
        {"kind": "date", "other_kind": "timestamp"},
    ),
    ("copied_rows", ("candidate_rows", "real_rows", ["a", "b"]), {}),  # type: ignore[list-item]
    ("conditional", ("candidate_rows", "real_rows", "a", "b"), {"measure": "ks"}),
    (
        "stored_ks",
        (
            "candidate_rows",
            "price",
            "select price as edge, 1e0 as n_below, 2e0 as n_up_to from real_rows",
        ),
        {"kind": "float"},
    ),
    (
        "stored_tvd",
        (
            "candidate_rows",
            "category",
            "select 'value' as part, category as value, 1e0 as n from real_rows",
        ),
        {},
    ),
    (
        "told_apart",
        ("candidate_rows", "real_rows", ["price", "category"]),
        {"kinds": ["float", "text"]},
    ),  # type: ignore[list-item]
    ("by_group", ("candidate_rows", "real_rows", "a", "b"), {"measure": "ks"}),
    (
        "conditional",
        ("candidate_rows", "real_rows", "a", "b"),
        {"join": {"to": "p", "reference_to": "q", "columns": ["k"], "to_columns": ["id"]}},
    ),
    (
        "fan_out",
        ("candidate_rows", ["k", "l"], "p", ["k", "l"], "real_rows", "q"),  # type: ignore[list-item]
        {},
    ),
]


Cached = lru_cache(None)(Macros)
# What dbt lets a macro name beside its own arguments and variables.
CONTEXT = set(
    "adapter api config dbt dict exceptions execute flags graph invocation_id loop model modules "
    "namespace print project_name range return run_query run_started_at statement synthohive "
    "target toyaml var zip".split()
)


@pytest.mark.parametrize(
    "path",
    sorted((ROOT / "macros").rglob("*.sql")) + sorted((ROOT / "models").rglob("*.sql")),
    ids=lambda path: path.stem,
)
def test_no_macro_uses_an_undefined_name(path: Path) -> None:
    """In dbt such a name is empty, and what hangs on it is silently another thing."""
    tree = Environment(extensions=["jinja2.ext.do"]).parse(source(path))
    for scope in [*tree.find_all(nodes.Macro)] or [tree]:
        names = [*scope.find_all(nodes.Name)]
        bound = {name.name for name in names if name.ctx != "load"}
        assert {name.name for name in names} - bound <= CONTEXT, getattr(scope, "name", path)


REF = re.compile(r"(?:{{ )?ref\('(\w+)'\)(?: }})?")


def _planted() -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield each test of the integration project, with tables by their names."""
    files = sorted((ROOT / "integration_tests" / "models").rglob("*.yml"))
    for model in (m for f in files for m in yaml.safe_load(f.read_text("utf-8"))["models"]):
        columns = [
            (c["name"], t) for c in model.get("columns", []) for t in c.get("data_tests", [])
        ]
        for column, test in [*columns, *((None, t) for t in model.get("data_tests", []))]:
            for name, given in test.items():
                arguments = {"model": model["name"], **given["arguments"]}
                for key, value in arguments.items():
                    if "ref(" in str(value):
                        arguments[key] = REF.sub(r"\1", value)
                yield name[11:], {**arguments, **({"column_name": column} if column else {})}


@pytest.mark.parametrize(
    ("test", "given", "said"),
    [
        ("ks_drift", {"time_bucket": "month"}, "`time_bucket` needs `group_by`"),
        ("tvd_drift", {"group_by": "day", "time_bucket": "fortnight"}, "it can be day, week"),
        ("psi_drift", {"bins": 1}, "there have to be 2 bins at least"),
        ("psi_drift", {"epsilon": 0}, "epsilon is above 0"),
        ("table_drift", {"columns": ["a"], "bins": 0}, "there have to be 2 bins at least"),
        ("table_drift", {"columns": [{"name": "a", "stat": "ks"}]}, "mapping of name"),
        ("table_drift", {"columns": [{"statistic": "ks"}]}, "mapping of name"),
    ],
)
def test_arguments_that_would_go_unheard_are_refused(
    test: str, given: dict[str, Any], said: str
) -> None:
    column = {} if test == "table_drift" else {"column_name": "a"}
    call = getattr(Cached("duckdb"), f"test_{test}")
    with pytest.raises(ValueError, match=f"{test}: .*{said}"):
        call("candidate_rows", reference="real_rows", **column, **given)


def test_operations_refuse_tables_that_are_not_there() -> None:
    refuse = Cached("duckdb").refuse_unknown_tables
    assert refuse("find_orphans", "orders", ["orders", "refunds"]) == ["orders"]
    with pytest.raises(ValueError, match=r"nothing about order\. `tables` can be orders, refunds"):
        refuse("find_orphans", ["order", "refunds"], ["refunds", "orders"])


@pytest.mark.parametrize(
    ("sql", "origin"),
    [
        ('select id, "Order Id" as key from t', "Order Id"),
        ("select t.order_id as key from t", "order_id"),
        ("select upper(a) as key from t", None),
        ("select * from t", "key"),
    ],
)
def test_a_renamed_column_is_followed(sql: str, origin: Optional[str]) -> None:
    assert Cached("duckdb").renamed_from(sql, "key") == origin


def test_a_test_that_leaves_all_groups_out_says_so() -> None:
    sql = Cached("duckdb").test_ks_drift("a_rows", "a", "b_rows", group_by="b", min_group_rows=9)
    assert "no group has 9 rows in the reference" in sql


@pytest.mark.parametrize("groups", [None, "id % 2"])
def test_what_has_no_value_in_common_is_at_a_distance_of_one(groups: Optional[str]) -> None:
    """And not beyond, by what so many shares are rounded."""
    rows = "(select i + {} as id from range(203) t(i))"
    pair = rows.format(0), rows.format(1000)
    given = {"column": "id", **({"by": groups} if groups else {})}
    sql = getattr(Cached("duckdb"), "by_group" if groups else "tvd")(*pair, **given)
    assert {row[0] for row in duckdb.sql(sql).fetchall()} == {1.0}


COLUMNS = {
    **dict.fromkeys(("id", "a", "k", "l"), "bigint"),
    **dict.fromkeys(("b", "category"), "text"),
    "day": "date",
    "moment": "moment",
    "price": "double",
}
TYPES = {"float": "double", "number": "bigint", "date": "date", "unknown": "bigint"}
TESTS: list[tuple[str, dict[str, Any]]] = [
    ("no_orphans", {"to": "p", "columns": ["k", "l"], "to_columns": ["k", "l"]}),
    ("unique_key", {"columns": ["k"], "allow_nulls": False}),
    ("tvd_drift", {"column_name": "category", "reference": "real_rows"}),
    ("table_drift", {"columns": ["a", {"name": "b", "statistic": "psi"}], "reference": "q"}),
]


@pytest.mark.slow
@pytest.mark.parametrize("engine", restrictions.ENGINES)
def test_nothing_is_asked_that_an_engine_refuses(engine: str) -> None:
    macros = Cached(engine)
    for statistic, positional, named in CALLS:
        sql = getattr(macros, statistic)(*positional, **named)
        moment = TYPES.get(named.get("kind", "timestamp"), "moment")
        assert not restrictions.refused(sql, engine, {**COLUMNS, "moment": moment}), statistic
    for test, named in TESTS:
        sql = getattr(macros, f"test_{test}")("candidate_rows", **named)
        assert not restrictions.refused(sql, engine, COLUMNS), test


BROKEN = [
    ("bigquery", "select sum(price) over (partition by price) as value from t", "PARTITION BY"),
    ("bigquery", "with r as (select floor(id / 2) as bin from t) "
     "select max(1) over (partition by bin) as value from r", "PARTITION BY"),
    ("redshift", "select sum(id) over (order by id) as value from t", "frame"),
    ("bigquery", "select 1 as value from t left join p on t.id > 3", "outer join"),
    ("redshift", "select 1 as value from t full join p on t.id < p.id", "outer join"),
    ("snowflake", "select id as value from t where exists (select 1 from p where p.id > t.id)",
     "correlated"),
    ("redshift", "select id as value from t where not exists (select 1 from p where not exists "
     "(select 1 from q where q.id = t.id))", "correlated"),
    ("databricks", "select (select max(p.id) from p where p.id = t.id) as value from t",
     "correlated"),
    ("bigquery", "select count(*) as nulls from t", "reserved word"),
    ("snowflake", "select count(*) as start from t", "reserved word"),
    ("snowflake", "select cast(moment as double precision) as value from t", "no cast leads"),
    ("databricks", "select cast(day as double) as value from t", "no cast leads"),
    ("redshift", "select extract(epoch from moment) as value from t", "INTEGER"),
    ("redshift", "select isnan(price) as value from t", "not a function"),
    ("bigquery", "select cast(id as double precision) as value from t", "not a function or type"),
    ("snowflake", "select coalesce(id) as value from t", "COALESCE"),
]  # fmt: skip


@pytest.mark.parametrize(("engine", "sql", "said"), BROKEN)
def test_what_an_engine_refuses_would_be_seen(engine: str, sql: str, said: str) -> None:
    found = restrictions.refused(sql, engine, COLUMNS)
    assert any(said in one for one in found), found


@pytest.mark.slow
@pytest.mark.parametrize("engine", ["snowflake", "bigquery", "redshift", "databricks", "mysql"])
def test_each_test_parses(engine: str) -> None:
    for name, arguments in _planted():
        sql = getattr(Cached(engine), f"test_{name}")(**arguments)
        sqlglot.parse_one(sql, dialect=engine, error_level=sqlglot.ErrorLevel.RAISE)


def test_no_query_reads_the_reference_without_its_condition() -> None:
    """Such a query is refused where a table asks for a condition on its partitions."""
    arguments = {name: {a["name"] for a in m["arguments"]} for name, m in described(ROOT).items()}
    seen = set()
    for name, given in _planted():
        if "reference_where" in arguments[f"test_{name}"]:
            seen.add(name)
            reference = {"reference": "the_reference", "reference_where": "day > 7"}
            sql = getattr(Cached("duckdb"), f"test_{name}")(**{**given, **reference})
            statement = sqlglot.parse_one(sql, dialect="duckdb")
            scans = [t for t in statement.find_all(exp.Table) if t.name == "the_reference"]
            assert scans
            for scan in scans:
                reading = scan.find_ancestor(exp.Select)
                assert reading is not None
                assert "day > 7" in str(reading.args.get("where")), (name, reading.sql())
    assert len(seen) >= 12


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ("raw.orders", "raw.orders"),
        ("(select 1) r", "(select 1) r"),
        ("(values (1, 2)) as r (a, b)", "(values (1, 2)) as r (a, b)"),
        ("(select ')' as \"(\")", "(select ')' as \"(\") query_rows"),
        (
            "(select max(a) from (select 1 as a) r)",
            "(select max(a) from (select 1 as a) r) query_rows",
        ),
        (" select 1\n", "(select 1) query_rows"),
        (
            "WITH r as (select 1) select * from r",
            "(WITH r as (select 1) select * from r) query_rows",
        ),
        ("selected", "selected"),
    ],
)
def test_a_query_gets_the_alias_that_it_lacks(given: str, expected: str) -> None:
    assert Cached("postgres").table_reference(given) == expected


def test_a_broken_statement_would_be_seen() -> None:
    with pytest.raises(sqlglot.errors.ParseError):
        sqlglot.parse("select max( from t group", dialect="snowflake")


@pytest.mark.parametrize(
    ("engine", "expected"),
    [
        ("duckdb", "double"),
        ("postgres", "double precision"),
        ("redshift", "double precision"),
        ("snowflake", "double precision"),
        ("bigquery", "float64"),
        ("spark", "double"),
        ("databricks", "double"),
        ("mysql", "double"),
        ("mariadb", "double"),
    ],
)
def test_double_type(engine: str, expected: str) -> None:
    assert Cached(engine).double_type() == expected


@pytest.mark.parametrize(
    ("kind", "names"),
    [
        ("float", "double precision|DOUBLE|FLOAT64|real|FLOAT"),
        ("number", "integer|BIGINT|INT64|numeric(10,2)|DECIMAL(5,1)|NUMBER(38,0)|UINTEGER|HUGEINT"),
        ("date", "date|DATE"),
        (
            "timestamp",
            "timestamp without time zone|TIMESTAMP_NTZ|datetime|TIMESTAMP WITH TIME ZONE",
        ),
        ("boolean", "boolean|BOOL|tinyint(1)"),
        ("text", "character varying(20)|VARCHAR|text|STRING|enum('a','b')|uuid|USER-DEFINED"),
        ("other", "json|jsonb|bytea|integer[]|STRUCT(a INTEGER)|ARRAY|interval|int4range|VARIANT"),
    ],
)
def test_kinds_of_types(kind: str, names: str) -> None:
    for name in names.split("|"):
        assert Cached("duckdb").type_kind(name) == kind, name
