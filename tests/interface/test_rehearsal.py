"""What would fail after training fails before it, and the rehearsal leaves nothing behind."""

from __future__ import annotations

import os
import signal
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any, Optional

import numpy as np
import pandas as pd
import pytest

from synthohive import Autoregressive, Metadata, RehearsalError, Synthesizer
from synthohive.encoding.categorical import Categorical
from synthohive.encoding.encoded import EncodedTable
from synthohive.encoding.numeric import Numeric
from synthohive.interface import synthesizer as facade
from synthohive.io.steps import observe
from tests.events import captured_events

SMALL = {"hidden": 8, "embedding": 4, "context": 8}
SHOP = """
CREATE TABLE customer (id INTEGER PRIMARY KEY, kind TEXT NOT NULL, born DATE);
CREATE TABLE purchase (id INTEGER PRIMARY KEY, customer INTEGER NOT NULL REFERENCES customer,
    paid DECIMAL(8, 2) NOT NULL CHECK (paid >= 0));
"""


class Careful(Autoregressive):
    """Tells which tables were trained."""

    trained: list[str] = []

    def fit(self, *args: Any, **kwargs: Any) -> Careful:
        super().fit(*args, **kwargs)
        if self.epochs:
            self.trained.append(self.metadata.name)
        return self


@pytest.fixture(autouse=True)
def nothing_trained() -> None:
    Careful.trained.clear()


def frames() -> dict[str, pd.DataFrame]:
    rng = np.random.default_rng(3)
    kinds = rng.choice(["new", "loyal", "lost"], 90)
    customers = pd.DataFrame({"id": range(90), "kind": kinds})
    owners = rng.integers(0, 90, 300)
    orders = pd.DataFrame({"id": range(300), "customer": owners, "paid": rng.exponential(9, 300)})
    return {"customer": customers, "purchase": orders}


def in_memory(model: Any = Careful, **how: Any) -> Synthesizer:
    meta = Metadata().add_table("customer", "id")
    meta.add_table("purchase", "id", fk={"customer": "customer.id"})
    synth = Synthesizer(meta, model=model)
    sizes = SMALL if model not in ("ctgan", "tvae") else {}
    return synth.fit(frames(), epochs=1, seed=5, progress=False, n_jobs=1, **sizes, **how)


def file(path: Path, more: str = "") -> Path:
    data = frames()
    with closing(sqlite3.connect(path)) as db, db:
        db.executescript(SHOP + more)
        rows = zip(data["customer"]["id"].tolist(), data["customer"]["kind"])
        db.executemany("INSERT INTO customer VALUES (?, ?, '2001-02-03')", rows)
        columns = [data["purchase"][c].tolist() for c in ("id", "customer", "paid")]
        db.executemany("INSERT INTO purchase VALUES (?, ?, round(?, 2))", zip(*columns))
    return path


def fit(path: Path, **how: Any) -> Synthesizer:
    synth = Synthesizer.from_database(f"sqlite:///{path}", model=Careful)
    return synth.fit(epochs=1, seed=5, progress=False, n_jobs=1, **{**SMALL, **how})


def test_a_column_that_cannot_be_decoded(monkeypatch: pytest.MonkeyPatch) -> None:
    whole = Numeric.decode

    def overflow(self: Numeric, *given: Any) -> Any:
        if self.column.name == "paid":
            raise OverflowError("too many spellings")
        return whole(self, *given)

    monkeypatch.setattr(Numeric, "decode", overflow)
    with pytest.raises(RehearsalError, match=r"purchase\.paid.*OverflowError") as caught:
        in_memory()
    assert "metadata.exclude('purchase.paid')" in str(caught.value)
    assert isinstance(caught.value.__cause__, OverflowError)
    assert Careful.trained == []


def test_rows_that_cannot_be_learned_from(monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(*_: Any, **__: Any) -> None:
        raise ValueError("cannot convert 'Ada Lovelace'")

    monkeypatch.setattr(Categorical, "encode", fails)
    with pytest.raises(RehearsalError, match=r"customer\.kind.*ValueError") as caught:
        in_memory()
    assert "Ada" not in str(caught.value)


class Forgetful(Careful):
    """Cannot be read back."""

    @classmethod
    def load(cls, path: Path) -> Forgetful:
        raise KeyError("weights")


class Unsaved(Careful):
    """Is not made to be saved."""

    def save(self, path: Path) -> None:
        raise NotImplementedError


class Silent(Careful):
    """Draws nothing."""

    def sample(self, num_rows: int, context: Any = None, **kwargs: Any) -> EncodedTable:
        raise RuntimeError("no row today")


def test_a_model_that_cannot_be_read_back() -> None:
    with pytest.raises(RehearsalError, match=r"checkpoint.*customer.*weights"):
        in_memory(Forgetful)
    assert Forgetful.trained == []


def test_a_model_that_is_not_saved_need_not_be(tmp_path: Path) -> None:
    assert len(in_memory(Unsaved).sample(seed=1)["customer"]) == 90
    with pytest.raises(RehearsalError, match="checkpoint"):
        in_memory(Unsaved, checkpoint_dir=tmp_path / "here")
    in_memory(Careful, checkpoint_dir=tmp_path / "here")  # another fit may begin there


def test_a_model_that_cannot_draw() -> None:
    with pytest.raises(RehearsalError, match=r"Making the rows of table 'customer'.*no row today"):
        in_memory(Silent)


@pytest.mark.parametrize("model", ["autoregressive", "ctgan", "tvae"])
def test_what_is_fitted_is_the_same_without(monkeypatch: pytest.MonkeyPatch, model: str) -> None:
    with_it = in_memory(model).sample(seed=7, output_format="arrow")
    monkeypatch.setattr(facade, "Rehearsal", lambda *_, **__: None)
    assert in_memory(model).sample(seed=7, output_format="arrow") == with_it


def test_the_target_stays_free(tmp_path: Path) -> None:
    path = file(tmp_path / "shop.db")
    with captured_events() as events:
        fit(path)
    assert [e["target"] for e in events if e["event"] == "rehearsed"] == [True]
    assert [p.name for p in tmp_path.iterdir()] == ["shop.db"]


def test_what_the_target_holds_stays(tmp_path: Path) -> None:
    path, target = file(tmp_path / "shop.db"), tmp_path / "shop_synthetic.db"
    target.write_bytes(b"somebody else's")
    fit(path)
    assert target.read_bytes() == b"somebody else's"
    assert sorted(p.name for p in tmp_path.iterdir()) == ["shop.db", "shop_synthetic.db"]


ACCOUNTS = """
CREATE TABLE account (id INTEGER PRIMARY KEY, email TEXT NOT NULL UNIQUE,
    CONSTRAINT of_the_firm CHECK (instr(email, '@firm.com') > 0));
"""


def test_a_check_that_nothing_keeps(tmp_path: Path) -> None:
    path = file(tmp_path / "shop.db", ACCOUNTS)
    with closing(sqlite3.connect(path)) as db, db:
        people = [(i, f"person{i * 7}.{'abcde'[i % 5]}@firm.com") for i in range(60)]
        db.executemany("INSERT INTO account VALUES (?, ?)", people)
    with pytest.raises(RehearsalError, match=r"'account'.*of_the_firm") as caught:
        fit(path)
    assert "target=False" in str(caught.value)
    assert Careful.trained == []
    assert [p.name for p in tmp_path.iterdir()] == ["shop.db"]
    fit(path, target=False)


def test_a_named_target_is_tried(tmp_path: Path) -> None:
    meta = Metadata().add_table("t", "id")
    meta.tables["t"].columns = {}
    data = {"t": pd.DataFrame({"id": range(40), "v": [f"{'x' * (i % 9)}" for i in range(40)]})}
    place = tmp_path / "none" / "there.db"
    with pytest.raises(RehearsalError, match="no folder"):
        Synthesizer(meta, model=Careful).fit(data, epochs=1, progress=False,
                                             target=f"sqlite:///{place}", **SMALL)  # fmt: skip
    assert Careful.trained == []
    other = f"duckdb:///{tmp_path / 'there.duckdb'}"
    with captured_events() as events:
        Synthesizer(meta, model=Careful).fit(data, epochs=1, progress=False, target=other, **SMALL)
    assert [e["target"] for e in events if e["event"] == "rehearsed"] == [True]
    import duckdb

    with duckdb.connect(str(tmp_path / "there.duckdb")) as db:
        tables = db.execute("SELECT count(*) FROM duckdb_tables() WHERE NOT internal").fetchone()
        schemas = "SELECT count(*) FROM duckdb_schemas() WHERE contains(schema_name, 'synthohive')"
        assert (tables, db.execute(schemas).fetchone()) == ((0,), (0,))


@pytest.mark.skipif(not hasattr(os, "fork"), reason="forks")
def test_a_place_of_its_own_that_may_not_be_written_to(tmp_path: Path) -> None:
    folder = tmp_path / "kept"
    folder.mkdir()
    path = file(folder / "shop.db")
    folder.chmod(0o555)
    try:
        with captured_events() as events:
            fit(path)
    finally:
        folder.chmod(0o755)
    told = [e["reason"] for e in events if e["event"] == "target_not_rehearsed"]
    assert len(told) == 1
    assert "not writable" in told[0]
    assert Careful.trained == ["customer", "purchase"]


def killed(path: Path, at: str) -> Optional[int]:
    """Fit in a fork that is killed at a step of the writer; return the signal."""
    child = os.fork()
    if child == 0:
        observe(lambda name: os.kill(os.getpid(), signal.SIGKILL) if name == at else None)
        fit(path)
        os._exit(0)
    _, status = os.waitpid(child, 0)
    return os.WTERMSIG(status) if os.WIFSIGNALED(status) else None


def test_it_is_in_nobodys_way(tmp_path: Path) -> None:
    """Another fit rehearses, and a write to the same target goes on, in the middle of one."""
    path = file(tmp_path / "shop.db")
    ready = fit(path, target=False)

    def meanwhile(name: str) -> None:
        if name == "keys proved":
            observe(lambda name: None)
            fit(path)
            assert len(list(tmp_path.iterdir())) == 2  # what lives is not swept away
            ready.to_database(seed=1)

    observe(meanwhile)
    try:
        with captured_events() as events:
            fit(path)
    finally:
        observe(lambda name: None)
    assert [e["target"] for e in events if e["event"] == "rehearsed"] == [True]
    assert sorted(p.name for p in tmp_path.iterdir()) == ["shop.db", "shop_synthetic.db"]


@pytest.mark.skipif(not hasattr(os, "fork"), reason="forks")
def test_a_killed_rehearsal_is_swept_away(tmp_path: Path) -> None:
    path = file(tmp_path / "shop.db")
    assert killed(path, "table loaded") == signal.SIGKILL
    assert len(list(tmp_path.iterdir())) == 2
    fit(path)
    assert [p.name for p in tmp_path.iterdir()] == ["shop.db"]


def test_the_rehearsal_says_nothing_of_its_rows(tmp_path: Path) -> None:
    with captured_events() as events:
        fit(file(tmp_path / "shop.db"))
    assert [e["event"] for e in events].count("memorisation_measured") == 2
    assert "checks_still_violated" not in [e["event"] for e in events]
