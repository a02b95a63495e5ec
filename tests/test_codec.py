"""What is learned, as JSON, arrays and rows, and back: exactly, or an error names the place."""

from __future__ import annotations

import enum
import json
import re
from abc import ABC
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field, fields
from decimal import Decimal
from functools import cached_property
from pathlib import Path
from typing import Any, Literal, Optional, Union, get_type_hints

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from synthohive.encoding.table import TableEncoder
from synthohive.io.frames import FrameForm
from synthohive.learn.fitted import FittedTable, LookUpRows
from synthohive.learn.table_files import ELSEWHERE
from synthohive.schema import Column
from synthohive.storage.codec import Packed, _fields_of, _Form, _form_of, _Object, pack, unpack
from synthohive.storage.components import read_arrays
from tests.packed import again


class Color(enum.Enum):
    RED = "red"
    BLUE = "blue"


@dataclass(frozen=True)
class Part(ABC):  # noqa: B024 - what stands for it is below
    """A part."""


@dataclass(frozen=True)
class Small(Part):
    number: int
    share: float = 1.0

    def __post_init__(self) -> None:
        if self.number < 0:
            raise ValueError("no number is below 0")


@dataclass(frozen=True, eq=False)
class Large(Part):
    values: npt.NDArray[np.float64]
    ends: Optional[tuple[str, float]] = None


@dataclass(frozen=True)
class Tree:
    name: str
    below: tuple[Tree, ...] = ()


@dataclass
class Other:
    """Of no type that a field allows."""


@dataclass
class Whole:
    parts: dict[str, Union[Small, Large]]
    rows: pa.Table
    heavy: pa.Array
    color: Color
    numbers: Mapping[Color, int]
    either: Union[int, float]
    type: pa.DataType
    names: frozenset[str]
    many: tuple[tuple[str, ...], ...]
    side: Literal["left", "right"]
    column: Column
    tree: Tree
    flag: bool
    none: tuple[()] = ()
    maybe: Optional[list[float]] = None
    _count: int = field(init=False)

    def __post_init__(self) -> None:
        self._count = len(self.parts)

    @cached_property
    def derived(self) -> int:
        return self._count + 1


SHARED = np.arange(3.0)


def whole() -> Whole:
    rows = pa.table({"at": pa.array([1, None], pa.timestamp("s")), "text": ["a", None]})
    heavy = pa.array([Decimal("1.10"), None], pa.decimal128(5, 2))
    return Whole(
        {"x/y": Small(1, 2), "b": Large(SHARED, ("q", 1.5)), "c": Large(SHARED)},
        rows, heavy, Color.BLUE, {Color.RED: 3}, 3, pa.timestamp("us", "UTC"),
        frozenset({"b", "a"}), (("a",), ()), "left", Column(name="n", kind="integer"),
        Tree("a", (Tree("b"), Tree("c", (Tree("d"),)))), True,
    )  # fmt: skip


def state() -> dict[str, Any]:
    read: dict[str, Any] = json.loads(json.dumps(pack(whole()).state))
    return read


def read(changed: Any) -> Whole:
    packed = pack(whole())
    return unpack(Whole, Packed(changed, packed.arrays, packed.rows))


def test_each_kind_of_value_comes_back() -> None:
    one, two = whole(), again(whole())
    assert two.parts["x/y"] == Small(1, 2.0)
    large = two.parts["b"]
    assert isinstance(large, Large)
    assert large.ends == ("q", 1.5)
    assert np.array_equal(large.values, SHARED)
    assert two.rows.equals(one.rows)
    assert two.heavy.equals(one.heavy)
    plain = ("color", "numbers", "either", "type", "names", "many", "side", "column", "tree")
    assert [getattr(two, name) for name in plain] == [getattr(one, name) for name in plain]
    assert (two.flag, two.none, two.maybe, two._count, two.derived) == (True, (), None, 3, 4)
    assert type(two.parts["x/y"].share) is float


def test_nothing_derived_is_written_and_nothing_twice() -> None:
    one = whole()
    assert one.derived == 4
    packed = pack(one)
    assert set(packed.state) == {name for name in vars(one) if name not in ("_count", "derived")}
    assert (len(packed.arrays), len(packed.rows)) == (1, 1)


def test_rows_get_back_the_types_that_parquet_has_not() -> None:
    packed = pack(whole())
    milli = packed.rows["0"].cast(pa.schema({"at": pa.timestamp("ms"), "text": pa.string()}))
    two = unpack(Whole, Packed(state(), packed.arrays, {"0": milli}))
    assert two.rows.schema.field("at").type == pa.timestamp("s")


DAMAGE: list[tuple[str, Any, str]] = [
    ("flag", None, "flag is not of type bool"),
    ("flag", 1, "flag is not of type bool"),
    ("parts", [], "parts is no object"),
    ("parts/b", 3, "parts/b is no object"),
    ("parts/b/class", "Other", "parts/b is of a class that it cannot be: 'Other'"),
    ("parts/b/class", "os.system", "parts/b is of a class that it cannot be"),
    ("parts/b/class", ["Small"], "parts/b is of a class that it cannot be"),
    ("parts/b/values", {"array": "7"}, "parts/b/values stands for no array"),
    ("parts/b/values", [1.0], "parts/b/values stands for no array"),
    ("parts/b/ends", ["q"], "parts/b/ends has 1 items, not 2"),
    ("parts/b/ends/1", "1.5", "parts/b/ends/1 is not of type float"),
    ("parts/b/more", 1, "parts/b has, and cannot have, more"),
    ("parts/x", {"class": "Small", "number": 1}, "parts/x lacks share"),
    ("parts/x", {"number": 1, "share": 1.0}, "parts/x is of a class"),
    ("parts/x", {"class": "Small", "number": -1, "share": 1.0}, "parts/x cannot be used: no num"),
    ("tree/class", "Tree", "tree is of a class that it cannot be"),
    ("tree/below/1/below/0/name", 3, "tree/below/1/below/0/name is not of type str"),
    ("_count", 3, "it has, and cannot have, _count"),
    ("color", "green", "color is 'green', none of"),
    ("color", [], "color is [], none of"),
    ("numbers/green", 3, "numbers/green is 'green', none of"),
    ("side", "up", "side is 'up', none of"),
    ("either", "3", "either is not of type float or int"),
    ("either", True, "either is not of type float or int"),
    ("type", "os.system", "type is no type"),
    ("heavy/values", ["x"], "heavy is no array of decimal"),
    ("heavy/more", 1, "heavy is not a type and values"),
    ("rows/types/text", "int64", "rows is of other types"),
    ("rows/types", {"at": "int64"}, "rows has other columns"),
    ("names", ["a", "a"], "names holds a value twice"),
    ("many/0", "a", "many/0 is no list"),
    ("column/kind", "nothing", "column is no Column"),
    ("column/length", "9", "column/length is read as something else"),
    ("none", [1], "none has 1 items, not 0"),
]


@pytest.mark.parametrize(("path", "value", "message"), DAMAGE)
def test_damage_is_refused_with_its_place(path: str, value: Any, message: str) -> None:
    changed = state()
    *holders, last = path.split("/")
    place: Any = changed
    for name in holders:
        place = place[int(name) if isinstance(place, list) else name]
    place[int(last) if isinstance(place, list) else last] = value
    with pytest.raises(ValueError, match=f"^{re.escape(message)}"):
        read(changed)


def test_a_field_that_is_missing_gets_no_default() -> None:
    def holders(value: Any, path: str = "") -> list[tuple[str, dict[str, Any]]]:
        inside = value.items() if isinstance(value, dict) else enumerate(value)
        deep = [(name, v) for name, v in inside if isinstance(v, (dict, list))]
        below = [each for name, v in deep for each in holders(v, f"{path}/{name}")]
        return [*([(path, value)] if isinstance(value, dict) else []), *below]

    entries = {"/parts", "/numbers", "/rows/types"}
    changed = state()
    assert len(holders(changed)) > 10
    for path, holder in holders(changed):
        for name in list(holder) if path not in entries else ():
            kept = dict(holder)
            del holder[name]
            with pytest.raises(ValueError, match=re.escape(path.strip("/") or "it")):
                read(changed)
            holder.clear()
            holder.update(kept)
    read(changed)


def test_arrays_are_of_their_type_and_all_are_used() -> None:
    packed = pack(whole())
    wrong = {"0": np.arange(3)}
    with pytest.raises(ValueError, match=r"^parts/b/values is not an array of float64"):
        unpack(Whole, Packed(state(), wrong, packed.rows))
    more = {**packed.arrays, "more": SHARED}
    with pytest.raises(ValueError, match=r"^it has, and cannot have, array more"):
        unpack(Whole, Packed(state(), more, packed.rows))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"either": "3"}, "either is not of type"),
        ({"parts": {"a": Other()}}, "parts/a may be no Other"),
        ({"many": ((3,),)}, "many/0/0 is not of type str"),
        ({"heavy": [1]}, "heavy is no Array"),
        ({"column": "n"}, "column is no Column"),
    ],
)
def test_what_could_not_be_read_is_not_written(change: dict[str, Any], message: str) -> None:
    one = whole()
    vars(one).update(change)
    with pytest.raises(TypeError, match=f"^{message}"):
        pack(one)


def test_types_that_do_not_say_what_they_hold_are_refused() -> None:
    with pytest.raises(TypeError, match="does not say what it holds"):
        pack({"a": 1}, dict[str, Any])
    with pytest.raises(TypeError, match="keys"):
        pack({1: 1}, dict[int, int])


def test_fields_left_out_are_given() -> None:
    packed = pack(whole(), without=("rows", "tree"))
    assert not packed.rows
    assert {"rows", "tree"}.isdisjoint(packed.state)
    tree = Tree("given")
    two = unpack(Whole, packed, rows=None, tree=tree)
    assert two.tree is tree
    with pytest.raises(ValueError, match="lacks rows"):
        unpack(Whole, packed, tree=tree)


def test_the_types_of_all_that_is_learned_are_known() -> None:
    """A name that is imported for type checkers alone would fail only where it is saved."""
    found: set[type[Any]] = set()
    waiting: list[Any] = [_fields_of(LookUpRows), _form_of(TableEncoder), _form_of(FrameForm)]
    hints = get_type_hints(FittedTable)
    waiting += [_form_of(hints[f.name]) for f in fields(FittedTable) if f.name not in ELSEWHERE]
    while waiting:
        one = waiting.pop()
        waiting += one.values() if isinstance(one, dict) else one if isinstance(one, list) else ()
        if isinstance(one, _Object):
            one._named("")
            new = set(one._allowed.values()) - found
            found |= new
            waiting += [_fields_of(kind) for kind in new]
        elif isinstance(one, _Form):
            waiting += vars(one).values()
    assert len(found) > 80
    assert {"Order", "PatternMaker", "FakeColumn", "InclusionDependency", "Total"} < {
        k.__name__ for k in found
    }


TEXTS = st.text(max_size=5)
NUMBERS = st.floats() | st.integers(-(2**63), 2**63 - 1)
SMALL = st.builds(Small, st.integers(0, 10**30), st.floats())
TREES = st.recursive(
    st.builds(Tree, TEXTS), lambda below: st.builds(Tree, TEXTS, st.lists(below).map(tuple))
)


@pytest.mark.slow
@given(parts=st.dictionaries(TEXTS, SMALL, max_size=4), tree=TREES, either=NUMBERS)
@settings(max_examples=60, deadline=None)
def test_any_values_come_back(parts: Any, tree: Tree, either: float) -> None:
    one = whole()
    one.parts, one.tree, one.either = parts, tree, either
    two = again(one)
    assert repr((two.parts, two.tree, two.either)) == repr((parts, tree, either))


@given(st.data())
@settings(max_examples=60, deadline=None)
def test_any_damage_is_a_value_error_or_a_whole(data: st.DataObject) -> None:
    changed = state()
    place: Any = changed
    while True:
        names = sorted(place) if isinstance(place, dict) else range(len(place))
        name = data.draw(st.sampled_from(names))
        if not isinstance(place[name], (dict, list)) or not place[name] or data.draw(st.booleans()):
            break
        place = place[name]
    json_values = st.none() | st.booleans() | NUMBERS | TEXTS | st.just([]) | st.just({})
    place[name] = data.draw(json_values)
    with suppress(ValueError):
        assert isinstance(read(changed), Whole)


def test_arrays_through_a_file(tmp_path: Path) -> None:
    packed = pack(whole())
    np.savez_compressed(tmp_path / "arrays.npz", **packed.arrays)  # type: ignore[arg-type]
    arrays = read_arrays(tmp_path / "arrays.npz")
    large = unpack(Whole, Packed(state(), arrays, packed.rows)).parts["b"]
    assert isinstance(large, Large)
    assert np.array_equal(large.values, SHARED)
