"""Where the tables of a schema stand in its diagram: those referred to left of those that refer.

After Sugiyama, Tagawa and Toda (1981): tables are dealt to layers, a line that passes a layer gets
a place in it, the order within layers is chosen for few crossings, then heights are settled. Lines
from one table share their way, so that a table that all others refer to does not fill the page.
"""

from __future__ import annotations

from bisect import bisect_right, insort
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

__all__ = ["Box", "Layout", "Line", "laid_out"]

# A layer holds tables, and lines that pass it, named for the table on the left that they come from.
Place = tuple[str, int]  # the table, the layer

_GAP = 14.0  # between boxes of a layer
_WAY = 4.0  # height of what passes
_CHANNEL = (44.0, 120.0)  # between layers: at least, at most
_PER_LINE = 3.0  # of the channel
_SHAPE = 1.8  # width of the whole, relative to its height, that layers are filled towards
_SWEEPS = 16
_STRAIGHT = 4.0  # weight of what passes: bends in lines are worse than a box beside its best place


@dataclass(frozen=True)
class Box:
    """A table: how large it is drawn; each key that it has enters at a step below the head."""

    name: str
    parents: tuple[str, ...] = ()  # of each key; itself, or twice the same
    width: float = 160.0
    head: float = 40.0
    step: float = 16.0

    @property
    def height(self) -> float:
        """Head and keys."""
        return self.head + self.step * len(self.parents)


@dataclass(frozen=True)
class Line:
    """A key: the points that it runs through, from the left box to the right one."""

    child: str
    key: int  # which of the child's
    points: tuple[tuple[float, float], ...]
    backward: bool = False  # closes a circle: the child stands on the left


@dataclass(frozen=True)
class Layout:
    """A drawing: left upper corners, the width of each layer's boxes, lines."""

    width: float
    height: float
    boxes: Mapping[str, tuple[float, float, float, float]]  # x, y, width, height
    keys: Mapping[str, tuple[int, ...]]  # keys of each box in the order from above
    lines: tuple[Line, ...]


def laid_out(boxes: Sequence[Box]) -> Layout:
    """Return where boxes and lines go; the same boxes give the same drawing.

    Examples
    --------
    >>> laid_out([Box("order", ("customer",)), Box("customer")]).boxes["customer"][0]
    0.0
    """
    drawing = _Drawing({box.name: box for box in boxes})
    drawing.rank()
    drawing.fill()
    drawing.connect()
    drawing.order()
    drawing.settle()
    return drawing.drawn()


@dataclass
class _Drawing:
    boxes: dict[str, Box]
    ranks: dict[str, int] = field(default_factory=dict)
    layers: list[list[Place]] = field(default_factory=list)
    left: dict[Place, list[Place]] = field(default_factory=lambda: defaultdict(list))
    right: dict[Place, list[Place]] = field(default_factory=lambda: defaultdict(list))
    tops: dict[Place, float] = field(default_factory=dict)

    def neighbours(self) -> dict[str, set[str]]:
        """Return whom each table refers to, or is referred to by."""
        near: dict[str, set[str]] = {name: set() for name in self.boxes}
        for name, box in self.boxes.items():
            for parent in set(box.parents) & self.boxes.keys() - {name}:
                near[name].add(parent)
                near[parent].add(name)
        return near

    def rank(self) -> None:
        """Deal tables to layers: right of all that they refer to, and no further."""
        near = self.neighbours()
        waiting = {n: set(b.parents) & self.boxes.keys() - {n} for n, b in self.boxes.items()}
        while waiting:  # a circle is entered where fewest parents are missing
            name = min(waiting, key=lambda n: len(waiting[n] - self.ranks.keys()))
            del waiting[name]
            placed = [self.ranks[other] for other in near[name] if other in self.ranks]
            self.ranks[name] = max(placed, default=-1) + 1
        for name in sorted(self.ranks, key=lambda n: -self.ranks[n]):
            own = self.ranks[name]
            after = [self.ranks[o] for o in near[name] if self.ranks[o] > own]
            if len(after) > len(near[name]) - len(after):  # more to the right than to the left
                self.ranks[name] = min(after) - 1

    def fill(self) -> None:
        """Move tables out of layers that are far higher than the whole should be."""
        near = self.neighbours()
        area = sum((box.width + _CHANNEL[1]) * (box.height + _GAP) for box in self.boxes.values())
        most = max([(area / _SHAPE) ** 0.5, *(box.height + _GAP for box in self.boxes.values())])
        for name, others in near.items():
            if not others:  # by itself: the lowest layer
                self.ranks[name] = min(range(self.count or 1), key=self.filled)
        for step in (-1, 1):  # those with nothing to their left go left, then the same to the right
            layer = self.count - 1 if step < 0 else 0
            while 0 <= layer < self.count:
                free = [
                    name
                    for name in self.members(layer)
                    if all((self.ranks[o] - layer) * step < 0 for o in near[name])
                ]
                while free and self.filled(layer) > most and layer + step >= 0:
                    self.ranks[free.pop()] += step
                layer += step

    @property
    def count(self) -> int:
        """Number of layers."""
        return max(self.ranks.values(), default=-1) + 1

    def members(self, layer: int) -> list[str]:
        """Return the tables of a layer."""
        return [name for name, rank in self.ranks.items() if rank == layer]

    def filled(self, layer: int) -> float:
        """Return how high a layer is."""
        return sum(self.boxes[name].height + _GAP for name in self.members(layer))

    def connect(self) -> None:
        """Give each line a place in all layers that it passes."""
        used = sorted(set(self.ranks.values()))
        self.ranks = {name: used.index(rank) for name, rank in self.ranks.items()}
        self.layers = [[(n, layer) for n in self.members(layer)] for layer in range(self.count)]
        for name, box in self.boxes.items():
            for parent in box.parents:
                if parent in self.boxes and parent != name:
                    chain = self.chain(name, parent)
                    for a, b in zip(chain, chain[1:]):
                        if b not in self.right[a]:
                            self.right[a].append(b)
                            self.left[b].append(a)
                    for way in chain[1:-1]:
                        if way not in self.layers[way[1]]:
                            self.layers[way[1]].append(way)

    def chain(self, child: str, parent: str) -> list[Place]:
        """Return what a line runs through, from the left to the right."""
        first, last = sorted((child, parent), key=lambda name: self.ranks[name])
        between = range(self.ranks[first] + 1, self.ranks[last])
        return [self.place(first), *((first, layer) for layer in between), self.place(last)]

    def place(self, name: str) -> Place:
        """Return where a table itself is."""
        return name, self.ranks[name]

    def is_box(self, place: Place) -> bool:
        """Whether it is a table; lines that pass otherwise."""
        return self.ranks[place[0]] == place[1]

    def order(self) -> None:
        """Sort each layer by its neighbours, to and fro; keep what crosses least."""
        best, fewest = [list(layer) for layer in self.layers], self.crossings()
        for sweep in range(_SWEEPS):
            rightward = sweep % 2 == 0
            layers = range(self.count) if rightward else range(self.count - 1, -1, -1)
            for layer in layers:
                self.sort(layer, self.left if rightward else self.right)
            self.exchange()
            if (crossings := self.crossings()) <= fewest:
                best, fewest = [list(layer) for layer in self.layers], crossings
        self.layers = best

    def sort(self, layer: int, beside: Mapping[Place, list[Place]]) -> None:
        """Sort one layer by the mean place of neighbours; who has none stays about where it is."""
        at = self.positions()
        means = {
            place: sum(at[o] for o in beside[place]) / len(beside[place])
            if beside.get(place)
            else at[place]
            for place in self.layers[layer]
        }
        self.layers[layer].sort(key=lambda place: means[place])

    def positions(self) -> dict[Place, float]:
        """Return the place of each in its layer, from 0 to 1."""
        return {
            place: (i + 0.5) / len(layer) for layer in self.layers for i, place in enumerate(layer)
        }

    def exchange(self) -> None:
        """Swap neighbours in a layer as long as fewer lines cross."""
        for layer in self.layers:
            at = self.positions()
            for i in range(len(layer) - 1):
                upper, lower = layer[i], layer[i + 1]
                now = then = 0
                for side in (self.left, self.right):
                    a = sorted(at[o] for o in side.get(upper, ()))
                    b = sorted(at[o] for o in side.get(lower, ()))
                    now += _inversions(a, b)
                    then += _inversions(b, a)
                if then < now:
                    layer[i], layer[i + 1] = lower, upper
                    at[upper], at[lower] = at[lower], at[upper]

    def crossings(self) -> int:
        """Count the crossings of lines."""
        at, crossed = self.positions(), 0
        for layer in self.layers:
            ends: list[float] = []
            for place in layer:
                onward = sorted(at[o] for o in self.right.get(place, ()))
                crossed += sum(len(ends) - bisect_right(ends, end) for end in onward)
                for end in onward:
                    insort(ends, end)
        return crossed

    def settle(self) -> None:
        """Move each as near to the height of its neighbours as the order allows."""
        for layer in self.layers:
            top = 0.0
            for place in layer:
                self.tops[place] = top
                top += self.size(place) + _GAP
        for sweep in range(_SWEEPS):
            rightward = sweep % 2 == 0
            for layer in self.layers if rightward else self.layers[::-1]:
                self.shift(layer, self.left if rightward else self.right)
        lowest = min(self.tops.values(), default=0.0)
        self.tops = {place: top - lowest for place, top in self.tops.items()}

    def size(self, place: Place) -> float:
        """Return how high something is."""
        return self.boxes[place[0]].height if self.is_box(place) else _WAY

    def middle(self, place: Place) -> float:
        """Return the height at which lines leave a box to the right, or pass."""
        head = self.boxes[place[0]].head if self.is_box(place) else _WAY
        return self.tops[place] + head / 2

    def shift(self, layer: list[Place], beside: Mapping[Place, list[Place]]) -> None:
        """Choose the heights in one layer that are nearest to the wanted ones (least squares)."""
        wanted, weights, below, total = [], [], [], 0.0
        for place in layer:
            others = beside.get(place) or [place]
            offset = self.middle(place) - self.tops[place]
            goal = sum(self.middle(o) for o in others) / len(others) - offset
            wanted.append(goal - total)
            weights.append(1.0 if self.is_box(place) else _STRAIGHT)
            below.append(total)
            total += self.size(place) + _GAP
        for place, top, offset in zip(layer, _rising(wanted, weights), below):
            self.tops[place] = top + offset

    def drawn(self) -> Layout:
        """Return the drawing."""
        widths, edges, x = [], [], 0.0
        for layer in self.layers:
            width = max((self.boxes[p[0]].width for p in layer if self.is_box(p)), default=0.0)
            leaving = sum(len(self.right.get(place, ())) for place in layer)
            edges.append(x)
            widths.append(width)
            x += width + min(_CHANNEL[1], _CHANNEL[0] + _PER_LINE * leaving)
        boxes = {
            name: (edges[rank], self.tops[name, rank], widths[rank], self.boxes[name].height)
            for name, rank in self.ranks.items()
        }
        keys = {name: self.key_order(name) for name in self.boxes}
        lines = [
            line for name in self.boxes for line in self.lines(name, keys[name], edges, widths)
        ]
        right = max((x + width for x, _, width, _ in boxes.values()), default=0.0)
        bottom = max((self.tops[p] + self.size(p) for p in self.tops), default=0.0)
        return Layout(right, bottom, boxes, keys, tuple(lines))

    def key_order(self, name: str) -> tuple[int, ...]:
        """Return a table's keys by the height that their lines come from."""
        box, at = self.boxes[name], {}
        for i, parent in enumerate(box.parents):
            forward = parent in self.boxes and self.ranks[parent] < self.ranks[name]
            at[i] = (
                self.middle(self.chain(name, parent)[-2])
                if forward
                else self.tops[self.place(name)]
            )
        return tuple(sorted(at, key=lambda i: at[i]))

    def lines(
        self, name: str, keys: tuple[int, ...], edges: list[float], widths: list[float]
    ) -> list[Line]:
        """Return the lines of a table's keys; one that refers to itself has none."""
        box, lines = self.boxes[name], []
        for row, key in enumerate(keys):
            parent = box.parents[key]
            if parent not in self.boxes or parent == name:
                continue
            first, *ways, last = self.chain(name, parent)
            backward = first == self.place(name)
            port = self.tops[self.place(name)] + box.head + (row + 0.5) * box.step
            start = edges[first[1]] + widths[first[1]]
            points = [(start, port if backward else self.middle(first))]
            for way in ways:
                height = self.middle(way)
                points += [(x, height) for x in (edges[way[1]], edges[way[1]] + widths[way[1]])]
            points.append((edges[last[1]], self.middle(last) if backward else port))
            lines.append(Line(name, key, tuple(points), backward))
        return lines


def _inversions(first: list[float], then: list[float]) -> int:
    """Count pairs in which an end of the upper one lies below an end of the lower one."""
    return sum(len(first) - bisect_right(first, end) for end in then)


def _rising(wanted: list[float], weights: list[float]) -> list[float]:
    """Return the nearest numbers that never fall (pool adjacent violators)."""
    pools: list[tuple[float, float, int]] = []  # mean, weight, how many
    for goal, own in zip(wanted, weights):
        mean, weight, size = goal, own, 1
        while pools and pools[-1][0] > mean:
            other, more, members = pools.pop()
            mean = (mean * weight + other * more) / (weight + more)
            weight, size = weight + more, size + members
        pools.append((mean, weight, size))
    return [mean for mean, _, size in pools for _ in range(size)]
