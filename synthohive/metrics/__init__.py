"""How close synthetic data is to real data: metrics of columns, tables and foreign keys.

Each takes what the data is held in (a Series, an array or a list; a DataFrame, an Arrow table or
a dict of columns), and needs no fitted synthesizer::

    from synthohive.metrics import c2st, column_scores

    column_scores(real, fake)  # {"price": ColumnScore(metric="KS", value=0.03, …), …}
    c2st(real, fake)           # 0.5: a classifier cannot tell which is which
"""

from __future__ import annotations

from synthohive.metrics.associations import (
    Pair,
    association,
    column_pairs,
    k_hop_distances,
    key_pairs,
    pair_tvd,
)
from synthohive.metrics.classifier import (
    FeatureAttribution,
    c2st,
    c2st_aggregates,
    c2st_over_key,
    c2st_sequences,
    c2st_with_children,
    c2st_with_parents,
    feature_attribution,
)
from synthohive.metrics.distances import (
    ColumnScore,
    column_scores,
    ks,
    null_rate_difference,
    psi,
    tvd,
)
from synthohive.metrics.fan_out import (
    fan_out_histogram,
    fan_out_ks,
    joint_fan_out_tvd,
    joint_fan_outs,
    orphans,
)
from synthohive.metrics.gate import Gate, Score, check_quality
from synthohive.metrics.joins import parent_rows, with_children, with_parents
from synthohive.metrics.panels import NaturalKey, PanelScore, natural_key, panel_scores
from synthohive.metrics.privacy import (
    Attack,
    Copies,
    DistanceRatio,
    EntityPrivacy,
    Membership,
    PrivacyReport,
    Share,
    attribute_disclosure,
    distance_ratio,
    entity_tables,
    inference,
    linkability,
    membership_by_density,
    membership_by_distance,
    membership_by_scores,
    nearest_record_share,
    privacy_report,
    record_copies,
    singling_out,
)
from synthohive.metrics.sequences import (
    SequenceScore,
    Steps,
    order_column,
    sequence_scores,
    with_previous,
)
from synthohive.metrics.tstr import Utility, utility
from synthohive.metrics.validity import Impossible, impossible_values
from synthohive.metrics.within_groups import (
    column_scores_by_group_size,
    within_group_variance,
    within_group_variances,
)

__all__ = [
    "Attack",
    "ColumnScore",
    "Copies",
    "DistanceRatio",
    "EntityPrivacy",
    "FeatureAttribution",
    "Gate",
    "Impossible",
    "Membership",
    "NaturalKey",
    "Pair",
    "PanelScore",
    "PrivacyReport",
    "Score",
    "SequenceScore",
    "Share",
    "Steps",
    "Utility",
    "association",
    "attribute_disclosure",
    "c2st",
    "c2st_aggregates",
    "c2st_over_key",
    "c2st_sequences",
    "c2st_with_children",
    "c2st_with_parents",
    "check_quality",
    "column_pairs",
    "column_scores",
    "column_scores_by_group_size",
    "distance_ratio",
    "entity_tables",
    "fan_out_histogram",
    "fan_out_ks",
    "feature_attribution",
    "impossible_values",
    "inference",
    "joint_fan_out_tvd",
    "joint_fan_outs",
    "k_hop_distances",
    "key_pairs",
    "ks",
    "linkability",
    "membership_by_density",
    "membership_by_distance",
    "membership_by_scores",
    "natural_key",
    "nearest_record_share",
    "null_rate_difference",
    "order_column",
    "orphans",
    "pair_tvd",
    "panel_scores",
    "parent_rows",
    "privacy_report",
    "psi",
    "record_copies",
    "sequence_scores",
    "singling_out",
    "tvd",
    "utility",
    "with_children",
    "with_parents",
    "with_previous",
    "within_group_variance",
    "within_group_variances",
]
