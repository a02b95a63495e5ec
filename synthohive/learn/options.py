"""What a fit was asked for."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Optional

from synthohive.io.sample_levels import Strategy
from synthohive.models.base import ConditionalGenerativeModel
from synthohive.schema import PrivacyConfig

__all__ = ["FitOptions"]


@dataclass
class FitOptions:
    """What `Synthesizer.fit` was asked for."""

    model: type[ConditionalGenerativeModel]
    privacy: PrivacyConfig
    seed: int
    sample_size: int
    epochs: int
    batch_size: int
    embedding_threshold: int = 50
    validate: bool = False
    relations: bool = True
    model_kwargs: dict[str, Any] = field(default_factory=dict)
    n_jobs: Optional[int] = None
    device: str = "cpu"
    sampling_strategy: Strategy = "relational"
    sample_bytes: Optional[int] = None
    unfinished: Optional[Path] = None  # where trained models are kept until all are
    holdout: float = 0.0  # share of the entities of which nothing is learned
