"""Made-up JSON and markup: the structures that enough rows share, with every leaf made up."""

from __future__ import annotations

import json
from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa

from synthohive._arrays import IntArray
from synthohive._random import U64, below, subkey, weighted
from synthohive.texts.documents import as_document, leaf_key, markup_of, pruned

__all__ = ["JsonShapes", "Leaf"]


FitLeaf = Callable[[str, str, str, bool, list[Any]], "Leaf"]
"""From a leaf's name, key and type, whether it makes its text unique, and its values."""

_STRUCTURES = 20
_ELEMENTS = 5  # of an array: what comes after them is left out
_DEEPEST = 20
_LEAVES = 100
_CENTS = 100
_DEPTHS = (_DEEPEST, 4, 3, 2, 1, 0)


class Leaf(ABC):
    """What makes the values of one leaf: a made-up column of its own."""

    @abstractmethod
    def make(self, indices: IntArray, seed: int) -> Any:
        """Return one value for each row."""


@dataclass(frozen=True)
class JsonShapes:
    """Structures of JSON texts, with weights, and what makes the leaves of each.

    Attributes
    ----------
    structures : tuple of str
        JSON in which each leaf is its type: ``"text"``, ``"integer"``, ``"number"``,
        ``"boolean"`` or null.
    weights : tuple of float
    leaves : tuple of tuple of Leaf
        For each structure those of its texts and numbers, in the order of reading.
    markup : bool
        The structures are those of trees that are written as XML or HTML.
    """

    structures: tuple[str, ...]
    weights: tuple[float, ...]
    leaves: tuple[tuple[Leaf, ...], ...]
    markup: bool

    @classmethod
    def learn(cls, texts: Sequence[str], k: int, fit_leaf: FitLeaf) -> JsonShapes:
        """Learn from documents.

        Parameters
        ----------
        texts : sequence of str
            JSON or markup; what is neither is left out.
        k : int
            A structure of fewer rows is not used; where there is none, documents are empty.
        fit_leaf : callable
            Returns what makes the values of a leaf, given its name, its key and its type,
            whether it makes its text unique, and its values.
        """
        markup = sum(text.lstrip()[:1] == "<" for text in texts) > len(texts) / 2
        values = [value for text in texts for value in _parsed(text)]
        for depth in _DEPTHS if markup else _DEPTHS[:1]:
            values = [pruned(value, depth) for value in values] if markup else values
            shapes = [json.dumps(_shape(value)) for value in values]
            usual = Counter(shapes).most_common(_STRUCTURES)
            kept = [(shape, float(count)) for shape, count in usual if count >= k]
            if sum(weight for _, weight in kept) > len(values) / 2:
                break
        found = [
            _leaves_of(number, [v for v, s in zip(values, shapes) if s == shape], fit_leaf)
            for number, (shape, _) in enumerate(kept)
        ]
        if not kept:
            empty = "[]" if texts and texts[0].lstrip()[:1] == "[" else "{}"
            kept, found = [(empty, 1.0)], [()]
        return cls(tuple(s for s, _ in kept), tuple(w for _, w in kept), tuple(found), markup)

    def make(self, index: U64, seed: int, key: int) -> Any:
        """Return a text for each row.

        Parameters
        ----------
        index : ndarray of uint64, shape (rows,)
            What a text depends on, beside the keys.
        seed : int
            Of the leaves, which are columns of their own.
        key : int
            Of what is drawn here: the structure, and what is true or false.

        Returns
        -------
        pyarrow.Array
            Of strings, none NULL.
        """
        choice = weighted(index, self.weights, subkey(key, "structure"))
        made = np.empty(len(index), dtype=object)
        for number, structure in enumerate(self.structures):
            rows = np.flatnonzero(choice == number)
            if not len(rows):
                continue
            part = index[rows]
            leaves = [
                leaf.make(part.astype(np.int64), seed).to_pylist() for leaf in self.leaves[number]
            ]
            flags = below(part, 1 << 32, subkey(key, "flags", number)).tolist()
            shape = json.loads(structure)
            for at, row, flag in zip(range(len(rows)), rows, flags):
                taken = iter([column[at] for column in leaves])
                value = _filled(shape, taken, _bits(flag))
                made[row] = (
                    markup_of(value) if self.markup else json.dumps(value, ensure_ascii=False)
                )
        return pa.array(made, pa.string())


def _parsed(text: str) -> Iterator[Any]:
    try:
        yield as_document(text)
    except (ValueError, RecursionError):
        return  # not a text of this column's usual kind


def _shape(value: Any, depth: int = 0) -> Any:
    """Return the value with each leaf replaced by its type."""
    if depth > _DEEPEST or value is None:
        return None
    if isinstance(value, dict):
        return {key: _shape(inner, depth + 1) for key, inner in value.items()}
    if isinstance(value, list):
        return [_shape(inner, depth + 1) for inner in value[:_ELEMENTS]]
    if isinstance(value, bool):
        return "boolean"
    if isinstance(value, int):
        return "integer"
    return "number" if isinstance(value, float) else "text"


def _walk(value: Any, key: str = "", depth: int = 0) -> Iterator[tuple[str, str, Any]]:
    """Yield key, type and value of each leaf that is made, in the order of reading."""
    if depth > _DEEPEST or value is None or isinstance(value, bool):
        return
    if isinstance(value, dict):
        for name, inner in value.items():
            yield from _walk(inner, leaf_key(name, key), depth + 1)
    elif isinstance(value, list):
        for inner in value[:_ELEMENTS]:
            yield from _walk(inner, key, depth + 1)
    else:
        yield key, str(_shape(value)), value


def _leaves_of(structure: int, values: list[Any], fit_leaf: FitLeaf) -> tuple[Leaf, ...]:
    columns = list(zip(*(list(_walk(value)) for value in values)))[:_LEAVES]
    types = [column[0][1] for column in columns]
    alone = types.index("text") if "text" in types else 0
    return tuple(
        fit_leaf(
            f"{structure}.{number}",
            column[0][0],
            types[number],
            number == alone,
            [_plain(value) for _, _, value in column],
        )
        for number, column in enumerate(columns)
    )


def _plain(value: Any) -> Any:
    """Return numbers as whole ones, which patterns can be learned from."""
    if isinstance(value, float):
        return round(abs(value) * _CENTS) if abs(value) < 2**50 else 0
    return min(abs(value), 2**62) if isinstance(value, int) else value


def _bits(flags: int) -> Iterator[bool]:
    for at in range(32):
        yield bool(flags >> at & 1)


def _filled(shape: Any, leaves: Iterator[Any], flags: Iterator[bool]) -> Any:
    if isinstance(shape, dict):
        return {key: _filled(inner, leaves, flags) for key, inner in shape.items()}
    if isinstance(shape, list):
        return [_filled(inner, leaves, flags) for inner in shape]
    if shape is None:
        return None
    if shape == "boolean":
        return next(flags, False)
    value = next(leaves, None)
    return value / _CENTS if shape == "number" and value is not None else value
