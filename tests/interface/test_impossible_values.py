"""Values that no real row could hold: dates after the last one, ends of what has none."""

from __future__ import annotations

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
