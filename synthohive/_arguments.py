"""Arguments of public functions, refused by name before any work is done."""

from __future__ import annotations

import math
import os
from collections.abc import Collection, Mapping, Sequence
from numbers import Integral, Real
from pathlib import Path
from typing import Any, NoReturn, Optional

from synthohive.exceptions import ConnectorError, SchemaError, did_you_mean, hide_secrets

__all__ = [
    "choice",
    "flag",
    "instance",
    "is_connection",
    "known",
    "mapping",
    "name_of",
    "names",
    "number",
    "path",
    "reachable",
    "refuse",
    "schemas",
    "seed",
    "whole",
]

LARGEST_SEED = 2**128


def refuse(argument: str, value: Any, wanted: str) -> NoReturn:
    """Raise the error for an impossible argument.

    Parameters
    ----------
    argument : str
        Its name, as users write it.
    value : Any
        Shown if it is None, a text or a number, and cut after 100 characters; of all else only
        the type is.
    wanted : str
        What to pass instead: ``"a list of names"``.

    Raises
    ------
    SchemaError
    """
    simple = value is None or isinstance(value, (str, int, float))
    text = repr(value) if simple else f"a {type(value).__name__}"
    shown = text if len(text) <= 100 else f"{text[:100]}…"
    raise SchemaError(f"{argument} is {shown}.", hint=f"Pass {wanted}.")


def whole(argument: str, value: Any, least: int = 1, most: Optional[int] = None) -> int:
    """Return a whole number within bounds.

    Parameters
    ----------
    argument : str
    value : Any
        A whole number of Python or NumPy; flags and floats are none.
    least, most : int
        Bounds, both included; None: no upper one.
    """
    fits = isinstance(value, Integral) and not isinstance(value, bool)
    if not fits or value < least or (most is not None and value > most):
        bound = "" if most is None else f" and at most {most:,}"
        refuse(argument, value, f"a whole number of at least {least}{bound}")
    return int(value)


def number(argument: str, value: Any, low: float = 0.0, high: float = math.inf) -> float:
    """Return a finite number within bounds, ends included.

    Parameters
    ----------
    argument : str
    value : Any
        A number of Python or NumPy; flags, NaN and the infinite are none.
    low, high : float
        Bounds, both included; infinity: no upper one.
    """
    fits = isinstance(value, Real) and not isinstance(value, bool)
    if not fits or not math.isfinite(value) or not low <= value <= high:
        bound = f"from {low:g} to {high:g}" if math.isfinite(high) else f"of at least {low:g}"
        refuse(argument, value, f"a number {bound}")
    return float(value)


def flag(argument: str, value: Any) -> bool:
    """Return a truth value, which no number or text stands for."""
    if not isinstance(value, bool) and type(value).__name__ not in ("bool_", "bool"):
        refuse(argument, value, "True or False")
    return bool(value)


def seed(argument: str, value: Any) -> Optional[int]:
    """Return a seed, or None."""
    return None if value is None else whole(argument, value, 0, LARGEST_SEED - 1)


def choice(argument: str, value: Any, options: Sequence[str]) -> str:
    """Return one of some words.

    Parameters
    ----------
    argument : str
    value : Any
    options : sequence of str
        The words, as the message lists them.
    """
    if not isinstance(value, str) or value not in options:
        refuse(argument, value, f"one of {', '.join(map(repr, options))}")
    return value


def name_of(argument: str, value: Any) -> str:
    """Return a name of a table, column or schema; plain, as one of SQLAlchemy's is no JSON text."""
    if not isinstance(value, str) or not value or "\0" in value:
        refuse(argument, value, "a name")
    if is_connection(value):
        raise SchemaError(f"{argument} is a URL, or settings of a connection.", hint="Pass a name.")
    return str(value)


def is_connection(text: str) -> bool:
    """Whether a text tells how to connect to a database, and so may hold a password."""
    return "://" in text or (":/" in text and "@" in text) or hide_secrets(text) != text


def names(argument: str, value: Any) -> Optional[list[str]]:
    """Return a list of names, or None."""
    if value is None:
        return None
    if not isinstance(value, (list, tuple, set, frozenset)):
        refuse(argument, value, "a list of names")
    return [name_of(f"{argument} holds what", each) for each in value]


def queries(argument: str, value: Any) -> list[str]:
    """Return a list of texts in SQL; empty for None."""
    if value is None:
        return []
    if not isinstance(value, (list, tuple)):
        refuse(argument, value, "a list of SELECTs")
    for each in value:
        if not isinstance(each, str) or not each.strip():
            refuse(f"{argument} holds what", each, "SELECTs, as texts")
    return list(value)


def schemas(argument: str, value: Any) -> None:
    """Refuse what is neither the name of a schema nor a list of such names, nor None."""
    if isinstance(value, str):
        name_of(argument, value)
    elif value is not None:
        listed = names(argument, value)
        if not listed or len(set(listed)) < len(listed):
            refuse(argument, value, "a name, or a list of different names")


def known(argument: str, given: Collection[str], options: Collection[str]) -> None:
    """Refuse keywords that a function does not have.

    Parameters
    ----------
    argument : str
        The function's name, as the message has it.
    given : collection of str
        The keywords that were passed.
    options : collection of str
        Those that there are.
    """
    for name in given:
        if name not in options:
            raise SchemaError(
                f"{argument} has no keyword {name!r}.", hint=did_you_mean(name, options)
            )


def mapping(argument: str, value: Any, wanted: str) -> Mapping[Any, Any]:
    """Return a mapping, if all of its keys are texts.

    Parameters
    ----------
    argument : str
    value : Any
    wanted : str
        What to pass instead: ``"a dict of names"``. What the keys lead to is not looked at.
    """
    if not isinstance(value, Mapping):
        refuse(argument, value, wanted)
    for key in value:
        if not isinstance(key, str):
            refuse(f"A key of {argument}", key, wanted)
    return value


def path(argument: str, value: Any) -> Path:
    """Return a path; a URL is none, and could hold a password."""
    try:
        text = os.fspath(value)
    except TypeError:
        refuse(argument, value, "a path")
    if not isinstance(text, str) or not text or "\0" in text:
        refuse(argument, text, "a path")
    if is_connection(text):
        raise SchemaError(f"{argument} is a URL, or settings of a connection.", hint="Pass a path.")
    return reachable(Path(text), argument)


def reachable(place: Path, argument: str = "The path") -> Path:
    """Return a path that the system can follow, whether or not something is there.

    Raises
    ------
    ConnectorError
        A name in it is too long, or links lead in a circle.
    """
    try:
        place.stat()
    except (FileNotFoundError, NotADirectoryError, PermissionError):
        pass  # what that means depends on what is to be done there
    except (OSError, ValueError) as exc:
        shown = str(place) if len(str(place)) <= 100 else f"{str(place)[:100]}…"
        reason = getattr(exc, "strerror", None) or type(exc).__name__
        raise ConnectorError(f"{argument} {shown!r} cannot be followed: {reason}.") from exc
    return place


def instance(argument: str, value: Any, kind: type, hint: str = "") -> None:
    """Refuse what is not of a type.

    Parameters
    ----------
    argument : str
    value : Any
    kind : type
        A public class of the package, which the message calls ``synthohive.<name>``.
    hint : str
        Follows the name of the class in the message.
    """
    if not isinstance(value, kind):
        refuse(argument, value, f"a synthohive.{kind.__name__}{hint}")
