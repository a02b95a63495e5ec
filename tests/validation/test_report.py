from __future__ import annotations

import datetime as dt
import json
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from synthohive.exceptions import SchemaError
from synthohive.schema import Metadata
from synthohive.validation.report import ValidationReport, build_report

START = dt.datetime(2020, 1, 1)
VOID = {"meta", "path", "br"}


class Page(HTMLParser):
    """Checks that tags are balanced, and collects links, text and ids."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.sources: list[str] = []
        self.tags: list[str] = []

    def handle_starttag(self, tag: str, attrs: list) -> None:
        self.tags.append(tag)
        self.sources += [v for n, v in attrs if n in ("src", "href", "srcset", "xlink:href")]
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list) -> None:
        self.tags.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def tables(seed: int, rows: int = 300) -> dict[str, pa.Table]:
    rng = np.random.default_rng(seed)
    city = rng.choice(["Ulm", "Bonn", "<b>Köln</b>"], rows)
    customer = pa.table(
        {
            "id": np.arange(rows),
            "city": city,
            "size": rng.normal(size=rows) + (city == "Ulm"),
            "since": [
                dt.datetime(2020, 1, 1) + dt.timedelta(hours=int(h))
                for h in rng.integers(0, 9999, rows)
            ],
            "note": [f"note {i}" for i in rng.integers(0, 10**9, rows)],
            "email": [f"u{seed}{i}@x.de" for i in range(rows)],
        }
    )
    order = pa.table({"id": np.arange(rows), "customer_id": rng.integers(0, rows, rows)})
    return {"customer": customer, "orders": order}


@pytest.fixture(scope="module")
def metadata() -> Metadata:
    return (
        Metadata()
        .add_table("customer", "id")
        .add_table("orders", "id", fk={"customer_id": "customer.id"})
    )


@pytest.fixture(scope="module")
def report(metadata: Metadata) -> ValidationReport:
    return build_report(
        metadata,
        tables(1),
        tables(2),
        personal={"customer": ["email"]},
        copied_rows={"customer": 0.0},
        copied_values={"customer.email": 0.125},
    )


def test_figures(report: ValidationReport) -> None:
    assert set(report.scores) == {f"customer.{c}" for c in ("city", "size", "since", "note")}
    assert report.distance < 0.15
    assert report.orphans == 0
    assert [key.label for key in report.keys] == ["orders(customer_id) -> customer(id)"]
    assert "0 rows without a parent over 1 foreign key" in report.verdict
    assert "12.50% of a column's personal values are real" in str(report)


def test_orphans_are_counted(metadata: Metadata) -> None:
    made = tables(2)
    made["customer"] = made["customer"].slice(0, 150)
    report = build_report(metadata, tables(1), made)
    assert report.orphans > 50
    assert 'class="verdict poor"' in report.to_html()


def test_html_is_whole_and_self_contained(report: ValidationReport) -> None:
    html = report.to_html()
    page = Page()
    page.feed(html)
    assert page.open == []
    assert page.sources
    assert all(source.startswith("#") for source in page.sources)
    assert not {"script", "link", "img", "iframe"} & set(page.tags)
    assert "url(" not in html
    assert "@import" not in html
    assert "&lt;b&gt;Köln&lt;/b&gt;" in html
    assert "prefers-color-scheme: dark" in html
    assert html.count("<svg") == 5  # four columns and one map of associations


def test_written_files(report: ValidationReport, tmp_path: Path) -> None:
    path = report.write(tmp_path / "new" / "report")
    assert path.name == "report.html"
    body = json.loads(path.with_suffix(".json").read_text(encoding="utf-8"))
    assert body["distance"] == report.distance
    assert {c["name"] for t in body["tables"] for c in t["columns"]} == {
        "city", "size", "since", "note",
    }  # fmt: skip
    assert path.read_text(encoding="utf-8") == report.to_html()


def test_rare_values_are_pooled(metadata: Metadata) -> None:
    real = tables(1)
    towns = pa.array(["Ulm"] * 296 + ["Kleinkleckersdorf"] * 4)
    real["customer"] = real["customer"].set_column(1, "city", towns)
    report = build_report(metadata, real, tables(2))
    assert "Kleinkleckersdorf" not in report.to_html() + report.to_json()
    assert "(other)" in report.to_html()


def test_empty_tables(metadata: Metadata) -> None:
    empty = {name: table.slice(0, 0) for name, table in tables(1).items()}
    assert build_report(metadata, empty, empty).distance == 0.0
    assert "Too few real values" in build_report(metadata, empty, tables(2)).to_html()


def test_what_is_missing_is_named(metadata: Metadata) -> None:
    real = tables(1)
    with pytest.raises(SchemaError, match="'orders' in the synthetic data"):
        build_report(metadata, real, {"customer": real["customer"]})
    with pytest.raises(SchemaError, match=r"orders\.customer_id is missing from the real data"):
        build_report(metadata, {**real, "orders": real["orders"].drop(["customer_id"])}, real)


def test_five_hundred_columns() -> None:
    rng = np.random.default_rng(0)
    wide = pa.table({f"c{i}": rng.normal(size=200) for i in range(500)})
    metadata = Metadata().add_table("wide")
    page = Page()
    page.feed(build_report(metadata, {"wide": wide}, {"wide": wide}).to_html())
    assert page.open == []
    assert page.tags.count("li") == 500
