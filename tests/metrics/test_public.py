"""What users call: any holder of data, two sides that are read as the same, errors that help."""

from __future__ import annotations

import datetime as dt
import inspect
from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from synthohive import metrics
from synthohive.exceptions import QualityError, SchemaError
from synthohive.metrics import (
    association,
    c2st,
    c2st_over_key,
    c2st_with_children,
    c2st_with_parents,
    check_quality,
    column_pairs,
    column_scores,
    fan_out_histogram,
    fan_out_ks,
    impossible_values,
    ks,
    null_rate_difference,
    orphans,
    pair_tvd,
    parent_rows,
    psi,
    tvd,
    utility,
    with_parents,
    within_group_variance,
)
from synthohive.schema import Column, ForeignKey, Metadata, TableConfig
from tests.metrics.shop import shop

pl = pytest.importorskip("polars")

HOLDERS: dict[str, Callable[[list], Any]] = {
    "list": list,
    "tuple": tuple,
    "numpy": lambda values: np.array(values, object),
    "pandas": pd.Series,
    "pandas objects": lambda values: pd.Series(values, dtype=object),
    "pandas categories": lambda values: pd.Series(values, dtype="category"),
    "arrow": pa.array,
    "arrow in chunks": lambda values: pa.chunked_array([values[:1], values[1:]]),
    "arrow dictionary": lambda values: pa.array(values).dictionary_encode(),
    "polars": pl.Series,
}
DAYS = [dt.date(2024, 1, 1) + dt.timedelta(i) for i in range(12)]


@pytest.mark.parametrize("held", HOLDERS)
def test_whatever_holds_a_column(held: str) -> None:
    real = HOLDERS[held](["a", "b", "a", None])
    assert tvd(real, ["a", "b", "b", None]) == 0.25
    assert null_rate_difference(real, ["a"]) == 0.25
    numbers = HOLDERS[held]([1, 2, 3, None])
    assert ks(numbers, [1, 2, 3]) == psi(numbers, [3, 2, 1]) == tvd(numbers, [1, 2, 3, None]) == 0.0
    assert association(numbers, [2, 4, 9, 0]) == 1.0
    assert within_group_variance([5, 5, 7, 1], HOLDERS[held](["x", "x", "y", None])) == 0.0


@pytest.mark.parametrize("held", [dict, pd.DataFrame, pa.table, pl.DataFrame])
def test_whatever_holds_a_table(held: Callable[[dict], Any]) -> None:
    rng = np.random.default_rng(1)
    plain = [{"x": rng.normal(size=60), "kind": rng.choice(["a", "b"], 60)} for _ in range(3)]
    real, made, other = map(held, plain)
    assert column_scores(real, made) == column_scores(*plain[:2])
    assert column_pairs(real, made) == column_pairs(*plain[:2])
    assert c2st(real, made) == c2st(*plain[:2])
    assert utility(real, made, other, ["kind"]) == utility(*plain, ["kind"])
    assert impossible_values(real, made) == impossible_values(*plain[:2])


@pytest.mark.parametrize(
    "other",
    [
        [str(day) for day in DAYS],
        pd.Series(pd.to_datetime(DAYS)),
        pd.Series(pd.to_datetime(DAYS)).dt.tz_localize("UTC"),
        np.array(DAYS, "M8[s]"),
        pa.array(DAYS, pa.date64()),
    ],
    ids=["text", "pandas", "UTC", "numpy", "date64"],
)
def test_a_date_is_a_date_in_whatever_it_is_held(other: Any) -> None:
    assert ks(DAYS, other) == psi(DAYS, other) == 0.0
    (score,) = column_scores({"day": DAYS}, {"day": other}).values()
    assert (score.metric, score.worst) == ("KS", 0.0)


def test_what_a_column_is_can_be_said() -> None:
    real, fake = {"code": [10, 20, 30] * 9}, {"code": [30, 20, 10] * 9}
    assert column_scores(real, fake)["code"].metric == "KS"
    said = {"code": Column(name="code", kind="categorical")}
    assert column_scores(real, fake, said)["code"].metric == "TVD"
    assert list(column_scores({**real, "id": range(27)}, fake)) == ["code"]  # shared ones


def test_psi_by_hand() -> None:
    real, fake = [1] * 50 + [2] * 50, [1] * 90 + [2] * 10
    expected = 0.4 * np.log(0.9 / 0.5) - 0.4 * np.log(0.1 / 0.5)
    assert psi(real, fake, bins=2) == pytest.approx(expected)
    assert psi(real, [1] * 9, bins=2) == pytest.approx(
        0.5 * np.log(1 / 0.5) + (1e-4 - 0.5) * np.log(1e-4 / 0.5)
    )


def test_keys_of_other_types_meet() -> None:
    parents = {"id": pa.array([1, 2, 3], pa.int16())}
    key = ForeignKey(columns=["k"], parent="p", parent_columns=["id"])
    frame = pd.DataFrame({"k": [2.0, None, 9.0]})  # whole numbers beside NULL, as pandas has them
    for child in (frame, {"k": ["2", None, "nine"]}):
        assert parent_rows(child, key, parents).tolist() == [1, -1, -1]
        assert orphans(child, "k", parents, "id") == 1
        assert fan_out_histogram(child, "k", parents, "id") == {0: 2, 1: 1}


@pytest.mark.slow
def test_rows_beside_their_parents_and_children_are_told_apart() -> None:
    (real, metadata), (alike, _), (apart, _) = shop(1), shop(2), shop(2, related=False)
    frames = {name: table.to_pandas() for name, table in apart.items()}
    key = metadata.tables["orders"].foreign_keys[0]
    bare = Metadata().add_table("customers", "id")  # nothing said of columns
    for child in ("orders", "visits"):
        bare.add_table(child, fk={"customer_id": "customers.id"})
    for made, low, high in ((alike, 0.5, 0.62), (apart, 0.8, 1.0), (frames, 0.8, 1.0)):
        assert low <= c2st_with_children(real, made, metadata, "customers") <= high
        assert low <= c2st_with_parents(real, made, bare, "orders") <= high
        assert low <= c2st_over_key(real, made, metadata, "orders", key) <= high


def test_parents_that_are_kept_are_one_group_on_both_sides() -> None:
    """Else a classifier takes the copy's children of a parent for the real ones it knows."""
    shops = {"id": range(60), "size": np.random.default_rng(1).normal(size=60)}
    metadata = Metadata().add_table("shops", "id").add_table("sales", fk={"shop": "shops.id"})
    tables = {"shops": shops, "sales": {"shop": [*range(60)] * 8, "price": [1, 2] * 240}}
    key = metadata.table("sales").foreign_keys[0]
    assert c2st_over_key(tables, tables, metadata, "sales", key) < 0.55


REFUSED: dict[str, tuple[Callable[[], Any], str]] = {
    "a matrix": (lambda: ks(np.zeros((2, 2)), [1]), "no column"),
    "a word": (lambda: tvd("abc", ["a"]), "no column: it is of type str"),
    "a frame": (lambda: ks(pd.DataFrame({"a": [1]}), [1]), "no column"),
    "texts": (lambda: ks(["a"], ["b"]), "no order to compare"),
    "no bins": (lambda: psi([1], [1], bins=1), "bins is 1"),
    "lengths": (lambda: association([1, 2], [1]), "different lengths"),
    "nothing shared": (lambda: c2st({"a": [1]}, {"b": [1]}), "no column in common"),
    "no such column": (lambda: pair_tvd({"a": [1]}, {"a": [1]}, "a", "b"), "no column 'b'"),
    "no such target": (lambda: utility({"a": [1]}, {"a": [1]}, {"a": [1]}, ["b"]), "column 'b'"),
    "groups": (lambda: c2st({"a": [1, 2]}, {"a": [1]}, groups=([1], [1])), "1 groups for 2 rows"),
    "no table": (lambda: with_parents({}, shop(1)[1], "orders"), "no table 'orders'"),
    "no histogram": (lambda: fan_out_ks([1], [2]), "fan-out is a list"),
    "no threshold": (lambda: check_quality({}, "x"), "threshold is 'x'"),
}


@pytest.mark.parametrize("what", REFUSED)
def test_what_is_wrong_is_said(what: str) -> None:
    call, said = REFUSED[what]
    with pytest.raises(SchemaError, match=said):
        call()


def test_two_frames_through_the_gate() -> None:
    real, fake = pd.DataFrame({"size": range(10)}), pd.DataFrame({"size": range(5, 15)})
    check_quality(column_scores(real, real), 0.0)
    with pytest.raises(QualityError, match=r"size: KS 0\.500"):
        check_quality(column_scores(real, fake), 0.4)
    (found,) = impossible_values(real, fake, TableConfig(name="t"))
    assert (found.beyond, found.validity) == (5, 0.5)


@pytest.mark.parametrize("name", metrics.__all__)
def test_all_that_is_public_says_what_it_takes_and_gives(name: str) -> None:
    public = getattr(metrics, name)
    text = inspect.getdoc(public) or ""
    if inspect.isclass(public):
        assert "Attributes\n---" in text or "0" in text
        return
    for section in ("Parameters", "Examples"):
        assert f"{section}\n---" in text
    assert "Returns\n---" in text or "Raises\n---" in text
    for parameter in inspect.signature(public).parameters:
        assert parameter in text.split("Parameters\n---")[1]
