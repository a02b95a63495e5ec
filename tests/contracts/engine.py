"""What every engine must do at the level of the user's verbs, as the copy itself proves.

One source with everything that a schema states is described, learned, written and asked. An
engine inherits :class:`EngineContract` and names its place by a fixture; what it does not have
(keys in a circle, comments, indexes of some rows) its own spelling says.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any, ClassVar, Optional

import pytest
from sqlalchemy import Engine

from synthohive import Gate, PrivacyConfig, QualityError, Synthesizer
from synthohive.connectors.reflection import reflect
from synthohive.connectors.registry import spelling
from synthohive.ddl.spelling import Spelling
from synthohive.ddl.statements import PROVENANCE_TABLE
from synthohive.interface.result import WriteSummary
from synthohive.schema import Column, ColumnKind, TableConfig
from tests.evidence import feature

TABLES = ("customer", "orders", "line", "remark")
KEEP = PrivacyConfig(pii_strategy="keep", detect_pii=False, k_anonymity_threshold=1)
PARTIAL = "CREATE UNIQUE INDEX one_open ON {orders} (customer_id) WHERE status = 'open'"


@dataclass(frozen=True)
class Place:
    """A schema of an engine.

    Attributes
    ----------
    schema : str, optional
        None in a file that has only one.
    fold : callable
        Returns what the engine makes of a name without quotes.
    """

    engine: Engine
    schema: Optional[str] = None
    fold: Callable[[str], str] = str

    def of(self, name: str) -> str:
        """Return a table's quoted name with its schema."""
        quote = spelling(self.engine.dialect.name).quote
        name = name if name == PROVENANCE_TABLE else self.fold(name)
        return ".".join(quote(part) for part in (self.schema, name) if part)

    def run(self, sql: str) -> None:
        """Run a statement with the tables' names in braces."""
        with self.engine.begin() as connection:
            plain = connection.execution_options(no_parameters=True)
            plain.exec_driver_sql(self._named(sql))

    def ask(self, sql: str) -> Any:
        """Return the first value that a query finds."""
        with self.engine.connect() as connection:
            return connection.exec_driver_sql(self._named(sql)).scalar()

    def rows(self, table: str) -> list[tuple[Any, ...]]:
        """Return all rows of a table, sorted."""
        with self.engine.connect() as connection:
            return sorted(map(tuple, connection.exec_driver_sql(self._named(table))), key=repr)

    def _named(self, sql: str) -> str:
        for name in (*TABLES, "big_orders"):
            sql = sql.replace(f"{{{name}}}", self.of(name))
        return sql


def text(how: Spelling, length: int) -> str:
    """Return the type of texts of so many characters at most."""
    column = Column(name="text", kind=ColumnKind.TEXT, length=length)
    return str(how.type_of(column, in_key=False, sole_key=False).compile())


def tables(how: Spelling) -> Iterator[str]:
    """Yield the statements that make the tables, as far as an engine has what they state."""
    late, only = "foreign key" in how.late, how.unenforced
    note = how.described_by("what was agreed") if how.comments in ("inside", "options") else ""
    since = "(status = 'gone') = (left_on IS NOT NULL)"
    if not how.conditions:
        since = "status = 'gone' AND left_on IS NOT NULL OR status <> 'gone' AND left_on IS NULL"
    circle = " REFERENCES {orders} (id)" if how.cyclic_keys and not late else ""

    def has(kind: str, clause: str) -> str:
        return clause if kind in how.has else ""

    yield (
        f"CREATE TABLE {{customer}} (id integer NOT NULL PRIMARY KEY{only}, mail {text(how, 40)} "
        f"NOT NULL{has('unique', f' UNIQUE{only}')}, status {text(how, 9)} DEFAULT 'new' NOT NULL, "
        f"left_on date, first_order integer{circle}"
        + has("check", ", CONSTRAINT known CHECK (status IN ('new', 'old', 'gone')), ")
        + has("check", f"CONSTRAINT gone_since CHECK ({since})")
        + ")"
    )
    yield (
        f"CREATE TABLE {{orders}} (id integer NOT NULL PRIMARY KEY{only}, "
        f"customer_id integer NOT NULL, status {text(how, 9)} NOT NULL {note}, "
        "total decimal(9, 2) NOT NULL, paid decimal(9, 2) NOT NULL, "
        + has("computed", f"due {how.calculated('decimal(10, 2)', 'total - paid', own=False)}, ")
        + has("check", "CONSTRAINT not_more CHECK (paid <= total AND paid >= 0), ")
        + f"CONSTRAINT buyer FOREIGN KEY (customer_id) REFERENCES {{customer}} (id){only})"
    )
    yield (
        "CREATE TABLE {line} (order_id integer NOT NULL, number integer NOT NULL, "
        f"pieces integer DEFAULT 1 NOT NULL, PRIMARY KEY (order_id, number){only}, "
        f"CONSTRAINT of_order FOREIGN KEY (order_id) REFERENCES {{orders}} (id){only})"
    )
    yield (
        f"CREATE TABLE {{remark}} (id integer NOT NULL PRIMARY KEY{only}, order_id integer, "
        f"number integer, word {text(how, 9)}, CONSTRAINT of_line FOREIGN KEY (order_id, number) "
        f"REFERENCES {{line}} (order_id, number){only})"
    )
    if "index" in how.has:
        yield "CREATE INDEX by_status ON {orders} (status, total)"
    if how.cyclic_keys and late:
        yield (
            "ALTER TABLE {customer} ADD CONSTRAINT began FOREIGN KEY (first_order) "
            f"REFERENCES {{orders}} (id){only}"
        )
    if how.comments == "after":
        yield "COMMENT ON COLUMN {orders}.status IS 'what was agreed'"
    yield (
        "CREATE VIEW {big_orders} AS SELECT o.id, c.mail FROM {orders} o "
        "JOIN {customer} c ON c.id = o.customer_id WHERE o.total > 20"
    )


def rows() -> Iterator[tuple[str, str]]:
    """Yield table and values of each row, parents first but for the circle."""
    for i in range(1, 61):
        status = ("new", "old", "gone")[i % 3]
        since = f"'2024-01-{1 + i % 28:02d}'" if status == "gone" else "NULL"
        yield "customer", f"{i}, 'c{i}@post.org', '{status}', {since}, NULL"
    for i in range(1, 121):
        status = "open" if i <= 60 and i % 2 else ("paid", "sent")[i % 2]
        paid = i if status == "paid" else i / 2
        yield "orders", f"{i}, {1 + i % 60}, '{status}', {i}, {paid}"
    for i in range(240):
        yield "line", f"{1 + i // 2}, {1 + i % 2}, {1 + i % 5}"
    for i in range(90):
        key = f"{1 + i}, {1 + i % 2}" if i % 3 else f"{1 + i}, NULL"
        yield "remark", f"{i}, {key}, '{'good' if i % 4 else 'late'}'"


NAMES = {"orders": " (id, customer_id, status, total, paid)"}


def fill(place: Place, *more: str) -> None:
    """Make the source."""
    how = spelling(place.engine.dialect.name)
    for sql in tables(how):
        place.run(sql + (how.table_end if sql.startswith("CREATE TABLE") else ""))
    for table in TABLES:
        values = ", ".join(f"({value})" for of, value in rows() if of == table)
        place.run(f"INSERT INTO {{{table}}}{NAMES.get(table, '')} VALUES {values}")
    if how.cyclic_keys:
        even = ", ".join(map(str, range(2, 61, 2)))  # whose first order has the number before
        place.run(f"UPDATE {{customer}} SET first_order = id - 1 WHERE id IN ({even})")
    for sql in more:
        place.run(sql)


def stated(table: TableConfig) -> dict[str, Any]:
    """Return all that a described table states."""
    return {
        "columns": [
            (c.name, c.sql_type, c.nullable, c.default, c.computed, c.comment)
            for c in table.columns.values()
        ],
        "pk": table.pk,
        "keys": sorted((k.name or "", k.columns, k.parent) for k in table.foreign_keys),
        "unique": sorted((u.name or "", u.columns) for u in table.unique),
        "checks": sorted(c.name or "" for c in table.checks),  # each prints its SQL anew
        "indexes": sorted((i.name, i.columns, i.unique) for i in table.indexes),
    }


@dataclass(frozen=True)
class Copied:
    """A source, and what was made of it."""

    source: Place
    copy: Place
    synthesizer: Synthesizer
    summary: WriteSummary


class EngineContract:
    """Inherit, and give a fixture `source` of scope "class" with an empty schema."""

    partial_indexes: ClassVar[bool] = False
    target: ClassVar[Optional[str]] = None

    @pytest.fixture(scope="class")
    @classmethod
    def source(cls) -> Iterator[Place]:
        """Give an empty schema."""
        raise NotImplementedError

    @classmethod
    def beside(cls, source: Place) -> Place:
        """Return where the copy goes."""
        return replace(source, schema=f"{source.schema}{source.fold('_synthetic')}")

    @pytest.fixture(scope="class")
    @classmethod
    def copied(cls, source: Place) -> Copied:
        """Describe, learn and write."""
        fill(source, *([PARTIAL] if cls.partial_indexes else []))
        synth = Synthesizer.from_database(source.engine, source.schema, privacy_config=KEEP)
        synth.fit(epochs=1, seed=1, progress=False, n_jobs=1, include=["views"])
        summary = synth.to_database(seed=3, include=["views"])
        return Copied(source, cls.beside(source), synth, summary)

    @feature("a copy states what its source does")
    def test_the_copy_states_what_the_source_does(self, copied: Copied) -> None:
        source = reflect(copied.source.engine, copied.source.schema)
        copy = reflect(copied.copy.engine, copied.copy.schema)
        fold = copied.source.fold
        assert set(copy.tables) == set(source.tables) == {fold(name) for name in TABLES}
        for name, table in source.tables.items():
            assert stated(copy.tables[name]) == stated(table)
        customer, orders = source.tables[fold("customer")], source.tables[fold("orders")]
        how = spelling(source.dialect)
        found = {
            "computed": any(c.computed is not None for c in orders.columns.values()),
            "check": [len(t.checks) for t in (customer, orders)] == [2, 1],
            "unique": [u.columns for u in customer.unique] == [[fold("mail")]],
            "index": ["status", "total"] in [index.columns for index in orders.indexes],
        }
        assert found == {kind: kind in how.has for kind in found}
        assert source.tables[fold("line")].pk == [fold("order_id"), fold("number")]
        said = "what was agreed" if how.comments else None
        assert orders.columns[fold("status")].comment == said

    @feature("keys")
    def test_keys_hold_and_are_enforced(self, copied: Copied) -> None:
        how = spelling(copied.source.engine.dialect.name)
        assert len(copied.summary.keys) == 3 + how.cyclic_keys
        assert copied.summary.orphans == 0
        assert {key.enforced for key in copied.summary.keys} == {how.keys_enforced}
        missing = (
            "SELECT count(*) FROM {remark} r WHERE r.number IS NOT NULL AND NOT EXISTS (SELECT 1 "
            "FROM {line} l WHERE l.order_id = r.order_id AND l.number = r.number)"
        )
        assert copied.copy.ask(missing) == 0
        assert 20 <= copied.copy.ask("SELECT count(*) FROM {remark} WHERE number IS NULL") <= 40
        if how.cyclic_keys:
            began = "SELECT count(first_order) FROM {customer}"
            assert 15 <= copied.copy.ask(began) <= 45

    @pytest.mark.parametrize(
        ("kind", "broken"),
        [
            ("check", "{customer} WHERE status NOT IN ('new', 'old', 'gone')"),
            ("check", "{customer} WHERE status = 'gone' AND left_on IS NULL"),
            ("check", "{customer} WHERE status <> 'gone' AND left_on IS NOT NULL"),
            ("check", "{orders} WHERE paid > total OR paid < 0"),
            ("computed", "{orders} WHERE due <> total - paid"),
            ("unique", "(SELECT mail FROM {customer} GROUP BY mail HAVING count(*) > 1) d"),
            ("primary key", "(SELECT id FROM {remark} GROUP BY id HAVING count(*) > 1) d"),
        ],
    )
    @feature("CHECK, UNIQUE, computed")
    def test_rules_hold_in_every_row(self, copied: Copied, kind: str, broken: str) -> None:
        if kind not in spelling(copied.copy.engine.dialect.name).has:
            pytest.skip(f"the engine has no {kind}")
        assert copied.copy.ask(f"SELECT count(*) FROM {broken}") == 0

    @feature("rows like the real ones")
    def test_rows_are_like_the_real_ones(self, copied: Copied) -> None:
        for table in TABLES:
            found = copied.copy.ask(f"SELECT count(*) FROM {{{table}}}")
            assert found == pytest.approx(
                len(copied.source.rows(f"SELECT * FROM {{{table}}}")), 0.2
            )
        for status in ("new", "old", "gone"):
            share = (
                f"SELECT avg(CASE WHEN status = '{status}' THEN 1.0 ELSE 0 END) FROM {{customer}}"
            )
            assert float(copied.copy.ask(share)) == pytest.approx(1 / 3, abs=0.2)

    @feature("unique among some rows")
    def test_what_is_unique_among_some_rows_is_so(self, copied: Copied) -> None:
        if not self.partial_indexes:
            pytest.skip("the engine has no such indexes")
        twice = (
            "SELECT count(*) FROM (SELECT customer_id FROM {orders} WHERE status = 'open' "
            "GROUP BY customer_id HAVING count(*) > 1) t"
        )
        assert copied.copy.ask(twice) == 0
        assert copied.copy.ask("SELECT count(*) FROM {orders} WHERE status = 'open'") > 10

    @feature("rules enforced by the engine")
    def test_the_database_itself_refuses_what_breaks_a_rule(self, copied: Copied) -> None:
        if "check" not in spelling(copied.copy.engine.dialect.name).has:
            pytest.skip("the engine has no check")
        for values in (
            "5000, 'x@y.z', 'never', NULL, NULL",
            "5000, 'x@y.z', 'gone', NULL, NULL",
        ):
            with pytest.raises(Exception, match=r"(?i)constraint|check"):
                copied.copy.run(f"INSERT INTO {{customer}} VALUES ({values})")

    @feature("views")
    def test_views_answer_from_the_copy(self, copied: Copied) -> None:
        assert copied.summary.cloned == {"views": (copied.source.fold("big_orders"),)}
        big = copied.copy.ask("SELECT count(*) FROM {orders} WHERE total > 20")
        assert copied.copy.ask("SELECT count(*) FROM {big_orders}") == big > 0

    @feature("replaced as a whole")
    def test_the_same_seed_replaces_it_by_the_same_rows(self, copied: Copied) -> None:
        before = {table: copied.copy.rows(f"SELECT * FROM {{{table}}}") for table in TABLES}
        gate = Gate(distance=0.0, validity=0.0, orphans=0)
        with pytest.raises(QualityError):  # and the copy that is there stays
            copied.synthesizer.to_database(seed=4, if_exists="replace", quality_threshold=gate)
        for table, found in before.items():
            assert copied.copy.rows(f"SELECT * FROM {{{table}}}") == found
        copied.synthesizer.to_database(seed=3, if_exists="replace", include=["views"])
        for table, found in before.items():
            assert copied.copy.rows(f"SELECT * FROM {{{table}}}") == found
        assert copied.copy.ask(f"SELECT count(*) FROM {copied.copy.of(PROVENANCE_TABLE)}") == 1

    @feature("the source is only read")
    def test_the_source_is_as_it_was(self, copied: Copied) -> None:
        of = [sum(table == name for table, _ in rows()) for name in TABLES]
        assert [copied.source.ask(f"SELECT count(*) FROM {{{t}}}") for t in TABLES] == of
