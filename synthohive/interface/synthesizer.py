"""The facade: fit, sample, write, report, save, load."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Optional, Union

from synthohive import _arguments as arguments
from synthohive._signals import terminable
from synthohive._workspace import Workspace
from synthohive.connectors.reflection import OutsideKeys
from synthohive.generate.block_pool import ANALYSING, BlockPool
from synthohive.interface.checkpoint import load_checkpoint, save_checkpoint
from synthohive.interface.checkpoint_folder import check_place, unfinished_in
from synthohive.interface.imputing import Columns, imputed
from synthohive.interface.inputs import check_target, source_of
from synthohive.interface.outputs import FORMATS, OutputFormat, forms_of, to_frames, to_memory
from synthohive.interface.preview import few_rows, preview_sizes
from synthohive.interface.rehearsal import Rehearsal, Target
from synthohive.interface.reports import Reports
from synthohive.interface.requests import Request, check_fit, check_locale, check_model, fit_seed
from synthohive.interface.result import SubsetSummary, WriteSummary
from synthohive.interface.resuming import facts_of
from synthohive.interface.spark_tables import SparkTables, spark_tables
from synthohive.interface.spark_writing import Published, to_catalogue, to_folders
from synthohive.interface.subsetting import write_subset
from synthohive.interface.targets import open_target
from synthohive.interface.writing import generated, provenance_of, write_database
from synthohive.io.base import TABLE_FORMATS, IfExists, Include, TableFormat
from synthohive.io.files import FileTarget
from synthohive.io.sample_levels import Strategy
from synthohive.learn.database import fit_database
from synthohive.learn.options import FitOptions
from synthohive.metrics.gate import Gate
from synthohive.models import MODELS, ModelType, resolve_model
from synthohive.models.progress import ProgressBar
from synthohive.schema import OUTSIDE_KEYS, Metadata, PrivacyConfig

if TYPE_CHECKING:
    from sqlalchemy.engine import URL, Engine

    from synthohive.connectors.spark.publication import WrittenTables

__all__ = ["Synthesizer"]

PathLike = Union[str, "os.PathLike[str]"]
FileIfExists = Literal["fail", "replace"]
Conditions = Mapping[str, Mapping[str, Any]]
SAMPLE_SIZE = 50_000
MOST_SHOWN = 10_000


class Synthesizer(Reports):
    """Learns a multi-table database and makes synthetic ones like it.

    Start with :meth:`from_database`, or describe the tables and call this class; :meth:`fit`;
    then :meth:`to_database`, :meth:`sample`, :meth:`impute` or :meth:`report`, as often as you
    like. :meth:`save` keeps what was learned for another process, which calls :meth:`load`.

    Parameters
    ----------
    metadata : Metadata
        Tables and keys.
    privacy_config : PrivacyConfig, optional
        What must not leave the database.
    spark_session : pyspark.sql.SparkSession, optional
        Classic, or of Spark Connect: what :meth:`fit` then takes are names and paths of Spark's
        tables, or its DataFrames.
    model : {"ctgan", "tvae", "autoregressive", "auto"} or type, default "ctgan"
        A built-in model by name, or a class that implements
        :class:`~synthohive.ConditionalGenerativeModel`. "autoregressive", the default of
        :meth:`from_database`, comes closer and trains faster; here "ctgan" stays the
        default for code that relies on it.
    embedding_threshold : int, default 50
        Columns with more categories are embedded instead of one-hot encoded.

    Attributes
    ----------
    metadata : Metadata
    fitted_ : FittedDatabase
        After :meth:`fit`.
    metrics_ : DataFrame or None
        After :meth:`sample` or :meth:`to_database`: a row for each score of that run, with its
        limit and whether it was kept, also where `quality_threshold` stopped it.

    Examples
    --------
    >>> import pandas as pd
    >>> from synthohive import Metadata, Synthesizer
    >>> pets = pd.DataFrame({"id": range(1, 61), "kind": ["cat", "dog", "dog"] * 20})
    >>> synth = Synthesizer(Metadata().add_table("pets", "id"))
    >>> synth = synth.fit({"pets": pets}, epochs=2, seed=1, progress=False)
    >>> sorted(synth.sample(num_rows=90, seed=7)["pets"]["kind"].unique())
    ['cat', 'dog']

    A database is copied beside itself::

        synth = Synthesizer.from_database("postgresql://…/shop", schema="public")
        print(synth.fit(seed=42).to_database(schema="shop_synthetic", seed=7))
    """

    def __init__(
        self,
        metadata: Metadata,
        privacy_config: Optional[PrivacyConfig] = None,
        spark_session: Any = None,
        model: ModelType = "ctgan",
        embedding_threshold: int = 50,
    ) -> None:
        """Take what is to be learned; see the class."""
        if spark_session is not None:
            from synthohive.connectors.spark.session import session_of

            self._spark = session_of(spark_session)
        arguments.instance(
            "metadata", metadata, Metadata, "; for a database, call Synthesizer.from_database(url)"
        )
        if privacy_config is not None:
            arguments.instance("privacy_config", privacy_config, PrivacyConfig)
        if not isinstance(model, str) or model not in MODELS:
            resolve_model(model)  # refuses what is none
        arguments.whole("embedding_threshold", embedding_threshold, 0)
        self.metadata = metadata
        self.privacy_config = privacy_config if privacy_config is not None else PrivacyConfig()
        self.model = model
        self.embedding_threshold = embedding_threshold

    @classmethod
    @terminable
    def from_database(
        cls,
        url_or_engine: Union[str, URL, Engine],
        schema: Union[str, list[str], None] = None,
        *,
        tables: Optional[list[str]] = None,
        exclude: Optional[list[str]] = None,
        outside_keys: OutsideKeys = "error",
        metadata: Optional[Metadata] = None,
        privacy_config: Optional[PrivacyConfig] = None,
        model: ModelType = "autoregressive",
    ) -> Synthesizer:
        """Point a synthesizer at a database; tables and keys are reflected.

        Parameters
        ----------
        url_or_engine : str, sqlalchemy.URL or sqlalchemy.Engine
        schema : str or list of str, optional
            The schema to learn (MySQL: database); the connection's default if None. Of a list,
            all are learned together, with the keys between them: a table is then called
            ``"sales.orders"`` everywhere, and each schema is written to one of its own.
        tables, exclude : list of str, optional
            Only, or all but, these tables.
        outside_keys : {"error", "include", "drop"}
            What becomes of foreign keys to tables that are not selected: all are named in
            an error; the tables they lead to are taken as well, and those that these refer
            to; or the keys are left out, and their columns learned as plain ones.
        metadata : Metadata, optional
            Used instead of what is reflected, e.g. with keys added.
        privacy_config : PrivacyConfig, optional
        model : str or type, default "autoregressive"
            The constructor's default is "ctgan".

        Raises
        ------
        ConnectorError
            The server cannot be reached.
        SchemaError
            The schema is missing or empty, or a key leads out of it.
        """
        from synthohive.connectors.sql import SqlWarehouse

        arguments.schemas("schema", schema)
        arguments.names("tables", tables)
        arguments.names("exclude", exclude)
        arguments.choice("outside_keys", outside_keys, OUTSIDE_KEYS)
        if metadata is not None:
            arguments.instance("metadata", metadata, Metadata)
        source = SqlWarehouse(
            url_or_engine,
            schema,
            metadata=metadata,
            tables=tables,
            exclude=exclude,
            outside_keys=outside_keys,
        )
        synthesizer = cls(source.metadata, privacy_config, model=model)
        synthesizer._source = source
        synthesizer._sources = source.fingerprint()
        return synthesizer

    @terminable
    def fit(
        self,
        data: Union[str, Mapping[str, Any], None] = None,
        sampling_strategy: Strategy = "relational",
        sample_size: int = SAMPLE_SIZE,
        validate: bool = False,
        epochs: int = 300,
        batch_size: int = 500,
        *,
        seed: Optional[int] = None,
        relations: bool = True,
        n_jobs: Optional[int] = None,
        device: Optional[str] = None,
        progress: bool = True,
        checkpoint_dir: Optional[PathLike] = None,
        target: Target = None,
        include: Sequence[Include] = (),
        sample_bytes: Optional[int] = None,
        holdout: float = 0.0,
        **model_kwargs: Any,
    ) -> Synthesizer:
        """Learn all tables; return self.

        Before anything is trained, all that follows is rehearsed with a few made-up rows: they
        are made, saved, read back and, where a database is to be written, loaded into an empty
        copy of the tables with all constraints, which is removed at once.

        Parameters
        ----------
        data : dict or str, optional
            Tables as DataFrames, Arrow tables, anything that gives an Arrow stream (polars,
            DuckDB relations), or paths of CSV or Parquet files; see :class:`CsvFile`. With a
            `spark_session`: a database (``"db"``, ``"catalog.db"``), or names of tables, paths of
            folders of Delta or Parquet (what has a slash is a path), and Spark's DataFrames, whose
            rows stay where they are. None reads the database of :meth:`from_database`.
        sampling_strategy : {"relational", "stratified", "recent"}
            Which rows are drawn of tables that are larger than the sample, with all that belongs to
            them: any; first some of each value of their columns of few values, so that rare ones
            are learned from more rows, and made as often as there are; or the newest, by their
            first date that is never empty.
        sample_size : int, default 50,000
            Most rows per table to train on: a sample in which each row finds its parents over all
            keys. Those that are there only for that are beside them, up to three times as many.
            Tables of less than 500 rows are read whole.
        validate : bool, default False
            Refuse data with orphans, instead of learning without them.
        epochs : int, default 300
            Most passes over a table; training stops early, by a held-out metric.
        batch_size : int, default 500
        seed : int, optional
            The same seed and data give the same fitted state. Drawn if None, or that of
            the unfinished fit in `checkpoint_dir`.
        relations : bool, default True
            Find what is exact, and keep it; see :attr:`relations`.
        n_jobs : int, optional
            Processes that find out what is to be learned of tables, then train them, -1 for
            as many as there are cores; the result is the same. None decides by cores and
            work; 1 does all in this process.
        device : str, optional
            "cpu", "cuda" or "mps": where models train; None takes CUDA where it is, else the
            CPU. They always sample on the CPU.
        progress : bool, default True
        checkpoint_dir : path, optional
            Where to save the fitted synthesizer, as by :meth:`save`. Until then, each
            trained model is kept there: the same fit, called again after an
            interruption, trains only the tables that are missing, and gives the same.
        target : str, sqlalchemy.URL or Engine, optional
            The database that will be written to, for the rehearsal. None takes that of
            :meth:`from_database`, if it may be written to; False takes none.
        include : sequence of {"views", "materialized_views", "triggers"}
            What :meth:`to_database` will be asked for, to be rehearsed as well: a log event lists
            what cannot be made, with the reasons.
        sample_bytes : int, optional
            Most bytes of the sample, all tables together, within a few per cent.
        holdout : float, default 0.0
            Share of the entities (customers with all their orders; rows of a lone table) of which
            nothing is learned, so that :meth:`privacy_report` can compare with them. Who they are
            follows from a hash of their keys and the seed. Numbers of rows are of all.
        **model_kwargs : passed to the model

        Raises
        ------
        RehearsalError
            What follows the training would fail; nothing was trained. The message names the
            table, and the column or the constraint.
        SchemaError
            The input cannot be learned; nothing was trained.
        TrainingError
            A model diverged, its process died, or there is no such device.
        PrivacyError
            A table is to be kept whose key is personal, a kind of personal data does not
            suit its column, or, after training, a model has memorised more than
            ``PrivacyConfig.max_memorisation`` allows.
        SerializationError
            `checkpoint_dir` holds something else, or an unfinished fit of other data or
            with other options; the message names them.
        """
        from synthohive.models.training import resolve_device

        check_fit(
            sampling_strategy=sampling_strategy, sample_size=sample_size, epochs=epochs,
            batch_size=batch_size, n_jobs=n_jobs, validate=validate, relations=relations,
            progress=progress, seed=seed, device=device, checkpoint_dir=checkpoint_dir,
            sample_bytes=sample_bytes, holdout=holdout,
        )  # fmt: skip
        if checkpoint_dir is not None:
            check_place(checkpoint_dir)
        model = resolve_model(self.model)
        check_model(model, batch_size, epochs, model_kwargs)
        check_locale(self.privacy_config.locale)
        check_target(None, include)
        source = self._source = source_of(data, self.metadata, self._source, self._spark)
        self._sources |= frozenset() if data is None else source.fingerprint()
        unfinished = None if checkpoint_dir is None else unfinished_in(checkpoint_dir)
        options = FitOptions(
            model, self.privacy_config, fit_seed(seed, unfinished), sample_size, epochs, batch_size,
            self.embedding_threshold, validate, relations, model_kwargs, n_jobs,
            resolve_device(device), sampling_strategy, sample_bytes, unfinished, holdout,
        )  # fmt: skip
        kept = checkpoint_dir is not None
        rehearsal = Rehearsal(source, model, target, self._sources, kept, include)
        with (
            closing(ProgressBar(source.metadata.tables, enabled=progress)) as bar,
            Workspace() as folder,
            BlockPool(n_jobs, folder, imports=ANALYSING) as pool,
        ):
            self.fitted_ = fit_database(source, options, bar, rehearsal, pool)
        self.fitted_.sources |= self._sources
        self.fitted_.forms = forms_of(source, self.fitted_)
        self.metadata = self.fitted_.described
        if checkpoint_dir is not None:
            self.save(checkpoint_dir)
        return self

    @terminable
    def sample(
        self,
        num_rows: Union[int, Mapping[str, int], None] = None,
        output_format: OutputFormat = "pandas",
        output_path: Optional[PathLike] = None,
        *,
        scale: float = 1.0,
        seed: Optional[int] = None,
        quality_threshold: Union[float, Gate, None] = None,
        enforce_constraints: bool = False,
        conditions: Optional[Conditions] = None,
        if_exists: FileIfExists = "fail",
        escape_formulas: bool = False,
        overwrite_schema: bool = False,
        n_jobs: Optional[int] = None,
    ) -> dict[str, Any]:
        """Make synthetic tables in memory or as files.

        Parameters
        ----------
        num_rows : int or dict of str to int, optional
            Rows of the only table, or of the tables named. The children of a table have their
            usual numbers for each parent, unless they are named, too: these are then scaled.
        output_format : {"pandas", "polars", "arrow", "csv", "parquet", "delta"}
            What tables come as, pandas' with the names and dtypes of those that were fitted,
            or the files' format if `output_path` is given (Parquet for all but "csv"). "delta"
            needs a Spark session.
        output_path : path, optional
            Folder in which a file per table is written. With a Spark session, "parquet" and
            "delta" are made and written by Spark: a folder for each table, named after it.
        scale : float, default 1.0
            Rows relative to the real tables; look-up tables keep their size.
        seed : int, optional
            The same fitted state and seed give the same bytes. Drawn if None.
        quality_threshold : float or Gate, optional
            Largest distance (KS or TVD, 0 … 1) of any column to the real one; a :class:`Gate`
            limits other scores, too. What was measured is in :attr:`metrics_` either way.
        enforce_constraints : bool, default False
            Raise for a row that breaks a constraint, instead of repairing it.
        conditions : dict of str to dict, optional
            Per table, columns to fix: ``{"orders": {"status": "paid"}}``, or to reweight:
            ``{"orders": {"status": {"paid": 0.8, "open": 0.2}}}``. All else, in this table and
            below it, follows what was learned. For ``model="autoregressive"``.
        if_exists : {"fail", "replace"}
            Whether files in `output_path` may be replaced: those that SynthoHive wrote and
            nobody changed. What was read is never overwritten.
        escape_formulas : bool, default False
            Put ``'`` before CSV texts that a spreadsheet would calculate (those that start
            with ``=``, ``+``, ``-``, ``@``, a tab or a line end). They are kept as they are
            otherwise, so that what is read back is what was made.
        overwrite_schema : bool, default False
            Replace the columns of Delta tables that are replaced, too, where they are others.
        n_jobs : int, optional
            Processes that make rows, -1 for as many as there are cores; the rows are the same.
            None starts others for large tables only; 1 makes all in this process.

        Returns
        -------
        dict of str to DataFrame (pandas, polars), pyarrow.Table, Path, or str (Spark's folders)

        Raises
        ------
        ConnectorError
            A file is there, or the folder cannot be written to.
        QualityError
            A score is beyond `quality_threshold`; nothing is returned or written. Its `frame`
            has all that are.
        ConstraintViolationError
            With `enforce_constraints`.
        """
        self.metrics_ = None
        request = Request(
            self._state(), num_rows, scale, seed, quality_threshold, enforce_constraints,
            conditions, n_jobs, self._spark is not None, self._source, self._keep_metrics,
            self._people(),
        )  # fmt: skip
        arguments.choice("output_format", output_format, FORMATS)
        arguments.flag("escape_formulas", escape_formulas)
        arguments.flag("overwrite_schema", overwrite_schema)
        if output_format == "delta" or (
            self._spark is not None and output_format == "parquet" and output_path is not None
        ):
            return to_folders(
                self._spark, request, output_path, self._source, format=output_format,
                if_exists=if_exists, overwrite_schema=overwrite_schema,
            )  # fmt: skip
        target = None if output_path is None else FileTarget(
            arguments.path("output_path", output_path), request.fitted.shown,
            "csv" if output_format == "csv" else "parquet", if_exists=if_exists,
            escape_formulas=escape_formulas,
            read=() if self._source is None else self._source.files,
        )  # fmt: skip
        with generated(request) as made:
            if target is not None:
                batches = {name: spool.batches() for name, spool in made.spools.items()}
                return dict(target.write(batches, {n: s.schema for n, s in made.spools.items()}))
            return to_memory(made.spools, output_format, request.fitted)

    def to_spark(
        self,
        num_rows: Union[int, Mapping[str, int], None] = None,
        *,
        scale: float = 1.0,
        seed: Optional[int] = None,
        enforce_constraints: bool = False,
        conditions: Optional[Conditions] = None,
        n_jobs: Optional[int] = None,
    ) -> SparkTables:
        """Make synthetic tables as lazy DataFrames of Spark, whose tasks make the rows.

        The rows are those of :meth:`sample`; what many of them refer to is made at once.

        Parameters
        ----------
        num_rows, scale, seed, enforce_constraints, conditions, n_jobs
            As in :meth:`sample`; processes are those of the driver.

        Returns
        -------
        SparkTables
            A dict of DataFrames; what was made stays on Spark's disks until its ``close()``.

        Raises
        ------
        ConnectorError
            There is no Spark session, or its workers do not reach what the driver made.
        """
        request = Request(
            self._state(), num_rows, scale, seed, None, enforce_constraints, conditions, n_jobs,
            on_spark=True, people=self._people(),
        )  # fmt: skip
        return spark_tables(self._spark, request)

    def preview(self, rows: int = 10, *, seed: Optional[int] = None) -> dict[str, Any]:
        """Make a few rows of each table that belong together, as DataFrames to look at.

        Parameters
        ----------
        rows : int, default 10
            Rows of each table; keys lead to rows that are shown. Of a look-up table, those
            that are referred to, and others up to this number.
        seed : int, optional
            Drawn if None.

        Returns
        -------
        dict of str to DataFrame
        """
        arguments.whole("rows", rows, 1, MOST_SHOWN)
        fitted = self._state()
        sizes, people = preview_sizes(fitted, int(rows)), self._people()
        with generated(Request(fitted, sizes, seed=seed, people=people)) as run:
            made = to_memory(run.spools, "arrow", fitted)
        shown = few_rows(fitted, made, int(rows))
        return to_frames(shown, fitted)

    @terminable
    def to_database(
        self,
        url: Union[str, URL, Engine, None] = None,
        schema: Union[str, Mapping[str, str], None] = None,
        *,
        scale: float = 1.0,
        num_rows: Union[int, Mapping[str, int], None] = None,
        seed: Optional[int] = None,
        if_exists: IfExists = "fail",
        replace_foreign: Optional[str] = None,
        quality_threshold: Union[float, Gate, None] = None,
        conditions: Optional[Conditions] = None,
        include: Sequence[Include] = (),
        n_jobs: Optional[int] = None,
        resume: bool = False,
        table_format: TableFormat = "delta",
    ) -> WriteSummary:
        """Write a synthetic schema: same tables, types, keys and constraints.

        Rows are loaded into a staging schema; keys and checks are added by the database,
        orphans are counted by SQL, and only then does the schema appear, atomically.

        Parameters
        ----------
        url : str, sqlalchemy.URL or Engine, optional
            Where to write; beside the source if None. With a Spark session, its catalogue.
        schema : str, optional
            Name of the synthetic schema (MySQL: database; SQLite: file); by default
            ``<source schema>_synthetic``. Of several schemas, a dict from each to its own. In
            Spark's catalogue, a database, ``"db"`` or ``"catalog.db"``, which has to be named.
        scale, num_rows, seed, quality_threshold, conditions, n_jobs
            As in :meth:`sample`.
        if_exists : {"fail", "replace", "replace_foreign"}
            "replace" replaces a schema that SynthoHive made, and only if it holds nothing
            else. "replace_foreign" is dangerous: it drops whatever is in the schema.
        replace_foreign : str, optional
            The name of the schema once more, without which "replace_foreign" is refused.
        include : sequence of {"views", "materialized_views", "triggers"}
            What is made beside the tables, from the source's definitions of this moment and in
            the same engine only. What would use anything but the copy, or names a value that the
            copy does not show (personal, or in fewer than `k` rows), is left out and listed in the
            summary with the reason; it never fails the run.
        resume : bool, default False
            Keep what is loaded when the run is interrupted, in its staging schema, and go on where
            a run with the same arguments was: tables that are loaded stay, the rest is made and
            loaded, to the same result. Needs `seed`. A call without it removes what is left.
        table_format : {"delta", "parquet"}
            Of tables in Spark's catalogue.

        Returns
        -------
        WriteSummary
            Rows, seconds, and orphans per key; prints itself.

        Raises
        ------
        ConnectorError
            The target is or was a source, exists, or cannot be written to. With `resume`: what
            was interrupted is another run, or the engine keeps nothing of one.
        QualityError
            A score is beyond `quality_threshold`; nothing was written.
        """
        self.metrics_ = None
        request = Request(
            self._state(), num_rows, scale, seed, quality_threshold, conditions=conditions,
            n_jobs=n_jobs, on_spark=self._spark is not None and url is None, source=self._source,
            keep=self._keep_metrics, people=self._people(),
        )  # fmt: skip
        check_target(schema, include)
        arguments.choice("table_format", table_format, TABLE_FORMATS)
        if self._spark is not None and url is None:
            asked = Published(schema, if_exists, replace_foreign, include, resume, table_format)
            return to_catalogue(self._spark, request, asked, self._source)
        run = None
        if arguments.flag("resume", resume):
            run = facts_of(request, seeded=seed is not None)
        origin = provenance_of(request.fitted, request.seed, request.scale)
        beside = {} if self._source is None else self._source.not_cloned()
        target = open_target(
            request.fitted, self._source, url, target_schema=schema, provenance=origin,
            if_exists=if_exists, replace_foreign=replace_foreign, include=include, run=run,
        )  # fmt: skip
        return write_database(request, target, beside)

    @terminable
    def save_to_hive(
        self, synthetic_data: Mapping[str, Any], target_db: str, overwrite: bool = True
    ) -> WrittenTables:
        """Write synthetic tables to a database of Spark's, as managed Parquet tables.

        All of them or none; :meth:`to_database` generates and writes at once.

        Parameters
        ----------
        synthetic_data : dict of str to table
            As :meth:`sample` returns them: DataFrames of pandas, polars or Spark, Arrow tables.
        target_db : str
            ``"db"`` or ``"catalog.db"``, of letters, digits and underscores; made where there is
            none. Its other tables stay.
        overwrite : bool, default True
            Replace tables that SynthoHive wrote; those of others are never replaced.

        Raises
        ------
        SchemaError
            A name is none, or a table is none of those that were learned; nothing was asked of
            Spark.
        ConnectorError
            A table may not be replaced, or Spark failed; nothing was changed.
        """
        from synthohive.interface.hive import save_to_hive

        return save_to_hive(self, synthetic_data, target_db, overwrite)

    @terminable
    def subset(
        self,
        url: Union[str, URL, Engine, None] = None,
        schema: Union[str, Mapping[str, str], None] = None,
        *,
        rows: int,
        max_bytes: Optional[int] = None,
        sampling_strategy: Strategy = "relational",
        seed: Optional[int] = None,
        if_exists: FileIfExists = "fail",
    ) -> SubsetSummary:
        """Write a small database of REAL rows, for those who may see them; no :meth:`fit` needed.

        All that a chosen row refers to is there, too, over every key; rows keep their keys and
        values. Nothing is made up or hidden: the schema is marked as real rows, in its note
        ``_synthohive`` and in the summary. Excluded columns are not copied.

        Parameters
        ----------
        url : str, sqlalchemy.URL or Engine, optional
            Where to write; in the source's database if None. Where it is the same, rows are
            copied by the database itself.
        schema : str, optional
            Name of the schema (MySQL: database; SQLite: file), as of :meth:`to_database`. It has
            to be named if there is no `url`: real rows lie nowhere unless asked for.
        rows : int
            The most rows, all tables together.
        max_bytes : int, optional
            The most bytes of all values, as they are read.
        sampling_strategy : {"relational", "stratified", "recent"}
            As in :meth:`fit`.
        seed : int, optional
            The same seed and rows give the same subset. Drawn if None.
        if_exists : {"fail", "replace"}
            "replace" replaces an earlier subset, and only if the schema holds nothing else. A
            synthetic schema is never replaced by real rows.

        Returns
        -------
        SubsetSummary
            Rows, shares and weights of the tables, orphans per key; prints itself.

        Raises
        ------
        ConnectorError
            The source is no database, or one whose rows cannot be named; the target is a source,
            exists, or cannot be written to; rows were changed meanwhile.
        SchemaError
            No row fits with all that it refers to.

        Examples
        --------
        >>> import sqlite3, tempfile
        >>> from synthohive import Synthesizer
        >>> folder = tempfile.mkdtemp()
        >>> shop = sqlite3.connect(f"{folder}/shop.db")
        >>> _ = shop.execute("CREATE TABLE buyer (id INTEGER PRIMARY KEY)")
        >>> _ = shop.execute("CREATE TABLE orders (id INTEGER PRIMARY KEY, buyer REFERENCES buyer)")
        >>> _ = shop.executemany("INSERT INTO buyer VALUES (?)", [(1,), (2,), (3,)])
        >>> _ = shop.executemany("INSERT INTO orders VALUES (?, ?)", [(1, 1), (2, 1), (3, 3)])
        >>> shop.commit()
        >>> shop.close()
        >>> synth = Synthesizer.from_database(f"sqlite:///{folder}/shop.db")
        >>> few = synth.subset(schema="few", rows=4, seed=1)
        >>> few.rows <= 4, few.orphans
        (True, 0)
        """
        return write_subset(
            self._source, self.privacy_config, self._sources, url, schema, rows, max_bytes,
            sampling_strategy, seed, if_exists,
        )  # fmt: skip

    @terminable
    def impute(
        self,
        data: Optional[Mapping[str, Any]] = None,
        columns: Optional[Columns] = None,
        *,
        seed: Optional[int] = None,
    ) -> dict[str, Any]:
        """Fill the missing cells of given rows; all others stay as they are.

        Each is drawn given the rest of its row, its ancestors and the siblings before it;
        other seeds give other draws (multiple imputation; Rubin, 1987). What is exact stays
        so; a cell for which no value is found that is stays empty, with a log event.

        Parameters
        ----------
        data : dict, optional
            All tables, as in :meth:`fit`; None reads the database.
        columns : dict of str to list of str, optional
            Those to fill, by table; all that were learned if None, never keys or made-up ones.
        seed : int, optional
            Drawn if None.

        Returns
        -------
        dict of str to DataFrame or pyarrow.Table
            As the tables came; DataFrames for files and databases.

        Raises
        ------
        SchemaError
            A column cannot be filled; only ``model="autoregressive"`` can.
        ConstraintViolationError
            A filled cell breaks a key. Keys that the given rows break already are logged.
        """
        return imputed(self._state(), data, self._source, columns, seed)

    @terminable
    def save(self, path: PathLike) -> Path:
        """Write the fitted synthesizer as a checkpoint directory; see :meth:`load`."""
        return save_checkpoint(self._state(), arguments.path("path", path))

    @classmethod
    def load(
        cls,
        path: PathLike,
        model: Optional[type[Any]] = None,
        *,
        spark_session: Any = None,
        pii_key: Optional[str] = None,
    ) -> Synthesizer:
        """Read a checkpoint directory; nothing in it is executed.

        Parameters
        ----------
        path : path
        model : type, optional
            The class of a custom model.
        spark_session : pyspark.sql.SparkSession, optional
            See the class.
        pii_key : str, optional
            The secret of ``PrivacyConfig.pii_key``, which no checkpoint holds.

        Raises
        ------
        SerializationError
            A component is missing, damaged, changed, or of a newer version.
        """
        if model is not None:
            resolve_model(model)
        fitted = load_checkpoint(arguments.path("path", path), model)
        privacy = fitted.privacy.model_copy()
        privacy.pii_key = pii_key  # type: ignore[assignment]  # pydantic hides it
        kind = fitted.model_name if model is None else model
        synthesizer = cls(
            fitted.described, privacy, spark_session, kind, fitted.embedding_threshold
        )
        synthesizer.fitted_ = fitted
        return synthesizer
