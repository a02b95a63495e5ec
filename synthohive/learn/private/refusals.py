"""What cannot be done with differential privacy, refused before a row is read."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Optional

from synthohive.exceptions import PrivacyError, SchemaError
from synthohive.learn.options import FitOptions
from synthohive.schema import ForeignKey, Metadata, PrivacyConfig, TableConfig

__all__ = ["check_possible", "owners_of"]

MODEL = "autoregressive"
_FAMILIES = frozenset({"number", "time", "text", "flag"})


def owners_of(metadata: Metadata, privacy: PrivacyConfig) -> dict[str, Optional[ForeignKey]]:
    """Return the tables whose rows belong to units, parents first, with the key that says whose.

    Raises
    ------
    SchemaError
        A table that is named does not exist.
    """
    unit = privacy.unit
    for name in (unit, *privacy.public):
        if name not in metadata.tables:
            raise SchemaError.unknown_table(str(name), metadata.tables, where="the metadata")
    assert unit is not None
    found: dict[str, Optional[ForeignKey]] = {unit: None}
    more = True
    while more:
        more = False
        for name, config in metadata.tables.items():
            keys = [key for key in config.foreign_keys if key.parent in found]
            if name not in found and name not in privacy.public and keys:
                found[name], more = keys[0], True
    return found


def check_possible(metadata: Metadata, options: FitOptions) -> None:
    """Refuse all that would have to be asked of real rows, and is not accounted for.

    Raises
    ------
    PrivacyError
        Naming all problems at once.
    """
    privacy = options.privacy
    owners = owners_of(metadata, privacy)
    problems = [*_of_options(options), *_of_tables(metadata, privacy, owners)]
    for name in owners:
        problems += _of_columns(metadata.tables[name])
    if problems:
        shown = "".join(f"\n  - {problem}" for problem in problems)
        raise PrivacyError(
            f"With epsilon, this cannot be done privately, and nothing was read:{shown}",
            hint="Change what is named, or fit without epsilon.",
        )


def _of_options(options: FitOptions) -> Iterator[str]:
    if options.model.name != MODEL:
        yield f"the model {options.model.name!r} has no private training; take {MODEL!r}"
    if options.sampling_strategy != "relational":
        yield f"sampling_strategy={options.sampling_strategy!r} chooses rows by their values"
    if options.validate:
        yield "validate=True tells of single orphans"
    if options.holdout:
        yield "holdout keeps entities to compare with, which is not accounted"
    if options.privacy.max_memorisation is not None:
        yield "max_memorisation compares learned rows with held-out ones, which is not accounted"


def _of_tables(
    metadata: Metadata, privacy: PrivacyConfig, owners: dict[str, Optional[ForeignKey]]
) -> Iterator[str]:
    for name, config in metadata.tables.items():
        keys = config.foreign_keys
        if name not in owners:
            if name not in privacy.public:
                yield (
                    f"table {name!r} is not below the unit {privacy.unit!r}; if it holds nothing "
                    f"of any unit, say public=[{name!r}], else exclude it"
                )
            for key in keys:
                if key.parent in owners:
                    yield f"table {name!r} is public, but {key.label(name)} leads to rows of units"
            continue
        if name in privacy.public:
            yield f"table {name!r} is public, but holds the units"
        further = [key for key in keys if key.parent in owners and key != owners[name]]
        for key in further:
            yield f"{key.label(name)} lets a row belong to two units; exclude the key's column"
        for key in keys:
            if key.parent not in owners and len(key.columns) > 1:
                yield f"{key.label(name)} has several columns; exclude the key"
        columns = [column for key in keys for column in key.columns]
        if len(columns) != len(set(columns)):
            yield f"keys of table {name!r} share columns; exclude one of them"
        if config.relations:
            yield f"the relations stated of table {name!r} are tested on all rows"
        if config.reference:
            yield f"table {name!r} is to be kept as it is, and holds rows of units"


def _of_columns(config: TableConfig) -> Iterator[str]:
    foreign = {column for key in config.foreign_keys for column in key.columns}
    for name, column in config.stored.items():
        made = name in config.pk or (name,) in config.unique_sets
        if name in foreign or column.kind.family in _FAMILIES or column.kind.value == "uuid":
            continue
        how = "a key of it cannot be made" if made else "it is not learned privately"
        yield f"{config.name}.{name} is {column.kind.value}: {how}; exclude the column"
