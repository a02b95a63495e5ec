"""Dates and times that are kept as text: modelled as such, and written as they were."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import pyarrow as pa

from synthohive.encoding.datetime import Datetime
from synthohive.encoding.written import WrittenText
from synthohive.schema import Column, ColumnKind
from synthohive.texts import moments

__all__ = ["MomentText"]


@dataclass(eq=False)
class MomentText(WrittenText):
    """A date or time behind a text that has one form, ``31/12/2024`` or ``05:30``."""

    name = "moment_text"

    form_: str = ""
    inner_: Datetime = field(init=False)

    @property
    def inner(self) -> Datetime:
        """What models the moments."""
        return self.inner_

    def find(self, texts: Sequence[str]) -> bool:
        """Learn the form of most texts; return whether there is one."""
        form = moments.form_of(texts) or moments.usual_form(texts)
        if form is None:
            return False
        kind = ColumnKind(moments.kind_of_form(form))
        self.form_ = form
        self.inner_ = Datetime(Column(name=self.column.name, kind=kind), self.settings)
        return True

    def parse(self, texts: pa.Array) -> pa.Array:
        """Return the moments behind texts."""
        return moments.parse(texts, self.form_)

    def write(self, values: pa.Array) -> pa.Array:
        """Return the texts of moments."""
        return moments.write(values, self.form_)
