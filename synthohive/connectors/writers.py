"""The choice of an engine's bulk loader, and what is checked before it is opened."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection, Mapping
from dataclasses import asdict, dataclass, replace
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Optional, Union

from sqlalchemy.exc import SQLAlchemyError

from synthohive._logging import get_logger
from synthohive.connectors.dialect import dialect_for
from synthohive.connectors.engines import connecting
from synthohive.connectors.registry import (
    ENGINES,
    capabilities,
    dialect_name,
    part,
    spelling,
    supported,
)
from synthohive.connectors.schema_ddl import build_ddl, objects_of
from synthohive.ddl.comments import without_comments
from synthohive.ddl.literals import Guarded, without_real_values
from synthohive.ddl.spelling import Spelling
from synthohive.exceptions import ConnectorError, did_you_mean
from synthohive.io.base import NoPlaceError
from synthohive.io.staging import Order, same_place_error
from synthohive.io.writer import Writer

if TYPE_CHECKING:
    from sqlalchemy.engine import Engine

    from synthohive.ddl.statements import SchemaDdl, SchemaObject
    from synthohive.io.base import IfExists, OpenedTo, Provenance
    from synthohive.schema import Metadata

__all__ = ["check_repeated", "open_writer"]

log = get_logger(__name__)


def open_writer(
    engine: Optional[Engine],
    metadata: Metadata,
    *,
    target_schema: Union[str, Mapping[str, str], None] = None,
    source_schema: Optional[str] = None,
    provenance: Provenance,
    if_exists: IfExists = "fail",
    replace_foreign: Optional[str] = None,
    sources: frozenset[str] = frozenset(),
    target_engine: Optional[Engine] = None,
    keep_comments: bool = True,
    rehearsal: bool = False,
    include: Collection[str] = (),
    guarded: Optional[Guarded] = None,
    run: Optional[Mapping[str, str]] = None,
) -> Writer:
    """Check the target, create the staging place, and return the open writer.

    Parameters
    ----------
    engine : sqlalchemy.engine.Engine, optional
        Of the source; None makes the tables from the description alone.
    target_schema : str or dict of str to str, optional
        By default beside the source: ``<schema>_synthetic`` (SQLite: such a file); of a
        `target_engine`, its default schema. Of several schemas, from each to its target.
    if_exists : {"fail", "replace", "replace_foreign"}
        "replace" takes away only what SynthoHive made; "replace_foreign" everything in the
        target, where `replace_foreign` repeats its name.
    sources : frozenset of str
        Fingerprints (:meth:`Reader.fingerprint`) of all that was learned from, none of
        which is ever written to.
    target_engine : sqlalchemy.engine.Engine, optional
        Where to write when not beside the source.
    keep_comments : bool, default True
        Carry over the comments of tables and columns.
    rehearsal : bool, default False
        The writer only proves (:meth:`Writer.prove`), whatever the target holds.
    include : collection of {"views", "materialized_views", "triggers"}
        What is made beside the tables, where it uses nothing but the copy.
    guarded : Guarded, optional
        Values that none of it may name.
    run : dict of str to str, optional
        What the rows follow from. What fails then leaves what is loaded, and the writer goes on
        where one that followed from the same was interrupted: see :meth:`Writer.loaded`.

    Raises
    ------
    NoPlaceError
        Nothing may be written there, whatever it is.
    ConnectorError
        The target is or was the source, exists already (and may not be replaced), or
        cannot be written to. Nothing has been created then.
    """
    words = ("fail", "replace", "replace_foreign")
    if str(if_exists) not in words:
        raise ConnectorError(
            f'if_exists must be "fail", "replace" or "replace_foreign", not {if_exists!r:.100}.'
        )
    if not metadata.tables:
        raise ConnectorError("There are no tables to write.")
    target_or_source = target_engine if target_engine is not None else engine
    if target_or_source is None:
        raise NoPlaceError("There is no database to write to.", hint="Name one with url=….")
    writing = _writing(target_or_source)
    if run is not None:
        _check_resumes(target_or_source.dialect.name)
    for each in (engine, target_or_source):
        if each is not None and _is_there(each):
            _reach(each)
    opening = _Opening(
        engine, target_or_source, target_engine, metadata, provenance, replace_foreign, sources,
        keep_comments, "rehearse" if rehearsal else if_exists, include, guarded, run,
    )  # fmt: skip
    try:
        if metadata.schemas:
            return _several(opening, writing, target_schema)
        if isinstance(target_schema, Mapping):
            raise ConnectorError("There is one schema to write.", hint="Pass schema='name'.")
        target = writing.locate(engine, target_engine, target_schema, source_schema)
        opening.check(target, target_schema, source_schema)
        schema = opening.schema(writing, metadata, target, source_schema)
        return Writer(metadata, {str(source_schema): schema})
    except SQLAlchemyError as exc:
        raise ConnectorError(
            f"The catalogue of the source cannot be read ({type(exc).__name__}).",
            hint="Reflect it again: it may have changed since.",
        ) from exc


@dataclass(frozen=True)
class _Opening:
    """What is asked of a writer; see :func:`open_writer`."""

    engine: Optional[Engine]
    place: Engine
    target_engine: Optional[Engine]
    metadata: Metadata
    provenance: Provenance
    replace_foreign: Optional[str]
    sources: frozenset[str]
    keep_comments: bool
    if_exists: OpenedTo
    include: Collection[str]
    guarded: Optional[Guarded]
    run: Optional[Mapping[str, str]]

    def check(self, target: str, given: Optional[str], source_schema: Optional[str]) -> None:
        """Refuse a target that is the source, or whose name was to be repeated."""
        sources = self.sources
        if self.engine is not None:
            sources |= dialect_for(self.engine).fingerprint(source_schema)
        if sources & dialect_for(self.place).fingerprint(target):
            other = _writing(self.place).locate(
                self.engine, self.target_engine, f"{target}_", source_schema
            )
            if self.if_exists != "rehearse" or other == target:  # schema=… may name another
                raise same_place_error(target)
        check_repeated(self.if_exists, self.replace_foreign, target, given)

    def schema(
        self,
        writing: Any,
        metadata: Metadata,
        target: str,
        source_schema: Optional[str],
        group: Mapping[str, str] = MappingProxyType({}),
    ) -> Any:
        """Open the staging place of one schema."""
        same = self.engine is not None and (
            dialect_name(self.engine.dialect) == dialect_name(self.place.dialect)
        )
        ddl = build_ddl(
            metadata, self.place.dialect, source=self.engine, source_schema=source_schema,
            beside=[s for s in group if s != source_schema], target=self.place,
        )  # fmt: skip
        ddl = replace(ddl, objects=tuple(self._objects(metadata, same, source_schema, group)))
        if ddl.left:  # said before anything is written
            what = [f"{left.kind} {left.name}: {left.reason}" for left in ddl.left]
            log.warning("not_carried_over", to=dialect_name(self.place.dialect), what=what)
        how = spelling(self.place.dialect.name)
        if not self.keep_comments:
            ddl = without_comments(ddl, how)
        return writing(
            Order(
                engine=self.place,
                metadata=metadata,
                ddl=ddl,
                target=target,
                provenance=self.provenance,
                source_schema=source_schema if same else None,
                if_exists=self.if_exists,
                group=group,
                respelling=how if spelling(metadata.dialect) is how else Spelling(),
                run=None
                if self.run is None
                else {**self.run, "source's schema": _sum(metadata, ddl)},
            )
        )

    def _objects(
        self,
        metadata: Metadata,
        same: bool,
        source_schema: Optional[str],
        group: Mapping[str, str],
    ) -> list[SchemaObject]:
        """Return the views and triggers that were asked for."""
        if self.engine is None:
            return []
        beside = [s for s in group if s != source_schema]
        found = objects_of(self.engine, source_schema, self.include, metadata.tables, beside)
        if same and self.guarded is not None:
            guarded = self.guarded
            return without_real_values(found, self.engine, self.metadata, source_schema, guarded)
        if same:
            return found
        why = f"its SQL is that of {dialect_name(self.engine.dialect)}"
        return [replace(thing, refused=why) for thing in found]


def _several(opening: _Opening, writing: Any, given: Union[str, Mapping[str, str], None]) -> Writer:
    """Open a writer for each schema, and one over them.

    Raises
    ------
    ConnectorError
        The engine has no schemas that appear together, or the targets are not different ones.
    """
    schemas, name = opening.metadata.schemas, opening.place.dialect.name
    together = [n for n in ENGINES if (c := capabilities(n)) is not None and c.several_schemas]
    if name not in together:
        raise ConnectorError(
            f"Several schemas cannot be written to {name} in one step.",
            hint=f"Write to {', '.join(together)}, or learn and write one schema at a time: "
            f"schema={schemas[0]!r}.",
        )
    if isinstance(given, str):
        raise ConnectorError(
            f"schema is one name, {given!r}, but there are {len(schemas)} schemas to write.",
            hint=f"Pass a dict, schema={{{schemas[0]!r}: …}}, or leave it out for "
            f"{schemas[0]}_synthetic and so on.",
        )
    for name in given or ():
        if name not in schemas:
            raise ConnectorError(f"There is no schema {name!r}.", hint=did_you_mean(name, schemas))
    targets = {s: (given or {}).get(s, f"{s}_synthetic") for s in schemas}
    if len(set(targets.values())) < len(targets):
        raise ConnectorError("Two schemas are to be written to the same one.",
                             hint="Name different ones.")  # fmt: skip
    if opening.replace_foreign is not None:
        raise ConnectorError("replace_foreign names one schema.",
                             hint="Drop what is in the targets yourself.")  # fmt: skip
    for target in targets.values():
        for schema in schemas:
            opening.check(target, None, schema)
    opened: dict[str, Any] = {}
    try:
        for schema, target in targets.items():
            part = opening.metadata.of_schema(schema)
            opened[schema] = opening.schema(writing, part, target, schema, targets)
        return Writer(opening.metadata, opened, all_keys=opening.engine is None)
    except BaseException:
        for schema in opened.values():
            schema.give_up([schema])
        raise


def _check_resumes(name: str) -> None:
    """Refuse to go on where an engine keeps nothing of an interrupted run.

    Raises
    ------
    ConnectorError
    """
    able = [n for n in ENGINES if (facts := capabilities(n)) is not None and facts.resumes]
    if name not in able:
        raise ConnectorError(
            f"A run that writes to {name} cannot be resumed.",
            hint=f"Leave resume out, or write to {', '.join(able)}.",
        )


def _sum(metadata: Metadata, ddl: SchemaDdl) -> str:
    """Return a sum of all that is made beside the rows."""
    made = json.dumps(asdict(ddl), default=sorted, sort_keys=True)
    return hashlib.sha256(f"{metadata.to_json()}\n{made}".encode()).hexdigest()


def check_repeated(
    if_exists: str, repeated: Optional[str], target: str, given: Optional[str]
) -> None:
    """Refuse to drop what others made unless its name is said twice.

    Parameters
    ----------
    if_exists : str
    repeated : str, optional
        What the caller says once more.
    target, given : str
        The name, and how the caller wrote it.

    Raises
    ------
    ConnectorError
    """
    if if_exists != "replace_foreign":
        if repeated is not None:
            raise ConnectorError(
                "replace_foreign is given, but if_exists does not ask for it.",
                hint='Pass if_exists="replace_foreign", or leave replace_foreign out.',
            )
        return
    if repeated is None or repeated not in (target, given):
        raise ConnectorError(
            f'if_exists="replace_foreign" replaces what is in {target!r}, whoever made it.',
            hint=f"If that is meant, repeat the name: replace_foreign={target!r}.",
        )


def _is_there(engine: Engine) -> bool:
    """Whether a connection finds something, and does not make an empty file."""
    facts = capabilities(engine.dialect.name)
    return facts is None or not facts.is_file or facts.exclusive


def _reach(engine: Engine) -> None:
    """Connect once: a dead server is named, and a dialect learns whether it speaks MariaDB."""
    with connecting(engine, "it was reached"):
        return


def _writing(engine: Engine) -> Any:
    """Import an engine's writer, whose driver may not be installed."""
    facts = capabilities(engine.dialect.name)
    if facts is None or not facts.writes:
        raise NoPlaceError(
            f"SynthoHive cannot write to {engine.dialect.name!r}.",
            hint=f"It writes to {supported()}.",
        )
    return part(engine.dialect.name, "write").WRITER
