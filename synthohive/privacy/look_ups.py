"""Look-up tables: the few that are kept as they are."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Optional

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from synthohive._arrays import IntArray
from synthohive.exceptions import PrivacyError
from synthohive.privacy.subjects import is_about_persons, is_about_things, singular, words_of
from synthohive.privacy.vocabulary import are_things, is_label, without_counters
from synthohive.schema import Column, ColumnKind, TableConfig
from synthohive.texts.lists import words

__all__ = ["Verdict", "check_look_up", "is_audit", "is_of_schema", "judge_look_up"]

_ROWS = 256
_TIMES = frozenset({ColumnKind.DATE, ColumnKind.TIMESTAMP})
_MADE = frozenset({ColumnKind.UUID, ColumnKind.BINARY})
# When, and by whom, a row was written: words of the column's name.
_AUDIT = re.compile(
    r"(?:.*_)?(?:last)?(?:created|creation|create|inserted|insert|added|updated|update|upd|modified|modify"
    r"|modification|mod|changed|change|edited|edit|deleted|removed|loaded|load|synced|sync|audit"
    r"|timestamp|ts|valid|effective|etl|erstellt|angelegt|geaendert|aktualisiert|cree|modifie"
    r"|creado|actualizado|criado|alterado|creato|modificato|aangemaakt|gewijzigd|utworzono"
    r"|zmieniono)(?:date|time|at|on|by)?(?:_.*)?"
)
_ROW_VERSION = re.compile(r"row_?(?:guid|version|id|uuid)|guid|uuid|version|etag")
# What somebody wrote about a row: not kept unless it names things; the names may be, all the same.
_REMARKS = words("remarks")
# What tools note of the schema itself, and applications cannot start without.
_OF_SCHEMA = words("tables of tools")
_BY_WHOM = frozenset("author installed_by lockedby".split())
_UUID_TEXT = re.compile(r"[0-9a-fA-F]{8}-?(?:[0-9a-fA-F]{4}-?){3}[0-9a-fA-F]{12}")
_SPREAD = 10  # surrogate keys have gaps; numbers of persons lie much farther apart
_DENSE = 1.5
_ENOUGH_LABELS = 0.9


@dataclass(frozen=True)
class Verdict:
    """What of a table is kept as it is.

    Attributes
    ----------
    kept : tuple of str
        Columns whose real values are emitted, in their real combinations; none if empty.
    why_not : str
        What speaks against keeping the table.
    """

    kept: tuple[str, ...] = ()
    why_not: str = ""


def judge_look_up(
    table: TableConfig,
    data: pa.Table,
    support: NDArray[np.integer[Any]],
    personal: Mapping[str, Any],
    k: int,
    *,
    parents_are_reference: bool = True,
) -> Verdict:
    """Tell which columns of a table are kept, if it describes the world (countries, states).

    ``TableConfig.reference`` decides where it is set; personal data is made up even then.
    What tools of migration note of the schema is kept, as the schema is. A table of things (types,
    statuses) keeps its keys, ranks and flags in any case, so that rows that refer to it still
    differ by what they refer to; texts of which nothing is known are made up beside them. Else the
    table must be harmless in every column: a key that counts, a flag, a rank, or text that names
    things and not persons, in whatever language; with a name of its own for (nearly) each row, of
    words, since a number may be a person's whose name was taken away.
    When and by whom rows were written, and remarks on them, may stand beside it: such columns
    are modelled. All rows must be used by at least `k` distinct entities, or by none, and
    foreign keys lead to other such tables only.

    Parameters
    ----------
    table : TableConfig
    data : pyarrow.Table
        The whole table.
    support : array of int
        For each row, the number of distinct entities that use it.
    personal : mapping of str
        Columns in which personal data was found.
    k : int
    parents_are_reference : bool
        Whether all tables that this one refers to are themselves look-up tables.
    """
    columns = table.described(data.schema)
    if table.reference is False:
        return Verdict(why_not="TableConfig.reference is False")
    if table.reference:
        return Verdict(tuple(name for name in columns if name not in personal))
    if is_of_schema(table) and data.num_rows:
        return Verdict(tuple(n for n in columns if n not in personal and n.lower() not in _BY_WHOM))
    used = support[support > 0]
    reason = _first(
        (not table.pk, "it has no primary key"),
        (not parents_are_reference, "it refers to a table that is not kept"),
        (not 0 < data.num_rows <= _ROWS, f"only tables of 1 to {_ROWS} rows are kept"),
        (len(support) != data.num_rows or not len(used), "no row of it is used"),
        (len(used) > 0 and int(used.min(initial=k)) < k, f"a row is used by fewer than {k}"),
        (is_about_persons(table.own_name), "its name says that its rows are persons"),
    )
    return Verdict(why_not=reason) if reason else _judge_columns(table, data, columns, personal)


def is_of_schema(table: TableConfig) -> bool:
    """Tell whether tools of migration note in a table what they did to the schema."""
    return table.own_name.lower() in _OF_SCHEMA


def check_look_up(table: TableConfig, personal: Collection[str]) -> None:
    """Refuse to keep a table whose keys are personal: what refers to it would show them.

    Raises
    ------
    PrivacyError
        ``reference=True``, but a key holds personal data.
    """
    keys = sorted(table.key_columns & set(personal))
    if table.reference and keys:
        raise PrivacyError(
            f"{table.name} is to be kept as it is (reference=True), but its key {', '.join(keys)} "
            "holds personal data.",
            hint=f"Leave out reference=True for {table.name!r}, or clear the column with the kind "
            "'none' in PrivacyConfig.pii_columns.",
        )


def is_audit(column: Column) -> bool:
    """Tell whether a column says when or by whom a row was written, or which version it is."""
    called = "_".join(words_of(column.name))
    if column.kind in _MADE:
        return True
    if column.kind in _TIMES or column.kind.family in ("text", "number"):
        return bool(_AUDIT.fullmatch(called) or _ROW_VERSION.fullmatch(called))
    return False


def _judge_columns(
    table: TableConfig,
    data: pa.Table,
    columns: Mapping[str, Column],
    personal: Mapping[str, Any],
) -> Verdict:
    foreign = {c for fk in table.foreign_keys for c in fk.columns}
    roles = {
        name: "key" if name in foreign else _role(table, column, data.column(name), personal)
        for name, column in columns.items()
    }
    wrong = [name for name, role in roles.items() if role == "other"]
    if wrong:
        personal_one = wrong[0] in personal
        return Verdict(
            why_not=f"{wrong[0]} "
            + ("holds personal data" if personal_one else "is no key, flag, rank, code or name")
        )
    texts = {n: _texts(data.column(n)) for n, role in roles.items() if role == "text"}
    of_things = is_about_things(table.own_name)
    about = {name: [*words_of(table.own_name), *words_of(name)] for name in texts}
    things = [name for name, values in texts.items() if are_things(values, (), about[name])]
    named = [n for n in things if is_label(texts[n]) and _tells_apart(data.column(n))]
    shown = [texts[name] for name in named]
    for name, values in texts.items():
        if name not in things and not are_things(values, shown):
            if (of_things and name not in table.pk) or _REMARKS & set(words_of(name)):
                roles[name] = "remark"
                continue
            return Verdict(why_not=f"{name} may name persons, or is not known to name things")
        if not named and not is_label(values) and not of_things:
            return Verdict(why_not=f"{name} is free text")
    if not named and not of_things and "remark" in roles.values():
        return Verdict(why_not="its rows have no names but remarks")
    if of_things and "remark" in roles.values():
        return Verdict(_kept(roles))
    links = not set(roles.values()) - {"key", "beside"} and set(table.pk) <= foreign
    if not links and not _are_told_apart(table, data, named, roles):
        return Verdict(why_not="its rows have no names of their own")
    return Verdict(_kept(roles))


def _kept(roles: Mapping[str, str]) -> tuple[str, ...]:
    return tuple(name for name, role in roles.items() if role not in ("beside", "remark"))


def _role(
    table: TableConfig, column: Column, values: pa.ChunkedArray, personal: Mapping[str, Any]
) -> str:
    """Return what a column may be; `beside` and `remark` are not kept, `other` forbids it all."""
    name, is_key = column.name, column.name in table.pk
    if is_key and name not in personal and _counts_or_codes(values):
        return "key"
    if is_audit(column) and not is_key:
        return "beside"
    if name in personal:  # a remark may name persons where the row does not
        return "remark" if _REMARKS & set(words_of(name)) else "other"
    if column.kind is ColumnKind.BOOLEAN:
        return "flag"
    if column.kind.family == "number" and not is_key and _ranks(values):
        return "rank"
    return "text" if column.kind.family == "text" else "other"


def _are_told_apart(
    table: TableConfig, data: pa.Table, named: Sequence[str], roles: Mapping[str, str]
) -> bool:
    """Tell whether its rows are known to be things.

    Numbers and letters that only count (3, "P-003", "Subject 3") are how persons are called
    whose names were taken away. They name things where the table's name says so: a table of
    things, or "Treatment 3" of treatments.
    """
    worded = [without_counters(data.column(name)) for name in named]
    if any(map(_tells_apart, worded)):
        return True
    ranks = [n for n, role in roles.items() if role == "rank" and _tells_apart(data.column(n))]
    if is_about_things(table.own_name):
        return bool(named or ranks)
    own = {form for word in words_of(table.own_name) for form in (word, singular(word))}
    return any(set(pc.unique(texts).to_pylist()) <= own for texts in worded)


def _texts(values: pa.ChunkedArray) -> list[str]:
    return [str(value or "") for value in values.to_pylist()]


def _counts_or_codes(values: pa.ChunkedArray) -> bool:
    """Tell whether a key is a surrogate: a number that counts, or random bits."""
    known = values.drop_null()
    if pa.types.is_string(known.type) or pa.types.is_large_string(known.type):
        return all(_UUID_TEXT.fullmatch(str(value)) for value in known.to_pylist())
    if pa.types.is_fixed_size_binary(known.type) or pa.types.is_binary(known.type):
        return True
    numbers = _whole(known)
    if numbers is None or not len(numbers):
        return False
    # places that the keys take up, and the first of them
    spread, low = int(numbers.max() - numbers.min()) + 1, int(numbers.min())
    counts = low <= _SPREAD and spread <= _SPREAD * len(numbers)  # from one, with gaps
    return counts or spread <= _DENSE * len(numbers)


def _ranks(values: pa.ChunkedArray) -> bool:
    """Tell whether numbers only count: 1, 2, 3 … or 10, 20, 30 …, a few left out."""
    known = values.drop_null()
    numbers = _whole(known)
    if numbers is None:
        return False
    distinct = np.unique(numbers)
    if len(distinct) < 2:
        return not len(distinct) or int(distinct[0]) in (0, 1)
    step = int(np.gcd.reduce(np.diff(distinct)))  # the coarsest grid on which all lie
    # how many there would be without gaps
    places = int(distinct[-1] - distinct[0]) // step + 1
    return int(distinct[0]) in (0, 1, step) and places <= _DENSE * len(distinct)


def _whole(known: pa.ChunkedArray) -> Optional[IntArray]:
    """Return numbers without fractions; None for others."""
    if not (
        pa.types.is_integer(known.type)
        or pa.types.is_floating(known.type)
        or pa.types.is_decimal(known.type)
    ):
        return None
    floats = pc.cast(known, pa.float64(), safe=False)  # of larger ones nothing is asked
    numbers = np.asarray(floats.to_numpy(), dtype=np.float64)
    if not (np.isfinite(numbers).all() and (numbers == np.round(numbers)).all()):
        return None
    if len(numbers) and np.abs(numbers).max() > 2**53:
        return None
    return numbers.astype(np.int64)


def _tells_apart(values: pa.ChunkedArray) -> bool:
    """Tell whether (nearly) each row has a value of its own."""
    distinct = pc.count_distinct(values).as_py()
    return bool(distinct >= _ENOUGH_LABELS * len(values))


def _first(*reasons: tuple[bool, str]) -> str:
    return next((text for applies, text in reasons if applies), "")
