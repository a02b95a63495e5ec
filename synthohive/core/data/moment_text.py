"""Dates and times that are kept as text: modelled as such, and written as they were."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from synthohive import _moments as moments
from synthohive.core.data.base import Reject, Summary
from synthohive.core.data.canonical import canonical
from synthohive.core.data.datetime import Datetime
from synthohive.core.data.draw import categorical as draw
from synthohive.core.data.encoded import Discrete, Layout
from synthohive.core.data.tally import TallyTransform, tallies_of, tally_summary
from synthohive.schema import Column, ColumnKind

__all__ = ["MomentText"]

_MAX_RARE = 0.05


@dataclass(eq=False)
class MomentText(TallyTransform):
    """A date or time behind a text that has one form, ``31/12/2024`` or ``05:30``.

    Texts of no date that `k` entities share (``""``, ``n/a``) have codes of their own in a
    block beside the date's; of rarer ones nothing is kept.
    """

    name = "moment_text"

    form_: str = ""
    others_: list[str] = field(default_factory=list)
    weights_: list[float] = field(default_factory=list)
    inner_: Datetime = field(init=False)

    def fit(self, summary: Summary, seed: np.random.SeedSequence) -> MomentText:
        """Find the form; reject other texts."""
        tally = tallies_of(summary["value"], pa.string())["sample"]
        holders, texts = tally.holders, tally.values.to_pylist()
        rare = [t for t, n in zip(texts, holders) if n < self.settings.k]
        form = moments.form_of(rare) or moments.usual_form(rare)
        if form is None:
            raise Reject("no dates or times of one form")
        parsed = moments.parse(tally.values, form)
        dated = parsed.is_valid().to_numpy(zero_copy_only=False)
        rows = np.flatnonzero(dated)
        if tally.take(rows).all_holders < self.settings.k:
            raise Reject(f"fewer than {self.settings.k} entities have dates")
        other = np.flatnonzero(~dated & (holders >= self.settings.k))
        odd = tally.counts[~dated & (holders < self.settings.k)].sum()
        if odd > _MAX_RARE * tally.counts[dated].sum():
            raise Reject("dates or times of several forms")
        self.form_ = form
        kind = ColumnKind(moments.kind_of_form(form))
        self.inner_ = Datetime(Column(name=self.column.name, kind=kind), self.settings)
        self.others_ = [texts[row] for row in other]
        self.weights_ = [float(tally.counts[row]) for row in other]
        whole = canonical(parsed.take(pa.array(rows)), self.inner_.column.arrow_type)
        found: Summary = {"rows": int(tally.counts[dated].sum()) + summary["nulls"]}
        found["nulls"] = summary["nulls"]
        for name, feature in self.inner_.features(whole).items():
            found[name] = tally_summary(
                tally.derive(feature, rows, self.settings.k), self.settings.k
            )
        self.inner_.fit(found, seed)
        return self

    @property
    def layout(self) -> Layout:
        """The blocks of the date, and of which text stands instead of one."""
        inner = self.inner_.layout
        if not self.others_:
            return inner
        return Layout.concat([inner, Layout((Discrete(self.column.name, len(self.others_) + 1),))])

    @property
    def null_code(self) -> int:
        """The code for NULL, or -1."""
        return self.inner_.null_code

    def encode(
        self, values: pa.Array, rng: np.random.Generator
    ) -> tuple[npt.NDArray[np.int32], npt.NDArray[np.float32]]:
        """Return the blocks; a text that stands for no date has the date of any other row."""
        plain = self.plain(values)
        parsed = moments.parse(plain, self.form_)
        valid = parsed.is_valid().to_numpy(zero_copy_only=False)
        null = plain.is_null().to_numpy(zero_copy_only=False)
        dated, undated = np.flatnonzero(valid), np.flatnonzero(~valid & ~null)
        if not len(dated) and len(undated):
            parsed = self._any_date(parsed, null)
        else:
            at = np.arange(len(plain))
            at[undated] = dated[rng.integers(0, max(len(dated), 1), len(undated))]
            parsed = parsed.take(pa.array(at))
        codes, floats = self.inner_.encode(parsed, rng)
        if not self.others_:
            return codes, floats
        which = pc.index_in(plain, value_set=pa.array(self.others_, pa.string()))
        other = pc.fill_null(which, -1).to_numpy(zero_copy_only=False).astype(np.int32) + 1
        unknown = undated[other[undated] == 0]
        other[unknown] = 1 + draw(self.weights_, len(unknown), rng)
        return np.concatenate([codes, other[:, None]], axis=1), floats

    def _any_date(self, parsed: pa.Array, null: npt.NDArray[np.bool_]) -> pa.Array:
        """Return what stands behind texts of which none is a date."""
        narrow = pa.int32() if pa.types.is_date32(parsed.type) else pa.int64()
        return pa.array(np.zeros(len(parsed), dtype=np.int64), narrow, mask=null).cast(parsed.type)

    def decode(
        self,
        codes: npt.NDArray[np.int32],
        values: npt.NDArray[np.float32],
        rng: np.random.Generator,
    ) -> pa.Array:
        """Write the dates in their form."""
        inner = len(self.inner_.layout.discrete)
        made = self.inner_.decode(codes[:, :inner], values, rng)
        texts = moments.write(made, self.form_)
        if self.others_:
            other = codes[:, inner] - 1
            words = pa.array(self.others_, pa.string())
            instead = words.take(pa.array(np.maximum(other, 0)))
            texts = pc.if_else(pa.array(other >= 0), instead, texts)
            texts = pc.if_else(made.is_null(), pa.scalar(None, pa.string()), texts)
        return texts.cast(self.column.arrow_type)
