"""Two projects as they are found in public, with names and rows of their own.

In `library`, raw tables have text keys, and staging models rename them; in `workshop`, tables of
an old application are staged under other names and joined to facts with surrogate keys. All tests
stand on models.
"""

from __future__ import annotations

import uuid
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import yaml

__all__ = ["KEYS", "MARTS", "PRIMARY", "frames", "write_project"]

_STAGED = """with source as (
    {{#- The loader writes this table. #}}
    select * from {{{{ source('{source}', '{table}') }}}}
),
renamed as (
    select {columns} from source
)
select * from renamed
"""
# model: (source, table, columns)
_STAGING = {
    "stg_branches": ("library", "raw_branches", "id as branch_id, name as branch_name, opened_on"),
    "stg_members": ("library", "raw_members", "id as member_id, full_name, joined_on"),
    "stg_titles": (
        "library", "raw_titles",
        "sku as title_id, name as title_name, kind, {{ cents_to_units('price') }} as price",
    ),
    "stg_costs": (
        "library", "raw_costs",
        "md5(cast(coalesce(cast(id as text), '_none_') || '-' || sku as text)) as cost_key, "
        "id as cost_id, sku as title_id, cost",
    ),
    "stg_loans": (
        "library", "raw_loans",
        "id as loan_id, member as member_id, branch_id, cast(lent_at as date) as lent_on, fee",
    ),
    "stg_loan_lines": ("library", "raw_loan_lines", "id as loan_line_id, loan_id, sku as title_id"),
    "stg_clients": (
        "workshop", "clients",
        "clientnumber as client_id, clientname as client_name, country, "
        "repstaffnumber as representative_id",
    ),
    "stg_staff": (
        "workshop", "staff",
        "staffnumber as staff_id, lastname as last_name, reportsto as manager_id, role",
    ),
    "stg_parts": (
        "workshop", "parts",
        "partcode as part_id, partname as part_name, partgroup as part_group, buyprice as cost",
    ),
    "stg_jobs": (
        "workshop", "jobs",
        "jobnumber as job_id, jobdate as job_date, status, clientnumber as client_id",
    ),
    "stg_job_lines": (
        "workshop", "jobdetails",
        "jobnumber as job_id, linenumber as line_number, partcode as part_id, "
        "quantity, priceeach as unit_price",
    ),
}  # fmt: skip
_KEY = "md5(cast(coalesce(cast({} as text), '_none_') as text))"
_MARTS = {
    "loans": """select l.*, b.branch_name, i.first_line
from {{ ref('stg_loans') }} l
join {{ ref('stg_branches') }} b on b.branch_id = l.branch_id
left join (
  select loan_id, min(loan_line_id) as first_line from {{ ref('stg_loan_lines') }} group by loan_id
) i on i.loan_id = l.loan_id""",
    "loan_lines": """select i.loan_line_id, l.loan_id, t.title_id, t.title_name, t.price, l.lent_on
from {{ ref('stg_loan_lines') }} i
join {{ ref('stg_loans') }} l on l.loan_id = i.loan_id
join {{ ref('stg_titles') }} t on t.title_id = i.title_id""",
    "members": """with lent as (
  select member_id, count(distinct loan_id) as loans, sum(fee) as fees
  from {{ ref('loans') }} group by member_id
)
select m.*, coalesce(lent.loans, 0) as loans,
  case when lent.loans > 1 then 'returning' else 'new' end as kind
from {{ ref('stg_members') }} m left join lent on lent.member_id = m.member_id""",
    "dim_clients": f"""select {_KEY.format("c.client_id")} as client_key, c.client_name, c.country,
  s.last_name as representative
from {{{{ ref('stg_clients') }}}} c
left join {{{{ ref('stg_staff') }}}} s on s.staff_id = c.representative_id""",
    "dim_parts": f"""select {_KEY.format("p.part_id")} as part_key, p.*, g.description
from {{{{ ref('stg_parts') }}}} p
join {{{{ source('workshop', 'partgroups') }}}} g on g.partgroup = p.part_group""",
    "fct_job_lines": f"""select
  md5(cast(coalesce(cast(j.job_id as text), '_none_') || '-'
    || coalesce(cast(l.line_number as text), '_none_') as text)) as line_key,
  {_KEY.format("c.client_id")} as client_key,
  {_KEY.format("l.part_id")} as part_key,
  j.job_date, l.quantity, l.quantity * l.unit_price as amount
from {{{{ ref('stg_jobs') }}}} j
inner join {{{{ ref('stg_job_lines') }}}} l on j.job_id = l.job_id
inner join {{{{ ref('stg_clients') }}}} c on j.client_id = c.client_id""",
}
MARTS = tuple(_MARTS)
_KEYED = {
    "stg_branches": "branch_id", "stg_members": "member_id", "stg_titles": "title_id",
    "stg_costs": "cost_key", "stg_loans": "loan_id", "stg_loan_lines": "loan_line_id",
    "stg_clients": "client_id", "stg_staff": "staff_id", "stg_parts": "part_id",
    "stg_jobs": "job_id",
    "loans": "loan_id", "loan_lines": "loan_line_id", "members": "member_id",
    "dim_clients": "client_key", "dim_parts": "part_key", "fct_job_lines": "line_key",
}  # fmt: skip
# (model, column, model it leads to, column there)
_RELATED = [
    ("stg_loans", "branch_id", "stg_branches", "branch_id"),
    ("members", "member_id", "stg_members", "member_id"),  # of itself: it says nothing
    ("loans", "member_id", "stg_members", "member_id"),
    ("stg_loan_lines", "loan_id", "loans", "loan_id"),
    ("stg_costs", "title_id", "stg_titles", "title_id"),
    ("stg_clients", "representative_id", "stg_staff", "staff_id"),
    ("stg_staff", "manager_id", "stg_staff", "staff_id"),
    ("stg_job_lines", "job_id", "stg_jobs", "job_id"),
    ("fct_job_lines", "client_key", "dim_clients", "client_key"),
    ("fct_job_lines", "part_key", "dim_parts", "part_key"),
]
KEYS = {
    "raw_loans(branch_id) -> raw_branches(id)",
    "raw_loans(member) -> raw_members(id)",
    "raw_loan_lines(loan_id) -> raw_loans(id)",
    "raw_loan_lines(sku) -> raw_titles(sku)",  # no test: the mart loan_lines joins by it
    "raw_costs(sku) -> raw_titles(sku)",
    "clients(repstaffnumber) -> staff(staffnumber)",
    "staff(reportsto) -> staff(staffnumber)",
    "jobdetails(jobnumber) -> jobs(jobnumber)",
    "jobs(clientnumber) -> clients(clientnumber)",
    "jobdetails(partcode) -> parts(partcode)",
    "parts(partgroup) -> partgroups(partgroup)",
}
PRIMARY = {
    "raw_branches": ["id"], "raw_members": ["id"], "raw_titles": ["sku"], "raw_costs": [],
    "raw_loans": ["id"], "raw_loan_lines": ["id"], "clients": ["clientnumber"],
    "staff": ["staffnumber"], "parts": ["partcode"], "partgroups": [], "jobs": ["jobnumber"],
    "jobdetails": ["jobnumber", "linenumber"],
}  # fmt: skip


def frames(seed: int = 3) -> dict[str, pd.DataFrame]:
    """Return the raw tables."""
    return {**_library(np.random.default_rng(seed)), **_workshop(np.random.default_rng(seed + 1))}


def _days(rng: np.random.Generator, n: int) -> Any:
    return pd.Timestamp("2024-01-01") + pd.to_timedelta(rng.integers(0, 700, n), "D")


def _ids(rng: np.random.Generator, n: int) -> list[str]:
    return [str(uuid.UUID(bytes=rng.bytes(16), version=4)) for _ in range(n)]


def _library(rng: np.random.Generator) -> dict[str, pd.DataFrame]:
    members, loans, lines, titles = 150, 400, 900, 25
    ids = {name: _ids(rng, n) for name, n in (("m", members), ("l", loans), ("i", lines), ("b", 5))}
    skus = [f"{'BK' if i % 3 else 'AV'}-{i:03d}" for i in range(titles)]
    cost = [(f"C-{i % 9:02d}", sku) for i, sku in enumerate(skus * 3)]
    return {
        "raw_branches": pd.DataFrame(
            {"id": ids["b"], "name": list("NESWC"), "opened_on": _days(rng, 5).date}
        ),
        "raw_members": pd.DataFrame(
            {"id": ids["m"], "full_name": [f"Reader {i}" for i in range(members)],
             "joined_on": _days(rng, members).date}
        ),
        "raw_titles": pd.DataFrame(
            {"sku": skus, "name": [f"Title {i}" for i in range(titles)],
             "kind": ["book" if i % 3 else "film" for i in range(titles)],
             "price": rng.integers(400, 4000, titles)}
        ),
        "raw_costs": pd.DataFrame(
            {"id": [c for c, _ in cost], "sku": [s for _, s in cost],
             "cost": rng.integers(50, 900, len(cost))}
        ),
        "raw_loans": pd.DataFrame(
            {"id": ids["l"], "member": rng.choice(ids["m"][:140], loans),
             "branch_id": rng.choice(ids["b"], loans, p=[0.4, 0.3, 0.15, 0.1, 0.05]),
             "lent_at": _days(rng, loans), "fee": rng.integers(0, 900, loans)}
        ),
        "raw_loan_lines": pd.DataFrame(
            {"id": ids["i"], "loan_id": rng.choice(ids["l"], lines), "sku": rng.choice(skus, lines)}
        ),
    }  # fmt: skip


def _workshop(rng: np.random.Generator) -> dict[str, pd.DataFrame]:
    staff, clients, jobs, parts = 20, 80, 250, 40
    groups = ["axles", "brakes", "frames", "lights"]
    sizes = rng.integers(1, 8, jobs)
    jobnumber = 10_100 + np.arange(jobs)
    lines = int(sizes.sum())
    codes = [f"S{10 + i % 4}_{1000 + 37 * i}" for i in range(parts)]
    manager = [None, *(1000 + rng.integers(0, np.maximum(1, np.arange(1, staff) // 3)))]
    rep = pd.array(1000 + rng.integers(5, staff, clients), "Int64")
    rep[rng.random(clients) < 0.15] = None
    return {
        "staff": pd.DataFrame(
            {"staffnumber": 1000 + np.arange(staff),
             "lastname": [f"Person{i}" for i in range(staff)],
             "reportsto": pd.array(manager, "Int64"), "role": ["lead", *["rep"] * (staff - 1)]}
        ),
        "clients": pd.DataFrame(
            {"clientnumber": 100 + 3 * np.arange(clients),
             "clientname": [f"Firm {i} Ltd" for i in range(clients)],
             "country": rng.choice(["FR", "JP", "US"], clients), "repstaffnumber": rep}
        ),
        "partgroups": pd.DataFrame(
            {"partgroup": groups, "description": [f"All {g} in stock" for g in groups]}
        ),
        "parts": pd.DataFrame(
            {"partcode": codes, "partname": [f"Part {i}" for i in range(parts)],
             "partgroup": rng.choice(groups, parts), "buyprice": rng.integers(5, 90, parts) + 0.5}
        ),
        "jobs": pd.DataFrame(
            {"jobnumber": jobnumber, "jobdate": _days(rng, jobs).date,
             "status": rng.choice(["Done", "Open", "Cancelled"], jobs, p=[0.8, 0.15, 0.05]),
             "clientnumber": 100 + 3 * rng.integers(0, clients, jobs)}
        ),
        "jobdetails": pd.DataFrame(
            {"jobnumber": np.repeat(jobnumber, sizes),
             "linenumber": np.concatenate([np.arange(1, n + 1) for n in sizes]),
             "partcode": rng.choice(codes, lines), "quantity": rng.integers(1, 60, lines),
             "priceeach": rng.integers(10, 200, lines) + 0.25}
        ),
    }  # fmt: skip


def _properties() -> dict[str, Any]:
    """Return the tests of the models."""
    columns: dict[str, dict[str, list[Any]]] = {}
    for model, column in _KEYED.items():
        columns.setdefault(model, {})[column] = ["unique", "not_null"]
    for model, column, parent, field in _RELATED:
        test = {"relationships": {"arguments": {"to": f"ref('{parent}')", "field": field}}}
        columns.setdefault(model, {}).setdefault(column, []).append(test)
    to = {"to": "source('workshop', 'partgroups')", "field": "partgroup"}
    columns["stg_parts"]["part_group"] = [{"relationships": {"arguments": to}}]
    for model, column, values in (
        ("stg_titles", "kind", ["book", "film"]),
        ("members", "kind", ["new", "returning"]),
        ("stg_jobs", "status", ["Done", "Open", "Cancelled"]),
    ):
        accepted = {"accepted_values": {"arguments": {"values": values}}}
        columns[model].setdefault(column, []).append(accepted)
    columns["stg_job_lines"].setdefault("line_number", []).append("not_null")
    columns["stg_job_lines"]["job_id"].append("not_null")
    models = [
        {"name": m, "columns": [{"name": c, "data_tests": t} for c, t in found.items()]}
        for m, found in columns.items()
    ]
    (lines,) = (m for m in models if m["name"] == "stg_job_lines")
    lines["data_tests"] = [
        {"synthohive.unique_key": {"arguments": {"columns": ["job_id", "line_number"]}}}
    ]
    return {"version": 2, "models": models}


def write_project(folder: Path, package: Path, schema: str) -> None:
    """Write the project, with the package installed, over the raw tables in a schema."""
    sources: dict[str, list[dict[str, str]]] = {}
    for name in frames():
        sources.setdefault("library" if name.startswith("raw_") else "workshop", []).append(
            {"name": name}
        )
    listed = [{"name": n, "schema": schema, "tables": t} for n, t in sources.items()]
    files = {
        "dbt_project.yml": "name: shapes\nversion: '1.0'\nprofile: synthohive_integration_tests\n"
        "models: {shapes: {+materialized: view, marts: {+materialized: table}}}\n",
        "packages.yml": f"packages: [{{local: {package}}}]\n",
        "macros/source.sql": "{% macro source() %}\n{{ return(synthohive.synthetic_source("
        "builtins.source(*varargs))) }}\n{% endmacro %}\n",
        "macros/cents.sql": "{% macro cents_to_units(c) %}({{ c }} / 100.0){% endmacro %}\n",
        "models/_sources.yml": yaml.safe_dump({"version": 2, "sources": listed}),
        "models/_models.yml": yaml.safe_dump(_properties()),
        "tests/lines_are_worth.sql": "select * from {{ ref('fct_job_lines') }} where amount <= 0",
        "profiles.yml": (package / "integration_tests" / "profiles.yml").read_text("utf-8"),
        **{f"models/marts/{name}.sql": sql for name, sql in _MARTS.items()},
    }
    for name, (source, table, columns) in _STAGING.items():
        sql = _STAGED.format(source=source, table=table, columns=columns)
        files[f"models/staging/{name}.sql"] = sql
    for name, text in files.items():
        file = folder / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, "utf-8")
    (folder / "dbt_packages").mkdir()
    (folder / "dbt_packages" / "synthohive").symlink_to(package)
