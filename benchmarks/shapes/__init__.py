"""Small databases with one hard key shape each, made from a seed.

Another seed gives other rows of the same distribution: the floor that a synthetic copy is held
against. A shape's facts are numbers that tell whether it was kept; those named ``no ...`` are
counts of broken rows, 0 in the real data.
"""

from benchmarks.shapes.base import Shape
from benchmarks.shapes.groups import GROUP_SHAPES
from benchmarks.shapes.keys import KEY_SHAPES

__all__ = ["SHAPES", "Shape"]

SHAPES: dict[str, Shape] = {**KEY_SHAPES, **GROUP_SHAPES}
