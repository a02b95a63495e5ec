"""Rare cities become others of their region; what enough entities share stays as it is."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest

from synthohive import Metadata, Synthesizer
from synthohive.encoding.base import ColumnTransform, EncoderSettings
from synthohive.encoding.frequent import Frequent
from synthohive.encoding.places import Places
from synthohive.encoding.registry import fit_column
from synthohive.privacy.gazetteer import cities_of, regions_of
from synthohive.schema import Column
from synthohive.texts.lists import places

TOWN = Column(name="t", kind="text")
SEED = np.random.SeedSequence(1)


def fitted(texts: list[str]) -> ColumnTransform:
    return fit_column(TOWN, EncoderSettings(), pa.array(texts), None, SEED)


def made(transform: ColumnTransform, texts: list[str]) -> list[str]:
    rng = np.random.Generator(np.random.Philox(2))
    codes, floats = transform.encode(pa.array(texts), rng)
    found: list[str] = transform.decode(codes, floats, rng).to_pylist()
    return found


def rare(at: slice) -> list[str]:
    """Return cities of three regions, each of one row."""
    return [c for region in ("US CA", "DE 02", "JP 40") for c in cities_of(region)[at]]


def test_rare_cities_become_others_of_their_region() -> None:
    texts = rare(slice(0, 80, 2))
    transform = fitted(texts)
    assert isinstance(transform, Places)
    pairs = [(regions_of(a), regions_of(b)) for a, b in zip(texts, made(transform, texts))]
    told = [one[0] in two for one, two in pairs if len(one) == 1]
    assert len(told) > 60
    assert np.mean(told) > 0.95
    assert len(set(made(transform, texts))) > 0.8 * len(texts)


def test_which_cities_are_made_does_not_go_by_the_real_ones() -> None:
    regions = ("DE 02", "JP 40")  # of which all that are taken are in one region alone
    alone = [[c for c in cities_of(r) if regions_of(c) == (r,)] for r in regions]
    one, two = ([c for names in alone for c in names[at : at + 25]] for at in (0, 25))
    assert not {*one} & {*two}
    assert [c.to_pylist() for c in fitted(one).cities_] == [
        c.to_pylist() for c in fitted(two).cities_
    ]


def test_cities_stand_in_one_order_in_all_processes() -> None:
    further = cities_of("IT")[len([c for r in places() if r[:2] == "IT" for c in places()[r]]) :]
    assert len(further) > 5_000  # of Faker, which makes a list of a set
    assert list(further) == sorted(further)


def test_shared_texts_stay_beside_rare_ones() -> None:
    texts = ["Munich"] * 60 + ["Ohama"] * 2 + rare(slice(5, 30))
    transform = fitted(texts)
    assert isinstance(transform, Frequent)
    assert isinstance(transform.tail_, Places)
    found = made(transform, texts)
    assert found[:60] == ["Munich"] * 60
    assert "Ohama" not in found
    assert transform.withheld == pytest.approx(77 / 137)


def test_a_town_that_no_list_knows_teaches_nothing() -> None:
    rng = np.random.default_rng(0)
    towns = {land: list(cities_of(land)[40:400]) for land in ("CZ", "FI")}
    rows = [(land, towns[land][i]) for i in range(300) for land in towns]
    unknown = [(land, f"{land}xqa{i}") for i in range(120) for land in towns]
    land, town = map(list, zip(*rows, *unknown))
    table = pa.table({"id": range(len(land)), "area": [f"zone {one}" for one in land], "t": town})
    table = table.take(pa.array(rng.permutation(len(table))))
    synth = Synthesizer(Metadata().add_table("shops", "id"), model="autoregressive")
    synth.fit({"shops": table}, epochs=16, seed=1, progress=False)
    found = synth.sample(seed=2)["shops"].to_dict("records")
    told = [(row["area"][-2:], {r[:2] for r in regions_of(row["t"])}) for row in found]
    assert all(there for _, there in told)
    assert np.mean([one in there for one, there in told]) > 0.9
