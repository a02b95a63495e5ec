from __future__ import annotations

import random
from itertools import combinations
from xml.etree import ElementTree

import pytest

from synthohive.metrics.report.diagram import DiagramKey, DiagramTable, diagram
from synthohive.metrics.report.layout import Box, Layout, laid_out


def schema(tables: int, seed: int = 0) -> list[Box]:
    """Return tables that refer to up to three before them; some to themselves, in circles."""
    rng = random.Random(seed)
    boxes = []
    for i in range(tables):
        parents = [f"t{int(rng.random() ** 1.5 * i)}" for _ in range(rng.choice((0, 1, 1, 2, 3)))]
        parents += [f"t{i}"] if i % 9 == 0 else []
        parents += [f"t{i + 7}"] if i == 3 else []  # which may refer back
        boxes.append(Box(f"t{i}", tuple(parents), width=120.0 + i % 5 * 20))
    return boxes


def overlapping(layout: Layout) -> list[tuple[str, str]]:
    found = []
    for (a, (x, y, w, h)), (b, (u, v, p, q)) in combinations(layout.boxes.items(), 2):
        if x < u + p and u < x + w and y < v + q and v < y + h:
            found.append((a, b))
    return found


def through(layout: Layout) -> list[tuple[str, str]]:
    """Return lines that pass through a box: where they cross a layer, at one of its tables."""
    found = []
    for line in layout.lines:
        for (left, y), (right, _) in list(zip(line.points[1:-1], line.points[2:-1]))[::2]:
            for name, (x, top, width, height) in layout.boxes.items():
                if left < x + width and x < right and top < y < top + height:
                    found.append((line.child, name))
    return found


@pytest.mark.parametrize("seed", range(5))
def test_forty_tables_have_room(seed: int) -> None:
    boxes = schema(40, seed)
    layout = laid_out(boxes)
    assert overlapping(layout) == []
    assert through(layout) == []
    drawn = sum(parent != box.name for box in boxes for parent in box.parents)
    assert len(layout.lines) == drawn
    assert 0.4 < layout.width / layout.height < 4
    assert layout == laid_out(boxes)


def test_lines_of_a_tree_do_not_cross() -> None:
    """However its tables are listed."""
    boxes = [Box(f"t{i}", (f"t{(i - 1) // 2}",) if i else ()) for i in range(15)]
    random.Random(1).shuffle(boxes)
    layout = laid_out(boxes)
    for a, b in combinations(layout.lines, 2):
        if a.points[0][0] == b.points[0][0]:
            (first, last), (other, end) = (
                (line.points[0][1], line.points[-1][1]) for line in (a, b)
            )
            assert (first - other) * (last - end) >= 0


def test_a_star_of_many_is_not_one_high_layer() -> None:
    boxes = [Box("fact"), *(Box(f"child{i}", ("fact",)) for i in range(30))]
    layout = laid_out(boxes)
    assert overlapping(layout) == through(layout) == []
    assert layout.height < 30 * boxes[1].height / 2


def test_circles_and_keys_to_nowhere_are_drawn() -> None:
    layout = laid_out([Box("a", ("b", "a")), Box("b", ("a", "gone"))])
    assert [line.backward for line in layout.lines] == [True, False]
    assert laid_out([]).boxes == {}


def test_the_drawing_is_whole_and_names_are_no_markup() -> None:
    key = DiagramKey("<b>", "b_id", "×3.1", "poor")
    long = DiagramTable(
        "a_very_long_name_of_a_table_that_has_no_end", "5 rows", "poor", "#a", (key,)
    )
    drawn = diagram([long, DiagramTable("<b>", "1 row", "good", "#b")])
    root = ElementTree.fromstring(drawn)
    assert [a.get("href") for a in root.iter("a")] == ["#a", "#b"]
    titles = [title.text or "" for title in root.iter("title")]
    assert any(title.startswith(long.name) for title in titles)  # the box may show its beginning
    texts = [text.text for text in root.iter("text")]
    assert {"<b>", "×3.1", "✗", "✓"} <= set(texts)
