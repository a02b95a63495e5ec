"""Columns that repeat personal ones are filled from the same made-up person."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from faker import Faker

from synthohive import Metadata, PrivacyConfig, Synthesizer
from synthohive.privacy.names import slug, slugs_of
from synthohive.schema import ForeignKey, UniqueConstraint
from tests.interface.northwind import CUSTOMERS, described, held, northwind


@pytest.fixture(scope="module")
def fitted() -> Synthesizer:
    return Synthesizer(described()).fit(northwind(), epochs=2, seed=1, progress=False)


def test_copies_hold_as_often_as_in_the_real_rows(fitted: Synthesizer, tmp_path: Path) -> None:
    real, made = held(northwind()), held(fitted.sample(seed=5))
    assert real["ship_address"] < 0.95
    for column, share in real.items():
        assert made[column] == pytest.approx(share, abs=0.06 if share < 1 else 0), column
    again = Synthesizer.load(fitted.save(tmp_path / "saved")).sample(seed=5)
    assert held(again) == made


def test_no_real_person_is_in_a_copy(fitted: Synthesizer) -> None:
    real, made = northwind(), fitted.sample(seed=5)
    for table, column in [
        ("customers", "address"), ("customers", "contact_name"), ("orders", "ship_address"),
        ("orders", "ship_name"), ("orders", "taken_by"), ("parcels", "label"),
    ]:  # fmt: skip
        assert not set(made[table][column]) & set(real[table][column]), column


def test_aliases_are_told(fitted: Synthesizer) -> None:
    personal = {(f.table, f.column): f.kind.value for f in fitted.personal_data}
    assert personal["orders", "ship_address"] == "address"
    assert personal["orders", "call"] == "phone"
    assert ("parcels", "label") in personal
    told = [str(relation) for relation in fitted.relations["orders"]]
    assert "call = customers.phone" in told
    assert "taken_by = {employees.last_name}, {employees.first_name}" in told


def test_what_is_unique_stays_so() -> None:
    rng, fake = np.random.default_rng(2), Faker("en_US")
    fake.seed_instance(4)
    mails = [f"{fake.user_name()}{i}@example.com" for i in range(60)]
    people = pd.DataFrame({"id": range(60), "email": mails, "age": rng.integers(18, 80, 60)})
    logins = pd.DataFrame({"id": range(60), "person": range(60), "login": mails})
    logins.loc[::10, "login"] = [f"root{i}@example.net" for i in range(6)]
    unique = {"login": [{"columns": ["login"]}], "email": [{"columns": ["email"]}]}
    metadata = Metadata().add_table("people", "id", unique=unique["email"])
    metadata.add_table("accounts", "id", fk={"person": "people.id"}, unique=unique["login"])
    synth = Synthesizer(metadata)
    synth.fit({"people": people, "accounts": logins}, epochs=1, seed=1, progress=False)
    for scale in (1.0, 3.0):
        made = synth.sample(seed=1, scale=scale)
        both = made["accounts"].merge(made["people"], left_on="person", right_on="id")
        assert made["accounts"]["login"].is_unique
        assert 0.8 <= (both["login"] == both["email"]).mean() <= 1.0


def test_values_of_a_person_without_a_key_are_personal() -> None:
    real = northwind()
    rng = np.random.default_rng(5)
    who = rng.integers(0, CUSTOMERS, 300)
    log = pd.DataFrame({"id": range(300), "w": real["customers"]["contact_name"].to_numpy()[who]})
    log["did"] = rng.choice(["view", "buy"], 300)
    log["who"] = log.pop("w")
    metadata = Metadata().add_table("customers", "customer_id").add_table("log", "id")
    synth = Synthesizer(metadata)
    data = {"customers": real["customers"], "log": log}
    synth.fit(data, epochs=1, seed=1, progress=False)
    assert ("log", "who") in {(f.table, f.column) for f in synth.personal_data}
    assert not set(synth.sample(seed=1)["log"]["who"]) & set(log["who"])


def test_the_user_clears_an_alias() -> None:
    privacy = PrivacyConfig(pii_columns={"orders": {"call": "none"}})
    synth = Synthesizer(described(), privacy)
    synth.fit(northwind(), epochs=1, seed=1, progress=False)
    assert ("orders", "call") not in {(f.table, f.column) for f in synth.personal_data}


def test_a_key_that_nobody_declared_tells_whose_name_it_is() -> None:
    real, rng = northwind(), np.random.default_rng(6)
    who = rng.integers(0, CUSTOMERS, 400)
    log = pd.DataFrame({"id": range(400), "customer_id": who + 1})
    log["buyer"] = real["customers"]["contact_name"].to_numpy()[who]
    metadata = Metadata().add_table("customers", "customer_id").add_table("log", "id")
    synth = Synthesizer(metadata)
    data = {"customers": real["customers"], "log": log}
    made = synth.fit(data, epochs=2, seed=1, progress=False).sample(seed=1)
    both = made["log"].merge(made["customers"], on="customer_id")
    assert len(both) > 0.9 * len(log)
    assert (both["buyer"] == both["contact_name"]).all()


def test_addresses_are_made_of_the_names_that_a_key_leads_to() -> None:
    fake, rng = Faker("en_US"), np.random.default_rng(7)
    fake.seed_instance(8)
    people = pd.DataFrame({"id": range(60), "first_name": [fake.first_name() for _ in range(60)]})
    people["last_name"] = [fake.last_name() for _ in range(60)]
    who = rng.permutation(60)[:50]
    accounts = pd.DataFrame({"id": range(50), "person": who})
    names = zip(people["first_name"][who], people["last_name"][who])
    accounts["email"] = [f"{a}.{b}@mail.example".lower() for a, b in names]
    accounts["state"] = rng.choice(["on", "off"], 50)
    metadata = Metadata().add_table("people", "id")
    metadata.add_table("accounts", "id", fk={"person": "people.id"})
    synth = Synthesizer(metadata)
    synth.fit({"people": people, "accounts": accounts}, epochs=1, seed=1, progress=False)
    made = synth.sample(seed=1)
    both = made["accounts"].merge(made["people"], left_on="person", right_on="id")
    wanted = (both["first_name"] + "." + both["last_name"]).str.lower().str.replace(" ", "")
    assert len(both) == 50
    assert (both["email"].str.split("@").str[0] == wanted).all()
    assert "email is made of the names in people" in map(str, synth.relations["accounts"])


def test_words_of_one_person_are_no_part_of_a_form() -> None:
    real, rng = northwind(), np.random.default_rng(9)
    of = np.where(rng.random(200) < 0.7, 4, rng.integers(0, CUSTOMERS, 200))
    names = real["customers"]["contact_name"].to_numpy()[of]
    notes = [f"{name}, gate code Zqx" if c == 4 else name for name, c in zip(names, of)]
    orders = pd.DataFrame({"id": range(200), "customer_id": of + 1, "who": notes})
    metadata = Metadata().add_table("customers", "customer_id")
    metadata.add_table("orders", "id", fk={"customer_id": "customers.customer_id"})
    data = {"customers": real["customers"], "orders": orders}
    made = Synthesizer(metadata).fit(data, epochs=1, seed=1, progress=False).sample(seed=1)
    assert not made["orders"]["who"].fillna("").str.contains("Zqx").any()


def test_parts_of_addresses_are_those_of_other_columns() -> None:
    rng, fake, rows = np.random.default_rng(3), Faker("en_US"), 120
    fake.seed_instance(3)
    firms = [fake.company() for _ in range(12)]
    of, logins = rng.integers(0, 12, rows), [f"u{n:05d}" for n in rng.permutation(99_999)[:rows]]
    names = [f"{fake.first_name()} {fake.last_name()}" for _ in range(rows)]
    locals_ = [".".join(map(slug, name.split())) for name in names]
    agents = pd.DataFrame({"name": names, "company": [firms[n] for n in of]})
    agents["email"] = [f"{one}@{slug(firms[n])}.com" for one, n in zip(locals_, of)]
    accounts = pd.DataFrame({"mail": [f"{one}@acme{n % 3}.com" for one, n in zip(logins, of)]})
    accounts["login"] = logins
    hosts = pd.DataFrame({"login": [one.upper() for one in logins], "n": of})
    hosts["host"] = [f"d{n}.net" for n in of]
    hosts["mail"] = [f"{one}@{host}" for one, host in zip(logins, hosts["host"])]
    hosts.loc[::5, "mail"] = None
    metadata = Metadata().add_table("agents").add_table("hosts")
    metadata.add_table("accounts", unique=[{"columns": ["mail"]}])
    synth = Synthesizer(metadata, model="autoregressive")
    frames = {"agents": agents, "hosts": hosts, "accounts": accounts}
    made = synth.fit(frames, epochs=1, seed=1, progress=False, n_jobs=1).sample(seed=2)
    agents, hosts, accounts = made["agents"], made["hosts"], made["accounts"]
    for name, firm, mail in zip(agents["name"], agents["company"], agents["email"]):
        both = zip(*(slugs_of(part) for part in name.split()[-2:]))
        assert mail in {f"{one}.{two}@{slug(firm)}.example" for one, two in both}, (name, mail)
    assert (accounts["mail"].str.split("@").str[0] == accounts["login"]).all()
    assert accounts["mail"].is_unique
    there = hosts[hosts["mail"].notna()]
    assert 0.1 < hosts["mail"].isna().mean() < 0.3
    assert (there["mail"].str.split("@").str[0] == there["login"].str.lower()).all()
    domains = there["host"].str.replace(".net", ".example")
    assert (there["mail"].str.split("@").str[1] == domains).all()
    assert not set(made["accounts"]["mail"]) & set(frames["accounts"]["mail"])


def test_what_refers_to_a_filled_column_refers_to_what_it_is_filled_with() -> None:
    fake, rng = Faker(), np.random.default_rng(1)
    fake.seed_instance(1)
    names = [fake.unique.user_name() for _ in range(60)]
    users = pd.DataFrame({"username": names, "email": [f"{name}@corp.com" for name in names]})
    logins = pd.DataFrame({"who": rng.choice(users["email"], 200), "n": rng.poisson(3, 200)})
    metadata = Metadata().add_table("users", pk="username").add_table("logins")
    metadata.tables["users"].unique.append(UniqueConstraint(columns=["email"]))
    key = ForeignKey(columns=["who"], parent="users", parent_columns=["email"])
    metadata.tables["logins"].foreign_keys.append(key)
    synth = Synthesizer(metadata, model="autoregressive")
    synth.fit({"users": users, "logins": logins}, epochs=1, seed=1, progress=False, n_jobs=1)
    made = synth.sample(seed=1)
    assert (made["users"]["email"].str.partition("@")[0] == made["users"]["username"]).all()
    assert made["logins"]["who"].isin(made["users"]["email"]).all()
