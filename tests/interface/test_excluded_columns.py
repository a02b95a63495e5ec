"""Columns that are left out: not read, not learned; the copy holds their default, or NULL."""

from __future__ import annotations

import sqlite3
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pytest

from synthohive import Metadata, PrivacyConfig, SchemaError, SchemaValidationError, Synthesizer
from tests.events import captured_events

FILM = """CREATE TABLE film (id INTEGER PRIMARY KEY, v INTEGER NOT NULL, secret TEXT, kind TEXT
NOT NULL DEFAULT 'unknown', must INTEGER NOT NULL, twin INTEGER UNIQUE, lang INTEGER
REFERENCES lang)"""
LANG = "CREATE TABLE lang (id INTEGER PRIMARY KEY, n INTEGER)"


def source(path: Path) -> str:
    with sqlite3.connect(path) as db:
        db.execute(LANG)
        db.executemany("INSERT INTO lang VALUES (?, ?)", [(i, i % 3) for i in range(1, 6)])
        db.execute(FILM)
        rows = [(i, i % 4, f"Zoe Q{i}", "real", i % 2, i, 1 + i % 5) for i in range(1, 61)]
        db.executemany("INSERT INTO film VALUES (?, ?, ?, ?, ?, ?, ?)", rows)
    db.close()
    return f"sqlite:///{path}"


def fit(synth: Synthesizer, data: Any = None) -> Synthesizer:
    return synth.fit(data, epochs=1, seed=1, progress=False, n_jobs=1)


def copied(synth: Synthesizer, path: Path) -> list[tuple[Any, ...]]:
    fit(synth).to_database(schema=str(path), seed=2)
    with sqlite3.connect(path) as db:
        found = db.execute("SELECT secret, kind, twin, lang, must FROM film").fetchall()
    db.close()
    return found


def test_excluded_columns_hold_their_default_or_null(tmp_path: Path) -> None:
    synth = Synthesizer.from_database(source(tmp_path / "a.db"))
    synth.metadata.exclude("film.secret", "film.kind").exclude("film.twin", "film.lang")
    rows = copied(synth, tmp_path / "b.db")
    assert len(rows) == 60
    assert {row[:4] for row in rows} == {(None, "unknown", None, None)}
    assert {row[4] for row in rows} == {0, 1}
    assert "secret" not in synth.sample(seed=1)["film"]
    synth.save(tmp_path / "checkpoint")
    loaded = Synthesizer.load(tmp_path / "checkpoint")
    assert loaded.metadata.table("film").exclude_columns == ["secret", "kind", "twin", "lang"]
    loaded.to_database(f"sqlite:///{tmp_path / 'c.db'}", seed=2)  # from the description alone
    with sqlite3.connect(tmp_path / "c.db") as db:
        assert set(db.execute("SELECT secret, kind FROM film")) == {(None, "unknown")}
    db.close()


def test_the_summary_lists_what_the_copy_lacks(tmp_path: Path) -> None:
    url = source(tmp_path / "a.db")
    with sqlite3.connect(tmp_path / "a.db") as db:
        db.execute("CREATE VIEW films AS SELECT id FROM film")
        db.execute("CREATE TRIGGER t AFTER INSERT ON film BEGIN SELECT 1; END")
    db.close()
    synth = Synthesizer.from_database(url)
    synth.metadata.exclude("film.secret")
    summary = fit(synth).to_database(schema=str(tmp_path / "b.db"), seed=2)
    assert summary.not_cloned == {"triggers": ("t",), "views": ("films",)}
    assert summary.to_dict()["excluded"] == ["film.secret"]
    assert "Not cloned: triggers t; views films" in str(summary)


def test_a_column_deleted_from_the_description_is_excluded(tmp_path: Path) -> None:
    url = source(tmp_path / "a.db")
    synth = Synthesizer.from_database(url)
    del synth.metadata.table("film").columns["secret"]
    assert {row[0] for row in copied(synth, tmp_path / "b.db")} == {None}
    written = Metadata.from_database(url)
    del written.table("film").columns["lang"]
    again = Synthesizer.from_database(url, metadata=Metadata.from_json(written.to_json()))
    assert again.metadata.table("film").exclude_columns == ["lang"]
    assert not again.metadata.table("film").foreign_keys
    assert {row[3] for row in copied(again, tmp_path / "c.db")} == {None}


def test_what_is_written_by_hand_is_completed_not_excluded(tmp_path: Path) -> None:
    written = Metadata().add_table("film", "id", exclude_columns=["secret", "lang"])
    found = Synthesizer.from_database(source(tmp_path / "a.db"), metadata=written).metadata
    assert set(found.table("film").stored) == {"id", "v", "kind", "must", "twin"}
    assert list(found.table("film").columns)[2] == "secret"


def test_what_cannot_be_excluded_is_refused_with_the_choices(tmp_path: Path) -> None:
    metadata = Synthesizer.from_database(source(tmp_path / "a.db")).metadata
    with pytest.raises(SchemaError, match=r"primary key.*Exclude the table"):
        metadata.exclude("film.id")
    with pytest.raises(SchemaError, match="Did you mean 'secret'"):
        metadata.exclude("film.secrte")
    with pytest.raises(SchemaError, match="Did you mean 'film'"):
        metadata.exclude("films.secret")
    with pytest.raises(SchemaError, match=r"table\.column"):
        metadata.exclude("film")
    metadata.exclude("film.must")
    metadata.table("film").exclude_columns += ["lang", "nothing"]
    metadata.table("film").columns["twin"].default = "5"
    metadata.table("film").exclude("twin")
    with pytest.raises(SchemaValidationError) as caught:
        metadata.validate_schema()
    text = str(caught.value)
    for part in (
        "film.must (INTEGER) is excluded, but it is NOT NULL without a default",
        "drop NOT NULL in the source, keep the column, or exclude the table: exclude=['film']",
        "film.lang is excluded, but the key film(lang) -> lang(id) needs it",
        "exclude_columns names 'nothing'",
        "every row would hold its default 5, and (twin) is unique",
    ):
        assert part in text


def test_a_check_that_needs_an_excluded_column_is_refused_before_training(tmp_path: Path) -> None:
    path = tmp_path / "a.db"
    with sqlite3.connect(path) as db:
        db.execute(
            "CREATE TABLE t (id INTEGER PRIMARY KEY, v INTEGER, w INTEGER CHECK (w > 0), "
            "CONSTRAINT one_of CHECK (v IS NOT NULL OR w IS NOT NULL))"
        )
        rows = [(i, None if i % 2 else i % 5, 3) for i in range(60)]
        db.executemany("INSERT INTO t VALUES (?, ?, ?)", rows)
    db.close()
    synth = Synthesizer.from_database(f"sqlite:///{path}")
    synth.metadata.exclude("t.w")
    with pytest.raises(SchemaValidationError, match=r"t\.w is excluded.*break the CHECK one_of"):
        fit(synth)


def test_an_excluded_column_may_be_named_as_personal(tmp_path: Path) -> None:
    privacy = PrivacyConfig(pii_columns={"film": {"secret": "name"}})
    synth = Synthesizer.from_database(source(tmp_path / "a.db"), privacy_config=privacy)
    synth.metadata.table("film").pii_cols = ["secret"]
    synth.metadata.exclude("film.secret")
    assert "secret" not in fit(synth).sample(seed=1)["film"]


def test_frames_are_learned_without_excluded_columns() -> None:
    mixed = [1, "x", b"y"] * 20
    frame = pd.DataFrame({"id": range(60), "v": [0, 1, 2] * 20, "odd": mixed})
    metadata = Metadata().add_table("t", "id", exclude_columns=["odd"])
    made = fit(Synthesizer(metadata), {"t": frame}).sample(seed=1)["t"]
    assert list(made.columns) == ["id", "v"]


def test_nested_arrow_columns_block_nothing() -> None:
    rows = pa.table(
        {
            "id": range(60),
            "tags": [["a", "b"], None, []] * 20,
            "place": [{"x": 1, "y": 2}] * 60,
            "v": [0, 1, 2] * 20,
        }
    )
    with captured_events() as logs:
        synth = fit(Synthesizer(Metadata().add_table("t", "id")), {"t": rows})
    told = [e for e in logs if e["event"] == "columns_excluded"]
    assert len(told) == 1
    assert [c.partition(" ")[0] for c in told[0]["columns"]] == ["t.tags", "t.place"]
    assert synth.sample(seed=1, output_format="arrow")["t"].column_names == ["id", "v"]
