"""The gate after each fit: what a model knows of the rows it learned."""

from __future__ import annotations

from typing import Optional

from synthohive._logging import get_logger
from synthohive.exceptions import PrivacyError
from synthohive.models.base import ConditionalGenerativeModel

__all__ = ["check_memorisation"]

log = get_logger(__name__)


def check_memorisation(
    table: str, model: ConditionalGenerativeModel, most: Optional[float]
) -> None:
    """Log what a fitted model has memorised, and refuse too much.

    Parameters
    ----------
    table : str
    model : ConditionalGenerativeModel
    most : float, optional
        Largest excess over 0.5.

    Raises
    ------
    PrivacyError
        The excess is larger, or was not measured though there is a limit.
    """
    found = model.memorisation
    if found is None:
        log.info("memorisation_not_measured", table=table, model=model.name)
        if most is not None:
            raise PrivacyError(
                f"What the model of table {table!r} has memorised is not known: it has too few "
                "rows to hold some out, or a model that does not measure it.",
                hint="Fit more rows, a built-in model, or without PrivacyConfig.max_memorisation.",
            )
        return
    log.info(
        "memorisation_measured",
        table=table,
        nearer=round(found.nearer, 4),
        error=round(found.error, 4),
        attack=round(found.attack, 4),
        rows=found.rows,
        excess=found.excess,
    )
    if most is not None and found.excess > most:
        raise PrivacyError(
            f"The model of table {table!r} knows the rows it learned too well: {found.nearer:.1%} "
            f"(± {found.error:.1%}) of drawn rows are nearer to them than to held-out ones, and "
            f"its scores tell these apart with an area of {found.attack:.3f} under the ROC curve. "
            f"The excess over 0.5 is {found.excess:.4f}, the limit {most}.",
            hint="Fit more rows, fewer epochs, or another model (model='autoregressive'); or raise "
            "PrivacyConfig.max_memorisation.",
        )
