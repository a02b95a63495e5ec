"""How the report looks: in a real browser, at three widths and printed."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

import synthohive.metrics.report.page
from synthohive.metrics.privacy.model import (
    Attack,
    Copies,
    DistanceRatio,
    EntityPrivacy,
    Membership,
    PrivacyReport,
)
from synthohive.metrics.privacy.shares import Share
from synthohive.metrics.report import (
    DerivationReport,
    PersonalColumn,
    ValidationReport,
    build_report,
)
from synthohive.metrics.sequences import SequenceScore, Steps
from synthohive.schema import Metadata
from tests.metrics.browser import looked_at

LONG = "price_of_all_items_before_taxes"


def sides(rows: int = 200) -> list[dict[str, pa.Table]]:
    found = []
    for seed in (1, 2):
        rng = np.random.default_rng(seed)
        state = rng.choice(["new", "paid </script>", "sent"], rows, p=(0.2, 0.3, 0.5))
        orders = {
            "id": np.arange(rows),
            "customer_id": rng.integers(0, 40 * seed, rows),
            "state": state if seed == 1 else np.where(state == "sent", "new", state),
            LONG: np.round(rng.lognormal(3, 1, rows), 2),
            "day": np.datetime64("2024-01-01") + rng.integers(0, 400, rows),
            "count": rng.integers(0, 5, rows),
        }
        customers = {"id": np.arange(40), "level": rng.choice(["a", "b"], 40)}
        found.append({"order_of_a_customer": pa.table(orders), "customer": pa.table(customers)})
    return found


@pytest.fixture(scope="module")
def report() -> ValidationReport:
    metadata = (
        Metadata()
        .add_table("customer", "id")
        .add_table("order_of_a_customer", "id", fk={"customer_id": "customer.id"})
    )
    told = {
        "derivations": (
            DerivationReport("order_of_a_customer", f"{LONG} = count", "copy", 1.0, 0.9),
        ),
        "personal": (PersonalColumn("customer", "name", "person", "its name", "fake", 0.01),),
        "look_ups": {"countries": ("name",)},
        "privacy": PrivacyReport((entities(),), {"countries": "it is a look-up table"}, 0.1),
        "sequences": (sequence(),),
    }
    queries = [
        "SELECT state, count(*) AS n, avg(count) AS mean FROM order_of_a_customer GROUP BY state",
        f"SELECT {LONG} FROM order_of_a_customer",
    ]
    return replace(build_report(metadata, *sides(), queries=queries), **told)


def entities() -> EntityPrivacy:
    share = Share.of(50, 100)
    return EntityPrivacy(
        "customer",
        ("order_of_a_customer",),
        columns=5,
        training=90,
        heldout=10,
        synthetic=100,
        nearer=Share.of(90, 100),
        copies=Copies(share, share, share, share, 0.1),
        ratio=DistanceRatio(0.5, 0.5, 0.1, 0.1),
        memberships=(Membership("distance", share, share),),
        attacks=(Attack("inference", LONG, share, share, share, share),),
    )


def sequence() -> SequenceScore:
    steps = Steps(LONG, 0.5, 0.1, 0.9, 1.0), Steps("state", None, None, 0.2, 0.7)
    return SequenceScore("order_of_a_customer", "order_of_a_customer(customer_id) -> customer(id)",
                         "day", 0.3, 2.0, 2.5, steps)  # fmt: skip


SCRIPT = """
const doc = frames["1400"].contentDocument, rows = () =>
  [...doc.querySelectorAll("#overview tbody tr")].filter((row) => !row.hidden)
    .map((row) => row.cells[0].textContent);
const [names] = doc.querySelectorAll("#overview th button");
names.click(); found.ascending = rows();
names.click(); found.descending = rows();
found.sorted = names.parentElement.getAttribute("aria-sort");
const name = doc.querySelector(".tools input");
name.value = "ORDER"; name.dispatchEvent(new Event("input")); found.filtered = rows();
found.count = doc.querySelector(".tools output").textContent;
found.targets = [...doc.querySelectorAll("a[href^='#']")].filter(
  (link) => !doc.getElementById(link.getAttribute("href").slice(1))).length;
const tools = doc.querySelector(".tools"), shown = () => getComputedStyle(tools).display;
tools.hidden = true; found.unscripted = shown();
found.injected = doc.querySelectorAll("script").length;
"""


def test_a_browser_shows_it(report: ValidationReport, tmp_path: Path) -> None:
    """No error, no request, nothing too wide; names and numbers whole; printed, nothing closed."""
    found = looked_at(report.to_html(), tmp_path, [360, 800, 1400], SCRIPT)
    for name in ("360", "800", "1400", "print"):
        assert (name, found[name]["overflow"]) == (name, 0)
        assert (name, found[name]["broken"]) == (name, [])
        assert found[name]["loaded"] == []
    assert found["800"]["closed"]  # the values of bars
    assert found["print"]["closed"] == []
    assert found["ascending"] == ["customer", "order_of_a_customer"]
    assert found["descending"] == found["ascending"][::-1]
    assert found["sorted"] == "descending"
    assert (found["filtered"], found["count"]) == (["order_of_a_customer"], "1 of 2")
    assert found["targets"] == 0
    assert found["injected"] == 1
    assert found["unscripted"] == "none"  # no dead controls where scripts may not run


def test_the_front_names_the_worst_and_what_is_broken(report: ValidationReport) -> None:
    html = report.to_html()
    front = html[html.index("<main") : html.index('id="schema"')]
    text = re.sub(r"\s+", " ", re.sub("<[^>]*>", " ", front.replace("<wbr>", "")))
    assert "✗ Not to be used as it is" in text
    assert "without a parent, most over order_of_a_customer(customer_id)" in text
    assert re.search(
        r"order_of_a_customer\.state (new|sent): \d+\.\d% of the synthetic rows, \d", text
    )


def test_each_part_says_what_was_found(report: ValidationReport) -> None:
    table = report.tables[0]
    column = replace(table.columns[0], name="word", rare=3, rare_returned=1)
    shown = replace(report, tables=(replace(table, columns=(column,)), *report.tables[1:]))
    text = re.sub(r"\s+", " ", re.sub("<[^>]*>", " ", shown.to_html().replace("<wbr>", "")))
    assert f"{table.name}.word 3 1" in text  # values that were suppressed
    assert f"{LONG} = count copy 100.00% 90.00%" in text  # a rule
    assert "customer.name person its name fake 1.00%" in text
    assert "90.0 % (82.6-94.5 %) of synthetic entities are nearer to training entities" in text
    assert "nearer to one learned from than to one held out 0.900 0.826–0.945" in text
    assert "countries: not measured, it is a look-up table." in text
    assert f"{LONG} 0.50 0.10 90.0% 100.0% 1.0 1.0 ✗ 0.400" in text  # a sequence


def test_fifty_tables_are_less_than_ten_megabytes(report: ValidationReport) -> None:
    table = report.tables[0]
    columns = table.columns * 4  # twelve
    tables = tuple(replace(table, name=f"t{i}", columns=columns) for i in range(50))
    key = report.keys[0]
    keys = tuple(replace(key, child=f"t{i}", parent=f"t{i // 3}") for i in range(1, 50))
    told = tuple(replace(one, table=table.name) for table in tables for one in report.classifiers)
    html = replace(report, tables=tables, keys=keys, classifiers=told).to_html()
    assert len(html.encode()) < 10_000_000


def test_a_notebook_and_the_page_cannot_touch_each_other(report: ValidationReport) -> None:
    frame = report._repr_html_()
    assert frame.count('sandbox="allow-scripts"') == 1  # without allow-same-origin
    assert "&lt;/script&gt;" in frame


def contrast(a: str, b: str) -> float:
    """Return the ratio that WCAG 2 defines."""

    def luminance(colour: str) -> float:
        parts = [int(c * 2 if len(colour) == 4 else c, 16) / 255 for c in channels(colour)]
        linear = [p / 12.92 if p <= 0.03928 else ((p + 0.055) / 1.055) ** 2.4 for p in parts]
        return float(np.dot(linear, (0.2126, 0.7152, 0.0722)))

    def channels(colour: str) -> list[str]:
        return list(colour[1:]) if len(colour) == 4 else re.findall("..", colour[1:])

    light, dark = sorted((luminance(a), luminance(b)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def test_text_can_be_read_on_each_ground() -> None:
    folder = Path(synthohive.metrics.report.page.__file__).parent
    style = (folder / "templates" / "report.css").read_text(encoding="utf-8")
    modes = [dict(re.findall(r"--([\w-]+): (#\w+);", line)) for line in style.splitlines()[:3]]
    light, dark = (mode for mode in modes if mode)
    for colours in (light, dark):
        for ground in ("back", "card"):
            for text in ("ink", "soft", "made", "real-text", "good", "fair", "poor", "unknown"):
                assert contrast(colours[text], colours[ground]) >= 4.5, (text, ground)
