"""What a run has done in its staging place, noted there: so that a later one can go on."""

from __future__ import annotations

import json
from collections.abc import Mapping
from copy import copy
from typing import Any

from synthohive.exceptions import ConnectorError

__all__ = ["JOURNAL_TABLE", "Journal", "other_run_error"]

JOURNAL_TABLE = "_synthohive_journal"
RUN = "run"
SHOWN = 40
"""Characters of a fact that are shown; sums of what is long tell nobody anything."""


class Journal:
    """A table in a staging place with a row for each thing that is done.

    Where the engine can, a row is written in the transaction that does the thing.

    Parameters
    ----------
    place : StagedSchema
    facts : mapping of str to str
        What the rows of the run follow from.

    Attributes
    ----------
    done : dict of str to str
        What is done, with what was noted of it.
    """

    def __init__(self, place: Any, facts: Mapping[str, str]) -> None:
        self._place, self._facts = place, dict(facts)
        self._table = place.quote(JOURNAL_TABLE)
        self.done: dict[str, str] = {}

    def over(self, place: Any) -> Journal:
        """Return the same journal, written over the connection of another `place`."""
        other = copy(self)
        other._place = place
        return other

    def begin(self) -> None:
        """Make the table, in a place where nothing is done yet."""
        short, long = self._place.texts
        self._place.ask(f"CREATE TABLE {self._table} (act {short}, detail {long})")
        self.note(RUN, json.dumps(self._facts))

    def note(self, act: str, detail: str = "") -> None:
        """Note that something is done."""
        marks = ", ".join(map(self._place.mark.format, (1, 2)))
        self._place.ask(f"INSERT INTO {self._table} VALUES ({marks})", (act, detail))
        self.done[act] = detail

    def read(self) -> bool:
        """Read what an interrupted run noted; return whether it came to its beginning.

        Raises
        ------
        ConnectorError
            It was another run.
        """
        self.done = dict(self._place.ask(f"SELECT act, detail FROM {self._table}"))
        if RUN not in self.done:
            return False
        theirs = json.loads(self.done[RUN])
        if theirs != self._facts:
            raise other_run_error(self._place.target, theirs, self._facts)
        return True


def other_run_error(
    target: str, theirs: Mapping[str, str], ours: Mapping[str, str]
) -> ConnectorError:
    """Return the error for an interrupted run that is not the one that is asked for.

    Examples
    --------
    >>> print(other_run_error("shop", {"seed": "1"}, {"seed": "2"}).message)
    What was interrupted while 'shop' was being written is another run: its seed is 1, not 2.
    """
    others = [name for name in {**theirs, **ours} if theirs.get(name) != ours.get(name)]
    said = []
    for name in others:
        old, new = str(theirs.get(name, "none")), str(ours.get(name, "none"))
        short = max(len(old), len(new)) <= SHOWN
        said.append(f"its {name} is {old}, not {new}" if short else f"its {name} is another one")
    return ConnectorError(
        f"What was interrupted while {target!r} was being written is another run: "
        f"{', '.join(said)}.",
        hint="Ask for the same again; or leave resume out, and what is left of it is removed.",
    )
