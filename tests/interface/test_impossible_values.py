"""Values that no real row could hold: dates after the last one, ends of what has none."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from synthohive import Metadata, Synthesizer

Frames = dict[str, pd.DataFrame]


def customers_and_orders(customers: int = 250) -> Frames:
    """Return customers, and orders of each from its registration until a last day."""
    rng = np.random.default_rng(0)
    first, last = (pd.Timestamp(day).timestamp() for day in ("2021-01-01", "2024-12-31"))
    since = first + rng.integers(0, 1_300 * 86_400, customers)
    owner = np.repeat(np.arange(customers), rng.poisson(2.2, customers))
    at = since[owner] + rng.random(len(owner)) * (last - since[owner])
    by_time = np.argsort(at)
    owner, at = owner[by_time], at[by_time]
    at, registered = (pd.to_datetime(v.astype(np.int64), unit="s") for v in (at, since))
    orders = pd.DataFrame({"customer_id": owner + 1, "ordered_at": at})
    orders.insert(0, "id", np.arange(1, len(orders) + 1))
    customers_ = pd.DataFrame({"id": np.arange(1, customers + 1), "registered_at": registered})
    return {"customers": customers_, "orders": orders}


@pytest.mark.parametrize("model", ["autoregressive", "ctgan"])
def test_no_date_lies_after_the_last_real_one(model: str) -> None:
    real = customers_and_orders()
    metadata = Metadata().add_table("customers", "id")
    metadata.add_table("orders", "id", fk={"customer_id": "customers.id"})
    synth = Synthesizer(metadata, model=model).fit(real, epochs=3, seed=1, progress=False)
    assert "ordered_at >= customers.registered_at" in map(str, synth.relations["orders"])
    made = synth.sample(seed=2)
    at, last = made["orders"]["ordered_at"], real["orders"]["ordered_at"].max()
    assert (at <= last).all()
    assert (at == at.max()).mean() < 0.02  # nor do all that would be beyond end on one moment
    both = made["orders"].merge(made["customers"], left_on="customer_id", right_on="id")
    assert (both["ordered_at"] >= both["registered_at"]).all()


@pytest.mark.parametrize("model", ["autoregressive", "ctgan"])
def test_a_state_says_whether_there_is_a_date(model: str) -> None:
    """Of tickets themselves, and of the messages of closed ones."""
    rng = np.random.default_rng(0)
    state = rng.choice(["open", "closed", "cancelled"], 500, p=[0.3, 0.6, 0.1])
    start = pd.Timestamp("2024-01-01") + pd.to_timedelta(rng.integers(0, 300, 500), unit="D")
    closed = pd.Series(start + pd.to_timedelta(rng.integers(1, 60, 500), unit="D"))
    closed = closed.where(state == "closed")
    ids = np.arange(500)
    tickets = pd.DataFrame({"id": ids, "state": state, "start": start, "closed_at": closed})
    ticket = np.repeat(ids, rng.integers(0, 4, 500))
    rating = pd.Series(rng.integers(1, 6, len(ticket)), dtype="Int64")
    messages = pd.DataFrame({"id": np.arange(len(ticket)), "ticket_id": ticket})
    messages["rating"] = rating.where(state[ticket] == "closed")
    metadata = Metadata().add_table("tickets", "id")
    metadata.add_table("messages", "id", fk={"ticket_id": "tickets.id"})
    real = {"tickets": tickets, "messages": messages}
    synth = Synthesizer(metadata, model=model).fit(real, epochs=3, seed=1, progress=False)
    made = synth.sample(seed=7)
    is_closed = made["tickets"]["state"] == "closed"
    assert (made["tickets"]["closed_at"].notna() == is_closed).all()
    assert 0.4 < is_closed.mean() < 0.8
    both = made["messages"].merge(made["tickets"], left_on="ticket_id", right_on="id")
    assert (both["rating"].notna() == (both["state"] == "closed")).all()
    found = [str(relation) for relation in synth.relations["tickets"]]
    assert "closed_at is NULL exactly where state is 'cancelled', 'open'" in found


NO_END = dt.date(9999, 1, 1)


def employees_and_salaries(employees: int = 200) -> Frames:
    """Return employees, and salaries one after the other, the last of which is paid now."""
    rng = np.random.default_rng(0)
    hired = [dt.date(1985, 1, 1) + dt.timedelta(int(d)) for d in rng.integers(0, 5000, employees)]
    rows = []
    for number, first in enumerate(hired, start=1):
        since, count = first, int(rng.integers(1, 10))
        for i in range(count):
            until = since + dt.timedelta(365) if i < count - 1 else NO_END
            rows.append((number, since, until, int(rng.integers(40_000, 80_000))))
            since = until
    people = pd.DataFrame({"emp_no": range(1, employees + 1), "hire_date": hired})
    return {
        "employees": people,
        "salaries": pd.DataFrame(rows, columns=["emp_no", "from_date", "to_date", "amount"]),
    }


@pytest.mark.parametrize("model", ["autoregressive", "ctgan"])
def test_periods_follow_each_other_until_one_without_an_end(model: str, tmp_path: Path) -> None:
    real = employees_and_salaries()
    metadata = Metadata().add_table("employees", "emp_no")
    keys = {"emp_no": "employees.emp_no"}
    metadata.add_table("salaries", ["emp_no", "from_date"], fk=keys)
    synth = Synthesizer(metadata, model=model).fit(real, epochs=4, seed=1, progress=False)
    found = set(map(str, synth.relations["salaries"]))
    assert "periods from from_date to to_date do not overlap inside a group" in found
    assert "from_date >= employees.hire_date" in found
    synth.save(tmp_path / "fitted")
    made = Synthesizer.load(tmp_path / "fitted").sample(seed=7)
    rows = made["salaries"].sort_values(["emp_no", "from_date"], ignore_index=True)
    assert not rows.duplicated(["emp_no", "from_date"]).any()
    last = rows["emp_no"] != rows["emp_no"].shift(-1)
    assert ((rows["to_date"] == NO_END) == last).all()
    assert (rows["to_date"] == rows["from_date"].shift(-1))[~last].all()
    assert (rows["to_date"] > rows["from_date"]).all()
    both = rows.merge(made["employees"], on="emp_no")
    assert (both["from_date"] >= both["hire_date"]).all()
    assert rows["from_date"].max() <= real["salaries"]["from_date"].max()
    pd.testing.assert_frame_equal(made["salaries"], synth.sample(seed=7)["salaries"])


@pytest.mark.parametrize("model", ["autoregressive", "ctgan"])
def test_no_product_is_larger_than_the_largest_real_one(model: str) -> None:
    rng = np.random.default_rng(0)
    quantity = rng.integers(1, 50, 600)
    price = (1_000 / quantity).round() + rng.integers(0, 9, 600)
    items = pd.DataFrame({"id": range(600), "quantity": quantity, "price": price})
    items["total"] = items["quantity"] * items["price"]
    synth = Synthesizer(Metadata().add_table("items", "id"), model=model)
    made = synth.fit({"items": items}, epochs=2, seed=1, progress=False).sample(seed=2)["items"]
    assert (made["total"] == made["quantity"] * made["price"]).all()
    assert made["total"].between(items["total"].min(), items["total"].max()).all()
