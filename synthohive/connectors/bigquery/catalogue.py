"""What ``INFORMATION_SCHEMA`` tells of a dataset, in the form of SQLAlchemy's Inspector.

The Inspector of the SQLAlchemy dialect knows no keys, and takes the fields of a STRUCT for columns.
"""

from __future__ import annotations

import ast
import json
from collections import defaultdict
from collections.abc import Callable, Collection, Sequence
from functools import cached_property
from typing import Any, Optional

from google.cloud import bigquery
from sqlalchemy import types as sa
from sqlalchemy.engine import Connection

from synthohive.connectors.bigquery.service import (
    client_of,
    default_dataset,
    labelled,
    saying,
)
from synthohive.connectors.bigquery.spelling import SPELLING, literal, quote
from synthohive.connectors.bigquery.types import describe
from synthohive.connectors.dialect import ByTable, OwnCatalogue, by_table
from synthohive.ddl.statements import SchemaDdl, SchemaObject, Statement, keys_of
from synthohive.schema import Column, ColumnKind, Metadata, TableConfig

__all__ = ["BigqueryCatalogue"]

_ROWS = ("BASE TABLE", "CLONE")
"""Kinds of tables whose rows are its own; others are listed by :meth:`not_cloned`."""
_KEPT = ("friendly_name", "labels", "kms_key_name", "default_rounding_mode")
"""Options of a table that its copy has; expiry and filters would stand in the loader's way."""
_LISTED = {
    "VIEW": "views",
    "MATERIALIZED VIEW": "materialised views",
    "EXTERNAL": "external tables",
    "SNAPSHOT": "snapshots",
}


class BigqueryCatalogue(OwnCatalogue):
    """The methods of SQLAlchemy's Inspector that reflection calls."""

    def __init__(self, connection: Connection, quote: Callable[..., str]) -> None:
        super().__init__(connection, quote)
        self._read: dict[tuple[str, str], list[dict[str, Any]]] = {}

    @cached_property
    def default_schema_name(self) -> Optional[str]:
        """The dataset of the URL, or of the client."""
        return default_dataset(self.connection)

    def plain(self, sql: str) -> Any:
        """See the base class; the driver reads two percent signs as one."""
        return labelled(self.connection).exec_driver_sql(sql.replace("%", "%%"))

    def view(self, schema: str, name: str) -> list[dict[str, Any]]:
        """Return the rows of a view of ``INFORMATION_SCHEMA``, by the names of their columns.

        All of its columns: which ones there are changes, and what is missing is read as None.
        """
        if (schema, name) not in self._read:
            found = self.plain(f"SELECT * FROM {quote(schema)}.INFORMATION_SCHEMA.{name}")
            self._read[schema, name] = [dict(row) for row in found.mappings()]
        return self._read[schema, name]

    def identity(self, schema: Optional[str]) -> tuple[tuple[Any, ...], ...]:
        """See the base class: project and dataset; two projects never have one name."""
        place = schema or self.default_schema_name
        project = getattr(self.connection.dialect, "project_id", None)
        return (("bigquery", project or client_of(self.connection).project, place),)

    def get_schema_names(self) -> list[str]:
        """Return the datasets of the project."""
        client = client_of(self.connection)
        project = getattr(self.connection.dialect, "project_id", None)
        with saying("its datasets were listed"):
            return [str(each.dataset_id) for each in client.list_datasets(project)]

    def get_table_names(self, schema: str) -> list[str]:
        """Return the tables that hold rows of their own."""
        rows = self.view(schema, "TABLES")
        return [r["table_name"] for r in rows if r["table_type"] in _ROWS]

    def _columns(self, schema: str) -> list[dict[str, Any]]:
        rows = self.view(schema, "COLUMNS")
        seen = [r for r in rows if r.get("is_hidden") != "YES"]
        return sorted(seen, key=lambda r: (r["table_name"], r["ordinal_position"] or 0))

    def get_multi_columns(self, schema: str, **_: Any) -> ByTable:
        """Return columns by table; :meth:`amend` adds their types."""
        notes = {
            (r["table_name"], r["field_path"]): r.get("description")
            for r in self.view(schema, "COLUMN_FIELD_PATHS")
        }

        def described(row: dict[str, Any]) -> dict[str, Any]:
            default, computed = row.get("column_default"), row.get("generation_expression")
            return {
                "name": row["column_name"],
                # an array is never NULL, whatever the catalogue says of its column
                "nullable": row["is_nullable"] == "YES" and not _is_array(row["data_type"]),
                "type": sa.NullType(),
                "default": None if default in (None, "NULL") else default,
                "computed": {"sqltext": computed} if computed else None,
                "comment": notes.get((row["table_name"], row["column_name"])),
            }

        return by_table(schema, ((r["table_name"], described(r)) for r in self._columns(schema)))

    def _keys(self, schema: str, kind: str) -> dict[tuple[str, str], list[dict[str, Any]]]:
        """Return the columns of a kind of keys, in order, by table and full name of the key."""
        names = {
            (r["table_name"], r["constraint_name"])
            for r in self.view(schema, "TABLE_CONSTRAINTS")
            if r["constraint_type"] == kind
        }
        found: dict[tuple[str, str], list[dict[str, Any]]] = defaultdict(list)
        for row in self.view(schema, "KEY_COLUMN_USAGE"):
            if (row["table_name"], row["constraint_name"]) in names:
                found[row["table_name"], row["constraint_name"]].append(row)
        for rows in found.values():
            rows.sort(key=lambda r: r["ordinal_position"])
        return dict(sorted(found.items()))

    def get_multi_pk_constraint(self, schema: str, **_: Any) -> dict[tuple[str, str], Any]:
        """Return primary keys by table."""
        return {
            (schema, table): {"name": None, "constrained_columns": [r["column_name"] for r in rows]}
            for (table, _name), rows in self._keys(schema, "PRIMARY KEY").items()
        }

    def get_multi_foreign_keys(self, schema: str, **_: Any) -> ByTable:
        """Return foreign keys by table.

        ``CONSTRAINT_COLUMN_USAGE`` tells where a key leads, without an order of the columns; the
        place in the parent's primary key does.
        """
        ends: dict[str, list[dict[str, Any]]] = defaultdict(list)
        for row in self.view(schema, "CONSTRAINT_COLUMN_USAGE"):
            ends[row["constraint_name"]].append(row)
        pks = self.get_multi_pk_constraint(schema)

        def described(table: str, name: str, rows: list[dict[str, Any]]) -> dict[str, Any]:
            end = ends[name][0]
            at, parents = (end["table_schema"], end["table_name"]), ends[name]
            whole = pks.get(at, {}).get("constrained_columns", [])
            columns = [r["column_name"] for r in parents]
            if set(whole) == set(columns) and len(whole) == len(rows):
                columns = [whole[(r["position_in_unique_constraint"] or 1) - 1] for r in rows]
            own = name[len(table) + 1 :] if name.startswith(f"{table}.") else name
            return {
                "name": None if own.startswith("fk$") else own,
                "constrained_columns": [r["column_name"] for r in rows],
                "referred_table": at[1],
                "referred_schema": at[0],
                "referred_columns": columns,
            }

        keys = self._keys(schema, "FOREIGN KEY").items()
        return by_table(schema, ((t, described(t, n, rows)) for (t, n), rows in keys))

    def _options(self, schema: str) -> dict[str, dict[str, str]]:
        """Return the options of each table, as SQL."""
        found: dict[str, dict[str, str]] = defaultdict(dict)
        for row in self.view(schema, "TABLE_OPTIONS"):
            found[row["table_name"]][row["option_name"]] = row["option_value"]
        return found

    def get_multi_table_comment(self, schema: str, **_: Any) -> dict[tuple[str, str], Any]:
        """Return descriptions by table."""
        return {
            (schema, table): {"text": _text(options.get("description"))}
            for table, options in self._options(schema).items()
        }

    def amend(self, metadata: Metadata) -> None:
        """Describe the columns' types, and take policy tags for hints at personal data."""
        schema = str(metadata.schema_name)
        for row in self._columns(schema):
            config = metadata.tables.get(row["table_name"])
            if config is not None and row["column_name"] in config.columns:
                describe(config.columns[row["column_name"]], row["data_type"])
        for config in metadata.tables.values():
            self._measure(self.quote(schema, config.name), list(config.columns.values()))
        for row in self.view(schema, "COLUMN_FIELD_PATHS"):
            config = metadata.tables.get(row["table_name"])
            if config is not None and row.get("policy_tags"):
                config.pii_cols = list(
                    dict.fromkeys([*(config.pii_cols or ()), row["column_name"]])
                )

    def _measure(self, place: str, columns: Sequence[Column]) -> None:
        """See how many digits decimals without declared ones have, and whether shapes are points.

        A BIGNUMERIC has up to 38 digits before the point and 38 behind; 128 bits take 38 in all.
        """
        wide = [c for c in columns if c.sql_type == "BIGNUMERIC"]
        shapes = [c for c in columns if c.sql_type == "GEOGRAPHY"]
        if not wide and not shapes:
            return
        asked = []
        for c in wide:
            text = f"CAST({quote(c.name)} AS STRING)"
            asked += [f"MAX(LENGTH(REGEXP_EXTRACT({text}, r'^-?([0-9]+)')))",
                      f"MAX(LENGTH(REGEXP_EXTRACT({text}, r'[.]([0-9]*[1-9])0*$')))"]  # fmt: skip
        for c in shapes:
            asked += [f"COUNT({quote(c.name)})",
                      f"COUNTIF(ST_ASTEXT({quote(c.name)}) LIKE 'POINT%(%')"]  # fmt: skip
        found = [int(n or 0) for n in self.plain(f"SELECT {', '.join(asked)} FROM {place}").one()]
        pairs = list(zip(found[::2], found[1::2]))
        for c, (before, behind) in zip(wide, pairs):
            if before + behind > 38:
                c.kind = ColumnKind.UNSUPPORTED
                c.sql_type = "BIGNUMERIC with values of over 38 digits"
            else:
                c.precision, c.scale = 38, max(behind, min(9, 38 - before))
        for c, (filled, points) in zip(shapes, pairs[len(wide) :]):
            if filled and filled == points:
                c.kind = ColumnKind.POINT

    def clone(self, metadata: Metadata, schema: str, beside: Sequence[str]) -> Optional[SchemaDdl]:
        """See the base class; keys follow the rows, since no copy job need bring them."""
        there: dict[str, set[str]] = defaultdict(set)
        for row in self._columns(schema):
            there[row["table_name"]].add(row["column_name"])
        if any(there.get(n) != set(t.columns) for n, t in metadata.tables.items()):
            return None
        client, options = client_of(self.connection), self._options(schema)
        project = getattr(self.connection.dialect, "project_id", None) or client.project
        tables: dict[str, tuple[Statement, ...]] = {}
        for name, config in metadata.tables.items():
            with saying(f"table {name!r} was described"):
                real = client.get_table(f"{project}.{schema}.{name}")
            sql = _create(config, real, options[name])
            tables[name] = (Statement(sql, name, f"table {name!r}"),)
        parts = [keys_of(config, SPELLING) for config in metadata.tables.values()]
        keys = [key for side in zip(*parts) for part in side for key in part]
        return SchemaDdl(tables, keys=tuple(keys))

    def objects(
        self, schema: str, tables: Collection[str], beside: Sequence[str]
    ) -> list[SchemaObject]:
        """See the base class: views only; the writer moves the names in their texts."""
        notes = self._options(schema)
        return [
            SchemaObject(
                "views", r["table_name"], r["view_definition"],
                comment=_text(notes[r["table_name"]].get("description")) or "",
            )
            for r in self.view(schema, "VIEWS")
        ]  # fmt: skip

    def not_cloned(self, schema: str, tables: Collection[str]) -> dict[str, tuple[str, ...]]:
        """See the base class."""
        found: dict[str, list[str]] = defaultdict(list)
        for row in self.view(schema, "TABLES"):
            if row["table_type"] in _LISTED:
                found[_LISTED[row["table_type"]]].append(row["table_name"])
        for row in self.view(schema, "ROUTINES"):
            found["functions and procedures"].append(row["routine_name"])
        for row in self.view(schema, "COLUMN_FIELD_PATHS"):
            if row.get("policy_tags") and row["table_name"] in tables:
                found["policy tags"].append(f"{row['table_name']}.{row['field_path']}")
        for table, options in self._options(schema).items():
            left = {"expiration_timestamp", "partition_expiration_days", "require_partition_filter"}
            if table in tables and left & options.keys():
                found["expiry and partition filters"].append(table)
        return {kind: tuple(names) for kind, names in found.items()}


def _is_array(type_: str) -> bool:
    return type_.upper().startswith("ARRAY<")


def _text(option: Optional[str]) -> Optional[str]:
    r"""Return the text of an option, which the catalogue has as a literal of SQL.

    Examples
    --------
    >>> _text('"what \\"is\\" sold"')
    'what "is" sold'
    """
    if option is None:
        return None
    try:
        return str(json.loads(option))
    except ValueError:
        return str(ast.literal_eval(option))


def _create(config: TableConfig, real: bigquery.Table, options: dict[str, str]) -> str:
    """Return the statement that makes a table, its partitions and clusters with it."""
    lines = []
    for column in config.columns.values():
        parts = [quote(column.name), str(column.sql_type).partition(" with values")[0]]
        default = SPELLING.empty_value(parts[1]) if column.filled else column.default
        if default is not None:
            parts.append(f"DEFAULT {default}")
        if not column.nullable and not _is_array(parts[1]):
            parts.append("NOT NULL")
        if column.comment:
            parts.append(SPELLING.described_by(column.comment))
        lines.append(" ".join(parts))
    body = ",\n  ".join(lines)
    sql = f"CREATE TABLE {quote(config.name)} (\n  {body}\n)"
    if partitions := _partitions(config, real):
        sql += f"\nPARTITION BY {partitions}"
    if real.clustering_fields:
        sql += f"\nCLUSTER BY {', '.join(map(quote, real.clustering_fields))}"
    kept = [f"{name} = {options[name]}" for name in _KEPT if name in options]
    kept += [f"description = {literal(config.comment)}"] if config.comment else []
    return f"{sql}\nOPTIONS ({', '.join(kept)})" if kept else sql


def _partitions(config: TableConfig, real: bigquery.Table) -> str:
    """Return what a table is partitioned by, as CREATE TABLE has it; nothing if it is not."""
    by_range, by_time = real.range_partitioning, real.time_partitioning
    if by_range is not None:
        bounds = by_range.range_
        series = f"GENERATE_ARRAY({bounds.start}, {bounds.end}, {bounds.interval})"
        return f"RANGE_BUCKET({quote(by_range.field)}, {series})"
    if by_time is None:
        return ""
    if by_time.field is None:  # by the moment of loading
        day = by_time.type_ == "DAY"
        return "_PARTITIONDATE" if day else f"TIMESTAMP_TRUNC(_PARTITIONTIME, {by_time.type_})"
    column, name = config.columns.get(by_time.field), quote(by_time.field)
    type_ = (column.sql_type or "" if column else "").upper()
    if type_ == "DATE":
        return name if by_time.type_ == "DAY" else f"DATE_TRUNC({name}, {by_time.type_})"
    return f"{type_ or 'TIMESTAMP'}_TRUNC({name}, {by_time.type_})"
