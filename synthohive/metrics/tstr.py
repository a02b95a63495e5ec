"""How well a model that was trained on synthetic rows does on real ones: TSTR."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Optional

import numpy as np
import pyarrow as pa

from synthohive._arrays import Floats
from synthohive.exceptions import SchemaError
from synthohive.metrics.associations import association_matrix, comparable_columns
from synthohive.metrics.encode import features_of, view_of
from synthohive.metrics.harmonise import Columns, harmonised
from synthohive.metrics.trees import Trees
from synthohive.schema import Column

__all__ = ["Utility", "target_columns", "utility"]

ROWS = 20_000
"""Rows to train on and to test on, at most."""
_LEVELS = 20  # of a category to predict
_LEAST = 0.1  # association from which there is something to predict
_FOLLOWS = 0.98  # association from which there is nothing left to learn


@dataclass(frozen=True)
class Utility:
    """How well one column is predicted from the others on held-out real rows.

    Both are shares of the error of the best constant that a model takes away: of the squared
    error of numbers, of the wrong categories. 1 is perfect, 0 useless, and less is worse
    than a constant.

    Examples
    --------
    >>> Utility("status", real=0.5, synthetic=0.25).loss
    0.25
    """

    target: str
    real: float
    synthetic: float

    @property
    def loss(self) -> float:
        """How much worse the model trained on synthetic rows is; 0 where it is no worse."""
        return max(0.0, self.real - self.synthetic)


def target_columns(table: pa.Table, columns: Mapping[str, Column], most: int = 3) -> list[str]:
    """Choose columns worth predicting: those that go with the others most, by the mean association.

    Parameters
    ----------
    table : pyarrow.Table
        Real rows.
    columns : mapping of str to Column
        Those to look at, without keys; categories have 2 to 20 levels.
    most : int, default 3
    """
    chosen = comparable_columns(table, columns)
    if len(chosen) < 2:
        return []
    matrix = association_matrix(table, chosen)
    np.fill_diagonal(matrix, 0.0)  # a column tells nothing of itself
    strength = {
        column.name: float(matrix[i].mean())
        for i, column in enumerate(chosen)
        if _LEAST <= matrix[i].max() < _FOLLOWS and _predictable(column, table.column(column.name))
    }
    return sorted(strength, key=lambda name: -strength[name])[:most]


def _predictable(column: Column, values: pa.ChunkedArray) -> bool:
    distinct = len(values.drop_null().unique())
    return distinct >= 2 and (view_of(column, values) == "numbers" or distinct <= _LEVELS)


def utility(
    real: Any,
    synthetic: Any,
    held_out: Any,
    targets: Optional[Sequence[str]] = None,
    columns: Columns = None,
    *,
    seed: int = 0,
    quick: bool = False,
) -> list[Utility]:
    """Train on real and on synthetic rows, test on real rows that neither has seen.

    Gradient-boosted trees predict each target from all other columns. As many real as synthetic
    rows are trained on, at most 20,000. Rows without the target are left out.

    Parameters
    ----------
    real, synthetic, held_out : DataFrame, pyarrow.Table or dict of columns
        `held_out` are real rows that are not in `real`, and that nothing was fitted to.
    targets : list of str, optional
        Columns to predict; by default up to three that go with others most, without following
        from one alone. Categories have 2 to 20 levels.
    columns : collection of str, or dict of str to Column, optional
        Those to look at, and what they are; by default all that the tables share, and what
        their values can be read as. Leave out keys.
    seed : int, default 0
        Of the rows and the models.
    quick : bool, default False
        Fewer and smaller trees, which take a fifth of the time: enough for some thousand rows.

    Returns
    -------
    list of Utility
        One for each target.

    References
    ----------
    Esteban, Hyland and Rätsch, "Real-valued (medical) time series generation with recurrent
    conditional GANs", 2017 ("train on synthetic, test on real").

    Examples
    --------
    >>> import numpy as np
    >>> x = np.random.default_rng(1).normal(size=(3, 300))
    >>> real, fake, held_out = ({"x": part, "y": part > 0} for part in x)
    >>> (score,) = utility(real, fake, held_out, ["y"])
    >>> score.real > 0.9, score.loss < 0.1
    (True, True)
    """
    said, read = harmonised(columns, real, synthetic, held_out)
    for target in targets or ():
        if target not in said:
            raise SchemaError.unknown_column("rows", target, said)
    if targets is None:
        targets = target_columns(read[0], said)
    rng = np.random.default_rng(seed)
    rows = min(len(read[0]), len(read[1]), ROWS)
    sides = [
        t.take(pa.array(np.sort(rng.permutation(len(t))[:n])))
        for t, n in zip(read, (rows, rows, ROWS))
    ]
    chosen = comparable_columns(sides[0], said)
    numbers = {column.name: features_of(column, sides) for column in chosen}
    found = []
    for column in chosen:
        if column.name not in targets:
            continue
        others = [numbers[c.name] for c in chosen if c.name != column.name]
        features = [np.stack(parts, axis=1) for parts in zip(*others)]
        numeric = view_of(column, sides[0].column(column.name)) == "numbers"
        real_side, made, test = zip(features, numbers[column.name])
        scores = (_skill(*side, *test, numeric, seed, quick) for side in (real_side, made))
        found.append(Utility(column.name, *scores))
    return found


def _skill(
    x: Floats,
    y: Floats,
    test_x: Floats,
    test_y: Floats,
    numeric: bool,
    seed: int,
    quick: bool,
) -> float:
    # what is missing can be neither learned nor tested; that it is missing is no target here
    known, test = ~np.isnan(y), ~np.isnan(test_y)
    x, y, test_x, test_y = x[known], y[known], test_x[test], test_y[test]
    if not len(test_y) or len(np.unique(y)) < 2:
        return 0.0
    predicted = Trees(x, y, seed, numeric, quick).predictions(test_x)
    # the best constant is the mean, or the commonest class, of the rows that are tested
    if numeric:
        wrong, base = ((test_y - predicted) ** 2).mean(), test_y.var()
    else:
        wrong = (predicted != test_y).mean()
        base = 1.0 - np.unique(test_y, return_counts=True)[1].max() / len(test_y)
    return float(1.0 - wrong / base) if base else float(wrong == 0)
