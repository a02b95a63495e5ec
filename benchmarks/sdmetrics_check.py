"""The scores of sdmetrics, as a cross-check; run by ``peers.py`` in an environment that has it.

Reads ``keys.json`` and a Parquet file per table from two folders, real and synthetic, and
prints its two scores of each table as JSON: 1 is best. It imports nothing of SynthoHive.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pandas as pd
from sdmetrics.reports.single_table import QualityReport


def main() -> None:
    """Score the tables of the two folders that the arguments name."""
    real, made = Path(sys.argv[1]), Path(sys.argv[2])
    keys = json.loads((real / "keys.json").read_text(encoding="utf-8"))
    scores = {}
    for name, config in keys.items():
        left, right = (pd.read_parquet(side / f"{name}.parquet") for side in (real, made))
        ids = {*config["pk"], *(c for key in config["fk"] for c in key["columns"])}
        columns = [c for c in left.columns if c not in ids]
        if not columns:
            continue
        metadata = {"columns": {c: {"sdtype": _sdtype(left[c])} for c in columns}}
        report = QualityReport()
        report.generate(left[columns], right[columns], metadata, verbose=False)
        table = report.get_properties().set_index("Property")["Score"]
        scores[name] = {key: float(value) for key, value in table.items()}
    print(json.dumps(scores))


def _sdtype(values: pd.Series) -> str:
    if pd.api.types.is_bool_dtype(values):
        return "boolean"
    if pd.api.types.is_numeric_dtype(values):
        return "numerical"
    return "datetime" if pd.api.types.is_datetime64_any_dtype(values) else "categorical"


if __name__ == "__main__":
    main()
