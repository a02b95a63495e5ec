"""What models know of the rows that they learned, beside other rows of the same source.

A table is fitted to rows drawn at random, and three things are compared with as many rows held
out: to which of the two synthetic rows lie nearer, which of them they repeat, and whether the
likelihood under the model of the checkpoint tells the two apart. All are averaged over splits.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, fields
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
import torch

from benchmarks.data import DATASETS, Options
from synthohive import Metadata, PrivacyConfig, Synthesizer
from synthohive.encoding.encoded import EncodedTable
from synthohive.metrics import c2st
from synthohive.models.blocks import as_tensors
from synthohive.schema.columns import column_from_arrow

__all__ = ["Figures", "measured", "sources"]

DRAWN = 4_000
"""Synthetic rows at least, whose distances are measured."""
CATEGORIES = 50
"""Categories with a position of their own, the most frequent ones."""
SPLITS = {200: 4, 1_000: 2}
"""Splits of each size; of others, one."""


@dataclass
class Figures:
    """One fit; shares and areas of 0.5 say that nothing was memorised.

    Attributes
    ----------
    nearer : float
        Share of synthetic rows nearer to a training than to a held-out row, ties halved.
    copied, chance : float
        Share of distinct synthetic rows equal to a training, and to a held-out row.
    drawn_attack, raw_attack, told_attack : float
        Area under the ROC curve of the likelihood, training against held-out rows: as rows
        are drawn, without the heads' scales, and of each column given all others. NaN for
        models without one.
    c2st : float
        Classifier of held-out and synthetic rows.
    seconds : float
    """

    nearer: float
    copied: float
    chance: float
    drawn_attack: float
    raw_attack: float
    told_attack: float
    c2st: float
    seconds: float


def sources(options: Options) -> dict[str, pa.Table]:
    """Return the tables that are split: a survey, a panel of patients, flights."""
    surveys = DATASETS["statsmodels"](options)
    assert surveys.floor is not None
    found = {
        name: pa.concat_tables([half[name] for half in surveys.floor])
        for name in ("fair", "randhie")
    }
    flights = DATASETS["flights"](options)
    assert flights.floor is not None
    found["flights"] = pa.concat_tables([half["flights"] for half in flights.floor])
    return found


def measured(
    rows: pa.Table, size: int, model: str, epochs: int, **settings: Any
) -> Iterator[Figures]:
    """Yield the figures of each split of a table."""
    for seed in range(SPLITS.get(size, 1)):
        order = np.random.default_rng(seed).permutation(len(rows))
        parts = [rows.take(pa.array(order[i * size : (i + 1) * size])) for i in (0, 1)]
        yield _one(parts[0], parts[1], model, seed, epochs, settings)


def _one(
    known: pa.Table, other: pa.Table, model: str, seed: int, epochs: int, settings: dict[str, Any]
) -> Figures:
    metadata = Metadata().add_table("rows")
    synthesizer = Synthesizer(metadata, PrivacyConfig(detect_pii=False), model=model)
    started = time.perf_counter()
    synthesizer.fit(
        {"rows": known}, epochs=epochs, seed=seed, relations=False, progress=False, **settings
    )
    seconds = time.perf_counter() - started
    count = max(len(known), DRAWN)
    made = synthesizer.sample(count, "arrow", seed=seed)["rows"].select(known.column_names)
    columns = synthesizer.fitted_.tables["rows"].attributes  # type: ignore[union-attr]
    return Figures(
        _nearer(known, other, made.slice(0, DRAWN)),
        *_copies(known, other, made.slice(0, len(known))),
        *_attacks(synthesizer, known, other),
        c2st(other, made.slice(0, len(known)), columns),
        seconds,
    )


def _nearer(known: pa.Table, other: pa.Table, made: pa.Table) -> float:
    from sklearn.neighbors import NearestNeighbors

    sides = _points([known, other, made], known.column_names)
    near = [
        NearestNeighbors(n_neighbors=1).fit(side).kneighbors(sides[2])[0][:, 0]
        for side in sides[:2]
    ]
    gap = np.round(near[0] - near[1], 9)
    return float((gap < 0).mean() + (gap == 0).mean() / 2)


def _copies(known: pa.Table, other: pa.Table, made: pa.Table) -> tuple[float, float]:
    rows, knowns, others = (set(zip(*t.to_pydict().values())) for t in (made, known, other))
    return len(rows & knowns) / len(rows), len(rows & others) / len(rows)


def _attacks(synthesizer: Synthesizer, known: pa.Table, other: pa.Table) -> list[float]:
    fitted = synthesizer.fitted_.tables["rows"]  # type: ignore[union-attr]
    if not hasattr(fitted.model, "network_") or fitted.encoder is None:
        return [float("nan")] * 3
    names = list(fitted.encoder.columns)
    found = []
    for rows in (known, other):
        encoded = fitted.encoder.encode(rows.select(names), np.random.default_rng(0))
        found.append(_likelihoods(fitted.model, encoded))
    return [_area(a, b) for a, b in zip(*found)]


def _likelihoods(model: Any, rows: EncodedTable) -> list[npt.NDArray[np.float64]]:
    """Return three log-likelihoods of each row; that of a float is of its value, not its step."""
    network, discretiser = model.network_, model.discretiser_
    coarse, fine = (torch.from_numpy(c) for c in discretiser.encode(rows))
    widths = _log_widths(discretiser, coarse.numpy(), fine.numpy())
    count = coarse.shape[1]
    before = torch.triu(torch.ones(count, count), 1)
    found = []
    with torch.no_grad():
        context = network.context(*as_tensors(EncodedTable.empty(len(rows))))
        for scaled, mask in ((True, before), (False, before), (False, 1 - torch.eye(count))):
            hidden = network.hidden_of_all(coarse, fine, context, mask)
            known = network._known(hidden, coarse, fine, context, mask)
            losses = _losses(network, hidden, (coarse, fine), scaled, known)
            found.append(-losses.clamp(max=50).sum(dim=1).numpy() - widths)
    return found


def _losses(network: Any, hidden: Any, codes: Any, scaled: bool, known: Any) -> Any:
    heads, fines = network.heads, network.fine
    coarse, fine = codes
    told, finer = known
    if not scaled:
        return heads.losses(hidden, coarse, False, told) + fines.losses(
            hidden, coarse, fine, False, finer
        )
    kept = [w.data.clone() for w in heads.weights], fines.leave.data.clone()
    try:
        for group, weight in zip(heads.groups, heads.weights):
            weight.data *= heads.scales[group][:, None, None]
        fines.leave.data *= fines.scales[:, None, None]
        return heads.losses(hidden, coarse, False, told) + fines.losses(
            hidden, coarse, fine, False, finer
        )
    finally:
        for weight, before in zip(heads.weights, kept[0]):
            weight.data.copy_(before)
        fines.leave.data.copy_(kept[1])


def _log_widths(discretiser: Any, coarse: Any, fine: Any) -> npt.NDArray[np.float64]:
    total = np.zeros(len(coarse))
    for j, variable in enumerate(discretiser.variables):
        if variable.floats is None:
            continue
        bins = discretiser.bins[variable.floats]
        inside = (coarse[:, j] >= 0) & (coarse[:, j] < len(bins.mode))
        step = bins.first[coarse[inside, j]] + np.maximum(fine[inside, j], 0)
        total[inside] += np.log(np.maximum((bins.high - bins.low)[step], 1e-7))
    return total


def _area(known: npt.NDArray[np.float64], other: npt.NDArray[np.float64]) -> float:
    from sklearn.metrics import roc_auc_score

    labels = np.repeat([1, 0], [len(known), len(other)])
    return float(roc_auc_score(labels, np.concatenate([known, other])))


def averaged(figures: list[Figures]) -> dict[str, tuple[float, float]]:
    """Return means and standard errors."""
    found = {}
    for name in (f.name for f in fields(Figures)):
        values = np.array([asdict(f)[name] for f in figures])
        found[name] = float(values.mean()), float(values.std() / max(1, len(values) - 1) ** 0.5)
    return found


def _points(tables: list[pa.Table], names: Sequence[str]) -> list[npt.NDArray[np.float64]]:
    """Return rows as points: ranks of numbers, one position per frequent category."""
    sizes = np.cumsum([table.num_rows for table in tables])[:-1]
    blocks = []
    for name in names:
        type_ = tables[0].column(name).type
        columns = [table.column(name).cast(type_) for table in tables]
        values = pa.chunked_array([c for column in columns for c in column.chunks], type_)
        ordered = column_from_arrow(pa.field(name, type_)).kind.view == "numbers"
        blocks.append(_ranks(values) if ordered else _indicators(values))
    return [np.asarray(part) for part in np.split(np.hstack(blocks), sizes)]


def _ranks(values: pa.ChunkedArray) -> npt.NDArray[np.float64]:
    ranks = np.asarray(pc.rank(values, tiebreaker="min"), np.float64)
    return np.asarray(ranks / max(1.0, ranks.max()))[:, None]


def _indicators(values: pa.ChunkedArray) -> npt.NDArray[np.float64]:
    text = pc.fill_null(values.cast(pa.string(), safe=False), "\0null")
    encoded = text.combine_chunks().dictionary_encode()
    codes = np.asarray(encoded.indices)
    counts = np.bincount(codes, minlength=1)
    frequent = np.argsort(-counts, kind="stable")[:CATEGORIES]
    # A differing category is as far as the two ends of a number's range.
    return np.asarray((codes[:, None] == frequent[None, :]) / np.sqrt(2.0), np.float64)
