"""What every engine must answer of all rows: as a look at all of them says, without their coming.

An engine inherits :class:`QuestionsContract` and gives a warehouse over :func:`statements`.
"""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from functools import lru_cache
from pathlib import Path
from typing import Any, Optional

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import sqlalchemy as sa

from synthohive.connectors.registry import spelling
from synthohive.connectors.sql import SqlWarehouse
from synthohive.ddl.spelling import Spelling
from synthohive.derive import mostly, verification
from synthohive.derive.aggregates.totals import Amount, Function, Totals
from synthohive.derive.base import Derivation
from synthohive.derive.calendar import CalendarPart
from synthohive.derive.clock import ClockTime
from synthohive.derive.composed import Composed, Part, mark
from synthohive.derive.formula import Factor, Formula, Term
from synthohive.derive.lookup import Copy, Lookup
from synthohive.derive.mostly import Mostly
from synthohive.derive.order import Order
from synthohive.derive.periods import Periods, never_overlap
from synthohive.derive.presence import Presence
from synthohive.derive.program import Program
from synthohive.derive.verification import AllRows
from synthohive.io.questions import ColumnFacts, Joined, Questions, Summed, Sums
from synthohive.schema import Column, ColumnKind, ForeignKey, Metadata
from synthohive.schema.plan import RelationalPlan
from synthohive.tables.ancestors import WithParents
from synthohive.tables.joins import match_rows
from synthohive.tables.numbers import as_numbers
from synthohive.tables.roles import exception_column, rest_column
from synthohive.tables.source import SourceTables
from tests.evidence import feature

ROWS, GROUPS = 120, 12
UP = "Größe"
"""The table of parents; its name is to be quoted."""
SIGNS = " 5% 5%% %s \\ ' :x ø"
"""What a driver, or the engine, may take for something else in a text."""


_PARENTS = {UP: ("a", "b"), "item": ("id",)}
TABLES: dict[str, tuple[str, tuple[str, ...], tuple[tuple[tuple[str, ...], str], ...]]] = {
    UP: ("a integer, b text, since date, name ci, rate decimal(9,3)", ("a", "b"), ()),
    "item": (
        "id integer, a integer, b text, no%te ci, same ci, other ci, big bigint, big_too bigint, "
        "qty integer, price decimal(18,4), amount decimal(18,2), off decimal(18,2), "
        "ratio decimal(12,3), day date, due date, late date, name ci, upper_name ci, label text, "
        "state text, gone date, kind text, kind_too text, rate decimal(9,3), boss integer, "
        "month integer, weekday integer",
        ("id",),
        ((("boss",), "item"), (("a", "b"), UP)),
    ),
    "visit": (
        "n integer, a integer, b text, turn integer, odd integer, item integer",
        (),
        ((("item",), "item"), (("a", "b"), UP)),
    ),
    "edge": ("id integer, g integer, n integer, x float, y float, z float", ("id",), ()),
    "post": (
        "id integer, a integer, b text, since date, until date, late date",
        ("id",),
        ((("a", "b"), UP),),
    ),
    "vacant": ("id integer, x integer, y integer", ("id",), ()),
}
"""Columns, the primary key, and the keys of each table with where they lead."""


def _create(how: Spelling, table: str, ci: str, at: str) -> Iterator[str]:
    """Yield the statements that make a table; all names are quoted, as engines fold them."""
    columns, pk, keys = TABLES[table]

    def type_of(kind: ColumnKind, **more: Any) -> str:
        column = Column(name="c", kind=kind, **more)
        type_ = how.type_of(column, in_key=False, sole_key=False)
        return "double precision" if isinstance(type_, sa.Double) else str(type_.compile())

    def listed(names: Sequence[str]) -> str:
        return ", ".join(map(how.quote, names))

    text = type_of(ColumnKind.TEXT, length=90)
    types = {"text": text, "ci": f"{text} {ci}", "float": type_of(ColumnKind.FLOAT)}
    parts = []
    for column in columns.split(", "):
        name, type_ = column.split(" ")
        must = " NOT NULL" if name in pk else ""
        parts.append(f"{how.quote(name)} {types.get(type_, type_)}{must}")
    if pk:
        parts.append(f"PRIMARY KEY ({listed(pk)}){how.unenforced}")
    place, late = f"{at}{how.quote(table)}", "foreign key" in how.late
    references = [
        f"FOREIGN KEY ({listed(own)}) REFERENCES {at}{how.quote(parent)} "
        f"({listed(_PARENTS[parent])}){how.unenforced}"
        for own, parent in keys
    ]
    yield f"CREATE TABLE {place} ({', '.join(parts if late else [*parts, *references])})"
    if late:
        yield from (f"ALTER TABLE {place} ADD {key}" for key in references)


def statements(how: Spelling, ci: str = "", at: str = "") -> Iterator[str]:
    """Yield the statements that make the tables.

    What is in `ci` makes a text compare without case; `at` stands before tables' names.
    """
    for table in TABLES:
        yield from _create(how, table, ci, at)

    def insert(table: str, rows: Iterable[str]) -> str:
        return f"INSERT INTO {at}{how.quote(table)} VALUES {', '.join(rows)}"

    yield insert("edge", ("(1, 1, -2147483648, 1e-300, 1e300, 0)", "(2, 1, 2147483647, 3, 2, 1.5)"))
    parents = (
        f"({g}, 'k{g}', '2020-01-{g + 1:02}', {how.literal(_name(g))}, {g}.125)"
        for g in range(GROUPS)
    )
    yield insert(UP, parents)
    steps = (0, 1, 2, 4, 16, 64, ROWS)  # each after the rows that it refers to
    for start, end in zip(steps, steps[1:]):
        yield insert("item", (_item(how, i) for i in range(start, end)))
    visits = (
        f"({i}, {i % 5}, 'k{i % 5}', {3 + 2 * (i // 5)}, {3 + 2 * (i // 5) - (i == 44)}, "
        f"{i % 5 + GROUPS * (i // 5)})"
        for i in range(45)
    )
    yield insert("visit", visits)
    posts = []
    for i in range(36):
        g, n = i % GROUPS, i // GROUPS
        until = "'9999-12-31'" if n == 2 and g % 2 else "NULL" if n == 2 else f"'202{n}-12-31'"
        late = f"'202{n + 1}-01-02'" if i == 7 else until
        posts.append(f"({i}, {g}, 'k{g}', '202{n}-01-01', {until}, {late})")
    posts.append("(99, NULL, NULL, NULL, NULL, NULL)")
    yield insert("post", posts)


def as_parquet(folder: Path) -> tuple[dict[str, Path], Metadata]:
    """Return folders of Parquet with the tables, and what these are."""
    import duckdb

    places, meta, made = {}, Metadata(), duckdb.connect()
    for sql in statements(spelling("duckdb")):
        made.execute(sql)
    for table, (_, pk, keys) in TABLES.items():
        places[table] = folder / table
        places[table].mkdir()
        pq.write_table(made.sql(f'FROM "{table}"').to_arrow_table(), places[table] / "0.parquet")
        meta.add_table(table, list(pk) or None)
        meta.tables[table].foreign_keys += [
            ForeignKey(columns=list(of), parent=to, parent_columns=list(TABLES[to][1]))
            for of, to in keys
        ]
    made.close()
    return places, meta


def _name(group: int) -> str:
    return f"Ünï{group}'\""


def _item(how: Spelling, i: int) -> str:
    """Return a row; the last ones break what is to be found broken."""
    g, last, huge = i % GROUPS, i == ROWS - 1, 9_007_199_254_740_993 + i
    linked = i % 7 != 3
    name = how.literal(_name(g)) if linked else "NULL"
    values: list[Any] = [i, *((g, f"'k{g}'") if linked else ("NULL", "NULL"))]
    note = "NULL" if i % 5 == 4 else f"'Straße {i % 9}'"
    other = note.upper().replace("SS", "ß") if i == 60 else note
    values += [note, note, other, huge, huge + last, i % 6 + 1]
    price, qty = 10_000 + 37 * i, i % 6 + 1
    exact = price * qty
    cents = (exact + 50) // 100
    values += [f"{price / 10_000:.4f}", f"{cents / 100:.2f}", f"{(cents + 2 * last) / 100:.2f}"]
    values += [f"{price / 10_000 / qty:.3f}"]
    day = f"'2021-{i % 12 + 1:02}-{i % 27 + 1:02}'"
    values += [day, f"'2022-01-{i % 27 + 1:02}'", "'2019-12-31'" if last else "'9999-12-31'"]
    values += [name, name.upper() if last else name, how.literal(f"{i}-{qty}{SIGNS}")]
    gone = i % 4 == 1
    values += ["'gone'" if gone else "'here'", day if gone else "NULL"]
    values += [f"'T{i % 8}'", f"'t{i % 8 if not last else 0}'"]
    values += [f"{g}.125" if linked else "NULL", i // 4 if i % 3 else "NULL"]
    values += [i % 12 + 1, dt.date(2021, i % 12 + 1, i % 27 + 1).isoweekday()]
    return f"({', '.join(map(str, values))})"


class Counted:
    """A reader that counts the rows it gives, and can be one that nobody asks."""

    def __init__(self, warehouse: SqlWarehouse, *, silent: bool = False) -> None:
        self.warehouse, self.silent, self.rows = warehouse, silent, 0

    def read(self, table: str, columns: Optional[Sequence[str]] = None) -> Iterator[Any]:
        for batch in self._batches(table, columns):
            self.rows += len(batch)
            yield batch

    def _batches(self, table: str, columns: Optional[Sequence[str]]) -> Iterable[Any]:
        if not self.silent:
            return self.warehouse.read(table, columns)
        whole = every(self.warehouse, table)
        names = [n for n in whole.column_names if columns is None or n in columns]
        return whole.select(names).to_batches()

    def questions(self) -> Optional[Questions]:
        return None if self.silent else self.warehouse.questions()


@lru_cache(maxsize=len(TABLES))
def every(warehouse: SqlWarehouse, table: str) -> pa.Table:
    """Return all rows of a table, which are read once."""
    return pa.Table.from_batches(list(warehouse.read(table)))


@lru_cache(maxsize=1)
def sampled(warehouse: SqlWarehouse) -> tuple[dict[str, pa.Table], dict[str, int], RelationalPlan]:
    """Return what a fit knows: four rows of each table at most, and how many there are."""
    counts = {name: warehouse.count(name) for name in warehouse.metadata.tables}
    few = {n: every(warehouse, n).slice(0, 4) for n in counts}
    plan = RelationalPlan.build(warehouse.metadata, counts)
    few["vacant"] = few["vacant"].slice(0, 0)
    return few, {**counts, "vacant": 1}, plan


def source(reader: Counted) -> tuple[SourceTables, RelationalPlan]:
    """Return the tables as a fit has them."""
    few, counts, plan = sampled(reader.warehouse)
    return SourceTables(reader, few, counts), plan  # type: ignore[arg-type]


def formula(target: str, terms: Sequence[Term], step: float) -> Formula:
    return Formula(target, tuple(terms), step)


class QuestionsContract:
    """Inherit, and give a fixture `warehouse` over the tables that :func:`statements` makes."""

    @pytest.fixture
    def warehouse(self) -> SqlWarehouse:
        """Give the warehouse under test."""
        raise NotImplementedError

    @pytest.fixture(autouse=True)
    def strict(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Let single rows refute a rule, so that it shows whether they were seen."""
        monkeypatch.setattr(mostly, "FEW_EXCEPTIONS", 0.0)

    def parent(self, warehouse: SqlWarehouse) -> ForeignKey:
        keys = warehouse.metadata.tables["item"].foreign_keys
        return next(key for key in keys if key.parent == UP)

    def rules(self) -> list[Derivation]:
        product = Term(1.0, (Factor("price"), Factor("qty")))
        entries = pa.table({"kind": ["T0"], "kind_too": ["t0"]})
        other = pa.table({"kind": ["T0"], "no%te": ["Straße 0"]})
        return [
            Copy("same", "no%te"),
            Copy("other", "no%te"),
            Copy("big_too", "big"),
            formula("amount", [product], 0.01),
            formula("off", [product], 0.01),
            formula("ratio", [Term(1.0, (Factor("price"), Factor("qty", power=-1)))], 0.001),
            Order("due", "day", True, 86_400.0, limits=("late",)),
            Order("late", "due", True, 86_400.0, unknown={"due": (0.0,)}),
            Composed("label", (Part("id"), Part("qty")), f"{mark(0)}-{mark(1)}{SIGNS}"),
            Lookup("kind_too", ("kind",), entries, np.ones(1, dtype=np.int64)),
            Lookup("no%te", ("kind",), other, np.ones(1, dtype=np.int64)),
            CalendarPart("month", "day", "month"),
            CalendarPart("id", "due", "month"),
            CalendarPart("weekday", "day", "weekday from 1 = Monday"),
            CalendarPart("a", "day", "weekday from 0 = Sunday"),
            ClockTime("qty"),
            ClockTime("big"),
        ]

    def presences(self) -> dict[str, Presence]:
        return {
            "gone": Presence("gone", "state", True, ("here",), ("gone",), True),
            "no%te": Presence("no%te", "same", False, (True,), (False,), True),
            "boss": Presence("boss", "qty", True, (1, 4), (2, 3), False),
            "rate": Presence("rate", "id", True, (1,), (), False, (50.0, 100.0)),
        }

    def both(
        self, warehouse: SqlWarehouse, found: Program, key: Optional[ForeignKey] = None
    ) -> tuple[list[str], list[str], int]:
        """Return what holds by SQL, by reading, and how many rows came besides."""
        asked, read = Counted(warehouse), Counted(warehouse, silent=True)
        said = []
        for reader in (asked, read):
            whole, plan = source(reader)
            kept = AllRows(whole, plan, "item", key).verified(found)
            said.append([str(rule) for rule in kept.steps])
        assert read.rows >= ROWS
        return said[0], said[1], asked.rows

    @feature("relations verified in SQL")
    def test_what_holds_in_a_row_is_proved_where_the_rows_are(
        self, warehouse: SqlWarehouse
    ) -> None:
        for rule in self.rules():
            asked, read, rows = self.both(warehouse, Program((rule,)))
            assert (asked, rows) == (read, 0), str(rule)
        for target, presence in self.presences().items():
            asked, read, rows = self.both(warehouse, Program((), {target: presence}))
            assert (asked, rows) == (read, 0), str(presence)

    @feature("relations verified in SQL")
    def test_many_rules_are_one_question(self, warehouse: SqlWarehouse) -> None:
        found = Program(tuple(self.rules()), self.presences())
        asked, read, rows = self.both(warehouse, found)
        assert (asked, rows) == (read, 0)
        assert 6 <= len(asked) < len(found.steps)  # some hold, some do not

    @feature("relations verified in SQL")
    def test_exceptions_are_counted_where_the_rows_are(self, warehouse: SqlWarehouse) -> None:
        rules = [
            Mostly(rule.target, rule, "own", rest_column(rule.target), share=0.3)
            for rule in self.rules()
        ]
        told = {
            target: replace(one, flag=exception_column(target))
            for target, one in self.presences().items()
        }
        asked, read, rows = self.both(warehouse, Program(tuple(rules), told))
        assert (asked, rows) == (read, 0)
        assert len({text.rpartition(" in ")[2] for text in asked}) > 2

    def test_more_rows_in_doubt_than_come_at_once(
        self, warehouse: SqlWarehouse, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(verification, "MOST", 3)
        often = [Copy("qty", "id"), Copy("kind", "no%te"), Order("due", "late", True, 86_400.0)]
        found = Program((*self.rules()[:5], *often), self.presences())
        asked, read, rows = self.both(warehouse, found)
        assert (asked, rows) == (read, 0)
        assert {"same", "amount"} <= {rule.split(" ")[0] for rule in asked}

    @feature("relations verified in SQL")
    def test_what_holds_beside_a_parent_needs_no_parent_read(self, warehouse: SqlWarehouse) -> None:
        rules = (
            Copy("name", f"{UP}.name"),
            Copy("upper_name", f"{UP}.name"),
            Copy("rate", f"{UP}.rate"),
            Order("day", f"{UP}.since", True, 86_400.0, centre=0.0),
            Order("late", f"{UP}.since", True, 86_400.0, centre=0.0),
        )
        asked, read, rows = self.both(warehouse, Program(rules), self.parent(warehouse))
        assert (asked, rows) == (read, 0)
        assert [rule.split(" ")[0] for rule in asked] == ["name", "rate", "day"]

    def test_a_hierarchy_is_asked_without_its_roots(self, warehouse: SqlWarehouse) -> None:
        keys = warehouse.metadata.tables["item"].foreign_keys
        key = next(key for key in keys if key.parent == "item")
        rules = (
            Order("id", "item.id", True, 1.0),
            Order("qty", "item.qty", True, 1.0),
            Copy("b", "item.b"),
        )
        asked, read, rows = self.both(warehouse, Program(rules), key)
        assert (asked, rows) == (read, 0)
        assert len(asked) == 1

    def test_broken_rows_are_counted(self, warehouse: SqlWarehouse) -> None:
        whole, plan = source(Counted(warehouse))
        silent, _ = source(Counted(warehouse, silent=True))
        for rule in self.rules()[:9]:
            said = [AllRows(one, plan, "item").broken(rule) for one in (whole, silent)]
            assert said[0] == said[1], str(rule)

    def test_an_empty_table_breaks_nothing(self, warehouse: SqlWarehouse) -> None:
        whole, plan = source(Counted(warehouse))
        found = Program((Copy("x", "y"),), {"y": Presence("y", "x", False, (True,), (), False)})
        assert len(AllRows(whole, plan, "vacant").verified(found).steps) == 2

    @feature("relations verified in SQL")
    def test_keys_meet_as_they_do_where_they_are_read(self, warehouse: SqlWarehouse) -> None:
        asked, silent = Counted(warehouse), Counted(warehouse, silent=True)
        places = [source(asked)[0], source(silent)[0]]
        up, tables = self.parent(warehouse), warehouse.metadata.tables
        boss = next(key for key in tables["item"].foreign_keys if key.parent == "item")
        keys = {key.parent: key for key in tables["visit"].foreign_keys}
        routes = [
            ("item", (boss, up), (up,)),
            ("item", (boss, boss), (boss,)),
            ("item", (boss,), ()),
            ("visit", (keys["item"], up), (keys[UP],)),
        ]
        for table, one, two in routes:
            for apart in (True, False):
                said, seen = (p.meetings(table, one, two, apart=apart) for p in places)
                assert (said.count, said.equal, said.lacking) == (
                    seen.count, seen.equal, seen.lacking
                )  # fmt: skip
                assert apart or said.equal < said.count or said.squares == seen.squares
                assert not apart or said.equal or said.shared == seen.shared
        children = [("item", up), ("visit", keys[UP])]
        for pair in (children, children[::-1]):
            said, seen = (place.alone(*pair) for place in places)
            assert said == seen
        for table, some in (("item", [up, boss]), ("visit", [keys[UP], keys["item"]])):
            said, seen = (place.never_together(table, some, 0.0) for place in places)
            assert said == seen
        assert (asked.rows, silent.rows > 0) == (0, True)

    @feature("fan-outs in SQL")
    def test_fan_outs_are_counted(self, warehouse: SqlWarehouse) -> None:
        tables = warehouse.metadata.tables
        for table in ("item", "visit"):
            rows = pa.Table.from_batches(list(warehouse.read(table)))
            for key in tables[table].foreign_keys:
                known = rows.select(key.columns).drop_null()
                sizes = Counter(Counter(map(tuple, map(dict.values, known.to_pylist()))).values())
                sizes[0] = warehouse.count(key.parent) - sum(sizes.values())
                found = warehouse.fan_out(table, key)
                assert found.histogram == {n: t for n, t in sorted(sizes.items()) if t}
                assert (found.nulls, found.orphans) == (len(rows) - len(known), 0)

    @feature("statistics in SQL")
    def test_a_counter_is_told_from_what_is_not(self, warehouse: SqlWarehouse) -> None:
        questions = warehouse.questions()
        assert questions is not None
        assert questions.counter("visit", ["a", "b"], "turn") == (3, 2)
        assert questions.counter("visit", ["a", "b"], "odd") is None
        assert questions.counter("item", ["a", "b"], "qty") is None
        spread = questions.spread("visit", [["a", "b"], ["turn"]])
        assert (spread.count, spread.distinct, spread.squares) == (45, (5, 9), (405.0, 225.0))

    @feature("statistics in SQL")
    def test_columns_are_described_as_their_rows_are(self, warehouse: SqlWarehouse) -> None:
        questions = warehouse.questions()
        assert questions is not None
        rows = pa.Table.from_batches(list(warehouse.read("item")))
        columns = ["no%te", "big", "price", "day", "gone", "qty", "rate", "b"]
        found = questions.facts("item", columns, distinct=True, top=3)
        for name in columns:
            column, facts = rows.column(name), found[name]
            known = sorted(column.drop_null().to_pylist())
            counts = sorted((-known.count(v), v) for v in set(known))
            assert (facts.rows, facts.nulls) == (ROWS, column.null_count), name
            assert (facts.low, facts.high, facts.distinct) == (known[0], known[-1], len(counts))
            assert facts.top == tuple((v, -n) for n, v in counts[:3]), name
        numbers, shares = ["big", "price", "day", "rate"], (0.0, 0.25, 0.5, 1.0)
        exact = questions.facts("item", numbers, distinct=True, quantiles=shares)
        about = questions.facts("item", numbers, distinct=True, quantiles=shares, exact=False)
        for name in numbers:
            values = np.sort(as_numbers(rows.column(name).drop_null()))
            at = np.maximum(np.ceil(np.array(shares) * len(values)).astype(int), 1) - 1
            assert exact[name].quantiles == pytest.approx(values[at].tolist(), rel=1e-12)
            off = np.abs(np.array(about[name].quantiles) - values[at]).max()
            assert off <= 0.05 * float(values[-1] - values[0])
            assert abs((about[name].distinct or 0) - (exact[name].distinct or 0)) <= 0.1 * ROWS
        empty = questions.facts("vacant", ["x"], quantiles=(0.5,), top=2)["x"]
        assert empty == ColumnFacts(0, 0, None, None)

    def test_what_an_engine_cannot_calculate_is_read(self, warehouse: SqlWarehouse) -> None:
        questions = warehouse.questions()
        assert questions is not None
        assert questions.counter("edge", ["g"], "n") == (-(2**31), 2**32 - 1)
        whole, plan = source(Counted(warehouse))
        whole.counts["edge"] = 5  # so that the sample is not all
        ratio = formula("z", [Term(1.0, (Factor("x"), Factor("y", power=-1)))], 0.0)
        assert AllRows(whole, plan, "edge").verified(Program((ratio,))).targets == ["z"]
        assert AllRows(whole, plan, "edge").broken(ratio) == 0

    def test_periods_are_looked_at_where_they_may_overlap(self, warehouse: SqlWarehouse) -> None:
        asked, silent = Counted(warehouse), Counted(warehouse, silent=True)
        places = [source(asked)[0], source(silent)[0]]
        keys = warehouse.metadata.tables["post"].foreign_keys
        end = (dt.date(9999, 12, 31) - dt.date(1970, 1, 1)).days * 86_400.0
        kept = Periods("since", "until", 86_400.0, True, (end,), 0.5, True)
        for one, right in ((kept, True), (replace(kept, end="late"), False)):
            assert [bool(never_overlap([one], p, "post", keys[0])) for p in places] == [right] * 2
            assert one.proved(places[0], "post", keys[0]) == right
        assert (asked.rows, silent.rows > 0) == (0, True)

    def test_children_of_some_parents_come_alone(self, warehouse: SqlWarehouse) -> None:
        asked = Counted(warehouse)
        whole, _ = source(asked)
        parents = pa.table({"a": [1, 4], "b": ["k1", "k4"]})
        rows = pa.concat_tables(
            whole.children("item", ["id", "a", "b"], self.parent(warehouse), parents)
        )
        linked = [i for i in range(ROWS) if i % GROUPS in (1, 4) and i % 7 != 3]
        assert rows.column("id").to_pylist() == linked
        assert asked.rows == 0

    def test_what_children_give_is_calculated_where_they_are(self, warehouse: SqlWarehouse) -> None:
        questions, up = warehouse.questions(), self.parent(warehouse)
        keys = warehouse.metadata.tables["item"].foreign_keys
        boss = next(key for key in keys if key.parent == "item")
        price, qty, theirs = Factor("price"), Factor("qty"), Factor("item.qty", 10.0, -1.0)
        amounts = [
            Amount(),
            Amount(Term(1.0, (price, qty)), cut=0.01),
            Amount(Term(-0.5, (price, Factor("qty", power=-1))), rounded=0.01),
            Amount(Term(1.0, (price, theirs)), where=("state", "here")),
            Amount(Term(1.0, (Factor("gone"),)), where=("month", "2")),
        ]
        functions: tuple[Function, ...] = ("count", "sum", "min", "max", "mean")
        of = {
            f"{f} {i}": Summed(f, amount.asked, -1.0 if f == "sum" else None)
            for i, amount in enumerate(amounts)
            for f in functions
        }
        own = ("price", "qty", "state", "gone", "month")
        children = Joined("item", own, {"item.qty": ((boss,), "qty")})
        rows = Joined(UP, ("a", "b"), sums=Sums(children, up, of))
        assert questions is not None
        found = pa.Table.from_batches(list(questions.combinations(rows))).sort_by("a")
        silent, plan = source(Counted(warehouse, silent=True))
        parents = silent.columns(UP, ["a", "b"]).sort_by("a")
        read = WithParents([("item.qty", boss)], plan, silent)(
            silent.columns("item", [*own, "a", "b", "boss"])
        )
        at = match_rows(read, ["a", "b"], parents, ["a", "b"])
        assert found.column("").to_pylist() == [1] * GROUPS
        for i, amount in enumerate(amounts):
            sums = Totals(GROUPS, amount)
            sums.take(at, read)
            for f in functions:
                expected = sums.of(f)
                if f == "sum":
                    expected = np.where(np.isnan(expected), -1.0, expected)
                given = found.column(f"{f} {i}").to_numpy()
                np.testing.assert_allclose(given, expected, rtol=1e-12, err_msg=f"{f} {amount}")
        tests = [lambda a: a.number("count 4") > a.plain(0.0), lambda a: a.missing("min 4")]
        assert questions.counted(rows, tests) == [
            int((found.column("count 4").to_numpy() > 0).sum()), found.column("min 4").null_count
        ]  # fmt: skip

    def test_values_that_repeat(self, warehouse: SqlWarehouse) -> None:
        questions = warehouse.questions()
        assert questions is not None
        rows = pa.Table.from_batches(list(warehouse.read("item")))
        for columns in (["id"], ["a", "b"], ["big"], ["no%te", "day"], ["kind", "kind_too", "day"]):
            known = rows.select(columns).drop_null()
            repeated = known.group_by(columns).aggregate([]).num_rows < known.num_rows
            assert questions.repeated("item", columns) == repeated, columns
        assert not questions.repeated("vacant", ["x"])
