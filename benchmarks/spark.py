"""Spark: TPC-H with all ten of its keys, learned at a small scale and made to any number of rows.

Each step runs in a process of its own and leaves its figures in a folder. Called again with the
same folder, the script goes on at the step where it was ended::

    python benchmarks/spark.py big --line-items 1e6 1e7 1e8
    python benchmarks/spark.py small --scale 0.01 --epochs 1 --line-items 1e5 --shard-rows 50000

The session is a classic one, on this machine: ``--cores`` cores, ``--memory`` for its JVM. Delta
needs Delta's JARs, which SYNTHOHIVE_TEST_DELTA_JARS names. Below four million rows nothing is cut
into shards, and the driver makes all. The rules of dbldatagen are left out where it is not
installed; it is no part of the project's environment. What is made is removed when its figures
are there, unless it is to be kept. Beside the distance of numbers of children is that of other
real rows (``ours|theirs``): of TPC-H of twice the scale.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timezone
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Callable

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import pyarrow as pa

from benchmarks.data import tpch_metadata, tpch_tables
from benchmarks.parts import spark_run
from benchmarks.parts.line_items import constant, ruled
from benchmarks.parts.memory import by_program
from benchmarks.parts.spark_run import Planned
from synthohive import ForeignKey, Metadata, PrivacyConfig, Synthesizer
from synthohive.metrics import c2st, fan_out_histogram, fan_out_ks, with_children

ROOT = Path(__file__).resolve().parents[1]
Figures = dict[str, Any]
SETTINGS = ("scale", "epochs", "seed", "format", "cores", "shard_rows")
"""What all figures of a folder have in common."""
WATCHED, SAID = 2.0, 60.0
"""Seconds between two looks at the memory, and between two words on how far it is."""
PEERS = 10_000_000
"""Line items that rules and constants make, at most."""
PARENTS, CHILDREN = 20_000, 1_000_000
"""Of each table, about how many rows the classifier gets at most, and of those below it."""
DELTA = {
    "spark.sql.extensions": "io.delta.sql.DeltaSparkSessionExtension",
    "spark.sql.catalog.spark_catalog": "org.apache.spark.sql.delta.catalog.DeltaCatalog",
}


def ten_keys() -> Metadata:
    """Return TPC-H's keys: with those of line items to parts and suppliers, as in its figure 2."""
    metadata = tpch_metadata()
    for column, parent, other in (
        ("l_partkey", "part", "p_partkey"),
        ("l_suppkey", "supplier", "s_suppkey"),
    ):
        key = ForeignKey(columns=[column], parent=parent, parent_columns=[other])
        metadata.tables["lineitem"].foreign_keys.append(key)
    return metadata


def fit(args: argparse.Namespace, folder: Path, rows: int) -> Figures:
    """Learn the tables from memory."""
    tables = tpch_tables(args.scale)
    with _timed() as seconds:
        synthesizer = Synthesizer(
            ten_keys(), PrivacyConfig(detect_pii=False), model="autoregressive"
        )
        synthesizer.fit(tables, epochs=args.epochs, seed=args.seed, progress=False)
    synthesizer.save(folder / "fitted")
    return {"seconds": seconds[0], "line items": len(tables["lineitem"])}


def alike(args: argparse.Namespace, folder: Path, rows: int) -> Figures:
    """Make as many rows as were learned, by one process, as what larger copies are held against."""
    synthesizer, real = Synthesizer.load(folder / "fitted"), tpch_tables(args.scale)
    with _timed() as seconds:
        made = synthesizer.sample(output_format="arrow", seed=args.seed, n_jobs=1)
    metadata = synthesizer.metadata
    total = sum(map(len, made.values()))
    other = tpch_tables(2 * args.scale)
    return {
        "seconds": seconds[0],
        "rows": total,
        "rows/s/core": total / seconds[0],
        "fan-out KS": _fan_outs(metadata, real, made),
        "fan-out KS of other real rows": _fan_outs(metadata, real, other),
        "C2ST with children": {n: _told(metadata, n, real, made) for n in _told_of(metadata)},
    }


def make(args: argparse.Namespace, folder: Path, rows: int) -> Figures:
    """Make so many line items on Spark, with all that belongs to them, and write all tables."""
    output = folder / "tables" / str(rows)
    shutil.rmtree(output, ignore_errors=True)  # of a run that was ended
    output.mkdir(parents=True)
    spark = _session(args, folder)
    learned = json.loads((folder / "fit.json").read_text(encoding="utf-8"))["line items"]
    planned = Planned.of(folder / "fitted", rows / learned, args.seed, args.shard_rows)
    say("tables that shards have in common")
    with _timed() as shared:
        tables = planned.tables(spark)
    bundle = _bytes(folder / "tmp")
    with tables, _watched(spark):
        say("shards")
        with _timed() as shards:  # those of one table are those of all
            tables["orders"].write.format("noop").mode("overwrite").save()
        kept = _bytes(folder / "spark", "rdd_*")
        say("writing")
        with _timed() as writing:
            planned.write(tables, output, args.format)
    return {
        "cut tables": sorted(planned.cut.tables), "shards": planned.cut.shards,
        "shared s": shared[0], "shards s": shards[0], "write s": writing[0],
        "bundle bytes": bundle, "kept bytes": kept, "bytes": _bytes(output),
    }  # fmt: skip


def prove(args: argparse.Namespace, folder: Path, rows: int) -> Figures:
    """Count orphans over all keys by what Spark reads again, and compare numbers of children."""
    spark = _session(args, folder)
    frames = _written(spark, args, folder, rows)
    with _watched(spark):
        say("keys")
        with _timed() as proving:
            proof = spark_run.prove(folder / "fitted", frames)
        shuffled = _bytes(folder / "spark", "shuffle_*")
        say("columns")
        with _timed() as scoring:
            scores = spark_run.score(folder / "fitted", frames)
    worst = max(scores, key=lambda name: scores[name])
    distances, shares = spark_run.distances(folder / "fitted", proof)
    return {
        "rows": proof.rows, "all rows": sum(proof.rows.values()),
        "orphans": {key.key.label(key.table): key.orphans for key in proof.keys},
        "violations": len(proof.violations),
        "fan-out KS": distances,
        "look-ups, shares apart": shares,
        "proof s": proving[0], "score s": scoring[0], "proof shuffle bytes": shuffled,
        "worst column": worst, "worst distance": scores[worst],
    }  # fmt: skip


def tell(args: argparse.Namespace, folder: Path, rows: int) -> Figures:
    """Have a classifier tell rows with what is below them from real ones."""
    metadata, real = Synthesizer.load(folder / "fitted").metadata, tpch_tables(args.scale)
    frames = _written(_session(args, folder), args, folder, rows)
    told = {}
    for name in _told_of(metadata):
        say(name)
        told[name] = _told(metadata, name, real, _some(frames, metadata, name))
    return {"C2ST with children": told}


def peers(args: argparse.Namespace, folder: Path, rows: int) -> Figures:
    """Write line items by rules, and constant ones."""
    spark, output = _session(args, folder), folder / "peers"
    first = tpch_tables(args.scale)["lineitem"].slice(0, 1)
    ways: dict[str, Callable[[], Any]] = {"constant": lambda: constant(spark, first, rows)}
    if find_spec("dbldatagen") is None:
        say("dbldatagen is not installed: no rules")
    else:
        ways["rules"] = lambda: ruled(spark, rows)
    found: Figures = {"line items": rows}
    with _watched(spark):
        for name, way in ways.items():
            say(name)
            way().limit(100).write.format("noop").mode("overwrite").save()  # starts its workers
            with _timed() as seconds:
                way().write.format(args.format).mode("overwrite").save(str(output))
            found[f"{name} s"] = seconds[0]
            found[f"{name} rows/s/core"] = rows / seconds[0] / args.cores
    shutil.rmtree(output)
    return found


STEPS = {
    "fit": fit, "alike": alike, "make": make, "prove": prove, "tell": tell, "peers": peers,
}  # fmt: skip


def _fan_outs(metadata: Metadata, real: Any, made: Any) -> dict[str, float]:
    found = {}
    for child, key in metadata.foreign_keys():
        sides = [(t[child], key.columns, t[key.parent], key.parent_columns) for t in (real, made)]
        found[key.label(child)] = fan_out_ks(*(fan_out_histogram(*side) for side in sides))
    return found


def _told_of(metadata: Metadata) -> list[str]:
    """Return the tables that a classifier is asked about; look-up tables are as they were."""
    return [name for name in metadata.tables if name not in ("region", "nation")]


def _told(metadata: Metadata, name: str, real: Any, made: Any) -> float:
    (ours, columns), (theirs, _) = (with_children(t, metadata, name) for t in (real, made))
    return c2st(ours, theirs, columns)


def _some(frames: Any, metadata: Metadata, name: str) -> dict[str, pa.Table]:
    """Return some rows of a table, spread over all of it, and all that refer to them."""
    spark, rows = frames[name].sparkSession, frames[name].count()
    below = [(child, key) for child, key in metadata.foreign_keys() if key.parent == name]
    largest = max((frames[child].count() for child, _ in below), default=0)
    most = min(PARENTS, CHILDREN * rows // max(largest, 1))
    parents = frames[name].sample(min(1.0, most / rows), seed=1).toArrow()
    found = {table: frames[table].limit(0).toArrow() for table in frames}
    found[name] = parents
    for child, key in below:
        ends = parents.select(list(key.parent_columns)).rename_columns(list(key.columns))
        keys = spark.createDataFrame(ends)
        found[child] = frames[child].join(keys, list(key.columns), "left_semi").toArrow()
    return found


def _written(spark: Any, args: argparse.Namespace, folder: Path, rows: int) -> dict[str, Any]:
    place = folder / "tables" / str(rows)
    names = ten_keys().tables
    return {name: spark.read.format(args.format).load(str(place / name)) for name in names}


def _session(args: argparse.Namespace, folder: Path) -> Any:
    """Return a session of this machine, which says nothing of its own accord."""
    from pyspark.sql import SparkSession

    os.environ["PYSPARK_PYTHON"] = sys.executable
    kept = folder / "spark"
    shutil.rmtree(kept, ignore_errors=True)
    settings = {
        "spark.master": f"local[{args.cores}]",
        "spark.driver.memory": args.memory,
        "spark.local.dir": str(kept),
        "spark.sql.session.timeZone": "UTC",
        "spark.ui.enabled": "false",
        "spark.ui.showConsoleProgress": "false",
    }
    jars = os.environ.get("SYNTHOHIVE_TEST_DELTA_JARS")
    if args.format == "delta":
        if not jars:
            raise SystemExit("Delta needs its JARs: set SYNTHOHIVE_TEST_DELTA_JARS to them.")
        places = [Path(place) for place in jars.split(",")]
        files = [str(f) for p in places for f in (p.glob("*.jar") if p.is_dir() else [p])]
        settings.update(DELTA, **{"spark.jars": ",".join(files)})
    builder = SparkSession.builder
    for name, value in settings.items():
        builder = builder.config(name, value)
    spark = builder.getOrCreate()
    spark.sparkContext.setLogLevel("ERROR")
    return spark


@contextmanager
def _watched(spark: Any) -> Iterator[None]:
    """Say how many tasks are done, now and then."""
    ended, tracker = threading.Event(), spark.sparkContext.statusTracker()

    def watch() -> None:
        while not ended.wait(SAID):
            stages = [tracker.getStageInfo(number) for number in tracker.getActiveStageIds()]
            for stage in filter(None, stages):
                say(f"  {stage.numCompletedTasks:,} of {stage.numTasks:,} tasks")

    thread = threading.Thread(target=watch, daemon=True)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()


@contextmanager
def _timed() -> Iterator[list[float]]:
    found: list[float] = []
    started = time.perf_counter()
    yield found
    found.append(time.perf_counter() - started)


def _bytes(place: Path, pattern: str = "*") -> int:
    return sum(file.stat().st_size for file in place.rglob(pattern) if file.is_file())


def say(what: str) -> None:
    """Say on stderr what is done now, and when that was."""
    print(f"{datetime.now(timezone.utc):%H:%M:%S} {what}", file=sys.stderr, flush=True)


def run(args: argparse.Namespace) -> dict[str, Figures]:
    """Do what is not done yet; return the figures of all steps."""
    folder = args.folder.resolve()
    (folder / "tmp").mkdir(parents=True, exist_ok=True)
    _same_settings(args, folder)
    found = {name: step(name, 0, args, folder) for name in ("fit", "alike")}
    for rows in args.line_items:
        for name in ("make", "prove", "tell"):
            found[f"{name}-{rows}"] = step(name, rows, args, folder)
        if not args.keep:
            shutil.rmtree(folder / "tables" / str(rows), ignore_errors=True)
        found[f"peers-{rows}"] = step("peers", min(rows, PEERS), args, folder, f"peers-{rows}")
        found[f"size-{rows}"] = figures = _size(args, found, rows)
        _print(f"{rows:,} line items", figures)
        floor = found["alike"]["fan-out KS of other real rows"]
        for label, distance in found[f"prove-{rows}"]["fan-out KS"].items():
            print(f"  KS {label:<70}{distance:>8.4f}|{floor[label]:.4f}", flush=True)
    return found


def _same_settings(args: argparse.Namespace, folder: Path) -> None:
    place, asked = folder / "settings.json", {name: getattr(args, name) for name in SETTINGS}
    if place.exists() and json.loads(place.read_text(encoding="utf-8")) != asked:
        raise SystemExit(f"{folder} has figures of other settings: give another folder.")
    place.write_text(json.dumps(asked), encoding="utf-8")


def step(name: str, rows: int, args: argparse.Namespace, folder: Path, label: str = "") -> Figures:
    """Do one step in a process of its own, unless its figures are there.

    Parameters
    ----------
    name : str
    rows : int
        Line items; 0 where the step is about none.
    args : argparse.Namespace
    folder : Path
    label : str
        Of its figures; by default the name, with the rows.
    """
    label = label or (f"{name}-{rows}" if rows else name)
    place, left = folder / f"{label}.json", folder / "step.json"
    if place.exists():
        say(f"{label}: done before")
        return dict(json.loads(place.read_text(encoding="utf-8")))
    say(label)
    shutil.rmtree(folder / "tmp", ignore_errors=True)  # of a step that was ended
    (folder / "tmp").mkdir()
    left.unlink(missing_ok=True)
    given = json.dumps({name: getattr(args, name) for name in (*SETTINGS, "memory")})
    command = [
        sys.executable,
        "-W",
        "ignore::FutureWarning",
        __file__,
        str(folder),
        "--step",
        name,
        str(rows),
        given,
    ]
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "TMPDIR": str(folder / "tmp")}
    peaks: dict[str, float] = {}
    with subprocess.Popen(command, env=environment) as process:
        while process.poll() is None:
            for program, used in by_program(process.pid).items():
                peaks[program] = max(peaks.get(program, 0.0), used)
            time.sleep(WATCHED)
    shutil.rmtree(folder / "spark", ignore_errors=True)
    if process.returncode:
        raise SystemExit(f"The step {label!r} failed; the same command goes on with it.")
    figures = {**json.loads(left.read_text(encoding="utf-8")), "MB": peaks}
    left.write_text(json.dumps(figures, indent=1), encoding="utf-8")
    left.replace(place)
    return figures


def _size(args: argparse.Namespace, found: dict[str, Figures], rows: int) -> Figures:
    """Return what is to be known of one size."""
    made, proof, told, peer, alike = (
        found[name]
        for name in (f"make-{rows}", f"prove-{rows}", f"tell-{rows}", f"peers-{rows}", "alike")
    )
    seconds = made["shared s"] + made["shards s"] + made["write s"]
    speed = proof["all rows"] / seconds / args.cores
    key, own = "C2ST with children", max(told["C2ST with children"].values())
    figures: Figures = {
        "rows": proof["all rows"],
        "shards": made["shards"],
        **{name: made[name] for name in ("shared s", "shards s", "write s")},
        "s per million rows": seconds / proof["all rows"] * 1e6,
        "rows/s/core": speed,
        "line items/s/core": proof["rows"]["lineitem"] / seconds / args.cores,
        **{f"{name} MB": used for name, used in made["MB"].items()},
        **{name: made[name] for name in ("bundle bytes", "kept bytes", "bytes")},
        "orphans": sum(proof["orphans"].values()),
        "keys": len(proof["orphans"]),
        "worst fan-out KS": max(proof["fan-out KS"].values()),
        "worst, of look-ups' shares": max(proof["look-ups, shares apart"].values()),
        "worst column distance": proof["worst distance"],
        "proof s": proof["proof s"],
        "score s": proof["score s"],
        "proof shuffle bytes": proof["proof shuffle bytes"],
        "worst C2ST with children": own,
        "the same, of a copy as large as what was learned": max(alike[key].values()),
    }
    for name in ("rules", "constant"):
        if f"{name} rows/s/core" in peer:
            figures[f"{name} rows/s/core"] = peer[f"{name} rows/s/core"]
            figures[f"of {name}"] = speed / peer[f"{name} rows/s/core"]
    return figures


def _print(title: str, figures: Figures) -> None:
    print(title)
    for name, figure in figures.items():
        shown = f"{figure:>18,.3f}" if isinstance(figure, float) else f"{figure:>18,}"
        print(f"  {name:<50}{shown}", flush=True)


def main() -> None:
    """Go on with a folder's run, and print the figures of each size."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("folder", type=Path)
    parser.add_argument("--line-items", type=_whole, nargs="+", default=[10**6, 10**7, 10**8])
    parser.add_argument("--scale", type=float, default=0.1, help="of what is learned")
    parser.add_argument("--epochs", type=int, default=10)
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--format", choices=("parquet", "delta"), default="parquet")
    parser.add_argument("--cores", type=int, default=2)
    parser.add_argument("--memory", default="4g", help="of the JVM")
    parser.add_argument("--shard-rows", type=int, default=0, help="to try out small runs")
    parser.add_argument("--keep", action="store_true", help="the tables that were made")
    parser.add_argument("--json", type=Path, help="a file for all figures")
    parser.add_argument("--step", nargs=3, help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.step:
        name, rows, given = args.step
        figures = STEPS[name](argparse.Namespace(**json.loads(given)), args.folder, int(rows))
        (args.folder / "step.json").write_text(json.dumps(figures), encoding="utf-8")
        return
    found = run(args)
    if args.json:
        args.json.write_text(json.dumps(found, indent=1), encoding="utf-8")


def _whole(text: str) -> int:
    """Read 1e6 as well as 1000000."""
    return int(float(text))


if __name__ == "__main__":
    main()
