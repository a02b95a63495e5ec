"""Like Chinook: a music shop. Totals are sums of lines, playlists only join, staff have bosses."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from decimal import Decimal

import numpy as np
from faker import Faker

from tests.databases.harness import Database, Engine, Report, Rows

COUNTRIES = ["USA", "Canada", "France", "Brazil", "Germany", "United Kingdom", "Portugal", "India"]
GENRES = ["Rock", "Latin", "Metal", "Alternative & Punk", "Jazz", "Blues", "TV Shows", "Classical"]
MEDIA = ["MPEG audio file", "Protected AAC audio file", "Protected MPEG-4 video file"]
LISTS = [
    "Music",
    "Movies",
    "TV Shows",
    "Audiobooks",
    "90's Music",
    "Classical",
    "Grunge",
    "On-The-Go",
]


def tables(engine: Engine) -> Iterable[str]:
    """Return the definitions."""
    return (
        "CREATE TABLE artist (artist_id <id> PRIMARY KEY, name varchar(120))",
        "CREATE TABLE album (album_id <id> PRIMARY KEY, title varchar(160) NOT NULL, "
        "artist_id int NOT NULL, FOREIGN KEY (artist_id) REFERENCES artist (artist_id))",
        "CREATE TABLE genre (genre_id <id> PRIMARY KEY, name varchar(120))",
        "CREATE TABLE media_type (media_type_id <id> PRIMARY KEY, name varchar(120))",
        "CREATE TABLE track (track_id <id> PRIMARY KEY, name varchar(200) NOT NULL, album_id int, "
        "media_type_id int NOT NULL, genre_id int, composer varchar(220), milliseconds int NOT NULL, "
        "bytes int, unit_price numeric(10, 2) NOT NULL, "
        "FOREIGN KEY (album_id) REFERENCES album (album_id), "
        "FOREIGN KEY (media_type_id) REFERENCES media_type (media_type_id), "
        "FOREIGN KEY (genre_id) REFERENCES genre (genre_id))",
        "CREATE TABLE playlist (playlist_id <id> PRIMARY KEY, name varchar(120))",
        "CREATE TABLE playlist_track (playlist_id int NOT NULL, track_id int NOT NULL, "
        "PRIMARY KEY (playlist_id, track_id), "
        "FOREIGN KEY (playlist_id) REFERENCES playlist (playlist_id), "
        "FOREIGN KEY (track_id) REFERENCES track (track_id))",
        "CREATE TABLE employee (employee_id <id> PRIMARY KEY, last_name varchar(20) NOT NULL, "
        "first_name varchar(20) NOT NULL, title varchar(30), reports_to int, birth_date <time>, "
        "hire_date <time>, city varchar(40), country varchar(40), phone varchar(24), "
        "email varchar(60), FOREIGN KEY (reports_to) REFERENCES employee (employee_id))",
        "CREATE TABLE customer (customer_id <id> PRIMARY KEY, first_name varchar(40) NOT NULL, "
        "last_name varchar(40) NOT NULL, company varchar(80), address varchar(70), "
        "city varchar(40), state varchar(40), country varchar(40), postal_code varchar(10), "
        "phone varchar(24), email varchar(60) NOT NULL, support_rep_id int, "
        "FOREIGN KEY (support_rep_id) REFERENCES employee (employee_id))",
        "CREATE TABLE invoice (invoice_id <id> PRIMARY KEY, customer_id int NOT NULL, "
        "invoice_date <time> NOT NULL, billing_address varchar(70), billing_city varchar(40), "
        "billing_state varchar(40), billing_country varchar(40), billing_postal_code varchar(10), "
        "total numeric(10, 2) NOT NULL, FOREIGN KEY (customer_id) REFERENCES customer (customer_id))",
        "CREATE TABLE invoice_line (invoice_line_id <id> PRIMARY KEY, invoice_id int NOT NULL, "
        "track_id int NOT NULL, unit_price numeric(10, 2) NOT NULL, quantity int NOT NULL, "
        "FOREIGN KEY (invoice_id) REFERENCES invoice (invoice_id), "
        "FOREIGN KEY (track_id) REFERENCES track (track_id))",
        "CREATE INDEX ifk_invoice_customer_id ON invoice (customer_id)",
    )


def rows(seed: int, engine: Engine) -> Rows:
    """Return the rows."""
    rng, fake = np.random.default_rng(seed), Faker("en_US")
    fake.seed_instance(seed)
    artists = [{"artist_id": i, "name": fake.unique.catch_phrase()} for i in range(1, 81)]
    albums = [
        {
            "album_id": i,
            "title": fake.sentence(3)[:-1],
            "artist_id": int(1 + 80 * rng.random() ** 2),
        }
        for i in range(1, 161)
    ]
    tracks = []
    for i in range(1, 901):
        album = int(rng.integers(1, 161))
        genre = int(1 + (album + (rng.random() < 0.1)) % len(GENRES))
        video = GENRES[genre - 1] == "TV Shows"
        length = int(rng.lognormal(14.7 if video else 12.4, 0.3))
        composer = None if video or rng.random() < 0.3 else f"{fake.name()}, {fake.name()}"
        tracks.append(
            dict(track_id=i, name=fake.sentence(3)[:-1], album_id=album,
                 media_type_id=3 if video else int(rng.choice([1, 1, 1, 2])), genre_id=genre,
                 composer=composer, milliseconds=length, bytes=int(length * rng.normal(33, 1)),
                 unit_price=Decimal("1.99" if video else "0.99"))
        )  # fmt: skip
    lists = [{"playlist_id": i + 1, "name": name} for i, name in enumerate(LISTS)]
    lists += [{"playlist_id": i, "name": None} for i in range(9, 13)]
    members = {
        (p["playlist_id"], int(t))
        for p in lists
        for t in rng.choice(900, int(rng.integers(20, 180)), replace=False) + 1
    }
    staff = []
    roles = ["General Manager", "Sales Manager", *["Sales Support Agent"] * 3, "IT Manager",
             *["IT Staff"] * 2]  # fmt: skip
    for i, (title, boss) in enumerate(zip(roles, [None, 1, 2, 2, 2, 1, 6, 6]), 1):
        first, last = fake.first_name(), fake.last_name()
        staff.append(
            dict(employee_id=i, last_name=last, first_name=first, title=title, reports_to=boss,
                 birth_date=datetime(1950, 1, 1) + timedelta(int(rng.integers(0, 9000))),
                 hire_date=datetime(2002, 3, 1) + timedelta(int(rng.integers(0, 700))),
                 city="Calgary", country="Canada", phone=fake.numerify("+1 (403) ###-####"),
                 email=f"{first.lower()}@chinookcorp.com")
        )  # fmt: skip
    customers, invoices, lines = _sales(rng, fake, tracks)
    return {
        "artist": artists,
        "album": albums,
        "genre": [{"genre_id": i + 1, "name": name} for i, name in enumerate(GENRES)],
        "media_type": [{"media_type_id": i + 1, "name": name} for i, name in enumerate(MEDIA)],
        "track": tracks,
        "playlist": lists,
        "playlist_track": [{"playlist_id": p, "track_id": t} for p, t in sorted(members)],
        "employee": staff,
        "customer": customers,
        "invoice": invoices,
        "invoice_line": lines,
    }  # fmt: skip


def _sales(rng: np.random.Generator, fake: Faker, tracks: list[dict]) -> tuple[list, list, list]:
    share = np.array([0.3, 0.16, 0.12, 0.12, 0.1, 0.08, 0.06, 0.06])
    customers, invoices, lines = [], [], []
    for i in range(1, 181):
        country = str(rng.choice(COUNTRIES, p=share / share.sum()))
        state = str(rng.choice(["CA", "TX", "NY", "WA"])) if country == "USA" else None
        first, last = fake.first_name(), fake.last_name()
        customers.append(
            dict(customer_id=i, first_name=first, last_name=last,
                 company=fake.company() if rng.random() < 0.2 else None,
                 address=fake.street_address(), city=fake.city(), state=state, country=country,
                 postal_code=fake.postcode() if rng.random() < 0.95 else None,
                 phone=fake.numerify("+## ### ###-####"),
                 email=f"{first}.{last}{i}@{fake.free_email_domain()}".lower(),
                 support_rep_id=int(rng.choice([3, 4, 5], p=[0.36, 0.34, 0.3])))
        )  # fmt: skip
    for i in range(1, 701):
        buyer = customers[int(rng.integers(0, len(customers)))]
        bought = rng.choice(900, int(rng.choice([1, 2, 4, 6, 9, 14])), replace=False)
        for t in bought:
            lines.append(
                dict(invoice_line_id=len(lines) + 1, invoice_id=i, track_id=int(t) + 1,
                     unit_price=tracks[int(t)]["unit_price"], quantity=1)
            )  # fmt: skip
        invoices.append(
            dict(invoice_id=i, customer_id=buyer["customer_id"],
                 invoice_date=datetime(2021, 1, 1) + timedelta(int(i * 1095 / 701)),
                 billing_address=buyer["address"], billing_city=buyer["city"],
                 billing_state=buyer["state"], billing_country=buyer["country"],
                 billing_postal_code=buyer["postal_code"],
                 total=sum(tracks[int(t)]["unit_price"] for t in bought))
        )  # fmt: skip
    return customers, invoices, lines


def reports(engine: Engine) -> Iterable[Report]:
    """Return the usual questions.

    Another draw of the same shop differs by up to 0.28 in countries, 0.07 in years, 0.16 in
    playlists. Three reps are fewer than may be told apart, so their shares are not kept.
    """
    return (
        Report("revenue by country", "SELECT billing_country, sum(total), count(*) FROM invoice "
               "GROUP BY billing_country", 0.4, keys=1),
        Report("revenue by year", "SELECT extract(year FROM invoice_date), sum(total) FROM invoice "
               "GROUP BY extract(year FROM invoice_date)", 0.35, keys=1, rows=1.0),
        Report("running total", "SELECT m, sum(t) OVER (ORDER BY m) FROM (SELECT "
               f"{engine.month('invoice_date')} AS m, sum(total) AS t FROM invoice GROUP BY 1) x",
               0.25, keys=1),
        Report("top customers", "SELECT c.last_name, sum(i.total) FROM customer c JOIN invoice i "
               "ON i.customer_id = c.customer_id GROUP BY c.customer_id, c.last_name "
               "ORDER BY 2 DESC LIMIT 20", 0.2, rows=1.0),
        Report("revenue by genre", "SELECT g.name, sum(l.unit_price * l.quantity), count(*) "
               "FROM invoice_line l JOIN track t ON t.track_id = l.track_id "
               "JOIN genre g ON g.genre_id = t.genre_id GROUP BY g.name", 0.3, keys=1, rows=1.0),
        Report("length by medium", "SELECT m.name, avg(t.milliseconds), count(*) FROM track t "
               "JOIN media_type m ON m.media_type_id = t.media_type_id GROUP BY m.name", 0.6, keys=1,
               rows=1.0),
        Report("tracks a playlist", "SELECT p.playlist_id, count(*) FROM playlist p JOIN "
               "playlist_track t ON t.playlist_id = p.playlist_id GROUP BY p.playlist_id ORDER BY 2",
               0.25),
        Report("staff and bosses", "SELECT e.last_name, b.last_name FROM employee e JOIN employee b "
               "ON b.employee_id = e.reports_to"),
        Report("customers a rep", "SELECT e.last_name, count(*) FROM employee e JOIN customer c "
               "ON c.support_rep_id = e.employee_id GROUP BY e.employee_id, e.last_name", 0.6,
               rows=2.0),
        Report("totals that are not their lines", "SELECT i.invoice_id, i.total, sum(l.unit_price * "
               "l.quantity) FROM invoice i JOIN invoice_line l ON l.invoice_id = i.invoice_id "
               "GROUP BY i.invoice_id, i.total HAVING i.total <> sum(l.unit_price * l.quantity)"),
        Report("lines at another price than the track's", "SELECT l.invoice_line_id FROM "
               "invoice_line l JOIN track t ON t.track_id = l.track_id "
               "WHERE t.unit_price <> l.unit_price"),
        Report("bills to another country than the customer's", "SELECT i.invoice_id FROM invoice i "
               "JOIN customer c ON c.customer_id = i.customer_id "
               "WHERE c.country <> i.billing_country"),
    )  # fmt: skip


CHINOOK = Database("chinook", tables, rows, reports)
