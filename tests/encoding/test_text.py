"""What made-up text and JSON look like."""

from __future__ import annotations

import json
import re
import uuid
from collections import Counter
from typing import Any, Optional

import numpy as np
import pyarrow as pa
import pytest

from synthohive.encoding.base import ColumnTransform, EncoderSettings, Reject
from synthohive.encoding.json import Json
from synthohive.encoding.registry import fit_column
from synthohive.encoding.text import Text
from synthohive.encoding.vocabulary import joined, tokens_of
from synthohive.privacy.gazetteer import cities_of, regions_of
from synthohive.schema import Column
from synthohive.texts.words import agents_like, things, vocabulary_of
from tests.contracts.column_transform import SEED, stream

ROWS = 1_000


def random_uuid(seed: int) -> uuid.UUID:
    return uuid.UUID(bytes=stream(seed).bytes(16), version=4)


def made_up(kind: type[ColumnTransform], texts: list[Optional[str]], **more: Any) -> list[str]:
    column = Column(name="t", kind="json" if kind is Json else "text", **more)
    transform = kind(column, EncoderSettings())
    values = pa.array(texts, type=pa.string())
    transform.fit(transform.analyze(values, None), SEED)
    codes, floats = transform.encode(values, stream())
    made: list[str] = transform.decode(codes, floats, stream()).to_pylist()
    return made


def test_templates_are_kept() -> None:
    made = made_up(Text, [f"Order#{i:07d}-DE" for i in range(ROWS)])
    assert all(re.fullmatch(r"Order#000\d{4}-DE", text) for text in made)
    assert len(set(made)) > ROWS // 2


def test_hashes_of_passwords_keep_what_they_begin_with() -> None:
    letters = np.array(list("./0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"))
    real = ["$2a$12$" + "".join(stream(i).choice(letters, 53)) for i in range(ROWS)]
    made = made_up(Text, [*real])
    assert all(re.fullmatch(r"\$2a\$12\$[./0-9A-Za-z]{53}", text) for text in made)
    assert not set(made) & set(real)


def test_runs_of_varying_length() -> None:
    texts = [f"{'x' * (i % 4 + 1)}-{i}" for i in range(ROWS)]
    assert all(re.fullmatch(r"x{1,4}-\d{1,3}", text) for text in made_up(Text, texts))


def test_running_text_uses_only_shared_words() -> None:
    words = np.array(["the", "fast", "final", "account", "sleeps"])
    texts: list[Optional[str]] = [" ".join(words[stream(i).integers(0, 5, 6)]) for i in range(ROWS)]
    texts[7] = "the account of Mister Xylander"
    made = made_up(Text, texts)
    assert not {w for t in made for w in t.split()} & {"Mister", "Xylander"}
    assert {w for t in made for w in t.split()} >= set(words)


def test_empty_and_null_stay_apart() -> None:
    texts = [None if i % 3 == 0 else "" if i % 3 == 1 else f"k{i}" for i in range(300)]
    made = made_up(Text, texts)
    assert [t is None for t in made] == [t is None for t in texts]
    assert [t == "" for t in made] == [t == "" for t in texts]


@pytest.mark.parametrize("alphabet", ["äöüß", "жзий", "漢字仮名", "😀😁😂🤣"])
def test_charset_is_preserved(alphabet: str) -> None:
    rng = stream()
    letters = np.array(list(alphabet))
    texts = ["".join(letters[rng.integers(0, 4, rng.integers(3, 20))]) for _ in range(ROWS)]
    assert set("".join(made_up(Text, texts))) == set(alphabet)


def test_length_is_respected() -> None:
    texts = ["abc def ghi jkl"[: i % 15 + 1] + str(i) for i in range(ROWS)]
    assert max(map(len, made_up(Text, texts, length=9))) <= 9


def test_json_keeps_structure_types_and_ranges() -> None:
    rng = stream()
    texts = [
        json.dumps(
            {
                "n": int(rng.integers(10, 90)),
                "price": round(float(rng.gamma(2, 10)), 2),
                "tags": ["new", "old"][: int(rng.integers(1, 3))],
                "who": {"lang": "de", 'key "x"': f"N{i}"},
                "ok": bool(rng.random() < 0.9),
            }
        )
        for i in range(ROWS)
    ]
    for value in map(json.loads, made_up(Json, texts)):
        assert list(value) == ["n", "price", "tags", "who", "ok"]
        assert 10 <= value["n"] < 90
        assert round(value["price"], 2) == value["price"]
        assert 1 <= len(value["tags"]) <= 2
        assert set(value["tags"]) <= {"new", "old"}
        assert value["who"]["lang"] == "de"
        assert re.fullmatch(r"N\d{1,3}", value["who"]['key "x"'])


def test_text_that_is_no_json_is_rejected() -> None:
    with pytest.raises(Reject):
        made_up(Json, ["{not json"] * 50)


def test_escapes_stay_valid() -> None:
    texts = [json.dumps({"path": f'C:\\{i}\t"{i}"\n'}) for i in range(ROWS)]
    assert all(json.loads(text)["path"].startswith("C:\\") for text in made_up(Json, texts))


TITLES = ["Ms."] * 4 + ["Mr."] * 3 + ["Dr.", "Mrs."]
DAYS = ["Monday"] * 4 + ["Tuesday"] * 4 + ["Friday"] * 2
LANDS = "Germany Mexico UK Sweden France Spain Canada Argentina Brazil Austria Italy".split() * 3


@pytest.mark.parametrize("texts", [TITLES, DAYS, LANDS, ["WA", "OR", "CA", "ID", "NM", "WY"]])
def test_rare_words_of_a_public_vocabulary_become_others_of_it(texts: list[str]) -> None:
    column, settings = Column(name="t", kind="text"), EncoderSettings()
    values = pa.array(texts)
    transform = fit_column(column, settings, values, None, SEED)
    public = vocabulary_of(texts)
    assert public is not None
    codes, floats = transform.encode(pa.array(texts * 100), stream())
    made = transform.decode(codes, floats, stream()).to_pylist()
    assert set(made) <= set(public)
    assert len(set(made)) > len(set(texts)) // 2
    # No real word is its own: what comes out does not hang on which rare one went in.
    again, _ = transform.encode(pa.array([texts[-1]] * 100 * len(texts)), stream())
    assert np.array_equal(codes, again)


STAFF = ["Sales Assistant"] * 34 + ["Team Lead"] * 4 + ["Head of Sales", "Trainee"]
DOCTORS = ["Kardiologe", "Chirurg", "Kinderarzt", "Internist", "Radiologe", "HNO-Arzt"] * 4


@pytest.mark.parametrize("texts", [STAFF, DOCTORS, ["boucher", "avocat", "boulanger", "botaniste"]])
def test_rare_titles_of_jobs_become_public_ones_as_many_and_as_often(texts: list[str]) -> None:
    column = Column(name="t", kind="text")
    transform = fit_column(column, EncoderSettings(), pa.array(texts), None, SEED)
    codes, floats = transform.encode(pa.array(texts * 100), stream())
    made = Counter(transform.decode(codes, floats, stream()).to_pylist())
    real = Counter(texts)
    assert len(made) == len(real)
    assert set(made) <= set(vocabulary_of(texts) or ())
    for one, other in zip(sorted(made.values()), sorted(real.values())):
        assert abs(one / 100 - other) <= 0.35 * other


def test_what_stands_in_for_what_few_entities_hold_goes_with_no_row_of_theirs() -> None:
    texts = ["Sales Assistant"] * 37 + ["Team Lead", "Head of Sales", "Trainee"]
    column = Column(name="t", kind="text")
    transform = fit_column(column, EncoderSettings(), pa.array(texts), None, SEED)
    codes = [transform.encode(pa.array(texts), stream(i))[0][:, 0] for i in range(200)]
    rare = np.stack(codes) == 1
    assert rare.sum() == 600  # the share stays
    assert rare[:, 37:].mean() < 0.15  # of 3 / 40 by chance, not 1


def test_half_shared_words_stand_in_for_the_rest() -> None:
    texts = ["Blue Whale"] * 6 + ["Grey Whale", "Killer Whale", "Sperm Whale"]
    column = Column(name="t", kind="text")
    transform = fit_column(column, EncoderSettings(), pa.array(texts), None, SEED)
    codes, floats = transform.encode(pa.array(texts), stream())
    assert set(transform.decode(codes, floats, stream()).to_pylist()) == {"Blue Whale"}


@pytest.mark.parametrize(
    ("texts", "form"),
    [
        ([str(random_uuid(i)) for i in range(90)], "[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}"),
        ([random_uuid(i).hex[:16] for i in range(90)], "[0-9a-f]{16}"),
        (["http://www.exotic.com/a", "http://mayumi.jp/", "https://x.org/b?c=1"], r"https?://\S+"),
        (["(503) 555-9831", "(503) 555 3199", "503-555-9931"], r"\(\d{3}\) \d{3}-\d{4}"),
        ("Berlin London Paris Madrid Luleå Bern Aachen Nantes Graz".split(), "[A-ZÀ-Ü][a-zà-ü]+"),
    ],
)
def test_codes_and_addresses_keep_a_form(texts: list[str], form: str) -> None:
    made = made_up(Text, list(texts))
    assert not [text for text in made if not re.fullmatch(form, text)]
    assert not set(made) & set(texts)


def test_words_of_one_shape_become_words() -> None:
    texts = "Books Tools Games Audio Water Plant Phone Sport Piano Lamps Couch Chair".split()
    assert {text.lower() for text in made_up(Text, list(texts))} <= set(things(texts))


def test_names_of_files_are_words_with_a_usual_ending() -> None:
    words = [w for w in things([]) if len(w) > 4][::7]
    texts = [f"{word}.{('pdf', 'png', 'docx', 'csv')[i % 4]}" for i, word in enumerate(words[:200])]
    for text in made_up(Text, list(texts)):
        word, _, ending = text.partition(".")
        assert word in things([]), text
        assert ending in {"pdf", "png", "docx", "csv"}, text


def test_rare_user_agents_become_usual_ones() -> None:
    rare = [f"Mozilla/5.0 (X11; Linux; U; {i}) Presto/2.{i} Version/{i}.0" for i in range(300)]
    transform = fit_column(
        Column(name="t", kind="text"), EncoderSettings(), pa.array(rare), None, SEED
    )
    codes, floats = transform.encode(pa.array(rare), stream())
    made = set(transform.decode(codes, floats, stream()).to_pylist())
    assert made <= set(agents_like(rare) or ())
    assert len(made) > 100


def test_cities_become_words() -> None:
    cities = "Berlin London Paris Madrid Luleå Mannheim Strasbourg Bern Aachen Nantes Graz".split()
    known = set(things(cities)) | {"london"}
    assert {text.lower() for text in made_up(Text, [*cities, *["London"] * 5])} <= known


def test_words_of_a_few_texts_stand_apart() -> None:
    texts = ["Exotic Liquids", "New Orleans Cajun Delights", "Grandma Kellys Homestead"]
    texts += ["Tokyo Traders", "Specialty Biscuits", "Pavlova Limited", "Zaanse Snoepfabriek"]
    made = made_up(Text, texts + [text.lower() for text in texts])
    assert not [text for text in made if re.search(r"[a-z][A-Z]", text)]
    known = set(things(texts)) | {word for t in texts for word in t.lower().split()}
    assert {word.lower() for text in made for word in text.split()} <= known


CLUBS = ["FC", "SV", "TSV", "VfL"]


def test_rare_names_in_texts_become_names_of_their_kind_and_country() -> None:
    towns = [c for c in cities_of("DE 02") if c.isalpha()][5:125]
    texts = [f"{CLUBS[i % 4]} {town}" for i, town in enumerate(towns)]
    texts += [f"SV Xqwurtz{chr(97 + i % 26)}" for i in range(20)]  # of no list
    found = [text.partition(" ") for text in made_up(Text, texts)]
    assert {club for club, _, _ in found} <= set(CLUBS)
    german = [any(r.startswith("DE") for r in regions_of(town)) for _, _, town in found]
    assert np.mean(german) > 0.95
    assert len({town for _, _, town in found} - {*towns}) > 30


def test_names_of_several_words_or_in_chinese_characters_are_one() -> None:
    assert joined(tokens_of("University of San Diego"), {" Diego"})[-1] == " San Diego"
    assert joined(tokens_of("San Diego"), set()) == ["San", " Diego"]  # both are shared
    assert joined(tokens_of("斉藤食品"), {"斉"}) == ["斉藤", "食", "品"]


def test_made_up_texts_repeat_as_often_as_real_ones() -> None:
    towns = [c for c in cities_of("US OH") if c.isalpha()][:60]
    texts = [f"{town} Field" for town in towns for _ in range(4)]
    found = made_up(Text, texts)
    assert not {*found} & {"Field"}
    assert 40 <= len({*found}) <= 70
