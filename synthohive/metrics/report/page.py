"""How the validation report looks: one self-contained page."""

from __future__ import annotations

import re
from base64 import b64encode
from collections.abc import Sequence
from functools import lru_cache
from hashlib import sha256
from html import escape
from typing import TYPE_CHECKING, Any, Optional

from synthohive._display import counted
from synthohive.metrics.report import verdict
from synthohive.metrics.report.charts import heat_map, overlay, strip
from synthohive.metrics.report.diagram import DiagramKey, DiagramTable, diagram
from synthohive.metrics.report.entity_figures import entity_figures

if TYPE_CHECKING:
    from markupsafe import Markup

    from synthohive.metrics.report.columns import ColumnReport
    from synthohive.metrics.report.keys import KeyReport
    from synthohive.metrics.report.model import ValidationReport
    from synthohive.metrics.report.pairs import JointTable
    from synthohive.metrics.report.tables import TableReport

__all__ = ["framed", "page"]

_WORST = 5  # columns on the front
_PAIRS = 10  # of a table, and across a key, that are listed
_HEADLINES = {
    "good": "No fault was found",
    "fair": "Usable, where the differences below do not matter",
    "poor": "Not to be used as it is",
    "unknown": "Nothing could be compared",
}
_SIGNS = {"good": "✓", "fair": "!", "poor": "✗", "unknown": "?"}  # beside colours: print is grey
_WORDS = {"good": "good", "fair": "look at it", "poor": "bad", "unknown": "not measured"}
_NAMES = re.compile(r"\(?[\w&;#]+(?:[.(][^\W\d]\w*)+\)?")  # table.column, table(column)
_AREAS = {
    "keys": ("Keys", "#keys"),
    "validity": ("Possible values", "#validity"),
    "fidelity": ("Likeness", "#tables"),
    "privacy": ("Privacy", "#privacy"),
    "derivations": ("Rules", "#rules"),
}


def page(report: ValidationReport) -> str:
    """Return the page: nothing is loaded, and nothing but its own script can run."""
    return str(_template().render(report=report, **_drawn(report)))


def framed(report: ValidationReport) -> str:
    """Return the page in a frame of its own origin: a notebook and it are kept apart."""
    return (
        f'<iframe srcdoc="{escape(page(report))}" sandbox="allow-scripts" '
        'title="Validation report" style="width: 100%; height: 40rem; border: 0"></iframe>'
    )


@lru_cache(maxsize=1)
def _template() -> Any:
    from jinja2 import Environment, PackageLoader, StrictUndefined
    from markupsafe import Markup

    environment = Environment(
        loader=PackageLoader("synthohive.metrics.report"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    files = environment.loader
    assert files is not None
    style, script = (files.get_source(environment, f"report.{kind}")[0] for kind in ("css", "js"))
    environment.filters.update(
        breakable=_breakable,
        cell=_cell,
        three=lambda value: f"{value + 0.0:.3f}".replace("-0.000", "0.000"),
        level=verdict.level_of,
        plain=_plain,
        whole=_whole,
        percent=lambda share: f"{share:.1%}",
        fine=lambda share: f"{share:.2%}",
        number=lambda count: f"{count:,}",
    )
    environment.globals.update(
        areas=_AREAS,
        difference=_difference,
        entity_figures=entity_figures,
        filled=_filled,
        headline=_headline,
        heat_map=lambda table, side: Markup(
            heat_map(table.compared, table.associations(side), side)
        ),
        overlay=lambda column: Markup(overlay(column.chart, column.name)),
        pairs=_PAIRS,
        script=Markup(script),
        script_hash=b64encode(sha256(script.encode()).digest()).decode(),
        signs=_SIGNS,
        strip=lambda *drawn: Markup(strip(*drawn)),
        style=Markup(style),
        widest=lambda names: max(map(len, names)),  # names do not break while there is room
        table_verdict=_table_verdict,
        words=_WORDS,
    )
    return environment.get_template("report.html.j2")


def _drawn(report: ValidationReport) -> dict[str, Any]:
    """Return what is found of a report as a whole: where its parts are, the worst, the diagram."""
    from markupsafe import Markup

    anchors = {table.name: f"table-{i}" for i, table in enumerate(report.tables, 1)}
    columns = {
        (table.name, column.name): f"column-{i}-{j}"
        for i, table in enumerate(report.tables, 1)
        for j, column in enumerate(table.columns, 1)
    }
    every = [(table, column) for table in report.tables for column in table.columns]
    orphans = dict.fromkeys(anchors, 0)
    for key in report.keys:
        orphans[key.child] += key.orphans
    schema = _schema(report, anchors, orphans)
    return {
        "anchors": anchors,
        "column_anchors": columns,
        "examples": {few.table: few for few in report.examples},
        "diagram": Markup(diagram(schema)),
        "orphans": orphans,
        "worst": sorted(every, key=lambda pair: (-pair[1].told, -pair[1].score.worst))[:_WORST],
        "rare": [(table, column) for table, column in every if column.rare],
        "left_out": _by_reason(report),
    }


def _headline(report: ValidationReport) -> str:
    """Return the verdict in a few words; what was not measured is no good news."""
    unknown = [_AREAS[area.name][0].lower() for area in report.areas if area.level == "unknown"]
    said = _HEADLINES[report.level]
    if {area.name for area in report.areas if area.level == "poor"} == {"fidelity"}:
        said = "Whole, but recognisably not the real data"
    if report.level in ("good", "fair") and unknown:
        said += f"; not measured: {', '.join(unknown)}"
    return said


def _schema(
    report: ValidationReport, anchors: dict[str, str], orphans: dict[str, int]
) -> list[DiagramTable]:
    """Return the tables as the diagram shows them."""
    keys: dict[str, list[DiagramKey]] = {name: [] for name in anchors}
    for key in report.keys:
        columns, level = ", ".join(key.columns), _key_level(key)
        keys[key.child].append(DiagramKey(key.parent, columns, _children(key), level))
    return [
        DiagramTable(
            table.name,
            f"{counted(table.synthetic_rows, 'row')}, distance {table.distance:.3f}"
            if table.columns
            else counted(table.synthetic_rows, "row"),
            _table_verdict(table, orphans[table.name])[0],
            f"#{anchors[table.name]}",
            tuple(keys[table.name]),
        )
        for table in report.tables
    ]


def _children(key: KeyReport) -> str:
    """Return the mean number of children; of both sides where they are not about the same."""
    if key.orphans:
        return counted(key.orphans, "orphan")
    real, made = f"{key.real_children:.3g}", f"{key.synthetic_children:.3g}"
    if abs(key.real_children - key.synthetic_children) <= 0.05 * key.real_children:
        return f"×{made}"
    return f"×{made}, real ×{real}"


def _key_level(key: KeyReport) -> verdict.Level:
    if key.orphans:
        return "poor"
    return "good" if verdict.level_of(key.told) == "good" else "fair"


def _table_verdict(table: TableReport, orphans: int) -> tuple[verdict.Level, str]:
    """Return how good a table is, and the worst of what is wrong with it in a few words."""
    if orphans:
        return "poor", "rows without a parent"
    if table.impossible:
        return "poor", "impossible values"
    if not table.columns:
        return "unknown", "nothing to compare"
    level = verdict.fidelity([table]).level
    return level, {"good": "close", "fair": "in part off", "poor": "far off"}[level]


def _breakable(text: str) -> Markup:
    """Return a text in which names such as ``table.column`` stay whole where a line has room.

    In narrower lines they go on in the next one between two names, rather than inside one.
    """
    from markupsafe import Markup

    escaped = str(Markup.escape(text.replace(" -> ", " → ")))
    return Markup(
        _NAMES.sub(lambda found: f'<span class="unit">{_wrapped(found[0])}</span>', escaped)
    )


def _whole(text: str) -> Markup:
    """Return a text whose dates and codes do not break at their hyphens."""
    from markupsafe import Markup

    escaped = str(Markup.escape(text))
    return Markup(re.sub(r"\w+(?:-\w+)+", r'<span class="whole">\g<0></span>', escaped))


def _wrapped(names: str) -> str:
    return re.sub(r"(?<=\w)([.(])(?=[^\W\d])", r"\1<wbr>", names)


def _filled(pair: JointTable) -> tuple[list[int], list[int]]:
    """Return the rows and columns of a small table in which there is anything."""
    both = [[*zip(*sides)] for sides in zip(pair.real, pair.synthetic)]
    down = [i for i, row in enumerate(both) if any(cell != (0, 0) for cell in row)]
    across = [j for j in range(len(pair.b_labels)) if any(row[j] != (0, 0) for row in both)]
    return down, across


def _plain(value: object) -> str:
    """Return a value of a result as people write it."""
    if value is None:
        return "NULL"
    if isinstance(value, float):
        return f"{value:,.0f}" if value.is_integer() else f"{value:,.4g}"
    return f"{value:,}" if isinstance(value, int) and not isinstance(value, bool) else str(value)


def _cell(share: Optional[float]) -> str:
    """Return a share in percent as short as can be."""
    if share is None:
        return "·"
    return f"{share * 100:.0f}" if share == 0 or share >= 0.005 else "<1"


def _difference(column: ColumnReport) -> str:
    """Return in words where a column is furthest off."""
    if column.score.nulls > column.score.value:
        return _beside("NULL", column.synthetic_nulls, column.real_nulls)
    bars = list(zip(column.chart.labels, column.chart.real, column.chart.synthetic))
    if not bars:
        return ""
    label, real, made = max(bars, key=lambda bar: abs(bar[1] - bar[2]))
    if column.chart.categorical and abs(real - made) < column.score.value / 3:
        return "in many categories, of which each has few rows"
    return _beside(label, made, real)


def _beside(label: str, made: float, real: float) -> str:
    return f"{label}: {made:.1%} of the synthetic rows, {real:.1%} of the real ones"


def _by_reason(report: ValidationReport) -> list[tuple[str, str, Sequence[str]]]:
    """Return what was not compared: the reason, what it means, and the names."""
    found: dict[str, tuple[str, list[str]]] = {}
    for one in report.not_compared:
        name = one.table if one.column is None else f"{one.table}.{one.column}"
        found.setdefault(one.reason, (one.why, []))[1].append(name)
    return [(reason, why, names) for reason, (why, names) in found.items()]
