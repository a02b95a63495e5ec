"""The classifier two-sample test: 0.5 for the same distribution, 1 for another."""

from __future__ import annotations

import numpy as np
import pyarrow as pa

from synthohive import Metadata
from synthohive.metrics import c2st, with_children, with_parents
from synthohive.schema.columns import column_from_arrow


def rows(seed: int, related: bool) -> pa.Table:
    rng = np.random.default_rng(seed)
    x = rng.normal(size=1_500)
    y = x if related else rng.permutation(x)
    return pa.table({"x": x, "y": y, "kind": rng.choice(["a", "b"], 1_500)})


def area(real: pa.Table, made: pa.Table) -> float:
    return c2st(real, made, {f.name: column_from_arrow(f) for f in real.schema})


def test_the_same_distribution_cannot_be_told_apart() -> None:
    assert area(rows(1, True), rows(2, True)) < 0.56


def test_a_lost_correlation_is_seen() -> None:
    assert area(rows(1, True), rows(2, False)) > 0.9


def test_rows_beside_children_and_parents() -> None:
    parent = pa.table({"id": [1, 2, 3], "name": ["a", "b", "a"]})
    child = pa.table(
        {"id": [1, 2, 3, 4], "parent_id": [2, 2, 1, None], "amount": [1.0, 4.0, 7.0, 9.0]}
    )
    metadata = Metadata().add_table("parent", "id")
    metadata.add_table("child", "id", fk={"parent_id": "parent.id"})
    tables = {"parent": parent, "child": child}
    for name, table in tables.items():
        metadata.tables[name].columns = {f.name: column_from_arrow(f) for f in table.schema}
    wide, columns = with_children(tables, metadata, "parent")
    assert wide["count of child(parent_id)"].to_pylist() == [1, 2, 0]
    assert wide["mean amount of child(parent_id)"].to_numpy()[:2].tolist() == [7.0, 2.5]
    assert wide["max amount of child(parent_id)"].to_numpy()[:2].tolist() == [7.0, 4.0]
    assert set(columns) == set(wide.column_names)
    beside, _ = with_parents(tables, metadata, "child")
    assert beside["name over (parent_id)"].to_pylist() == ["b", "b", "a", None]


def of_parents(seed: int) -> tuple[pa.Table, np.ndarray]:
    rng = np.random.default_rng(seed)
    parent = rng.integers(0, 60, 1_500)
    return pa.table({"fee over (key)": rng.normal(size=60)[parent]}), parent


def test_parents_are_not_known_by_their_values() -> None:
    (real, a), (made, b) = of_parents(1), of_parents(2)
    columns = {f.name: column_from_arrow(f) for f in real.schema}
    assert c2st(real, made, columns) > 0.9
    assert c2st(real, made, columns, groups=(a, 60 + b)) < 0.65
    wrong = made.set_column(0, real.column_names[0], [np.abs(made[0].to_numpy())])
    assert c2st(real, wrong, columns, groups=(a, 60 + b)) > 0.7
    one = np.zeros(1_500, np.int64)
    assert c2st(real, made, columns, groups=(one, one)) > 0.9  # too few groups to part them
