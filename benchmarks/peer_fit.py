"""Fit one other synthesizer and sample from it; run by ``peers.py`` in that one's environment.

It reads ``keys.json`` and a Parquet file per table from a folder, and writes the
synthetic tables, and ``times.json``, to another. It imports nothing of SynthoHive.
"""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path
from typing import Any, Callable

import pandas as pd

Frames = dict[str, pd.DataFrame]
Keys = dict[str, Any]


def main() -> None:
    """Fit and sample what the arguments name."""
    peer, source, target = sys.argv[1], Path(sys.argv[2]), Path(sys.argv[3])
    keys = json.loads((source / "keys.json").read_text(encoding="utf-8"))
    frames = {name: pd.read_parquet(source / f"{name}.parquet") for name in keys}
    started = time.perf_counter()
    sample = PEERS[peer](frames, keys)
    fitted = time.perf_counter()
    made = sample()
    times = {"fit": fitted - started, "sample": time.perf_counter() - fitted}
    for name, frame in made.items():
        frame.to_parquet(target / f"{name}.parquet", index=False)
    (target / "times.json").write_text(json.dumps(times), encoding="utf-8")


def _metadata(frames: Frames, keys: Keys) -> Any:
    from sdv.metadata import Metadata

    metadata = Metadata.detect_from_dataframes(frames, infer_keys=None)
    for name, config in keys.items():
        id_columns = [*config["pk"], *(c for key in config["fk"] for c in key["columns"])]
        for column in id_columns:
            metadata.update_column(column, table_name=name, sdtype="id")
        if config["pk"]:
            pk = config["pk"] if len(config["pk"]) > 1 else config["pk"][0]
            metadata.set_primary_key(pk, table_name=name)
    for name, config in keys.items():
        for key in config["fk"]:
            single = len(key["columns"]) == 1
            metadata.add_relationship(
                parent_table_name=key["parent"],
                child_table_name=name,
                parent_primary_key=key["parent_columns"][0] if single else key["parent_columns"],
                child_foreign_key=key["columns"][0] if single else key["columns"],
            )
    return metadata


def gaussian(frames: Frames, keys: Keys) -> Callable[[], Frames]:
    """Fit SDV's Gaussian copula to one table."""
    from sdv.single_table import GaussianCopulaSynthesizer

    (name, frame), *more = frames.items()
    if more:
        raise ValueError("GaussianCopulaSynthesizer takes one table")
    synthesizer = GaussianCopulaSynthesizer(_metadata(frames, keys))
    synthesizer.fit(frames)

    def sample() -> Frames:
        made = synthesizer.sample(num_rows=len(frame))
        return made if isinstance(made, dict) else {name: made}

    return sample


def hma(frames: Frames, keys: Keys) -> Callable[[], Frames]:
    """Fit SDV's hierarchical model to all tables."""
    from sdv.multi_table import HMASynthesizer

    synthesizer = HMASynthesizer(_metadata(frames, keys))
    synthesizer.fit(frames)
    root = next(name for name in frames if not keys[name]["fk"])
    return lambda: synthesizer.sample(num_rows=len(frames[root]), main_table_name=root)


def mostlyai(frames: Frames, keys: Keys) -> Callable[[], Frames]:
    """Train mostlyai's model in this process; the first key of a table is its context."""
    from mostlyai.sdk import MostlyAI

    tables = []
    for name, frame in frames.items():
        config: dict[str, Any] = {"name": name, "data": frame}
        pk, fks = keys[name]["pk"], keys[name]["fk"]
        if len(pk) == 1:
            config["primary_key"] = pk[0]
        config["foreign_keys"] = [
            {"column": key["columns"][0], "referenced_table": key["parent"], "is_context": i == 0}
            for i, key in enumerate(fks)
        ]
        if any(len(key["columns"]) > 1 for key in fks):
            raise ValueError(f"{name}: a foreign key has one column")
        tables.append(config)
    client = MostlyAI(local=True, quiet=True)
    generator = client.train(config={"name": "peer", "tables": tables}, progress_bar=False)
    (first, size) = next((n, len(f)) for n, f in frames.items())

    def sample() -> Frames:
        made = (
            client.probe(generator, size=size)
            if len(frames) == 1
            else client.probe(
                generator, size={n: len(f) for n, f in frames.items() if not keys[n]["fk"]}
            )
        )
        return made if isinstance(made, dict) else {first: made}

    return sample


PEERS: dict[str, Callable[[Frames, Keys], Callable[[], Frames]]] = {
    "gaussian": gaussian,
    "hma": hma,
    "mostlyai": mostlyai,
}

if __name__ == "__main__":
    main()
