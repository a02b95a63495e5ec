"""The form of codes: what their characters have in common, position by position.

A code (a key, a token, a number of a document) is seen as *pieces*: each a list of the strings
that may stand there. Single characters come from the smallest usual alphabet that holds what
was seen; words and prefixes that enough entities share stay whole.
"""

from __future__ import annotations

import re
import string
from collections import Counter
from collections.abc import Callable, Sequence
from math import log, prod
from typing import Optional

import numpy as np
import numpy.typing as npt

from synthohive._arrays import IntArray

__all__ = [
    "CLASSES",
    "LEAST",
    "LEVELS",
    "Holders",
    "Pieces",
    "alphabet_of",
    "freeable",
    "level_of",
    "pieces_of",
    "room_of",
    "run",
    "secret",
    "shape",
    "token",
    "with_room",
]

Pieces = list[list[str]]
Holders = Callable[[IntArray, int], IntArray]
"""Counts the entities of each code, given the codes of all texts."""

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
CLASSES = {"9": _DIGITS, "A": _UP, "a": _LOW}
_SPAN = re.compile(r"A+|a+|9+|x+|[\s\S]")
_RUN = re.compile(r"[Aa9x]+|[^Aa9x]")
_UNLIKELY = log(1e-4)  # less often than that, chance shows so few characters
_MOST_FORMS = 16
_COVERED = 0.9
_MEMBERS = 4  # texts of each form, for forms to be telling
_MAX_SPANS = 50
_SECRET = 20  # characters of the shortest hash
_SHARED = 0.9
LEAST = 5  # texts that must agree in a character, however low k is


def shape(text: str) -> str:
    """Return the class of each character: 'N10-é' -> 'A99-a'; without case, letters are 'a'.

    Examples
    --------
    >>> shape("N10-é")
    'A99-a'
    """
    return "".join(map(_class_of, text))


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


def _class_of(char: str) -> str:
    if char.isdecimal():
        return "9"
    return "A" if char.isupper() else "a" if char.isalpha() else char


_OF_CLASS = {
    "x": ALPHABETS,
    **{kind: tuple(a for a in ALPHABETS if set(map(_class_of, a)) == {kind}) for kind in CLASSES},
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
        The class of all the characters, ``9``, ``A`` or ``a``; ``x`` if they are of several.

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
    return found or (_IDEOGRAPHS if min(chars) >= "\u2e80" else CLASSES.get(kind, _LOW))


def pieces_of(form: str, texts: Sequence[str], holders: Holders, k: int) -> Pieces:
    """Return what may stand where in texts of one form.

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
    """
    columns = np.array(texts, dtype=f"<U{len(form)}").view("<U1").reshape(len(texts), -1)
    pieces: Pieces = []
    for match in _RUN.finditer(form):
        start, end = match.span()
        if match.group()[0] not in "Aa9x":
            pieces.append([match.group()])
            continue
        for span in _SPAN.finditer(form, start, end):
            first, last = span.span()
            words = _whole([text[first:last] for text in texts], holders, k)
            pieces += (
                [words]
                if words
                else _characters(columns[:, first:last], span.group()[0], holders, k)
            )
    return pieces


def _whole(spans: Sequence[str], holders: Holders, k: int) -> Optional[list[str]]:
    """Return the spans that enough entities share, if they are few and nearly all."""
    distinct, codes = np.unique(np.array(spans), return_inverse=True)
    if len(distinct) > _MAX_SPANS or (len(spans[0]) < 2 and len(distinct) > 1):
        return None
    codes = codes.reshape(-1)
    counts = np.bincount(codes)
    kept = (counts >= LEAST) & (holders(codes, len(distinct)) >= k)
    if counts[kept].sum() < _SHARED * len(spans):
        return None
    return [str(word) for word in distinct[kept]]


def _characters(columns: npt.NDArray[np.str_], kind: str, holders: Holders, k: int) -> Pieces:
    """Return the characters of each position of a run."""
    seen = []
    for column in columns.T:
        distinct, codes = np.unique(column, return_inverse=True)
        codes = codes.reshape(-1)
        shared = (np.bincount(codes) >= LEAST) & (holders(codes, len(distinct)) >= k)
        seen.append(([str(c) for c in distinct], bool(shared.all())))
    free = [set(chars) for chars, shared in seen if len(chars) > 1 or not shared]
    common = alphabet_of(set().union(*free), kind) if free else ""
    return [_at_place(chars, shared, common, len(columns), kind) for chars, shared in seen]


def _at_place(chars: list[str], shared: bool, common: str, texts: int, kind: str) -> list[str]:
    """Return the alphabet of one place: narrower than its run's where chance cannot be why."""
    if len(chars) == 1 and shared:
        return chars
    own = alphabet_of(set(chars), kind)
    narrow = set(own) < set(common) and texts * log(len(own) / len(common)) < _UNLIKELY
    letters = own if narrow else common
    few = shared and set(chars) < set(letters)
    few = few and texts * log(len(chars) / len(letters)) < _UNLIKELY
    return chars if few else list(letters)


def room_of(pieces: Pieces) -> int:
    """Return how many texts the pieces can make."""
    return prod(map(len, pieces))


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
    for kinds in ("9", "9Aa"):
        for at in free:
            if room_of(pieces) >= wanted:
                return pieces
            kind = _class_of(pieces[at][0])
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
