"""Look-up tables that are kept: told beforehand, whole but for columns that are no vocabulary."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from synthohive import Metadata, Synthesizer

STATUS = ["new", "open", "paid", "sent", "lost", "done"]


def fitted(**columns: object) -> Synthesizer:
    rng = np.random.default_rng(0)
    status = pd.DataFrame({"id": range(1, 7), "name": STATUS, **columns})
    orders = pd.DataFrame({"id": range(1, 301), "status_id": rng.integers(1, 7, 300)})
    metadata = Metadata().add_table("status", "id")
    metadata.add_table("orders", "id", fk={"status_id": "status.id"})
    made = Synthesizer(metadata)
    return made.fit({"status": status, "orders": orders}, epochs=1, seed=1, progress=False)


@pytest.mark.parametrize(
    "columns",
    [
        {},
        {"last_update": pd.Timestamp("2006-02-15 04:46:27")},
        {
            "created_at": pd.date_range("2024-01-01", periods=6, freq="17h"),
            "modified_by": ["jsmith", "ann.lee", "jsmith", "bo_ek", "ann.lee", "k.brown"],
            "rank": range(1, 7),
        },
    ],
)
def test_audit_columns_are_made_and_all_else_is_kept(
    columns: dict[str, object], tmp_path: Path
) -> None:
    synth = fitted(**columns)
    kept = ["id", "name", *(c for c in columns if c == "rank")]
    assert synth.kept_tables == {"status": kept}
    found = synth.sample(seed=2)["status"]
    assert list(found.columns) == ["id", "name", *columns]
    assert list(found["name"]) == STATUS
    assert not found.isna().any().any()
    if "modified_by" in columns:
        assert not set(found["modified_by"]) & {"jsmith", "ann.lee", "bo_ek", "k.brown"}
    again = Synthesizer.load(synth.save(tmp_path / "saved"))
    assert again.kept_tables == synth.kept_tables
    pd.testing.assert_frame_equal(again.sample(seed=2)["status"], found)


def test_persons_are_not_kept() -> None:
    names = ["Zofia Nowak", "Jan Lis", "Ewa Kot", "Adam Mazur", "Anna Wilk", "Piotr Zając"]
    synth = fitted(contact=names)
    assert synth.kept_tables == {}
    assert not set(synth.sample(seed=2)["status"]["contact"]) & set(names)


@pytest.mark.parametrize("patients_of_the_last", [1, 6])
def test_a_row_counts_by_the_persons_who_use_it(patients_of_the_last: int) -> None:
    rng = np.random.default_rng(1)
    patients = pd.DataFrame({"id": range(60), "ward": rng.choice(["north", "south"], 60)})
    treatments = pd.DataFrame({"id": range(6), "label": [f"Treatment {i}" for i in range(6)]})
    who = np.concatenate([rng.integers(0, 60, 240), np.arange(6) % patients_of_the_last])
    what = np.concatenate([np.arange(240) % 5, np.full(6, 5)])
    visits = pd.DataFrame({"id": range(246), "patient_id": who, "treatment_id": what})
    metadata = Metadata().add_table("patients", "id").add_table("treatments", "id")
    keys = {"patient_id": "patients.id", "treatment_id": "treatments.id"}
    metadata.add_table("visits", "id", fk=keys)
    data = {"patients": patients, "treatments": treatments, "visits": visits}
    synth = Synthesizer(metadata).fit(data, epochs=1, seed=1, progress=False)
    assert ("treatments" in synth.kept_tables) == (patients_of_the_last >= 5)


def test_rows_are_counted_by_all_their_users_not_by_those_that_were_read() -> None:
    rng = np.random.default_rng(0)
    status = pd.DataFrame({"id": range(1, 7), "name": STATUS})
    orders = pd.DataFrame({"id": range(1, 3001), "status_id": rng.integers(1, 7, 3000)})
    metadata = Metadata().add_table("status", "id")
    metadata.add_table("orders", "id", fk={"status_id": "status.id"})
    data = {"status": status, "orders": orders}
    made = Synthesizer(metadata).fit(data, epochs=1, seed=1, progress=False, sample_size=24)
    assert made.kept_tables == {"status": ["id", "name"]}


def test_children_know_what_their_rows_of_a_look_up_table_share() -> None:
    """Few goods of each kind say little of its price; the many of its group do."""
    rng = np.random.default_rng(0)
    kinds = pd.DataFrame({"id": range(1, 31), "name": STATUS * 5, "group_no": np.arange(30) % 3})
    goods = pd.DataFrame({"id": range(1, 451), "kind_id": np.arange(450) % 30 + 1})
    goods["price"] = (10.0 ** (goods["kind_id"].sub(1) % 3) * rng.lognormal(2, 0.4, 450)).round(2)
    metadata = Metadata().add_table("kinds", "id", reference=True)
    metadata.add_table("goods", "id", fk={"kind_id": "kinds.id"})
    synth = Synthesizer(metadata, model="autoregressive")
    synth.fit({"kinds": kinds, "goods": goods}, epochs=30, seed=1, progress=False)
    made = synth.sample(seed=2)["goods"]
    median = made.groupby((made["kind_id"] - 1) % 3)["price"].median()
    assert (
        (median / goods.groupby((goods["kind_id"] - 1) % 3)["price"].median())
        .between(0.6, 1.6)
        .all()
    )


def test_countries_that_few_refer_to_are_others_and_never_twice() -> None:
    """The table is not kept; five of twelve rows were Liberia."""
    names = ["India", "China", "United States", "Japan", "Mexico", "Brazil", "Italy", "Chile",
             "Turkey", "Indonesia", "Nigeria", "Argentina"]  # fmt: skip
    rng = np.random.default_rng(0)
    country = pd.DataFrame({"id": range(1, 13), "country": names})
    city = pd.DataFrame({"id": range(40), "country_id": 1 + rng.integers(0, 12, 40)})
    metadata = Metadata().add_table("country", "id")
    metadata.add_table("city", "id", fk={"country_id": "country.id"})
    synth = Synthesizer(metadata, model="autoregressive")
    synth.fit({"country": country, "city": city}, epochs=1, seed=1, progress=False, n_jobs=1)
    assert not synth.kept_tables
    assert "country never repeats" in map(str, synth.relations["country"])
    made = list(synth.sample(seed=1)["country"].country)
    assert len(set(made)) == 12
    assert not any(any(sign.isdigit() for sign in name) for name in made)


def test_unique_texts_of_things_are_made_beside_their_kept_keys(tmp_path: Path) -> None:
    rng = np.random.default_rng(1)
    years = range(2000, 2012)
    seasons = pd.DataFrame({"year": years, "url": [f"http://wiki.org/{y}_Qx" for y in years]})
    types = pd.DataFrame({"id": [1, 2, 3], "name": ["Qwzx", "Zwqy", "Xxyz"], "rank": [1, 2, 3]})
    types["alias"] = ["qx", None, None]
    races = pd.DataFrame({"id": range(600), "year": rng.choice(seasons.year, 600)})
    races["type_id"] = rng.choice([1, 2, 3], 600, p=[0.6, 0.3, 0.1])
    races["laps"] = races.type_id * 10 + rng.integers(0, 3, 600)
    races["fax"] = np.where(rng.random(600) < 0.4, "", "+49 30 " + races.id.add(10**6).astype(str))
    races["home_url"] = ""
    unique = [{"columns": ["name"]}, {"columns": ["alias"]}]
    metadata = Metadata().add_table("seasons", "year", unique=[{"columns": ["url"]}])
    metadata = metadata.add_table("types", "id", unique=unique)
    fk = {"year": "seasons.year", "type_id": "types.id"}
    synth = Synthesizer(metadata.add_table("races", "id", fk=fk), model="autoregressive")
    tables = {"seasons": seasons, "types": types, "races": races}
    synth.fit(tables, epochs=4, seed=1, progress=False).save(tmp_path / "saved")
    assert synth.kept_tables == {"seasons": ["year"], "types": ["id", "rank"]}
    made = Synthesizer.load(tmp_path / "saved").sample(seed=2)
    assert made["types"].name.nunique() == 3
    assert not set(made["types"].name) & set(types.name)
    assert made["seasons"].url.str.fullmatch(r"http://wiki\.org/.+").all()
    means = made["races"].groupby("type_id").laps.mean()
    assert means[1] + 4 < means[2]  # which type it is, is known, though not its name
    assert 0.2 < (made["races"].fax == "").mean() < 0.6  # empty is no number
    assert (made["races"].home_url == "").all()
