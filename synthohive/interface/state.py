"""What a synthesizer knows, once it is fitted."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Optional

from synthohive import _arguments as arguments
from synthohive._display import counted, html_table
from synthohive.exceptions import PrivacyError, SynthoHiveError
from synthohive.interface.personal_preview import PersonalPreview, personal_preview
from synthohive.io.base import Reader
from synthohive.learn.fitted import AnyRelation, FittedDatabase
from synthohive.privacy.strategies import people_seed
from synthohive.schema import Metadata, PrivacyConfig

if TYPE_CHECKING:
    from pandas import DataFrame

    from synthohive.learn.private.ledger import PrivacyLedger
    from synthohive.models.base import Memorisation
    from synthohive.privacy.detect import PiiFinding

__all__ = ["SynthesizerState"]


class SynthesizerState:
    """The part of :class:`~synthohive.Synthesizer` that only tells."""

    metadata: Metadata
    privacy_config: PrivacyConfig
    model: Any
    fitted_: Optional[FittedDatabase] = None
    metrics_: Optional[DataFrame] = None
    _source: Optional[Reader] = None
    _spark: Any = None  # the session by which tables are read and written
    _sources: frozenset[str] = frozenset()  # fingerprints of what may never be written to

    def _state(self) -> FittedDatabase:
        if self.fitted_ is None:
            raise SynthoHiveError("The synthesizer is not fitted.", hint="Call fit() first.")
        return self.fitted_

    def _people(self) -> Optional[int]:
        """Return what persons are made up from, in place of a run's seed.

        Raises
        ------
        PrivacyError
            They were made up from a key, and there is none.
        """
        key = self.privacy_config.pii_key
        if key is None and self._state().keyed:
            raise PrivacyError(
                "Personal columns are made up from a key, PrivacyConfig.pii_key, and no checkpoint "
                "holds it.",
                hint="Pass it: Synthesizer.load(path, pii_key=…).",
            )
        return None if key is None else people_seed(key)

    def _keep_metrics(self, frame: DataFrame) -> None:
        self.metrics_ = frame

    @property
    def spark(self) -> Any:
        """The Spark session by which tables are read and written, if there is one."""
        return self._spark

    @property
    def source(self) -> Optional[Reader]:
        """Where the real rows are read from; None before any are named."""
        return self._source

    @property
    def personal_data(self) -> list[PiiFinding]:
        """The columns found to hold personal data, with the reason; after :meth:`fit`."""
        return self._state().shown_findings

    @property
    def privacy_ledger(self) -> Optional[PrivacyLedger]:
        """What differential privacy was spent on, question by question; None without it."""
        return self._state().privacy_ledger

    def preview_personal(self, *, seed: Optional[int] = None) -> PersonalPreview:
        """Show what each personal column becomes, before anything is written; after :meth:`fit`.

        Its kind and what gave it away, its strategy, made-up examples, the locale, and the columns
        that it is consistent with. No real value is in it. It prints itself; ``frame()`` has it
        as a DataFrame.

        Parameters
        ----------
        seed : int, optional
            Of the run whose persons are shown; any if None. With ``PrivacyConfig.pii_key``, they
            are the same in all runs.
        """
        arguments.seed("seed", seed)
        people, own = self._people(), 0 if seed is None else seed
        return personal_preview(self._state(), own if people is None else people)

    @property
    def kept_tables(self) -> dict[str, list[str]]:
        """The look-up tables whose real rows come out, and in which columns; after :meth:`fit`.

        Keys, flags, ranks, codes, and texts that name things; or all that a table holds but
        personal data, where ``TableConfig.reference`` is set. ``reference=False`` keeps none.
        """
        tables = self._state().tables
        return {name: list(table.kept) for name, table in tables.items() if table.kept}

    @property
    def withheld(self) -> dict[str, dict[str, float]]:
        """What of each column's real values privacy lets not out; after :meth:`fit`.

        By table and column, the share of rows in whose place something is made up: 1 of personal
        columns, of rare texts, and of what follows from these; less where only rare categories
        are. Keys are not listed, nor columns of which all values may come out. A classifier of rows
        tells the copy by such columns whatever the model is worth: leave them out to see the rest.
        """
        return self._state().withheld

    @property
    def relations(self) -> dict[str, list[AnyRelation]]:
        """What was found to be exact in each table's rows, and is kept; after :meth:`fit`."""
        fitted = self._state()
        return {name: fitted.shown_relations(name) for name in fitted.shown}

    @property
    def memorisation(self) -> dict[str, Optional[Memorisation]]:
        """How much better each table's model knows learned than held-out rows; after :meth:`fit`.

        None where rows are too few (under 30), or the model does not measure it. A table
        without a model is left out; persons found within a table are called as the columns are.
        """
        fitted = self._state()
        within = {one.name: one.place for one in fitted.entity_tables}
        models = {within.get(name, name): table.model for name, table in fitted.tables.items()}
        return {name: model.memorisation for name, model in models.items() if model is not None}

    def __repr__(self) -> str:
        state = "fitted" if self.fitted_ is not None else "not fitted"
        model = getattr(self.model, "__name__", self.model)
        tables = counted(len(self.metadata.tables), "table")
        return f"Synthesizer({tables}, model={model!r}, {state})"

    def _repr_html_(self) -> str:
        fitted, rows = self.fitted_, []
        for name, table in self.metadata.tables.items():
            learned = None if fitted is None else fitted.tables.get(name)
            personal = (
                []
                if fitted is None
                else [f.column for f in fitted.shown_findings if f.table == name]
            )
            rows.append(
                [
                    name,
                    None if learned is None else learned.rows,
                    len(table.columns) or None,
                    "; ".join(fk.label(name) for fk in table.foreign_keys),
                    ", ".join(personal),
                ]
            )
        head = ["Table", "Rows", "Columns", "Foreign keys", "Personal data"]
        return html_table(repr(self), head, rows)
