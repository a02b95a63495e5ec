"""Numbers that are kept as text, perhaps with a unit: modelled as numbers, written as they were."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Optional

import pyarrow as pa
import pyarrow.compute as pc

from synthohive.encoding.numeric import Numeric
from synthohive.encoding.written import WrittenText
from synthohive.schema import Column, ColumnKind

__all__ = ["NumberText"]

_NUMBER = re.compile(r"([^\d-]*)(-?)(0|[1-9]\d{0,11})(?:([.,])(\d{1,6}))?(\D*)")
_LEAST = 10  # texts that tell a form
_CODE = 5  # whole numbers that all have so many digits, or more, are codes


@dataclass(eq=False)
class NumberText(WrittenText):
    """A number behind a text: ``187.398``, ``45 %``, ``$1.50``, ``12,5 kg``.

    What is written with leading zeros, or always has as many digits, is a code and no number.
    """

    name = "number_text"

    before_: str = ""
    after_: str = ""
    point_: str = "."
    digits_: int = 0
    fixed_: bool = True
    inner_: Numeric = field(init=False)

    @property
    def inner(self) -> Numeric:
        """What models the numbers."""
        return self.inner_

    def find(self, texts: Sequence[str]) -> bool:
        """Learn the form of most texts; return whether there is one."""
        matches = [found for found in map(_NUMBER.fullmatch, texts) if found]
        frames = Counter((m[1], m[6]) for m in matches)
        if not frames:
            return False
        (self.before_, self.after_), _ = frames.most_common(1)[0]
        matches = [m for m in matches if (m[1], m[6]) == (self.before_, self.after_)]
        points = Counter(m[4] for m in matches if m[4])
        self.point_ = points.most_common(1)[0][0] if points else "."
        places = {len(m[5] or "") for m in matches if m[4] in (None, self.point_)}
        self.digits_ = max(places, default=0)
        self.fixed_ = len(places) == 1
        lengths = {len(m[3]) for m in matches}
        code = not self.digits_ and len(lengths) == 1 and min(lengths) >= _CODE
        if code or len(matches) < _LEAST:
            return False
        type_ = pa.decimal128(18, self.digits_)
        column = Column(name=self.column.name, kind=ColumnKind.DECIMAL, arrow=str(type_))
        self.inner_ = Numeric(column, self.settings)
        return True

    def parse(self, texts: pa.Array) -> pa.Array:
        """Return the numbers behind texts."""
        coded = texts.dictionary_encode()
        if isinstance(coded, pa.ChunkedArray):
            coded = coded.combine_chunks()
        plain = pa.array([self._number(text) for text in coded.dictionary.to_pylist()], pa.string())
        numbers = plain.cast(self.inner_.column.arrow_type)
        return numbers.take(coded.indices)

    def _number(self, text: str) -> Optional[str]:
        match = _NUMBER.fullmatch(text)
        if match is None or (match[1], match[6]) != (self.before_, self.after_):
            return None
        fraction = match[5] or ""
        short = len(fraction) < self.digits_ and self.fixed_
        trimmed = self.fixed_ or not fraction.endswith("0")
        other = match[4] not in (None, self.point_) or len(fraction) > self.digits_
        if short or other or not trimmed or (match[2] and not (match[3] + fraction).strip("0")):
            return None
        return f"{match[2]}{match[3]}.{fraction or 0}"

    def write(self, values: pa.Array) -> pa.Array:
        """Return the texts of numbers."""
        plain = pc.cast(values, pa.string())
        if not self.fixed_ and self.digits_:
            plain = pc.replace_substring_regex(plain, r"\.?0+$", "")
        if self.point_ != ".":
            plain = pc.replace_substring(plain, ".", self.point_)
        return pc.binary_join_element_wise(self.before_, plain, self.after_, "")
