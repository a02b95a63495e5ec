"""Made-up names, addresses and user names of persons, in learned styles."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import lru_cache
from typing import Any, Optional

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from synthohive._random import U64, Permutation, below, subkey, weighted
from synthohive.privacy.kinds import PiiKind
from synthohive.privacy.pools import Pools
from synthohive.privacy.rows import Rows, join, take, text_of
from synthohive.privacy.styles import (
    Person,
    Style,
    Weighted,
    local_styles,
    name_styles,
    own_rows,
    single_name,
)
from synthohive.texts.patterns import in_groups

__all__ = ["full_names", "local_parts", "styles_for"]

_MARK = re.compile(r"(\{\w\})")
_ALIKE = 4096  # more than there are names with one initial
_APART = 89  # a prime: numbers of rows of one style and name seldom meet
_STYLED = 10_000
_ADDRESSES = frozenset({PiiKind.EMAIL, PiiKind.USER_NAME})
_WRITTEN = _ADDRESSES | {PiiKind.NAME, PiiKind.URL}
_LETTERS = [chr(ord("A") + i) for i in range(26)]


def local_parts(rows: Rows) -> Any:
    """Return the first parts of addresses, each in a style drawn for its row."""
    return _in_styles(rows, _local_part)


def full_names(rows: Rows) -> Any:
    """Return full names, each in a style drawn for its row."""
    return _in_styles(rows, _full_name)


def _in_styles(rows: Rows, make: Callable[[Rows, int], Any]) -> Any:
    choice = _choice(rows, rows.index)
    return in_groups(choice, lambda number, at: make(rows.at(at), number))


def _choice(rows: Rows, index: U64) -> NDArray[np.intp]:
    weights = [weight for _, weight in rows.look.styles]
    return weighted(index, weights, subkey(rows.key, "style"))


def _person(rows: Rows, style: Style) -> Rows:
    return rows if style.own else replace(rows, person=subkey(rows.key, "another"))


def _local_part(rows: Rows, number: int) -> Any:
    style = rows.look.styles[number][0]
    first, last, lap = _person(rows, style).names()
    given = take(rows.pools.first_slugs, first)
    family = take(rows.pools.last_slugs, last)
    parts = {
        "{F}": given,
        "{L}": family,
        "{f}": pc.utf8_slice_codeunits(given, 0, 1),
        "{l}": pc.utf8_slice_codeunits(family, 0, 1),
    }
    stem = join(*(parts.get(part, part) for part in _MARK.split(style.form) if part), style.gap)
    digits: Any = ""
    if style.digits:
        # padded: as many digits as the real ones have, 07 too
        drawn = below(rows.index, 10**style.digits, subkey(rows.key, "digits", number))
        digits = pc.utf8_lpad(text_of(drawn), style.digits, "0")
    if not rows.unique:
        return join(style.head, stem, digits, style.tail)
    # laps and ranks as one number: 0 for the first of those alike, which needs none
    same = lap * np.uint64(_ALIKE) + _rank(rows, number, first, last)
    base = 10 ** max(2, *(s.digits for s, _ in rows.look.styles))
    # beyond all digits that styles draw, and another remainder for each style: never the same
    code = same * np.uint64(len(rows.look.styles)) + np.uint64(base + number)
    numbered = _numbered(stem, digits, np.where(same > 0, code, np.uint64(0)))
    return join(style.head, numbered, style.tail)


def _numbered(stem: Any, digits: Any, numbers: U64) -> Any:
    """Put a number in the place of the digits, where it is above zero."""
    return join(stem, pc.if_else(pa.array(numbers == 0), digits, text_of(numbers)))


def _rank(rows: Rows, number: int, first: U64, last: U64) -> U64:
    """Tell rows apart that a style writes alike; the first of them has rank 0."""
    style = rows.look.styles[number][0]
    if not style.own:  # may be the name of another row: always numbered
        apart: U64 = np.uint64(1) + below(rows.index, _APART, subkey(rows.key, "apart", number))
        return apart
    if "{F}" in style.form and "{L}" in style.form:
        if "}{" not in style.form:
            return np.zeros(len(first), np.uint64)
        alike, ranks = _ambiguous(rows.pools, style.form)
        # both names as one number, in the order in which `alike` is searched
        pair = last * np.uint64(len(rows.pools.first)) + first
        at = np.minimum(np.searchsorted(alike, pair), len(alike) - 1)
        return np.where(alike[at] == pair, ranks[at], 0).astype(np.uint64)
    slugs = rows.pools.first_slugs if "{f}" in style.form else rows.pools.last_slugs
    mine = first if "{f}" in style.form else last
    starts = np.array([ord(slug[0]) for slug in slugs])
    rank = np.zeros(len(first), np.uint64)
    for letter in np.unique(starts[mine.astype(np.int64)]):
        at = np.flatnonzero(starts[mine.astype(np.int64)] == letter)
        like = np.flatnonzero(starts == letter).astype(np.uint64)
        # (rows, names with that letter): all persons whom this style would write alike
        firsts = like[None, :] if "{f}" in style.form else first[at][:, None]
        lasts = last[at][:, None] if "{f}" in style.form else like[None, :]
        rank[at] = _before(rows, number, rows.index[at], firsts, lasts)
    return rank


def _before(rows: Rows, number: int, index: U64, first: U64, last: U64) -> U64:
    """Count the persons in earlier rows of the same lap and style, or who might be there."""
    count = rows.alike
    pairs = count * len(rows.pools.last)
    # as `Rows.names` numbers pairs: a man's and a woman's name of one place are one
    pair = last * np.uint64(count) + first % np.uint64(count)
    # the permutation backwards: which row of the lap has a pair of names, without making the rows
    place = Permutation(pairs, rows.person).undo(pair.ravel()).reshape(pair.shape)
    lap = index // np.uint64(pairs) * np.uint64(pairs)
    other = lap[:, None] + place
    earlier = other < index[:, None]
    same = np.zeros(other.shape, bool)
    same[earlier] = _choice(rows, other[earlier]) == number
    return np.asarray(same.sum(axis=1), np.uint64)


@lru_cache(maxsize=8)
def _ambiguous(pools: Pools, form: str) -> tuple[U64, U64]:
    """Return the pairs of names that, written without a gap, look like another pair.

    Each has a rank among those that look alike.
    """
    firsts = {name: i for i, name in enumerate(pools.first_slugs)}
    lasts = {name: i for i, name in enumerate(pools.last_slugs)}
    heads, tails = (firsts, lasts) if form == "{F}{L}" else (lasts, firsts)
    alike: dict[str, set[str]] = {}
    for whole in heads:
        for cut in range(1, len(whole)):
            short, between = whole[:cut], whole[cut:]
            if short not in heads:
                continue
            for long in tails:
                if long.startswith(between) and long[len(between) :] in tails:
                    alike.setdefault(short + long, set()).update((short, whole))
    ranks: dict[int, int] = {0: 0}
    for text, starts in alike.items():
        for rank, head in enumerate(sorted(starts)):
            one, two = heads[head], tails[text[len(head) :]]
            first, last = (one, two) if form == "{F}{L}" else (two, one)
            ranks[last * len(firsts) + first] = rank
    pairs = np.array(sorted(ranks), np.uint64)
    return pairs, np.array([ranks[int(pair)] for pair in pairs], np.uint64)


def _full_name(rows: Rows, number: int) -> Any:
    style = rows.look.styles[number][0]
    first, last, again = _person(rows, style).names()
    if not rows.unique:
        again = np.zeros(len(again), np.uint64)
    given, family = take(rows.pools.first, first), take(rows.pools.last, last)
    middle = take(_LETTERS, below(rows.index, 26, subkey(rows.key, "middle")))
    spelled = _initials(np.where(again > 0, again + np.uint64(26), again))
    plain = pa.array(again == 0)
    parts = {
        "{F}": given if "{M}" in style.form else join(given, spelled),
        "{f}": pc.utf8_slice_codeunits(given, 0, 1),
        "{L}": family,
        "{M}": pc.if_else(plain, middle, pc.utf8_trim(spelled, characters=" .")),
    }
    return join(*(parts.get(part, part) for part in _MARK.split(style.form) if part))


def _initials(numbers: U64) -> Any:
    """Return nothing for zero, else middle initials that spell the number."""
    letters = pa.array([""] * len(numbers), pa.string())
    rest = numbers.copy()
    while rest.any():
        used = pa.array(rest > 0)
        # bijective, as columns of a sheet are called: after Z comes AA, and there is no zero
        rest, digit = np.divmod(rest - (rest > 0), np.uint64(26))
        letters = join(pc.if_else(used, take(_LETTERS, digit), ""), letters)
    return pc.if_else(pa.array(numbers == 0), "", join(" ", letters, "."))


def _distinct_styles(styles: Weighted, known: bool) -> Weighted:
    """Return styles of which no two can write different persons alike.

    Parameters
    ----------
    known : bool
        Whether the table holds the names; if not, other ones do as well.
    """
    kept: dict[Any, tuple[Style, float]] = {}
    head, tail = next(((s.head, s.tail) for s, _ in styles if s.own), ("", ""))
    for style, weight in styles:
        marks = _MARK.findall(style.form)
        between = "".join(part for part in _MARK.split(style.form) if part not in marks)
        form = style.form
        if not style.own:  # always numbered, so that only the names must not look alike
            form = f"{{F}}{between or '.'}{{L}}"
        elif not known or len(marks) < 2 or not {"{F}", "{L}"} & set(marks):
            form = f"{{F}}{between}{{L}}"
        signature = (between, style.gap, style.digits, style.own)
        alike = replace(style, form=form, head=head, tail=tail)  # for all, or these could collide
        one, sum_ = kept.get(signature, (alike, 0.0))
        kept[signature] = (one, sum_ + weight)
    return list(kept.values())


def _distinct_names(styles: Weighted) -> Weighted:
    """Return styles of full names that hold both names, of the row's own person."""
    full = [(s, w) for s, w in styles if {"{F}", "{L}"} <= set(_MARK.findall(s.form))]
    return [(replace(style, own=True), weight) for style, weight in full]


def styles_for(
    kind: PiiKind, text: Any, persons: Optional[Sequence[Person]], k: int, unique: bool
) -> Weighted:
    """Learn how the persons' names are written in the column.

    Parameters
    ----------
    kind : PiiKind
        Full names, e-mail addresses, user names and links are written by styles, no others.
    text : pyarrow.Array
        Real values as strings, none NULL; of many, 10,000 to 20,000 evenly spaced ones count.
    persons : sequence of (str, str), optional
        First and last names in the rows of `text`; None if the table has none.
    k : int
        Styles of fewer rows are not used.
    unique : bool
        Whether no two rows may have the same value: styles that could write two persons alike
        are changed or left out.

    Returns
    -------
    list of (Style, float)
        With weights; empty where the kind has no styles, else at least one.
    """
    if kind not in _WRITTEN:
        return []
    step = max(1, len(text) // _STYLED)
    texts: list[str] = text[::step].to_pylist()
    known = None if persons is None else persons[::step]
    if kind is PiiKind.NAME:
        if not unique and (alone := single_name(texts)):
            return [(alone, 1.0)]
        found = name_styles(texts, known, k)
        return (_distinct_names(found) if unique else found) or [(Style("{F} {L}"), 1.0)]
    if kind is PiiKind.EMAIL:
        texts = [value.rpartition("@")[0] or value for value in texts]
    between = "_" if kind is PiiKind.USER_NAME else "."
    found = local_styles(texts, known, k) if kind in _ADDRESSES else []
    if known is not None and kind in _ADDRESSES:
        found = _as_often_own(found, own_rows(texts, known), len(texts), k, between)
    found = _distinct_styles(found, known is not None) if unique else found
    return found or [(Style(f"{{F}}{between}{{L}}"), 1.0)]


def _as_often_own(found: Weighted, own: int, rows: int, k: int, between: str) -> Weighted:
    """Let addresses agree with names as often as the real ones, also of styles that are rare."""
    weights = list(found)
    for is_own, wanted in ((True, own), (False, rows - own)):
        mine = [i for i, (style, _) in enumerate(weights) if style.own == is_own]
        # rows whose own style is too rare to be learned count for the commonest one
        lost = wanted - sum(weights[i][1] for i in mine)
        if lost > 0 and mine:
            style, weight = weights[mine[0]]
            weights[mine[0]] = style, weight + lost
        elif lost >= k or (lost > 0 and is_own):
            weights.append((Style(f"{{F}}{between}{{L}}", own=is_own), float(lost)))
    return weights
