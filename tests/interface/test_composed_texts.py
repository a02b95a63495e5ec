"""Texts that hold their parent's, or are put together from others, stay so."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from synthohive import Metadata, PrivacyConfig, Synthesizer
from synthohive.derive.composed import Composed, Part
from synthohive.derive.keys.makers import CounterMaker
from synthohive.derive.keys.patterns import BegunTextMaker
from synthohive.schema import Column, ColumnKind, UniqueConstraint

SYLLABLES = "ba ke lo mi nu ra se to vi zo fen gar hil jun".split()


def words(rng: np.random.Generator, count: int) -> list[str]:
    return ["".join(rng.choice(SYLLABLES, 3)).capitalize() for _ in range(count)]


def folders(rng: np.random.Generator) -> pd.DataFrame:
    """Return folders in folders, each with the path to it."""
    slugs, parents, paths = [w.lower() for w in words(rng, 120)], [None] * 5, []
    parents += [int(rng.integers(0, row)) for row in range(5, 120)]
    for slug, parent in zip(slugs, parents):
        paths.append(f"/{slug}" if parent is None else f"{paths[parent]}/{slug}")
    keys = pd.array(parents, dtype="Int64")
    return pd.DataFrame({"id": range(120), "parent_id": keys, "slug": slugs, "path": paths})


def shop() -> tuple[dict[str, pd.DataFrame], Metadata]:
    rng = np.random.default_rng(3)
    codes = ["AB", "CX", "DK", "FT", "GR", "HM", "JN", "KL", "MP", "NQ", "RS", "TV"]
    categories = pd.DataFrame({"id": range(12), "code": codes})
    brands = pd.DataFrame({"id": range(30), "brand": words(rng, 30)})
    products = pd.DataFrame({"id": range(150), "category_id": rng.integers(0, 12, 150)})
    products["name"] = [
        f"{a} {b}" for a, b in zip(words(rng, 150), rng.choice(["Chair", "Lamp"], 150))
    ]
    products["slug"] = products["name"].str.lower().str.replace(" ", "-")
    number = rng.integers(1_000, 9_999, 150)
    products["article"] = [f"{codes[c]}-{n}" for c, n in zip(products["category_id"], number)]
    owner = np.repeat(np.arange(150), rng.integers(1, 5, 150))
    variants = pd.DataFrame({"id": range(len(owner)), "product_id": owner})
    variants["brand_id"] = rng.integers(0, 30, len(owner))
    variants["size"] = rng.choice(["S", "M", "L", "XL"], len(owner))
    names = products["name"].to_numpy()[owner]
    variants["name"] = [f"{name} ({size})" for name, size in zip(names, variants["size"])]
    by = brands["brand"].to_numpy()[variants["brand_id"]]
    variants["sold_as"] = [f"{brand} size {size}" for brand, size in zip(by, variants["size"])]
    metadata = Metadata().add_table("categories", "id").add_table("brands", "id")
    metadata.add_table("products", "id", fk={"category_id": "categories.id"})
    keys = {"product_id": "products.id", "brand_id": "brands.id"}
    metadata.add_table("variants", "id", fk=keys)
    metadata.add_table("folders", "id", fk={"parent_id": "folders.id"})
    frames = {"categories": categories, "brands": brands, "products": products}
    return {**frames, "variants": variants, "folders": folders(rng)}, metadata


@pytest.fixture(scope="module")
def synthesizer() -> Synthesizer:
    frames, metadata = shop()
    other = Synthesizer(metadata, PrivacyConfig(detect_pii=False), model="autoregressive")
    return other.fit(frames, epochs=2, seed=1, progress=False)


def test_texts_are_put_together_from_synthetic_rows(synthesizer: Synthesizer) -> None:
    made = synthesizer.sample(seed=2)
    products = made["products"].set_index("id")
    variants = made["variants"]
    names = products["name"].reindex(variants["product_id"]).to_numpy()
    assert [f"{a} ({b})" for a, b in zip(names, variants["size"])] == variants["name"].tolist()
    brands = made["brands"].set_index("id")["brand"].reindex(variants["brand_id"])
    sold = [f"{a} size {b}" for a, b in zip(brands, variants["size"])]
    assert sold == variants["sold_as"].tolist()
    assert products["name"].str.lower().str.replace(" ", "-").tolist() == products["slug"].tolist()
    codes = made["categories"].set_index("id")["code"].reindex(products["category_id"])
    assert all(text.startswith(f"{code}-") for code, text in zip(codes, products["article"]))


def test_a_path_leads_over_the_parents(synthesizer: Synthesizer) -> None:
    made = synthesizer.sample(seed=2)["folders"]
    paths = made.set_index("id")["path"]
    above = ["" if pd.isna(parent) else paths[parent] for parent in made["parent_id"]]
    assert [f"{a}/{slug}" for a, slug in zip(above, made["slug"])] == made["path"].tolist()
    assert made["parent_id"].isna().sum() == 5


def test_they_are_listed_and_come_out_of_a_checkpoint(
    synthesizer: Synthesizer, tmp_path: Path
) -> None:
    found = {str(r) for relations in synthesizer.relations.values() for r in relations}
    assert {
        "name = products.name || ' (' || size || ')'",
        "sold_as = brands.brand || ' size ' || size",
        "path = folders.path || '/' || slug",
        "slug = slug(name)",
    } <= found
    loaded = Synthesizer.load(synthesizer.save(tmp_path / "shop"))
    one, two = (s.sample(seed=3) for s in (synthesizer, loaded))
    for name, frame in one.items():
        pd.testing.assert_frame_equal(frame, two[name])


def test_unique_texts_begin_with_their_parents() -> None:
    """Counted beside each text, or numbered over all; keys, too. A kept table's are made."""
    rng, letters = np.random.default_rng(5), list("ABCDEFGHJKLMNPRST")
    codes = list(dict.fromkeys("".join(rng.choice(letters, 3)) for _ in range(40)))[:25]
    categories = pd.DataFrame({"id": range(1, 26), "code": codes})
    categories["kind"] = rng.choice(["x", "y"], 25)
    products = pd.DataFrame({"id": range(1, 401), "category_id": rng.integers(1, 26, 400)})
    products["brand_id"] = rng.integers(1, 61, 400)
    types = pd.DataFrame({"id": range(1, 51), "category_id": np.repeat(range(1, 26), 2)})
    types["mark"] = [f"{codes[i // 2]}-{i % 2}" for i in range(50)]
    code = [codes[c - 1] for c in products["category_id"]]
    number = products.groupby("category_id").cumcount() + 1
    products["sku"] = [f"{c}-{n:04d}" for c, n in zip(code, number)]
    products["serial"] = [f"{c}/{n}" for c, n in zip(code, rng.permutation(9_000)[:400] + 1_000)]
    orders = pd.DataFrame(
        {"no": [f"O{1_000 + i}" for i in range(150)], "paid": rng.random(150) < 1}
    )
    lines = pd.DataFrame({"order_no": orders["no"].repeat(rng.integers(1, 6, 150))})
    lines = lines.reset_index(drop=True)
    place = lines.groupby("order_no").cumcount() + 1
    lines.insert(0, "line", lines["order_no"] + "-" + place.astype(str))
    claims = pd.DataFrame({"id": range(1, 201), "line": rng.choice(lines["line"], 200)})
    metadata = Metadata().add_table("category", "id").add_table("brand", "id")
    keys = {"category_id": "category.id", "brand_id": "brand.id"}
    metadata.add_table("product", "id", fk=keys).add_table("orders", "no")
    metadata.add_table("order_line", "line", fk={"order_no": "orders.no"})
    metadata.add_table("claim", "id", fk={"line": "order_line.line"})
    metadata.add_table("product_type", "id", fk={"category_id": "category.id"})
    unique = {"category": ["code"], "product": ["sku", "serial"], "product_type": ["mark"]}
    for table, column in ((t, c) for t, columns in unique.items() for c in columns):
        metadata.tables[table].unique.append(UniqueConstraint(columns=[column]))
    frames = {"category": categories, "brand": pd.DataFrame({"id": range(1, 61)})}
    frames.update(
        product_type=types, product=products, orders=orders, order_line=lines, claim=claims
    )
    synth = Synthesizer(metadata, PrivacyConfig(detect_pii=False), model="autoregressive")
    made = synth.fit(frames, epochs=1, seed=1, progress=False).sample(seed=2)
    product, line = made["product"], made["order_line"]
    assert not set(made["category"]["code"]) & set(codes)
    assert made["product_type"]["mark"].nunique() == 50
    code = product["category_id"].map(made["category"].set_index("id")["code"])
    number = product.groupby("category_id").cumcount() + 1
    assert [f"{c}-{n:04d}" for c, n in zip(code, number)] == product["sku"].tolist()
    assert all(re.fullmatch(rf"{c}/\d{{4,5}}", t) for c, t in zip(code, product["serial"]))
    assert not product["serial"].duplicated().any()
    place = line.groupby("order_no").cumcount() + 1
    assert (line["order_no"] + "-" + place.astype(str)).tolist() == line["line"].tolist()
    assert made["claim"]["line"].isin(line["line"]).all()
    assert "sku begins with category.code" in map(str, synth.relations["product"])


def test_unique_texts_begin_with_columns_of_their_row() -> None:
    """A number stands behind those that would repeat; where it is the row's own, it is that."""
    rng = np.random.default_rng(4)
    posts = pd.DataFrame({"id": range(1, 301), "kind": rng.choice(["a", "b"], 300)})
    some = np.array(["Fast Rails", "Jobs", "Rails Jobs", "Simple Guide", "Docker", "Fast Jobs"])
    posts["title"] = [f"{a} {b}" for a, b in zip(some[rng.integers(0, 6, 300)], words(rng, 300))]
    posts.loc[250:, "title"] = posts["title"].to_numpy()[rng.integers(0, 250, 50)]
    begun = posts["title"].str.lower().str.replace(" ", "-")
    place = posts.groupby("title").cumcount() + 1
    posts["slug"] = begun.where(place == 1, begun + "-" + place.astype(str))
    posts["link"] = "/p/" + begun + "-" + posts["id"].astype(str)
    unique = [{"columns": ["slug"]}, {"columns": ["link"]}]
    metadata = Metadata().add_table("posts", "id", unique=unique)
    synth = Synthesizer(metadata, PrivacyConfig(detect_pii=False), model="autoregressive")
    made = synth.fit({"posts": posts}, epochs=2, seed=1, progress=False).sample(seed=2, scale=3)
    made = made["posts"]
    begun = made["title"].str.lower().str.replace(" ", "-")
    place = begun.groupby(begun).cumcount() + 1
    assert (place > 1).any()
    right = begun.where(place == 1, begun + "-" + place.astype(str))
    assert (made["slug"] == right).mean() > 0.99  # but where a title ends with such a number
    assert not made["slug"].duplicated().any()
    assert (made["link"] == "/p/" + begun + "-" + made["id"].astype(str)).all()
    found = set(map(str, synth.relations["posts"]))
    assert {"slug begins with slug(title)",
            "link begins with '/p/' || slug(title) || '-' || id"} <= found  # fmt: skip


def test_a_text_is_cut_where_its_number_would_not_fit() -> None:
    start = Composed("slug", (Part("title", "slug"),), "\ue200")
    column = Column(name="slug", kind=ColumnKind.TEXT, length=7)
    counter = CounterMaker(Column(name="slug", kind=ColumnKind.INTEGER), 2, 1)
    maker = BegunTextMaker(column, "", start, counter, "-", "", 0, bare=True)
    titles = pa.table({"title": ["A b", "a-b", None, "a b 2", "Longertext", "longertex", None]})
    made = maker.join(start.compose(titles), 1).to_pylist()
    assert made == ["a-b", "a-b-2", "", "a-b-2-2", "longert", "longe-2", "-2"]
