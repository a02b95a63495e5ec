"""Large databases in one run: fitting, writing, memory, loaders, and a schema of 300 tables.

Each measure runs in a process of its own, whose memory, with that of the processes it starts,
is looked at twice a second; servers are not counted. All of it, and a part at a small scale::

    python benchmarks/warehouse.py --postgres postgresql://… --mysql mysql+pymysql://… \
        --mariadb mysql+pymysql://…
    python benchmarks/warehouse.py --scale 0.05 --only memory duckdb wide

What no server is given for is skipped, and said: ``tpch`` and ``postgres`` need ``--postgres``;
``wide`` is in SQLite without. ``suites`` runs the tests of BigQuery in the image that
SYNTHOHIVE_TEST_BIGQUERY_IMAGE names, and those of Snowflake where ``make stand-ins`` was run.
Servers of MySQL and MariaDB have to take LOAD DATA LOCAL (``?local_infile=1``). Scale 1 is TPC-H's:
8.66 million rows. What the script makes on a server begins with ``wh_`` or ``io_``, and is dropped
at the end.
"""

from __future__ import annotations

import argparse
import json
import logging
import os
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Callable, Optional

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import sqlalchemy as sa
from sqlalchemy.schema import AddConstraint, CreateIndex, CreateTable

from benchmarks.parts import many_tables
from benchmarks.parts.io import drop, measured, psql
from benchmarks.parts.memory import megabytes
from synthohive import Metadata, Synthesizer
from tests.integration.datasets import load_tpch
from tests.integration.tpch_schema import tpch_schema

Figures = dict[str, float]
Measure = Callable[[argparse.Namespace, Path], Figures]
"""What one process does; it returns figures by name."""
SOURCE, MADE, RIVAL, WIDE = "wh_tpch", "wh_tpch_synthetic", "wh_tpch_copy", "wh_wide"
GOALS = {
    "fit s": "<= 180", "fit MB": "<= 1500", "write ratio": ">= 0.35", "write MB": "<= 1500",
    "write cores busy": "2", "memory ratio": "<= 1.1", "memory_10 MB": "<= 1500",
    "postgres ratio": ">= 0.9", "mysql ratio": ">= 0.85", "mariadb ratio": ">= 0.85",
    "duckdb ratio": ">= 0.9", "duckdb ratio, with keys": ">= 0.9", "wide s": "<= 60",
}  # fmt: skip
ROOT = Path(__file__).resolve().parents[1]
OUTCOMES = ("passed", "failed", "error", "xfailed", "skipped")
"""Of tests, as pytest's last line counts them."""
LEAST = 0.01
"""Below, TPC-H's generator repeats keys."""
WATCHED = 0.5
"""Seconds between two looks at the memory."""


@dataclass
class Clock:
    """Seconds, and processor seconds of this process and of those that it waited for."""

    seconds: float = 0.0
    busy: float = 0.0
    _started: list[float] = field(default_factory=list)

    def __enter__(self) -> Clock:
        self._started = [time.perf_counter(), sum(os.times()[:4])]
        return self

    def __exit__(self, *_: object) -> None:
        self.seconds = time.perf_counter() - self._started[0]
        self.busy = sum(os.times()[:4]) - self._started[1]


def load(args: argparse.Namespace, folder: Path) -> Figures:
    """Fill the source."""
    return {
        "rows": float(sum(load_tpch(sa.create_engine(args.postgres), SOURCE, args.scale).values()))
    }


def fit(args: argparse.Namespace, folder: Path) -> Figures:
    """Fit TPC-H where it lies."""
    with Clock() as clock:
        synthesizer = Synthesizer.from_database(args.postgres, SOURCE)
        synthesizer.fit(
            epochs=args.epochs, seed=42, progress=False, checkpoint_dir=folder / "whole"
        )
    return {"fit s": clock.seconds, "fit cores busy": clock.busy / clock.seconds}


def write(args: argparse.Namespace, folder: Path) -> Figures:
    """Write as many rows as TPC-H has, from the checkpoint."""
    synthesizer = Synthesizer.load(folder / "whole")
    with Clock() as clock:
        done = synthesizer.to_database(args.postgres, MADE, seed=7, if_exists="replace")
    return {
        "write rows": float(done.rows),
        "write s": clock.seconds,
        **{f"write, {name} s": seconds for name, seconds in done.seconds.items()},
        "write cores busy": clock.busy / clock.seconds,
    }


def copy(args: argparse.Namespace, folder: Path) -> Figures:
    r"""Write the same rows by ``psql \copy``, and have the server add the same keys."""
    engine, whole, plain = (
        sa.create_engine(args.postgres),
        tpch_schema(RIVAL),
        sa.MetaData(schema=RIVAL),
    )
    names = [table.name for table in whole.sorted_tables]
    psql(engine, *(f"\\copy {MADE}.{n} TO '{folder / n}.csv' (FORMAT csv)" for n in names))
    drop(engine, RIVAL)
    with engine.begin() as connection:
        connection.exec_driver_sql(f"CREATE SCHEMA {RIVAL}")
        for table in whole.sorted_tables:
            columns = [sa.Column(c.name, c.type, nullable=c.nullable) for c in table.columns]
            connection.execute(CreateTable(sa.Table(table.name, plain, *columns)))
    with Clock() as rows:
        psql(
            engine,
            *(f"\\copy {RIVAL}.{n} FROM '{folder / n}.csv' WITH (FORMAT csv)" for n in names),
        )
    with Clock() as keys, engine.begin() as connection:
        for statement in _keys(whole):
            connection.execute(statement)
        for name in names:
            connection.exec_driver_sql(f"ANALYZE {RIVAL}.{name}")
    drop(engine, RIVAL)
    for name in names:
        (folder / f"{name}.csv").unlink()
    return {"psql, copy s": rows.seconds, "psql, keys s": keys.seconds}


def _keys(metadata: sa.MetaData) -> Iterator[Any]:
    """Yield the statements that add primary keys, then indexes, CHECKs, and the other keys."""
    kinds = (sa.PrimaryKeyConstraint, sa.CheckConstraint, sa.ForeignKeyConstraint)
    for kind in kinds:
        for table in metadata.sorted_tables:
            found = [c for c in table.constraints if type(c) is kind]
            yield from map(AddConstraint, sorted(found, key=lambda c: str(c.name)))
            if kind is sa.PrimaryKeyConstraint:
                yield from map(CreateIndex, sorted(table.indexes, key=lambda i: str(i.name)))


def fit_tenth(args: argparse.Namespace, folder: Path) -> Figures:
    """Fit a tenth of the rows, without a server, for the measures of memory."""
    from benchmarks.data import DATASETS, Options, tpch_tables

    data = DATASETS["tpch"](Options(scale=0.001))
    Synthesizer(data.metadata, model="autoregressive").fit(
        tpch_tables(max(args.scale / 10, LEAST)), epochs=1, seed=42, progress=False, target=False,
        checkpoint_dir=folder / "tenth",
    )  # fmt: skip
    return {}


def _sampled(scale: float) -> Measure:
    def run(args: argparse.Namespace, folder: Path) -> Figures:
        with tempfile.TemporaryDirectory(dir=folder) as output, Clock() as clock:
            Synthesizer.load(folder / "tenth").sample(
                output_format="parquet", output_path=output, scale=scale, seed=7
            )
        return {f"memory, scale {scale:g} s": clock.seconds}

    return run


def _loaded(name: str) -> Measure:
    def run(args: argparse.Namespace, folder: Path) -> Figures:
        url = getattr(args, name, None) or f"duckdb:///{folder}/io.duckdb"
        best = measured(sa.create_engine(url), max(1_000, int(args.rows * args.scale)), args.rounds)
        (rows, whole), (own_rows, own_whole) = best["server"], best["loader"]
        return {
            f"{name} ratio": rows / own_rows, f"{name} ratio, with keys": whole / own_whole,
            f"{name} loader s": own_whole, f"{name} server s": whole,
        }  # fmt: skip

    return run


def wide(args: argparse.Namespace, folder: Path) -> Figures:
    """Reflect, validate and rehearse the schema of many tables; train for one epoch."""
    url, place = args.postgres or f"sqlite:///{folder}/wide.db", WIDE if args.postgres else None
    engine = sa.create_engine(url)
    departments = max(1, round(30 * args.scale))
    with _place(engine, place):
        rows = many_tables.fill(engine, many_tables.schema(departments, place))
        with Clock() as reflecting:
            metadata = Metadata.from_database(url, place)
        with Clock() as validating:
            metadata.validate_schema()
        synthesizer = Synthesizer.from_database(url, place, metadata=metadata)
        heard = _Heard()
        logging.getLogger("synthohive").addHandler(heard)
        logging.getLogger("synthohive").setLevel(logging.INFO)
        started, busy = time.perf_counter(), time.process_time()
        synthesizer.fit(epochs=1, seed=1, progress=False)
    found = {
        "wide tables": float(len(metadata.tables)),
        "wide columns": float(sum(len(t.columns) for t in metadata.tables.values())),
        "wide rows": float(rows),
        "wide, reflect s": reflecting.seconds,
        "wide, validate s": validating.seconds,
        "wide, analyse s": heard.at - heard.seconds - started,
        "wide, rehearse s": heard.seconds,
        "wide, train s": time.perf_counter() - heard.at,
        "wide, processor s": heard.busy - busy,
    }
    parts = ("reflect", "validate", "analyse", "rehearse")
    return {**found, "wide s": sum(found[f"wide, {part} s"] for part in parts)}


def suites(args: argparse.Namespace, folder: Path) -> Figures:
    """Run the suites of the warehouses on their stand-ins, where these are installed."""
    image = os.environ.get("SYNTHOHIVE_TEST_BIGQUERY_IMAGE")
    found: Figures = {}
    for name, program, tests, missing in (
        ("bigquery", sys.executable, "tests/integration/test_bigquery.py",
         "" if image else "SYNTHOHIVE_TEST_BIGQUERY_IMAGE names no image"),
        ("snowflake", args.snowflake_python, "tests/snowflake",
         "" if Path(args.snowflake_python).exists() else "make stand-ins was not run"),
    ):  # fmt: skip
        if missing:
            print(f"suites: {name} skipped, {missing}", file=sys.stderr)
            continue
        done = subprocess.run(
            [program, "-m", "pytest", "-q", "-p", "no:cacheprovider", tests], cwd=ROOT,
            env={**os.environ, "PYTHONPATH": str(ROOT)}, stdout=subprocess.PIPE, text=True,
            check=False,
        )  # fmt: skip
        *_, last = ["", *done.stdout.strip().splitlines()]
        counts = {word: re.search(rf"(\d+) {word}", last) for word in OUTCOMES}
        if not any(counts.values()):
            raise SystemExit(f"The suite of {name} did not run: {last}")
        found.update({f"{name} {w}": float(c[1]) if c else 0.0 for w, c in counts.items()})
    return found


class _Heard(logging.Handler):
    """Hears when the rehearsal ended, and how long it took."""

    at = seconds = busy = 0.0

    def emit(self, record: logging.LogRecord) -> None:
        if getattr(record, "event", "") == "rehearsed":
            self.at, self.busy = time.perf_counter(), time.process_time()
            self.seconds = record.__dict__["fields"]["seconds"]


@contextmanager
def _place(engine: sa.Engine, name: Optional[str]) -> Iterator[None]:
    """Make a schema, and drop it after."""
    if name is not None:
        drop(engine, name)
        with engine.begin() as connection:
            connection.exec_driver_sql(f"CREATE SCHEMA {name}")
    try:
        yield
    finally:
        if name is not None:
            drop(engine, name)
        engine.dispose()


PARTS = {
    "tpch": {"load": load, "fit": fit, "write": write, "copy": copy},
    "memory": {"fit_tenth": fit_tenth, "memory_1": _sampled(1.0), "memory_10": _sampled(10.0)},
    "postgres": {"postgres": _loaded("postgres")},
    "mysql": {"mysql": _loaded("mysql")},
    "mariadb": {"mariadb": _loaded("mariadb")},
    "duckdb": {"duckdb": _loaded("duckdb")},
    "suites": {"suites": suites},
    "wide": {"wide": wide},
}
MEASURES = {name: measure for part in PARTS.values() for name, measure in part.items()}
NEEDS = {"tpch": "postgres", "postgres": "postgres", "mysql": "mysql", "mariadb": "mariadb"}


def run(args: argparse.Namespace, folder: Path) -> Figures:
    """Run all parts that there are servers for; return the figures."""
    found: Figures = {}
    for part in args.only or PARTS:
        if part in NEEDS and not getattr(args, NEEDS[part]):
            print(f"{part}: skipped, no --{NEEDS[part]}", file=sys.stderr)
            continue
        for name in PARTS[part]:
            figures, peak = in_own_process(name, args, folder)
            figures[f"{name} MB"] = peak
            if name == "copy":
                whole = figures["psql, copy s"] + figures["psql, keys s"]
                figures["write ratio"] = whole / found["write s"]
            if name == "memory_10":
                figures["memory ratio"] = peak / found["memory_1 MB"]
            found.update(figures)
            for key, figure in figures.items():
                goal = f"   goal {GOALS[key]}" if key in GOALS else ""
                print(f"{key:<28}{figure:>14,.2f}{goal}", flush=True)
    return found


def in_own_process(name: str, args: argparse.Namespace, folder: Path) -> tuple[Figures, float]:
    """Run one measure; return its figures, and the most memory of its processes together, in MB."""
    place = folder / f"{name}.json"
    command = [sys.executable, __file__, "--measure", name, "--folder", str(folder)]
    given = {**vars(args), "only": None, "json": None}
    (folder / "given.json").write_text(json.dumps(given), encoding="utf-8")
    peak = 0.0
    with subprocess.Popen(command) as process:
        while process.poll() is None:
            peak = max(peak, megabytes(process.pid))
            time.sleep(WATCHED)
    if process.returncode:
        raise SystemExit(f"The measure {name!r} failed.")
    own = json.loads(place.read_text(encoding="utf-8"))
    return own["figures"], max(peak, own["peak"])


def main() -> None:
    """Measure, and print each figure beside its goal."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--postgres", help="URL of a PostgreSQL server")
    parser.add_argument("--mysql", help="URL of a MySQL server")
    parser.add_argument("--mariadb", help="URL of a MariaDB server")
    parser.add_argument(
        "--snowflake-python", default=str(ROOT / ".venv-snowflake/bin/python"),
        help="interpreter of the environment that 'make stand-ins' makes",
    )  # fmt: skip
    parser.add_argument("--scale", type=float, default=1.0)
    parser.add_argument("--epochs", type=int, default=30)
    parser.add_argument("--rows", type=int, default=2_000_000, help="of the loaders, at scale 1")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--only", nargs="+", choices=PARTS)
    parser.add_argument("--json", type=Path)
    parser.add_argument("--measure", choices=MEASURES, help=argparse.SUPPRESS)
    parser.add_argument("--folder", type=Path, help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.measure:
        _measure(args.measure, args.folder)
        return
    found = everything(args)
    if args.json:
        args.json.write_text(json.dumps(found, indent=1), encoding="utf-8")


def _measure(name: str, folder: Path) -> None:
    """Run one measure in this process, and leave its figures in the folder."""
    import resource

    given = json.loads((folder / "given.json").read_text(encoding="utf-8"))
    figures = MEASURES[name](argparse.Namespace(**given), folder)
    used = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    peak = used / (1e6 if sys.platform == "darwin" else 1e3 / 1.024)
    text = json.dumps({"figures": figures, "peak": peak})
    (folder / f"{name}.json").write_text(text, encoding="utf-8")


def everything(args: argparse.Namespace) -> Figures:
    """Run, and clear away what was made on a server."""
    with tempfile.TemporaryDirectory() as folder:
        if not args.postgres:
            return run(args, Path(folder))
        engine = sa.create_engine(args.postgres)
        with _place(engine, SOURCE):
            try:
                return run(args, Path(folder))
            finally:
                drop(engine, MADE, RIVAL)


if __name__ == "__main__":
    main()
