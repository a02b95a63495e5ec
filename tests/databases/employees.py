"""Like MySQL's `employees`: histories keyed by dates, and 9999-01-01 where one still holds."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, timedelta

import numpy as np
from faker import Faker

from tests.databases.harness import Database, Engine, Report, Rows

OPEN = date(9999, 1, 1)
END = date(2002, 8, 1)
DEPARTMENTS = ["Marketing", "Finance", "Human Resources", "Production", "Development",
               "Quality Management", "Sales", "Research", "Customer Service"]  # fmt: skip
SHARES = np.array([0.06, 0.06, 0.06, 0.22, 0.26, 0.06, 0.16, 0.06, 0.06])
LADDERS = [("Engineer", "Senior Engineer"), ("Staff", "Senior Staff"),
           ("Assistant Engineer", "Engineer"), ("Technique Leader", "Technique Leader")]  # fmt: skip


def tables(engine: Engine) -> Iterable[str]:
    """Return the definitions."""
    gender = "varchar(1) CHECK (gender IN ('M', 'F'))"
    if engine.name == "mysql":
        gender = "ENUM ('M', 'F')"
    employee = "FOREIGN KEY (emp_no) REFERENCES employees (emp_no) ON DELETE CASCADE"
    department = "FOREIGN KEY (dept_no) REFERENCES departments (dept_no) ON DELETE CASCADE"
    between = "from_date date NOT NULL, to_date date NOT NULL"
    return (
        "CREATE TABLE employees (emp_no int NOT NULL PRIMARY KEY, birth_date date NOT NULL, "
        "first_name varchar(14) NOT NULL, last_name varchar(16) NOT NULL, "
        f"gender {gender} NOT NULL, hire_date date NOT NULL)",
        "CREATE TABLE departments (dept_no char(4) NOT NULL PRIMARY KEY, "
        "dept_name varchar(40) NOT NULL UNIQUE)",
        f"CREATE TABLE dept_manager (emp_no int NOT NULL, dept_no char(4) NOT NULL, {between}, "
        f"PRIMARY KEY (emp_no, dept_no), {employee}, {department})",
        f"CREATE TABLE dept_emp (emp_no int NOT NULL, dept_no char(4) NOT NULL, {between}, "
        f"PRIMARY KEY (emp_no, dept_no), {employee}, {department})",
        "CREATE TABLE titles (emp_no int NOT NULL, title varchar(50) NOT NULL, "
        f"from_date date NOT NULL, to_date date, PRIMARY KEY (emp_no, title, from_date), {employee})",
        f"CREATE TABLE salaries (emp_no int NOT NULL, salary int NOT NULL, {between}, "
        f"PRIMARY KEY (emp_no, from_date), {employee})",
    )


def after(engine: Engine) -> Iterable[str]:
    """Return the views."""
    return (
        "CREATE VIEW dept_emp_latest_date AS SELECT emp_no, max(from_date) AS from_date, "
        "max(to_date) AS to_date FROM dept_emp GROUP BY emp_no",
        "CREATE VIEW current_dept_emp AS SELECT l.emp_no, dept_no, l.from_date, l.to_date "
        "FROM dept_emp d JOIN dept_emp_latest_date l ON d.emp_no = l.emp_no "
        "AND d.from_date = l.from_date AND l.to_date = d.to_date",
    )


def rows(seed: int, engine: Engine) -> Rows:
    """Return the rows."""
    rng, fake = np.random.default_rng(seed), Faker("en_US")
    fake.seed_instance(seed)
    departments = [{"dept_no": f"d{i:03}", "dept_name": n} for i, n in enumerate(DEPARTMENTS, 1)]
    made: dict[str, list[dict]] = {"employees": [], "departments": departments, "dept_manager": [],
                                   "dept_emp": [], "titles": [], "salaries": []}  # fmt: skip
    for number in range(10001, 10401):
        hired = date(1985, 1, 1) + timedelta(int(5000 * rng.random() ** 1.5))
        left = hired + timedelta(int(rng.integers(200, 5000))) if rng.random() < 0.25 else OPEN
        left = left if left < END else OPEN
        made["employees"].append(
            dict(emp_no=number, birth_date=date(1952, 2, 1) + timedelta(int(rng.integers(0, 4700))),
                 first_name=fake.first_name(), last_name=fake.last_name()[:16],
                 gender="MF"[int(rng.random() < 0.4)], hire_date=hired)
        )  # fmt: skip
        _career(rng, made, number, hired, left)
    for place, department in enumerate(departments):
        bosses = 10001 + rng.choice(400, 2 + place % 2, replace=False)
        start = date(1985, 1, 1)
        for i, boss in enumerate(sorted(bosses)):
            last = i == len(bosses) - 1
            stop = OPEN if last else start + timedelta(int(rng.integers(1000, 2500)))
            made["dept_manager"].append(
                dict(emp_no=int(boss), dept_no=department["dept_no"], from_date=start, to_date=stop)
            )
            start = stop
    return made


def _career(
    rng: np.random.Generator, made: dict[str, list[dict]], number: int, hired: date, left: date
) -> None:
    end = min(left, END)
    first, second = (int(d) for d in rng.choice(9, 2, replace=False, p=SHARES))
    move = hired + timedelta(int(rng.integers(300, 3000)))
    moves = [(first, hired, left)]
    if rng.random() < 0.15 and move < end:
        moves = [(first, hired, move), (second, move, left)]
    for department, start, stop in moves:
        made["dept_emp"].append(
            dict(emp_no=number, dept_no=f"d{department + 1:03}", from_date=start, to_date=stop)
        )
    junior, senior = LADDERS[int(rng.choice(4, p=[0.45, 0.35, 0.12, 0.08]))]
    rise = hired + timedelta(int(rng.integers(5 * 365, 9 * 365)))
    steps = [(junior, hired, left)]
    if junior != senior and rise < end:
        steps = [(junior, hired, rise), (senior, rise, left)]
    for title, start, stop in steps:
        made["titles"].append(dict(emp_no=number, title=title, from_date=start, to_date=stop))
    level = int(np.clip(rng.normal(42000 + 9000 * (first == 6), 5000), 38000, 90000))
    start = hired
    while start < end:
        stop = start + timedelta(365)
        made["salaries"].append(
            dict(emp_no=number, salary=level, from_date=start, to_date=stop if stop < end else left)
        )
        start, level = stop, max(38000, level + int(rng.normal(1500, 1200)))


def reports(engine: Engine) -> Iterable[Report]:
    """Return the usual questions.

    Another draw differs by up to 0.19 in heads by department, 0.21 by gender as well, 0.24 in
    years of hire.
    """
    current = "to_date = '9999-01-01'"
    return (
        Report("current salaries by department", "SELECT d.dept_name, avg(s.salary), count(*) "
               "FROM salaries s JOIN dept_emp e ON e.emp_no = s.emp_no JOIN departments d "
               f"ON d.dept_no = e.dept_no WHERE s.{current} AND e.{current} GROUP BY d.dept_name",
               0.3, keys=1, rows=1.0),
        Report("people on the payroll", f"SELECT count(*), avg(salary) FROM salaries WHERE {current}",
               0.1),
        Report("current titles", f"SELECT title, count(*) FROM titles WHERE {current} GROUP BY title",
               0.25, keys=1),
        Report("people by gender and department", "SELECT d.dept_name, p.gender, count(*) "
               "FROM departments d JOIN dept_emp e ON e.dept_no = d.dept_no "
               f"JOIN employees p ON p.emp_no = e.emp_no WHERE e.{current} GROUP BY 1, 2", 0.4,
               keys=2),
        Report("hired by year", "SELECT extract(year FROM hire_date), count(*) FROM employees "
               "GROUP BY 1", 0.35, keys=1),
        Report("pay rise by year", "SELECT extract(year FROM a.from_date), avg(b.salary - a.salary) "
               "FROM salaries a JOIN salaries b ON b.emp_no = a.emp_no "
               "AND b.from_date = a.to_date GROUP BY 1", 0.3, keys=1),
        Report("salaries a person", "SELECT emp_no, count(*), min(salary), max(salary) FROM salaries "
               "GROUP BY emp_no", 0.1),
        Report("managers a department", "SELECT d.dept_name, count(*) FROM dept_manager m "
               "JOIN departments d ON d.dept_no = m.dept_no GROUP BY d.dept_name", 0.4, keys=1),
        Report("managers now", "SELECT d.dept_name, count(*) FROM dept_manager m "
               f"JOIN departments d ON d.dept_no = m.dept_no WHERE m.{current} GROUP BY d.dept_name",
               keys=1, rows=1.0),
        Report("two managers at once", "SELECT a.dept_no FROM dept_manager a JOIN dept_manager b "
               "ON a.dept_no = b.dept_no AND a.emp_no < b.emp_no "
               "AND a.from_date < b.to_date AND b.from_date < a.to_date"),
        Report("view: people now by department", "SELECT d.dept_name, count(*) FROM current_dept_emp c "
               f"JOIN departments d ON d.dept_no = c.dept_no WHERE c.{current} GROUP BY d.dept_name",
               0.3, keys=1, rows=1.0),
        Report("view: one row a person", "SELECT count(*), count(DISTINCT emp_no) "
               "FROM current_dept_emp", 0.02),
        Report("who earns more than the department's average", "SELECT e.dept_no, count(*) FROM "
               "salaries s JOIN dept_emp e ON e.emp_no = s.emp_no JOIN (SELECT x.dept_no, "
               "avg(y.salary) AS mean FROM dept_emp x JOIN salaries y ON y.emp_no = x.emp_no "
               f"WHERE x.{current} AND y.{current} GROUP BY x.dept_no) m ON m.dept_no = e.dept_no "
               f"WHERE s.{current} AND e.{current} AND s.salary > m.mean GROUP BY e.dept_no", 0.3,
               keys=1),
        Report("salaries at the same time", _overlap("salaries")),
        Report("titles at the same time", _overlap("titles")),
        Report("paid before they were hired", "SELECT p.emp_no FROM employees p JOIN salaries s "
               "ON s.emp_no = p.emp_no WHERE s.from_date < p.hire_date"),
        Report("two salaries now", f"SELECT emp_no FROM salaries WHERE {current} "
               "GROUP BY emp_no HAVING count(*) > 1"),
        Report("ends before it begins", "SELECT emp_no FROM salaries WHERE to_date < from_date "
               "UNION ALL SELECT emp_no FROM titles WHERE to_date < from_date "
               "UNION ALL SELECT emp_no FROM dept_emp WHERE to_date < from_date"),
        Report("in the future", "SELECT emp_no FROM salaries WHERE from_date > '2002-12-31' OR "
               "(to_date > '2002-12-31' AND to_date <> '9999-01-01')"),
    )  # fmt: skip


def _overlap(table: str) -> str:
    return (
        f"SELECT a.emp_no FROM {table} a JOIN {table} b ON a.emp_no = b.emp_no "
        "AND a.from_date < b.from_date AND b.from_date < a.to_date"
    )


EMPLOYEES = Database("employees", tables, rows, reports, after, epochs=8)
