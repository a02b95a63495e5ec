"""Where and how tables are trained changes nothing in what is made."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any, Optional

import numpy as np
import pandas as pd
import pytest

from synthohive import Autoregressive, Metadata, SchemaError, SerializationError, Synthesizer
from tests.events import captured_events


def shop() -> dict[str, pd.DataFrame]:
    rng = np.random.default_rng(2)
    kinds = [*rng.choice(["a", "b", "c"], 119), "the only one"]
    customer = pd.DataFrame({"id": range(120), "kind": kinds})
    order = pd.DataFrame({"id": range(300), "customer": rng.integers(0, 120, 300)})
    order["paid"] = np.round(rng.gamma(2, 10, 300), 2) * (1 + order["customer"] % 3)
    line = pd.DataFrame({"id": range(500), "order": rng.integers(0, 300, 500)})
    line["pieces"] = rng.integers(1, 9, 500)
    return {"customer": customer, "order": order, "line": line}


class Fragile(Autoregressive):
    """Breaks off before a table, and counts what it trains."""

    breaks_at = ""
    trained: list[str] = []

    def fit(self, *args: Any, **kwargs: Any) -> Fragile:
        if not self.epochs:  # the rehearsal
            super().fit(*args, **kwargs)
            return self
        if self.metadata.name == self.breaks_at:
            raise KeyboardInterrupt
        super().fit(*args, **kwargs)
        self.trained.append(self.metadata.name)
        return self


def fit(data: dict[str, pd.DataFrame], model: Any = "autoregressive", **how: Any) -> Synthesizer:
    metadata = Metadata().add_table("customer", "id")
    metadata.add_table("order", "id", fk={"customer": "customer.id"})
    metadata.add_table("line", "id", fk={"order": "order.id"})
    options = {"epochs": 2, "seed": 5, "progress": False, "relations": False, "batch_size": 50}
    small = {"hidden": 8, "embedding": 4, "context": 8}
    return Synthesizer(metadata, model=model).fit(data, **{**options, **small, **how})


def sampled(synthesizer: Synthesizer) -> dict[str, Any]:
    tables = synthesizer.sample(seed=6, output_format="arrow")
    return {name: table.to_pydict() for name, table in tables.items()}


@pytest.fixture(scope="module")
def expected() -> dict[str, Any]:
    return sampled(fit(shop(), n_jobs=1))


@pytest.fixture(scope="module")
def interrupted(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give the checkpoint directory of a fit that was interrupted at the last table."""
    place = tmp_path_factory.mktemp("interrupted") / "here"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Fragile, "trained", [])
        patch.setattr(Fragile, "breaks_at", "line")
        with pytest.raises(KeyboardInterrupt):
            fit(shop(), Fragile, checkpoint_dir=place)
        assert Fragile.trained == ["customer", "order"]
    return place


@pytest.fixture
def broken_off(interrupted: Path, tmp_path: Path) -> Path:
    Fragile.trained.clear()
    return Path(shutil.copytree(interrupted, tmp_path / "here"))


@pytest.mark.slow
def test_any_number_of_processes(expected: dict[str, Any]) -> None:
    assert sampled(fit(shop(), n_jobs=2)) == expected


@pytest.mark.parametrize("n_jobs", [0, -2, 1.5, "all", True])
def test_impossible_numbers_of_processes(n_jobs: object) -> None:
    with pytest.raises(SchemaError, match="n_jobs is"):
        fit(shop(), n_jobs=n_jobs)


@pytest.mark.parametrize("seed", [5, None])
def test_a_fit_goes_on(broken_off: Path, expected: dict[str, Any], seed: Optional[int]) -> None:
    again = fit(shop(), Fragile, checkpoint_dir=broken_off, seed=seed)
    assert Fragile.trained == ["line"]
    assert sampled(again) == expected
    assert sampled(Synthesizer.load(broken_off, model=Fragile)) == expected
    assert {p.suffix for p in broken_off.iterdir()} == {"", ".json"}
    assert not [p for p in broken_off.iterdir() if p.name.startswith(".")]


def test_a_damaged_model_is_trained_again(broken_off: Path, expected: dict[str, Any]) -> None:
    victim = sorted(broken_off.rglob("*.safetensors"))[0]
    whole = victim.read_bytes()
    victim.write_bytes(whole[:-1] + bytes([whole[-1] ^ 1]))
    with captured_events() as logs:
        again = fit(shop(), Fragile, checkpoint_dir=broken_off)
    assert [e["table"] for e in logs if e["event"] == "kept_model_not_used"] == ["customer"]
    assert Fragile.trained == ["customer", "line"]
    assert sampled(again) == expected


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"seed": 6}, "seed was 5, now it is 6"),
        ({"lr": 0.5}, r"model\.lr was None, now it is 0\.5"),
        ({"model": "autoregressive"}, r"model was '\S*Fragile'"),
        ({"data": {**shop(), "line": shop()["line"][::-1]}}, "is another one: the rows differ"),
    ],
    ids=["seed", "setting", "model", "rows"],
)
def test_another_fit_is_refused(broken_off: Path, change: dict[str, Any], named: str) -> None:
    with pytest.raises(SerializationError, match=named):
        fit(**{"data": shop(), "model": Fragile, "checkpoint_dir": broken_off, **change})
    assert Fragile.trained == []


def test_what_is_unfinished_holds_no_value(broken_off: Path) -> None:
    files = [p for p in broken_off.rglob("*") if p.is_file()]
    assert {p.suffix for p in files} == {".json", ".safetensors"}
    assert not [p for p in files if b"the only one" in p.read_bytes()]
    with pytest.raises(SerializationError, match=r"no manifest\.json"):
        Synthesizer.load(broken_off)


def test_a_finished_checkpoint_is_replaced_and_others_are_refused_first(
    broken_off: Path,
) -> None:
    fit(shop(), Fragile, checkpoint_dir=broken_off)
    fit(shop(), Fragile, checkpoint_dir=broken_off, seed=6)
    assert Fragile.trained == ["line", "customer", "order", "line"]
    (broken_off.parent / "notes.txt").write_text("keep me", encoding="utf-8")
    with pytest.raises(SerializationError, match="not a SynthoHive checkpoint"):
        fit(shop(), Fragile, checkpoint_dir=broken_off.parent)
    assert Fragile.trained == ["line", "customer", "order", "line"]
