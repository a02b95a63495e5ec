"""Finishing the tables of a database, here and in other processes: the same is found by all.

What is found in a table is a pure function of the sample, and of its driving ancestors. So the
tables of one level are finished in any order, by whoever has time.
"""

from __future__ import annotations

import pickle
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import replace
from functools import cache, lru_cache
from pathlib import Path
from typing import IO, Any, Optional, Protocol, TypeVar

import pyarrow as pa

from synthohive._logging import Told, held, tell
from synthohive.connectors.registry import ENGINES
from synthohive.derive.kinds import LINKS, SEARCHES
from synthohive.learn.fit_context import Fit
from synthohive.learn.rehearsal import analysed
from synthohive.learn.table import Begun, Finished, finish_table
from synthohive.models.base import ConditionalGenerativeModel
from synthohive.schema import Metadata
from synthohive.schema.plan import RelationalPlan
from synthohive.tables.source import SourceTables

__all__ = ["Here", "Pool", "elsewhere", "finish_tables", "units"]

BASE = "fit"
UNIT = 40
"""Columns of little more than a thousand rows that take about a second."""
OWN = "synthohive."
ROWS = 2_000
"""Rows that make a column take as long again as it takes without any."""
Item = TypeVar("Item")
Result = TypeVar("Result")


class Pool(Protocol):
    """Who calls a pure function for each of many items; :class:`BlockPool` is one."""

    def expect(self, blocks: int) -> None:
        """Get ready for so many items of a second each."""

    def map(
        self, function: Callable[[Item], Result], items: Iterable[Item], count: int
    ) -> Iterator[Result]:
        """Yield ``function(item)`` for each item, in their order."""

    def close(self) -> None:
        """End what was started."""


class Here:
    """Calls all in this process."""

    def expect(self, blocks: int) -> None:
        """Be ready."""

    def map(
        self, function: Callable[[Item], Result], items: Iterable[Item], count: int
    ) -> Iterator[Result]:
        """See :class:`Pool`."""
        return map(function, items)

    def close(self) -> None:
        """End nothing."""


def elsewhere(metadata: Metadata, plan: RelationalPlan, whole: SourceTables) -> list[str]:
    """Return the tables that other processes can finish.

    Of these, and of all that their keys lead to, the sample holds every row: nothing is asked of
    the source. What others add to the searches or the engines is known in this process alone.
    """
    own = [getattr(one, "func", one).__module__ for one in (*SEARCHES, *LINKS)]  # some are partial
    own += [ENGINES.get(metadata.dialect, OWN)] if metadata.dialect else []
    if not all(module.startswith(OWN) for module in own):
        return []
    found = []
    for name in plan.order:
        parents = [key.parent for key in metadata.tables[name].foreign_keys]
        above = {one for parent in parents for one in (parent, *plan.tables[parent].ancestors)}
        if all(map(whole.in_sample, {name, *above, *plan.tables[name].ancestors})):
            found.append(name)
    return found


def units(names: Iterable[str], tables: Mapping[str, pa.Table]) -> int:
    """Return about how many seconds it takes to finish some tables."""
    rows = [tables[name] for name in names]
    return int(sum(table.num_columns * (1 + len(table) / ROWS) for table in rows) / UNIT)


def finish_tables(
    fit: Fit, begun: Mapping[str, Begun], pool: Pool, folder: Path
) -> Iterator[Finished]:
    """Finish all tables that were begun, ancestors first.

    Parameters
    ----------
    fit : Fit
        Its database has all tables as they were begun, and gets them as they are finished.
    begun : mapping of str to Begun
        In the order of the plan.
    pool : Pool
    folder : Path
        For what other processes have to know.
    """
    fits = TableFits(fit, begun, folder)
    apart = set(elsewhere(fit.sample.metadata, fit.sample.plan, fit.whole))
    for level in _levels(fit, begun):
        handed = [name for name in level if name in apart]
        for some, calls in ((handed, pool), ([n for n in level if n not in apart], Here())):
            for one in calls.map(fits, some, len(some)):
                fits.take(one)
                tell(one.told)
                yield one


def _levels(fit: Fit, begun: Mapping[str, Begun]) -> list[list[str]]:
    """Return the tables to be finished, each in a level after those that it needs."""
    depths: dict[str, int] = {}
    levels: list[list[str]] = []
    for name, one in begun.items():
        if one.finished:
            continue
        depth = max((depths[n] + 1 for n in _needed(fit, name) if n in depths), default=0)
        depths[name] = depth
        levels += [] if depth < len(levels) else [[]]
        levels[depth].append(name)
    return levels


def _needed(fit: Fit, name: str) -> set[str]:
    """Return the tables that must be finished before one."""
    persons = {one.source for one in fit.namesakes.get(name, {}).values()}
    return {*fit.sample.plan.tables[name].ancestors, *persons}


class TableFits:
    """Finishes single tables. Handed to another process, it reads there what it needs.

    Parameters
    ----------
    fit, begun, folder :
        See :func:`finish_tables`.
    """

    def __init__(self, fit: Fit, begun: Mapping[str, Begun], folder: Path) -> None:
        self.fit, self.begun, self.folder = fit, begun, folder
        self._numbers = {name: number for number, name in enumerate(begun)}
        self._new: set[str] = set()  # finished since the other processes were told

    def __call__(self, name: str) -> Finished:
        """Finish a table."""
        self._read(_needed(self.fit, name))
        one, tables = self.begun[name], self.fit.database.tables
        before = {n: t for n, t in tables.items() if self._numbers[n] < self._numbers[name]}
        fit = replace(
            self.fit,
            database=replace(self.fit.database, tables=before),
            # those that were kept later count in what comes after them alone
            entities=replace(self.fit.entities, kept=set(one.kept)),
        )
        told: list[Told] = []
        try:
            with held(told), analysed(name):
                return replace(finish_table(fit, one), told=told)
        except Exception:
            tell(told)  # what led there
            raise

    def take(self, one: Finished) -> None:
        """Have a table that is finished, whoever did it."""
        name = one.table.config.name
        one.table.config = self.begun[name].table.config
        self.fit.database.tables[name] = one.table
        self.fit.sample.encoded[name] = one.encoded
        self._new.add(name)

    def __reduce__(self) -> tuple[Any, tuple[str]]:
        """Write what another process needs; it reads that from the folder."""
        self._write()
        return _read, (str(self.folder),)

    def _write(self) -> None:
        base = self.folder / BASE
        if not base.exists():
            self._write_all(base)
        needed = {n for one in self.begun for n in _needed(self.fit, one)}
        for name in self._new & needed:
            state = self.fit.database.tables[name], self.fit.sample.encoded[name]
            self._place(name).write_bytes(pickle.dumps(state))
        self._new.clear()

    def _write_all(self, base: Path) -> None:
        """Write all that is known: the rows of the sample so that processes share their memory."""
        places: dict[int, str] = {}
        for name, number in self._numbers.items():
            rows = self.fit.sample.tables[name]
            place = self.folder / f"{number}.arrow"
            with pa.ipc.new_file(str(place), rows.schema) as writer:
                writer.write_table(rows)
            places[id(rows)] = str(place)
        draft = self.folder / f"{BASE}.draft"
        with draft.open("wb") as file:
            # The model may be of the user's own class, of which only what it can do is needed.
            model: Any = ConditionalGenerativeModel
            fit = replace(self.fit, options=replace(self.fit.options, model=model, model_kwargs={}))
            _Pickler(file, places).dump((fit, dict(self.begun), self.fit.options.model.abilities))
        draft.rename(base)
        self._new.clear()

    def _place(self, name: str) -> Path:
        return self.folder / f"{self._numbers[name]}.finished"

    def _read(self, names: Collection[str]) -> None:
        """Read what was finished by others; nothing in the process that knows all."""
        for name in names:
            if name not in self.fit.sample.encoded and self._place(name).exists():
                # Written by this run's own process, in a folder that only its user may enter.
                state = pickle.loads(self._place(name).read_bytes())  # noqa: S301
                self.fit.database.tables[name], self.fit.sample.encoded[name] = state


class _Pickler(pickle.Pickler):
    """Names the files of tables in the place of these."""

    def __init__(self, file: IO[bytes], places: Mapping[int, str]) -> None:
        super().__init__(file)
        self._places = places

    def persistent_id(self, value: Any) -> Optional[str]:
        """Return the file of a table of the sample."""
        return self._places.get(id(value)) if isinstance(value, pa.Table) else None


class _Unpickler(pickle.Unpickler):
    """Maps the files of tables into memory."""

    def persistent_load(self, place: str) -> pa.Table:
        """Return the table of a file, the same each time."""
        return _mapped(place)


@cache
def _mapped(place: str) -> pa.Table:
    return pa.ipc.open_file(pa.memory_map(place)).read_all()


@lru_cache(maxsize=1)
def _read(folder: str) -> TableFits:
    """Return what another process has written; what is finished in this one is added to it."""
    with (Path(folder) / BASE).open("rb") as file:
        # Written by this run's own process, in a folder that only its user may enter.
        fit, begun, abilities = _Unpickler(file).load()
    model = type("Known", (ConditionalGenerativeModel,), {"abilities": abilities})
    fit = replace(fit, options=replace(fit.options, model=model))
    return TableFits(fit, begun, Path(folder))
