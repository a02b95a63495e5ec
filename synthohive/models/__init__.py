"""Generative models of single tables, all behind one interface."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Union

from synthohive._arguments import is_connection
from synthohive.exceptions import SchemaError, did_you_mean

if TYPE_CHECKING:
    from synthohive.models.base import ConditionalGenerativeModel

__all__ = ["MODELS", "ModelType", "resolve_model"]

ModelType = Union[str, "type[ConditionalGenerativeModel]"]

MODELS = {
    "auto": "synthohive.models.auto.Auto",
    "autoregressive": "synthohive.models.autoregressive.model.Autoregressive",
    "ctgan": "synthohive.models.ctgan.model.CTGAN",
    "tvae": "synthohive.models.tvae.model.TVAE",
}
"""A model's name, and its class, which is imported when it is asked for."""


def resolve_model(model: ModelType) -> type[ConditionalGenerativeModel]:
    """Return the class of a model given by name or as a class.

    Raises
    ------
    SchemaError
        The name is unknown, or the class is no
        :class:`~synthohive.models.base.ConditionalGenerativeModel`.
    """
    from synthohive.models.base import ConditionalGenerativeModel

    if isinstance(model, str):
        if is_connection(model):
            raise SchemaError("model is a URL, or settings of a connection.", hint="Pass a name.")
        if model not in MODELS:
            raise SchemaError(f"There is no model {model!r}.", hint=did_you_mean(model, MODELS))
        module, _, name = MODELS[model].rpartition(".")
        found: type[ConditionalGenerativeModel] = getattr(import_module(module), name)
        return found
    given: object = model
    if isinstance(given, type) and issubclass(given, ConditionalGenerativeModel):
        return given
    raise SchemaError(
        f"{model!r} is not a model.",
        hint=f"Pass one of {', '.join(map(repr, MODELS))}, or a class that implements "
        "synthohive.ConditionalGenerativeModel.",
    )
