"""Values of single persons, planted in databases, and where they come out again."""

from __future__ import annotations

import json
import re
import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Union

import numpy as np
import pandas as pd
import pyarrow as pa

from synthohive import Metadata
from tests.planted import content_of

__all__ = [
    "CRM_DDL",
    "SURVEY_DDL",
    "Canary",
    "Planter",
    "crm",
    "crm_metadata",
    "found_in",
    "load",
    "plant_crm",
    "plant_survey",
    "survey",
]

_MOMENT = "%Y-%m-%d %H:%M:%S.%f"
LOCALES = ("en_US", "de_DE", "fr_FR", "es_ES", "it_IT", "nl_NL", "pl_PL", "pt_BR", "sv_SE", "ja_JP")


@dataclass(frozen=True)
class Canary:
    """One value, and what makes it hard to see that it is one person's."""

    kind: str
    place: str
    value: Union[str, float, pd.Timestamp]

    def is_in_text(self, text: str) -> bool:
        """Whether a text shows it."""
        if isinstance(self.value, str):
            return self.value.lower() in text.lower()
        if isinstance(self.value, pd.Timestamp):
            return f"{self.value:%Y-%m-%d %H:%M:%S}" in text.replace("T", " ")
        return bool(re.search(rf"(?<![\d.,]){re.escape(f'{self.value:.10g}')}(?![\d])", text))

    def is_in_numbers(self, numbers: np.ndarray[Any, Any]) -> bool:
        """Whether numbers hold it; a moment as seconds, or any finer unit, since 1970."""
        if isinstance(self.value, str):
            return False
        if isinstance(self.value, pd.Timestamp):
            seconds = self.value.timestamp()
            return any(bool((numbers == seconds * unit).any()) for unit in (1, 1e3, 1e6, 1e9))
        return bool(np.isclose(numbers, self.value, rtol=1e-9, atol=0).any())


class Planter:
    """Changes cells of single entities, and remembers what to.

    Parameters
    ----------
    tables : dict of str to DataFrame
        They are changed.
    rng : Generator
    """

    def __init__(self, tables: dict[str, pd.DataFrame], rng: np.random.Generator) -> None:
        self.tables, self.rng = tables, rng
        self.canaries: list[Canary] = []

    def put(
        self, kind: str, table: str, column: str, rows: Sequence[int], value: Any, name: Any = None
    ) -> None:
        """Put a value into some rows; `name` is what is searched for, if not the value."""
        frame = self.tables[table]
        if isinstance(value, str) and frame[column].dtype != object:
            frame[column] = frame[column].astype(object)
        frame.loc[list(rows), column] = value
        self.canaries.append(Canary(kind, f"{table}.{column}", value if name is None else name))

    def write(self, kind: str, table: str, column: str, rows: Sequence[int], word: str) -> None:
        """Put a word into texts that stay as they are around it."""
        frame = self.tables[table]
        for row in rows:
            text = str(frame.loc[row, column])
            frame.loc[row, column] = f"{text[: len(text) // 2]} {word} {text[len(text) // 2 :]}"
        self.canaries.append(Canary(kind, f"{table}.{column}", word))

    def tree(self, kind: str, table: str, column: str, rows: Sequence[int], more: Any, name: Any
             ) -> None:  # fmt: skip
        """Put more members into JSON objects."""
        frame = self.tables[table]
        for row in rows:
            frame.loc[row, column] = json.dumps({**json.loads(frame.loc[row, column]), **more})
        self.canaries.append(Canary(kind, f"{table}.{column}", name))


def found_in(
    canaries: Sequence[Canary],
    made: Mapping[str, pa.Table],
    checkpoint: Path,
    reports: Sequence[Path],
    logs: Sequence[Any],
) -> dict[str, list[Canary]]:
    """Return which canaries are in the output, the checkpoint, the report and the logs."""
    texts, numbers = content_of(checkpoint)
    written = "\n".join(path.read_text(encoding="utf-8") for path in reports)
    said = "\n".join(map(repr, logs))
    return {
        "output": [c for c in canaries if any(_is_in_table(c, t) for t in made.values())],
        "checkpoint": [c for c in canaries if c.is_in_text(texts) or c.is_in_numbers(numbers)],
        "report": [c for c in canaries if c.is_in_text(written)],
        "logs": [c for c in canaries if c.is_in_text(said)],
    }


def _is_in_table(canary: Canary, table: pa.Table) -> bool:
    frame = table.to_pandas()
    for name in frame.columns:
        values = frame[name]
        if isinstance(canary.value, (str, pd.Timestamp)) or values.dtype == object:
            if any(canary.is_in_text(text) for text in set(values.dropna().astype(str))):
                return True
        elif pd.api.types.is_numeric_dtype(values) and canary.is_in_numbers(
            values.dropna().to_numpy(float)
        ):
            return True
    return False


def crm_metadata() -> Metadata:
    """Return customers who order over channels."""
    metadata = Metadata().add_table("channels", "id").add_table("customers", "id")
    return metadata.add_table(
        "orders", "id", fk={"customer_id": "customers.id", "channel_id": "channels.id"}
    )


def crm(customers: int, seed: int = 1) -> dict[str, pd.DataFrame]:
    """Return customers of ten locales, and their orders."""
    from faker import Faker

    rng = np.random.default_rng(seed)
    people = []
    for number in range(customers):
        if number < 10:
            people.append(Faker(LOCALES[number]))
            people[-1].seed_instance(seed * 100 + number)
    which = rng.integers(0, 10, customers)
    age = rng.normal(45, 14, customers).clip(18, 95).round()
    channels = ["web", "phone", "shop", "partner", "fair", "letter"]
    owner = np.repeat(np.arange(customers), rng.poisson(3.5, customers) + 1)
    quantity = rng.integers(1, 9, len(owner))
    price = np.round(rng.lognormal(3, 0.6, len(owner)), 2)
    joined = pd.Timestamp("2015-01-01") + pd.to_timedelta(rng.integers(0, 3_000, customers), "D")
    ordered = joined[owner] + pd.to_timedelta(rng.integers(3_600, 6 * 10**7, len(owner)), "s")
    return {
        "channels": pd.DataFrame({"id": range(1, 7), "label": channels}),
        "customers": pd.DataFrame(
            {
                "id": np.arange(1, customers + 1),
                "name": [people[i].name() for i in which],
                "email": [people[i].email() for i in which],
                "phone": [people[i].phone_number() for i in which],
                "city": [people[i].city() for i in which],
                "country": np.array([name[3:] for name in LOCALES])[which],
                "segment": rng.choice(
                    ["private", "business", "public"], customers, p=[0.7, 0.2, 0.1]
                ),
                "age": age.astype(int),
                "income": np.round(rng.lognormal(10.3, 0.4, customers) * (1 + age / 200), 2),
                "joined": joined,
                "note": list(_notes(rng, customers)),
                "preferences": [
                    json.dumps({"news": bool(n), "size": s, "visits": int(v)})
                    for n, s, v in zip(
                        rng.random(customers) < 0.4,
                        rng.choice(["S", "M", "L"], customers),
                        rng.poisson(5, customers),
                    )
                ],
            }
        ),
        "orders": pd.DataFrame(
            {
                "id": np.arange(1, len(owner) + 1),
                "customer_id": owner + 1,
                "channel_id": rng.choice(
                    range(1, 7), len(owner), p=[0.4, 0.2, 0.2, 0.1, 0.06, 0.04]
                ),
                "status": rng.choice(["paid", "open", "returned"], len(owner), p=[0.8, 0.15, 0.05]),
                "quantity": quantity,
                "price": price,
                "total": np.round(quantity * price, 2),
                "ordered": ordered,
            }
        ),
    }


def _notes(rng: np.random.Generator, count: int) -> Iterator[str]:
    starts = ["called about", "asked for", "was happy with", "complained about", "returned"]
    things = ["the invoice", "a new lamp", "the delivery", "two chairs", "the opening hours"]
    ends = ["again", "by mail", "in the shop", "last week", "and will come back"]
    for a, b, c in rng.integers(0, 5, (count, 3)):
        yield f"{starts[a]} {things[b]} {ends[c]}"


def survey(rows: int, seed: int = 2) -> dict[str, pd.DataFrame]:
    """Return a table of answers, without any key to others."""
    rng = np.random.default_rng(seed)
    mood, age = rng.normal(size=rows), rng.integers(18, 80, rows)
    items = {
        f"q{i}": (3 + 0.9 * mood * (-1) ** i + rng.normal(0, 0.9, rows))
        .round()
        .clip(1, 5)
        .astype(int)
        for i in range(1, 11)
    }
    income = np.round(rng.lognormal(10, 0.5, rows), 2)
    return {
        "answers": pd.DataFrame(
            {
                "id": np.arange(1, rows + 1),
                "region": rng.choice(
                    ["north", "south", "east", "west"], rows, p=[0.4, 0.3, 0.2, 0.1]
                ),
                "job": rng.choice(["office", "craft", "care", "trade", "none"], rows),
                "age": age,
                "income": income,
                "rent": np.round(income * rng.uniform(0.15, 0.4, rows) / 12, 2),
                "at": pd.Timestamp("2024-03-01")
                + pd.to_timedelta(rng.integers(0, 10**6, rows), "s"),
                **items,
                "score": np.sum(list(items.values()), axis=0),
                "bonus": np.round(income * 0.05, 2),
                "remark": list(_notes(rng, rows)),
                "device": [
                    json.dumps({"os": s, "width": int(w)})
                    for s, w in zip(
                        rng.choice(["ios", "android", "mac"], rows),
                        rng.choice([390, 768, 1440], rows),
                    )
                ],
            }
        )
    }


def plant_crm(tables: dict[str, pd.DataFrame], who: Sequence[int], rng: np.random.Generator
              ) -> list[Canary]:  # fmt: skip
    """Plant forty canaries with customers of some rows; each has as many as one person has.

    Parameters
    ----------
    tables : dict of str to DataFrame
        Of :func:`crm`; are changed.
    who : sequence of int
        Rows of the customers that may be used.
    rng : Generator
    """
    plant, free = Planter(tables, rng), iter(who)
    for table, column in (("orders", "price"), ("orders", "total"), ("customers", "income")):
        tables[table][column] = tables[table][column].astype(float)
    # no order is made one of two customers: what is planted in it would be both's
    unused = iter(rng.permutation(tables["orders"].index))
    channels = tables["channels"]
    for number, label in ((7, "Zqalumni of Mrs Zqbianchi"), (8, "zqhotline"), (9, "Zqnobody")):
        channels.loc[len(channels)] = [number, label]

    def one() -> list[int]:
        return [next(free)]

    def bought(rows: int = 0) -> list[int]:
        """Return the rows of the orders of one customer who has some."""
        orders = tables["orders"]
        while True:
            found = orders.index[orders["customer_id"] == next(free) + 1]
            if len(found) > rows:
                return list(found)

    def many(times: int) -> list[int]:
        """Return rows of orders that are made the many orders of one customer."""
        rows = [next(unused) for _ in range(times)]
        tables["orders"].loc[rows, "customer_id"] = next(free) + 1
        return rows

    put = plant.put
    # categories of one person, of one row or of many; of two and of four
    put("category", "customers", "segment", one(), "zqambassador")
    put("category", "customers", "segment", one() + one(), "zqwitness")
    put("category", "customers", "segment", [next(free) for _ in range(4)], "zqrefugee")
    put("category", "customers", "country", one(), "Zqland")
    put("category", "orders", "status", bought(), "zqseized")
    put("category", "orders", "status", many(60), "zqinvestigated")
    # numbers: extremes, inside the range and repeated, of four
    put("number", "customers", "income", one(), 9_173_555.25)
    put("number", "customers", "income", one(), 2_711.37)
    put("number", "customers", "income", [next(free) for _ in range(4)], 31_313.13)
    put("number", "customers", "age", one(), 7_137_317)
    put("number", "orders", "price", many(80), 17.3719)
    put("number", "orders", "quantity", bought(), 47_110_815)
    put("number", "orders", "price", bought(), 88_777.66)
    # moments
    put("date", "customers", "joined", one(), pd.Timestamp("1911-11-11"))
    put("date", "customers", "joined", one(), pd.Timestamp("2047-05-05"))
    put("date", "customers", "joined", one(), pd.Timestamp("2018-03-03 03:33:33"))
    put("date", "orders", "ordered", many(70), pd.Timestamp("2019-07-07 07:07:07"))
    put("date", "orders", "ordered", bought(), pd.Timestamp("2061-01-02 03:04:05"))
    # words
    plant.write("word", "customers", "note", one(), "Zqxander")
    plant.write("word", "customers", "note", [next(free) for _ in range(4)], "zqlupus")
    plant.write("word", "customers", "name", one(), "Zqvonmoltke")
    plant.write("word", "customers", "city", one(), "Zqhausen")
    put("word", "customers", "email", one(), "me@zqfamily.example", "zqfamily")
    put("word", "customers", "phone", one(), "+49 666 13131313", "13131313")
    # JSON: keys and values, of one person and of four
    tree = plant.tree
    tree("JSON key", "customers", "preferences", one(), {"zqwheelchair": True}, "zqwheelchair")
    tree("JSON key", "customers", "preferences", one(), {"home": {"zqalarm": 1}}, "zqalarm")
    tree("JSON key", "customers", "preferences", [next(free) for _ in range(4)],
         {"zqdiet": "none"}, "zqdiet")  # fmt: skip
    tree("JSON value", "customers", "preferences", one(), {"size": "zqtailored"}, "zqtailored")
    tree("JSON value", "customers", "preferences", one(), {"visits": 93_377}, 93_377.0)
    tree("JSON value", "customers", "preferences", [next(free) for _ in range(4)],
         {"size": "zqXXS"}, "zqXXS")  # fmt: skip
    tree("JSON value", "customers", "preferences", one(), {"tags": ["zqvip"]}, "zqvip")
    # rows of a look-up table: of one customer, of one order, of nobody
    put("look-up row", "orders", "channel_id", many(30), 7, "zqalumni")
    plant.canaries.append(Canary("look-up row", "channels.label", "zqbianchi"))
    put("look-up row", "orders", "channel_id", bought()[:1], 8, "zqhotline")
    plant.canaries.append(Canary("look-up row", "channels.label", "zqnobody"))
    # what is left where a rule holds for all others
    put("residual", "orders", "total", bought()[:1], 55_512.34)
    put("residual", "orders", "total", many(25), 1_234.56)
    put("residual", "orders", "total", bought()[:1], 1_063.1519)
    # what the schema itself says: see DDL
    plant.canaries += [
        Canary("DDL text", "view", "zqview"),
        Canary("DDL text", "comment", "zqnote"),
    ]
    return plant.canaries


def plant_survey(
    tables: dict[str, pd.DataFrame], who: Sequence[int], rng: np.random.Generator
) -> list[Canary]:
    """Plant forty canaries in answers of some rows, each of one person, or of four.

    Parameters
    ----------
    tables : dict of str to DataFrame
        Of :func:`survey`; are changed.
    who : sequence of int
        Rows that may be used.
    rng : Generator
    """
    plant, free = Planter(tables, rng), iter(who)
    answers = tables["answers"]
    for column in answers.columns:
        if column != "id" and pd.api.types.is_numeric_dtype(answers[column]):
            answers[column] = answers[column].astype(float)

    def some(count: int = 1) -> list[int]:
        return [next(free) for _ in range(count)]

    for column, value, count in (
        ("region", "zqexclave", 1), ("region", "Zqisland", 2), ("region", "zqabroad", 4),
        ("job", "zqastronaut", 1), ("job", "ZQ-mayor", 3), ("job", "zqbishop", 4),
    ):  # fmt: skip
        plant.put("category", "answers", column, some(count), value)
    for column, number, count in (
        ("income", 8_173_555.25, 1), ("income", 3.37, 1), ("income", 31_313.13, 4),
        ("age", 7_137_317.0, 1), ("rent", 77_881.19, 1), ("rent", 1_313.1313, 4),
        ("q1", 770_077.0, 1), ("q7", 5_155_515.0, 1), ("score", 990_099.0, 2),
        ("q3", -660_066.0, 1),
    ):  # fmt: skip
        plant.put("number", "answers", column, some(count), number)
    for moment, count in (
        ("1971-07-07 07:07:07", 1), ("2059-09-09 09:09:09", 1), ("2024-03-04 05:05:05.123456", 1),
        ("2024-06-06 06:06:06", 4),
    ):  # fmt: skip
        plant.put("date", "answers", "at", some(count), pd.Timestamp(moment))
    for word, count in (
        ("Zqxander", 1), ("zqlupus", 4), ("zq-4711-8815", 1), ("Dr.Zqvogel", 2),
        ("zqtransplant", 1), ("zq@zqmail.example", 1),
    ):  # fmt: skip
        plant.write("word", "answers", "remark", some(count), word)
    for kind, members, name, count in (
        ("key", {"zqpump": 1}, "zqpump", 1), ("key", {"zqimplant": "x"}, "zqimplant", 4),
        ("key", {"sub": {"zqinner": True}}, "zqinner", 1), ("value", {"os": "zqbsd"}, "zqbsd", 1),
        ("value", {"os": "zqhurd"}, "zqhurd", 4), ("value", {"width": 93_377}, 93_377.0, 1),
        ("value", {"list": ["zqitem"]}, "zqitem", 1),
    ):  # fmt: skip
        plant.tree(f"JSON {kind}", "answers", "device", some(count), members, name)
    # what is left where a sum, or a share of the income, holds for all others
    for column, number, count in (
        ("score", 3_377_377.0, 1), ("score", 1_414_142.0, 4), ("bonus", 61_803.39, 1),
        ("bonus", 271.8281, 3), ("bonus", 0.0577, 1),
    ):  # fmt: skip
        plant.put("residual", "answers", column, some(count), number)
    plant.canaries += [
        Canary("DDL text", "view", "zqview"),
        Canary("DDL text", "comment", "zqnote"),
    ]
    return plant.canaries


CRM_DDL = """
CREATE TABLE channels (id INTEGER PRIMARY KEY, label TEXT NOT NULL);
CREATE TABLE customers (
  id INTEGER PRIMARY KEY, name TEXT, email TEXT, phone TEXT, city TEXT, country TEXT,
  segment TEXT, -- asked for by Mr Zqnote
  age INTEGER, income REAL, joined TIMESTAMP, note TEXT, preferences JSON);
CREATE TABLE orders (
  id INTEGER PRIMARY KEY, customer_id INTEGER NOT NULL REFERENCES customers,
  channel_id INTEGER NOT NULL REFERENCES channels, status TEXT, quantity INTEGER, price REAL,
  total REAL, ordered TIMESTAMP);
CREATE VIEW watched AS SELECT * FROM customers WHERE name = 'Zqview';
"""

SURVEY_DDL = """
CREATE TABLE answers (
  id INTEGER PRIMARY KEY, region TEXT, job TEXT, -- asked for by Mr Zqnote
  age INTEGER, income REAL, rent REAL, at TIMESTAMP, q1 INTEGER, q2 INTEGER, q3 INTEGER,
  q4 INTEGER, q5 INTEGER, q6 INTEGER, q7 INTEGER, q8 INTEGER, q9 INTEGER, q10 INTEGER,
  score INTEGER, bonus REAL, remark TEXT, device JSON);
CREATE VIEW watched AS SELECT * FROM answers WHERE remark = 'Zqview';
"""


def load(path: Path, ddl: str, tables: Mapping[str, pd.DataFrame]) -> str:
    """Write tables to a file of SQLite; return its URL.

    Parameters
    ----------
    path : path
    ddl : str
    tables : mapping of str to DataFrame
    """
    with closing(sqlite3.connect(path)) as database:
        database.executescript(ddl)
        for name, frame in tables.items():
            moments = frame.select_dtypes("datetime").columns
            texts = frame.assign(**{c: frame[c].dt.strftime(_MOMENT) for c in moments})
            texts.to_sql(name, database, index=False, if_exists="append")
        database.commit()
    return f"sqlite:///{path}"
