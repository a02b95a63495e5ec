"""What writers that stage a copy say alike: what a target holds, names, notes, and errors."""

from __future__ import annotations

import json
import re
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Optional

from synthohive._display import listed
from synthohive.ddl.spelling import Spelling
from synthohive.ddl.statements import SchemaDdl, fit_identifier
from synthohive.exceptions import ConnectorError
from synthohive.io.base import REAL_ROWS, NoPlaceError, Provenance
from synthohive.schema import Metadata

if TYPE_CHECKING:
    from sqlalchemy.engine import Engine

    from synthohive.io.base import OpenedTo

__all__ = [
    "NOTE_COLUMNS",
    "STAGING_MARK",
    "STAGING_NAME",
    "Found",
    "Made",
    "Order",
    "appeared_error",
    "broken_error",
    "busy_error",
    "outside_reason",
    "read_note",
    "same_place_error",
    "staging_name",
]

STAGING_MARK = "__synthohive_"
STAGING_NAME = re.compile(re.escape(STAGING_MARK) + "[0-9a-f]{8}$", re.IGNORECASE)
NOTE_COLUMNS = ("version", "model", "seed", "scale", "created", "source", "objects")
_SHOWN = 10


@dataclass(frozen=True)
class Found:
    """Something that a target holds.

    Attributes
    ----------
    key : str
        As the engine's catalogue identifies it: a copy of it elsewhere has another key.
    shown : str
        As named to users: ``"view report"``.
    part_of : str, optional
        The key of what it is a part of: a column's table.
    """

    key: str
    shown: str
    part_of: Optional[str] = None

    @property
    def kind(self) -> str:
        """What it is: ``"view"``."""
        return self.shown.partition(" ")[0]

    @property
    def name(self) -> str:
        """Its name without its place: ``"report"``."""
        return self.shown.partition(" ")[2]


def staging_name(target: str, limit: int, *, in_bytes: bool = True) -> str:
    """Return a new name that shows whose staging place it is.

    Parameters
    ----------
    target : str
    limit : int
        Most bytes of UTF-8, or characters, of a name.
    in_bytes : bool, default True
        What `limit` counts.

    Examples
    --------
    >>> staging_name("shop", 63).startswith("shop__synthohive_")
    True
    """
    suffix = STAGING_MARK + secrets.token_hex(4)
    return fit_identifier(target, limit - len(suffix), in_bytes=in_bytes) + suffix


def same_place_error(target: str) -> ConnectorError:
    """Return the error for a target that is, or was, the source."""
    return ConnectorError(
        f"The target {target!r} is the source itself, which SynthoHive only reads.",
        hint="Name another schema with schema=… or another database with url=….",
    )


class Made(frozenset[str]):
    """The keys of what an earlier run made, and whether its rows are real ones."""

    real: bool = False


def read_note(columns: Sequence[str], rows: Sequence[Sequence[Any]]) -> Optional[Made]:
    """Return the keys of what an earlier run made; None where no run of ours wrote the table.

    Examples
    --------
    >>> note = ["0.1", "ctgan", 7, 1.0, "2024-01-01T00:00:00+00:00", "shop", '["t"]']
    >>> sorted(read_note(NOTE_COLUMNS, [note]))
    ['t']
    >>> read_note(["x"], [[1]]) is None
    True
    """
    if tuple(columns) != NOTE_COLUMNS or len(rows) != 1:
        return None
    try:
        keys = json.loads(rows[0][-1])
    except (TypeError, ValueError):
        return None
    if not isinstance(keys, list) or not all(isinstance(key, str) for key in keys):
        return None
    made = Made(keys)
    made.real = rows[0][NOTE_COLUMNS.index("model")] == REAL_ROWS
    return made


def appeared_error(target: str) -> ConnectorError:
    """Return the error for a target that was free when the run began."""
    return ConnectorError(
        f"The target {target!r} was free when the run began, and was made meanwhile.",
        hint="Nothing was changed. Name another schema.",
    )


def busy_error(target: str, who: str = "") -> NoPlaceError:
    """Return the error for a target that another run is writing to."""
    return NoPlaceError(
        f"Another run is writing to {target!r} now{who}.",
        hint="Let it end, and run again; or name another schema.",
    )


def outside_reason(used: Sequence[str]) -> str:
    """Return why a view or a trigger is not made that uses what a copy does not have."""
    return f"it uses {listed(used, 3)}, which the copy does not have" if used else ""


def broken_error(target: str, names: Sequence[str]) -> ConnectorError:
    """Return the error for what others made over a target's tables, and that would not work."""
    return ConnectorError(
        f"The target {target!r} cannot be replaced: {', '.join(names[:_SHOWN])} would lose "
        "tables or columns that they use.",
        hint="Nothing was changed. Drop them first, or name another schema.",
    )


@dataclass(frozen=True)
class Order:
    """One schema that is to be written.

    Attributes
    ----------
    engine : sqlalchemy.engine.Engine
        Of the target.
    metadata : Metadata
        Its tables, by their own names.
    ddl : SchemaDdl
    target : str
        As named to users: a schema, a database, or the path of a file.
    provenance : Provenance
    source_schema : str, optional
        None where the source is in another engine.
    if_exists : {"fail", "replace", "replace_foreign", "rehearse"}
    group : dict of str to str
        The schemas that are written together, from source to target; none if it is alone.
    respelling : Spelling
        Writes the values that no Arrow type has; the plain one leaves what stands for them.
    run : dict of str to str, optional
        What the rows follow from, of a run that keeps what is loaded when it is interrupted, and
        goes on where one that followed from the same was.
    """

    engine: Engine
    metadata: Metadata
    ddl: SchemaDdl
    target: str
    provenance: Provenance
    source_schema: Optional[str] = None
    if_exists: OpenedTo = "fail"
    group: Mapping[str, str] = field(default_factory=dict)
    respelling: Spelling = field(default_factory=Spelling)
    run: Optional[Mapping[str, str]] = None
