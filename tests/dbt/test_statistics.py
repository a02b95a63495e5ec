"""Every statistic's SQL, on every engine that runs here, against NumPy and SciPy."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterator
from datetime import timedelta
from decimal import Decimal
from itertools import combinations
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from scipy import stats

from tests.dbt.engines import ADAPTERS, Warehouse, opened, sample

pytestmark = pytest.mark.slow  # it runs macros, not lines of ours: see CONTRIBUTING.md
REAL, CANDIDATE = sample(1, 700, 120, 0.0), sample(2, 500, 100, 0.2)
PARENTS = pd.DataFrame({"id": np.arange(60), "region": [f"r{i % 7 % 4}" for i in range(60)]})
ORDERED = ["price", "amount", "day", "moment", "big", "instant"]
KINDS = {
    "price": "float",
    "amount": "number",
    "day": "date",
    "moment": "timestamp",
    "big": "number",
    "instant": "timestamp",
}
FLOATLESS = ("mysql", "mariadb")  # engines without NaN and infinities
SLOW = ("spark", "snowflake")  # where each query takes up to a second
SCHEMA = pa.schema(
    {
        "id": pa.int32(),
        "parent": pa.int32(),
        "price": pa.float64(),
        "amount": pa.decimal128(12, 2),
        "day": pa.date32(),
        "moment": pa.timestamp("us"),
        "big": pa.int64(),
        "instant": pa.timestamp("us"),
        "category": pa.string(),
        "unfilled": pa.float64(),
    }
)


def _table(frame: pd.DataFrame, floats: bool) -> pa.Table:
    """Return the Arrow table; its floats hold NaN and infinities where the engine knows them."""
    columns: dict[str, list[Any]] = {
        c: [None if pd.isna(v) else v for v in frame[c]] for c in SCHEMA.names
    }
    columns["amount"] = [None if v is None else Decimal(str(v)) for v in columns["amount"]]
    columns["day"] = [v.date() for v in columns["day"]]
    if floats:
        columns["price"][:4] = [float("nan"), float("inf"), float("-inf"), float("nan")]
    return pa.table(columns, schema=SCHEMA)


def _at_or_below_the_least(table: pa.Table) -> pa.Table:
    """Return nine rows with the least value of each column, or one a step below it."""
    columns = {}
    for column in table.column_names:
        values = table[column].drop_null().to_pylist()
        if column in ORDERED:
            least = min(v for v in values if v == v)  # noqa: PLR0124 - NaN
            step = timedelta(days=1) if column in ("day", "moment", "instant") else 1
            values = [least, least - step, least] * 3
        columns[column] = (values + [None] * 9)[:9]
    return pa.table(columns, schema=table.schema)


def _tables(floats: bool) -> dict[str, pa.Table]:
    real, candidate = _table(REAL, floats), _table(CANDIDATE, floats)
    parents = pa.table(
        {"id": pa.array(PARENTS["id"], pa.int32()), "region": list(PARENTS["region"])}
    )
    return {
        "real_rows": real,
        "candidate_rows": candidate,
        "no_rows": real.slice(0, 0),
        "one_row": candidate.slice(4, 1),
        "low_rows": _at_or_below_the_least(real),
        "parents": parents,
        "fewer_parents": parents.slice(0, 50),
    }


@pytest.fixture(scope="module", params=ADAPTERS)
def warehouse(request: pytest.FixtureRequest) -> Iterator[Warehouse]:
    with opened(request, _tables) as found:
        yield found


def _values(warehouse: Warehouse, table: str, column: str) -> np.ndarray:
    """Return what the engine was given, without NULL and NaN; dates as numbers."""
    frame = _tables(warehouse.adapter not in FLOATLESS)[table]
    found = frame[column].drop_null()
    if pa.types.is_temporal(found.type):
        found = found.cast(pa.timestamp("us")).cast(pa.int64())
    first = 2**60 if column == "big" else 0  # as floats they are one value
    numbers = np.array([float(v - first) for v in found.to_pylist()])
    return numbers[~np.isnan(numbers)]


def _pair(warehouse: Warehouse, column: str) -> tuple[np.ndarray, np.ndarray]:
    return (
        _values(warehouse, "candidate_rows", column),
        _values(warehouse, "real_rows", column),
    )


def _close(value: float | None, expected: float) -> None:
    assert value is not None
    assert value == pytest.approx(expected, abs=1e-9)


@pytest.mark.parametrize("column", ORDERED)
def test_ks(warehouse: Warehouse, column: str) -> None:
    left, right = _pair(warehouse, column)
    row = warehouse.row("ks", "candidate_rows", "real_rows", column=column, kind=KINDS[column])
    _close(row["value"], stats.ks_2samp(left, right).statistic)
    assert (row["n_rows"], row["n_reference"]) == (len(left), len(right))


@pytest.mark.parametrize(
    ("column", "bins"),  # any column with many bins and few; a column's kind changes its casts only
    [
        ("price", 1),
        ("price", 64),
        ("price", 4096),
        ("amount", 64),
        ("day", 4096),
        ("moment", 1),
        ("big", 64),
    ],
)
def test_binned_ks_gives_bounds_and_the_exact_verdict(
    warehouse: Warehouse, column: str, bins: int
) -> None:
    left, right = _pair(warehouse, column)
    exact = stats.ks_2samp(left, right).statistic
    limits = [exact - 1e-6, exact + 1e-6]
    if warehouse.adapter not in SLOW:
        limits += [0.0, exact * 0.9, exact * 1.1, 0.9]
    for limit in limits:
        row = warehouse.row(
            "ks_binned",
            "candidate_rows",
            "real_rows",
            column=column,
            kind=KINDS[column],
            limit=limit,
            bins=bins,
        )
        assert row["lower_bound"] <= exact + 1e-9
        assert row["upper_bound"] >= exact - 1e-9
        assert (row["value"] > limit) == (exact > limit)
        assert (row["n_rows"], row["n_reference"]) == (len(left), len(right))


@pytest.mark.parametrize("bins", [4, 10])
@pytest.mark.parametrize("column", ORDERED)
def test_psi(warehouse: Warehouse, column: str, bins: int) -> None:
    left, right = _pair(warehouse, column)
    edges = np.quantile(right, np.arange(1, bins) / bins, method="inverted_cdf")
    shares = []
    for values in (left, right):
        counts = np.bincount(np.searchsorted(edges, values, side="left"), minlength=bins)
        shares.append(np.where(counts == 0, 1e-4, counts / len(values)))
    p, q = shares
    filled = (p != 1e-4) | (q != 1e-4)  # equal edges leave bins that hold nothing
    row = warehouse.row(
        "psi", "candidate_rows", "real_rows", column=column, kind=KINDS[column], bins=bins
    )
    _close(row["value"], float(((p - q) * np.log(p / q))[filled].sum()))


def _shares(values: pd.Series) -> pd.Series:
    return values.fillna("<NULL>").value_counts(normalize=True)


def _tvd(left: pd.Series, right: pd.Series) -> float:
    return float(0.5 * _shares(left).sub(_shares(right), fill_value=0).abs().sum())


def test_tvd(warehouse: Warehouse) -> None:
    row = warehouse.row("tvd", "candidate_rows", "real_rows", column="category")
    _close(row["value"], _tvd(CANDIDATE["category"], REAL["category"]))


def test_null_rate_and_row_count(warehouse: Warehouse) -> None:
    row = warehouse.row("null_rate", "candidate_rows", "real_rows", column="category")
    expected = abs(CANDIDATE["category"].isna().mean() - REAL["category"].isna().mean())
    _close(row["value"], float(expected))
    row = warehouse.row("row_count", "candidate_rows", "real_rows", expected_ratio=0.5)
    _close(row["value"], abs(500 / 700 / 0.5 - 1))


def _coefficient(frame: pd.DataFrame, x: str, y: str) -> float:
    both = frame.iloc[4:] if "price" in (x, y) else frame
    columns = {}
    for name, values in both[[x, y]].dropna().items():
        if KINDS[str(name)] in ("date", "timestamp"):
            columns[name] = (values - values.min()).astype("timedelta64[us]").astype("int64")
        else:
            columns[name] = [float(v - values.min()) for v in values]
    return float(stats.pearsonr(columns[x], columns[y]).statistic)


@pytest.mark.parametrize(
    ("x", "y"),
    [("price", "amount"), ("amount", "moment"), ("amount", "day"), ("big", "instant")],
)
def test_correlation(warehouse: Warehouse, x: str, y: str) -> None:
    where = "id >= 4" if x == "price" else None  # the first rows hold the infinities
    row = warehouse.row(
        "correlation",
        "candidate_rows",
        "real_rows",
        column=x,
        other_column=y,
        kind=KINDS[x],
        other_kind=KINDS[y],
        where=where,
        reference_where=where,
    )
    _close(row["value"], abs(_coefficient(CANDIDATE, x, y) - _coefficient(REAL, x, y)))


def test_correlation_has_no_value_for_infinities_and_one_row(warehouse: Warehouse) -> None:
    def value(table: str, x: str) -> float | None:
        row = warehouse.row(
            "correlation", table, "real_rows", column=x, other_column="amount", kind=KINDS[x]
        )
        found = row["value"]
        return found if found is None else float(found)

    assert value("one_row", "big") is None
    found = value("candidate_rows", "price")
    assert (found is not None) == (warehouse.adapter in FLOATLESS or np.isnan(found or 0.0))


@pytest.mark.parametrize("column", ORDERED)
@pytest.mark.parametrize("table", ["one_row", "low_rows"])
def test_one_row_and_nothing_above_the_least(warehouse: Warehouse, table: str, column: str) -> None:
    if warehouse.adapter == "spark" and column not in ("price", "day"):
        pytest.skip("each query takes most of a second, and a kind changes its casts only")
    left, right = _values(warehouse, table, column), _values(warehouse, "real_rows", column)
    exact = stats.ks_2samp(left, right).statistic
    shared = {"column": column, "kind": KINDS[column]}
    _close(warehouse.row("ks", table, "real_rows", **shared)["value"], exact)
    for limit in (exact - 1e-6, exact + 1e-6):
        row = warehouse.row("ks_binned", table, "real_rows", **shared, limit=limit)
        assert row["lower_bound"] <= exact + 1e-9
        assert row["upper_bound"] >= exact - 1e-9
        assert (row["value"] > limit) == (exact > limit)
    outside = ((left < right.min()) | (left > right.max())).mean()
    _close(warehouse.row("outside_range", table, "real_rows", **shared)["value"], outside)


def _children(frame: pd.DataFrame, parents: int) -> np.ndarray:
    return np.asarray(frame["parent"].value_counts().reindex(range(parents), fill_value=0))


def test_fan_out(warehouse: Warehouse) -> None:
    row = warehouse.row(
        "fan_out",
        "candidate_rows",
        columns=["parent"],
        to="fewer_parents",
        to_columns=["id"],
        reference="real_rows",
        reference_to="parents",
    )
    expected = stats.ks_2samp(_children(CANDIDATE, 50), _children(REAL, 60)).statistic
    _close(row["value"], expected)
    assert (row["n_rows"], row["n_reference"]) == (50, 60)


def _conditional(by: str, column: str, measure: str, least: int) -> float:
    frames = [f.merge(PARENTS, left_on="parent", right_on="id") for f in (CANDIDATE, REAL)]
    if by != "region":
        frames = [CANDIDATE, REAL]
    if measure == "ks":
        frames = [f.dropna(subset=[column]) for f in frames]
    left, right = ({k: g[column] for k, g in f.groupby(by, dropna=False)} for f in frames)
    left, right = ({str(k): v for k, v in s.items()} for s in (left, right))
    distances, weights = [], []
    for group, values in right.items():
        if len(values) < least:
            continue
        found = left.get(group)
        weights.append(len(values))
        if found is None:
            distances.append(1.0)
        elif measure == "ks":
            distances.append(stats.ks_2samp(found.astype(float), values.astype(float)).statistic)
        else:
            distances.append(_tvd(found, values))
    return float(np.average(distances, weights=weights))


@pytest.mark.parametrize("least", [1, 80])
@pytest.mark.parametrize(("column", "measure"), [("category", "tvd"), ("amount", "ks")])
def test_conditional_across_a_join(
    warehouse: Warehouse, column: str, measure: str, least: int
) -> None:
    join = {"to": "parents", "reference_to": "parents", "columns": ["parent"], "to_columns": ["id"]}
    row = warehouse.row(
        "conditional",
        "candidate_rows",
        "real_rows",
        column=column,
        by="region",
        join=join,
        measure=measure,
        min_group_rows=least,
        kind=KINDS.get(column, "text"),
    )
    _close(row["value"], _conditional("region", column, measure, least))


def test_conditional_in_one_table_counts_a_missing_group_as_one(warehouse: Warehouse) -> None:
    row = warehouse.row(
        "conditional", "candidate_rows", "real_rows", column="amount", by="category", measure="ks",
        min_group_rows=1, kind="number",
    )  # fmt: skip
    _close(row["value"], _conditional("category", "amount", "ks", 1))
    row = warehouse.row(
        "conditional", "fewer_parents", "parents", column="region", by="id", min_group_rows=1
    )
    _close(row["value"], 10 / 60)


@pytest.mark.parametrize(("column", "measure"), [("category", "tvd"), ("amount", "ks")])
def test_each_group_has_its_distance(warehouse: Warehouse, column: str, measure: str) -> None:
    by = "parent < 20"
    rows = warehouse.rows(
        "by_group", "candidate_rows", "real_rows", column=column, by=f"case when {by} then 1 end",
        measure=measure, kind=KINDS.get(column, "text"), min_group_rows=30,
    )  # fmt: skip
    assert len(rows) == 2
    for row in rows:
        sides = [
            f[(f["parent"] < 20) == (row["group_value"] == "1")][column] for f in (CANDIDATE, REAL)
        ]
        left, right = (v.dropna().astype(float) if measure == "ks" else v for v in sides)
        expected = stats.ks_2samp(left, right).statistic if measure == "ks" else _tvd(left, right)
        _close(row["value"], float(expected))
        assert (row["n_rows"], row["n_reference"]) == (len(left), len(right))
    (none,) = warehouse.rows(
        "by_group", "candidate_rows", "real_rows", column=column, by="id", measure=measure
    )
    assert none["value"] is None
    assert none["n_rows"] > 0


@pytest.mark.parametrize("column", ORDERED)
def test_outside_range(warehouse: Warehouse, column: str) -> None:
    left, right = _pair(warehouse, column)
    low, high = right.min(), right.max()
    row = warehouse.row(
        "outside_range", "candidate_rows", "real_rows", column=column, kind=KINDS[column]
    )
    _close(row["value"], float(((left < low) | (left > high)).mean()))


def test_outside_range_of_a_part(warehouse: Warehouse) -> None:
    left = CANDIDATE["amount"].dropna().astype(float)
    part = REAL.loc[REAL["id"] < 30, "amount"].dropna().astype(float)
    row = warehouse.row(
        "outside_range", "candidate_rows", "real_rows", column="amount", kind="number",
        reference_where="id < 30",
    )  # fmt: skip
    expected = float(((left < part.min()) | (left > part.max())).mean())
    assert expected > 0
    _close(row["value"], expected)


def test_outside_domain_and_copied_values(warehouse: Warehouse) -> None:
    left, right = CANDIDATE["amount"].dropna(), set(REAL["amount"].dropna())
    row = warehouse.row("outside_domain", "candidate_rows", "real_rows", column="amount")
    _close(row["value"], 1 - float(left.isin(right).mean()))
    row = warehouse.row("copied_values", "candidate_rows", "real_rows", column="amount")
    _close(row["value"], len(set(left) & right))
    where = "category = 'red'"
    row = warehouse.row(
        "outside_domain", "candidate_rows", "real_rows", column="amount", where=where,
        reference_where="category = 'green'",
    )  # fmt: skip
    left = CANDIDATE.loc[CANDIDATE["category"] == "red", "amount"].dropna()
    right = set(REAL.loc[REAL["category"] == "green", "amount"].dropna())
    _close(row["value"], 1 - float(left.isin(right).mean()))


def test_copied_rows_count_null_as_equal(warehouse: Warehouse) -> None:
    columns = ["category", "day"]
    row = warehouse.row("copied_rows", "candidate_rows", "real_rows", columns=columns)
    real = set(map(tuple, REAL[columns].fillna("<NULL>").astype(str).to_numpy()))
    rows = list(map(tuple, CANDIDATE[columns].fillna("<NULL>").astype(str).to_numpy()))
    assert any("<NULL>" in r and r in real for r in rows)
    _close(row["value"], sum(r in real for r in rows) / len(rows))
    row = warehouse.row("copied_rows", "candidate_rows", "real_rows", columns=["unfilled"])
    assert row["value"] is None


def _cells(
    frames: list[pd.DataFrame], kinds: list[str], most: int, bins: int, digest: Any
) -> pd.DataFrame:
    """Return what `sampled_rows` gives, from frames of Python's own values."""
    drawn = []
    for side, frame in enumerate(reversed(frames)):
        seen: Counter[str] = Counter()
        digests = []
        for row in frame.itertuples(index=False):
            text = "".join("|" if pd.isna(v) else f"|={v}" for v in row)
            seen[text] += 1
            digests.append(digest(f"|={side}|={seen[text]}|={text}".encode()).hexdigest())
        found = frame.iloc[np.argsort(digests)[:most]].copy()
        drawn.append(found.assign(side=side, place=np.arange(1, len(found) + 1)))
    rows = pd.concat(drawn, ignore_index=True)
    for column, kind in zip(frames[0].columns, kinds):
        filled = rows[column].notna()
        if kind == "text":
            rows[column] = ["null" if pd.isna(v) else f"={v}" for v in rows[column]]
        else:
            values = pd.to_datetime(rows.loc[filled, column]) if kind == "date" else rows[column]
            ranks = values.rank(method="min").sub(1) / (filled.sum() - 1)
            rows[column] = np.floor(bins * ranks).clip(upper=bins - 1).reindex(rows.index)
            rows[column] = rows[column].fillna(-1).astype(str)
    return rows


def _areas(rows: pd.DataFrame, columns: list[str]) -> dict[str, float]:
    """Return the area under the curve of whole rows, columns and pairs."""
    learned, judged = rows[rows["place"] % 2 == 0], rows[rows["place"] % 2 == 1]
    weights = {}
    for part in [(c,) for c in columns] + list(combinations(columns, 2)):
        counts = [learned[learned["side"] == s].groupby(list(part)).size() for s in (0, 1)]
        r, s = (c.add(0, fill_value=0) for c in counts[0].align(counts[1], fill_value=0))
        ratio = (s + 0.5) / counts[1].sum() / ((r + 0.5) / counts[0].sum())
        known = {k if isinstance(k, tuple) else (k,): v for k, v in np.log(ratio).items()}
        keys = judged[list(part)].itertuples(index=False, name=None)
        weights[part] = np.array([known.get(key, 0.0) for key in keys])
    scores = {p: weights[p] - sum(weights[c,] for c in p if len(p) > 1) for p in weights}
    found = {", ".join(part): score for part, score in scores.items()}
    found["whole rows"] = np.sum(list(scores.values()), axis=0)
    own = np.asarray(judged["side"] == 1)
    return {
        name: stats.mannwhitneyu(s[own], s[~own]).statistic / (own.sum() * (~own).sum())
        for name, s in ((k, np.floor(v * 1e9 + 0.5)) for k, v in found.items())
    }


def test_told_apart(warehouse: Warehouse) -> None:
    columns, kinds = ["category", "parent", "day"], ["text", "number", "date"]
    frames = [f[columns].copy() for f in (CANDIDATE, REAL)]
    for frame in frames:
        frame["day"] = [v.date() for v in frame["day"]]
    rows = warehouse.rows(
        "told_apart", "candidate_rows", "real_rows", columns=columns, kinds=kinds,
        max_rows=400, bins=4,
    )  # fmt: skip
    digest = hashlib.sha256 if warehouse.adapter in ("mysql", "mariadb") else hashlib.md5
    expected = _areas(_cells(frames, kinds, 400, 4, digest), columns)
    assert {row["group_value"] for row in rows} == set(expected)
    for row in rows:
        _close(row["value"], expected[row["group_value"]])
        assert (row["n_rows"], row["n_reference"]) == (200, 200)
    for table, n_rows in (("no_rows", 0), ("one_row", 1)):
        (none,) = warehouse.rows("told_apart", table, "real_rows", columns=columns, kinds=kinds)
        assert (none["value"], none["n_rows"]) == (None, n_rows)


@pytest.mark.parametrize("column", [c for c in ORDERED if c != "big"])  # edges are floats
def test_a_stored_profile_of_numbers(warehouse: Warehouse, column: str) -> None:
    """The edges are stored values, and what they tell is at most 1 / bins less than the exact."""
    left, right = _pair(warehouse, column)
    exact, kind = stats.ks_2samp(left, right).statistic, KINDS[column]
    for bins in (7, 200):
        edges = warehouse.sql("profile_edges", "real_rows", column=column, kind=kind, bins=bins)
        row = warehouse.row("stored_ks", "candidate_rows", column=column, kind=kind, edges=edges)
        assert exact - 1 / bins - 1e-9 <= row["value"] <= exact + 1e-9
        assert (row["n_rows"], row["n_reference"]) == (len(left), len(right))
        assert (
            len(warehouse.rows("profile_edges", "real_rows", column=column, kind=kind, bins=bins))
            <= bins + 1
        )


def test_a_stored_profile_of_categories(warehouse: Warehouse) -> None:
    counts = warehouse.sql("profile_values", "real_rows", column="category", min_rows=50)
    row = warehouse.row("stored_tvd", "candidate_rows", column="category", counts=counts)
    kept = REAL["category"].value_counts()
    named = set(kept[kept >= 50].index)
    assert 0 < len(named) < len(kept)
    left, right = (
        f["category"].where(f["category"].isna() | f["category"].isin(named), "<other>")
        for f in (CANDIDATE, REAL)
    )
    _close(row["value"], _tvd(left, right))


COLUMN_STATISTICS = [
    ("ks", {"column": "price", "kind": "float"}),
    ("ks_binned", {"column": "price", "kind": "float", "limit": 0.1}),
    ("psi", {"column": "price", "kind": "float"}),
    ("psi_binned", {"column": "price", "kind": "float", "limit": 0.1}),
    ("tvd", {"column": "category"}),
    ("null_rate", {"column": "category"}),
    ("row_count", {}),
    ("correlation", {"column": "amount", "other_column": "moment", "other_kind": "timestamp"}),
    ("conditional", {"column": "category", "by": "parent", "min_group_rows": 3}),
    ("outside_range", {"column": "price", "kind": "float"}),
    ("outside_domain", {"column": "category"}),
    ("copied_rows", {"columns": ["category", "day"]}),
    ("copied_values", {"column": "category"}),
]


@pytest.mark.parametrize(("statistic", "arguments"), COLUMN_STATISTICS)
def test_an_empty_side_has_no_value(
    warehouse: Warehouse, statistic: str, arguments: dict[str, Any]
) -> None:
    sides_of_none = [("no_rows", "real_rows"), ("candidate_rows", "no_rows")]
    if warehouse.adapter not in SLOW:
        full = warehouse.row(statistic, "candidate_rows", "real_rows", **arguments)
        assert full["value"] is not None
        sides_of_none.append(("no_rows", "no_rows"))
    for sides in sides_of_none:
        row = warehouse.row(statistic, *sides, **arguments)
        empty = row["value"] is None or row["n_rows"] == 0
        assert empty, (sides, row)


@pytest.mark.parametrize("statistic", ["ks", "ks_binned", "psi", "psi_binned", "outside_range"])
def test_only_nulls_have_no_value(warehouse: Warehouse, statistic: str) -> None:
    row = warehouse.row(
        statistic, "candidate_rows", "real_rows", column="unfilled", kind="float",
        **({"limit": 0.1} if "binned" in statistic else {}),
    )  # fmt: skip
    assert row["value"] is None
    assert row["n_rows"] == row["n_reference"] == 0
