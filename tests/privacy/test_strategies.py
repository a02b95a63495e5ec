"""What becomes of personal columns: by column, consistent, and never a real value."""

from __future__ import annotations

import json
import pickle
import re
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from synthohive import Metadata, PrivacyConfig, PrivacyError, SchemaError, Synthesizer
from synthohive.metrics.report import classifiers
from synthohive.privacy.fake import FakeColumn, _completed, _filled, _json_texts
from synthohive.privacy.places import names_follow
from synthohive.schema import Column, ColumnKind, UniqueConstraint
from synthohive.texts.check_digits import scheme
from tests.events import captured_events

ROWS = 400
KEY = "a very secret phrase"
LUHN, IBAN = scheme("luhn"), scheme("iban")


def people() -> dict[str, pd.DataFrame]:
    from faker import Faker

    source, rng = Faker("de_DE"), np.random.default_rng(1)
    source.seed_instance(1)
    assert LUHN is not None
    assert IBAN is not None
    names = [f"{source.first_name()} {source.last_name()}" for _ in range(ROWS)]
    mails = [f"user{number:05d}@firm.de" for number in rng.permutation(10**5)[:ROWS]]
    customers = pd.DataFrame({
        "id": range(1, ROWS + 1),
        "name": names,
        "email": mails,
        "phone": [f"+49 30 {n:07d}" for n in rng.integers(10**7, size=ROWS)],
        "card": [LUHN.completed(f"4{n:014d}0") for n in rng.integers(10**14, size=ROWS)],
        "iban": [IBAN.completed(f"DE00{n:018d}") for n in rng.integers(10**17, size=ROWS)],
        "member": [LUHN.completed(f"AB{n:08d}0"[2:]) for n in rng.integers(10**8, size=ROWS)],
        "nick": [f"{n:03d}-{'xyz'[n % 3]}" for n in rng.integers(1000, size=ROWS)],
        "segment": rng.choice(["a", "b"], ROWS),
    })  # fmt: skip
    at = rng.integers(ROWS, size=ROWS)
    letters = pd.DataFrame(
        {"id": range(ROWS), "customer": at + 1, "sent_to": [mails[i] for i in at]}
    )
    return {"customers": customers, "letters": letters}


DATA = people()
STRATEGIES: dict[str, dict[str, Any]] = {
    "customers": {
        "name": "format-preserving", "email": "hash", "phone": "drop", "card": "format-preserving",
        "iban": "format-preserving", "member": "format-preserving", "nick": "mask",
    }
}  # fmt: skip


def described() -> Metadata:
    metadata = Metadata().add_table("customers", "id")
    metadata.add_table("letters", "id", fk={"customer": "customers.id"})
    metadata.tables["customers"].unique = [UniqueConstraint(columns=["email"])]
    return metadata


def fitted(**privacy: Any) -> Synthesizer:
    synth = Synthesizer(described(), PrivacyConfig(**privacy), model="autoregressive")
    return synth.fit(DATA, epochs=1, seed=1, progress=False, n_jobs=1)


@pytest.fixture(scope="module")
def synth() -> Synthesizer:
    return fitted(pii_strategies=STRATEGIES, pii_key=KEY)


@pytest.fixture(scope="module")
def made(synth: Synthesizer) -> dict[str, pd.DataFrame]:
    return synth.sample(seed=7)


def test_each_column_has_its_own_strategy(made: dict[str, pd.DataFrame]) -> None:
    customers = made["customers"]
    assert customers["phone"].isna().all()
    assert customers["email"].str.fullmatch("[0-9a-f]{16}").all()
    assert customers["email"].is_unique
    assert set(customers["nick"]) == {"999-x"}
    assert customers["name"].str.fullmatch(r"[A-Z][a-z]+(-[A-Z][a-z]+)? [A-Z][a-z]+").all()


def test_no_real_value_is_left(made: dict[str, pd.DataFrame]) -> None:
    for column in ("name", "email", "card", "iban", "member"):
        assert not set(made["customers"][column]) & set(DATA["customers"][column]), column


@pytest.mark.parametrize("column", ["card", "iban", "member"])
def test_formats_are_kept_with_their_check_digits(
    made: dict[str, pd.DataFrame], column: str
) -> None:
    check = IBAN if column == "iban" else LUHN
    assert check is not None
    assert all(map(check.holds, made["customers"][column]))
    forms = {re.sub("[0-9]", "9", text) for text in made["customers"][column]}
    assert forms == {re.sub("[0-9]", "9", text) for text in DATA["customers"][column]}


@pytest.mark.parametrize(
    ("kind", "usual", "rare", "form"),
    [
        ("user_name", "abc-123", "Q-7777777-Q", r"[a-z]{3}-\d{3}"),
        ("name", "Anna Lee", "Al-Rashid O'Neil", r"[A-Z][a-z]{3} [A-Z][a-z]{2}"),
        ("name", "Анна Ли", "Xx", r"[А-Я][а-я]{3} [А-Я][а-я]"),
        ("email", "ann1@gmail.com", "ann1@tiny.org", r"[a-z]{3}\d@(gmail|home)\.example"),
        ("phone", "(030) 12345", "7-7-7", r"\(\d{3}\) \d{5}"),
        ("text", "note", "Secret 1", r"[a-z]{4}"),
    ],
)
def test_formats_of_few_are_not_kept(kind: str, usual: str, rare: str, form: str) -> None:
    column = Column(name="c", kind=ColumnKind.TEXT)
    values = pa.array([usual] * 60 + [rare] * 4)
    fake = FakeColumn.fit(kind, column, values, strategy="format-preserving", k=5)
    made = fake.make(np.arange(2000), seed=1).to_pylist()
    assert [text for text in made if not re.fullmatch(form, text)] == []
    assert usual not in made
    alone = FakeColumn.fit(kind, column, values, strategy="format-preserving", unique=True)
    assert len(set(alone.make(np.arange(500), seed=1).to_pylist())) == 500


def test_the_report_says_what_became_of_each_column(
    synth: Synthesizer,
    made: dict[str, pd.DataFrame],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(classifiers, "LEAST", ROWS)  # no models
    report = synth.generate_validation_report(DATA, made, tmp_path / "report")
    done = {one.column: one.done for one in report.personal if one.table == "customers"}
    assert done == STRATEGIES["customers"]
    assert report.impossible == {}  # NULL is what a dropped column is to hold


def test_what_repeats_a_column_has_its_values(made: dict[str, pd.DataFrame]) -> None:
    joined = made["letters"].merge(made["customers"], left_on="customer", right_on="id")
    assert (joined["sent_to"] == joined["email"]).mean() > 0.98
    assert made["letters"]["sent_to"].str.fullmatch("[0-9a-f]{16}").all()


def test_with_a_key_the_persons_are_the_same_in_each_run(
    synth: Synthesizer, made: dict[str, pd.DataFrame]
) -> None:
    again, columns = synth.sample(seed=8, scale=0.5), list(STRATEGIES["customers"])
    rows = len(again["customers"])
    pd.testing.assert_frame_equal(again["customers"][columns], made["customers"][columns][:rows])
    assert not again["customers"]["segment"].equals(made["customers"]["segment"][:rows])
    synth.privacy_config = PrivacyConfig(pii_strategies=STRATEGIES, pii_key="another phrase")
    other = synth.sample(seed=7)
    synth.privacy_config = PrivacyConfig(pii_strategies=STRATEGIES, pii_key=KEY)
    assert not set(other["customers"]["email"]) & set(made["customers"]["email"])


def test_the_key_is_never_shown_or_saved(
    synth: Synthesizer, made: dict[str, pd.DataFrame], tmp_path: Path
) -> None:
    config = synth.privacy_config
    with captured_events() as events:
        fresh = fitted(pii_strategies=STRATEGIES, pii_key=KEY)
    assert events
    fresh.save(tmp_path / "saved")
    places = [repr(config), str(config), config.model_dump_json(), repr(synth), str(events)]
    places += [str(pickle.dumps(fresh.fitted_.privacy))]  # type: ignore[union-attr]
    for wrong in ({"pii_key": KEY, "pii_strategy": "burn"}, {"pii_key": 5}, {"pii_key": "short"}):
        with pytest.raises(SchemaError) as caught:
            PrivacyConfig(**wrong)  # type: ignore[arg-type]
        places.append(str(caught.value))
        assert "short" not in str(caught.value).replace("shorter", "")
    assert not [place for place in places if KEY in place]
    for file in (tmp_path / "saved").rglob("*"):
        assert file.is_dir() or KEY.encode() not in file.read_bytes()
    loaded = Synthesizer.load(tmp_path / "saved")
    with pytest.raises(PrivacyError, match=r"no checkpoint holds it.*load\(path, pii_key=…\)"):
        loaded.sample(seed=7)
    loaded = Synthesizer.load(tmp_path / "saved", pii_key=KEY)
    pd.testing.assert_frame_equal(loaded.sample(seed=7)["customers"], made["customers"])


def test_what_each_column_becomes_is_shown_before(
    synth: Synthesizer, made: dict[str, pd.DataFrame]
) -> None:
    shown = synth.preview_personal(seed=7)
    frame = shown.frame().set_index(["table", "column"])
    given = {(t, c): s for t, columns in STRATEGIES.items() for c, s in columns.items()}
    assert frame["strategy"].to_dict() == {**given, ("letters", "sent_to"): "hash"}
    for (table, column), examples in frame["examples"].items():
        first = made["customers"][{"sent_to": "email"}.get(column, column)][:3]
        assert list(examples) == first.fillna("NULL").tolist(), column
        real = set(DATA[table][column]) - {"999-x"}
        assert not real & set(examples)
    assert frame.loc[("letters", "sent_to"), "consistent_with"] == ("customers.email",)
    assert "98% of values fit" in str(shown) or "by its name" in str(shown)
    assert "<td>customers.email</td>" in shown._repr_html_()


def test_what_is_about_one_person_is_shown_together(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = fitted(pii_strategies={"customers": {"phone": "keep"}})
    frame = other.preview_personal(seed=3).frame().set_index("column")
    assert "customers.email" in frame.loc["name", "consistent_with"]
    assert frame.loc["name", "locale"] == "de_DE"
    assert frame.loc["phone", ["strategy", "examples"]].tolist() == ["keep", ()]
    monkeypatch.setattr(classifiers, "LEAST", ROWS)  # no models
    report = other.generate_validation_report(DATA, DATA, tmp_path / "report")
    phone = next(one for one in report.personal if one.column == "phone")
    assert (phone.done, phone.copied) == ("keep", None)
    assert "customers.phone" in report.scores  # what is kept is learned, and compared


def test_a_column_with_a_strategy_of_its_own_is_made_for_itself() -> None:
    own: dict[str, Any] = {"customers": {"email": "keep"}, "letters": {"sent_to": "hash"}}
    made = fitted(pii_strategies=own).sample(seed=7)
    assert made["letters"]["sent_to"].str.fullmatch("[0-9a-f]{16}").all()
    assert not made["customers"]["email"].str.fullmatch("[0-9a-f]{16}").any()


@pytest.mark.parametrize(
    ("strategies", "told"),
    [
        ({"customers": {"email": "drop"}}, "customers.email is to be dropped, but it must not"),
        ({"costumers": {"email": "drop"}}, "pii_strategies names the table 'costumers'"),
        ({"customers": {"mail": "hash"}}, "no column 'mail'"),
        ({"letters": {"customer": "hash"}}, "no strategy of its own"),
        ({"customers": {"email": "burn"}}, "pii_strategies.customers.email"),
    ],
)
def test_what_cannot_be_is_refused(strategies: dict[str, Any], told: str) -> None:
    data = {name: frame.head(60) for name, frame in DATA.items()}
    data["letters"] = data["letters"].assign(customer=range(1, 61))
    metadata = described()
    metadata.tables["customers"].columns = {
        "id": Column(name="id", kind=ColumnKind.INTEGER),
        **{
            column: Column(name=column, kind=ColumnKind.TEXT, nullable=False)
            for column in data["customers"].columns.drop("id")
        },
    }
    with pytest.raises((PrivacyError, SchemaError), match=told):
        Synthesizer(metadata, PrivacyConfig(pii_strategies=strategies)).fit(
            data, epochs=1, seed=1, progress=False, n_jobs=1
        )


@pytest.mark.parametrize("nullable", [True, False])
def test_dropped_columns_keep_not_null(nullable: bool) -> None:
    frame = DATA["customers"][["id", "name"]].head(60)
    metadata = Metadata().add_table("t", "id")
    metadata.tables["t"].columns = {
        "id": Column(name="id", kind=ColumnKind.INTEGER, nullable=False),
        "name": Column(name="name", kind=ColumnKind.TEXT, nullable=nullable),
    }
    alone = Synthesizer(metadata, PrivacyConfig(pii_strategy="drop"))
    alone.fit({"t": frame}, epochs=1, seed=1, progress=False, n_jobs=1)
    made = alone.sample(seed=1, output_format="arrow")["t"].column("name").to_pylist()
    assert set(made) == {None if nullable else ""}


def test_documents_written_at_once_are_those_written_one_by_one() -> None:
    shape = {
        'a "key"': "string", "n": ["number", "integer", None, "boolean"],
        "b": {"c": "string", "é": "boolean"}, "left": ["string", "number"],
    }  # fmt: skip
    leaves = [["x", 'q"\\', "\t", "ü"], [1, 250, -3, 10**9], [7, 8, 9, 10], ["a", "b", "c", "d"]]
    flags = np.arange(4, dtype=np.uint64)
    made = _json_texts(shape, [pa.array(leaf) for leaf in leaves], flags).to_pylist()
    rows = zip(zip(*leaves), flags.tolist())
    assert made == [json.dumps(_filled(shape, r, f), ensure_ascii=False) for r, f in rows]


@pytest.mark.parametrize("name", ["luhn", "verhoeff", "iban"])
def test_check_digits_of_many_are_those_of_each(name: str) -> None:
    check = scheme(name)
    assert check is not None
    lead = "GB00AB" if name == "iban" else ""
    numbers = np.random.default_rng(1).integers(10**14, size=500)
    texts = pa.array([f"{lead}{n:014d}" for n in numbers])
    assert all(map(check.holds, _completed(check, texts).to_pylist()))


def test_names_go_by_the_domain_of_the_address_where_no_country_stands_beside() -> None:
    from faker import Faker

    rows: list[tuple[str, str]] = []
    for number, (locale, domain) in enumerate(
        [("de_DE", "web.de"), ("pl_PL", "onet.pl"), ("de_DE", "tool.io")] * 200
    ):
        source = Faker(locale)
        source.seed_instance(number)
        rows.append((f"{source.first_name()} {source.last_name()}", f"u{number}@{domain}"))
    frame = pd.DataFrame(rows, columns=["name", "email"]).assign(id=range(len(rows)))
    alone = Synthesizer(Metadata().add_table("t", "id"), model="autoregressive")
    alone.fit({"t": frame}, epochs=1, seed=1, progress=False, n_jobs=1)
    made = alone.sample(seed=3)["t"]
    domain = made["email"].str.split("@").str[1]  # of nobody
    assert set(domain) == {"web.example", "onet.example", "tool.example"}
    lands = domain.map({"web.example": "DE", "onet.example": "PL"}).dropna()
    assert names_follow(made["name"][lands.index], lands)
