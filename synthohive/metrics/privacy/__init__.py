"""What a synthetic copy tells of the real entities that it was learned from.

Each figure is held against entities that were set aside: what is true of those, too, the copy
knows of the source, not of anybody in it.
"""

from __future__ import annotations

from synthohive.metrics.privacy.attacks import inference, linkability, singling_out
from synthohive.metrics.privacy.build import privacy_report
from synthohive.metrics.privacy.disclosure import attribute_disclosure
from synthohive.metrics.privacy.entities import entity_tables
from synthohive.metrics.privacy.membership import (
    membership_by_density,
    membership_by_distance,
    membership_by_scores,
)
from synthohive.metrics.privacy.model import (
    Attack,
    Copies,
    DistanceRatio,
    EntityPrivacy,
    Membership,
    PrivacyReport,
)
from synthohive.metrics.privacy.nearness import distance_ratio, nearest_record_share, record_copies
from synthohive.metrics.privacy.shares import Share

__all__ = [
    "Attack",
    "Copies",
    "DistanceRatio",
    "EntityPrivacy",
    "Membership",
    "PrivacyReport",
    "Share",
    "attribute_disclosure",
    "distance_ratio",
    "entity_tables",
    "inference",
    "linkability",
    "membership_by_density",
    "membership_by_distance",
    "membership_by_scores",
    "nearest_record_share",
    "privacy_report",
    "record_copies",
    "singling_out",
]
