"""The user's SQL runs on both sides, and shows nothing that fewer than k real entities have."""

from __future__ import annotations

import datetime as dt

import numpy as np
import pyarrow as pa
import pytest

from synthohive.exceptions import SchemaError
from synthohive.metrics.report.queries import QueryReport, run_queries
from synthohive.privacy.entities import Entities, EntityPath
from synthohive.schema import Metadata

METADATA = (
    Metadata()
    .add_table("customers", "id")
    .add_table("orders", "id", fk={"customer": "customers.id"})
)
SALARY = 987_654.0


def tables(seed: int) -> dict[str, pa.Table]:
    """Return customers in two towns, one alone in a third, and one who has all blue orders."""
    rng = np.random.default_rng(seed)
    town = np.array(["Ulm"] * 60 + ["Bonn"] * 39 + ["Kleinkleckersdorf"])
    salary = rng.normal(50_000, 5_000, 100).round()
    known = [*salary[:99].tolist(), SALARY if seed == 1 else 1.0]
    at = np.concatenate([rng.integers(0, 99, 200), [7] * 50])
    colour = np.array(["red"] * 200 + ["blue"] * 50)
    return {
        "customers": pa.table({"id": np.arange(100), "town": town, "salary": known,
                               "bonus": [known[99] if i == 3 else None for i in range(100)]}),
        "orders": pa.table({"id": np.arange(250), "customer": at, "colour": colour,
                            "day": [dt.date(2024, 1, 1)] * 250, "total": rng.gamma(2, 9, 250)}),
    }  # fmt: skip


def run(*queries: str) -> tuple[QueryReport, ...]:
    real, made = tables(1), tables(2)
    owners = np.asarray(real["orders"]["customer"])
    path = EntityPath.of("customer", owners.astype(np.int64), 5)
    entities = {"orders": Entities.of(250, (path,)), "customers": Entities(100)}
    return run_queries(queries, METADATA, real, made, 5, entities)


def test_groups_are_shown_beside_each_other() -> None:
    (found,) = run(
        "SELECT town, count(*) AS n, avg(salary) FROM customers GROUP BY town ORDER BY n"
    )
    assert (found.keys, found.shown, found.hidden) == (("town",), True, 1)
    ulm = next(row for row in found.rows if row.key == ("Ulm",))
    assert (ulm.real is not None and ulm.real[0]) == 60
    assert ulm.differences[0] == 0.0
    assert abs(ulm.differences[1] or 1) < 0.1
    alone = next(row for row in found.rows if row.key == ("Kleinkleckersdorf",))
    assert alone.real is None  # of one person; the copy's own row stays
    assert alone.synthetic == (1, 1.0)


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT * FROM customers",
        "SELECT max(salary) FROM customers",
        "SELECT median(salary), count(*) FROM customers",
        "SELECT DISTINCT salary FROM customers",
        "SELECT salary, count(*) OVER () FROM customers",
        "SELECT list(salary) FROM customers",
        "SELECT sum(m) FROM (SELECT max(salary) AS m FROM customers)",
        "WITH c AS (SELECT * FROM customers) SELECT avg(salary) FROM c",
        "SELECT avg(salary) FILTER (WHERE salary > 900000) FROM customers",
        "SELECT sum(CASE WHEN id = 99 THEN salary ELSE 0 END) FROM customers",
        "SELECT sum(salary * (id = 99)::int) FROM customers",
        "SELECT count(*) FROM customers UNION SELECT salary::int FROM customers",
        "SELECT arg_max(salary, salary) FROM customers",
        "SELECT town, any_value(salary) FROM customers GROUP BY ALL",
        "SELECT town || max(salary) FROM customers GROUP BY town",
    ],
)
def test_what_shows_single_rows_is_not_shown_of_the_real_side(sql: str) -> None:
    (found,) = run(sql)
    assert not found.shown
    assert "not shown" in found.why
    assert all(row.real is None for row in found.rows)
    assert found.rows
    assert str(int(SALARY)) not in repr(found)


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT avg(salary) FROM customers WHERE id = 99",
        "SELECT salary, count(*) FROM customers GROUP BY salary",
        "SELECT round(salary), count(*) FROM customers WHERE id > 97 GROUP BY 1",
        "SELECT town, sum(bonus) AS b, count(*) FROM customers GROUP BY town",
        "SELECT sum(bonus), count(*) FROM customers",
        "SELECT o.colour, sum(c.salary) FROM orders o JOIN customers c ON c.id = o.customer "
        "WHERE o.colour = 'blue' GROUP BY ALL",
    ],
)
def test_numbers_of_fewer_than_k_entities_are_hidden(sql: str) -> None:
    (found,) = run(sql)
    assert found.shown
    assert str(int(SALARY)) not in repr(found)
    real = [cell for row in found.rows for cell in row.real or ()]
    assert None in real or found.hidden


def test_rows_of_one_customer_are_one_entity() -> None:
    (found,) = run("SELECT colour, count(*) AS n FROM orders GROUP BY colour")
    assert {row.key[0]: row.real for row in found.rows} == {"red": (200,), "blue": None}
    assert found.hidden == 1


@pytest.mark.parametrize("what", ["sum(salary)", "avg(c.salary) + 1", "count(*), stddev(salary)"])
def test_numbers_of_which_one_entity_has_most_are_hidden(what: str) -> None:
    real, made = tables(1), tables(2)
    rich = real["customers"].column("salary").to_pylist()
    rich[3] = 1e9  # of 60 in Ulm
    real["customers"] = real["customers"].set_column(2, "salary", pa.array(rich))
    sql = f"SELECT town, {what} FROM customers AS c GROUP BY town"
    (found,) = run_queries([sql], METADATA, real, made, 5)
    sides = {row.key[0]: row.real for row in found.rows}
    ulm, bonn = sides["Ulm"], sides["Bonn"]
    assert ulm is None or ulm[-1] is None
    assert bonn is not None
    assert bonn[-1] is not None
    assert ulm is None or ulm[:-1] in ((), (60,))


def test_rows_of_look_ups_stand_for_nobody() -> None:
    """The three rows of a table that is kept hide no group of many orders."""
    metadata = METADATA.model_copy(deep=True).add_table("colours", "name")
    colours = pa.table({"name": ["red", "blue"], "label": ["Red", "Blue"]})
    real, made = ({**tables(seed), "colours": colours} for seed in (1, 2))
    sql = "SELECT label, count(*) FROM orders JOIN colours ON name = colour GROUP BY label"
    entities = {"orders": Entities(250), "customers": Entities(100)}
    (found,) = run_queries([sql], metadata, real, made, 5, entities)
    assert {row.key[0]: row.real for row in found.rows} == {"Red": (200,), "Blue": (50,)}
    (alone,) = run_queries([sql], metadata, real, made, 5)
    assert alone.hidden == 2


def test_what_is_common_is_shown_over_keys_and_without_groups() -> None:
    joined, whole, cases = run(
        "SELECT c.town, sum(o.total) / count(*) AS mean FROM customers c LEFT JOIN orders o "
        "ON o.customer = c.id GROUP BY c.town",
        "SELECT count(*) AS n, count(DISTINCT town) FROM customers WHERE salary > 0",
        "SELECT sum(CASE WHEN colour = 'red' THEN 1 ELSE 0 END) AS red FROM orders",
    )
    means = {row.key[0]: row.real for row in joined.rows}
    assert means["Ulm"] is not None
    assert 10 < float(means["Ulm"][0] or 0) < 30
    assert whole.rows[0].real == (100, 3)
    assert cases.rows[0].real == (200,)


def test_distances_need_no_real_value() -> None:
    (found,) = run("SELECT salary, town FROM customers")
    assert found.scores["salary"].metric == "KS"
    assert found.scores["town"].value == 0.0
    assert (found.real_rows, len(found.rows)) == (100, 50)


@pytest.mark.parametrize(
    ("sql", "said"),
    [
        ("DELETE FROM orders", "is not a single SELECT"),
        ("SELECT 1; SELECT 2", "is not a single SELECT"),
        ("SELEC 1", "cannot be run: Parser Error"),
        ("SELECT nothing FROM orders", "cannot be run: Binder Error"),
        ("SELECT * FROM read_csv('/etc/passwd')", "cannot be run"),
        ("SELECT town::int FROM customers", "cannot be run: ConversionException"),
    ],
)
def test_errors_name_the_query_and_no_value(sql: str, said: str) -> None:
    with pytest.raises(SchemaError) as caught:
        run("SELECT count(*) FROM orders", sql)
    assert str(caught.value).startswith("Query 2 of the report")
    assert said in str(caught.value)
    assert "Ulm" not in str(caught.value)
