"""SQL in a checkpoint whose sums someone has corrected does not run."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy import Engine

from synthohive import Synthesizer
from synthohive.exceptions import SchemaError, SerializationError
from synthohive.interface.checkpoint_folder import _digest

DROP = "DROP SCHEMA {precious} CASCADE"
INDEX = {"name": "i", "columns": ["note"], "unique": False}
EDITS: dict[str, tuple[str, Any]] = {
    "sql_type": ("columns.note", {"sql_type": "text); {drop}; --"}),
    "default": ("columns.note", {"default": "'a'); {drop}; --"}),
    "default as a statement": ("columns.note", {"default": "'a'; {drop}"}),
    "computed": ("columns.note", {"computed": "'a') STORED); {drop}; --"}),
    "check": ("checks", [{"sqltext": "true); {drop}; --", "name": "c"}]),
    "check that calls": ("checks", [{"sqltext": "pg_sleep(3) IS NULL", "name": "c"}]),
    "index": ("indexes", [{**INDEX, "definition": "{drop}"}]),
    "index with more": (
        "indexes",
        [{**INDEX, "definition": "CREATE INDEX i ON t (note); {drop}"}],
    ),
    "on_delete": ("foreign_keys.0", {"on_delete": "CASCADE; {drop}"}),
}

REFUSED_ON_LOADING = {"computed": (SerializationError, "columns do not have one role each")}


def edit(folder: Path, place: str, change: Any, statement: str) -> None:
    """Change the description of table `t`, and give the manifest the new sum."""
    file = next(folder.rglob("metadata.json"))
    metadata = json.loads(file.read_text("utf-8"))
    change = json.loads(json.dumps(change).replace("{drop}", statement))
    target = metadata["tables"]["t"]
    head, _, rest = place.partition(".")
    if isinstance(change, dict):
        inner = target[head][int(rest) if rest.isdigit() else rest]
        inner.update(change)
    else:
        target[head] = change
    file.write_text(json.dumps(metadata), "utf-8")
    manifest = json.loads((folder / "manifest.json").read_text("utf-8"))
    manifest["files"][file.relative_to(folder).as_posix()] = _digest(file)
    (folder / "manifest.json").write_text(json.dumps(manifest), "utf-8")


@pytest.mark.integration
def test_nothing_of_a_checkpoint_runs_as_sql(
    postgres_engine: Engine, postgres_schema: str, tmp_path: Path
) -> None:
    schema, precious = postgres_schema, f"{postgres_schema}_precious"
    with postgres_engine.begin() as connection:
        for sql in (
            f"CREATE SCHEMA {precious}",
            f"CREATE TABLE {precious}.kept (id integer)",
            f"CREATE TABLE {schema}.t (id integer PRIMARY KEY, note text DEFAULT 'x', "
            f"parent integer REFERENCES {schema}.t ON DELETE CASCADE, CHECK (note <> ''))",
            f"INSERT INTO {schema}.t SELECT i, 'n' || i % 3, NULL FROM generate_series(1, 60) i",
        ):
            connection.exec_driver_sql(sql.replace("%", "%%"))
    synth = Synthesizer.from_database(postgres_engine, schema)
    saved = synth.fit(epochs=1, seed=1, progress=False, n_jobs=1).save(tmp_path / "saved")
    for name, (place, change) in EDITS.items():
        folder = Path(shutil.copytree(saved, tmp_path / name))
        edit(folder, place, change, DROP.format(precious=precious))
        error, message = REFUSED_ON_LOADING.get(name, (SchemaError, "Table 't'"))
        with pytest.raises(error, match=message):
            Synthesizer.load(folder).to_database(postgres_engine, schema=f"{schema}_copy", seed=1)
        inspector = sa.inspect(postgres_engine)
        assert inspector.get_table_names(precious) == ["kept"], name
        assert f"{schema}_copy" not in inspector.get_schema_names(), name
    written = Synthesizer.load(saved).to_database(postgres_engine, schema=f"{schema}_copy", seed=1)
    assert written.rows == 60
