"""What consoles, notebooks and misspellings show: short, escaped, and with what was meant."""

from __future__ import annotations

from collections.abc import Callable
from html.parser import HTMLParser
from typing import Any

import pandas as pd
import pytest
from sqlalchemy import create_engine

from synthohive import Constraint, ForeignKey, Metadata, PrivacyConfig, Synthesizer, TableConfig
from synthohive.exceptions import SchemaError

META, FRAME = Metadata().add_table("t"), pd.DataFrame({"a": [1]})
MARKUP = "<script>alert('&')</script>"


class Page(HTMLParser):
    """Collects the tags and the texts of cells."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.texts: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: Any) -> None:
        self.tags.add(tag)
        self.texts.append(dict(attrs).get("srcdoc") or "")

    def handle_data(self, data: str) -> None:
        self.texts.append(data)


def wide(tables: int) -> Metadata:
    meta = Metadata()
    for number in range(tables):
        meta.add_table(f"table_{number}", "id", columns={
            f"c{i}": {"name": f"c{i}", "kind": "text"} for i in range(50)})  # fmt: skip
    return meta


@pytest.fixture(scope="module")
def fitted() -> Synthesizer:
    meta = Metadata().add_table(MARKUP, "id").add_table("b", "id", fk={"a": f"{MARKUP}.id"})
    frame = pd.DataFrame({"id": range(40), MARKUP: ["<i>x", "y"] * 20})
    child = pd.DataFrame({"id": range(40), "a": range(40), "mail": ["a@b.example"] * 40})
    data = {MARKUP: frame, "b": child}
    return Synthesizer(meta, model="autoregressive").fit(data, epochs=1, seed=1, progress=False)


def test_reprs_are_short(fitted: Synthesizer) -> None:
    assert repr(wide(300)).startswith("Metadata(300 tables, 0 foreign keys: table_0, table_1, ")
    assert len(repr(wide(300))) < 150
    assert repr(Synthesizer(wide(1))) == "Synthesizer(1 table, model='ctgan', not fitted)"
    assert repr(fitted) == "Synthesizer(2 tables, model='autoregressive', fitted)"


def test_notebooks_show_tables_and_no_markup_of_names(fitted: Synthesizer) -> None:
    for shown in (fitted, fitted.metadata):
        page = Page(shown._repr_html_())
        assert page.tags == {"table", "caption", "thead", "tbody", "tr", "th", "td"}
        assert {MARKUP, "b", f"b(a) -> {MARKUP}(id)"} <= set(page.texts)
    assert "mail" in Page(fitted._repr_html_()).texts  # personal
    assert "299" not in Page(Metadata()._repr_html_()).texts


def test_notebooks_show_summary_and_report(fitted: Synthesizer, tmp_path: Any) -> None:
    summary = fitted.to_database(f"sqlite:///{tmp_path / 'x.db'}", seed=1)
    page = Page(summary._repr_html_())
    assert page.tags == {"table", "caption", "thead", "tbody", "tr", "th", "td"}
    assert {MARKUP, "b", "40"} <= set(page.texts)
    made = fitted.sample(seed=1)
    report = fitted.generate_validation_report(made, made, tmp_path / "r.html")
    page = Page(report._repr_html_())
    assert page.tags == {"iframe"}
    assert page.texts[0].startswith("<!DOCTYPE html>")
    assert MARKUP not in page.texts[0]
    assert len(repr(report)) < 2000


@pytest.mark.parametrize(
    ("call", "found", "hint"),
    [
        (lambda: PrivacyConfig(pii_strateg="x"), "no field 'pii_strateg'", "pii_strategy"),  # type: ignore[call-arg]
        (lambda: setattr(PrivacyConfig(), "local", "x"), "no field 'local'", "locale"),
        (lambda: TableConfig(name="t", pii_col=["x"]), "no field 'pii_col'", "pii_cols"),  # type: ignore[call-arg]
        (lambda: Metadata().add_table("t", "id", uniqe=[]), "'t'.* no field 'uniqe'", "unique"),
        (lambda: Metadata().add_table("t", foreign_keys=[{"colums": ["a"]}]), "colums", "columns"),
        (lambda: Constraint(maximum=1), "no field 'maximum'", "max"),  # type: ignore[call-arg]
        (lambda: ForeignKey(columns=["a"], parnt="b"), "no field 'parnt'", "parent"),  # type: ignore[call-arg]
        (lambda: Synthesizer(META).fit({"t": FRAME}, epoch=1), "no setting 'epoch'", "epochs"),
    ],
)  # fmt: skip
def test_misspellings_are_told(call: Callable[[], Any], found: str, hint: str) -> None:
    with pytest.raises(SchemaError, match=found) as caught:
        call()
    assert f"Did you mean {hint!r}?" in str(caught.value.hint)


@pytest.mark.parametrize(
    "given", ["sqlite:///x", "postgresql://u:secret@h/d", create_engine("sqlite://")]
)
def test_a_database_is_no_metadata(given: Any) -> None:  # fmt: skip
    with pytest.raises(SchemaError, match=r"Synthesizer\.from_database\(url\)") as caught:
        Synthesizer(given)
    assert "secret" not in str(caught.value)
    with pytest.raises(SchemaError, match=r"Metadata\.from_database\(url\)"):
        Metadata(given)


def test_fields_have_names() -> None:
    with pytest.raises(SchemaError, match=r"Write PrivacyConfig\(pii_strategy=…\)"):
        PrivacyConfig("mask")
