"""Generating, scoring, gating, and loading into a database."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import astuple, dataclass, replace
from datetime import datetime, timezone
from typing import Optional

from synthohive._version import __version__
from synthohive.generate.block_pool import nothing
from synthohive.generate.database import generate_database
from synthohive.interface.loading import Loaded, Loading, loading
from synthohive.interface.requests import Request
from synthohive.interface.result import TableSummary, WriteSummary
from synthohive.io.base import KeyCheck, Provenance
from synthohive.io.writer import Writer
from synthohive.learn.damage import using
from synthohive.learn.fitted import FittedDatabase
from synthohive.metrics.distances import ColumnScore
from synthohive.schema import ColumnKind
from synthohive.tables.block_store import TableSpool

__all__ = ["Made", "generated", "provenance_of", "score_tables", "summary_of", "write_database"]

SCORED_ROWS = 200_000
"""Rows of a table that are scored at most: the error of a KS distance is then below 0.005."""


@dataclass(frozen=True)
class Made:
    """Generated tables on disk.

    Attributes
    ----------
    spools : dict of str to TableSpool
    scores : dict of str to ColumnScore
        As :func:`score_tables` returns them.
    seconds : float
        That the rows took, without scoring.
    """

    spools: dict[str, TableSpool]
    scores: dict[str, ColumnScore]
    seconds: float


@contextmanager
def generated(request: Request, loading: Optional[Loading] = None) -> Iterator[Made]:
    """Generate, score, and gate; the rows are on disk while the block lasts.

    Parameters
    ----------
    request : Request
    loading : Loading, optional
        Gets each table as soon as it is final.

    Raises
    ------
    QualityError
        A score is beyond a limit of the request.
    """
    started, scored = time.perf_counter(), 0.0
    scores: dict[str, dict[str, ColumnScore]] = {}
    if loading is not None:
        for name, (_, found) in loading.done.items():
            scores[name] = {column: ColumnScore(*score) for column, score in found.items()}

    def ready(name: str, spool: TableSpool) -> None:
        nonlocal scored
        if name in scores:  # loaded before
            return
        before = time.perf_counter()
        with using(request.fitted):
            found = scores[name] = score_tables(request.fitted, {name: spool})
        scored += time.perf_counter() - before
        if loading is not None:
            loading.add(name, spool, {column: astuple(score) for column, score in found.items()})

    def gated(spools: dict[str, TableSpool]) -> dict[str, ColumnScore]:
        found = {key: s for name in request.fitted.shown for key, s in scores[name].items()}
        with using(request.fitted):
            request.measures.judge(found, spools)
        return found

    # there may be nothing left to make
    if scores.keys() == set(request.fitted.shown) and not request.measures.needs_rows:
        yield Made({}, gated({}), 0.0)
        return
    with generate_database(
        request.fitted,
        seed=request.seed,
        scale=request.scale,
        num_rows=request.num_rows,
        enforce_constraints=request.enforce_constraints,
        conditions=request.conditions,
        n_jobs=request.n_jobs,
        people=request.people,
        ready=ready,
        early=loading.begin if loading is not None and loading.early else None,
        go_on=nothing if loading is None else loading.check,
    ) as spools:
        seconds = time.perf_counter() - started - scored
        yield Made(spools, gated(spools), seconds)


def score_tables(
    fitted: FittedDatabase, spools: Mapping[str, TableSpool]
) -> dict[str, ColumnScore]:
    """Return each modelled column's distance to the profile that `fit` kept, by its full name."""
    scores: dict[str, ColumnScore] = {}
    for name, spool in spools.items():
        profile = fitted.tables[name].profile
        if profile is None:
            continue
        table = spool.thinned(list(profile.columns), SCORED_ROWS)
        for column, score in profile.score(table).items():
            scores[f"{name}.{column}"] = score
    return scores


def provenance_of(fitted: FittedDatabase, seed: int, scale: float) -> Provenance:
    """Describe the origin of a schema that is written.

    Parameters
    ----------
    fitted : FittedDatabase
    seed : int
    scale : float
        As the rows were asked for.
    """
    return Provenance(
        version=__version__,
        model=fitted.model_name,
        seed=seed,
        scale=scale,
        created=datetime.now(timezone.utc).isoformat(timespec="seconds"),
        source=", ".join(fitted.metadata.schemas) or fitted.metadata.schema_name or "",
    )


def write_database(
    request: Request, writer: Writer, not_cloned: Mapping[str, tuple[str, ...]]
) -> WriteSummary:
    """Generate into an open writer; whatever fails leaves nothing behind.

    Parameters
    ----------
    request : Request
    writer : Writer
        Open; finished or aborted on return.
    not_cloned : dict of str to tuple of str
        By kind, what the source has beside its tables (:meth:`Reader.not_cloned`).
    """
    with writer, loading(writer) as tables, generated(request, tables) as made:
        started = time.perf_counter()
        loaded = tables.finish()
        finished = time.perf_counter()
        checks = writer.finish()
        seconds = {
            "generate": made.seconds,
            "load": finished - started,
            "constrain": time.perf_counter() - finished,
        }
    asked = writer.objects()
    there = {
        kind: tuple(name for name in names if asked.get((kind, name)) == "")
        for kind, names in not_cloned.items()
    }
    left = {
        kind: tuple(name for name in names if name not in there[kind])
        for kind, names in not_cloned.items()
    }
    for (kind, name), reason in asked.items():
        if reason and name not in left.get(kind, ()):  # what another engine cannot state
            left[kind] = (*left.get(kind, ()), name)
    summary = summary_of(
        request.fitted, writer.target, loaded, checks, made.scores, request.seed, seconds
    )
    return replace(
        summary,
        not_cloned={kind: names for kind, names in left.items() if names},
        cloned={kind: names for kind, names in there.items() if names},
        reasons={f"{kind} {name}": reason for (kind, name), reason in asked.items() if reason},
    )


def summary_of(
    fitted: FittedDatabase,
    target: str,
    loaded: Mapping[str, Loaded],
    checks: Sequence[KeyCheck],
    scores: Mapping[str, ColumnScore],
    seed: int,
    seconds: Mapping[str, float],
) -> WriteSummary:
    """Tell what was written.

    Parameters
    ----------
    fitted : FittedDatabase
    target : str
        Where the tables are.
    loaded : mapping of str to (int, float)
        The rows of each table, and the seconds that they took.
    checks : sequence of KeyCheck
    scores : mapping of str to ColumnScore
        By ``"table.column"``.
    seed : int
    seconds : mapping of str to float
        Of the phases.
    """
    summaries = []
    for name, (rows, spent) in ((name, loaded[name]) for name in fitted.shown):
        values = [s.value for key, s in scores.items() if key.startswith(f"{name}.")]
        mean = sum(values) / len(values) if values else None
        summaries.append(TableSummary(name, rows, spent, mean))
    excluded = tuple(
        f"{name}.{column}"
        for name, table in fitted.described.tables.items()
        for column in (
            *table.exclude_columns,
            *(n for n, column in table.stored.items() if column.kind is ColumnKind.EMPTY),
        )
    )
    return WriteSummary(target, tuple(summaries), tuple(checks), seed, dict(seconds), excluded)
