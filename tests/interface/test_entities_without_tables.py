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
from synthohive.io.dataframe import FrameReader
from synthohive.learn.entity_tables import find_entity_tables
from synthohive.privacy.detect import detect_pii
from synthohive.schema.plan import RelationalPlan
from synthohive.tables.sample import Sample


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


def visits(rows: int = 200, entities: int = 30) -> pd.DataFrame:
    rng, fake = np.random.default_rng(4), Faker("en_US")
    fake.seed_instance(4)
    names = [[fake.first_name(), fake.last_name()] for _ in range(entities)]
    names[1][0], names[3][1] = names[0][0], names[2][1]  # one part is that of several
    people = pd.DataFrame(names, columns=["first_name", "last_name"])
    people["city"] = rng.choice(["Boston", "Chicago", "Denver", "Austin"], entities)
    made = people.iloc[owners(entities, rows, rng)].reset_index(drop=True)
    made["minutes"] = rng.poisson(30, rows)
    return made


FOLLOWS = {
    "sales": (["email"], ["customer", "company", "city"]),
    "invoices": (["kundennummer"], ["kunde", "ort"]),
    "codes": (["code_of_customer"], ["limit"]),
    "visits": (["first_name", "last_name"], ["city"]),
}


def fitted(model: str = "autoregressive", **frames: pd.DataFrame) -> Synthesizer:
    metadata = Metadata()
    for name in frames:
        metadata.add_table(name)
    synth = Synthesizer(metadata, model=model)
    return synth.fit(frames, epochs=1, seed=1, progress=False, n_jobs=1)


def values(frame: pd.DataFrame, columns: list[str]) -> set[tuple[str, ...]]:
    return set(frame[columns].dropna().itertuples(index=False, name=None))


def share_decided(frame: pd.DataFrame, one: list[str], other: str) -> float:
    return float((frame.groupby(one)[other].nunique() == 1).mean())


@pytest.mark.slow
@pytest.mark.parametrize("model", ["autoregressive", "ctgan", "tvae"])
def test_each_has_one_made_up_value_and_as_many_rows(model: str) -> None:
    frames = {"sales": sales(), "invoices": invoices(), "codes": codes(), "visits": visits()}
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
        for columns in (key, ["customer"], ["company"], ["kunde"]):
            if set(columns) <= set(real):
                assert not values(made, columns) & values(real, columns), columns


def test_the_same_customers_of_two_tables_stay_the_same() -> None:
    people = sales(300, 30)
    rng, orders = np.random.default_rng(5), people[["customer", "email", "city", "amount"]]
    calls = people[["customer", "company"]].sample(150, random_state=1).reset_index(drop=True)
    calls["hours"] = rng.gamma(2, 1, len(calls)).round(2)  # knows names alone, and their companies
    tickets = people[["email", "city"]].sample(120, random_state=2).reset_index(drop=True)
    tickets["phone"] = tickets["email"].map(
        {mail: f"+1-202-555-{n:04d}" for n, mail in enumerate(sorted(set(people["email"])))}
    )
    real = {"tickets": tickets, "orders": orders, "calls": calls}
    synth = fitted(**real)
    copy = synth.sample(seed=2)
    for table, column in (("tickets", "email"), ("calls", "customer")):
        counts = [frame[table][column].value_counts() for frame in (real, copy)]
        assert len(copy[table]) == pytest.approx(len(real[table]), rel=0.04)
        assert len(counts[1]) == len(counts[0])
        assert ks_2samp(*counts).statistic < 0.2
        assert values(copy[table], [column]) <= values(copy["orders"], [column])
        assert not values(copy[table], [column]) & values(real[table], [column])
    assert share_decided(copy["tickets"], ["email"], "phone") == 1.0  # of tickets alone
    assert share_decided(copy["calls"], ["customer"], "company") == 1.0
    both = pd.concat([copy["orders"][["email", "city"]], copy["tickets"][["email", "city"]]])
    assert share_decided(both, ["email"], "city") == 1.0
    more = synth.sample(num_rows={"tickets": 240}, seed=2)
    assert len(more["tickets"]) == 240
    assert more["tickets"]["email"].nunique() == tickets["email"].nunique()
    assert len(more["orders"]) == pytest.approx(300, rel=0.02)


def test_others_are_not_taken_for_the_same() -> None:
    one, other = visits(), visits()
    other["last_name"] = "Mc" + other["last_name"]
    copy = fitted(one=one, other=other).sample(seed=2)
    names = ["first_name", "last_name"]
    assert len(values(copy["one"], names)) == len(values(copy["other"], names)) == 30


def test_names_of_a_country_are_the_same_in_a_table_that_does_not_know_it() -> None:
    rng, people = np.random.default_rng(8), pd.DataFrame()
    for number, (country, locale) in enumerate({"Germany": "de_DE", "Italy": "it_IT"}.items()):
        fake = Faker(locale)
        fake.seed_instance(number)
        names = [(fake.first_name(), fake.last_name(), country) for _ in range(25)]
        people = pd.concat([people, pd.DataFrame(names)])
    people.columns = pd.Index(["first_name", "last_name", "country"])
    orders = people.iloc[owners(50, 400, rng)].reset_index(drop=True)
    marks = people.iloc[owners(50, 200, rng), :2].reset_index(drop=True)
    copy = fitted(orders=orders, marks=marks.assign(mark=rng.integers(1, 6, 200))).sample(seed=2)
    names = [values(copy[table], ["first_name", "last_name"]) for table in ("orders", "marks")]
    assert names[0] == names[1]
    assert not names[0] & values(orders, ["first_name", "last_name"])


def guests() -> dict[str, pd.DataFrame]:
    rng, fake = np.random.default_rng(6), Faker("en_US")
    fake.seed_instance(6)
    accounts = pd.DataFrame({"id": np.arange(1, 41), "since": rng.integers(2000, 2024, 40)})
    rows = 600
    whose = owners(40, rows, rng) + 1.0
    guest = np.arange(rows) % 30 == 0
    orders = pd.DataFrame({"account": np.where(guest, np.nan, whose), "n": rng.poisson(4, rows)})
    orders["account"] = orders["account"].astype("Int64")
    orders["guest_name"] = [fake.unique.name() if one else None for one in guest]
    orders["account_phone"] = [None if one else fake.numerify("+1-202-#######") for one in guest]
    orders["type"] = rng.choice([1, 2, 3], rows)  # which the rows are generated for
    return {"accounts": accounts, "types": pd.DataFrame({"id": [1, 2, 3]}), "orders": orders}


def test_who_has_no_account_has_a_name() -> None:
    real = guests()
    metadata = Metadata().add_table("accounts", pk="id").add_table("types", pk="id")
    metadata.add_table("orders", fk={"account": "accounts.id", "type": "types.id"})
    synth = Synthesizer(metadata, model="autoregressive")
    synth.fit(real, epochs=1, seed=1, progress=False, n_jobs=1)
    made = synth.sample(seed=2)["orders"]
    assert made["account"].isna().sum() == pytest.approx(20, abs=12)
    assert (made["guest_name"].isna() == made["account"].notna()).all()
    assert (made["account_phone"].isna() == made["account"].isna()).all()
    assert not set(made["guest_name"].dropna()) & set(real["orders"]["guest_name"].dropna())


def test_the_checkpoint_knows_them_and_users_do_not(tmp_path: Path) -> None:
    synth = fitted(t=sales())
    made = synth.sample(seed=2)
    assert list(synth.metadata.tables) == list(made) == list(synth.relations) == ["t"]
    assert not synth.metadata.tables["t"].foreign_keys
    assert set(synth.memorisation) == {"t", "t.email"}
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
    return [("+".join(one.columns), one.follows) for one in search]


@pytest.mark.parametrize("account", ["email", "user_name"])
def test_namesakes_with_accounts_of_their_own_are_several_persons(account: str) -> None:
    rng = np.random.default_rng(9)  # names go by the land: fewer of them than chance would make
    names = {"DE": (["Jonas", "Lena"], ["Weber", "Koch"]), "FR": (["Luc", "Marie"], ["Dubois"])}
    drawn = [[rng.choice(part) for part in names[land]] for land in rng.choice(list(names), 300)]
    first, last = map(list, zip(*drawn))
    rows = {"first_name": first, "last_name": last, "score": rng.integers(0, 99, 300)}
    assert [one for one, _ in found(**rows)] == ["first_name+last_name"]
    own = [f"{f}.{n}{i}".lower() for i, (f, n) in enumerate(zip(first, last))]
    rows[account] = [f"{text}@acme.com" for text in own] if account == "email" else own
    assert found(**rows) == []


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
    streets = np.array([fake.unique.street_address() for _ in range(40)])
    assert found(name=names, address=streets[whose]) == []  # where they are
    assert found(address=streets[whose], n=rng.integers(1, 9, 200)) == [("address", ())]
    assert found(name=np.where(rng.random(200) < 0.9, names[0], names)) == [("name", ())]
    assert found(name=np.where(whose % 3 == 0, None, names[whose])) == [("name", ())]
    assert found(name=np.where(whose % 3 == 0, "", names[whose])) == []  # empty stays empty
    first, last = np.char.partition(names, " ")[:, 0], np.char.rpartition(names, " ")[:, 2]
    pair = {"first_name": first[whose], "last_name": last[whose]}
    assert found(**pair, n=rng.integers(1, 9, 200)) == [("first_name+last_name", ())]
    assert found(email=np.char.add(names[whose], "@x.org"), **pair) == [
        ("email", ("first_name", "last_name"))
    ]
    few = {"first_name": rng.choice(first[:12], 200), "last_name": rng.choice(last[:12], 200)}
    assert found(**few) == []  # namesakes
    assert found(first_name=pair["first_name"], n=whose) == []
    alone = np.where(whose % 3 == 0, None, pair["last_name"])
    assert found(first_name=pair["first_name"], last_name=alone) == []
    firms = np.array([fake.unique.company() for _ in range(12)])
    twice = found(agent_name=names[whose], company=firms[whose % 12], day=rng.integers(1, 400, 200))
    assert twice == [("agent_name", ("company",)), ("company", ())]  # a firm has several agents


def test_leagues_are_labels_and_no_persons() -> None:
    """All of them would have to share what is shown, and their labels would be made up."""
    rng = np.random.default_rng(3)
    seasons = pd.DataFrame({"lgID": rng.choice(["AL", "NL", "FL"], 600, p=[0.5, 0.45, 0.05])})
    seasons["won"] = np.where((seasons["lgID"] != "FL") & (rng.random(600) < 0.3), "Y", "N")
    club = seasons.groupby("lgID").cumcount() % 12
    seasons["club_id"] = seasons["lgID"].str[0] + club.map("{:02d}X".format)
    synth = Synthesizer(Metadata().add_table("seasons"), model="autoregressive")
    made = synth.fit({"seasons": seasons}, epochs=1, seed=1, progress=False).sample(seed=1)
    for column in ("lgID", "won"):
        assert set(made["seasons"][column]) == set(seasons[column])
