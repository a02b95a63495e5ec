"""Keys are unique, typed, of the real shape, and a function of the row alone."""

from __future__ import annotations

import datetime as dt
import random
import re
import string
import uuid
from decimal import Decimal
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from babel import Locale
from babel.core import get_global
from faker import Faker
from stdnum import ean, iban, isbn, luhn

from synthohive import SchemaError
from synthohive.derive.keys.choice import KeyMaker, learn_key_makers
from synthohive.derive.keys.makers import ListedMaker, Places
from synthohive.privacy.entities import Entities
from synthohive.schema import Column, ForeignKey, TableConfig
from synthohive.texts import words as _words
from tests.packed import again, shown

DAY = dt.date(2024, 1, 1)
CASES: dict[str, tuple[Column, list[Any]]] = {
    "counted": (Column(name="k", kind="integer"), list(range(1, 201))),
    "narrow": (Column(name="k", kind="integer", arrow="int16"), list(range(-50, 150))),
    "stepped": (Column(name="k", kind="integer"), list(range(1000, 3000, 10))),
    "sparse": (Column(name="k", kind="integer"), [i * i for i in range(200)]),
    "decimal": (
        Column(name="k", kind="decimal", precision=12, scale=0),
        [Decimal(i) for i in range(200)],
    ),
    "days": (Column(name="k", kind="date"), [DAY + dt.timedelta(i) for i in range(200)]),
    "hours": (
        Column(name="k", kind="timestamp"),
        [dt.datetime(2024, 1, 1) + dt.timedelta(hours=i) for i in range(200)],
    ),
    "uuid": (Column(name="k", kind="uuid"), [str(uuid.uuid4()) for _ in range(200)]),
    "labelled": (Column(name="k", kind="text"), [f"Customer#{i:09d}" for i in range(1, 201)]),
    "tails": (Column(name="k", kind="text", length=8), [f"N{i * 37}" for i in range(30, 230)]),
    "mixed": (Column(name="k", kind="text"), [f"{c}{i}" for i in range(50) for c in "ABcd"]),
}


def learned(column: Column, values: list[Any]) -> Any:
    table = TableConfig(name="t", pk="k", columns={"k": column})
    data = pa.table({"k": pa.array(values, column.arrow_type)})
    return learn_key_makers(table, data, None)["k"]


def make(maker: Any, rows: np.ndarray, seed: int = 7) -> pa.Array:
    alone = np.zeros_like(rows)
    return maker.make(Places(rows, alone - 1, alone, alone + 1), seed)


@pytest.mark.parametrize("case", CASES)
def test_unique_typed_and_independent_of_chunks(case: str) -> None:
    column, values = CASES[case]
    maker = learned(column, values)
    rows = np.arange(5000)
    whole = make(maker, rows)
    assert whole.type == column.arrow_type
    assert len(set(whole.to_pylist())) == 5000
    read = again(maker, KeyMaker)
    parts = [make(read, part).to_pylist() for part in np.array_split(rows, 7)[::-1]]
    assert [v for part in parts[::-1] for v in part] == whole.to_pylist()


def test_listed_numbers_survive_a_checkpoint() -> None:
    real = pa.chunked_array([pa.array([1.0, 0.5])])
    listed = [1, Decimal("0.5")]  # as ``CHECK (k IN (1, 0.5))`` has them
    maker = ListedMaker.of(Column(name="k", kind="float"), listed, real)
    assert sorted(make(again(maker), np.arange(2)).to_pylist()) == [0.5, 1.0]


def test_shapes_of_real_keys() -> None:
    def first(case: str, count: int = 200) -> list[Any]:
        return make(learned(*CASES[case]), np.arange(count)).to_pylist()

    assert first("counted")[:3] == [1, 2, 3]
    assert first("stepped")[1] == 1010
    assert max(first("sparse")) <= 200 * 200
    assert first("labelled")[0] == "Customer#000000001"
    assert all(v[0] == "N" and v[1:].isdigit() and len(v) <= 8 for v in first("tails"))
    assert first("days")[-1] == DAY + dt.timedelta(199)
    assert {uuid.UUID(v).version for v in first("uuid")} == {4}


def test_patterns_keep_no_real_key() -> None:
    values = [f"{a}{b}" for a in "QWZ" for b in "XYV"]
    state = shown(learned(Column(name="k", kind="text", length=2), values))
    assert not any(v in state.replace("ABCDEFGHIJKLMNOPQRSTUVWXYZ", "") for v in values)


def test_short_keys_that_run_out_say_so() -> None:
    maker = learned(Column(name="k", kind="text", length=2), ["AA", "BX", "C9", "9Z"])
    enough = make(maker, np.arange(900)).to_pylist()
    assert len(set(enough)) == 900
    assert max(map(len, enough)) == 2
    with pytest.raises(SchemaError, match="no room"):
        make(maker, np.arange(3000))


def grouped(values: list[Any], column: Column, groups: list[int]) -> Any:
    columns = {"p": Column(name="p", kind="integer"), "n": column}
    driver = ForeignKey(columns=["p"], parent="parent", parent_columns=["id"])
    table = TableConfig(name="t", pk=["p", "n"], columns=columns, foreign_keys=[driver])
    data = pa.table({"p": groups, "n": pa.array(values, column.arrow_type)})
    return learn_key_makers(table, data, driver)["n"]


def in_groups(maker: Any, sizes: list[int]) -> tuple[np.ndarray, pa.Array]:
    size = np.array(sizes)
    group = np.repeat(np.arange(len(size)), size)
    position = np.concatenate([np.arange(n) for n in size])
    rows = np.arange(len(group))
    return group, maker.make(Places(rows, group, position, size[group]), 3)


def test_line_numbers_count() -> None:
    maker = grouped(
        [1, 2, 3, 1, 2], Column(name="n", kind="integer", arrow="int16"), [7] * 3 + [8] * 2
    )
    _, made = in_groups(maker, [2, 4])
    assert made.to_pylist() == [1, 2, 1, 2, 3, 4]
    assert made.type == pa.int16()


@pytest.mark.parametrize("first", [2**63 - 3, 2**53 + 1, -(2**63)])
def test_numbers_count_that_floats_do_not_tell_apart(first: int) -> None:
    maker = grouped([first, first + 1] * 3, Column(name="n", kind="integer"), [1, 1, 2, 2, 3, 3])
    _, made = in_groups(maker, [1, 2])
    assert made.to_pylist() == [first, first, first + 1]


def test_slots_of_a_grid_are_distinct_in_each_group_even_when_dense() -> None:
    hours = [dt.datetime(2024, 1, 1) + dt.timedelta(hours=3 * i) for i in (0, 1, 2, 4, 6, 7, 9)]
    column = Column(name="n", kind="timestamp")
    maker = grouped(hours * 2, column, [1] * 7 + [2] * 7)
    group, made = in_groups(maker, [10, 3, 25])  # 10 slots: full, sparse, too many
    values = np.array(made.to_pylist())
    for g in range(3):
        own = values[group == g]
        assert len(set(own)) == len(own)
        assert (np.diff(own) > dt.timedelta(0)).all()
        assert all(v.hour % 3 == 0 and v.minute == 0 for v in own)
    assert values[group == 1].max() <= hours[-1]


@pytest.mark.parametrize(("lasts", "drawn"), [(3, False), (25, True)])
def test_years_of_a_career_are_learned_and_those_of_all_are_drawn(lasts: int, drawn: bool) -> None:
    begun = np.random.default_rng(2).integers(1990, 2016 - lasts, 60)
    years = [int(y) + i for y in begun for i in range(lasts) if i != y % lasts]
    groups = [g for g, y in enumerate(begun) for i in range(lasts) if i != y % lasts]
    columns = {name: Column(name=name, kind="integer") for name in ("p", "n")}
    driver = ForeignKey(columns=["p"], parent="parent", parent_columns=["id"])
    table = TableConfig(name="t", pk=["p", "n"], columns=columns, foreign_keys=[driver])
    makers = learn_key_makers(table, pa.table({"p": groups, "n": years}), driver)
    assert ("n" in makers) is drawn


HEX, ALNUM = "0123456789abcdef", string.ascii_letters + string.digits
FORMS: dict[str, tuple[Any, str]] = {
    "hex16": (lambda r, i: text(r, HEX, 16), "[0-9a-f]{16}"),
    "objectid": (lambda r, i: text(r, HEX, 24), "[0-9a-f]{24}"),
    "sha256": (lambda r, i: text(r, HEX, 64), "[0-9a-f]{64}"),
    "ulid": (
        lambda r, i: "01H" + text(r, "0123456789ABCDEFGHJKMNPQRSTVWXYZ", 23),
        "01H[0-9A-HJKMNP-TV-Z]{23}",
    ),
    "stripe": (lambda r, i: ["cus_", "sub_"][i % 2] + text(r, ALNUM, 14), r"(cus|sub)_\w{14}"),
    "nanoid": (lambda r, i: text(r, ALNUM + "-_", 21), r"[\w-]{21}"),
    "lengths": (lambda r, i: text(r, ALNUM, 14 + i % 8), "[0-9A-Za-z]{14,21}"),
    "digits20": (lambda r, i: text(r, string.digits, 20), r"\d{20}"),
    "braced": (
        lambda r, i: "{" + str(uuid.UUID(int=r.getrandbits(128), version=4)) + "}",
        "{[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}}",
    ),
    "upper uuid": (
        lambda r, i: str(uuid.UUID(int=r.getrandbits(128), version=4)).upper(),
        "[0-9A-F]{8}-[0-9A-F]{4}-4[0-9A-F]{3}-[89AB][0-9A-F]{3}-[0-9A-F]{12}",
    ),
    "six digits": (lambda r, i: str(100_001 + i), r"\d{6}"),
    "scattered six": (lambda r, i: str(100_000 + (i * 7919) % 900_000), r"[1-9]\d{5}"),
    "padded": (lambda r, i: f"INV-{i + 1:06d}", r"INV-\d{6}"),
    "per year": (lambda r, i: f"PO/202{i % 4}/{r.randrange(10**5):05d}", r"PO/202[0-3]/\d{5}"),
    "full shape": (lambda r, i: f"User{i % 90}@Example.org", r"User.{1,2}@Example\.org"),
    "calendar": (
        lambda r, i: f"{DAY + dt.timedelta(i):%d/%m/%Y}",
        r"([0-2]\d|3[01])/(0\d|1[0-2])/202[45]",
    ),
    "slug": (
        lambda r, i: "-".join(r.choices(["alpha", "bravo", "delta", "echo"], k=3)) + str(i),
        r"[a-z]+-[a-z]+-[a-z]+(\d|[1-9]\d{1,2})(-\d)?",
    ),
    "links": (
        lambda r, i: "https://wiki.org/" + text(r, string.ascii_letters, 3 + i % 19) + f"_{i}",
        r"https://wiki\.org/.+",
    ),
    "time zone": (
        lambda r, i: sorted(get_global("zone_territories"))[i],
        r"[\w/+-]+( \d)?",
    ),
}  # fmt: skip


def text(rng: random.Random, letters: str, length: int) -> str:
    return "".join(rng.choices(letters, k=length))


@pytest.mark.parametrize("case", FORMS)
def test_text_keys_keep_what_all_real_ones_share(case: str) -> None:
    of, form = FORMS[case]
    rng = random.Random(4)
    values = list(dict.fromkeys(of(rng, i) for i in range(200)))
    rows = 3 * len(values)
    made = make(learned(Column(name="k", kind="text"), values), np.arange(rows)).to_pylist()
    assert len(set(made)) == rows
    assert not [key for key in made if not re.fullmatch(form, key)]
    if case in {"hex16", "sha256", "nanoid", "lengths", "full shape"}:
        assert not set(made) & set(values)
        assert set(map(len, made)) <= set(map(len, values))


def test_check_digits_that_all_real_keys_have_are_right() -> None:
    source = Faker("de_DE")
    source.seed_instance(3)
    for name, valid in (
        ("iban", iban.is_valid),
        ("isbn13", isbn.is_valid),
        ("isbn10", isbn.is_valid),
        ("credit_card_number", luhn.is_valid),
        ("ean13", ean.is_valid),
    ):
        values = list({getattr(source, name)() for _ in range(60)})
        made = make(learned(Column(name="k", kind="text"), values), np.arange(300)).to_pylist()
        assert len(set(made)) == 300
        assert all(map(valid, made)), name


@pytest.mark.parametrize("rows", [5, 100, 300])
def test_keys_that_are_names_are_made_of_words(rows: int) -> None:
    parts = "Vintage Classic Modern Trucks Planes Regional Northern Southern Medium Compact".split()
    values = [f"{a} {b} {c}" for a in parts for b in parts for c in parts[:3]][:rows]
    made = make(learned(Column(name="k", kind="text"), values), np.arange(rows)).to_pylist()
    assert len(set(made)) == rows
    known = {word.lower() for word in parts} | set(_words.things(values))
    assert {word.lower() for key in made for word in key.split()} <= known


def test_a_letter_of_one_customers_keys_is_not_kept() -> None:
    values = [f"ACME-{i * 991 % 10**6:06d}" for i in range(60)]
    values += [f"{text(random.Random(i), string.ascii_uppercase, 4)}-{i:06d}" for i in range(60)]
    table = TableConfig(name="t", pk="k", columns={"k": Column(name="k", kind="text")})
    data = pa.table({"k": values})
    owners = Entities.over(np.array([0] * 60 + list(range(1, 61))))
    maker = learn_key_makers(table, data, None, owners)["k"]
    assert not [key for key in make(maker, np.arange(500)).to_pylist() if key.startswith("ACME")]


@pytest.mark.parametrize("kind", ["time zones", "countries"])
def test_text_keys_of_a_public_list_are_others_of_it(kind: str) -> None:
    zones = {*get_global("zone_territories"), *get_global("zone_aliases")}
    lands = [code for code in Locale.parse("en").territories if re.fullmatch("[A-Z]{2}", code)]
    known = {"time zones": sorted(zones), "countries": sorted(lands)}[kind]
    odd = {"time zones": ["America/Coyhaique", "localtime"], "countries": ["A1", "A2"]}[kind]
    values = random.Random(4).sample(known, 60) + odd  # newer, or older, than the list
    made = make(learned(Column(name="k", kind="text"), values), np.arange(100)).to_pylist()
    assert len(set(made)) == 100
    assert set(made) <= set(known)
