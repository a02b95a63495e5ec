"""Every error that SynthoHive raises on purpose.

The tree::

    SynthoHiveError
    ├── SchemaError                  the description of the tables is wrong or not supported
    │   └── SchemaValidationError    …as found by Metadata.validate_schema: all problems at once
    ├── RehearsalError               what would have failed after training: nothing was trained
    ├── TrainingError                a model could not be fitted
    ├── SerializationError           a checkpoint is damaged, foreign or too new
    ├── ConstraintViolationError     a generated value breaks a constraint that had to hold
    ├── ConnectorError               a database or file could not be read or written
    ├── QualityError                 synthetic data is further from the real data than allowed
    └── PrivacyError                 an output would reveal more than the configuration permits

A message says what was found, where (table, column, key) and, in its hint, what to do.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any, Optional

if TYPE_CHECKING:
    from pandas import DataFrame

__all__ = [
    "HARMLESS_SETTINGS",
    "HIDDEN_VALUE",
    "ConnectorError",
    "ConstraintViolationError",
    "PrivacyError",
    "QualityError",
    "RehearsalError",
    "SchemaError",
    "SchemaValidationError",
    "SerializationError",
    "SynthoHiveError",
    "TrainingError",
    "did_you_mean",
    "hide_secrets",
    "hides_values",
    "in_column",
]

HIDDEN_VALUE = "'…'"
"""What stands in a message for what may be a value of a row; what it was made of is not chained."""
_HIDDEN = "***"
# Bounded repeats: the time stays in proportion to the text, whatever it is.
_IN_URL = re.compile(
    r"(?P<scheme>(?<![\w+.-])(?:[A-Za-z][\w+.-]{0,40}(?::/{1,2}|//)|:?//))"
    r"(?P<user>[^\s:/@]{0,200}):\S{0,2000}@"
)
HARMLESS_SETTINGS = (
    "account", "application_name", "authenticator", "catalog", "charset", "client_encoding",
    "connect_timeout", "host", "http_path", "local_infile", "location", "maximum_bytes_billed",
    "mode", "port", "priority", "role", "schema", "service", "ssl_ca", "ssl_verify_cert",
    "sslcert", "sslmode", "sslrootcert", "target_session_attrs", "timeout", "uri",
    "user_supplied_client", "warehouse",
)  # fmt: skip
"""What may be shown of a URL's settings; any other may be secret, or hold what is."""
_QUERY = re.compile(
    r"(?P<before>[A-Za-z][\w+.-]{0,40}:/{2}[^\s?'\"]{0,2000}\?)(?P<query>[^\s'\"]+)"
)
_SETTING = re.compile(
    r"""(?P<name>(?<![\w-])[\w-]{0,60}(?:passw(?:or)?d|passphrase|pwd|secret|token|credential|(?:api|access|account|
    encryption|master|private|shared)[\w-]{0,20}key)[\w-]{0,60}\s{0,9}=\s{0,9})(?:'[^']*'|"[^"]*"|[^\s&;,'")]+)""",
    re.IGNORECASE | re.VERBOSE,
)


def hides_values(message: str) -> bool:
    """Whether something was left out of a driver's message, which its error must not bring back.

    Examples
    --------
    >>> hides_values('Duplicate key "…" violates primary key constraint')
    True
    """
    return HIDDEN_VALUE.strip("'") in message


def hide_secrets(text: str) -> str:
    """Hide passwords in URLs, and the values of settings that are called like secrets.

    Examples
    --------
    >>> hide_secrets("postgresql://ada:p@ss@host/db?sslpassword=abc&sslmode=require")
    'postgresql://ada:***@host/db?sslpassword=***&sslmode=require'
    """
    text = _IN_URL.sub(rf"\g<scheme>\g<user>:{_HIDDEN}@", text)
    text = _QUERY.sub(_without_settings, text)
    return _SETTING.sub(rf"\g<name>{_HIDDEN}", text)


def _without_settings(url: re.Match[str]) -> str:
    """Hide the values of a URL's settings, but of those that are known to be harmless."""
    settings = []
    for setting in url["query"].split("&"):
        name, equals, _ = setting.partition("=")
        known = not equals or name.lower() in HARMLESS_SETTINGS
        settings.append(setting if known else f"{name}={_HIDDEN}")
    return url["before"] + "&".join(settings)


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """Return a hint that names the closest known spelling, or all known names.

    Examples
    --------
    >>> did_you_mean("custmer", ["customer", "orders"])
    "Did you mean 'customer'?"
    >>> did_you_mean("x", ["b", "a"])
    "Known: 'a', 'b'."
    """
    names = sorted(known)
    close = get_close_matches(name, names, n=1)
    if close:
        return f"Did you mean {close[0]!r}?"
    if not names:
        return "There are none."
    shown = ", ".join(repr(n) for n in names[:20])
    return f"Known: {shown}{', …' if len(names) > 20 else ''}."


class SynthoHiveError(Exception):
    """Root of all errors raised by SynthoHive.

    Parameters
    ----------
    message : str
        What was found, and where.
    hint : str, optional
        What to do about it; shown after the message.

    Examples
    --------
    >>> raise SynthoHiveError("The table is empty.", hint="Fill it.")
    Traceback (most recent call last):
    synthohive.exceptions.SynthoHiveError: The table is empty. Fill it.
    """

    def __init__(self, message: str, *, hint: Optional[str] = None) -> None:
        # users pass URLs as paths, and drivers repeat what they were given
        self.message = hide_secrets(message)
        self.hint = None if hint is None else hide_secrets(hint)
        between = "\n" if "\n" in self.message else " "  # after a list, on a line of its own
        super().__init__(self.message if hint is None else f"{self.message}{between}{self.hint}")

    def __reduce__(self) -> tuple[Any, ...]:
        """Come whole out of another process, whatever a subclass's constructor takes."""
        return _restored, (type(self), self.args), self.__dict__


def _restored(kind: type[SynthoHiveError], args: tuple[Any, ...]) -> SynthoHiveError:
    return kind.__new__(kind, *args)


class SchemaError(SynthoHiveError):
    """The description of the tables is wrong, or holds something unsupported.

    Examples
    --------
    >>> from synthohive import Metadata
    >>> Metadata().add_table("orders", "id").table("order")
    Traceback (most recent call last):
    synthohive.exceptions.SchemaError: There is no table 'order'. Did you mean 'orders'?
    """

    @classmethod
    def unknown_table(cls, table: str, known: Iterable[str], where: str = "") -> SchemaError:
        """Build the error for a table that the metadata does not have.

        Parameters
        ----------
        table : str
            As it was asked for.
        known : iterable of str
            The names that there are, of which the hint tells the closest.
        where : str
            What was searched, as in ``"the metadata"``.
        """
        place = f" in {where}" if where else ""
        return cls(f"There is no table {table!r}{place}.", hint=did_you_mean(table, known))

    @classmethod
    def unknown_column(cls, table: str, column: str, known: Iterable[str]) -> SchemaError:
        """Build the error for a column that a table does not have.

        Parameters
        ----------
        table, column : str
            As they were asked for.
        known : iterable of str
            The columns of the table, of which the hint tells the closest.
        """
        return cls(f"Table {table!r} has no column {column!r}.", hint=did_you_mean(column, known))


class SchemaValidationError(SchemaError):
    """All the problems that :meth:`Metadata.validate_schema` found.

    Attributes
    ----------
    problems : tuple of str
        One line each, the gravest first.

    Examples
    --------
    >>> from synthohive import Metadata, SchemaValidationError
    >>> metadata = Metadata().add_table("orders", "id", fk={"customer_id": "customers.id"})
    >>> try:
    ...     metadata.validate_schema()
    ... except SchemaValidationError as exc:
    ...     print(exc.problems[0])
    orders(customer_id) -> customers(id): there is no table 'customers'. Known: 'orders'.
    """

    def __init__(self, problems: Sequence[str], *, hint: Optional[str] = None) -> None:
        self.problems = tuple(map(hide_secrets, problems))
        count = len(self.problems)
        lines = "\n".join(f"  {i}. {p}" for i, p in enumerate(self.problems, 1))
        head = f"The schema has {count} problem{'' if count == 1 else 's'}:\n{lines}"
        super().__init__(head, hint=hint)


class RehearsalError(SynthoHiveError):
    """What would have failed after training failed before it, in the rehearsal of `fit`.

    Examples
    --------
    >>> raise RehearsalError.at(ValueError("no value is left"), "Making the rows", "orders")
    Traceback (most recent call last):
    synthohive.exceptions.RehearsalError: Making the rows of table 'orders' failed ...
    """

    @classmethod
    def at(
        cls, exc: Exception, doing: str, table: Optional[str] = None, *, real_rows: bool = False
    ) -> RehearsalError:
        """Build the error for what went wrong while something was done.

        Parameters
        ----------
        exc : Exception
            Tells its column where that is known (:func:`in_column`).
        doing : str
            ``"making the rows"``.
        table : str, optional
        real_rows : bool, default False
            Whether values of real rows may be in the text of an unforeseen error.
        """
        column = getattr(exc, "column", None)
        place = "" if table is None else f" of table {table!r}"
        hint = None if table is None else f"Leave the table out: exclude=[{table!r}]."
        if table is not None and column is not None and not column.startswith("__"):
            place = f" of {table}.{column}"
            hint = f"Leave the column out: metadata.exclude('{table}.{column}')."
        reason = type(exc).__name__ + ("" if real_rows else f": {exc}")
        if isinstance(exc, SynthoHiveError):
            reason, hint = exc.message, exc.hint or hint
        return cls(f"{doing}{place} failed before training: {reason:.800}", hint=hint)


@contextmanager
def in_column(name: str) -> Iterator[None]:
    """Let whatever goes wrong tell in which column it did.

    Examples
    --------
    >>> try:
    ...     with in_column("price"):
    ...         int("cheap")
    ... except ValueError as exc:
    ...     print(exc.column)
    price
    """
    try:
        yield
    except Exception as exc:
        vars(exc).setdefault("column", name)
        raise


class TrainingError(SynthoHiveError):
    """A model could not be fitted: diverged, or the data cannot be learned from.

    Examples
    --------
    >>> raise TrainingError("The loss of table 'orders' is NaN.", hint="Try a smaller `lr`.")
    Traceback (most recent call last):
    synthohive.exceptions.TrainingError: The loss of table 'orders' is NaN. Try a smaller `lr`.
    """


class SerializationError(SynthoHiveError):
    """A checkpoint is damaged, tampered with, foreign, or of a newer version.

    Examples
    --------
    >>> import tempfile
    >>> from synthohive import Synthesizer
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     Synthesizer.load(folder)
    Traceback (most recent call last):
    synthohive.exceptions.SerializationError: ...
    """


class ConstraintViolationError(SynthoHiveError):
    """A generated value breaks a constraint that had to hold.

    Examples
    --------
    >>> raise ConstraintViolationError("Rows of table 'orders' break CHECK (total >= 0).")
    Traceback (most recent call last):
    synthohive.exceptions.ConstraintViolationError: Rows of table 'orders' break CHECK (total >= 0).
    """


class ConnectorError(SynthoHiveError):
    """A database or file could not be read or written.

    Examples
    --------
    >>> from synthohive import Synthesizer
    >>> Synthesizer.from_database("oracle://scott:tiger@host/db")
    Traceback (most recent call last):
    synthohive.exceptions.ConnectorError: ...
    """

    @classmethod
    def missing_extra(cls, package: str, extra: str) -> ConnectorError:
        """Build the error for an optional package that is not installed."""
        return cls(
            f"The package {package!r} is not installed.",
            hint=f'Install it with: pip install "synthohive[{extra}]"',
        )


class QualityError(SynthoHiveError):
    """Synthetic data has scores beyond what the quality threshold, or the gate, allows.

    Attributes
    ----------
    scores : dict of str to float
        The distance of each failing column, keyed ``"table.column"``.
    rows : tuple of dict
        All failing scores, as `frame` has them.

    Examples
    --------
    >>> error = QualityError("1 column is too far.", {"orders.total": 0.4})
    >>> error.scores
    {'orders.total': 0.4}
    >>> error.frame[["table", "column", "score", "value"]].values.tolist()
    [['orders', 'total', 'distance', 0.4]]
    """

    def __init__(
        self,
        message: str,
        scores: dict[str, float],
        *,
        rows: Sequence[dict[str, Any]] = (),
        hint: Optional[str] = None,
    ) -> None:
        self.scores = dict(scores)
        self.rows = tuple(rows)
        super().__init__(message, hint=hint)

    @property
    def frame(self) -> DataFrame:
        """All failing scores: table, column, score, metric, value, limit; the worst first."""
        from pandas import DataFrame

        named = ((*name.rpartition(".")[::2], value) for name, value in self.scores.items())
        rows = self.rows or [
            {"table": table, "column": column, "score": "distance", "value": value}
            for table, column, value in named
        ]
        return DataFrame(rows, columns=["table", "column", "score", "metric", "value", "limit"])


class PrivacyError(SynthoHiveError):
    """An output would reveal more than the configuration permits.

    Examples
    --------
    >>> raise PrivacyError("The key of table 'people' is personal, and the table is to be kept.")
    Traceback (most recent call last):
    synthohive.exceptions.PrivacyError: The key of table 'people' is personal, ...
    """
