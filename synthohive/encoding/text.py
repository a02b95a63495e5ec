"""Strings of which most are rare: made up again from learned patterns."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Literal, Optional, Union

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from synthohive._arrays import Floats, IntArray
from synthohive._random import choices_for
from synthohive.encoding.base import Summary
from synthohive.encoding.coded import CodedTransform
from synthohive.encoding.sequences import Sequences, are_rare_words, is_wordy
from synthohive.encoding.value_counts import ValueCounts
from synthohive.encoding.vocabulary import is_running_text
from synthohive.texts import patterns as forms
from synthohive.texts.patterns import Pattern
from synthohive.texts.words import are_words, cased, things

__all__ = ["Text"]

Made = Union[Pattern, Sequences]

_MAX_SHAPES = 16  # patterns of a column
_MIN_SHARE = 0.02  # of rows that have a shape
_SHAPED, _PARTLY = 0.75, 0.4
_MAX_FIXED = 200  # characters of a text that is made place by place
_FEW = 0.1  # of rows: so few others are learned with the running text
_FULL = 0.8  # of the strings that pieces can make, taken by real ones
_FORMS = {"=": forms.shape, "~": forms.run, "+": forms.token, "*": forms.secret}
_URL = re.compile(r"(?:https?|ftp)://|www\.")
_MAIL = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s]+")
_PHONE = re.compile(r"(?=(?:\D*\d){7})\+?[\d\s().\-/]{7,20}")
_REPEATED = 2  # rows of a text, from which on made-up ones repeat as well
_MOST_MADE = 20_000
_TELLING = 20  # fewer texts do not tell what their characters are drawn from
EMPTY, WORDS, LETTERS, OTHER = "empty", "words", "letters", "other"


@dataclass(eq=False)
class Text(CodedTransform):
    """The pattern and length of a text as a code; the text is made up when decoding.

    No real string is kept. Of the texts only what `k` entities share is: their shapes,
    the characters at a position, runs of a few words, and lengths. A text that fewer
    entities share is not made up even by chance.

    Attributes
    ----------
    keys_ : list of str
        Of each pattern: the shape that its texts have, prefixed by ``"="``, or by ``"~"`` or
        ``"+"`` where letters and digits are alike (and what tokens are made of, too); or
        ``"empty"``, ``"words"``, ``"letters"`` or ``"other"``. Words and letters have a
        code for each class of length.
    patterns_ : list
        What makes up the texts of each pattern.
    weights_ : ndarray of float64
        Number of rows of each code.
    made_ : list of pyarrow.Array
        Of each code where real texts repeat: made-up ones that repeat as often.
    """

    name = "text"
    keys_: list[str] = field(default_factory=list)
    patterns_: list[Made] = field(default_factory=list)
    weights_: Floats = field(default_factory=lambda: np.empty(0))
    made_: list[pa.Array] = field(default_factory=list)

    def fit(self, summary: Summary, seed: np.random.SeedSequence) -> Text:
        """Learn the patterns."""
        self.null_ = summary.nulls > 0
        counts, k = summary.value.sample, self.settings.k
        # how many times as many distinct texts there are: shapes get room for all that are rare
        scale = len(summary.value) / max(len(counts), 1)
        rng = np.random.Generator(np.random.Philox(seed))
        texts: list[str] = counts.values.to_pylist()
        found: dict[str, Made] = {EMPTY: Pattern.of()} if "" in texts else {}
        running = [i for i, t in enumerate(texts) if is_running_text(t)]
        others = sorted({i for i, t in enumerate(texts) if t != ""}.difference(running))
        shapes = _frequent(texts, others, counts, k)
        for shape, members in shapes.items():
            part = counts.take(np.array(members))
            rare = scale * float((part.holders < k).sum())
            found[f"={shape}"] = part.pattern(shape, k).with_room(rare / _FULL)
        others = sorted(set(others).difference(*shapes.values()))
        if not shapes:
            found.update(_codes(texts, others, counts, k))
            others = others if found.keys() <= {EMPTY} else []
        usual = _of_usual_kind([texts[i] for i in others])
        if usual is not None and not shapes:
            found[OTHER], others = usual, []
        found.update(_sequences(counts, running, others, k, rng))
        if not found or list(found) == [EMPTY]:
            found[OTHER] = Pattern.of(_words_like(texts))
        self.keys_, self.patterns_ = list(found), list(found.values())
        codes = self.assign(counts.values)
        known = codes >= 0
        mass = counts.counts[known].astype(np.float64)
        self.weights_ = np.bincount(codes[known], mass, minlength=self.size).astype(np.float64)
        rows = summary.value.counts.sum()
        if _REPEATED * len(summary.value) <= rows and len(summary.value) <= _MOST_MADE:
            distinct = np.bincount(codes[known], minlength=self.size)
            for code, (different, rows) in enumerate(zip(distinct, self.weights_)):
                count = choices_for(round(scale * different), round(scale * rows))
                self.made_.append(self._generate(np.full(max(count, 1), code), rng))
        return self

    @property
    def withheld(self) -> float:
        """All: no real text comes out."""
        return 1.0

    @property
    def _starts(self) -> IntArray:
        """The first code of each pattern, and how many there are."""
        sizes = [len(p) if isinstance(p, Sequences) else 1 for p in self.patterns_]
        return np.append(0, np.cumsum(sizes)).astype(np.int64)

    @property
    def size(self) -> int:
        """Number of patterns, and classes of length."""
        return int(self._starts[-1])

    @property
    def frequencies(self) -> Floats:
        """How often each pattern was seen, without the empty text."""
        empty = np.repeat([key == EMPTY for key in self.keys_], np.diff(self._starts))
        return np.where(empty, 0.0, self.weights_)

    def assign(self, distinct: pa.Array) -> IntArray:
        """Return the pattern of each text; -1 where none fits."""
        pattern = self._pattern_of(distinct)
        lengths = pc.utf8_length(distinct).to_numpy(zero_copy_only=False).astype(np.int64)
        codes = np.where(pattern >= 0, self._starts[pattern], -1)
        for number, found in enumerate(self.patterns_):
            if isinstance(found, Sequences):
                rows = np.flatnonzero(pattern == number)
                codes[rows] += found.assign(lengths[rows])
        return codes

    def _pattern_of(self, texts: pa.Array) -> IntArray:
        index = {key: i for i, key in enumerate(self.keys_)}
        words, letters = index.get(WORDS, -1), index.get(LETTERS, -1)
        rest = letters if letters >= 0 else words if words >= 0 else index.get(OTHER, -1)
        mark = next((key[0] for key in self.keys_ if key[0] in _FORMS), "")
        form = _FORMS.get(mark, forms.shape)
        if not mark and words in (-1, rest):
            found = np.full(len(texts), rest, dtype=np.int64)
        else:
            running = words if words >= 0 else letters
            found = np.fromiter(
                (
                    running
                    if running >= 0 and is_running_text(text)
                    else index.get(f"{mark}{form(text)}", rest)
                    for text in texts.to_pylist()
                ),
                dtype=np.int64,
                count=len(texts),
            )
        found[pc.equal(texts, "").to_numpy(zero_copy_only=False)] = index.get(EMPTY, -1)
        return found

    def make(self, codes: IntArray, rng: np.random.Generator) -> pa.Array:
        """Make up a text of each pattern, or take one of those that repeat."""
        if not self.made_:
            return self._generate(codes, rng)
        sizes = np.array([len(made) for made in self.made_])
        place = (rng.random(len(codes)) * sizes[codes]).astype(np.int64)
        starts = np.cumsum(sizes) - sizes
        return pa.concat_arrays(self.made_).take(pa.array(starts[codes] + place))

    def _generate(self, codes: IntArray, rng: np.random.Generator) -> pa.Array:
        """Make up a text of each pattern, cut to what the column can hold."""
        starts = self._starts

        def make(number: int, rows: IntArray) -> pa.Array:
            found = self.patterns_[number]
            if isinstance(found, Sequences):
                return found.generate(codes[rows] - starts[number], rng)
            return found.generate(len(rows), rng)

        made = forms.in_groups(np.searchsorted(starts, codes, side="right") - 1, make)
        length = self.column.length
        # As bytes are no fewer than characters, texts need hardly ever be looked at one by one.
        if length is None or (pc.max(pc.binary_length(made)).as_py() or 0) <= length:
            return made
        return pc.utf8_slice_codeunits(made, 0, length)


def _sequences(
    value_counts: ValueCounts,
    running: list[int],
    others: list[int],
    k: int,
    rng: np.random.Generator,
) -> dict[str, Made]:
    """Learn what is left of the texts, with the running text if that is alike."""

    def learn(rows: list[int], unit: Literal["words", "letters"]) -> Optional[Sequences]:
        if not rows or _entities(value_counts, rows) < k:
            return None
        return Sequences.learn(value_counts.take(np.array(rows)), k, rng, unit)

    if value_counts.counts[others].sum() < _MIN_SHARE * value_counts.counts.sum():
        others = []  # encoded as whatever is drawn
    both = sorted([*running, *others])
    few = value_counts.counts[others].sum() < _FEW * value_counts.counts[both].sum()
    if not running or few or learn(others, "words") is not None:
        found = learn(both, "words")
        if found is not None:
            return {WORDS: found}
    words = learn(running, "words")
    letters = learn(others if words is not None else both, "letters")
    pair = {WORDS: words, LETTERS: letters}
    return {key: found for key, found in pair.items() if found is not None}


def _frequent(
    texts: list[str], rows: list[int], value_counts: ValueCounts, k: int
) -> dict[str, list[int]]:
    """Return the shapes that enough texts have; none if those are not most of them."""
    members = {
        shape: [rows[i] for i in inside]
        for shape, inside in forms.by_form(forms.shape(texts[row]) for row in rows)
        if set(shape) != {forms.LETTER}  # of Chinese characters, it says no more than how many
    }
    mass = {shape: int(value_counts.counts[part].sum()) for shape, part in members.items()}
    found: dict[str, list[int]] = {}
    for shape in sorted(members, key=lambda s: (-mass[s], s)):
        if mass[shape] < _MIN_SHARE * value_counts.counts.sum() or len(found) == _MAX_SHAPES:
            break
        if len(shape) <= _MAX_FIXED and _entities(value_counts, members[shape]) >= k:
            found[shape] = members[shape]
    shaped = sum(mass[shape] for shape in found) / max(value_counts.counts[rows].sum(), 1)
    some = value_counts.take(np.array(rows, dtype=np.int64))
    worded = bool(rows) and are_rare_words(some, k)
    wordy = shaped >= _PARTLY and is_wordy(some, k)
    if (shaped >= _SHAPED and not worded) or (shaped >= _PARTLY and not wordy):
        return found
    return {}


def _of_usual_kind(texts: list[str]) -> Optional[Pattern]:
    """Return what makes web addresses, e-mail addresses or phone numbers where all are such.

    Where their own form is that of too few, it is a public one, which reaches nobody: domains
    below ``.example``, and the numbers kept for films.
    """
    word, other = _words_like([""]), _words_like([""], 5)
    if texts and all(map(_URL.match, texts)):
        return Pattern.of(["https://www."], word, [".example/"], other)
    if not texts or len(texts) >= _TELLING:
        return None
    if all(map(_MAIL.fullmatch, texts)):
        return Pattern.of(word, ["."], other, ["@mail.example"])
    if all(map(_PHONE.fullmatch, texts)):
        return Pattern.of(["(555) 555-01"], *["0123456789"] * 2)
    return None


def _words_like(texts: list[str], length: int = 6) -> list[str]:
    """Return public words of one length, in the case of most texts."""
    words = [word for word in things([]) if len(word) == length]
    return cased(words, [text for text in texts if text])


def _codes(texts: list[str], rows: list[int], value_counts: ValueCounts, k: int) -> dict[str, Made]:
    """Return the forms of random codes, such as UUIDs and hashes: an alphabet for each place."""
    some = [texts[row] for row in rows]
    level = forms.level_of(some) if len(some) >= _TELLING else None
    if level in (None, "shape") or not all(map(str.isascii, some)) or are_words(some):
        return {}
    mark = next(sign for sign, form in _FORMS.items() if form is forms.LEVELS[str(level)])
    found: dict[str, Made] = {}
    for form, members in forms.by_form(map(_FORMS[mark], some))[:_MAX_SHAPES]:
        part = value_counts.take(np.array([rows[i] for i in members]))
        if part.all_holders < k or len(form) > _MAX_FIXED:
            continue
        pieces = forms.pieces_of(form, part.values.to_pylist(), part.of_each, k)
        found[mark + form] = Pattern.of(*pieces)
    return found


def _entities(value_counts: ValueCounts, rows: list[int]) -> int:
    return value_counts.take(np.array(rows, dtype=np.int64)).all_holders
