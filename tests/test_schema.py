"""Metadata: round trips, errors, and all problems at once."""

from __future__ import annotations

import time
from pathlib import Path

import pandas as pd
import pytest
import sqlalchemy as sa

from synthohive import (
    Column,
    Constraint,
    ForeignKey,
    Metadata,
    SchemaError,
    SchemaValidationError,
)


def shop() -> Metadata:
    metadata = Metadata(schema_name="shop")
    metadata.add_table("customers", "id", columns={"id": Column(name="id", kind="integer")})
    columns = {n: Column(name=n, kind="integer") for n in ("id", "customer")}
    return metadata.add_table(
        "orders",
        "id",
        columns=columns,
        fk={"customer": "customers.id"},
        constraints={"id": Constraint(min=1)},
        comment="größer",
    )


@pytest.mark.parametrize("kind", ["json", "yaml"])
def test_files_round_trip(kind: str, tmp_path: Path) -> None:
    path = tmp_path / f"metadata.{kind}"
    text = getattr(shop(), f"to_{kind}")(path)
    read = getattr(Metadata, f"from_{kind}")
    assert read(path) == read(text) == shop()


def test_names_of_sqlalchemy_are_plain_texts() -> None:
    metadata = Metadata().add_table(sa.Table("orders", sa.MetaData()).name, "id")
    assert [type(name) for name in metadata.tables] == [str]


def test_errors_name_the_place_and_the_way_out(tmp_path: Path) -> None:
    with pytest.raises(SchemaError, match=r"'t'.*colums"):
        Metadata().add_table("t", "id", colums={})
    with pytest.raises(SchemaError, match=r"write the target as 'parent\.column'"):
        Metadata().add_table("t", "id", fk={"a": "parent"})
    with pytest.raises(SchemaError, match=r"min 2\.0 is greater than max 1\.0"):
        Metadata().add_table("t", "id", constraints={"a": {"min": 2, "max": 1}})
    with pytest.raises(SchemaError, match="Did you mean 'orders'"):
        shop().table("order")
    with pytest.raises(SchemaError, match="cannot be opened"):
        Metadata.from_json(tmp_path / "nowhere.json")
    with pytest.raises(SchemaError, match="cannot be read"):
        Metadata.from_json('{"tabels": {}}')


def test_all_problems_are_listed_mismatched_types_first() -> None:
    metadata = shop()
    orders = metadata.tables["orders"]
    orders.columns["odd"] = Column(name="odd", kind="unsupported", sql_type="GEOMETRY")
    orders.columns["day"] = Column(name="day", kind="date", sql_type="DATE")
    orders.foreign_keys += [
        ForeignKey(columns=["customer"], parent="custmers", parent_columns=["id"]),
        ForeignKey(columns=["day"], parent="customers", parent_columns=["id"]),
    ]
    orders.high_cardinality_cols = ["cutsomer"]
    with pytest.raises(SchemaValidationError) as caught:
        metadata.validate_schema()
    problems = caught.value.problems
    assert "orders.day is DATE, but customers.id is integer" in problems[0]
    text = str(caught.value)
    for part in ("Did you mean 'customers'", "GEOMETRY is not supported", "'cutsomer'"):
        assert part in text
    assert len(problems) == 4


def test_real_data_is_held_against_the_keys() -> None:
    data = {
        "customers": pd.DataFrame({"id": [1, 2, 2]}),
        "orders": pd.DataFrame({"id": [1, 2, 3], "customer": [1, 9, None]}),
    }
    with pytest.raises(SchemaValidationError) as caught:
        shop().validate_schema(data)
    assert list(caught.value.problems) == [
        "customers: (id) repeats in 1 rows.",
        "orders(customer) -> customers(id): 1 rows refer to no parent.",
    ]
    with pytest.raises(SchemaValidationError, match="no column 'customer'"):
        shop().validate_schema({**data, "orders": data["orders"][["id"]]})


HOSTILE_YAML = {
    "runs": "!!python/object/apply:os.system ['true']",
    "names a type": "tables: !!timestamp 'x'",
    "is no flag": "version: !!bool 'abc'",
    "laughs": "a: &a [x, x]\nb: &b [*a, *a]\ntables: [*b, *b]",
    "is itself": "tables: &t [*t]",
    "is deep": "tables: " + "[" * 5_000 + "]" * 5_000,
    "has many digits": "version: " + "9" * 100_000,
    "has many places": "version: " + ":".join(["59"] * 50_000),
    "has many bits": "version: 0b" + "1" * 1_000_000,
    "has a key twice": "tables: {}\ntables: {}\n",
    "is newer": "tables: {}\nversion: 99\n",
    "is older": "tables: {}\nversion: -1\n",
    "has a negative length": (
        "tables: {a: {name: a, columns: {i: {name: i, kind: text, length: -5}}}}"
    ),
    "has a huge precision": (
        "tables: {a: {name: a, columns: {i: {name: i, kind: decimal, precision: 1"
        + "0" * 30
        + "}}}}"
    ),
    "is a list": "- a\n- b\n",
    "has a list for a key": "tables: {[1]: {}}\n",
    "has a control character": "tables: \x07\n",
}


@pytest.mark.parametrize("what", HOSTILE_YAML)
def test_hostile_metadata_is_refused_soon(what: str) -> None:
    started = time.process_time()
    with pytest.raises(SchemaError, match="metadata file"):
        Metadata.from_yaml(HOSTILE_YAML[what] + "\n")
    assert time.process_time() - started < 10
