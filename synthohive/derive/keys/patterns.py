"""Keys that are strings: made in the form of the real ones.

What all real keys share is found (a counter in a text; words; the alphabet of each position;
check digits), and rows are numbered through the texts of that form. Numbers are spelled, so no
two rows get the same text, whatever the number of texts there are.
"""

from __future__ import annotations

import re
from abc import ABC
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from math import prod
from typing import Any, Optional

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from synthohive._arrays import IntArray
from synthohive._random import Permutation
from synthohive._readable import Readable
from synthohive.derive.composed import Composed
from synthohive.derive.keys.makers import (
    SPARSE,
    CounterMaker,
    GridMaker,
    KeyMaker,
    Places,
    RealKeys,
    SequenceMaker,
    common_step,
    no_room,
)
from synthohive.derive.keys.tiers import Template, Tier, Tiers
from synthohive.privacy.entities import Entities, entities_or_rows
from synthohive.schema import Column, ColumnKind
from synthohive.tables.context import positions_in_groups
from synthohive.tables.key_hashes import key_hashes, repeats
from synthohive.texts import moments, words
from synthohive.texts import patterns as forms
from synthohive.texts.check_digits import CheckDigits, check_of, scheme

__all__ = ["BegunTextMaker", "CountedTextMaker", "MomentTextMaker", "PatternMaker"]

_PERIOD = 1000
_TEMPLATES = 24
_SAMPLE = 20_000
_WORD = re.compile(r"[^\W\d_]+|\d|[\W_]")
_SLOT_SHARED = 0.5
_ROOM = 20
_LEAD = 4  # characters that all begin with, and that are no code: of a link, of a name space
_ALIKE, _TELLING = 2, 20  # so few shapes of so many texts are codes


def _are_numbers(texts: Sequence[str]) -> bool:
    """Whether texts are whole numbers of 64 bits, and nothing else."""
    return all(t.isdecimal() and t.isascii() and len(t) < 18 for t in texts)


def _are_padded(numbers: Sequence[str]) -> bool:
    return any(text[0] == "0" and text != "0" for text in numbers)


def _between(before: str, numbers: pa.Array, after: str, width: int) -> pa.Array:
    """Write numbers, filled with zeros to a width, between two texts."""
    texts = numbers.cast(pa.string())
    if width:
        texts = pc.utf8_lpad(texts, width, "0")
    ends = (pa.scalar(end, pa.string()) for end in (before, after))
    return pc.binary_join_element_wise(next(ends), texts, *ends, "")


@dataclass
class _CountingMaker(KeyMaker, ABC):
    """What counts by a sequence of its own, and writes it as text."""

    counter: SequenceMaker

    def stretch(self, rows: int, sampled: int) -> None:
        """Count as densely as the whole table does."""
        self.counter.stretch(rows, sampled)


@dataclass
class CountedTextMaker(_CountingMaker):
    """A number that counts, in a text that is else the same: ``C001``, ``INV-1``, ``100001``."""

    prefix: str
    suffix: str
    width: int

    @classmethod
    def learn(cls, real: RealKeys) -> Optional[KeyMaker]:
        """Accept texts that differ in one number, of which most are used."""
        column, k = real.column, real.k
        texts, owners = _sample(real, None)
        prefix, suffix = _ends(texts)
        inner = [text[len(prefix) : len(text) - len(suffix)] for text in texts]
        if len(inner) < 2 or not _are_numbers(inner):
            return None
        if "@" in prefix + suffix:  # addresses are somebody's, they do not count
            return None
        if prefix + suffix and not _is_shared(owners, k):
            return None
        widths = {len(text) for text in inner}
        padded = _are_padded(inner)
        if padded and len(widths) > 1:
            return None
        numbers = np.sort(np.array([int(text) for text in inner], dtype=np.int64))
        step = max(common_step(numbers), 1)
        # The mean distance of neighbours, in steps: 1 where no number is left out.
        gap = (int(numbers[-1]) - int(numbers[0])) / step / (len(numbers) - 1)
        if gap > SPARSE:
            return None
        width = max(widths) if padded else 0
        number = Column(name=column.name, kind=ColumnKind.INTEGER)
        counter = SequenceMaker(number, int(numbers[0]), step, max(gap, 1.0))
        return cls(column, counter, prefix, suffix, width)

    def make(self, at: Places, seed: int) -> pa.Array:
        """Count, and write the number into the text."""
        numbers = self.counter.make(at, seed)
        text = _between(self.prefix, numbers, self.suffix, self.width)
        longest = pc.max(pc.utf8_length(text)).as_py() or 0
        if self.column.length is not None and longest > self.column.length:
            raise no_room(self.column, _more(self.column, len(text)))
        return pc.cast(text, self.column.arrow_type)


@dataclass
class BegunTextMaker(KeyMaker, Readable):
    """Texts that begin with others: ``ABC-0001`` of the category ``ABC``, a title in a link.

    Attributes
    ----------
    key : str
        The key to the parent (by label) whose texts they begin with; none if empty.
    start : Composed
        What they begin with.
    counter : KeyMaker
        Makes what follows, which never repeats beside the same text.
    before, after : str
        What stands around it in all texts.
    width : int
        To which it is filled with zeros.
    bare : bool
        Nothing follows in the first of those that begin alike.
    """

    unique_by = "other"
    key: str
    start: Composed
    counter: KeyMaker
    before: str
    after: str
    width: int
    bare: bool = False

    @classmethod
    def beside(
        cls,
        column: Column,
        texts: Sequence[str],
        starts: Sequence[str],
        named: tuple[str, Composed],
        k: int = 5,
        entities: Optional[Entities] = None,
    ) -> Optional[BegunTextMaker]:
        """Accept texts that all begin with those beside them, and not with those of other rows.

        Parameters
        ----------
        column : Column
        texts : sequence of str
            The real texts; none of them NULL.
        starts : sequence of str
            As many: what stands beside each, composed by ``named[1]``.
        named : (str, Composed)
            The label of the key to the parent whose texts these are (empty: the row's own), and how
            they are composed.
        k : int
            What stands in all texts is kept if so many entities are behind them.
        entities : Entities, optional
            Those behind the texts; each is one by default.
        """
        half, owners = len(texts) // 2, entities_or_rows(entities, len(texts))
        if half < forms.LEAST or not all(t.startswith(s) for t, s in zip(texts, starts)):
            return None
        # Half a table on: a beginning that fits other rows as well is none.
        others = (*starts[half:], *starts[:half])
        if 2 * sum(t.startswith(s) for t, s in zip(texts, others)) > len(texts):
            return None
        if not _is_shared(owners, k) and not named[1].plain:
            return None
        rests = [text[len(start) :] for text, start in zip(texts, starts)]
        more = np.array([row for row, rest in enumerate(rests) if rest], dtype=np.int64)
        bare = 2 * (len(rests) - len(more)) >= len(set(starts))
        if not bare:
            return cls._followed(column, rests, starts, named, k, owners)
        behind = owners.take(more)
        found = None
        if _is_shared(behind, k):
            rests, starts = [rests[row] for row in more], [starts[row] for row in more]
            found = cls._followed(column, rests, starts, named, k, behind)
        number = Column(name=column.name, kind=ColumnKind.INTEGER)
        again = cls(column, *named, CounterMaker(number, 2, 1), "-", "", 0)  # the usual way
        return replace(found or again, bare=True)

    @classmethod
    def _followed(
        cls,
        column: Column,
        rests: Sequence[str],
        starts: Sequence[str],
        named: tuple[str, Composed],
        k: int,
        entities: Entities,
    ) -> Optional[BegunTextMaker]:
        """Return what makes the ends of texts, if these are of a form."""
        before, after = _ends(rests)
        inner = [rest[len(before) : len(rest) - len(after)] for rest in rests]
        groups = np.unique(np.array(starts), return_inverse=True)[1].reshape(-1)
        if _are_numbers(inner):
            number = Column(name=column.name, kind=ColumnKind.INTEGER)
            numbers = pa.chunked_array([pa.array([int(text) for text in inner], pa.int64())])
            kinds: tuple[type[KeyMaker], ...] = (CounterMaker, GridMaker)
            made = (kind.learn(RealKeys(number, numbers, groups, k)) for kind in kinds)
            counter = next((maker for maker in made if maker is not None), None)
            width = max(map(len, inner)) if _are_padded(inner) else 0
            if counter is not None and _is_shared(entities, k):
                return cls(column, *named, counter, before, after, width)
        if len(set(rests)) < len(rests):
            return None
        rest = pa.chunked_array([pa.array(rests, pa.string())])
        kinds = CountedTextMaker, PatternMaker
        made = (kind.learn(RealKeys(column, rest, None, k, entities)) for kind in kinds)
        alone = next((maker for maker in made if maker is not None), None)
        return None if alone is None else cls(column, *named, alone, "", "", 0)

    def stretch(self, rows: int, sampled: int) -> None:
        """Count as densely as the whole table does."""
        self.counter.stretch(rows, sampled)

    def make(self, at: Places, seed: int) -> pa.Array:
        """Make what follows the other text."""
        places = np.maximum(at.positions - self.bare, 0), np.maximum(at.sizes - self.bare, 1)
        numbers = self.counter.make(Places(at.rows, at.groups, *places), seed)
        text = _between(self.before, numbers, self.after, self.width)
        if self.bare:
            text = pc.if_else(pa.array(at.positions == 0), "", text)
        return pc.cast(text, self.column.arrow_type)

    def join(self, starts: pa.ChunkedArray, seed: int) -> pa.Array:
        """Return the texts of all rows, from those that they begin with: none of them twice."""
        starts = pc.fill_null(starts, "").combine_chunks()
        groups = starts.dictionary_encode().indices.to_numpy().astype(np.int64)
        positions, sizes = positions_in_groups(groups)
        rows = np.arange(len(starts), dtype=np.int64)
        while True:
            rests = self.make(Places(rows, groups, positions, sizes), seed).cast(pa.string())
            text = pa.table({"": self._cut(starts, rests)})
            again = repeats(key_hashes(text, [""], [pa.string()]))
            if not len(again):
                return pc.cast(text.column(0).combine_chunks(), self.column.arrow_type)
            rows[again] += len(rows)  # one text may be another and what follows it
            positions[again] += sizes[again]

    def _cut(self, starts: pa.Array, rests: pa.Array) -> pa.Array:
        """Return texts with their ends, as much of the former as the column has room for."""
        text, most = pc.binary_join_element_wise(starts, rests, ""), self.column.length
        if most is None or (pc.max(pc.utf8_length(text)).as_py() or 0) <= most:
            return text
        if pc.max(pc.utf8_length(rests)).as_py() > most:
            raise no_room(self.column, _more(self.column, len(rests)))
        pairs = zip(starts.to_pylist(), rests.to_pylist())
        return pa.array([start[: most - len(rest)] + rest for start, rest in pairs], pa.string())

    @property
    def target(self) -> str:
        """The column."""
        return self.column.name

    def __str__(self) -> str:
        return f"{self.target} begins with {self.start.text}"


@dataclass
class MomentTextMaker(_CountingMaker):
    """Dates or times that are kept as text, one after the other: ``2024-01-31``."""

    form: str

    @classmethod
    def learn(cls, real: RealKeys) -> Optional[KeyMaker]:
        """Accept texts that are all written in one form."""
        texts, _ = _sample(real)
        form = moments.form_of(texts)
        if form is None or len(texts) < forms.LEAST:
            return None
        parsed = pa.chunked_array([moments.parse(pa.array(texts, pa.string()), form)])
        moment = Column(name=real.column.name, kind=ColumnKind(moments.kind_of_form(form)))
        found = SequenceMaker.learn(RealKeys(moment, parsed, None, real.k))
        return None if found is None else cls(real.column, found, form)

    def make(self, at: Places, seed: int) -> pa.Array:
        """Go on, and write the moments."""
        made = self.counter.make(at, seed)
        return pc.cast(moments.write(made, self.form), self.column.arrow_type)


@dataclass
class PatternMaker(KeyMaker):
    """Strings of the real keys' forms, numbered.

    A row gets a form by the real shares, and within it a number that no other row has, spelled
    in the form's pieces. Where a form has room for more than 2^62 texts, as many of its pieces
    spell the number as fit, and the others are drawn.
    """

    templates: list[Template]
    check: Optional[str]
    times: float = 1.0
    _check: Optional[CheckDigits] = field(init=False, repr=False)
    _tiers: Optional[Tiers] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        self._check, self._tiers = scheme(self.check), None

    @classmethod
    def learn(cls, real: RealKeys) -> Optional[KeyMaker]:
        """Accept any text."""
        column = real.column
        if column.kind.family != "text":
            return None
        texts, owners = _sample(real)
        check = check_of(texts)
        if check is not None:
            texts = [check.blanked(text) for text in texts]
        found = _templates(column, texts, owners, real.k, check)
        if not found:
            width = min(column.length or 8, 8)
            found = [Template("9" * width, [list("0123456789")] * width, 1)]
        return cls(column, found, None if check is None else check.name)

    def stretch(self, rows: int, sampled: int) -> None:
        """Make room for the whole table."""
        self.times = max(rows / max(sampled, 1), 1.0)
        self._tiers = None

    def make(self, at: Places, seed: int) -> pa.Array:
        """Give the rows numbers within their forms, and spell the numbers."""
        if self._tiers is None:
            self._tiers = Tiers(self.templates, self.times, self.column.length)
        which, number = self._numbered(at.rows, seed)
        text = np.empty(len(which), dtype=object)
        for i in range(len(self.templates)):
            mine = np.flatnonzero(which == i)
            numbers = number[mine]
            for place, (tier, start) in enumerate(self._tiers.of(i, int(numbers.max(initial=-1)))):
                inside = (numbers >= start) & (numbers - start < tier.pattern.room)
                text[mine[inside]] = self._spelled(
                    tier, numbers[inside] - start, seed + 101 * i + place
                )
                mine, numbers = mine[~inside], numbers[~inside]
            if len(mine):
                raise no_room(self.column, _more(self.column, len(mine)))
        return pc.cast(pa.array(text, pa.string()), self.column.arrow_type)

    def _spelled(self, tier: Tier, numbers: IntArray, seed: int) -> Any:
        order = Permutation(tier.pattern.room, seed)
        made = tier.pattern.spell(order(numbers), seed, numbers).to_numpy(zero_copy_only=False)
        if self._check is None or not tier.checked:
            return made
        return np.array([self._check.completed(text) for text in made], dtype=object)

    def _numbered(self, rows: IntArray, seed: int) -> tuple[IntArray, IntArray]:
        """Return each row's form, and its number among that form's rows."""
        count = len(self.templates)
        if count == 1:
            return np.zeros_like(rows), rows
        weights = np.array([template.weight for template in self.templates], dtype=float)
        ends = np.round(np.cumsum(weights) / weights.sum() * _PERIOD)
        order = Permutation(_PERIOD, seed)(np.arange(_PERIOD))
        pattern = np.minimum(np.searchsorted(ends, order, side="right"), count - 1)
        # Forms repeat with a fixed period: a row's form, and how many of that form stand before it,
        # follow from its number alone.
        hot = pattern[:, None] == np.arange(count)
        before = np.cumsum(hot, axis=0)[np.arange(_PERIOD), pattern] - 1
        share = hot.sum(axis=0)
        turn, place = np.divmod(rows, _PERIOD)
        which = pattern[place]
        return which, turn * share[which] + before[place]


def _more(column: Column, rows: int) -> str:
    short = f" of {column.length} characters" if column.length else ""
    return f"{rows:,} more distinct values{short}"


def _sample(real: RealKeys, most: Optional[int] = _SAMPLE) -> tuple[list[str], Entities]:
    """Return texts, none of them empty, and the entities behind them."""
    if real.column.kind.family != "text":
        return [], Entities(0)
    texts = real.values.to_pylist()
    rows = np.array([i for i, text in enumerate(texts) if text][:most], dtype=np.int64)
    owners = entities_or_rows(real.entities, len(texts))
    return [texts[i] for i in rows], owners.take(rows)


def _ends(texts: Sequence[str]) -> tuple[str, str]:
    """Return what all texts begin and end with, but for digits."""
    prefix = re.sub(r"\d+$", "", _common(texts))
    return prefix, re.sub(r"\d+$", "", _common([text[len(prefix) :][::-1] for text in texts]))[::-1]


def _common(texts: Sequence[str]) -> str:
    first, last = min(texts, default=""), max(texts, default="")
    same = next((i for i, (a, b) in enumerate(zip(first, last)) if a != b), None)
    return first[:same] if same is not None else min(first, last, key=len)


def _is_shared(owners: Entities, k: int) -> bool:
    """Tell whether enough entities are behind all of some texts."""
    rows = len(owners)
    return rows >= max(k, forms.LEAST) and int(owners.holders(np.zeros(rows, int))[0]) >= k


def _templates(
    column: Column,
    texts: Sequence[str],
    owners: Entities,
    k: int,
    check: Optional[CheckDigits],
) -> list[Template]:
    """Return the common forms of texts, those with most of them first."""
    level = forms.level_of(texts)
    led = check is None and level != "shape" and _is_shared(owners, k)
    lead = _ends(texts)[0] if led else ""
    if len(lead) >= _LEAD and not lead.isalnum() and all(len(text) > len(lead) for text in texts):
        length = None if column.length is None else column.length - len(lead)
        inner = column.model_copy(update={"length": length})
        rest = [text[len(lead) :] for text in texts]
        return [
            Template("w" * len(lead) + one.form, [[lead], *one.pieces], one.weight)
            for one in _templates(inner, rest, owners, k, check)
        ]
    if check is None and texts:
        public = words.vocabulary_of(texts, jobs=False)  # a few may be older than the list
        if public is not None:
            return [Template("*", [list(public)], len(texts))]
        if _is_wordy(texts):
            found = _worded(texts, owners, k)
            if found and _fits(found, column.length):
                return found
    form = forms.LEVELS[level or "run"]
    return [
        Template(shape, forms.pieces_of(shape, members, holders, k), len(members))
        for shape, members, holders in _grouped(texts, [form(text) for text in texts], owners, k)
    ]


def _fits(templates: Sequence[Template], length: Optional[int]) -> bool:
    return length is None or all(
        sum(max(map(len, piece)) for piece in template.pieces) <= length for template in templates
    )


def _grouped(
    texts: Sequence[Any], shapes: Sequence[str], owners: Entities, k: int
) -> list[tuple[str, list[Any], forms.Holders]]:
    """Return the texts of each common form that `k` entities have, and who shares their parts."""
    found: list[tuple[str, list[Any], forms.Holders]] = []
    for shape, rows in forms.by_form(shapes):
        holders = owners.take(np.array(rows)).holders
        few = bool(owners.paths) and holders(np.zeros(len(rows), dtype=np.int64), 1)[0] < k
        if not few and len(found) < _TEMPLATES:
            found.append((shape, [texts[row] for row in rows], holders))
    return found


def _is_wordy(texts: Sequence[str]) -> bool:
    """Tell whether texts are made of words that differ in length."""
    if len(set(map(len, texts))) == 1 and all(text.isupper() for text in texts):
        return False  # codes of so many letters
    alike = len(set(map(forms.shape, texts))) <= _ALIKE and len(texts) >= _TELLING
    return not alike and words.are_words(texts)


def _worded(texts: Sequence[str], owners: Entities, k: int) -> list[Template]:
    """Return forms made of words, digits and what is between them."""
    split = [_WORD.findall(text) for text in texts]
    shapes = ["".join(map(_token_class, tokens)) for tokens in split]
    public = words.things(texts[:200])
    templates = []
    for shape, members, holders in _grouped(split, shapes, owners, k):
        pieces: forms.Pieces = []
        wide: dict[int, list[str]] = {}
        for at, (column, kind) in enumerate(zip(zip(*members), shape)):
            if kind == "w":
                shared, similar = _slot(column, holders, k, public)
                both = sorted({*shared, *similar})
                pieces.append(shared or both)
                if len(set(column)) > 1:
                    wide[at] = both
            else:
                pieces.append(_digits(column) if kind == "9" else [kind])
        for at in reversed(wide):  # few words are soon used up, and their texts are real ones
            if prod(map(len, pieces)) < _ROOM * len(members):
                pieces[at] = wide[at]
        templates.append(Template(shape, pieces, len(members)))
    return templates


def _digits(column: Sequence[str]) -> list[str]:
    """Return all digits, but no zero where many numbers have none: they do not begin with one."""
    return list("123456789" if "0" not in column and len(column) >= _TELLING else "0123456789")


def _token_class(token: str) -> str:
    return "9" if token.isdecimal() else "w" if token[0].isalnum() else token


def _slot(
    column: Sequence[str], holders: forms.Holders, k: int, public: Sequence[str]
) -> tuple[list[str], list[str]]:
    """Return shared words of a place, if these are most of it, and public ones like them."""
    distinct, rows, common = forms.seen(column, holders, k)
    shared = [word for word, kept in zip(distinct, common) if kept]
    if rows[common].sum() < _SLOT_SHARED * len(column):
        shared = []
    longest = max(len(word) for word in column)
    fitting = [word for word in public if len(word) <= longest] or list(public)
    return shared, words.cased(fitting, column)
