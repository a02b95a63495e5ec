"""Keys count in the order of a moment where real ones do, though rows are made parent by parent."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from synthohive import Metadata, PrivacyConfig, Synthesizer
from synthohive.derive.keys.rising import Rising, find_rising
from tests.packed import again

ROWS = 300


def members(rng: np.random.Generator, *, text: bool = False) -> pa.Table:
    numbers = np.arange(ROWS) * 4 + 900
    at = np.sort(rng.integers(10_000, 10_200, ROWS)).astype(np.int32)
    order = rng.permutation(ROWS)
    keys = [f"M-{n}" if text else int(n) for n in numbers[order]]
    days = pa.array(at[order]).cast(pa.date32())
    return pa.table({"number": keys, "joined": days, "age": rng.integers(18, 90, ROWS)})


@pytest.mark.parametrize("text", [False, True], ids=["numbers", "texts"])
def test_keys_are_dealt_out_in_the_order_of_a_moment(text: bool) -> None:
    rng = np.random.default_rng(1)
    real = members(rng, text=text)
    (one,) = find_rising(["number"], real, ["age", "joined"])
    assert str(one) == "number rises with joined"
    assert one.holds(real)
    mixed = real.set_column(1, "joined", real.column("joined").take(rng.permutation(ROWS)))
    assert not one.holds(mixed)
    dealt = mixed.set_column(0, "number", one.dealt(mixed))
    assert one.holds(dealt)
    assert set(dealt["number"].to_pylist()) == set(real["number"].to_pylist())
    assert one.dealt(real).to_pylist()[0] == again(one).dealt(real).to_pylist()[0]


def test_blocks_of_one_kind_are_no_order() -> None:
    real = members(np.random.default_rng(2))
    kind = np.sort(np.arange(ROWS) % 4)[np.argsort(np.argsort(real["number"].to_numpy()))]
    assert find_rising(["number"], real.append_column("kind", pa.array(kind)), ["kind"]) == []
    one_off = real["joined"].to_pylist()
    one_off[0], one_off[1] = one_off[1], one_off[0]
    wrong = real.set_column(1, "joined", pa.array(one_off))
    assert find_rising(["number"], wrong, ["joined"]) == []
    assert not Rising("number", "age").holds(real)


def test_members_of_all_countries_join_as_they_are_numbered() -> None:
    """All Germans came first, and numbers said nothing of the day."""
    rng = np.random.default_rng(3)
    codes = ["DE", "FR", "IT", "PL"]
    countries = pd.DataFrame({"code": codes, "vat": [19, 20, 22, 23]})
    rows = pd.DataFrame(
        {
            "number": np.arange(1_001, 1_001 + ROWS),
            "country": rng.choice(codes, ROWS),
            "joined": np.sort(rng.integers(10_000, 10_900, ROWS)).astype("datetime64[D]"),
        }
    )
    buys = pd.DataFrame({"id": range(600), "member": rng.integers(1_001, 1_001 + ROWS, 600)})
    buys["price"] = rng.integers(1, 90, 600)
    metadata = Metadata().add_table("countries", "code")
    metadata.add_table("members", "number", fk={"country": "countries.code"})
    metadata.add_table("buys", "id", fk={"member": "members.number"})
    synth = Synthesizer(metadata, PrivacyConfig(detect_pii=False), model="autoregressive")
    frames = {"countries": countries, "members": rows, "buys": buys}
    synth.fit(frames, seed=1, epochs=1, progress=False)
    assert "number rises with joined" in map(str, synth.relations["members"])
    made = synth.sample(seed=2)
    members = made["members"].sort_values("number")
    assert members["number"].is_unique
    assert members["joined"].is_monotonic_increasing
    assert len(set(members["country"].iloc[:40])) > 1
    assert set(made["buys"]["member"]) <= set(members["number"])


@pytest.mark.parametrize("late", [0, 1])
def test_a_row_out_of_order_that_the_sample_does_not_show(late: int) -> None:
    joined = np.arange(10_000, 13_000)
    joined[3_000 - late :] = 10_000
    rows = pd.DataFrame({"number": range(3_000), "joined": joined.astype("datetime64[D]")})
    synth = Synthesizer(Metadata().add_table("members", "number"), model="autoregressive")
    synth.fit({"members": rows}, seed=1, epochs=1, sample_size=200, progress=False)
    found = [str(relation) for relation in synth.relations["members"]]
    assert ("number rises with joined" in found) == (late == 0)
