"""Two schemas compared by SQL on the full tables, independently of SynthoHive's own metrics."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import Any, Optional

from sqlalchemy import Connection, column, func, inspect, select, table, text

Histogram = dict[Any, int]
ORDERED = (int, float, Decimal, date, datetime, time, timedelta)
# A text column of which more than this share is distinct is made-up text, not a category.
FREE_TEXT = 0.2


@dataclass(frozen=True)
class Side:
    """One schema through one connection."""

    connection: Connection
    schema: Optional[str]

    def quoted(self, *names: str) -> str:
        """Quote column names, joined by commas."""
        quote = self.connection.dialect.identifier_preparer.quote_identifier
        return ", ".join(quote(name) for name in names)

    def table(self, name: str) -> str:
        """Quote a table's name with its schema."""
        return (
            f"{self.quoted(self.schema)}.{self.quoted(name)}" if self.schema else self.quoted(name)
        )

    def rows(self, sql: str) -> Sequence[Any]:
        """Run a query."""
        return self.connection.execute(text(sql)).all()

    def number(self, sql: str) -> int:
        """Run a query for one number."""
        return int(self.connection.execute(text(sql)).scalar_one())


def count_rows(side: Side, table: str) -> int:
    """Count the rows of a table."""
    return side.number(f"SELECT count(*) FROM {side.table(table)}")


def count_constraints(side: Side) -> dict[str, int]:
    """Count keys, constraints and indexes of a schema."""
    inspector = inspect(side.connection)
    checks = inspector.get_multi_check_constraints(schema=side.schema)
    keys = inspector.get_multi_pk_constraint(schema=side.schema)
    own = {name for name in keys if not name[1].startswith("_synthohive")}

    def total(found: dict[Any, list[Any]]) -> int:
        return sum(len(items) for name, items in found.items() if name in own)

    return {
        "primary keys": sum(bool(keys[name]["constrained_columns"]) for name in own),
        "foreign keys": total(inspector.get_multi_foreign_keys(schema=side.schema)),
        "unique": total(inspector.get_multi_unique_constraints(schema=side.schema)),
        "checks": total(checks),
        "indexes": total(inspector.get_multi_indexes(schema=side.schema)),
    }


def column_types(side: Side, table: str) -> list[tuple[Any, ...]]:
    """Return what the database itself says of each column of a table."""
    if side.connection.dialect.name == "sqlite":
        return [tuple(row)[1:] for row in side.rows(f"PRAGMA table_info({side.quoted(table)})")]
    query = text(
        "SELECT column_name, data_type, character_maximum_length, numeric_precision,"
        " numeric_scale, datetime_precision, is_nullable, column_default"
        " FROM information_schema.columns WHERE table_schema = :schema AND table_name = :table"
        " ORDER BY ordinal_position"
    )
    found = side.connection.execute(query, {"schema": side.schema, "table": table})
    return [tuple(row) for row in found]


def orphans(side: Side, child: str, key: Any) -> int:
    """Count child rows whose key is not NULL and leads to no parent."""
    columns, parent_columns = key["constrained_columns"], key["referred_columns"]
    joined = " AND ".join(
        f"c.{side.quoted(a)} = p.{side.quoted(b)}" for a, b in zip(columns, parent_columns)
    )
    present = " AND ".join(f"c.{side.quoted(a)} IS NOT NULL" for a in columns)
    return side.number(
        f"SELECT count(*) FROM {side.table(child)} c WHERE {present} AND NOT EXISTS"
        f" (SELECT 1 FROM {side.table(key['referred_table'])} p WHERE {joined})"
    )


def fan_out(side: Side, child: str, key: Any) -> Histogram:
    """Return how many parents have how many children, those without included."""
    columns, parent_columns = key["constrained_columns"], key["referred_columns"]
    joined = " AND ".join(
        f"c.{side.quoted(a)} = p.{side.quoted(b)}" for a, b in zip(columns, parent_columns)
    )
    grouped = ", ".join(f"p.{side.quoted(b)}" for b in parent_columns)
    found = side.rows(
        f"SELECT n, count(*) FROM (SELECT count(c.{side.quoted(columns[0])}) AS n"
        f" FROM {side.table(key['referred_table'])} p LEFT JOIN {side.table(child)} c ON {joined}"
        f" GROUP BY {grouped}) counted GROUP BY n"
    )
    return {int(value): int(count) for value, count in found}


def histogram(side: Side, table_name: str, name: str, kind: Any) -> Histogram:
    """Count every value of a column; `kind` is its SQLAlchemy type."""
    counted = column(name, kind)
    query = select(counted, func.count()).select_from(table(table_name, schema=side.schema))
    found: Histogram = {}
    for value, count in side.connection.execute(query.group_by(counted)):
        key = value if value is None or isinstance(value, (str, bytes, *ORDERED)) else str(value)
        found[key] = found.get(key, 0) + int(count)
    return found


def column_distance(real: Histogram, synthetic: Histogram) -> Optional[float]:
    """Return KS (ordered values) or TVD (others), and no less than the NULLs' difference.

    None for free text and other values that are made up, not learned.
    """
    real, synthetic = dict(real), dict(synthetic)
    total, other = sum(real.values()), sum(synthetic.values())
    if not total or not other:
        return 0.0 if total == other else 1.0
    nulls = abs(real.pop(None, 0) / total - synthetic.pop(None, 0) / other)
    if not real or not synthetic:
        return max(nulls, float(bool(real) != bool(synthetic)))
    if all(isinstance(value, ORDERED) for value in (*real, *synthetic)):
        return max(nulls, ks_distance(real, synthetic))
    if len(real) > FREE_TEXT * total and len(real) > 50:
        return None
    return max(nulls, total_variation(real, synthetic))


def ks_distance(real: Histogram, synthetic: Histogram) -> float:
    """Return the two-sample Kolmogorov-Smirnov statistic of two histograms."""
    total, other = sum(real.values()), sum(synthetic.values())
    gap, a, b = 0.0, 0, 0
    for value in sorted({*real, *synthetic}):
        a += real.get(value, 0)
        b += synthetic.get(value, 0)
        gap = max(gap, abs(a / total - b / other))
    return gap


def total_variation(real: Histogram, synthetic: Histogram) -> float:
    """Return half the sum of absolute differences of the shares."""
    total, other = sum(real.values()), sum(synthetic.values())
    values = {*real, *synthetic}
    return 0.5 * sum(abs(real.get(v, 0) / total - synthetic.get(v, 0) / other) for v in values)
