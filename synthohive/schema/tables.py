"""One table: its columns, keys, constraints, and what its user states about it."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal, Optional, Union

from pydantic import Field, model_validator

from synthohive.schema.columns import Column, Strict, column_from_arrow

if TYPE_CHECKING:
    import pyarrow as pa

__all__ = [
    "CheckConstraint",
    "Constraint",
    "Exclusion",
    "ForeignKey",
    "Index",
    "TableConfig",
    "UniqueConstraint",
    "foreign_keys",
]


class ForeignKey(Strict):
    """A reference from `columns` of one table to `parent_columns` of `parent`.

    Parameters
    ----------
    columns : list of str
        Of the child.
    parent : str
        A table, perhaps the child itself.
    parent_columns : list of str
        One for each of `columns`, in their order: a primary key, or what is UNIQUE.
    no_parent : int or str, optional
        What a key that is not declared holds where others are NULL: guests are the customer 0.
        It is read as NULL, and written again. Only of a key of one column.
    name : str, optional
    on_delete, on_update : str, optional
        The actions, as in SQL.
    declared : bool, default False
        The database itself enforces it.
    drives : bool, default True
        Rows are series over it (the events of a machine). False: it changes along the series of
        another key (who ran the machine), and drives only where no other can.

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
    drives: bool = True

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

    Parameters
    ----------
    columns : list of str
    name : str, optional
    nulls_distinct : bool, default True
        NULL equals no NULL; False as by PostgreSQL's NULLS NOT DISTINCT.

    Examples
    --------
    >>> UniqueConstraint(columns=["shop_id", "number"]).nulls_distinct
    True
    """

    columns: list[str] = Field(min_length=1)
    name: Optional[str] = None
    nulls_distinct: bool = True


class CheckConstraint(Strict):
    """A CHECK as the database states it, in its own SQL.

    Examples
    --------
    >>> CheckConstraint(sqltext="total >= 0", name="positive")
    CheckConstraint(sqltext='total >= 0', name='positive')
    """

    sqltext: str
    name: Optional[str] = None


class Exclusion(Strict):
    """An EXCLUDE of PostgreSQL: periods of rows that are equal in some columns never overlap.

    Parameters
    ----------
    name : str
    definition : str
        The engine's text.
    equal : list of str
        The columns WITH =.
    period : list of str
        A range column, or a lower and an upper bound; empty for a constraint of another form,
        which is not kept.
    bounds : {"[)", "[]", "(]", "()"}
        Which of two bounds belong to the period.
    where : str, optional
        The condition of the rows that it is about.
    """

    name: str
    definition: str
    equal: list[str] = Field(default_factory=list)
    period: list[str] = Field(default_factory=list, max_length=2)
    bounds: Literal["[)", "[]", "(]", "()"] = "[)"
    where: Optional[str] = None


class Index(Strict):
    """An index that is neither the primary key's nor a UNIQUE constraint's.

    Parameters
    ----------
    name : str
    columns : list of str
        Of one that is unique, only if their values never repeat in any rows at all.
    unique : bool, default False
    definition : str, optional
        The engine's own ``CREATE INDEX`` text (MySQL: its clause) where the columns alone do not
        tell it all: expressions, partial indexes, operator classes.

    Examples
    --------
    >>> Index(name="by_day", columns=["day"]).unique
    False
    """

    name: str
    columns: list[str] = Field(default_factory=list)
    unique: bool = False
    definition: Optional[str] = None


class Constraint(Strict):
    """Bounds that generated values of a column must keep.

    Parameters
    ----------
    dtype : {"int", "float"}, optional
        Tells whether repaired values are rounded.
    min, max : float, optional
        Both included; none where None.

    Examples
    --------
    >>> Constraint(min=0, max=100)
    Constraint(dtype=None, min=0.0, max=100.0)
    """

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
        :mod:`synthohive.privacy.look_ups` decide.
    schema_name : str, optional
        Where several schemas are described at once, the table's; its name then begins with it:
        ``"sales.orders"``.

    Examples
    --------
    >>> orders = TableConfig(name="orders", pk="id", fk={"customer_id": "customers.id"})
    >>> orders.pk, orders.foreign_keys[0].label("orders")
    (['id'], 'orders(customer_id) -> customers(id)')
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

    def unique_label(self, columns: Sequence[str]) -> str:
        """Name a set of columns that never repeat together, as users know it."""
        kind = "PRIMARY KEY" if list(columns) == list(self.pk) else "UNIQUE"
        return f"{kind} ({', '.join(columns)})"

    def own_columns(self, key: ForeignKey) -> set[str]:
        """Return the columns that a key to the table itself leads to themselves.

        ``(tenant, manager) -> (tenant, id)`` asks rows for one tenant, and gives them none.
        """
        pairs = zip(key.columns, key.parent_columns)
        return {c for c, p in pairs if key.parent == self.name and c == p}

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
        found = {f.name: column_from_arrow(f) for f in data if f.name not in self.columns}
        names = dict.fromkeys([*data.names, *self.stored])
        return {n: c for n in names if (c := found.get(n) or self.stored.get(n)) is not None}

    def exclude(self, column: str) -> None:
        """Leave out a column, and the foreign keys over it."""
        if column not in self.exclude_columns:
            self.exclude_columns = [*self.exclude_columns, column]
        self.foreign_keys = [key for key in self.foreign_keys if column not in key.columns]


def foreign_keys(tables: Mapping[str, TableConfig]) -> Iterator[tuple[str, ForeignKey]]:
    """Yield ``(child table, key)`` in the order of the tables."""
    for name, table in tables.items():
        for key in table.foreign_keys:
            yield name, key
