"""Some 200 calls that cannot be meant: a typed error that names the argument, and no training."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from synthohive import Constraint, ForeignKey, Metadata, PrivacyConfig, Synthesizer, TableConfig
from synthohive.exceptions import SynthoHiveError
from tests.events import captured_events

NAN, INF = float("nan"), float("inf")
FRAME = pd.DataFrame({"id": range(40), "x": np.arange(40) % 5, "c": list("abcde") * 8})
META = Metadata().add_table("a", "id")
NOT_WHOLE: list[Any] = [0, -1, 1.5, "10", None, NAN, INF, True, [1], 10**30, b"1"]
NOT_FLAG: list[Any] = [1, 0, "yes", None, [], NAN]
NOT_SEED: list[Any] = [-1, 1.5, "x", NAN, [1], True, 2**200]
NOT_PATH: list[Any] = [
    5,
    "",
    "a\0b",
    b"x",
    [],
    True,
    "postgresql://u:p@h/d",
    "host=h password=p",
    "x" * 300,
]
NOT_NAME: list[Any] = [5, "", [], {}, "a\0b", "sqlite:///x.db", "host=h password=p"]


@pytest.fixture(scope="module")
def synth() -> Synthesizer:
    fresh = Synthesizer(META, model="autoregressive")
    return fresh.fit({"a": FRAME}, epochs=1, seed=1, progress=False, n_jobs=1)


@pytest.fixture(scope="module")
def pair() -> Synthesizer:
    meta = Metadata().add_table("p", "id").add_table("c", "id", fk={"p": "p.id"})
    child = pd.DataFrame({"id": range(60), "p": [i % 20 for i in range(60)]})
    data = {"p": FRAME.rename(columns={"c": "k"})[:20], "c": child}
    return Synthesizer(meta).fit(data, epochs=1, seed=1, progress=False, n_jobs=1)


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> str:
    path = tmp_path_factory.mktemp("db") / "x.db"
    with sqlite3.connect(path) as db:
        db.execute("CREATE TABLE a (id INTEGER PRIMARY KEY, x INTEGER)")
    db.close()
    return f"sqlite:///{path}"


@pytest.fixture(autouse=True)
def _no_training(synth: Synthesizer, pair: Synthesizer) -> Iterator[None]:
    with captured_events() as events:
        yield
    assert "training_checkpoint" not in {event["event"] for event in events}


def refused(call: Callable[[], Any], *words: str) -> None:
    with pytest.raises(SynthoHiveError) as caught:
        call()
    for word in words:
        assert word.lower() in str(caught.value).lower(), str(caught.value)


def cases(**groups: list[Any]) -> Any:
    listed = [(name, value) for name, values in groups.items() for value in values]
    return pytest.mark.parametrize(
        ("name", "value"), listed, ids=[f"{n}-{i}" for i, (n, _) in enumerate(listed)]
    )


@cases(
    metadata=[None, 5, "x.json", {"tables": {}}, [], TableConfig(name="a")],
    privacy_config=[5, {"pii_strategy": "fake"}, "fake"],
    model=[5, "ctgen", "", None, int, object(), [], dict],
    embedding_threshold=[-1, 1.5, "50", None, NAN, True],
    spark_session=[object(), 5],
)
def test_constructor(name: str, value: Any) -> None:
    words = {"model": "model", "spark_session": "Spark"}.get(name, name)
    refused(lambda: Synthesizer(**{"metadata": META, name: value}), words)


@cases(
    sampling_strategy=["random", None, 5, [], FRAME, pd.NA, np.array([1, 2])],
    sample_size=NOT_WHOLE,
    sample_bytes=[0, -1, 1.5, "10", NAN, True],
    epochs=NOT_WHOLE,
    batch_size=NOT_WHOLE,
    n_jobs=[0, -2, 1.5, "2", NAN, True, FRAME, pd.NA, np.array([1, 2])],
    validate=NOT_FLAG,
    relations=NOT_FLAG,
    progress=NOT_FLAG,
    seed=NOT_SEED,
    device=["tpu", 5, "", "cuda:99"],
    checkpoint_dir=[*NOT_PATH, "/proc/nowhere", "/dev/null"],
    no_such_setting=[1],
    hidden=[0, -1, "64", NAN, None, 10**12],
    lr=[NAN, INF, "fast", -1, None],
    dropout=[2.0, -0.1, NAN, "x"],
    patience=[0, 1.5, []],
)
def test_fit(name: str, value: Any) -> None:
    synth = Synthesizer(META, model="autoregressive")
    given = {"progress": False, "n_jobs": 1, name: value}
    place = isinstance(value, str) and value in ("/proc/nowhere", "/dev/null")
    refused(lambda: synth.fit({"a": FRAME}, **given), value if place else name)


DATA: dict[str, Any] = {
    "nothing": None,
    "number": 5,
    "text": "a.csv",
    "frame": FRAME,
    "list": [FRAME],
    "empty": {},
    "number for a name": {5: FRAME},
    "other table": {"b": FRAME},
    "one more": {"a": FRAME, "b": FRAME},
    "None for a table": {"a": None},
    "number for a table": {"a": 5},
    "list for a table": {"a": [1, 2]},
    "dict for a table": {"a": {"id": [1]}},
    "array for a table": {"a": np.zeros((3, 2))},
    "series for a table": {"a": FRAME["id"]},
    "no such file": {"a": "/nowhere/a.csv"},
    "folder without files": {"a": "/proc/self/fd"},
    "unknown suffix": {"a": "/etc/passwd"},
    "NUL": {"a": "a\0.csv"},
    "empty path": {"a": ""},
    "no key column": {"a": FRAME.drop(columns="id")},
    "repeated key": {"a": FRAME.assign(id=1)},
    "key of NULLs": {"a": FRAME.assign(id=None)},
    "doubled column": {"a": pd.concat([FRAME, FRAME[["x"]]], axis=1)},
    "doubled Arrow column": {"a": pa.table([[1], [2], [3]], names=["id", "x", "x"])},
    "no column": {"a": pd.DataFrame()},
    "no row": {"a": FRAME[:0]},
    "two levels of columns": {"a": pd.concat({"k": FRAME}, axis=1)},
    "mixed objects": {"a": FRAME.assign(x=[1, "a"] * 20)},
    "functions": {"a": FRAME.assign(x=[print] * 40)},
    "complex numbers": {"a": FRAME.assign(x=1j)},
    "huge numbers": {"a": FRAME.assign(x=pd.Series([10**400] * 40, dtype=object))},
    "bytes": b"a",
}


@pytest.mark.parametrize("name", list(DATA))
def test_data(name: str) -> None:
    synth = Synthesizer(META, model="autoregressive")
    refused(lambda: synth.fit(DATA[name], epochs=1, progress=False, n_jobs=1))


@cases(
    num_rows=[-1, 1.5, "5", NAN, True, [], {"b": 5}, {"a": -1}, {"a": 1.5}, {"a": None}, {5: 5},
              {"a": "5"}, {"a": 10**30}, 10**30, {"a": 10**14}],
    output_format=["xlsx", None, 5, "csv", "parquet", []],
    output_path=NOT_PATH,
    scale=[0, -1, NAN, INF, "2", None, True, [], 1e300],
    seed=NOT_SEED,
    quality_threshold=[NAN, INF, -1, "x", [], True],
    enforce_constraints=NOT_FLAG,
    conditions=[5, [], "a", {"b": {}}, {"a": 5}, {"a": []}, {5: {}}, {"a": {"y": 1}},
                {"a": {5: 1}}, {"a": {"c": "z"}}, {"a": {"c": {}}}, {"a": {"c": {"a": -1}}},
                {"a": {"c": {"a": NAN}}}, {"a": {"c": {"a": "x"}}}, {"a": {"c": [1]}},
                {"a": {"c": None}}, {"a": {"x": object()}}, {"a": {"id": 1}}],
    escape_formulas=NOT_FLAG,
)  # fmt: skip
def test_sample(name: str, value: Any, synth: Synthesizer) -> None:
    word = {"conditions": "", "num_rows": ""}.get(name, name)
    refused(lambda: synth.sample(**{"seed": 1, name: value}), word)


def test_sample_of_children(pair: Synthesizer, tmp_path: Path) -> None:
    for rows in (5, {"p": 5, "d": 5}, {"c": -5}):
        refused(lambda rows=rows: pair.sample(num_rows=rows))  # type: ignore[misc]
    for more in ({"if_exists": "append"}, {"if_exists": 5}, {"if_exists": None}):
        refused(lambda m=more: pair.sample(output_path=tmp_path, **m), "if_exists")  # type: ignore[misc]


@cases(
    url=[5, "", "nonsense", "postgresql://", "oracle://x/y", "sqlite:////nowhere/at/all.db", [],
         "postgresql://u:p@127.0.0.1:1/x", "mysql://u:p@127.0.0.1:1/x", "duckdb:////nowhere/y.db",
         "postgresql://u:p@h:port/x"],
    schema=NOT_NAME,
    scale=[0, NAN, "x", None],
    num_rows=[-1, {"b": 1}, "x"],
    seed=NOT_SEED,
    if_exists=["append", None, 5, True],
    quality_threshold=[NAN, -1, "x"],
    conditions=[5, {"b": {}}],
)  # fmt: skip
def test_to_database(name: str, value: Any, synth: Synthesizer, tmp_path: Path) -> None:
    given = {"url": f"sqlite:///{tmp_path}/out.db", "seed": 1, name: value}
    refused(lambda: synth.to_database(**given), "" if name in ("url", "num_rows") else name)
    assert not list(tmp_path.iterdir())


@cases(
    url=["", "nonsense", "oracle://x/y", "postgresql://u:p@127.0.0.1:1/x"],
    schema=NOT_NAME,
    rows=NOT_WHOLE,
    max_bytes=[0, -1, 1.5, "10", NAN, True],
    sampling_strategy=["random", None, 5],
    seed=NOT_SEED,
    if_exists=["replace_foreign", None, 5, True],
)
def test_subset(name: str, value: Any, synth: Synthesizer, url: str, tmp_path: Path) -> None:
    refused(lambda: synth.subset(schema="few", rows=5), "from_database")  # which reads DataFrames
    source = Synthesizer.from_database(url)
    given = {"url": f"sqlite:///{tmp_path}/out.db", "rows": 5, "seed": 1, name: value}
    refused(lambda: source.subset(**given), "" if name == "url" else name)
    assert not list(tmp_path.glob("out*"))


@cases(
    url_or_engine=[None, 5, "", "x", "sqlite:////nowhere/x.db", "postgresql://u:p@127.0.0.1:1/x",
                   "nothing://x", [], Path("x.db"), "sqlite:///:memory:"],
    schema=[*NOT_NAME, "other"],
    tables=[5, "a", ["b"], [5], [None], {}, [[]], []],
    exclude=[5, "a", ["b"], [5], ["a"]],
    metadata=[5, {}, "x"],
    privacy_config=[5, {}],
    model=[5, "ctgen", None],
)  # fmt: skip
def test_from_database(name: str, value: Any, url: str) -> None:
    refused(lambda: Synthesizer.from_database(**{"url_or_engine": url, name: value}))
    if name in ("url_or_engine", "schema", "tables", "exclude"):
        refused(lambda: Metadata.from_database(**{"url_or_engine": url, name: value}))
    if name == "metadata":
        refused(lambda: Metadata.from_database(url, no_such=value), "no_such")
        refused(lambda: Metadata.from_database(url, drop_outside_keys="x"), "drop_outside_keys")
        refused(lambda: Metadata.from_database(url, outside_keys="x"), "outside_keys")


@cases(
    data=[5, {}, {"b": FRAME}, {"a": 5}, {"a": FRAME.drop(columns="x")}, [], "a.csv"],
    columns=[5, "x", [], {"b": ["x"]}, {"a": ["y"]}, {"a": "x"}, {"a": 5}, {5: ["x"]},
             {"a": ["id"]}, {"a": None}, {"a": [5]}],
    seed=NOT_SEED,
)  # fmt: skip
def test_impute(name: str, value: Any, synth: Synthesizer) -> None:
    refused(lambda: synth.impute(**{"data": {"a": FRAME}, name: value}))


@cases(
    real_data=[None, 5, {}, {"b": FRAME}, {"a": 5}, {"a": FRAME[["x"]]}, "x", {"a": "/no.csv"}],
    synthetic_data=[None, 5, {}, {"b": FRAME}, {"a": FRAME[["x"]]}],
    output_path=[*NOT_PATH, None],
    if_exists=["append", None, 5],
)
def test_report(name: str, value: Any, synth: Synthesizer, tmp_path: Path) -> None:
    given = {"real_data": {"a": FRAME}, "synthetic_data": {"a": FRAME}, name: value}
    given.setdefault("output_path", tmp_path / "r.html")
    refused(lambda: synth.generate_validation_report(**given))
    assert not list(tmp_path.iterdir())


@cases(
    path=[*NOT_PATH, None, "/etc", "/etc/passwd", "/nowhere/at/all", "/dev/null"], model=[5, "x"]
)
def test_save_and_load(name: str, value: Any, synth: Synthesizer, tmp_path: Path) -> None:
    if name == "model":
        place = synth.save(tmp_path / "saved")
        refused(lambda: Synthesizer.load(place, model=value))
        return
    refused(lambda: Synthesizer.load(value))
    if value != "/nowhere/at/all":
        refused(lambda: synth.save(value))


META_CALLS: list[Callable[[], Any]] = [
    lambda: Metadata(tables=5),  # type: ignore[arg-type]
    lambda: Metadata(tabels={}),  # type: ignore[call-arg]
    lambda: Metadata().add_table(5),  # type: ignore[arg-type]
    lambda: Metadata().add_table(""),
    lambda: Metadata().add_table("a", 5),  # type: ignore[arg-type]
    lambda: Metadata().add_table("a", [5]),  # type: ignore[list-item]
    lambda: Metadata().add_table("a", "id", fk=5),
    lambda: Metadata().add_table("a", "id", fk=["b.id"]),
    lambda: Metadata().add_table("a", "id", fk={"b": 5}),
    lambda: Metadata().add_table("a", "id", fk={"b": "b"}),
    lambda: Metadata().add_table("a", "id", fk={5: "b.id"}),
    lambda: Metadata().add_table("a", "id", foreign_keys=5),
    lambda: Metadata().add_table("a", "id", foreign_keys=[5]),
    lambda: Metadata().add_table("a", "id", foreign_keys={"a": "b"}),
    lambda: Metadata().add_table("a", "id", columns=5),
    lambda: Metadata().add_table("a", "id", columns={"x": {"kind": "nothing"}}),
    lambda: Metadata().add_table("a", "id", constraints={"x": {"min": "a"}}),
    lambda: Metadata().add_table("a", "id", constraints={"x": {"min": 2, "max": 1}}),
    lambda: Metadata().add_table("a", "id", relations=5),
    lambda: Metadata().add_table("a", "id", linkage_method="magic"),
    lambda: Metadata().add_table("a", "id", reference="maybe"),
    lambda: Metadata().add_table("a", "id", pii_cols=5),
    lambda: Metadata().add_table("a", "id", no_such=5),
    lambda: META.table("b"),
    lambda: META.table(5),  # type: ignore[arg-type]
    lambda: META.table([]),  # type: ignore[arg-type]
    lambda: META.validate_schema(5),  # type: ignore[arg-type]
    lambda: META.validate_schema([FRAME]),  # type: ignore[arg-type]
    lambda: META.validate_schema({}),
    lambda: META.validate_schema({"a": 5}),
    lambda: META.validate_schema({"a": FRAME[["x"]]}),
    lambda: META.validate_schema({"a": DATA["doubled column"]["a"]}),
    lambda: META.validate_schema({5: FRAME}),  # type: ignore[dict-item]
    lambda: Metadata.from_json(5),  # type: ignore[arg-type]
    lambda: Metadata.from_json(None),  # type: ignore[arg-type]
    lambda: Metadata.from_json("{"),
    lambda: Metadata.from_json("{}}"),
    lambda: Metadata.from_json('{"tables": 5}'),
    lambda: Metadata.from_json("nowhere.json"),
    lambda: Metadata.from_json("/etc"),
    lambda: Metadata.from_json("a\0b"),
    lambda: Metadata.from_json("{" + "[" * 100_000),
    lambda: Metadata.from_json('{"a":' * 100_000),
    lambda: Metadata.from_yaml("- a\n"),
    lambda: Metadata.from_yaml("a: &x [1]\nb: *x\n"),
    lambda: Metadata.from_yaml("\n" + "[" * 5_000),
    lambda: Metadata.from_yaml("!!python/object/apply:os.system ['true']\n"),
    lambda: Metadata.from_yaml(b"x"),  # type: ignore[arg-type]
    lambda: Metadata.from_yaml("/dev/null/x"),
    lambda: META.to_json(5),  # type: ignore[arg-type]
    lambda: META.to_json("/nowhere/at\0all"),
    lambda: META.to_yaml(["x"]),  # type: ignore[arg-type]
    lambda: META.to_yaml("/etc"),
    lambda: PrivacyConfig(pii_strategy="burn"),  # type: ignore[arg-type]
    lambda: PrivacyConfig(k_anonymity_threshold=0),
    lambda: PrivacyConfig(k_anonymity_threshold=NAN),  # type: ignore[arg-type]
    lambda: PrivacyConfig(k_anonymity_threshold="x"),  # type: ignore[arg-type]
    lambda: PrivacyConfig(pii_columns=5),  # type: ignore[arg-type]
    lambda: PrivacyConfig(pii_columns={"a": ["x"]}),  # type: ignore[dict-item]
    lambda: PrivacyConfig(detect_pii=5),  # type: ignore[arg-type]
    lambda: PrivacyConfig(locale=5),  # type: ignore[arg-type]
    lambda: PrivacyConfig(keep_comments="x"),  # type: ignore[arg-type]
    lambda: PrivacyConfig(no_such=1),  # type: ignore[call-arg]
    lambda: setattr(PrivacyConfig(), "k_anonymity_threshold", -1),
    TableConfig,
    lambda: TableConfig(name=5),  # type: ignore[arg-type]
    lambda: TableConfig(name="a", pk=5),  # type: ignore[arg-type]
    lambda: ForeignKey(columns=[], parent="a", parent_columns=[]),
    lambda: ForeignKey(columns=["a"], parent="a", parent_columns=["a", "b"]),
    lambda: ForeignKey(columns="a", parent="a", parent_columns=["a"]),  # type: ignore[arg-type]
    lambda: Constraint(min="x"),  # type: ignore[arg-type]
    lambda: Constraint(min=3, max=2),
    lambda: Constraint(min=NAN),
]


@pytest.mark.parametrize("number", range(len(META_CALLS)))
def test_descriptions(number: int) -> None:
    refused(META_CALLS[number])


FITS: list[Callable[[], Synthesizer]] = [
    lambda: Synthesizer(META, PrivacyConfig(locale="xx_XX")),
    lambda: Synthesizer(META, PrivacyConfig(pii_columns={"a": {"y": "name"}})),
    lambda: Synthesizer(META, PrivacyConfig(pii_columns={"a": {"x": "nothing"}})),
    lambda: Synthesizer(Metadata().add_table("a", "no")),
    lambda: Synthesizer(Metadata().add_table("a", ["id", "id"])),
    lambda: Synthesizer(Metadata().add_table("a", "id", fk={"x": "b.id"})),
    lambda: Synthesizer(Metadata().add_table("a", "id", fk={"y": "a.id"})),
    lambda: Synthesizer(Metadata().add_table("a", "id", constraints={"y": {"min": 1}})),
    lambda: Synthesizer(Metadata().add_table("a", "id", pii_cols=["y"])),
    lambda: Synthesizer(Metadata().add_table("a", "id", pii_cols={"x": "nothing"})),
    lambda: Synthesizer(Metadata().add_table("a", "id", high_cardinality_cols=["y"])),
    lambda: Synthesizer(Metadata().add_table("a", "id", parent_context_cols=["y"])),
    lambda: Synthesizer(Metadata().add_table("a", "id", relations=["x = y"])),
    lambda: Synthesizer(Metadata().add_table("a", "id", relations=["import os"])),
    lambda: Synthesizer(Metadata().add_table("a", "id", derived={"y": None})),
    lambda: Synthesizer(Metadata().add_table("a", "id", unique=[{"columns": ["y"]}])),
    lambda: Synthesizer(Metadata()),
]


@pytest.mark.parametrize("number", range(len(FITS)))
def test_descriptions_that_do_not_fit_the_data(number: int) -> None:
    data = {} if number == len(FITS) - 1 else {"a": FRAME}
    refused(lambda: FITS[number]().fit(data, epochs=1, progress=False, n_jobs=1))


def test_nothing_before_a_fit(tmp_path: Path) -> None:
    fresh = Synthesizer(META)
    for call in (
        fresh.sample, fresh.to_database, fresh.impute, lambda: fresh.save(tmp_path / "x"),
        lambda: fresh.relations, lambda: fresh.personal_data,
    ):  # fmt: skip
        refused(call, "fit()")
    assert not list(tmp_path.iterdir())
