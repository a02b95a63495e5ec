"""One fitted table as files: ``table.json``, ``arrays.npz``, ``reference.parquet``, ``model/``."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import Any, Optional

import numpy as np
import numpy.typing as npt
import pyarrow.parquet as pq

from synthohive._components import check_same, read_arrays, read_json, read_rows
from synthohive.core.data.base import EncoderSettings
from synthohive.core.data.encoded import Layout
from synthohive.core.data.table import TableEncoder
from synthohive.core.models.base import ConditionalGenerativeModel
from synthohive.metrics.profile import TableProfile
from synthohive.privacy.fake import FakeColumn
from synthohive.privacy.kinds import PiiKind
from synthohive.relational import aggregates
from synthohive.relational.aliases.alias import Alias
from synthohive.relational.aliases.given import Given
from synthohive.relational.aliases.namesake import Namesake
from synthohive.relational.fan_out import FanOutModel
from synthohive.relational.fitted import FittedKey, FittedTable, ReferenceRows
from synthohive.relational.hierarchy import HierarchyModel
from synthohive.relational.joint_counts import JointCounts
from synthohive.relational.keys import maker_from_state
from synthohive.relational.parents.key_rules import rule_from_state, rule_to_state
from synthohive.relational.parents.pair_shares import PairShares
from synthohive.relational.parents.parent_codes import ParentCodes
from synthohive.relational.periods import Periods
from synthohive.relational.relations.order import Order
from synthohive.relational.relations.table import TableRelations
from synthohive.relational.roles import Roles
from synthohive.relational.stand_ins import StandIns
from synthohive.schema import Column, TableConfig

__all__ = ["read_table", "write_table"]

Arrays = dict[str, npt.NDArray[Any]]


class _Pack:
    """Collects components, each a JSON-able dict and named arrays."""

    def __init__(self) -> None:
        self.state: dict[str, Any] = {}
        self.arrays: Arrays = {}

    def put(self, name: str, component: Optional[tuple[dict[str, Any], Arrays]]) -> None:
        self.state[name], arrays = (None, {}) if component is None else component
        self.arrays.update({f"{name}/{key}": array for key, array in arrays.items()})

    def get(self, name: str) -> tuple[dict[str, Any], Arrays]:
        prefix = f"{name}/"
        arrays = {k[len(prefix) :]: a for k, a in self.arrays.items() if k.startswith(prefix)}
        return self.state[name], arrays


def write_table(table: FittedTable, folder: Path) -> None:
    """Write one table into an empty folder."""
    pack = _packed(table)
    if table.reference is not None:
        pq.write_table(table.reference.rows, folder / "reference.parquet")
    if table.model is not None:
        (folder / "model").mkdir()
        table.model.save(folder / "model")
    (folder / "table.json").write_text(json.dumps(pack.state), encoding="utf-8")
    arrays: dict[str, Any] = pack.arrays
    np.savez_compressed(folder / "arrays.npz", **arrays)


def _packed(table: FittedTable) -> _Pack:
    """Return what a table's files but its model and its rows hold."""
    pack = _Pack()
    pack.state["rows"] = table.rows
    pack.state["roles"] = asdict(table.roles)
    pack.state["largest_group"] = table.largest_group
    pack.state["siblings"] = table.siblings
    pack.state["stand_ins"] = table.stand_ins.to_state()
    pack.state["context_layout"] = table.context_layout.to_dict()
    pack.state["misread_checks"] = table.misread_checks
    pack.state["relations"] = table.relations.to_state()
    pack.state["linked"] = {label: found.to_state() for label, found in table.linked.items()}
    pack.state["aggregates"] = [aggregates.to_state(aggregate) for aggregate in table.aggregates]
    pack.state["codes"] = {label: codes.to_state() for label, codes in table.codes.items()}
    pack.state["pair_shares"] = {
        label: shares.to_state() for label, shares in table.pair_shares.items()
    }
    pack.state["joint_counts"] = table.joint_counts.to_state()
    pack.state["bounds"] = {
        label: [order.to_state() for order in found] for label, found in table.bounds.items()
    }
    pack.state["key_rules"] = [rule_to_state(rule) for rule in table.key_rules]
    pack.state["aliases"] = [alias.to_state() for alias in table.aliases.values()]
    pack.state["namesakes"] = [one.to_state() for one in table.namesakes.values()]
    pack.state["given"] = [one.to_state() for one in table.given]
    pack.state["periods"] = [one.to_state() for one in table.periods]
    pack.state["makers"] = {c: maker.to_state() for c, maker in table.makers.items()}
    pack.state["keys"] = {
        label: {"fan_out": key.fan_out.to_state(), "null_share": key.null_share}
        for label, key in table.keys.items()
    }
    pack.state["fakes"] = list(table.fakes)
    for number, fake in enumerate(table.fakes.values()):
        pack.put(f"fake{number}", fake.to_state())
    hierarchy, profile, encoder = table.hierarchy, table.profile, table.encoder
    pack.state["hierarchy"] = None if hierarchy is None else hierarchy.to_state()
    pack.state["profile"] = None if profile is None else profile.to_state()
    pack.put("encoder", None if encoder is None else encoder.to_state())
    if encoder is not None:
        pack.state["encoder_columns"] = [
            c.model_dump(mode="json") for c in encoder.columns.values()
        ]
        settings = asdict(encoder.settings)
        settings["high_cardinality"] = sorted(settings["high_cardinality"])
        pack.state["encoder_settings"] = settings
    _pack_reference(table.reference, pack)
    pack.state["model"] = table.model is not None
    pack.state["arrays"] = sorted(pack.arrays)
    return pack


def _pack_reference(reference: Optional[ReferenceRows], pack: _Pack) -> None:
    parents = None if reference is None else reference.parents
    pack.put("preferences", None if reference is None else ({}, dict(reference.preferences)))
    pack.put("reference_parents", None if parents is None else ({}, {"rows": parents}))


def read_table(
    config: TableConfig, folder: Path, model: type[ConditionalGenerativeModel]
) -> FittedTable:
    """Read what :func:`write_table` wrote.

    What is read must be what would be written: no field that is missing gets a default.

    Raises
    ------
    ValueError
    """
    pack = _Pack()
    pack.state = read_json(folder / "table.json")
    pack.arrays = read_arrays(folder / "arrays.npz")
    state = pack.state
    roles = state["roles"]
    table = FittedTable(
        config,
        state["rows"],
        Roles(
            tuple(roles["foreign"]),
            _kinds(roles["personal"]),
            tuple(roles["key"]),
            tuple(roles["attributes"]),
        ),
        largest_group=state["largest_group"],
        siblings=state["siblings"],
        stand_ins=StandIns.from_state(state["stand_ins"]),
        misread_checks=state["misread_checks"],
        context_layout=Layout.from_dict(state["context_layout"]),
        relations=TableRelations.from_state(state["relations"]),
        linked={label: TableRelations.from_state(s) for label, s in state["linked"].items()},
        aggregates=[aggregates.from_state(a) for a in state["aggregates"]],
        codes={label: ParentCodes.from_state(s) for label, s in state["codes"].items()},
        pair_shares={label: PairShares.from_state(s) for label, s in state["pair_shares"].items()},
        periods=[Periods.from_state(one) for one in state["periods"]],
        joint_counts=JointCounts.from_state(state["joint_counts"]),
        bounds={label: [Order.from_state(o) for o in s] for label, s in state["bounds"].items()},
        key_rules=[rule_from_state(s) for s in state["key_rules"]],
        aliases={s["target"]: Alias.from_state(s) for s in state["aliases"]},
        namesakes={s["target"]: Namesake.from_state(s) for s in state["namesakes"]},
        given=[Given.from_state(s) for s in state["given"]],
    )
    table.makers = {c: maker_from_state(config.columns[c], s) for c, s in state["makers"].items()}
    table.keys = {
        label: FittedKey(FanOutModel.from_state(s["fan_out"]), s["null_share"])
        for label, s in state["keys"].items()
    }
    table.fakes = {
        c: FakeColumn.from_state(*pack.get(f"fake{i}")) for i, c in enumerate(state["fakes"])
    }
    if state["hierarchy"] is not None:
        table.hierarchy = HierarchyModel.from_state(state["hierarchy"])
    if state["profile"] is not None:
        table.profile = TableProfile.from_state(state["profile"])
    if state["encoder"] is not None:
        table.encoder = _read_encoder(pack)
    if state["preferences"] is not None:
        table.reference = _read_reference(pack, folder)
    if state["model"]:
        table.model = model.load(folder / "model")
    check_same(state, json.loads(json.dumps(_packed(table).state)))
    return table


def _kinds(personal: dict[str, str]) -> dict[str, PiiKind]:
    return {column: PiiKind(kind) for column, kind in personal.items()}


def _read_encoder(pack: _Pack) -> TableEncoder:
    columns = {c["name"]: Column.model_validate(c) for c in pack.state["encoder_columns"]}
    settings = dict(pack.state["encoder_settings"])
    settings["high_cardinality"] = frozenset(settings["high_cardinality"])
    return TableEncoder.from_state(columns, EncoderSettings(**settings), *pack.get("encoder"))


def _read_reference(pack: _Pack, folder: Path) -> ReferenceRows:
    parents = {} if pack.state["reference_parents"] is None else pack.get("reference_parents")[1]
    return ReferenceRows(
        read_rows(folder / "reference.parquet"),
        pack.get("preferences")[1],
        parents.get("rows"),
    )
