"""What copies made with defaults give away of those they were learned from.

Of three databases. In one run, forty values of single entities are planted, and looked for in all
that comes out. In another, without them, half of the entities are set aside, and all privacy
figures are measured.
"""

from __future__ import annotations

import json
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Optional

import numpy as np
import pandas as pd

from benchmarks.data import DATASETS, Options
from synthohive import Metadata, Synthesizer
from tests import canaries
from tests.canaries import Canary, Planter
from tests.events import captured_events

__all__ = ["CASES", "measured"]

HOLDOUT = 0.5
Frames = dict[str, pd.DataFrame]


@dataclass(frozen=True)
class Case:
    """One database.

    Attributes
    ----------
    make : callable
        Returns its tables, about twice as many rows as are to be learned.
    metadata : callable
    plant : callable
        Plants canaries with entities of some rows.
    root : str
        Whose rows the entities are.
    ddl : str
        Of the file that the rows are written to; frames are fitted if it is empty.
    """

    make: Callable[[float], Frames]
    metadata: Callable[[], Metadata]
    plant: Callable[[Frames, Sequence[int], np.random.Generator], list[Canary]]
    root: str
    ddl: str = ""


def measured(name: str, scale: float, seed: int, plant: bool) -> Iterator[tuple[str, Any]]:
    """Yield what is found of one database: canaries in all that comes out, or privacy figures.

    Parameters
    ----------
    name : str
    scale : float
        Of the number of rows.
    seed : int
    plant : bool
    """
    case, rng = CASES[name], np.random.default_rng(seed)
    tables, planted = case.make(scale), []
    if plant:
        rows = rng.permutation(len(tables[case.root])).tolist()
        planted = case.plant(tables, rows, rng)
        assert len(planted) == 40, len(planted)
    holdout = 0.0 if plant else HOLDOUT
    started = time.perf_counter()
    with tempfile.TemporaryDirectory() as place, captured_events() as events:
        folder = Path(place)
        if case.ddl:
            url = canaries.load(folder / "real.db", case.ddl, tables)
            synth = Synthesizer.from_database(url)
            synth.fit(seed=seed, holdout=holdout, progress=False)
        else:
            synth = Synthesizer(case.metadata(), model="autoregressive")
            synth.fit(dict(tables), seed=seed, holdout=holdout, progress=False)
        yield "seconds to fit", round(time.perf_counter() - started)
        if not plant:
            report = synth.privacy_report(seed=seed + 1)
            yield "report", report
            return
        made = synth.sample(seed=seed + 1, output_format="arrow")
        saved = synth.save(folder / "checkpoint")
        synth.report(folder / "report.html", seed=seed + 2)
        pages = [folder / "report.html", folder / "report.json"]
        found = canaries.found_in(planted, made, saved, pages, events)
        yield "canaries", {where: [str(one) for one in some] for where, some in found.items()}


def _flights(scale: float) -> Frames:
    tables = {n: t.to_pandas() for n, t in DATASETS["nycflights"](Options()).real.items()}
    rng = np.random.default_rng(1)
    every = max(round(1 / scale), 1)
    for name in ("weather", "flights"):
        tables[name] = tables[name].iloc[::every].reset_index(drop=True)
    flights = tables["flights"]
    causes = rng.choice(
        ["crew late", "fog at the gate", "none", "bags were loaded late"], len(flights)
    )
    flights["remark"] = [
        f"{cause}, told at {hour} h" for cause, hour in zip(causes, flights["hour"])
    ]
    flights["extra"] = [
        json.dumps({"meal": str(m), "seats": int(s)})
        for m, s in zip(
            rng.choice(["none", "snack", "hot"], len(flights)), rng.integers(50, 60, len(flights))
        )
    ]
    return tables


def _flights_metadata() -> Metadata:
    metadata = DATASETS["nycflights"](Options()).metadata.model_copy(deep=True)
    for table in metadata.tables.values():
        table.columns = {}
    return metadata


def _plant_flights(tables: Frames, who: Sequence[int], rng: np.random.Generator) -> list[Canary]:
    plant, free = Planter(tables, rng), iter(who)
    flights, planes, airports = (tables[n] for n in ("flights", "planes", "airports"))
    numbers = ("dep_delay", "arr_delay", "air_time", "distance", "dep_time")
    flights[list(numbers)] = flights[list(numbers)].astype(float)
    planes[["seats", "year"]] = planes[["seats", "year"]].astype(float)
    airports["alt"] = airports["alt"].astype(float)

    def some(count: int = 1) -> list[int]:
        return [next(free) for _ in range(count)]

    def rows_of(table: str, column: str, count: int) -> list[int]:
        """Return rows of a table that learned flights refer to, each over `column`."""
        key = tables[table].columns[0]
        known = tables[table].index[tables[table][key].isin(flights[column].dropna())]
        return [int(row) for row in rng.choice(known, count, replace=False)]

    for column, value, count in (
        ("dep_delay", 7_137_317, 1), ("dep_delay", -31_313, 1), ("arr_delay", 770_077, 2),
        ("air_time", 47_110_815, 1), ("distance", 88_815.5, 1), ("distance", 1_234.5678, 4),
        ("dep_time", 99_999_177, 1), ("arr_delay", 66.6661, 4),
    ):  # fmt: skip
        plant.put("number", "flights", column, some(count), value)
    for word, count in (
        ("Zqxander", 1), ("zqhijack", 4), ("zq-4711-8815", 1), ("Capt.Zqvogel", 2), ("zqheart", 1),
    ):  # fmt: skip
        plant.write("word", "flights", "remark", some(count), word)
    for kind, members, name, count in (
        ("key", {"zqstretcher": 1}, "zqstretcher", 1), ("key", {"zqarms": "x"}, "zqarms", 4),
        ("key", {"sub": {"zqinner": True}}, "zqinner", 1),
        ("value", {"meal": "zqkosher"}, "zqkosher", 1),
        ("value", {"meal": "zqvegan"}, "zqvegan", 4),
        ("value", {"seats": 93_377}, 93_377.0, 1), ("value", {"list": ["zqitem"]}, "zqitem", 1),
    ):  # fmt: skip
        plant.tree(f"JSON {kind}", "flights", "extra", some(count), members, name)
    for column, value, count in (
        ("type", "zqairship", 1), ("manufacturer", "Zqhobby Garage", 1), ("model", "zq-one-off", 1),
        ("engine", "zqpedals", 2), ("type", "zqglider", 4),
    ):  # fmt: skip
        plant.put("category", "planes", column, rows_of("planes", "tailnum", count), value)
    for column, value in (("seats", 7_313_131.0), ("year", 18_187.0)):
        plant.put("number", "planes", column, rows_of("planes", "tailnum", 1), value)
    for column, value in (("name", "Zqranch of Mr Zqbianchi"), ("tzone", "Zq/Nowhere")):
        plant.put("look-up row", "airports", column, rows_of("airports", "dest", 1), value)
    plant.put("number", "airports", "alt", rows_of("airports", "dest", 1), 9_393_939.0)
    airlines = tables["airlines"]
    for code, name, count in (("Z1", "Zqprivate Jet of Ms Zqmeyer", 2), ("Z2", "zqnobody air", 0)):
        airlines.loc[len(airlines)] = [code, name]
        flights.loc[some(count), "carrier"] = code
        plant.canaries.append(Canary("look-up row", "airlines.name", name.split(" ")[0]))
    weather = tables["weather"]
    for column, value in (("temp", -7_373.73), ("pressure", 1_013.131313), ("wind_gust", 55_151.5)):
        row = int(rng.integers(0, len(weather)))
        plant.put("number", "weather", column, [row], value)
    # hours that follow from the scheduled time in all other rows
    for column, value, count in (
        ("hour", 170_017, 1),
        ("minute", 590_095, 4),
        ("hour", 3_103_113, 1),
    ):
        plant.put("residual", "flights", column, some(count), value)
    for moment, count in (("1999-09-09 09:09:09", 1), ("2041-01-01 01:01:01", 2)):
        zone: Optional[Any] = getattr(flights["time_hour"].dt, "tz", None)
        at = pd.Timestamp(moment, tz=zone)
        plant.put("date", "flights", "time_hour", some(count), at)
    return plant.canaries


CASES: Mapping[str, Case] = {
    "flights": Case(_flights, _flights_metadata, _plant_flights, "flights"),
    "crm": Case(
        lambda scale: canaries.crm(round(4_000 * scale)), canaries.crm_metadata,
        canaries.plant_crm, "customers", canaries.CRM_DDL,
    ),
    "survey": Case(
        lambda scale: canaries.survey(round(6_000 * scale)),
        lambda: Metadata().add_table("answers", "id"),
        canaries.plant_survey, "answers", canaries.SURVEY_DDL,
    ),
}  # fmt: skip
