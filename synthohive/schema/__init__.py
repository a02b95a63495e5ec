"""What SynthoHive knows about a database: tables, columns, keys, constraints, privacy."""

from synthohive.schema.columns import Column, ColumnKind, Identity
from synthohive.schema.metadata import FORMAT_VERSION, OUTSIDE_KEYS, Metadata
from synthohive.schema.privacy import PiiStrategy, PrivacyConfig
from synthohive.schema.tables import (
    CheckConstraint,
    Constraint,
    Exclusion,
    ForeignKey,
    Index,
    TableConfig,
    UniqueConstraint,
)

__all__ = [
    "FORMAT_VERSION",
    "OUTSIDE_KEYS",
    "CheckConstraint",
    "Column",
    "ColumnKind",
    "Constraint",
    "Exclusion",
    "ForeignKey",
    "Identity",
    "Index",
    "Metadata",
    "PiiStrategy",
    "PrivacyConfig",
    "TableConfig",
    "UniqueConstraint",
]
