"""One fitted table as files: ``table.json``, ``arrays.npz``, ``reference.parquet``, ``model/``."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import Any, Optional

import numpy as np
import numpy.typing as npt
import pyarrow.parquet as pq

from synthohive._components import read_arrays, read_json, read_rows
from synthohive.core.data.base import EncoderSettings
from synthohive.core.data.encoded import Layout
from synthohive.core.data.table import TableEncoder
from synthohive.core.models.base import ConditionalGenerativeModel
from synthohive.privacy.fake import FakeColumn
from synthohive.privacy.kinds import PiiKind
from synthohive.relational import aggregates
from synthohive.relational.aliases.alias import Alias
from synthohive.relational.aliases.namesake import Namesake
from synthohive.relational.fan_out import FanOutModel
from synthohive.relational.fitted import FittedKey, FittedTable, ReferenceRows
from synthohive.relational.hierarchy import HierarchyModel
from synthohive.relational.joint_counts import JointCounts
from synthohive.relational.keys import maker_from_state
from synthohive.relational.parents.key_rules import rule_from_state, rule_to_state
from synthohive.relational.parents.pair_shares import PairShares
from synthohive.relational.parents.parent_codes import ParentCodes
from synthohive.relational.relations.order import Order
from synthohive.relational.relations.table import TableRelations
from synthohive.relational.roles import Roles
from synthohive.relational.stand_ins import StandIns
from synthohive.schema import Column, TableConfig
from synthohive.validation.profile import TableProfile

__all__ = ["read_table", "write_table"]

Arrays = dict[str, npt.NDArray[Any]]


class _Pack:
    """Collects components, each a JSON-able dict and named arrays."""

    def __init__(self) -> None:
        self.state: dict[str, Any] = {}
        self.arrays: Arrays = {}

    def put(self, name: str, component: Optional[tuple[dict[str, Any], Arrays]]) -> None:
        if component is not None:
            self.state[name], arrays = component
            self.arrays.update({f"{name}/{key}": array for key, array in arrays.items()})

    def get(self, name: str) -> tuple[dict[str, Any], Arrays]:
        prefix = f"{name}/"
        arrays = {k[len(prefix) :]: a for k, a in self.arrays.items() if k.startswith(prefix)}
        return self.state[name], arrays


def write_table(table: FittedTable, folder: Path) -> None:
    """Write one table into an empty folder."""
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
    pack.state["makers"] = {c: maker.to_state() for c, maker in table.makers.items()}
    pack.state["keys"] = {
        label: {"fan_out": key.fan_out.to_state(), "null_share": key.null_share}
        for label, key in table.keys.items()
    }
    pack.state["fakes"] = list(table.fakes)
    for number, fake in enumerate(table.fakes.values()):
        pack.put(f"fake{number}", fake.to_state())
    if table.hierarchy is not None:
        pack.state["hierarchy"] = table.hierarchy.to_state()
    if table.profile is not None:
        pack.state["profile"] = table.profile.to_state()
    if table.encoder is not None:
        pack.put("encoder", table.encoder.to_state())
        pack.state["encoder_columns"] = [
            c.model_dump(mode="json", exclude_defaults=True) for c in table.encoder.columns.values()
        ]
        settings = asdict(table.encoder.settings)
        settings["high_cardinality"] = sorted(settings["high_cardinality"])
        pack.state["encoder_settings"] = settings
    if table.reference is not None:
        _write_reference(table.reference, pack, folder)
    if table.model is not None:
        (folder / "model").mkdir()
        table.model.save(folder / "model")
    (folder / "table.json").write_text(json.dumps(pack.state), encoding="utf-8")
    arrays: dict[str, Any] = pack.arrays
    np.savez_compressed(folder / "arrays.npz", **arrays)


def _write_reference(reference: ReferenceRows, pack: _Pack, folder: Path) -> None:
    pq.write_table(reference.rows, folder / "reference.parquet")
    arrays: Arrays = dict(reference.preferences)
    pack.put("preferences", ({}, arrays))
    if reference.parents is not None:
        pack.put("reference_parents", ({}, {"rows": reference.parents}))


def read_table(
    config: TableConfig, folder: Path, model: type[ConditionalGenerativeModel]
) -> FittedTable:
    """Read what :func:`write_table` wrote."""
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
        joint_counts=JointCounts.from_state(state["joint_counts"]),
        bounds={label: [Order.from_state(o) for o in s] for label, s in state["bounds"].items()},
        key_rules=[rule_from_state(s) for s in state["key_rules"]],
        aliases={s["target"]: Alias.from_state(s) for s in state["aliases"]},
        namesakes={s["target"]: Namesake.from_state(s) for s in state["namesakes"]},
    )
    table.makers = {c: maker_from_state(config.columns[c], s) for c, s in state["makers"].items()}
    table.keys = {
        label: FittedKey(FanOutModel.from_state(s["fan_out"]), s["null_share"])
        for label, s in state["keys"].items()
    }
    table.fakes = {
        c: FakeColumn.from_state(*pack.get(f"fake{i}")) for i, c in enumerate(state["fakes"])
    }
    if "hierarchy" in state:
        table.hierarchy = HierarchyModel.from_state(state["hierarchy"])
    if "profile" in state:
        table.profile = TableProfile.from_state(state["profile"])
    if "encoder" in state:
        table.encoder = _read_encoder(pack)
    if (folder / "reference.parquet").exists():
        table.reference = _read_reference(pack, folder)
    if (folder / "model").is_dir():
        table.model = model.load(folder / "model")
    return table


def _kinds(personal: dict[str, str]) -> dict[str, PiiKind]:
    return {column: PiiKind(kind) for column, kind in personal.items()}


def _read_encoder(pack: _Pack) -> TableEncoder:
    columns = {c["name"]: Column.model_validate(c) for c in pack.state["encoder_columns"]}
    settings = dict(pack.state["encoder_settings"])
    settings["high_cardinality"] = frozenset(settings["high_cardinality"])
    return TableEncoder.from_state(columns, EncoderSettings(**settings), *pack.get("encoder"))


def _read_reference(pack: _Pack, folder: Path) -> ReferenceRows:
    parents = pack.get("reference_parents")[1] if "reference_parents" in pack.state else {}
    return ReferenceRows(
        read_rows(folder / "reference.parquet"),
        pack.get("preferences")[1],
        parents.get("rows"),
    )
