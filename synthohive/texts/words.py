"""Public words: short vocabularies (titles, countries, months), and words for things.

What stands in for a rare word must be a word, and nobody's: it comes from here.
"""

from __future__ import annotations

import importlib
import pkgutil
import re
import unicodedata
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from functools import lru_cache
from importlib.resources import files
from typing import Any, Optional

__all__ = [
    "agents_like",
    "are_words",
    "cased",
    "cased_like",
    "script_of",
    "things",
    "vocabulary_of",
]

_THEMES = frozenset(
    "product food quality colours nature place media tech travel events shapes vehicles houses"
    " elements".split()
)
_LEAST = 3
_LANGUAGES = ("en", "de", "fr", "es", "it", "pt", "nl", "sv", "da", "pl", "cs", "ru", "tr")
_LISTS = (
    "Mr. Mrs. Ms. Miss Dr. Prof.",
    "Mr Mrs Ms Miss Dr Prof",
    "Herr Frau Dr. Prof.",
    "M. Mme Mlle Dr Pr",
    "Sr. Sra. Srta. Dr. Dra.",
    "Male Female Other Unknown",
    "M F",
    "Single Married Divorced Widowed Separated",
    "A+ A- B+ B- AB+ AB- O+ O-",
    "North South East West Northeast Northwest Southeast Southwest",
    "Eastern Western Northern Southern Central",
    "Spring Summer Autumn Winter",
    "Aries Taurus Gemini Cancer Leo Virgo Libra Scorpio Sagittarius Capricorn Aquarius Pisces",
    "Red Orange Yellow Green Blue Purple Pink Brown Black White Gray Silver Gold Beige",
    "XS S M L XL XXL",
)
_NAMED = (
    ("Africa", "Antarctica", "Asia", "Europe", "North America", "Oceania", "South America"),
    ("In Progress", "Open", "Closed", "Pending", "Resolved", "On Hold", "Cancelled"),
)
_DEPARTMENTS = (
    "Accounting;Administration;Business Development;Compliance;Controlling;Customer Service"
    ";Customer Success;Customer Support;Data;Design;Engineering;Finance;Facilities;HR"
    ";Human Resources;IT;Information Technology;Legal;Logistics;Maintenance;Management;Marketing"
    ";Operations;Procurement;Product;Product Management;Production;Public Relations;Purchasing"
    ";Quality;Quality Assurance;Quality Management;Research;Research and Development;Sales;Security"
    ";Shipping;Strategy;Support;Training;Treasury;Warehouse;R&D;Executive;Development",
    "Buchhaltung;Controlling;Einkauf;Entwicklung;Fertigung;Finanzen;Forschung;Forschung und"
    " Entwicklung;Geschäftsführung;Geschäftsleitung;IT;Kundendienst;Kundenservice;Lager;Logistik"
    ";Marketing;Personal;Personalabteilung;Personalwesen;Produktion;Produktmanagement"
    ";Qualitätssicherung;Rechnungswesen;Rechtsabteilung;Verkauf;Versand;Vertrieb;Verwaltung",
    "Accident and Emergency;Anesthesiology;Cardiology;Dermatology;Emergency;Emergency Medicine"
    ";Endocrinology;ENT;Gastroenterology;General Medicine;General Surgery;Geriatrics;Gynecology"
    ";Hematology;ICU;Intensive Care;Internal Medicine;Maternity;Neonatology;Nephrology;Neurology"
    ";Neurosurgery;Obstetrics;Oncology;Ophthalmology;Orthopedics;Pathology;Pediatrics"
    ";Physiotherapy;Psychiatry;Pulmonology;Radiology;Rheumatology;Surgery;Urology",
    "Allgemeinmedizin;Anästhesie;Anästhesiologie;Augenheilkunde;Chirurgie;Dermatologie"
    ";Endokrinologie;Gastroenterologie;Geburtshilfe;Geriatrie;Gefäßchirurgie;Gynäkologie"
    ";Hämatologie;HNO;Innere Medizin;Intensivmedizin;Intensivstation;Kardiologie"
    ";Kinderheilkunde;Labor;Nephrologie;Neurochirurgie;Neurologie;Notaufnahme;Nuklearmedizin"
    ";Onkologie;Orthopädie;Pathologie;Pädiatrie;Pneumologie;Psychiatrie;Radiologie;Rheumatologie"
    ";Strahlentherapie;Unfallchirurgie;Urologie",
)
_JOBS = """
Account Executive;Account Manager;Accountant;Accounting Clerk;Administrative Assistant;Area Manager
Art Director;Branch Manager;Business Analyst;Business Development Manager;Buyer;Call Center Agent
Chief Executive Officer;Chief Financial Officer;Chief Operating Officer;Chief Technology Officer
Compliance Officer;Content Manager;Controller;Customer Service Representative
Customer Success Manager;Data Analyst;Data Engineer;Data Scientist;Database Administrator
Designer;DevOps Engineer;Executive Assistant;Facility Manager;Finance Manager;Financial Analyst
General Manager;Graphic Designer;Head of Finance;Head of Marketing;Head of Operations
Head of Sales;Human Resources Manager;HR Specialist;Intern;Inventory Clerk;IT Manager
Key Account Manager;Legal Counsel;Logistics Coordinator;Maintenance Technician
Marketing Coordinator;Marketing Manager;Mechanical Engineer;Office Manager;Operations Manager
Payroll Specialist;Product Manager;Production Supervisor;Project Manager;Purchasing Manager
Quality Assurance Engineer;Receptionist;Recruiter;Regional Manager;Research Assistant
Sales Assistant;Sales Associate;Sales Director;Sales Engineer;Sales Manager
Sales Representative;Secretary;Security Officer;Senior Accountant;Senior Consultant
Senior Software Engineer;Shift Supervisor;Shop Assistant;Software Engineer;Store Manager
Supply Chain Manager;Support Specialist;System Administrator;Team Lead;Technical Support Engineer
Technician;Trainee;Training Coordinator;Vice President;Warehouse Clerk;Warehouse Manager
Web Developer
"""
_HEADS = frozenset(
    "accountant administrator advisor agent analyst apprentice architect assistant associate"
    " attendant auditor buyer ceo cfo chef chief cio clerk cmo consultant controller coo"
    " coordinator counsel cto designer developer director driver editor engineer executive"
    " foreman head intern lead leader manager mechanic nurse officer operator owner partner"
    " planner president principal programmer receptionist recruiter rep representative"
    " salesman salesperson scientist secretary specialist strategist supervisor technician"
    " trainee vp writer".split()
)
"""One of them stands in the title of a job."""
_BERUFE = """
Abteilungsleiter;Allgemeinmediziner;Anästhesist;Assistenzarzt;Augenarzt;Auszubildender
Bauingenieur;Bereichsleiter;Bilanzbuchhalter;Buchhalter;Bürokaufmann;Chirurg;Controller
Datenanalyst;Einkaufsleiter;Einkäufer;Elektriker;Entwicklungsingenieur;Ergotherapeut;Filialleiter
Finanzbuchhalter;Frauenarzt;Fuhrparkleiter;Gebietsleiter;Geschäftsführer;Gesundheitspfleger
Hausmeister;Hautarzt;Industriekaufmann;Internist;Justiziar;Kardiologe;Kinderarzt;Kraftfahrer
Krankenpfleger;Kundenberater;Lagerleiter;Lagerist;Logistikplaner;Marketingleiter;Mechatroniker
Medizinischer Fachangestellter;Neurologe;Oberarzt;Orthopäde;Personalleiter;Personalreferent
Pflegehelfer;Physiotherapeut;Produktionsleiter;Produktmanager;Projektleiter;Psychiater;Psychologe
Qualitätsmanager;Radiologe;Rettungssanitäter;Sachbearbeiter;Schichtleiter;Sekretär
Softwareentwickler;Systemadministrator;Teamleiter;Technischer Zeichner;Urologe;Verkäufer
Verkaufsleiter;Vertriebsleiter;Vertriebsmitarbeiter;Verwaltungsangestellter;Werkstattleiter
Wirtschaftsprüfer;Zahnarzt
"""
_ARZT = ("ologe", "ologin", "arzt", "ärztin", "chirurg", "internist", "orthopäd", "mediziner",
         "psychiater", "therapeut", "anästhesist")  # fmt: skip
_ENDINGS = (
    "angestellt arzt assistent berater beauftragt buchhalter chirurg controller direktor"
    " entwickler fahrer führer helfer ingenieur internist kaufmann kauffrau lagerist leiter meister"
    " mitarbeiter mediziner ologe ologin orthopäde pfleger planer psychiater psychologe referent"
    " sachbearbeiter sekretär techniker therapeut verkäufer vorstand ärzt"
).split()
"""One of them stands in the title of a job in German, whose words are compounds."""
_LEAST_JOBS = 0.8
_JOB_LOCALES = ("fr_FR", "es_ES", "pl_PL", "pt_PT", "cs_CZ", "da_DK", "tr_TR", "ru_RU",
                "fi_FI", "hr_HR", "ja_JP", "zh_CN")  # fmt: skip
_COUNTRIES = ("USA", "UK", "U.S.A.", "United States of America", "Great Britain", "England",
              "Scotland", "Wales", "Czech Republic", "South Korea", "Russian Federation",
              "Viet Nam", "Turkey", "Korea", "Hong Kong", "Macau")  # fmt: skip
_NO_COUNTRIES = frozenset("EU EZ QO UN XA XB ZZ".split())
_MOST_FOREIGN = 0.1
_UNLIKELY = 1e-3
_SHORT = 3
_SAMPLE = 2000
_AGENT = re.compile(r"(Mozilla|Opera|Dalvik)/\d")
_TOKEN, _VOWEL = re.compile(r"[^\W\d_]+"), re.compile(r"[aeiouyà-ÿ]")
_LEAST_TOKEN, _LEAST_LETTERS = 3, 10
_WORDY, _VOICED, _SAME = 0.6, 0.85, 0.05


def things(texts: Iterable[str]) -> tuple[str, ...]:
    """Return lower-case public words for things, in the script of `texts`.

    Examples
    --------
    >>> "leather" in things(["Kettle"])
    True
    """
    return _words_of(script_of("".join(texts)))


def script_of(text: str) -> str:
    """Return the script of most letters: the first word of their names in Unicode.

    Examples
    --------
    >>> script_of("Straße 7"), script_of("дом")
    ('LATIN', 'CYRILLIC')
    """
    names = (unicodedata.name(c, "LATIN").split(" ")[0] for c in text[:2000] if c.isalpha())
    found = Counter(names)
    return max(sorted(found), key=lambda name: found[name], default="LATIN")


def cased_like(model: str, word: str) -> str:
    """Return `word` in the case of another one.

    Examples
    --------
    >>> cased_like("Ann", "table"), cased_like("ANN", "table"), cased_like("ann", "table")
    ('Table', 'TABLE', 'table')
    """
    if len(model) > 1 and model == model.upper() != model.lower():
        return word.upper()
    return word[:1].upper() + word[1:] if model[:1].isupper() else word


def are_words(texts: Sequence[str]) -> bool:
    """Tell whether texts are made of words, and not of letters drawn at random.

    Words have vowels and use some letters much more than others: two letters of them are the
    same in 6 or 7 of 100 cases, random ones in 4. Addresses are no words.

    Examples
    --------
    >>> are_words(["Vintage Cars", "Classic Planes"]), are_words(["cus_h6kLepjV83nN4O"])
    (True, False)
    """
    some = texts[:_SAMPLE]
    tokens = [t for text in some for t in _TOKEN.findall(text) if len(t) >= _LEAST_TOKEN]
    letters = "".join(tokens).lower()
    solid = sum(char.isalnum() for text in some for char in text)
    if not tokens or len(letters) < _WORDY * solid or any("@" in text for text in some):
        return False
    if script_of(letters) != "LATIN":
        return True
    counts = list(Counter(letters).values())
    same = sum(n * (n - 1) for n in counts) / max(len(letters) * (len(letters) - 1), 1)
    plain = [token for token in tokens if token[1:].islower() or token.isupper()]
    voiced = sum(bool(_VOWEL.search(token.lower())) for token in plain)
    return len(counts) >= _LEAST_LETTERS and same >= _SAME and voiced >= _VOICED * len(tokens)


def vocabulary_of(
    texts: Sequence[str], every: bool = False, *, jobs: bool = True
) -> Optional[tuple[str, ...]]:
    """Return the smallest public vocabulary that distinct texts are of, in their case.

    Parameters
    ----------
    every : bool
        All texts must be of it; else nine in ten.
    jobs : bool
        Titles of jobs are looked for, too, which are no list of names or codes.

    Examples
    --------
    >>> vocabulary_of(["Mr.", "Dr.", "Mrs."])
    ('Dr.', 'Miss', 'Mr.', 'Mrs.', 'Ms.', 'Prof.')
    >>> vocabulary_of(["Germany", "France", "Northern Moravia"]) is None
    True
    """
    wanted = {text for text in texts if text}
    missing = 0 if every else int(_MOST_FOREIGN * len(wanted))
    if len(wanted) < 2 or max(map(len, wanted)) > 60:
        return None
    best: Optional[tuple[str, ...]] = None
    for form, known in _forms():
        if best is not None and len(best) <= len(known):
            continue
        inside = wanted & known
        if len(inside) >= len(wanted) - missing and not _by_chance(inside, known):
            best = form
    return best if best is not None or every or not jobs else _jobs_like(sorted(wanted))


def agents_like(texts: Sequence[str]) -> Optional[tuple[str, ...]]:
    """Return public user agents of browsers where texts are such; else None.

    Examples
    --------
    >>> len(agents_like(["Mozilla/5.0 (X11; Linux x86_64)", "Opera/9.80 (Windows NT 6.1)"]) or ())
    240
    >>> agents_like(["Mozilla Firefox", "Opera"])
    """
    found = sum(bool(_AGENT.match(text)) for text in texts)
    return _agents() if found and found >= (1 - _MOST_FOREIGN) * len(texts) else None


@lru_cache(maxsize=1)
def _agents() -> tuple[str, ...]:
    """Return what usual browsers call themselves on usual systems."""
    desks = ("Windows NT 10.0; Win64; x64", "Macintosh; Intel Mac OS X 10_15_7",
             "X11; Linux x86_64")  # fmt: skip
    found = []
    for version in range(100, 140, 2):
        for desk in desks:
            webkit = f"Mozilla/5.0 ({desk}) AppleWebKit/537.36 (KHTML, like Gecko)"
            chrome = f"{webkit} Chrome/{version}.0.0.0 Safari/537.36"
            firefox = f"Mozilla/5.0 ({desk}; rv:{version}.0) Gecko/20100101 Firefox/{version}.0"
            found += [chrome, f"{chrome} Edg/{version}.0.0.0", firefox]
        phone = "Mozilla/5.0 (Linux; Android 10; K) AppleWebKit/537.36 (KHTML, like Gecko)"
        found.append(f"{phone} Chrome/{version}.0.0.0 Mobile Safari/537.36")
        apple = f"iPhone; CPU iPhone OS {version // 10 + 4}_{version % 10 // 2} like Mac OS X"
        mobile = "Mobile/15E148 Safari/604.1"
        webkit = "AppleWebKit/605.1.15 (KHTML, like Gecko)"
        found.append(f"Mozilla/5.0 ({apple}) {webkit} Version/{version // 10 + 4}.0 {mobile}")
        found.append(
            f"Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) {webkit} "
            f"Version/{version // 10 + 4}.{version % 10 // 2} Safari/605.1.15"
        )
    return tuple(sorted(found))


def _jobs_like(texts: Sequence[str]) -> Optional[tuple[str, ...]]:
    """Return titles of jobs in the language and case of texts that are such; else None.

    No list holds all of them; in nearly every one there is a word that only jobs have.
    """
    for jobs, shows in _jobs():
        if sum(map(shows, texts)) >= _LEAST_JOBS * len(texts):
            forms: list[Callable[[str], str]] = [str, str.upper, str.lower]
            form = max(forms, key=lambda f: sum(f(text) == text for text in texts))
            return tuple(sorted({form(job) for job in jobs}))
    return None


@lru_cache(maxsize=1)
def _jobs() -> list[tuple[tuple[str, ...], Callable[[str], bool]]]:
    """Return titles of jobs, and what tells whether a text is one, by language."""

    def of_heads(heads: frozenset[str]) -> Callable[[str], bool]:
        return lambda text: bool(heads.intersection(_TOKEN.findall(text.casefold())))

    def german(endings: Sequence[str]) -> Callable[[str], bool]:
        return lambda text: any(ending in text.casefold() for ending in endings)

    berufe = _listed(_BERUFE)
    doctors = tuple(filter(german(_ARZT), berufe))
    found: list[tuple[tuple[str, ...], Callable[[str], bool]]]
    found = [(_listed(_JOBS), of_heads(_HEADS)), (doctors, german(_ARZT))]
    found.append((berufe, german(_ENDINGS)))
    for locale in _JOB_LOCALES:
        jobs = tuple(dict.fromkeys(map(str, _providers("job", locale).jobs)))
        found.append((jobs, of_heads(frozenset(map(str.casefold, jobs)))))
    return found


def _by_chance(texts: Iterable[str], known: frozenset[str]) -> bool:
    """Tell whether as many short codes, drawn at random, may well all be known."""
    chance = 1.0
    for text in texts:
        if len(text) > _SHORT:
            return False
        chance *= sum(len(word) == len(text) for word in known) / 26 ** len(text)
    return chance > _UNLIKELY


def _listed(text: str) -> tuple[str, ...]:
    return tuple(text.strip().replace("\n", ";").split(";"))


@lru_cache(maxsize=1)
def _forms() -> tuple[tuple[tuple[str, ...], frozenset[str]], ...]:
    """Return each vocabulary as it is written, in capitals, and in small letters."""
    found: dict[tuple[str, ...], None] = {}
    for words in _vocabularies():
        for form in (str, str.upper, str.lower):
            found[tuple(sorted({form(word) for word in words if word}))] = None
    return tuple((words, frozenset(words)) for words in sorted(found, key=lambda w: (len(w), w)))


def _vocabularies() -> list[Iterable[str]]:
    from babel import Locale
    from babel.core import get_global

    found: list[Iterable[str]] = [text.split() for text in _LISTS]
    found += [*_NAMED, *map(_listed, _DEPARTMENTS)]
    for code in _LANGUAGES:
        locale: Any = Locale.parse(code)
        named = locale.territories.items()
        lands = [name for key, name in named if key.isalpha() and key not in _NO_COUNTRIES]
        found.append([*lands, *(_COUNTRIES if code == "en" else ())])
        found += [locale.languages.values(), locale.currencies.values()]
        for width in ("wide", "abbreviated"):
            found.append(
                [name.rstrip(".") for name in locale.months["stand-alone"][width].values()]
            )
            found.append([name.rstrip(".") for name in locale.days["stand-alone"][width].values()])
    english: Any = Locale.parse("en")
    found.append(
        [
            key
            for key in english.territories
            if len(key) == 2 and key.isalpha() and key not in _NO_COUNTRIES
        ]
    )
    found.append(list(english.currencies))
    found.append([key for key in english.languages if len(key) == 2])
    zones = [name for name in get_global("zone_territories") if name != "Etc/Unknown"]
    found += [zones, [*zones, *get_global("zone_aliases")]]  # with what zones were called before
    found.append([country.alpha_3_code for country in _providers("date_time", "en_US").countries])
    for locale_name in ("en_US", "en_CA", "en_AU", "de_DE", "pt_BR"):
        provider = _providers("address", locale_name)
        for name in ("states", "states_abbr", "provinces", "provinces_abbr", "estados"):
            listed = getattr(provider, name, None)
            if isinstance(listed, (list, tuple)) and all(isinstance(x, str) for x in listed):
                found.append(list(listed))
    return found


def _providers(kind: str, locale: str) -> Any:
    return importlib.import_module(f"faker.providers.{kind}.{locale}").Provider


@lru_cache(maxsize=16)
def _words_of(script: str) -> tuple[str, ...]:
    if script == "LATIN":
        text = files("synthohive.privacy").joinpath("words.txt").read_text(encoding="utf-8")
        themed = (line.split() for line in text.splitlines())
        words = {w for theme, *more in themed if theme in _THEMES for w in more}
        kept = (w for w in words if re.fullmatch(r"[a-z]*[aeiouy][a-z]*", w) and len(w) >= _LEAST)
        return tuple(sorted(kept))
    package = importlib.import_module("faker.providers.lorem")
    found: set[str] = set()
    for module in pkgutil.iter_modules(package.__path__):
        listed: Sequence[str] = getattr(_providers("lorem", module.name), "word_list", ())
        if listed and script_of("".join(listed[:20])) == script:
            found.update(word.lower() for word in listed if word.isalpha() and len(word) > 1)
    return tuple(sorted(found)) or _words_of("LATIN")


def cased(words: Iterable[str], models: Iterable[str]) -> list[str]:
    """Return words in the case that most `models` have."""
    forms: dict[str, int] = {}
    for model in models:
        kind = cased_like(model, "ab")
        forms[kind] = forms.get(kind, 0) + 1
    model = max(sorted(forms), key=lambda form: forms[form], default="ab")
    return [cased_like(model, word) for word in words]
