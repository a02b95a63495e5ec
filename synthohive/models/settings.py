"""A model's settings from keywords."""

from __future__ import annotations

from dataclasses import fields
from difflib import get_close_matches
from typing import Any, TypeVar

from synthohive import _arguments as arguments
from synthohive.exceptions import SchemaError, did_you_mean

__all__ = ["settings_of"]

Settings = TypeVar("Settings")


def settings_of(kind: type[Settings], given: dict[str, Any], model: str) -> Settings:
    """Build a dataclass from keywords; lists, as JSON has them, become tuples.

    Raises
    ------
    SchemaError
        There is no such setting, or it cannot have that value.
    """
    known = [f.name for f in fields(kind)]  # type: ignore[arg-type]
    for name in given:
        if name not in known:
            close = get_close_matches(name, [*known, *_OF_FIT], n=1)
            hint = did_you_mean(name, close or known)
            raise SchemaError(f"{model} has no setting {name!r}.", hint=hint)
    defaults = kind()
    return kind(**{k: _fitting(k, v, getattr(defaults, k)) for k, v in given.items()})


_OF_FIT = ("batch_size", "checkpoint_dir", "device", "epochs", "n_jobs", "progress", "sample_size")
"""What a misspelt keyword of `fit`, which takes it for a model's setting, may have meant."""
_MAY_BE_ZERO = {"couplings", "prior", "warm_up"}
_SHARES = {"average", "dropout", "natural"}
_DEEPEST = 64
_WIDEST = 1 << 16
_LONGEST = 10**9
_COUNTED = {"couplings": _DEEPEST, "layers": _DEEPEST}
_WIDTHS = {"context", "embedding", "hidden", "latent", "noise", "pac", "prior"}


def _fitting(name: str, value: Any, default: Any) -> Any:
    """Return a value in the type of the default, within what a network can be made of."""
    if isinstance(default, bool):
        return arguments.flag(name, value)
    if isinstance(default, int):
        most = _COUNTED.get(name, _WIDEST if name in _WIDTHS else _LONGEST)
        return arguments.whole(name, value, 0 if name in _MAY_BE_ZERO else 1, most)
    if isinstance(default, float):
        return arguments.number(name, value, 0.0, 1.0 if name in _SHARES else float(_LONGEST))
    if isinstance(default, tuple):
        if not isinstance(value, (list, tuple)) or len(value) > _DEEPEST:
            arguments.refuse(name, value, f"a list of at most {_DEEPEST} values")
        if default and isinstance(default[0], str):
            return tuple(arguments.name_of(name, each) for each in value)
        return tuple(arguments.whole(name, each, 1, _WIDEST) for each in value)
    return value
