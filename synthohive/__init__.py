"""SynthoHive: synthetic multi-table databases.

Point it at a database and get a second schema with the same tables, types, keys and
constraints, no real person in it, and statistics close to the real ones::

    from synthohive import Synthesizer

    synth = Synthesizer.from_database("postgresql://…/shop", schema="public")
    synth.fit(seed=42)
    print(synth.to_database(schema="shop_synthetic", seed=7))
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from synthohive._version import __version__
from synthohive.exceptions import (
    ConnectorError,
    ConstraintViolationError,
    PrivacyError,
    QualityError,
    RehearsalError,
    SchemaError,
    SchemaValidationError,
    SerializationError,
    SynthoHiveError,
    TrainingError,
)
from synthohive.schema import (
    CheckConstraint,
    Column,
    ColumnKind,
    Constraint,
    ForeignKey,
    Index,
    Metadata,
    PrivacyConfig,
    TableConfig,
    UniqueConstraint,
)

if TYPE_CHECKING:
    from synthohive.encoding.encoded import EncodedTable
    from synthohive.interface.data_transformer import DataTransformer
    from synthohive.interface.orchestrator import StagedOrchestrator
    from synthohive.interface.result import SubsetSummary, WriteSummary
    from synthohive.interface.schema_graph import SchemaGraph
    from synthohive.interface.synthesizer import Synthesizer
    from synthohive.io.csv_files import CsvFile
    from synthohive.metrics.gate import Gate
    from synthohive.models.autoregressive.model import Autoregressive
    from synthohive.models.base import ConditionalGenerativeModel
    from synthohive.models.ctgan.model import CTGAN

__all__ = [
    "Autoregressive",
    "CTGAN",
    "CheckConstraint",
    "Column",
    "ColumnKind",
    "ConditionalGenerativeModel",
    "ConnectorError",
    "Constraint",
    "ConstraintViolationError",
    "CsvFile",
    "DataTransformer",
    "EncodedTable",
    "ForeignKey",
    "Gate",
    "Index",
    "Metadata",
    "PrivacyConfig",
    "PrivacyError",
    "QualityError",
    "RehearsalError",
    "SchemaError",
    "SchemaGraph",
    "SchemaValidationError",
    "SerializationError",
    "StagedOrchestrator",
    "SubsetSummary",
    "Synthesizer",
    "SynthoHiveError",
    "TableConfig",
    "TrainingError",
    "UniqueConstraint",
    "WriteSummary",
    "__version__",
]

_LAZY = {  # torch takes seconds to import: only when a name that needs it is asked for
    "Autoregressive": "synthohive.models.autoregressive.model",
    "CTGAN": "synthohive.models.ctgan.model",
    "ConditionalGenerativeModel": "synthohive.models.base",
    "CsvFile": "synthohive.io.csv_files",
    "DataTransformer": "synthohive.interface.data_transformer",
    "EncodedTable": "synthohive.encoding.encoded",
    "Gate": "synthohive.metrics.gate",
    "SchemaGraph": "synthohive.interface.schema_graph",
    "StagedOrchestrator": "synthohive.interface.orchestrator",
    "SubsetSummary": "synthohive.interface.result",
    "Synthesizer": "synthohive.interface.synthesizer",
    "WriteSummary": "synthohive.interface.result",
}


def __getattr__(name: str) -> Any:
    if name in _LAZY:
        return getattr(import_module(_LAZY[name]), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return list(__all__)
