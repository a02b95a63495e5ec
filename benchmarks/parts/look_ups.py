"""Which look-up tables are kept as they are, and what repeats a made-up person."""

from __future__ import annotations

import warnings
from collections.abc import Iterator

import numpy as np
import pandas as pd
import pyarrow as pa

from synthohive import Metadata, Synthesizer, TableConfig
from synthohive.privacy.look_ups import judge_look_up
from tests.interface.northwind import described, held, northwind
from tests.privacy.look_up_tables import HARMLESS, person_columns

ROWS = 12
LOCALES = ("en_US", "pl_PL", "ja_JP")
CUSTOMERS = 300
NAMES = (("staff", "name"), ("t3", "f3"), ("order_status", "status"))


def kept_tables() -> dict[str, int]:
    """Count the labelled tables that are kept: of things all are right, of persons none."""
    persons = list(person_columns(ROWS))
    return {
        "tables of things": len(HARMLESS),
        "of these kept": sum(_is_kept(name, "name", texts) for name, texts in HARMLESS.items()),
        "tables of persons": len(persons) * len(NAMES),
        "of these kept by mistake": sum(
            _is_kept(table, column, values) for table, column in NAMES for _, _, values in persons
        ),
    }


def _is_kept(table: str, column: str, values: list[object]) -> bool:
    rows = pa.table({"id": range(1, len(values) + 1), column: values})
    used = np.full(len(values), CUSTOMERS // ROWS)
    return bool(judge_look_up(TableConfig(name=table, pk=["id"]), rows, used, {}, 5).kept)


def salespersons() -> Iterator[tuple[str, int]]:
    """Fit and sample twelve of a kind, each used by 25 customers; count those that come out."""
    warnings.filterwarnings("ignore")
    rng = np.random.default_rng(1)
    customers = pd.DataFrame({"id": range(CUSTOMERS), "rep_id": np.arange(CUSTOMERS) % ROWS})
    customers["segment"] = rng.choice(["A", "B"], CUSTOMERS)
    metadata = Metadata().add_table("t3", "id")
    metadata.add_table("customers", "id", fk={"rep_id": "t3.id"})
    for locale, kind, values in person_columns(ROWS):
        if locale in LOCALES:
            real = pd.DataFrame({"id": range(ROWS), "f3": values})
            synth = Synthesizer(metadata)
            data = {"t3": real, "customers": customers}
            made = synth.fit(data, epochs=1, seed=1, progress=False).sample(seed=1)["t3"]
            yield f"{locale} {kind}", int(made["f3"].isin(real["f3"]).sum())


def aliases(epochs: int) -> dict[str, tuple[float, float]]:
    """Return in which share of real and of made rows each copy of a personal column holds."""
    synth = Synthesizer(described()).fit(northwind(), epochs=epochs, seed=1, progress=False)
    made = held(synth.sample(seed=5))
    return {name: (float(share), float(made[name])) for name, share in held(northwind()).items()}
