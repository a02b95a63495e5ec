"""Gaps that are filled with other rows' values make nobody's value one that many share."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from synthohive import Metadata, Synthesizer
from synthohive.privacy.entities import Entities, EntityPath

ROWS = 600


def cases() -> pd.DataFrame:
    """Return rows of which one in ten ended: when, where, and at what cost, or all NULL."""
    rng = np.random.default_rng(1)
    ended = np.flatnonzero(rng.random(ROWS) < 0.1)
    days = pd.Timestamp("1960-01-01") + pd.to_timedelta(rng.permutation(20_000)[:ROWS], unit="D")
    frame = pd.DataFrame(
        {
            "id": np.arange(ROWS),
            "kind": rng.choice(["A", "B"], ROWS),
            "ended_on": [day.date() for day in days],
            "ended_where": [f"Ort {i}" for i in rng.integers(10**7, 10**8, ROWS)],
            "ended_cost": rng.normal(5_000, 900, ROWS).round(2),
        }
    )
    alive = ~np.isin(np.arange(ROWS), ended)
    for name in ("ended_on", "ended_where", "ended_cost"):
        frame[name] = frame[name].astype(object).where(~alive, None)
    frame["ended_cost"] = frame.ended_cost.astype(float)
    return frame


@pytest.mark.parametrize("model", ["autoregressive", "ctgan"])
def test_what_is_null_together_shows_no_single_value(model: str) -> None:
    real = cases()
    synth = Synthesizer(Metadata().add_table("cases", "id"), model=model)
    synth.fit({"cases": real}, epochs=1, seed=1, progress=False)
    made = synth.sample(seed=2)["cases"]
    for name in ("ended_where", "ended_cost"):
        assert made[name].notna().any()
        assert not set(made[name].dropna()) & set(real[name].dropna()), name
    days = made.ended_on.dropna()
    assert days.isin(set(real.ended_on.dropna())).mean() < 0.1  # 60 of 20,000 days, by chance


def test_the_first_value_of_a_group_is_shown_by_no_other_group() -> None:
    rng = np.random.default_rng(2)
    site, count = np.repeat(np.arange(7), 60), 7 * 60
    gaps = rng.integers(60, 10**6, count)
    first = rng.integers(0, 5 * 10**7, 7)
    seconds = np.concatenate([first[g] + np.cumsum(gaps[site == g]) for g in range(7)])
    events = pd.DataFrame(
        {
            "id": np.arange(count),
            "site_id": site,
            "at": pd.Timestamp("2020-01-01") + pd.to_timedelta(seconds, unit="s"),
        }
    )
    metadata = Metadata().add_table("sites", "id")
    metadata = metadata.add_table("events", "id", fk={"site_id": "sites.id"})
    sites = pd.DataFrame({"id": np.arange(7), "size": rng.choice(["S", "L"], 7)})
    synth = Synthesizer(metadata, model="autoregressive")
    synth.fit({"sites": sites, "events": events}, epochs=1, seed=1, progress=False)
    assert "at never falls inside a group" in map(str, synth.relations["events"])
    made = synth.sample(seed=2)["events"]
    assert not set(made["at"]) & set(events["at"])


def test_who_is_behind_a_value_is_who_had_it() -> None:
    source = np.array([0, 0, 0, 1, 1, 2])
    value = np.array([0, 0, 0, 1, 1, 1])
    assert Entities(3).behind(source, 2).holders(value).tolist() == [1, 2]
    owner = EntityPath.of("owner", np.array([4, 4, 7]), 2)
    assert Entities(3, (owner,)).behind(source, 2).holders(value).tolist() == [1, 2]
    unknown = EntityPath.of("owner", np.array([-1, 4, 4]), 2)  # one row, however often shown
    assert Entities(3, (unknown,)).behind(source, 2).holders(value).tolist() == [1, 1]
