"""A model's settings: declared beside their defaults with what they may be, made from keywords."""

from __future__ import annotations

from dataclasses import dataclass, field, fields
from difflib import get_close_matches
from typing import Any, TypeVar

from synthohive import _arguments as arguments
from synthohive.exceptions import SchemaError, did_you_mean

__all__ = [
    "DEEPEST",
    "LONGEST",
    "Config",
    "TrainingConfig",
    "bounded",
    "settings_of",
    "share",
    "width",
]

Value = TypeVar("Value")
Settings = TypeVar("Settings", bound="Config")

DEEPEST, WIDEST, LONGEST = 64, 1 << 16, 10**9
"""A network of more layers, of wider ones, or a longer training is a slip of the keyboard: it would
take the machine's memory, or for ever, and the reader of a checkpoint must not either."""


@dataclass(frozen=True)
class Config:
    """Base of the settings of a model; all fields have defaults, and may be stored as JSON."""


def bounded(default: Value, least: float, most: float) -> Value:
    """Declare a setting.

    Parameters
    ----------
    default : int or float
    least, most : float
        What users may set it to, both included.
    """
    return field(default=default, metadata={"least": least, "most": most})


def width(default: int, least: int = 1) -> int:
    """Declare a width of a network."""
    return bounded(default, least, WIDEST)


def share(default: float) -> float:
    """Declare a share."""
    return bounded(default, 0, 1)


@dataclass(frozen=True)
class TrainingConfig(Config):
    """Settings of every model that the training loop trains; each has defaults of its own."""

    lr: float = 1e-3  # learning rate
    average: float = share(0.99)  # decay of the weights' moving average, which is what draws
    steps: int = 100  # most batches per epoch
    evaluate_every: int = 1  # epochs between evaluations
    patience: int = 5  # evaluations without improvement before stopping


def settings_of(kind: type[Settings], given: dict[str, Any], model: str) -> Settings:
    """Build a dataclass from keywords; lists, as JSON has them, become tuples.

    Parameters
    ----------
    kind : type
    given : dict of str to Any
        Keywords of users, or what a checkpoint holds.
    model : str
        What messages call the model.

    Raises
    ------
    SchemaError
        There is no such setting, or it cannot have that value.
    """
    known = {f.name: f for f in fields(kind)}
    for name in given:
        if name not in known:
            close = get_close_matches(name, [*known, *_OF_FIT], n=1)
            hint = did_you_mean(name, close or known)
            raise SchemaError(f"{model} has no setting {name!r}.", hint=hint)
    return kind(
        **{k: _fitting(k, v, known[k].default, known[k].metadata) for k, v in given.items()}
    )


_OF_FIT = ("batch_size", "checkpoint_dir", "device", "epochs", "n_jobs", "progress", "sample_size")
"""What a misspelt keyword of `fit`, which takes it for a model's setting, may have meant."""


def _fitting(name: str, value: Any, default: Any, bounds: Any) -> Any:
    """Return a value in the type of the default, within what a network can be made of."""
    most = bounds.get("most", LONGEST)
    if isinstance(default, int):
        return arguments.whole(name, value, bounds.get("least", 1), most)
    if isinstance(default, float):
        return arguments.number(name, value, 0.0, float(most))
    if not isinstance(value, (list, tuple)) or len(value) > DEEPEST:
        arguments.refuse(name, value, f"a list of at most {DEEPEST} values")
    if isinstance(default[0], str):
        return tuple(arguments.name_of(name, each) for each in value)
    return tuple(arguments.whole(name, each, 1, WIDEST) for each in value)
