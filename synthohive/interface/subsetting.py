"""A small database of real rows: chosen, copied by the database itself, proved, marked as real."""

from __future__ import annotations

import secrets
import time
from collections.abc import Mapping
from datetime import datetime, timezone
from typing import TYPE_CHECKING, Any, Optional, Union

from synthohive import _arguments as arguments
from synthohive._logging import get_logger
from synthohive._version import __version__
from synthohive.connectors.dialect import dialect_for
from synthohive.connectors.engines import to_engine
from synthohive.connectors.registry import capabilities, choosing
from synthohive.connectors.sql import RealRows, SqlWarehouse
from synthohive.connectors.writers import open_writer
from synthohive.exceptions import ConnectorError
from synthohive.interface.inputs import check_target
from synthohive.interface.requests import STRATEGIES
from synthohive.interface.result import SubsetSummary, TableSummary
from synthohive.io.base import REAL_ROWS, Provenance, Reader
from synthohive.io.sample_levels import Strategy
from synthohive.io.subset import Budget
from synthohive.io.writer import Writer
from synthohive.schema import PrivacyConfig

if TYPE_CHECKING:
    from sqlalchemy.engine import URL, Engine

__all__ = ["write_subset"]

log = get_logger(__name__)
MOST = 10**9


def write_subset(
    source: Optional[Reader],
    privacy: PrivacyConfig,
    sources: frozenset[str],
    url: Union[str, URL, Engine, None],
    schema: Union[str, Mapping[str, str], None],
    rows: int,
    max_bytes: Optional[int],
    strategy: Strategy,
    seed: Optional[int],
    if_exists: str,
) -> SubsetSummary:
    """Choose real rows and write them; see :meth:`Synthesizer.subset`."""
    budget = _budget(rows, max_bytes)
    arguments.choice("sampling_strategy", strategy, STRATEGIES)
    arguments.seed("seed", seed)
    arguments.choice("if_exists", if_exists, ("fail", "replace"))
    check_target(schema)
    warehouse = _warehouse(source)
    if url is None and schema is None:
        raise ConnectorError(
            "A subset holds real rows, and lies beside them only if its place is named.",
            hint="Name it: subset(schema='…', rows=…), or another database with url=….",
        )
    target = None if url is None else to_engine(url)
    _check_engine(warehouse.engine, "from")
    _check_engine(warehouse.engine if target is None else target, "to")
    warehouse.metadata.validate_schema()
    seed = secrets.randbits(32) if seed is None else int(seed)
    beside = warehouse.not_cloned()
    writer = open_writer(
        warehouse.engine,
        warehouse.metadata,
        target_schema=schema,
        source_schema=warehouse.schema,
        provenance=_provenance(warehouse, seed),
        if_exists="replace" if if_exists == "replace" else "fail",
        sources=sources | warehouse.fingerprint(),
        target_engine=target,
        keep_comments=privacy.keep_comments,
    )
    with writer:
        started = time.perf_counter()
        with warehouse.choosing(budget, seed, strategy) as found:
            chosen = time.perf_counter() - started
            within = _same_database(warehouse, target) and writer.takes()
            tables = tuple(_load(writer, found, name, within) for name in found.chosen)
        started = time.perf_counter()
        checks = writer.finish()
        constrained = time.perf_counter() - started
    log.warning("real_rows_written", target=writer.target, rows=sum(t.rows for t in tables))
    return SubsetSummary(
        writer.target,
        tables,
        tuple(checks),
        seed,
        {"choose": chosen, "load": sum(t.seconds for t in tables), "constrain": constrained},
        tuple(f"{n}.{c}" for n, t in warehouse.metadata.tables.items() for c in t.exclude_columns),
        not_cloned=beside,
        **_said(found),
    )


def _budget(rows: int, max_bytes: Optional[int]) -> Budget:
    arguments.whole("rows", rows, 1, MOST)
    if max_bytes is not None:
        arguments.whole("max_bytes", max_bytes, 1)
    return Budget(rows, max_bytes)


def _warehouse(source: Optional[Reader]) -> SqlWarehouse:
    if isinstance(source, SqlWarehouse):
        return source
    raise ConnectorError(
        "There is no database to choose real rows from.",
        hint="Start with Synthesizer.from_database(url).",
    )


def _check_engine(engine: Engine, way: str) -> None:
    facts = capabilities(engine.dialect.name)
    if facts is None or facts.asking is None or not facts.asking.literals:
        raise ConnectorError(
            f"A subset of real rows is not written {way} {engine.dialect.name!r} databases.",
            hint=f"It is {way} {', '.join(choosing())}.",
        )


def _provenance(warehouse: SqlWarehouse, seed: int) -> Provenance:
    return Provenance(
        version=__version__,
        model=REAL_ROWS,
        seed=seed,
        scale=1.0,
        created=datetime.now(timezone.utc).isoformat(timespec="seconds"),
        source=", ".join(warehouse.schemas),
    )


def _same_database(warehouse: SqlWarehouse, target: Optional[Engine]) -> bool:
    """Whether a connection to the target sees the source's tables, so that SQL can copy them."""
    if target is None or target is warehouse.engine:
        return True
    if target.dialect.name != warehouse.engine.dialect.name:
        return False
    there = dialect_for(target)
    return bool(there.fingerprint(warehouse.schemas[0]) & warehouse.fingerprint())


def _load(writer: Writer, found: RealRows, name: str, within: bool) -> TableSummary:
    """Copy the chosen rows of one table.

    Raises
    ------
    ConnectorError
        There are not as many any more.
    """
    started, expected = time.perf_counter(), found.chosen[name].rows
    if within:
        count = writer.take(name, found.conditions(name))
    else:
        count = writer.load(name, found.batches(name))
    if count != expected:
        raise ConnectorError(
            f"{expected:,} rows of table {name!r} were chosen, and {count:,} are there now: they "
            "were changed meanwhile, or a key that the description states repeats.",
            hint="Nothing was changed. Run again.",
        )
    return TableSummary(name, count, time.perf_counter() - started)


def _said(found: RealRows) -> dict[str, Any]:
    """Return what a summary tells of the choice."""
    chosen = found.chosen
    counts = found.counts
    return {
        "bytes": sum(one.size for one in chosen.values()),
        "shares": {n: c.rows / counts[n] for n, c in chosen.items() if counts[n]},
        "referred": {n: c.referred for n, c in chosen.items() if c.referred},
        "weights": {n: float(c.weights.max()) for n, c in chosen.items() if c.rows},
        "left_out": {n: c.left_out for n, c in chosen.items() if c.left_out},
    }
