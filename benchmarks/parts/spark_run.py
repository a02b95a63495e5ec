"""A run on Spark step by step, so that each can be timed: what ``sample`` does at once."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Optional

import numpy as np

from synthohive import Synthesizer
from synthohive._arrays import IntArray
from synthohive.connectors.spark.folders import write_folders
from synthohive.connectors.spark.publication import Asked
from synthohive.generate.row_counts import expected_rows
from synthohive.generate.shard_plan import SHARD_SIZE, Cut, ShardSize, cut_tables
from synthohive.interface.requests import Request
from synthohive.interface.spark_proof import fan_out_distances, prove_frames, score_frames
from synthohive.interface.spark_tables import SparkTables, spark_tables
from synthohive.interface.writing import provenance_of

__all__ = ["Planned", "distances", "prove", "score"]


@dataclass(frozen=True)
class Planned:
    """What is asked for of a fitted synthesizer."""

    request: Request
    size: ShardSize

    @classmethod
    def of(cls, fitted: Path, scale: float, seed: int, shard_rows: Optional[int]) -> Planned:
        """Plan a run of what is saved in a folder."""
        request = Request(Synthesizer.load(fitted)._state(), None, scale, seed, on_spark=True)
        size = ShardSize(shard_rows, shard_rows + 1) if shard_rows else SHARD_SIZE
        return cls(request, size)

    @property
    def cut(self) -> Cut:
        """The tables that are cut."""
        rows = expected_rows(self.request.fitted, self.request.scale, {})
        return cut_tables(self.request.fitted, rows, self.size)

    def tables(self, spark: Any) -> SparkTables:
        """Make what shards have in common."""
        return spark_tables(spark, self.request, size=self.size)

    def write(self, tables: SparkTables, output: Path, kind: str) -> None:
        """Write all tables to folders."""
        fitted, request = self.request.fitted, self.request
        provenance = provenance_of(fitted, request.seed, request.scale)
        write_folders(tables, output, fitted.described, provenance, Asked(kind))


def prove(fitted: Path, frames: dict[str, Any]) -> Any:
    """Prove written tables."""
    return prove_frames(Synthesizer.load(fitted)._state(), frames)


def score(fitted: Path, frames: dict[str, Any]) -> dict[str, float]:
    """Return the distance of each column."""
    scores = score_frames(Synthesizer.load(fitted)._state(), frames)
    return {name: score.value for name, score in scores.items()}


def distances(fitted: Path, proof: Any) -> tuple[dict[str, float], dict[str, float]]:
    """Return the fan-out KS of each key; of those to look-up tables, how far shares are apart.

    The rows of a look-up table have more children each, the larger the copy is.
    """
    state = Synthesizer.load(fitted)._state()
    kept = {name for name, table in state.tables.items() if table.reference is not None}
    found, shares = fan_out_distances(state, proof), dict[str, float]()
    for check in proof.keys:
        label = check.key.label(check.table)
        if check.key.parent in kept:
            learned = state.tables[check.table].keys[label].fan_out
            known = np.repeat(learned.counts_, learned.parents_)
            made = proof.fan_outs[label].histogram
            shares[label] = _apart(known, np.repeat(list(made), list(made.values())))
            del found[label]
    return found, shares


def _apart(real: IntArray, made: IntArray) -> float:
    """Return how far apart the shares of children are that parents have, the largest first."""
    a, b = (np.sort(counts) / max(counts.sum(), 1) for counts in (real, made))
    a, b = (np.pad(side, (max(len(a), len(b)) - len(side), 0)) for side in (a, b))
    return float(np.abs(a - b).sum() / 2)
