"""What can be set of the autoregressive model, and what cannot."""

from __future__ import annotations

from dataclasses import dataclass, replace

from synthohive.models.settings import TrainingConfig, share, width

__all__ = ["TUNING", "AutoregressiveConfig"]


@dataclass(frozen=True)
class AutoregressiveConfig(TrainingConfig):
    """Settings, beside those of all trained models.

    `lr` is that of a batch of 500; it grows with the root of the batch, and is halved after each
    third of the patience.
    """

    embedding: int = width(8)  # of a code's vector
    hidden: int = width(64)  # of each variable's layer
    context: int = width(128)  # of the context's vector
    lr: float = 5e-3
    decay: float = 0.1  # weight decay at least; more of it where rows are few
    dropout: float = share(0.25)
    natural: float = share(0.7)  # share of the batches in the order of drawing; others take any
    patience: int = 6

    def for_table(self, rows: int, variables: int) -> AutoregressiveConfig:
        """Return the settings with the widths that suit a table.

        Half as wide for each half of the rows: what is wide learns few rows by heart. So are layers
        where every pair of variables has a matrix, and these would have too many weights.
        """
        embedding, hidden, least = self.embedding, self.hidden, TUNING.least_width
        few = TUNING.wide_rows
        while rows < few and hidden > least:
            embedding, hidden, few = max(embedding // 2, 4), hidden // 2, few // 2
        pairs = variables**2 if variables <= TUNING.paired else 0
        while pairs * embedding * hidden > TUNING.most_weights and hidden > least:
            embedding, hidden = max(embedding // 2, 2), hidden // 2
        return replace(self, embedding=embedding, hidden=hidden)


@dataclass(frozen=True)
class Tuning:
    """Numbers that were found once, and hold for any table."""

    # -- the integers of a row

    bins: int = 96
    steps: int = 1024
    """Most bins of a float, and steps in all of them: a bin is a class of the network, and costs as
    much as a category; a step within it is cheap."""
    bin_rows: int = 30
    step_rows: int = 12
    """Rows that a bin, and a step within it, should hold."""
    wide_gap: float = 2.0
    """A step does not go half-way over a gap that is so many times as wide as those within it."""
    many: int = 96
    large: int = 1000
    within: int = 16
    """Codes that few rows have each, if there are more; a block of more is split in two: groups of
    so many neighbours at least."""

    # -- the network

    wide_rows: int = 500
    """Of fewer rows, layers are narrower."""
    most_weights: int = 16_000_000
    least_width: int = 8
    """Weights of all pairs of variables, and how narrow layers become for them, or for few rows."""
    paired: int = 64
    rank: int = 64
    """Variables of which each pair has a matrix; of more, all before a variable are a sum of so
    many numbers. It takes less time, and few rows tell more of fewer weights: of 1,500 rows of 100
    columns, held-out ones are told by 2.19 nats a column instead of 2.28, and learned ones by 1.98
    instead of 1.66."""
    wide: int = 64
    pace: float = 30.0
    """Further width of the vectors of many codes; how much faster these are learned. A code that
    few rows have is in few batches: it has to go far in few steps."""
    knots: int = 33
    waves: tuple[float, ...] = (1.0, 2.0, 4.0)
    """Quantiles between which a context's float has a rank, and the frequencies of its waves, which
    tell a layer what holds in the middle of a range."""
    sizes: tuple[int, ...] = (8, 24, 96)
    """Heads of up to so many codes share one padded product."""
    fine_hidden: int = 32
    own: int = 32
    """Units of the layer within coarse codes, and how many of them each coarse code weighs
    itself."""
    copy_scales: tuple[float, ...] = (0.03, 0.1, 0.3)
    """How near a number is to the one before it counts on these scales, in normal scores."""
    least_pairs: int = 100
    least_tie: float = 0.05
    tied_rows: int = 4_000
    """Rows with one before them, what that tells of them (kappa, or a correlation) beyond all else
    that is known, from which on it is copied, and rows that are looked at: other variables cost
    nothing."""
    scales: tuple[float, ...] = (0.0, 0.2, 0.4, 0.6, 0.8, 1.0)
    """What heads are scaled by; see :meth:`~.heads.Heads.shrink`."""

    crossed: int = 16
    cross_least: int = 10
    cross_credible: float = 20.0
    """Width of a combination's vector, rows at least that have it, and rows with which it counts
    half. With less of either, held-out rows are told as well, but learned ones better still."""
    cross_gain: float = 0.05
    cross_depth: int = 5
    cross_tried: int = 8
    cross_rows: int = 20_000
    """Nats at least that one more variable in a combination tells, variables in it, further ones
    that are tried, and rows that are looked at; see :mod:`~.crosses`."""

    copula_rows: int = 2_000
    copula_share: int = 100
    copula_series: int = 7_000
    copula_spread: int = 500
    copula_variables: int = 500
    """Tables of fewer rows, or of fewer for each variable, begin with a :class:`~.copula.Copula`.
    So do those of fewer rows in series (and for each variable: of few ones little is to tell),
    which learn to follow the rows before them, and not their own place. Of more rows, a network
    learns it, and a drawn row would take twice as long. Of more variables, to choose among their
    correlations would take minutes, of 5,000 hours."""

    # -- training

    least_steps: int = 20
    """Batches of an epoch at least."""
    cheap_steps: int = 50
    """Batches of an epoch at least where they are small: more for less time."""
    evaluated_steps: int = 50
    """Batches between evaluations at least."""
    most_loss: float = 20.0
    """Of one variable, in nats: one code that never occurred is not to outweigh all rows."""
    watched: int = 1_000
    """Learned rows at most whose likelihood is compared with that of held-out rows."""
    decay_rows: int = 1_400
    strong_decay: float = 2.0
    most_decay: float = 60.0
    """Tables of fewer rows have more weight decay: up to a strong one, and more where that is in
    vain. A weight of AdamW is at most one over its decay, and comes near that only where all
    batches agree on its sign: what few rows have by chance is lost first. Of 1,000 rows of a survey
    in batches of 50, decay 10 reaches a held-out loss of 1.327 with a gap of 0.23 deviations, decay
    0.2 one of 0.50; in batches of 500, decay 10 reaches it with 0.86."""
    worth: float = 0.01
    least_held: int = 100
    """A state with a gap beyond the limit is kept if so many held-out rows are told so much better.
    What all rows have in common (sessions open before they close) is worth more than that; of few
    rows that cannot be told from what is known by heart."""
    forgotten: tuple[float, float] = (1e-3, 1e-2)
    """What Adam forgets of a mean square with each step: of small batches, and of 500 rows. In
    proportion to the batch (Malladi et al., 2022), so that it remembers as many rows."""
    settling: float = 25.0
    """The weights' average settles over ``batch / 25`` steps. That of small batches, which have
    more noise, is long sooner: else the gap to learned rows is seen too early, and countered before
    much is learned."""
    fall: float = 0.3
    """Share of the epochs over which the steps fall to nothing, where training goes so far. All
    three average the noise of batches out, which decides where few rows stand: of 150 teams that
    exist in some years only, 3.8 % of the rows lay outside them with none of these, 2.9 % with
    all."""
    calibrated_rows: int = 20_000
    calibrated_repeats: int = 20
    calibrated_cells: int = 4_000_000
    calibrations: int = 4
    """Rows drawn to correct the marginals, of each real row so many at most, as the shares of few
    rows are chance; cells of them, since a cell costs more the more columns there are; and how
    often: a column that is corrected changes those after it."""
    rounds: int = 6
    group_pace: float = 0.6
    """The same on whole groups, each row after drawn ones: rounds at most, and the part of the way
    that the first one goes."""
    chance_factor: float = 1.25
    negligible: float = 0.005
    """The last round is that in which no variable is further off than so many times what chance
    makes of as many rows, or than is worth a correction. To end where a round brought none nearer
    would be to end by chance: of groups of 100, states were .021 off instead of .015."""


TUNING = Tuning()
