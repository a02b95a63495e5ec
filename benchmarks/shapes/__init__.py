"""Small databases of one hard shape each, made from a seed.

Another seed gives other rows of the same distribution: the floor that a synthetic copy is held
against. A shape's facts are numbers that tell whether it was kept; those named ``no ...`` are
counts of broken rows, 0 in the real data.

`SHAPES` are hard keys. `STRUCTURES` are what gives a copy away on databases that nobody tuned
for: panels, columns that rarely change, relations that nearly hold, long groups, small tables,
sets of children. `FINAL_STRUCTURES` are as many others of the same kinds, with other
distributions, names and sizes: nobody looks at their figures while building, they are only
scored at the end.
"""

from benchmarks.shapes.base import Shape
from benchmarks.shapes.groups import GROUP_SHAPES
from benchmarks.shapes.keys import KEY_SHAPES
from benchmarks.shapes.long_groups import FINAL_LONG, LONG
from benchmarks.shapes.nearly import FINAL_NEARLY, NEARLY
from benchmarks.shapes.panels import FINAL_PANELS, PANELS
from benchmarks.shapes.sets import FINAL_SETS, SETS
from benchmarks.shapes.small import FINAL_SMALL, SMALL
from benchmarks.shapes.sticky import FINAL_STICKY, STICKY

__all__ = ["FINAL_STRUCTURES", "SHAPES", "STRUCTURES", "Shape"]

SHAPES: dict[str, Shape] = {**KEY_SHAPES, **GROUP_SHAPES}
STRUCTURES: dict[str, Shape] = {**PANELS, **STICKY, **NEARLY, **LONG, **SMALL, **SETS}
FINAL_STRUCTURES: dict[str, Shape] = {
    **FINAL_PANELS, **FINAL_STICKY, **FINAL_NEARLY, **FINAL_LONG, **FINAL_SMALL, **FINAL_SETS,
}  # fmt: skip
