"""How addresses, user names and full names are written: learned from real rows."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Optional

from synthohive.privacy.names import fold, known_names, slug, slugs_of, solid_name

__all__ = [
    "AddressStyle",
    "Person",
    "Style",
    "UrlStyle",
    "address_style",
    "domains_of",
    "full_name",
    "local_styles",
    "name_styles",
    "own_rows",
    "reserved",
    "single_name",
    "slug",
    "url_style",
]

Person = tuple[str, str]
"""First and last name; empty where not known."""

_BETWEEN = (".", "_", "-", "")
_PAIRS = ("FL", "fL", "Fl", "LF", "Lf", "lF", "fl")
_LOCAL = re.compile(r"(.*?)([._+-]?)(\d*)", re.DOTALL)
_HEAD = re.compile(r"[a-z]{2,}[._+-]")
_TAIL = re.compile(r"[._+-][a-z]{2,}")
_MAX_DIGITS = 6
_MAX_STYLES = 12  # the rest would be drawn once in hundreds of rows
_LONG = 9  # letters: longer stems hold two whole names
_MAX_DOMAINS = 200
_NOBODYS = re.compile(r"(^|\.)example\.(com|net|org)$|\.example$")
_FIRST, _LAST = "\ue000", "\ue001"


@dataclass(frozen=True)
class Style:
    """How a text is made of a person's name.

    Attributes
    ----------
    form : str
        ``{F}`` and ``{L}`` stand for first and last name, ``{f}`` and ``{l}`` for their
        first letters, ``{M}`` for a letter of chance; all else, as in ``Dr. {L}``, is
        itself.
    gap : str
        What stands before the digits.
    digits : int
        Digits at the end.
    own : bool
        Whether the name is that of the row; another person's if not.
    head, tail : str
        What stands before and after all of this in each text: ``.staff``.
    """

    form: str
    gap: str = ""
    digits: int = 0
    own: bool = True
    head: str = ""
    tail: str = ""

    def __post_init__(self) -> None:
        if not 0 <= self.digits <= _MAX_DIGITS:
            raise ValueError(f"{self.digits!r:.50} digits cannot be made")


Weighted = list[tuple[Style, float]]


@dataclass(frozen=True)
class AddressStyle:
    """How addresses are written.

    Attributes
    ----------
    house : str
        Where the number of the house stands: ``"first"``, ``"last"``, or ``"none"`` if nowhere.
    city : bool
        Whether the city follows.
    most : int
        The highest number of a house.
    """

    house: str = "first"
    city: bool = False
    most: int = 999

    def __post_init__(self) -> None:
        if self.most < 1:
            raise ValueError(f"there are no houses up to number {self.most}")


@dataclass(frozen=True)
class UrlStyle:
    """How links are written.

    Attributes
    ----------
    lead, tail : str
        What stands before the part that differs, and after it.
    code : str
        A symbol for each place of that part, ``9`` for digits and ``h`` for hexadecimal ones;
        empty where it is made of a name.
    """

    lead: str = "https://www.example/users/"
    tail: str = ""
    code: str = ""


_URL_PARTS = re.compile(r"((?:\w+:)?//(?:www\.)?)([^/?#:@]+)(/(?:[^?#]*/)?)([^/?#]*?)(\.\w{1,5})?")
_CODE = re.compile(r"(?=.*\d)[0-9a-f-]{6,}|\d+")
_MOSTLY = 0.8


def url_style(texts: Sequence[str], k: int) -> UrlStyle:
    """Return how most links are written, on a host that nobody has.

    Examples
    --------
    >>> url_style(["https://cdn.app.io/a/9f3c21.png", "https://cdn.app.io/a/11d0ab.png"], 2)
    UrlStyle(lead='https://cdn.app.example/a/', tail='.png', code='hhhhhh')
    """
    found = [match.groups() for text in texts if (match := _URL_PARTS.fullmatch(text.strip()))]
    least = max(k, _MOSTLY * len(texts))
    leads = Counter((scheme, reserved(host.lower()), path) for scheme, host, path, _, _ in found)
    lead, count = leads.most_common(1)[0] if leads else (("", "", ""), 0)
    if count < least:
        return UrlStyle()
    tail, tails = Counter(one[4] or "" for one in found).most_common(1)[0]
    codes = [one[3] for one in found if _CODE.fullmatch(one[3])]
    code = ""
    if len(codes) >= least:
        # the code of middle length: most have it, and its dashes
        like = sorted(codes, key=lambda text: (len(text), text))[len(codes) // 2]
        digit = "9" if all(text.isdigit() for text in codes) else "h"
        code = "".join("-" if symbol == "-" else digit for symbol in like)
    return UrlStyle("".join(lead), tail if tails >= least else "", code)


_HOUSE = {"first": re.compile(r"\d+\w?\b"), "last": re.compile(r".*\D\d+ ?\w?")}
_NUMBER = re.compile(r"\d{1,9}")
_MOST = 0.95  # of the numbers of houses: a few are mistakes, or no numbers of houses


def address_style(texts: Sequence[str], usual: str, k: int) -> AddressStyle:
    """Return how most addresses are written.

    Parameters
    ----------
    texts : sequence of str
        May be empty.
    usual : {"first", "last"}
        Where the number of the house stands if fewer than `k` texts are there to tell.
    k : int
        Addresses that reach the highest number of a house.

    Examples
    --------
    >>> address_style(["Am Markt 7", "Lindenallee 112, Celle", "Hauptstr. 5, Jena"], "first", 2)
    AddressStyle(house='last', city=True, most=20)
    """
    streets = [re.split("[,\n]", text, maxsplit=1)[0].strip() for text in texts]
    fitting = {n: sum(bool(p.match(s)) for s in streets) for n, p in _HOUSE.items()}
    fitting["last"] = sum(bool(_HOUSE["last"].fullmatch(s)) for s in streets)
    best = max(fitting, key=lambda name: fitting[name])
    numbers = sorted(int(found[0]) for s in streets if (found := _NUMBER.search(s)))
    if fitting[best] <= len(streets) / 2:
        best = "none" if len(streets) >= k else usual
    most = 999
    if len(numbers) >= k:  # one that k addresses reach, in round figures
        # the k-th from above, without what are rather postcodes or flats
        reached = numbers[min(len(numbers) - k, int(_MOST * len(numbers)))]
        # to one digit, upwards: 112 becomes 200, the number of nobody
        unit = 10 ** (len(str(max(reached, 1))) - 1)
        most = min(max(-(-reached // unit) * unit, 20), 9999)
    city = sum("," in text for text in texts) > len(texts) / 2
    return AddressStyle(best, city, most)


def local_styles(texts: Sequence[str], persons: Optional[Sequence[Person]], k: int) -> Weighted:
    """Return how the first parts of addresses are written, with numbers of rows.

    Parameters
    ----------
    texts : sequence of str
    persons : sequence of (str, str), optional
        The names in the same rows; None if the table has none.
    k : int
        Styles of fewer rows are not used.
    """
    return _common(_local_counts(texts, persons), k)


def own_rows(texts: Sequence[str], persons: Sequence[Person]) -> int:
    """Return in how many rows the first part of the address is made of the row's own name."""
    found = _local_counts(texts, persons)
    return sum(count for style, count in found.items() if style.own)


def _local_counts(texts: Sequence[str], persons: Optional[Sequence[Person]]) -> Counter[Style]:
    found: Counter[Style] = Counter()
    for number, text in enumerate(texts):
        plain = fold(text)  # also where an address keeps the marks of the name
        own = None if persons is None else _own_style(plain, persons[number])
        if own is None:
            stem, gap, digits = _parts(plain)
            own = Style(_likely_form(stem), gap, digits, persons is None)
        found[own] += 1
    return found


def _parts(text: str) -> tuple[str, str, int]:
    """Cut off digits at the end: what stands before them, what is between, and their number."""
    match = _LOCAL.fullmatch(text)
    stem, gap, digits = match.groups() if match else (text, "", "")
    if not digits:
        stem, gap = stem + gap, ""
    return stem, gap, min(len(digits), _MAX_DIGITS)


def _own_style(text: str, person: Person) -> Optional[Style]:
    """Return how the row's own name gives a text; None if it does not.

    Words may stand before or after it, beside both names: one alone could be of the other.
    """
    for head, middle, tail in _cuts(text):
        stem, gap, digits = _parts(middle)
        form = _form_of(stem, person)
        if form is not None and (not head + tail or form.count("{") > 1):
            return Style(form, gap, digits, True, head, tail)
    return None


def _cuts(text: str) -> Iterator[tuple[str, str, str]]:
    """Yield a text without and with a word cut off at its ends."""
    heads, tails = [0], [len(text)]
    if (head := _HEAD.match(text)) is not None:
        heads.append(head.end())
    last = max(text.rfind(mark) for mark in "._+-")
    if last > 0 and _TAIL.fullmatch(text, last):
        tails.append(last)
    for start in heads:
        for end in tails:
            yield text[:start], text[start:end], text[end:]


def _form_of(stem: str, person: Person) -> Optional[str]:
    """Return how the row's own name gives `stem`; None if it does not."""
    for first, last in zip(slugs_of(person[0]), slugs_of(person[1])):
        if first and last:
            part = {"F": first, "L": last, "f": first[0], "l": last[0]}
            for between in _BETWEEN:
                for pair in _PAIRS:
                    text = part[pair[0]] + between + part[pair[1]]
                    if stem in (text, text + between):
                        return f"{{{pair[0]}}}{between}{{{pair[1]}}}{stem[len(text) :]}"
        if stem in {first, last} - {""}:
            return "{F}" if stem == first else "{L}"
    return None


def _likely_form(stem: str) -> str:
    """Return the form that a stem most likely has, when the person is not known."""
    first, last = known_names().first, known_names().last
    between = next((c for c in "._-" if c in stem), "")
    if between:
        one, _, two = stem.partition(between)
        return f"{{{'f' if len(one) == 1 else 'F'}}}{between}{{{'l' if len(two) == 1 else 'L'}}}"
    if stem in first or stem in last:
        return "{F}" if stem in first else "{L}"
    return "{F}{L}" if len(stem) > _LONG and stem[1:] not in last else "{f}{L}"


def name_styles(texts: Sequence[str], persons: Optional[Sequence[Person]], k: int) -> Weighted:
    """Return how full names are written, with numbers of rows.

    Parameters
    ----------
    texts : sequence of str
    persons : sequence of (str, str), optional
        First and last names in the same rows; None if the table has none.
    k : int
        Styles of fewer rows are not used.

    Returns
    -------
    list of (Style, float)
        The commonest first; may be empty.
    """
    found: Counter[Style] = Counter()
    for number, text in enumerate(texts):
        form = None if persons is None else _name_form(text, persons[number])
        own = form is not None or persons is None
        form = form or _name_form(text, full_name(text))
        if form is not None:
            found[Style(form, own=own)] += 1
    return _common(found, k)


def single_name(texts: Sequence[str]) -> Optional[Style]:
    """Return how names of one word are written: as first names, as those of pets are, or last ones.

    Examples
    --------
    >>> single_name(["Bella", "Max", "Luna"]).form, single_name(["Ann Lee", "Max"])
    ('{F}', None)
    """
    words = [fold(text.strip()) for text in texts]
    single = [word for word in words if len(word.split()) == 1 and solid_name(word) is None]
    if not single or len(single) < _MOSTLY * len(words):
        return None
    known = known_names()
    first, last = (sum(word in names for word in single) for names in (known.first, known.last))
    return Style("{F}" if first >= last else "{L}")


def full_name(text: str) -> Person:
    """Return the first and the last name in a full name; empty where there is none.

    Examples
    --------
    >>> full_name("Dr. Ann B. Lee"), full_name("Lee, Ann"), full_name("Ann")
    (('Ann', 'Lee'), ('Ann', 'Lee'), ('', ''))
    >>> full_name("佐藤太郎")
    ('太郎', '佐藤')
    """
    if solid := solid_name(text):
        return solid
    head, comma, tail = text.partition(",")
    names = [_names(part) for part in (head, tail)]
    if comma and names[1]:
        return names[1][0], head.strip() if names[0] else ""
    found = names[0] + names[1]
    return (found[0], found[-1]) if len(found) > 1 else ("", "")


def _names(text: str) -> list[str]:
    return [word for word in text.split() if len(word.strip(".")) > 1 and not _is_title(word)]


def _is_title(word: str) -> bool:
    return len(word.strip(".")) > 1 and word.casefold().strip(".,") in known_names().titles


def _name_form(text: str, person: Person) -> Optional[str]:
    """Return the form of a full name of a person; None if it is not of that person."""
    first, last = (name.strip() for name in person)
    if not first or not last:
        return None
    if text == last + first:
        return "{L}{F}"
    marked = _put(_put(text, last, _LAST), first, _FIRST)
    parts = re.findall(r"[^\s,]+|[\s,]+", marked)
    form: list[str] = []
    for part in parts:
        letter = part.strip(".")
        if part in (_FIRST, _LAST):
            form.append("{F}" if part == _FIRST else "{L}")
        elif not letter.strip(" ,\t") or _is_title(part):
            form.append(part)
        elif len(letter) == 1:
            given = _FIRST not in parts and letter.casefold() == first[0].casefold()
            form.append(part.replace(letter, "{f}" if given else "{M}"))
        elif form:
            form.pop()  # a further name, and what stands before it
    found = "".join(form).strip()
    return found if "{L}" in found and ("{F}" in found or "{f}" in found) else None


def _put(text: str, name: str, mark: str) -> str:
    alone = rf"(?<![^\s,]){re.escape(name)}(?![^\s,])"
    return re.sub(alone, mark, text, count=1, flags=re.IGNORECASE)


def domains_of(texts: Sequence[str], k: int) -> list[tuple[str, float]]:
    """Return the domains of addresses that `k` rows share, with numbers of rows.

    Their last label becomes ``example``, under which no address exists, so that a made-up one
    reaches nobody; those that nobody has, as ``example.com``, stay (RFC 2606). Rarer domains
    are counted under the empty text.
    """
    found = Counter(reserved(text.rpartition("@")[2].lower()) for text in texts)
    shared = [(name, float(count)) for name, count in found.most_common(_MAX_DOMAINS)]
    shared = [(name, count) for name, count in shared if count >= k and name]
    rest = len(texts) - sum(count for _, count in shared)
    return shared + ([("", rest)] if rest > 0 else [])


def reserved(domain: str) -> str:
    """Return a domain as one that nobody has, its own name kept."""
    if _NOBODYS.search(domain):
        return domain
    name = domain.rpartition(".")[0] or domain
    return f"{name}.example" if name else ""


def _common(found: Counter[Style], k: int) -> Weighted:
    order = sorted(found.items(), key=lambda item: (-item[1], repr(item[0])))
    return [(style, float(count)) for style, count in order[:_MAX_STYLES] if count >= k]
