"""Limits that scores are held against, and stopping where one is beyond them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Literal, Optional, Union, get_args

from pydantic import Field, model_validator

from synthohive import _arguments as arguments
from synthohive._logging import get_logger
from synthohive.exceptions import QualityError
from synthohive.metrics.distances import ColumnScore
from synthohive.schema.columns import Strict

__all__ = ["Gate", "Score", "ScoreKind", "check_quality", "distance_scores", "emit_scores"]

log = get_logger(__name__)

ScoreKind = Literal["distance", "validity", "classifier", "orphans", "copies", "memorisation"]
Bound = Annotated[float, Field(strict=True, allow_inf_nan=False)]
Limits = dict[ScoreKind, Optional[Bound]]
KINDS: tuple[ScoreKind, ...] = get_args(ScoreKind)
OF_COLUMNS: tuple[ScoreKind, ...] = ("distance", "validity", "copies")
"""Kinds of score that a single column has."""
_RANGES: dict[str, tuple[float, float]] = {
    "validity": (0.0, 1.0),
    "classifier": (0.5, 1.0),
    "copies": (0.0, 1.0),
    "memorisation": (0.0, 0.5),
}
_SHOWN = 20


class Gate(Strict):
    """Limits that synthetic data has to keep, by kind of score; None is no limit.

    Each is the largest score allowed, but for `validity`, which is the least. A limit of a column
    goes before that of its table, and that before the general one.

    Parameters
    ----------
    distance : float, optional
        KS or TVD of a column, and of its share of NULLs, 0 … 1. Measured by what `fit` has kept.
    validity : float, optional
        Share of a column's values that the real table could hold, 0 … 1: in range, of its form,
        not NULL, not repeated. Needs the real rows.
    classifier : float, optional
        Area under the ROC curve of a classifier of a table's real and synthetic rows, 0.5 (cannot
        tell) … 1. Needs the real rows.
    orphans : float, optional
        Rows without a parent, of each foreign key.
    copies : float, optional
        Share of a table's rows that are equal to a real one in all but keys and personal columns,
        and of a personal column's values that are real ones, 0 … 1. Needs the real rows.
    memorisation : float, optional
        How much better a table's model knows the rows it learned than held-out ones, 0 … 0.5
        (:attr:`Synthesizer.memorisation`). Known since `fit`: looked at before any row is made.
    tables : dict of str to dict
        Limits of single tables: ``{"orders": {"distance": 0.2, "classifier": None}}``.
    columns : dict of str to dict of str to dict
        Limits of single columns, by table: ``{"orders": {"note": {"distance": 0.3}}}``.

    Examples
    --------
    >>> gate = Gate(distance=0.1, memorisation=0.1, columns={"orders": {"note": {"distance": 0.3}}})
    >>> gate.limit("distance", "orders", "note"), gate.limit("distance", "orders", "total")
    (0.3, 0.1)
    """

    distance: Optional[Bound] = None
    validity: Optional[Bound] = None
    classifier: Optional[Bound] = None
    orphans: Optional[Bound] = None
    copies: Optional[Bound] = None
    memorisation: Optional[Bound] = None
    tables: dict[str, Limits] = Field(default_factory=dict)
    columns: dict[str, dict[str, Limits]] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _possible(self) -> Gate:
        """Refuse limits that no score can be held against, and a gate that stops nothing."""
        places: list[tuple[str, Mapping[Any, Optional[float]]]] = [("", self._general)]
        places += [(f"tables.{name}.", limits) for name, limits in self.tables.items()]
        for table, columns in self.columns.items():
            for name, limits in columns.items():
                places.append((f"columns.{table}.{name}.", limits))
                alien = next((kind for kind in limits if kind not in OF_COLUMNS), None)
                if alien is not None:
                    raise ValueError(
                        f"columns.{table}.{name}.{alien}: a table has such a score, not a column"
                    )
        for place, given in places:
            for kind, limit in given.items():
                low, high = _RANGES.get(kind, (0.0, float("inf")))
                if limit is not None and not low <= limit <= high:
                    raise ValueError(f"{place}{kind}: a limit lies between {low:g} and {high:g}")
        if not any(limit is not None for _, limits in places for limit in limits.values()):
            raise ValueError(f"there is no limit: give one of {', '.join(KINDS)}")
        return self

    @property
    def _general(self) -> dict[ScoreKind, Optional[float]]:
        return {kind: getattr(self, kind) for kind in KINDS}

    @property
    def kinds(self) -> frozenset[ScoreKind]:
        """The kinds of score that have a limit somewhere."""
        everywhere: list[Mapping[Any, Optional[float]]] = [self._general, *self.tables.values()]
        everywhere += [limits for columns in self.columns.values() for limits in columns.values()]
        return frozenset(
            kind for limits in everywhere for kind, limit in limits.items() if limit is not None
        )

    def limit(
        self, kind: ScoreKind, table: str = "", column: Optional[str] = None
    ) -> Optional[float]:
        """Return the limit of a score: its column's, else its table's, else the general one.

        Parameters
        ----------
        kind : str
        table : str
        column : str, optional
        """
        own = self.columns.get(table, {}).get("" if column is None else column, {})
        for limits in (own, self.tables.get(table, {})):
            if kind in limits:
                return limits[kind]
        return self._general[kind]


@dataclass(frozen=True)
class Score:
    """One score of a run, which a :class:`Gate` may limit.

    Attributes
    ----------
    table : str
    column : str or None
        Or the columns of a key; None for what is of a whole table.
    score : str
        The kind: ``"distance"``, ``"validity"``, …
    value : float
    metric : str
        What was measured: ``"KS"``.

    Examples
    --------
    >>> score = Score("orders", "total", "distance", 0.2, "KS")
    >>> check_quality([score], Gate(distance=0.3))
    """

    table: str
    column: Optional[str]
    score: ScoreKind
    value: float
    metric: str = ""

    @property
    def name(self) -> str:
        """``"table.column"``, or what of it there is."""
        return ".".join(part for part in (self.table, self.column) if part)

    def row(self, gate: Optional[Gate]) -> dict[str, Any]:
        """Return a row of the frame, with the limit."""
        limit = None if gate is None else gate.limit(self.score, self.table, self.column)
        # "not at most" instead of "more than": NaN, which compares with nothing, fails
        kept = limit is None or (
            self.value >= limit if self.score == "validity" else self.value <= limit
        )
        return {
            "table": self.table,
            "column": self.column,
            "score": self.score,
            "metric": self.metric,
            "value": self.value,
            "limit": limit,
            "passed": kept,
        }


def distance_scores(scores: Mapping[str, ColumnScore], table: str = "") -> list[Score]:
    """Return the distance of each column as a gate looks at it: the larger of its two.

    Parameters
    ----------
    scores : mapping of str to ColumnScore
        By the column; without a `table`, by ``"table.column"``.
    table : str, optional
    """
    found = []
    for name, score in scores.items():
        place, _, column = (table, "", name) if table else name.rpartition(".")
        metric = "share of NULLs" if score.nulls > score.value else score.metric
        found.append(Score(place, column, "distance", score.worst, metric))
    return found


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


def check_quality(
    scores: Union[Mapping[str, ColumnScore], Iterable[Score]], threshold: Union[float, Gate]
) -> None:
    """Refuse synthetic data with a score beyond its limit.

    Parameters
    ----------
    scores : dict of str to ColumnScore, or iterable of Score
        By the name to report, such as ``"table.column"``; see :func:`column_scores`.
    threshold : float or Gate
        A number is the largest distance allowed, of the distribution and of the share of NULLs.

    Raises
    ------
    QualityError
        Naming every failing score with its limit, the worst first; all are in its ``frame``.

    Examples
    --------
    >>> from synthohive.metrics import column_scores
    >>> scores = column_scores({"price": [1, 2, 3, 4]}, {"price": [1, 2, 3, 9]})
    >>> check_quality(scores, 0.3)
    >>> check_quality(scores, 0.2)
    Traceback (most recent call last):
    synthohive.exceptions.QualityError: 1 of 1 score is beyond its limit:
      price: KS 0.250, limit 0.2
    ...
    """
    gate = gate_of("threshold", threshold)
    given = distance_scores(scores) if isinstance(scores, Mapping) else list(scores)
    rows = [score.row(gate) for score in given]
    failing = [(score, row) for score, row in zip(given, rows) if not row["passed"]]
    if not failing:
        return
    failing.sort(key=lambda pair: -abs(pair[0].value - pair[1]["limit"]))
    lines = [f"  {score.name}: {_said(score)}, limit {row['limit']:g}" for score, row in failing]
    if len(lines) > _SHOWN:
        lines[_SHOWN:] = [f"  … and {len(lines) - _SHOWN} more: see QualityError.frame"]
    verb = "score is beyond its limit" if len(failing) == 1 else "scores are beyond their limits"
    raise QualityError(
        f"{len(failing)} of {len(given)} {verb}:\n" + "\n".join(lines) + "\n",
        {score.name: score.value for score, _ in failing if score.score == "distance"},
        rows=[row for _, row in failing],
        hint="Train longer (epochs=…), on more rows (sample_size=…), or raise the limit.",
    )


def gate_of(name: str, limits: Any) -> Gate:
    """Return what limits scores: a number is the largest distance.

    Parameters
    ----------
    name : str
        Of the argument, for the error.
    limits : float or Gate
    """
    if isinstance(limits, Gate):
        return limits
    return Gate(distance=float(arguments.number(name, limits)))


def _said(score: Score) -> str:
    what = score.metric if score.score == "distance" else f"{score.score} ({score.metric})"
    return f"{what or score.score} {score.value:.3f}".replace(" ()", "")
