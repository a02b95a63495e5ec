"""Small tables of many columns: a few hundred rows, of which a model knows little."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from benchmarks.shapes.base import Facts, Rows, Shape, Tables, constants, correlation, table
from synthohive import Metadata

_LEAST = 60  # rows


def _factors(rng: np.random.Generator, rows: int, weights: np.ndarray, noise: float) -> np.ndarray:
    """Return columns, (rows, columns), that go together by common factors."""
    factors = rng.normal(size=(rows, len(weights)))
    return factors @ weights + noise * rng.normal(size=(rows, weights.shape[1]))


def _loadings(name: str, factors: int, columns: int) -> np.ndarray:
    """Return the weights of factors, the same for all databases of a shape."""
    rng = constants(name)
    return rng.normal(size=(factors, columns)) * (rng.random((factors, columns)) < 0.5)


# Tuned on: 300 patients, 22 columns.


def _patients(rng: np.random.Generator, size: int) -> Tables:
    rows = max(_LEAST, 3 * size // 10)
    x = _factors(rng, rows, _loadings("patients", 4, 16), 0.4)
    columns: dict[str, np.ndarray] = {"id": np.arange(rows)}
    columns["age"] = np.clip(np.round(58 + 9 * x[:, 0]), 18, 95).astype(int)
    columns["sex"] = rng.choice(["f", "m"], rows, p=[0.55, 0.45])
    for i in range(1, 7):  # laboratory values are skewed
        columns[f"lab_{i}"] = np.round(np.exp(1 + 0.2 * i + 0.35 * x[:, i]), 2)
    for i in range(7, 10):
        columns[f"score_{i}"] = np.digitize(x[:, i], [-1.5, -0.5, 0.5, 1.5])
    for i in range(10, 13):
        columns[f"symptom_{i}"] = x[:, i] > 0.8
    columns["pressure"] = np.round(125 + 12 * x[:, 13] + 0.3 * (columns["age"] - 58)).astype(int)
    columns["ratio"] = np.round(columns["lab_1"] / columns["lab_2"], 3)
    columns["drug"] = np.array(["none", "A", "B", "AB"])[
        (x[:, 14] > 0.3).astype(int) + 2 * (x[:, 1] > 1)
    ]
    columns["ward"] = rng.choice(["I", "II", "III", "IV", "V"], rows, p=[0.4, 0.3, 0.15, 0.1, 0.05])
    risk = 0.9 * x[:, 1] + 0.7 * x[:, 7] - 0.5 * x[:, 14] + (columns["drug"] == "AB")
    columns["days"] = rng.poisson(np.exp(1.2 + 0.25 * risk))
    columns["outcome"] = np.where(risk + rng.logistic(0, 0.5, rows) > 0.8, "worse", "better")
    return {"patients": table(**columns)}


def _patient_keys() -> Metadata:
    return Metadata().add_table("patients", "id")


def _patient_facts(t: Mapping[str, Rows]) -> Facts:
    rows = t["patients"]
    worse = rows["outcome"] == "worse"
    return {
        "lab_1 ~ lab_2": correlation(np.log(rows["lab_1"]), np.log(rows["lab_2"])),
        "lab_3 ~ lab_5": correlation(np.log(rows["lab_3"]), np.log(rows["lab_5"])),
        "age ~ pressure": correlation(rows["age"], rows["pressure"]),
        "score_7 ~ outcome": correlation(rows["score_7"], worse),
        "lab_1 ~ outcome": correlation(np.log(rows["lab_1"]), worse),
        "days ~ outcome": correlation(rows["days"], worse),
        "share of AB": float((rows["drug"] == "AB").mean()),
        "share of worse": float(worse.mean()),
        "ratio is none": float(
            (np.abs(rows["ratio"] - rows["lab_1"] / rows["lab_2"]) > 0.0011).mean()
        ),
    }


# Only scored at the end: 220 samples of soil, 34 columns; parts add up to 100.


def _soils(rng: np.random.Generator, size: int) -> Tables:
    rows = max(_LEAST, 22 * size // 100)
    x = _factors(rng, rows, _loadings("soils", 5, 30), 0.25)
    kind = np.argmax(x[:, :4] + 0.3 * rng.normal(size=(rows, 4)), axis=1)
    parts = np.exp(0.6 * x[:, 4:7] + np.array([1.2, 1.0, 0.2]))
    parts = np.round(100 * parts / parts.sum(axis=1, keepdims=True), 1)
    columns: dict[str, np.ndarray] = {"sample": np.char.mod("So%03d", 1 + np.arange(rows))}
    columns["horizon"] = np.array(["A", "B", "C", "O"])[kind]
    columns.update(zip(("sand", "silt", "clay"), parts.T))
    columns["depth"] = 5 * np.round(np.exp(2 + 0.5 * x[:, 7])).astype(int)
    columns["ph"] = np.round(6.2 + 0.5 * x[:, 8] - 0.4 * (kind == 3), 2)
    for i in range(9, 25):  # band reflectances go together closely
        columns[f"band_{i - 8}"] = np.round(
            1 / (1 + np.exp(-0.4 * (x[:, 9] + 0.2 * x[:, i]) - 0.1 * (i - 16))), 4
        )
    for i, name in enumerate(("lead", "zinc", "copper", "iron")):  # below the limit: not found
        amount = np.exp(1.0 + i + x[:, 25 + i])
        columns[name] = np.where(amount < np.exp(i), 0.0, np.round(amount, 1))
    columns["use"] = rng.choice(["field", "meadow", "wood", "town"], rows, p=[0.5, 0.25, 0.2, 0.05])
    columns["lime"] = (columns["ph"] > 6.2) & (rng.random(rows) < 0.8)
    columns["year"] = rng.integers(2011, 2016, rows)
    columns["carbon"] = np.round(np.exp(0.7 + 0.5 * x[:, 29] + 0.9 * (kind == 3)), 2)
    return {"soils": table(**columns)}


def _soil_keys() -> Metadata:
    return Metadata().add_table("soils", "sample")


def _soil_facts(t: Mapping[str, Rows]) -> Facts:
    rows = t["soils"]
    total = rows["sand"] + rows["silt"] + rows["clay"]
    return {
        "parts are not 100": float((np.abs(total - 100) > 0.25).mean()),
        "band_1 ~ band_2": correlation(rows["band_1"], rows["band_2"]),
        "band_1 ~ band_16": correlation(rows["band_1"], rows["band_16"]),
        "lead ~ zinc": correlation(np.log1p(rows["lead"]), np.log1p(rows["zinc"])),
        "sand ~ clay": correlation(rows["sand"], rows["clay"]),
        "ph ~ lime": correlation(rows["ph"], rows["lime"]),
        "carbon ~ O": correlation(np.log(np.maximum(rows["carbon"], 0.01)), rows["horizon"] == "O"),
        "lead not found": float((rows["lead"] == 0).mean()),
        "iron not found": float((rows["iron"] == 0).mean()),
    }


SMALL: dict[str, Shape] = {"small_patients": Shape(_patients, _patient_keys, _patient_facts)}
FINAL_SMALL: dict[str, Shape] = {"small_soils": Shape(_soils, _soil_keys, _soil_facts)}
