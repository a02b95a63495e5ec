"""Scores of what rows are to each other: series, panels, sets of children, far keys; and safety."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Optional

import numpy as np
import pyarrow as pa

from synthohive import ForeignKey, Metadata
from synthohive.metrics import (
    Steps,
    c2st,
    c2st_aggregates,
    c2st_sequences,
    column_scores_by_group_size,
    impossible_values,
    k_hop_distances,
    natural_key,
    nearest_record_share,
    order_column,
    panel_scores,
    record_copies,
    sequence_scores,
    with_children,
    with_parents,
)

__all__ = ["Safety", "Series", "StructureScore", "safety", "structure_score", "without"]

Tables = Mapping[str, pa.Table]
Withheld = Mapping[str, Mapping[str, float]]
NAN = float("nan")
MUCH = 0.05
"""Share of withheld values from which a column is left out: a classifier tells by fewer, too."""
LEAST_ROWS = 50


@dataclass
class Series:
    """Rows in order below a parent; all but `order`, `within` and `entities` are distances.

    `lag`, `changes`, `counts`, `runs` and `steps` are means over columns; `area` is the
    classifier's, of rows beside what differs from the row before.
    """

    order: str
    within: tuple[str, ...]
    gaps: float
    lag: float
    changes: float
    counts: float
    runs: float
    steps: float
    area: float
    worst: str = ""
    repeats: float = NAN
    entities: tuple[float, float] = (NAN, NAN)
    entities_ks: float = NAN
    lengths_ks: float = NAN


@dataclass
class StructureScore:
    """Series by key; distances by hops; of each table with children the classifier's area.

    `sizes` are mean distances of columns by key and the fewest rows of a group. `allowed` are
    the greatest areas by table, where columns that privacy withholds are left out.
    """

    series: dict[str, Series] = field(default_factory=dict)
    hops: dict[int, float] = field(default_factory=dict)
    mixes: dict[str, float] = field(default_factory=dict)
    sizes: dict[str, dict[int, float]] = field(default_factory=dict)
    allowed: dict[str, dict[str, float]] = field(default_factory=dict)


@dataclass
class Safety:
    """One table: the share of possible values; of rows nearer to learned rows, of copies.

    `nearer` is 0.5 and `copies` as `usual` where nothing was memorised; `usual` is the share of
    held-out rows that are learned ones.
    """

    validity: float
    worst: str = ""
    nearer: float = NAN
    copies: float = NAN
    usual: float = NAN


def structure_score(
    metadata: Metadata, real: Tables, made: Tables, withheld: Optional[Withheld] = None
) -> StructureScore:
    """Compare two databases of the same tables.

    Parameters
    ----------
    withheld : mapping of table to columns, optional
        Shares of values that privacy lets not out, as ``synth.withheld`` has them.
    """
    found = StructureScore(hops=k_hop_distances(real, made, metadata))
    for child, key in metadata.foreign_keys():
        label = key.label(child)
        series = _series(metadata, child, key, real, made)
        if series is not None:
            found.series[label] = series
        sizes = column_scores_by_group_size(real, made, metadata, child, key)
        found.sizes[label] = {
            size: float(np.mean([s.worst for s in scores.values()]))
            for size, scores in sizes.items()
            if scores
        }
    parents = dict.fromkeys(key.parent for _, key in metadata.foreign_keys())
    for name in parents:
        if not real[name].equals(made[name]):
            found.mixes[name] = c2st_aggregates(real, made, metadata, name)
    if withheld:
        found.allowed = _allowed(metadata, real, made, withheld)
    return found


def _series(
    metadata: Metadata, child: str, key: ForeignKey, real: Tables, made: Tables
) -> Optional[Series]:
    natural = natural_key(real, metadata, child, key)
    order, within = (None, ()) if natural is None else (natural.order, natural.within)
    order = order or order_column(real, metadata, child, key)
    if order is None:
        return None
    scores = sequence_scores(real, made, metadata, child, key, order, within)
    area = c2st_sequences(real, made, metadata, child, key, order, within)
    if scores is None or area is None:
        return None
    steps = scores.steps
    found = Series(
        order,
        within,
        scores.gap_ks,
        _mean([abs(s.real_lag - (s.synthetic_lag or 0)) for s in steps if s.real_lag is not None]),
        _mean([abs(s.real_changes - s.synthetic_changes) for s in steps]),
        _mean([s.count_ks for s in steps]),
        _mean([s.run_ks for s in steps]),
        _mean([s.step_ks for s in steps if s.step_ks is not None]),
        area,
        _said(steps[0]) if steps else "",
    )
    panel = panel_scores(real, made, metadata, child, key, natural) if natural else None
    if panel is not None:
        found.repeats = panel.synthetic_repeats
        found.entities = (panel.real_entities, panel.synthetic_entities)
        found.entities_ks, found.lengths_ks = panel.entities_ks, panel.lengths_ks
    return found


def _said(step: Steps) -> str:
    lags = "" if step.real_lag is None else f" lag {step.real_lag:.2f}->{step.synthetic_lag:.2f}"
    changes = f"changes {step.real_changes:.2f}->{step.synthetic_changes:.2f}"
    return f"{step.column}{lags} {changes}"


def without(
    metadata: Metadata, withheld: Withheld, *sides: Tables
) -> tuple[Metadata, list[dict[str, pa.Table]]]:
    """Return metadata and databases without the columns of which much is withheld."""
    left = metadata.model_copy(deep=True)
    found = [dict(side) for side in sides]
    for name, config in left.tables.items():
        out = {
            column
            for column, share in withheld.get(name, {}).items()
            if share > MUCH and column not in config.key_columns
        }
        config.columns = {n: c for n, c in config.columns.items() if n not in out}
        for side in found:
            held = [n for n in side[name].column_names if n in out]
            side[name] = side[name].drop_columns(held)
    return left, found


def _allowed(
    metadata: Metadata, real: Tables, made: Tables, withheld: Withheld
) -> dict[str, dict[str, float]]:
    """Return areas of tables of which, or of whose relatives, columns are left out."""
    left, (a, b) = without(metadata, withheld, real, made)
    found: dict[str, dict[str, float]] = {}
    for name, config in left.tables.items():
        own = {n: c for n, c in config.columns.items() if n not in config.key_columns}
        if a[name].select(list(own)).equals(b[name].select(list(own))):
            continue  # kept, or nothing is left
        areas = {"alone": c2st(a[name], b[name], own)} if own else {}
        for view, beside in (("children", with_children), ("parents", with_parents)):
            (x, said), (y, _) = (beside(side, left, name) for side in (a, b))
            if len(said) > len(own):
                areas[view] = c2st(x, y, said)
        found[name] = areas
    return found


def safety(
    metadata: Metadata, real: Tables, made: Tables, held_out: Optional[Tables]
) -> dict[str, Safety]:
    """Measure of each table what is impossible, and what is too near to learned rows."""
    found = {}
    for name, config in metadata.tables.items():
        scores = impossible_values(real[name], made[name], config)
        worst = min(scores, key=lambda one: one.validity, default=None)
        said = "" if worst is None or not worst.count else f"{worst.column}: {worst}"
        found[name] = Safety(_mean([one.validity for one in scores]), said)
        own = [n for n in real[name].column_names if n not in config.key_columns]
        sides = None if held_out is None else (real[name], held_out[name], made[name])
        if sides is None or not own or min(map(len, sides)) < LEAST_ROWS:
            continue
        if real[name].equals(sides[1]) or real[name].equals(made[name]):
            continue
        copies = record_copies(*sides, own)
        found[name].nearer = nearest_record_share(*sides, own).value
        found[name].copies, found[name].usual = copies.exact.value, copies.exact_heldout.value
    return found


def _mean(values: list[float]) -> float:
    return float(np.mean(values)) if values else NAN
