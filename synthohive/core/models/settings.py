"""A model's settings from keywords."""

from __future__ import annotations

from dataclasses import fields
from typing import Any, TypeVar

from synthohive.exceptions import SchemaError, did_you_mean

__all__ = ["settings_of"]

Settings = TypeVar("Settings")


def settings_of(kind: type[Settings], given: dict[str, Any], model: str) -> Settings:
    """Build a dataclass from keywords; lists, as JSON has them, become tuples.

    Raises
    ------
    SchemaError
        There is no such setting.
    """
    known = [f.name for f in fields(kind)]  # type: ignore[arg-type]
    for name in given:
        if name not in known:
            hint = did_you_mean(name, known) or "Settings of a model need that model's name."
            raise SchemaError(f"{model} has no setting {name!r}.", hint=hint)
    return kind(**{k: tuple(v) if isinstance(v, list) else v for k, v in given.items()})
