"""The one description that every other part reads.

:class:`Metadata` comes from ``Metadata.from_database(url)``, from a JSON or YAML file, or is
written by hand with :meth:`Metadata.add_table`; it holds no row and no credential.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Optional, Union

from pydantic import Field, ValidationError

from synthohive import _arguments as arguments
from synthohive._display import counted, html_table, listed
from synthohive._files import check_replaceable, write_whole
from synthohive._signals import terminable
from synthohive._yaml import read_yaml
from synthohive.exceptions import SchemaError, SchemaValidationError
from synthohive.schema.checks import data_problems, schema_problems
from synthohive.schema.columns import Strict, problems_of
from synthohive.schema.tables import ForeignKey, TableConfig, foreign_keys

if TYPE_CHECKING:
    from sqlalchemy.engine import URL, Engine

__all__ = ["FORMAT_VERSION", "OUTSIDE_KEYS", "Metadata"]

FORMAT_VERSION = 1
OUTSIDE_KEYS = ("error", "include", "drop")


class Metadata(Strict):
    """The tables of one schema and their keys.

    Parameters
    ----------
    tables : dict of str to TableConfig
        By their names, in the order in which they are shown.
    schema_name : str, optional
        Of a single schema; where several are described, each table tells its own.
    dialect : str, optional
        The engine in whose SQL types, defaults and CHECKs are; PostgreSQL's if None.
    version : int
        Of the format in which descriptions are written.

    Examples
    --------
    >>> meta = Metadata()
    >>> meta = meta.add_table("customers", "id").add_table(
    ...     "orders", "id", fk={"customer_id": "customers.id"})
    >>> print(meta)
    Metadata: 2 tables, 1 foreign key
      customers  pk (id)
      orders     pk (id)  orders(customer_id) -> customers(id)
    >>> Metadata.from_json(meta.to_json()) == meta
    True
    """

    _or_else: ClassVar[str] = ", or Metadata.from_database(url)"
    tables: dict[str, TableConfig] = Field(default_factory=dict)
    schema_name: Optional[str] = None
    dialect: Optional[str] = None
    version: int = FORMAT_VERSION

    @classmethod
    @terminable
    def from_database(
        cls,
        url_or_engine: Union[str, URL, Engine],
        schema: Union[str, list[str], None] = None,
        **options: Any,
    ) -> Metadata:
        """Reflect a schema; see :func:`synthohive.connectors.reflection.reflect`."""
        from synthohive.connectors.reflection import reflect

        known = ("tables", "exclude", "outside_keys", "drop_outside_keys")
        arguments.known("from_database", options, known)
        for option in ("tables", "exclude"):
            arguments.names(option, options.get(option))
        arguments.choice("outside_keys", options.get("outside_keys", "error"), OUTSIDE_KEYS)
        arguments.flag("drop_outside_keys", options.get("drop_outside_keys", False))
        arguments.schemas("schema", schema)
        return reflect(url_or_engine, schema, **options)

    @classmethod
    @terminable
    def from_spark(cls, database: str, *, spark_session: Any, **options: Any) -> Metadata:
        """Describe the tables of a Spark database: Delta, Parquet, Hive's or Unity Catalog's.

        Unity Catalog has keys, which it declares and does not check. Elsewhere there are none:
        add them to what is returned.

        Parameters
        ----------
        database : str
            ``"db"``, or ``"catalog.db"``.
        spark_session : pyspark.sql.SparkSession
            Classic, or of Spark Connect.
        **options
            As of :meth:`from_database`.

        Raises
        ------
        SchemaError
            The name is none, or there is no such database, or no table in it.

        Examples
        --------
        >>> meta = Metadata.from_spark("main.shop", spark_session=spark)  # doctest: +SKIP
        >>> meta.tables["orders"].pk = ["id"]  # doctest: +SKIP
        """
        from synthohive.connectors.spark.engine import engine_of
        from synthohive.connectors.spark.names import parts_of
        from synthohive.connectors.spark.session import session_of

        parts_of(database, "database", 2)
        return cls.from_database(engine_of(session_of(spark_session)), database, **options)

    @property
    def schemas(self) -> list[str]:
        """The schemas of which tables are described, where these are several; else none."""
        named = [table.schema_name for table in self.tables.values()]
        return list(dict.fromkeys(name for name in named if name is not None))

    def of_schema(self, schema: str) -> Metadata:
        """Return one schema's part of several, under its tables' own names.

        Keys that lead to another schema are not in it.
        """
        mine = {n: t for n, t in self.tables.items() if t.schema_name == schema}
        tables = {}
        for table in mine.values():
            keys = [
                key.model_copy(update={"parent": mine[key.parent].own_name})
                for key in table.foreign_keys
                if key.parent in mine
            ]
            own = {"name": table.own_name, "schema_name": None, "foreign_keys": keys}
            tables[table.own_name] = table.model_copy(update=own)
        return Metadata(tables=tables, schema_name=schema, dialect=self.dialect)

    def add_table(
        self, name: str, pk: Union[str, list[str], None] = None, **config: Any
    ) -> Metadata:
        """Add or replace a table; return self, so that calls chain.

        Raises
        ------
        SchemaError
            A field of the table is unknown or malformed.
        """
        name = arguments.name_of("name", name)
        try:
            self.tables[name] = TableConfig(name=name, pk=[] if pk is None else pk, **config)
        except SchemaError as exc:
            raise SchemaError(
                f"Table {name!r} is not described correctly: {exc.message}", hint=exc.hint
            ) from exc
        return self

    def table(self, name: str) -> TableConfig:
        """Return one table's description.

        Raises
        ------
        SchemaError
            There is no such table.
        """
        if arguments.name_of("name", name) not in self.tables:
            raise SchemaError.unknown_table(name, self.tables)
        return self.tables[name]

    def exclude(self, *columns: str) -> Metadata:
        """Leave columns out, each named ``"table.column"``; return self, so that calls chain.

        They are neither read nor learned. The copy has them, holding their default, or NULL;
        what is GENERATED is left to the database. A foreign key over one is not followed.
        Deleting a column from a reflected description means the same.

        Raises
        ------
        SchemaError
            There is no such column, or it is part of the primary key.

        Examples
        --------
        >>> from synthohive import Column
        >>> meta = Metadata().add_table("film", "id", columns={
        ...     "id": Column(name="id", kind="integer"),
        ...     "fulltext": Column(name="fulltext", kind="unsupported", sql_type="tsvector")})
        >>> meta = meta.exclude("film.fulltext")
        >>> list(meta.table("film").columns), list(meta.table("film").stored)
        (['id', 'fulltext'], ['id'])
        """
        for named in columns:
            arguments.name_of("columns", named)
            table, column = self._split(named)
            if column in table.pk:
                raise SchemaError(
                    f"{named} is part of the primary key, which tells rows apart.",
                    hint=f"Exclude the table instead: exclude=[{table.name!r}].",
                )
            table.exclude(column)
        return self

    def _split(self, named: str) -> tuple[TableConfig, str]:
        """Find the table and column of ``"table.column"``; both names may hold dots."""
        cuts = [i for i, letter in enumerate(named) if letter == "."]
        found = [(self.tables[named[:i]], named[i + 1 :]) for i in cuts if named[:i] in self.tables]
        for table, column in found:
            if column in table.columns or not table.columns:
                return table, column
        if found:
            raise SchemaError.unknown_column(found[0][0].name, found[0][1], found[0][0].columns)
        if not cuts:
            raise SchemaError(f"{named!r} names no column.", hint="Write 'table.column'.")
        raise SchemaError.unknown_table(named[: cuts[-1]], self.tables)

    def foreign_keys(self) -> Iterator[tuple[str, ForeignKey]]:
        """Return ``(child table, key)`` in the order of the tables."""
        return foreign_keys(self.tables)

    def validate_schema(self, real_data: Optional[Mapping[str, Any]] = None) -> None:
        """Check everything that can be known before training.

        Parameters
        ----------
        real_data : dict of str to DataFrame or pyarrow.Table, optional
            Also checked against the keys: missing columns, repeated keys, orphans.

        Raises
        ------
        SchemaValidationError
            With *all* problems, foreign keys of mismatched types first.
        """
        problems = schema_problems(self.tables)
        if real_data is not None:
            arguments.mapping("real_data", real_data, "a dict of table names to DataFrames")
            problems += data_problems(self.tables, real_data)
        if problems:
            raise SchemaValidationError(problems)

    def to_json(self, path: Union[str, os.PathLike[str], None] = None) -> str:
        """Return the description as JSON, and write it to `path` if given.

        Another description there is replaced; any other file is not.
        """
        text = self.model_dump_json(indent=2, exclude_defaults=True)
        if path is not None:
            _write_description(arguments.path("path", path), text)
        return text

    def to_yaml(self, path: Union[str, os.PathLike[str], None] = None) -> str:
        """Return the description as YAML, and write it to `path` if given; see :meth:`to_json`."""
        import yaml

        text = yaml.safe_dump(json.loads(self.to_json()), sort_keys=False, allow_unicode=True)
        if path is not None:
            _write_description(arguments.path("path", path), text)
        return text

    @classmethod
    def from_json(cls, source: Union[str, os.PathLike[str]]) -> Metadata:
        """Read a description from JSON text, or from a file with it."""
        return cls._parse(_text_of(source, "{"))

    @classmethod
    def from_yaml(cls, source: Union[str, os.PathLike[str]]) -> Metadata:
        """Read a description from YAML text, or from a file with it."""
        return cls._parse(_text_of(source, "\n"))

    @classmethod
    def _parse(cls, text: str) -> Metadata:
        state = read_yaml(text)
        try:
            found = cls.model_validate(state)
        except ValidationError as exc:
            raise SchemaError(f"The metadata file cannot be read: {problems_of(exc)}.") from None
        except (ValueError, SchemaError) as exc:
            raise SchemaError(f"The metadata file cannot be read: {exc}") from exc
        if found.version != FORMAT_VERSION:
            raise SchemaError(
                f"The metadata file has version {found.version}; this version of SynthoHive reads "
                f"{FORMAT_VERSION}.",
                hint="Write it with this version: metadata.to_yaml().",
            )
        return found

    def __str__(self) -> str:
        width = max((len(name) for name in self.tables), default=0)
        lines = [f"Metadata: {self._size}"]
        for name, table in self.tables.items():
            parts = [f"  {name:<{width}}", f"pk ({', '.join(table.pk)})" if table.pk else "no pk"]
            if table.columns:
                parts.append(counted(len(table.columns), "column"))
            parts += [fk.label(name) for fk in table.foreign_keys]
            lines.append("  ".join(parts))
        return "\n".join(lines)

    def __repr__(self) -> str:
        return f"Metadata({self._size}: {listed(list(self.tables))})"

    def _repr_html_(self) -> str:
        rows = [
            [
                name,
                len(table.columns) or None,
                ", ".join(table.pk),
                "; ".join(fk.label(name) for fk in table.foreign_keys),
            ]
            for name, table in self.tables.items()
        ]
        head = ["Table", "Columns", "Primary key", "Foreign keys"]
        return html_table(f"Metadata: {self._size}", head, rows)

    @property
    def _size(self) -> str:
        keys = sum(len(table.foreign_keys) for table in self.tables.values())
        return f"{counted(len(self.tables), 'table')}, {counted(keys, 'foreign key')}"


def _write_description(path: Path, text: str) -> None:
    """Write a description, over another one at most.

    Raises
    ------
    ConnectorError
        Something else is there, or the file cannot be written.
    """
    check_replaceable(path, _describes, "replace")
    write_whole(path, text)


def _describes(path: Path) -> bool:
    try:
        Metadata.from_yaml(path)
    except SchemaError:
        return False
    return True


def _text_of(source: Union[str, os.PathLike[str]], mark: str) -> str:
    """Return `source` itself where it is text (it contains `mark`), else the file's text."""
    if isinstance(source, str) and mark in source:
        return source
    try:
        return arguments.path("source", source).read_text(encoding="utf-8")
    except OSError as exc:
        raise SchemaError(
            f"The metadata file {str(source)!r:.200} cannot be opened: {exc.strerror}."
        ) from exc
    except UnicodeDecodeError as exc:
        raise SchemaError(f"The metadata file {str(source)!r} is not UTF-8 text.") from exc
