from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from synthohive.metrics.distances import ks, tvd
from synthohive.metrics.report import build_report
from synthohive.metrics.report.chance import column_chance, ks_chance
from synthohive.schema import Column, Metadata

PAIRS = 400


@pytest.mark.parametrize("rows", [20, 40, 400])
@pytest.mark.parametrize("categories", [2, 8, 30])
def test_one_of_twenty_pairs_of_samples_is_beyond_chance(rows: int, categories: int) -> None:
    rng = np.random.default_rng(rows + categories)
    shares = rng.dirichlet(np.ones(categories))
    column, beyond = Column(name="x", kind="categorical"), 0
    for _ in range(PAIRS):
        left, right = (pa.array(rng.choice(categories, rows, p=shares)) for _ in range(2))
        sides = left.cast(pa.string()), right.cast(pa.string())
        beyond += tvd(*sides) > column_chance(column, *sides)
    assert beyond / PAIRS < 0.1
    apart = [ks(*rng.normal(size=(2, rows))) for _ in range(PAIRS)]
    assert 0.01 < np.mean(np.array(apart) > ks_chance(rows, rows)) < 0.09


def _depots(rows: int, seed: int, shift: float = 0.0) -> dict[str, pa.Table]:
    rng = np.random.default_rng(seed)
    towns = np.array(["Ulm", "Lyon", "Kyoto", "Leeds"])
    columns: dict[str, Any] = {
        "id": range(rows),
        "town": rng.choice(towns, rows),
        "height": rng.normal(6 + shift, 1, rows),
        "capacity": rng.normal(300, 80, rows),
    }
    return {
        "depots": pa.table(columns),
        "archive": pa.table({"id": [], "note": pa.array([], pa.string())}),
    }


def test_a_small_table_is_not_blamed_for_being_small() -> None:
    metadata = Metadata().add_table("depots", "id").add_table("archive", "id")
    alike = build_report(metadata, _depots(40, 1), _depots(40, 2))
    table = next(table for table in alike.tables if table.name == "depots")
    assert table.distance > 0.1  # far, by chance alone
    (likeness,) = (area for area in alike.areas if area.name == "fidelity")
    assert likeness.level == "good"
    assert "by chance" in alike.to_html()
    shifted = build_report(metadata, _depots(40, 1), _depots(40, 2, shift=2.0))
    assert next(iter(shifted.tables[0].columns)).name == "height"
    assert any(area.level != "good" for area in shifted.areas if area.name == "fidelity")


def test_an_empty_table_is_not_called_close() -> None:
    metadata = Metadata().add_table("depots", "id").add_table("archive", "id")
    report = build_report(metadata, _depots(40, 1), _depots(40, 2))
    assert "archive.note" not in report.scores
    assert "nothing to compare" in report.to_html()


def _orders(seed: int, rows: int = 600) -> dict[str, pa.Table]:
    rng = np.random.default_rng(seed)
    orders = {
        "id": range(rows),
        "depot_id": rng.integers(0, 40, rows),
        "total": rng.lognormal(3, 1, rows),
    }
    return {**_depots(40, seed), "orders": pa.table(orders)}


def test_other_rows_of_a_small_parent_table_do_not_give_a_copy_away() -> None:
    metadata = Metadata().add_table("depots", "id").add_table("archive", "id")
    metadata = metadata.add_table("orders", "id", fk={"depot_id": "depots.id"})
    report = build_report(metadata, _orders(1), _orders(2))
    assert report.classifiers
    assert max(one.excess for one in report.classifiers) < 0.1
    same = {**_orders(2), "depots": _depots(40, 1)["depots"]}
    beside = {one.beside for one in build_report(metadata, _orders(1), same).classifiers}
    assert "parents" in beside  # the same parents tell nothing
