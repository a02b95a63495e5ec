"""Generating on Spark: shards are tasks, and tables lazy DataFrames of what these make.

The driver makes the tables that are not cut, in a folder; the workers read them there, with what
was learned, each process once. A task makes all tables of a shard at once. They leave it as blocks
(:data:`_BLOCKS`), which Spark keeps on its disks, and are taken apart table by table. What is lost
is made again, to the same bytes.
"""

from __future__ import annotations

import atexit
import os
import pickle
import shutil
import threading
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Optional

import pyarrow as pa

from synthohive._workspace import Workspace
from synthohive.exceptions import ConnectorError
from synthohive.generate.block_pool import BlockPool
from synthohive.generate.database import cut_of, planned_shards, writing_to
from synthohive.generate.run import Run
from synthohive.generate.shard_plan import SHARD_SIZE, ShardSize
from synthohive.generate.shards import Shards
from synthohive.interface.requests import Request, check_room

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession

__all__ = ["SparkTables", "spark_tables"]

_BLOCKS = "name STRING, content BINARY"
"""A block of a table, as a stream of Arrow's."""
_FILE = "shards"
_TASKS = 8
"""Tasks that look whether their worker finds a folder."""


class SparkTables(dict[str, Any]):
    """Generated tables as lazy DataFrames, by name, parents first.

    Rows are made when a DataFrame is asked for them, all tables of a shard at once, and kept on
    Spark's disks until :meth:`close`, or the end of a block::

        with synthesizer.to_spark(scale=100, seed=7) as tables:
            tables["orders"].write.saveAsTable("shop_synthetic.orders")

    Attributes
    ----------
    planned : dict of str to int
        The most rows of each table that is cut.
    """

    def __init__(
        self,
        keeping: ExitStack,
        folder: Workspace,
        tables: dict[str, DataFrame],
        planned: dict[str, int],
    ) -> None:
        super().__init__(tables)
        self._keeping, self._folder, self.planned = keeping, folder, planned
        # DataFrames that follow from these do not know this object: what they need stays until
        # the process ends. The session is not asked then: it may be gone, and is asked for long.
        atexit.register(folder.cleanup)

    def __enter__(self) -> SparkTables:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Give up what is kept: the DataFrames can be asked for nothing any more."""
        atexit.unregister(self._folder.cleanup)
        self._keeping.close()


def spark_tables(
    spark: Optional[SparkSession],
    request: Request,
    *,
    partitions: Optional[int] = None,
    size: ShardSize = SHARD_SIZE,
) -> SparkTables:
    """Return generated tables as lazy DataFrames; those that are not cut are made now.

    Parameters
    ----------
    spark : pyspark.sql.SparkSession
    request : Request
    partitions : int, optional
        Of the shards; one for each by default, so that little is made again where one is lost.
    size : ShardSize
        The rows follow from it, not from `partitions`.

    Raises
    ------
    ConnectorError
        There is no session, or its workers cannot read what the driver wrote.
    """
    if spark is None:
        raise ConnectorError(
            "There is no Spark session.",
            hint="Pass one: Synthesizer(…, spark_session=spark), or load(…, spark_session=spark).",
        )
    from pyspark import StorageLevel

    from synthohive.connectors.spark.columns import frame_columns
    from synthohive.connectors.spark.refusals import failing

    with ExitStack() as keeping, failing("making DataFrames"):
        workspace = Workspace()
        folder = keeping.enter_context(workspace)
        spark.range(1)  # a session that has ended says so before any work
        shards = _by_driver(request, folder, size)
        bundle = _handed_out(spark, folder)
        made = _blocks(spark, _MadeShards(bundle), shards.cut.shards, partitions)
        if len(shards.cut.tables) > 1:  # else each table would have all of them made again
            made = made.persist(StorageLevel.DISK_ONLY)
            keeping.callback(_given_up, made)
        frames: dict[str, Any] = {}
        for name, table in request.fitted.shown.items():
            if name in shards.cut.tables:
                blocks_of = made.where(made["name"] == name)
            else:
                count = len(shards.run.tables[name].spool.starts)
                blocks_of = _blocks(spark, _KeptBlocks(bundle, name), count, partitions)
            frames[name] = blocks_of.select("content").mapInArrow(
                _taken_apart, frame_columns(table.config)
            )
        return SparkTables(keeping.pop_all(), workspace, frames, dict(shards.rows))


def _by_driver(request: Request, folder: Path, size: ShardSize) -> Shards:
    """Make the tables that are not cut, and write down what shards are made from."""
    from joblib.externals.loky import wrap_non_picklable_objects

    fitted = request.fitted
    with writing_to(folder), BlockPool(request.n_jobs, folder) as blocks:
        run = Run(
            fitted, request.seed, request.scale, folder, fitted.with_entity_rows(request.num_rows),
            request.enforce_constraints, dict(request.conditions), blocks=blocks,
            people=request.people,
        )  # fmt: skip
        cut = cut_of(run, size)
        check_room(fitted, run.num_rows, run.scale, cut.tables)
        shards = planned_shards(run, cut)
        # Models may be of the user's own classes, which the workers may not know.
        known = wrap_non_picklable_objects(shards, keep_wrapper=False)
        (folder / _FILE).write_bytes(pickle.dumps(known))
    return shards


def _given_up(made: DataFrame) -> None:
    from synthohive.connectors.spark.refusals import spark_errors

    with suppress(*spark_errors()):  # the session may have ended, and all of its own with it
        made.unpersist()


def _blocks(spark: SparkSession, function: Any, count: int, partitions: Optional[int]) -> DataFrame:
    parts = max(min(count, count if partitions is None else partitions), 1)
    return spark.range(0, count, 1, parts).mapInArrow(function, _BLOCKS)


@dataclass(frozen=True)
class _Bundle:
    """The folder of what shards are made from, wherever a worker finds it."""

    path: str

    @property
    def there(self) -> Path:
        """The file, in the driver's folder if this is its machine or the disk is shared."""
        place = Path(self.path)
        # What another user's driver has on this machine is there, and cannot be read.
        here = os.access(place / _FILE, os.R_OK)
        return (place if here else Path(place.name)) / _FILE

    def shards(self) -> Shards:
        """Return what makes shards, read once by each process."""
        with _LOADING:
            if self.path not in _LOADED:
                if not self.there.exists():
                    raise ConnectorError(
                        "What these tables are made from is not there.",
                        hint="They were closed, or this worker does not reach the driver's TMPDIR.",
                    )
                # Written by this run's driver, in a folder that only its user may enter.
                shards = pickle.loads(self.there.read_bytes())  # noqa: S301
                shards.move(self.there.parent.resolve())
                _LOADED.clear()
                _LOADED[self.path] = shards
            return _LOADED[self.path]


_LOADED: dict[str, Shards] = {}
_LOADING = threading.Lock()


def _handed_out(spark: SparkSession, folder: Path) -> _Bundle:
    """See that the workers find a folder: of another machine, they are sent a copy."""
    from synthohive.connectors.spark.refusals import spark_errors

    bundle = _Bundle(str(folder))
    classic = "connect" not in type(spark).__module__
    if classic and str(spark.conf.get("spark.master", "")).startswith("local"):
        return bundle
    with Workspace() as place, writing_to(place):
        archive = shutil.make_archive(str(place / folder.name), "zip", folder)
        try:
            spark.addArtifacts(f"{archive}#{folder.name}", archive=True)
        except spark_errors() as exc:  # a server that takes none may run here
            _look_for(spark, bundle, exc)
    return bundle


def _look_for(spark: SparkSession, bundle: _Bundle, reason: BaseException) -> None:
    from synthohive.connectors.spark.refusals import failing

    with failing("workers were asked for the folder of what they make rows from"):
        tasks = spark.range(0, _TASKS, 1, _TASKS).mapInArrow(partial(_seen, bundle), "seen BOOLEAN")
        lost = tasks.where("NOT seen").limit(1).toArrow().num_rows
    if lost:
        raise ConnectorError(
            f"Spark's workers do not find {bundle.path!r}, and nothing can be sent to them.",
            hint="Set the driver's TMPDIR to a folder that all workers reach by the same path.",
        ) from reason


def _seen(bundle: _Bundle, batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    for batch in batches:
        yield pa.RecordBatch.from_pydict({"seen": [bundle.there.exists()] * len(batch)})


@dataclass(frozen=True)
class _MadeShards:
    """Makes shards in a worker, from their numbers."""

    bundle: _Bundle

    def __call__(self, batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        for batch in batches:
            for number in batch.column(0).to_pylist():
                with Workspace() as place:
                    made = self.bundle.shards().made(number, place)
                    for name, spool in made.tables.items():
                        for block in spool.batches():
                            yield _packed(name, block)


@dataclass(frozen=True)
class _KeptBlocks:
    """Reads blocks of a table that the driver made, by their numbers."""

    bundle: _Bundle
    name: str

    def __call__(self, batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        spool = self.bundle.shards().run.tables[self.name].spool
        for batch in batches:
            for number in batch.column(0).to_pylist():
                for block in spool.block(number).to_batches():
                    yield _packed(self.name, block)


def _packed(name: str, block: pa.RecordBatch) -> pa.RecordBatch:
    sink = pa.BufferOutputStream()
    options = pa.ipc.IpcWriteOptions(compression="lz4")  # half of the bytes, for a tenth of making
    with pa.ipc.new_stream(sink, block.schema, options=options) as writer:
        writer.write_batch(block)
    content = pa.array([sink.getvalue().to_pybytes()], pa.binary())
    return pa.RecordBatch.from_arrays([pa.array([name]), content], ["name", "content"])


def _taken_apart(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    from synthohive.connectors.spark.columns import carried

    for batch in batches:
        for content in batch.column(0):
            with pa.ipc.open_stream(content.as_buffer()) as reader:
                for block in reader:
                    yield pa.RecordBatch.from_arrays(
                        [carried(column) for column in block.columns], block.schema.names
                    )
