"""The crash matrix: every step of an engine's writer, met by every fault that can be staged.

A run goes on in a process of its own, which stops at a named step (see
``synthohive.io.steps``) until the test has done its harm there. Whatever the harm, the
target then holds the old rows whole or the new ones complete, the source is what it was, and
the next run succeeds and leaves nothing behind.

An engine's tests inherit :class:`CrashMatrix` (servers: :class:`ServerCrashMatrix`), give a
`bench`, and add faults of their own. With ``SYNTHOHIVE_WRITE_DOCS=1`` what happened is written
into ``docs/reliability.md``.
"""

from __future__ import annotations

import hashlib
import multiprocessing
import os
import resource
import signal
import socket
import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Callable, ClassVar, Optional

import pyarrow as pa
import pytest
import sqlalchemy as sa

from synthohive._signals import terminable
from synthohive.connectors.writers import open_writer
from synthohive.exceptions import ConnectorError
from synthohive.io.staged import StagedSchema
from synthohive.io.steps import observe
from synthohive.io.writer import Writer
from synthohive.schema import Metadata
from tests.contracts.writer import ORIGIN, Place, rows, shop, write

SECONDS = 60.0  # after which a run counts as hanging
WRITES = os.environ.get("SYNTHOHIVE_WRITE_DOCS") == "1"
DOCUMENT = Path(__file__).parents[2] / "docs" / "reliability.md"
_CONTEXT = multiprocessing.get_context("forkserver" if os.name == "posix" else "spawn")
if os.name == "posix":
    # What a run would import anew, which takes longer than the run itself.
    preload = [f"synthohive.connectors.{e}.write" for e in ("mysql", "sqlite", "duckdb")]
    preload += ["tests.integration.crashes", "sqlglot", "pandas", "pyarrow.compute", "_strptime"]
    assert all(find_spec(name) for name in preload)  # one that is not there is passed over
    _CONTEXT.set_forkserver_preload(preload)  # type: ignore[attr-defined]


@dataclass
class Bench:
    """One engine's source and target, and how to look at them.

    Attributes
    ----------
    place : Place
        With a source made by :func:`make_shop`.
    url : str
        As a process of its own needs it, password included.
    leftovers : callable
        Lists what staging places there are.
    drop : callable
        Removes the target.
    settings : sequence of (module, name, value), optional
        Constants that are others in the runs' processes.
    resumes : bool
        Whether runs keep what is loaded, and go on where they were interrupted.
    """

    place: Place
    url: str
    leftovers: Callable[[], list[str]]
    drop: Callable[[], None]
    settings: Sequence[tuple[str, str, Any]] = ()
    resumes: bool = False

    def tables(self) -> Metadata:
        """Return what is written."""
        return shop()

    def data(self, variant: str) -> dict[str, pa.Table]:
        """Return the rows of one of two versions, "a" or "b"."""
        found = {name: table for name, table in rows().items() if name in self.tables().tables}
        emails = [f"{variant}{i}" for i in range(3)]
        found["customers"] = found["customers"].set_column(1, "email", pa.array(emails))
        return found

    def write(self, variant: str) -> list[str]:
        """Write one version, in this process and undisturbed; return what was loaded before."""
        place = self.place
        run = self.facts(variant)
        writer = opened(place.engine, self.tables(), place.schema, place.target, run)
        before = list(writer.loaded())
        write(writer, self.data(variant))
        return before

    def facts(self, variant: str) -> Optional[dict[str, str]]:
        """Return what a run follows from, if it can be resumed."""
        return {"seed": variant} if self.resumes else None

    def holds(self) -> str:
        """Return the version that the target holds, whole; "nothing", or "torn"."""
        place = self.place
        engine = place.open_target()
        found: dict[str, list[tuple[Any, ...]]] = {}
        with engine.connect() as connection:
            if not sa.inspect(connection).has_table("customers", schema=place.target_schema()):
                return "nothing"
            for name in self.tables().tables:
                query = select(name, place.target_schema())
                found[name] = [tuple(row) for row in connection.execute(query)]
        engine.dispose()
        for variant in ("a", "b"):
            expected = {
                name: sorted(tuple(row.values()) for row in table.to_pylist())
                for name, table in self.data(variant).items()
            }
            if expected == found:
                return variant
        return "torn"

    def source_sum(self) -> str:
        """Return a sum over the source's tables and rows."""
        sums = hashlib.sha256()
        with self.place.engine.connect() as connection:
            for name in self.tables().tables:
                content = connection.execute(select(name, self.place.schema)).all()
                sums.update(repr((name, content)).encode())
        return sums.hexdigest()


def select(name: str, schema: Optional[str]) -> Any:
    """Return the query for a table of the shop, which need not be reflected each time."""
    config = shop().tables[name]
    table = sa.table(name, *map(sa.column, config.columns), schema=schema)
    return sa.select(table).order_by(*(table.c[column] for column in config.pk))


def opened(
    engine: sa.Engine,
    meta: Metadata,
    schema: Optional[str],
    target: str,
    run: Optional[dict[str, str]] = None,
    *,
    rehearsal: bool = False,
) -> Any:
    """Open a writer on the bench's target, which an earlier run of ours wrote."""
    return open_writer(
        engine,
        meta,
        target_schema=target,
        source_schema=schema,
        provenance=ORIGIN,
        if_exists="replace",
        run=run,
        rehearsal=rehearsal,
    )


class Run:
    """A run in a process of its own, stopped at a step.

    Parameters
    ----------
    bench : Bench
    variant : str
    step : str, optional
        Where it stops, the first time it comes there; None goes through.
    """

    def __init__(self, bench: Bench, variant: str, step: Optional[str]) -> None:
        self.step = step
        self._pipe, theirs = _CONTEXT.Pipe()
        place = bench.place
        self.process: Any = _CONTEXT.Process(  # type: ignore[attr-defined]
            target=_run,
            args=(theirs, bench.url, bench.tables(), place.schema, place.target)
            + (bench.data(variant), step, bench.settings, bench.facts(variant)),
            daemon=True,  # a test that fails leaves none waiting
        )
        self.process.start()
        theirs.close()
        self.steps: list[str] = []
        self.stopped = step is not None and self._next() == "stopped"

    def _next(self) -> Any:
        """Return what the run says next; None when it has ended without a word."""
        if not self._pipe.poll(SECONDS):
            self.process.kill()
            self.process.join()
            raise AssertionError(f"the run hangs after {self.steps}")
        try:
            return self._pipe.recv()
        except (EOFError, ConnectionResetError):
            return None

    def ask(self, query: str, number: int) -> None:
        """Have the writer's session run an endless query, and the process get a signal."""
        self._pipe.send(("query", query, number))

    def tell(self, command: str, *details: Any) -> None:
        """Have the stopped run do something in its own process: see :func:`_obey`."""
        self._pipe.send((command, *details))
        assert self._next() == "obeyed"

    def go_on(self) -> str:
        """Let it go on, and return how it ended: "done", "killed" or what it raised."""
        with suppress(BrokenPipeError):
            self._pipe.send(("go on",))
        said = self._next()
        while isinstance(said, tuple) and said[0] == "step":
            said = self._next()
        if isinstance(said, tuple) and said[0] == "steps":
            self.steps, said = said[1], said[2]
        self.process.join(SECONDS)
        assert not self.process.is_alive(), "the run does not end"
        self._pipe.close()
        return "killed" if said is None else str(said)

    def signal(self, number: int) -> None:
        """Send a signal."""
        os.kill(self.process.pid, number)


def _run(
    pipe: Any,
    url: str,
    meta: Metadata,
    schema: Optional[str],
    target: str,
    data: dict[str, pa.Table],
    stop: Optional[str],
    settings: Sequence[tuple[str, str, Any]],
    facts: Optional[dict[str, str]],
) -> None:
    """Write `data`, in a process of its own, which `stop` interrupts once."""
    for setting in settings:
        _obey(("set", *setting))
    reached: list[str] = []

    def observer(name: str) -> None:
        first = name not in reached
        reached.append(name)
        if name == stop and first:
            pipe.send("stopped")
            while (command := pipe.recv())[0] != "go on":
                _obey(command)
                pipe.send("obeyed")

    observe(observer)
    ended: str = "done"
    try:
        _written(url, meta, schema, target, data, facts)
    except (ConnectorError, KeyboardInterrupt, SystemExit) as exc:
        ended = f"{type(exc).__name__}: {exc}"
    except BaseException as exc:
        ended = f"RAW {type(exc).__name__}: {exc}"
        raise
    finally:
        pipe.send(("steps", list(dict.fromkeys(reached)), ended))


@terminable
def _written(
    url: str,
    meta: Metadata,
    schema: Optional[str],
    target: str,
    data: dict[str, pa.Table],
    facts: Optional[dict[str, str]],
) -> None:
    """Write as the public methods do: signals unwind it."""
    write(opened(sa.create_engine(url), meta, schema, target, facts), data)


def _writer() -> Any:
    """Return the staging place that is at work, from the frames of the step."""
    frame = sys._getframe()
    while not isinstance(frame.f_locals.get("self"), (StagedSchema, Writer)):
        assert frame.f_back is not None
        frame = frame.f_back
    found = frame.f_locals["self"]
    return next(iter(found.schemas.values())) if isinstance(found, Writer) else found


def _obey(command: tuple[Any, ...]) -> None:
    """Do harm that only the process itself can do.

    "sql" runs a statement in the writer's session; "cut" drops all its connections; "fill"
    lets no file grow any more, as on a full disk; "set" changes a constant of a module;
    "query" goes on with a statement that a signal has to break off.
    """
    what, *details = command
    if what == "sql":
        with suppress(Exception):  # at the last step there is no session any more
            _writer()._execute(*details)
    elif what == "query":
        number = details[1]
        threading.Timer(0.3, os.kill, (os.getpid(), number)).start()
        _writer()._execute(details[0])
    elif what == "cut":
        for name in os.listdir("/proc/self/fd"):
            with suppress(OSError), socket.socket(fileno=os.dup(int(name))) as end:
                if end.family in (socket.AF_INET, socket.AF_INET6):
                    end.shutdown(socket.SHUT_RDWR)
    elif what == "fill":
        with open(os.devnull, "wb") as nowhere:  # the log is not what is tested
            os.dup2(nowhere.fileno(), 1)
            os.dup2(nowhere.fileno(), 2)
        resource.setrlimit(resource.RLIMIT_FSIZE, (details[0], details[0]))
    elif what == "set":
        module, name, value = details
        setattr(import_module(module), name, value)
    else:
        raise ValueError(what)


@dataclass(frozen=True)
class Outcome:
    """What a fault at a step led to, before the next run."""

    ended: str
    holds: str  # "old" or "new"
    left: int  # staging places, which the next run removes

    def __str__(self) -> str:
        left = f" + {self.left} staging" if self.left else ""
        return f"{self.holds}{left}"


Fault = Callable[[Bench, Run], Optional[Callable[[], None]]]
"""Does harm to a stopped run; what it returns is called when the run has ended."""


def killed(bench: Bench, run: Run) -> None:
    """SIGKILL: the process is gone, nothing of it runs any more."""
    run.signal(signal.SIGKILL)


def terminated(bench: Bench, run: Run) -> None:
    """SIGTERM, as `kill`, `docker stop` and schedulers send it."""
    run.signal(signal.SIGTERM)


def interrupted(bench: Bench, run: Run) -> None:
    """SIGINT: Ctrl-C."""
    run.signal(signal.SIGINT)


def cut(bench: Bench, run: Run) -> None:
    """Drop the connections to the server."""
    run.tell("cut")


def two_writers(bench: Bench, run: Run) -> None:
    """Another run wants the same target: it is refused, or comes after."""
    try:
        bench.write(bench.holds())
    except (ConnectorError, sa.exc.OperationalError) as exc:  # a file cannot even be looked at
        if "nother" not in str(exc) and "lock" not in str(exc):
            raise


def reader(bench: Bench, run: Run) -> Callable[[], None]:
    """Somebody reads the target in a transaction that lasts until the run has ended."""
    engine = bench.place.open_target()
    connection = engine.connect()
    before = connection.execute(select("customers", bench.place.target_schema())).all()
    assert len(before) == 3

    def end() -> None:
        connection.close()
        engine.dispose()

    return end


class CrashMatrix:
    """Inherited by the tests of each engine, which give the `bench` fixture."""

    engine: ClassVar[str]
    few: ClassVar[tuple[str, ...]] = ()
    """Steps for faults other than a kill, to save time; all where the documentation is written."""
    killed_at: ClassVar[tuple[str, ...]] = ()
    """Steps for kills, of an engine whose writer is another's; else all."""
    outcomes: ClassVar[dict[str, dict[str, dict[str, Outcome]]]] = {}  # engine, step, fault
    reached: ClassVar[dict[tuple[object, ...], list[str]]] = {}  # the steps of undisturbed runs

    @pytest.fixture
    def bench(self) -> Iterator[Bench]:
        """Give a source with the shop's tables, and an empty target."""
        raise NotImplementedError

    @classmethod
    def teardown_class(cls) -> None:
        """Write what happened into the documentation, where that is wanted."""
        if WRITES:
            document(cls.engine, cls.outcomes[cls.engine])

    def matrix(self, bench: Bench, name: str, fault: Fault) -> list[Outcome]:
        """Meet every step with a fault; check what must hold, and return what happened."""
        bench.write("a")
        source = bench.source_sum()
        steps = self.steps(bench)
        assert len(steps) > 5
        found = []
        for step in steps:
            if self.few and not WRITES and fault is not killed and step not in self.few:
                continue
            if fault is killed and step not in self._killed_at(steps):
                continue
            old = bench.holds()
            new = "b" if old == "a" else "a"
            outcome = self.attack(bench, step, fault, old, new)
            assert bench.source_sum() == source, (step, outcome)
            bench.write(new)
            assert bench.holds() == new, (step, outcome)
            assert bench.leftovers() == [], (step, outcome)
            of_step = self.outcomes.setdefault(self.engine, {}).setdefault(step, {})
            of_step[name] = outcome
            found.append(outcome)
        return found

    def steps(self, bench: Bench, *, first: bool = False) -> list[str]:
        """Return the names of the steps, in the order of an undisturbed run: always the same.

        Of a `first` one, there is no target yet.
        """
        known = (self.engine, bench.resumes, first)
        if known not in self.reached:
            run = Run(bench, "b", None)
            assert run.go_on() == "done"
            self.reached[known] = run.steps
        return self.reached[known]

    def _killed_at(self, steps: Sequence[str]) -> Sequence[str]:
        return [s for s in steps if WRITES or not self.killed_at or s in self.killed_at]

    def attack(self, bench: Bench, step: str, fault: Fault, old: str, new: str) -> Outcome:
        """Stop a run at a step, do harm, let it go on, and look."""
        run = Run(bench, new, step)
        assert run.stopped, step
        after = fault(bench, run)
        try:
            ended = run.go_on()
        finally:
            if after is not None:
                after()
        holds = bench.holds()
        assert holds in ("a", "b"), (step, ended)
        assert not ended.startswith("RAW"), (step, ended)
        assert holds == new or ended != "done", (step, ended)
        return Outcome(ended, "new" if holds == new else "old", len(bench.leftovers()))

    def test_killed_at_every_step(self, bench: Bench) -> None:
        found = self.matrix(bench, "SIGKILL", killed)
        assert {outcome.ended for outcome in found} == {"killed"}

    def test_killed_at_every_step_of_a_first_run(self, bench: Bench) -> None:
        """There is no target yet, and there is none afterwards, or the whole of it."""
        for step in self._killed_at(self.steps(bench, first=True)):
            bench.drop()
            run = Run(bench, "b", step)
            assert run.stopped, step
            killed(bench, run)
            assert run.go_on() == "killed"
            assert bench.holds() in ("b", "nothing"), step
            bench.write("b")
            assert bench.holds() == "b", step
            assert bench.leftovers() == [], step

    def test_killed_and_resumed_at_every_step(self, bench: Bench) -> None:
        """What was loaded when the run was killed stays, and the result is the same."""
        bench, source = replace(bench, resumes=True), bench.source_sum()
        bench.write("a")
        tables, kept = set(bench.tables().tables), {}
        for step in self._killed_at(self.steps(bench)):
            new = "b" if bench.holds() == "a" else "a"
            run = Run(bench, new, step)
            assert run.stopped, step
            killed(bench, run)
            assert run.go_on() == "killed"
            kept[step] = set(bench.write(new))
            assert bench.holds() == new, step
            assert bench.leftovers() == [], step
            assert bench.source_sum() == source, step
        assert kept["batch sent"] == set()
        assert len(kept["table loaded"]) == 1
        assert kept.get("keys proved", tables) == kept["schema proved"] == tables

    def test_what_is_left_is_another_run_s(self, bench: Bench) -> None:
        """An interruption keeps what is loaded; another run is told so, a plain one removes it."""
        resuming = replace(bench, resumes=True)
        bench.write("a")
        run = Run(resuming, "b", "schema proved")
        interrupted(bench, run)
        assert run.go_on().startswith("KeyboardInterrupt")
        left = bench.leftovers()
        assert left
        with pytest.raises(ConnectorError, match="its seed is b, not a"):
            resuming.write("a")
        place = bench.place
        for target, rehearsal in ((place.target, True), (f"{place.target}2", False)):
            with opened(place.engine, bench.tables(), place.schema, target, rehearsal=rehearsal):
                pass  # a fit, or a run that is given up
        assert bench.leftovers() == left
        assert bench.holds() == "a"
        bench.write("b")
        assert bench.holds() == "b"
        assert bench.leftovers() == []

    def test_terminated_at_every_step(self, bench: Bench) -> None:
        self.matrix(bench, "SIGTERM", terminated)

    def test_interrupted_at_every_step(self, bench: Bench) -> None:
        self.matrix(bench, "SIGINT", interrupted)

    def test_two_writers_at_every_step(self, bench: Bench) -> None:
        self.matrix(bench, "second writer", two_writers)

    def test_a_reader_at_every_step(self, bench: Bench) -> None:
        self.matrix(bench, "reader", reader)


class ServerCrashMatrix(CrashMatrix):
    """What only servers can meet."""

    def test_the_connection_is_cut_at_every_step(self, bench: Bench) -> None:
        self.matrix(bench, "connection cut", cut)


def document(engine: str, outcomes: dict[str, dict[str, Outcome]]) -> None:
    """Put an engine's table into the documentation, between its two marks."""
    faults = list(dict.fromkeys(fault for found in outcomes.values() for fault in found))
    lines = ["| step | " + " | ".join(faults) + " |", "|---" * (len(faults) + 1) + "|"]
    for step, found in outcomes.items():
        cells = [str(found[fault]) if fault in found else "" for fault in faults]
        lines.append(f"| {step} | " + " | ".join(cells) + " |")
    start, end = f"<!-- {engine}: measured -->", f"<!-- {engine}: end -->"
    text = DOCUMENT.read_text(encoding="utf-8")
    head, _, rest = text.partition(start)
    _, _, tail = rest.partition(end)
    made = "\n".join(["", "", *lines, "", ""])
    DOCUMENT.write_text(head + start + made + end + tail, encoding="utf-8")
