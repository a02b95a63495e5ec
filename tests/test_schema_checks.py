"""What is compared, what is not, and what each problem says."""

from __future__ import annotations

from typing import Any

import pandas as pd
import pyarrow as pa
import pytest

from synthohive import Column, ForeignKey, Metadata
from synthohive.schema.checks import data_problems, schema_problems


def pair(child: Column, parent: Column) -> Metadata:
    metadata = Metadata().add_table("p", "id", columns={"id": parent})
    return metadata.add_table("c", columns={"p": child}, fk={"p": "p.id"})


def column(name: str, kind: str, **more: Any) -> Column:
    return Column(name=name, kind=kind, **more)


@pytest.mark.parametrize(
    ("child", "parent", "matches"),
    [
        ("integer", "integer", True),
        ("integer", "decimal", True),
        ("text", "categorical", True),
        ("uuid", "text", True),
        ("integer", "text", False),
        ("date", "timestamp", False),
        ("boolean", "integer", False),
    ],
)
def test_kinds_of_keys(child: str, parent: str, matches: bool) -> None:
    problems = schema_problems(pair(column("p", child), column("id", parent)).tables)
    assert (problems == []) == matches
    assert matches or f"c.p is {child}, but p.id is {parent}" in problems[0]


def test_tables_without_columns_are_taken_as_they_are() -> None:
    metadata = Metadata().add_table("p", "id").add_table("c", fk={"p": "p.id"})
    metadata.tables["c"].parent_context_cols = ["anything"]
    assert schema_problems(metadata.tables) == []


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        ({"pk": ["idd"]}, "t: pk names 'idd'. Did you mean 'id'?"),
        ({"pk": ["id", "id"]}, "names a column twice"),
        ({"pii_cols": {"mial": "email"}}, "pii_cols names 'mial'. Did you mean 'mail'?"),
        ({"unique": [{"columns": ["x"]}]}, "unique names 'x'"),
        ({"parent_context_cols": ["x"]}, "parent_context_cols names 'x', but there is no parent"),
        ({"constraints": {"x": {"min": 1}}}, "constraints names 'x'"),
        ({"constraints": {"mail": {"min": 1}}}, "t.mail: min and max are for numbers"),
    ],
)
def test_unknown_columns(changes: dict[str, Any], problem: str) -> None:
    columns = {"id": column("id", "integer"), "mail": column("mail", "text")}
    metadata = Metadata().add_table("t", columns=columns, **changes)
    (found,) = schema_problems(metadata.tables)
    assert problem in found


def test_context_columns_are_the_parents() -> None:
    metadata = pair(column("p", "integer"), column("id", "integer"))
    metadata.tables["c"].parent_context_cols = ["idd"]
    (found,) = schema_problems(metadata.tables)
    assert found == "c: parent_context_cols names 'idd'. Did you mean 'id'?"


def test_a_key_needs_a_unique_parent() -> None:
    metadata = Metadata().add_table("p").add_table("c", fk={"p": "p.id"})
    (found,) = schema_problems(metadata.tables)
    assert found == "c(p) -> p(id): (id) is no primary key or UNIQUE of 'p'."


def test_generated_columns_of_unknown_types_do_no_harm() -> None:
    columns = {
        "id": column("id", "integer"),
        "words": column("words", "unsupported", computed="to_tsvector(body)"),
    }
    metadata = Metadata().add_table("t", "id", columns=columns)
    assert schema_problems(metadata.tables) == []
    assert data_problems(metadata.tables, {"t": pa.table({"id": [1]})}) == []


def test_composite_keys_with_a_null_refer_to_nothing() -> None:
    key = ForeignKey(columns=["a", "b"], parent="p", parent_columns=["x", "y"])
    metadata = Metadata().add_table("p", ["x", "y"]).add_table("c", foreign_keys=[key])
    data = {
        "p": pd.DataFrame({"x": [1, 1], "y": ["u", "v"]}),
        "c": pd.DataFrame({"a": [1, 1, None, 2], "b": ["u", "w", "w", None]}),
    }
    (found,) = data_problems(metadata.tables, data)
    assert found == "c(a, b) -> p(x, y): 1 rows refer to no parent."
    assert data_problems(metadata.tables, data, orphans=False) == []


@pytest.mark.parametrize(
    ("ids", "refs", "problem"),
    [
        (pd.Categorical(["a", "b"]), pd.Categorical(["a", None, "c"]), "1 rows refer to no parent"),
        ([1, 2**60 + 1], [2**60, 2**60 + 1, None], "1 rows refer to no parent"),
        ([1, 2], ["1", "2", "3"], "cannot be compared"),
        ([1, None], [1, 1, 1], "the primary key column 'id' is NULL in 1 rows"),
    ],
)
def test_data(ids: Any, refs: Any, problem: str) -> None:
    metadata = Metadata().add_table("p", "id").add_table("c", fk={"p": "p.id"})
    exact = isinstance(refs, list) and isinstance(refs[0], int)
    parent = pd.DataFrame({"id": pd.array(ids, dtype="Int64") if exact else ids})
    child = pd.DataFrame({"p": pd.array(refs, dtype="Int64") if exact else refs})
    (found,) = data_problems(metadata.tables, {"p": parent, "c": child})
    assert problem in found


def test_what_is_no_table() -> None:
    metadata = Metadata().add_table("t", "id")
    mixed = pd.DataFrame({"id": pd.Series([1, "a"], dtype=object)})
    for data in (mixed, [1, 2]):
        (found,) = data_problems(metadata.tables, {"t": data})
        assert found.startswith("t: the data cannot be read as a table")
    assert data_problems(metadata.tables, {}) == ["t: the data has no such table."]
