"""Charts of the report as SVG: values on hover are titles, so that they need no script."""

from __future__ import annotations

from collections.abc import Mapping
from html import escape
from math import floor, log10
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from synthohive.metrics.report.histograms import Histogram
    from synthohive.metrics.report.tables import Matrix

__all__ = ["heat_map", "overlay", "strip"]

_WIDTH, _HEIGHT = 320.0, 132.0
_LEFT, _RIGHT, _TOP, _BOTTOM = 38.0, 6.0, 6.0, 20.0
_DARKEST = {"real": 1.0, "synthetic": 1.0, "difference": 0.4}  # where a cell has its full colour
_LETTER = 5.8
_STRIP, _PAD = 150.0, 6.0


def overlay(chart: Histogram, name: str) -> str:
    """Return the distributions of numbers: real ones filled, synthetic ones as a line above.

    Parameters
    ----------
    chart : Histogram
        With bars.
    name : str
        Of the column.
    """
    top = _rounded_up(max(*chart.real, *chart.synthetic, 1e-9))
    wide, high = _WIDTH - _LEFT - _RIGHT, _HEIGHT - _TOP - _BOTTOM
    step, base = wide / len(chart.labels), _TOP + high
    parts = []
    for at in (0.0, 0.5, 1.0):
        y = base - at * high
        parts.append(f'<path class="grid" d="M{_LEFT} {y:.1f}H{_WIDTH - _RIGHT}"/>')
        parts.append(
            f'<text class="end" x="{_LEFT - 4}" y="{y + 3:.1f}">{top * at * 100:.3g}%</text>'
        )
    for style, bars in (("real", chart.real), ("synthetic", chart.synthetic)):
        heights = [base - share / top * high for share in bars]
        path = "".join(f"V{y:.1f}h{step:.2f}" for y in heights)
        close = "z" if style == "real" else ""
        parts.append(f'<path class="{style}" d="M{_LEFT} {base}{path}V{base}{close}"/>')
    for i, label in enumerate(chart.labels):
        said = f"{label}: real {chart.real[i]:.1%}, synthetic {chart.synthetic[i]:.1%}"
        box = f"M{_LEFT + i * step:.1f} {_TOP}h{step:.2f}V{base}h-{step:.2f}z"
        parts.append(f'<path class="hit" d="{box}"><title>{escape(said)}</title></path>')
    for at, style, label in zip((0, 0.5, 1), ("start", "middle", "end"), chart.axis):
        x = _LEFT + at * wide
        parts.append(f'<text class="{style}" x="{x:.1f}" y="{_HEIGHT - 5}">{escape(label)}</text>')
    return (
        f'<svg class="chart" viewBox="0 0 {_WIDTH:.0f} {_HEIGHT:.0f}" role="img" '
        f'aria-label="Shares of the rows by {escape(name)}, real and synthetic">'
        f"{''.join(parts)}</svg>"
    )


def _rounded_up(share: float) -> float:
    """Return the next of 1, 2, 4, 6, 8 or 10, at its power of ten."""
    unit = 10.0 ** floor(log10(share))
    return next((unit * one for one in (1, 2, 4, 6, 8, 10) if unit * one >= share), 10 * unit)


def strip(said: str, marks: Mapping[str, float], ends: tuple[float, float], safe: float) -> str:
    """Return values on one line, beside the one that is best.

    Parameters
    ----------
    said : str
        What it shows, for those who cannot see it.
    marks : dict of str to float
        Values by how they are drawn: "real", "synthetic", "low" and "high" (an interval).
    ends : tuple of two float
        Of the line.
    safe : float
        What is best.
    """
    at = {name: _at(value, ends) for name, value in {**marks, "safe": safe}.items()}
    parts = [f'<path class="grid" d="M{_PAD} 9H{_STRIP - _PAD}"/>']
    parts.append(f'<path class="safe" d="M{at["safe"]:.1f} 1V17"/>')
    if "low" in at:
        parts.append(f'<path class="between" d="M{at["low"]:.1f} 9H{at["high"]:.1f}"/>')
    if "real" in at:
        x = at["real"]
        parts.append(f'<rect class="real" x="{x - 4:.1f}" y="5" width="8" height="8"/>')
    parts.append(f'<circle class="synthetic" cx="{at["synthetic"]:.1f}" cy="9" r="4"/>')
    return (
        f'<svg class="strip" viewBox="0 0 {_STRIP:.0f} 18" width="{_STRIP:.0f}" role="img" '
        f'aria-label="{escape(said)}"><title>{escape(said)}</title>{"".join(parts)}</svg>'
    )


def _at(value: float, ends: tuple[float, float]) -> float:
    low, high = ends
    inside = min(1.0, max(0.0, (value - low) / (high - low)))
    return _PAD + inside * (_STRIP - 2 * _PAD)


def heat_map(names: tuple[str, ...], matrix: Matrix, side: str) -> str:
    """Return how strongly each two columns go together, as a triangle.

    Parameters
    ----------
    names : tuple of str
    matrix : tuple of tuples of float
        For each two of `names`.
    side : {"real", "synthetic", "difference"}
    """
    cell = 22.0 if len(names) <= 8 else 16.0 if len(names) <= 20 else 12.0
    shown = [name if len(name) <= 22 else name[:21] + "…" for name in names]
    left = max(len(name) for name in shown) * _LETTER + 8
    rises = [len(name) * _LETTER * 0.71 + 4 for name in shown[:-1]]  # turned by 45 degrees
    up = max([cell, *(rise - i * cell for i, rise in enumerate(rises))]) - cell
    parts = []
    for i, row in enumerate(matrix):
        y = up + i * cell
        label = escape(shown[i])
        parts.append(
            f'<text class="end" x="{left - 5:.0f}" y="{y + cell / 2 + 3.5:.1f}">{label}</text>'
        )
        turned = f"translate({left + i * cell + cell / 2:.1f} {y + cell - 4:.1f}) rotate(-45)"
        if i < len(names) - 1:
            parts.append(f'<text transform="{turned}">{label}</text>')
        for j in range(i):
            strength = min(1.0, row[j] / _DARKEST[side])
            parts.append(
                f'<rect class="{side}" x="{left + j * cell:.1f}" y="{y:.1f}" width="{cell - 1}" '
                f'height="{cell - 1}" fill-opacity="{0.05 + 0.95 * strength:.2f}"><title>'
                f"{escape(names[i])} and {escape(names[j])}: {row[j]:.2f}</title></rect>"
            )
    wide = left + max([i * cell + cell / 2 + rise for i, rise in enumerate(rises)] or [cell])
    high = up + len(names) * cell
    return (
        f'<svg class="map" viewBox="0 0 {wide:.0f} {high:.0f}" width="{wide:.0f}" role="img" '
        f'aria-label="Association of each two columns: {side}">{"".join(parts)}</svg>'
    )
