"""Made-up values have the form of the country, the language and the person beside them."""

from __future__ import annotations

import re

import numpy as np
import phonenumbers
import pyarrow as pa
import pytest
from faker import Faker

from synthohive.privacy.fake import FakeColumn
from synthohive.privacy.names import is_womans
from synthohive.privacy.places import guess_locale, lead_of_phone, locale_of
from synthohive.privacy.rows import Beside
from synthohive.privacy.shapes import issuer_of
from synthohive.schema import Column

TEXT = Column(name="t", kind="text")
ROWS = 2_000


def made(kind: str, real: list[str], locale: str = "en_US", **more: str) -> list[str]:
    column = FakeColumn.fit(kind, TEXT, pa.array(real), locale=locale, **more)
    texts: list[str] = column.make(np.arange(ROWS), seed=1).to_pylist()
    return texts


@pytest.mark.parametrize("locale", ["de_DE", "fr_FR", "es_ES", "nl_NL", "pl_PL", "ja_JP", "en_US"])
def test_the_language_is_told_by_names(locale: str) -> None:
    faker = Faker(locale)
    faker.seed_instance(3)
    assert guess_locale([f"{faker.first_name()} {faker.last_name()}" for _ in range(40)]) == locale


@pytest.mark.parametrize("rows", [8, 40, 600])
def test_phone_numbers_begin_with_codes_of_countries_that_are_shared(rows: int) -> None:
    codes = ["+49", "+33", "+34", "+351"]
    real = [f"{codes[i % 4]} {1000000 + 7919 * i % 8999999}" for i in range(4 * rows)]
    real += ["+47 1234567", "+675 1234567"]  # of one each
    found = made("phone", real)
    assert {text[: text.index(" ")] for text in found} == set(codes)
    assert all(re.fullmatch(r"\+\d+ \d{7}", text) for text in found)


def test_where_no_code_is_shared_it_is_the_own_country_s() -> None:
    real = [f"+{code} 4{i}71234" for i, code in enumerate((1, 44, 7, 81, 62, 55))]
    for locale, territory, code in (("de_DE", "", "+49"), ("en_US", "PT", "+351")):
        found = made("phone", real, locale, territory=territory)
        assert {lead_of_phone(text) for text in found} == {code}
        regions = {phonenumbers.parse(text).country_code for text in found}
        assert regions == {int(code)}


@pytest.mark.parametrize("rows", [30, 900])
def test_numbers_of_cards_are_of_the_issuers_that_the_real_ones_are_of(rows: int) -> None:
    faker = Faker()
    faker.seed_instance(1)
    real = [faker.credit_card_number(("visa16", "mastercard", "amex")[i % 3]) for i in range(rows)]
    found = made("credit_card", real)
    assert {issuer_of(text) for text in found} <= {"4", "5 12345", "2 3456", "3 47"}
    assert {len(text) for text in found if issuer_of(text) == "3 47"} == {15}


def test_tax_numbers_begin_with_countries() -> None:
    real = [f"{'DE' if i % 2 else 'FR'}{100000000 + 31 * i}" for i in range(30)]
    assert {text[:2] for text in made("national_id", real)} == {"DE", "FR"}


@pytest.mark.parametrize(
    ("locale", "real", "form"),
    [
        ("de_DE", ["Am Markt 7", "Lindenallee 112", "Hauptstr. 5"] * 3, r"\D+ \d{1,3}"),
        ("de_DE", [], r"\D+ \d{1,3}"),
        ("en_US", [], r"\d{1,3} \D+"),
        ("en_US", ["Oak Street", "Elm Road"] * 4, r"\D+"),
        ("fr_FR", ["7 rue de Lyon, Nice"] * 9, r"\d{1,2} [^\d,]+, [^\d,]+"),
    ],
)
def test_addresses_have_the_form_of_the_real_ones(locale: str, real: list[str], form: str) -> None:
    assert all(re.fullmatch(form, text) for text in made("address", real, locale))


@pytest.mark.parametrize("unique", [False, True])
@pytest.mark.parametrize("locale", ["en_US", "de_DE", "fr_FR"])
def test_first_names_go_by_titles_and_addresses_by_names(locale: str, unique: bool) -> None:
    women = np.arange(ROWS).astype(np.int8) % 3 - 1  # one in three is not known
    beside = Beside(women=women)
    first, mail, user = (
        FakeColumn.fit(kind, Column(name=kind, kind="text"), pa.array(real), unique=flag,
                       locale=locale, persons=[("Ann", "Lee"), ("Bob", "Roe")] * 9)
        .make(np.arange(ROWS), 5, beside)
        .to_pylist()
        for kind, real, flag in (
            ("first_name", ["Ann", "Bob"] * 9, False),
            ("email", ["ann.lee@x.org", "bob.roe@x.org"] * 9, unique),
            ("user_name", ["alee", "broe"] * 9, unique),
        )
    )  # fmt: skip
    known = [(is_womans(name), w) for name, w in zip(first, women) if w >= 0]
    assert np.mean([told == w for told, w in known if told is not None]) > 0.97
    assert {is_womans(name) for name, w in zip(first, women) if w < 0} >= {True, False}
    starts = [name[:1].lower() == address[:1] for name, address in zip(first, mail)]
    assert np.mean(starts) > 0.9  # all but letters with marks
    if unique:
        assert len(set(mail)) == len(set(user)) == ROWS


def test_every_country_has_a_locale_that_faker_has() -> None:
    for territory in ("DE", "NO", "CH", "BE", "PE", "KE", "IN", "TW", "XK", "AQ"):
        Faker(locale_of(territory))


@pytest.mark.parametrize(
    ("real", "form"),
    [
        ("https://cdn.app.io/avatars/{0:016x}.png", r"https://cdn\.app\.example/avatars/[0-9a-f]{16}\.png"),
        ("https://app.io/u/ann{0}", r"https://app\.example/u/[a-z.]+\d*"),
        ("http://www.shop.de/o/{0}", r"http://www\.shop\.example/o/\d{5}"),
        ("https://h{0}.io/{0}/{0}", r"https://www\.example/users/[a-z.]+\d*"),
    ],
)  # fmt: skip
def test_links_keep_their_form_on_a_host_that_nobody_has(real: str, form: str) -> None:
    found = made("url", [real.format(10007 + 7919 * i % 80000) for i in range(30)])
    assert all(re.fullmatch(form, text) for text in found), found[:3]
    assert len(set(found)) > ROWS / 3


def test_the_usual_locale_of_a_language_unless_another_is_clearly_nearer() -> None:
    """All of these names are German and Austrian, and the Austrian list is the longer one."""
    names = (
        "Müller Schmidt Schneider Fischer Weber Meyer Wagner Becker Schulz Hoffmann Koch Richter"
    )
    first = "Anna Ben Clara David Emma Felix Greta Hans Ida Jonas Karl Lea Max Nina Otto Paul Rosa"
    assert guess_locale([*names.split(), *first.split()]) == "de_DE"
    austrian = (
        "Hochreiter Meusburger Blauensteiner Kaltenböck Staudacher Puntigam Windhager Lassnig"
    )
    assert guess_locale([*austrian.split(), *names.split()]) == "de_AT"
