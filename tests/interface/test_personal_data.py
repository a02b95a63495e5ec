"""What is found to be personal does not come out: texts, JSON, lists, plates, links, numbers."""

from __future__ import annotations

import json
import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from faker import Faker

from synthohive import Metadata, PrivacyConfig, Synthesizer
from synthohive.exceptions import SchemaError

ROWS = 150
FITTED = {"epochs": 1, "seed": 1, "progress": False}


@pytest.fixture(scope="module")
def tickets() -> pd.DataFrame:
    faker = Faker("de_DE")
    faker.seed_instance(8)
    rows = []
    for number in range(ROWS):
        name, mail = faker.name(), faker.email()
        rows.append(
            {
                "id": number + 1,
                "c1": f"{faker.sentence()} Rückruf an {name}, {faker.phone_number()}",
                "c2": json.dumps({"by": {"name": name, "mail": mail}, "n": number, "ok": True}),
                "c3": "; ".join([mail, faker.email()][: number % 2 + 1]),
                "kennzeichen": faker.license_plate(),
                "c4": f"https://shop.org/customers/{number * 7919 + 10_000}",
                "telefon": int(f"49151{faker.numerify('########')}"),
                "status": ("new", "open", "paid")[number % 3],
            }
        )
    return pd.DataFrame(rows)


def test_no_person_comes_out_and_what_does_is_of_the_same_form(
    tickets: pd.DataFrame, tmp_path: Path
) -> None:
    metadata = Metadata().add_table("tickets", "id")
    synth = Synthesizer(metadata, model="autoregressive").fit({"tickets": tickets}, **FITTED)
    made = synth.sample(seed=2)["tickets"]

    names = {json.loads(text)["by"]["name"] for text in tickets["c2"]}
    texts = " ".join([*tickets["c3"], *tickets["c2"]])
    mails = set(re.findall(r"[^\s;\"]+@[^\s;\"]+", texts))
    whole = "\n".join(made.astype(str).agg(" ".join, axis=1))
    assert not [name for name in names if name in whole]
    assert not [mail for mail in mails if mail in whole]
    for column in ("c4", "telefon", "kennzeichen"):
        assert not set(made[column]) & set(tickets[column]), column

    shapes = [json.loads(text) for text in made["c2"]]
    assert all(list(s) == ["by", "n", "ok"] and list(s["by"]) == ["name", "mail"] for s in shapes)
    assert all(isinstance(s["n"], int) for s in shapes)
    domains = {s["by"]["mail"].rpartition("@")[2] for s in shapes}
    nobodys = r"(.+\.)?example(\.(com|net|org))?"
    assert all(re.fullmatch(nobodys, domain) for domain in domains)
    assert set(made["c3"].str.count("@")) == {1, 2}
    assert set(made["c3"].str.count("; ")) == {0, 1}
    assert made["telefon"].astype(str).str.fullmatch(r"49151\d{8}").all()
    assert made["c1"].str.len().between(10, 400).all()
    assert set(made["status"]) <= {"new", "open", "paid"}

    synth.save(tmp_path / "saved")
    again = Synthesizer.load(tmp_path / "saved").sample(seed=2)["tickets"]
    pd.testing.assert_frame_equal(made, again)


def test_an_unknown_table_is_refused_before_training(tickets: pd.DataFrame) -> None:
    metadata = Metadata().add_table("tickets", "id")
    privacy = PrivacyConfig(pii_columns={"ticket": {"c1": "text"}})
    synth = Synthesizer(metadata, privacy_config=privacy)
    with pytest.raises(SchemaError, match=r"'ticket'.*Did you mean 'tickets'"):
        synth.fit({"tickets": tickets}, **FITTED)


def test_whom_a_dropped_column_names_nobody_tells() -> None:
    rng = np.random.default_rng(3)
    people = [f"{first} {last}" for first in ("Anna", "Ben", "Cara", "Emil", "Dora", "Fritz")
              for last in ("Schmidt", "Meyer", "Huber", "Koch", "Wolf")]  # fmt: skip
    who = rng.integers(0, len(people), 300)
    orders = pd.DataFrame({"id": range(300), "ship_name": np.array(people)[who], "city": who % 7})
    privacy = PrivacyConfig(pii_strategies={"orders": {"ship_name": "drop"}})
    synth = Synthesizer(Metadata().add_table("orders", "id"), privacy, model="autoregressive")
    synth.fit({"orders": orders}, epochs=1, seed=1, progress=False, n_jobs=1)
    assert synth.sample(seed=1)["orders"]["ship_name"].isna().all()


def test_a_dropped_column_of_any_type_is_empty() -> None:
    staff = pd.DataFrame({
        "id": range(60), "pin": range(1000, 1060), "married": [True, False] * 30,
        "born": pd.Timestamp("1980-01-01") + pd.to_timedelta(range(60), unit="D"),
    })  # fmt: skip
    dropped = ["pin", "married", "born"]
    privacy = PrivacyConfig(pii_strategies={"staff": dict.fromkeys(dropped, "drop")})
    synth = Synthesizer(Metadata().add_table("staff", "id"), privacy, model="autoregressive")
    synth.fit({"staff": staff}, epochs=1, seed=1, progress=False, n_jobs=1)
    made = synth.sample(seed=1)["staff"]
    assert made[dropped].isna().all(axis=None)
    assert made["pin"].dtype == "Int64"  # numpy's has no NULL
    assert set(synth.preview_personal().frame()["strategy"]) == {"drop"}
