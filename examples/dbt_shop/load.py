"""Load the demo shop into DuckDB, as the application database that a dbt project begins with.

``python load.py`` in ``examples/dbt_shop`` makes the file that its profile names.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
from pathlib import Path

import duckdb
from sqlalchemy import create_engine

from synthohive.connectors.sql import SqlWarehouse

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from shop import build_shop


def load(warehouse: Path, customers: int) -> None:
    """Load the shop's tables into the schema ``raw``, types kept and keys left out.

    Parameters
    ----------
    warehouse : Path
        The DuckDB file; one that exists is replaced.
    customers : int
        The other tables grow with it.
    """
    for old in (warehouse, warehouse.with_name(f"{warehouse.name}.wal")):
        old.unlink(missing_ok=True)
    with tempfile.TemporaryDirectory() as folder, duckdb.connect(str(warehouse)) as db:
        source = Path(folder) / "shop.db"
        build_shop(source, customers=customers)
        engine = create_engine(f"sqlite:///{source}")
        reader = SqlWarehouse(engine)
        db.execute("CREATE SCHEMA raw")
        for name in reader.metadata.tables:
            for number, batch in enumerate(reader.read(name)):
                db.register("batch", batch)
                into = f"CREATE TABLE raw.{name} AS" if number == 0 else f"INSERT INTO raw.{name}"
                db.execute(f"{into} SELECT * FROM batch")
            ((rows,),) = db.execute(f"SELECT count(*) FROM raw.{name}").fetchall()
            print(f"raw.{name:<14} {rows:>8,} rows")
        engine.dispose()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--customers", type=int, default=3000)
    load(Path(os.environ.get("DBT_SHOP_DUCKDB", "shop.duckdb")), parser.parse_args().customers)
