"""Numbers, dates and times that are kept as text: modelled as such, and written as they were."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any, Optional

import pyarrow as pa
import pyarrow.compute as pc

from synthohive.encoding.parts import Parts, Structure
from synthohive.schema import Column, ColumnKind
from synthohive.texts import moments

__all__ = ["Moment", "MomentText", "Number", "NumberText"]

_NUMBER = re.compile(r"([^\d-]*)(-?)(0|[1-9]\d{0,11})(?:([.,])(\d{1,6}))?(\D*)")
_LEAST = 10  # texts that tell a form
_CODE = 5  # whole numbers that all have so many digits, or more, are codes
_VALUE = "\ue000"  # the shape of texts with a value: real text cannot be taken for it


class _Written(Structure):
    """One value behind texts of one form; other texts (``""``, ``n/a``) are shapes without it."""

    doubtful = True

    def __init__(self, column: Column) -> None:
        self.column, self.parts = column, {}

    def needs(self, shape: str) -> tuple[str, ...]:
        """See the base class."""
        return ("value",) if shape == _VALUE else ()

    def write(self, shape: str, parts: Mapping[str, pa.Array], rows: int) -> pa.Array:
        """See the base class."""
        if shape == _VALUE:
            return self.written(parts["value"])
        return pa.repeat(pa.scalar(shape, pa.string()), rows)

    def split(self, text: str) -> tuple[str, dict[str, Any]]:
        """See the base class."""
        value = self.value(text)
        return (text, {}) if value is None else (_VALUE, {"value": value})

    def value(self, text: str) -> Any:
        """Return the value behind a text; None for one without the form."""
        raise NotImplementedError

    def written(self, values: pa.Array) -> pa.Array:
        """Return the texts of values."""
        raise NotImplementedError


class Number(_Written):
    """A number behind a text: ``187.398``, ``45 %``, ``$1.50``, ``12,5 kg``.

    What is written with leading zeros, or always has as many digits, is a code and no number.
    """

    def find(self, texts: Sequence[str]) -> Optional[str]:
        """Return what stands around the numbers, and how their fractions are written."""
        matches = [found for found in map(_NUMBER.fullmatch, texts) if found]
        frames = Counter((m[1], m[6]) for m in matches)
        if not frames:
            return None
        frame, _ = frames.most_common(1)[0]
        matches = [m for m in matches if (m[1], m[6]) == frame]
        points = Counter(m[4] for m in matches if m[4])
        point = points.most_common(1)[0][0] if points else "."
        places = {len(m[5] or "") for m in matches if m[4] in (None, point)}
        digits = max(places, default=0)
        lengths = {len(m[3]) for m in matches}
        code = not digits and len(lengths) == 1 and min(lengths) >= _CODE
        if code or len(matches) < _LEAST:
            return None
        return json.dumps([*frame, point, digits, len(places) == 1])

    def use(self, form: str) -> None:
        """See the base class."""
        self._before, self._after, self._point, self._digits, self._fixed = json.loads(form)
        type_ = str(pa.decimal128(18, self._digits))
        self.parts = {"value": Column(name=self.column.name, kind=ColumnKind.DECIMAL, arrow=type_)}

    def value(self, text: str) -> Optional[Decimal]:
        """See the base class."""
        match = _NUMBER.fullmatch(text)
        if match is None or (match[1], match[6]) != (self._before, self._after):
            return None
        fraction = match[5] or ""
        short = len(fraction) < self._digits and self._fixed
        trimmed = self._fixed or not fraction.endswith("0")
        other = match[4] not in (None, self._point) or len(fraction) > self._digits
        # "-0.0" would come back without its sign
        if short or other or not trimmed or (match[2] and not (match[3] + fraction).strip("0")):
            return None
        return Decimal(f"{match[2]}{match[3]}.{fraction or 0}")

    def written(self, values: pa.Array) -> pa.Array:
        """See the base class."""
        plain = pc.cast(values, pa.string())
        if not self._fixed and self._digits:
            plain = pc.replace_substring_regex(plain, r"\.?0+$", "")
        if self._point != ".":
            plain = pc.replace_substring(plain, ".", self._point)
        return pc.binary_join_element_wise(self._before, plain, self._after, "")


class Moment(_Written):
    """A date or time behind a text that has one form, ``31/12/2024`` or ``05:30``."""

    def find(self, texts: Sequence[str]) -> Optional[str]:
        """Return the form of most texts."""
        return moments.usual_form(texts)

    def use(self, form: str) -> None:
        """See the base class."""
        self._form = form
        kind = ColumnKind(moments.kind_of_form(form))
        self.parts = {"value": Column(name=self.column.name, kind=kind)}

    def value(self, text: str) -> Optional[int]:
        """See the base class."""
        return moments.moment_of(text, self._form)

    def written(self, values: pa.Array) -> pa.Array:
        """See the base class."""
        return moments.write(values, self._form)


class NumberText(Parts):
    """Texts that are numbers, perhaps with a unit."""

    name = "number_text"
    structure = Number


class MomentText(Parts):
    """Texts that are dates or times."""

    name = "moment_text"
    structure = Moment
