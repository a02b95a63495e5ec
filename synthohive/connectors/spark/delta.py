"""Delta tables: what one is, its marks, one transaction that replaces its rows, and undoing it.

Delta's own statements (``DESCRIBE HISTORY``, ``RESTORE`` …) are asked first. A server that has not
got them, and writes Delta all the same, is helped by the package ``deltalake``, which reads and
writes the same log beside it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Optional, TypeVar

from synthohive.connectors.spark.refusals import refused, spark_errors
from synthohive.connectors.spark_sql.text import literal, quote
from synthohive.exceptions import ConnectorError
from synthohive.io.base import Provenance

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession

__all__ = ["RUN", "DeltaState", "DeltaTable", "properties_of", "properties_sql"]

T = TypeVar("T")
RUN = "synthohive.run"
"""The property of a table that says which run of SynthoHive wrote it."""
_UNUSUAL = frozenset(" ,;{}()\n\t=")
"""What names of columns have in Delta only where these are mapped to other ones in the files."""


def properties_of(provenance: Provenance, run: str) -> dict[str, str]:
    """Return the properties that a table of ours has."""
    told = {
        "version": provenance.version,
        "model": provenance.model,
        "seed": "" if provenance.seed is None else str(provenance.seed),
        "scale": str(provenance.scale),
        "created": provenance.created,
        "source": provenance.source,
    }
    return {RUN: run, **{f"synthohive.{name}": value for name, value in told.items()}}


def properties_sql(properties: Mapping[str, str]) -> str:
    """Return properties as statements have them."""
    return f"({', '.join(f'{literal(k)} = {literal(v)}' for k, v in properties.items())})"


@dataclass(frozen=True)
class DeltaState:
    """What a Delta table is at one version.

    Attributes
    ----------
    version : int
    properties : dict of str to str
    partitioned, clustered : tuple of str
        The columns by which its files are laid out.
    last_run : str
        The run that wrote the last version; "" if no run of ours did.
    """

    version: int
    properties: Mapping[str, str]
    partitioned: tuple[str, ...] = ()
    clustered: tuple[str, ...] = ()
    last_run: str = ""

    @property
    def ours(self) -> bool:
        """Whether a run of SynthoHive made the table."""
        return RUN in self.properties


class DeltaTable:
    """One Delta table, in a folder or in a catalogue.

    Parameters
    ----------
    spark : pyspark.sql.SparkSession
    sql : str
        As statements name it.
    location : str, optional
        Its folder, where that is known.
    """

    def __init__(self, spark: SparkSession, sql: str, location: Optional[str] = None) -> None:
        self.spark, self.sql, self.location = spark, sql, location

    @classmethod
    def in_folder(cls, spark: SparkSession, location: str) -> DeltaTable:
        """Return the table in a folder."""
        return cls(spark, f"delta.{quote(location)}", location)

    def state(self) -> DeltaState:
        """Return what the table is now."""

        def asked() -> DeltaState:
            (detail,) = self.spark.sql(f"DESCRIBE DETAIL {self.sql}").collect()
            (last,) = self.spark.sql(f"DESCRIBE HISTORY {self.sql} LIMIT 1").collect()
            facts = detail.asDict()
            return DeltaState(
                int(last["version"]),
                dict(facts["properties"] or {}),
                tuple(facts["partitionColumns"] or ()),
                tuple(facts.get("clusteringColumns") or ()),
                last["userMetadata"] or "",
            )

        def looked(table: Any) -> DeltaState:
            facts, (last,) = table.metadata(), table.history(1)
            return DeltaState(
                table.version(),
                dict(facts.configuration),
                tuple(facts.partition_columns),
                last_run=last.get("userMetadata") or "",
            )

        return self._either("reading what a table is", asked, looked)

    def mark(self, properties: Mapping[str, str]) -> None:
        """Set properties."""

        def asked() -> None:
            listed = properties_sql(properties)
            self.spark.sql(f"ALTER TABLE {self.sql} SET TBLPROPERTIES {listed}").collect()

        def looked(table: Any) -> None:
            table.alter.set_table_properties(dict(properties), raise_if_not_exists=False)

        self._either("marking a table", asked, looked)

    def restore(self, version: int) -> None:
        """Bring back the rows and properties of a version, as a version of its own."""

        def asked() -> None:
            self.spark.sql(f"RESTORE TABLE {self.sql} TO VERSION AS OF {version}").collect()

        self._either("restoring a table", asked, lambda table: table.restore(version))

    def undo(self, run: str, before: int) -> None:
        """Bring back the version before a run, unless somebody else has written to it since."""
        now = self.state()
        only_marked = now.version == before + 1 and now.properties.get(RUN) == run
        if now.version > before and (only_marked or now.last_run == run):
            self.restore(before)

    def replace_rows(
        self, rows: DataFrame, state: DeltaState, run: str, *, schema: bool, name: str = ""
    ) -> None:
        """Replace all rows in one transaction; how the files are laid out is kept.

        Parameters
        ----------
        rows : pyspark.sql.DataFrame
        state : DeltaState
        run : str
            Noted in the transaction.
        schema : bool
            Whether the rows' columns replace those of the table.
        name : str
            Of a table in a catalogue.
        """
        if name and not schema:
            from pyspark.sql.functions import lit

            rows.writeTo(name).option("userMetadata", run).overwrite(lit(True))
            return
        # A session's "dynamic" would leave the partitions that the rows are not in.
        options = {"userMetadata": run, "partitionOverwriteMode": "static"}
        writer = rows.write.format("delta").mode("overwrite").options(**options)
        if schema:
            writer = writer.option("overwriteSchema", "true")
            there = set(rows.columns)
            if state.partitioned and there.issuperset(state.partitioned):
                writer = writer.partitionBy(*state.partitioned)
            elif state.clustered and there.issuperset(state.clustered):
                writer = writer.clusterBy(*state.clustered)
        if name:
            writer.saveAsTable(name)
        else:
            writer.save(self.location)

    def _either(self, doing: str, asked: Callable[[], T], looked: Callable[[Any], T]) -> T:
        """Ask the server; where it cannot, look at the table's log from here."""
        try:
            return asked()
        except spark_errors() as exc:
            failure = refused(doing, exc)
        if self.location is None:
            raise failure
        try:
            import deltalake
        except ImportError:
            failure.hint = "If this server has no such statement: pip install deltalake."
            raise failure from None
        try:
            return looked(deltalake.DeltaTable(self.location))
        except (deltalake.exceptions.DeltaError, OSError, ValueError):
            raise failure from None


def mapped(columns: Iterable[str]) -> dict[str, str]:
    """Return the properties that a table needs for the names of its columns."""
    unusual = any(_UNUSUAL.intersection(name) for name in columns)
    return {"delta.columnMapping.mode": "name"} if unusual else {}


def same_columns(mine: DataFrame, theirs: DataFrame, name: str) -> None:
    """Refuse rows whose columns are not those of the table that they are for.

    Raises
    ------
    ConnectorError
    """
    own, there = (
        {field.name.lower(): field.dataType.simpleString() for field in frame.schema.fields}
        for frame in (mine, theirs)
    )
    if own != there:
        others = sorted(n for n in {**own, **there} if own.get(n) != there.get(n))
        raise ConnectorError(
            f"The Delta table {name!r} has other columns than what is to be written: "
            f"{', '.join(others[:5])}.",
            hint="Nothing was changed. Pass overwrite_schema=True, or choose another place.",
        )
