"""Tables that hold other sorts of values than the metadata says, and tables without rows."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from synthohive import Metadata, PrivacyConfig, Synthesizer
from synthohive.exceptions import SchemaError
from synthohive.schema import Column, ColumnKind

ROWS = 60


def metadata() -> Metadata:
    """Return what a database says of two tables, one of which is empty."""
    made = Metadata().add_table("sale", "id", reference=False).add_table("note", "id")
    kinds = {"id": ColumnKind.INTEGER, "day": ColumnKind.DATE, "paid": ColumnKind.BOOLEAN}
    made.tables["sale"].columns = {n: Column(name=n, kind=k) for n, k in kinds.items()}
    made.tables["sale"].columns["price"] = Column(
        name="price", kind=ColumnKind.DECIMAL, precision=8, scale=2
    )
    return made


def tables(**changed: Any) -> dict[str, pd.DataFrame]:
    """Return the tables as SQLite gives them to pandas: days as text, flags as numbers."""
    rows = range(ROWS)
    days = [(dt.date(2024, 1, 1) + dt.timedelta(days=i % 20)).isoformat() for i in rows]
    columns = {"id": rows, "day": days, "paid": [i % 2 for i in rows]}
    columns["price"] = [10.5 + i % 7 for i in rows]
    empty = pd.DataFrame({"id": pd.Series([], dtype="int64"), "text": pd.Series([], dtype="str")})
    return {"sale": pd.DataFrame({**columns, **changed}), "note": empty}


@pytest.fixture(scope="module")
def fitted() -> Synthesizer:
    made = Synthesizer(metadata(), PrivacyConfig(detect_pii=False), model="autoregressive")
    return made.fit(tables(), epochs=2, seed=1, progress=False)


def test_values_become_what_the_metadata_says(fitted: Synthesizer, tmp_path: Path) -> None:
    made = fitted.sample(seed=1)
    assert {type(day) for day in made["sale"]["day"]} == {dt.date}
    assert made["sale"]["paid"].dtype == bool
    report = fitted.generate_validation_report(tables(), made, tmp_path / "report.html")
    metrics = {c.name: c.score.metric for table in report.tables for c in table.columns}
    assert metrics["day"] == "KS"


def test_what_cannot_become_it_is_named() -> None:
    with pytest.raises(SchemaError, match=r"sale\.day holds string; the metadata says date32"):
        Synthesizer(metadata()).fit(tables(day="soon"), epochs=1)


@pytest.mark.parametrize(("column", "value"), [("price", 12.5), ("day", "2024-01-05")])
def test_conditions_as_one_writes_them(fitted: Synthesizer, column: str, value: Any) -> None:
    made = fitted.sample(seed=1, conditions={"sale": {column: value}})["sale"]
    assert set(made[column].astype(str)) <= {str(value), f"{value}0"}


def test_a_table_that_was_empty_has_no_rows_to_ask_for(fitted: Synthesizer, tmp_path: Path) -> None:
    loaded = Synthesizer.load(fitted.save(tmp_path / "kept"))
    for synth in (fitted, loaded):
        with pytest.raises(SchemaError, match=r"'note'.*no rows to learn from"):
            synth.sample(num_rows={"note": 3})
        with pytest.raises(SchemaError, match=r"'note'.*no rows to learn from"):
            synth.sample(conditions={"note": {"text": "a"}})
    assert len(fitted.sample(num_rows={"note": 0})["note"]) == 0


def test_imputing_by_a_model_that_cannot_is_refused() -> None:
    synth = Synthesizer(metadata()).fit(tables(), epochs=1, seed=1, progress=False)
    with pytest.raises(SchemaError, match=r"'ctgan' draws whole rows.*\n?.*autoregressive"):
        synth.impute(tables(paid=None))
