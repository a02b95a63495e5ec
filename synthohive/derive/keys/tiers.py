"""Where a form has no room for more keys: forms beside it, in a fixed order, none of them shared.

Each form is followed by *tiers*: sets of texts that lie in no other tier of any form. Numbers
fill the form itself, then its tiers, so that keys stay distinct without any memory.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import accumulate, combinations, product
from typing import NamedTuple, Optional

from synthohive.texts import patterns as forms
from synthohive.texts.patterns import Pattern

__all__ = ["Template", "Tier", "Tiers"]

_CHANGED = 4  # places of a form in which another class of characters may stand
_LONGER = 12
_WHOLE = "*"
"""The form of texts that are one public word each."""


@dataclass(frozen=True)
class Template:
    """One form of keys.

    Attributes
    ----------
    form : str
        Of :mod:`synthohive.texts.patterns`; or words as ``w``; or ``*``.
    pieces : list of list of str
        What may stand at each place.
    weight : int
        How many real keys have it.
    """

    form: str
    pieces: forms.Pieces
    weight: int

    @property
    def shaped(self) -> bool:
        """Whether it has one class for each character."""
        return self.form != _WHOLE and not {"w", "x"} & set(self.form)


class Tier(NamedTuple):
    """Texts that are numbered, and whether check digits are set in them."""

    pattern: Pattern
    checked: bool = False


class Tiers:
    """The tiers of all forms of one column.

    Parameters
    ----------
    templates : sequence of Template
    times : float
        How many times as many real keys there are as were seen.
    length : int, optional
        What the column holds at most.
    """

    def __init__(self, templates: Sequence[Template], times: float, length: Optional[int]) -> None:
        self._length = length
        self._taken = {template.form for template in templates}
        self._found: list[list[Tier]] = []
        sources = []
        for template in templates:
            wanted = int(2 * template.weight * times)
            pieces = template.pieces
            if template.shaped:
                pieces = forms.with_room(template.form, pieces, wanted)
            tier = Tier(Pattern.of(*pieces), checked=True)
            # What is drawn from a form that is full of real keys is a real key.
            full = tier.pattern.room < wanted and template.form != _WHOLE
            self._found.append([] if full else [tier])
            sources.append(self._further(Template(template.form, pieces, template.weight)))
        self._sources: list[Optional[Iterator[Tier]]] = list(sources)

    def of(self, template: int, largest: int) -> list[tuple[Tier, int]]:
        """Return tiers of a form, with their first numbers, until there is room for `largest`."""
        while largest >= sum(t.pattern.room for t in self._found[template]) and any(self._sources):
            # All forms go on together: which tier is whose must not hang on what is asked for.
            for i, source in enumerate(self._sources):
                tier = None if source is None else next(source, None)
                if tier is None:
                    self._sources[i] = None
                else:
                    self._found[i].append(tier)
        found, start = [], 0
        for tier in self._found[template]:
            found.append((tier, start))
            start += tier.pattern.room
        return found

    def _further(self, template: Template) -> Iterator[Tier]:
        """Yield what lies beside a form, nearest first: of its length, then longer."""
        if template.shaped:
            yield from _widened(template)
            for form, pieces in _changed(template):
                if form not in self._taken:
                    self._taken.add(form)
                    yield Tier(Pattern.of(*pieces))
        for digits in range(1, _LONGER):
            form, pieces = _longer(template, digits)
            pattern = Pattern.of(*pieces)
            fits = self._length is None or pattern.width <= self._length
            if form not in self._taken and fits:
                self._taken.add(form)
                yield Tier(pattern)


def _classes(template: Template) -> list[Optional[str]]:
    """Return the class of each single character that is free; None for all other pieces."""
    classes = [forms.shape(p[0]) if len(p) > 1 else "" for p in template.pieces]
    return [kind if kind in forms.CLASSES else None for kind in classes]


def _widened(template: Template) -> Iterator[Tier]:
    """Yield the texts of the same form in which other digits or letters stand than were seen."""
    free = forms.freeable(template.form, template.pieces)
    wide = {}
    for at in free:
        full = forms.CLASSES.get(forms.shape(template.pieces[at][0]), "")
        if set(template.pieces[at]) < set(full):
            wide[at] = list(full)
    pieces = [list(piece) for piece in template.pieces]
    for at, full_piece in wide.items():  # from the right
        others = [c for c in full_piece if c not in template.pieces[at]]
        yield Tier(Pattern.of(*(others if i == at else p for i, p in enumerate(pieces))))
        pieces[at] = full_piece


def _changed(template: Template) -> Iterator[tuple[str, forms.Pieces]]:
    """Yield forms of the same length with letters for digits, or digits for letters."""
    classes = _classes(template)
    places = [i for i, kind in enumerate(classes) if kind][::-1][:_CHANGED]
    starts = _starts(template.pieces)
    for count in range(1, len(places) + 1):
        for chosen, letters in product(combinations(places, count), "Aa"):
            form, pieces = list(template.form), [list(piece) for piece in template.pieces]
            for at in chosen:
                kind = letters if classes[at] == "9" else "9"
                form[starts[at]], pieces[at] = kind, list(forms.CLASSES[kind])
            yield "".join(form), pieces


def _longer(template: Template, digits: int) -> tuple[str, forms.Pieces]:
    """Return the form with more digits after the last place that is free."""
    extra = [list("0123456789")] * digits
    if template.form == _WHOLE:
        return _WHOLE + " " + "9" * digits, [*template.pieces, [" "], *extra]
    if "w" in template.form:
        between = re.findall(r"[^\w]|_", template.form) or ["-"]
        form = template.form + between[-1] + "9" * digits
        return form, [*template.pieces, [between[-1]], *extra]
    free = [i for i, piece in enumerate(template.pieces) if len(piece) > 1]
    cut = free[-1] + 1 if free else len(template.pieces)
    at = _starts(template.pieces)[cut]
    kind = "9" if template.shaped else "x"
    form = template.form[:at] + kind * digits + template.form[at:]
    return form, [*template.pieces[:cut], *extra, *template.pieces[cut:]]


def _starts(pieces: forms.Pieces) -> list[int]:
    """Return where each piece begins, and the last one ends; those of a form have one length."""
    return [0, *accumulate(len(piece[0]) for piece in pieces)]
