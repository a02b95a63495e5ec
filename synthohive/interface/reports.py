"""Reports of a synthesizer: real against synthetic rows."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal, Optional, Union

from synthohive import _arguments as arguments
from synthohive._signals import terminable
from synthohive.interface.privacy_reporting import check_heldout, measure_privacy
from synthohive.interface.reporting import compare, synthetic_side
from synthohive.interface.state import SynthesizerState

if TYPE_CHECKING:
    from synthohive.metrics.privacy import PrivacyReport
    from synthohive.metrics.report import ValidationReport

__all__ = ["Reports"]

PathLike = Union[str, "os.PathLike[str]"]
FileIfExists = Literal["fail", "replace"]


class Reports(SynthesizerState):
    """The part of :class:`~synthohive.Synthesizer` that compares."""

    @terminable
    def report(
        self,
        output_path: PathLike,
        *,
        seed: Optional[int] = None,
        queries: Sequence[str] = (),
        if_exists: FileIfExists = "fail",
    ) -> ValidationReport:
        """Compare what was fitted with fresh synthetic rows; write HTML, and JSON beside it.

        The real rows are read from the database, files or DataFrames of :meth:`fit`; of tables
        of more than 100,000 rows, a sample that belongs together.

        Parameters
        ----------
        output_path : path
            The HTML file.
        seed : int, optional
            Drawn if None.
        queries : list of str
            SQL of your own, one SELECT each, of tables under their names: run on both sides, in
            DuckDB's SQL. Synthetic results are shown; of real ones sums, counts and means over
            groups, each of at least `k_anonymity_threshold` entities, since a report is handed on.
            Of other queries the distances of the columns say how far both sides are apart.
        if_exists : {"fail", "replace"}
            Whether a former report may be replaced; nothing else ever is.

        Raises
        ------
        SchemaError
            The real rows are not at hand: those of a checkpoint are where they were. Or a query
            is no single SELECT, or cannot be run.
        ConnectorError
            A file is there, or cannot be written.
        """
        self._state()
        arguments.seed("seed", seed)
        asked = arguments.queries("queries", queries)
        path = arguments.path("output_path", output_path)
        return compare(self, None, None, path, if_exists, seed, asked)

    @terminable
    def generate_validation_report(
        self,
        real_data: Mapping[str, Any],
        synthetic_data: Mapping[str, Any],
        output_path: PathLike,
        *,
        queries: Sequence[str] = (),
        if_exists: FileIfExists = "fail",
    ) -> ValidationReport:
        """Compare given real and synthetic tables; :meth:`report` needs none.

        The same data give the same report, whatever holds it: dates in text, decimals as
        floats, flags as 0 and 1, JSON as Python objects are read as what the metadata says, or
        as what both sides can be read as.

        Parameters
        ----------
        real_data, synthetic_data : dict of str to DataFrame, pyarrow.Table or path
            Of what is in Spark (with a `spark_session`, what is named is), a sample that belongs
            together; orphans and children per parent are of all rows.
        output_path : path
            The HTML file.
        queries : list of str
            As in :meth:`report`.
        if_exists : {"fail", "replace"}
            Whether a former report may be replaced; nothing else ever is.

        Raises
        ------
        SchemaError
            A query is no single SELECT, or cannot be run.
        ConnectorError
            A file is there, or cannot be written.
        """
        for name, given in (("real_data", real_data), ("synthetic_data", synthetic_data)):
            if given is None:
                arguments.refuse(name, given, "a dict of tables, or call report(path)")
        path = arguments.path("output_path", output_path)
        asked = arguments.queries("queries", queries)
        return compare(self, real_data, synthetic_data, path, if_exists, queries=asked)

    @terminable
    def privacy_report(
        self, synthetic_data: Optional[Mapping[str, Any]] = None, *, seed: Optional[int] = None
    ) -> PrivacyReport:
        """Measure what synthetic rows tell of those that were learned from.

        They are held against the entities that :meth:`fit` set aside (``holdout=0.1``), which
        are read once more from where they were.

        Parameters
        ----------
        synthetic_data : dict of str to table, optional
            As :meth:`sample` returns them; fresh ones if None.
        seed : int, optional
            Of fresh rows; drawn if None.

        Returns
        -------
        PrivacyReport
            All figures; prints itself.

        Raises
        ------
        SchemaError
            Nothing was set aside, or the real rows are not at hand: those of a checkpoint are where
            they were.

        Examples
        --------
        >>> import pandas as pd
        >>> from synthohive import Metadata, Synthesizer
        >>> pets = pd.DataFrame({"id": range(200), "kind": ["cat", "dog"] * 100})
        >>> synth = Synthesizer(Metadata().add_table("pets", "id"))
        >>> synth = synth.fit({"pets": pets}, epochs=2, seed=1, holdout=0.1, progress=False)
        >>> report = synth.privacy_report(seed=7)
        >>> report.safe, report.entities[0].training + report.entities[0].heldout
        (True, 200)
        """
        self._state()
        arguments.seed("seed", seed)
        check_heldout(self)
        return measure_privacy(self, synthetic_side(self, synthetic_data, seed).tables)
