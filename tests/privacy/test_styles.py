"""Addresses, user names and full names are written as in the real rows."""

from __future__ import annotations

import re
from functools import cache
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from synthohive._random import Permutation
from synthohive.privacy.columns import fit_columns
from synthohive.privacy.fake import FakeColumn
from synthohive.privacy.kinds import PiiKind
from synthohive.privacy.pools import DOMAINS, pools
from synthohive.privacy.styles import (
    Style,
    domains_of,
    full_name,
    local_styles,
    name_styles,
    slug,
)
from synthohive.schema import Column, PrivacyConfig, TableConfig, UniqueConstraint
from tests.packed import again

ROWS = 2000
INDEX = np.arange(6000)
TEXT = Column(name="c", kind="text")
KINDS = {
    "given": PiiKind.FIRST_NAME,
    "family": PiiKind.LAST_NAME,
    "mail": PiiKind.EMAIL,
    "login": PiiKind.USER_NAME,
    "shown_as": PiiKind.NAME,
}
MAILS = ("{F}.{L}", "{f}{L}", "{F}_{l}", "{L}-{F}")


@cache
def real_rows() -> pa.Table:
    """Rows of which 30% have an address that is not of the row's person."""
    rng, names = np.random.default_rng(4), pools("en_US")
    rows = []
    for number in range(ROWS):
        first, last, other = (str(rng.choice(n)) for n in (names.first, names.last, names.last))
        a, b = slug(first), slug(last)
        mail = [f"{a}.{b}", f"{a[0]}{b}", f"{a}_{b[0]}", f"{b}-{a}", "zed." + slug(other)]
        style = rng.choice(5, p=[0.3, 0.2, 0.1, 0.1, 0.3])
        domain = "mail.test" if rng.random() < 0.6 else f"d{number}.test"
        name = [f"{last}, {first}", f"Dr. {first} {last}", f"{first} Q. {last}"][number % 3]
        login = a[0] + b + str(rng.integers(10, 99))
        rows.append((first, last, f"{mail[style]}@{domain}", login, name))
    return pa.table(dict(zip(KINDS, map(list, zip(*rows)))))


@cache
def fitted(unique: bool, names: tuple[str, ...]) -> dict[str, FakeColumn]:
    alone = [UniqueConstraint(columns=[n]) for n in names if n not in ("given", "family")]
    table = TableConfig(name="people", pk=["id"], unique=alone if unique else [])
    return fit_columns(table, {n: KINDS[n] for n in names}, real_rows(), PrivacyConfig())


def made(
    unique: bool = False, rows: Any = INDEX, names: tuple[str, ...] = tuple(KINDS)
) -> dict[str, list[str]]:
    fakes = fitted(unique, names)
    return {name: fake.make(rows, seed=3).to_pylist() for name, fake in fakes.items()}


def shares(found: list[tuple[Style, float]], rows: int) -> dict[tuple[str, bool], float]:
    summed: dict[tuple[str, bool], float] = {}
    for style, count in found:
        key = (style.form if style.own else "", style.own)
        summed[key] = summed.get(key, 0.0) + count / rows
    return summed


def local(mails: list[str]) -> list[str]:
    return [mail.split("@")[0] for mail in mails]


@pytest.mark.slow
@pytest.mark.parametrize("unique", [False, True])
def test_addresses_agree_with_names_as_often_as_real_ones(unique: bool) -> None:
    rows = made(unique)
    persons = list(zip(rows["given"], rows["family"]))
    found = shares(local_styles(local(rows["mail"]), persons, 1), len(INDEX))
    real = list(zip(real_rows()["given"].to_pylist(), real_rows()["family"].to_pylist()))
    wanted = shares(local_styles(local(real_rows()["mail"].to_pylist()), real, 1), ROWS)
    for form in MAILS:
        assert wanted[form, True] > 0.05
        assert abs(found[form, True] - wanted[form, True]) < 0.03
    assert abs(found["", False] - wanted["", False]) < 0.03


def test_digits_are_written_where_real_ones_are() -> None:
    rows = made()
    digits = [len(login) - len(login.rstrip("0123456789")) for login in rows["login"]]
    assert np.mean(np.array(digits) == 2) > 0.9


def test_full_names_are_written_alike_and_agree() -> None:
    rows = made()
    persons = list(zip(rows["given"], rows["family"]))
    found = dict(name_styles(rows["shown_as"], persons, 1))
    for form in ("{L}, {F}", "Dr. {F} {L}", "{F} {M}. {L}"):
        assert abs(found[Style(form)] / len(INDEX) - 1 / 3) < 0.05


def test_addresses_agree_with_a_full_name_alone() -> None:
    rows = made(names=("shown_as", "mail"))
    persons = [full_name(name) for name in rows["shown_as"]]
    found = shares(local_styles(local(rows["mail"]), persons, 1), len(INDEX))
    assert 0.25 < found["{F}.{L}", True] < 0.36


def test_unique_ones_are_unique_in_any_chunks() -> None:
    whole, tail = made(True), made(True, INDEX[4000:])
    for name in ("mail", "login", "shown_as"):
        assert len(set(whole[name])) == len(INDEX)
        assert whole[name][4000:] == tail[name]


def test_only_shared_domains_are_kept() -> None:
    domains = [mail.split("@")[1] for mail in made()["mail"]]
    assert set(domains) == {"mail.example", *DOMAINS}  # where no address exists
    assert abs(np.mean([d == "mail.example" for d in domains]) - 0.6) < 0.05
    nobodys = [f"x@{name}" for name in ("a.example.org", "shop.test", "counterexample.com")]
    assert [name for name, _ in domains_of(nobodys, 1)] == [
        "a.example.org", "shop.example", "counterexample.example"
    ]  # fmt: skip


@pytest.mark.parametrize("rows", [6, 40])
@pytest.mark.parametrize("unique", [False, True])
def test_words_beside_the_name_are_kept_and_small_tables_agree(unique: bool, rows: int) -> None:
    """As in the demo: ``ann.lee12.staff@…``; styles of few rows become a common one."""
    rng, names = np.random.default_rng(9), pools("en_US")
    people = [(str(rng.choice(names.first)), str(rng.choice(names.last))) for _ in range(rows)]
    mails = [f"{slug(a)}.{slug(b)}{i}.staff@x.test" for i, (a, b) in enumerate(people, 1)]
    if rows < 10:
        mails[:3] = [f"{slug(a)[0]}{slug(b)}@x.test" for a, b in people[:3]]
    real = pa.table({"name": [f"{a} {b}" for a, b in people], "mail": mails})
    alone = [UniqueConstraint(columns=["mail"])] if unique else []
    table = TableConfig(name="staff", pk=["id"], unique=alone)
    kinds = {"name": PiiKind.NAME, "mail": PiiKind.EMAIL}
    fakes = fit_columns(table, kinds, real, PrivacyConfig())
    made = {name: fake.make(INDEX[:300], seed=3).to_pylist() for name, fake in fakes.items()}
    assert not unique or len(set(made["mail"])) == 300
    for name, mail in zip(made["name"], made["mail"]):
        first, last = map(slug, name.split())
        stem = mail.partition("@")[0].replace(".staff", "").rstrip("0123456789")
        assert stem in (f"{first}.{last}", f"{first[0]}{last}")
        assert (".staff@" in mail) == (rows > 10)


def test_what_is_of_others_is_told_apart_by_more_than_one_number() -> None:
    names = pools("en_US")
    people = [(names.first[i % 90], names.last[i % 70]) for i in range(400)]
    mails = [f"{slug(a)}.{slug(b)}@x.test" for a, b in [*people[7:], *people[:7]]]
    real = pa.table({"name": [f"{a} {b}" for a, b in people], "mail": mails})
    alone = [UniqueConstraint(columns=["mail"])]
    kinds = {"name": PiiKind.NAME, "mail": PiiKind.EMAIL}
    table = TableConfig(name="staff", pk=["id"], unique=alone)
    made = fit_columns(table, kinds, real, PrivacyConfig())["mail"].make(INDEX, seed=3).to_pylist()
    assert len(set(made)) == len(INDEX)
    assert len({re.sub(r"\D", "", mail.partition("@")[0]) for mail in made}) > 50


def test_rare_styles_are_not_used() -> None:
    texts = ["lee-ann"] * 4 + ["ann.lee"] * 5
    found = local_styles(texts, [("Ann", "Lee")] * 9, 5)
    assert found == [(Style("{F}.{L}"), 5.0)]


def test_names_that_look_alike_without_a_gap_are_told_apart() -> None:
    names = pools("en_US")
    pair = [f"{a}{b}" for a in names.first_slugs for b in names.last_slugs]
    assert len(set(pair)) < len(pair)
    values = pa.array([f"{slug(a)}{slug(b)}" for a, b in zip(*columns())])
    column = FakeColumn.fit("user_name", TEXT, values, unique=True, persons=list(zip(*columns())))
    logins = column.make(np.arange(len(pair)), seed=1)
    assert len(logins.unique()) == len(pair)


def columns() -> tuple[list[str], list[str]]:
    return real_rows()["given"].to_pylist(), real_rows()["family"].to_pylist()


def test_styles_survive_json() -> None:
    for fake in fitted(True, tuple(KINDS)).values():
        assert again(fake).make(INDEX[:500], 1).equals(fake.make(INDEX[:500], 1))


@pytest.mark.parametrize(
    ("text", "person"),
    [
        ("Lee, Ann", ("Ann", "Lee")),
        ("LEE, ANN M", ("ANN", "LEE")),
        ("Dr. Ann Mary Lee MD", ("Ann", "Lee")),
        ("van der Berg, Ann", ("Ann", "van der Berg")),
        ("Ann", ("", "")),
        ("", ("", "")),
    ],
)
def test_names_in_full_names(text: str, person: tuple[str, str]) -> None:
    assert full_name(text) == person


@pytest.mark.parametrize("capacity", [1, 2, 3, 10, 4097, 600_000])
def test_permutations_are_undone(capacity: int) -> None:
    index = np.arange(min(capacity, 3000), dtype=np.uint64)
    permutation = Permutation(capacity, 5)
    assert (permutation.undo(permutation(index)) == index).all()
