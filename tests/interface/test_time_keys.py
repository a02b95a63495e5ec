"""Columns that follow from a date in the primary key: calendars, and series over groups."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from synthohive import ForeignKey, Metadata, PrivacyConfig, Synthesizer

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


def careers(players: int = 200) -> Frames:
    """Return players, the teams of each of sixty years, and what players did for which of these."""
    rng = np.random.default_rng(4)
    size = rng.integers(4, 9, 60)
    season = pd.DataFrame({"year": np.repeat(np.arange(1960, 2020), size)})
    season["team"] = [f"T{place}" for many in size for place in range(many)]
    season["league"] = np.where(rng.random(len(season)) < 0.5, "A", "B")
    season["wins"] = rng.integers(40, 110, len(season))
    first, years = rng.integers(1960, 2010, players), 1 + rng.geometric(0.2, players).clip(max=9)
    begin, end = (pd.to_datetime([f"{y}-04-15" for y in ys]) for ys in (first, first + years - 1))
    player = pd.DataFrame({"id": np.arange(players), "debut": begin, "last": end})
    rows = []
    for number in range(players):
        team = 0
        for year in range(first[number], first[number] + years[number]):
            team = rng.integers(size[year - 1960]) if rng.random() < 0.3 else team
            team = min(team, size[year - 1960] - 1)
            old = year < 1990  # what nobody counted before
            hits = int(rng.poisson(20 if old else 60))
            rows.append((number, year, f"T{team}", hits, None if old else int(rng.poisson(3))))
    names = ["player", "year", "team", "hits", "saves"]
    return {"player": player, "season": season, "played": pd.DataFrame(rows, columns=names)}


@pytest.fixture(scope="module")
def career_synth() -> Synthesizer:
    metadata = Metadata().add_table("player", "id").add_table("season", ["year", "team"])
    of_year = ["year", "team"]
    keys = [ForeignKey(columns=["player"], parent="player", parent_columns=["id"])]
    keys.append(ForeignKey(columns=of_year, parent="season", parent_columns=of_year))
    metadata.add_table("played", ["player", "year"], foreign_keys=keys)
    synth = Synthesizer(metadata, PrivacyConfig(detect_pii=False), model="autoregressive")
    return synth.fit(careers(), epochs=3, seed=1, progress=False)


def test_a_career_goes_on_year_by_year_with_teams_of_each_year(career_synth: Synthesizer) -> None:
    """Years of rows came from any team, before a debut and after the last game."""
    made = career_synth.sample(seed=2)
    rows, teams = made["played"], made["season"][["year", "team"]]
    assert len(rows.merge(teams, on=["year", "team"])) == len(rows) > 500
    assert not rows.duplicated(["player", "year"]).any()
    one = rows.merge(made["player"], left_on="player", right_on="id")
    # some parents have more rows than years, after so few epochs: before, half were out of place
    assert (one["year"] >= one["debut"].dt.year).mean() > 0.85
    assert (one["year"] <= one["last"].dt.year).mean() > 0.85
    assert rows.groupby("player")["year"].diff().dropna().between(1, 2).mean() > 0.5
    assert (rows["saves"].isna() == (rows["year"] < 1990)).mean() > 0.85


@pytest.mark.parametrize("seasons", [40, 3])
def test_a_career_has_rows_of_years_that_there_are(career_synth: Synthesizer, seasons: int) -> None:
    """Where no team had a row's year, the row had no team; rows without any place are left out."""
    made = career_synth.sample(seed=2, num_rows={"season": seasons})
    rows, teams = made["played"], made["season"][["year", "team"]]
    years = teams["year"].nunique()
    assert years < 30  # of sixty
    assert not rows[["player", "year", "team"]].isna().to_numpy().any()
    assert len(rows.merge(teams, on=["year", "team"])) == len(rows) >= 200
    assert not rows.duplicated(["player", "year"]).any()
    assert rows.groupby("player").size().max() <= years
    assert rows["player"].isin(made["player"]["id"]).all()
