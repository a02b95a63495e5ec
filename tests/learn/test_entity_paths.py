"""Who stands behind a row: every key path counts, and the least number decides."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from synthohive import Metadata, PrivacyConfig
from synthohive.derive.aggregates.search import find_aggregates
from synthohive.derive.keys.choice import learn_key_makers
from synthohive.exceptions import SchemaError
from synthohive.io.dataframe import FrameReader
from synthohive.learn.entity_paths import EntityFinder, check_entities
from synthohive.learn.spikes import without_spikes
from synthohive.privacy.columns import fit_columns
from synthohive.privacy.entities import Entities, EntityPath, protected_end
from synthohive.privacy.kinds import PiiFinding, PiiKind
from synthohive.schema import Column, ForeignKey, TableConfig
from synthohive.schema.columns import column_from_arrow
from synthohive.schema.plan import RelationalPlan
from synthohive.tables.sample import Sample
from synthohive.tables.source import SourceTables
from tests.events import captured_events
from tests.packed import shown

K = 5


def finder(
    metadata: Metadata, findings: tuple[PiiFinding, ...] = (), **tables: Any
) -> EntityFinder:
    arrow = {
        n: pa.Table.from_pandas(pd.DataFrame(t), preserve_index=False) for n, t in tables.items()
    }
    plan = RelationalPlan.build(metadata, {n: len(t) for n, t in arrow.items()})
    return EntityFinder(Sample(metadata, plan, arrow), PrivacyConfig(), findings)


def shop(orders: int = 600, **more: Any) -> dict[str, Any]:
    rng = np.random.default_rng(1)
    return {
        "stores": {"id": np.arange(20), "size": rng.choice(list("SML"), 20)},
        "customers": {"id": np.arange(100), "tier": rng.choice(list("ab"), 100)},
        "orders": {
            "id": np.arange(orders),
            "store_id": rng.integers(0, 20, orders),
            "customer_id": rng.integers(0, 100, orders),
            **more,
        },
    }


SHOP = {"store_id": "stores.id", "customer_id": "customers.id"}


def shop_metadata(fk: dict[str, str], pk: Any = "id") -> Metadata:
    metadata = Metadata().add_table("stores", "id").add_table("customers", "id")
    return metadata.add_table("orders", pk, fk=fk)


def holders(entities: Entities, rows: np.ndarray) -> int:
    """Count the entities of some rows."""
    return int(entities.holders(np.isin(np.arange(len(entities)), rows).astype(np.int64))[1])


@pytest.mark.parametrize("pk", ["id", ["store_id", "id"], ["customer_id", "id"]])
def test_a_person_beside_the_driving_key_counts(pk: Any) -> None:
    tables = shop()
    entities = finder(shop_metadata(SHOP, pk), **tables).of("orders")
    assert len(entities.paths) == 2
    customer = np.asarray(tables["orders"]["customer_id"])
    assert holders(entities, np.flatnonzero(customer == 7)) == 1
    store = np.asarray(tables["orders"]["store_id"])
    assert holders(entities, np.flatnonzero(store == 7)) == 1
    few = np.flatnonzero(np.isin(customer, [1, 2, 3, 4]))
    assert holders(entities, few) == 4


def test_unknown_owners_are_not_one_each() -> None:
    tables = shop()
    tables["orders"]["customer_id"] = np.where(
        np.arange(600) % 3 == 0, np.nan, tables["orders"]["customer_id"]
    )
    entities = finder(shop_metadata({"customer_id": "customers.id"}), **tables).of("orders")
    most = np.nanmax(
        np.bincount(tables["orders"]["customer_id"][np.arange(600) % 3 > 0].astype(int))
    )
    unknown = np.flatnonzero(np.isnan(tables["orders"]["customer_id"]))
    assert holders(entities, unknown[: int(most)]) == 1
    assert holders(entities, unknown) == -(-len(unknown) // most)


def test_keys_that_are_not_declared_count() -> None:
    tables = shop(user_id=np.arange(600) % 50, amount=np.arange(600))
    found = finder(shop_metadata({}), **tables)
    names = {path.name for path in found.of("orders").paths}
    assert names == {
        "orders(store_id) -> stores(id)", "orders(customer_id) -> customers(id)", "orders.user_id",
    }  # fmt: skip
    user = np.asarray(tables["orders"]["user_id"])
    assert holders(found.of("orders"), np.flatnonzero(user == 3)) == 1


@pytest.mark.parametrize(
    ("first", "step", "column", "values"),
    [
        (1, 1, "x", lambda n: 1 + n % 100),  # ends where the keys end
        (1, 7, "x", lambda n: 1 + 7 * (n % 40)),  # hits no gap
        (5_001, 1, "x", lambda n: 5_001 + n % 40),  # lies where little else does
        (1, 1, "who", lambda n: 1 + n % 9),
        (1, 1, "kid", lambda n: 1 + n % 9),
    ],
)
def test_keys_that_are_not_called_so_count(
    first: int, step: int, column: str, values: Callable[[Any], Any]
) -> None:
    tables = shop(**{column: values(np.arange(600))})
    tables["customers"]["id"] = first + step * np.arange(100)
    tables["orders"].pop("customer_id")
    entities = finder(shop_metadata({}), **tables).of("orders")
    someone = np.flatnonzero(np.asarray(tables["orders"][column]) == values(np.arange(600))[3])
    assert holders(entities, someone) == 1


def test_numbers_are_no_keys_by_chance() -> None:
    """Quantities, ages, days, hours, shares and years, beside 100 persons that count from 1."""
    rng = np.random.default_rng(2)
    columns = {
        "quantity": rng.integers(1, 6, 600), "age": rng.integers(18, 80, 600),
        "n": rng.integers(1, 32, 600), "score": rng.integers(0, 101, 600),
        "x": rng.integers(1, 51, 600), "price": rng.integers(1, 99, 600) / 4,
        "place": np.arange(600), "year": rng.integers(1950, 2025, 600),
    }  # fmt: skip
    tables = shop(**columns)
    tables["customers"]["id"] = np.arange(1, 101)
    tables["stores"]["id"] = np.arange(1_001, 3_001)[:20]
    for name in ("store_id", "customer_id"):
        tables["orders"].pop(name)
    found = finder(shop_metadata({}), **tables)
    assert found.undeclared("orders") == []
    assert not found.of("orders").paths


def test_a_repeated_email_is_one_person() -> None:
    tables = shop(mail=[f"p{i % 40}@example.com" for i in range(600)])
    finding = PiiFinding("orders", "mail", PiiKind.EMAIL, "")
    entities = finder(shop_metadata({}), (finding,), **tables).of("orders")
    assert holders(entities, np.arange(3, 600, 40)) == 1


def test_a_coarser_path_makes_a_finer_one_needless() -> None:
    tables = shop()
    tables["lines"] = {"id": np.arange(1800), "order_id": np.arange(1800) // 3}
    metadata = shop_metadata({"customer_id": "customers.id"}).add_table(
        "lines", "id", fk={"order_id": "orders.id"}
    )
    tables["orders"].pop("store_id")
    (path,) = finder(metadata, **tables).of("lines").paths
    assert path.name.endswith("orders(customer_id) -> customers(id)")


def test_things_and_kept_tables_are_no_entities() -> None:
    tables = shop(product_id=np.arange(600) % 30, status_id=np.arange(600) % 6)
    tables["products"] = {"id": np.arange(30), "label": [f"p{i}" for i in range(30)]}
    metadata = shop_metadata({**SHOP, "product_id": "products.id"}).add_table("products", "id")
    found = finder(metadata, **tables)
    assert len(found.of("orders").paths) == 2
    found.kept.add("stores")
    assert len(found.of("orders").paths) == 1
    finding = PiiFinding("products", "label", PiiKind.NAME, "")
    assert len(finder(metadata, (finding,), **tables).of("orders").paths) == 3


def test_the_users_of_a_look_up_row_are_entities_not_rows() -> None:
    tables = shop()
    kinds = np.arange(600) % 10
    kinds[kinds == 9] = 8
    one = np.flatnonzero(np.asarray(tables["orders"]["customer_id"]) == 7)[:6]
    kinds[one] = 9
    tables["orders"]["kind_id"] = kinds
    tables["kinds"] = {"id": np.arange(10), "label": [f"k{i}" for i in range(10)]}
    metadata = shop_metadata({**SHOP, "kind_id": "kinds.id"}).add_table("kinds", "id")
    users = finder(metadata, **tables).users("kinds")
    assert users[9] == 1
    assert users[:8].min() >= K


def test_fewer_than_k_entities_must_all_share_a_value() -> None:
    shippers = EntityPath.of("shipper", np.arange(90) % 3, K)
    entities = Entities.of(90, [shippers])
    assert holders(entities, np.arange(90)) >= K
    assert holders(entities, np.flatnonzero(np.arange(90) % 3 < 2)) < K


def test_one_person_alone_shows_nothing() -> None:
    tables = {
        "patients": {"id": [1], "name": ["Ann"]},
        "visits": {"id": np.arange(50), "pid": [1] * 50},
    }
    metadata = Metadata().add_table("patients", "id")
    metadata.add_table("visits", "id", fk={"pid": "patients.id"})
    person = PiiFinding("patients", "name", PiiKind.NAME, "")
    assert holders(finder(metadata, (person,), **tables).of("visits"), np.arange(50)) < K
    assert holders(finder(metadata, **tables).of("visits"), np.arange(50)) == 50  # one company


def test_the_user_names_the_entities() -> None:
    tables = shop(user_id=np.arange(600) % 50)
    found = finder(shop_metadata(SHOP), **tables)
    found.privacy = PrivacyConfig(entities=["customers", "orders.user_id"])
    names = {path.name for path in found.of("orders").paths}
    assert names == {"orders(customer_id) -> customers(id)", "orders.user_id"}
    metadata = shop_metadata(SHOP)
    with pytest.raises(SchemaError, match="no table"):
        check_entities(metadata, PrivacyConfig(entities=["custmers"]))


def test_bounds_are_no_values_of_few_entities() -> None:
    rng = np.random.default_rng(3)
    salaries = np.round(rng.lognormal(10, 0.5, 2_000), 2)
    salaries[:40] = 9e6  # one person in 40 rows
    entities = Entities.over(np.r_[np.zeros(40), np.arange(1_960)])
    ends = entities.ends(salaries, K, 0.01)
    assert ends is not None
    assert np.sort(salaries)[9] > ends[0] > np.sort(salaries)[4]
    assert ends[1] < np.sort(salaries[40:])[-4]
    assert not np.isclose(salaries[:, None], ends, atol=0.004).any()
    assert Entities.over(np.arange(2_000) % 4).ends(salaries, K) is None
    shared = np.repeat([1.0, 2.0, 3.0], 10)
    assert Entities(30).ends(shared, K) == (1.0, 3.0)


def test_a_bound_moves_away_from_single_values() -> None:
    values = np.array([100, 90, 80, 79, 78, 77, 76, 75])
    alone = np.ones(8, dtype=np.int64)
    found = protected_end(values, alone, 2, 3)
    assert found not in values[2:].tolist() or found == 79  # no free place: the mean
    assert protected_end(np.array([100, 90, 80, 60, 40, 20, 0]), alone[:7], 2, 3) == 59


def test_repeats_of_one_entity_are_spread_over_their_neighbours() -> None:
    rng = np.random.default_rng(4)
    amounts = np.round(rng.uniform(5, 80, 3_000), 2)
    amounts[:200] = 55.55
    shared = np.round(amounts)
    table = pa.table({"amount": amounts, "shared": shared})
    entities = Entities.over(np.r_[np.zeros(200), np.arange(2_800) % 700 + 1])
    spread = without_spikes(table, ["amount", "shared"], entities, K, rng)
    values = spread.column("amount").to_numpy()
    assert (values == 55.55).sum() <= 1
    assert np.abs(values[:200] - 55.55).max() < 5
    assert np.array_equal(values[200:], amounts[200:])
    assert spread.column("shared").equals(table.column("shared"))
    others = rng.choice(np.setdiff1d(np.arange(10, 90), 47), 2_800)
    hundreds = 100 * np.r_[np.full(200, 47), others]
    whole = without_spikes(pa.table({"fare": hundreds}), ["fare"], entities, K, rng)
    assert not (whole.column("fare").to_numpy() % 100).any()


def test_what_one_person_alone_uses_is_theirs() -> None:
    rng = np.random.default_rng(6)
    kind = np.r_[rng.choice(["bone", "skin"], 30), ["HIV-ZQX"] * 6]
    visits = {"patient_id": rng.integers(0, 80, 900), "treatment_id": rng.integers(0, 30, 900)}
    visits = {
        n: np.r_[v, [7] * 6] if n[0] == "p" else np.r_[v, np.arange(30, 36)]
        for n, v in visits.items()
    }
    tables = {
        "patients": {"id": np.arange(80)},
        "treatments": {"id": np.arange(36), "kind": kind},
        "visits": {"id": np.arange(906), **visits},
    }
    metadata = Metadata().add_table("patients", "id").add_table("treatments", "id")
    keys = {"patient_id": "patients.id", "treatment_id": "treatments.id"}
    found = finder(metadata.add_table("visits", "id", fk=keys), **tables).of("treatments")
    assert holders(found, np.flatnonzero(kind == "HIV-ZQX")) == 1
    assert holders(found, np.flatnonzero(kind == "bone")) >= K


def test_what_all_of_a_few_users_share_is_shown() -> None:
    film, store = np.repeat(np.arange(60), 2), np.tile(np.arange(2), 60)
    kind = np.r_[np.random.default_rng(8).choice(["G", "PG"], 60), ["G"] * 12]  # twelve nowhere
    tables = {
        "stores": {"id": np.arange(2)},
        "films": {"id": np.arange(72), "kind": kind},
        "copies": {"id": np.arange(120), "film_id": film, "store_id": store},
    }
    metadata = Metadata().add_table("stores", "id").add_table("films", "id")
    keys = {"film_id": "films.id", "store_id": "stores.id"}
    found = finder(metadata.add_table("copies", "id", fk=keys), **tables).of("films")
    assert holders(found, np.flatnonzero(kind == "PG")) >= K


def test_a_set_of_children_gives_no_value_of_one_person() -> None:
    rng = np.random.default_rng(2)
    owner = np.r_[np.arange(400) % 100, [7] * 60]
    orders = pd.DataFrame({"id": np.arange(460), "customer_id": owner})
    lines = pd.DataFrame(
        {"id": np.arange(1_840), "order_id": np.repeat(orders["id"], 4).to_numpy()}
    )
    lines["state"] = rng.choice(["open", "sent"], len(lines))
    lines.loc[lines["order_id"] >= 400, "state"] = "lost"  # of one customer
    states = lines.groupby("order_id")["state"].agg(set)
    mixed = {"open": "waiting", "sent": "done", "lost": "SECRET-ZQX"}
    orders["status"] = [mixed[next(iter(s))] if len(s) == 1 else "partly" for s in states]
    metadata = Metadata().add_table("customers", "id")
    metadata.add_table("orders", "id", fk={"customer_id": "customers.id"})
    metadata.add_table("lines", "id", fk={"order_id": "orders.id"})
    frames = {"customers": pd.DataFrame({"id": np.arange(100)}), "orders": orders, "lines": lines}
    reader = FrameReader(frames, metadata)
    sample = finder(reader.metadata, **frames)
    counts = {n: len(t) for n, t in frames.items()}
    whole = SourceTables(reader, sample.sample.tables, counts)
    found = find_aggregates(sample.sample, whole, K, sample.of)
    assert "ZQX" not in " ".join(shown(a) for all_ in found.values() for a in all_)


def test_forms_of_keys_and_domains_of_one_person_are_not_learned() -> None:
    owner = np.r_[np.arange(300) % 60, [61] * 60]
    codes = [f"{chr(65 + i % 26)}{i:05d}" for i in range(300)] + [f"zqx-{i}" for i in range(60)]
    mails = [f"p{i}@mail.com" for i in range(300)] + [f"a{i}@zqx-family.org" for i in range(60)]
    rows = pa.table({"code": codes, "owner": owner, "mail": mails})
    config = TableConfig(
        name="t", pk="code", columns={f.name: column_from_arrow(f) for f in rows.schema}
    )
    makers = learn_key_makers(config, rows, None, Entities.over(owner), K)
    fixed = "zqx"
    assert fixed not in shown(makers["code"])
    assert fixed in shown(learn_key_makers(config, rows, None)["code"])
    kinds = {"mail": PiiKind.EMAIL}
    made = fit_columns(config, kinds, rows, PrivacyConfig(), Entities.over(owner))
    assert [name for name, _ in made["mail"].look.domains] == ["mail.example"]
    names = pa.table({"code": ["张伟", "李娜强", "王芳"]})
    chinese = TableConfig(name="t", pk="code", columns={"code": column_from_arrow(names.schema[0])})
    assert "张" not in shown(learn_key_makers(chinese, names, None)["code"])


def test_natural_numbers_do_not_start_at_a_real_one() -> None:
    numbers = np.sort(np.random.default_rng(1).choice(10**9, 500, replace=False)) + 4 * 10**9
    config = TableConfig(name="t", pk="ssn", columns={"ssn": Column(name="ssn", kind="integer")})
    start = learn_key_makers(config, pa.table({"ssn": numbers}), None)["ssn"].start
    assert numbers[0] - start > 0
    assert start % 10**6 == 0


def test_times_in_keys_do_not_start_at_the_first_one_of_all() -> None:
    rng = np.random.default_rng(1)
    hour = np.timedelta64(3600, "s")
    first = np.datetime64("2020-01-01T00:00:00", "us") + rng.integers(0, 10**4, 40) * hour
    times = np.concatenate([t + np.arange(20) * hour for t in first])
    rows = pa.table({"sensor": np.repeat(np.arange(40), 20), "at": times})
    columns = {f.name: column_from_arrow(f) for f in rows.schema}
    key = ForeignKey(columns=["sensor"], parent="sensors", parent_columns=["id"])
    config = TableConfig(name="t", pk=["sensor", "at"], columns=columns, foreign_keys=[key])
    start = learn_key_makers(config, rows, key)["at"].start
    assert start > times.min().astype(np.int64)
    assert start not in times.astype(np.int64)


def test_keys_that_are_not_declared_are_warned_about() -> None:
    found = finder(shop_metadata({"store_id": "stores.id"}), **shop())
    with captured_events() as events:
        found.report("orders")
    (event,) = (e for e in events if e["event"] == "undeclared_key")
    assert event["key"] == "orders(customer_id) -> customers(id)"
    assert event["log_level"] == "warning"


def test_a_key_that_follows_from_a_composite_one_is_not_warned_about() -> None:
    metadata = Metadata().add_table("orders", "id")
    metadata = metadata.add_table("lines", ["order_id", "line"], fk={"order_id": "orders.id"})
    metadata = metadata.add_table("refunds", "id")
    both = ["order_id", "line"]
    metadata.table("refunds").foreign_keys.append(
        ForeignKey(columns=both, parent="lines", parent_columns=both)
    )
    lines = {"order_id": [*range(1, 101)], "line": [1] * 100}
    tables = {
        "orders": {"id": lines["order_id"], "x": [*range(100)]},
        "lines": {**lines, "quantity": [*range(100)]},
        "refunds": {"id": lines["order_id"], **lines},
    }
    found = finder(metadata, **tables)
    assert found.undeclared("refunds")
    with captured_events() as events:
        found.report("refunds")
    assert not [e for e in events if e["event"] == "undeclared_key"]


def test_rows_beyond_a_key_that_is_null_are_of_those_that_another_path_knows() -> None:
    """Orders that no employee took: 400 customers, not one unknown employee, share them."""
    rng = np.random.default_rng(1)
    customers = EntityPath.of("customer", rng.integers(0, 400, 3000), K)
    shop = np.arange(3000) % 3 == 0
    employees = EntityPath.of("employee", np.where(shop, np.arange(3000) % 7, -1), K)
    entities = Entities.of(3000, (customers, employees))
    channel = np.where(shop, 0, 1 + np.arange(3000) % 2)
    assert (entities.holders(channel) >= K).all()
    guests = EntityPath.of("customer", np.where(shop, np.arange(3000) % 400, -1), K)
    sellers = EntityPath.of("employee", np.arange(3000) % 7, K)
    note = np.where(np.arange(3000) < 9, np.where(shop, -1, 0), -1)  # of unknown guests: one
    assert Entities.of(3000, (guests, sellers)).holders(note, 1)[0] < K


def test_a_row_that_lent_its_value_does_not_tell_of_whom_unknown_rows_are() -> None:
    guests = EntityPath.of("customer", np.where(np.arange(60) < 40, np.arange(60) % 4, -1), 2)
    entities = Entities.of(60, (guests,))
    value = np.where(np.arange(60) < 50, -1, 0)  # of ten rows of guests, who may be one
    before = entities.holders(value, 1)[0]
    assert entities.behind(np.arange(60), 2).holders(value, 1)[0] == before == 1


@pytest.mark.parametrize("column", ["lgID", "div_id"])
def test_a_few_short_labels_are_nobody(column: str) -> None:
    """All leagues would have to share what is shown: no flag that one alone lacks came out."""
    rng = np.random.default_rng(2)
    labels = rng.choice(["NL", "AL", "FL"], 600)
    found = finder(shop_metadata(SHOP), **shop(**{column: labels})).of("orders")
    assert f"orders.{column}" not in {path.name for path in found.paths}
    for name, values in (
        ("staff_id", labels),  # the name says that someone is meant
        (column, np.char.add(labels, "1")),
        (column, np.resize([f"{a}{b}" for a in "ABCDEF" for b in "ABCDEF"], 600)),
    ):
        found = finder(shop_metadata(SHOP), **shop(**{name: values})).of("orders")
        assert f"orders.{name}" in {path.name for path in found.paths}
