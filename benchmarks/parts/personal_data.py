"""How well personal data is found, and whether a checkpoint tells who was in the data."""

from __future__ import annotations

import string
import tempfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa

from synthohive import Metadata, PrivacyConfig, Synthesizer, TableConfig
from synthohive.privacy.detect import detect_pii
from synthohive.privacy.names import slug
from synthohive.privacy.pools import pools
from tests.privacy.labelled import HELD_OUT, TUNED, labelled

__all__ = ["detection", "membership"]

MEMBERS = 2000


def detection() -> Iterator[tuple[str, dict[str, float]]]:
    """Yield F1, precision and recall over the labelled columns of both halves of locales."""
    columns = {locale: list(labelled(locale)) for locale in (*TUNED, *HELD_OUT)}
    for part, locales in (("tuned", TUNED), ("held out", HELD_OUT)):
        for style in ("english", "local", "opaque"):
            hits = [
                (c.personal, bool(_found(c.names[style], c.values)))
                for locale in locales
                for c in columns[locale]
            ]
            right = sum(personal and found for personal, found in hits)
            precision = right / max(sum(found for _, found in hits), 1)
            recall = right / sum(personal for personal, _ in hits)
            f1 = 2 * precision * recall / max(precision + recall, 1e-9)
            yield f"{part}, {style} names", {"F1": f1, "precision": precision, "recall": recall}


def _found(name: str, values: pa.Array) -> list[object]:
    return list(detect_pii(TableConfig(name="t"), pa.table({name: values}), PrivacyConfig()))


def membership(epochs: int) -> Iterator[tuple[str, dict[str, float]]]:
    """Yield, for eight columns, how many members and others a loaded checkpoint hits on.

    An attacker holds the checkpoint, samples from it, and asks for each candidate whether
    it was made. ``per row`` is how often a made-up value is a real one, by chance.
    """
    inside, outside = _persons(1), _persons(2)
    metadata = Metadata().add_table("people", "id")
    synth = Synthesizer(metadata, model="autoregressive")
    synth.fit({"people": inside}, epochs=epochs, seed=1, progress=False)
    with tempfile.TemporaryDirectory() as folder:
        synth.save(Path(folder) / "checkpoint")
        loaded = Synthesizer.load(Path(folder) / "checkpoint")
        made = loaded.sample(scale=20.0, seed=2)["people"]
    for column in inside.columns.drop("id"):
        real, other = set(inside[column]), set(outside[column])
        seen = set(made[column])
        only, never = real - other, other - real
        yield (
            column,
            {
                "members": len(only & seen) / len(only),
                "others": len(never & seen) / len(never),
                "per row": float(made[column].isin(real).mean()),
            },
        )


def _persons(seed: int) -> pd.DataFrame:
    """Return persons who are in the data, or (another seed) who are not."""
    rng, names = np.random.default_rng(seed), pools("en_US")
    first = [str(name) for name in rng.choice(names.first, MEMBERS)]
    last = [str(name) for name in rng.choice(names.last, MEMBERS)]

    def digits(count: int) -> list[str]:
        return [f"{n:0{count}d}" for n in rng.integers(0, 10**count, MEMBERS)]

    streets = rng.choice(names.streets, MEMBERS)
    letters = rng.choice(list(string.ascii_uppercase), MEMBERS)
    return pd.DataFrame(
        {
            "id": range(1, MEMBERS + 1),
            "full_name": [" ".join(pair) for pair in zip(first, last)],
            "email": [f"{slug(a)}.{slug(b)}@mail.com" for a, b in zip(first, last)],
            "login": [f"{slug(a)}_{slug(b)}" for a, b in zip(first, last)],
            "phone": [f"+49 151 {number}" for number in digits(7)],
            "ssn": [f"{a}-{b}-{c}" for a, b, c in zip(digits(3), digits(2), digits(4))],
            "passport_no": [f"C{number}" for number in digits(8)],
            "address": [f"{n} {street}" for n, street in zip(digits(3), streets)],
            "reference": [f"{letter}-{number}" for letter, number in zip(letters, digits(5))],
        }
    )
