"""Where a checkpoint is saved: only a checkpoint is ever replaced, and never by deleting first."""

from __future__ import annotations

import os
import resource
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pandas as pd
import pytest

from synthohive import Metadata, SerializationError, Synthesizer
from synthohive.interface.checkpoint_folder import verified

FRAME = pd.DataFrame({"id": range(60), "kind": ["cat", "dog", "cow"] * 20})


def fit(seed: int, **more: object) -> Synthesizer:
    synth = Synthesizer(Metadata().add_table("pets", "id"), model="autoregressive")
    return synth.fit({"pets": FRAME}, epochs=1, seed=seed, progress=False, n_jobs=1, **more)


@pytest.fixture(scope="module")
def synth() -> Synthesizer:
    return fit(1)


@pytest.fixture(scope="module")
def other() -> Synthesizer:
    return fit(2)


def contents(folder: Path) -> dict[str, bytes]:
    return {str(p): p.read_bytes() for p in sorted(folder.rglob("*")) if p.is_file()}


def seed_of(folder: Path) -> int:
    return int(verified(folder)["seed"])


def mine(folder: Path, synth: Synthesizer) -> Path:
    """Make folders that are no checkpoint, whatever they look like."""
    folder.mkdir()
    web = folder / "web"
    web.mkdir()
    (web / "manifest.json").write_text('{"name": "my app"}')
    (web / "thesis.docx").write_text("years of work")
    dbt = folder / "dbt"
    dbt.mkdir()
    (dbt / "manifest.json").write_text('{"metadata": {"dbt_version": "1.9"}, "files": {}}')
    (folder / "damaged").mkdir()
    damaged = synth.save(folder / "damaged" / "in")
    next(damaged.rglob("table.json")).write_text("{}")
    beside = synth.save(folder / "beside")
    (beside / "NOTES.md").write_text("mine")
    inside = synth.save(folder / "inside")
    (next(inside.rglob("table.json")).parent / "NOTES.md").write_text("mine")
    named = folder / "named"
    (named / "content-0123456789abcdef01234567").mkdir(parents=True)
    (named / "content-0123456789abcdef01234567" / "x").write_text("mine")
    (folder / "file").write_text("mine")
    (folder / "link").symlink_to(folder / "nowhere")
    return folder


@pytest.mark.parametrize(
    "name", ["web", "dbt", "damaged/in", "beside", "inside", "named", "file", "link"]
)
def test_what_is_no_checkpoint_is_refused_and_stays(
    tmp_path: Path, synth: Synthesizer, name: str
) -> None:
    folder = mine(tmp_path / "all", synth)
    before = contents(folder)
    with pytest.raises(SerializationError, match="not a SynthoHive checkpoint"):
        synth.save(folder / name)
    with pytest.raises(SerializationError, match="not a SynthoHive checkpoint"):
        fit(1, checkpoint_dir=folder / name)
    assert contents(folder) == before


def test_a_link_to_a_checkpoint_stays_one(
    tmp_path: Path, synth: Synthesizer, other: Synthesizer
) -> None:
    synth.save(tmp_path / "real")
    (tmp_path / "link").symlink_to(tmp_path / "real")
    other.save(tmp_path / "link")
    assert (tmp_path / "link").is_symlink()
    assert seed_of(tmp_path / "real") == 2
    assert len(list((tmp_path / "real").iterdir())) == 2


@pytest.fixture
def mounted(tmp_path: Path) -> Iterator[Path]:
    place = tmp_path / "mounted"
    place.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", str(place)]
    try:
        done = subprocess.run(command, capture_output=True, check=False).returncode
    except FileNotFoundError:
        done = 1
    if done:
        pytest.skip("file systems cannot be mounted here")
    yield place
    subprocess.run(["umount", str(place)], check=True)


def test_mount_points_full_and_read_only(
    mounted: Path, synth: Synthesizer, other: Synthesizer
) -> None:
    (mounted / "lost+found").mkdir()
    synth.save(mounted)
    other.save(mounted)
    assert seed_of(mounted) == 2
    whole = contents(mounted)
    with suppress(OSError), (mounted / ".synthohive-filler").open("wb", buffering=0) as file:
        while file.write(bytes(4096)):
            pass
    with pytest.raises(SerializationError, match="cannot be written: No space left"):
        synth.save(mounted)
    (mounted / ".synthohive-filler").unlink()
    assert contents(mounted) == whole
    subprocess.run(["mount", "-o", "remount,ro", str(mounted)], check=True)
    with pytest.raises(SerializationError, match="cannot be written"):
        synth.save(mounted)
    assert contents(mounted) == whole


def test_no_room_for_a_file(tmp_path: Path, synth: Synthesizer, other: Synthesizer) -> None:
    place = synth.save(tmp_path / "saved")
    whole = contents(place)
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (4096, before[1]))
    try:
        with pytest.raises(SerializationError, match="cannot be written"):
            other.save(place)
        with pytest.raises(SerializationError, match="cannot be written"):
            other.save(tmp_path / "new")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert contents(tmp_path) == whole


KILLED = """
import os, signal, sys
from pathlib import Path
import torch
torch.set_num_threads(1)
from synthohive import Synthesizer
from synthohive.interface.checkpoint_folder import verified
place = Path(sys.argv[1])
old, new = (Synthesizer.load(path) for path in sys.argv[2:4])
seeds = {old.fitted_.seed, new.fitted_.seed}
STEPS = ("os.rename", "os.remove", "os.rmdir", "os.mkdir", "fcntl.flock")
left = [0]

def watch(event, arguments):
    writes = event == "open" and isinstance(arguments[2], int) and arguments[2] & os.O_CREAT
    if left[0] and (event in STEPS or writes):
        left[0] -= 1
        if not left[0]:
            os.kill(os.getpid(), signal.SIGKILL)

sys.addaudithook(watch)
step, status = 0, 1
while status:
    step += 1
    child = os.fork()
    if not child:
        left[0] = step
        (new if step % 2 else old).save(place)
        left[0] = 0
        os._exit(0)
    status = os.waitpid(child, 0)[1]
    assert status in (0, signal.SIGKILL), status
    assert verified(place)["seed"] in seeds
print(step)
for path in place.glob(".synthohive-*"):
    os.utime(path, (0, 0))  # an empty one is removed when it is no longer young
old.save(place)
assert verified(place)["seed"] == old.fitted_.seed
assert sorted(p.name for p in place.iterdir() if p.name.startswith(".")) == []
assert len(list(place.iterdir())) == 2
"""


@pytest.mark.slow
def test_a_kill_at_any_step_leaves_a_whole_checkpoint(
    tmp_path: Path, synth: Synthesizer, other: Synthesizer
) -> None:
    places = [synth.save(tmp_path / "old"), other.save(tmp_path / "new")]
    place = shutil.copytree(places[0], tmp_path / "place")
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", KILLED, str(place), *map(str, places)],
        capture_output=True, text=True, check=False, timeout=120,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
    )  # fmt: skip
    assert not done.returncode, done.stderr
    assert int(done.stdout) > 25


def test_two_savers_do_not_mix(tmp_path: Path, synth: Synthesizer) -> None:
    place = synth.save(tmp_path / "saved")
    code = (
        "import os, sys, fcntl, time; f = os.open(sys.argv[1], os.O_RDONLY); "
        "fcntl.flock(f, fcntl.LOCK_EX); print('held', flush=True); time.sleep(60)"
    )
    process = subprocess.Popen([sys.executable, "-c", code, str(place)], stdout=subprocess.PIPE)
    try:
        assert process.stdout is not None
        assert process.stdout.readline() == b"held\n"
        with pytest.raises(SerializationError, match="Another process is writing"):
            synth.save(place)
    finally:
        process.kill()
        process.communicate()
    synth.save(place)
