"""Made-up text from a model of its words, or else of its characters."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Literal, Optional

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from synthohive._arrays import Bools, IntArray
from synthohive.encoding.language import Language
from synthohive.encoding.placeholders import (
    DIGIT,
    MARK,
    Label,
    Tokens,
    letters_like,
    numbers_like,
)
from synthohive.encoding.splicing import Drawn, ordered, spliced
from synthohive.encoding.value_counts import ValueCounts
from synthohive.encoding.vocabulary import Vocabulary, joined, numbered, tokens_of
from synthohive.encoding.word_kinds import like
from synthohive.texts.patterns import Pattern
from synthohive.texts.words import are_words, script_of, things, units_like

__all__ = ["Sequences", "are_rare_words", "is_wordy"]

Unit = Literal["words", "letters"]

_ORDER = 4  # tokens of an n-gram: with five, texts of few rows come back whole
_MAX_CLASSES = 8  # of length
_MIN_COVERED = 0.5  # of the letters, in words that entities share
_MIN_WORD = 3.0  # letters of a usual word
_MAX_TOKENS = 1_000_000  # that are learned from
_MADE_UP = 200  # words that stand in for rare ones of one label
_CJK = "\u2e80"
_PUBLIC = 10  # public words of a length, to be a choice
_COMPOUND = 10  # letters from which two words may be one
_LONG = 8  # tokens of a text from which on there are pieces enough for another one
_MOST = 4  # texts for one that is drawn
_FEW = 1_000  # texts drawn at least: of fewer, there are too few pieces for the others
_CUT = 3  # tries for each text that no round gave


@dataclass
class Sequences:
    """Texts of any length, in classes of length.

    Attributes
    ----------
    vocabulary : Vocabulary
    language : Language
    low, high : ndarray of int64
        Characters that texts of each class have at least, and at most.
    """

    vocabulary: Vocabulary
    language: Language
    low: IntArray
    high: IntArray

    @classmethod
    def learn(
        cls, value_counts: ValueCounts, k: int, rng: np.random.Generator, unit: Unit
    ) -> Optional[Sequences]:
        """Learn from texts; None where too few of their words are shared.

        Parameters
        ----------
        value_counts : ValueCounts
            Of the texts; only the first of them, up to a million tokens.
        k : int
            Entities that must share a token or an n-gram.
        rng : numpy.random.Generator
            Draws the words that stand in for rare ones.
        unit : {"words", "letters"}
            What tokens are. Letters are always learned.
        """
        tokens = _tokens(value_counts, unit, k)
        if unit == "words" and not _covered(tokens, k):
            return None

        shared, labels, ids = numbered(tokens, k, named=unit == "words")
        if unit == "words":
            makers = _word_makers(tokens, shared, ids, labels, k, rng)
        else:
            uses = dict(zip(tokens.known, tokens.uses().tolist()))
            makers = [letters_like(label, [(c, uses[c]) for c in shared]) for label in labels]
        known = [Label.of(token, tokens.units) for token in shared]
        units = [i for i, label in enumerate([*known, *labels]) if label.unit]
        vocabulary = Vocabulary(shared, makers, units, tokens.joins(k))
        kinds = _kinds(vocabulary, known, labels)
        language = Language.learn(ids, tokens.rows, kinds, _ORDER, tokens.value_counts, k)
        low, high = _length_classes(value_counts, k)
        return cls(vocabulary, language, low, high)

    def __len__(self) -> int:
        return len(self.low)

    def assign(self, lengths: IntArray) -> IntArray:
        """Return the class of texts of so many characters."""
        return np.minimum(np.searchsorted(self.high, lengths), len(self) - 1)

    def generate(self, classes: IntArray, rng: np.random.Generator) -> pa.Array:
        """Make up a text of each class.

        Texts are drawn freely: one for each, or for a few long ones. Most have a length that was
        asked for, and are taken; the rest is put together from pieces of all of them. A class that
        none has is made to have its length, and cut in the end.
        """
        count = len(classes)
        ids, texts = [np.empty(0, dtype=np.int64)], [np.empty(0, dtype=np.int64)]
        todo = np.arange(count)
        if len(self) > 1 or self.low[0] < self.high[0]:
            low = np.zeros(max(count // self._share, _FEW), dtype=np.int64)
            drawn, ended = self._draw(low, low + self.high[-1], rng)
            found = self._class_of(drawn, ended)
            slot = _matched(classes, found)
            taken = slot[drawn.owner] >= 0
            ids.append(drawn.tokens[taken])
            texts.append(slot[drawn.owner[taken]])
            todo = np.delete(todo, slot[slot >= 0])
            rest = todo[np.isin(classes[todo], found)]
            # what was cut has no end that a text may have
            more, owner = self._spliced(drawn.of_those(ended), found, classes[rest], rng)
            ids.append(more)
            texts.append(rest[owner])
            todo = np.delete(todo, np.searchsorted(todo, rest))
        if len(todo):
            forced, owner = self._forced(classes[todo], rng)
            ids.append(forced)
            texts.append(todo[owner])
        return self._spell(np.concatenate(ids), np.concatenate(texts), count, rng)

    def _spliced(
        self, drawn: Drawn, found: IntArray, classes: IntArray, rng: np.random.Generator
    ) -> tuple[IntArray, IntArray]:
        """Put texts together from drawn ones, whose classes are `found`; each begins as one of its
        own class does.
        """
        order = np.argsort(found, kind="stable")
        first = np.searchsorted(found[order], classes)
        last = np.searchsorted(found[order], classes, side="right")
        begin = order[first + (rng.random(len(classes)) * (last - first)).astype(np.int64)]
        lengths = self.vocabulary.lengths[drawn.tokens]
        return spliced(drawn, lengths, begin, self.low[classes], self.high[classes], rng)

    def _forced(self, classes: IntArray, rng: np.random.Generator) -> tuple[IntArray, IntArray]:
        """Draw texts that must not end before they have the length of their class."""
        again = np.tile(np.arange(len(classes)), _CUT)
        drawn, ended = self._draw(self.low[classes[again]], self.high[classes[again]], rng)
        # of each text, the first that came to an end, else the first
        # (`unique` gives the first index of each, in the order that puts these first)
        order = np.argsort(~ended, kind="stable")
        best = order[np.unique(again[order], return_index=True)[1]]
        kept = np.isin(drawn.owner, best)
        return drawn.tokens[kept], again[drawn.owner[kept]]

    def of_lengths(self, lengths: IntArray, rng: np.random.Generator) -> list[str]:
        """Make up texts of exactly so many characters, where the tokens allow it."""
        drawn, _ = self._draw(lengths, lengths, rng)
        made: list[str] = self._spell(drawn.tokens, drawn.owner, len(lengths), rng).to_pylist()
        return made

    def _draw(self, low: IntArray, high: IntArray, rng: np.random.Generator) -> tuple[Drawn, Bools]:
        return self.language.generate(self.vocabulary.lengths, low, high, rng)

    def _class_of(self, drawn: Drawn, ended: Bools) -> IntArray:
        """Return the class of each drawn text; -1 for one that is too short or too long."""
        weights = self.vocabulary.lengths[drawn.tokens]
        lengths = np.bincount(drawn.owner, weights, minlength=len(ended)).astype(np.int64)
        classes = self.assign(lengths)
        usable = ended & (lengths >= self.low[classes]) & (lengths <= self.high[classes])
        return np.where(usable, classes, -1)

    def _spell(
        self, ids: IntArray, texts: IntArray, count: int, rng: np.random.Generator
    ) -> pa.Array:
        order = ordered(texts)
        offsets = np.append(0, np.cumsum(np.bincount(texts, minlength=count)))
        words = self.vocabulary.spell(ids[order], rng)
        glued = self._glued(ids[order], texts[order])
        if glued.any():
            blank, none = pa.scalar(" ", words.type), pa.scalar("", words.type)
            words = pc.if_else(glued, pc.binary_join_element_wise(blank, words, none), words)
        stray = self._stray(ids[order], texts[order])
        if stray.any():
            words = pc.if_else(stray, pa.scalar("", words.type), words)
        lists = pa.LargeListArray.from_arrays(pa.array(offsets), words)
        return pc.binary_join(lists, pa.scalar("", pa.large_string())).cast(pa.string())

    def _stray(self, ids: IntArray, texts: IntArray) -> Bools:
        """Tell which units have no number before them; where too few texts share what has one."""
        numbers = np.array([text[-1].isdecimal() for text in self.vocabulary.examples])[ids]
        behind = np.append(False, numbers[:-1] & (texts[1:] == texts[:-1]))[: len(ids)]
        return np.asarray(np.isin(ids, self.vocabulary.units) & ~behind)

    def _glued(self, ids: IntArray, texts: IntArray) -> Bools:
        """Tell which words and numbers follow others without a blank, though no real ones do.

        It happens where too few texts share what kinds of words follow each other.
        """
        if self._wide == 1:
            return np.zeros(len(ids), dtype=np.bool_)  # letters, which do
        after = [tails[ids[:-1]] & heads[ids[1:]] for tails, heads in self._edges]
        found = np.any(after, axis=0) & (texts[:-1] == texts[1:])
        found &= ~np.isin(ids[1:], self.vocabulary.units)  # which are left out, or belong there
        return np.append(np.zeros(min(len(ids), 1), dtype=np.bool_), found)

    @cached_property
    def _share(self) -> int:
        """Texts for one that is drawn: of short ones, most pieces would be whole texts."""
        width = np.average(self.vocabulary.lengths, weights=self.language.tokens.uses + 1)
        tokens = (self.low + self.high).mean() / 2 / max(width, 1.0)
        return int(np.clip(tokens // _LONG, 1, _MOST))

    @cached_property
    def _wide(self) -> int:
        """Characters of the longest token."""
        return max(map(len, self.vocabulary.examples), default=1)

    @cached_property
    def _edges(self) -> list[tuple[Bools, Bools]]:
        """Which tokens end, and which begin, with what never follows each other without a blank.

        Letters of a script that has blanks, and numbers, as far as no real texts have them so.
        """
        examples, joins = self.vocabulary.examples, self.vocabulary.joins

        def of(end: int, test: Callable[[str], bool]) -> Bools:
            return np.array([test(e[end]) and e[end] < _CJK for e in examples], dtype=np.bool_)

        tails, heads = ([of(end, test) for test in (str.isalpha, str.isdecimal)] for end in (-1, 0))
        found = [(tails[0], heads[0])]
        found += [(tails[0], heads[1])] * ("a9" not in joins)
        return found + [(tails[1], heads[0])] * ("9a" not in joins)


def _kinds(vocabulary: Vocabulary, known: list[Label], made: list[Label]) -> IntArray:
    """Return the kind of each token: its lead and form, and what a mark or a number has."""
    examples = vocabulary.examples
    # What a maker makes has a label of its own: of a rare length, the usual one.
    beside = zip(made, examples[len(known) :])
    as_made = (label if label.unit else Label.of(text) for label, text in beside)
    labels = [*known, *(replace(one, kind=label.kind) for one, label in zip(as_made, made))]
    kinds = [
        f"{token}"
        if label.form == MARK
        else f"{label.lead}{label.form}{label.length}"
        if label.form[0] == DIGIT
        else f"{label.lead}{label.form}{label.kind}"
        for token, label in zip(examples, labels)
    ]
    return np.unique(np.array(kinds, dtype=object), return_inverse=True)[1].reshape(-1)


def _matched(wanted: IntArray, found: IntArray) -> IntArray:
    """Return for each drawn text which of the `wanted` ones it can be; -1 for none."""
    slot = np.full(len(found), -1, dtype=np.int64)
    for kind in np.unique(wanted):
        asked, offered = np.flatnonzero(wanted == kind), np.flatnonzero(found == kind)
        count = min(len(asked), len(offered))
        slot[offered[:count]] = asked[:count]
    return slot


def _tokens(value_counts: ValueCounts, unit: Unit, k: int) -> Tokens:
    """Cut texts into tokens; only the first texts, up to a number of tokens."""
    texts = value_counts.values.to_pylist()
    split = [tokens_of(t) if unit == "words" else list(t) for t in texts]
    sizes = np.cumsum([len(tokens) for tokens in split])
    count = max(1, int(np.searchsorted(sizes, _MAX_TOKENS)))
    if count < len(split):
        value_counts = value_counts.take(np.arange(count))
    tokens = Tokens.of(value_counts, split[:count])
    if unit == "letters":
        return tokens
    rare = {tokens.known[code] for code in np.flatnonzero(tokens.holders() < k)}
    return Tokens.of(value_counts, [joined(one, rare) for one in split[:count]])


def is_wordy(value_counts: ValueCounts, k: int) -> bool:
    """Tell whether texts are made of words that entities share, rather than of characters."""
    return _covered(_tokens(value_counts, "words", k), k)


def are_rare_words(value_counts: ValueCounts, k: int) -> bool:
    """Tell whether what few entities share in texts is words: ``pdf`` is none, but shared."""
    rare = _rare(_tokens(value_counts, "words", k), k)
    known = ("LATIN", "CJK", "HIRAGANA", "KATAKANA", "HANGUL")  # of others it is not known
    return script_of("".join(rare)) in known and are_words(rare)


def _rare(tokens: Tokens, k: int) -> list[str]:
    few = np.flatnonzero(tokens.holders() < k)
    return [tokens.known[code].strip() for code in few]


def _is_word(token: str) -> bool:
    return token[-1].isalpha()


def _covered(tokens: Tokens, k: int) -> bool:
    """Tell whether there are words, and enough of them are shared, or all have public likes."""
    words = np.array([_is_word(token) for token in tokens.known], dtype=bool)
    lengths = np.array([len(token.lstrip()) for token in tokens.known], dtype=np.float64)
    mass = np.where(words, tokens.uses() * lengths, 0.0)
    shared = mass[tokens.holders() >= k].sum()
    usual = (mass * lengths).sum() / max(mass.sum(), 1.0)
    if usual >= _MIN_WORD and shared >= _MIN_COVERED * mass.sum():
        return True
    texts = tokens.value_counts.values.to_pylist()
    return are_words(texts) or are_words(_rare(tokens, k))


def _length_classes(value_counts: ValueCounts, k: int) -> tuple[IntArray, IntArray]:
    """Return the least and greatest length of classes of about as many texts each.

    The outermost lengths are those that `k` entities reach.
    """
    lengths = pc.utf8_length(value_counts.values).to_numpy(zero_copy_only=False).astype(np.int64)
    low, high = _reached(lengths, value_counts, k), -_reached(-lengths, value_counts, k)
    if low > high:
        low = high = int(np.median(lengths))
    order = np.argsort(lengths, kind="stable")
    mass = np.cumsum(value_counts.counts[order])
    # classes of 2k rows at least; a length that half a class has is one of its own
    share = mass[-1] / min(_MAX_CLASSES, max(1, mass[-1] // (2 * k)))
    at = np.searchsorted(mass, np.arange(share, mass[-1] + share / 2, share))
    edges = lengths[order][np.minimum(at, len(order) - 1)]
    common = np.flatnonzero(np.bincount(lengths, weights=value_counts.counts) >= share / 2)
    edges = np.unique(np.clip(np.concatenate([edges, common, common - 1, [high]]), low, high))
    starts = np.append(low, edges[:-1] + 1)
    inside = [((lengths >= a) & (lengths <= b)) for a, b in zip(starts, edges)]
    # what lies between is encoded as the class above
    kept = [value_counts.counts[here].sum() >= min(2 * k, share / 2) for here in inside]
    kept[-1] = True
    return starts[kept], edges[kept]


def _reached(lengths: IntArray, value_counts: ValueCounts, k: int) -> int:
    """Return the least length such that `k` entities have texts no longer."""
    order = np.argsort(lengths, kind="stable")
    at = value_counts.take(order).passed(k)
    return int(lengths[order[-1 if at is None else at]])


def _word_makers(
    tokens: Tokens,
    shared: list[str],
    ids: IntArray,
    labels: list[Label],
    k: int,
    rng: np.random.Generator,
) -> list[Pattern]:
    uses = dict(zip(tokens.known, tokens.uses().tolist()))
    marks = [(token, uses[token]) for token in shared if Label.of(token).form == MARK]
    letters = _letters(tokens, k, rng) if any(_spelled(label) for label in labels) else None
    rare = {token.strip().casefold() for token in set(tokens.known) - set(shared)}
    makers: list[Pattern] = []
    for number, label in enumerate(labels):
        at = np.flatnonzero(ids == len(shared) + number)
        texts = [tokens.known[code] for code in tokens.codes[at]]
        if label.form == MARK:
            makers.append(letters_like(label, marks))
        elif label.form[0] == DIGIT:
            makers.append(numbers_like(label, texts, tokens.rows[at], tokens.value_counts, k))
        elif label.unit and (known := units_like(texts)):
            makers.append(Pattern.of(known))
        else:
            words = _made_up(label, len(set(texts)), letters, rare, rng)
            makers.append(Pattern.of(words))
    return makers


def _spelled(label: Label) -> bool:
    return label.form != MARK and label.form[0] != DIGIT


def _letters(tokens: Tokens, k: int, rng: np.random.Generator) -> Optional[Sequences]:
    """Learn the letters of all words."""
    lower = [token.strip().lower() if _is_word(token) else "" for token in tokens.known]
    words = sorted(set(lower) - {""})
    index = {word: i for i, word in enumerate(words)}
    of = np.array([index.get(word, -1) for word in lower], dtype=np.int64)[tokens.codes]
    pairs = np.unique(of[of >= 0] * len(tokens.value_counts) + tokens.rows[of >= 0])
    values = pa.array(words, type=pa.string()).take(pa.array(pairs // len(tokens.value_counts)))
    part = tokens.value_counts.derive(values, pairs % len(tokens.value_counts), k)
    return Sequences.learn(part, k, rng, "letters")


def _compounds(words: Sequence[str], length: int, rng: np.random.Generator) -> set[str]:
    """Return long words that are two public ones each: "seasidegarden"."""
    half = length // 2
    sides = [[w for w in words if len(w) == size] for size in (half, length - half)]
    if min(map(len, sides)) < _PUBLIC:
        return set()
    one, two = (rng.choice(side, _MADE_UP) for side in sides)
    return {f"{a}{b}" for a, b in zip(one, two)}


def _made_up(
    label: Label,
    distinct: int,
    letters: Optional[Sequences],
    rare: set[str],
    rng: np.random.Generator,
) -> list[str]:
    """Return words like those of a label: names of its kind; else public words of as many letters,
    two of them, or made-up ones where there are few, but none of the `rare` ones.
    """
    names = like(label.kind, label.length, script_of("".join(rare))) if label.kind else ()
    if names:
        drawn = rng.choice(sorted(names), min(_MADE_UP, len(names)), replace=False)
        return sorted(label.cased(str(name)) for name in drawn)
    public = things(rare)
    words = {word for word in public if len(word) == label.length} - rare
    if len(words) < _PUBLIC and label.length >= _COMPOUND and script_of("".join(rare)) == "LATIN":
        words |= _compounds(public, label.length, rng) - rare
    if len(words) >= _PUBLIC:
        drawn = rng.choice(sorted(words), min(_MADE_UP, len(words)), replace=False)
        return sorted(label.cased(str(word)) for word in drawn)
    words = set()
    if letters is not None:
        lengths = np.full(2 * min(_MADE_UP, distinct + 5), label.length)
        words = {w for w in letters.of_lengths(lengths, rng) if len(w) == label.length}
    words = {label.cased(word) for word in words if word.casefold() not in rare}
    return sorted(words)[:_MADE_UP] or [label.cased("x" * label.length)]
