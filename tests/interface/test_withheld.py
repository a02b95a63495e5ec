"""Columns of whose real values privacy lets none out are told: scores can leave them out."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd

from synthohive import Metadata, Synthesizer


def test_columns_of_made_up_values_are_listed_with_what_follows_from_them(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    letters = np.array(list("abcdefghij klm"))
    mottos = ["".join(rng.choice(letters, 12)) for _ in range(300)]
    clubs = pd.DataFrame({"id": range(300), "motto": mottos, "grade": rng.choice(["a", "b"], 300)})
    clubs["email"] = [f"p{i}@mail.com" for i in range(300)]
    clubs["loud"] = clubs["motto"].str.upper()
    games = pd.DataFrame({"id": range(600), "club_id": np.arange(600) % 300})
    games["motto"] = clubs["motto"].to_numpy()[games["club_id"]]
    metadata = Metadata().add_table("clubs", "id")
    metadata.add_table("games", "id", fk={"club_id": "clubs.id"})
    synth = Synthesizer(metadata)
    synth.fit({"clubs": clubs, "games": games}, epochs=1, seed=1, progress=False)
    made = {"email": 1.0, "motto": 1.0, "loud": 1.0}
    assert synth.withheld == {"clubs": made, "games": {"motto": 1.0}}
    assert Synthesizer.load(synth.save(tmp_path / "saved")).withheld == synth.withheld
