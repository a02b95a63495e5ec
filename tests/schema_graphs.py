"""Random schemas with rows that obey them: what a database may look like, as a strategy.

Structure is drawn by Hypothesis, so that a failure shrinks to few tables and keys; rows come
from a generator that is seeded by one drawn number.
"""

from __future__ import annotations

import random
import sqlite3
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from itertools import combinations
from pathlib import Path
from typing import Any, Optional

from hypothesis import strategies as st

Row = dict[str, Any]
TRIES = 12
LABELS = ("new", "open", "paid", "void")


def _text(rng: random.Random, n: int) -> Any:
    return f"{rng.choice('abcdefgh')}{n}"


KINDS: dict[str, tuple[str, Callable[[random.Random, int], Any]]] = {
    "int": ("INTEGER", lambda rng, n: n + 1),
    "gaps": ("INTEGER", lambda rng, n: n * 7 + rng.randrange(7)),
    "bool": ("BOOLEAN", lambda rng, n: rng.randrange(2)),
    "decimal": ("DECIMAL(10, 2)", lambda rng, n: n * 1.25),
    "text": ("TEXT", _text),
    "code": ("VARCHAR(8)", lambda rng, n: f"C{n:04d}"),
    "date": ("DATE", lambda rng, n: str(date(2020, 1, 1) + timedelta(days=n))),
    "timestamp": (
        "TIMESTAMP",
        lambda rng, n: str(datetime(2020, 1, 1) + timedelta(hours=n, seconds=rng.randrange(3600))),
    ),
    "uuid": ("CHAR(36)", lambda rng, n: str(uuid.UUID(int=rng.getrandbits(128), version=4))),
    "enum": ("VARCHAR(8)", lambda rng, n: rng.choice(LABELS)),
    "real": ("REAL", lambda rng, n: rng.random()),
    "small": ("INTEGER", lambda rng, n: rng.randrange(5)),
}
KEYS = ["int", "int", "gaps", "text", "code", "uuid", "date", "decimal"]
UNIQUES = ["bool", "int", "decimal", "text", "date", "timestamp", "uuid", "enum"]
ATTRIBUTES = ["real", "small", "text", "bool", "date", "enum", "decimal"]


@dataclass
class Table:
    """One table as DDL sees it."""

    name: str
    columns: dict[str, str] = field(default_factory=dict)  # name -> kind
    nullable: set[str] = field(default_factory=set)
    pk: list[str] = field(default_factory=list)
    uniques: list[list[str]] = field(default_factory=list)
    keys: list[tuple[list[str], str, list[str]]] = field(default_factory=list)
    checks: list[str] = field(default_factory=list)
    rows: list[Row] = field(default_factory=list)

    @property
    def foreign(self) -> set[str]:
        return {c for columns, _, _ in self.keys for c in columns}

    @property
    def listed(self) -> set[str]:
        """Columns that hold few different values only."""
        return {c for c, kind in self.columns.items() if kind in ("bool", "enum")}

    @property
    def unique_sets(self) -> list[list[str]]:
        return [u for u in (self.pk, *self.uniques) if u]

    def ddl(self) -> str:
        parts = [
            f"{c} {KINDS[kind][0]}{'' if c in self.nullable else ' NOT NULL'}"
            for c, kind in self.columns.items()
        ]
        if self.pk:
            parts.append(f"PRIMARY KEY ({', '.join(self.pk)})")
        parts += [f"UNIQUE ({', '.join(u)})" for u in self.uniques]
        parts += [
            f"FOREIGN KEY ({', '.join(c)}) REFERENCES {parent} ({', '.join(p)})"
            for c, parent, p in self.keys
        ]
        parts += [f"CHECK ({c})" for c in self.checks]
        return f"CREATE TABLE {self.name} ({', '.join(parts)})"


@dataclass
class Graph:
    """A database: its tables, parents first but for keys that close a circle."""

    tables: list[Table]
    late: list[tuple[str, int]]  # keys to tables that come later: table, number of its key

    def __repr__(self) -> str:
        lines = [f"{t.ddl()}  -- {len(t.rows)} rows" for t in self.tables]
        return "\n".join(["", *lines])

    def write(self, path: Path) -> None:
        """Create the database; its rows are proved to obey all constraints."""
        path.unlink(missing_ok=True)
        connection = sqlite3.connect(path)
        try:
            for table in self.tables:
                connection.execute(table.ddl())
                marks = ", ".join("?" * len(table.columns))
                rows = [tuple(row[c] for c in table.columns) for row in table.rows]
                connection.executemany(f"INSERT INTO {table.name} VALUES ({marks})", rows)
            connection.commit()
            assert not connection.execute("PRAGMA foreign_key_check").fetchall()
        finally:
            connection.close()


@st.composite
def schema_graphs(draw: st.DrawFn) -> Graph:
    """Draw a schema of one to five tables, and rows for it."""
    tables: list[Table] = []
    for number in range(draw(st.integers(1, 5))):
        tables.append(_table(draw, f"t{number}", tables))
    late = _circles(draw, tables)
    graph = Graph(tables, late)
    rng = random.Random(draw(st.integers(0, 2**32)))
    sizes = st.sampled_from([0, 1, 1, 2, 3, 8, 20, 20, 40, 40, 60])
    for table in tables:
        _fill(table, {t.name: t for t in tables}, draw(sizes), rng, late)
    _close(graph, rng)
    return graph


def _table(draw: st.DrawFn, name: str, before: list[Table]) -> Table:
    table = Table(name)
    for number in range(draw(st.integers(0, min(3, len(before))))):
        _add_key(draw, table, before, f"f{number}")
    _primary_key(draw, table)
    if draw(st.booleans()):
        _self_key(draw, table)
    for number in range(draw(st.integers(0, 2))):
        _unique(draw, table, f"u{number}")
    for number in range(draw(st.integers(0, 2))):
        _column(draw, table, f"v{number}", draw(st.sampled_from(ATTRIBUTES)))
    if not table.columns:
        _column(draw, table, "v0", "small")
    if draw(st.integers(0, 5)) == 0 and table.foreign and not set(table.foreign) <= set(table.pk):
        columns = sorted(table.foreign - set(table.pk))  # one to none or one
        table.uniques.append([draw(st.sampled_from(columns))])
    return table


def _column(
    draw: st.DrawFn, table: Table, name: str, kind: str, nullable: Optional[bool] = None
) -> str:
    table.columns[name] = kind
    if draw(st.booleans()) if nullable is None else nullable:
        table.nullable.add(name)
    if kind == "enum":
        table.checks.append(f"{name} IN ({', '.join(map(repr, LABELS))})")
    return name


def _add_key(draw: st.DrawFn, table: Table, before: list[Table], prefix: str) -> None:
    """Refer to any unique set of any table before; columns of an equal kind may be shared."""
    parent = draw(st.sampled_from(before))
    target = draw(st.sampled_from(parent.unique_sets or [[]]))
    if not target:
        return
    columns: list[str] = []
    for number, column in enumerate(target):
        kind = parent.columns[column]
        shared = [c for c in table.foreign if table.columns[c] == kind and c not in columns]
        if len(target) > 1 and shared and draw(st.booleans()):
            columns.append(draw(st.sampled_from(sorted(shared))))
        else:
            name = f"{prefix}_{number}"
            table.columns[name] = kind
            if draw(st.booleans()):
                table.nullable.add(name)
            columns.append(name)
    table.keys.append((columns, parent.name, list(target)))


def _primary_key(draw: st.DrawFn, table: Table) -> None:
    """A number, a code, a weak entity's, many to many, one to one, two free columns, or none."""
    form = draw(st.sampled_from(["own", "own", "own", "weak", "foreign", "pair", "none"]))
    foreign = sorted(table.foreign)
    if form in ("weak", "foreign") and foreign:
        first = draw(st.sampled_from(table.keys))[0]
        part = list(dict.fromkeys(first))
        if form == "foreign" and len(table.keys) > 1 and draw(st.booleans()):
            part = foreign
        table.pk = part
        table.nullable -= set(part)
        if form == "weak":
            kind = draw(st.sampled_from(["int", "small", "date", "text", "bool"]))
            table.pk = [*part, _column(draw, table, "line", kind, False)]
    elif form == "pair":
        kinds = [draw(st.sampled_from(["small", "int", "text", "bool", "date"])) for _ in "ab"]
        table.pk = [_column(draw, table, f"p{i}", k, False) for i, k in enumerate(kinds)]
    elif form != "none":
        table.pk = [_column(draw, table, "id", draw(st.sampled_from(KEYS)), False)]


def _self_key(draw: st.DrawFn, table: Table) -> None:
    """Refer to a row of the table itself, perhaps one of the same parent."""
    if not table.unique_sets:
        return
    target = table.pk
    shared = [c for c in target if c in table.foreign] if draw(st.booleans()) else []
    columns = []
    for number, column in enumerate(target):
        if column in shared and len(shared) < len(target):
            columns.append(column)
            continue
        name = f"s_{number}"
        table.columns[name] = table.columns[column]
        if draw(st.booleans()):
            table.nullable.add(name)
        columns.append(name)
    table.keys.append((columns, table.name, list(target)))


def _unique(draw: st.DrawFn, table: Table, name: str) -> None:
    """A unique column of any type, alone or together with a key or another column."""
    column = _column(draw, table, name, draw(st.sampled_from(UNIQUES)))
    others = sorted(c for c in table.columns if c != column)
    if others and draw(st.booleans()):
        table.uniques.append([draw(st.sampled_from(others)), column])
    else:
        table.uniques.append([column])


def _circles(draw: st.DrawFn, tables: list[Table]) -> list[tuple[str, int]]:
    """Let a table refer to one that comes later."""
    late = []
    if len(tables) > 1 and draw(st.integers(0, 2)) == 0:
        first = draw(st.integers(0, len(tables) - 2))
        child = tables[first]
        parent = draw(st.sampled_from(tables[first + 1 :]))
        if parent.pk:
            columns = []
            for number, column in enumerate(parent.pk):
                name = f"c_{number}"
                child.columns[name] = parent.columns[column]
                if draw(st.booleans()):
                    child.nullable.add(name)
                columns.append(name)
            late.append((child.name, len(child.keys)))
            child.keys.append((columns, parent.name, list(parent.pk)))
    return late


def _fill(
    table: Table,
    tables: dict[str, Table],
    count: int,
    rng: random.Random,
    late: list[tuple[str, int]],
) -> None:
    seen: list[set[tuple[Any, ...]]] = [set() for _ in table.unique_sets]
    for number in range(count):
        for _ in range(TRIES):
            row = _row(table, tables, number, rng, late)
            if row is None:
                continue
            keys = [tuple(row[c] for c in u) for u in table.unique_sets]
            if any(k in s for k, s in zip(keys, seen) if None not in k):
                continue
            for k, s in zip(keys, seen):
                s.add(k)
            table.rows.append(row)
            break


def _row(
    table: Table,
    tables: dict[str, Table],
    number: int,
    rng: random.Random,
    late: list[tuple[str, int]],
) -> Optional[Row]:
    row: Row = {}
    own = [i for i, (_, parent, _) in enumerate(table.keys) if parent == table.name]
    later = [number for name, number in late if name == table.name]
    for i, key in enumerate(table.keys):
        if (
            i not in own
            and i not in later
            and not _choose(table, row, key, tables[key[1]].rows, rng)
        ):
            return None
    for name, kind in table.columns.items():
        if name in row or name in {c for i in (*own, *later) for c in table.keys[i][0]}:
            continue
        empty = name in table.nullable and rng.random() < 0.3
        row[name] = None if empty else KINDS[kind][1](rng, number)
    for i in own:
        key = table.keys[i]
        if table.rows and rng.random() < 0.8 and _choose(table, row, key, table.rows, rng):
            continue
        for column, target in zip(key[0], key[2]):
            if column not in row:
                row[column] = None if column in table.nullable else row[target]
        complete = all(row[c] is not None for c in key[0])
        if complete and any(row[c] != row[t] for c, t in zip(key[0], key[2])):
            return None
    for i in later:  # known when the other table is there
        row.update({c: "?" for c in table.keys[i][0] if c not in row})
    return row


def _choose(
    table: Table,
    row: Row,
    key: tuple[list[str], str, list[str]],
    parents: list[Row],
    rng: random.Random,
) -> bool:
    """Fill the columns of a key that are still open; False where nothing fits."""
    columns, _, target = key
    pairs = list(zip(columns, target))
    open_columns = [c for c in columns if c not in row]
    droppable = [c for c in open_columns if c in table.nullable]
    fits = [
        p
        for p in parents
        if all(p[t] is not None for t in target)
        and all(c not in row or row[c] == p[t] for c, t in pairs)
    ]
    empty = any(c in row and row[c] is None for c in columns)
    if not empty and fits and not (droppable and rng.random() < 0.3):
        chosen = rng.choice(fits)
        row.update({c: chosen[t] for c, t in pairs if c not in row})
        return True
    if not empty and not droppable:
        return False
    some = rng.choice(fits or parents) if (fits or parents) else None
    for column, t in pairs:
        if column not in row:
            row[column] = None if column in table.nullable or some is None else some[t]
    return all(row[c] is not None or c in table.nullable for c in open_columns)


def _close(graph: Graph, rng: random.Random) -> None:
    """Choose over the keys that close circles; then take out what does not hold, to the end."""
    tables = {t.name: t for t in graph.tables}
    for name, number in graph.late:
        table, key = tables[name], tables[name].keys[number]
        for row in table.rows:
            for column in key[0]:
                if row[column] == "?":
                    del row[column]
            if not _choose(table, row, key, tables[key[1]].rows, rng):
                row.update({c: None for c in key[0] if c not in row})
    changed = True
    while changed:
        changed = False
        for table in graph.tables:
            kept = [row for row in table.rows if _holds(table, row, tables)]
            changed = changed or len(kept) < len(table.rows)
            table.rows[:] = kept
    for table in graph.tables:
        for unique in table.unique_sets:
            seen: set[tuple[Any, ...]] = set()
            for row in table.rows:
                values = tuple(row[c] for c in unique)
                assert None in values or values not in seen, (table.name, unique)
                seen.add(values)


def _holds(table: Table, row: Row, tables: dict[str, Table]) -> bool:
    if any(row[c] is None and c not in table.nullable for c in table.columns):
        return False
    for columns, parent, target in table.keys:
        values = [row[c] for c in columns]
        if None in values:
            continue
        if not any([p[t] for t in target] == values for p in tables[parent].rows):
            return False
    return True


def kinds(graph: Graph) -> set[str]:
    """Return what there is to a schema that may go wrong, and what meets within a table.

    A case that asks for two things of one table is a pair of them, joined by " & ".
    """
    late = set(graph.late)
    found: set[str] = set()
    for table in graph.tables:
        own = _kinds_of(table, {n for name, n in late if name == table.name})
        found |= own | {f"{a} & {b}" for a, b in combinations(sorted(own), 2)}
    return found


def _kinds_of(table: Table, late: set[int]) -> set[str]:
    rows = len(table.rows)
    size = "none" if not rows else "one" if rows == 1 else "few" if rows < 9 else "many"
    found = {f"{size} rows"}
    inside, foreign = set(table.pk) & table.foreign, set(table.pk) <= table.foreign
    form = "a key" if inside and foreign else "weak" if inside else "pair"
    form = form if len(table.pk) != 1 or inside else table.columns[table.pk[0]]
    found.add(f"primary key: {form if table.pk else 'none'}")
    for number, (columns, parent, target) in enumerate(table.keys):
        whose = "own" if parent == table.name else "late" if number in late else "other"
        empty = len(set(columns) & table.nullable)
        null = "NULL" if empty == len(columns) else "partly NULL" if empty else "NOT NULL"
        others = [set(c) for n, (c, _, _) in enumerate(table.keys) if n != number]
        shared = any(set(columns) & other for other in others)
        found.add(f"{whose} key, {'composite' if len(target) > 1 else 'single'}, {null}")
        found |= {f"{whose} key that shares a column"} if shared else set()
        found |= (
            {f"{whose} key that is unique"}
            if sorted(columns) in map(sorted, table.unique_sets)
            else set()
        )
    for unique in table.uniques:
        for column in unique:
            null = " or NULL" if column in table.nullable else ""
            part = "a key's column" if column in table.foreign else table.columns[column]
            found.add(f"unique {part}{null}{' in a pair' if len(unique) > 1 else ''}")
    return found
