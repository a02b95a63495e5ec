"""What Spark says when something fails, without values of rows, which its messages repeat."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from synthohive.exceptions import ConnectorError

__all__ = ["failing", "not_taken_back", "refused", "spark_errors"]

_IN_WORKER = re.compile(r"^\s*([A-Za-z_][\w.]*(?:Error|Exception|Exit|Interrupt))\b", re.MULTILINE)


def spark_errors() -> tuple[type[BaseException], ...]:
    """Return what Spark raises, classic or over Spark Connect."""
    from pyspark.errors import PySparkException

    try:
        from py4j.protocol import Py4JError
    except ImportError:  # the client of Spark Connect alone
        return (PySparkException,)
    return PySparkException, Py4JError


def refused(doing: str, exc: BaseException) -> ConnectorError:
    """Return the error for what Spark raised, by its class and condition alone.

    Examples
    --------
    >>> print(refused("writing table 'orders'", ValueError("Ann Lee")).message)
    Spark failed while writing table 'orders': ValueError.
    """
    ask: Any = getattr(exc, "getCondition", None)
    condition = ask() if ask is not None else None
    said = [type(exc).__name__, *([condition] if condition else [])]
    raised = _IN_WORKER.findall(str(exc)) if type(exc).__name__ == "PythonException" else []
    said += [f"{raised[-1]} in a Python worker"] if raised else []
    return ConnectorError(
        f"Spark failed while {doing}: {', '.join(said)}.",
        hint="Spark's log has the details, and may show values of rows.",
    )


def not_taken_back(place: str, failed: Mapping[str, str], kept: str) -> ConnectorError:
    """Return the error for tables that a failed run changed, and that stay so for now.

    Parameters
    ----------
    place : str
        Where they are.
    failed : mapping of str to str
        Why, by table.
    kept : str
        What the old rows are found by.
    """
    return ConnectorError(
        f"In {place!r}, a run that failed could not be taken back: "
        f"{'; '.join(f'{table}: {reason}' for table, reason in failed.items())}",
        hint=f"What the tables held before is kept ({kept}). Put right what is in the way, and run "
        "again: the next run takes it back before anything else.",
    )


@contextmanager
def failing(doing: str) -> Iterator[None]:
    """Raise what fails in Spark as an error of ours; its own message is not chained."""
    try:
        yield
    except spark_errors() as exc:
        raise refused(doing, exc) from None
