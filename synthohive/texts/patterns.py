"""What codes look like: pieces, each with the strings that may stand there.

One machine for keys, personal data and texts: pieces are learned from values, the texts that they
can make are counted, numbered and drawn, and where these are too few there is made room for more.
Single characters come from the smallest usual alphabet that holds what was seen; words and
prefixes that enough entities share stay whole.
"""

from __future__ import annotations

import re
import string
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from math import log, prod
from typing import Any, Optional

import numpy as np
import numpy.typing as npt

from synthohive._arrays import AnyArray, Bools, Floats, IntArray
from synthohive._random import below
from synthohive.texts.check_digits import from_codes

__all__ = [
    "CLASSES",
    "LEAST",
    "LETTER",
    "LEVELS",
    "Holders",
    "Pattern",
    "Pieces",
    "alphabet_of",
    "by_form",
    "freeable",
    "in_groups",
    "level_of",
    "pieces_of",
    "run",
    "secret",
    "seen",
    "shape",
    "token",
    "with_room",
]

Pieces = list[list[str]]
Holders = Callable[[IntArray, int], IntArray]
"""Counts the entities of each code, given the codes of all texts."""

LETTER = "文"
_DIGITS, _UP, _LOW = string.digits, string.ascii_uppercase, string.ascii_lowercase
_CROCKFORD = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_BASE32 = _UP + "234567"
_BASE58 = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"
_CYRILLIC, _GREEK = "абвгдежзийклмнопрстуфхцчшщыьэюя", "αβγδεζηθικλμνξοπρστυφχψω"
_IDEOGRAPHS = "".join(map(chr, range(0x4E00, 0x4E40)))
ALPHABETS = tuple(
    sorted(
        (
            *(_DIGITS, _UP, _LOW, _DIGITS + "abcdef", _DIGITS + "ABCDEF", _DIGITS + _UP),
            *(_CROCKFORD, _CROCKFORD.lower(), _BASE32, _BASE32.lower(), _DIGITS + _LOW),
            *(_BASE58, _UP + _LOW, _DIGITS + _UP + _LOW, _DIGITS + _UP + _LOW + "-_"),
            *(_DIGITS + _UP + _LOW + "+/=", _DIGITS + "X", "./" + _DIGITS + _UP + _LOW),
            *(_CYRILLIC, _CYRILLIC.upper(), _GREEK, _GREEK.upper()),
            _IDEOGRAPHS,
        ),
        key=lambda letters: (len(letters), letters),
    )
)
CLASSES = {"9": _DIGITS, "A": _UP, "a": _LOW, LETTER: _IDEOGRAPHS}
"""Digits, capitals, small letters, and letters without case; with what stands in for them."""
LIMIT = 2**62  # numbers of rows, and permutations of them, are 64 bits wide
_SPAN = re.compile(rf"A+|a+|9+|x+|{LETTER}+|[\s\S]")
_WORDS = re.compile(rf"[Aa{LETTER}]+|9+|[\s\S]")
_UNLIKELY = log(1e-4)  # less often than that, chance shows so few characters
_MOST_FORMS = 16
_COVERED = 0.9
_MEMBERS = 4  # texts of each form, for forms to be telling
_MAX_SPANS, _MAX_WORDS = 50, 400  # different words at one place, numbered ones and drawn ones
_SECRET = 20  # characters of the shortest hash
_SHARED = 0.9  # of rows whose word or number k entities share, to keep it whole
_SLOTS = 4096  # of a table to draw from: shares are right to 1/4096
_WORD = 3  # letters of the shortest word that stays
LEAST = 5  # texts that must agree in a character, however low k is


class _Classes(dict[int, str]):
    """Maps a code point to its class, or to itself."""

    def __missing__(self, code: int) -> str:
        char = chr(code)
        self[code] = found = (
            ("A" if char.isupper() else "a" if char.islower() else LETTER)
            if char.isalpha()
            else ("9" if char.isdecimal() else char)
        )
        return found


_CLASSES = _Classes()


def shape(text: str) -> str:
    """Return the class of each character: no letter or digit of the text is left in it.

    Examples
    --------
    >>> shape("N10-é"), shape("東京 7")
    ('A99-a', '文文 9')
    """
    return text.translate(_CLASSES)


def run(text: str) -> str:
    """Return the text with letters and digits alike as 'x'.

    Examples
    --------
    >>> run("9f-A")
    'xx-x'
    """
    return "".join("x" if c.isalnum() else c for c in text)


def token(text: str) -> str:
    """Return the text with what tokens are made of as 'x': also ``-_+/=``."""
    return "".join("x" if c.isalnum() or c in "-_+/=" else c for c in text)


def secret(text: str) -> str:
    """Return the text with each character as 'x', as in hashes of passwords, salts and all."""
    return "x" * len(text)


LEVELS: dict[str, Callable[[str], str]] = {
    "shape": shape, "run": run, "token": token, "secret": secret
}  # fmt: skip
_OF_CLASS = {
    "x": ALPHABETS,
    **{kind: tuple(a for a in ALPHABETS if set(shape(a)) == {kind}) for kind in CLASSES},
}


def level_of(texts: Sequence[str]) -> Optional[str]:
    """Return how coarsely distinct texts must be seen to have few forms; None: they have many.

    Examples
    --------
    >>> level_of(["AB-1", "XY-2"] * 4), level_of(["1f", "a2", "b7", "33", "cd"] * 2)
    ('shape', 'run')
    """
    for level, form in LEVELS.items():
        if level == "secret" and not _are_secrets(texts):
            continue
        found = Counter(map(form, texts)).most_common()
        common = found[:_MOST_FORMS]
        covered = sum(count for _, count in common) >= _COVERED * len(texts)
        if covered and (len(found) == 1 or len(texts) >= _MEMBERS * len(common)):
            return level
    return None


def by_form(forms: Iterable[str]) -> list[tuple[str, list[int]]]:
    """Return the rows of each form, those with most rows first.

    Examples
    --------
    >>> by_form(["9", "a9", "9"])
    [('9', [0, 2]), ('a9', [1])]
    """
    rows: dict[str, list[int]] = {}
    for row, form in enumerate(forms):
        rows.setdefault(form, []).append(row)
    return sorted(rows.items(), key=lambda item: (-len(item[1]), item[0]))


def _are_secrets(texts: Sequence[str]) -> bool:
    """Tell whether texts are as long as one another, and as hashes, of one word each."""
    lengths = set(map(len, texts))
    return (
        len(lengths) == 1
        and min(lengths) >= _SECRET
        and not any(re.search(r"\s", t) for t in texts)
    )


def alphabet_of(chars: set[str], kind: str = "x") -> str:
    """Return the smallest usual alphabet that holds all characters, else these together.

    Parameters
    ----------
    chars : set of str
        Single characters.
    kind : str
        The class of all the characters, one of :data:`CLASSES`; ``x`` if they are of several.

    Examples
    --------
    >>> alphabet_of({"7", "a", "f"})
    '0123456789abcdef'
    """
    usual = _OF_CLASS[kind]
    for letters in usual:
        if chars <= set(letters):
            return letters
    left, found = set(chars), ""
    for letters in usual:
        if left & set(letters):
            found += "".join(c for c in letters if c not in found)
            left -= set(letters)
    return found or CLASSES[shape(min(chars)) if kind == "x" else kind]


@dataclass(frozen=True)
class Pattern:
    """Texts of one form, piece by piece.

    Attributes
    ----------
    pieces : tuple of tuple of str
        What may stand there; a single string is a literal.
    weights : tuple of tuple of float
        How often, for texts that are drawn; none of a piece, or of all: all alike.

    Examples
    --------
    >>> pattern = Pattern.of_shape("A-99")
    >>> pattern.capacity
    2600
    >>> pattern.spell(np.array([0, 2599])).to_pylist()
    ['A-00', 'Z-99']
    """

    pieces: tuple[tuple[str, ...], ...]
    weights: tuple[tuple[float, ...], ...] = ()

    @classmethod
    def of(cls, *pieces: Iterable[str]) -> Pattern:
        """Return the pattern of pieces; a text is one of single characters."""
        return cls(tuple(map(tuple, pieces)))

    @classmethod
    def of_shape(cls, form: str, classes: Mapping[str, str] = CLASSES) -> Pattern:
        """Return the pattern in which every symbol of a class is free."""
        return cls.of(*(classes.get(symbol, symbol) for symbol in form))

    @classmethod
    def learn(
        cls, form: str, texts: Sequence[str], holders: Holders, k: int, counts: IntArray
    ) -> Pattern:
        """Learn from texts of one shape, with the frequencies of what is shared.

        Parameters
        ----------
        form : str
            What :func:`shape` gives for all the texts.
        texts : sequence of str
            At least one.
        holders : callable
            Counts the entities that share parts of these texts.
        k : int
            A character, word or number of fewer entities is not used at its place; where there is
            none, all of its class are.
        counts : ndarray of int64, shape (texts,)
            Rows of each.
        """
        columns = _columns(form, texts)
        pieces: list[tuple[str, ...]] = []
        weights: list[tuple[float, ...]] = []
        for span in _WORDS.finditer(form):
            first, last = span.span()
            if form[first] not in CLASSES:
                pieces.append((form[first],))
                weights.append(())
                continue
            whole = seen([text[first:last] for text in texts], holders, k, counts)
            places = [whole]
            kept = whole[1][whole[2]]
            if not 0 < len(kept) <= _MAX_WORDS or kept.sum() < _SHARED * counts.sum():
                places = [seen(c, holders, k, counts) for c in columns[:, first:last].T]
            for at, (strings, rows, shared) in enumerate(places, first):
                few = np.flatnonzero(shared)
                usual = tuple(strings[i] for i in few) or tuple(alphabet_of({*strings}, form[at]))
                pieces.append(usual)
                weights.append(tuple(float(rows[i]) for i in few))
        return cls(tuple(pieces), tuple(weights))

    @property
    def capacity(self) -> int:
        """How many different texts there are."""
        return prod(map(len, self.pieces))

    @cached_property
    def _counted(self) -> tuple[list[bool], int]:
        """Which pieces spell a number, and how many numbers there are.

        As many of the last pieces as 64 bits can tell apart: what they spell never repeats.
        """
        found, room = [], 1
        for piece in reversed(self.pieces):
            found.append(room * len(piece) <= LIMIT)
            room *= len(piece) if found[-1] else 1
        return found[::-1], room

    @property
    def room(self) -> int:
        """How many numbers :meth:`spell` takes: all texts, or 2^62 of them at most."""
        return self._counted[1]

    @cached_property
    def _codes(self) -> Optional[list[npt.NDArray[np.uint8]]]:
        """For each piece its strings as ASCII, (strings, characters), if all are as wide."""
        for piece in self.pieces:
            if len({*map(len, piece)}) != 1 or not all(map(str.isascii, piece)):
                return None
        return [
            np.frombuffer("".join(piece).encode(), np.uint8).reshape(len(piece), -1)
            for piece in self.pieces
        ]

    @property
    def width(self) -> int:
        """Characters of the longest text."""
        return sum(max(map(len, piece)) for piece in self.pieces)

    @property
    def example(self) -> str:
        """One of the texts."""
        return "".join(piece[0] for piece in self.pieces)

    def spell(
        self, numbers: npt.NDArray[Any], key: int = 0, index: Optional[npt.NDArray[Any]] = None
    ) -> Any:
        """Return the text of each number: another one for each.

        Parameters
        ----------
        numbers : ndarray of int64 or uint64, shape (rows,)
            Below the room.
        key : int
            Of the pieces that are filled by chance, as they spell no number.
        index : ndarray of integers, shape (rows,), optional
            What chance depends on; without it, these pieces are their first strings.

        Returns
        -------
        pyarrow.Array
            Of strings.
        """
        digits: list[Optional[npt.NDArray[Any]]] = []
        rest = numbers
        # the mixed-radix system of the counted pieces, the last one first
        for at in range(len(self.pieces) - 1, -1, -1):
            size, digit = len(self.pieces[at]), None
            if size > 1 and self._counted[0][at]:
                rest, digit = np.divmod(rest, rest.dtype.type(size))
            elif size > 1 and index is not None:
                # 7919 is a prime: places get seeds that are far from those of forms, 101 apart
                digit = below(index, size, key + 7919 * (at + 1))
            digits.append(digit)
        return self._written(digits[::-1], len(numbers))

    @cached_property
    def _slots(self) -> list[IntArray]:
        """For each piece a table in which each string fills its share of the slots."""
        found = []
        for at, piece in enumerate(self.pieces):
            given = self.weights[at] if self.weights else ()
            share: Floats = np.asarray(given or [1.0] * len(piece), dtype=np.float64)
            # drawing is then reading a random slot, instead of a search for each character
            edges = np.cumsum(share / share.sum())[:-1]
            found.append(np.searchsorted(edges, (np.arange(_SLOTS) + 0.5) / _SLOTS, side="right"))
        return found

    def generate(self, size: int, rng: np.random.Generator) -> Any:
        """Draw `size` texts."""
        drawn = [
            None if len(piece) == 1 else slots[rng.integers(0, _SLOTS, size, dtype=np.uint16)]
            for piece, slots in zip(self.pieces, self._slots)
        ]
        return self._written(drawn, size)

    def _written(self, digits: Sequence[Optional[npt.NDArray[Any]]], rows: int) -> Any:
        """Return texts of the chosen string of each piece; its only one where none is chosen."""
        import pyarrow as pa
        import pyarrow.compute as pc

        if self._codes is not None:  # written side by side, several times as fast as joined
            whole = np.empty((rows, self.width), np.uint8)
            end = 0
            for codes, digit in zip(self._codes, digits):
                start, end = end, end + codes.shape[1]
                whole[:, start:end] = codes[0] if digit is None else codes[digit.astype(np.intp)]
            return from_codes(whole)
        parts = [
            pa.scalar(piece[0], pa.string())
            if digit is None
            else pa.array(piece, pa.string()).take(pa.array(digit.astype(np.int64)))
            for piece, digit in zip(self.pieces, digits)
        ]
        return pc.binary_join_element_wise(pa.repeat(pa.scalar("", pa.string()), rows), *parts, "")

    def with_room(self, wanted: float) -> Pattern:
        """Let digits be free, then letters, the last ones first, until there is room.

        Where even the free shape is full, it gets longer: a shape that no real text has. Where
        there are digits, these do, and a word that all texts have stays: after "Product 99" comes
        "Product 100".
        """
        pieces = list(zip(self.pieces, self.weights or [()] * len(self.pieces)))
        numbered = any(set(shape(strings[0])) == {"9"} for strings, _ in pieces)
        for kinds in ({"9"}, set(CLASSES)):
            for at in range(len(pieces) - 1, -1, -1):
                if prod(len(strings) for strings, _ in pieces) > wanted:
                    break
                strings, form = pieces[at][0], shape(pieces[at][0][0])
                kept = numbered and len(strings) == 1 and len(form) >= _WORD and form[0] != "9"
                if set(form) <= kinds and not kept:
                    pieces[at : at + 1] = [(tuple(CLASSES[kind]), ()) for kind in form]
        forms = [shape(strings[0]) for strings, _ in pieces]
        kind = next((form for form in reversed(forms) if form in CLASSES), "9")
        end = len(pieces)
        if numbered:
            kind, end = "9", max(at for at, form in enumerate(forms) if set(form) == {"9"}) + 1
        while prod(len(strings) for strings, _ in pieces) <= wanted:
            pieces.insert(end, (tuple(CLASSES[kind]), ()))
        return Pattern(tuple(p for p, _ in pieces), tuple(w for _, w in pieces))


def in_groups(choice: IntArray, make: Callable[[int, IntArray], Any]) -> Any:
    """Return texts for all rows, made for the rows of each choice at once.

    Parameters
    ----------
    choice : ndarray of int64, shape (rows,)
    make : callable
        Returns the texts of one choice at the rows that have it.
    """
    import pyarrow as pa

    groups = [(int(number), np.flatnonzero(choice == number)) for number in np.unique(choice)]
    made = [make(number, at) for number, at in groups]
    # the inverse of the order by choice, in which they were made
    place = np.argsort(np.argsort(choice, kind="stable"))
    return pa.concat_arrays([*made, pa.array([], pa.string())]).take(pa.array(place))


def seen(
    strings: Sequence[str] | npt.NDArray[np.str_],
    holders: Holders,
    k: int,
    counts: Optional[IntArray] = None,
) -> tuple[list[str], AnyArray, Bools]:
    """Return the distinct strings, the rows of each, and whether `k` entities share it.

    Parameters
    ----------
    strings : sequence of str
        Parts of all texts, as `holders` expects.
    holders : callable
    k : int
    counts : ndarray of int64, optional
        Rows of each; one by default, and the shared ones then have :data:`LEAST` of them.
    """
    distinct, codes = np.unique(np.asarray(strings), return_inverse=True)
    codes = codes.reshape(-1)
    rows = np.bincount(codes, counts, len(distinct))
    least = LEAST if counts is None else 0
    shared = (rows >= least) & (holders(codes, len(distinct)) >= k)
    return [str(text) for text in distinct], rows, shared


def _columns(form: str, texts: Sequence[str]) -> npt.NDArray[np.str_]:
    """Return the characters of texts, (texts, places): a view of NumPy's texts, without a loop."""
    return np.array(texts, dtype=f"<U{len(form)}").view("<U1").reshape(len(texts), -1)


def pieces_of(
    form: str, texts: Sequence[str], holders: Holders, k: int, *, words: bool = True
) -> Pieces:
    """Return what may stand where in texts of one form, for texts that never repeat.

    Parameters
    ----------
    form : str
        What one of :data:`LEVELS` gives for all the texts.
    texts : sequence of str
        At least one.
    holders : callable
        Counts the entities that share parts of these texts.
    k : int
        What fewer entities share is not shown.
    words : bool
        Keep words whole that enough entities share, where they are few.
    """
    columns, pieces = _columns(form, texts), Pieces()
    for span in _SPAN.finditer(form):
        first, last = span.span()
        kind = form[first]
        if kind not in _OF_CLASS:
            pieces.append([kind])
            continue
        spans = [text[first:last] for text in texts] if words else []
        whole = _whole(spans, holders, k) if words else None
        pieces += [whole] if whole else _characters(columns[:, first:last], kind, holders, k)
    return pieces


def _whole(spans: Sequence[str], holders: Holders, k: int) -> Optional[list[str]]:
    """Return the spans that enough entities share, if they are few and nearly all."""
    distinct, rows, shared = seen(spans, holders, k)
    if len(distinct) > _MAX_SPANS or (len(spans[0]) < 2 and len(distinct) > 1):
        return None
    if rows[shared].sum() < _SHARED * len(spans):
        return None
    return [word for word, kept in zip(distinct, shared) if kept]


def _characters(columns: npt.NDArray[np.str_], kind: str, holders: Holders, k: int) -> Pieces:
    """Return the characters of each position of a run."""
    places = [(chars, bool(shared.all())) for chars, _, shared in
              (seen(column, holders, k) for column in columns.T)]  # fmt: skip
    free = [set(chars) for chars, shared in places if len(chars) > 1 or not shared]
    common = alphabet_of(set().union(*free), kind) if free else ""
    return [_at_place(chars, shared, common, len(columns), kind) for chars, shared in places]


def _at_place(chars: list[str], shared: bool, common: str, texts: int, kind: str) -> list[str]:
    """Return the alphabet of one place: narrower than its run's where chance cannot be why."""
    if len(chars) == 1 and shared:
        return chars
    own = alphabet_of(set(chars), kind)
    # drawn evenly from the wider alphabet, all texts would fall into the narrower this rarely
    narrow = set(own) < set(common) and texts * log(len(own) / len(common)) < _UNLIKELY
    letters = own if narrow else common
    few = shared and set(chars) < set(letters)
    few = few and texts * log(len(chars) / len(letters)) < _UNLIKELY
    return chars if few else list(letters)


def with_room(form: str, pieces: Pieces, wanted: int) -> Pieces:
    """Free digits, then letters, from the right, until there is room for so many texts.

    What all have in common stays, as long as anything else of its run is free.

    Parameters
    ----------
    form : str
        Of all texts, one symbol for each character (:func:`shape`, :func:`run` …).
    pieces : list of list of str
        Is not changed.
    wanted : int
        How many texts there must be room for.

    Returns
    -------
    list of list of str
        There may be too little room, where all that can be free is.
    """
    pieces = [list(piece) for piece in pieces]
    free = freeable(form, pieces)
    for kinds in ("9", CLASSES):
        for at in free:
            if prod(map(len, pieces)) >= wanted:
                return pieces
            kind = shape(pieces[at][0])
            full = CLASSES.get(kind, "")
            if kind in kinds and set(pieces[at]) < set(full):
                pieces[at] = list(full)
    return pieces


def freeable(form: str, pieces: Pieces) -> list[int]:
    """Return the single characters beside free ones of their kind, the last ones first."""
    starts = np.cumsum([0, *(len(piece[0]) for piece in pieces)]).tolist()
    found: list[int] = []
    for span in _SPAN.finditer(form):
        inside = [i for i, at in enumerate(starts[:-1]) if span.start() <= at < span.end()]
        single = [i for i in inside if len(pieces[i][0]) == 1]
        if any(len(pieces[i]) > 1 for i in single):
            found += single
    return sorted(found, reverse=True)
