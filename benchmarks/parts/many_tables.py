"""A generated schema of many tables, as a grown business has them: 300 tables, 3,000 columns.

Ten tables stand for a department: a chain over departments, hierarchies, a circle, diamonds,
composite keys and many-to-many, with the usual types and CHECKs. :func:`schema` describes
as many departments as are asked for, :func:`fill` gives them rows that obey all of it.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any, Optional

import numpy as np
import sqlalchemy as sa

Rows = list[dict[str, Any]]
TABLES = 10
"""Tables of a department, each of ten columns."""
CHAIN = 5
"""Departments whose regions follow one another."""
FIRST, DAY = datetime(2019, 1, 1), date(2019, 1, 1)
MONEY = sa.Numeric(10, 2)
STATES = ("draft", "open", "paid", "void")
COLOURS = ("black", "blue", "green", "red", "white")
SIZES = {
    "region": 60, "org": 80, "person": 150, "product": 120, "tag": 30, "product_tag": 200,
    "orders": 200, "order_line": 300, "shipment": 200, "event": 250,
}  # fmt: skip


def schema(departments: int = 30, place: Optional[str] = None) -> sa.MetaData:
    """Return the tables; those of department 7 begin with ``d07_``."""
    found = sa.MetaData(schema=place)
    for number in range(departments):
        _Department(found, number).make()
    return found


class _Department:
    """Ten tables, some with keys to the department before."""

    def __init__(self, metadata: sa.MetaData, number: int) -> None:
        self.metadata, self.number = metadata, number
        self.own = f"d{number:02d}_"

    def make(self) -> None:
        """Add the tables."""
        self._places()
        self._goods()
        self._trade()
        self._records()

    def _table(self, name: str, *parts: Any) -> None:
        sa.Table(self.own + name, self.metadata, *parts)

    def _key(self, columns: str, parent: str, parents: str = "id", **options: Any) -> Any:
        lead = f"{self.metadata.schema}." if self.metadata.schema else ""
        parent = parent if parent.startswith("d") else self.own + parent
        ends = [f"{lead}{parent}.{column}" for column in parents.split()]
        return sa.ForeignKeyConstraint(columns.split(), ends, **options)

    def _places(self) -> None:
        chained = self.number % CHAIN
        before = f"d{self.number - 1:02d}_region" if chained else f"{self.own}region"
        self._table(
            "region", _id(), _text("code", 8, unique=True), _text("name", 40),
            sa.Column("area", MONEY), sa.Column("population", sa.Integer),
            sa.Column("founded", sa.Date), sa.Column("coastal", sa.Boolean, nullable=False),
            _text("timezone", 20), sa.Column("grade", sa.SmallInteger, nullable=False),
            sa.Column("before_id", sa.Integer),
            sa.CheckConstraint("grade BETWEEN 1 AND 5"), self._key("before_id", before),
        )  # fmt: skip
        self._table(
            "org", _id(), sa.Column("parent_id", sa.Integer), _reference("region_id"),
            sa.Column("head_id", sa.Integer), _text("name", 40), _text("kind", 10),
            sa.Column("budget", MONEY, nullable=False),
            sa.Column("opened", sa.Date, nullable=False), sa.Column("closed", sa.Date),
            sa.Column("rating", sa.Float),
            sa.CheckConstraint("kind IN ('branch', 'office', 'plant')"),
            sa.CheckConstraint("budget >= 0"), sa.CheckConstraint("closed >= opened"),
            self._key("parent_id", "org"), self._key("region_id", "region"),
            self._key("head_id", "person", use_alter=True, name=f"{self.own}head"),
        )  # fmt: skip
        self._table(
            "person", _id(), _reference("org_id"), _text("first_name", 30), _text("last_name", 30),
            _text("email", 80, unique=True), sa.Column("birth_date", sa.Date),
            sa.Column("salary", MONEY, nullable=False), sa.Column("hired_at", sa.DateTime),
            sa.Column("active", sa.Boolean, nullable=False), sa.Column("mentor_id", sa.Integer),
            sa.CheckConstraint("salary > 0"), self._key("org_id", "org"),
            self._key("mentor_id", "person"),
        )  # fmt: skip

    def _goods(self) -> None:
        self._table(
            "product", _id(), sa.Column("region_id", sa.Integer), _text("sku", 12, unique=True),
            _text("title", 60), _text("colour", 10), sa.Column("price", MONEY, nullable=False),
            sa.Column("cost", MONEY, nullable=False), sa.Column("weight", sa.Float),
            sa.Column("stock", sa.Integer, nullable=False), sa.Column("launched", sa.Date),
            sa.CheckConstraint("price > 0"), sa.CheckConstraint("cost <= price"),
            self._key("region_id", "region"),
        )  # fmt: skip
        self._table(
            "tag", _id(), _text("label", 20, unique=True), _text("colour", 10),
            sa.Column("weight", sa.SmallInteger), sa.Column("created", sa.Date),
            sa.Column("system", sa.Boolean, nullable=False), sa.Column("score", sa.Float),
            sa.Column("uses", sa.Integer), sa.Column("note", sa.String(60)),
            sa.Column("position", sa.Integer, nullable=False),
        )  # fmt: skip
        self._table(
            "product_tag", _reference("product_id"), _reference("tag_id"),
            sa.Column("added_at", sa.DateTime, nullable=False), sa.Column("added_by", sa.Integer),
            sa.Column("strength", sa.Float), _text("source", 10),
            sa.Column("automatic", sa.Boolean, nullable=False),
            sa.Column("votes", sa.Integer, nullable=False), sa.Column("note", sa.String(60)),
            sa.Column("position", sa.SmallInteger), sa.PrimaryKeyConstraint("product_id", "tag_id"),
            sa.CheckConstraint("votes >= 0"), self._key("product_id", "product"),
            self._key("tag_id", "tag"), self._key("added_by", "person"),
        )  # fmt: skip

    def _trade(self) -> None:
        self._table(
            "orders", _id(), _reference("person_id"), _reference("org_id"), _text("status", 8),
            sa.Column("ordered_at", sa.DateTime, nullable=False),
            sa.Column("shipped_at", sa.DateTime), sa.Column("total", MONEY, nullable=False),
            sa.Column("discount", sa.Numeric(4, 2), nullable=False), _text("channel", 10),
            sa.Column("comment", sa.String(80)),
            sa.CheckConstraint("status IN ('draft', 'open', 'paid', 'void')"),
            sa.CheckConstraint("shipped_at >= ordered_at"),
            sa.CheckConstraint("discount BETWEEN 0 AND 1"),
            self._key("person_id", "person"), self._key("org_id", "org"),
        )  # fmt: skip
        self._table(
            "order_line", _reference("order_id"), _reference("line_no"), _reference("product_id"),
            sa.Column("quantity", sa.Integer, nullable=False),
            sa.Column("unit_price", MONEY, nullable=False),
            sa.Column("amount", MONEY, nullable=False), sa.Column("gift", sa.Boolean),
            sa.Column("note", sa.String(60)), sa.Column("picked_at", sa.DateTime),
            _text("warehouse", 10), sa.PrimaryKeyConstraint("order_id", "line_no"),
            sa.CheckConstraint("quantity > 0"), self._key("order_id", "orders"),
            self._key("product_id", "product"),
        )  # fmt: skip

    def _records(self) -> None:
        self._table(
            "shipment", _id(), _reference("order_id"), _reference("line_no"), _text("carrier", 10),
            _text("tracking", 20, unique=True), sa.Column("sent", sa.Date, nullable=False),
            sa.Column("arrived", sa.Date), sa.Column("weight", sa.Float),
            sa.Column("cost", MONEY, nullable=False), _text("status", 8),
            sa.CheckConstraint("arrived >= sent"),
            self._key("order_id line_no", "order_line", "order_id line_no"),
        )  # fmt: skip
        self._table(
            "event", _id(), _reference("person_id"), sa.Column("shipment_id", sa.Integer),
            _reference("region_id"), sa.Column("happened_at", sa.DateTime, nullable=False),
            _text("kind", 10), sa.Column("severity", sa.SmallInteger, nullable=False),
            sa.Column("duration", sa.Float), sa.Column("payload", sa.Text),
            sa.Column("error", sa.Boolean, nullable=False),
            sa.CheckConstraint("severity BETWEEN 0 AND 4"), self._key("person_id", "person"),
            self._key("shipment_id", "shipment"), self._key("region_id", "region"),
        )  # fmt: skip


def _id() -> Any:
    return sa.Column("id", sa.Integer, primary_key=True, autoincrement=False)


def _reference(name: str) -> Any:
    return sa.Column(name, sa.Integer, nullable=False, autoincrement=False)


def _text(name: str, length: int, **options: Any) -> Any:
    return sa.Column(name, sa.String(length), nullable=False, **options)


def fill(engine: sa.Engine, metadata: sa.MetaData, seed: int = 1) -> int:
    """Create the tables and insert some 1,500 rows for each department; return their number."""
    metadata.create_all(engine)
    tables = {table.name: table for table in metadata.tables.values()}
    total = 0
    with engine.begin() as connection:
        for number in range(len(tables) // TABLES):
            own, rng = f"d{number:02d}_", np.random.default_rng([seed, number])
            for name, rows in _rows(rng).items():
                table = tables[own + name]
                connection.execute(table.insert(), rows)
                total += len(rows)
            org = tables[own + "org"]
            heads = [
                {"org": i, "head": int(rng.integers(1, SIZES["person"] + 1))}
                for i in range(1, SIZES["org"] + 1, 2)
            ]
            connection.execute(
                org.update()
                .where(org.c.id == sa.bindparam("org"))
                .values(head_id=sa.bindparam("head")),
                heads,
            )
    return total


def _rows(rng: np.random.Generator) -> dict[str, Rows]:
    """Return the rows of a department's tables, parents first."""
    draw = _Draw(rng)
    rows: dict[str, Rows] = {
        "region": [{
            "id": i, "code": f"R{i:04d}", "name": f"{draw.one(COLOURS)} {draw.one(STATES)} {i}",
            "area": draw.money(10, 900), "population": draw.number(1_000, 90_000),
            "founded": draw.day(), "coastal": draw.chance(0.4),
            "timezone": draw.one(("UTC", "CET", "EST")), "grade": draw.number(1, 6),
            "before_id": i - 1 if i > 1 and draw.chance(0.8) else None,
        } for i in _ids("region")],
        "org": [{
            "id": i, "parent_id": draw.number(1, i) if i > 4 else None,
            "region_id": draw.key("region"), "head_id": None, "name": f"Unit {i}",
            "kind": draw.one(("branch", "office", "plant")), "budget": draw.money(0, 90_000),
            "opened": (opened := draw.day()),
            "closed": opened + timedelta(draw.number(0, 900)) if draw.chance(0.3) else None,
            "rating": float(rng.normal(3, 1)),
        } for i in _ids("org")],
        "person": [{
            "id": i, "org_id": draw.key("org"), "first_name": draw.one(("Ada", "Ben", "Eva")),
            "last_name": draw.one(("Adler", "Baker", "Cohen", "Diaz", "Evans")),
            "email": f"user{i}@shop{draw.number(1, 9)}.com", "birth_date": draw.day(-15_000),
            "salary": draw.money(1_000, 9_000), "hired_at": draw.moment(),
            "active": draw.chance(0.8),
            "mentor_id": draw.number(1, i) if i > 9 and draw.chance(0.5) else None,
        } for i in _ids("person")],
    }  # fmt: skip
    rows.update(_goods(draw))
    rows.update(_trade(draw, rows))
    return rows


def _goods(draw: _Draw) -> dict[str, Rows]:
    pairs = draw.rng.permutation(SIZES["product"] * SIZES["tag"])[: SIZES["product_tag"]]
    return {
        "product": [{
            "id": i, "region_id": draw.key("region") if draw.chance(0.7) else None,
            "sku": f"{draw.one(COLOURS)[:2].upper()}-{i:05d}", "title": f"{draw.one(COLOURS)} item",
            "colour": draw.one(COLOURS), "price": (price := draw.money(5, 500)),
            "cost": (price * Decimal("0.6")).quantize(Decimal("0.01")),
            "weight": float(draw.rng.gamma(2, 2)), "stock": draw.number(0, 400),
            "launched": draw.day(),
        } for i in _ids("product")],
        "tag": [{
            "id": i, "label": f"tag {i}", "colour": draw.one(COLOURS), "weight": draw.number(0, 9),
            "created": draw.day(), "system": draw.chance(0.2), "score": float(draw.rng.random()),
            "uses": draw.number(0, 900), "note": draw.note(), "position": i,
        } for i in _ids("tag")],
        "product_tag": [{
            "product_id": int(pair) // SIZES["tag"] + 1, "tag_id": int(pair) % SIZES["tag"] + 1,
            "added_at": draw.moment(), "added_by": draw.key("person") if draw.chance(0.8) else None,
            "strength": float(draw.rng.random()), "source": draw.one(("user", "rule", "import")),
            "automatic": draw.chance(0.5), "votes": draw.number(0, 40), "note": draw.note(),
            "position": draw.number(0, 6),
        } for pair in pairs],
    }  # fmt: skip


def _trade(draw: _Draw, rows: dict[str, Rows]) -> dict[str, Rows]:
    orders: Rows = [{
        "id": i, "person_id": draw.key("person"), "org_id": draw.key("org"),
        "status": draw.one(STATES), "ordered_at": (at := draw.moment()),
        "shipped_at": at + timedelta(hours=draw.number(1, 99)) if draw.chance(0.7) else None,
        "total": Decimal(0), "discount": Decimal(draw.number(0, 30)) / 100,
        "channel": draw.one(("web", "shop", "phone")), "comment": draw.note(),
    } for i in _ids("orders")]  # fmt: skip
    prices = {row["id"]: row["price"] for row in rows["product"]}
    lines: Rows = []
    for place in range(SIZES["order_line"]):
        order, product = orders[place * 2 // 3], draw.key("product")
        quantity = draw.number(1, 9)
        lines.append({
            "order_id": order["id"], "line_no": 1 + (place % 3 == 1), "product_id": product,
            "quantity": quantity, "unit_price": prices[product],
            "amount": quantity * prices[product], "gift": draw.chance(0.1), "note": draw.note(),
            "picked_at": order["ordered_at"] + timedelta(minutes=draw.number(5, 900)),
            "warehouse": draw.one(("north", "south", "west")),
        })  # fmt: skip
        order["total"] += lines[-1]["amount"]
    return {
        "orders": orders,
        "order_line": lines,
        "shipment": [{
            "id": i, **{c: lines[i - 1][c] for c in ("order_id", "line_no")},
            "carrier": draw.one(("post", "van", "bike")),
            "tracking": f"T{draw.number(10, 99)}-{i:06d}", "sent": (sent := draw.day()),
            "arrived": sent + timedelta(draw.number(0, 9)) if draw.chance(0.9) else None,
            "weight": float(draw.rng.gamma(2, 3)), "cost": draw.money(2, 40),
            "status": draw.one(STATES),
        } for i in _ids("shipment")],
        "event": [{
            "id": i, "person_id": draw.key("person"),
            "shipment_id": draw.key("shipment") if draw.chance(0.5) else None,
            "region_id": draw.key("region"), "happened_at": draw.moment(),
            "kind": draw.one(("login", "view", "scan", "fault")), "severity": draw.number(0, 5),
            "duration": float(draw.rng.exponential(20)),
            "payload": f'{{"step": {draw.number(1, 9)}}}' if draw.chance(0.6) else None,
            "error": draw.chance(0.1),
        } for i in _ids("event")],
    }  # fmt: skip


def _ids(table: str) -> Iterator[int]:
    return iter(range(1, SIZES[table] + 1))


class _Draw:
    """Values of the usual kinds."""

    def __init__(self, rng: np.random.Generator) -> None:
        self.rng = rng

    def number(self, low: int, high: int) -> int:
        return int(self.rng.integers(low, high))

    def key(self, table: str) -> int:
        return 1 + int(SIZES[table] * self.rng.random() ** 1.5)

    def chance(self, share: float) -> bool:
        return bool(self.rng.random() < share)

    def one(self, values: tuple[str, ...]) -> str:
        return values[int(len(values) * self.rng.random() ** 1.5)]

    def money(self, low: int, high: int) -> Decimal:
        return Decimal(self.number(low * 100, high * 100)) / 100

    def day(self, start: int = 0) -> date:
        return DAY + timedelta(start + self.number(0, 1_800))

    def moment(self) -> datetime:
        return FIRST + timedelta(seconds=self.number(0, 150_000_000))

    def note(self) -> Optional[str]:
        return f"{self.one(STATES)} by {self.one(COLOURS)}" if self.chance(0.4) else None
