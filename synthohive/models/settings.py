"""A model's settings: declared beside their defaults with what they may be, made from keywords."""

from __future__ import annotations

from dataclasses import dataclass, field, fields
from difflib import get_close_matches
from typing import Any, TypeVar

from synthohive import _arguments as arguments
from synthohive.exceptions import SchemaError, did_you_mean

__all__ = ["LONGEST", "Config", "TrainingConfig", "count", "settings_of", "share", "width"]

Value = TypeVar("Value")
Settings = TypeVar("Settings", bound="Config")

DEEPEST, WIDEST, LONGEST = 64, 1 << 16, 10**9
"""A network of more layers, of wider ones, or a longer training is a slip of the keyboard: it would
take the machine's memory, or for ever, and the reader of a checkpoint must not either."""


@dataclass(frozen=True)
class Config:
    """Base of the settings of a model; all fields have defaults, and may be stored as JSON."""


def _bounded(default: Value, least: float, most: float) -> Value:
    return field(default=default, metadata={"least": least, "most": most})


def width(default: int, least: int = 1) -> int:
    """Declare a width of a network."""
    return _bounded(default, least, WIDEST)


def count(default: int, least: int = 1, most: int = DEEPEST) -> int:
    """Declare a number of things; of layers, unless there is another bound.

    Parameters
    ----------
    default : int
    least, most : int
        What users may set it to, both included.
    """
    return _bounded(default, least, most)


def share(default: float) -> float:
    """Declare a share."""
    return _bounded(default, 0, 1)


@dataclass(frozen=True)
class TrainingConfig(Config):
    """Settings of every model that the training loop trains; each has defaults of its own.

    Attributes
    ----------
    lr : float
        Learning rate.
    average : float
        Decay of the weights' moving average, which is what is validated and draws.
    steps : int
        Most batches per epoch.
    evaluate_every, patience : int
        Epochs between evaluations; evaluations without improvement before stopping.
    """

    lr: float = 1e-3
    average: float = share(0.99)
    steps: int = 100
    evaluate_every: int = 1
    patience: int = 5


def settings_of(kind: type[Settings], given: dict[str, Any], model: str) -> Settings:
    """Build a dataclass from keywords; lists, as JSON has them, become tuples.

    Parameters
    ----------
    kind : type
        The dataclass.
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
