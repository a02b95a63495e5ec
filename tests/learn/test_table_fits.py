"""Who finishes the tables of a fit changes nothing of what is found."""

from __future__ import annotations

import hashlib
import pickle
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, Optional

import numpy as np
import pandas as pd
import pytest

from synthohive import Metadata, Synthesizer
from synthohive.derive import kinds
from synthohive.interface import synthesizer
from synthohive.learn.table_fits import Here, TableFits, elsewhere
from tests.events import captured_events

FOUND = ("relation_found", "entities_counted", "table_not_kept")


class Apart(Here):
    """Hands all over as to another process, one table of two, and has the results handed back."""

    def __init__(self, *_: Any, **__: Any) -> None:
        self.handed: list[str] = []
        self.fits: list[TableFits] = []

    def __enter__(self) -> Apart:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def map(self, function: Any, items: Iterable[Any], count: int) -> Iterator[Any]:
        for number, item in enumerate(items):
            if number % 2:
                yield function(item)
            else:
                self.handed.append(item)
                self.fits.append(function)
                twin = pickle.loads(pickle.dumps(function))  # noqa: S301
                assert twin.fit is not function.fit
                yield pickle.loads(pickle.dumps(twin(item)))  # noqa: S301


def shop() -> dict[str, pd.DataFrame]:
    """Return four levels of tables, with what is found between them."""
    rng = np.random.default_rng(3)
    sizes = {"city": 40, "customer": 120, "orders": 300, "line": 500}
    rows: dict[str, dict[str, Any]] = {name: {"id": range(n)} for name, n in sizes.items()}
    rows["city"]["area"] = rng.normal(50, 9, 40).round(1)
    rows["customer"]["city_id"] = rng.integers(0, 40, 120)
    rows["customer"]["last_name"] = rng.choice(["Adler", "Baker", "Cohen", "Diaz", "Evans"], 120)
    rows["customer"]["grade"] = rng.choice(["a", "b", "c"], 120)
    rows["orders"]["customer_id"] = rng.integers(0, 120, 300)
    rows["orders"]["day"] = pd.Timestamp("2024-01-01") + pd.to_timedelta(
        rng.integers(0, 300, 300), unit="D"
    )
    rows["line"]["orders_id"] = np.sort(rng.integers(0, 300, 500))
    rows["line"]["city_id"] = rng.integers(0, 40, 500)
    rows["line"]["price"] = rng.integers(1, 90, 500)
    rows["line"]["twice"] = 2 * rows["line"]["price"]
    return {name: pd.DataFrame(columns) for name, columns in rows.items()}


def fitted(place: Path) -> tuple[dict[str, str], list[dict[str, Any]]]:
    """Return sums over the files of a checkpoint, and what the fit found, as it is logged."""
    frames = shop()
    metadata = Metadata()
    for name in frames:
        keys = [c for c in frames[name] if c.endswith("_id")]
        metadata.add_table(name, pk="id", fk={c: f"{c[:-3]}.id" for c in keys})
    with captured_events() as told:
        Synthesizer(metadata, model="autoregressive").fit(
            frames, epochs=1, seed=1, progress=False, n_jobs=1, checkpoint_dir=place
        )
    files = {
        path.relative_to(place).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in place.rglob("*")
        if path.is_file() and path.name != "manifest.json"  # which says when
    }
    return files, [one for one in told if one["event"] in FOUND]


def test_tables_finished_elsewhere_are_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    here = fitted(tmp_path / "here")
    pools: list[Apart] = []

    def pool(*_: Any, **__: Any) -> Apart:
        pools.append(Apart())
        return pools[-1]

    monkeypatch.setattr(synthesizer, "BlockPool", pool)
    apart = fitted(tmp_path / "apart")
    assert pools[0].handed == ["city", "customer", "orders", "line"]
    assert apart == here
    fit = pools[0].fits[0].fit
    assert elsewhere(fit.sample.metadata, fit.sample.plan, fit.whole) == list(fit.sample.plan.order)
    kinds.SEARCHES.append(own_search)
    try:  # nobody else knows it
        assert elsewhere(fit.sample.metadata, fit.sample.plan, fit.whole) == []
    finally:
        kinds.SEARCHES.remove(own_search)


def own_search(columns: Any, chosen: Any, *_: Optional[object]) -> None:
    """Find nothing."""
