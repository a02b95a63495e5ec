"""What must not leave the database."""

from __future__ import annotations

from typing import Literal, Optional

from pydantic import Field

from synthohive.schema.columns import Strict

__all__ = ["PrivacyConfig"]


class PrivacyConfig(Strict):
    """What must not leave the database.

    Parameters
    ----------
    pii_strategy : {"fake", "mask", "hash", "keep"}
        What replaces personal data: Faker values, a mask of the same shape, a keyed
        hash of a made-up value, or nothing (`keep`, for data that is not personal).
    pii_columns : dict of str to dict of str to str
        ``{table: {column: kind}}``, added to what is detected. The kind ``"none"``
        clears a wrong detection.
    detect_pii : bool
        Look at names, types and contents of all columns.
    k_anonymity_threshold : int
        What fewer distinct entities share is never emitted: over each key path to a table
        of persons, accounts or organisations, the least number counts.
    entities : list of str, optional
        The tables whose rows are such entities, and columns (``"log.user_id"``) that name
        one. By default all tables count but look-up tables and those that are called like
        things (products, cities), and so do keys that are not declared.
    locale : str, optional
        Faker locale of names, streets and words. By default the one that most real names and
        addresses are of. Beside a column of countries, addresses and numbers have each one's form.
    keep_comments : bool
        Carry the comments of tables and columns over to the synthetic schema. They are what
        people wrote, as are defaults, CHECKs and the labels of enumerations, without which
        the schema would be another one.
    max_memorisation : float, optional
        How much better models may know the rows they learned than held-out ones: the largest
        excess over 0.5, as :attr:`Synthesizer.memorisation` has it. No state of a model that
        exceeds it is kept, at the cost of fidelity; :class:`PrivacyError` if what is kept does
        all the same. 0.1 is a limit that tables of 200 rows and more can keep.

    Examples
    --------
    >>> PrivacyConfig(pii_columns={"staff": {"nick": "name"}}).k_anonymity_threshold
    5
    """

    pii_strategy: Literal["fake", "mask", "hash", "keep"] = "fake"
    pii_columns: dict[str, dict[str, str]] = Field(default_factory=dict)
    detect_pii: bool = True
    k_anonymity_threshold: int = Field(default=5, ge=1, le=10**15)
    entities: Optional[list[str]] = None
    locale: Optional[str] = None
    keep_comments: bool = True
    max_memorisation: Optional[float] = Field(default=None, ge=0, le=0.5)
