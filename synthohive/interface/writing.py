"""Generating, scoring, gating, and loading into a database."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timezone

from synthohive._version import __version__
from synthohive.generate.database import generate_database
from synthohive.interface.requests import Request
from synthohive.interface.result import TableSummary, WriteSummary
from synthohive.interface.scoring import mean_distances, score_tables
from synthohive.io.base import Provenance, Writer
from synthohive.learn.damage import using
from synthohive.learn.fitted import FittedDatabase
from synthohive.metrics.gate import check_quality, emit_scores
from synthohive.schema import ColumnKind, TableConfig
from synthohive.tables.block_store import TableSpool

__all__ = ["Made", "generated", "provenance_of", "write_database"]


@dataclass(frozen=True)
class Made:
    """Generated tables on disk, with their mean distances to the real ones.

    Attributes
    ----------
    spools : dict of str to TableSpool
        The rows of each table.
    distances : dict of str to float
        Of each table that was compared, the mean over its columns (KS or TVD, 0 … 1).
    seconds : float
        That the rows took, without scoring.
    """

    spools: dict[str, TableSpool]
    distances: dict[str, float]
    seconds: float


@contextmanager
def generated(request: Request) -> Iterator[Made]:
    """Generate, score, and gate; the rows are on disk while the block lasts.

    Raises
    ------
    QualityError
        A column is further from the real one than the request allows.
    """
    started = time.perf_counter()
    with generate_database(
        request.fitted,
        seed=request.seed,
        scale=request.scale,
        num_rows=request.num_rows,
        enforce_constraints=request.enforce_constraints,
        conditions=request.conditions,
    ) as spools:
        seconds = time.perf_counter() - started
        with using(request.fitted):
            scores = score_tables(request.fitted, spools)
        emit_scores(scores)
        if request.quality_threshold is not None:
            check_quality(scores, request.quality_threshold)
        yield Made(spools, mean_distances(scores, list(spools)), seconds)


def _empty(table: TableConfig) -> list[str]:
    """Return the columns of which only the NULLs were learned."""
    return [name for name, column in table.stored.items() if column.kind is ColumnKind.EMPTY]


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
    tables = []
    with writer, generated(request) as made:
        for name, spool in made.spools.items():
            started = time.perf_counter()
            rows = writer.load(name, spool.batches())
            spent = time.perf_counter() - started
            tables.append(TableSummary(name, rows, spent, made.distances.get(name)))
        started = time.perf_counter()
        checks = writer.finish()
        seconds = {
            "generate": made.seconds,
            "load": sum(t.seconds for t in tables),
            "constrain": time.perf_counter() - started,
        }
    excluded = [
        f"{name}.{column}"
        for name, table in request.fitted.described.tables.items()
        for column in (*table.exclude_columns, *_empty(table))
    ]
    asked = writer.objects()
    left, cloned = _sorted_out(not_cloned, asked)
    reasons = {f"{kind} {name}": reason for (kind, name), reason in asked.items() if reason}
    return WriteSummary(
        writer.target, tuple(tables), tuple(checks), request.seed, seconds, tuple(excluded),
        left, cloned, reasons,
    )  # fmt: skip


def _sorted_out(
    beside: Mapping[str, tuple[str, ...]], asked: Mapping[tuple[str, str], str]
) -> tuple[dict[str, tuple[str, ...]], dict[str, tuple[str, ...]]]:
    """Return what of a source's objects the copy lacks, and what it has, by kind."""
    left: dict[str, tuple[str, ...]] = {}
    cloned: dict[str, tuple[str, ...]] = {}
    for kind, names in beside.items():
        there = [name for name in names if asked.get((kind, name)) == ""]
        for found, part in ((cloned, there), (left, [n for n in names if n not in there])):
            found.update({kind: tuple(part)} if part else {})
    return left, cloned
