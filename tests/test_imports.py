"""Rules about the package as a whole: what imports what, and how large files may grow."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from graphlib import TopologicalSorter
from pathlib import Path
from types import ModuleType

import pytest

import synthohive
import synthohive.metrics
from synthohive.connectors.registry import ALIASES, ENGINES

ROOT = Path(synthohive.__file__).parent
FILES = sorted(ROOT.rglob("*.py"))
HEAVY = ("torch", "pyspark", "sqlalchemy", "sklearn", "scipy", "faker", "pyarrow", "pandas")

# The house, floor by floor from the ground: a room imports from those before it only, for
# types, too. What has no room of its own is small, and stands at the door.
ROOMS: tuple[str, ...] = (
    "_version",
    "_arrays",
    "_random",
    "_logging",
    "_readable",
    "_signals",
    "_display",
    "exceptions",
    "_arguments",
    "_yaml",
    "_processes",
    "_workspace",
    "_files",
    "texts",
    "schema",
    "storage",
    "ddl",
    "io",
    "connectors",
    "privacy",
    "metrics",
    "encoding",
    "tables",
    "models",
    "train",
    "derive",
    "constrain",
    "link",
    "learn",
    "generate",
    "interface",
)

BRIDGE = sorted((ROOT.parent / "dbt_synthohive").glob("*.py"))
# Benchmarks say of the package what its users could; what is inside is measured in `parts`.
BENCHMARKS = sorted(
    path for path in (ROOT.parent / "benchmarks").rglob("*.py") if path.parent.name != "parts"
)
PUBLIC = {
    "synthohive": synthohive.__all__,
    "synthohive.exceptions": synthohive.exceptions.__all__,
    "synthohive.metrics": synthohive.metrics.__all__,
}


def module_name(path: Path) -> str:
    """Return a file's dotted name below the package, without ``__init__``."""
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def top_level(tree: ast.Module, *, types: bool = False) -> Iterator[ast.stmt]:
    """Yield the statements that run on import; those under ``if TYPE_CHECKING`` if asked for."""
    pending: list[ast.stmt] = list(tree.body)
    while pending:
        node = pending.pop()
        if isinstance(node, ast.If):
            if types or "TYPE_CHECKING" not in ast.dump(node.test):
                pending += node.body
            pending += node.orelse
        elif isinstance(node, (ast.Try, ast.With)):
            pending += node.body
            for handler in getattr(node, "handlers", []):
                pending += handler.body
        else:
            yield node


def imported(path: Path, *, types: bool = False) -> set[str]:
    """Return the full names of the modules that a file imports, with those of its types or not."""
    found = set()
    for node in top_level(ast.parse(path.read_text(encoding="utf-8")), types=types):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            for alias in node.names:
                whole = f"{node.module}.{alias.name}"
                file = ROOT.parent.joinpath(*whole.split("."))
                is_module = file.with_suffix(".py").exists() or file.is_dir()
                found.add(whole if is_module else node.module)
    return found


@pytest.mark.parametrize("path", FILES, ids=module_name)
def test_imports_point_one_way(path: Path) -> None:
    room = module_name(path).split(".")[0]
    if not room:
        return
    for name in imported(path, types=True):
        package, _, target = name.partition(".")
        if package == "synthohive" and target:
            other = target.split(".")[0]
            below = ROOMS.index(other) < ROOMS.index(room)
            assert below or other == room, f"{module_name(path)} imports {name}"


def test_no_file_is_imported_by_what_it_imports() -> None:
    graph = {
        f"synthohive.{module_name(path)}".rstrip("."): imported(path, types=True) for path in FILES
    }
    TopologicalSorter(graph).prepare()  # a circle is an error that names its files


@pytest.mark.parametrize("path", FILES, ids=module_name)
def test_heavy_packages_are_imported_where_they_belong(path: Path) -> None:
    module = module_name(path)
    packages = {name.split(".")[0] for name in imported(path)}
    assert "pyspark" not in packages
    if not module.startswith("models"):
        assert "torch" not in packages


WHOLE = {"toPandas", "collect", "collectAsArrow", "pandas_api", "_collect_as_arrow"}
"""What brings all rows of a table of Spark's to the driver."""
CLASSIC = {"_jvm", "_jdf", "_jsparkSession", "_sc", "sparkContext", "rdd"}
"""What Spark Connect does not have."""
QUERIES = re.compile("(SELECT|FROM|WITH|TABLE) ")
FEW = {"self.spark.read.text(self.store.uri(self.staging, 'seen'))": "a file of one line"}


def _is_command(asked: ast.expr) -> bool:
    """Whether a DataFrame is what a command answers, which is a few rows."""
    if not (isinstance(asked, ast.Call) and ast.unparse(asked.func).endswith(".sql")):
        return ast.unparse(asked) in FEW
    return not QUERIES.match(ast.unparse(asked.args[0]).lstrip("f").strip("'\""))


@pytest.mark.parametrize("path", [p for p in FILES if "spark" in module_name(p)], ids=module_name)
def test_spark_s_rows_stay_where_they_are(path: Path) -> None:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    used = [node for node in ast.walk(tree) if isinstance(node, ast.Attribute)]
    whole = [node for node in used if node.attr in WHOLE and not _is_command(node.value)]
    assert not [ast.unparse(node) for node in whole]
    assert not {node.attr for node in used} & CLASSIC


def _docstrings(tree: ast.Module) -> set[int]:
    """Return the nodes that only document."""
    owners = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)
    bodies = [node.body for node in ast.walk(tree) if isinstance(node, owners)]
    statements = [statement for body in bodies for statement in body]
    values = [s.value for s in statements if isinstance(s, ast.Expr)]
    return {id(value) for value in values if isinstance(value, ast.Constant)}


@pytest.mark.parametrize("path", FILES, ids=module_name)
def test_engines_are_named_in_their_folder_and_the_registry_alone(path: Path) -> None:
    folders = {name.rpartition(".")[2] for name in ENGINES.values()}
    module = module_name(path)
    if module == "connectors.registry":
        return
    own = next((name for name in folders if module.startswith(f"connectors.{name}")), None)
    tree = ast.parse(path.read_text(encoding="utf-8"))
    documents = _docstrings(tree)
    texts = [n for n in ast.walk(tree) if isinstance(n, ast.Constant) and id(n) not in documents]
    found = {node.value for node in texts if node.value in {*ENGINES, *folders, *ALIASES}}
    if own is None:
        assert not found, f"{module} decides by names of engines: {found}"
    for name in imported(path):
        other = name[len("synthohive.connectors.") :].split(".")[0]
        if name.startswith("synthohive.connectors.") and other in folders:
            assert other == own, f"{module} imports {name}"


@pytest.mark.parametrize("path", [*BRIDGE, *BENCHMARKS], ids=lambda path: path.stem)
def test_what_stands_outside_uses_only_public_names(path: Path) -> None:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names = {alias.name for alias in node.names}
            assert not {n for n in names if n.startswith("synthohive.")}, f"{path.name}: {names}"
        if isinstance(node, ast.ImportFrom) and str(node.module).split(".")[0] == "synthohive":
            assert node.module in PUBLIC, f"{path.name} imports {node.module}"
            assert {alias.name for alias in node.names} <= {*PUBLIC[node.module]}
    assert "dbt" not in {name.split(".")[0] for name in imported(path)}, "dbt is imported lazily"


def test_nothing_imports_the_bridge() -> None:
    for path in FILES:
        assert not {name for name in imported(path) if name.startswith("dbt_synthohive")}


@pytest.mark.parametrize("path", [*FILES, *BRIDGE], ids=str)
def test_files_and_functions_stay_small(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    assert len(text.splitlines()) <= 800
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            body = node.body
            first = body[0]
            documented = isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant)
            start = (first.end_lineno or 0) + 1 if documented else node.lineno
            assert (node.end_lineno or 0) - start < 60, f"{node.name} is longer than 60 lines"


def test_import_is_light() -> None:
    code = (
        "import sys, synthohive; synthohive.Metadata().add_table('t', 'id'); "
        f"print([name for name in {HEAVY!r} if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


@pytest.mark.parametrize("module", [synthohive, synthohive.metrics], ids=lambda m: m.__name__)
def test_public_names_are_sorted_and_there(module: ModuleType) -> None:
    assert module.__all__ == sorted(module.__all__)
    for name in module.__all__:
        assert getattr(module, name) is not None


@pytest.mark.parametrize("module", PUBLIC)
def test_public_names_have_an_example(module: str) -> None:
    names = [n for n in PUBLIC[module] if callable(getattr(sys.modules[module], n))]
    assert [n for n in names if ">>>" not in (getattr(sys.modules[module], n).__doc__ or "")] == []
