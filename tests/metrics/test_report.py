from __future__ import annotations

import datetime as dt
import json
from functools import cache
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from synthohive.exceptions import SchemaError
from synthohive.metrics.report import ValidationReport, build_report, verdict
from synthohive.metrics.report.frame import Figure
from synthohive.metrics.report.histograms import histogram
from synthohive.metrics.report.keys import fan_out_chart
from synthohive.schema import Column, ColumnKind, Metadata

START = dt.datetime(2020, 1, 1)
VOID = {"meta", "br", "link", "wbr", "input"}


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


def shop(rows: int = 100) -> dict[str, pa.Table]:
    """Return orders with dates, some as text, codes, a document and a unique pair."""
    day = [dt.date(2024, 1, 1) + dt.timedelta(i % 90) for i in range(rows)]
    return {
        "orders": pa.table(
            {
                "id": np.arange(rows),
                "customer": np.arange(rows) // 4,
                "line": np.arange(rows) % 4,
                "price": [5.0 + i % 20 for i in range(rows)],
                "day": day,
                "shipped": [None if i % 7 == 0 else d for i, d in enumerate(day)],
                "written": [f"{d:%d/%m/%Y}" for d in day],
                "code": [f"AB-{i:04d}" for i in range(rows)],
                "word": [("red", "dark blue", "Green 2")[i % 3] for i in range(rows)],
            }
        )
    }


WRONG: dict[str, tuple[str, object, str]] = {
    "a number that is too small": ("price", 4.99, "1 beyond the real range"),
    "a date that is too late": ("day", dt.date(2027, 5, 1), "1 beyond the real range"),
    "the same as text": ("written", "01/05/2027", "1 beyond the real range"),
    "no date at all": ("written", "31/09/2024", "1 of another form"),
    "a code of another form": ("code", "AB-10O4", "1 of another form"),
    "NULL where there is none": ("price", None, "1 NULL"),
    "a key that repeats": ("id", 7, "1 repeated"),
}


@pytest.mark.parametrize("what", WRONG)
def test_one_impossible_value_fails(what: str) -> None:
    """However close the distributions are."""
    name, value, said = WRONG[what]
    real = shop()
    metadata = Metadata().add_table("orders", "id")
    assert build_report(metadata, real, real).valid
    column = real["orders"].column(name).to_pylist()
    column[3] = value
    place = real["orders"].column_names.index(name)
    type_ = real["orders"].field(name).type
    made = real["orders"].set_column(place, name, pa.array(column, type_))
    report = build_report(metadata, real, {"orders": made})
    assert not report.valid
    assert {key: str(found) for key, found in report.impossible.items()} == {f"orders.{name}": said}
    assert report.impossible[f"orders.{name}"].validity == pytest.approx(0.99)
    assert "not valid, though its distributions are very close to" in report.verdict
    assert f"1 value impossible (in 1 column, most in orders.{name}: {said})" in report.verdict
    assert 'class="verdict poor"' in report.to_html()
    assert json.loads(report.to_json())["valid"] is False
    assert said in str(report)


def test_what_other_rows_may_hold_is_possible() -> None:
    real = shop()
    words = real["orders"].column("word").to_pylist()
    words[0] = "grey"
    place = real["orders"].column_names.index("word")
    made = real["orders"].set_column(place, "word", pa.array(words)).slice(0, 60)
    assert build_report(Metadata().add_table("orders", "id"), real, {"orders": made}).valid


def test_pairs_that_repeat_are_impossible() -> None:
    real = shop()
    metadata = Metadata().add_table("orders", ["customer", "line"])
    made = real["orders"].set_column(2, "line", pa.array([0] * 100))
    (found,) = build_report(metadata, real, {"orders": made}).impossible.items()
    assert (found[0], found[1].repeated) == ("orders.(customer, line)", 75)


def test_html_is_whole_and_self_contained(report: ValidationReport) -> None:
    html = report.to_html()
    page = Page()
    page.feed(html)
    assert page.open == []
    assert page.sources
    assert all(source.startswith("#") or source == "data:," for source in page.sources)
    assert not {"img", "iframe"} & set(page.tags)
    assert page.tags.count("script") == 1
    assert "url(" not in html
    assert "@import" not in html
    assert "&lt;b&gt;Köln&lt;/b&gt;" in html
    assert "prefers-color-scheme: dark" in html
    assert html.count('<svg class="chart"') == 3  # numbers: categories are a list
    assert html.count('<svg class="map"') == 3


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
    column = next(c for c in report.tables[0].columns if c.name == "city")
    assert (column.rare, column.rare_returned) == (1, 0)
    back = build_report(metadata, real, real)
    assert next(c for c in back.tables[0].columns if c.name == "city").rare_returned == 1
    assert "alues of fewer real entities than may be shown are in it: 1" in back.areas[3].sentence


def test_bars_of_whole_numbers_hold_as_many_each() -> None:
    values = pa.array(list(range(60)) * 2)
    chart = histogram(Column(name="n", kind=ColumnKind.INTEGER), values, values, k=1)
    assert chart.labels[:2] == ("0 to 2", "3 to 5")
    assert set(chart.real) == {0.05}
    few = pa.array(list(range(5)) * 20)
    assert histogram(Column(name="n", kind=ColumnKind.INTEGER), few, few, 1).labels == (*"01234",)


def test_outer_bars_say_that_they_hold_what_lies_beyond() -> None:
    rng = np.random.default_rng(1)
    real, made = (pa.array(np.round(rng.normal(5, 3, 400), 1)) for _ in range(2))
    labels = histogram(Column(name="t", kind=ColumnKind.FLOAT), real, made, k=5).labels
    assert labels[0].startswith("up to ")
    assert labels[-1].startswith("from ")
    assert labels[-1].endswith(" on")
    assert all(" to " in label for label in labels[1:-1])
    assert max(len(part.partition(".")[2]) for label in labels for part in label.split()) == 2
    large = pa.array(np.linspace(1e6, 3e6 + 0.5, 400))
    assert "e+" not in "".join(histogram(Column(name="t", kind="float"), large, large, 5).labels)


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
    wide = pa.table({f"c{i}": rng.normal(size=50) for i in range(500)})
    metadata = Metadata().add_table("wide")
    page = Page()
    page.feed(build_report(metadata, {"wide": wide}, {"wide": wide}).to_html())
    assert page.open == []
    assert page.tags.count("h4") == 500


def test_each_area_says_why(report: ValidationReport, metadata: Metadata) -> None:
    assert [(a.name, a.level) for a in report.areas] == [
        ("keys", "good"), ("validity", "poor"), ("fidelity", "good"), ("privacy", "good"),
        ("derivations", "unknown"),
    ]  # fmt: skip
    assert "No key is broken: every row finds its parents over all 1." in report.areas[0].sentence
    assert "at most 12.50% of the values of a personal column" in report.areas[3].sentence
    broken = {**tables(2), "customer": tables(2)["customer"].slice(0, 150)}
    area = build_report(metadata, tables(1), broken).areas[0]
    assert area.level == "poor"
    assert "without a parent, most over orders(customer_id)" in area.sentence
    assert build_report(metadata, tables(1), tables(1)).areas[3].level == "unknown"


def test_what_is_not_compared_is_said(report: ValidationReport) -> None:
    assert {(n.table, n.column): n.reason for n in report.not_compared} == {
        ("customer", "id"): "key", ("customer", "note"): "length only",
        ("customer", "email"): "personal", ("orders", "id"): "key",
        ("orders", "customer_id"): "key",
    }  # fmt: skip


def test_the_frame_has_the_same_figures(report: ValidationReport) -> None:
    frame = report.frame()
    assert list(frame.columns) == list(Figure._fields)
    size = frame[(frame.name == "size") & (frame.measure == "KS")]
    assert size.distance.item() == report.scores["customer.size"].value
    orphans = frame[frame.measure == "orphans"]
    assert orphans.synthetic.item() == report.orphans
    body = json.loads(report.to_json())
    assert body["keys"][0]["fan_out"]["real"] == list(report.keys[0].fan_out.real)
    assert body["areas"][1]["level"] == report.areas[1].level


def test_no_bar_of_children_tells_of_few_parents() -> None:
    """The most active parent is one: that it has 912 children is known to many."""
    chart = fan_out_chart({0: 3, 1: 900, 2: 50, 3: 2, 6: 6, 912: 1}, {0: 10, 912: 1}, k=5)
    assert chart.labels == ("0–1", "2–3", "4", "5", "6+")
    assert chart.real == pytest.approx([903 / 962, 52 / 962, 0, 0, 7 / 962])
    assert fan_out_chart({2: 4}, {2: 4}, k=5).labels == ()


def test_pairs_that_differ_are_small_tables() -> None:
    """Columns that are right alone and no longer go together, however their signs hide it."""
    rng = np.random.default_rng(0)
    x = rng.normal(size=2000)
    kind = np.where(x > 1, "high", "low")
    kind[:3] = "Kleinkleckersdorf"  # of three
    real = pa.table({"x": x, "y": x + rng.normal(size=2000) / 9, "z": -x, "kind": kind})
    made = real.set_column(2, "z", real["x"])  # |rho| is 1 on both sides
    metadata = Metadata().add_table("t")
    report = build_report(metadata, {"t": real}, {"t": made})
    first = report.tables[0].joint_tables[0]
    assert {first.a, first.b} <= {"x", "y", "z"}
    assert first.tvd > 0.6
    assert first.association.difference < 0.05
    assert len(first.real) == len(first.a_labels) == 7
    assert sum(map(sum, first.synthetic)) == pytest.approx(1)
    assert "Kleinkleckersdorf" not in report.to_json() + report.to_html()
    assert build_report(metadata, {"t": real}, {"t": real}).tables[0].joint_tables == ()
    whole = report.tables[0].associations("real")
    assert whole[0][1] == whole[1][0] > 0.9


def test_cells_and_bounds_of_few_are_hidden() -> None:
    salary = np.array([30.0, 40.0, 50.0, 60.0] * 60 + [987_654.0])
    level = np.array(["a", "b"] * 120 + ["a"])
    level[0] = "b"  # the only one with 30 beside b: 59 others have a
    real, made = ({"t": pa.table({"salary": salary, "level": v})} for v in (level, level[::-1]))
    report = build_report(Metadata().add_table("t"), real, made)
    (joint,) = report.tables[0].joint_tables
    assert any(cell is None for row in joint.real for cell in row)
    said = report.to_json() + report.to_html()
    assert "987,654" not in said
    assert "987654" not in said


def shops(seed: int, wrong: str = "") -> dict[str, pa.Table]:
    """Return 300 shops in towns, and sales whose price follows the town and the paid method."""
    rng = np.random.default_rng(seed)
    town = rng.choice(["Ulm", "Bonn", "Kiel"], 300)
    at = rng.permutation(np.repeat(np.arange(300), 3))
    paid = rng.choice(["cash", "card"], 900)
    price = rng.normal(size=900) + 4 * (town[at] == "Ulm") + 2 * (paid == "cash")
    if wrong == "parents":
        price = rng.permutation(price)
    if wrong == "children":
        at = np.minimum(at, 150)
    return {
        "shops": pa.table({"id": np.arange(300), "town": town, "size": rng.normal(size=300)}),
        "sales": pa.table(
            {
                "id": np.arange(900),
                "shop": at,
                "paid": paid,
                "price": price,
                "clerk": rng.choice([f"Clerk {seed} {i}" for i in range(9)], 900),  # personal
            }
        ),
    }


@cache
def told(wrong: str) -> ValidationReport:
    """Return the report of shops of which something is wrong, made once."""
    metadata = Metadata().add_table("shops", "id")
    metadata = metadata.add_table("sales", "id", fk={"shop": "shops.id"})
    personal = {"sales": ["clerk"]}
    return build_report(metadata, shops(1), shops(2, wrong), personal=personal)


def test_real_rows_stand_beside_every_score() -> None:
    right = told("")
    assert sorted((c.table, c.beside) for c in right.classifiers) == [
        ("sales", "parents"), ("sales", "rows"), ("shops", "children"), ("shops", "rows"),
    ]  # fmt: skip
    assert max(c.excess for c in right.classifiers) < 0.1
    assert all(0.5 <= c.baseline < 0.6 for c in right.classifiers)
    first = next(c for c in told("parents").classifiers if c.beside == "parents")
    assert first.excess > 0.15
    assert {c.column for c in first.columns} <= {"price", "paid", "town over (shop)"}
    children = told("children")
    assert children.classifiers[0].beside == "children"
    assert "of sales(shop)" in children.classifiers[0].columns[0].column
    assert "tells rows of shops beside their children best" in children.areas[2].sentence
    assert "real against real" in str(children)
    frame = children.frame()
    assert set(frame[frame.part == "classifier"].baseline) == {
        c.baseline for c in children.classifiers
    }


def test_what_models_learn_stands_beside_what_real_rows_teach() -> None:
    found = {u.target: u for u in told("").usefulness}
    assert found["price"].real > 0.1
    assert found["price"].loss < 0.1
    worst = told("parents").usefulness[0]
    assert (worst.table, worst.target in ("price", "paid"), worst.loss > 0.1) == (
        "sales", True, True,
    )  # fmt: skip


def test_a_promise_of_differential_privacy_is_the_first_reason() -> None:
    area = verdict.privacy({"orders": 0.0}, {}, promise="epsilon 3, delta 1e-06, unit customers")
    assert area.level == "good"
    assert area.sentence.startswith("Learned with differential privacy (epsilon 3, ")
    assert "holdout" not in area.sentence
    assert "holdout" in verdict.privacy({"orders": 0.0}, {}).sentence
