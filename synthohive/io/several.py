"""Several schemas at once: a writer for each, the keys between them, and one swap."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from synthohive.ddl.statements import Statement, label, reference
from synthohive.ddl.vetted import vetted_action
from synthohive.io.base import KeyCheck, Writer
from synthohive.io.staged import StagedWriter
from synthohive.io.steps import step

if TYPE_CHECKING:
    import pyarrow as pa

    from synthohive.schema import ForeignKey, Metadata

__all__ = ["SeveralWriter"]


class SeveralWriter(Writer):
    """Write several schemas that appear at the same moment.

    Parameters
    ----------
    metadata : Metadata
        Of tables of several schemas.
    writers : dict of str to StagedWriter
        By source schema, each open, of the same engine.
    all_keys : bool
        Have the database enforce keys that the source does not declare, too.
    """

    def __init__(self, metadata: Metadata, writers: Mapping[str, Any], *, all_keys: bool) -> None:
        self.metadata, self.all_keys = metadata, all_keys
        self.writers: dict[str, Any] = dict(writers)
        self.target = ", ".join(writer.target for writer in writers.values())
        for writer in self.writers.values():
            writer.see({s: w.staging for s, w in self.writers.items() if w is not writer})

    def load(self, table: str, batches: Iterable[pa.RecordBatch]) -> int:
        """Bulk load all rows of one table; see :class:`StagedWriter`."""
        try:
            return self._of(table).load(self.metadata.table(table).own_name, batches)
        except BaseException:
            self.abort()
            raise

    def finish(self) -> list[KeyCheck]:
        """Constrain, prove, and swap all in; see :class:`StagedWriter`."""
        writers = list(self.writers.values())
        try:
            checks = self._complete()
            with writers[0].named("the swap"):
                writers[0].swap_all(writers)
        except BaseException:
            self.abort()
            raise
        for writer in writers:
            writer.done()
        return checks

    def prove(self) -> list[KeyCheck]:
        """Constrain and prove, and remove all staging places."""
        try:
            return self._complete()
        finally:
            self.abort()

    def abort(self) -> None:
        """Remove all staging places; does nothing after :meth:`finish`."""
        left = [writer for writer in self.writers.values() if not writer.closed]
        for writer in left:
            writer.close()
        if left:
            left[0].discard_all(left)

    def objects(self) -> dict[tuple[str, str], str]:
        """See the base class; names have their schema before them."""
        return {
            (kind, f"{schema}.{name}"): reason
            for schema, writer in self.writers.items()
            for (kind, name), reason in writer.objects().items()
        }

    def _of(self, table: str) -> StagedWriter:
        found: StagedWriter = self.writers[str(self.metadata.table(table).schema_name)]
        return found

    def _complete(self) -> list[KeyCheck]:
        writers = list(self.writers.values())
        for writer in writers:
            writer.load_rest()
        checks: list[KeyCheck] = writers[0].constrain_all(writers, self._prove, self._cross)
        step("schema proved")
        return checks

    def _prove(self) -> list[KeyCheck]:
        checks = []
        for table, key in self.metadata.foreign_keys():
            check = self._check(table, key)
            self._of(table).refuse_orphans(check)
            checks.append(check)
        return checks

    def _cross(self) -> None:
        """Add the keys between the schemas."""
        for table, key in self.metadata.foreign_keys():
            if self._crosses(table, key) and self._enforced(table, key):
                self._of(table).run(self._statement(table, key))
                self._of(table).settle()

    def _crosses(self, table: str, key: ForeignKey) -> bool:
        return self._of(table) is not self._of(key.parent)

    def _enforced(self, table: str, key: ForeignKey) -> bool:
        return (
            self._of(table).keys_between
            and key.no_parent is None
            and (key.declared or self.all_keys)
        )

    def _plain(self, key: ForeignKey) -> ForeignKey:
        """Return a key whose parent has its own name."""
        return key.model_copy(update={"parent": self.metadata.table(key.parent).own_name})

    def _place(self, table: str) -> str:
        return self._of(table).place(self.metadata.table(table).own_name)

    def _check(self, table: str, key: ForeignKey) -> KeyCheck:
        own, crosses = self.metadata.table(table).own_name, self._crosses(table, key)
        parent = self._place(key.parent) if crosses else None
        check = self._of(table).check(own, self._plain(key), parent)
        enforced = self._enforced(table, key) if crosses else check.enforced
        return replace(check, table=table, key=key, enforced=enforced)

    def _statement(self, table: str, key: ForeignKey) -> Statement:
        quote = self._of(table).quote
        name = f"CONSTRAINT {quote(key.name)} " if key.name else ""
        sql = f"ALTER TABLE {quote(self.metadata.table(table).own_name)} ADD {name}"
        sql += reference(key, quote, self._place(key.parent))
        for when, action in (("DELETE", key.on_delete), ("UPDATE", key.on_update)):
            if action:
                sql += f" ON {when} {vetted_action(action, key.columns, quote)}"
        return Statement(sql, table, label("foreign key", key.name or "", key.columns))
