"""Frames with unusual dtypes and scales, and fits in threads of one process."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import pandas as pd
import pytest

from synthohive import Metadata, PrivacyConfig, Synthesizer

KEEP = PrivacyConfig(pii_strategy="keep", detect_pii=False, k_anonymity_threshold=1)
RNG = np.random.default_rng(0)
ROWS = 120


def fitted(
    metadata: Metadata, tables: dict[str, Any], model: str = "autoregressive"
) -> Synthesizer:
    synth = Synthesizer(metadata, KEEP, model=model)
    return synth.fit(tables, epochs=1, seed=1, progress=False, n_jobs=1)


@pytest.mark.parametrize(
    "values",
    [
        pd.Series(pd.cut(np.arange(ROWS) % 40, 4)),
        pd.Series(pd.cut(np.arange(ROWS) % 40, [-1, 10, 20, 40])),
        pd.Series(pd.period_range("2010-01", periods=ROWS, freq="M")),
    ],
    ids=["cut", "cut at integers", "period"],
)
def test_intervals_and_periods_come_back(values: pd.Series) -> None:
    frame = pd.DataFrame({"id": range(ROWS), "x": values})
    made = fitted(Metadata().add_table("t", "id"), {"t": frame}).sample(seed=7)["t"]["x"]
    assert made.dtype == values.dtype
    if isinstance(values.dtype, pd.CategoricalDtype):
        assert set(made) <= set(values)


@pytest.mark.parametrize("dtype", ["int8", "uint8", "int16", "Int8"])
def test_a_narrow_key_holds_all_its_parents(dtype: str) -> None:
    parents = pd.DataFrame({"id": np.arange(300), "x": RNG.normal(size=300)})
    child = pd.DataFrame({"id": range(600), "parent": (np.arange(600) % 100)})
    child = child.astype({"parent": dtype})
    metadata = Metadata().add_table("p", "id").add_table("c", "id", fk={"parent": "p.id"})
    made = fitted(metadata, {"p": parents, "c": child}).sample(seed=7)
    assert made["c"]["parent"].isin(made["p"]["id"]).all()
    assert made["c"]["parent"].max() > 127


@pytest.mark.parametrize("model", ["autoregressive", "ctgan"])
def test_scales_are_kept(model: str) -> None:
    huge, small = RNG.normal(size=ROWS) * 1e300, RNG.random(ROWS) * 1e-300
    frame = pd.DataFrame({"id": range(ROWS), "huge": huge, "small": small})
    made = fitted(Metadata().add_table("t", "id"), {"t": frame}, model).sample(seed=7)["t"]
    assert np.isfinite(made["huge"]).all()
    assert 1e299 < made["huge"].abs().median() < 1e301
    assert 1e-302 < made["small"].median() < 1e-299


def test_whole_floats_keep_nan_and_infinities() -> None:
    values = np.arange(ROWS, dtype=np.float64)
    values[::4], values[1::4] = np.nan, np.inf
    frame = pd.DataFrame({"id": range(ROWS), "x": values})
    made = fitted(Metadata().add_table("t", "id"), {"t": frame}).sample(num_rows=400, seed=7)["t"]
    assert np.isinf(made["x"]).mean() == pytest.approx(0.25, abs=0.1)


@pytest.mark.slow
@pytest.mark.parametrize("model", ["autoregressive", "ctgan", "tvae"])
def test_fits_in_threads_are_those_alone(model: str) -> None:
    frame = pd.DataFrame({"id": range(ROWS), "x": RNG.normal(size=ROWS)})
    metadata = Metadata().add_table("t", "id")

    def made(_: int) -> pd.DataFrame:
        found: pd.DataFrame = fitted(metadata, {"t": frame}, model).sample(seed=7)["t"]
        return found

    alone = made(0)
    with ThreadPoolExecutor(3) as pool:
        assert all(alone.equals(other) for other in pool.map(made, range(3)))
