"""Keys of a table to itself: what rows have from the row above, and from their roots."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from synthohive import Metadata, PrivacyConfig, Synthesizer
from synthohive.schema import ForeignKey, UniqueConstraint


def categories(rng: np.random.Generator, first: int, around: bool) -> pd.DataFrame:
    """Each with its depth, from 0 or 1, and the path to it, which is unique."""
    parent, depth, path, kind = [], [], [], []
    for i in range(300):
        above = int(rng.integers(max(0, i - 80), i)) if i >= 6 else None
        parent.append(pd.NA if above is None else above + 1)
        depth.append(first if above is None else depth[above] + 1)
        start = "" if above is None else path[above]
        path.append(f"{start or '/'}{i + 1}/" if around else f"{start and start + '/'}{i + 1}")
        copied = above is not None and rng.random() < 0.8
        kind.append(kind[above or 0] if copied else f"kind {rng.integers(12)}")
    ids, keys = range(1, 301), pd.array(parent, dtype="Int64")
    return pd.DataFrame({"id": ids, "parent_id": keys, "depth": depth, "path": path, "kind": kind})


def staff(rng: np.random.Generator) -> pd.DataFrame:
    """With a boss, and a mentor: themselves, somebody before them, or nobody."""
    before = [int(rng.integers(1, i + 1)) if i else 1 for i in range(300)]
    boss = [pd.NA if i < 8 else b for i, b in enumerate(before)]
    other = [int(rng.integers(1, i + 1)) if i else 1 for i in range(300)]
    way = rng.choice(3, 300, p=[0.34, 0.46, 0.2])
    mentor = [(i + 1, other[i], pd.NA)[w] if i > 8 else pd.NA for i, w in enumerate(way)]
    keys = {"boss_id": boss, "mentor_id": mentor}
    numbers = {name: pd.array(values, dtype="Int64") for name, values in keys.items()}
    pay = rng.integers(1_000, 9_000, 300)
    return pd.DataFrame({"id": range(1, 301), **numbers, "pay": pay})


def comments(rng: np.random.Generator) -> pd.DataFrame:
    """Answers to others, each with the one at which the thread begins."""
    parent, thread = [], []
    for i in range(300):
        above = int(rng.integers(0, i)) if i > 20 and rng.random() < 0.7 else None
        parent.append(pd.NA if above is None else above + 1)
        thread.append(i + 1 if above is None else thread[above])
    keys = pd.array(parent, dtype="Int64")
    return pd.DataFrame({"id": range(1, 301), "parent_id": keys, "thread_id": thread})


def couples(rng: np.random.Generator) -> pd.DataFrame:
    """Two by two, but for a third of them."""
    spouse, order = [pd.NA] * 300, rng.permutation(300)[:200].reshape(-1, 2).tolist()
    for one, two in order:
        spouse[one], spouse[two] = two + 1, one + 1
    state = ["single" if key is pd.NA else "married" for key in spouse]
    keys = pd.array(spouse, dtype="Int64")
    return pd.DataFrame({"id": range(1, 301), "spouse_id": keys, "state": state})


@pytest.fixture(scope="module")
def both() -> tuple[dict[str, pd.DataFrame], dict[str, pd.DataFrame]]:
    rng = np.random.default_rng(5)
    frames = {
        "plain": categories(rng, 0, around=False),
        "around": categories(rng, 1, around=True),
        "staff": staff(rng),
        "comments": comments(rng),
        "persons": couples(rng),
    }
    metadata = Metadata()
    for name, columns in (
        ("plain", ["parent_id"]),
        ("around", ["parent_id"]),
        ("staff", ["boss_id", "mentor_id"]),
        ("comments", ["parent_id", "thread_id"]),
        ("persons", ["spouse_id"]),
    ):
        metadata.add_table(name, "id", fk=dict.fromkeys(columns, f"{name}.id"))
    metadata.tables["around"].unique.append(UniqueConstraint(columns=["path"]))
    synth = Synthesizer(metadata, PrivacyConfig(detect_pii=False), model="autoregressive")
    made = synth.fit(frames, epochs=3, seed=1, progress=False).sample(seed=2)
    return frames, made


def test_keys_that_share_a_column_with_others_are_hierarchies_in_it() -> None:
    rng = np.random.default_rng(5)
    tenant = np.sort(rng.integers(1, 6, 300))
    start = np.searchsorted(tenant, tenant)
    before = [int(rng.integers(s, i)) + 1 if i > s + 3 else pd.NA for i, s in enumerate(start)]
    own = [i + 1 if i % 3 == 0 else key for i, key in enumerate(before)]
    keys = {"parent_id": pd.array(before, dtype="Int64"), "mentor_id": pd.array(own, dtype="Int64")}
    frame = pd.DataFrame({"tenant_id": tenant, "id": range(1, 301), **keys})
    metadata = Metadata().add_table("tenant", "id").add_table("node", ["tenant_id", "id"])
    metadata.tables["node"].foreign_keys = [
        ForeignKey(columns=["tenant_id"], parent="tenant", parent_columns=["id"])
    ] + [
        ForeignKey(columns=["tenant_id", key], parent="node", parent_columns=["tenant_id", "id"])
        for key in keys
    ]
    frames = {"tenant": pd.DataFrame({"id": range(1, 6)}), "node": frame}
    synth = Synthesizer(metadata, PrivacyConfig(detect_pii=False), model="autoregressive")
    made = synth.fit(frames, epochs=1, seed=1, progress=False).sample(seed=2)["node"]
    there = set(zip(made["tenant_id"], made["id"]))
    for key in keys:
        linked = made[made[key].notna()]
        assert set(zip(linked["tenant_id"], linked[key])) <= there
        assert abs(made[key].isna().mean() - frame[key].isna().mean()) < 0.05
    assert abs((made["mentor_id"] == made["id"]).mean() - 1 / 3) < 0.05


def test_a_category_tells_roots_from_others_and_a_row_names_one_below_it() -> None:
    """Questions are no answers, and accept one of their own."""
    rng = np.random.default_rng(6)
    kinds = pd.DataFrame({"id": [1, 2, 3], "name": ["question", "answer", "note"]})
    kind = np.where(np.arange(600) < 20, 1, rng.choice([1, 2, 2, 3], 600))
    tops = np.flatnonzero(kind == 1)
    up = [pd.NA if k != 2 else int(rng.choice(tops[tops < i])) + 1 for i, k in enumerate(kind)]
    posts = pd.DataFrame({"id": range(1, 601), "kind_id": kind, "parent_id": up})
    posts["parent_id"] = posts["parent_id"].astype("Int64")
    best = posts["id"].map(posts.groupby("parent_id")["id"].last())
    posts["accepted_id"] = best.where(rng.random(600) < 0.7).astype("Int64")
    posts["score"] = rng.poisson(3, 600)
    keys = {"kind_id": "kinds.id", "accepted_id": "posts.id", "parent_id": "posts.id"}
    metadata = Metadata().add_table("kinds", "id").add_table("posts", "id", fk=keys)
    synth = Synthesizer(metadata, model="autoregressive")
    synth.fit({"kinds": kinds, "posts": posts}, epochs=2, seed=1, progress=False)
    made = synth.sample(seed=2)["posts"]
    assert (made["parent_id"].notna() == (made["kind_id"] == 2)).all()
    chosen = made.dropna(subset=["accepted_id"])
    assert (above(made, "parent_id", "accepted_id").dropna() == chosen["id"]).all()
    assert abs(len(chosen) - posts["accepted_id"].notna().sum()) < 20
    found = set(map(str, synth.relations["posts"]))
    assert "accepted_id.parent_id = the row itself" in found
    assert "parent_id is NULL exactly where kind_id is 1, 3" in found


def above(frame: pd.DataFrame, column: str, key: str = "parent_id") -> pd.Series:
    """Return what the row above holds, NA for roots."""
    return frame[key].map(frame.set_index("id")[column])


def test_depths_and_paths_lead_over_the_parents(
    both: tuple[dict[str, pd.DataFrame], dict[str, pd.DataFrame]],
) -> None:
    for made in both:
        for name, first, start, last in (("plain", 0, "", ""), ("around", 1, "/", "/")):
            frame = made[name]
            assert (frame["depth"] == above(frame, "depth").fillna(first - 1) + 1).all()
            up = above(frame, "path").fillna(start)
            joint = np.where((up == "") | (last == "/"), "", "/")
            assert (frame["path"] == up + joint + frame["id"].astype(str) + last).all()
            assert 1 <= frame["parent_id"].isna().sum() <= 12
            assert (frame["parent_id"] < frame["id"]).all()


def test_what_mostly_repeats_the_row_above_does_so_as_often(
    both: tuple[dict[str, pd.DataFrame], dict[str, pd.DataFrame]],
) -> None:
    shares = []
    for made in both:
        linked = made["plain"]["parent_id"].notna()
        shares.append((made["plain"]["kind"] == above(made["plain"], "kind"))[linked].mean())
    assert abs(shares[0] - shares[1]) < 0.08


def test_each_key_has_its_own_parents_and_its_order(
    both: tuple[dict[str, pd.DataFrame], dict[str, pd.DataFrame]],
) -> None:
    real, made = both[0]["staff"], both[1]["staff"]
    for frame in (real, made):
        assert (frame["boss_id"] < frame["id"]).all()
        assert (frame["mentor_id"] <= frame["id"]).all()
    for column in ("boss_id", "mentor_id"):
        nulls = [frame[column].isna().mean() for frame in (real, made)]
        own = [(frame[column] == frame["id"]).mean() for frame in (real, made)]
        assert np.ptp(nulls) < 0.01
        assert np.ptp(own) < 0.01


def test_threads_begin_where_no_row_is_above(
    both: tuple[dict[str, pd.DataFrame], dict[str, pd.DataFrame]],
) -> None:
    for made in both:
        frame = made["comments"]
        assert (frame["thread_id"] == above(frame, "thread_id").fillna(frame["id"])).all()


def test_circles_of_two_stay_such(
    both: tuple[dict[str, pd.DataFrame], dict[str, pd.DataFrame]],
) -> None:
    real, made = both[0]["persons"], both[1]["persons"]
    linked = made["spouse_id"].notna()
    assert (above(made, "spouse_id", "spouse_id")[linked] == made["id"][linked]).all()
    assert abs(linked.mean() - real["spouse_id"].notna().mean()) < 0.01
    assert ((made["state"] == "married") == linked).mean() > 0.9
