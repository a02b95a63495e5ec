"""Groups of 10, 100, 1,000 and 10,000 rows of one process, in which errors could add up.

Parents take their levels from a grid, and not by chance: so all seeds have nearly the same
marginals, and a copy's distance is its error, though there are few groups.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial

import numpy as np

from benchmarks.shapes.base import Facts, Rows, Shape, Tables, ordinal, table
from benchmarks.shapes.series import Series
from synthohive import Metadata

_ROWS = {10: 8_000, 100: 12_000, 1_000: 24_000, 10_000: 60_000}
"""In all, at size 1,000; of the longest, six groups, as no fewer than five may show a value."""
_LEAST = 6  # groups


def _groups(rng: np.random.Generator, size: int, length: int) -> tuple[int, np.ndarray]:
    groups = max(_LEAST, _ROWS[length] * size // 1_000 // length)
    spread = max(1, length // 10)
    return groups, length + rng.integers(-spread, spread + 1, groups)


def _chain(rng: np.random.Generator, at: np.ndarray, moves: np.ndarray) -> np.ndarray:
    """Return the states of a Markov chain in each group, which start with state 0."""
    cumulated, draws = moves.cumsum(axis=1).tolist(), rng.random(len(at)).tolist()
    found, first, state = np.empty(len(at), int), (ordinal(at) == 1).tolist(), 0
    for i, draw in enumerate(draws):
        state = 0 if first[i] else sum(draw > edge for edge in cumulated[state][:-1])
        found[i] = state
    return found


def _autoregression(
    rng: np.random.Generator, at: np.ndarray, weight: float, drive: np.ndarray
) -> np.ndarray:
    """Return a series of variance 1 in each group, which is pulled to `drive`."""
    shocks = (np.sqrt(1 - weight**2) * rng.normal(size=len(at))).tolist()
    found, first, value = np.empty(len(at)), (ordinal(at) == 1).tolist(), 0.0
    for i, shock in enumerate(shocks):
        value = shock / np.sqrt(1 - weight**2) if first[i] else weight * value + shock
        found[i] = value
    return found + drive


# Tuned on: readings of devices.

_MOVES = np.array([[0.9, 0.08, 0.02], [0.3, 0.65, 0.05], [0.2, 0.1, 0.7]])


def _readings(rng: np.random.Generator, size: int, length: int) -> Tables:
    devices, number = _groups(rng, size, length)
    at = np.repeat(np.arange(devices), number)
    grid = (np.arange(devices) + 0.5) / devices
    model = np.array(["alpha", "beta", "gamma"])[np.arange(devices) % 3]
    state = _chain(rng, at, _MOVES)
    value = _autoregression(rng, at, 0.9, 1.5 * (grid[at] - 0.5) + 0.8 * (state == 2))
    minutes = 1 + rng.geometric(np.where(state == 1, 0.5, 0.1), len(at))
    total = np.cumsum(minutes)
    offset = total - np.repeat(total[ordinal(at) == 1], number)
    start = rng.integers(0, 50_000, devices)
    return {
        "devices": table(id=np.arange(1, devices + 1), model=model, level=np.round(grid, 3)),
        "readings": table(
            device_id=at + 1,
            read_at=np.datetime64("2023-04-01T00:00", "s") + (start[at] + offset).astype("m8[m]"),
            state=np.array(["ok", "busy", "fault"])[state],
            value=np.round(20 + 4 * value, 2),
            errors=rng.poisson(np.where(state == 2, 2.0, 0.1)),
        ),
    }  # fmt: skip


def _reading_keys() -> Metadata:
    metadata = Metadata().add_table("devices", "id")
    return metadata.add_table("readings", fk={"device_id": "devices.id"})


def _drift(series: Series, values: np.ndarray) -> float:
    """Return how far the last tenth of the rows is from the first, in standard deviations."""
    ordered, place = series.placed(values)
    early, late = ordered[place < 0.1], ordered[place >= 0.9]
    spread = float(np.std(ordered))
    return float(late.mean() - early.mean()) / spread if spread and len(early) else float("nan")


def _reading_facts(t: Mapping[str, Rows]) -> Facts:
    rows = t["readings"]
    moment = rows["read_at"].astype("M8[s]")
    series, value = Series(moment, rows["device_id"]), rows["value"].astype(float)
    gaps = series.gaps(moment, np.timedelta64(60, "s"))
    return {
        "mean of value": float(value.mean()),
        "sd of value": float(value.std()),
        "share of ok": float((rows["state"] == "ok").mean()),
        "share of fault": float((rows["state"] == "fault").mean()),
        "mean of errors": float(rows["errors"].mean()),
        "drift of value": _drift(series, value),
        "drift of fault": _drift(series, (rows["state"] == "fault").astype(float)),
        "lag of value": series.lag(value),
        "step of value": series.step(value),
        "changes of state": series.changes(rows["state"]),
        "run of state": series.run(rows["state"]),
        "mean gap in minutes": float(gaps.mean()),
        "sd of gaps": float(gaps.std()),
    }


# Only scored at the end: vehicles on their way, with a tank that empties and is filled.

_ZONES = np.array(
    [[0.95, 0.03, 0.01, 0.01], [0.1, 0.8, 0.1, 0.0], [0.0, 0.2, 0.75, 0.05], [0.3, 0.0, 0.1, 0.6]]
)


def _pings(rng: np.random.Generator, size: int, length: int) -> Tables:
    vehicles, number = _groups(rng, size, length)
    at = np.repeat(np.arange(vehicles), number)
    load = np.array([2.5, 7.5, 18.0])[np.arange(vehicles) % 3]
    zone = _chain(rng, at, _ZONES)
    pace = _autoregression(rng, at, 0.6, np.zeros(len(at)))
    mean = np.array([22.0, 48.0, 82.0, 60.0])[zone]
    stands = _chain(rng, at, np.array([[0.88, 0.12], [0.4, 0.6]])) == 1
    speed = np.where(stands, 0, np.maximum(1, mean + 9 * pace)).round().astype(int)
    fuel, left = np.empty(len(at)), 0.0
    use, fill = 0.001 + speed * load[at] / 40_000, rng.uniform(0.6, 1.0, len(at))
    first = ordinal(at) == 1
    for i in range(len(at)):
        left = fill[i] if first[i] or left < 0.12 else left - use[i]
        fuel[i] = left
    seconds = np.where(stands, 300, 60) + rng.integers(0, 10, len(at))
    total = np.cumsum(seconds)
    offset = total - np.repeat(total[first], number)
    start = rng.integers(0, 600_000, vehicles)
    return {
        "vehicles": table(plate=np.char.mod("V-%04d", 1_000 + np.arange(vehicles)), load=load,
            electric=np.arange(vehicles) % 4 == 0,
        ),
        "pings": table(
            plate=np.char.mod("V-%04d", 1_000 + at),
            pinged_at=np.datetime64("2025-01-06", "s") + (start[at] + offset).astype("m8[s]"),
            zone=np.array(["town", "road", "motorway", "yard"])[zone], speed=speed,
            fuel=np.round(100 * fuel, 1),
        ),
    }  # fmt: skip


def _ping_keys() -> Metadata:
    metadata = Metadata().add_table("vehicles", "plate")
    return metadata.add_table("pings", fk={"plate": "vehicles.plate"})


def _ping_facts(t: Mapping[str, Rows]) -> Facts:
    rows = t["pings"]
    moment = rows["pinged_at"].astype("M8[s]")
    series, fuel = Series(moment, rows["plate"]), rows["fuel"].astype(float)
    speed, gaps = rows["speed"].astype(float), series.gaps(moment, np.timedelta64(1, "s"))
    after, before = series.pairs(fuel)
    return {
        "mean of speed": float(speed.mean()),
        "share that stands": float((speed == 0).mean()),
        "share in town": float((rows["zone"] == "town").mean()),
        "share in the yard": float((rows["zone"] == "yard").mean()),
        "mean of fuel": float(fuel.mean()),
        "drift of speed": _drift(series, speed),
        "drift of fuel": _drift(series, fuel),
        "lag of speed": series.lag(speed),
        "lag of fuel": series.lag(fuel),
        "step of fuel": series.step(fuel),
        "share of refills": float((after > before).mean()),
        "run of zone": series.run(rows["zone"]),
        "run of standing": series.run(speed == 0),
        "mean gap in seconds": float(gaps.mean()),
        "sd of gaps": float(gaps.std()),
    }


LONG: dict[str, Shape] = {
    f"long_{n}": Shape(partial(_readings, length=n), _reading_keys, _reading_facts) for n in _ROWS
}
FINAL_LONG: dict[str, Shape] = {
    f"tracks_{n}": Shape(partial(_pings, length=n), _ping_keys, _ping_facts) for n in _ROWS
}
