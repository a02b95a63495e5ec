"""A model that tries the others on the table, briefly, and becomes the best of them.

Each candidate trains on the same rows for about the same time, counted in batches by what
one costs (a clock would make the choice depend on the machine), and draws a row for each
held-out context. What scores best is then trained on all rows.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Optional

import numpy as np

from synthohive._arrays import Floats
from synthohive._logging import get_logger
from synthohive.encoding.encoded import EncodedTable, Layout
from synthohive.exceptions import SchemaError, TrainingError, did_you_mean
from synthohive.models import MODELS, resolve_model
from synthohive.models.base import Abilities, ConditionalGenerativeModel, Pace, TrainingListener
from synthohive.models.metrics import classifier_area, marginal_distance, pair_distance
from synthohive.models.settings import Config
from synthohive.models.trained import StoredModel
from synthohive.models.training import split

__all__ = ["Auto", "AutoConfig", "Score"]

log = get_logger(__name__)

CANDIDATES = tuple(name for name in MODELS if name != "auto")


@dataclass(frozen=True)
class AutoConfig(Config):
    """What can be set of the choice."""

    candidates: tuple[str, ...] = CANDIDATES
    rows: int = 10_000  # most rows of the trial; a tenth of them is held out
    seconds: float = 20.0  # of each candidate's training in the trial, by its pace; never measured

    def __post_init__(self) -> None:
        for name in self.candidates:
            if name not in CANDIDATES:
                hint = did_you_mean(name, CANDIDATES)
                raise SchemaError(f"The automatic choice cannot try {name!r}.", hint=hint)
        if not self.candidates:
            raise SchemaError("The automatic choice has no candidates.")


@dataclass(frozen=True)
class Score:
    """How a candidate did on held-out rows; lower is better."""

    epochs: int  # of the trial
    column: float  # mean distance of columns
    pair: float  # and of pairs of them and of the context's
    auc: float  # area under the curve of a classifier of real and drawn rows; 0.5 is best

    @property
    def total(self) -> float:
        """What is compared: the distances and the area's distance from 0.5, added."""
        return self.column + self.pair + abs(self.auc - 0.5)


@dataclass
class State:
    """What a trained model is, the chosen one aside."""

    config: AutoConfig
    batch_size: int
    epochs: int
    choice: str
    trial: dict[str, Score]


class Auto(StoredModel):
    """The best of the built-in models for this table.

    Parameters
    ----------
    metadata : TableConfig
    batch_size, epochs : int
        Of the model that is chosen.
    **kwargs
        See :class:`AutoConfig`.

    Attributes
    ----------
    choice_ : str
        Name of the chosen model; `model_` is that, trained.
    trial_ : dict of str to Score
        The scores of all candidates that did not diverge; empty where there was no choice.

    Examples
    --------
    >>> from synthohive import TableConfig
    >>> Auto(TableConfig(name="orders"), candidates=["tvae", "ctgan"]).config.seconds
    20.0
    """

    name = "auto"
    title = "The automatic choice"
    settings = AutoConfig
    state = State
    abilities = Abilities(least_epochs=0)
    config: AutoConfig

    def fit(
        self,
        data: EncodedTable,
        context: Optional[EncodedTable] = None,
        *,
        seed: Optional[np.random.SeedSequence] = None,
        listener: Optional[TrainingListener] = None,
        **kwargs: Any,
    ) -> Auto:
        """Choose, then train on all rows; see the base class."""
        sequence = np.random.SeedSequence() if seed is None else seed
        trial, final = _children(sequence, 2)
        self.trial_: dict[str, Score] = {}
        several = self.epochs and len(self.config.candidates) > 1
        if several and (data.layout.discrete or data.layout.continuous):
            self._try(data, context, trial)
        first = self.config.candidates[0]
        self.choice_ = min(self.trial_, key=lambda name: self.trial_[name].total, default=first)
        log.info(
            "model_chosen",
            table=self.metadata.name,
            model=self.choice_,
            scores={name: round(score.total, 4) for name, score in self.trial_.items()},
        )
        kind = resolve_model(self.choice_)
        model = kind(self.metadata, batch_size=self.batch_size, epochs=self.epochs)
        self._become(model.fit(data, context, seed=final, listener=listener, **kwargs))
        return self

    def _become(self, model: ConditionalGenerativeModel) -> None:
        """Take over a trained model; what it can do beside drawing, this one can do now."""
        self.model_, self.memorisation = model, model.memorisation
        self.abilities = replace(self.abilities, conditional=model.abilities.conditional)

    def _try(
        self,
        data: EncodedTable,
        context: Optional[EncodedTable],
        seed: np.random.SeedSequence,
    ) -> None:
        """Score each candidate on rows that it has not seen."""
        choosing, fitting, drawing = _children(seed, 3)
        rng = np.random.Generator(np.random.Philox(choosing))
        rows = np.sort(rng.permutation(len(data))[: self.config.rows])
        training, held = (rows[part] for part in split(len(rows), rng))
        real = data.take(held)
        given = EncodedTable.empty(len(held)) if context is None else context.take(held)
        for name in self.config.candidates:
            kind = resolve_model(name)
            epochs = self._epochs(kind.abilities.pace, data.layout, len(training))
            model = kind(self.metadata, batch_size=self.batch_size, epochs=epochs)
            # all candidates have the same rows and seeds: none wins by an easier draw
            above = None if context is None else context.take(training)
            try:
                model.fit(data.take(training), above, seed=fitting)
            except TrainingError as exc:
                log.warning("model_not_tried", table=self.metadata.name, model=name, error=str(exc))
                continue
            stream = np.random.Generator(np.random.Philox(drawing))
            made = model.sample(len(held), None if context is None else given, rng=stream)
            self.trial_[name] = Score(
                epochs,
                marginal_distance(real, made),
                pair_distance(real, made, given),
                classifier_area(real, made, given),
            )

    def log_likelihood(
        self, data: EncodedTable, context: Optional[EncodedTable] = None
    ) -> Optional[Floats]:
        """Ask the chosen model; see the base class."""
        return self.model_.log_likelihood(data, context)

    def sample(
        self,
        num_rows: int,
        context: Optional[EncodedTable] = None,
        *,
        rng: Optional[np.random.Generator] = None,
        **kwargs: Any,
    ) -> EncodedTable:
        """Draw rows from the chosen model; see the base class."""
        return self.model_.sample(num_rows, context, rng=rng, **kwargs)

    def _epochs(self, pace: Optional[Pace], layout: Layout, rows: int) -> int:
        """Return how many epochs take the time of the trial."""
        if pace is None:
            return self.epochs
        cost = pace.fixed + pace.block * (len(layout.discrete) + len(layout.continuous))
        steps = max(pace.least, rows // min(self.batch_size, rows))
        # milliseconds; a candidate that is too slow for one epoch is tried, too
        return max(1, round(1000 * self.config.seconds / cost / steps))

    def _write(self, path: Path) -> State:
        (path / "model").mkdir()
        self.model_.save(path / "model")
        return State(self.config, self.batch_size, self.epochs, self.choice_, self.trial_)

    def _read(self, path: Path, state: State) -> None:
        self.choice_, self.trial_ = state.choice, state.trial
        if self.choice_ not in CANDIDATES:
            raise ValueError(f"there is no model {self.choice_!r}")
        self._become(resolve_model(self.choice_).load(path / "model"))


def _children(seed: np.random.SeedSequence, count: int) -> list[np.random.SeedSequence]:
    # of a copy: a sequence counts what it has spawned, and a second fit would get other ones
    own = np.random.SeedSequence(seed.entropy, spawn_key=seed.spawn_key)
    return own.spawn(count)
