"""What every writer must do, whatever the engine; subclasses name a source and a target."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Optional

import pyarrow as pa
import pytest
import sqlalchemy as sa
from sqlalchemy import Engine

from synthohive.connectors.dialect import dialect_for
from synthohive.connectors.registry import part
from synthohive.connectors.writers import open_writer
from synthohive.ddl.statements import PROVENANCE_TABLE
from synthohive.exceptions import ConnectorError, SchemaError
from synthohive.io.base import KeyCheck, Provenance
from synthohive.io.staged import StagedSchema, Withdrawn
from synthohive.io.writer import Writer
from synthohive.schema import Column, ColumnKind, ForeignKey, Identity, Metadata
from synthohive.schema import UniqueConstraint as Unique
from tests.evidence import feature

ODD = 'select "all" ünïcode'
ODD_COLUMN = "order by %s"
ORIGIN = Provenance("0.1", "CTGAN", 7, 1.0, "2024-01-01T00:00:00+00:00", "shop")


@dataclass
class Place:
    """A source schema, and where its synthetic twin goes."""

    engine: Engine
    schema: Optional[str]
    target: str

    def open_target(self) -> Engine:
        """Return an engine for looking at the target."""
        return self.engine

    def target_schema(self) -> Optional[str]:
        """Return the target's name as SQLAlchemy takes it."""
        return self.target


def integer(name: str, **more: Any) -> Column:
    """Describe a 64-bit column."""
    return Column(name=name, kind=ColumnKind.INTEGER, arrow="int64", **more)


def text(name: str, length: int = 40, **more: Any) -> Column:
    """Describe a string column."""
    return Column(name=name, kind=ColumnKind.TEXT, length=length, **more)


def described(*columns: Column) -> dict[str, Column]:
    """Key columns by name."""
    return {column.name: column for column in columns}


def shop() -> Metadata:
    """Describe a schema with a self-, a composite, a nullable and two cyclic keys."""
    meta = Metadata()

    def key(columns: list[str], parent: str, target: list[str], name: str, **more: Any) -> Any:
        return ForeignKey(
            columns=columns, parent=parent, parent_columns=target, name=name, declared=True, **more
        )

    meta.add_table(
        "customers",
        "id",
        columns=described(
            integer("id", nullable=False, identity=Identity()),
            text("email", nullable=False),
            integer("referrer_id"),
        ),
        unique=[Unique(columns=["email"], name="customers_email_once")],
        foreign_keys=[key(["referrer_id"], "customers", ["id"], "customers_referrer")],
    )
    meta.add_table(
        "order_items",
        ["order_id", "line"],
        columns=described(
            integer("order_id", nullable=False),
            integer("line", nullable=False),
            text("note"),
        ),
        foreign_keys=[key(["order_id"], "orders", ["id"], "items_order", on_delete="CASCADE")],
    )
    meta.add_table(
        "orders",
        "id",
        columns=described(
            integer("id", nullable=False),
            integer("customer_id", nullable=False),
            integer("first_line"),
        ),
        foreign_keys=[
            key(["customer_id"], "customers", ["id"], "orders_customer"),
            key(["id", "first_line"], "order_items", ["order_id", "line"], "orders_first_item"),
        ],
    )
    meta.add_table(
        ODD,
        "id",
        columns=described(integer("id", nullable=False), integer(ODD_COLUMN)),
        foreign_keys=[key([ODD_COLUMN], "customers", ["id"], "odd 'key'")],
    )
    return meta


def make_shop(engine: Engine, schema: Optional[str]) -> None:
    """Create the tables of :func:`shop`, empty."""
    made = sa.MetaData(schema=schema)
    for table in shop().tables.values():
        columns = [
            sa.Column(
                c.name,
                sa.BigInteger().with_variant(sa.Integer(), "sqlite")
                if c.kind is ColumnKind.INTEGER
                else sa.String(c.length),
                primary_key=c.name in table.pk,
                nullable=c.nullable,
                autoincrement=c.identity is not None,
            )
            for c in table.columns.values()
        ]
        prefix = f"{schema}." if schema else ""
        uniques = [sa.UniqueConstraint(*u.columns, name=u.name) for u in table.unique]
        keys = [
            sa.ForeignKeyConstraint(
                fk.columns,
                [f"{prefix}{fk.parent}.{c}" for c in fk.parent_columns],
                name=fk.name,
                ondelete=fk.on_delete,
                use_alter=fk.name == "orders_first_item" and engine.dialect.name != "sqlite",
            )
            for fk in table.foreign_keys
            if "." not in fk.parent
        ]
        made_table = sa.Table(table.name, made, *columns, *uniques, *keys)
        sa.Index(f"{table.name[:6]}_by_last", made_table.c[list(table.columns)[-1]])
    with engine.begin() as connection:
        for table_ in _creation_order(made):
            table_.create(connection)
        for table_ in made.tables.values():
            for late in table_.foreign_key_constraints:
                if late.use_alter:
                    connection.execute(sa.schema.AddConstraint(late))


def _creation_order(made: sa.MetaData) -> list[sa.Table]:
    by_name = {table.name: table for table in made.tables.values()}
    return [by_name[name] for name in ("customers", "orders", "order_items", ODD)]


def rows(**changes: Any) -> dict[str, pa.Table]:
    """Return rows for :func:`shop`, with whole tables replaced by `changes`."""
    found = {
        "customers": pa.table(
            {
                "id": [1, 2, 9],
                "email": ["a", "", 'quo"te,\n\\N'],
                "referrer_id": pa.array([None, 9, 1], pa.int64()),
            }
        ),
        "orders": pa.table(
            {
                "id": [10, 11],
                "customer_id": [2, 2],
                "first_line": pa.array([1, None], pa.int64()),
            }
        ),
        "order_items": pa.table(
            {"order_id": [10, 10], "line": [1, 2], "note": pa.array([None, "NULL"], pa.string())}
        ),
        ODD: pa.table({"id": [1, 2], ODD_COLUMN: pa.array([9, None], pa.int64())}),
    }
    return {**found, **changes}


def default_target(engine: Engine, schema: Optional[str] = None) -> str:
    """Return where the synthetic schema goes when nothing is named."""
    found: str = part(engine.dialect.name, "write").WRITER.locate(engine, None, None, schema)
    return found


def orphan_free(checks: Sequence[KeyCheck]) -> bool:
    """Whether no key of a written schema has an orphan."""
    return all(check.orphans == 0 for check in checks)


def staged(writer: Writer) -> Any:
    """Return the staging place of a writer of one schema."""
    (found,) = writer.schemas.values()  # type: ignore[attr-defined]
    return found


def write(writer: Writer, data: dict[str, pa.Table]) -> list[KeyCheck]:
    """Load all tables, but those that an interrupted run has loaded, and finish."""
    with writer:
        done = writer.loaded()
        for name, table in data.items():
            if name not in done:
                assert writer.load(name, table.to_batches(max_chunksize=2)) == table.num_rows
        return writer.finish()


class WriterContract:
    """Inherited by the tests of each engine, which give the `place` fixture."""

    def description(self) -> Metadata:
        """Return what is written."""
        return shop()

    @pytest.fixture
    def place(self) -> Iterator[Place]:
        """Give an empty source schema."""
        raise NotImplementedError

    @pytest.fixture
    def shop_place(self, place: Place) -> Place:
        """Give a source with the shop's tables."""
        make_shop(place.engine, place.schema)
        return place

    def writer(self, place: Place, **more: Any) -> Writer:
        """Open a writer beside the source."""
        options = {"target_schema": place.target, "provenance": ORIGIN, **more}
        return open_writer(place.engine, self.description(), source_schema=place.schema, **options)

    def fetch(self, place: Place, table: str, order: str) -> list[tuple[Any, ...]]:
        """Read a table of the target by plain SQLAlchemy."""
        found = sa.Table(
            table, sa.MetaData(schema=place.target_schema()), autoload_with=place.open_target()
        )
        with place.open_target().connect() as connection:
            query = sa.select(found).order_by(found.c[order])
            return [tuple(row) for row in connection.execute(query)]

    def inspector(self, place: Place) -> sa.Inspector:
        """Return a fresh inspector on the target."""
        return sa.inspect(place.open_target())

    def names(self, place: Place) -> set[str]:
        """Return the target's tables; none where it does not exist."""
        try:
            return set(self.inspector(place).get_table_names(schema=place.target_schema()))
        except sa.exc.OperationalError:
            return set()

    def leftovers(self, place: Place) -> list[str]:
        """Return what staging places there are."""
        raise NotImplementedError

    def insert(self, place: Place, table: str, values: dict[str, Any]) -> None:
        """Insert one row into the target."""
        found = sa.Table(
            table, sa.MetaData(schema=place.target_schema()), autoload_with=place.open_target()
        )
        with place.open_target().begin() as connection:
            if place.engine.dialect.name == "sqlite":
                connection.exec_driver_sql("PRAGMA foreign_keys = ON")
            connection.execute(found.insert().values(values))

    @feature("types come back")
    def test_rows_arrive(self, shop_place: Place) -> None:
        checks = write(self.writer(shop_place), rows())
        assert len(checks) == len(list(self.description().foreign_keys()))
        assert orphan_free(checks)
        assert all(check.enforced for check in checks)
        assert self.fetch(shop_place, "customers", "id") == [
            (1, "a", None),
            (2, "", 9),
            (9, 'quo"te,\n\\N', 1),
        ]
        assert self.fetch(shop_place, "order_items", "line") == [(10, 1, None), (10, 2, "NULL")]
        assert self.fetch(shop_place, ODD, "id") == [(1, 9), (2, None)]
        assert self.leftovers(shop_place) == []

    def test_keys_are_recreated(self, shop_place: Place) -> None:
        write(self.writer(shop_place), rows())
        inspector, schema = self.inspector(shop_place), shop_place.target_schema()
        for table, config in self.description().tables.items():
            assert inspector.get_pk_constraint(table, schema)["constrained_columns"] == config.pk
            found = {
                (k["name"], tuple(k["constrained_columns"]), tuple(k["referred_columns"]))
                for k in inspector.get_foreign_keys(table, schema)
            }
            assert found == {
                (k.name, tuple(k.columns), tuple(k.parent_columns)) for k in config.foreign_keys
            }
            assert all(
                k["referred_schema"] in (None, schema)
                for k in inspector.get_foreign_keys(table, schema)
            )
            indexes = {index["name"] for index in inspector.get_indexes(table, schema)}
            assert f"{table[:6]}_by_last" in indexes
        (unique,) = inspector.get_unique_constraints("customers", schema)
        assert unique["name"] == "customers_email_once"
        (items,) = inspector.get_foreign_keys("order_items", schema)
        assert items["options"]["ondelete"] == "CASCADE"

    @pytest.mark.parametrize(
        ("table", "values"),
        [
            ("customers", {"id": 1, "email": "new"}),
            ("customers", {"id": 77, "email": "a"}),
            ("customers", {"id": 77, "email": "new", "referrer_id": 1234}),
            ("orders", {"id": 77, "customer_id": 1, "first_line": 3}),
            ("order_items", {"order_id": 10, "line": 1}),
        ],
        ids=["primary", "unique", "self", "composite", "composite primary"],
    )
    @feature("rules enforced by the engine")
    def test_keys_are_enforced(self, shop_place: Place, table: str, values: dict[str, Any]) -> None:
        write(self.writer(shop_place), rows())
        with pytest.raises(sa.exc.IntegrityError):
            self.insert(shop_place, table, values)

    @feature("counters")
    def test_the_counter_goes_on(self, shop_place: Place) -> None:
        write(self.writer(shop_place), rows())
        self.insert(shop_place, "customers", {"email": "next"})
        assert self.fetch(shop_place, "customers", "id")[-1] == (10, "next", None)

    @pytest.mark.parametrize(
        ("changes", "said"),
        [
            ({"orders": {"id": [10], "customer_id": [3], "first_line": [None]}}, "customer_id"),
            ({"customers": {"id": [1], "email": ["a"], "referrer_id": [4]}}, "referrer_id"),
            (
                {
                    "customers": {
                        "id": [2, 9, 1],
                        "email": ["a", "a", "b"],
                        "referrer_id": [1, 1, None],
                    }
                },
                "customers_email_once|customers.email|(?i:unique)",
            ),
            (
                {"order_items": {"order_id": [10, 10], "line": [1, 1], "note": ["", ""]}},
                "order_items",
            ),
        ],
        ids=["orphan", "self orphan", "unique", "primary"],
    )
    @feature("what breaks a key is refused")
    def test_refused_rows_change_nothing(
        self, shop_place: Place, changes: dict[str, Any], said: str
    ) -> None:
        write(self.writer(shop_place), rows())
        schemas = self.description().tables
        bad = {
            name: pa.table(
                {k: pa.array(v, schemas[name].columns[k].arrow_type) for k, v in table.items()}
            )
            for name, table in changes.items()
        }
        with pytest.raises(ConnectorError, match=said):
            write(self.writer(shop_place, if_exists="replace"), rows(**bad))
        assert len(self.fetch(shop_place, "customers", "id")) == 3
        assert self.leftovers(shop_place) == []

    def test_whatever_a_statement_raises_is_told_in_our_words(
        self, shop_place: Place, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Each runs where the driver's errors become ours: a time limit may strike any of them."""
        depth, bare = [0], []
        named, class_ = StagedSchema.named, part(shop_place.engine.dialect.name, "write").WRITER

        @contextmanager
        def counted(*given: Any, **more: Any) -> Iterator[None]:
            depth[0] += 1
            try:
                with named(*given, **more):
                    yield
            finally:
                depth[0] -= 1

        def watched(verb: str) -> Any:
            do = getattr(class_, verb)

            def run(schema: Any, *given: Any) -> Any:
                if not depth[0]:
                    bare.append((verb, *given))
                return do(schema, *given)

            return run

        monkeypatch.setattr(StagedSchema, "named", counted)
        for verb in ("_found", "settle", "see"):
            monkeypatch.setattr(class_, verb, watched(verb))
        write(self.writer(shop_place), rows())
        write(self.writer(shop_place, if_exists="replace"), rows())
        assert bare == []

    @feature("a failure changes nothing")
    def test_failure_half_way_leaves_nothing(self, shop_place: Place) -> None:
        def broken() -> Iterator[pa.RecordBatch]:
            yield from rows()["customers"].to_batches()
            raise RuntimeError("the generator broke")

        with self.writer(shop_place) as writer:
            writer.load("orders", rows()["orders"].to_batches())
            with pytest.raises(RuntimeError, match="the generator broke"):
                writer.load("customers", broken())
        assert self.leftovers(shop_place) == []
        assert "customers" not in self.names(shop_place)

    def test_withdrawn_rows_are_loaded_anew(self, shop_place: Place) -> None:
        data = rows()

        def withdrawn() -> Iterator[pa.RecordBatch]:
            yield from data["customers"].slice(1).to_batches(max_chunksize=1)
            raise Withdrawn

        with self.writer(shop_place) as writer:
            if not writer.takes_back:
                pytest.skip("tables are loaded when they are final")
            with pytest.raises(Withdrawn):
                writer.fill("customers", withdrawn())
            assert "customers" not in staged(writer).rows
            write(writer, data)
        assert [id_ for id_, *_ in self.fetch(shop_place, "customers", "id")] == [1, 2, 9]
        assert self.leftovers(shop_place) == []

    def test_nothing_is_seen_before_the_end(self, shop_place: Place) -> None:
        with self.writer(shop_place) as writer:
            for name, table in rows().items():
                writer.load(name, table.to_batches())
            assert "customers" not in self.names(shop_place)
        assert self.leftovers(shop_place) == []

    def test_existing_target_is_refused(self, shop_place: Place) -> None:
        write(self.writer(shop_place), rows())
        with pytest.raises(ConnectorError, match="earlier synthetic"):
            self.writer(shop_place)
        assert self.leftovers(shop_place) == []

    def test_foreign_target_is_refused_by_name(self, shop_place: Place) -> None:
        self.make_foreign(shop_place)
        with pytest.raises(ConnectorError, match="SynthoHive did not make it"):
            self.writer(shop_place)
        assert self.names(shop_place) == {"theirs"}
        with pytest.raises(
            ConnectorError, match=r"SynthoHive did not make it: it holds table .*theirs"
        ):
            self.writer(shop_place, if_exists="replace")
        for wrong in (None, "another"):
            with pytest.raises(ConnectorError, match="repeat the name: replace_foreign="):
                self.writer(shop_place, if_exists="replace_foreign", replace_foreign=wrong)
        assert self.names(shop_place) == {"theirs"}
        options = {"if_exists": "replace_foreign", "replace_foreign": shop_place.target}
        write(self.writer(shop_place, **options), rows())
        assert "theirs" not in self.names(shop_place)

    def test_a_note_alone_makes_nothing_ours(self, shop_place: Place) -> None:
        self.make_foreign(shop_place)
        theirs = sa.Table(
            "_synthohive",
            sa.MetaData(schema=shop_place.target_schema()),
            sa.Column("x", sa.Integer),
        )
        theirs.create(shop_place.open_target())
        with pytest.raises(ConnectorError, match="SynthoHive did not make it"):
            self.writer(shop_place, if_exists="replace")
        assert self.names(shop_place) == {"theirs", "_synthohive"}

    @feature("what others made is kept")
    def test_foreign_tables_beside_ours_are_refused_by_name(self, shop_place: Place) -> None:
        write(self.writer(shop_place), rows())
        theirs = sa.Table(
            "theirs", sa.MetaData(schema=shop_place.target_schema()), sa.Column("x", sa.Integer)
        )
        theirs.create(shop_place.open_target())
        with pytest.raises(ConnectorError, match=r"what SynthoHive did not make: table .*theirs"):
            self.writer(shop_place, if_exists="replace")
        assert {"theirs", "customers"} <= self.names(shop_place)

    def test_a_former_source_is_refused_whatever_is_said(self, shop_place: Place) -> None:
        write(self.writer(shop_place), rows())
        was = dialect_for(shop_place.open_target()).fingerprint(shop_place.target_schema())
        options = {"if_exists": "replace_foreign", "replace_foreign": shop_place.target}
        with pytest.raises(ConnectorError, match="source itself"):
            self.writer(shop_place, sources=was, **options)

    def make_foreign(self, place: Place) -> None:
        """Put a table into the target that SynthoHive did not make."""
        raise NotImplementedError

    @feature("replaced as a whole")
    def test_replacing_takes_the_new_rows(self, shop_place: Place) -> None:
        write(self.writer(shop_place), rows())
        write(
            self.writer(shop_place, if_exists="replace"),
            rows(**{ODD: rows()[ODD].slice(0, 1)}),
        )
        assert self.fetch(shop_place, ODD, "id") == [(1, 9)]
        assert self.leftovers(shop_place) == []
        with pytest.raises(sa.exc.IntegrityError):
            self.insert(shop_place, "customers", {"id": 5, "email": "x", "referrer_id": 1234})

    def test_the_source_is_refused(self, shop_place: Place) -> None:
        for mode in ("fail", "replace"):
            with pytest.raises(ConnectorError, match="source itself"):
                self.writer(shop_place, target_schema=self.source_name(shop_place), if_exists=mode)

    def source_name(self, place: Place) -> str:
        """Return the source as a target would be named."""
        assert place.schema is not None
        return place.schema

    def test_provenance_is_left(self, shop_place: Place) -> None:
        write(self.writer(shop_place), rows())
        ((version, model, seed, scale, created, source, _),) = self.fetch(
            shop_place, PROVENANCE_TABLE, "version"
        )
        assert (version, model, int(seed), scale) == ("0.1", "CTGAN", 7, 1.0)
        assert (created, source) == (ORIGIN.created, "shop")

    def test_rows_must_fit_the_description(self, shop_place: Place) -> None:
        with pytest.raises(ConnectorError, match="lack the columns"), self.writer(shop_place) as w:
            w.load("customers", pa.table({"id": [1]}).to_batches())
        extra = rows()["orders"].append_column("x", pa.array([1, 2]))
        with pytest.raises(SchemaError, match="'x'"), self.writer(shop_place) as w:
            w.load("orders", extra.to_batches())
        with pytest.raises(SchemaError, match="'nix'"), self.writer(shop_place) as w:
            w.load("nix", [])

    def test_tables_without_rows_are_made(self, shop_place: Place) -> None:
        checks = write(self.writer(shop_place), {})
        assert [check.rows for check in checks] == [0] * len(
            list(self.description().foreign_keys())
        )
        assert self.fetch(shop_place, "customers", "id") == []

    def test_from_the_description_alone(self, shop_place: Place) -> None:
        target = shop_place.target if shop_place.engine.dialect.name != "sqlite" else None
        engine = shop_place.engine if target else shop_place.open_target()
        writer = open_writer(
            None, self.description(), target_schema=target, target_engine=engine, provenance=ORIGIN
        )
        assert orphan_free(write(writer, rows()))
        assert len(self.fetch(shop_place, "customers", "id")) == 3
        with pytest.raises(sa.exc.IntegrityError):
            self.insert(shop_place, "orders", {"id": 77, "customer_id": 1234})


class ServerWriterContract(WriterContract):
    """What only servers must do."""

    @feature("no secret is shown")
    def test_unreachable_target_keeps_its_password(self, shop_place: Place) -> None:
        url = shop_place.engine.url.set(password="hunter2", port=1, host="127.0.0.1")
        with pytest.raises(ConnectorError, match="cannot be reached") as caught:
            self.writer(shop_place, target_engine=sa.create_engine(url))
        assert "hunter2" not in str(caught.value)
