"""Made-up columns have the form of what stands beside them, in their row or over keys."""

from __future__ import annotations

import re

import numpy as np
import pyarrow as pa
import pytest
from faker import Faker

from synthohive import Metadata, Synthesizer
from synthohive.privacy.gazetteer import cities_of
from synthohive.privacy.names import is_womans, slug, slugs_of
from synthohive.privacy.pools import pools
from synthohive.privacy.shapes import issuer_of

LANDS = {"Germany": ("de_DE", "+49"), "France": ("fr_FR", "+33"), "Spain": ("es_ES", "+34")}
BRANDS = ("visa", "amex", "mastercard")
ROWS = 420


def real() -> dict[str, pa.Table]:
    fakers = {land: Faker(locale) for land, (locale, _) in LANDS.items()}
    for faker in fakers.values():
        faker.seed_instance(1)
    german, rng = fakers["Germany"], np.random.default_rng(1)
    clients = []
    for number in range(ROWS):
        at = int(rng.integers(3))
        faker, code = fakers[list(LANDS)[at]], list(LANDS.values())[at][1]
        woman, brand = bool(rng.integers(2)), BRANDS[int(rng.integers(3))]
        first = german.first_name_female() if woman else german.first_name_male()
        last = german.last_name()
        clients.append(
            {
                "id": number,
                "land_id": at + 1,
                "title": "Frau" if woman else "Herr",
                "first_name": first,
                "last_name": last,
                "initials": first[0] + last[0],
                "login": f"{slugs_of(first)[0]}.{slugs_of(last)[0]}{number}",
                "phone": f"{code} {rng.integers(10**6, 10**7)}",
                "street": faker.street_name(),
                "town": faker.city(),
                "zip": f"{'F-' if at == 1 else ''}{rng.integers(10**4, 10**5)}",
                "brand": brand,
                "card": faker.credit_card_number(brand if brand != "visa" else "visa16"),
            }
        )
    lands = [{"id": number, "name": name} for number, name in enumerate(LANDS, 1)]
    return {"lands": pa.Table.from_pylist(lands), "clients": pa.Table.from_pylist(clients)}


@pytest.fixture(scope="module")
def tables() -> dict[str, pa.Table]:
    metadata = Metadata().add_table("lands", "id", reference=True)
    metadata.add_table("clients", "id", fk={"land_id": "lands.id"})
    synthesizer = Synthesizer(metadata, model="autoregressive")
    synthesizer.fit(real(), epochs=2, seed=1)
    return {name: pa.table(rows) for name, rows in synthesizer.sample(seed=2).items()}


def rows(tables: dict[str, pa.Table]) -> list[dict[str, str]]:
    names = dict(zip(*(tables["lands"].column(c).to_pylist() for c in ("id", "name"))))
    return [{**r, "land": names[r["land_id"]]} for r in tables["clients"].to_pylist()]


def test_numbers_and_addresses_are_of_the_country_that_the_key_leads_to(
    tables: dict[str, pa.Table],
) -> None:
    for row in rows(tables):
        assert row["phone"].startswith(LANDS[row["land"]][1] + " "), row
        assert row["zip"].startswith("F-") == (row["land"] == "France"), row
    streets = {land: [r["street"] for r in rows(tables) if r["land"] == land] for land in LANDS}
    forms = {"Germany": "(?i).*(str|weg|platz|allee|ring|gasse)", "France": "rue|av|boul|chemin"}
    german, french = ([bool(re.match(f, s)) for s in streets[land]] for land, f in forms.items())
    assert min(np.mean(german), np.mean(french)) > 0.95
    assert not any(re.search(r"\d", s) for found in streets.values() for s in found)


def test_cities_are_of_the_country(tables: dict[str, pa.Table]) -> None:
    german = set(cities_of("DE"))
    towns = [(r["town"] in german, r["land"] == "Germany") for r in rows(tables)]
    assert np.mean([known for known, own in towns if own]) > 0.9
    assert np.mean([known for known, own in towns if not own]) < 0.1


def test_names_agree_with_titles_and_initials(tables: dict[str, pa.Table]) -> None:
    told = [(is_womans(r["first_name"]), r["title"] == "Frau") for r in rows(tables)]
    assert np.mean([one == two for one, two in told if one is not None]) > 0.95
    for row in rows(tables):
        both = zip(slugs_of(row["first_name"]), slugs_of(row["last_name"]))
        assert row["login"].rstrip("0123456789") in {f"{one}.{two}" for one, two in both}, row
    plain = [r for r in rows(tables) if (r["first_name"] + r["last_name"]).isascii()]
    assert all(r["initials"] == (r["first_name"][0] + r["last_name"][0]).upper() for r in plain)


def test_cards_are_of_their_brand(tables: dict[str, pa.Table]) -> None:
    starts = {"visa": {"4"}, "amex": {"3 47"}, "mastercard": {"5 12345", "2 3456"}}
    for row in rows(tables):
        assert issuer_of(row["card"]) in starts[row["brand"]], row


def test_no_real_name_address_or_number_is_there(tables: dict[str, pa.Table]) -> None:
    source = real()["clients"]
    for column in ("phone", "card"):
        assert not set(source[column].to_pylist()) & set(tables["clients"][column].to_pylist())


def test_names_are_of_their_rows_country() -> None:
    locales = {"de": "de_DE", "fr": "fr_FR", "pl": "pl_PL", "en": "en_US"}
    fakers = {speech: Faker(locale) for speech, locale in locales.items()}
    clients, logins = [], []
    for number in range(200):
        speech = list(locales)[number % 4]
        first, last = fakers[speech].first_name(), fakers[speech].last_name()
        clients.append({"id": number, "first_name": first, "last_name": last, "lang": speech})
        logins.append({"id": number, "client": number, "login": f"{slug(first)}.{slug(last)}"})
    # who has no table of their own: a key of the copy that the country says anew
    sales = [
        {"customer": f"{c['first_name']} {c['last_name']}", "country": locales[c["lang"]][3:]}
        for c in clients[:40] for _ in range(4)
    ]  # fmt: skip
    frames = {"clients": clients, "logins": logins, "sales": sales}
    metadata = Metadata().add_table("clients", "id").add_table("sales")
    metadata.add_table("logins", "id", fk={"client": "clients.id"})
    synthesizer = Synthesizer(metadata, model="autoregressive")
    tables = {name: pa.Table.from_pylist(table) for name, table in frames.items()}
    synthesizer.fit(tables, epochs=1, seed=1, n_jobs=1)
    made = {n: pa.table(t).to_pylist() for n, t in synthesizer.sample(seed=2).items()}
    lasts = {locale: set(pools(locale).last.tolist()) for locale in locales.values()}
    for row in made["clients"]:
        assert row["last_name"] in lasts[locales[row["lang"]]], row
    for row in made["logins"]:
        client = made["clients"][row["client"]]
        both = zip(slugs_of(client["first_name"]), slugs_of(client["last_name"]))
        assert row["login"] in {f"{one}.{two}" for one, two in both}, row
    lands = {locale[3:]: names for locale, names in lasts.items()}
    known = [any(r["customer"].endswith(n) for n in lands[r["country"]]) for r in made["sales"]]
    assert all(known)
    assert len({r["customer"] for r in made["sales"]}) == 40
