"""Shards: parts of a run that are made apart from one another, wherever that is.

A shard is a small run of its own. It makes the tables that are cut, for some of the rows at which
they are (:mod:`synthohive.generate.shard_plan`). What its rows refer to in other tables is given:
the rows themselves, and how many children each has here. Numbers of children are dealt among the
shards without a rest, so that each parent has as many in all of them as it would have in one run.
Keys are functions of the row's number in the whole table, which is known beforehand: how many
children all parents of a shard have together depends on how many these are alone.
"""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Optional

import numpy as np

from synthohive._arrays import Bools, IntArray
from synthohive.generate.block_pool import BlockPool
from synthohive.generate.making import make_tables
from synthohive.generate.parent_choice import planned_quota
from synthohive.generate.row_counts import driven_rows, largest_group, root_rows
from synthohive.generate.run import Generated, Groups, Run, Shard
from synthohive.generate.shard_plan import Cut
from synthohive.link.quota_split import split_evenly, take_evenly
from synthohive.schema.plan import Link
from synthohive.tables.block_store import SomeEncodedRows, SomeRows, TableSpool
from synthohive.tables.number_spool import NumberSpool

__all__ = ["MadeShard", "Shards"]


@dataclass(frozen=True)
class MadeShard:
    """The rows of a shard, in a folder of its own.

    Attributes
    ----------
    folder : Path
    tables : dict of str to TableSpool
        In the order of the plan.
    left_out : dict of str to int
        Rows that were there, and for which no keys hold.
    """

    folder: Path
    tables: dict[str, TableSpool]
    left_out: dict[str, int]

    def remove(self) -> None:
        """Remove the folder, when the rows are elsewhere."""
        shutil.rmtree(self.folder, ignore_errors=True)


def shares_of(total: int, edges: IntArray) -> IntArray:
    """Return how many of `total` stand before each edge, in proportion; the last has all.

    In Python's integers: the products of billions of rows are beyond 64 bits.

    Examples
    --------
    >>> shares_of(7, np.array([0, 1, 2, 4]))
    array([0, 1, 3, 7])
    """
    last = max(int(edges[-1]), 1)
    return np.array([int(edge) * total // last for edge in edges], dtype=np.int64)


class Shards:
    """Makes the shards of one run: each is a pure function of its number.

    Parameters
    ----------
    run : Run
        Has all tables that are not cut.
    cut : Cut

    Attributes
    ----------
    rows : dict of str to int
        Of each table that is cut, at most, in all shards.
    """

    def __init__(self, run: Run, cut: Cut) -> None:
        self.run, self.cut = run, cut
        plan = run.fitted.plan
        self.order = [name for name in plan.order if name in cut.tables]
        # Of each table, shape (shards + 1,): the numbers of each shard's first row, and the end.
        self.edges: dict[str, IntArray] = {}
        # Shape (shards,): the rows that have a driving parent.
        self.linked: dict[str, IntArray] = {}
        self.limits: dict[str, list[Optional[int]]] = {}
        self.groups: dict[str, Groups] = {}
        self.rows: dict[str, int] = {}

    @classmethod
    def planned(cls, run: Run, cut: Cut) -> Shards:
        """Say how many rows each shard gets, and deal numbers of children among them."""
        shards = cls(run, cut)
        for name in shards.order:
            shards._plan(name)
            shards.rows[name] = int(shards.edges[name][-1])
        for name, link in shards._given_links():
            if link.role == "free":
                shards._deal(name, link)
        if shards.order:
            shards._find_parents()
        return shards

    def _plan(self, name: str) -> None:
        run, count = self.run, self.cut.shards
        driver = run.fitted.plan.tables[name].driver
        if driver is not None and driver.parent in self.edges:
            self._plan_driven(name)
            return
        if driver is None:
            rows = linked = root_rows(run, name)
        else:
            self.groups[name] = groups = driven_rows(run, name)
            rows, linked = groups.rows, int(groups.counts.sum())
        edges = np.arange(count + 1, dtype=np.int64) * rows // count
        if name in self.groups:  # move each edge back to where a group begins
            offsets = self.groups[name].offsets
            starts = offsets[np.searchsorted(offsets, edges, side="right") - 1]
            edges = np.where(edges < linked, starts, edges)
        self.edges[name], self.linked[name] = edges, np.diff(np.minimum(edges, linked))

    def _plan_driven(self, name: str) -> None:
        """Count the children of the parents in each shard: who has how many, is drawn there."""
        run, plan, count = self.run, self.run.fitted.plan.tables[name], self.cut.shards
        if plan.driver is None:
            raise RuntimeError(f"{name!r} has no driving key")
        label, parents = plan.driver.label(name), self.edges[plan.driver.parent]
        key = run.fitted.tables[name].keys[label]
        asked, share = run.num_rows.get(name), key.null_share
        total = None if asked is None else round(asked * (1.0 - share))
        there = {p: made.spool.rows for p, made in run.tables.items()}
        here = ({p: int(rows[i]) for p, rows in self._sizes().items()} for i in range(count))
        self.limits[name] = limits = [largest_group(run, name, {**there, **h}) for h in here]
        self.linked[name] = key.fan_out.totals(parents, total, limits)
        so_far = np.concatenate([[0], np.cumsum(self.linked[name])])
        if asked is not None and total is not None:
            without = shares_of(asked - total, parents)
        else:
            without = np.rint(so_far * (share / (1.0 - share) if share < 1.0 else 0.0))
        self.edges[name] = so_far + without.astype(np.int64)

    def _sizes(self) -> dict[str, IntArray]:
        """Return the rows of each shard, of the tables that are planned by now."""
        return {name: np.diff(edges) for name, edges in self.edges.items()}

    def _given_links(self) -> Iterator[tuple[str, Link]]:
        """Yield the keys of tables that are cut to tables that are not."""
        for name in self.order:
            for link in self.run.fitted.plan.tables[name].links:
                if link.key.parent not in self.cut.tables:
                    yield name, link

    def _linked(self, name: str, link: Link) -> IntArray:
        """Return how many rows of each shard have a parent over a key."""
        keys, links = self.run.fitted.tables[name].keys, self.run.fitted.plan.tables[name].links
        rows = np.diff(self.edges[name])
        if link.role == "driving":
            return self.linked[name]
        for leader in links[: links.index(link)]:
            alike = keys[leader.label].nulls.get(link.label)
            if alike is not None:
                theirs = self._linked(name, leader)
                return theirs if alike else np.asarray(rows - theirs)
        nulls = np.rint(keys[link.label].null_share * self.edges[name]).astype(np.int64)
        return np.asarray(rows - np.diff(nulls), dtype=np.int64)

    def _place(self, link: Link, number: int) -> Path:
        links = [one for _, one in self._given_links()]
        return self.run.folder / f"{links.index(link)}.{number}.quota"

    def _deal(self, name: str, link: Link) -> None:
        """Deal the children of all parents over a key among the shards."""
        linked = self._linked(name, link)
        quota, classes = planned_quota(self.run, link, int(linked.sum()))
        if int(quota.sum()) < int(linked.sum()):  # where no parent may have children
            linked = take_evenly(linked, int(quota.sum()))
        seed = self.run.drawn_seed(name, link.label, "shards")
        for number, dealt in enumerate(split_evenly(quota, classes, linked, seed)):
            with self._place(link, number).open("wb") as file:
                file.write(np.stack(dealt).tobytes())

    def _dealt(self, link: Link, number: int) -> tuple[IntArray, IntArray]:
        """Return the parents over a key in a shard, ascending, and the children of each."""
        parents, counts = np.fromfile(self._place(link, number), dtype=np.int64).reshape(2, -1)
        return parents, counts

    def _find_parents(self) -> None:
        """Find the parents over all keys between tables that are not cut, once for all shards."""
        for name in self.run.tables:
            for link in self.run.fitted.plan.tables[name].links:
                if link.role != "driving" and link.key.parent in self.run.tables:
                    self.run.parent_rows(name, link.key)

    def __getstate__(self) -> dict[str, Any]:
        """Return what other processes make shards from: quotas are dealt by now."""
        tables = {n: replace(made, preferences={}) for n, made in self.run.tables.items()}
        return {**self.__dict__, "run": replace(self.run, tables=tables, early=None)}

    def move(self, folder: Path) -> None:
        """Find all files in another folder from now on, which has the same."""
        self.run.folder = folder
        for made in self.run.tables.values():
            made.move(folder)

    def made(self, number: int, place: Optional[Path] = None) -> MadeShard:
        """Make a shard.

        Parameters
        ----------
        number : int
        place : Path, optional
            Where its folder is made; beside what it is made from by default.
        """
        place = self.run.folder if place is None else place
        # Of each attempt its own: another process may have been killed in the middle of this shard.
        folder = Path(tempfile.mkdtemp(prefix=f"shard-{number}-", dir=place))
        try:
            return self._made(number, folder)
        except BaseException:
            shutil.rmtree(folder, ignore_errors=True)
            raise

    def _made(self, number: int, folder: Path) -> MadeShard:
        given = self._given(number)
        quotas = {}
        for _, link in self._given_links():
            if link.role == "free":
                parents, counts = self._dealt(link, number)
                quotas[link.label] = np.zeros(len(given[link.key.parent]), dtype=np.int64)
                quotas[link.label][np.searchsorted(given[link.key.parent], parents)] = counts
        first = {name: int(edges[number]) for name, edges in self.edges.items()}
        shard = Shard(
            number,
            self.cut.shards,
            first,
            {name: int(edges[number + 1]) - first[name] for name, edges in self.edges.items()},
            self.rows,
            {name: int(linked[number]) for name, linked in self.linked.items()},
            {name: limits[number] for name, limits in self.limits.items()},
            {name: self._part_of(name, number, given) for name in self.groups},
            quotas,
            given,
            {
                name: int(np.diff(self.edges[name]).max())
                for name in self.order
                if self.run.fitted.tables[name].rising
            },
        )
        tables = {name: self._some(name, given, folder) for name in given}
        run = replace(
            self.run, folder=folder, tables=tables, blocks=BlockPool(), early=None, shard=shard
        )
        make_tables(run, self.order, lambda name: self._check_rows(run, name))
        own = {name: run.tables[name] for name in self.order}
        spools = {name: made.spool for name, made in own.items()}
        return MadeShard(folder, spools, {name: made.left_out for name, made in own.items()})

    def _check_rows(self, run: Run, name: str) -> None:
        made, number = run.tables[name].spool.rows, 0 if run.shard is None else run.shard.number
        planned = int(np.diff(self.edges[name])[number])
        if made > planned:  # their numbers would be those of another shard's rows
            raise RuntimeError(f"{made} rows of {name!r} were made, of {planned} planned ones")

    def _given(self, number: int) -> dict[str, IntArray]:
        """Return the numbers of the rows that a shard refers to, directly or not, by table.

        Look-up tables are there as a whole, since codes are the numbers of their rows, and so is
        what these refer to.
        """
        run, plan = self.run, self.run.fitted.plan
        # Of each table, which rows: to mark rows is cheaper than to sort their numbers.
        found: dict[str, Bools] = {}
        waiting: list[tuple[str, IntArray]] = []
        for name, link in self._given_links():
            if link.role == "free":
                waiting.append((link.key.parent, self._dealt(link, number)[0]))
            elif link.role == "driving":
                rows = np.arange(*self.edges[name][number : number + 2], dtype=np.int64)
                waiting.append((link.key.parent, self.groups[name].parents_of(rows)))
        while waiting:
            name, rows = waiting.pop()
            kept = run.fitted.tables[name].reference is not None
            known = found.setdefault(name, np.zeros(run.size(name), dtype=np.bool_))
            wanted = np.full_like(known, kept)
            wanted[rows[rows >= 0]] = True
            more = np.flatnonzero(wanted & ~known)
            known |= wanted
            for link in plan.tables[name].links if len(more) else ():
                over = np.arange(run.size(link.key.parent) if kept else 0, dtype=np.int64)
                parents = over if kept else run.parents_of(name, link.key, more)
                waiting.append((link.key.parent, parents))
        return {name: np.flatnonzero(rows) for name, rows in found.items()}

    def _some(self, name: str, given: dict[str, IntArray], folder: Path) -> Generated:
        """Return some rows of a table that is not cut, numbered from 0 on."""
        run, whole, rows = self.run, self.run.tables[name], given[name]
        plan, place = run.fitted.plan.tables[name], folder / run.place(name).name
        context = None if whole.context is None else SomeEncodedRows(whole.context, rows)
        made = Generated(SomeRows(whole.spool, rows, place), None, context)
        if whole.drawn is not None:
            made.drawn = SomeRows(whole.drawn, rows, place.with_suffix(".drawn"))
        for link in plan.links:
            parents = run.parents_of(name, link.key, rows)
            here = np.searchsorted(given[link.key.parent], np.maximum(parents, 0))
            here = np.where(parents < 0, -1, here)
            if link.role == "driving" and whole.groups is not None:
                made.groups = Groups(np.zeros(0, dtype=np.int64), 0, here)
            elif link.role != "driving":
                made.parents[link] = NumberSpool(made.number_place(link), [here])
        return made

    def _part_of(self, name: str, number: int, given: dict[str, IntArray]) -> Groups:
        """Return how the rows of a shard are dealt out to driving parents that are given."""
        groups, driver = self.groups[name], self.run.fitted.plan.tables[name].driver
        if driver is None:
            raise RuntimeError(f"{name!r} has no driving key")
        start, stop = self.edges[name][number : number + 2].tolist()
        parents = groups.parents_of(np.arange(start, stop, dtype=np.int64))
        known, here = parents[parents >= 0], given[driver.parent]
        counts = np.bincount(np.searchsorted(here, known), minlength=len(here)).astype(np.int64)
        return Groups(counts, len(parents) - len(known))
