"""One fitted table as files: ``table.json``, ``arrays.npz``, ``rows*.parquet``, ``model/``."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq

from synthohive.encoding.registry import load_transforms
from synthohive.learn.fitted import FittedTable
from synthohive.models.base import ConditionalGenerativeModel
from synthohive.schema import TableConfig
from synthohive.storage.codec import Packed, pack, unpack
from synthohive.storage.components import read_arrays, read_json, read_rows

__all__ = ["read_table", "write_table"]

ELSEWHERE = ("config", "model")
"""What of a table is not in its state: it is described with the others, and learns weights."""


def write_table(table: FittedTable, folder: Path) -> None:
    """Write one table into an empty folder."""
    packed = pack(table, without=ELSEWHERE)
    for number, rows in packed.rows.items():
        pq.write_table(rows, folder / f"rows{number}.parquet")
    if table.model is not None:
        (folder / "model").mkdir()
        table.model.save(folder / "model")
    state = {**packed.state, "model": table.model is not None}
    (folder / "table.json").write_text(json.dumps(state), encoding="utf-8")
    arrays: dict[str, Any] = packed.arrays
    np.savez_compressed(folder / "arrays.npz", **arrays)


def read_table(
    config: TableConfig, folder: Path, model: type[ConditionalGenerativeModel]
) -> FittedTable:
    """Read what :func:`write_table` wrote.

    Parameters
    ----------
    config : TableConfig
        The table's description, which lies elsewhere.
    folder : Path
    model : type
        Class of the model, if the files have one.

    Raises
    ------
    ValueError
    """
    load_transforms()  # in a process that has fitted nothing, none would be known by its name
    state = read_json(folder / "table.json")
    if not isinstance(state, dict) or not isinstance(state.get("model"), bool):
        raise ValueError("it does not say whether there is a model")
    learned = model.load(folder / "model") if state.pop("model") else None
    rows = {path.stem[len("rows") :]: read_rows(path) for path in folder.glob("rows*.parquet")}
    packed = Packed(state, read_arrays(folder / "arrays.npz"), rows)
    return unpack(FittedTable, packed, config=config, model=learned)
