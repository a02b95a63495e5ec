"""The Spark of a test process: one session, as it takes seconds to start."""

from __future__ import annotations

import functools
import os
import shutil
import sys
import tempfile
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

CLASSIC = {
    "spark.ui.enabled": "false",
    "spark.sql.session.timeZone": "UTC",
    # Tables are small: what costs is planning, compiling, and tasks that do nothing.
    "spark.driver.extraJavaOptions": "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC",
    "spark.sql.shuffle.partitions": "1",
    "spark.default.parallelism": "1",
    "spark.sql.adaptive.enabled": "false",
    "spark.sql.codegen.wholeStage": "false",
    "spark.sql.codegen.factoryMode": "NO_CODEGEN",
    "spark.sql.execution.arrow.pyspark.enabled": "true",
    "spark.sql.execution.arrow.maxRecordsPerBatch": "100",  # a partition is several batches
    # Spark's servers for results take one connection each: whoever else tries a port that was just
    # opened (port scanners do) takes it, and the driver is refused.
    "spark.python.unix.domain.socket.enabled": "true",
}

DELTA = {
    "spark.sql.extensions": "io.delta.sql.DeltaSparkSessionExtension",
    "spark.sql.catalog.spark_catalog": "org.apache.spark.sql.delta.catalog.DeltaCatalog",
}


def is_sail() -> bool:
    """Whether Spark is Sail, over Spark Connect."""
    return find_spec("pysail") is not None


def delta_jars() -> list[str]:
    """Return the JARs of Delta that the environment names: files, or a folder of them."""
    named = os.environ.get("SYNTHOHIVE_TEST_DELTA_JARS", "")
    places = [Path(place) for place in named.split(",") if place]
    return [
        str(p) for place in places for p in (place.glob("*.jar") if place.is_dir() else [place])
    ]


def has_delta() -> bool:
    """Whether Delta tables are written."""
    return is_sail() or bool(delta_jars())


@functools.cache
def session() -> Any:
    """Return this process's session: of Sail where it is installed, else of a local Spark."""
    from pyspark.sql import SparkSession

    # Both start Python for what runs in workers.
    os.environ.setdefault("PYSPARK_PYTHON", sys.executable)
    if is_sail():
        from pysail.spark import SparkConnectServer

        server = SparkConnectServer(ip="127.0.0.1", port=0)
        server.start(background=True)
        session.server = server  # type: ignore[attr-defined]  # it ends where nobody holds it
        builder = SparkSession.builder.remote(f"sc://127.0.0.1:{server.listening_address[1]}")
        return builder.getOrCreate()
    if shutil.which("java") is None:
        pytest.skip("there is no java")
    builder = SparkSession.builder.master("local[2,4]")
    folder = tempfile.mkdtemp(prefix="spark")  # else there is one in the working directory
    settings = {**CLASSIC, "spark.sql.warehouse.dir": folder}
    if delta_jars():
        settings |= {"spark.jars": ",".join(delta_jars()), **DELTA}
    for name, value in settings.items():
        builder = builder.config(name, value)
    return builder.getOrCreate()
