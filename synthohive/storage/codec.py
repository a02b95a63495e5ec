"""What is learned, as JSON, arrays and tables of rows, and back: the one place that knows how.

A dataclass is its fields; no class knows about files. Reading is led by the types of the fields:
a value of another type, a field that is missing or too many, or the name of a class that the
type does not allow is an error, so that a document can only become what its writer could have
written. Nothing is ever unpickled, and no name in a document is imported.

Fields whose names begin with an underscore are derived (``__post_init__`` works them out again)
and are not written. Each kind of value is a class below, which writes it and reads it.
"""

from __future__ import annotations

import dataclasses
import enum
import inspect
from abc import ABC, abstractmethod
from collections.abc import Collection, Hashable, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import (
    Any,
    Literal,
    NoReturn,
    Optional,
    TypeVar,
    Union,
    cast,
    get_args,
    get_origin,
    get_type_hints,
)

import numpy as np
import pyarrow as pa
from pydantic import BaseModel

from synthohive._arrays import AnyArray
from synthohive.exceptions import SchemaError
from synthohive.schema.arrow_types import from_json, parse_type, to_json

__all__ = ["Packed", "pack", "unpack"]

Learned = TypeVar("Learned")
Mark = Literal["array", "rows"]
CLASS = "class"
"""Names the class where a type allows several; no field can be called so."""


@dataclass
class Packed:
    """A value in the forms that files have.

    Attributes
    ----------
    state : JSON
    arrays : dict of str to ndarray
        By number: ``{"array": "0"}`` stands for one in the state. One that is held in two places
        is kept once.
    rows : dict of str to pyarrow.Table
        By number: ``{"rows": "0"}`` stands for one in the state.
    """

    state: Any = None
    arrays: dict[str, AnyArray] = field(default_factory=dict)
    rows: dict[str, pa.Table] = field(default_factory=dict)
    _numbers: dict[int, str] = field(default_factory=dict, repr=False, compare=False)
    _used: set[str] = field(default_factory=set, repr=False, compare=False)

    def keep(self, mark: Mark, value: Any) -> dict[str, str]:
        """Keep an array or rows, under the next number, once; return what stands for it."""
        held = self._held(mark)
        number = self._numbers.setdefault(id(value), str(len(held)))
        held[number] = value
        return {mark: number}

    def kept(self, mark: Mark, state: Any) -> Any:
        """Return what :meth:`keep` kept; a state that it did not return is a misfit."""
        held = self._held(mark)
        number = state.get(mark) if isinstance(state, dict) and len(state) == 1 else None
        if not isinstance(number, str) or number not in held:
            _misfit(f"stands for no {mark}")
        self._used.add(f"{mark} {number}")
        return held[number]

    def _held(self, mark: Mark) -> dict[str, Any]:
        return self.arrays if mark == "array" else self.rows

    def unused(self) -> list[str]:
        """Return what nothing stands for."""
        held = [*(f"array {n}" for n in self.arrays), *(f"rows {n}" for n in self.rows)]
        return [what for what in held if what not in self._used]


class _Misfit(ValueError):
    """A value that its type does not allow; the places that hold it add their names."""

    def __init__(self, what: str) -> None:
        super().__init__(what)
        self.what, self.places = what, cast("list[str]", [])

    def __str__(self) -> str:
        return f"{'/'.join(self.places) or 'it':.200} {self.what:.200}"


def _misfit(what: str) -> NoReturn:
    raise _Misfit(what)


@contextmanager
def _inside(place: object) -> Iterator[None]:
    """Let a misfit tell in which item, key or field it is."""
    try:
        yield
    except _Misfit as exc:
        exc.places.insert(0, str(place))
        raise


def pack(value: Any, hint: Any = None, *, without: Collection[str] = ()) -> Packed:
    """Return a value as JSON, arrays and rows.

    Parameters
    ----------
    value : object
        A dataclass, or what its fields may be: plain values, enums, Arrow types and arrays, NumPy
        arrays, tables, pydantic models, and tuples, lists, sets and dicts of such.
    hint : type, optional
        The type that :func:`unpack` will be given; that of the value by default.
    without : collection of str
        Fields of the dataclass that are left out, since :func:`unpack` is given them.

    Raises
    ------
    TypeError
        The value, or one in it, is not of its field's type.

    Examples
    --------
    >>> pack({"a": (1, 2.5)}, dict[str, tuple[int, float]]).state
    {'a': [1, 2.5]}
    """
    packed, form = Packed(), _form_of(type(value) if hint is None else hint)
    try:
        if isinstance(form, _Object):
            packed.state = form.write(value, packed, without)
        else:
            packed.state = form.write(value, packed)
    except _Misfit as exc:
        raise TypeError(str(exc)) from exc
    return packed


def unpack(kind: type[Learned], packed: Packed, **given: Any) -> Learned:
    """Return what :func:`pack` was given.

    Parameters
    ----------
    kind : type
    packed : Packed
    **given
        Fields that :func:`pack` left out.

    Raises
    ------
    ValueError
        Naming the place in the state that is not as it would have been written.
    """
    form = _form_of(kind)
    try:
        if isinstance(form, _Object):
            value = form.read(packed.state, packed, given)
        else:
            value = form.read(packed.state, packed)
        for what in packed.unused():
            _misfit(f"has, and cannot have, {what}")
    except _Misfit as exc:
        raise ValueError(str(exc)) from exc
    return cast(Learned, value)


class _Form(ABC):
    """One kind of value. What is not of it is a :class:`_Misfit`."""

    def __init__(self, hint: Any) -> None:
        self.hint = hint

    @abstractmethod
    def write(self, value: Any, packed: Packed) -> Any:
        """Return it as JSON."""

    @abstractmethod
    def read(self, state: Any, packed: Packed) -> Any:
        """Return it from JSON."""


_FORMS: dict[Hashable, _Form] = {}


def _form_of(hint: Any) -> _Form:
    """Return the form of a type; each is worked out once."""
    if hint not in _FORMS:
        _FORMS[hint] = _new_form(hint)
    return _FORMS[hint]


def _new_form(hint: Any) -> _Form:
    origin, args = get_origin(hint) or hint, get_args(hint)
    if origin is Union:
        return _form_of_union(args)
    if origin is Literal:
        return _Among(dict(zip(args, args)))
    for kind, form in _KINDS.items():
        if inspect.isclass(origin) and issubclass(origin, kind):
            return cast(_Form, form(hint))
    if hint is Any or not inspect.isclass(origin):
        raise TypeError(f"a field of type {hint} does not say what it holds")
    return _Object((hint,))


def _form_of_union(args: tuple[Any, ...]) -> _Form:
    kinds = tuple(kind for kind in args if kind is not type(None))
    if len(kinds) < len(args):
        return _Maybe(_form_of(Union[kinds]))
    plain = all(kind in (bool, int, float, str) for kind in kinds)
    return _Plain(*kinds) if plain else _Object(kinds)


@dataclass
class _Maybe(_Form):
    """None, or a value."""

    form: _Form

    def write(self, value: Any, packed: Packed) -> Any:
        return None if value is None else self.form.write(value, packed)

    def read(self, state: Any, packed: Packed) -> Any:
        return None if state is None else self.form.read(state, packed)


class _Plain(_Form):
    """A text, number or flag; a whole number is a float only where no type is more exact."""

    def __init__(self, *kinds: type[Any]) -> None:
        self.kinds = frozenset(kinds)
        self.widens = float in kinds and int not in kinds

    def write(self, value: Any, packed: Packed) -> Any:
        return self.read(value.item() if isinstance(value, np.generic) else value, packed)

    def read(self, state: Any, packed: Packed) -> Any:
        if type(state) in self.kinds:
            return state
        if self.widens and type(state) is int:
            return float(state)
        _misfit("is not of type " + " or ".join(sorted(kind.__name__ for kind in self.kinds)))

    def all(self, values: Collection[Any]) -> bool:
        """Whether all values are of the very type: they need not be looked at one by one."""
        return self.kinds.issuperset(map(type, values))


@dataclass
class _Among(_Form):
    """One of a few values that have names."""

    members: dict[Any, Any]

    def write(self, value: Any, packed: Packed) -> Any:
        for state, member in self.members.items():
            if member == value:
                return state
        _misfit(f"is {value!r:.50}, none of {list(self.members)}")

    def read(self, state: Any, packed: Packed) -> Any:
        if not isinstance(state, (str, int)) or state not in self.members:
            _misfit(f"is {state!r:.50}, none of {list(self.members)}")
        return self.members[state]


def _enum(kind: type[enum.Enum]) -> _Form:
    return _Among({member.value: member for member in kind})


class _Described(_Form):
    """A pydantic model, with all of its fields."""

    def write(self, value: Any, packed: Packed) -> Any:
        _must_be(value, self.hint)
        return value.model_dump(mode="json")

    def read(self, state: Any, packed: Packed) -> Any:
        try:
            value = self.hint.model_validate(state)
        except (SchemaError, ValueError) as exc:
            raise _Misfit(f"is no {self.hint.__name__}: {exc}") from exc
        _compare(state, value.model_dump(mode="json"))
        return value


def _compare(state: Any, own: Any) -> None:
    """Refuse what is not as it would be written again: it would get a default, unnoticed."""
    if state == own:
        return
    if isinstance(state, dict) and isinstance(own, dict):
        _check_names(own, state)
    elif not isinstance(own, list) or not isinstance(state, list) or len(own) != len(state):
        _misfit("is read as something else")
    for place in own if isinstance(own, dict) else range(len(own)):
        with _inside(place):
            _compare(state[place], own[place])


def _check_names(known: Collection[str], given: Collection[str]) -> None:
    for name in [*known, *given]:
        if name not in given or name not in known:
            _misfit(f"{'lacks' if name in known else 'has, and cannot have,'} {name}")


class _Type(_Form):
    """The type of an Arrow array."""

    def write(self, value: Any, packed: Packed) -> Any:
        _must_be(value, pa.DataType)
        return str(value)

    def read(self, state: Any, packed: Packed) -> Any:
        try:
            return parse_type(state)
        except (SchemaError, TypeError) as exc:
            raise _Misfit("is no type of Arrow's") from exc


class _Values(_Form):
    """An Arrow array of few plain values, or decimals."""

    def write(self, value: Any, packed: Packed) -> Any:
        _must_be(value, pa.Array)
        return {"type": str(value.type), "values": to_json(value)}

    def read(self, state: Any, packed: Packed) -> Any:
        if not isinstance(state, dict) or set(state) != {"type", "values"}:
            _misfit("is not a type and values")
        type_ = _Type(pa.DataType).read(state["type"], packed)
        try:
            return from_json(state["values"], type_)
        except (ArithmeticError, TypeError, ValueError, pa.ArrowException) as exc:
            raise _Misfit(f"is no array of {type_}") from exc


class _Array(_Form):
    """A NumPy array, of the type of values that ``NDArray[…]`` names."""

    def __init__(self, hint: Any) -> None:
        named = [get_args(a)[0] for a in get_args(hint) if get_origin(a) is np.dtype]
        kinds = [k for k in named if inspect.isclass(k) and issubclass(k, np.generic)]
        self.kind: type[Any] = kinds[0] if kinds else np.generic

    def write(self, value: Any, packed: Packed) -> Any:
        return packed.keep("array", self._checked(value))

    def read(self, state: Any, packed: Packed) -> Any:
        return self._checked(packed.kept("array", state))

    def _checked(self, value: Any) -> Any:
        if not isinstance(value, np.ndarray) or not issubclass(value.dtype.type, self.kind):
            _misfit(f"is not an array of {self.kind.__name__}")
        return value


class _Rows(_Form):
    """Rows of a table."""

    def write(self, value: Any, packed: Packed) -> Any:
        _must_be(value, pa.Table)
        types = {field.name: str(field.type) for field in value.schema}
        return {**packed.keep("rows", value), "types": types}

    def read(self, state: Any, packed: Packed) -> Any:
        if not isinstance(state, dict) or not isinstance(types := state.get("types"), dict):
            _misfit("has no types")
        rows = packed.kept("rows", {n: v for n, v in state.items() if n != "types"})
        if rows.column_names != list(types):
            _misfit("has other columns")
        kinds = [_Type(None).read(text, packed) for text in types.values()]
        try:
            return rows.cast(pa.schema(zip(types, kinds)))  # Parquet has no seconds
        except pa.ArrowException as exc:
            raise _Misfit("is of other types") from exc


class _Many(_Form):
    """A list, set or tuple."""

    def __init__(self, hint: Any) -> None:
        origin, args = get_origin(hint) or hint, get_args(hint)
        self.build: Any = origin if origin in (tuple, set, frozenset) else list
        fixed = origin is tuple and args[1:] != (Ellipsis,)
        self.item = None if fixed else _form_of(args[0])
        self.items = [_form_of(arg) for arg in args if arg != ()] if fixed else []

    def write(self, value: Any, packed: Packed) -> Any:
        if not isinstance(value, (tuple, list, AbstractSet)):
            _misfit("is no tuple, list or set")
        values = sorted(value) if isinstance(value, AbstractSet) else value
        return list(self._each("write", values, packed))

    def read(self, state: Any, packed: Packed) -> Any:
        if not isinstance(state, list):
            _misfit("is no list")
        made = self.build(self._each("read", state, packed))
        if len(made) != len(state):
            _misfit("holds a value twice")
        return made

    def _each(self, verb: str, values: Sequence[Any], packed: Packed) -> Iterator[Any]:
        if isinstance(self.item, _Plain) and self.item.all(values):
            yield from values
            return
        forms = [self.item] * len(values) if self.item is not None else self.items
        if len(forms) != len(values):
            _misfit(f"has {len(values)} items, not {len(forms)}")
        for place, (form, value) in enumerate(zip(forms, values)):
            with _inside(place):
                yield getattr(form, verb)(value, packed)


class _Named(_Form):
    """A mapping whose keys are texts."""

    def __init__(self, hint: Any) -> None:
        args = get_args(hint)
        self.key, self.value = map(_form_of, args)
        if not isinstance(self.key, _Among) and args[0] is not str:
            raise TypeError(f"the keys of {hint} are no texts")

    def write(self, value: Any, packed: Packed) -> Any:
        if not isinstance(value, Mapping):
            _misfit("is no mapping")
        return dict(self._each("write", value, packed))

    def read(self, state: Any, packed: Packed) -> Any:
        if not isinstance(state, dict):
            _misfit("is no object")
        return dict(self._each("read", state, packed))

    def _each(
        self, verb: str, values: Mapping[Any, Any], packed: Packed
    ) -> Iterator[tuple[Any, Any]]:
        for name, value in values.items():
            with _inside(name):
                key = getattr(self.key, verb)(name, packed)
                yield key, getattr(self.value, verb)(value, packed)


class _Object(_Form):
    """A dataclass: of the type itself, of one below it, or of several."""

    def __init__(self, kinds: tuple[type[Any], ...]) -> None:
        self.kinds = kinds
        self._allowed: dict[str, type[Any]] = {}

    def write(self, value: Any, packed: Packed, without: Collection[str] = ()) -> Any:
        kind = type(value)
        state = {} if self.kinds == (kind,) else {CLASS: kind.__name__}
        if self._named(kind.__name__) is not kind:
            _misfit(f"may be no {kind.__name__}")
        for name, form in _fields_of(kind).items():
            if name not in without:
                with _inside(name):
                    state[name] = form.write(getattr(value, name), packed)
        return state

    def read(self, state: Any, packed: Packed, given: Optional[Mapping[str, Any]] = None) -> Any:
        if not isinstance(state, dict):
            _misfit("is no object")
        fields, values = dict(state), dict(given or {})
        kind = self._named(fields.pop(CLASS, self.kinds[0].__name__))
        if kind is None or (self.kinds == (kind,)) is (CLASS in state):
            _misfit(f"is of a class that it cannot be: {state.get(CLASS)!r:.100}")
        known = {n: form for n, form in _fields_of(kind).items() if n not in values}
        _check_names(known, fields)
        for name, form in known.items():
            with _inside(name):
                values[name] = form.read(fields[name], packed)
        return _made(kind, values)

    def _named(self, name: Any) -> Optional[type[Any]]:
        if isinstance(name, str) and name not in self._allowed:  # or defined since
            found = (below for kind in self.kinds for below in _tree(kind))
            self._allowed = {kind.__name__: kind for kind in found}
        return self._allowed.get(name) if isinstance(name, str) else None


def _tree(kind: Any) -> Iterator[type[Any]]:
    """Yield the dataclasses that a type is, or has below it."""
    if dataclasses.is_dataclass(kind) and not inspect.isabstract(kind):
        yield cast("type[Any]", kind)
    for below in kind.__subclasses__() if inspect.isclass(kind) else ():
        yield from _tree(below)


def _made(kind: type[Any], values: Mapping[str, Any]) -> Any:
    """Return an object of the fields that are written; it derives the others."""
    value = object.__new__(kind)
    for name, each in values.items():
        object.__setattr__(value, name, each)
    try:
        if hasattr(value, "__post_init__"):
            value.__post_init__()
    except Exception as exc:  # what was made to do harm can be of any shape
        raise _Misfit(f"cannot be used: {exc}") from exc
    return value


_FIELDS: dict[type[Any], dict[str, _Form]] = {}


def _fields_of(kind: type[Any]) -> dict[str, _Form]:
    """Return the forms of the fields that are written."""
    if kind not in _FIELDS:
        hints = get_type_hints(kind)
        names = [f.name for f in dataclasses.fields(kind) if not f.name.startswith("_")]
        _FIELDS[kind] = {name: _form_of(hints[name]) for name in names}
    return _FIELDS[kind]


def _must_be(value: Any, kind: type[Any]) -> None:
    if not isinstance(value, kind):
        _misfit(f"is no {kind.__name__}")


_KINDS: dict[type[Any], Any] = {
    enum.Enum: _enum,
    bool: _Plain,
    int: _Plain,
    float: _Plain,
    str: _Plain,
    BaseModel: _Described,
    pa.DataType: _Type,
    pa.Array: _Values,
    pa.Table: _Rows,
    np.ndarray: _Array,
    Mapping: _Named,
    AbstractSet: _Many,
    Sequence: _Many,
}
