"""The whole line on SQLite: reflect, fit, sample, write, save, load."""

from __future__ import annotations

import sqlite3
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from synthohive import Gate, QualityError, SchemaError, Synthesizer, SynthoHiveError
from synthohive.generate import attributes as generation
from synthohive.generate import blocks, schedule
from synthohive.models.base import Memorisation


def query(path: Path, sql: str) -> list[Any]:
    with sqlite3.connect(path) as db:
        return db.execute(sql).fetchall()


def test_to_database_is_a_clone_without_orphans(
    fitted: Synthesizer, shop_path: Path, tmp_path: Path
) -> None:
    target = tmp_path / "copy.db"
    summary = fitted.to_database(f"sqlite:///{target}", seed=7)
    assert summary.orphans == 0
    assert query(target, "PRAGMA foreign_key_check") == []
    ddl = (
        "SELECT name FROM sqlite_master WHERE type = 'table' AND name <> '_synthohive' "
        "AND name NOT LIKE 'sqlite_%' ORDER BY 1"
    )
    assert query(target, ddl) == query(shop_path, ddl)
    for (table,) in query(shop_path, ddl):
        info = f'PRAGMA table_info("{table}")'
        keys = f'PRAGMA foreign_key_list("{table}")'
        assert query(target, info) == query(shop_path, info)
        assert sorted(k[2:] for k in query(target, keys)) == sorted(
            k[2:] for k in query(shop_path, keys)
        )
        real, made = (
            query(p, f'SELECT count(*) FROM "{table}"')[0][0] for p in (shop_path, target)
        )
        assert made == pytest.approx(real, rel=0.02, abs=1), table
        assert next(t.rows for t in summary.tables if t.name == table) == made
    assert "0 over 7 foreign keys" in str(summary)


def test_constraints_hold(fitted: Synthesizer) -> None:
    made = fitted.sample(seed=11)
    customer, line = made["customer"], made["line"]
    assert customer["id"].is_unique
    assert customer["email"].is_unique
    assert customer["age"].dropna().min() >= 18
    assert customer["age"].isna().any()
    assert line["quantity"].min() > 0
    assert not line.duplicated(["purchase", "number"]).any()
    assert not made["purchase_tag"].duplicated(["purchase", "tag"]).any()
    first = line.groupby("purchase")["number"].agg(["min", "max", "size"])
    assert (first["min"] == 1).all()
    assert (first["max"] == first["size"]).all()


def test_hierarchy_has_no_cycle(fitted: Synthesizer) -> None:
    customer = fitted.sample(seed=5)["customer"]
    parent = dict(zip(customer["id"], customer["referrer"]))
    linked = [p for p in parent.values() if not pd.isna(p)]
    assert len(linked) > 50
    for start in parent:
        seen, node = set(), start
        while not pd.isna(parent[node]):
            assert node not in seen
            seen.add(node)
            node = parent[node]


def test_reference_table_is_kept_and_personal_data_is_not(
    fitted: Synthesizer, shop_path: Path
) -> None:
    made = fitted.sample(seed=3)
    assert sorted(made["country"]["code"]) == ["DE", "FR", "IT", "US"]
    real = {e for (e,) in query(shop_path, "SELECT email FROM customer")}
    assert not real & set(made["customer"]["email"])
    notes = {n for (n,) in query(shop_path, "SELECT note FROM purchase WHERE note IS NOT NULL")}
    assert len(notes & set(made["purchase"]["note"].dropna())) <= 0.01 * len(notes)


def test_children_depend_on_freshly_generated_parents(fitted: Synthesizer) -> None:
    made = fitted.sample(seed=2, scale=3)
    counts = (
        made["purchase"].groupby("customer").size().reindex(made["customer"]["id"], fill_value=0)
    )
    mean = counts.groupby(made["customer"]["segment"].to_numpy()).mean()
    assert mean["loyal"] > mean["lost"]


def test_fan_out_is_the_real_one(fitted: Synthesizer, shop_path: Path) -> None:
    made = fitted.sample(seed=2)
    for child, column, parent in [
        ("purchase", "customer", "customer"),
        ("purchase", "agent", "agent"),
        ("line", "purchase", "purchase"),
    ]:
        real = [
            n
            for (n,) in query(
                shop_path,
                f"SELECT count(c.rowid) FROM {parent} p LEFT JOIN {child} c "
                f"ON c.{column} = p.id GROUP BY p.id",
            )
        ]
        synthetic = made[child].groupby(column).size().reindex(made[parent]["id"], fill_value=0)
        top = max(*real, *synthetic) + 1
        steps = [np.cumsum(np.bincount(x, minlength=top)) / len(x) for x in (real, synthetic)]
        assert np.abs(steps[0] - steps[1]).max() <= 0.05, (child, column)


def test_same_seed_same_bytes_and_another_seed_others(fitted: Synthesizer) -> None:
    once, again, other = (fitted.sample(seed=s, output_format="arrow") for s in (7, 7, 8))
    for name in once:
        assert once[name].equals(again[name]), name
    assert not once["purchase"].equals(other["purchase"])


@pytest.mark.slow
def test_attributes_do_not_depend_on_the_order_of_blocks(
    fitted: Synthesizer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(blocks, "BLOCK_ROWS", 64)
    forward = fitted.sample(seed=9, output_format="arrow")["agent"]
    assert forward.num_rows == 30
    cut = generation.cut_blocks
    monkeypatch.setattr(generation, "cut_blocks", lambda *a: reversed(list(cut(*a))))
    monkeypatch.setattr(schedule, "check_validity", lambda *a, **k: None)  # rows stand elsewhere
    made = fitted.sample(seed=9, output_format="arrow")["customer"].sort_by("id")
    monkeypatch.setattr(generation, "cut_blocks", cut)
    again = fitted.sample(seed=9, output_format="arrow")["customer"].sort_by("id")
    columns = ["id", "email", "segment", "age"]
    assert made.select(columns).equals(again.select(columns))


@pytest.mark.slow
def test_fit_is_deterministic(fitted: Synthesizer, shop_path: Path) -> None:
    twin = Synthesizer.from_database(f"sqlite:///{shop_path}").fit(
        epochs=2, seed=42, progress=False
    )
    one, two = (s.sample(seed=7, output_format="arrow") for s in (fitted, twin))
    assert all(one[name].equals(two[name]) for name in one)


def test_save_and_load_give_the_same_rows(fitted: Synthesizer, tmp_path: Path) -> None:
    fitted.save(tmp_path / "checkpoint")
    loaded = Synthesizer.load(tmp_path / "checkpoint")
    one, two = (s.sample(seed=7, output_format="arrow") for s in (fitted, loaded))
    assert all(one[name].equals(two[name]) for name in one)


def test_scale_and_empty_table(fitted: Synthesizer) -> None:
    made = fitted.sample(scale=2, seed=1)
    assert len(made["customer"]) == 800
    assert len(made["country"]) == 4
    assert len(made["unused"]) == 0


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"scale": 0}, "scale is 0"),
        ({"scale": -1}, "scale is -1"),
        ({"num_rows": 5}, "8 tables"),
        ({"num_rows": {"agent": -5}}, "-5"),
        ({"num_rows": {"agnet": 5}}, "Did you mean 'agent'"),
        ({"num_rows": {"country": 5}}, "look-up table"),
    ],
)
def test_impossible_requests_are_refused(
    fitted: Synthesizer, arguments: dict[str, Any], words: str
) -> None:
    with pytest.raises(SchemaError, match=words):
        fitted.sample(**arguments)


def test_rows_of_root_tables_can_be_set(fitted: Synthesizer) -> None:
    made = fitted.sample(num_rows={"agent": 7}, seed=1)
    assert len(made["agent"]) == 7
    assert set(made["purchase"]["agent"].dropna()) <= set(made["agent"]["id"])


def test_rows_of_any_table_can_be_set(fitted: Synthesizer) -> None:
    """Children of a given size scale their fan-out; what hangs on them follows."""
    usual = fitted.sample(seed=1)
    wanted = {"purchase": np.int64(37), "agent": np.int32(5), "line": 400}
    made = fitted.sample(num_rows=wanted, seed=1)
    assert {name: len(made[name]) for name in wanted} == wanted
    assert set(made["line"]["purchase"]) <= set(made["purchase"]["id"])
    alone = fitted.sample(num_rows={"purchase": 2 * len(usual["purchase"])}, seed=1)
    assert len(alone["purchase"]) == 2 * len(usual["purchase"])
    assert len(alone["agent"]) == len(usual["agent"])
    assert len(alone["line"]) == pytest.approx(2 * len(usual["line"]), rel=0.2)


def test_a_preview_shows_ten_rows_of_each_table_that_belong_together(fitted: Synthesizer) -> None:
    shown = fitted.preview(10, seed=3)
    again = fitted.preview(10, seed=3)
    kept = {name for name, table in fitted.fitted_.tables.items() if table.reference is not None}
    for name, table in fitted.fitted_.tables.items():
        pd.testing.assert_frame_equal(shown[name], again[name])
        if name not in kept:
            assert len(shown[name]) == (10 if table.rows else 0), name
    for child, key in fitted.metadata.foreign_keys():
        parents = set(shown[key.parent][key.parent_columns].itertuples(index=False, name=None))
        children = shown[child][key.columns].dropna().itertuples(index=False, name=None)
        assert set(children) <= parents, key.label(child)
    with pytest.raises(SchemaError, match="rows is 0"):
        fitted.preview(0)


def test_quality_gate_names_the_columns_and_writes_nothing(
    fitted: Synthesizer, tmp_path: Path
) -> None:
    target = tmp_path / "copy.db"
    with pytest.raises(QualityError) as caught:
        fitted.to_database(f"sqlite:///{target}", seed=7, quality_threshold=1e-9)
    assert any(name.startswith("purchase.") for name in caught.value.scores)
    assert "purchase." in str(caught.value)
    assert list(tmp_path.iterdir()) == []


def test_a_gate_looks_at_more_than_distances(fitted: Synthesizer, tmp_path: Path) -> None:
    kinds = {"distance", "memorisation", "orphans"}
    fitted.sample(scale=0.1, seed=7)
    told = fitted.metrics_
    assert told is not None
    assert set(told["score"]) == kinds
    assert told["passed"].all()
    fitted.preview(3, seed=1)
    assert fitted.metrics_ is told  # what is only looked at is no run
    gate = Gate(
        distance=1.0, validity=0.0, classifier=1.0, orphans=0, copies=1.0, memorisation=0.5,
        tables={"line": {"classifier": 0.5}}, columns={"customer": {"age": {"distance": 0.0}}},
    )  # fmt: skip
    with pytest.raises(QualityError, match=r"line: classifier \(AUC\)") as caught:
        fitted.sample(output_format="csv", output_path=tmp_path, seed=7, quality_threshold=gate)
    failing = caught.value.frame.set_index(["table", "score"])["column"]
    assert set(failing.index) == {("line", "classifier"), ("customer", "distance")}
    assert failing["customer", "distance"] == "age"
    told = fitted.metrics_
    assert told is not None
    assert set(told["score"]) == kinds | {"validity", "classifier", "copies"}
    assert (~told["passed"]).sum() == 2
    mails = told[(told["column"] == "email") & (told["score"] == "copies")]
    assert mails["value"].tolist() == [0.0]
    assert list(tmp_path.iterdir()) == []


def test_a_limit_that_cannot_be_looked_at_is_refused_before_rows_are_made(
    fitted: Synthesizer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    loaded = Synthesizer.load(fitted.save(tmp_path / "saved"))
    monkeypatch.setattr(schedule, "check_validity", None)  # rows would not be made
    limits: dict[str, dict[str, Any]] = {
        "costumer.*Did you mean 'customer'": {"tables": {"costumer": {"distance": 0.1}}},
        "'agee'.*Did you mean 'age'": {"columns": {"customer": {"agee": {"distance": 0.1}}}},
        "email has no distance": {"columns": {"customer": {"email": {"distance": 0.1}}}},
        "age is not personal": {"columns": {"customer": {"age": {"copies": 0.1}}}},
        "classifier, copies need the real rows": {"classifier": 0.7, "copies": 0.0},
    }
    for told, given in limits.items():
        with pytest.raises(SchemaError, match=told):
            loaded.sample(seed=1, quality_threshold=Gate(**given))


def test_a_table_that_came_out_empty_passes_no_gate(fitted: Synthesizer) -> None:
    with pytest.raises(QualityError, match=r"line\.\w+: \w+ 1\.000") as caught:
        fitted.sample(num_rows={"line": 0}, seed=1, quality_threshold=0.9)
    assert set(caught.value.frame["table"]) == {"line"}
    with pytest.raises(QualityError, match=r"line: classifier \(AUC\) 1\.000"):
        fitted.sample(num_rows={"line": 0}, seed=1, quality_threshold=Gate(classifier=0.9))


def test_what_a_model_has_memorised_is_looked_at_before_rows_are_made(
    fitted: Synthesizer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(schedule, "check_validity", None)
    measured = [name for name, found in fitted.memorisation.items() if found is not None]
    table = fitted.fitted_.tables[measured[0]]  # type: ignore[union-attr]
    assert table.model is not None
    monkeypatch.setattr(table.model, "memorisation", Memorisation(0.9, 0.0, 0.9, 100))
    unmeasured = {n: {"memorisation": None} for n, f in fitted.memorisation.items() if f is None}
    gate = Gate(memorisation=0.1, tables=unmeasured)
    with pytest.raises(QualityError, match=rf"{measured[0]}: memorisation .* 0\.400, limit 0\.1"):
        fitted.sample(seed=1, quality_threshold=gate)
    assert fitted.metrics_ is not None
    assert set(fitted.metrics_["score"]) == {"memorisation"}
    if unmeasured:
        with pytest.raises(SchemaError, match="not known: they have too few rows") as caught:
            fitted.sample(seed=1, quality_threshold=Gate(memorisation=0.1))
        assert all(repr(name) in str(caught.value) for name in unmeasured)  # all at once


def test_unfitted_says_so() -> None:
    from synthohive import Metadata

    with pytest.raises(SynthoHiveError, match=r"fit\(\)"):
        Synthesizer(Metadata().add_table("a", "id")).sample()


def test_files_out(fitted: Synthesizer, tmp_path: Path) -> None:
    paths = fitted.sample(output_format="csv", output_path=tmp_path, seed=1)
    assert len(pd.read_csv(paths["customer"])) == 400


def test_report(fitted: Synthesizer, shop_path: Path, tmp_path: Path) -> None:
    made = fitted.sample(seed=1, output_format="arrow")
    source = fitted._source
    assert source is not None
    import pyarrow as pa

    real = {n: pa.Table.from_batches(list(source.read(n))) for n in made}
    report = fitted.generate_validation_report(real, made, tmp_path / "report.html")
    assert report.orphans == 0
    assert (tmp_path / "report.html").read_text(encoding="utf-8").startswith("<!DOCTYPE html>")
    assert (tmp_path / "report.json").exists()
