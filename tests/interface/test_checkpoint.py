"""Checkpoints: nothing is unpickled, and whatever is wrong is named."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from synthohive import SerializationError, Synthesizer


@pytest.fixture(scope="module")
def saved(fitted: Synthesizer, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return fitted.save(tmp_path_factory.mktemp("saved") / "checkpoint")


@pytest.fixture
def copy(saved: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(saved, tmp_path / "copy"))


def some(folder: Path, pattern: str) -> Path:
    return sorted(folder.rglob(pattern))[0]


def test_only_harmless_formats(saved: Path) -> None:
    kinds = {p.suffix for p in saved.rglob("*") if p.is_file()}
    assert kinds <= {".json", ".npz", ".safetensors", ".parquet"}
    for path in saved.rglob("*.npz"):
        assert b"pickle" not in path.read_bytes()


@pytest.mark.parametrize("pattern", ["table.json", "arrays.npz", "*.safetensors", "metadata.json"])
def test_changed_truncated_and_missing_components_are_named(copy: Path, pattern: str) -> None:
    victim = some(copy, pattern)
    name = victim.relative_to(copy).as_posix()
    whole = victim.read_bytes()
    for damaged in (whole[:-7], whole[:10] + bytes([whole[10] ^ 255]) + whole[11:], b""):
        victim.write_bytes(damaged)
        with pytest.raises(SerializationError, match=name):
            Synthesizer.load(copy)
    victim.unlink()
    with pytest.raises(SerializationError, match=f"{name}' is missing"):
        Synthesizer.load(copy)


def test_damage_behind_a_correct_sum_is_named_too(copy: Path) -> None:
    from synthohive.interface.checkpoint_folder import _digest

    victim = some(copy, "table.json")
    victim.write_text("{}", encoding="utf-8")
    manifest = json.loads((copy / "manifest.json").read_text(encoding="utf-8"))
    manifest["files"][victim.relative_to(copy).as_posix()] = _digest(victim)
    (copy / "manifest.json").write_text(json.dumps(manifest), encoding="utf-8")
    with pytest.raises(SerializationError, match="tables/0000"):
        Synthesizer.load(copy)


def test_newer_format_says_what_to_do(copy: Path) -> None:
    path = copy / "manifest.json"
    manifest = json.loads(path.read_text(encoding="utf-8"))
    path.write_text(json.dumps({**manifest, "format": 99, "synthohive": "9.9"}), encoding="utf-8")
    with pytest.raises(SerializationError, match=r"format 99.*upgrade"):
        Synthesizer.load(copy)


def test_older_format_says_what_to_do_and_is_replaced(copy: Path) -> None:
    synth = Synthesizer.load(copy)
    path = copy / "manifest.json"
    manifest = json.loads(path.read_text(encoding="utf-8"))
    path.write_text(json.dumps({**manifest, "format": 2}), encoding="utf-8")
    with pytest.raises(SerializationError, match=r"format 2.*\n?.*[Ff]it again"):
        Synthesizer.load(copy)
    synth.save(copy)
    Synthesizer.load(copy)


def test_paths_cannot_lead_out(copy: Path) -> None:
    path = copy / "manifest.json"
    manifest = json.loads(path.read_text(encoding="utf-8"))
    manifest["files"]["../elsewhere"] = "0"
    path.write_text(json.dumps(manifest), encoding="utf-8")
    with pytest.raises(SerializationError, match="leads out"):
        Synthesizer.load(copy)


def test_no_checkpoint_and_foreign_directory(fitted: Synthesizer, tmp_path: Path) -> None:
    with pytest.raises(SerializationError, match=r"no manifest\.json"):
        Synthesizer.load(tmp_path / "nowhere")
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "notes.txt").write_text("keep me", encoding="utf-8")
    with pytest.raises(SerializationError, match="not a SynthoHive checkpoint"):
        fitted.save(tmp_path / "mine")
    assert (tmp_path / "mine" / "notes.txt").read_text(encoding="utf-8") == "keep me"


def test_saving_again_replaces(fitted: Synthesizer, copy: Path) -> None:
    fitted.save(copy)
    assert Synthesizer.load(copy).metadata == fitted.metadata
    assert sorted(p.name for p in copy.parent.iterdir()) == ["copy"]


def test_holds_no_personal_value(saved: Path) -> None:
    everything = b"".join(p.read_bytes() for p in saved.rglob("*") if p.is_file())
    for number in range(1, 400):
        assert f"person{number}@".encode() not in everything


def test_a_process_that_fitted_nothing_loads_it(saved: Path) -> None:
    code = "import sys; from synthohive import Synthesizer; print(Synthesizer.load(sys.argv[1]))"
    done = subprocess.run(
        [sys.executable, "-c", code, str(saved)], stderr=-1, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
