"""What a model must offer to be used for the tables of a database."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from pathlib import Path
from statistics import NormalDist
from typing import Any, Optional, Protocol

import numpy as np

from synthohive._arrays import Floats
from synthohive.encoding.encoded import EncodedTable
from synthohive.schema import TableConfig

__all__ = [
    "Abilities",
    "ConditionalGenerativeModel",
    "Memorisation",
    "Pace",
    "TrainingEvent",
    "TrainingListener",
]


@dataclass(frozen=True)
class Pace:
    """How fast a model trains, on one core with batches of 500: see ``docs/models.md``."""

    least: int  # batches per epoch of a table that has fewer rows than that takes
    fixed: float  # milliseconds per batch
    block: float = 0.0  # and more of them for each block of the table


@dataclass(frozen=True)
class Abilities:
    """What a model can do, and what it asks for: all that other code knows of its kind.

    The defaults are right for any class that keeps the contract.

    Attributes
    ----------
    max_modes : int
        Most modes into which a number is split before the model sees it; 1 leaves the
        shape of the distribution to the model.
    conditional : bool
        ``sample`` takes ``given``: an encoded table, of which what is known stays; what
        is to be drawn holds -1, or NaN, in each row; what tells nothing holds -2, and any code
        will do. It also takes ``never``: for each discrete block a code that is not drawn
        (NULL, as a rule), or -1. ``fit`` is given -1, or NaN, where nothing is told.
    siblings : bool
        Children are given the rows of their group before them, and are drawn one place in
        the group after the other. Some of their cells tell nothing, so it takes `conditional`.
    least_epochs : int
        Fewest epochs after which a model draws: 0 where it does untrained. So many it gets for
        the rehearsal before the training of all tables.
    pace : Pace, optional
        Of a model that the automatic choice may try.

    Examples
    --------
    >>> Abilities(least_epochs=0).max_modes
    10
    """

    max_modes: int = 10
    conditional: bool = False
    siblings: bool = False
    least_epochs: int = 1
    pace: Optional[Pace] = None

    def __post_init__(self) -> None:
        if self.siblings and not self.conditional:
            raise ValueError("a model that is given siblings has to draw given part of a row")


@dataclass(frozen=True)
class Memorisation:
    """How much better a fitted model knows the rows it learned than as many held-out ones.

    Attributes
    ----------
    nearer : float
        Share of drawn rows that lie nearer to learned than to held-out rows; 0.5 is ideal.
    error : float
        Standard error of that share: few rows tell little.
    attack : float
        Area under the ROC curve of telling learned from held-out rows by what the model
        makes of them: its likelihood of a row, or how near it comes; 0.5 is ideal.
    rows : int
        Rows of each kind that were compared.

    Examples
    --------
    >>> Memorisation(nearer=0.53, error=0.01, attack=0.52, rows=500).excess
    0.02
    """

    nearer: float
    error: float
    attack: float
    rows: int

    @property
    def excess(self) -> float:
        """The larger excess over 0.5: the attack's, or the share's beyond two standard errors."""
        shown = max(self.nearer - 2 * self.error, self.attack) - 0.5
        return round(max(shown, 0.0), 4)

    @staticmethod
    def attack_of(gap: float) -> float:
        """Return the area under the ROC curve of normal scores `gap` deviations apart."""
        return NormalDist().cdf(gap / math.sqrt(2))

    @staticmethod
    def gap_of(attack: float) -> float:
        """Return how far apart scores are that :meth:`attack_of` tells apart so well."""
        return math.sqrt(2) * NormalDist().inv_cdf(min(attack, 1 - 1e-9))


@dataclass(frozen=True)
class TrainingEvent:
    """One checkpoint of a training run."""

    table: str
    epoch: int  # the number of the one that is done, from 1 on
    epochs: int  # at most
    losses: dict[str, float]  # by name: the mean over the epoch's batches
    metric: float  # on held-out rows, lower is better: mean KS/TVD, or negative log-likelihood
    best_metric: float  # of the state that is kept; infinite where none is
    eta_seconds: float  # what is left if training does not stop early


class TrainingListener(Protocol):
    """Receives the checkpoints of a training run; a progress bar is one."""

    def on_plan(self, works: Mapping[str, int]) -> None:
        """Hear which tables will be fitted, and how long each takes compared to others."""

    def on_epoch(self, table: str, epoch: int, epochs: int) -> None:
        """Hear that one epoch is done.

        Parameters
        ----------
        table : str
        epoch, epochs : int
            The number of it, from 1 on, and how many there are at most.
        """

    def on_checkpoint(self, event: TrainingEvent) -> None:
        """Hear how the model scored on held-out rows."""

    def on_table(self, table: str) -> None:
        """Hear that a table is done."""


class ConditionalGenerativeModel(ABC):
    """A model of one table's rows, given a context row for each.

    Rows come and go as :class:`~synthohive.encoding.encoded.EncodedTable`: integer
    codes and floats. A model never sees a real value, a key or personal data.

    Parameters
    ----------
    metadata : TableConfig
        The table; its name is used in messages.
    batch_size, epochs : int
    **kwargs : Any
        Settings of the model itself.

    Attributes
    ----------
    abilities : Abilities
        What it can do beyond the contract; the default: nothing.
    memorisation : Memorisation or None
        Set by :meth:`fit` of a model that holds rows out, and measures itself by them.

    Examples
    --------
    Whatever a model learns, it has to give back rows of the layout that it got:

    >>> from synthohive import ConditionalGenerativeModel, TableConfig
    >>> class Again(ConditionalGenerativeModel):  # draws rows that it learned: for tests alone
    ...     name = "again"
    ...     def fit(self, data, context=None, *, seed=None, listener=None, **kwargs):
    ...         self.data = data
    ...         return self
    ...     def sample(self, num_rows, context=None, *, rng=None, **kwargs):
    ...         return self.data.take(np.arange(num_rows) % len(self.data))
    ...     def save(self, path): ...
    ...     @classmethod
    ...     def load(cls, path): ...
    >>> Again(TableConfig(name="orders")).epochs
    300
    """

    name: str = "custom"
    abilities: Abilities = Abilities()
    memorisation: Optional[Memorisation] = None

    def __init_subclass__(cls, **kwargs: Any) -> None:
        """Take abilities that a class states as attributes of its own, ``siblings = True``."""
        super().__init_subclass__(**kwargs)
        own = {f.name: vars(cls)[f.name] for f in fields(Abilities) if f.name in vars(cls)}
        if own:
            cls.abilities = replace(cls.abilities, **own)

    def __init__(
        self, metadata: TableConfig, batch_size: int = 500, epochs: int = 300, **kwargs: Any
    ) -> None:
        self.metadata = metadata
        self.batch_size = batch_size
        self.epochs = epochs

    @abstractmethod
    def fit(
        self,
        data: EncodedTable,
        context: Optional[EncodedTable] = None,
        *,
        seed: Optional[np.random.SeedSequence] = None,
        listener: Optional[TrainingListener] = None,
        **kwargs: Any,
    ) -> ConditionalGenerativeModel:
        """Learn ``p(row | context row)``; `context` has a row for each row of `data`.

        Parameters
        ----------
        data : EncodedTable
            The rows. A code of -1, or NaN, tells nothing; only models that are `conditional` get
            such.
        context : EncodedTable, optional
            A row for each of `data`; a code of -1 where a row has no such parent. None: nothing is
            known beside the rows.
        seed : SeedSequence, optional
            The same seed and rows give the same model; None draws one.
        listener : TrainingListener, optional
            Hears of epochs and checkpoints.
        **kwargs
            May be ignored: ``device``, where training is not to take place on the CPU,
            ``max_memorisation``, where :attr:`Memorisation.excess` has a limit, ``typical``,
            the numbers of the rows whose shares are the real ones, where these are not all,
            ``lineup``, the groups of the rows where they are given the siblings before,
            ``shares``, many more rows, of which each tells some columns: their shares are those,
            and ``entities`` and ``k``: the entities behind the rows, and how many of them must
            share what a model keeps as it is.

        Returns
        -------
        ConditionalGenerativeModel
            The model itself.

        Raises
        ------
        TrainingError
            The training diverged; the message names table, epoch and loss.
        """

    @abstractmethod
    def sample(
        self,
        num_rows: int,
        context: Optional[EncodedTable] = None,
        *,
        rng: Optional[np.random.Generator] = None,
        **kwargs: Any,
    ) -> EncodedTable:
        """Draw `num_rows` rows, a pure function of the fitted state, `context` and `rng`.

        Parameters
        ----------
        num_rows : int
            May be 0.
        context : EncodedTable, optional
            What each row is drawn for, in the layout of :meth:`fit`; None if there was none.
        rng : Generator, optional
            Decides all that is drawn; None draws by chance.
        **kwargs
            ``given`` and ``never``, of models whose :class:`Abilities` have `conditional`.

        Returns
        -------
        EncodedTable
            `num_rows` rows in the layout of the rows that were learned.
        """

    def log_likelihood(
        self, data: EncodedTable, context: Optional[EncodedTable] = None
    ) -> Optional[Floats]:
        """Return the logarithmic likelihood of rows, ``(rows,)``; None of a model without one.

        Parameters
        ----------
        data : EncodedTable
        context : EncodedTable, optional
            As of :meth:`fit`.
        """
        return None

    @abstractmethod
    def save(self, path: Path) -> None:
        """Write the fitted model into the existing, empty directory `path`."""

    @classmethod
    @abstractmethod
    def load(cls, path: Path) -> ConditionalGenerativeModel:
        """Read what :meth:`save` wrote, without unpickling anything."""
