"""How the validation report looks: one self-contained page."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from synthohive.metrics.report.histograms import Histogram
    from synthohive.metrics.report.model import ValidationReport

__all__ = ["framed", "page"]

_WIDTH = 320  # of a chart
_HEIGHT = 96
_PAIRS = 10  # listed


def page(report: ValidationReport) -> str:
    """Return the page: no script, no outside resource."""
    from jinja2 import Environment, PackageLoader, StrictUndefined

    environment = Environment(
        loader=PackageLoader("synthohive.metrics.report"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    template = environment.get_template("report.html.j2")
    return template.render(
        report=report, width=_WIDTH, height=_HEIGHT, pairs=_PAIRS, bars_path=_bars_path
    )


def framed(report: ValidationReport) -> str:
    """Return the page in a frame, whose style leaves a notebook's alone."""
    return (
        f'<iframe srcdoc="{escape(page(report))}" sandbox '
        'style="width: 100%; height: 40rem; border: 0"></iframe>'
    )


def _bars_path(chart: Histogram, side: Literal["real", "synthetic"]) -> str:
    """Return the bars of one side as an SVG path: filled ones with gaps, or an outline."""
    bars = chart.real if side == "real" else chart.synthetic
    gap = 0.12 if side == "real" or chart.categorical else 0.0
    top = max((*chart.real, *chart.synthetic, 1e-9))
    step = _WIDTH / max(1, len(bars))
    parts = []
    for i, share in enumerate(bars):
        if share > 0:
            height = share / top * (_HEIGHT - 4)
            left, width = (i + gap) * step, (1 - 2 * gap) * step
            parts.append(f"M{left:.1f} {_HEIGHT}v{-height:.1f}h{width:.1f}v{height:.1f}z")
    return "".join(parts)
