"""Columns that follow from a date in the primary key: calendars, and series over groups."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from synthohive import Metadata, PrivacyConfig, Synthesizer

WEEKEND = ["Saturday", "Sunday"]
Frames = dict[str, pd.DataFrame]


def series() -> Frames:
    """Return stations, and hourly readings that are warmer in July and at noon."""
    rng = np.random.default_rng(2)
    hours = np.datetime64("2023-01-01T00", "h") + np.arange(0, 365 * 24, 7)
    at = np.tile(hours, 6)
    stamps = pd.Series(at.astype("M8[us]"))
    warm = -12 * np.cos((stamps.dt.day_of_year - 15) / 365 * 2 * np.pi)
    warm += 3 * np.sin((stamps.dt.hour - 8) / 24 * 2 * np.pi)
    readings = pd.DataFrame(
        {
            "station": np.repeat(np.arange(6), len(hours)),
            "at": stamps,
            "month": stamps.dt.month,
            "day": stamps.dt.day,
            "degrees": (10 + warm + rng.normal(0, 2, len(at))).round(1),
        }
    )
    stations = pd.DataFrame({"id": np.arange(6), "height": [3, 80, 200, 410, 15, 60]})
    return {"station": stations, "reading": readings}


@pytest.fixture(scope="module", params=["autoregressive", "ctgan"])
def made(request: pytest.FixtureRequest) -> Frames:
    """Return synthetic readings."""
    metadata = Metadata().add_table("station", "id")
    metadata.add_table("reading", ["station", "at"], fk={"station": "station.id"})
    synth = Synthesizer(metadata, PrivacyConfig(detect_pii=False), model=request.param)
    synth.fit(series(), epochs=8, seed=1, progress=False)
    found = {str(relation) for relation in synth.relations["reading"]}
    assert found >= {"month = month of at", "day = day of at"}
    return dict(synth.sample(seed=2))


def test_parts_are_those_of_the_date_in_the_key(made: Frames) -> None:
    rows = made["reading"]
    assert not rows.duplicated(["station", "at"]).any()
    assert (rows["month"] == rows["at"].dt.month).all()
    assert (rows["day"] == rows["at"].dt.day).all()


def test_values_follow_the_season_and_the_hour(made: Frames) -> None:
    rows = made["reading"]
    by_month = rows.groupby(rows["at"].dt.month)["degrees"].mean()
    assert by_month[7] - by_month[1] > 8  # in the real rows: 24, after longer training
    by_hour = rows.groupby(rows["at"].dt.hour)["degrees"].mean()
    assert by_hour[13:16].mean() - by_hour[1:4].mean() > 1  # in the real rows: 5


def test_a_calendar_is_consistent() -> None:
    days = pd.Series(pd.date_range("2019-01-01", periods=1500, freq="D")).astype("datetime64[us]")
    calendar = pd.DataFrame(
        {
            "day": days,
            "year": days.dt.year,
            "month": days.dt.month,
            "name": days.dt.day_name(),
            "busy": np.where(days.dt.day_name().isin(WEEKEND), "no", "yes"),
        }
    )
    synth = Synthesizer(Metadata().add_table("calendar", "day"), model="autoregressive")
    rows = synth.fit({"calendar": calendar}, epochs=5, seed=1, progress=False).sample(seed=2)
    made = rows["calendar"]
    assert made["day"].is_unique
    assert (made["year"] == made["day"].dt.year).all()
    assert (made["month"] == made["day"].dt.month).all()
    assert (made["name"] == made["day"].dt.day_name()).all()
    assert ((made["busy"] == "no") == made["day"].dt.day_name().isin(WEEKEND)).mean() > 0.97
