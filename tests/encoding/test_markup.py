"""XML and HTML come out well-formed, with their structure and without rare values."""

from __future__ import annotations

import json
import re
from typing import Any, Optional
from xml.dom.minidom import parseString

import numpy as np
import pyarrow as pa
import pytest

from synthohive.encoding.base import ColumnTransform, EncoderSettings
from synthohive.encoding.json import Json, Markup
from synthohive.encoding.registry import fit_column
from synthohive.privacy.detect import kind_of
from synthohive.privacy.fake import FakeColumn
from synthohive.privacy.kinds import PiiKind
from synthohive.schema import Column
from synthohive.texts.documents import is_document, markup_of, read_markup

RNG = np.random.default_rng


@pytest.mark.parametrize(
    ("text", "written"),
    [
        ("<a>83</a>", None),
        ('<r xmlns="urn:x" xmlns:p="http://x?a=1&amp;b"><p:y k="v">é</p:y><p:y k=""/></r>', None),
        ("<?xml version='1.0'?>\n<r>\n <y/>\n</r>", "<?xml version='1.0'?>\n<r>\n  <y/>\n</r>"),
        ("<r><![CDATA[<&>]]><!-- a person --><?go now?></r>", "<r>&lt;&amp;&gt;</r>"),
        ("a <i></i> <br>d<br/><img src=x.png>", 'a <i></i> <br>d<br/><img src="x.png">'),
        ("<l q='1'/><l q='2'>t</l><m/><l q='&lt;'/>", '<l q="1"/><l q="2">t</l><m/><l q="&lt;"/>'),
        ("<!DOCTYPE html><p hidden>x</p>", None),
        ("<link>http://x.example</link>", None),
    ],
)  # fmt: skip
def test_markup_is_read_and_written(text: str, written: Optional[str]) -> None:
    assert markup_of(read_markup(text)) == (written or text)
    assert json.loads(json.dumps(read_markup(text))) == read_markup(text)


@pytest.mark.parametrize(
    "text",
    [
        "a < b",
        "<a><b></a></b>",
        "<a>1</a",
        "</a>",
        '<a x="1" x="2"/>',
        "<a x=>",
        "<!--",
        "<a>" * 99,
    ],
)
def test_what_is_no_markup(text: str) -> None:
    with pytest.raises(ValueError, match=r"markup|element|attributes"):
        read_markup(text)
    assert not is_document(text)
    assert not is_document("3")
    assert not is_document("word")


def learned(texts: list[str], **facts: Any) -> tuple[ColumnTransform, list[str]]:
    column = Column(name="doc", kind="text", **facts)
    settings, values = EncoderSettings(k=5), pa.array(texts)
    transform = fit_column(column, settings, values, None, np.random.SeedSequence(1))
    codes, floats = transform.encode(values, RNG(2))
    return transform, transform.decode(codes, floats, RNG(3)).to_pylist()


def documents(n: int = 300) -> list[str]:
    rng = RNG(1)
    return [
        f'<order id="{i}"><state>{"open" if i % 3 else "paid"}</state>{"<gift/>" if i % 4 else ""}'
        f"<note>{'Xylophonia' if i == 7 else i} &amp; word</note>"
        f"<on>2024-01-{rng.integers(10, 29)}</on>"
        + "".join(f"<line>{rng.integers(1, 9)}</line>" for _ in range(rng.integers(1, 4)))
        + "</order>"
        for i in range(n)
    ]


def test_structures_and_shared_leaves_are_kept() -> None:
    real = documents()
    transform, made = learned(real)
    assert isinstance(transform, Markup)
    trees = [parseString(text).documentElement for text in made]
    states = {tree.getElementsByTagName("state")[0].firstChild.data for tree in trees}  # type: ignore[union-attr]
    assert states == {"open", "paid"}
    for tag in ("gift", "line"):
        counts = [[text.count(f"<{tag}") for text in part] for part in (real, made)]
        assert np.bincount(counts[0]) / 300 == pytest.approx(np.bincount(counts[1]) / 300, abs=0.08)
    days = [re.search("<on>2024-01-([12].)</on>", text) for text in made]
    assert all(days)
    assert "Xylo" not in " ".join(made)


def test_pages_without_a_shared_structure_keep_their_outer_elements() -> None:
    rng = RNG(1)
    tags = [rng.choice(["b", "i", "u", "s"], 12) for _ in range(300)]
    inside = ["".join(f"<{tag}>word {tag}</{tag}>" for tag in row) for row in tags]
    some = [f"<p>{text}</p><p>an end</p>" for text in inside]
    transform, made = learned(some)
    assert isinstance(transform, Markup)
    assert transform.depth_ == 1
    assert all(text.count("<p>") == 2 for text in made)
    assert all(parseString(f"<x>{text}</x>") for text in made)


def test_lengths_fit_and_json_in_texts_stays_json() -> None:
    real = documents()
    length = max(map(len, real))
    assert max(map(len, learned(real, length=length)[1])) <= length
    transform, made = learned([json.dumps({"a": i, "b": ["x"] * (i % 3)}) for i in range(99)])
    assert isinstance(transform, Json)
    assert {len(json.loads(text)["b"]) for text in made} == {0, 1, 2}


@pytest.mark.parametrize(
    ("kind", "type_", "text", "made"),
    [
        ("composite", None, '{"a": %d, "b": [1]}', {"a": None, "b": None}),
        ("json", "STRUCT(a INTEGER)", '{"a": %d}', {"a": None}),
        ("array", "INTEGER[2]", "[1, %d]", [None, None]),
        ("array", "INTEGER[]", "[%d]", []),
        ("json", "JSON", '{"a": %d}', {}),
    ],
)
def test_without_a_shared_structure_the_type_is_kept(
    kind: Any, type_: Optional[str], text: str, made: Any
) -> None:
    column = Column(name="doc", kind=kind, sql_type=type_)
    values = pa.array([text % i for i in range(3)])
    transform = fit_column(column, EncoderSettings(k=5), values, None, np.random.SeedSequence(1))
    codes, floats = transform.encode(values, RNG(2))
    assert json.loads(transform.decode(codes, floats, RNG(3))[0].as_py()) == made


def test_persons_in_markup_are_made_up() -> None:
    names = ["Ada Lovelace", "Alan Turing", "Grace Hopper", "Mary Jackson", "John Smith"]
    real = [
        f'<order at="{i}"><customer>{names[i % 5]}</customer>'
        f"<mail>{names[i % 5][:3]}{i}@post.com</mail></order>"
        for i in range(200)
    ]
    column = Column(name="address", kind="text")
    assert kind_of(column, real) is PiiKind.JSON
    assert kind_of(column, documents()) is None
    made = FakeColumn.fit(PiiKind.JSON, column, pa.array(real)).make(np.arange(200), 1).to_pylist()
    assert not set(made) & set(real)
    for text in made:
        tree = parseString(text).documentElement
        assert [node.tagName for node in tree.childNodes] == ["customer", "mail"]  # type: ignore[union-attr]
        assert tree.childNodes[1].firstChild.data.endswith(".example")  # type: ignore[union-attr]
    assert not any(name.split()[1] in text for text in made[:5] for name in names[:2])
