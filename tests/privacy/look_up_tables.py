"""A labelled set of look-up tables: what names things, and what names persons, in 16 locales."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any

from faker import Faker

HARMLESS: dict[str, list[str]] = {
    "order_status": "new open paid sent lost done".split(),
    "categories": "Beverages;Condiments;Confections;Dairy Products;Grains/Cereals;Meat/Poultry"
    ";Produce;Seafood".split(";"),
    "region": ["Eastern", "Western", "Northern", "Southern"],
    "shippers": ["Speedy Express", "United Package", "Federal Shipping"],
    "category": "Action,Animation,Children,Classics,Comedy,Documentary,Drama,Family,Foreign,Games"
    ",Horror,Music,New,Sci-Fi,Sports,Travel".split(","),
    "language": "English,Italian,Japanese,Mandarin,French,German".split(","),
    "genre": "Rock;Jazz;Metal;Alternative & Punk;Rock And Roll;Blues;Latin;Reggae;Pop;Soundtrack"
    ";Bossa Nova;Easy Listening;Heavy Metal;R&B/Soul;Electronica/Dance;World;Hip Hop/Rap"
    ";Science Fiction;TV Shows;Sci Fi & Fantasy;Drama;Comedy;Alternative;Classical;Opera".split(
        ";"
    ),
    "media_type": "MPEG audio file;Protected AAC audio file;Protected MPEG-4 video file"
    ";Purchased AAC audio file;AAC audio file".split(";"),
    "payment_type": "Credit Card;PayPal;Bank Transfer;Cash on Delivery;Gift Card".split(";"),
    "country": ["Germany", "France", "Spain", "Italy", "Netherlands", "Norway"],
    "land": ["Deutschland", "Frankreich", "Spanien", "Polen"],
    "kraj": ["Polska", "Niemcy", "Francja", "Hiszpania"],
    "kuni": ["日本", "ドイツ", "フランス"],
    "country_code": ["FR", "DE", "ES"],
    "currency": ["EUR", "USD", "GBP"],
    "priority": ["1-URGENT", "2-HIGH", "3-MEDIUM", "4-NOT SPECIFIED", "5-LOW"],
    "unit": ["kg", "g", "l", "ml", "pcs"],
    "colour": ["black", "white", "red", "green", "blue", "yellow"],
    "department": "Engineering;Tool Design;Sales;Marketing;Purchasing;Research and Development"
    ";Production Control;Human Resources;Finance;Quality Assurance;Executive".split(";"),
    "nation": "ALGERIA;BRAZIL;FRANCE;INDIA;JORDAN;PERU;CHINA;VIETNAM;UNITED STATES".split(";"),
    "nation_en": ["Germany", "Côte d'Ivoire", "Türkiye", "South Korea"],
    "size_unit": ["kg", "m", "m²", "piece", "litre"],
    "us_state": ["California", "Texas", "New York", "Florida", "Ohio"],
    "bundesland": ["Bayern", "Hessen", "Sachsen", "Saarland"],
    "dział": ["Sprzedaż", "Kadry", "Informatyka", "Finanse", "Produkcja"],
    "отдел": ["Продажи", "Маркетинг", "Бухгалтерия", "Кадры", "Склад"],
    "matière": ["Mathématiques", "Français", "Anglais", "Histoire", "Physique"],
    "fachgebiet": ["Kardiologie", "Neurologie", "Orthopädie", "Chirurgie"],
    "branş": ["Kardiyoloji", "Nöroloji", "Ortopedi"],
    "illness": ["Hypertension", "Diabetes", "Asthma", "Back pain", "Depression", "Reflux"],
    "rôle": ["Administrateur", "Membre", "Lecteur"],
    "treatment": [f"Treatment {i}" for i in range(1, 31)],
    "species": "Dog Cat Rabbit Hamster Parrot Snake Tortoise".split(),
    "tierart": ["Hund", "Katze", "Kaninchen"],
    "book_format": ["Hardcover", "Paperback", "E-book", "Audio book"],
    "jotai": ["新規", "処理中", "完了"],
    "stan": ["Nowe", "W trakcie realizacji", "Zakończone", "Anulowane"],
    "durum": ["Yeni", "Hazırlanıyor", "Kargoda", "Teslim Edildi", "İptal"],
    "sostoyanie": ["Новый", "Оплачен", "Доставлен", "Отменён"],
}
"""The names in look-up tables, many of them well known, by the tables' names."""

LOCALES = (
    "en_US en_IN de_DE fr_FR es_ES pt_BR pl_PL cs_CZ el_GR ro_RO hu_HU tr_TR ru_RU ja_JP hi_IN"
    " zh_CN ar_AA ko_KR"
).split()

Maker = Callable[[Any], Any]
PERSONS: dict[str, Maker] = {
    "name": lambda fake: fake.name(),
    "first name": lambda fake: fake.first_name(),
    "last name": lambda fake: fake.last_name(),
    "LAST NAME": lambda fake: fake.last_name().upper(),
    "Smith J.": lambda fake: f"{fake.last_name()} {fake.first_name()[0]}.",
    "J. Smith": lambda fake: f"{fake.first_name()[0]}. {fake.last_name()}",
    "Dr. A B, MD": lambda fake: f"Dr. {fake.name()}, MD",
    "initials": lambda fake: (
        f"{fake.random_uppercase_letter()}{fake.random_uppercase_letter()}"
        f"{fake.random_uppercase_letter()}"
    ),
    "JS": lambda fake: f"{fake.random_uppercase_letter()}{fake.random_uppercase_letter()}",
    "user name": lambda fake: fake.user_name(),
    "e-mails": lambda fake: f"{fake.email()}; {fake.email()}",
    "plate": lambda fake: fake.license_plate(),
    "mobile": lambda fake: 17 * 10**8 + fake.random_int(0, 10**8),
    "badge": lambda fake: f"E{fake.random_int(0, 10**5):05d}",
    "salary": lambda fake: fake.random_int(30_000, 99_999),
    "birth year": lambda fake: fake.random_int(1950, 2000),
    "bio": lambda fake: f"{fake.name()} joined in 2001, call {fake.phone_number()}",
    "JSON": lambda fake: json.dumps({"name": fake.name(), "email": fake.email()}),
    "URL": lambda fake: f"https://example.com/users/{fake.random_int(0, 10**6)}",
    "street": lambda fake: fake.street_address(),
}


def person_columns(rows: int) -> Iterator[tuple[str, str, list[Any]]]:
    """Yield locale, kind and values; without the kinds that Faker lacks in a locale."""
    for locale in LOCALES:
        fake = Faker(locale)
        fake.seed_instance(7)
        for kind, make in PERSONS.items():
            try:
                yield locale, kind, [make(fake) for _ in range(rows)]
            except AttributeError:
                continue
