"""Who repeats in a column without a table of their own: one made-up value each, repeats kept."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from faker import Faker
from scipy.stats import ks_2samp

from synthohive import Metadata, PrivacyConfig, Synthesizer
from synthohive.connectors.dataframe import FrameReader
from synthohive.privacy.detect import detect_pii
from synthohive.relational.entity_tables import find_entity_tables
from synthohive.relational.plan import RelationalPlan
from synthohive.relational.sample import Sample


def owners(entities: int, rows: int, rng: np.random.Generator) -> np.ndarray[Any, Any]:
    """Return whose each row is: of everybody at least one, of few many."""
    weights = 1 / np.arange(1, entities + 1)
    drawn = rng.choice(entities, rows - entities, p=weights / weights.sum())
    return rng.permutation(np.concatenate([np.arange(entities), drawn]))


def sales(rows: int = 250, entities: int = 38) -> pd.DataFrame:
    rng, fake = np.random.default_rng(1), Faker("en_US")
    fake.seed_instance(1)
    names = [fake.unique.name() for _ in range(entities)]
    mails = [f"{n.lower().replace(' ', '.')}@acme.com" for n in names]
    people = pd.DataFrame(
        {
            "customer": names,
            "email": mails,
            "company": [fake.company() for _ in names],
            "city": rng.choice(["Boston", "Chicago", "Denver", "Austin"], entities),
        }
    )
    made = people.iloc[owners(entities, rows, rng)].reset_index(drop=True)
    made["amount"] = rng.gamma(2, 40, rows).round(2)
    made["status"] = rng.choice(["paid", "open", "void"], rows, p=[0.7, 0.2, 0.1])
    return made


def invoices(rows: int = 300, entities: int = 60) -> pd.DataFrame:
    rng, fake = np.random.default_rng(2), Faker("de_DE")
    fake.seed_instance(2)
    people = pd.DataFrame(
        {
            "kundennummer": [f"K-{n:05d}" for n in rng.choice(99_999, entities, replace=False)],
            "kunde": [fake.unique.name() for _ in range(entities)],
            "ort": [fake.city() for _ in range(entities)],
        }
    )
    made = people.iloc[owners(entities, rows, rng)].reset_index(drop=True)
    made["betrag"] = np.exp(rng.normal(5, 1, rows)).round(2)
    return made


def codes(rows: int = 400, entities: int = 91) -> pd.DataFrame:
    rng = np.random.default_rng(3)
    code = np.array([f"K-{n:05d}" for n in rng.choice(99_999, entities, replace=False)])
    limit = rng.integers(1, 50, entities) * 100
    whose = owners(entities, rows, rng)
    quantity = rng.poisson(4, rows)
    return pd.DataFrame({"code_of_customer": code[whose], "limit": limit[whose], "n": quantity})


FOLLOWS = {
    "sales": ("email", ["customer", "company", "city"]),
    "invoices": ("kundennummer", ["kunde", "ort"]),
    "codes": ("code_of_customer", ["limit"]),
}


def fitted(model: str = "autoregressive", **frames: pd.DataFrame) -> Synthesizer:
    metadata = Metadata()
    for name in frames:
        metadata.add_table(name)
    synth = Synthesizer(metadata, model=model)
    return synth.fit(frames, epochs=1, seed=1, progress=False, n_jobs=1)


def share_decided(frame: pd.DataFrame, one: str, other: str) -> float:
    return float((frame.groupby(one)[other].nunique() == 1).mean())


@pytest.mark.parametrize("model", ["autoregressive", "ctgan", "tvae"])
def test_each_has_one_made_up_value_and_as_many_rows(model: str) -> None:
    frames = {"sales": sales(), "invoices": invoices(), "codes": codes()}
    copy = fitted(model, **frames).sample(seed=2)
    for name, (key, follows) in FOLLOWS.items():
        real, made = frames[name], copy[name]
        assert list(made.columns) == list(real.columns)
        counts = [frame[key].value_counts() for frame in (real, made)]
        assert len(made) == pytest.approx(len(real), rel=0.02)
        assert len(counts[1]) == len(counts[0])
        assert ks_2samp(*counts).statistic < 0.12
        for column in follows:
            assert share_decided(made, key, column) == 1.0, column
        for column in {key, "customer", "company", "kunde"} & set(real):
            assert not set(made[column]) & set(real[column]), column


def test_the_checkpoint_knows_them_and_users_do_not(tmp_path: Path) -> None:
    synth = fitted(t=sales())
    made = synth.sample(seed=2)
    assert list(synth.metadata.tables) == list(made) == list(synth.relations) == ["t"]
    assert not synth.metadata.tables["t"].foreign_keys
    again = Synthesizer.load(synth.save(tmp_path / "checkpoint"))
    assert list(again.metadata.tables) == ["t"]
    pd.testing.assert_frame_equal(again.sample(seed=2)["t"], made["t"])
    twice = again.sample(500, seed=2)["t"]
    assert len(twice) == 500
    assert twice["customer"].nunique() == 76
    assert len(synth.preview(5, seed=1)["t"]) == 5
    assert {f.table for f in synth.personal_data} == {"t"}
    synth.report(tmp_path / "report.html", seed=1)
    holes = sales()
    holes.loc[::9, "city"] = None
    filled = synth.impute({"t": holes}, seed=1)["t"]
    told = holes.groupby("customer")["city"].transform("count") > 0
    assert (filled["city"] == sales()["city"])[told].all()
    assert filled["city"].notna().all()


def found(**columns: Any) -> list[tuple[str, tuple[str, ...]]]:
    """Return the columns that name entities, with what follows from each."""
    tables = {"t": pa.table(columns)}
    metadata = FrameReader(tables, Metadata().add_table("t")).metadata
    plan = RelationalPlan.build(metadata, {"t": len(tables["t"])})
    findings = detect_pii(metadata.tables["t"], tables["t"], PrivacyConfig())
    search = find_entity_tables(Sample(metadata, plan, tables), PrivacyConfig(), findings, {})
    return [(one.column, one.follows) for one in search]


def test_who_counts_as_an_entity() -> None:
    rng, fake = np.random.default_rng(7), Faker("en_US")
    fake.seed_instance(7)
    names = np.array([fake.unique.name() for _ in range(200)])
    whose = owners(40, 200, rng)
    assert found(name=names, code=rng.integers(1, 9, 200)) == []  # each row is somebody else
    assert found(name=names[whose]) == [("name", ())]
    assert found(name=names[whose], state=(whose % 9).astype(str)) == [("name", ("state",))]
    assert found(name=names[whose], n=rng.integers(1, 9, 200)) == [("name", ())]
    assert found(user_id=whose * 37, n=rng.integers(1, 9, 200)) == []  # a number like others
    assert found(user_id=whose * 37, name=names[whose]) == [("user_id", ("name",))]
    assert found(product=np.char.add("P", whose.astype(str))) == []
    assert found(name=np.where(rng.random(200) < 0.9, names[0], names)) == [("name", ())]
    assert found(name=np.where(whose % 3 == 0, None, names[whose])) == [("name", ())]
    assert found(name=np.where(whose % 3 == 0, "", names[whose])) == []  # empty stays empty
    firms = np.array([fake.unique.company() for _ in range(12)])
    twice = found(agent_name=names[whose], company=firms[whose % 12], day=rng.integers(1, 400, 200))
    assert twice == [("agent_name", ("company",)), ("company", ())]  # a firm has several agents
