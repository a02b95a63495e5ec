"""What the rows of a run follow from, in few words: what makes two runs the same."""

from __future__ import annotations

import hashlib
import json

from synthohive import _arguments as arguments
from synthohive._version import __version__
from synthohive._workspace import Workspace
from synthohive.exceptions import SerializationError
from synthohive.interface.checkpoint import write_content
from synthohive.interface.checkpoint_folder import sum_of
from synthohive.interface.requests import Request

__all__ = ["facts_of"]


def facts_of(request: Request, *, seeded: bool) -> dict[str, str]:
    """Return what a run follows from; how many processes make the rows does not matter.

    Parameters
    ----------
    request : Request
    seeded : bool
        The caller named the seed.

    Raises
    ------
    SchemaError
        There is no seed by which to know the run again.
    SerializationError
        The fit cannot be told from others.
    """
    if not seeded:
        arguments.refuse("resume", True, "False, or name the seed as well, seed=…: by it the "
                         "interrupted run is known again")  # fmt: skip
    conditions = json.dumps(request.asked, default=repr, sort_keys=True)
    return {
        "seed": str(request.seed),
        "scale": str(request.scale),
        "num_rows": json.dumps(request.num_rows, sort_keys=True),
        "conditions": hashlib.sha256(conditions.encode()).hexdigest(),
        # so few digits tell that a key is another one, and not what it is
        "pii_key": hashlib.sha256(str(request.people).encode()).hexdigest()[:4],
        "fit": _sum(request),
        "version of SynthoHive": __version__,
    }


def _sum(request: Request) -> str:
    """Return a sum over all that is learned, as a checkpoint has it."""
    with Workspace() as folder:
        try:
            write_content(request.fitted, folder)
        except NotImplementedError as exc:
            raise SerializationError(
                f"The model {request.fitted.model_name!r} cannot be saved, so that its rows "
                "cannot be known again.",
                hint="Leave resume out.",
            ) from exc
        return sum_of(folder)
