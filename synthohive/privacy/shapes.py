"""Which patterns a made-up column follows: learned from its values, else the kind's own."""

from __future__ import annotations

import re
import string
from collections import Counter
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from synthohive._arrays import IntArray
from synthohive.privacy.kinds import PiiKind
from synthohive.privacy.places import calling_code, known_countries, lead_of_phone
from synthohive.privacy.pools import DOMAINS, faker
from synthohive.privacy.styles import reserved
from synthohive.schema import Column, ColumnKind
from synthohive.texts.patterns import (
    CLASSES,
    LETTER,
    Pattern,
    alphabet_of,
    by_form,
    pieces_of,
    shape,
    with_room,
)

__all__ = [
    "Weighted",
    "as_text",
    "form_of",
    "form_patterns",
    "hex_pattern",
    "infer_patterns",
    "issuer_of",
    "lead_of",
    "mask_patterns",
    "patterns_for",
]

Weighted = list[tuple[Pattern, float]]

_FAKER = {
    PiiKind.PHONE: "phone_number",
    PiiKind.POSTCODE: "postcode",
    PiiKind.SSN: "ssn",
    PiiKind.IBAN: "iban",
    PiiKind.NATIONAL_ID: "passport_number",
    PiiKind.CREDIT_CARD: "credit_card_number",
    PiiKind.PLATE: "license_plate",
}
_DIGITS = {PiiKind.SSN: 9, PiiKind.CREDIT_CARD: 16, PiiKind.POSTCODE: 5, PiiKind.NATIONAL_ID: 9}
_DRAWS = 300
_LENGTHS = 5
_LONGEST = 200
_LED = 0.9  # of numbers with a country before them
_MASKS = {"9": "9012345678", "a": "xabcdefghijklmnopqrstuvwyz", "A": "XABCDEFGHIJKLMNOPQRSTUVWYZ",
          LETTER: "〇" + CLASSES[LETTER]}  # fmt: skip
_SAMPLE = 20_000
_SHAPES = 20
_FORMS = 50  # each is made for itself
_LONGEST_SHAPE = 120
_ENOUGH = 50  # distinct values below which nothing is concluded from their digits
_ROOM = 100  # a learned pattern has this many times more values than were seen
_OCTETS = [str(number) for number in range(256)]
# First octets: those above 223 are multicast and reserved, and none begins a private network too.
_PUBLIC = [text for text in _OCTETS[1:224] if text not in ("10", "127", "169", "172", "192")]
_NETWORKS = ((["10"], _OCTETS), (["172"], _OCTETS[16:32]), (["192"], ["168"]), (_PUBLIC, _OCTETS))


def as_text(values: Any) -> Any:
    """Return non-null values as one Arrow string array; whole numbers without a point."""
    values = values.drop_null()
    if isinstance(values, pa.ChunkedArray):
        values = values.combine_chunks()
    if pa.types.is_floating(values.type) or pa.types.is_decimal(values.type):
        numbers = pc.round(values.cast(pa.float64()))
        return numbers.cast(pa.int64(), safe=False).cast(pa.string())
    return values.cast(pa.string())


_ISSUERS = (  # what numbers of cards begin with (ISO 7812), and how long they are
    (re.compile(r"3[47]\d{13}"), ("3", "47")),
    (re.compile(r"4\d{12}(\d{3}){0,2}"), ("4",)),
    (re.compile(r"5[1-5]\d{14}"), ("5", "12345")),
    (re.compile(r"2(22[1-9]|2[3-9]\d|[3-6]\d\d|7[01]\d|720)\d{12}"), ("2", "3456")),
    (re.compile(r"6011\d{12}(\d{3})?"), ("6", "0", "1", "1")),
    (re.compile(r"65\d{14}"), ("6", "5")),
    (re.compile(r"35(2[89]|[3-8]\d)\d{12}"), ("3", "5", "345678")),
    (re.compile(r"3[068]\d{12}"), ("3", "68")),
    (re.compile(r"62\d{14}(\d{3})?"), ("6", "2")),
)
_COUNTRY = re.compile(r"([A-Z]{2})(?=\d{2}|[A-Z0-9 .-]*\d)")


def infer_patterns(values: Any, k: int, free: bool) -> Weighted:
    """Learn the common patterns of text values, with their numbers of rows.

    Parameters
    ----------
    values : pyarrow string array
    k : int
        A shape or symbol seen in fewer rows is not used.
    free : bool
        Keep only the symbols that never vary, so that unique values do not run out.
    """
    # evenly spaced: the first rows may be of one kind
    step = max(1, len(values) // _SAMPLE)
    texts = [text for text in values[::step].to_pylist()[:_SAMPLE] if text]
    # what fewer than one row in 1,000 has is a slip
    least = max(k, len(texts) / 1000)
    return [
        (_pattern(form, sorted({texts[row] for row in rows}), k, free), float(len(rows)))
        for form, rows in by_form(map(shape, texts))[:_SHAPES]
        if len(rows) >= least and len(form) <= _LONGEST_SHAPE
    ]


def _pattern(form: str, members: list[str], k: int, free: bool) -> Pattern:
    """Return the pattern of distinct members of a shape, with room for many more."""

    def rows(codes: IntArray, size: int) -> IntArray:
        return np.bincount(codes, minlength=size)

    pieces = pieces_of(form, members, rows, k, words=False)
    if len(members) < max(_ENOUGH, k):  # of so few, digits all have by chance
        pieces = [list(CLASSES["9"]) if at == "9" else p for at, p in zip(form, pieces)]
    if free:
        pieces = [
            list(alphabet_of(set(p), a)) if a in CLASSES and len(p) > 1 else p
            for a, p in zip(form, pieces)
        ]
    wanted = _ROOM * len(members)
    pattern = Pattern.of(*with_room(form, pieces, wanted))
    # So few possible values would be the real ones.
    return pattern if pattern.capacity >= wanted else Pattern.of_shape(form)


def patterns_for(
    kind: PiiKind,
    column: Column,
    text: Any,
    locale: str,
    *,
    k: int,
    unique: bool,
    territory: str = "",
) -> Weighted:
    """Return the patterns that values of a column follow, with their frequencies.

    Parameters
    ----------
    kind : PiiKind
    column : Column
        Its type, and how many characters or digits it holds.
    text : pyarrow.Array
        Real values as strings (:func:`as_text`), none NULL; may be empty.
    locale : str
        Of Faker, as ``de_DE``: its forms are used where the values show none.
    k : int
        A shape, symbol, country or issuer seen in fewer rows is not used.
    unique : bool
        Keep only the symbols that never vary, so that unique values do not run out.
    territory : str, optional
        The country (``DE``) that stands in where too few rows share one that numbers begin
        with; that of the locale by default.

    Returns
    -------
    list of (Pattern, float)
        At least one.
    """
    if column.kind.family == "number":
        return _numeric(kind, column, text, k, unique)
    if column.kind is ColumnKind.UUID:
        return [(hex_pattern("hhhhhhhh-hhhh-4hhh-ahhh-hhhhhhhhhhhh", upper=False), 1.0)]
    if kind is PiiKind.IP:
        return _ip_addresses(text[:_SAMPLE].to_pylist(), k)
    if kind is PiiKind.MAC:
        return _hexadecimal(text)
    home = territory or locale[-2:]
    learned = _led(kind, text, k, unique, home)
    if not learned and kind in _FAKER:
        source = faker(locale)
        drawn = [getattr(source, _FAKER[kind])() for _ in range(_DRAWS)]
        # One form for all rows, and a plain one: the few real ones hardly had several.
        usual = _led(kind, pa.array(drawn, pa.string()), 1, unique, home)
        plain = [p for p, _ in usual if not any(map(str.isalpha, p.example))]
        if kind is PiiKind.PHONE:  # with something between its parts, which marks it as one
            plain.sort(key=lambda p: p.example.isalnum())
        learned = [(p, 1.0) for p in (plain or [p for p, _ in usual])[:1]]
    return _within(learned or _letters(text), column)


def lead_of(kind: PiiKind, text: str) -> str:
    """Return what a value begins with that must be one of a public list; nothing for none."""
    if kind is PiiKind.PHONE:
        return lead_of_phone(text)
    if kind in (PiiKind.IBAN, PiiKind.NATIONAL_ID):
        found = _COUNTRY.match(text)
        return found[1] if found and found[1] in known_countries() else ""
    return ""


def issuer_of(text: str) -> str:
    """Return what tells the issuer of a card: what its numbers begin with; empty if not known.

    Examples
    --------
    >>> issuer_of("4111 1111 1111 1111"), issuer_of("371449635398431"), issuer_of("0000")
    ('4', '3 47', '')
    """
    digits = re.sub(r"\D", "", text)
    return next((" ".join(lead) for form, lead in _ISSUERS if form.fullmatch(digits)), "")


def _led(kind: PiiKind, text: Any, k: int, unique: bool, home: str) -> Weighted:
    """Infer patterns in which what tells the country, or a card's issuer, is a real one.

    Those that `k` rows share, else that of the country `home`; what follows has the forms
    that all have.
    """
    if kind is PiiKind.CREDIT_CARD:
        return _cards(text, k)
    parts: dict[str, list[str]] = {}
    for value in text.to_pylist():
        lead = lead_of(kind, value)
        parts.setdefault(lead, []).append(value[len(lead) :])
    plain = parts.pop("", [])
    found = infer_patterns(pa.array(plain, pa.string()), k, unique)
    count = sum(map(len, parts.values()))
    if kind is PiiKind.NATIONAL_ID and count < _LED * (count + len(plain)):
        return infer_patterns(text, k, unique)  # letters of another meaning
    usual = infer_patterns(pa.array([rest for p in parts.values() for rest in p]), k, unique)
    shared = {lead: rests for lead, rests in parts.items() if len(rests) >= k}
    if not shared and count >= k:
        shared = {_public_lead(kind, sorted(parts)[0], home): []}
    known = sum(map(len, shared.values())) or 1
    for lead, rests in shared.items():
        own = infer_patterns(pa.array(rests, pa.string()), k, unique) or usual
        total = sum(weight for _, weight in own) or 1.0
        # rows whose own lead is too rare are shared out by those that are not
        share = count * (len(rests) / known if rests else 1.0)
        found += [(Pattern.of(*lead, *p.pieces), share * w / total) for p, w in own]
    return found


def _public_lead(kind: PiiKind, like: str, home: str) -> str:
    """Return a country's own lead, written like another one."""
    if kind is not PiiKind.PHONE:
        return home
    return (
        like.rstrip(string.digits) + calling_code(home)
        if like[:2] != "00"
        else ("00" + calling_code(home))
    )


def _cards(text: Any, k: int) -> Weighted:
    """Return the patterns of the issuers whose cards `k` rows show, each in its usual spacing."""
    found: Counter[tuple[str, tuple[str, ...]]] = Counter()
    for value in text.to_pylist():
        if lead := tuple(issuer_of(value).split()):
            found[shape(value), lead] += 1
    patterns = []
    for (form, lead), count in found.most_common():
        if count >= k and form.isascii():
            first = iter(lead)
            pieces = [next(first, CLASSES["9"]) if symbol == "9" else symbol for symbol in form]
            patterns.append((Pattern.of(*pieces), float(count)))
    return patterns


def form_of(text: str) -> str:
    """Return a text's format: the class of each character; an address's domain is nobody's.

    Examples
    --------
    >>> form_of("Ann Lee"), form_of("Ann.7@Post.com")
    ('Aaa Aaa', 'Aaa.9@post.example')
    """
    name, at, domain = text.rpartition("@")
    return shape(name) + at + reserved(domain.lower()) if at else shape(text)


def form_patterns(kind: PiiKind, column: Column, text: Any, k: int) -> Weighted:
    """Return the formats of texts, in which all letters and digits are free.

    Parameters
    ----------
    kind : PiiKind
        Addresses have the domains that `k` share, else one that nobody has.
    column : Column
        How many characters it holds.
    text : pyarrow.Array
        Real values as strings, none NULL; may be empty.
    k : int
        A format of fewer rows is not used.
    """
    step = max(1, len(text) // _SAMPLE)
    texts = [text for text in text[::step].to_pylist()[:_SAMPLE] if text]
    made = f"@{DOMAINS[0]}" if kind is PiiKind.EMAIL else ""
    found = Counter(map(form_of, texts))
    if made:  # whose domain is rare may have a usual form before it
        rare = {form: count for form, count in found.items() if count < k}
        for form, count in rare.items():
            found[(form.rpartition("@")[0] or form) + made] += count
    kept = [(form, float(n)) for form, n in found.most_common(_FORMS) if n >= k]
    kept = [pair for pair in kept if len(pair[0]) <= _LONGEST_SHAPE]
    if made and not kept:
        kept = [(f"aaaaaaaa{made}", 1.0)]
    # the script is that of the letters; of those that alphabets lack (é), others stand in
    forms = {form for form, _ in kept}
    seen = Counter(c for t in texts if form_of(t) in forms for c in {*t.rpartition("@")[0]} or {*t})
    letters = {at: {c for c, n in seen.items() if n >= k and shape(c) == at} for at in "Aa"}
    classes = {at: alphabet_of(chars, at) for at, chars in letters.items() if chars}
    patterns = []
    for form, weight in kept:
        free, at, domain = form.rpartition("@") if made and "@" in form else (form, "", "")
        pieces = [{**CLASSES, **classes}.get(symbol, symbol) for symbol in free]
        patterns.append((Pattern.of(*pieces, *at, *domain), weight))
    return _within(patterns or _letters(text), column)


def mask_patterns(column: Column, text: Any, k: int, unique: bool) -> Weighted:
    """Return patterns of the values' shapes in which number 0 is the plain mask.

    Parameters
    ----------
    column : Column
        How many characters it holds.
    text : pyarrow.Array
        Real values as strings, none NULL; may be empty.
    k : int
        A shape or symbol seen in fewer rows is not used.
    unique : bool
        Whether other numbers give other values; the mask is all there is if not.

    Returns
    -------
    list of (Pattern, float)
        At least one.
    """
    learned = infer_patterns(text, k, free=True) or _letters(text)
    return [(_masked(pattern, unique), weight) for pattern, weight in _within(learned, column)]


def hex_pattern(form: str, *, upper: bool) -> Pattern:
    """Return a pattern in which each ``h`` of `form` is a hexadecimal digit."""
    return Pattern.of_shape(form, {"h": string.digits + ("ABCDEF" if upper else "abcdef")})


def _masked(pattern: Pattern, unique: bool) -> Pattern:
    masks = [_MASKS.get(shape(piece[0]), piece[0]) for piece in pattern.pieces]
    return Pattern.of(*(masks if unique else (mask[0] for mask in masks)))


def _within(patterns: Weighted, column: Column) -> Weighted:
    """Cut patterns to VARCHAR(n); real shapes fit already, a kind's own may not."""
    return _apart([(Pattern(p.pieces[: column.length]), weight) for p, weight in patterns])


def _apart(patterns: Weighted) -> Weighted:
    """Merge patterns of the same shape, so that no two can give the same value."""
    merged: dict[str, Weighted] = {}
    for pattern, weight in patterns:
        known, best, sum_ = merged.setdefault(shape(pattern.example), []), pattern, weight
        while like := [pair for pair in known if not _are_apart(pair[0], best)]:
            known[:] = [pair for pair in known if pair not in like]
            # the widest makes what the others can, and more
            best = max(best, *(p for p, _ in like), key=lambda p: p.capacity)
            sum_ += sum(w for _, w in like)
        known.append((best, sum_))
    total = sum(weight for known in merged.values() for _, weight in known)
    return [(pattern, weight / total) for known in merged.values() for pattern, weight in known]


def _are_apart(one: Pattern, other: Pattern) -> bool:
    """Tell whether two patterns of a shape have nothing in common in some place."""
    return any(not set(a) & set(b) for a, b in zip(one.pieces, other.pieces))


def _ip_addresses(sample: list[str], k: int) -> Weighted:
    """Return patterns of IPv6, or of IPv4: what lies in a private network stays in it."""
    if 2 * sum(":" in text for text in sample) > len(sample):
        return [(hex_pattern("2001:db8" + ":hhhh" * 6, upper=False), 1.0)]
    octets = [text.split(".") for text in sample]
    found: Weighted = []
    for first, second in _NETWORKS:
        inside = sum(len(o) == 4 and o[0] in first and o[1] in second for o in octets)
        if inside >= k or first is _PUBLIC:
            pattern = Pattern.of(first, ["."], second, ["."], _OCTETS, ["."], _OCTETS)
            found.append((pattern, float(inside)))
    return found if any(weight for _, weight in found) else [(found[-1][0], 1.0)]


def _hexadecimal(text: Any) -> Weighted:
    sample = text[:100].to_pylist()
    joined = "".join(sample)
    upper = joined.upper() == joined and joined.lower() != joined
    between = "-" if "-" in joined else ":"
    return [(hex_pattern(between.join(["02"] + ["hh"] * 5), upper=upper), 1.0)]


def _letters(text: Any) -> Weighted:
    """Return patterns of words, as long as the values are."""
    lengths = np.array([8]) if not len(text) else np.asarray(pc.utf8_length(text))
    # the middles of equal shares: as long as texts are, and nobody's very own
    chosen = np.quantile(lengths, (np.arange(_LENGTHS) + 0.5) / _LENGTHS)
    shapes = []
    for length in np.clip(chosen.round().astype(int), 1, _LONGEST).tolist():
        words = "".join(" " if i % 7 == 6 and i + 1 < length else "a" for i in range(length))
        shapes.append(Pattern.of_shape(words))
    return [(pattern, 1 / _LENGTHS) for pattern in shapes]


def _numeric(kind: PiiKind, column: Column, text: Any, k: int, unique: bool) -> Weighted:
    learned = infer_patterns(text, k, unique)
    learned = [(p, w) for p, w in learned if p.example.isdigit()]
    if not learned:
        learned = [(Pattern.of_shape("9" * _DIGITS.get(kind, 10)), 1.0)]
    largest = _largest(column)
    return _apart([(_below(pattern, largest), weight) for pattern, weight in learned])


def _largest(column: Column) -> int:
    type_ = column.arrow_type
    if pa.types.is_decimal(type_):
        return int(10 ** (type_.precision - type_.scale)) - 1
    if pa.types.is_floating(type_):
        return 2**53 if type_.bit_width == 64 else 2**24
    signed = pa.types.is_signed_integer(type_)  # one bit is the sign
    return int(2 ** (type_.bit_width - signed)) - 1


def _below(pattern: Pattern, largest: int) -> Pattern:
    """Return the pattern without leading zeros and without values above `largest`."""
    alphabets = ["".join(piece) for piece in pattern.pieces]
    limit = str(largest)
    if len(alphabets) > len(limit):
        alphabets = [string.digits] * len(limit)
    if len(alphabets) == len(limit) and set(limit) != {"9"}:
        # below the first digit of the limit, all the others may be anything
        first = [d for d in alphabets[0] if d < limit[0]]
        if not first or first == ["0"]:
            # With so small a leading digit no number of this length is safe: one digit less.
            return _below(Pattern.of_shape("9" * (len(limit) - 1)), largest)
        alphabets[0] = "".join(first)
    alphabets[0] = "".join(d for d in alphabets[0] if d != "0") or "1"
    return Pattern.of(*alphabets)
