"""Keys from real manifests: what dbt's own parser makes of a project."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from dbt_synthohive import metadata_from_manifest
from synthohive import (
    Column,
    ColumnKind,
    ForeignKey,
    Metadata,
    SchemaError,
    SchemaValidationError,
)
from tests.dbt.project import ROOT, Project

SOURCES = """
version: 2
sources:
  - name: raw
    schema: raw_data
    tables:
      - name: customers
        description: People who buy.
        columns:
          - name: id
            data_tests: [unique, not_null]
          - name: email
            description: Where they are written to.
            config: {meta: {pii: email}}
            data_tests: [unique, not_null]
          - name: phone
            config: {tags: [pii]}
          - name: colour
            config: {meta: {pii: false}}
          - name: tier
            data_tests:
              - accepted_values: {arguments: {values: ["it's", gold]}}
      - name: purchases
        identifier: orders
        data_tests:
          - synthohive.unique_key: {arguments: {columns: [shop, number], allow_nulls: false}}
        columns:
          - name: customer_id
            data_tests:
              - relationships: {arguments: {to: "source('raw', 'customers')", field: id}}
          - name: agent
            data_tests:
              - relationships:
                  arguments: {to: "source('raw', 'customers')", field: id}
                  config: {where: agent > 0}
          - name: referee
            data_tests:
              - relationships:
                  arguments: {to: "source('raw', 'customers')", field: id}
                  config: {severity: warn}
          - name: shop
            data_tests:
              - synthohive.no_orphans:
                  arguments: {to: "source('raw', 'customers')", to_columns: [id], max_orphans: 3}
      - name: lines
        config: {meta: {synthohive: {primary_key: [shop, number, line]}}}
        data_tests:
          - synthohive.no_orphans:
              arguments: {columns: [shop, number], to: "source('raw', 'purchases')"}
      - name: countries
        config: {meta: {synthohive: {reference: true}}}
  - name: crm
    schema: crm
    tables: [{name: leads}]
seeds:
  - name: regions
    columns:
      - name: code
        data_tests: [unique, not_null]
models:
  - name: contracted
    config: {contract: {enforced: true}}
    constraints:
      - {type: primary_key, columns: [a, b]}
      - {type: foreign_key, columns: [region], to: ref('regions'), to_columns: [code]}
      - {type: check, expression: "amount > 0"}
    columns:
      - {name: a, data_type: integer, constraints: [{type: not_null}]}
      - {name: b, data_type: integer}
      - {name: region, data_type: varchar, constraints: [{type: unique}]}
      - {name: amount, data_type: integer}
"""
PROFILES = "p: {outputs: {default: {type: duckdb, path: p.duckdb, schema: main}}}\n"


def parsed(folder: Path, properties: str) -> Path:
    """Let dbt parse a project with these properties; return the manifest."""
    (folder / "models").mkdir(parents=True)
    (folder / "seeds").mkdir()
    (folder / "dbt_project.yml").write_text("name: p\nprofile: p\nversion: '1.0'\n", "utf-8")
    (folder / "profiles.yml").write_text(PROFILES, "utf-8")
    (folder / "packages.yml").write_text(f"packages: [{{local: {ROOT}}}]\n", "utf-8")
    (folder / "models" / "properties.yml").write_text(properties, "utf-8")
    if "contracted" in properties:
        sql = "select 1 as a, 1 as b, 'x' as region, 1 as amount from {{ ref('regions') }}"
        (folder / "models" / "contracted.sql").write_text(sql, "utf-8")
        (folder / "seeds" / "regions.csv").write_text("code\nx\n", "utf-8")
    project = Project(folder, "default", {})
    project.dbt("deps")
    project.dbt("parse")
    return folder / "target" / "manifest.json"


@pytest.fixture(scope="session")
def manifest(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return parsed(tmp_path_factory.mktemp("manifest") / "p", SOURCES)


def declared(**tables: list[str]) -> Metadata:
    """Return a description of integer columns without keys."""
    found = Metadata(schema_name="raw_data", dialect="duckdb")
    for name, columns in tables.items():
        found.add_table(name, columns={c: Column(name=c, kind=ColumnKind.INTEGER) for c in columns})
    return found


FULL: dict[str, list[str]] = {
    "customers": ["id", "email", "phone", "colour", "tier"],
    "orders": ["shop", "number", "customer_id", "agent", "referee"],
    "lines": ["shop", "number", "line"],
    "countries": ["code"],
}


def test_keys_come_from_tests(manifest: Path) -> None:
    found = metadata_from_manifest(manifest, select="raw", declared=declared(**FULL))
    assert {name: table.pk for name, table in found.tables.items()} == {
        "customers": ["id"],  # other tables lead to it, not to email
        "orders": ["shop", "number"],
        "lines": ["shop", "number", "line"],
        "countries": [],
    }
    assert {fk.label(table) for table, fk in found.foreign_keys()} == {
        "orders(customer_id) -> customers(id)",
        "lines(shop, number) -> orders(shop, number)",
    }
    customers = found.tables["customers"]
    assert ("email",) in customers.unique_sets
    assert not customers.columns["email"].nullable
    assert customers.columns["tier"].nullable
    assert [c.sqltext for c in customers.checks] == ["\"tier\" IN ('it''s', 'gold')"]
    assert customers.comment == "People who buy."
    assert customers.columns["email"].comment == "Where they are written to."
    assert customers.pii_cols == {"email": "email", "phone": "auto", "colour": "none"}
    assert found.tables["countries"].reference is True


def test_without_a_database(manifest: Path) -> None:
    found = metadata_from_manifest(manifest.parent.parent, select=["raw"])
    assert found.schema_name == "raw_data"
    assert found.tables["customers"].pk == ["id"]
    assert len(list(found.foreign_keys())) == 2


def test_constraints_of_models_and_seeds(manifest: Path) -> None:
    found = metadata_from_manifest(manifest, select=["model:contracted", "seed:*"])
    assert found.tables["contracted"].pk == ["a", "b"]
    assert [c.sqltext for c in found.tables["contracted"].checks] == ["amount > 0"]
    assert ("region",) in found.tables["contracted"].unique_sets
    (key,) = found.tables["contracted"].foreign_keys
    assert key.label("contracted") == "contracted(region) -> regions(code)"
    assert found.tables["regions"].pk == ["code"]


def test_a_part_of_a_source(manifest: Path) -> None:
    found = metadata_from_manifest(manifest, select=["raw.purchases", "source:raw.lines"])
    assert set(found.tables) == {"orders", "lines"}
    assert len(list(found.foreign_keys())) == 1  # the key to customers leads outside


@pytest.mark.parametrize(
    ("select", "said"),
    [
        (None, r"several schemas: p\.crm, p\.raw_data"),
        ("rwa", "Did you mean 'raw'"),
        ("raw.custmers", "Did you mean 'raw.customers'"),
    ],
)
def test_the_selection_is_checked(manifest: Path, select: Any, said: str) -> None:
    with pytest.raises(SchemaError, match=said):
        metadata_from_manifest(manifest, select=select)


def test_all_contradictions_are_listed_at_once(manifest: Path) -> None:
    database = declared(**FULL)
    database.tables["lines"].pk = ["line"]
    database.tables["orders"].foreign_keys = [
        ForeignKey(
            columns=["customer_id"], parent="countries", parent_columns=["code"], declared=True
        )
    ]
    database.tables["customers"].columns.pop("email")
    del database.tables["countries"]
    database.add_table("country", "code", columns={})
    with pytest.raises(SchemaValidationError) as caught:
        metadata_from_manifest(manifest, select="raw", declared=database)
    text = "\n".join(caught.value.problems)
    assert "raw.countries: the database has no table 'countries'. Did you mean 'country'?" in text
    assert "raw.customers: the database has no column 'email'" in text
    assert (
        "raw.lines: the primary key is (shop, number, line) by meta of raw.lines, "
        "but (line) in the database." in text
    )
    assert len(caught.value.problems) == 4  # and where customer_id leads
    database = declared(**FULL)
    database.tables["orders"].foreign_keys = [
        ForeignKey(
            columns=["customer_id"], parent="countries", parent_columns=["code"], declared=True
        )
    ]
    with pytest.raises(SchemaValidationError, match=r"countries\(code\) in the database"):
        metadata_from_manifest(manifest, select="raw", declared=database)


def test_declared_keys_stay(manifest: Path) -> None:
    database = declared(**FULL)
    database.tables["customers"].pk = ["email"]
    before = database.to_json()
    found = metadata_from_manifest(manifest, select="raw", declared=database)
    assert found.tables["customers"].pk == ["email"]
    assert ("id",) in found.tables["customers"].unique_sets
    assert database.to_json() == before


def test_an_undecided_primary_key_is_a_problem(manifest: Path, tmp_path: Path) -> None:
    content = json.loads(manifest.read_text("utf-8"))
    for name, node in list(content["nodes"].items()):
        kwargs = (node.get("test_metadata") or {}).get("kwargs", {})
        if (node.get("test_metadata") or {}).get("name") == "relationships":
            del content["nodes"][name]
        elif kwargs.get("column_name") == "id":  # now email and number are alike
            kwargs["column_name"] = "number_in_crm"
    file = tmp_path / "manifest.json"
    file.write_text(json.dumps(content), "utf-8")
    with pytest.raises(SchemaValidationError, match="which is the primary key"):
        metadata_from_manifest(file, select="raw.customers")


def test_what_is_no_manifest_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SchemaError, match="dbt parse"):
        metadata_from_manifest(tmp_path)
    (tmp_path / "manifest.json").write_text("{", "utf-8")
    with pytest.raises(SchemaError, match="not valid JSON"):
        metadata_from_manifest(tmp_path)
    (tmp_path / "manifest.json").write_text(json.dumps({"a": 1}), "utf-8")
    with pytest.raises(SchemaError, match="no dbt manifest"):
        metadata_from_manifest(tmp_path)
