"""EXCLUDE constraints: rows that overlap are moved, block after block, or left out."""

from __future__ import annotations

import datetime as dt
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from synthohive.constrain.base import Repairing
from synthohive.constrain.exclusions import (
    ExclusionRepair,
    ExclusionRule,
    exclusion_rules,
    not_kept,
)
from synthohive.schema import Column, Exclusion, TableConfig

UTC = dt.timezone.utc
START = dt.datetime(2024, 1, 1, tzinfo=UTC)
N = 400


def config(**columns: Any) -> TableConfig:
    made = {name: Column(name=name, **facts) for name, facts in columns.items()}
    return TableConfig(name="t", columns=made)


def repaired(table: TableConfig, rows: pa.Table, exclusion: Exclusion) -> tuple[pa.Table, set[int]]:
    table.exclusions = [exclusion]
    (rule,) = exclusion_rules(table, "postgresql")
    repair, rng = ExclusionRepair(table, rule, fixed=False), np.random.default_rng(0)
    blocks, left = [], []
    for start in range(0, len(rows), 150):
        block, _ = Repairing(rows.slice(start, 150), [repair], rng).run()
        left.append(repair.remember(block))
        blocks.append(block)
    return pa.concat_tables(blocks), set(np.flatnonzero(np.concatenate(left)).tolist())


def overlaps(spans: dict[Any, list[tuple[Any, Any]]]) -> int:
    return sum(
        low < end
        for found in spans.values()
        for (_, end), (low, _) in zip(sorted(found), sorted(found)[1:])
    )


def grouped(rows: pa.Table, left: set[int], span: Any) -> dict[Any, list[tuple[Any, Any]]]:
    found: dict[Any, list[tuple[Any, Any]]] = {}
    for i, row in enumerate(rows.to_pylist()):
        if i not in left and row["room"] is not None and row.get("state") != "off":
            found.setdefault(row["room"], []).append(span(row))
    return found


@pytest.mark.parametrize("bounds", ["[)", "[]"])
def test_two_columns(bounds: str) -> None:
    draws = np.random.default_rng(0)
    days = [dt.date(2024, 1, 1) + dt.timedelta(int(d)) for d in draws.integers(0, 300, N)]
    ends = [day + dt.timedelta(int(d)) for day, d in zip(days, draws.integers(1, 9, N))]
    rows = pa.table({
        "room": pa.array([None if r == 8 else int(r) for r in draws.integers(0, 9, N)]),
        "a": pa.array(days), "b": pa.array(ends),
        "state": pa.array(draws.choice(["on", "off"], N, p=[0.9, 0.1])),
    })  # fmt: skip
    table = config(room={"kind": "integer", "arrow": "int64"}, a={"kind": "date"},
                   b={"kind": "date"}, state={"kind": "text"})  # fmt: skip
    rule = Exclusion(name="x", definition="EXCLUDE …", equal=["room"], period=["a", "b"],
                     bounds=bounds, where="(state <> 'off'::text)")  # fmt: skip
    made, left = repaired(table, rows, rule)
    past = dt.timedelta(bounds == "[]")
    assert overlaps(grouped(rows, set(), lambda r: (r["a"], r["b"] + past))) > 50
    assert overlaps(grouped(made, left, lambda r: (r["a"], r["b"] + past))) == 0
    assert len(left) < 5
    assert min(made.column("a").to_pylist()) >= min(days)
    assert max(made.column("b").to_pylist()) <= max(ends)
    off = [i for i, row in enumerate(rows.to_pylist()) if row["state"] == "off"]
    assert made.take(off).equals(rows.take(off))  # the constraint is not about them


@pytest.mark.parametrize("type_", ["tstzrange", "tsrange", "daterange", "int4range", "numrange"])
def test_a_range(type_: str) -> None:
    draws = np.random.default_rng(1)

    def text(at: int) -> str:
        if type_ in ("int4range", "numrange"):
            return str(at) if type_ == "int4range" else f"{at}.25"
        moment = START + dt.timedelta(days=at) if type_ == "daterange" else (
            START + dt.timedelta(hours=at))  # fmt: skip
        if type_ == "daterange":
            return moment.date().isoformat()
        return f'"{moment:%Y-%m-%d %H:%M:%S}{"+00" if type_ == "tstzrange" else ""}"'

    starts = draws.integers(0, 900, N).tolist()
    texts = [f"[{text(s)},{text(s + 1 + int(d))})" for s, d in zip(starts, draws.integers(0, 9, N))]
    texts[:4] = ["empty", "empty", f"[{text(800)},)", f"[{text(850)},)"]
    rows = pa.table({"room": pa.array([1, 1, 2, 2, *draws.integers(0, 8, N - 4)]), "during": texts})
    table = config(
        room={"kind": "integer", "arrow": "int64"}, during={"kind": "range", "sql_type": type_}
    )
    rule = Exclusion(name="x", definition="EXCLUDE …", equal=["room"], period=["during"])
    made, left = repaired(table, rows, rule)
    (kept,) = exclusion_rules(table, "postgresql")
    again = ExclusionRepair(table, kept, fixed=True)
    whole = made.filter(pa.array([i not in left for i in range(N)]))
    assert len(left) < 5
    assert not again.broken(whole).any()
    assert again.broken(rows).sum() > 50
    assert made.column("during").to_pylist()[:2] == ["empty", "empty"]
    assert sum(text.endswith(",)") for text in whole.column("during").to_pylist()) == 1


def test_what_is_not_kept_is_known() -> None:
    table = config(room={"kind": "integer"}, a={"kind": "date"}, b={"kind": "date"})
    form = {"equal": ["room"], "period": ["a", "b"]}
    table.exclusions = [
        Exclusion(name="other", definition="EXCLUDE USING gist (at WITH &&)"),
        Exclusion(name="odd", definition="…", where="pg_sleep(1) IS NULL", **form),
        Exclusion(name="kept", definition="…", **form),
    ]
    assert [e.name for e in not_kept(table, "postgresql")] == ["other", "odd"]
    assert list(exclusion_rules(table, "postgresql")) == [ExclusionRule(("room",), ("a", "b"))]
