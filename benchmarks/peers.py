"""Other synthesizers on the same rows, scored by the same functions.

Each runs in an environment of its own, and what it cannot do is a row too::

    python -m venv sdv && sdv/bin/pip install torch==2.13.0 && sdv/bin/pip install sdv pyarrow
    python -m venv mostly && mostly/bin/pip install torch==2.13.0
    mostly/bin/pip install "mostlyai[local]" pyarrow
    mostly/bin/pip uninstall torchvision    # its build does not fit this torch
    python benchmarks/peers.py flights tpch --sdv sdv/bin/python --mostlyai mostly/bin/python

Prints means over all columns, pairs and keys, the greatest area of a table under the classifier's
ROC curve, and seconds; the ratio is of those of fitting, to the first of our own models. Seconds of
the processor are less than that if a peer works in processes that it does not wait for.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from dataclasses import asdict, dataclass
from math import isnan
from pathlib import Path
from typing import Any, Optional

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from benchmarks.data import DATASETS, DataSet, Options
from benchmarks.scores import DatabaseScore, database_score, with_columns
from synthohive import Metadata, PrivacyConfig, Synthesizer

PEERS = {"gaussian": "sdv", "hma": "sdv", "mostlyai": "mostlyai"}
Tables = dict[str, pa.Table]


@dataclass
class Run:
    """What a synthesizer made, or why it made nothing; `cpu` is of fitting and sampling."""

    tables: Optional[Tables] = None
    fit: float = 0.0
    sample: float = 0.0
    cpu: float = 0.0
    refusal: str = ""


def main() -> None:
    """Run all on each data set."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("datasets", nargs="+", choices=[*DATASETS])
    parser.add_argument("--sdv", help="a Python with sdv")
    parser.add_argument("--mostlyai", help="a Python with mostlyai[local]")
    parser.add_argument("--sdmetrics", action="store_true", help="also score with it (in --sdv)")
    parser.add_argument("--models", nargs="*", default=["autoregressive"], help="our own")
    parser.add_argument("--peers", nargs="*", choices=[*PEERS], default=[*PEERS])
    parser.add_argument("--no-floor", action="store_true")
    parser.add_argument("--epochs", type=int, default=40)
    parser.add_argument("--scale", type=float, default=0.01, help="of TPC-H")
    parser.add_argument("--size", type=int, default=1_000, help="parents of each shape")
    parser.add_argument("--cap", type=float, default=1_200, help="most seconds of a peer")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--json", type=Path, help="a file for all figures")
    args = parser.parse_args()
    for name in {*PEERS.values()}:  # they run in folders of their own
        if getattr(args, name):
            setattr(args, name, str(Path(getattr(args, name)).absolute()))
    figures = {}
    for name in args.datasets:
        figures[name] = compare(DATASETS[name](Options(args.seed, args.scale, args.size)), args)
        if args.json:
            args.json.write_text(json.dumps(figures, indent=1), encoding="utf-8")


def compare(data: DataSet, args: argparse.Namespace) -> dict[str, Any]:
    """Print a line for the floor, for each of our models and for each peer."""
    titles = "column   pair    AUC  fan-out  orphans    fit s    cpu s   ratio  rows/s"
    print(f"{data.name}\n  {'':<16} {titles}")
    figures: dict[str, Any] = {}
    metadata = with_columns(data.metadata, data.real)
    if data.floor is not None and not args.no_floor:
        figures["floor"] = _line("real rows", database_score(metadata, *data.floor), None, 0.0)
    unit = 0.0
    for model in args.models:
        run = own(data, model, args)
        unit = unit or run.fit
        figures[model] = _scored(model, metadata, data.real, run, unit)
        figures[model]["sdmetrics"] = checked(data, run, args)
    for peer in args.peers:
        python = getattr(args, PEERS[peer])
        run = other(peer, python, data, args.cap) if python else Run(refusal="not installed")
        figures[peer] = _scored(peer, metadata, data.real, run, unit)
        figures[peer]["sdmetrics"] = checked(data, run, args)
    print(flush=True)
    return figures


def own(data: DataSet, model: str, args: argparse.Namespace) -> Run:
    """Fit one of our models and sample from it."""
    synthesizer = Synthesizer(
        data.metadata.model_copy(deep=True), PrivacyConfig(detect_pii=False), model=model
    )
    used, started = _cpu(), time.perf_counter()
    synthesizer.fit(data.real, seed=args.seed, epochs=args.epochs, progress=False)
    fitted = time.perf_counter()
    made = synthesizer.sample(seed=args.seed, output_format="arrow")
    return Run(made, fitted - started, time.perf_counter() - fitted, _cpu() - used)


def other(peer: str, python: str, data: DataSet, cap: float) -> Run:
    """Fit a peer in its own environment and sample from it."""
    with tempfile.TemporaryDirectory() as folder:
        source, target = Path(folder, "real"), Path(folder, "made")
        target.mkdir()
        _write(source, data, data.real)
        script = Path(__file__).with_name("peer_fit.py")
        command = [python, str(script), peer, str(source), str(target)]
        used = _cpu()
        try:
            done = subprocess.run(
                command, capture_output=True, text=True, timeout=cap, check=False, cwd=folder
            )
        except subprocess.TimeoutExpired:
            return Run(refusal=f"not done in {cap:.0f} s")
        if done.returncode:
            lines = [line for line in done.stderr.strip().splitlines() if line.strip()]
            return Run(refusal=lines[-1][:300] if lines else f"exit {done.returncode}")
        times = json.loads((target / "times.json").read_text(encoding="utf-8"))
        made = {name: pq.read_table(target / f"{name}.parquet") for name in data.real}
    return Run(made, times["fit"], times["sample"], _cpu() - used)


def _cpu() -> float:
    """Return the processor's seconds of this process and of all that it waited for."""
    return sum(os.times()[:4])


def checked(data: DataSet, run: Run, args: argparse.Namespace) -> Optional[dict[str, Any]]:
    """Return and print what sdmetrics makes of a run, where that was asked for."""
    if not args.sdmetrics or run.tables is None:
        return None
    with tempfile.TemporaryDirectory() as folder:
        for side, tables in (("real", data.real), ("made", run.tables)):
            _write(Path(folder, side), data, tables)
        script = Path(__file__).with_name("sdmetrics_check.py")
        command = [args.sdv, str(script), "real", "made"]
        done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=folder)
    if done.returncode:
        print(f"    sdmetrics: {done.stderr.strip().splitlines()[-1][:200]}", flush=True)
        return None
    scores: dict[str, Any] = json.loads(done.stdout.strip().splitlines()[-1])
    means = {
        what: _mean([table.get(what, float("nan")) for table in scores.values()])
        for what in ("Column Shapes", "Column Pair Trends")
    }
    print("    sdmetrics: " + ", ".join(f"{k} {v:.4f}" for k, v in means.items()), flush=True)
    return scores


def _write(folder: Path, data: DataSet, tables: Tables) -> None:
    """Write the keys and a Parquet file per table."""
    folder.mkdir()
    keys = {
        name: {"pk": config.pk, "fk": [key.model_dump() for key in config.foreign_keys]}
        for name, config in data.metadata.tables.items()
    }
    (folder / "keys.json").write_text(json.dumps(keys), encoding="utf-8")
    for name, table in tables.items():
        pq.write_table(table, folder / f"{name}.parquet")


def _scored(name: str, metadata: Metadata, real: Tables, run: Run, unit: float) -> dict[str, Any]:
    if run.tables is None:
        print(f"  {name:<16} {run.refusal}", flush=True)
        return {"refusal": run.refusal}
    try:
        made = {n: _typed(table, real[n].schema) for n, table in run.tables.items()}
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError, KeyError) as exc:
        print(f"  {name:<16} makes other types: {exc}", flush=True)
        return {"refusal": f"makes other types: {exc}"}
    return _line(name, database_score(metadata, real, made), run, unit)


def _typed(table: pa.Table, schema: pa.Schema) -> pa.Table:
    """Return the columns in the real order and types."""
    arrays = []
    for field in schema:
        column = table.column(field.name)
        if pa.types.is_integer(field.type) and pa.types.is_floating(column.type):
            column = pc.round(column)
        text = pa.types.is_string(column.type) or pa.types.is_large_string(column.type)
        if pa.types.is_timestamp(field.type) and text:
            column = column.cast(pa.timestamp("us"))  # which may be finer than the real ones
        arrays.append(column.cast(field.type, safe=False))
    return pa.table(arrays, schema=schema)


def _line(name: str, score: DatabaseScore, run: Optional[Run], unit: float) -> dict[str, Any]:
    tables, keys = score.tables.values(), score.keys.values()
    figures = {
        "column": _mean([t.column for t in tables]),
        "pair": _mean([t.pair for t in tables]),
        "auc": max((a for t in tables for a in t.areas.values()), default=0.5),
        "fan_out": max((k.fan_out for k in keys), default=0.0),
        "orphans": sum(k.orphans for k in keys),
    }
    text = (
        f"  {name:<16} {figures['column']:.4f} {figures['pair']:.4f} {figures['auc']:>6.3f} "
        f"{figures['fan_out']:>8.3f} {figures['orphans']:>8,}"
    )
    if run is not None and run.tables is not None:
        rows = sum(len(t) for t in run.tables.values())
        ratio = f"{run.fit / unit:.2f}" if unit else "-"
        text += f" {run.fit:>8.0f} {run.cpu:>8.0f} {ratio:>7} {rows / run.sample:>7,.0f}"
        figures.update(fit=run.fit, sample=run.sample, cpu=run.cpu)
    print(text, flush=True)
    return {**figures, "score": asdict(score)}


def _mean(values: list[float]) -> float:
    known = [v for v in values if not isnan(v)]
    return sum(known) / len(known) if known else 0.0


if __name__ == "__main__":
    main()
