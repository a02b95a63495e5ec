"""Hard groups: joint numbers of children, chosen parents, order, sums and dates."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pyarrow as pa

from benchmarks.shapes.base import (
    Facts,
    Rows,
    Shape,
    Tables,
    correlation,
    days,
    ordinal,
    positions,
    table,
)
from synthohive import Metadata

# Numbers of children that go with each other and with the parent.


def _accounts(rng: np.random.Generator, size: int) -> Tables:
    segment = rng.choice(["private", "firm"], size, p=[0.8, 0.2])
    activity = rng.gamma(0.7, size=size) * np.where(segment == "firm", 3.0, 1.0)
    orders, tickets, returns = (rng.poisson(rate * activity) for rate in (3.0, 1.0, 0.5))
    made: Tables = {
        "accounts": table(
            id=np.arange(size), segment=segment, visits=np.round(10 * activity).astype(np.int64)
        )
    }
    for name, counts in (("orders", orders), ("tickets", tickets), ("returns", returns)):
        at = np.repeat(np.arange(size), counts)
        value = np.round(np.exp(rng.normal(size=len(at)) + (segment[at] == "firm")), 2)
        made[name] = table(id=np.arange(len(at)), account_id=at, amount=value)
    return made


def _account_keys() -> Metadata:
    metadata = Metadata().add_table("accounts", "id")
    for name in ("orders", "tickets", "returns"):
        metadata.add_table(name, "id", fk={"account_id": "accounts.id"})
    return metadata


def _account_facts(t: Mapping[str, Rows]) -> Facts:
    ids = t["accounts"]["id"]
    counts = {
        name: np.bincount(positions(ids, t[name]["account_id"]), minlength=len(ids))
        for name in ("orders", "tickets", "returns")
    }
    return {
        "orders ~ tickets": correlation(counts["orders"], counts["tickets"]),
        "orders ~ returns": correlation(counts["orders"], counts["returns"]),
        "visits ~ orders": correlation(t["accounts"]["visits"], counts["orders"]),
        "accounts without any": float((sum(counts.values()) == 0).mean()),
    }


# A second parent that is chosen by what both parents are.


def _visits(rng: np.random.Generator, size: int) -> Tables:
    doctors = max(8, size // 20)
    kinds = np.array(["children", "general", "heart"])
    kind = rng.integers(0, 3, doctors)
    fee = np.round(40 + 60 * kind + 10 * rng.normal(size=doctors), 2)
    age = rng.integers(0, 95, size)
    number = rng.poisson(1 + age / 30)
    patient = np.repeat(np.arange(size), number)
    needs = np.where(age[patient] < 16, 0, np.where(age[patient] < 60, 1, 2))
    needs = np.where(rng.random(len(patient)) < 0.85, needs, rng.integers(0, 3, len(patient)))
    by_kind = [np.flatnonzero(kind == k) for k in range(3)]
    doctor = np.zeros(len(patient), np.int64)
    for k, chosen in enumerate(by_kind):
        here = np.flatnonzero(needs == k)
        weights = rng.dirichlet(np.ones(len(chosen)))
        doctor[here] = rng.choice(chosen, len(here), p=weights)
    cost = np.round(fee[doctor] * (1 + age[patient] / 200) + 2 * rng.normal(size=len(doctor)), 2)
    return {
        "patients": table(id=np.arange(size), age=age, insured=rng.random(size) < 0.9),
        "doctors": table(id=np.arange(doctors), field=kinds[kind], fee=fee),
        "visits": table(id=np.arange(len(doctor)), patient_id=patient, doctor_id=doctor, cost=cost),
    }


def _visit_keys() -> Metadata:
    keys = {"patient_id": "patients.id", "doctor_id": "doctors.id"}
    metadata = Metadata().add_table("patients", "id").add_table("doctors", "id")
    return metadata.add_table("visits", "id", fk=keys)


def _visit_facts(t: Mapping[str, Rows]) -> Facts:
    patient = positions(t["patients"]["id"], t["visits"]["patient_id"])
    doctor = positions(t["doctors"]["id"], t["visits"]["doctor_id"])
    age, fee = t["patients"]["age"][patient], t["doctors"]["fee"][doctor]
    young = age < 16
    return {
        "the young at a children's doctor": float(
            (t["doctors"]["field"][doctor][young] == "children").mean()
        ),
        "age ~ fee": correlation(age, fee),
        "fee ~ cost": correlation(fee, t["visits"]["cost"]),
        "age ~ cost": correlation(age, t["visits"]["cost"]),
    }


# Events in order inside a session, with gaps and what follows what.


def _events(rng: np.random.Generator, size: int) -> Tables:
    device = rng.choice(["phone", "desk"], size)
    start = np.sort(rng.integers(0, 30 * 86_400, size))
    number = 2 + rng.poisson(np.where(device == "desk", 6.0, 3.0))
    at = np.repeat(np.arange(size), number)
    step = ordinal(at)
    gap = np.where(step == 1, 0, 1 + rng.gamma(1.0, np.where(device[at] == "desk", 40.0, 15.0)))
    total = np.cumsum(gap.astype(np.int64))
    first = np.repeat(total[step == 1], number)
    last = step == np.repeat(number, number)
    kind = np.where(step == 1, "open", np.where(last, "close", "view"))
    buys = (kind == "view") & (rng.random(len(at)) < 0.2)
    origin = np.datetime64("2024-03-01T00:00:00", "us")

    def moment(seconds: np.ndarray) -> np.ndarray:
        return origin + seconds.astype("m8[s]")

    return {
        "sessions": table(id=np.arange(size), device=device, started_at=moment(start)),
        "events": table(session_id=at, step=step, kind=np.where(buys, "buy", kind),
            happened_at=moment(start[at] + total - first),
        ),
    }  # fmt: skip


def _event_keys() -> Metadata:
    return (
        Metadata().add_table("sessions", "id")
        .add_table("events", ["session_id", "step"], fk={"session_id": "sessions.id"})
    )  # fmt: skip


def _event_facts(t: Mapping[str, Rows]) -> Facts:
    rows, sessions = t["events"], t["sessions"]
    at = positions(sessions["id"], rows["session_id"])
    order = np.lexsort([rows["step"], at])
    at, step = at[order], rows["step"][order]
    moment, kind = rows["happened_at"][order], rows["kind"][order]
    gap = (np.diff(moment) / np.timedelta64(1, "s"))[np.diff(at) == 0]
    first, last = ordinal(at) == 1, np.r_[np.diff(at) != 0, True]
    late = (moment - sessions["started_at"][at])[first] / np.timedelta64(1, "s")
    return {
        "no gap in steps": float((step != ordinal(at)).sum()),
        "no event before the last": float((gap < 0).sum()),
        "no event before its session": float((late < 0).sum()),
        "mean gap in seconds": float(gap.mean()),
        "first is open": float((kind[first] == "open").mean()),
        "last is close": float((kind[last] == "close").mean()),
        "starts with its session": float((late == 0).mean()),
    }


# A total of the parent is the sum of its children's amounts.


def _totals(rng: np.random.Generator, size: int) -> Tables:
    number = 1 + rng.poisson(2, size)
    at = np.repeat(np.arange(size), number)
    cents = rng.integers(99, 9_999, len(at))
    quantity = 1 + rng.poisson(1, len(at))
    amount = cents * quantity
    total = np.bincount(at, weights=amount).astype(np.int64)

    def money(values: np.ndarray) -> pa.Array:
        return pa.array(values / 100).cast(pa.decimal128(12, 2), safe=False)

    return {
        "invoices": table(
            id=np.arange(size), channel=rng.choice(["web", "shop"], size),
            total=money(total), positions=number,
        ),
        "lines": table(invoice_id=at, line_no=ordinal(at), price=money(cents), quantity=quantity,
            amount=money(amount),
        ),
    }  # fmt: skip


def _total_keys() -> Metadata:
    return (
        Metadata().add_table("invoices", "id")
        .add_table("lines", ["invoice_id", "line_no"], fk={"invoice_id": "invoices.id"})
    )  # fmt: skip


def _total_facts(t: Mapping[str, Rows]) -> Facts:
    rows, invoices = t["lines"], t["invoices"]
    at = positions(invoices["id"], rows["invoice_id"])
    amount, price = rows["amount"].astype(float), rows["price"].astype(float)
    sums = np.bincount(at, weights=amount, minlength=len(invoices["id"]))
    count = np.bincount(at, minlength=len(invoices["id"]))
    return {
        "no wrong total": float((np.abs(sums - invoices["total"].astype(float)) > 0.005).sum()),
        "no wrong amount": float((np.abs(price * rows["quantity"] - amount) > 0.005).sum()),
        "no wrong number of positions": float((count != invoices["positions"]).sum()),
    }


# Dates in order, inside a row and across a key.


def _contracts(rng: np.random.Generator, size: int) -> Tables:
    start = rng.integers(0, 600, size)
    length = rng.choice([30, 90, 365], size, p=[0.3, 0.4, 0.3])
    number = 1 + length // 60
    at = np.repeat(np.arange(size), number)
    paid = start[at] + (rng.random(len(at)) * length[at]).astype(np.int64)
    order = np.lexsort([paid, at])
    booked = paid[order] + rng.poisson(2, len(at))
    return {
        "contracts": table(id=np.arange(size), starts_on=days(start), ends_on=days(start + length),
        ),
        "payments": table(id=np.arange(len(at)), contract_id=at, paid_on=days(paid[order]),
            booked_on=days(booked),
        ),
    }  # fmt: skip


def _contract_keys() -> Metadata:
    return (
        Metadata().add_table("contracts", "id")
        .add_table("payments", "id", fk={"contract_id": "contracts.id"})
    )  # fmt: skip


def _contract_facts(t: Mapping[str, Rows]) -> Facts:
    rows, contracts = t["payments"], t["contracts"]
    at = positions(contracts["id"], rows["contract_id"])
    day = np.timedelta64(1, "D")

    def dates(values: np.ndarray) -> np.ndarray:
        return values.astype("M8[D]")

    starts, ends = dates(contracts["starts_on"]), dates(contracts["ends_on"])
    paid, booked = dates(rows["paid_on"]), dates(rows["booked_on"])
    length = (ends - starts) / day
    return {
        "no end before the start": float((length < 0).sum()),
        "no payment before the contract": float((paid < starts[at]).sum()),
        "no payment after the contract": float((paid > ends[at]).sum()),
        "no booking before the payment": float((booked < paid).sum()),
        "lengths of 30, 90 or 365 days": float(np.isin(length, [30, 90, 365]).mean()),
        "length ~ payments": correlation(length, np.bincount(at, minlength=len(length))),
    }


GROUP_SHAPES: dict[str, Shape] = {
    "joint_fan_outs": Shape(_accounts, _account_keys, _account_facts),
    "second_parent": Shape(_visits, _visit_keys, _visit_facts),
    "events": Shape(_events, _event_keys, _event_facts),
    "totals": Shape(_totals, _total_keys, _total_facts),
    "dates": Shape(_contracts, _contract_keys, _contract_facts),
}
