"""Fitting and generating without the facade: :class:`StagedOrchestrator`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Optional, Union

from synthohive.exceptions import SynthoHiveError
from synthohive.interface.inputs import reader_for
from synthohive.interface.outputs import forms_of, to_memory
from synthohive.interface.requests import Request, check_fit, check_model, fit_seed
from synthohive.interface.writing import generated
from synthohive.io.base import Reader
from synthohive.learn.database import fit_database
from synthohive.learn.fitted import FittedDatabase
from synthohive.learn.options import FitOptions
from synthohive.models import ModelType, resolve_model
from synthohive.privacy.strategies import people_seed
from synthohive.schema import Metadata, PrivacyConfig

__all__ = ["StagedOrchestrator"]


class StagedOrchestrator:
    """Runs a model class of one's own through all tables: learned parents first, then generated.

    What :class:`~synthohive.Synthesizer` adds is a rehearsal before training, checkpoints,
    reports, and writing to a database.

    Parameters
    ----------
    metadata : Metadata
    model_cls : type or str, default "autoregressive"
        A class that implements :class:`~synthohive.ConditionalGenerativeModel`, or a name.
    privacy_config : PrivacyConfig, optional

    Attributes
    ----------
    fitted_ : FittedDatabase
        After :meth:`fit`; its ``tables[name].model`` is the fitted model of a table.

    Examples
    --------
    >>> import pandas as pd
    >>> from synthohive import CTGAN, Metadata, StagedOrchestrator
    >>> pets = pd.DataFrame({"id": range(1, 61), "kind": ["cat", "dog", "dog"] * 20})
    >>> staged = StagedOrchestrator(Metadata().add_table("pets", "id"), model_cls=CTGAN)
    >>> made = staged.fit({"pets": pets}, epochs=2, seed=1).generate({"pets": 90}, seed=7)
    >>> sorted(made["pets"]["kind"].unique())
    ['cat', 'dog']
    """

    fitted_: Optional[FittedDatabase] = None

    def __init__(
        self,
        metadata: Metadata,
        model_cls: ModelType = "autoregressive",
        privacy_config: Optional[PrivacyConfig] = None,
    ) -> None:
        self.metadata = metadata
        self.model_cls = resolve_model(model_cls)
        self.privacy_config = PrivacyConfig() if privacy_config is None else privacy_config

    def fit(
        self,
        data: Union[Reader, Mapping[str, Any]],
        *,
        epochs: int = 300,
        batch_size: int = 500,
        sample_size: int = 50_000,
        seed: Optional[int] = None,
        **model_kwargs: Any,
    ) -> StagedOrchestrator:
        """Learn all tables; return self.

        Parameters
        ----------
        data : Reader or dict
            A source of rows, or tables as :meth:`Synthesizer.fit` takes them.
        epochs, batch_size, sample_size, seed, **model_kwargs
            As there.
        """
        check_fit(epochs=epochs, batch_size=batch_size, sample_size=sample_size, seed=seed)
        check_model(self.model_cls, batch_size, epochs, model_kwargs)
        reader = data if isinstance(data, Reader) else reader_for(data, self.metadata)
        options = FitOptions(
            self.model_cls, self.privacy_config, fit_seed(seed, None), sample_size, epochs,
            batch_size, model_kwargs=model_kwargs,
        )  # fmt: skip
        self.fitted_ = fit_database(reader, options)
        self.fitted_.forms = forms_of(reader, self.fitted_)
        return self

    def generate(
        self,
        num_rows: Union[int, Mapping[str, int], None] = None,
        *,
        scale: float = 1.0,
        seed: Optional[int] = None,
    ) -> dict[str, Any]:
        """Return all tables as DataFrames.

        Parameters
        ----------
        num_rows, scale, seed
            As in :meth:`Synthesizer.sample`.
        """
        if self.fitted_ is None:
            raise SynthoHiveError("The orchestrator is not fitted.", hint="Call fit() first.")
        key = self.privacy_config.pii_key
        people = None if key is None else people_seed(key)
        with generated(Request(self.fitted_, num_rows, scale, seed, people=people)) as made:
            return to_memory(made.spools, "pandas", self.fitted_)
