from __future__ import annotations

import ipaddress
import json
import re
import time
from collections import Counter
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest
from faker import Faker

from synthohive._random import Permutation
from synthohive.exceptions import PrivacyError, SchemaError
from synthohive.privacy.columns import fit_columns
from synthohive.privacy.content import FITS, is_luhn
from synthohive.privacy.fake import FakeColumn, check_makeable
from synthohive.privacy.kinds import PiiKind
from synthohive.privacy.names import slug
from synthohive.privacy.places import guess_locale
from synthohive.privacy.pools import faker, pools
from synthohive.privacy.shapes import infer_patterns
from synthohive.privacy.styles import full_name, local_styles
from synthohive.schema import Column, PrivacyConfig, TableConfig
from synthohive.schema.columns import column_from_arrow
from tests.packed import again, shown

ROWS = 5000
INDEX = np.arange(ROWS)
TEXT = Column(name="c", kind="text")


def real(kind: str, rows: int = 300) -> Any:
    faker = Faker("en_US")
    faker.seed_instance(9)
    makers = {
        "email": faker.email,
        "phone": lambda: faker.numerify("2%-###-###-####"),
        "name": faker.name,
        "first_name": faker.first_name,
        "last_name": faker.last_name,
        "address": faker.street_address,
        "postcode": faker.postcode,
        "city": faker.city,
        "company": faker.company,
        "ssn": faker.ssn,
        "iban": faker.iban,
        "national_id": faker.passport_number,
        "credit_card": lambda: faker.credit_card_number("visa16"),
        "ip": faker.ipv4,
        "mac": faker.mac_address,
        "user_name": faker.user_name,
        "url": lambda: f"https://x.org/users/{faker.user_name()}",
        "plate": faker.license_plate,
        "text": lambda: f"{faker.sentence()} {faker.name()}",
        "json": lambda: json.dumps({"by": faker.name(), "n": faker.random_int()}),
        "other": lambda: faker.bothify("??-####"),
    }
    return pa.array([makers[kind]() for _ in range(rows)])


@pytest.mark.parametrize("kind", [kind.value for kind in PiiKind])
@pytest.mark.parametrize("strategy", ["fake", "mask", "hash"])
def test_unique_in_any_chunks_and_through_state(kind: str, strategy: Any) -> None:
    column = FakeColumn.fit(kind, TEXT, real(kind), unique=True, strategy=strategy)
    whole = column.make(INDEX, seed=3)
    assert len(whole.unique()) == ROWS
    assert whole.null_count == 0
    halves = [column.make(part, seed=3) for part in (INDEX[1000:], INDEX[:1000])]
    assert pa.concat_arrays([halves[1], halves[0]]).equals(whole)
    assert again(column).make(INDEX, seed=3).equals(whole)


def test_addresses_of_private_networks_stay_in_them() -> None:
    real = [f"10.1.{n % 9}.{n % 200}" for n in range(300)] + [f"192.168.0.{n}" for n in range(100)]
    real += [f"84.17.{n}.9" for n in range(100)] + ["172.20.0.1"]  # the last is one alone
    made = FakeColumn.fit("ip", TEXT, pa.array(real)).make(INDEX, seed=1).to_pylist()
    addresses = [ipaddress.ip_address(text) for text in made]
    leads = Counter("10" if text[:3] == "10." else text[:8] for text in made)
    assert leads["10"] / ROWS == pytest.approx(0.6, abs=0.05)
    assert leads["192.168."] / ROWS == pytest.approx(0.2, abs=0.05)
    assert np.mean([address.is_private for address in addresses]) == pytest.approx(0.8, abs=0.05)
    assert not set(made) & {"172.20.0.1"}


@pytest.mark.parametrize(
    "kind", ["email", "phone", "name", "ssn", "iban", "credit_card", "ip", "mac", "national_id"]
)
def test_made_values_look_the_part(kind: str) -> None:
    made = FakeColumn.fit(kind, TEXT, real(kind)).make(INDEX, seed=1).to_pylist()
    assert np.mean([FITS[kind](value) for value in made]) > 0.98


def members(kind: str, seed: int, rows: int = 3000) -> list[str]:
    """Values of persons who are in the data, or (another seed) who are not."""
    rng, names = np.random.default_rng(seed), pools("en_US")
    pick = lambda part: [str(x) for x in rng.choice(getattr(names, part), rows)]  # noqa: E731
    digits = lambda n: [f"{x:0{n}d}" for x in rng.integers(0, 10**n, rows)]  # noqa: E731
    pairs = [p for p in zip(pick("first"), pick("last")) if full_name(" ".join(p)) == p]
    pairs = pairs[: rows - 100]
    assert len(pairs) == rows - 100  # some are titles, too
    if kind == "name":
        return [f"{first} {last}" for first, last in pairs]
    if kind == "email":
        return [f"{slug(first)}.{slug(last)}@mail.com" for first, last in pairs]
    if kind == "user_name":
        return [f"{slug(first)}_{slug(last)}" for first, last in pairs]
    if kind == "address":
        return [f"{n} {s}" for n, s in zip(digits(4), pick("streets"))]
    shape = {"phone": "7{}", "ssn": "1{}", "national_id": "X{}", "other": "AB-{}"}[kind]
    return [shape.format(number) for number in digits(6)]


EIGHT = ["phone", "ssn", "national_id", "other", "name", "email", "user_name", "address"]


@pytest.mark.parametrize("kind", EIGHT)
def test_what_is_stored_is_the_same_whoever_was_there(kind: str) -> None:
    """So that nobody can ask a checkpoint for its members."""
    states = []
    for seed in (1, 2):
        column = FakeColumn.fit(kind, TEXT, pa.array(members(kind, seed)))
        states.append(shown(column))
    assert states[0] == states[1]


@pytest.mark.parametrize("kind", EIGHT)
def test_real_values_are_made_no_more_often_than_others(kind: str) -> None:
    inside, outside = set(members(kind, 1)), set(members(kind, 2))
    column = FakeColumn.fit(kind, TEXT, pa.array(sorted(inside)))
    made = set(column.make(np.arange(100_000), seed=5).to_pylist())
    hits = [len(made & part) / len(part) for part in (inside - outside, outside - inside)]
    assert hits[0] == pytest.approx(hits[1], abs=0.03)


def test_a_constant_is_not_repeated() -> None:
    column = FakeColumn.fit("phone", TEXT, pa.array(["25-989-741-2988"] * 500))
    made = column.make(INDEX, seed=0)
    assert "25-989-741-2988" not in made.to_pylist()
    assert made[0].as_py().count("-") == 3


def test_the_shape_is_kept() -> None:
    made = FakeColumn.fit("phone", TEXT, real("phone")).make(INDEX, seed=0)
    assert pc.all(pc.match_substring_regex(made, r"^2\d-\d{3}-\d{3}-\d{4}$")).as_py()
    cards = pa.array(
        [f"{v[:4]} {v[4:8]} {v[8:12]} {v[12:]}" for v in real("credit_card").to_pylist()]
    )
    made = FakeColumn.fit("credit_card", TEXT, cards).make(INDEX, seed=0).to_pylist()
    assert all(is_luhn(v) and v[4] == v[9] == " " and v[0] == "4" for v in made)


def test_upper_case_and_surname_first() -> None:
    names = pa.array([f"{n.split()[-1]}, {n.split()[0]}".upper() for n in real("name").to_pylist()])
    made = FakeColumn.fit("name", TEXT, names).make(INDEX[:50], seed=0).to_pylist()
    assert all(v == v.upper() and ", " in v for v in made)


@pytest.mark.parametrize("length", [6, 9, 12, 20, 30])
@pytest.mark.parametrize("kind", ["email", "name", "address", "user_name", "phone"])
@pytest.mark.parametrize("unique", [False, True])
def test_values_fit_varchar(kind: str, length: int, unique: bool) -> None:
    column = Column(name="c", kind="text", length=length)
    fake = FakeColumn.fit(kind, column, pa.array([], pa.string()), unique=unique)
    made = fake.make(INDEX, seed=4)
    assert pc.max(pc.utf8_length(made)).as_py() <= length
    assert not unique or len(made.unique()) == ROWS


@pytest.mark.parametrize(
    ("arrow", "kind"),
    [
        ("int64", "integer"),
        ("int32", "integer"),
        ("uint64", "integer"),
        ("decimal128(12, 0)", "decimal"),
        ("double", "float"),
    ],
)
def test_numbers(arrow: str, kind: str) -> None:
    column = Column(name="phone", kind=kind, arrow=arrow)
    values = pa.array([f"20{i:08d}" for i in range(200)]).cast(column.arrow_type)
    made = FakeColumn.fit("phone", column, values, unique=True).make(INDEX, seed=1)
    assert made.type == column.arrow_type
    assert len(made.unique()) == ROWS
    assert pc.min(made.cast(pa.float64())).as_py() >= 1e8


def test_too_narrow_for_unique_values() -> None:
    column = Column(name="code", kind="text", length=2)
    fake = FakeColumn.fit("postcode", column, pa.array([], pa.string()), unique=True)
    with pytest.raises(PrivacyError, match="'code' must be unique"):
        fake.make(INDEX, seed=0)


def test_types_that_cannot_hold_it_and_unknown_locales() -> None:
    with pytest.raises(PrivacyError, match="type date"):
        check_makeable("t", Column(name="d", kind="date"), PiiKind.EMAIL)
    with pytest.raises(SchemaError, match="xx_YY"):
        FakeColumn.fit("email", TEXT, pa.array([], pa.string()), locale="xx_YY")


@pytest.mark.parametrize("locale", ["de_DE", "ja_JP", "pt_BR"])
def test_locales(locale: str) -> None:
    made = FakeColumn.fit("email", TEXT, real("email"), locale=locale, unique=True).make(INDEX, 0)
    assert all(FITS["email"](v) and v.isascii() for v in made.to_pylist())
    assert len(made.unique()) == ROWS


def test_columns_of_a_table_agree() -> None:
    data = pa.table({k: real(k) for k in ("first_name", "last_name")})
    emails = pc.binary_join_element_wise(data["first_name"], data["last_name"], ".")
    data = data.append_column("email", pc.binary_join_element_wise(emails, "a.org", "@"))
    table = TableConfig(name="people", pk=["email"])
    found = {name: PiiKind(name) for name in data.column_names}
    fakes = fit_columns(table, found, data, PrivacyConfig())
    rows = {name: fake.make(INDEX[:200], seed=1).to_pylist() for name, fake in fakes.items()}
    assert fakes["email"].unique
    for first, last, email in zip(*rows.values()):
        assert email.lower().startswith(f"{first}.{last}".lower().replace(" ", "").replace("'", ""))
    assert fit_columns(table, found, data, PrivacyConfig(pii_strategy="keep")) == {}


def test_speed() -> None:
    column = FakeColumn.fit("email", TEXT, real("email"), unique=True)
    index = np.arange(200_000)
    started = time.process_time()
    column.make(index, seed=0)
    assert time.process_time() - started < 1.0


@pytest.mark.parametrize("capacity", [1, 2, 3, 10, 1000, 4097])
def test_permutation(capacity: int) -> None:
    image = Permutation(capacity, 42)(np.arange(capacity, dtype=np.uint64))
    assert sorted(image.tolist()) == list(range(capacity))


def test_few_values_keep_the_letters_that_all_have() -> None:
    texts = pa.array([f"{100 + 7 * i}-{1000 + 13 * i}x{10 + i}" for i in range(12)])
    ((pattern, _),) = infer_patterns(texts, 5, False)
    assert pattern.pieces[8] == ("x",)
    assert set(map(len, pattern.pieces)) == {1, 10}  # digits are free


def test_what_all_unique_values_have_in_common_stays() -> None:
    real = pa.array([f"{i * 7919 % 10**7:07d}/PL" for i in range(80)])
    made = FakeColumn.fit("national_id", TEXT, real, unique=True).make(INDEX, 1)
    assert len(made.unique()) == ROWS
    assert pc.all(pc.match_substring_regex(made, r"^\d{7}/PL$")).as_py()


@pytest.mark.parametrize("kind", ["credit_card", "iban"])
def test_numbers_with_other_blanks_are_made(kind: str) -> None:
    texts = [f"{v[:4]}\u00a0{v[4:8]}\u00a0{v[8:]}" for v in real(kind).to_pylist()]
    made = FakeColumn.fit(kind, TEXT, pa.array(texts)).make(INDEX, 1).to_pylist()
    assert not set(made) & set(texts)


def test_whole_numbers_of_documents_stay_whole() -> None:
    real = pa.array(['{"by": "Ann Lee", "n": 12345678901234567890, "x": 1.5}'] * 30)
    made = FakeColumn.fit("json", TEXT, real).make(INDEX[:50], 1).to_pylist()
    assert {(type(d["n"]), type(d["x"])) for d in map(json.loads, made)} == {(int, float)}


def test_plates_keep_their_script() -> None:
    real = pa.array([f"品川 {100 + i} あ {i % 90 + 10}-{i * 7 % 90 + 10}" for i in range(200)])
    made = FakeColumn.fit("plate", TEXT, real, unique=True).make(INDEX, 1)
    assert len(made.unique()) == ROWS
    assert pc.all(pc.match_substring_regex(made, r"^品川 \d{3} あ \d\d-\d\d$")).as_py()


def test_phones_of_a_few_rows_have_one_form() -> None:
    column = Column(name="phone", kind="text", length=24)
    real = pa.array(["(503) 555-9831", "(503) 555-3199", "(503) 555-9931"])
    made = FakeColumn.fit(PiiKind.PHONE, column, real).make(np.arange(50), seed=1).to_pylist()
    assert {re.sub(r"\d", "9", phone) for phone in made} <= {"999-999-9999", "(999)999-9999"}
    assert len({len(phone) for phone in made}) == 1


@pytest.mark.parametrize(("locale", "kind"), [("ja_JP", "first"), ("ja_JP", "last")])
def test_short_lists_of_names_are_lengthened(locale: str, kind: str) -> None:
    """Of twelve real names in a look-up table, made-up ones hit few by chance."""
    faker, hits = Faker(locale), []
    for seed in range(40):
        faker.seed_instance(seed)
        real = {getattr(faker, f"{kind}_name")() for _ in range(12)}
        column = FakeColumn.fit(f"{kind}_name", TEXT, pa.array(sorted(real)), locale=locale)
        hits.append(len(real & set(column.make(np.arange(12), seed=seed).to_pylist())))
    assert np.mean(hits) < 0.6  # 3 with the list of Faker


def test_japanese_names_are_read_as_in_japan() -> None:
    names = pools("ja_JP")
    read = {**dict(zip(names.last, names.last_slugs)), **dict(zip(names.first, names.first_slugs))}
    assert [read[name] for name in ("佐藤", "山村", "太郎", "直樹")] == [
        "sato",
        "yamamura",
        "taro",
        "naoki",
    ]
    people = [("太郎", "佐藤"), ("直樹", "山村")] * 5
    ((style, _),) = local_styles(["sato.taro", "yamamura.naoki"] * 5, people, 5)
    assert (style.form, style.own) == ("{L}.{F}", True)


def test_numbers_of_houses_reach_as_high_as_real_ones() -> None:
    real = [f"{1 + i % 180} High Street" for i in range(400)] + ["99999 Far Road"] * 4
    column = FakeColumn.fit("address", TEXT, pa.array(real))
    made = column.make(INDEX, seed=1).to_pylist()
    assert 190 < max(int(text.split()[0]) for text in made) <= 200


def test_parts_of_cities_are_words_of_their_own() -> None:
    assert not [city for city in pools("fr_FR").cities if re.search("[a-z][A-Z]", city)]


def test_names_of_one_word_stay_so() -> None:
    """A dog called Bello is called Max in the copy, not Max Miller."""
    pets = pa.array("Bello Luna Max Minka Rocky Simba Kira Felix Lilly Rex Bruno".split() * 5)
    made = FakeColumn.fit("name", TEXT, pets).make(INDEX, seed=1).to_pylist()
    assert not [name for name in made if " " in name]
    assert set(made) <= set(pools("en_US").first)


@pytest.mark.parametrize("locale", ["zh_CN", "ja_JP", "ko_KR"])
def test_names_without_a_blank_are_known_and_made_so(locale: str) -> None:
    faker = Faker(locale)
    faker.seed_instance(1)
    real = [faker.name().replace(" ", "") for _ in range(100)]
    assert guess_locale(real) == locale
    column = FakeColumn.fit("name", TEXT, pa.array(real), locale=locale)
    made, names = column.make(INDEX[:100], seed=1).to_pylist(), pools(locale)
    lasts = tuple(names.last)
    assert all(name.startswith(lasts) and name[1:].endswith(tuple(names.first)) for name in made)


def test_addresses_with_the_marks_of_the_name_are_of_the_name() -> None:
    people = [("Jürgen", "Müller"), ("Zoë", "Strauß")] * 5
    ((style, _),) = local_styles(["jürgen.müller", "zoë.strauß"] * 5, people, 5)
    assert (style.form, style.own) == ("{F}.{L}", True)


def test_rows_may_have_no_city() -> None:
    cities = pa.table({"city": ["Akron", None, "Denver", "Toledo"] * 5})
    table = TableConfig(name="people", columns={"city": column_from_arrow(cities.schema[0])})
    made = fit_columns(table, {"city": PiiKind.CITY}, cities, PrivacyConfig())["city"]
    assert made.make(INDEX[:20], seed=1).null_count == 0


def test_weights_that_are_added_up_once_draw_what_faker_draws() -> None:
    slow = Faker("en_US")
    slow.seed_instance(20190612)
    quick = faker("en_US")
    assert [quick.name() for _ in range(30)] == [slow.name() for _ in range(30)]
