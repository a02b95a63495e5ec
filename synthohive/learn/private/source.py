"""The only place that sees real rows when learning is private: rows made of noisy counts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Optional

import numpy as np
import pyarrow as pa

from synthohive._arrays import IntArray
from synthohive._logging import get_logger
from synthohive.io.base import Reader
from synthohive.io.dataframe import FrameReader
from synthohive.io.keys import group_codes, match_rows
from synthohive.learn.options import FitOptions
from synthohive.learn.private.budget import Budget
from synthohive.learn.private.counting import Asked
from synthohive.learn.private.domains import Counts
from synthohive.learn.private.joint import Drawn, Joint, Variable, learn_joint
from synthohive.learn.private.ledger import PrivacyLedger
from synthohive.learn.private.ranges import find_numbers, find_values
from synthohive.learn.private.refusals import check_possible, owners_of
from synthohive.learn.private.scales import scale_of
from synthohive.learn.private.settings import SETTINGS
from synthohive.learn.private.tables import Described, describe, made_rows
from synthohive.privacy.detect import detect_pii
from synthohive.schema import ForeignKey, Metadata, PrivacyConfig, TableConfig

__all__ = ["PrivateSource", "private_source"]

log = get_logger(__name__)
OFF = (
    "switched off: search for relations, personal data found by contents, look-up tables kept by "
    "what they hold, models of an unfinished fit kept",
    "not covered: reports that compare with real rows; who sees them sees more than the promise",
)


@dataclass(frozen=True)
class PrivateSource:
    """Rows in the place of the real ones, and what they cost.

    Attributes
    ----------
    reader : Reader
    options : FitOptions
        For learning from these rows as from any.
    ledger : PrivacyLedger
    """

    reader: Reader
    options: FitOptions
    ledger: PrivacyLedger


@dataclass
class _Above:
    """What is known of a table when the tables below it come."""

    units: IntArray  # of each real row; -1: of none
    rows: pa.Table  # real
    codes: dict[str, IntArray]  # of real rows
    rows_per_unit: float
    made: pa.Table
    drawn: dict[str, Drawn]


def private_source(reader: Reader, options: FitOptions) -> PrivateSource:
    """Ask all that may be asked of real rows, with noise, and make rows of the answers.

    Parameters
    ----------
    reader : Reader
    options : FitOptions
        With a unit, epsilon and delta.

    Raises
    ------
    PrivacyError
        Something cannot be done privately; no row was read.
    """
    metadata, privacy = reader.metadata, options.privacy
    check_possible(metadata, options)
    owners = owners_of(metadata, privacy)
    public = {name: _read(reader, name) for name in privacy.public}
    personal = {name: _personal(metadata, name, privacy) for name in owners}
    tables = {n: describe(metadata, owners, n, public, personal[n]) for n in owners}
    texts = sum(len(table.texts) for table in tables.values())
    wide = sum(table.size > 1 for table in tables.values())
    budget = Budget(privacy, texts, wide if privacy.training_share else 0)
    weights = {n: (1 if t.driver is None else 2) * max(t.size, 1) for n, t in tables.items()}
    whole = sum(weights.values())
    known: dict[str, _Above] = {}
    for name, table in tables.items():
        share = weights[name] / whole * (1 - SETTINGS.shares.units)
        known[name] = _learned(reader, budget, metadata, table, tables, known, public, share)
    made = {name: public.get(name, known[name].made if name in known else None)
            for name in metadata.tables}  # fmt: skip
    ledger = budget.close()
    ledger.notes += [f"public, and kept as they are: {', '.join(privacy.public) or 'no table'}"]
    ledger.notes += OFF
    log.info("privacy_spent", epsilon=ledger.spent, questions=len(ledger.entries))
    described = _described(metadata, owners)
    return PrivateSource(FrameReader(made, described), _options(options, personal), ledger)


def _options(options: FitOptions, personal: Mapping[str, Mapping[str, str]]) -> FitOptions:
    """Return the options for what is learned of noisy rows: nobody is left to be protected."""
    privacy = options.privacy.model_copy(
        update={
            "detect_pii": False,
            "pii_columns": {name: dict(kinds) for name, kinds in personal.items() if kinds},
            "k_anonymity_threshold": 1,
            "noise_seed": None,
        }
    )
    return replace(options, privacy=privacy, relations=False, unfinished=None)


def _described(metadata: Metadata, owners: Mapping[str, Optional[ForeignKey]]) -> Metadata:
    """Let public tables be kept, and no other."""
    copy = metadata.model_copy(deep=True)
    for name, config in copy.tables.items():
        config.reference = name not in owners
    return copy


def _read(reader: Reader, name: str) -> pa.Table:
    return pa.Table.from_batches(list(reader.read(name))).combine_chunks()


def _personal(metadata: Metadata, name: str, privacy: PrivacyConfig) -> dict[str, str]:
    """Return personal columns: as declared, and by names and types, without a look at rows."""
    config = metadata.tables[name]
    schema = pa.schema([pa.field(n, c.arrow_type) for n, c in config.stored.items()])
    if privacy.pii_strategy == "keep":
        return {}
    found = detect_pii(config, schema.empty_table(), privacy)
    foreign = {column for key in config.foreign_keys for column in key.columns}
    return {one.column: one.kind.value for one in found if one.column not in foreign}


def _learned(
    reader: Reader,
    budget: Budget,
    metadata: Metadata,
    table: Described,
    tables: Mapping[str, Described],
    known: Mapping[str, _Above],
    public: Mapping[str, pa.Table],
    share: float,
) -> _Above:
    """Ask about one table, and make its rows."""
    config, above = metadata.tables[table.name], None
    rows = _read(reader, table.name)
    parents: Optional[IntArray] = None
    units = np.arange(len(rows), dtype=np.int64)
    rows_per_unit = 1.0
    if table.driver is not None:
        above = known[table.driver.parent]
        parents = match_rows(rows, table.driver.columns, above.rows, table.driver.parent_columns)
        there = parents >= 0
        rows, parents = rows.filter(pa.array(there)), parents[there]  # others belong to no unit
        units = above.units[parents]
        rows_per_unit = above.rows_per_unit * _mean(above, table)
    shares = SETTINGS.shares
    scales = {c.name: scale_of(c, config.constraints.get(c.name)) for c in table.numbers}
    ranges = share * shares.ranges if scales else 0.0
    listed = table.listed
    values = share * shares.values if table.texts or listed else 0.0
    asked = Asked(budget, table.name, units, rows_per_unit)
    table.domains.update(find_numbers(asked, rows, scales, ranges))
    table.domains.update(find_values(asked, rows, table.texts, listed, values))
    codes = _codes(reader, table, rows)
    joint = _joint(asked, table, codes, above, parents, share - ranges - values, tables)
    real = _Real(units, codes, parents)
    made, drawn = _made(budget, table, tables, joint, real, above, config, public)
    return _Above(units, rows, codes, rows_per_unit, made, drawn)


def _mean(above: _Above, table: Described) -> float:
    """Return the children of a parent that has some, by the noisy numbers of children."""
    assert table.driver is not None
    codes = above.drawn[Described.count_of(table.name, table.driver)].codes
    numbers = Counts().starts[codes]
    return float(max(numbers[numbers > 0].mean(), 1.0)) if (numbers > 0).any() else 1.0


def _codes(reader: Reader, table: Described, rows: pa.Table) -> dict[str, IntArray]:
    found = {}
    for name, domain in table.domains.items():
        if not isinstance(domain, Counts):
            found[name] = domain.encode(rows.column(name).combine_chunks())
    for child, key in table.children:
        theirs = pa.Table.from_batches(list(reader.read(child, key.columns)))
        parents = match_rows(theirs, key.columns, rows, key.parent_columns)
        counts = np.bincount(parents[parents >= 0], minlength=len(rows))
        name = table.count_of(child, key)
        found[name] = table.domains[name].encode(counts)
    return found


def _joint(
    asked: Asked,
    table: Described,
    codes: Mapping[str, IntArray],
    above: Optional[_Above],
    parents: Optional[IntArray],
    share: float,
    tables: Mapping[str, Described],
) -> Joint:
    """Learn how columns go together, with those of the parent."""
    variables = [
        Variable(
            name,
            domain.size,
            codes[name],
            domain.places,
            long=isinstance(domain, Counts),
            holders=domain.holders,
        )
        for name, domain in table.domains.items()
    ]
    if above is not None and parents is not None and table.driver is not None:
        theirs = tables[table.driver.parent].domains
        variables += [
            Variable(_of_parent(n), d.size, above.codes[n][parents], d.places, given=True)
            for n, d in theirs.items()
        ]
    shares = SETTINGS.shares
    parts = (shares.single, shares.scores, shares.pairs, shares.edges)
    single, scores, pairs, edges = (share * part / sum(parts) for part in parts)
    return learn_joint(asked, variables, (single, scores, pairs, edges))


def _of_parent(name: str) -> str:
    return f"parent's {name}"


@dataclass(frozen=True)
class _Real:
    """The real rows of a table: their units, codes, and which row above each belongs to."""

    units: IntArray
    codes: Mapping[str, IntArray]
    parents: Optional[IntArray]


def _descended(
    budget: Budget,
    table: Described,
    tables: Mapping[str, Described],
    joint: Joint,
    real: _Real,
    above: Optional[_Above],
    given: dict[str, Drawn],
    drawn: dict[str, Drawn],
) -> dict[str, Drawn]:
    """Let a network learn the drawn rows, then the real ones by noisy steps, and draw anew."""
    from synthohive.models.autoregressive.descent import Codes, Descent, Secret, drawn_by_network

    count, made = len(real.units), len(next(iter(drawn.values())).codes)
    theirs = tables[table.driver.parent].domains if above is not None and table.driver else {}
    seen = np.empty((count, 0), dtype=np.int64)
    if theirs and above is not None:
        seen = np.stack([above.codes[name][real.parents] for name in theirs], axis=1)
    shown = [given[_of_parent(name)].codes for name in theirs]
    own, noise = Descent(), budget.noise
    units = made if above is None else len(above.made) / above.rows_per_unit
    multiplier = budget.descend(table.name, tuple(table.domains), own.clip, own.rate, own.steps)
    codes = drawn_by_network(
        [domain.size for domain in table.domains.values()],
        [domain.size for domain in theirs.values()],
        real.units,
        Codes(np.stack([real.codes[name] for name in table.domains], axis=1), seen),
        Codes(
            np.stack([one.codes for one in drawn.values()], axis=1),
            np.stack(shown, axis=1) if shown else np.empty((made, 0), dtype=np.int64),
        ),
        Secret(noise.rng, noise.normal, multiplier, units),
        own,
    )
    found = {name: codes[:, at] for at, name in enumerate(table.domains)}
    return joint.within(found, given, noise.rng)


def _made(
    budget: Budget,
    table: Described,
    tables: Mapping[str, Described],
    joint: Joint,
    real: _Real,
    above: Optional[_Above],
    config: TableConfig,
    public: Mapping[str, pa.Table],
) -> tuple[pa.Table, dict[str, Drawn]]:
    """Draw the rows of a table: as many units as noise says, and as many children as these have."""
    rng = budget.noise.rng
    given: dict[str, Drawn] = {}
    parents: Optional[tuple[pa.Table, IntArray]] = None
    if above is None or table.driver is None:
        exact = [np.array([len(real.units)], dtype=np.float64)]
        share = SETTINGS.shares.units
        noisy, _ = budget.ask(exact, 1.0, share, table.name, (), "how many units there are")
        number = max(round(float(noisy[0][0])), 1)
    else:
        name = Described.count_of(table.name, table.driver)
        theirs = above.drawn[name]
        children = Counts().decode(theirs.codes, theirs.within, rng)
        belong = np.repeat(np.arange(len(children)), children)
        parents, number = (above.made, belong), len(belong)
        given = {_of_parent(n): one.take(belong) for n, one in above.drawn.items()}
    drawn = joint.draw(number, list(table.domains), given, rng)
    if budget.training and len(table.domains) > 1 and number:
        drawn = _descended(budget, table, tables, joint, real, above, given, drawn)
    rows = made_rows(table, config.stored, drawn, parents, public, number, rng)
    return _once(rows, config.pk, drawn)


def _once(
    rows: pa.Table, pk: Sequence[str], drawn: dict[str, Drawn]
) -> tuple[pa.Table, dict[str, Drawn]]:
    """Leave out rows that repeat a primary key: its parts were drawn."""
    if not pk:
        return rows, drawn
    (codes,) = group_codes([rows], [list(pk)])
    first = np.unique(codes, return_index=True)[1]
    if len(first) == len(rows):
        return rows, drawn
    kept = np.sort(first)
    return rows.take(pa.array(kept)), {name: one.take(kept) for name, one in drawn.items()}
