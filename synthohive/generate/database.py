"""Generating a whole database, in the order of one plan."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Optional

import pyarrow as pa

from synthohive._workspace import Workspace
from synthohive.constrain.validity import refuse, repeats
from synthohive.exceptions import ConnectorError
from synthohive.generate.block_pool import BlockPool, nothing
from synthohive.generate.blocks import BLOCK_ROWS
from synthohive.generate.conditions import Conditions
from synthohive.generate.making import make_tables, refuse_loss
from synthohive.generate.row_counts import expected_rows
from synthohive.generate.run import Early, Generated, Run
from synthohive.generate.shard_plan import SHARD_SIZE, Cut, ShardSize, cut_tables
from synthohive.generate.shards import Shards
from synthohive.learn.fitted import FittedDatabase
from synthohive.tables.block_store import TableSpool

__all__ = ["cut_of", "generate_database", "planned_shards", "writing_to"]

Ready = Callable[[str, TableSpool], None]


def _nobody(name: str, spool: TableSpool) -> None:
    """Wait for no table."""


@contextmanager
def generate_database(
    fitted: FittedDatabase,
    *,
    seed: int,
    scale: float = 1.0,
    num_rows: Optional[Mapping[str, int]] = None,
    enforce_constraints: bool = False,
    conditions: Optional[Mapping[str, Conditions]] = None,
    n_jobs: Optional[int] = None,
    ready: Ready = _nobody,
    early: Optional[Early] = None,
    go_on: Callable[[], None] = nothing,
    shard_size: ShardSize = SHARD_SIZE,
    people: Optional[int] = None,
) -> Iterator[dict[str, TableSpool]]:
    """Generate all tables into a temporary folder; yield them by name, parents first.

    The folder is removed when the block is left. Tables found within others are not shown.

    Parameters
    ----------
    fitted : FittedDatabase
    seed : int
        The same seed gives the same rows.
    scale : float, default 1.0
        Rows of each root table, as a multiple of the real ones; its children follow.
    num_rows : mapping of str to int, optional
        Rows of some tables, which the scale is not for.
    enforce_constraints : bool, default False
        Raise where a drawn row breaks a CHECK, instead of repairing it.
    conditions : mapping of str to Conditions, optional
        What the caller fixes, by table.
    n_jobs : int, optional
        Processes that make rows, with this one: see :class:`BlockPool`.
    ready : callable, optional
        Gets each table's name and rows as soon as these are final, while others are still made.
        All keys are proved only when the block is entered.
    early : callable, optional
        Gets the name of a table, and its rows while their last blocks are made, where nothing is
        expected to change them after that; `ready` follows.
    go_on : callable, optional
        Called between two blocks: what it raises ends the run.
    shard_size : ShardSize, optional
        From which size on tables are cut into shards, of which size: other rows follow from it.

    people : int, optional
        What persons are made up from, in place of the seed.

    Raises
    ------
    ConstraintViolationError
        A row has NULL in a NOT NULL column, repeats a key, or refers to nothing; or for none of the
        many rows of a table do keys hold.
    """
    with Workspace() as folder:
        with writing_to(folder), BlockPool(n_jobs, folder, go_on) as blocks:
            run = Run(
                fitted, seed, scale, folder, fitted.with_entity_rows(num_rows or {}),
                enforce_constraints, dict(conditions or {}), blocks=blocks, early=early,
                people=people,
            )  # fmt: skip
            spools = _generate(run, ready, shard_size)
        yield spools


@contextmanager
def writing_to(folder: Path) -> Iterator[None]:
    """Tell of a temporary folder that takes no more rows; nothing else is written or read inside.

    Raises
    ------
    ConnectorError
    """
    try:
        yield
    except OSError as exc:
        reason = os.strerror(exc.errno) if exc.errno else str(exc)
        raise ConnectorError(
            f"The temporary folder {str(folder.parent)!r} cannot take the generated rows: "
            f"{reason}.",
            hint="Make room there, or set TMPDIR to another folder.",
        ) from exc


def cut_of(run: Run, size: ShardSize) -> Cut:
    """Decide which tables of a run are cut, and start other processes if it is worth it."""
    rows = expected_rows(run.fitted, run.scale, run.num_rows)
    cut = cut_tables(run.fitted, rows, size)
    run.blocks.expect(max(sum(rows.values()) // BLOCK_ROWS, cut.shards))
    return cut


def planned_shards(run: Run, cut: Cut, ready: Ready = _nobody) -> Shards:
    """Make the tables that are not cut; return what makes the others.

    Parameters
    ----------
    run : Run
        Gets the tables.
    cut : Cut
    ready : callable, optional
        As of :func:`generate_database`.
    """
    whole = [name for name in run.fitted.plan.order if name not in cut.tables]
    make_tables(run, whole, partial(_final, run, ready))
    return Shards.planned(run, cut)


def _generate(run: Run, ready: Ready, size: ShardSize) -> dict[str, TableSpool]:
    shards = planned_shards(run, cut_of(run, size), ready)
    if shards.order:
        _generate_shards(run, shards)
    for name in shards.order:
        _final(run, ready, name)
    return {name: run.tables[name].spool for name in run.fitted.shown}


def _final(run: Run, ready: Ready, name: str) -> None:
    made = run.tables[name]
    refuse_loss(run.fitted, name, made.spool.rows, made.left_out)
    run.tables[name].spool.freeze()
    if name in run.fitted.shown:
        ready(name, run.tables[name].spool)


def _generate_shards(run: Run, shards: Shards) -> None:
    """Make the tables that are cut, shard by shard, and put these one behind the other."""
    fitted, cut = run.fitted, shards.cut
    whole = {name: TableSpool(run.place(name), fitted.tables[name].schema) for name in cut.tables}
    largest = sorted(cut.tables, key=lambda name: (-shards.rows[name], name))
    for name in largest:  # so that the longest load begins first
        if run.early is not None and name in fitted.shown:
            run.early(name, whole[name].follow())
    lost = dict.fromkeys(cut.tables, 0)
    for made in run.blocks.map(shards.made, range(cut.shards), cut.shards):
        for name, spool in made.tables.items():
            for batch in spool.batches():
                whole[name].append(pa.Table.from_batches([batch]))
            lost[name] += made.left_out[name]
        made.remove()
    for name, spool in whole.items():
        spool.close()
        run.tables[name] = Generated(spool, left_out=lost[name])
    # Each shard has looked at its keys; what may still be is that two shards have the same.
    rules = fitted.special_rules()
    for name in largest:
        config = fitted.metadata.tables[name]
        refuse(list(repeats(config, run, rules[name], config.no_parents)))
