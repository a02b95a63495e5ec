"""The structures of JSON texts, and what stands at their leaves."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any, Optional

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from synthohive import _moments as moments
from synthohive.core.data.base import EncoderSettings
from synthohive.core.data.draw import categorical
from synthohive.core.data.modes import Modes
from synthohive.core.data.tally import Tally, tally_summary
from synthohive.core.data.text_patterns import TextPatterns

__all__ = ["Node", "structure_of"]

Ints = npt.NDArray[np.int64]
Found = tuple[int, Any]
"""A value, and the row of the text in which it was found."""

_SHARED = 0.8
_MODES = 3
_MOST_ELEMENTS = 200
_LISTS = 20
_INT64 = 2**63
_OF_A_DAY = 86_400 * 10**6 - 1


def structure_of(value: Any) -> str:
    """Return the keys and types of a JSON value; elements of an array are like its first.

    Examples
    --------
    >>> structure_of({"a": 1, "b": ["x", "y"]})
    '{"a":integer,"b":[string]}'
    """
    if isinstance(value, dict):
        inner = ",".join(f"{json.dumps(k)}:{structure_of(v)}" for k, v in value.items())
        return f"{{{inner}}}"
    if isinstance(value, list):
        return f"[{structure_of(value[0])}]" if value else "[]"
    return _leaf_kind(value)


def _leaf_kind(value: Any) -> str:
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "boolean"
    if isinstance(value, int):
        return "integer" if -_INT64 < value < _INT64 else "number"
    return "number" if isinstance(value, float) else "string"


class Node:
    """A place in a structure: an object, an array or a leaf, able to make up JSON text.

    `state` is JSON-able: its ``kind`` and what was learned for that kind.
    """

    def __init__(self, state: dict[str, Any], children: list[Node]) -> None:
        self.state = state
        self.children = children
        self._modes: Optional[Modes] = None
        self._patterns: Optional[TextPatterns] = None
        if "modes" in state:
            whole = state["kind"] == "integer" or "form" in state
            type_ = pa.int64() if whole else pa.float64()
            arrays = {name: np.asarray(a) for name, a in state["arrays"].items()}
            self._modes = Modes.from_state(type_, state["modes"], arrays)
        if "patterns" in state:
            self._patterns = TextPatterns.from_dict(state["patterns"])

    @classmethod
    def learn(
        cls,
        found: list[Found],
        tally: Tally,
        settings: EncoderSettings,
        seed: np.random.SeedSequence,
    ) -> Node:
        """Learn from values of the same structure."""
        example = found[0][1]
        if isinstance(example, dict):
            parts = [[(row, value[key]) for row, value in found] for key in example]
            seeds = _seeds(seed, len(parts))
            children = [cls.learn(p, tally, settings, s) for p, s in zip(parts, seeds)]
            return cls({"kind": "object", "keys": list(example)}, children)
        if isinstance(example, list):
            state = {"kind": "array", **_lengths(found, tally, settings.k)}
            if not example:
                return cls(state, [])
            kind = structure_of(example[0])
            inner = [(r, v) for r, values in found for v in values if structure_of(v) == kind]
            child = cls.learn(inner, tally, settings, _seeds(seed, 1)[0])
            _find_set(state, child.state, [values for _, values in found])
            return cls(state, [child])
        kind = _leaf_kind(example)
        return cls({"kind": kind, **_leaf(kind, found, tally, settings, seed)}, [])

    def generate(self, size: int, rng: np.random.Generator) -> pa.Array:
        """Make up `size` JSON texts of the structure."""
        kind = self.state["kind"]
        if kind == "object":
            return self._objects(size, rng)
        if kind == "array":
            return self._arrays(size, rng)
        if kind == "null":
            return pa.array(["null"] * size, type=pa.string())
        if kind == "boolean":
            words = pa.array(["false", "true"])
            return words.take(pa.array(categorical(self.state["weights"], size, rng)))
        if "values" in self.state:
            words = pa.array([json.dumps(v, ensure_ascii=False) for v in self.state["values"]])
            return words.take(pa.array(categorical(self.state["weights"], size, rng)))
        if self._patterns is not None:
            clusters = categorical(self._patterns.weights, size, rng)
            return _quoted(self._patterns.generate(clusters, rng))
        return self._numbers(size, rng)

    def _objects(self, size: int, rng: np.random.Generator) -> pa.Array:
        parts: list[Any] = []
        lead = "{"
        for key, child in zip(self.state["keys"], self.children):
            parts += [pa.scalar(f"{lead}{json.dumps(key, ensure_ascii=False)}: ")]
            parts += [child.generate(size, rng)]
            lead = ", "
        if not parts:
            return pa.array(["{}"] * size, type=pa.string())
        return pc.binary_join_element_wise(*parts, pa.scalar("}"), pa.scalar(""))

    def _arrays(self, size: int, rng: np.random.Generator) -> pa.Array:
        if not self.children:
            return pa.array(["[]"] * size, type=pa.string())
        drawn = categorical(self.state["weights"], size, rng)
        offsets = np.concatenate([[0], np.cumsum(np.asarray(self.state["lengths"])[drawn])])
        if "set" in self.state:
            offsets, items = self._sets(np.asarray(self.state["lengths"])[drawn], rng)
        else:
            items = self.children[0].generate(int(offsets[-1]), rng)
        items = items.cast(pa.large_string())
        lists = pa.LargeListArray.from_arrays(pa.array(offsets), items)
        inner = pc.binary_join(lists, pa.scalar(", ", pa.large_string()))
        return pc.binary_join_element_wise(
            pa.scalar("["), inner.cast(pa.string()), pa.scalar("]"), pa.scalar("")
        )

    def _sets(self, lengths: Ints, rng: np.random.Generator) -> tuple[Ints, pa.Array]:
        """Draw different elements of each list, by the weights of all; return offsets as well.

        The least of exponential times at the rates of the weights are such a draw (Efraimidis
        and Spirakis, "Weighted random sampling with a reservoir", 2006).
        """
        weights = np.asarray(self.children[0].state["weights"], dtype=np.float64)
        lengths = np.minimum(lengths, len(weights))
        times = rng.exponential(size=(len(lengths), len(weights))) / weights
        order = np.argsort(times, axis=1)
        if self.state["set"] == "sorted":  # places beyond the length come last
            beyond = np.arange(len(weights)) >= lengths[:, None]
            order = np.sort(np.where(beyond, len(weights), order), axis=1)
        inside = np.arange(len(weights)) < lengths[:, None]
        words = [json.dumps(v, ensure_ascii=False) for v in self.children[0].state["values"]]
        items = pa.array(words, type=pa.string()).take(pa.array(order[inside]))
        return np.concatenate([[0], np.cumsum(lengths)]), items

    def _numbers(self, size: int, rng: np.random.Generator) -> pa.Array:
        if self._modes is None:
            raise ValueError(f"nothing was learned of a leaf of kind {self.state['kind']!r}")
        codes = categorical(self._modes.frequencies, size, rng).astype(np.int32)
        spread = rng.normal(0.0, 0.25, (size, 1 if self._modes.active else 0))
        positions = np.clip(spread, -1, 1).astype(np.float32)
        numbers = self._modes.decode(codes, positions, rng)
        if "form" not in self.state:
            return numbers.cast(pa.string())
        form = self.state["form"]
        kind = moments.kind_of_form(form)
        if kind == "date":
            return _quoted(moments.write(numbers.cast(pa.int32()).cast(pa.date32()), form))
        if kind == "time":
            numbers = pc.min_element_wise(pc.max_element_wise(numbers, 0), _OF_A_DAY)
            return _quoted(moments.write(numbers.cast(pa.time64("us")), form))
        return _quoted(moments.write(numbers.cast(pa.timestamp("us")), form))

    def to_dict(self) -> dict[str, Any]:
        """Return a JSON-able form."""
        return {"node": self.state, "children": [c.to_dict() for c in self.children]}

    @classmethod
    def from_dict(cls, state: dict[str, Any]) -> Node:
        """Rebuild from :meth:`to_dict`."""
        return cls(state["node"], [cls.from_dict(c) for c in state["children"]])


def _seeds(seed: np.random.SeedSequence, count: int) -> list[np.random.SeedSequence]:
    key = seed.spawn_key
    return [np.random.SeedSequence(seed.entropy, spawn_key=(*key, i)) for i in range(count)]


def _lengths(found: list[Found], tally: Tally, k: int) -> dict[str, Any]:
    sizes = np.array([len(values) for _, values in found])
    rows = np.array([row for row, _ in found], dtype=np.int64)
    counts = np.bincount(sizes, weights=tally.counts[rows])
    keep = np.flatnonzero(tally.holders_of(sizes, rows) >= k)
    if not len(keep):
        keep = np.array([int(np.median(sizes))])
    return {"lengths": keep.tolist(), "weights": np.maximum(counts[keep], 1.0).tolist()}


def _find_set(state: dict[str, Any], child: dict[str, Any], lists: list[list[Any]]) -> None:
    """Note that the elements of lists never repeat, and that they stand in one order."""
    several = [values for values in lists if len(values) > 1]
    if "values" not in child or len(child["values"]) > _MOST_ELEMENTS or len(several) < _LISTS:
        return
    if any(len(set(values)) < len(values) for values in several):
        return
    places: dict[Any, list[float]] = {value: [] for value in child["values"]}
    for values in several:
        for place, value in enumerate(v for v in values if v in places):
            places[value].append(place / len(values))
    ranks = {v: float(np.mean(p)) if p else np.inf for v, p in places.items()}
    for order in (sorted(ranks, key=lambda v: ranks[v]), sorted(ranks)):
        at = {value: place for place, value in enumerate(order)}
        known = ([at[v] for v in values if v in at] for values in several)
        if all(found == sorted(found) for found in known):
            weights = dict(zip(child["values"], child["weights"]))
            child.update(values=order, weights=[weights[value] for value in order])
            state["set"] = "sorted"
            return
    state["set"] = "any order"


def _leaf(
    kind: str,
    found: list[Found],
    tally: Tally,
    settings: EncoderSettings,
    seed: np.random.SeedSequence,
) -> dict[str, Any]:
    if kind == "null":
        return {}
    rows = np.array([row for row, _ in found], dtype=np.int64)
    values = [value for _, value in found]
    if kind == "boolean":
        weights = np.bincount(np.array(values, dtype=np.int64), tally.counts[rows], minlength=2)
        return {"weights": weights.tolist()}
    types = {"integer": pa.int64(), "number": pa.float64(), "string": pa.string()}
    if kind == "number":
        values = [float(v) for v in values]
    part = tally.derive(pa.array(values, type=types[kind]), rows, settings.k)
    if kind == "string":
        kept = part.take(np.flatnonzero(part.holders >= settings.k))
        if len(kept) and kept.counts.sum() >= _SHARED * part.counts.sum():
            return {"values": kept.values.to_pylist(), "weights": kept.counts.tolist()}
        # A pattern of digits would make up a 36th of July.
        form = moments.form_of(part.values.to_pylist())
        if form is None:
            return {"patterns": TextPatterns.learn(part, settings.k, seed).to_dict()}
        parsed = moments.parse(pa.array(values, type=pa.string()), form)
        plain = parsed.cast(pa.int32()) if pa.types.is_date32(parsed.type) else parsed
        part = tally.derive(plain.cast(pa.int64()), rows, settings.k)
        return {"form": form, **_modes(part, pa.int64(), settings, seed)}
    return _modes(part, types[kind], settings, seed)


def _modes(
    part: Tally, type_: pa.DataType, settings: EncoderSettings, seed: np.random.SeedSequence
) -> dict[str, Any]:
    """Return what is learned of numbers, as JSON."""
    summary = {**tally_summary(part, settings.k), "rows": int(part.counts.sum())}
    few = replace(settings, max_modes=_MODES)
    state, arrays = Modes.fit(summary, {}, type_, few, seed).to_state()
    return {"modes": state, "arrays": {name: a.tolist() for name, a in arrays.items()}}


def _quoted(texts: pa.Array) -> pa.Array:
    for raw, escaped in (("\\", "\\\\"), ('"', '\\"')):
        texts = pc.replace_substring(texts, raw, escaped)
    for code in range(32):
        if pc.any(pc.match_substring(texts, chr(code))).as_py():
            texts = pc.replace_substring(texts, chr(code), f"\\u{code:04x}")
    return pc.binary_join_element_wise(pa.scalar('"'), texts, pa.scalar('"'), pa.scalar(""))
