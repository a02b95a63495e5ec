"""Made-up values per second on one core, by kind and strategy."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator

import numpy as np
import pyarrow as pa

from synthohive.privacy.fake import FakeColumn, Strategy
from synthohive.schema import Column, ColumnKind
from synthohive.texts.check_digits import scheme

__all__ = ["speeds"]

STRATEGIES: tuple[Strategy, ...] = ("fake", "format-preserving", "hash", "mask", "drop")
BLOCK = 65_536
REAL = 5_000


def speeds(blocks: int = 4) -> Iterator[tuple[str, str, float]]:
    """Yield kind, strategy and values per second, of columns that repeat and of unique ones.

    Parameters
    ----------
    blocks : int
        Of 65,536 rows each, as runs make them; building what all of them share is not counted.
    """
    for kind, texts in _columns():
        for strategy in STRATEGIES:
            for unique in (False, True):
                if unique and (strategy == "drop" or kind in ("first_name", "last_name", "city")):
                    continue
                column = Column(name="c", kind=ColumnKind.TEXT)
                fake = FakeColumn.fit(kind, column, texts, strategy=strategy, unique=unique)
                label = f"{kind}, unique" if unique else kind
                yield label, strategy, _speed(fake, blocks)


def _speed(fake: FakeColumn, blocks: int) -> float:
    fake.make(np.arange(100), 1)
    started = time.perf_counter()
    for block in range(blocks):
        fake.make(np.arange(block * BLOCK, (block + 1) * BLOCK), 1)
    return blocks * BLOCK / (time.perf_counter() - started)


def _columns() -> Iterator[tuple[str, pa.Array]]:
    from faker import Faker

    source, rng = Faker("en_US"), np.random.default_rng(1)
    source.seed_instance(1)
    luhn, iban = scheme("luhn"), scheme("iban")
    assert luhn is not None
    assert iban is not None
    digits = rng.integers(10**9, size=REAL)
    made = {
        "name": source.name,
        "first_name": source.first_name,
        "last_name": source.last_name,
        "email": source.email,
        "user_name": source.user_name,
        "company": source.company,
        "address": lambda: source.address().replace("\n", ", "),
        "city": source.city,
        "phone": lambda: f"+1 555 {source.numerify('#######')}",
        "text": source.sentence,
        "ip": source.ipv4,
        "url": source.url,
        "ssn": source.ssn,
        "json": lambda: json.dumps(
            {"name": source.name(), "tags": [source.word(), "b"], "age": source.random_int()}
        ),
    }
    for kind, make in made.items():
        yield kind, pa.array([make() for _ in range(REAL)], pa.string())
    yield "credit_card", pa.array([luhn.completed(f"4{n:014d}0") for n in digits])
    yield "iban", pa.array([iban.completed(f"DE00{n:018d}") for n in digits])
    aadhaar = scheme("verhoeff")
    assert aadhaar is not None
    yield "national_id", pa.array([aadhaar.completed(f"2{n:010d}0") for n in digits])
