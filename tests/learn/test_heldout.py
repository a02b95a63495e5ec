"""Nothing is learned of the entities that are set aside, wherever the rows are."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from synthohive import Metadata, SchemaError, Synthesizer
from synthohive.interface.inputs import source_of
from synthohive.io.base import Reader
from synthohive.io.dataframe import FrameReader
from synthohive.learn.draw import Draw
from synthohive.learn.heldout import WithoutHeldOut

SEED = 5


def keys() -> Metadata:
    metadata = Metadata().add_table("categories", "id").add_table("products", "id")
    metadata.add_table("customers", "id", fk={"friend": "customers.id"})
    return metadata.add_table(
        "orders", "id", fk={"customer": "customers.id", "product": "products.id"}
    )


def shop(customers: int = 400, seed: int = 1) -> dict[str, pd.DataFrame]:
    rng = np.random.default_rng(seed)
    owner = np.repeat(np.arange(customers), rng.integers(0, 5, customers))
    friend = pd.array(rng.integers(0, customers, customers), dtype="Int64")
    friend[rng.random(customers) < 0.5] = pd.NA
    return {
        "categories": pd.DataFrame({"id": [1, 2], "label": ["big", "small"]}),
        "products": pd.DataFrame({"id": np.arange(300), "price": rng.integers(1, 99, 300)}),
        "customers": pd.DataFrame(
            {"id": np.arange(customers), "friend": friend, "age": rng.integers(18, 90, customers)}
        ),
        "orders": pd.DataFrame(
            {
                "id": np.arange(len(owner)),
                "customer": owner,
                "product": rng.integers(0, 300, len(owner)),
                "amount": rng.integers(1, 9, len(owner)),
            }
        ),
    }


def without(source: Reader, holdout: float = 0.2) -> WithoutHeldOut:
    return WithoutHeldOut(source, Draw(holdout, 50_000), SEED)


def whole(reader: Reader, table: str) -> pd.DataFrame:
    return pa.Table.from_batches(list(reader.read(table))).to_pandas()


def test_customers_are_set_aside_with_all_that_is_theirs() -> None:
    tables = shop()
    reader = without(FrameReader(tables, keys()))
    assert reader.divided == {
        "categories": "it has less than 100 rows",
        "products": "its rows are things that others refer to",
        "customers": "",
    }
    left, held = reader.parts()
    gone = set(held["customers"]["id"].to_pylist())
    assert 50 < len(gone) < 110
    assert gone.isdisjoint(left["customers"]["id"].to_pylist())
    assert len(left["customers"]) + len(held["customers"]) == 400
    owners = tables["orders"]["customer"]
    assert set(held["orders"]["customer"].to_pylist()) == gone & set(owners)
    assert len(left["orders"]) == reader.count("orders") == (~owners.isin(gone)).sum()
    # who is left knows nobody who is gone: neither in the rows that are read, nor in a sample
    for rows in (whole(reader, "customers"), _sampled(reader)["customers"].to_pandas()):
        assert set(rows["id"]) == set(left["customers"]["id"].to_pylist())
        assert gone.isdisjoint(rows["friend"].dropna())
    (friend, of_customer, of_product) = (
        reader.fan_out(table, key) for table, key in keys().foreign_keys()
    )
    assert friend.orphans == of_customer.orphans == 0
    assert sum(of_customer.histogram.values()) == len(left["customers"])
    assert sum(n * m for n, m in of_product.histogram.items()) == len(owners)  # of all
    assert whole(reader, "products").equals(tables["products"])


def _sampled(reader: WithoutHeldOut) -> dict[str, pa.Table]:
    return reader.sample(dict.fromkeys(reader.owners), 50_000, SEED).drawn


def test_children_of_what_is_not_divided_are_those_of_all_rows() -> None:
    tables = shop()
    orders = tables["orders"]
    orders["product"] = orders["product"].astype("Int64").mask(orders["id"] % 3 == 0)
    reader, (_, key) = without(FrameReader(tables, keys())), list(keys().foreign_keys())[-1]
    assert key.parent == "products"
    found, left = reader.fan_out("orders", key), whole(reader, "orders")["product"]
    assert sum(n * count for n, count in found.histogram.items()) == orders["product"].count()
    assert found.nulls == left.isna().sum() < orders["product"].isna().sum()


def test_it_is_the_same_customers_wherever_they_are(tmp_path: Path) -> None:
    tables = shop()
    with closing(sqlite3.connect(tmp_path / "shop.db")) as shop_db:
        for name, rows in tables.items():
            rows.to_sql(name, shop_db, index=False)
    paths = {}
    for name, rows in tables.items():
        paths[name] = tmp_path / f"{name}.parquet"
        rows.to_parquet(paths[name], index=False)
    database = Synthesizer.from_database(f"sqlite:///{tmp_path}/shop.db", metadata=keys()).source
    assert database is not None
    sources = [FrameReader(tables, keys()), source_of(paths, keys(), None, None), database]
    found = [set(whole(without(source), "customers")["id"]) for source in sources]
    assert found[0] == found[1] == found[2]
    assert found[0] != set(whole(without(sources[0], 0.21), "customers")["id"])
    other = WithoutHeldOut(sources[0], Draw(0.2, 50_000), SEED + 1)
    assert found[0] != set(whole(other, "customers")["id"])


def test_what_is_set_aside_leaves_no_trace_in_the_checkpoint(tmp_path: Path) -> None:
    tables = shop(150)
    gone = without(FrameReader(tables, keys())).parts()[1]["customers"]["id"].to_pylist()
    changed = {name: rows.copy() for name, rows in tables.items()}
    changed["customers"].loc[changed["customers"]["id"].isin(gone), "age"] = 7_777
    changed["orders"].loc[changed["orders"]["customer"].isin(gone), "amount"] = 8_888
    contents = []
    for number, data in enumerate((tables, changed)):
        synth = Synthesizer(keys(), model="autoregressive")
        synth.fit(data, epochs=1, seed=SEED, holdout=0.2, progress=False)
        contents.append(_bytes(synth.save(tmp_path / str(number))))
    assert contents[0] == contents[1]
    sizes = {name: len(rows) for name, rows in synth.sample(output_format="arrow", seed=1).items()}
    assert sizes["customers"] == 150  # as many as there are
    assert sizes["orders"] == pytest.approx(len(tables["orders"]), rel=0.3)
    report = synth.privacy_report(seed=1)
    assert (report.heldout, [one.table for one in report.entities]) == (0.2, ["customers"])
    (customers,) = report.entities
    assert customers.heldout == len(gone)
    assert [one.by for one in customers.memberships] == ["distance", "density", "likelihood"]
    assert report.left["products"] == "its rows are things that others refer to"
    loaded = Synthesizer.load(tmp_path / "0")
    assert loaded.fitted_ is not None
    assert loaded.fitted_.draw == Draw(0.2, 50_000)
    with pytest.raises(SchemaError, match="no real data to compare with"):
        loaded.privacy_report()


def _bytes(checkpoint: Path) -> dict[str, bytes]:
    """Return all of a checkpoint but its manifest, which says when it was written."""
    (content,) = (path for path in checkpoint.iterdir() if path.is_dir())
    files = (path for path in content.rglob("*") if path.is_file())
    return {str(path.relative_to(content)): path.read_bytes() for path in files}


def test_equal_rows_without_a_key_are_as_many_entities() -> None:
    answers = pd.DataFrame({"a": [1, 2] * 500, "b": ["x", "y"] * 500})
    reader = without(FrameReader({"answers": answers}, Metadata().add_table("answers")))
    left, held = reader.parts()
    assert 140 < len(held["answers"]) < 260  # all or none of 500 equal ones would be wrong
    assert len(left["answers"]) == reader.count("answers") == len(whole(reader, "answers"))


@pytest.mark.parametrize("holdout", [-0.1, 0.6, "some"])
def test_an_impossible_share_is_refused(holdout: object) -> None:
    with pytest.raises(SchemaError, match="holdout"):
        Synthesizer(keys()).fit(shop(), holdout=holdout)  # type: ignore[arg-type]


def test_a_database_in_which_nobody_can_be_set_aside_is_refused() -> None:
    few = {"categories": shop()["categories"]}
    synth = Synthesizer(Metadata().add_table("categories", "id"))
    with pytest.raises(SchemaError, match="categories: it has less than 100 rows"):
        synth.fit(few, holdout=0.1, progress=False)


def test_without_anybody_set_aside_there_is_no_report() -> None:
    rows = {"answers": pd.DataFrame({"id": range(60), "a": [1, 2] * 30})}
    synth = Synthesizer(Metadata().add_table("answers", "id"))
    synth.fit(rows, epochs=1, seed=1, progress=False)
    with pytest.raises(SchemaError, match="No entities were set aside"):
        synth.privacy_report()


def test_tables_of_keys_alone_are_measured_with_the_others() -> None:
    metadata = Metadata().add_table("customers", "id")
    metadata.add_table("visits", "id", fk={"customer": "customers.id"})
    rng = np.random.default_rng(0)
    tables = {
        "customers": pd.DataFrame({"id": range(300), "age": rng.integers(18, 80, 300)}),
        "visits": pd.DataFrame({"id": range(600), "customer": rng.integers(0, 300, 600)}),
    }
    synth = Synthesizer(metadata, model="autoregressive")
    synth.fit(tables, epochs=1, seed=SEED, progress=False, n_jobs=1, holdout=0.2)
    assert "membership by likelihood" in str(synth.privacy_report(seed=1))
