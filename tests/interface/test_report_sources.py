"""The report says the same of the same data, whatever holds it, and needs no frames."""

from __future__ import annotations

import datetime as dt
import json
import uuid
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from sqlalchemy import (
    JSON,
    Boolean,
    Column,
    Date,
    DateTime,
    Engine,
    ForeignKey,
    Integer,
    LargeBinary,
    MetaData,
    Numeric,
    String,
    Table,
    Text,
    Time,
    create_engine,
)

from synthohive import Metadata, PrivacyConfig, SchemaError, Synthesizer, SynthoHiveError
from synthohive.interface import reporting
from synthohive.metrics.harmonise import harmonised_database
from synthohive.metrics.report import classifiers
from synthohive.schema import ColumnKind

N = 600
Side = dict[str, Any]


def fill(engine: Engine) -> None:
    schema, rng = MetaData(), np.random.default_rng(0)
    customer = Table(
        "customer", schema, Column("id", Integer, primary_key=True), Column("born", Date),
        Column("since", DateTime, nullable=False), Column("budget", Numeric(10, 2)),
        Column("active", Boolean, nullable=False), Column("prefs", JSON),
        Column("photo", LargeBinary), Column("segment", String(10)), Column("note", Text),
        Column("kids", Integer), Column("wakes", Time),
    )  # fmt: skip
    orders = Table(
        "orders", schema, Column("id", Integer, primary_key=True),
        Column("customer_id", ForeignKey("customer.id")), Column("total", Numeric(8, 2)),
    )  # fmt: skip
    schema.create_all(engine)
    rows = [{
        "id": i, "born": dt.date(1950, 1, 1) + dt.timedelta(i * 97) if i % 9 else None,
        "since": dt.datetime(2020, 1, 1) + dt.timedelta(seconds=i * 99_991),
        "budget": round(float(rng.gamma(2, 300)), 2) if i % 7 else None, "active": bool(i % 3),
        "prefs": {"lang": "de" * (i % 4), "n": i % 5} if i % 5 else None,
        "photo": rng.bytes(3 + i % 40) if i % 4 else None,
        "segment": ["gold", "basic", "basic", "new"][i % 4] if i % 11 else None,
        "note": f"called at {i} about {['price', 'bug', 'bill'][i % 3]}" if i % 6 else None,
        "kids": i % 4 if i % 3 else None, "wakes": dt.time(5 + i % 5, 30),
    } for i in range(1, N + 1)]  # fmt: skip
    lines = [
        {"id": i, "customer_id": 1 + i * 7 % N if i % 50 else None, "total": 1 + i % 37 / 4}
        for i in range(1, 2 * N + 1)
    ]
    with engine.begin() as connection:
        connection.execute(customer.insert(), rows)
        connection.execute(orders.insert(), lines)


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("report")


@pytest.fixture(scope="module")
def synth(place: Path) -> Synthesizer:
    url = f"sqlite:///{place / 'real.db'}"
    engine = create_engine(url)
    fill(engine)
    fresh = Synthesizer.from_database(url).fit(epochs=1, seed=1, progress=False, n_jobs=1)
    fresh.to_database(f"sqlite:///{place / 'made.db'}", seed=2)
    return fresh


def by_hand() -> Metadata:
    return (
        Metadata()
        .add_table("customer", "id")
        .add_table("orders", "id", fk={"customer_id": "customer.id"})
    )


def databases(place: Path, read: Callable[..., pd.DataFrame]) -> tuple[Side, Side]:
    engines = [create_engine(f"sqlite:///{place / name}.db") for name in ("real", "made")]
    sides = [{n: read(n, e) for n in ("customer", "orders")} for e in engines]
    return sides[0], sides[1]


def files(sides: tuple[Side, Side], folder: Path, kind: str) -> tuple[Side, Side]:
    written: list[Side] = []
    for number, side in enumerate(sides):
        written.append({name: folder / f"{kind}{number}{name}.{kind}" for name in side})
        for name, path in written[-1].items():
            writer = side[name].to_csv if kind == "csv" else side[name].to_parquet
            writer(path, index=False)
    return written[0], written[1]


def arrow(synth: Synthesizer) -> Side:
    assert synth.source is not None
    return {n: pa.Table.from_batches(list(synth.source.read(n))) for n in synth.metadata.tables}


def pandas(tables: Side) -> Side:
    return {name: table.to_pandas() for name, table in tables.items()}


def by_pandas(paths: Side) -> Side:
    return {name: pd.read_csv(path) for name, path in paths.items()}


def ways(synth: Synthesizer, place: Path, tmp_path: Path) -> dict[str, tuple[Side, Side]]:
    real, made = arrow(synth), synth.sample(seed=2, output_format="arrow")
    texts = databases(place, lambda name, e: pd.read_sql(f"SELECT * FROM {name}", e))
    csv = files(texts, tmp_path, "csv")
    own = synth.sample(seed=2, output_format="csv", output_path=tmp_path / "own")
    return {
        "arrow": (real, made),
        "frames": (pandas(real), pandas(made)),
        "read_sql": texts,
        "read_sql_table": databases(place, pd.read_sql_table),
        "csv": csv,
        "read_csv": (by_pandas(csv[0]), by_pandas(csv[1])),
        "parquet": files((pandas(real), pandas(made)), tmp_path, "parquet"),
        "database and our csv": (real, own),
    }  # fmt: skip


@pytest.mark.parametrize("fitted", [True, False])
def test_the_verdict_is_the_same_whatever_holds_the_data(
    fitted: bool,
    synth: Synthesizer,
    place: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(classifiers, "LEAST", N)  # no models: they see what the scores do
    reporter = synth if fitted else Synthesizer(by_hand())
    given = ways(synth, place, tmp_path)
    if not fitted:  # reading is the same: those that differ most
        given = {way: given[way] for way in ("arrow", "read_sql", "read_csv")}
    reports = {
        way: reporter.generate_validation_report(*sides, tmp_path / f"{way}.html")
        for way, sides in given.items()
    }
    first = reports.pop("arrow")
    assert len(first.scores) == 11
    assert {n: s.metric for n, s in first.scores.items()} == {
        **dict.fromkeys(["customer.born", "customer.since", "customer.budget", "customer.kids",
                         "customer.wakes", "orders.total"], "KS"),
        **dict.fromkeys(["customer.active", "customer.segment"], "TVD"),
        **dict.fromkeys(["customer.prefs", "customer.photo", "customer.note"], "KS of lengths"),
    }  # fmt: skip
    for way, report in reports.items():
        assert report.scores == pytest.approx(first.scores), way
        assert report.verdict == first.verdict, way
        assert report.keys == first.keys, way
        assert [t.pairs for t in report.tables] == [t.pairs for t in first.tables], way


def test_no_frames_are_needed(
    synth: Synthesizer, place: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    report = synth.report(tmp_path / "report.html", seed=2)
    sides = arrow(synth), synth.sample(seed=2, output_format="arrow")
    same = synth.generate_validation_report(*sides, tmp_path / "same.html")
    assert replace(report, provenance=None).to_json() == replace(same, provenance=None).to_json()
    assert report.provenance is not None
    assert (report.provenance.real, report.provenance.seed) == ("sqlite, schema main", 2)
    assert (report.provenance.model, report.provenance.fit_seed) == ("autoregressive", 1)
    assert json.loads((tmp_path / "report.json").read_text(encoding="utf-8"))["orphans"] == 0
    monkeypatch.setattr(reporting, "MOST", 300)  # a large database: by a sample, and true fan-outs
    sampled = synth.report(tmp_path / "report.html", seed=2, if_exists="replace")
    assert max(t.real_rows for t in sampled.tables) <= 360
    assert max(t.synthetic_rows for t in sampled.tables) <= 360
    assert {t.real_total for t in sampled.tables} == {N, 2 * N}
    assert sampled.keys[0].fan_out_ks < 0.2
    assert "sample" not in {one.reason for one in sampled.not_compared}  # its only key is whole
    synth.save(tmp_path / "saved")
    with pytest.raises(SchemaError, match="checkpoint holds no rows"):
        Synthesizer.load(tmp_path / "saved").report(tmp_path / "other.html")
    with pytest.raises(SynthoHiveError, match="not fitted"):
        Synthesizer(by_hand()).report(tmp_path / "other.html")


ODD: dict[str, tuple[list[Any], list[Any], ColumnKind]] = {
    "objects and text": ([{"a": [1, None]}, None], ['{"a": [1, null]}', "null"], ColumnKind.JSON),
    "python's print": ([{"a": 1, "b": None}], ["{'a': 1}"], ColumnKind.JSON),
    "lists": ([[1, 2]], ["[1, 2]"], ColumnKind.JSON),
    "arrays": ([np.array([1, 2])], [[1, 2]], ColumnKind.JSON),
    "bytes": ([b"\xff\x00"], ["b'\\xff\\x00'"], ColumnKind.BINARY),
    "digits": ([memoryview(b"\xff")], ["ff"], ColumnKind.BINARY),
    "uuid": ([uuid.UUID(int=7)], [str(uuid.UUID(int=7)).upper()], ColumnKind.UUID),
    "flags": ([True, None], [1.0, np.nan], ColumnKind.BOOLEAN),
    "flags as text": (["True", "False"], [1, 0], ColumnKind.BOOLEAN),
    "days": ([dt.date(2024, 1, 2)], ["02/01/2024"], ColumnKind.TIMESTAMP),
    "zones": ([pd.Timestamp("2024-01-02T01Z")], ["2024-01-02 02:00+01:00"], ColumnKind.TIMESTAMP),
    "times": ([dt.time(8, 30)], ["0 days 08:30:00"], ColumnKind.TIME),
    "spans": ([dt.timedelta(days=2, hours=1)], ["2 days 01:00:00"], ColumnKind.INTERVAL),
    "numbers": ([7, None], [7.0, np.nan], ColumnKind.FLOAT),
    "large": ([2**60], [float(2**60)], ColumnKind.FLOAT),
    "codes": (["x1", "7"], ["x1", "7"], ColumnKind.TEXT),
    "code and number": (["7", "x"], [7.0, None], ColumnKind.TEXT),
    "nothing": ([None, None], ["a", "b"], ColumnKind.TEXT),
    "words": (["{not json", "b'x"], ["{not json", "b'x"], ColumnKind.TEXT),
}  # fmt: skip


@pytest.mark.parametrize("name", sorted(ODD))
def test_columns_meet_in_one_form(name: str, tmp_path: Path) -> None:
    real, made, kind = ODD[name]
    meta = Metadata().add_table("t")
    sides = [
        {"t": reporting.read_loosely("t", pd.DataFrame({"v": pd.Series(v, dtype=object)}))}
        for v in (real, made)
    ]
    described, one, two = harmonised_database(meta, *sides)
    assert described.table("t").columns["v"].kind is kind
    if name not in ("nothing", "code and number"):
        assert one["t"]["v"].to_pylist() == two["t"]["v"].to_pylist()
    frames = [{"t": pd.DataFrame({"v": pd.Series(v, dtype=object)})} for v in (real, made)]
    Synthesizer(meta).generate_validation_report(*frames, tmp_path / "r.html")


def test_what_the_fit_found_and_did_is_in_the_report(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    price, number = rng.integers(1, 90, 400), rng.integers(1, 9, 400)
    bills = pd.DataFrame({
        "id": range(400), "email": [f"p{i}@mail.de" for i in range(400)], "price": price,
        "number": number, "total": price * number,
    })  # fmt: skip
    own = PrivacyConfig(pii_strategies={"bills": {"email": "hash"}})
    synth = Synthesizer(Metadata().add_table("bills", "id"), own)
    synth.fit({"bills": bills}, epochs=1, seed=1, progress=False, n_jobs=1, holdout=0.2)
    made = synth.sample(seed=2)["bills"]
    asked = ["SELECT number, count(*) AS n FROM bills GROUP BY number"]
    sides = {"bills": bills}, {"bills": made}
    right = synth.generate_validation_report(*sides, tmp_path / "r", queries=asked)
    assert right.queries[0].rows[0].real == (
        int((number == right.queries[0].rows[0].key[0]).sum()),
    )
    assert len(right.examples[0].rows) == 5
    assert "p1@mail.de" not in right.to_json() + right.to_html()
    (total,) = [d for d in right.derivations if d.text.startswith("total")]
    assert (total.real, total.synthetic) == (1.0, 1.0)
    assert right.areas[4].level == "good"
    (email,) = right.personal
    assert (email.column, email.kind, email.done) == ("email", "email", "hash")
    assert right.privacy is not None
    assert right.areas[3].sentence.startswith(right.privacy.verdict.rstrip("."))
    assert "derivation" in set(right.frame().part)
    assert json.loads(right.to_json())["privacy"]["heldout"] == 0.2
    made["total"] = made["total"].where(made.index >= 40, made["total"] + 1)
    wrong = synth.generate_validation_report({"bills": bills}, {"bills": made}, tmp_path / "w")
    assert wrong.derivations[0].synthetic == pytest.approx(0.9)
    assert wrong.areas[4].level == "poor"
    assert "holds in 90.00% of the synthetic and 100.00% of the real rows" in str(wrong.areas[4])
