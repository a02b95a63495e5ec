"""The structures of JSON texts, and what stands at their leaves."""

from __future__ import annotations

import json
from dataclasses import dataclass, field, replace
from typing import Any, Literal, Optional

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from synthohive._arrays import IntArray
from synthohive.encoding.base import EncoderSettings, below
from synthohive.encoding.canonical import canonical, restore
from synthohive.encoding.draw import categorical
from synthohive.encoding.modes import Modes
from synthohive.encoding.text_patterns import TextPatterns
from synthohive.encoding.value_counts import ValueCounts
from synthohive.texts import moments
from synthohive.texts.documents import Kind, kind_of, mapped

__all__ = ["Node", "structure_of"]

Found = tuple[int, Any]
"""A value, and the row of the text in which it was found."""

_SHARED = 0.8  # of leaves that are shared texts, to be categories
_MODES = 3  # of a leaf's numbers: structures are many, and their rows few
_MOST_ELEMENTS = 200  # of a set
_LISTS = 20  # of several elements, to tell that these never repeat
_OF_A_DAY = 86_400 * 10**6 - 1


def structure_of(value: Any) -> str:
    """Return the keys and types of a JSON value; elements of an array are like its first.

    Examples
    --------
    >>> structure_of({"a": 1, "b": ["x", "y"]})
    '{"a":"integer","b":["string"]}'
    """
    kinds = mapped(value, lambda _, leaf: kind_of(leaf), most=1)
    return json.dumps(kinds, separators=(",", ":"))


@dataclass
class Node:
    """A place in a structure: an object, an array or a leaf, able to make up JSON text.

    Attributes
    ----------
    kind : str
    children : list of Node
        Of an object, or the one of an array.
    keys : list of str
        Of an object.
    lengths : list of int
        Of arrays.
    values : list of str
        Texts that are shared; none where a text is made up.
    weights : list of float
        Of lengths, values, or False and True.
    distinct : {"sorted", "any order"}, optional
        Of arrays whose elements never repeat.
    form : str, optional
        Of texts that are dates or times.
    modes : Modes, optional
        Of numbers, and of dates and times.
    patterns : TextPatterns, optional
        Of other texts.
    """

    kind: Kind
    children: list[Node] = field(default_factory=list)
    keys: list[str] = field(default_factory=list)
    lengths: list[int] = field(default_factory=list)
    values: list[str] = field(default_factory=list)
    weights: list[float] = field(default_factory=list)
    distinct: Optional[Literal["sorted", "any order"]] = None
    form: Optional[str] = None
    modes: Optional[Modes] = None
    patterns: Optional[TextPatterns] = None

    @classmethod
    def learn(
        cls,
        found: list[Found],
        value_counts: ValueCounts,
        settings: EncoderSettings,
        seed: np.random.SeedSequence,
    ) -> Node:
        """Learn from values of the same structure.

        Parameters
        ----------
        found : list of (int, value)
            At least one. Each with the index in `value_counts` of the text that it comes from.
        value_counts : ValueCounts
            Of the texts.
        settings : EncoderSettings
            `k`, and how numbers are fitted.
        seed : numpy.random.SeedSequence
            Each place of the structure derives its own.
        """
        example = found[0][1]
        if isinstance(example, dict):
            parts = [[(row, value[key]) for row, value in found] for key in example]
            children = [
                cls.learn(part, value_counts, settings, below(seed, i))
                for i, part in enumerate(parts)
            ]
            return cls("object", children, keys=list(example))
        if isinstance(example, list):
            lengths, weights = _lengths(found, value_counts, settings.k)
            if not example:
                return cls("array", lengths=lengths, weights=weights)
            kind = structure_of(example[0])
            inner = [(r, v) for r, values in found for v in values if structure_of(v) == kind]
            child = cls.learn(inner, value_counts, settings, below(seed, 0))
            whole = cls("array", [child], lengths=lengths, weights=weights)
            whole._find_set([values for _, values in found])
            return whole
        return _leaf(kind_of(example), found, value_counts, settings, seed)

    def _find_set(self, lists: list[list[Any]]) -> None:
        """Note that the elements of lists never repeat, and that they stand in one order."""
        child = self.children[0]
        several = [values for values in lists if len(values) > 1]
        if not child.values or len(child.values) > _MOST_ELEMENTS or len(several) < _LISTS:
            return
        if any(len(set(values)) < len(values) for values in several):
            return
        places: dict[Any, list[float]] = {value: [] for value in child.values}
        for values in several:
            for place, value in enumerate(v for v in values if v in places):
                places[value].append(place / len(values))
        ranks = {v: float(np.mean(p)) if p else np.inf for v, p in places.items()}
        for order in (sorted(ranks, key=lambda v: ranks[v]), sorted(ranks)):
            at = {value: place for place, value in enumerate(order)}
            ordered = ([at[v] for v in values if v in at] for values in several)
            if all(places_of == sorted(places_of) for places_of in ordered):
                weights = dict(zip(child.values, child.weights))
                child.values, child.weights = order, [weights[value] for value in order]
                self.distinct = "sorted"
                return
        self.distinct = "any order"

    def generate(self, size: int, rng: np.random.Generator) -> pa.Array:
        """Make up `size` JSON texts of the structure."""
        if self.kind == "object":
            return self._objects(size, rng)
        if self.kind == "array":
            return self._arrays(size, rng)
        if self.kind == "null":
            return pa.array(["null"] * size, type=pa.string())
        if self.kind == "boolean":
            words = pa.array(["false", "true"])
            return words.take(pa.array(categorical(self.weights, size, rng)))
        if self.values:
            words = pa.array([json.dumps(v, ensure_ascii=False) for v in self.values])
            return words.take(pa.array(categorical(self.weights, size, rng)))
        if self.patterns is not None:
            clusters = categorical(self.patterns.weights, size, rng)
            return _quoted(self.patterns.generate(clusters, rng))
        return self._numbers(size, rng)

    def _objects(self, size: int, rng: np.random.Generator) -> pa.Array:
        parts: list[Any] = []
        lead = "{"
        for key, child in zip(self.keys, self.children):
            parts += [pa.scalar(f"{lead}{json.dumps(key, ensure_ascii=False)}: ")]
            parts += [child.generate(size, rng)]
            lead = ", "
        if not parts:
            return pa.array(["{}"] * size, type=pa.string())
        return pc.binary_join_element_wise(*parts, pa.scalar("}"), pa.scalar(""))

    def _arrays(self, size: int, rng: np.random.Generator) -> pa.Array:
        if not self.children:
            return pa.array(["[]"] * size, type=pa.string())
        drawn = categorical(self.weights, size, rng)
        offsets = np.concatenate([[0], np.cumsum(np.asarray(self.lengths)[drawn])])
        if self.distinct is not None:
            offsets, items = self._sets(np.asarray(self.lengths)[drawn], rng)
        else:
            items = self.children[0].generate(int(offsets[-1]), rng)
        items = items.cast(pa.large_string())
        lists = pa.LargeListArray.from_arrays(pa.array(offsets), items)
        inner = pc.binary_join(lists, pa.scalar(", ", pa.large_string()))
        return pc.binary_join_element_wise(
            pa.scalar("["), inner.cast(pa.string()), pa.scalar("]"), pa.scalar("")
        )

    def _sets(self, lengths: IntArray, rng: np.random.Generator) -> tuple[IntArray, pa.Array]:
        """Draw different elements of each list, by the weights of all; return offsets as well.

        The least of exponential times at the rates of the weights are such a draw (Efraimidis
        and Spirakis, "Weighted random sampling with a reservoir", 2006).
        """
        weights = np.asarray(self.children[0].weights, dtype=np.float64)
        lengths = np.minimum(lengths, len(weights))
        # (lists, elements): the `lengths[i]` least times of row i say what list i has
        times = rng.exponential(size=(len(lengths), len(weights))) / weights
        order = np.argsort(times, axis=1)
        if self.distinct == "sorted":  # places beyond the length come last
            beyond = np.arange(len(weights)) >= lengths[:, None]
            order = np.sort(np.where(beyond, len(weights), order), axis=1)
        inside = np.arange(len(weights)) < lengths[:, None]
        words = [json.dumps(v, ensure_ascii=False) for v in self.children[0].values]
        items = pa.array(words, type=pa.string()).take(pa.array(order[inside]))
        return np.concatenate([[0], np.cumsum(lengths)]), items

    def _numbers(self, size: int, rng: np.random.Generator) -> pa.Array:
        if self.modes is None:
            raise ValueError(f"nothing was learned of a leaf of kind {self.kind!r}")
        codes = categorical(self.modes.frequencies, size, rng).astype(np.int32)
        # a position of 1 is four standard deviations of its mode
        spread = rng.normal(0.0, 0.25, (size, 1 if self.modes.active else 0))
        positions = np.clip(spread, -1, 1).astype(np.float32)
        numbers = self.modes.decode(codes, positions, rng)
        if self.form is None:
            return numbers.cast(pa.string())
        type_ = moments.type_of_form(self.form)
        if pa.types.is_time(type_):
            numbers = pc.min_element_wise(pc.max_element_wise(numbers, 0), _OF_A_DAY)
        return _quoted(moments.write(restore(numbers, type_), self.form))


def _lengths(
    found: list[Found], value_counts: ValueCounts, k: int
) -> tuple[list[int], list[float]]:
    sizes = np.array([len(values) for _, values in found])
    rows = np.array([row for row, _ in found], dtype=np.int64)
    counts = np.bincount(sizes, weights=value_counts.counts[rows])
    keep = np.flatnonzero(value_counts.holders_of(sizes, rows) >= k)
    if not len(keep):
        keep = np.array([int(np.median(sizes))])
    return keep.tolist(), np.maximum(counts[keep], 1.0).tolist()


def _leaf(
    kind: Kind,
    found: list[Found],
    value_counts: ValueCounts,
    settings: EncoderSettings,
    seed: np.random.SeedSequence,
) -> Node:
    if kind == "null":
        return Node("null")
    rows = np.array([row for row, _ in found], dtype=np.int64)
    values = [value for _, value in found]
    if kind == "boolean":
        weights = np.bincount(
            np.array(values, dtype=np.int64), value_counts.counts[rows], minlength=2
        )
        return Node("boolean", weights=weights.tolist())
    types = {"integer": pa.int64(), "number": pa.float64(), "string": pa.string()}
    if kind == "number":
        values = [float(v) for v in values]
    part = value_counts.derive(pa.array(values, type=types[kind]), rows, settings.k)
    if kind == "string":
        kept = part.take(np.flatnonzero(part.holders >= settings.k))
        if len(kept) and kept.counts.sum() >= _SHARED * part.counts.sum():
            weights = kept.counts.astype(np.float64).tolist()
            return Node("string", values=kept.values.to_pylist(), weights=weights)
        # A pattern of digits would make up a 36th of July.
        form = moments.form_of(part.values.to_pylist())
        if form is None:
            return Node("string", patterns=TextPatterns.learn(part, settings.k, seed))
        parsed = moments.parse(pa.array(values, type=pa.string()), form)
        part = value_counts.derive(canonical(parsed, parsed.type), rows, settings.k)
        return Node("string", form=form, modes=_modes(part, settings, seed))
    return Node(kind, modes=_modes(part, settings, seed))


def _modes(part: ValueCounts, settings: EncoderSettings, seed: np.random.SeedSequence) -> Modes:
    """Return what is learned of numbers."""
    return Modes.fit(part.ordered(), {}, replace(settings, max_modes=_MODES), seed)


def _quoted(texts: pa.Array) -> pa.Array:
    for raw, escaped in (("\\", "\\\\"), ('"', '\\"')):
        texts = pc.replace_substring(texts, raw, escaped)
    for code in range(32):
        if pc.any(pc.match_substring(texts, chr(code))).as_py():
            texts = pc.replace_substring(texts, chr(code), f"\\u{code:04x}")
    return pc.binary_join_element_wise(pa.scalar('"'), texts, pa.scalar('"'), pa.scalar(""))
