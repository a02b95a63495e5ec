"""What a synthetic copy tells of the real entities: all figures, as text and as JSON."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from statistics import NormalDist
from typing import TYPE_CHECKING, Optional

from synthohive._display import counted, html_table
from synthohive.metrics.privacy.shares import Share

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["Attack", "Copies", "DistanceRatio", "EntityPrivacy", "Membership", "PrivacyReport"]


@dataclass(frozen=True)
class Limits:
    """From where on a figure is a concern: where all of its interval lies beyond.

    Intervals are as wide as 95 % for all figures of a table together needs (Bonferroni's
    correction; Dunn, 1961): of thirty at 95 % each, chance alone puts one beyond.
    """

    nearer: float = 0.52
    distance: float = 0.52
    scores: float = 0.60
    risk: float = 0.05
    """Share of targets that an attack gets right because of the copy. Figures of the other kinds
    say how well a copy tells those who were learned from others, which harms nobody by itself."""


LIMITS = Limits()


@dataclass(frozen=True)
class Copies:
    """Synthetic entities that are, or nearly are, training ones, beside held-out ones that are.

    Attributes
    ----------
    exact, exact_heldout : Share
        Of synthetic, and of held-out entities: those equal to a training one in all values.
    near, near_heldout : Share
        Those no farther from a training one than the nearest twentieth of the held-out ones.
    distance : float
        How far that is; 0 is equal, 1 is different in everything.

    Examples
    --------
    >>> none = Share.of(0, 100)
    >>> Copies(none, none, Share.of(4, 100), Share.of(5, 100), 0.1).near.value
    0.04
    """

    exact: Share
    exact_heldout: Share
    near: Share
    near_heldout: Share
    distance: float


@dataclass(frozen=True)
class DistanceRatio:
    """Distance to the nearest training entity by that to the second nearest.

    A small ratio says that an entity lies at one real one alone. Held-out entities say what is
    usual.

    Attributes
    ----------
    synthetic, heldout : float
        Medians.
    synthetic_low, heldout_low : float
        What a twentieth lies below.

    Examples
    --------
    >>> DistanceRatio(0.8, 0.9, synthetic_low=0.3, heldout_low=0.4).synthetic
    0.8
    """

    synthetic: float
    heldout: float
    synthetic_low: float
    heldout_low: float


@dataclass(frozen=True)
class Attack:
    """One attack on training entities, beside the same attack on held-out ones, and a guess.

    Attributes
    ----------
    kind : {"singling out", "linkability", "inference"}
    of : str
        The column that is inferred, or how predicates are made.
    success, control, baseline : Share
        Of attacks on training entities, on held-out entities, and without the synthetic data.
    risk : Share
        What the attack knows more of training entities than of others, of all that it did not
        know of others.

    Examples
    --------
    >>> hits = Share.of(50, 100), Share.of(20, 100), Share.of(10, 100)
    >>> Attack("inference", "salary", *hits, risk=Share(0.375, 0.2, 0.5, 100)).is_useful
    True
    """

    kind: str
    of: str
    success: Share
    control: Share
    baseline: Share
    risk: Share

    @property
    def is_useful(self) -> bool:
        """Whether it does better than a guess: else the attack is weak, and says little."""
        return self.success.value > self.baseline.high


@dataclass(frozen=True)
class Membership:
    """How well a score tells training from held-out entities.

    Attributes
    ----------
    by : {"distance", "density", "likelihood"}
    auc : Share
        Area under the ROC curve; 0.5 where it cannot tell.
    tpr : Share
        Share of training entities that are found where 1 % of the held-out ones are taken for
        such, too.

    Examples
    --------
    >>> Membership("distance", Share(0.5, 0.4, 0.6, 200), Share.of(1, 100)).auc.as_number
    '0.500 (0.400-0.600)'
    """

    by: str
    auc: Share
    tpr: Share


@dataclass(frozen=True)
class EntityPrivacy:
    """The entities of one table, with their rows in the tables below it.

    Attributes
    ----------
    table : str
    below : tuple of str
        Tables whose rows belong to them.
    columns : int
        Figures of an entity that are looked at.
    training, heldout, synthetic : int
        Entities of each kind.
    nearer : Share
        Of synthetic entities, those nearer to a training than to a held-out entity, as many of
        both, ties counting half; 0.5 is safe.
    copies : Copies
    ratio : DistanceRatio
    memberships : tuple of Membership
    attacks : tuple of Attack
    disclosures : tuple of Attack
        What follows from others of the same key values (:func:`attribute_disclosure`).

    Examples
    --------
    >>> none = Share.of(0, 100)
    >>> far = Copies(none, none, none, none, 0.1), DistanceRatio(0.8, 0.8, 0.3, 0.3)
    >>> nearer = Share(0.7, 0.6, 0.8, 100)
    >>> EntityPrivacy("pets", (), 3, 100, 100, 100, nearer, *far).concerns
    ('70.0 % (60.0-80.0 %) of synthetic entities are nearer to training entities (50 %)',)
    """

    table: str
    below: tuple[str, ...]
    columns: int
    training: int
    heldout: int
    synthetic: int
    nearer: Share
    copies: Copies
    ratio: DistanceRatio
    memberships: tuple[Membership, ...] = ()
    attacks: tuple[Attack, ...] = ()
    disclosures: tuple[Attack, ...] = ()

    @property
    def concerns(self) -> tuple[str, ...]:
        """What is beyond what held-out entities explain, in plain words."""
        return tuple(self._concerns())

    def _concerns(self) -> Iterator[str]:
        z = NormalDist().inv_cdf(1 - 0.025 / len(list(self._rows())))
        if self.nearer.value - z * self.nearer.error > LIMITS.nearer:
            yield f"{self.nearer} of synthetic entities are nearer to training entities (50 %)"
        for what, share, usual in (
            ("equal to", self.copies.exact, self.copies.exact_heldout),
            ("very near to", self.copies.near, self.copies.near_heldout),
        ):
            if share.value - z * share.error > usual.value + z * usual.error:
                yield f"{share} are {what} a training entity; {usual} of held-out ones"
        for one in self.memberships:
            limit = LIMITS.scores if one.by == "likelihood" else LIMITS.distance
            if one.auc.value - z * one.auc.error > limit:
                yield f"{one.by} tells training from held-out entities: AUC {one.auc.as_number}"
        for attack in (*self.attacks, *self.disclosures):
            # of what nearly all have, the risk is a share of next to nothing
            apart = attack.success.value - attack.control.value
            noise = z * (attack.success.error + attack.control.error)
            beyond = attack.risk.value - z * attack.risk.error > LIMITS.risk and apart > noise
            if attack.is_useful and beyond:
                yield f"{attack.kind} ({attack.of}): risk {attack.risk}"

    def _rows(self) -> Iterator[tuple[str, Share, Optional[Share], str]]:
        """Yield each figure: what, value, what is usual, unit of the text."""
        yield "nearer to training", self.nearer, None, "50 % is safe"
        yield "exact copies", self.copies.exact, self.copies.exact_heldout, "held out"
        yield "near copies", self.copies.near, self.copies.near_heldout, "held out"
        for one in self.memberships:
            yield f"membership by {one.by}, AUC", one.auc, None, "0.5 is safe"
            yield f"membership by {one.by}, found at 1 %", one.tpr, None, "1 % is safe"
        for attack in (*self.attacks, *self.disclosures):
            yield f"{attack.kind}: {attack.of}", attack.risk, None, "risk, 0 is safe"


@dataclass(frozen=True)
class PrivacyReport:
    """What a synthetic copy tells of those it was learned from, beside those it was not.

    Attributes
    ----------
    entities : tuple of EntityPrivacy
        One for each table whose rows stand for entities.
    left : dict of str to str
        Tables that are not looked at, and why.
    heldout : float
        Share of the entities that was set aside by the fit; 0 where rows were given.

    Examples
    --------
    >>> PrivacyReport((), {"pets": "1 entity is held out"}).verdict
    'Nothing could be measured.'
    """

    entities: tuple[EntityPrivacy, ...]
    left: dict[str, str] = field(default_factory=dict)
    heldout: float = 0.0

    @property
    def concerns(self) -> dict[str, tuple[str, ...]]:
        """What is beyond what held-out entities explain, by table."""
        return {one.table: one.concerns for one in self.entities if one.concerns}

    @property
    def safe(self) -> bool:
        """Whether something was measured, and nothing is a concern."""
        return bool(self.entities) and not self.concerns

    @property
    def verdict(self) -> str:
        """One sentence for somebody who has never seen such a report."""
        if not self.entities:
            return "Nothing could be measured."
        if self.safe:
            return (
                "The copy tells no more of those it was learned from than of others: no figure is "
                "beyond what held-out entities explain."
            )
        number = sum(map(len, self.concerns.values()))
        return f"{counted(number, 'figure')} beyond what held-out entities explain: see concerns."

    def to_json(self) -> str:
        """Return all figures as JSON."""
        body = {
            "verdict": self.verdict,
            "safe": self.safe,
            "concerns": self.concerns,
            "heldout": self.heldout,
            "entities": [asdict(one) for one in self.entities],
            "left": self.left,
        }
        return json.dumps(body, indent=2, ensure_ascii=False)

    def frame(self) -> pd.DataFrame:
        """Return one row for each figure, with its interval and what is usual."""
        import pandas as pd

        names = ["table", "figure", "value", "low", "high", "usual", "note"]
        rows = [
            (one.table, what, s.value, s.low, s.high, None if usual is None else usual.value, note)
            for one in self.entities
            for what, s, usual, note in one._rows()
        ]
        return pd.DataFrame(rows, columns=names)

    def __str__(self) -> str:
        lines = [self.verdict]
        for one in self.entities:
            below = f" with {', '.join(one.below)}" if one.below else ""
            lines.append(
                f"{one.table}{below}: {one.training:,} training, {one.heldout:,} held out, "
                f"{one.synthetic:,} synthetic; {counted(one.columns, 'column')}"
            )
            for what, share, usual, note in one._rows():
                beside = note if usual is None else f"{note}: {usual}"
                shown = share.as_number if "AUC" in what else str(share)
                lines.append(f"  {what:<44} {shown:<26} {beside}")
            lines += [f"  ! {concern}" for concern in one.concerns]
        lines += [f"{table}: not measured, {why}" for table, why in self.left.items()]
        return "\n".join(lines)

    def _repr_html_(self) -> str:
        rows = [
            [one.table, what, str(share), "" if usual is None else str(usual), note]
            for one in self.entities
            for what, share, usual, note in one._rows()
        ]
        return html_table(self.verdict, ["Table", "Figure", "Value", "Held out", "Note"], rows)
