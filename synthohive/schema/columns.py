"""One column: its kind, its facts, and the Arrow type that carries its values."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, Optional

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from synthohive.exceptions import SchemaError, did_you_mean
from synthohive.schema.kinds import ColumnKind

if TYPE_CHECKING:
    import pyarrow as pa

__all__ = ["Column", "ColumnKind", "Identity", "Strict", "column_from_arrow", "problems_of"]

_LARGEST = 2**63 - 1


class Strict(BaseModel):
    """Shared settings: unknown fields are typing errors, assignments are checked."""

    model_config = ConfigDict(extra="forbid", validate_assignment=True)
    _or_else: ClassVar[str] = ""  # how else to make one, for the hint

    def __init__(self, *unnamed: Any, **given: Any) -> None:
        kind = type(self)
        if unnamed:
            field = next(iter(kind.model_fields))
            raise SchemaError(
                f"{kind.__name__} takes its fields by name, and got a "
                f"{type(unnamed[0]).__name__} without one.",
                hint=f"Write {kind.__name__}({field}=…){kind._or_else}.",
            )
        try:
            super().__init__(**given)
        except ValidationError as exc:
            raise _refusal(kind, exc) from None

    def __setattr__(self, name: str, value: Any) -> None:
        try:
            super().__setattr__(name, value)
        except ValidationError as exc:
            raise _refusal(type(self), exc) from None


def _refusal(kind: type[Strict], exc: ValidationError) -> SchemaError:
    """Return the error for fields that are wrong, with the closest names of unknown ones.

    What is nested has refused its own fields before, so that all names are those of `kind`.
    """
    unknown = [str(e["loc"][-1]) for e in exc.errors() if e["type"] in _UNKNOWN]
    hints = dict.fromkeys(did_you_mean(name, kind.model_fields) for name in unknown)
    return SchemaError(f"{kind.__name__}: {problems_of(exc)}.", hint=" ".join(hints) or None)


_UNKNOWN = ("extra_forbidden", "no_such_attribute")


def problems_of(exc: ValidationError) -> str:
    """Return where and what is wrong, without the values, which may be secret."""
    found = exc.errors(include_url=False, include_context=False, include_input=False)
    return "; ".join(
        f"there is no field {str(e['loc'][-1])!r}"
        if e["type"] in _UNKNOWN
        else f"{'.'.join(map(str, e['loc']))}: {_plain(e['msg'])}".removeprefix(": ")
        for e in found
    )


def _plain(message: str) -> str:
    return message.removeprefix("Value error, ")  # of what a validator of ours has raised


class Identity(Strict):
    """An identity, AUTO_INCREMENT or serial column's generator."""

    start: int = 1
    increment: int = 1
    always: bool = False


class Column(Strict):
    """One column as the database declares it.

    Attributes
    ----------
    arrow : str, optional
        The Arrow type in which the column was read, e.g. ``"decimal128(15, 2)"``.
    computed : str, optional
        The expression of a generated column: never modelled, never loaded.
    text_form : str, optional
        How a date or time is written where the engine keeps it as text (SQLite), in the way of
        ``strftime``: ``"%Y-%m-%dT%H:%M:%SZ"``.
    filled : bool
        Excluded, and NOT NULL without a default: the copy holds the type's empty value.

    Examples
    --------
    >>> Column(name="price", kind=ColumnKind.DECIMAL, precision=15, scale=2).arrow_type
    Decimal128Type(decimal128(15, 2))
    """

    name: str
    kind: ColumnKind
    sql_type: Optional[str] = None
    arrow: Optional[str] = None
    nullable: bool = True
    length: Optional[int] = Field(None, ge=0, le=_LARGEST)
    precision: Optional[int] = Field(None, ge=0, le=_LARGEST)
    scale: Optional[int] = Field(None, ge=-_LARGEST, le=_LARGEST)
    timezone: bool = False
    unsigned: bool = False
    enum_values: Optional[list[str]] = None
    default: Optional[str] = None
    identity: Optional[Identity] = None
    computed: Optional[str] = None
    filled: bool = False
    comment: Optional[str] = None
    text_form: Optional[str] = None

    @property
    def arrow_type(self) -> pa.DataType:
        """The Arrow type of the column's values."""
        from synthohive.schema.arrow_types import parse_type  # which loads pyarrow

        return parse_type(self.arrow) if self.arrow else self._default_type()

    def _default_type(self) -> pa.DataType:
        """Return the Arrow type for a column of which only the kind is known."""
        import pyarrow as pa

        from synthohive.schema.arrow_types import parse_type

        if self.kind is ColumnKind.DECIMAL:
            precision = self.precision or 38
            scale = self.scale if self.scale is not None else 10
            decimal = pa.decimal128 if precision <= 38 else pa.decimal256
            return decimal(precision, scale)
        if self.kind is ColumnKind.TIMESTAMP:
            return pa.timestamp("us", tz="UTC" if self.timezone else None)
        if self.kind is ColumnKind.INTEGER and self.unsigned:
            return pa.uint64()
        return parse_type(self.kind.arrow)


def column_from_arrow(field: pa.Field) -> Column:
    """Describe a column of which only the Arrow field is known (files, DataFrames)."""
    import pyarrow as pa

    type_, is_ = field.type, pa.types
    kinds = (
        (is_.is_integer, ColumnKind.INTEGER),
        (is_.is_decimal, ColumnKind.DECIMAL),
        (is_.is_floating, ColumnKind.FLOAT),
        (is_.is_boolean, ColumnKind.BOOLEAN),
        (is_.is_date, ColumnKind.DATE),
        (is_.is_time, ColumnKind.TIME),
        (is_.is_timestamp, ColumnKind.TIMESTAMP),
        (is_.is_duration, ColumnKind.INTERVAL),
        (is_.is_string, ColumnKind.TEXT),
        (is_.is_large_string, ColumnKind.TEXT),
        (is_.is_null, ColumnKind.TEXT),
        (is_.is_binary, ColumnKind.BINARY),
        (is_.is_large_binary, ColumnKind.BINARY),
    )
    return Column(
        name=field.name,
        kind=next((kind for test, kind in kinds if test(type_)), ColumnKind.UNSUPPORTED),
        arrow=str(type_),
        nullable=field.nullable,
        precision=type_.precision if is_.is_decimal(type_) else None,
        scale=type_.scale if is_.is_decimal(type_) else None,
        timezone=is_.is_timestamp(type_) and type_.tz is not None,
        unsigned=is_.is_unsigned_integer(type_),
    )
