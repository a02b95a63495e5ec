"""What ran where: the table of engines and features in ``docs/engines.md``, by the tests' results.

A contract's tests carry a feature (:func:`feature`), the class that inherits them an engine and
where it runs (:func:`runs`). Each test then checks its own cell: a result that the document does
not state is a failure. ``SYNTHOHIVE_WRITE_DOCS=1`` writes the cells of what has run, no others.
"""

from __future__ import annotations

import os
from collections import defaultdict
from pathlib import Path
from typing import Any, Optional

import pytest

from tests.contracts.stand_ins import LACKING

__all__ = ["ACCOUNT", "PARSED", "SERVER", "STAND_IN", "feature", "runs"]

DOCUMENT = Path(__file__).parents[1] / "docs" / "engines.md"
WRITES = os.environ.get("SYNTHOHIVE_WRITE_DOCS") == "1"
ACCOUNT, SERVER, STAND_IN, PARSED = "account", "server", "stand-in", "parsed"
NOTIMPL, NOTHING = "notimpl", "–"
_ORDER = (ACCOUNT, SERVER, STAND_IN, PARSED, NOTIMPL)
ENGINES = (
    "PostgreSQL", "MySQL", "MariaDB", "SQLite", "DuckDB", "Snowflake", "BigQuery", "Redshift",
    "Databricks", "SQL Server", "Oracle", "Spark",
)  # fmt: skip
FEATURES = (
    "a copy states what its source does", "types come back", "odd names", "keys", "counters",
    "CHECK, UNIQUE, computed", "rules enforced by the engine", "unique among some rows",
    "rows like the real ones", "views", "fan-outs in SQL", "statistics in SQL",
    "relations verified in SQL", "reads see one state", "what breaks a key is refused",
    "what others made is kept", "replaced as a whole", "a failure changes nothing",
    "two runs do not mix", "the source is only read", "missing rights are named",
    "no secret is shown",
)  # fmt: skip
Cell = tuple[str, str]
"""A feature, and an engine."""


def feature(name: str) -> pytest.MarkDecorator:
    """Say what a test shows; one of `FEATURES`."""
    assert name in FEATURES, f"{name!r} is no row of the table: add it to FEATURES"
    return pytest.mark.feature(name)


def runs(engine: str, where: str) -> pytest.MarkDecorator:
    """Say of which engine the tests of a class or module are, and where they run."""
    assert engine in ENGINES, f"{engine!r} is no column of the table: add it to ENGINES"
    return pytest.mark.runs(engine, where)


def result(item: pytest.Item, report: pytest.TestReport) -> Optional[tuple[Cell, str, str]]:
    """Return the cell that a test is of, what it shows, and what the stand-in lacks."""
    named, ran = item.get_closest_marker("feature"), item.get_closest_marker("runs")
    if named is None or ran is None:
        return None
    engine, where = ran.args
    cell = (named.args[0], engine)
    lacking = str(getattr(report, "wasxfail", "")).partition(LACKING)[2]
    if report.skipped and not lacking and hasattr(item, "callspec"):
        return None  # one case of several that the engine does not have
    if report.when == "call" and report.passed:
        return cell, where, ""
    if report.when == "call" and report.skipped:
        return cell, NOTIMPL if lacking else NOTHING, lacking
    return None


Found = dict[Cell, set[tuple[str, str]]]
"""What the tests of each cell show, and what is lacking."""
_FOUND = pytest.StashKey[Found]()


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: Any) -> Any:
    """Compare a test's result with its cell, or keep it to be written."""
    report: pytest.TestReport = (yield).get_result()
    found = result(item, report)
    if found is None:
        return
    cell, shown, lacking = found
    if WRITES:
        item.config.stash.setdefault(_FOUND, defaultdict(set))[cell].add((shown, lacking))
    elif shown == ACCOUNT:  # whoever has one, and it shows more than the document says
        return
    elif shown not in _documented(cell) or not _has_reason(cell, lacking):
        report.outcome = "failed"
        report.longrepr = (
            f"docs/engines.md is not up to date: {cell[1]}, {cell[0]}: {shown} {lacking}. "
            "SYNTHOHIVE_WRITE_DOCS=1 and the same tests write it."
        )


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Write the cells of what has run."""
    found = session.config.stash.get(_FOUND, {})
    if found:
        _write(found)


def _block(mark: str) -> tuple[str, list[str], str]:
    """Return the text before a block of the document, its lines, and the text after it."""
    text = DOCUMENT.read_text(encoding="utf-8")
    head, start, rest = text.partition(f"<!-- {mark}: measured -->")
    table, end, tail = rest.partition(f"<!-- {mark}: end -->")
    return head + start, table.strip().splitlines(), end + tail


def _cells() -> dict[Cell, str]:
    lines = [[c.strip() for c in line.strip("|").split("|")] for line in _block("evidence")[1]]
    if not lines:
        return {}
    (_, *engines), _, *rows = lines
    return {
        (name, engine): text
        for name, *texts in rows
        for engine, text in zip(engines, texts)
        if text
    }


def _reasons() -> list[str]:
    return _block("lacking")[1][2:]


def _documented(cell: Cell) -> list[str]:
    return _cells().get(cell, "").split(", ")


def _row(cell: Cell, reason: str) -> str:
    return f"| {cell[1]} | {cell[0]} | {reason} |"


def _has_reason(cell: Cell, reason: str) -> bool:
    return not reason or _row(cell, reason) in _reasons()


def _write(found: Found) -> None:
    """Put results into the document; what has not run stays as it is."""
    cells, reasons = _cells(), _reasons()
    for cell, shown in found.items():
        words = {word for word, _ in shown}
        some = [word for word in _ORDER if word in words]
        cells[cell] = ", ".join(some) or NOTHING
        reasons = [line for line in reasons if not line.startswith(f"| {cell[1]} | {cell[0]} |")]
        reasons += sorted(_row(cell, reason) for _, reason in shown if reason)
    engines = [e for e in ENGINES if any(of == e for _, of in cells)]
    table = [f"| | {' | '.join(engines)} |", "|---" * (len(engines) + 1) + "|"]
    for name in FEATURES:
        if any(of == name for of, _ in cells):
            table.append(f"| {name} | {' | '.join(cells.get((name, e), '') for e in engines)} |")
    order = [f"| {engine} | {name} |" for engine in ENGINES for name in FEATURES]
    reasons.sort(key=lambda line: next(i for i, o in enumerate(order) if line.startswith(o)))
    lacking = [
        "| engine | feature | what its stand-in lacks, and how that is tested |",
        "|---|---|---|",
    ]
    for mark, lines in (("evidence", table), ("lacking", [*lacking, *reasons])):
        head, _, tail = _block(mark)
        made = "\n".join(["", "", *lines, "", ""])
        DOCUMENT.write_text(head + made + tail, encoding="utf-8")
