"""Telling each column's score, and stopping where one is too far off."""

from __future__ import annotations

from collections.abc import Mapping

from synthohive import _arguments as arguments
from synthohive._logging import get_logger
from synthohive.exceptions import QualityError
from synthohive.metrics.distances import ColumnScore

__all__ = ["check_quality", "emit_scores"]

log = get_logger(__name__)

_SHOWN = 20


def emit_scores(scores: Mapping[str, ColumnScore]) -> None:
    """Log one event per column, keyed ``"table.column"``."""
    for name, score in scores.items():
        log.info(
            "column_quality",
            column=name,
            metric=score.metric,
            distance=round(score.value, 4),
            null_difference=round(score.nulls, 4),
        )


def check_quality(scores: Mapping[str, ColumnScore], threshold: float) -> None:
    """Refuse synthetic data with a column further from the real one than `threshold`.

    Parameters
    ----------
    scores : dict of str to ColumnScore
        By the name to report, such as ``"table.column"``; see :func:`column_scores`.
    threshold : float
        The largest distance allowed, of the distribution and of the share of NULLs.

    Raises
    ------
    QualityError
        Naming every failing column with its distance, the worst first.

    Examples
    --------
    >>> from synthohive.metrics import column_scores
    >>> scores = column_scores({"price": [1, 2, 3, 4]}, {"price": [1, 2, 3, 9]})
    >>> check_quality(scores, 0.3)
    >>> check_quality(scores, 0.2)
    Traceback (most recent call last):
    synthohive.exceptions.QualityError: 1 of 1 column is further from the real data than ...
    """
    threshold = arguments.number("threshold", threshold)
    # "not at most" instead of "more than": NaN, which compares with nothing, fails
    failing = {name: score for name, score in scores.items() if not score.worst <= threshold}
    if not failing:
        return
    ordered = sorted(failing.items(), key=lambda item: -item[1].worst)
    lines = [f"  {name}: {_explain(score)}" for name, score in ordered[:_SHOWN]]
    if len(ordered) > _SHOWN:
        lines.append(f"  … and {len(ordered) - _SHOWN} more")
    columns = "column is" if len(ordered) == 1 else "columns are"
    raise QualityError(
        f"{len(ordered)} of {len(scores)} {columns} further from the real data than the "
        f"quality threshold {threshold:g} allows:\n" + "\n".join(lines) + "\n",
        {name: score.worst for name, score in ordered},
        hint="Train longer (epochs=…), on more rows (sample_size=…), or raise the threshold.",
    )


def _explain(score: ColumnScore) -> str:
    text = f"{score.metric} {score.value:.3f}"
    return f"{text}, NULL share off by {score.nulls:.3f}" if score.nulls > score.value else text
