"""What follows for real rows from synthetic rows of the same key values."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

import numpy as np

from synthohive._arrays import AnyArray, Floats
from synthohive.exceptions import SchemaError
from synthohive.metrics.harmonise import Columns
from synthohive.metrics.privacy.attacks import risk_of
from synthohive.metrics.privacy.model import Attack
from synthohive.metrics.privacy.points import Points
from synthohive.metrics.privacy.shares import Share
from synthohive.metrics.privacy.sides import Sides

__all__ = ["attribute_disclosure"]


def attribute_disclosure(
    training: Any,
    heldout: Any,
    synthetic: Any,
    target: str,
    keys: Collection[str],
    columns: Columns = None,
    *,
    seed: int = 0,
) -> Attack:
    """Return the mean correct attribution probability of a category, given others.

    Of each real row: the share of the synthetic rows with the same key values that have its target,
    too; 0 where there are none.

    Parameters
    ----------
    training, heldout, synthetic : DataFrame, pyarrow.Table or dict of columns
    target : str
        What is to be learned of a row.
    keys : collection of str
        What is known of it: categories, compared for equality; of numbers, the tenth they are in.
    columns : collection of str, or dict of str to Column, optional
    seed : int, default 0

    Returns
    -------
    Attack

    References
    ----------
    Taub, Elliot, Pampaka and Smith, "Differential correct attribution probability for synthetic
    data: an exploration", 2018.

    Examples
    --------
    >>> learned = {"town": ["Ulm", "Bonn"] * 50, "ill": ["yes", "no"] * 50}
    >>> other = {"town": ["Ulm", "Bonn"] * 50, "ill": ["yes", "no", "no", "yes"] * 25}
    >>> attack = attribute_disclosure(learned, other, learned, "ill", ["town"])
    >>> attack.success.value, attack.control.value
    (1.0, 0.5)
    """
    sides = Sides.of(training, heldout, synthetic, columns, seed)
    for name in (target, *keys):
        if name not in sides.training.names:
            raise SchemaError.unknown_column("rows", name, sides.training.names)
    return disclosed(sides, target, set(keys))


def disclosed(sides: Sides, target: str, keys: set[str]) -> Attack:
    """Return :func:`attribute_disclosure` of points."""
    parts = (sides.training, sides.heldout, sides.synthetic)
    known = _groups([part.of(keys) for part in parts])
    secret = _groups([part.of({target}) for part in parts])
    both = _numbered([np.stack(pair, axis=1) for pair in zip(known, secret)])
    size = 1 + max(int(side.max()) for side in (*known, *both, *secret))
    of_key, of_both, of_secret = (
        np.bincount(found[2], minlength=size) for found in (known, both, secret)
    )
    shares = [of_both[both[i]] / np.maximum(of_key[known[i]], 1) for i in (0, 1)]
    guess = of_secret[secret[0]] / max(len(sides.synthetic), 1)
    success, control, baseline = (_mean(values) for values in (*shares, guess))
    what = f"{target} by {', '.join(sorted(keys))}"
    return Attack(
        "attribute disclosure", what, success, control, baseline, risk_of(success, control)
    )


def _mean(values: Floats) -> Share:
    error = float(values.std()) / max(len(values), 1) ** 0.5
    return Share.about(float(values.mean()), error, len(values))


def _groups(sides: list[Points]) -> list[AnyArray]:
    """Give each distinct combination of values a number; ranks count by tenths."""
    return _numbered(
        [np.hstack([np.minimum(side.ranks * 10, 9).astype(np.int64), side.codes]) for side in sides]
    )


def _numbered(sides: list[AnyArray]) -> list[AnyArray]:
    rows = np.ascontiguousarray(np.concatenate(sides), np.int64)
    numbers = np.unique(rows, axis=0, return_inverse=True)[1].reshape(-1)
    return np.split(numbers, np.cumsum([len(side) for side in sides])[:-1])
