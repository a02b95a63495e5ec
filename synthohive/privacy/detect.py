"""Finding the columns with personal data, by their names, types and contents."""

from __future__ import annotations

import re
from typing import Optional

import pyarrow as pa
import pyarrow.compute as pc

from synthohive._arrow import column_from_arrow
from synthohive.exceptions import SchemaError
from synthohive.privacy.content import FITS, TELLING, is_letters, share
from synthohive.privacy.kinds import PiiFinding, PiiKind, describe, parse_kind
from synthohive.schema import Column, ColumnKind, PrivacyConfig, TableConfig

__all__ = ["PiiFinding", "PiiKind", "describe", "detect_pii"]

_SAMPLE = 1000
_TEXT = frozenset({ColumnKind.TEXT, ColumnKind.CATEGORICAL})
_NUMBERS = frozenset({ColumnKind.INTEGER, ColumnKind.DECIMAL, ColumnKind.FLOAT})

# Tried in this order on the words of the column's name, joined by "_".
_NAMES: tuple[tuple[str, str], ...] = (
    ("email", r"e_?mail|e_?mail_?addr(ess)?|mail_addr(ess)?|mail|correo|courriel"),
    ("ip", r"ip|ip_?v[46]|ip_?addr(ess)?|(remote|client)_addr"),
    ("mac", r"mac|mac_?addr(ess)?"),
    ("iban", r"iban|bank_account|account_iban"),
    (
        "credit_card",
        r"(credit_?|debit_?|payment_)?card(_?(number|num|no|nr))?|cc(_?(number|num|no))?|pan",
    ),
    ("ssn", r"ssn|social_security(_(number|num|no))?|social_sec"),
    (
        "national_id",
        r"passport(_?(number|num|no|id))?|national_?id(_(number|no))?|nino|cpf|nin|dni|nif|curp"
        r"|aadhaa?r|tax_?(id|number|no)|driv(er|ers|ing)_?licen[cs]e(_?(number|no|num))?"
        r"|id_card|identity_(number|card)|steuer_?(id|nummer)|pesel|personnummer|bsn",
    ),
    ("user_name", r"user_?name|login(_name)?|screen_?name|nick_?name|handle|user_login"),
    (
        "first_name",
        r"first_?names?|given_?names?|fore_?name|vorname|prenom|f_?name|middle_?name|nombre",
    ),
    (
        "last_name",
        r"last_?names?|sur_?name|family_?name|nachname|l_?name|maiden_?name|apellidos?|nom_famille",
    ),
    (
        "phone",
        r"(home_|work_|mobile_|cell_|contact_)?(tele)?phone(_?(number|num|no|nr))?|tel|telefono?"
        r"|mobile(_?(number|num|no))?|cell_?phone|cell|fax(_?(number|num|no))?|msisdn|handy",
    ),
    ("postcode", r"zip|zip_?code|post_?code|postal_?code|plz|postal|code_postal"),
    (
        "address",
        r"address(_?line)?_?\d?|addr_?\d?|street(_?(address|name))?_?\d?|strasse|adresse|direccion"
        r"|(billing|shipping|home|postal|mailing)_addr(ess)?",
    ),
    ("url", r"url|website|home_?page|profile(_(url|link))?|linkedin"),
    (
        "name",
        r"name|full_?name|display_?name|contact(_name)?|customer|client|employee|patient|person"
        r"|owner|author|passenger|manager|guest|member|holder|cardholder|recipient|user|student"
        r"|teacher|doctor|driver",
    ),
)
_COMPILED = tuple((kind, re.compile(rf"(?:.*_)?(?:{p})(?:_\d)?")) for kind, p in _NAMES)
# A word that turns the column into something about personal data: a flag, a count, a date.
_ABOUT = re.compile(
    r".*_(id|type|flag|count|cnt|at|date|time|status|verified|valid|format|length|kind|opt_?in|hash"
    r"|country|state|city|region)|(is|has|num|n|count|allow|opt_?in)_.*"
)
_NOT_ADDRESS = re.compile(r".*(email|mail|ip|mac|web|wallet|memory|contract).*")

# Share of sampled distinct values that must fit, where the name of the column agrees.
_NEEDED = {
    "email": 0.5,
    "ip": 0.5,
    "mac": 0.5,
    "iban": 0.3,
    "credit_card": 0.5,
    "ssn": 0.5,
    "national_id": 0.5,
    "user_name": 0.6,
    "phone": 0.5,
    "postcode": 0.6,
    "url": 0.3,
    "name": 0.3,
}
_NEEDED_ALONE = {"email": 0.7, "name": 0.6, "credit_card": 0.6, "address": 0.6}
_ALONE = 0.9
_FEW = 5  # fewer distinct values than this prove nothing by themselves
_UNDECLARED_NAME = 0.1  # names that Faker does not know are common; the column's name tells
_NATIVE = {"inet": "ip", "cidr": "ip", "macaddr": "mac", "macaddr8": "mac"}


def detect_pii(table: TableConfig, data: pa.Table, config: PrivacyConfig) -> list[PiiFinding]:
    """Return the columns of a table that hold personal data, of which kind, and why.

    ``TableConfig.pii_cols`` and ``PrivacyConfig.pii_columns`` add to what is detected, and
    clear with the kind ``"none"``. Dates of birth are not among them: dates are protected
    as numbers are.

    Parameters
    ----------
    data : pyarrow.Table
        Rows of the table; a sample is enough.

    Raises
    ------
    SchemaError
        A column or kind named by the user does not exist.
    """
    columns = {**{f.name: column_from_arrow(f) for f in data.schema}, **table.columns}
    found: dict[str, PiiFinding] = {}
    if config.detect_pii:
        for name, column in columns.items():
            if column.computed is None and (hit := _detect(column, _sample(data, name))):
                found[name] = PiiFinding(table.name, name, hit[0], hit[1])
    for name, stated in _listed(table, columns, data).items():
        found.pop(name, None)
        if stated is not None:
            found[name] = stated
    for name, text in config.pii_columns.get(table.name, {}).items():
        _require(table, name, columns)
        kind = parse_kind(text, table.name, name)
        found.pop(name, None)
        if kind is not None:
            found[name] = PiiFinding(table.name, name, kind, "PrivacyConfig.pii_columns")
    return [found[name] for name in columns if name in found]


def _listed(
    table: TableConfig, columns: dict[str, Column], data: pa.Table
) -> dict[str, Optional[PiiFinding]]:
    listed = (
        table.pii_cols if isinstance(table.pii_cols, dict) else dict.fromkeys(table.pii_cols or [])
    )
    found: dict[str, Optional[PiiFinding]] = {}
    for name, text in listed.items():
        _require(table, name, columns)
        if text is None or text == "auto":
            hit = _detect(columns[name], _sample(data, name))
            kind: Optional[PiiKind] = hit[0] if hit else _by_name(name) or PiiKind.OTHER
        else:
            kind = parse_kind(text, table.name, name)
        source = "TableConfig.pii_cols"
        found[name] = None if kind is None else PiiFinding(table.name, name, kind, source)
    return found


def _require(table: TableConfig, name: str, columns: dict[str, Column]) -> None:
    if name not in columns:
        raise SchemaError.unknown_column(table.name, name, columns)


def _by_name(name: str) -> Optional[PiiKind]:
    kind = next((k for k, pattern in _COMPILED if pattern.fullmatch(_snake(name))), None)
    return PiiKind(kind) if kind else None


def _snake(name: str) -> str:
    split = re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", "_", name)
    return re.sub(r"[^a-z0-9]+", "_", split.lower()).strip("_")


def _detect(column: Column, values: list[str]) -> Optional[tuple[PiiKind, str]]:
    if column.kind not in _TEXT | _NUMBERS:
        return None
    native = _NATIVE.get((column.sql_type or "").lower())
    if native:
        return PiiKind(native), f"its type is {column.sql_type}"
    snake = _snake(column.name)
    hinted = [kind for kind, pattern in _COMPILED if pattern.fullmatch(snake)]
    if _ABOUT.fullmatch(snake):
        hinted = [k for k in hinted if k in ("national_id",)]
    if column.kind in _NUMBERS:
        hinted = [k for k in hinted if k in ("phone", "credit_card", "ssn", "national_id")]
    for kind in hinted:
        if (why := _agrees(kind, snake, values)) is not None:
            return PiiKind(kind), why
    return _by_content(values) if column.kind in _TEXT else None


def _agrees(kind: str, snake: str, values: list[str]) -> Optional[str]:
    """Return why the contents support what the column's name suggests, else None."""
    if kind == "address" and _NOT_ADDRESS.fullmatch(snake):
        return None
    if not values:
        return "by its name (no values to look at)"
    if kind == "address":
        text = share(values, lambda v: len(v) > 2 and not FITS["email"](v) and not FITS["ip"](v))
        return "by its name" if text >= 0.5 else None
    if kind in ("first_name", "last_name"):
        known = max(share(values, FITS[k]) for k in (kind, "first_name", "last_name"))
        words = share(values, is_letters)
        fits = words >= 0.9 and known >= _UNDECLARED_NAME
        return f"by its name; {known:.0%} of values are known names" if fits else None
    part = share(values, FITS[kind])
    if kind == "name":
        return _name_agrees(part, values)
    return f"by its name; {part:.0%} of values fit" if part >= _NEEDED[kind] else None


def _name_agrees(part: float, values: list[str]) -> Optional[str]:
    if part >= _NEEDED["name"]:
        return f"by its name; {part:.0%} of values are known names"
    single = share(values, lambda v: FITS["first_name"](v) or FITS["last_name"](v))
    if single >= 0.6 and len(set(values)) >= _FEW:
        return f"by its name; {single:.0%} of values are known names"
    return None


def _by_content(values: list[str]) -> Optional[tuple[PiiKind, str]]:
    if len(set(values)) < _FEW:
        return None
    for kind, fits in TELLING.items():
        part = share(values, fits)
        if part >= _NEEDED_ALONE.get(kind, _ALONE):
            return PiiKind(kind), f"{part:.0%} of values fit"
    return None


def _sample(data: pa.Table, name: str) -> list[str]:
    """Return up to `_SAMPLE` non-null values as text, spread over the rows."""
    if name not in data.column_names:
        return []
    values = data.column(name).drop_null()
    step = max(1, len(values) // _SAMPLE)
    if step > 1:
        values = values.take(pa.array(range(0, step * _SAMPLE, step), pa.int64()))
    if pa.types.is_floating(values.type) or pa.types.is_decimal(values.type):
        values = pc.cast(pc.round(values), pa.float64())
        return [f"{value:.0f}" for value in values.to_pylist()]
    if pa.types.is_nested(values.type) or pa.types.is_binary(values.type):
        return []
    return [str(value) for value in values.to_pylist()]
