"""What goes wrong in practice: a typed error before any training, and nothing written."""

from __future__ import annotations

import sqlite3
import traceback
from pathlib import Path
from typing import Any, Optional

import numpy as np
import pandas as pd
import pytest

from synthohive import (
    ConnectorError,
    Constraint,
    ForeignKey,
    Metadata,
    PrivacyError,
    SchemaError,
    SchemaValidationError,
    Synthesizer,
)
from synthohive.encoding.encoded import EncodedTable
from synthohive.models.autoregressive.model import Autoregressive
from synthohive.models.ctgan.model import CTGAN
from synthohive.schema import Column
from tests.events import captured_events


def database(path: Path, *statements: str) -> str:
    with sqlite3.connect(path) as db:
        for statement in statements:
            db.execute(statement)
    db.close()
    return f"sqlite:///{path}"


def numbers(table: str, count: int = 30) -> str:
    return f"INSERT INTO {table} VALUES " + ", ".join(
        f"({i}, {i % 7})" for i in range(1, count + 1)
    )


def quick(source: Synthesizer, data: Any = None) -> Synthesizer:
    return source.fit(data, epochs=1, seed=1, progress=False)


def test_no_data_and_missing_tables() -> None:
    metadata = Metadata().add_table("a", "id").add_table("b", "id")
    with pytest.raises(SchemaError, match="no data to fit"):
        Synthesizer(metadata).fit()
    frame = pd.DataFrame({"id": [1, 2]})
    with pytest.raises(SchemaError, match="no table 'b'"):
        Synthesizer(metadata).fit({"a": frame})
    with pytest.raises(SchemaError, match="Did you mean 'b'"):
        Synthesizer(metadata).fit({"a": frame, "bb": frame})
    with pytest.raises(SchemaError, match="is a list"):
        Synthesizer(metadata).fit({"a": frame, "b": [1]})


@pytest.mark.parametrize(
    "arguments",
    [{"epochs": 0}, {"batch_size": -1}, {"sample_size": 0}, {"sampling_strategy": "random"},
     {"no_such_setting": 1}],
)  # fmt: skip
def test_impossible_arguments_of_fit(arguments: dict[str, Any]) -> None:
    data = {"a": pd.DataFrame({"id": range(50), "x": np.arange(50) % 5})}
    with pytest.raises(SchemaError, match=next(iter(arguments))):
        Synthesizer(Metadata().add_table("a", "id")).fit(data, progress=False, **arguments)


def test_all_tables_empty(tmp_path: Path) -> None:
    url = database(tmp_path / "t.db", "CREATE TABLE a (id INTEGER PRIMARY KEY)")
    with pytest.raises(SchemaError, match="No table has a row"):
        quick(Synthesizer.from_database(url))


def test_empty_parent_and_empty_child(tmp_path: Path) -> None:
    url = database(
        tmp_path / "t.db",
        "CREATE TABLE p (id INTEGER PRIMARY KEY, x INTEGER)",
        "CREATE TABLE c (id INTEGER PRIMARY KEY, p INTEGER REFERENCES p)",
        "CREATE TABLE full (id INTEGER PRIMARY KEY, x INTEGER)",
        "CREATE TABLE e (id INTEGER PRIMARY KEY, f INTEGER REFERENCES full)",
        numbers("full"),
        "INSERT INTO c VALUES (1, NULL), (2, NULL)",
    )
    made = quick(Synthesizer.from_database(url)).sample(seed=1)
    assert {n: len(t) for n, t in made.items()} == {"p": 0, "c": 2, "full": 30, "e": 0}
    assert made["c"]["p"].isna().all()


def test_no_primary_key_constant_null_and_one_row(tmp_path: Path) -> None:
    url = database(
        tmp_path / "t.db",
        "CREATE TABLE log (a INTEGER, b TEXT)",
        "INSERT INTO log VALUES (1, 'x'), (1, 'x'), (2, NULL)",
        "CREATE TABLE flat (id INTEGER PRIMARY KEY, same TEXT, none INTEGER)",
        "INSERT INTO flat VALUES " + ", ".join(f"({i}, 'k', NULL)" for i in range(40)),
        "CREATE TABLE single (id INTEGER PRIMARY KEY, v REAL, t TEXT)",
        "INSERT INTO single VALUES (7, 1.5, 'only')",
    )
    made = quick(Synthesizer.from_database(url)).sample(seed=1)
    assert {n: len(t) for n, t in made.items()} == {"log": 3, "flat": 40, "single": 1}
    assert set(made["flat"]["same"]) == {"k"}
    assert made["flat"]["none"].isna().all()


@pytest.mark.slow
def test_hundreds_of_columns() -> None:
    rng = np.random.default_rng(0)
    wide = pd.DataFrame({f"c{i}": rng.integers(0, 3, 60) for i in range(199)})
    wide.insert(0, "id", range(60))
    made = quick(Synthesizer(Metadata().add_table("wide", "id")), {"wide": wide}).sample(seed=1)
    assert made["wide"].shape == (60, 200)


def test_unknown_key_type_and_mismatched_key_are_refused_together(tmp_path: Path) -> None:
    url = database(
        tmp_path / "t.db",
        "CREATE TABLE p (id INTEGER PRIMARY KEY, x INTEGER)",
        "CREATE TABLE c (id INTEGER PRIMARY KEY, day DATE)",
        numbers("p"),
    )
    metadata = Metadata.from_database(url)
    key = ForeignKey(columns=["day"], parent="p", parent_columns=["id"])
    metadata.tables["c"].foreign_keys.append(key)
    metadata.tables["p"].columns["id"].kind = "unsupported"
    with pytest.raises(SchemaValidationError) as caught:
        quick(Synthesizer.from_database(url, metadata=metadata))
    assert "c.day is DATE" in caught.value.problems[0]
    assert "p.id" in caught.value.problems[1]


def test_duplicate_primary_keys_in_a_csv(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("id,x\n1,5\n1,6\n2,7\n", encoding="utf-8")
    with pytest.raises(SchemaValidationError, match=r"\(id\) repeats in 1 rows"):
        quick(Synthesizer(Metadata().add_table("a", "id")), {"a": tmp_path / "a.csv"})


class Blown(Autoregressive):
    """Breaks off where it is told to."""

    blow: Optional[type[BaseException]] = None

    def sample(self, num_rows: int, *args: Any, **kwargs: Any) -> EncodedTable:
        if self.blow is not None:
            raise self.blow
        return super().sample(num_rows, *args, **kwargs)


def source(tmp_path: Path, model: Any = "ctgan") -> Synthesizer:
    url = database(
        tmp_path / "t.db", "CREATE TABLE a (id INTEGER PRIMARY KEY, x INTEGER)", numbers("a")
    )
    return quick(Synthesizer.from_database(url, model=model))


def test_targets_that_exist_or_are_the_source(tmp_path: Path) -> None:
    fitted = source(tmp_path)
    before = (tmp_path / "t.db").read_bytes()
    with pytest.raises(ConnectorError, match="source"):
        fitted.to_database(f"sqlite:///{tmp_path}/../{tmp_path.name}/t.db", if_exists="replace")
    assert (tmp_path / "t.db").read_bytes() == before
    summary = fitted.to_database(seed=1)
    assert summary.schema == str(tmp_path / "t_synthetic.db")
    with pytest.raises(ConnectorError, match="exists"):
        fitted.to_database(seed=1)
    foreign = tmp_path / "mine.db"
    database(foreign, "CREATE TABLE precious (id INTEGER)")
    with pytest.raises(ConnectorError, match="did not make"):
        fitted.to_database(f"sqlite:///{foreign}")


def test_target_that_cannot_be_written(tmp_path: Path) -> None:
    fitted = source(tmp_path)
    for place in ("nowhere", "t.db"):  # no folder, and a file instead of one
        with pytest.raises(ConnectorError, match=place):
            fitted.to_database(f"sqlite:///{tmp_path}/{place}/copy.db")


@pytest.mark.parametrize("blow", [KeyboardInterrupt, MemoryError])
def test_interrupted_work_leaves_nothing(tmp_path: Path, blow: type[BaseException]) -> None:
    fitted = source(tmp_path, Blown)
    fitted.to_database(seed=1)
    before = (tmp_path / "t_synthetic.db").read_bytes()
    model = fitted.fitted_.tables["a"].model
    assert isinstance(model, Blown)
    model.blow = blow
    with pytest.raises(blow):
        fitted.to_database(seed=2, if_exists="replace")
    assert sorted(p.name for p in tmp_path.iterdir()) == ["t.db", "t_synthetic.db"]
    assert (tmp_path / "t_synthetic.db").read_bytes() == before


def test_odd_names_end_to_end(tmp_path: Path) -> None:
    odd = ['sel"ect', "or der", "größe.x", "a" * 63]
    quoted = ['"' + n.replace('"', '""') + '"' for n in odd]
    url = database(
        tmp_path / "t.db",
        f"CREATE TABLE {quoted[0]} ({quoted[1]} INTEGER PRIMARY KEY, {quoted[2]} TEXT)",
        f"CREATE TABLE {quoted[3]} (id INTEGER PRIMARY KEY, {quoted[2]} INTEGER NOT NULL "
        f"REFERENCES {quoted[0]}, x INTEGER CHECK (x < 9))",
        f"INSERT INTO {quoted[0]} VALUES " + ", ".join(f"({i}, 'v{i % 2}')" for i in range(30)),
        f"INSERT INTO {quoted[3]} VALUES "
        + ", ".join(f"({i}, {i % 20}, {i % 9})" for i in range(90)),
    )
    summary = quick(Synthesizer.from_database(url)).to_database(seed=1)
    assert (summary.rows, summary.orphans) == (120, 0)


def test_sessions_and_models_are_checked() -> None:
    with pytest.raises(SchemaError, match=r"spark_session is a object.*SparkSession"):
        Synthesizer(Metadata(), spark_session=object())
    with pytest.raises(SchemaError, match="Did you mean 'ctgan'"):
        Synthesizer(Metadata().add_table("a", "id"), model="ctgen").fit({"a": pd.DataFrame()})
    with pytest.raises(SchemaError, match="is not a model"):
        Synthesizer(Metadata().add_table("a", "id"), model=int).fit({})  # type: ignore[arg-type]
    assert issubclass(CTGAN, object)


def test_files_and_reports_are_not_overwritten(tmp_path: Path) -> None:
    frame = pd.DataFrame({"id": range(40), "x": np.arange(40) % 5})
    frame.to_parquet(tmp_path / "a.parquet")
    before = (tmp_path / "a.parquet").read_bytes()
    synth = quick(Synthesizer(Metadata().add_table("a", "id")), {"a": tmp_path / "a.parquet"})
    for if_exists in ("fail", "replace"):
        with pytest.raises(ConnectorError, match="what was read"):
            synth.sample(output_path=tmp_path, if_exists=if_exists)  # type: ignore[arg-type]
    assert (tmp_path / "a.parquet").read_bytes() == before
    report, real = tmp_path / "r.html", {"a": frame}
    (tmp_path / "r.json").write_text("mine", encoding="utf-8")
    with pytest.raises(ConnectorError, match="exists"):
        synth.generate_validation_report(real, real, report)
    with pytest.raises(ConnectorError, match="did not make"):
        synth.generate_validation_report(real, real, report, if_exists="replace")
    assert (tmp_path / "r.json").read_text(encoding="utf-8") == "mine"
    (tmp_path / "r.json").unlink()
    synth.generate_validation_report(real, real, report)
    with pytest.raises(ConnectorError, match="exists"):
        synth.generate_validation_report(real, real, report)
    synth.generate_validation_report(real, real, report, if_exists="replace")


PEOPLE = pd.DataFrame({
    "mail": [f"ann{i}@example.com" for i in range(40)],
    "joined": pd.date_range("2024-01-01", periods=40),
    "age": np.arange(40) % 7 + 30,
})  # fmt: skip
VISITS = pd.DataFrame({"id": range(80), "who": list(PEOPLE["mail"]) * 2, "a": np.arange(80) % 3})


@pytest.mark.parametrize(
    ("config", "error", "told"),
    [
        ({"reference": True}, PrivacyError, r"people is .* its key mail .*[Ll]eave out reference"),
        ({"pii_cols": {"joined": "email"}}, PrivacyError, r"people\.joined of type .*'none'"),
        ({"relations": ["phone = age"]}, SchemaError, "phone, which is made up"),
        ({"constraints": {"joined": Constraint(min=1)}}, SchemaValidationError, r"people\.joined"),
    ],
)
def test_what_a_description_cannot_have_is_refused_before_any_training(
    config: dict[str, Any], error: type[Exception], told: str
) -> None:
    metadata = Metadata().add_table("a", "id").add_table("people", "mail", **config)
    metadata.add_table("visits", "id", fk={"who": "people.mail"})
    first = pd.DataFrame({"id": range(50), "x": np.arange(50) % 5})
    people = PEOPLE.assign(phone=[f"+4930555{i:04}" for i in range(40)])
    with captured_events() as events, pytest.raises(error, match=told):
        quick(Synthesizer(metadata), {"a": first, "people": people, "visits": VISITS})
    assert "training_checkpoint" not in {event["event"] for event in events}


@pytest.mark.parametrize("kind", ["integer", "date", "boolean", "csv", "mixed"])
def test_no_error_repeats_a_value(kind: str, tmp_path: Path) -> None:
    """Neither the message nor a traceback: both end up in logs."""
    people: Any = pd.DataFrame({"id": range(40), "who": [f"Ann Lee {i}" for i in range(40)]})
    metadata = Metadata().add_table("people", "id")
    if kind == "csv":
        path = tmp_path / "people.csv"
        path.write_text(people.to_csv(index=False) + "40,Ann Lee,1,2\n")
        people = str(path)
    elif kind == "mixed":
        people["who"] = people["who"].astype(object).where(people.index != 7, 7)
    else:
        metadata.table("people").columns["who"] = Column(name="who", kind=kind)
    with pytest.raises((SchemaError, ConnectorError), match="people") as caught:
        quick(Synthesizer(metadata), {"people": people})
    assert "Ann Lee" not in "".join(traceback.format_exception(None, caught.value, caught.tb))


def test_text_that_is_no_unicode_is_named() -> None:
    frame = pd.DataFrame({"id": range(9)})
    frame["w"] = pd.Series(["\ud800"] * 9, dtype=object)
    with pytest.raises(SchemaError, match=r"t\.w holds text that is no valid Unicode"):
        Synthesizer(Metadata().add_table("t", "id")).fit({"t": frame})
