"""The properties file that tests a synthetic schema against the real one."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Optional

import numpy as np
from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError
from sqlalchemy.engine.default import DefaultDialect

from dbt_synthohive.limits import Limit, fan_out_limit, table_limits
from dbt_synthohive.names import check_names, short_name
from dbt_synthohive.relations import Manifest, PathLike, load_manifest
from synthohive import ForeignKey, Metadata, SchemaError, Synthesizer, SynthoHiveError

__all__ = ["write_properties"]

SAMPLE_ROWS = 20_000
TAG = "synthetic"


def write_properties(
    synthesizer: Synthesizer, schema: str, path: PathLike, *, seed: int = 0
) -> Path:
    """Write the sources and tests of a synthetic schema, for ``dbt test --select tag:synthetic``.

    Each limit is twice the largest distance between five random halves of the real rows (a
    sample of 20,000 of each table), and never below the test's own default: closer than
    the real rows are to themselves no synthetic ones can be.

    Parameters
    ----------
    synthesizer : Synthesizer
        Fitted to a database.
    schema : str
        The synthetic schema.
    path : path
        A YAML file among the project's models. An existing one is merged into: what it
        holds stays as it is, comments included, and only what it lacks is added.
    seed : int, default 0
        Of the random halves: the same seed writes the same file.

    Returns
    -------
    pathlib.Path

    Raises
    ------
    SchemaError
        The synthesizer does not read from a database, the file is not what dbt reads, or dbt
        would run a table's or column's name as Jinja.
    """
    source, metadata = synthesizer.source, synthesizer.metadata
    if source is None or metadata.schema_name is None:
        raise SchemaError(
            "The synthesizer does not read from a database, so dbt knows no real tables.",
            hint="Make it with synthesizer_from_project(…).",
        )
    check_names(metadata, schema)
    file = Path(path)
    draft = _Draft(synthesizer, schema, _manifest_of(file), np.random.default_rng(seed))
    written = YAML()
    written.preserve_quotes = True
    written.width = 4096
    written.indent(mapping=2, sequence=4, offset=2)
    document = _load(written, file) if file.exists() else {"version": 2}
    if not isinstance(document, dict) or not isinstance(document.get("sources", []), list):
        raise SchemaError(f"{str(file)!r} is no properties file of dbt.", hint="Name another one.")
    _merge(document.setdefault("sources", []), _unshared(draft.sources()))
    _replace(written, document, file)
    return file


def _load(yaml: YAML, file: Path) -> Any:
    try:
        return yaml.load(file.read_text(encoding="utf-8")) or {"version": 2}
    except YAMLError as exc:
        raise SchemaError(f"{str(file)!r} is not valid YAML.", hint="Name another file.") from exc


def _replace(yaml: YAML, document: Any, file: Path) -> None:
    """Write beside the file and rename: a crash leaves the old one whole."""
    descriptor, name = tempfile.mkstemp(dir=file.parent, prefix=f".{file.name}.")
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8") as stream:
            yaml.dump(document, stream)
        os.chmod(name, file.stat().st_mode if file.exists() else 0o644)
        os.replace(name, file)
    except BaseException:
        os.unlink(name)
        raise


def _manifest_of(file: Path) -> Optional[Manifest]:
    """Return the manifest of the project that a file belongs to, where there is one."""
    for folder in file.absolute().parents:
        if (folder / "dbt_project.yml").is_file():
            try:
                return load_manifest(folder)
            except SchemaError:
                return None
    return None


class _Draft:
    """The sources of a properties file, as plain lists and mappings."""

    def __init__(
        self,
        synthesizer: Synthesizer,
        schema: str,
        manifest: Optional[Manifest],
        rng: np.random.Generator,
    ) -> None:
        assert synthesizer.source is not None
        self.reader = synthesizer.source
        self.metadata: Metadata = synthesizer.metadata
        self.schema = schema
        self.rng = rng
        self.real = str(self.metadata.schema_name)
        self.known = _references(manifest, self.real, file_schema=schema)
        self.taken = _test_names(manifest, file_schema=schema)
        engine: Any = getattr(self.reader, "engine", None)  # frames and files have none
        dialect = DefaultDialect() if engine is None else engine.dialect
        self.quote = dialect.identifier_preparer.quote
        try:
            self.personal = {(f.table, f.column) for f in synthesizer.personal_data}
        except SynthoHiveError as exc:
            raise SchemaError(
                "The synthesizer is not fitted, so what is personal data is not known.",
                hint="Call fit() first.",
            ) from exc

    def sources(self) -> list[dict[str, Any]]:
        """Return the synthetic source with its tests, and the real one if the project lacks it."""
        drivers: Mapping[str, Optional[ForeignKey]] = dict.fromkeys(self.metadata.tables)
        samples = self.reader.sample(drivers, SAMPLE_ROWS, 0).drawn
        tables = [
            self._table(name, samples[name], self.reader.count(name))
            for name in self.metadata.tables
        ]
        mark = {"meta": {"synthohive": {"synthetic": True}}}  # not a source to be copied
        found = [{"name": self.schema, "config": mark, "tables": tables}]
        missing = [{"name": name} for name in self.metadata.tables if name not in self.known]
        if missing:
            found.append({"name": self.real, "tables": missing})
        return found

    def _reference(self, table: str) -> str:
        return self.known.get(table, f"source('{self.real}', '{table}')")

    def _own(self, table: str) -> str:
        return f"source('{self.schema}', '{table}')"

    def _test(
        self, test: str, table: str, columns: Sequence[str], arguments: Mapping[str, Any]
    ) -> dict[str, Any]:
        name = short_name(test, table, columns, self.schema, self.taken)
        body = {"name": name, "arguments": dict(arguments), "config": {"tags": [TAG]}}
        return {f"synthohive.{test}": body}

    def _table(self, name: str, rows: Any, count: int) -> dict[str, Any]:
        table = self.metadata.tables[name]
        tests = list(self._keys(name, count))
        columns: dict[str, list[dict[str, Any]]] = {}
        if count:
            reference = {"reference": self._reference(name)}
            tests.insert(0, self._test("row_count_ratio", name, (), reference))
            personal = {column for owner, column in self.personal if owner == name}
            for limit in table_limits(table, rows, personal, self.rng):
                about = [column for column in (limit.column, limit.other) if column]
                test = self._test(limit.test, name, about, self._arguments(name, limit))
                columns.setdefault(limit.column, []).append(test)
        tests += columns.pop("", [])
        found: dict[str, Any] = {"name": name}
        if tests:
            found["data_tests"] = tests
        if columns:
            found["columns"] = [
                {"name": column, **self._quoted(column), "data_tests": listed}
                for column, listed in columns.items()
            ]
        return found

    def _quoted(self, column: str) -> dict[str, bool]:
        return {"quote": True} if self.quote(column) != column else {}

    def _arguments(self, table: str, limit: Limit) -> dict[str, Any]:
        arguments: dict[str, Any] = {"reference": self._reference(table)}
        if limit.columns:
            arguments["columns"] = [self.quote(column) for column in limit.columns]
        if limit.test == "correlation_drift":
            arguments["other_column"] = self.quote(limit.other)
        for name, value in limit.options:
            arguments[name] = self.quote(value) if name == "by" else value
        return {**arguments, limit.name: limit.value}

    def _keys(self, name: str, count: int) -> Iterator[dict[str, Any]]:
        table = self.metadata.tables[name]
        if not count:
            return
        for columns in table.unique_sets:
            if all(column in table.columns for column in columns):
                nulls = list(columns) != table.pk
                listed = [self.quote(column) for column in columns]
                key = {"columns": listed, "allow_nulls": nulls}
                yield self._test("unique_key", name, columns, key)
        for fk in table.foreign_keys:
            link = {
                "columns": [self.quote(column) for column in fk.columns],
                "to": self._own(fk.parent),
                "to_columns": [self.quote(column) for column in fk.parent_columns],
            }
            yield self._test("no_orphans", name, fk.columns, link)
            limit = fan_out_limit(dict(self.reader.fan_out(name, fk).histogram), self.rng)
            real = {"reference": self._reference(name), "reference_to": self._reference(fk.parent)}
            yield self._test("fan_out_drift", name, fk.columns, {**link, **real, "max_ks": limit})


def _references(manifest: Optional[Manifest], real: str, *, file_schema: str) -> dict[str, str]:
    """Return, by identifier, how the project names the tables of the real schema."""
    if manifest is None:
        return {}
    real_tables = [r for r in manifest.relations.values() if r.schema == real]
    return {
        **{r.identifier: f"ref('{r.name}')" for r in real_tables if not r.source},
        **{
            r.identifier: f"source('{r.source}', '{r.name}')"
            for r in real_tables
            if r.source and r.source != file_schema
        },
    }


def _unshared(value: Any) -> Any:
    """Return a copy in which no list or mapping stands twice, as YAML would make it an alias.

    A block whose anchor is elsewhere cannot be deleted without breaking the file. Anchors that
    users wrote are kept: they are in what was read, not in what is added.
    """
    if isinstance(value, dict):
        return {key: _unshared(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_unshared(item) for item in value]
    return value


def _test_names(manifest: Optional[Manifest], *, file_schema: str) -> set[str]:
    """Return the names of the project's tests but those that the file itself is about."""
    own = f"sources.{file_schema}"
    tests = manifest.tests if manifest else []
    return {str(test["name"]) for test in tests if test.get("file_key_name") != own}


def _merge(existing: list[Any], drafted: list[dict[str, Any]]) -> None:
    """Add to a list of named things what it lacks, and to those it has what they lack."""
    by_name = {item.get("name"): item for item in existing if isinstance(item, dict)}
    for draft in drafted:
        own = by_name.get(draft["name"])
        if own is None:
            existing.append(draft)
            continue
        for field in ("tables", "columns"):
            if draft.get(field):
                _merge(own.setdefault(field, []), draft[field])
        for field, value in draft.items():
            if field not in ("tables", "columns", "data_tests"):
                own.setdefault(field, value)
        if draft.get("data_tests"):
            field = "tests" if "tests" in own else "data_tests"
            have = [_signature(test) for test in own.setdefault(field, [])]
            own[field].extend(t for t in draft["data_tests"] if _signature(t) not in have)


def _signature(test: Any) -> tuple[str, str]:
    """Return what a test is about: its name and arguments without limits."""
    if not isinstance(test, dict):
        return str(test), ""
    name = next(iter(test))
    body = test[name] if isinstance(test[name], dict) else {}
    arguments = {**body, **(body.get("arguments") or {})}
    about = ("columns", "to", "to_columns", "reference", "other_column", "by")
    return name, repr([(key, str(arguments[key])) for key in about if key in arguments])
