"""What must not leave the database."""

from __future__ import annotations

from typing import Literal, Optional

from pydantic import Field, SecretStr, model_validator

from synthohive.schema.columns import Strict

__all__ = ["PiiStrategy", "PrivacyConfig"]

PiiStrategy = Literal["fake", "mask", "hash", "format-preserving", "drop", "keep"]


class PrivacyConfig(Strict):
    """What must not leave the database.

    Parameters
    ----------
    pii_strategy : {"fake", "mask", "hash", "format-preserving", "drop", "keep"}
        What replaces personal data: Faker values, a mask of the same shape, a keyed
        hash of a made-up value, random letters and digits in usual formats, no value at all,
        or nothing (`keep`, for data that is not personal: it is learned).
    pii_strategies : dict of str to dict of str to str
        Strategies of single columns, ``{table: {column: strategy}}``. A column that is named
        here counts as personal, though nothing gave it away. What repeats it in other tables
        has its values.
    pii_key : str, optional
        A secret of 8 characters or more: with it, the same persons are made up in each run,
        whatever its seed. It is never shown or saved: pass it to :meth:`Synthesizer.load` again.
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

    epsilon, delta : float, optional
        Learn with differential privacy: what is learned changes by no more than this if all rows of
        any one `unit` are added or left out. Smaller is stricter; delta is
        far below one over the number of units. The documentation has a page on what is promised.
    unit : str, optional
        With `epsilon`: the table each of whose rows, with all that belongs to it in tables below,
        is protected as one.
    public : list of str
        With `epsilon`: tables that hold nothing of any unit, and are kept as they are.
    training_share : float
        With `epsilon`: the share of it for a network that learns from units' rows by noisy steps
        (DP-SGD). By default all is spent on counts, which come as close unless epsilon is large
        or units are many.
    noise_seed : int, optional
        With `epsilon`: for tests alone. Who knows it can take the noise away; it is not stored.

    Examples
    --------
    >>> PrivacyConfig(pii_columns={"staff": {"nick": "name"}}).k_anonymity_threshold
    5
    """

    pii_strategy: PiiStrategy = "fake"
    pii_strategies: dict[str, dict[str, PiiStrategy]] = Field(default_factory=dict)
    pii_key: Optional[SecretStr] = Field(default=None, min_length=8, exclude=True)
    pii_columns: dict[str, dict[str, str]] = Field(default_factory=dict)
    detect_pii: bool = True
    k_anonymity_threshold: int = Field(default=5, ge=1, le=10**15)
    entities: Optional[list[str]] = None
    locale: Optional[str] = None
    keep_comments: bool = True
    max_memorisation: Optional[float] = Field(default=None, ge=0, le=0.5)
    epsilon: Optional[float] = Field(default=None, gt=0, le=100)
    delta: Optional[float] = Field(default=None, gt=0, le=0.01)
    unit: Optional[str] = None
    public: list[str] = Field(default_factory=list)
    training_share: float = Field(default=0.0, ge=0, le=0.9)
    noise_seed: Optional[int] = Field(default=None, ge=0, repr=False)

    @model_validator(mode="after")
    def _all_or_none(self) -> PrivacyConfig:
        given = [value is not None for value in (self.epsilon, self.delta, self.unit)]
        if any(given) and not all(given):
            raise ValueError("epsilon, delta and unit belong together: pass all three, or none")
        if not any(given) and (self.public or self.noise_seed is not None):
            raise ValueError("public and noise_seed need epsilon, delta and unit")
        return self

    def strategy_of(self, table: str, column: str) -> PiiStrategy:
        """Return what becomes of a column, if it is personal."""
        return self.pii_strategies.get(table, {}).get(column, self.pii_strategy)

    def without_key(self) -> PrivacyConfig:
        """Return the same without the secret, which no file and no other process gets."""
        return self.model_copy(update={"pii_key": None})
