"""A small database of awkward shapes, and a synthesizer fitted to it once."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import numpy as np
import pytest

from synthohive import Synthesizer

DDL = """
CREATE TABLE country (code CHAR(2) PRIMARY KEY, name TEXT NOT NULL);
CREATE TABLE customer (
    id INTEGER PRIMARY KEY, email TEXT NOT NULL UNIQUE, country CHAR(2) NOT NULL REFERENCES country,
    segment TEXT NOT NULL, age INTEGER CHECK (age >= 18), referrer INTEGER REFERENCES customer
);
CREATE TABLE agent (id INTEGER PRIMARY KEY, region TEXT NOT NULL);
CREATE TABLE purchase (
    id INTEGER PRIMARY KEY, customer INTEGER NOT NULL REFERENCES customer,
    agent INTEGER REFERENCES agent, amount DECIMAL(10, 2) NOT NULL, bought DATE NOT NULL,
    note TEXT
);
CREATE TABLE line (
    purchase INTEGER NOT NULL REFERENCES purchase, number INTEGER NOT NULL,
    quantity INTEGER NOT NULL CHECK (quantity > 0), PRIMARY KEY (purchase, number)
);
CREATE TABLE tag (id INTEGER PRIMARY KEY, label TEXT NOT NULL);
CREATE TABLE purchase_tag (
    purchase INTEGER NOT NULL REFERENCES purchase, tag INTEGER NOT NULL REFERENCES tag,
    PRIMARY KEY (purchase, tag)
);
CREATE TABLE unused (id INTEGER PRIMARY KEY, remark TEXT);
"""


def build(path: Path, customers: int = 400) -> None:
    """Create and fill the database."""
    rng = np.random.default_rng(3)
    with sqlite3.connect(path) as db:
        db.executescript(DDL)
        countries = ["DE", "FR", "IT", "US"]
        db.executemany("INSERT INTO country VALUES (?, ?)", [(c, f"Land {c}") for c in countries])
        segments = rng.choice(["new", "loyal", "lost"], customers, p=[0.5, 0.3, 0.2])
        db.executemany(
            "INSERT INTO customer VALUES (?, ?, ?, ?, ?, ?)",
            [
                (
                    i,
                    f"person{i}@mail{i % 7}.example",
                    str(rng.choice(countries)),
                    str(s),
                    int(rng.integers(18, 80)) if rng.random() > 0.1 else None,
                    int(rng.integers(1, i)) if i > 40 and rng.random() < 0.4 else None,
                )
                for i, s in enumerate(segments, 1)
            ],
        )
        db.executemany("INSERT INTO agent VALUES (?, ?)", [(i, "NS"[i % 2]) for i in range(1, 31)])
        db.executemany("INSERT INTO tag VALUES (?, ?)", [(i, f"tag {i}") for i in range(1, 13)])
        purchase = 0
        for customer, segment in enumerate(segments, 1):
            for _ in range(int(rng.poisson({"new": 1, "loyal": 4, "lost": 0.5}[str(segment)]))):
                purchase += 1
                agent = int(rng.integers(1, 26)) if rng.random() < 0.7 else None
                day = f"2024-{rng.integers(1, 13):02d}-{rng.integers(1, 29):02d}"
                note = None if rng.random() < 0.5 else f"ref {rng.integers(1e6):06d}"
                db.execute(
                    "INSERT INTO purchase VALUES (?, ?, ?, ?, ?, ?)",
                    (purchase, customer, agent, float(np.round(rng.gamma(2, 30), 2)), day, note),
                )
                for number in range(1, int(rng.integers(1, 5))):
                    db.execute(
                        "INSERT INTO line VALUES (?, ?, ?)",
                        (purchase, number, int(rng.integers(1, 10))),
                    )
                for tag in rng.choice(12, int(rng.integers(0, 4)), replace=False):
                    db.execute("INSERT INTO purchase_tag VALUES (?, ?)", (purchase, int(tag) + 1))


@pytest.fixture(scope="session")
def shop_path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give the path of the source database."""
    path = tmp_path_factory.mktemp("source") / "shop.db"
    build(path)
    return path


@pytest.fixture(scope="session")
def fitted(shop_path: Path) -> Synthesizer:
    """Give a synthesizer fitted to the source."""
    synthesizer = Synthesizer.from_database(f"sqlite:///{shop_path}")
    return synthesizer.fit(epochs=2, seed=42, progress=False)
