"""Columns of models, followed to tables; and what tests of models say, carried there."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Optional

import pytest

from dbt_synthohive import metadata_from_manifest
from dbt_synthohive.lineage import Lineage, Traced
from dbt_synthohive.relations import Manifest
from synthohive import Metadata, SchemaError, Synthesizer

TABLES = {
    "orders": ["id", "Customer", "amount", "code"],
    "customers": ["id", "email", "deleted"],
    "old_orders": ["id", "customer"],
}
HASH = "md5(cast(coalesce(cast({} as text), '-') as text))"
MODELS = {
    "stg_orders": """{{ config(materialized='view') }}
        with source as ( {#- raw rows #} select * from {{ source('raw', 'orders') }} ),
        renamed as (
            select id as order_id, customer as customer_id, {{ cents('amount') }} as amount,
                cast(code as int) as code, amount + 1 as more
            from source {% if target.name == 'dev' %} where id < 100 {% endif %}
        )
        select * from renamed""",
    "stg_customers": "select id customer_id, email from {{ source('raw', 'customers') }} "
    "where not deleted",
    "every": "select order_id from {{ ref('stg_orders') }} union all "
    "select id from {{ source('raw', 'old_orders') }}",
    "each": "select order_id from {{ ref('stg_orders') }} union "
    "select id from {{ source('raw', 'old_orders') }}",
    "facts": f"select o.*, c.customer_id as client, {HASH.format('o.customer_id')} as client_key "
    "from {{ ref('stg_orders') }} as o "
    "left join {{ ref('stg_customers') }} c on o.customer_id = c.customer_id",
    "clients": f"select {HASH.format('customer_id')} as client_key, customer_id "
    "from {{ ref('stg_customers') }}",
    "shared": "select customer_id, order_id from {{ ref('stg_customers') }} "
    "join {{ ref('stg_orders') }} using (customer_id)",
    "sums": "select customer_id, count(*) as n, max(order_id) as last_id "
    "from {{ ref('stg_orders') }} group by 1",
    "nested": "select q.k from (select distinct order_id as k from {{ ref('stg_orders') }}) q",
    "several": "select coalesce(o.id, p.id) as id from {{ source('raw', 'orders') }} o "
    "full join {{ source('raw', 'old_orders') }} p on o.id = p.id",
    "compiled": "{{ only_dbt_knows() }}",
    "unread": "select from where",
    "in_python": "def model(dbt, session): ...",
}
ADAPTED = {
    "bigquery": "select * except (amount) from {{ source('raw', 'orders') }}",
    "snowflake": "select * exclude amount rename id as k from {{ source('raw', 'orders') }}",
    "duckdb": "select * exclude (amount) rename (id as k) from {{ source('raw', 'orders') }}",
}


def content(models: Mapping[str, str], adapter: str = "postgres") -> dict[str, Any]:
    """Return a manifest of models over the tables."""
    place = {"database": "d", "schema": "raw"}
    sources = {
        f"source.p.raw.{name}": {
            "resource_type": "source", "source_name": "raw", "name": name, "identifier": name,
            **place,
        }
        for name in TABLES
    }  # fmt: skip
    nodes = {
        f"model.p.{name}": {
            "resource_type": "model", "name": name, "alias": name, "database": "d", "schema": "s",
            "raw_code": sql, "language": "python" if name == "in_python" else "sql",
            "depends_on": {"nodes": list(sources)},
        }
        for name, sql in models.items()
    }  # fmt: skip
    if "compiled" in models:
        compiled = 'select id as k from "d"."raw"."orders"'
        nodes["model.p.compiled"]["compiled_code"] = compiled
    return {"metadata": {"adapter_type": adapter}, "sources": sources, "nodes": nodes}


def traced(model: str, column: str, models: Mapping[str, str] = MODELS, adapter: str = "postgres"
           ) -> tuple[Traced, ...]:  # fmt: skip
    """Follow a column of a model."""
    manifest = Manifest(content(models, adapter))
    columns = {f"source.p.raw.{name}": names for name, names in TABLES.items()}
    return Lineage(manifest, columns).trace(manifest.relations[f"model.p.{model}"], column)


@pytest.mark.parametrize(
    ("model", "column", "leads_to"),
    [
        ("stg_orders", "order_id", "orders.id"),
        ("stg_orders", "CUSTOMER_ID", "orders.Customer"),
        ("stg_orders", "code", "cast orders.code"),
        ("stg_orders", "amount", ""),  # what the macro makes, only dbt knows
        ("stg_orders", "more", ""),
        ("stg_orders", "nothing", ""),
        ("every", "order_id", "orders.id, old_orders.id"),
        ("each", "order_id", "merged orders.id, merged old_orders.id"),
        ("facts", "order_id", "orders.id"),
        ("facts", "client", "customers.id=orders.Customer"),
        ("facts", "client_key", "cast orders.Customer=customers.id in MD5(COALESCE(?, '-'))"),
        ("clients", "client_key", "cast customers.id in MD5(COALESCE(?, '-'))"),
        ("shared", "customer_id", "customers.id=orders.Customer"),
        ("sums", "customer_id", "merged orders.Customer"),
        ("sums", "last_id", ""),
        ("nested", "k", "merged orders.id"),
        ("several", "id", ""),
        ("compiled", "k", "orders.id"),
        ("unread", "id", ""),
        ("in_python", "id", ""),
    ],
)
def test_columns_are_followed_to_tables(model: str, column: str, leads_to: str) -> None:
    assert ", ".join(_shown(one) for one in traced(model, column)) == leads_to


@pytest.mark.parametrize("adapter", ADAPTED)
def test_a_star_passes_on_what_it_names_otherwise(adapter: str) -> None:
    def shown(column: str) -> list[str]:
        return [_shown(one) for one in traced("m", column, {"m": ADAPTED[adapter]}, adapter)]

    assert shown("code") == ["orders.code"]
    assert shown("amount") == []
    assert shown("k" if adapter != "bigquery" else "id") == ["orders.id"]
    assert adapter == "bigquery" or shown("id") == []


def _shown(one: Traced) -> str:
    def name(leaf: tuple[str, str]) -> str:
        return f"{leaf[0].rpartition('.')[2]}.{leaf[1]}"

    leaves = [
        "=".join([name(leaf), *sorted(map(name, one.equal.get(leaf, ())))]) for leaf in one.leaves
    ]
    flags = [flag for flag, is_so in (("merged", one.merged), ("cast", one.cast)) if is_so]
    return " ".join([*flags, *leaves, *([] if one.unchanged else ["in", one.shape])])


def _test(name: str, model: str, column: str, **arguments: Any) -> dict[str, Any]:
    key = f"test.p.{name}_{model}_{column}"
    metadata = {"name": name, "kwargs": {"column_name": column, **arguments}}
    node = {"resource_type": "test", "name": key, "test_metadata": metadata}
    return {key: {**node, "attached_node": f"model.p.{model}"}}


def _refers(model: str, column: str, to: str, field: str) -> dict[str, Any]:
    return _test("relationships", model, column, to=f"ref('{to}')", field=field)


def carried(
    folder: Path, rows: str, tests: Mapping[str, Any], models: Optional[Sequence[str]] = None,
    **options: Any,
) -> Metadata:  # fmt: skip
    """Return what tests of models say of tables with some rows."""
    with sqlite3.connect(folder / "a.db") as db:
        for table, columns in TABLES.items():
            db.execute(f"CREATE TABLE {table} ({', '.join(f'{c} INTEGER' for c in columns)})")
        db.executescript(rows)
    chosen = {name: MODELS[name] for name in models or MODELS}
    manifest = content(chosen)
    manifest["nodes"].update(tests)
    (folder / "manifest.json").write_text(json.dumps(manifest), "utf-8")
    source = Synthesizer.from_database(f"sqlite:///{folder / 'a.db'}").source
    return metadata_from_manifest(folder, source=source, **options)


FINE = """
INSERT INTO customers VALUES (1, 11, 0), (2, 12, 0), (3, 13, 1);
INSERT INTO orders VALUES (7, 1, 5, 1), (8, 1, 6, 2), (9, 2, 5, 1);
INSERT INTO old_orders VALUES (1, 1), (2, 2);
"""


def test_all_rows_are_asked(tmp_path: Path) -> None:
    tests = {
        **_test("unique", "stg_orders", "order_id"),
        **_test("not_null", "stg_orders", "order_id"),
        **_test("unique", "stg_customers", "customer_id"),
        **_test("not_null", "stg_customers", "customer_id"),
        **_test("unique", "stg_customers", "email"),  # of a deleted one it repeats
        **_test("not_null", "stg_customers", "email"),
        **_test("accepted_values", "stg_orders", "code", values=[1, 2], quote=False),  # a cast
        **_refers("facts", "client", "stg_customers", "customer_id"),
        **_refers("every", "order_id", "stg_orders", "order_id"),  # not in old_orders
    }
    found = carried(tmp_path, FINE + "UPDATE customers SET email = 11 WHERE id = 3;", tests)
    assert found.tables["orders"].pk == ["id"]
    assert found.tables["customers"].pk == ["id"]
    assert found.tables["customers"].unique_sets == [("id",)]
    assert not found.tables["orders"].checks
    keys = [key.label(table) for table, key in found.foreign_keys()]
    assert keys == ["orders(Customer) -> customers(id)"]


def test_a_seed_may_be_read_as_a_source(tmp_path: Path) -> None:
    seeds = {
        f"seed.p.{name}": {**node, "resource_type": "seed", "alias": name, "source_name": None}
        for name, node in (
            (name, content({})["sources"][f"source.p.raw.{name}"])
            for name in ("orders", "customers")
        )
    }
    tests = {
        **_test("not_null", "stg_customers", "customer_id"),
        **_refers("facts", "customer_id", "clients", "customer_id"),
    }
    found = carried(tmp_path, FINE, {**tests, **seeds}, select="seed:*", require_keys=True)
    assert found.tables["customers"].pk == ["id"]
    assert [k.label(t) for t, k in found.foreign_keys()] == ["orders(Customer) -> customers(id)"]


def test_values_are_those_of_all_rows(tmp_path: Path) -> None:
    tests = {
        **_test("accepted_values", "stg_customers", "email", values=[11, 12], quote=False),
        **_test("accepted_values", "stg_customers", "customer_id", values=[1, 2, 3], quote=False),
    }
    tests.update(_test("unique", "sums", "customer_id"))  # by GROUP BY: by chance, in all rows, too
    found = carried(tmp_path, FINE + "DELETE FROM orders WHERE id = 8;", tests)
    assert found.tables["orders"].unique_sets == []
    checks = [check.sqltext for check in found.tables["customers"].checks]
    assert checks == ['"id" IN (1, 2, 3)']  # one who was deleted has another e-mail


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        ("INSERT INTO orders VALUES (10, 99, 1, 1);", "has 1 orphans among all rows"),
        ("INSERT INTO customers VALUES (1, 14, 1);", "does not lead to unique values"),
    ],
)
def test_a_project_of_which_no_key_is_left_is_refused(tmp_path: Path, rows: str, said: str) -> None:
    tests = {
        **_refers("stg_orders", "customer_id", "clients", "customer_id"),
        **_refers("facts", "client_key", "clients", "client_key"),
    }
    with pytest.raises(SchemaError, match=rf"2 relationships .*{said}.*suggest_keys"):
        carried(tmp_path, FINE + rows, tests, require_keys=True)
    (tmp_path / "b").mkdir()
    found = carried(tmp_path / "b", FINE + rows, tests)
    assert not list(found.foreign_keys())


def test_models_join_by_keys(tmp_path: Path) -> None:
    tests = _test("unique", "stg_customers", "customer_id")
    found = carried(tmp_path, FINE, tests)
    assert [k.label(t) for t, k in found.foreign_keys()] == ["orders(Customer) -> customers(id)"]
    (tmp_path / "b").mkdir()
    same = FINE + "DELETE FROM orders WHERE id = 8; DELETE FROM customers WHERE id = 3;"
    found = carried(tmp_path / "b", same, {**tests, **_test("unique", "facts", "customer_id")})
    assert not list(found.foreign_keys())  # each has the values of the other


def test_surrogate_keys_lead_to_what_they_are_made_of(tmp_path: Path) -> None:
    tests = {
        **_test("unique", "clients", "client_key"),
        **_test("not_null", "clients", "customer_id"),
        **_refers("facts", "client_key", "clients", "client_key"),
    }
    found = carried(tmp_path, FINE, tests, require_keys=True)
    assert found.tables["customers"].pk == ["id"]
    assert [k.label(t) for t, k in found.foreign_keys()] == ["orders(Customer) -> customers(id)"]
