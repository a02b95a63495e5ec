"""Check digits that hold for all values of a column, and how to set them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Optional

import numpy as np
from numpy.typing import NDArray

__all__ = [
    "CheckDigits",
    "check_of",
    "from_codes",
    "iban_digits",
    "luhn_digits",
    "scheme",
    "verhoeff_digits",
]

_LEAST = 5
"""Values that must all pass: chance passes one in ten, ten at once in none of 10^10."""


@dataclass(frozen=True)
class CheckDigits:
    """One scheme of check digits.

    Attributes
    ----------
    name : str
    places : tuple of int
        Which of a value's letters and digits are the check; negative ones from the end.
    lengths : tuple of int
        How many letters and digits values have; any if empty.
    compute : callable
        Returns the check characters, given all the other letters and digits.

    Examples
    --------
    >>> found = check_of(["978-3-16-148410-0", "978-0-306-40615-7"] * 5)
    >>> found.name, found.completed("978-0-306-40615-0")
    ('ean', '978-0-306-40615-7')
    """

    name: str
    places: tuple[int, ...]
    lengths: tuple[int, ...]
    compute: Callable[[str], str]

    def positions(self, text: str) -> list[int]:
        """Return where the check characters stand in a text with separators."""
        solid = [i for i, char in enumerate(text) if char.isalnum()]
        return [solid[place] for place in self.places]

    def blanked(self, text: str) -> str:
        """Return the text with zeros for check characters."""
        return _put(text, dict.fromkeys(self.positions(text), "0"))

    def completed(self, text: str) -> str:
        """Return the text with the right check characters."""
        at = self.positions(text)
        others = "".join(c for i, c in enumerate(text) if c.isalnum() and i not in at)
        return _put(text, dict(zip(at, self.compute(others))))

    def holds(self, text: str) -> bool:
        """Tell whether a text passes."""
        solid = sum(char.isalnum() for char in text)
        if not text.isascii() or solid < 8 or (self.lengths and solid not in self.lengths):
            return False
        try:
            return self.completed(text) == text.upper()
        except (ValueError, KeyError, IndexError):  # characters that the scheme does not know
            return False


def check_of(texts: Sequence[str]) -> Optional[CheckDigits]:
    """Return the scheme that all distinct texts obey; None where there is none."""
    if len(texts) < _LEAST:
        return None
    return next((s for s in _schemes() if all(map(s.holds, texts))), None)


def scheme(name: Optional[str]) -> Optional[CheckDigits]:
    """Return the scheme of a name."""
    return next((s for s in _schemes() if s.name == name), None)


def _put(text: str, chars: dict[int, str]) -> str:
    return "".join(chars.get(i, c) for i, c in enumerate(text))


@lru_cache(maxsize=1)
def _schemes() -> tuple[CheckDigits, ...]:
    """Return the schemes, those that chance passes least first."""
    from stdnum import ean, isbn, isin, issn, luhn, verhoeff
    from stdnum.iso7064 import mod_11_2, mod_97_10

    def iban(others: str) -> str:
        return f"{98 - mod_97_10.checksum(others[2:] + others[:2] + '00'):02d}"

    last = (-1,)
    return (
        CheckDigits("iban", (2, 3), tuple(range(15, 35)), iban),
        CheckDigits("lei", (-2, -1), (20,), mod_97_10.calc_check_digits),
        CheckDigits("isni", last, (16,), mod_11_2.calc_check_digit),
        CheckDigits("isbn10", last, (10,), isbn._calc_isbn10_check_digit),
        CheckDigits("issn", last, (8,), issn.calc_check_digit),
        CheckDigits("isin", last, (12,), isin.calc_check_digit),
        CheckDigits("ean", last, (8, 12, 13, 14), ean.calc_check_digit),
        CheckDigits("luhn", last, (), luhn.calc_check_digit),
        CheckDigits("verhoeff", last, (), verhoeff.calc_check_digit),
    )


def luhn_digits(texts: Any) -> Any:
    """Set the last digit of texts of one form, an Arrow array, so that they pass the Luhn check."""
    codes = codes_of(texts)
    positions = [p for p in range(codes.shape[1]) if chr(codes[0, p]).isdigit()]
    digits = codes[:, positions].astype(np.int64) - ord("0")
    # all rows at once; of a doubled digit above 9 the cross sum counts, which is 9 less
    doubled = digits[:, -2::-2] * 2
    total = (doubled - 9 * (doubled > 9)).sum(axis=1) + digits[:, -3::-2].sum(axis=1)
    codes[:, positions[-1]] = ((-total) % 10 + ord("0")).astype(np.uint8)
    return from_codes(codes)


def iban_digits(texts: Any) -> Any:
    """Set the third and fourth symbol of texts of one form so that they pass ISO 7064."""
    codes = codes_of(texts)
    solid = [p for p in range(codes.shape[1]) if chr(codes[0, p]).isalnum()]
    codes[:, solid[2:4]] = ord("0")
    # the remainder digit by digit: the whole number, of up to 60 digits, fits no int64
    rest = np.zeros(len(codes), np.int64)
    for position in solid[4:] + solid[:4]:
        code = codes[:, position].astype(np.int64)
        value = code - np.select([code >= ord("a"), code >= ord("A")], [87, 55], 48)
        rest = np.where(value > 9, rest * 100 + value, rest * 10 + value) % 97
    codes[:, solid[2]] = ((98 - rest) // 10 + ord("0")).astype(np.uint8)
    codes[:, solid[3]] = ((98 - rest) % 10 + ord("0")).astype(np.uint8)
    return from_codes(codes)


def verhoeff_digits(texts: Any) -> Any:
    """Set the last digit of texts of one form so that they pass the Verhoeff check."""
    from stdnum import verhoeff

    table = np.array(verhoeff._multiplication_table)
    turned = np.array(verhoeff._permutation_table)
    codes = codes_of(texts)
    positions = [p for p in range(codes.shape[1]) if chr(codes[0, p]).isdigit()]
    digits = codes[:, positions].astype(np.int64) - ord("0")
    check = np.zeros(len(codes), np.int64)
    for place in range(1, len(positions)):  # from the end, which is the check digit's
        check = table[check, turned[place % len(turned)][digits[:, -1 - place]]]
    inverse = np.argmin(table, axis=1)  # by what each digit comes to 0
    codes[:, positions[-1]] = (inverse[check] + ord("0")).astype(np.uint8)
    return from_codes(codes)


def codes_of(texts: Any) -> NDArray[np.uint8]:
    """Return the ASCII codes of texts of one length, (texts, characters)."""
    data = "".join(texts.to_pylist()).encode("ascii")
    codes: NDArray[np.uint8] = np.frombuffer(data, np.uint8).reshape(len(texts), -1).copy()
    return codes


def from_codes(codes: NDArray[np.uint8]) -> Any:
    """Return the rows of a matrix of ASCII codes as an Arrow string array."""
    import pyarrow as pa

    rows, width = codes.shape
    # Arrow's own layout: all rows are as wide, so that no Python text is made
    offsets = np.arange(rows + 1, dtype=np.int64) * width
    buffers = [None, pa.py_buffer(offsets), pa.py_buffer(np.ascontiguousarray(codes))]
    return pa.Array.from_buffers(pa.large_string(), rows, buffers).cast(pa.string())
