"""What was learned from is never written to, whoever asks and whatever it is called now."""

from __future__ import annotations

import os
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from synthohive import ConnectorError, Synthesizer


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    path = tmp_path / "shop.db"
    with closing(sqlite3.connect(path)) as db, db:
        db.execute("CREATE TABLE pets (id INTEGER PRIMARY KEY, kind TEXT NOT NULL)")
        db.executemany("INSERT INTO pets VALUES (?, ?)", [(i, "cd"[i % 2]) for i in range(40)])
    return path


@pytest.fixture
def checkpoint(shop: Path, tmp_path: Path) -> Path:
    synth = Synthesizer.from_database(f"sqlite:///{shop}")
    synth.fit(seed=1, epochs=1, progress=False, n_jobs=1)
    return synth.save(tmp_path / "checkpoint")


def everything(target: Path) -> dict[str, str]:
    return {"if_exists": "replace_foreign", "replace_foreign": str(target)}


@pytest.mark.parametrize("form", ["itself", "link", "hard link", "renamed"])
def test_a_checkpoint_knows_its_source(shop: Path, checkpoint: Path, form: str) -> None:
    place = shop
    if form != "itself":
        place = shop.with_name("other.db")
        ways = {"link": os.symlink, "hard link": os.link, "renamed": os.rename}
        ways[form](shop, place)
    before = place.read_bytes()
    synth = Synthesizer.load(checkpoint)
    for options in ({"if_exists": "replace"}, everything(place)):
        with pytest.raises(ConnectorError, match="source itself"):
            synth.to_database(f"sqlite:///{place}", seed=1, **options)  # type: ignore[arg-type]
    assert place.read_bytes() == before


def test_a_source_that_was_deleted_is_still_known(shop: Path, checkpoint: Path) -> None:
    shop.unlink()
    with pytest.raises(ConnectorError, match="source itself"):
        Synthesizer.load(checkpoint).to_database(f"sqlite:///{shop}", seed=1)


def test_rows_passed_by_hand_do_not_make_the_source_forgotten(shop: Path) -> None:
    import pandas as pd

    synth = Synthesizer.from_database(f"sqlite:///{shop}")
    rows = pd.DataFrame({"id": range(40), "kind": ["c", "d"] * 20})
    synth.fit({"pets": rows}, seed=1, epochs=1, progress=False, n_jobs=1)
    with pytest.raises(ConnectorError, match="source itself"):
        synth.to_database(f"sqlite:///{shop}", seed=1, **everything(shop))  # type: ignore[arg-type]


def test_a_synthetic_database_may_be_learned_from(shop: Path, checkpoint: Path) -> None:
    first, second = shop.with_name("first.db"), shop.with_name("second.db")
    Synthesizer.load(checkpoint).to_database(f"sqlite:///{first}", seed=1)
    again = Synthesizer.from_database(f"sqlite:///{first}")
    again.fit(seed=1, epochs=1, progress=False, n_jobs=1)
    again.to_database(f"sqlite:///{second}", seed=1)
    with pytest.raises(ConnectorError, match="source itself"):
        again.to_database(f"sqlite:///{first}", seed=1, if_exists="replace")
    Synthesizer.load(checkpoint).to_database(f"sqlite:///{first}", seed=2, if_exists="replace")


@pytest.mark.parametrize("bytes_free", [0, 4_000])
def test_a_full_disk_is_named_and_leaves_nothing(
    shop: Path, checkpoint: Path, bytes_free: int
) -> None:
    synth, target = Synthesizer.load(checkpoint), shop.with_name("copy.db")
    resource = pytest.importorskip("resource")
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    before = {p: p.read_bytes() for p in shop.parent.iterdir() if p.is_file()}
    resource.setrlimit(resource.RLIMIT_FSIZE, (bytes_free, limits[1]))
    try:
        with pytest.raises(ConnectorError, match=r"File too large|disk|full"):
            synth.to_database(f"sqlite:///{target}", seed=1, scale=50)
        with pytest.raises(ConnectorError, match="temporary folder"):
            synth.sample(seed=1, scale=50)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert {p: p.read_bytes() for p in shop.parent.iterdir() if p.is_file()} == before
    synth.to_database(f"sqlite:///{target}", seed=1)


def test_no_path_or_name_is_in_a_checkpoint(shop: Path, checkpoint: Path) -> None:
    texts = b"".join(p.read_bytes() for p in checkpoint.rglob("*") if p.is_file())
    assert shop.name.encode() not in texts
    assert str(shop.parent).encode() not in texts
