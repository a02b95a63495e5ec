"""What SynthoHive knows about a database: tables, columns, keys, constraints, privacy.

:class:`Metadata` is the one description that every other part reads. It comes from
``Metadata.from_database(url)``, from a JSON or YAML file, or is written by hand with
:meth:`Metadata.add_table`; it holds no row and no credential.
"""

from __future__ import annotations

import json
import math
import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Literal, Optional, Union

from pydantic import Field, ValidationError, model_validator

from synthohive import _arguments as arguments
from synthohive._columns import Column, ColumnKind, Identity, Strict, problems_of
from synthohive._display import counted, html_table, listed
from synthohive._signals import terminable
from synthohive._yaml import read_yaml
from synthohive.exceptions import SchemaError, SchemaValidationError

if TYPE_CHECKING:
    import pyarrow as pa
    from sqlalchemy.engine import URL, Engine

__all__ = [
    "CheckConstraint",
    "Column",
    "ColumnKind",
    "Constraint",
    "ForeignKey",
    "Identity",
    "Index",
    "Metadata",
    "PrivacyConfig",
    "TableConfig",
    "UniqueConstraint",
]

FORMAT_VERSION = 1
OUTSIDE_KEYS = ("error", "include", "drop")


class ForeignKey(Strict):
    """A reference from `columns` of one table to `parent_columns` of `parent`.

    `no_parent` is what a key that is not declared holds where others are NULL: guests are the
    customer 0. It is read as NULL, and written again.

    Examples
    --------
    >>> ForeignKey(columns=["customer_id"], parent="customer", parent_columns=["id"], no_parent=0)
    ... # doctest: +ELLIPSIS
    ForeignKey(columns=['customer_id'], parent='customer', ...
    """

    columns: list[str] = Field(min_length=1)
    parent: str
    parent_columns: list[str] = Field(min_length=1)
    no_parent: Union[int, str, None] = None
    name: Optional[str] = None
    on_delete: Optional[str] = None
    on_update: Optional[str] = None
    declared: bool = False  # True: the database itself enforces it

    @model_validator(mode="after")
    def _same_length(self) -> ForeignKey:
        if len(self.columns) != len(self.parent_columns):
            raise ValueError(
                f"foreign key ({', '.join(self.columns)}) names {len(self.columns)} columns "
                f"but {len(self.parent_columns)} parent columns"
            )
        return self

    @model_validator(mode="after")
    def _one_column(self) -> ForeignKey:
        if self.no_parent is not None and len(self.columns) > 1:
            raise ValueError(f"no_parent is of one column, not of ({', '.join(self.columns)})")
        if isinstance(self.no_parent, str) and set(self.no_parent) & {"'", "\\"}:
            raise ValueError("no_parent holds a quote or a backslash")
        return self

    def label(self, table: str) -> str:
        """Return ``child(cols) -> parent(cols)``, the way a key is named to users.

        Examples
        --------
        >>> ForeignKey(columns=["a"], parent="p", parent_columns=["id"]).label("c")
        'c(a) -> p(id)'
        """
        return (
            f"{table}({', '.join(self.columns)}) -> {self.parent}({', '.join(self.parent_columns)})"
        )


class UniqueConstraint(Strict):
    """Columns whose combination of values never repeats.

    With ``nulls_distinct=False`` (PostgreSQL's NULLS NOT DISTINCT) NULL equals NULL.
    """

    columns: list[str] = Field(min_length=1)
    name: Optional[str] = None
    nulls_distinct: bool = True


class CheckConstraint(Strict):
    """A CHECK as the database states it, in its own SQL."""

    sqltext: str
    name: Optional[str] = None


class Exclusion(Strict):
    """An EXCLUDE of PostgreSQL: periods of rows that are equal in some columns never overlap.

    `period` is a range column, or a lower and an upper bound, of which `bounds` belong to it;
    empty for a constraint of another form, which is not kept. `definition` is the engine's text.
    """

    name: str
    definition: str
    equal: list[str] = Field(default_factory=list)
    period: list[str] = Field(default_factory=list, max_length=2)
    bounds: Literal["[)", "[]", "(]", "()"] = "[)"
    where: Optional[str] = None


class Index(Strict):
    """An index that is neither the primary key's nor a UNIQUE constraint's.

    `definition` is the engine's own ``CREATE INDEX`` text where the columns alone do
    not tell it all (expressions, partial indexes, operator classes).
    """

    name: str
    columns: list[str] = Field(default_factory=list)
    unique: bool = False
    definition: Optional[str] = None


class Constraint(Strict):
    """Bounds that generated values of a column must keep."""

    dtype: Optional[str] = None  # "int" or "float"; informs rounding of repaired values
    min: Optional[float] = None
    max: Optional[float] = None

    @model_validator(mode="after")
    def _ordered(self) -> Constraint:
        if any(bound is not None and math.isnan(bound) for bound in (self.min, self.max)):
            raise ValueError("a bound is NaN")
        if self.min is not None and self.max is not None and self.min > self.max:
            raise ValueError(f"min {self.min} is greater than max {self.max}")
        return self


class TableConfig(Strict):
    """One table: its columns and keys, and how to synthesize it.

    Parameters
    ----------
    name : str
    pk : str or list of str
        The primary key; empty where there is none.
    fk : dict of str to str
        Short form of simple foreign keys, ``{"customer_id": "customers.id"}``. Moved
        into `foreign_keys`.
    foreign_keys : list of ForeignKey
    parent_context_cols : list of str, optional
        Parent columns that a child is conditioned on; all of them by default.
    constraints : dict of str to Constraint
    exclude_columns : list of str
        Columns that are neither read nor learned; see :meth:`Metadata.exclude`.
    pii_cols : list of str or dict of str to str, optional
        Columns with personal data, added to what is detected; a dict also gives the kind
        (``{"tel": "phone"}``): ``"auto"`` is what detection makes of it, ``"none"`` clears
        a wrong detection.
    high_cardinality_cols : list of str
        Columns to be embedded whatever their number of categories.
    linkage_method : {"empirical", "negbinom"}
        Distribution of the number of children over this table's foreign keys.
    derived : dict of str to None
        Columns that are never taken to follow from others, ``{"total": None}``, though
        all rows look as if they did.
    relations : list of str
        What holds in each row, ``"total = round(quantity * price, 2)"``, ``"start <= end"``,
        a parent's column as ``customers.since``: tested on all rows, and kept.
    reference : bool, optional
        A look-up table (countries, states) is kept as it is. None lets
        :mod:`synthohive.privacy.reference` decide.
    schema_name : str, optional
        Where several schemas are described at once, the table's; its name then begins with it:
        ``"sales.orders"``.
    """

    name: str
    schema_name: Optional[str] = None
    pk: list[str] = Field(default_factory=list)
    fk: dict[str, str] = Field(default_factory=dict)
    foreign_keys: list[ForeignKey] = Field(default_factory=list)
    columns: dict[str, Column] = Field(default_factory=dict)
    unique: list[UniqueConstraint] = Field(default_factory=list)
    checks: list[CheckConstraint] = Field(default_factory=list)
    exclusions: list[Exclusion] = Field(default_factory=list)
    indexes: list[Index] = Field(default_factory=list)
    comment: Optional[str] = None
    parent_context_cols: Optional[list[str]] = None
    constraints: dict[str, Constraint] = Field(default_factory=dict)
    exclude_columns: list[str] = Field(default_factory=list)
    pii_cols: Optional[Union[list[str], dict[str, str]]] = None
    high_cardinality_cols: list[str] = Field(default_factory=list)
    linkage_method: Literal["empirical", "negbinom"] = "empirical"
    derived: dict[str, None] = Field(default_factory=dict)
    relations: list[str] = Field(default_factory=list)
    reference: Optional[bool] = None

    @model_validator(mode="before")
    @classmethod
    def _normalise(cls, raw: Any) -> Any:
        if not isinstance(raw, Mapping):
            return raw
        data = dict(raw)
        if isinstance(data.get("pk"), str):
            data["pk"] = [data["pk"]]
        short, listed = data.pop("fk", None), data.get("foreign_keys")
        short, listed = ({} if short is None else short), ([] if listed is None else listed)
        if not isinstance(short, Mapping):
            raise ValueError("fk: pass a dict of columns to 'parent.column'")
        if not isinstance(listed, (list, tuple)):
            raise ValueError("foreign_keys: pass a list")
        keys = list(listed)
        for column, target in short.items():
            parent, dot, parent_column = str(target).rpartition(".")
            if not dot or not isinstance(column, str):
                raise ValueError(f"fk {column!r}: write the target as 'parent.column'")
            keys.append(ForeignKey(columns=[column], parent=parent, parent_columns=[parent_column]))
        data["foreign_keys"], data["fk"] = keys, {}
        return data

    @property
    def own_name(self) -> str:
        """The name in the table's own schema."""
        start = f"{self.schema_name}."
        return self.name[len(start) :] if self.schema_name is not None else self.name

    @property
    def key_columns(self) -> set[str]:
        """All columns of the primary key and of foreign keys."""
        return set(self.pk).union(*(fk.columns for fk in self.foreign_keys))

    @property
    def unique_sets(self) -> list[tuple[str, ...]]:
        """Primary key, UNIQUE constraints and unique column indexes, without repeats.

        Without those over an excluded column: what the database puts there is not made here.
        A row with a NULL in a set repeats no other one. Indexes over expressions or some rows
        are sets only where their columns never repeat at all.
        """
        found = [tuple(self.pk)] if self.pk else []
        found += [tuple(u.columns) for u in self.unique]
        found += [tuple(i.columns) for i in self.indexes if i.unique and i.columns]
        out = set(self.exclude_columns)
        return [columns for columns in dict.fromkeys(found) if out.isdisjoint(columns)]

    def own_columns(self, key: ForeignKey) -> set[str]:
        """Return the columns that a key to the table itself leads to themselves.

        ``(tenant, manager) -> (tenant, id)`` asks rows for one tenant, and gives them none.
        """
        pairs = zip(key.columns, key.parent_columns)
        return {c for c, p in pairs if key.parent == self.name and c == p}

    @property
    def filled_by_keys(self) -> set[str]:
        """The columns that take their values from parents."""
        return {c for fk in self.foreign_keys for c in fk.columns if c not in self.own_columns(fk)}

    @property
    def no_parents(self) -> dict[str, Union[int, str]]:
        """What columns of keys hold where there is no parent, beside NULL."""
        keys = self.foreign_keys
        return {k.columns[0]: k.no_parent for k in keys if k.no_parent is not None}

    def open_keys(self) -> None:
        """Let the columns of keys be NULL that hold another value where there is no parent."""
        for name in self.no_parents:
            if name in self.columns and not self.columns[name].nullable:
                self.columns[name] = self.columns[name].model_copy(update={"nullable": True})

    @property
    def stored(self) -> dict[str, Column]:
        """The columns that rows bring: neither computed by the database nor excluded.

        All others stay in :attr:`columns`, as the copy has them, too.
        """
        out = set(self.exclude_columns)
        return {n: c for n, c in self.columns.items() if c.computed is None and n not in out}

    def described(self, data: pa.Schema) -> dict[str, Column]:
        """Return what is known of the columns of rows: as described, else by their types."""
        from synthohive._arrow import column_from_arrow

        found = {f.name: column_from_arrow(f) for f in data if f.name not in self.columns}
        names = dict.fromkeys([*data.names, *self.stored])
        return {n: c for n in names if (c := found.get(n) or self.stored.get(n)) is not None}

    def exclude(self, column: str) -> None:
        """Leave out a column, and the foreign keys over it."""
        if column not in self.exclude_columns:
            self.exclude_columns = [*self.exclude_columns, column]
        self.foreign_keys = [key for key in self.foreign_keys if column not in key.columns]


class PrivacyConfig(Strict):
    """What must not leave the database.

    Parameters
    ----------
    pii_strategy : {"fake", "mask", "hash", "keep"}
        What replaces personal data: Faker values, a mask of the same shape, a keyed
        hash of a made-up value, or nothing (`keep`, for data that is not personal).
    pii_columns : dict of str to dict of str to str
        ``{table: {column: kind}}``, added to what is detected. The kind ``"none"``
        clears a wrong detection.
    detect_pii : bool
        Look at names, types and contents of all columns.
    k_anonymity_threshold : int
        What fewer distinct entities share is never emitted: over each key path to a table
        of persons, accounts or organisations, the least number counts.
    entities : list of str, optional
        The tables whose rows are such entities, and columns (``"log.user_id"``) that name
        one. By default all tables count but look-up tables and those that are called like
        things (products, cities), and so do keys that are not declared.
    locale : str, optional
        Faker locale of names, streets and words. By default the one that most real names and
        addresses are of. Beside a column of countries, addresses and numbers have each one's form.
    keep_comments : bool
        Carry the comments of tables and columns over to the synthetic schema. They are what
        people wrote, as are defaults, CHECKs and the labels of enumerations, without which
        the schema would be another one.
    max_memorisation : float, optional
        How much better models may know the rows they learned than held-out ones: the largest
        excess over 0.5, as :attr:`Synthesizer.memorisation` has it. No state of a model that
        exceeds it is kept, at the cost of fidelity; :class:`PrivacyError` if what is kept does
        all the same. 0.1 is a limit that tables of 200 rows and more can keep.
    """

    pii_strategy: Literal["fake", "mask", "hash", "keep"] = "fake"
    pii_columns: dict[str, dict[str, str]] = Field(default_factory=dict)
    detect_pii: bool = True
    k_anonymity_threshold: int = Field(default=5, ge=1, le=10**15)
    entities: Optional[list[str]] = None
    locale: Optional[str] = None
    keep_comments: bool = True
    max_memorisation: Optional[float] = Field(default=None, ge=0, le=0.5)


class Metadata(Strict):
    """The tables of one schema and their keys.

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
        """Yield ``(child table, key)`` in the order of the tables."""
        for name, table in self.tables.items():
            for fk in table.foreign_keys:
                yield name, fk

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
        from synthohive._schema_checks import data_problems, schema_problems

        problems = schema_problems(self)
        if real_data is not None:
            arguments.mapping("real_data", real_data, "a dict of table names to DataFrames")
            problems += data_problems(self, real_data)
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
    from synthohive._files import check_replaceable, write_whole

    check_replaceable(path, _describes, "replace")
    write_whole(path, text)


def _describes(data: bytes) -> bool:
    try:
        Metadata.from_yaml("\n" + data.decode("utf-8"))
    except (SchemaError, UnicodeDecodeError):
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
