"""The figures of privacy in words for somebody who has never seen such a report."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from synthohive.metrics.privacy.model import Attack, EntityPrivacy
    from synthohive.metrics.privacy.shares import Share

__all__ = ["EntityFigure", "entity_figures"]

_GUESS = 0.5  # what a coin reaches
_FALSELY = 0.01  # share of held-out entities that :attr:`Membership.tpr` lets pass


@dataclass(frozen=True)
class EntityFigure:
    """One figure, and what it would be if the copy told nothing.

    Attributes
    ----------
    said : str
    share : Share
    best : float
    heldout : bool
        Whether that is what the same figure is of held-out entities.
    """

    said: str
    share: Share
    best: float
    heldout: bool = False


def entity_figures(found: EntityPrivacy) -> Iterator[EntityFigure]:
    """Yield the figures of the entities of one table."""
    copies = found.copies
    yield EntityFigure("nearer to one learned from than to one held out", found.nearer, _GUESS)
    for said, share, usual in (
        ("equal to one learned from", copies.exact, copies.exact_heldout),
        ("very near to one learned from", copies.near, copies.near_heldout),
    ):
        yield EntityFigure(said, share, usual.value, heldout=True)
    for one in found.memberships:
        yield EntityFigure(f"who was learned from, told by {one.by} (AUC)", one.auc, _GUESS)
        said = f"found by {one.by}, where 1 % of the others are taken for such"
        yield EntityFigure(said, one.tpr, _FALSELY)
    for attack in (*found.attacks, *found.disclosures):
        yield _risk(attack)


def _risk(attack: Attack) -> EntityFigure:
    return EntityFigure(f"{attack.kind} ({attack.of}): risk", attack.risk, 0.0)
