"""What tables of few rows, and of many columns, come out as, and what is known of them by heart.

Half of each table is learned, without relations; the other half is what its rows are told from, by
a classifier (synthetic rows) and by their likelihood under the model (learned rows)::

    python benchmarks/few_rows.py breast_cancer wine diabetes wide
"""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from synthohive import Metadata, PrivacyConfig, Synthesizer
from synthohive.metrics import c2st

Numbers = npt.NDArray[np.float64]
FEATURES = "classifier, its floor, pairs, their floor, attack, seconds"


def load(name: str) -> pa.Table:
    """Return a table of scikit-learn, or one of a factor for each ten of 100 columns."""
    if name == "wide":
        rng = np.random.default_rng(0)
        factors = np.repeat(rng.normal(size=(3_000, 10)), 10, axis=1)
        values = 0.7 * factors + 0.714 * rng.normal(size=(3_000, 100))
        return pa.table({f"c{i}": column for i, column in enumerate(values.T)})
    from sklearn import datasets

    frame = getattr(datasets, f"load_{name}")(as_frame=True).frame
    return pa.Table.from_pandas(frame.rename(columns=lambda c: c.replace(" ", "_")))


def correlations(rows: pa.Table) -> Numbers:
    """Return Spearman's, (columns, columns)."""
    return np.asarray(rows.to_pandas().rank().corr().fillna(0), np.float64)


def figures(table: pa.Table, seed: int, epochs: int) -> Numbers:
    """Fit one half; return what :data:`FEATURES` names."""
    from sklearn.metrics import roc_auc_score

    order, half = np.random.default_rng(seed).permutation(len(table)), len(table) // 2
    known, other = table.take(np.sort(order[:half])), table.take(np.sort(order[half : 2 * half]))
    metadata = Metadata().add_table("rows")
    synthesizer = Synthesizer(metadata, PrivacyConfig(detect_pii=False), model="autoregressive")
    started = time.process_time()
    synthesizer.fit({"rows": known}, epochs=epochs, seed=seed, relations=False, progress=False)
    spent = time.process_time() - started
    made = synthesizer.sample(half, "arrow", seed=seed)["rows"].select(table.column_names)
    fitted = synthesizer.fitted_.tables["rows"]  # type: ignore[union-attr]
    assert fitted.encoder is not None
    names, scores = list(fitted.encoder.columns), []
    for rows in (known, other):
        encoded = fitted.encoder.encode(rows.select(names), np.random.default_rng(0))
        scores.append(fitted.model.log_likelihood(encoded))
    sides = np.repeat([1, 0], half)
    real = correlations(other)
    return np.array([
        c2st(other, made, fitted.attributes),
        c2st(other, known, fitted.attributes),
        np.abs(correlations(made) - real).mean(),
        np.abs(correlations(known) - real).mean(),
        roc_auc_score(sides, np.concatenate(scores)),
        spent,
    ])  # fmt: skip


def main() -> None:
    """Print means of some splits."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("tables", nargs="+")
    parser.add_argument("--splits", type=int, default=2)
    parser.add_argument("--epochs", type=int, default=300)
    args = parser.parse_args()
    print(FEATURES)
    for name in args.tables:
        table = load(name)
        found = [figures(table, seed, args.epochs) for seed in range(args.splits)]
        print(f"{name:15}", *(f"{value:7.3f}" for value in np.mean(found, axis=0)), flush=True)


if __name__ == "__main__":
    main()
