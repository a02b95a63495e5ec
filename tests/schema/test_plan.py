"""Order, driving keys, and the mode of each further key."""

from __future__ import annotations

from typing import Any

from synthohive.schema import Column, ForeignKey, Metadata
from synthohive.schema.plan import RelationalPlan


def columns(*names: str, nullable: tuple[str, ...] = ()) -> dict[str, Column]:
    return {n: Column(name=n, kind="integer", nullable=n in nullable) for n in names}


def key(cols: str, parent: str, parent_cols: str) -> ForeignKey:
    return ForeignKey(columns=cols.split(), parent=parent, parent_columns=parent_cols.split())


def plan(metadata: Metadata, **rows: int) -> RelationalPlan:
    return RelationalPlan.build(metadata, {n: rows.get(n, 100) for n in metadata.tables})


def modes(found: RelationalPlan, table: str) -> dict[str, str]:
    return {
        "+".join(link.key.columns): link.role
        for link in found.tables[table].links
        if link.role not in ("driving", "self")
    }


def tpch() -> Metadata:
    metadata = Metadata()
    metadata.add_table("part", "p", columns=columns("p"))
    metadata.add_table("supplier", "s", columns=columns("s"))
    metadata.add_table(
        "partsupp", ["p", "s"], columns=columns("p", "s"), fk={"p": "part.p", "s": "supplier.s"}
    )
    metadata.add_table("orders", "o", columns=columns("o"))
    keys: list[Any] = [
        key("o", "orders", "o"),
        key("p s", "partsupp", "p s"),
        key("p", "part", "p"),
    ]
    metadata.add_table("line", ["o", "n"], columns=columns("o", "n", "p", "s"), foreign_keys=keys)
    return metadata


def test_key_in_the_primary_key_drives_and_wide_keys_imply_narrow_ones() -> None:
    found = plan(tpch(), part=2000)
    line = found.tables["line"]
    assert line.driver is not None
    assert line.driver.parent == "orders"
    assert modes(found, "line") == {"p+s": "free", "p": "implied"}
    assert found.tables["partsupp"].driver == key("p", "part", "p")  # more rows explain more
    assert found.order.index("partsupp") < found.order.index("line")
    assert line.ancestors == ("orders",)
    assert found.tables["orders"].children == (("line", line.driver),)


def test_keys_that_share_a_column_are_chosen_within_it() -> None:
    metadata = Metadata().add_table("tenant", "t", columns=columns("t"))
    for name in ("user", "item"):
        metadata.add_table(name, ["t", "id"], columns=columns("t", "id"), fk={"t": "tenant.t"})
    metadata.add_table(
        "sale",
        ["t", "id"],
        columns=columns("t", "id", "u", "i"),
        foreign_keys=[
            key("t u", "user", "t id"), key("t i", "item", "t id"), key("t", "tenant", "t")
        ],
    )  # fmt: skip
    found = plan(metadata)
    assert found.tables["sale"].driver == key("t u", "user", "t id")
    assert modes(found, "sale") == {"t+i": "grouped", "t": "implied"}
    assert found.tables["sale"].of("free", "grouped", "implied")[0].shared == (("t", "t"),)


def test_self_reference_is_a_hierarchy_and_never_drives() -> None:
    metadata = Metadata().add_table(
        "staff", "id", columns=columns("id", "boss", nullable=("boss",)), fk={"boss": "staff.id"}
    )
    found = plan(metadata)
    assert found.tables["staff"].driver is None
    assert found.tables["staff"].keys("self") == [key("boss", "staff", "id")]


def test_cycle_breaks_at_the_nullable_key() -> None:
    metadata = Metadata()
    metadata.add_table("a", "id", columns=columns("id", "b"), fk={"b": "b.id"})
    metadata.add_table("b", "id", columns=columns("id", "a", nullable=("a",)), fk={"a": "a.id"})
    found = plan(metadata)
    assert found.order == ("b", "a")
    assert modes(found, "b") == {"a": "deferred"}
    assert found.tables["b"].driver is None


def test_cycle_without_nullable_key_is_still_ordered() -> None:
    metadata = Metadata()
    metadata.add_table("a", "id", columns=columns("id", "b"), fk={"b": "b.id"})
    metadata.add_table("b", "id", columns=columns("id", "a"), fk={"a": "a.id"})
    found = plan(metadata)
    assert sorted(found.order) == ["a", "b"]
    assert sum(len(t.of("deferred")) for t in found.tables.values()) == 1


def test_two_keys_to_one_parent_stay_apart_and_not_null_drives() -> None:
    metadata = Metadata().add_table("team", "id", columns=columns("id"))
    metadata.add_table(
        "game",
        "id",
        columns=columns("id", "home", "away", nullable=("home",)),
        fk={"home": "team.id", "away": "team.id"},
    )
    found = plan(metadata)
    assert found.tables["game"].driver == key("away", "team", "id")
    assert modes(found, "game") == {"home": "free"}
    assert "free: game(home) -> team(id)" in str(found)


def test_crowds_without_time_are_no_groups() -> None:
    for kind, driver in (("integer", "album"), ("timestamp", "medium")):
        metadata = Metadata().add_table("medium", "id", columns=columns("id"))
        metadata.add_table("album", "id", columns=columns("id"))
        own = columns("id", "album", "medium", "x", nullable=("album",))
        own["x"] = Column(name="x", kind=kind)
        keys = {"album": "album.id", "medium": "medium.id"}
        metadata.add_table("track", "id", columns=own, fk=keys)
        found = plan(metadata, medium=3, album=160, track=900).tables["track"].driver
        assert found is not None
        assert found.parent == driver


def test_a_cycle_breaks_where_parents_are_of_the_own_row() -> None:
    """A captain is one of the team's players: who has its code from the team gives it none."""
    for nullable in ((), ("captain",)):
        metadata = Metadata()
        metadata.add_table(
            "team",
            "code",
            columns=columns("code", "captain", nullable=nullable),
            foreign_keys=[key("code captain", "player", "team id")],
        )
        metadata.add_table("player", "id", columns=columns("id", "team"), fk={"team": "team.code"})
        found = plan(metadata)
        assert found.order == ("team", "player")
        (link,) = found.tables["team"].of("deferred")
        assert link.shared == (("code", "team"),)
        assert found.tables["team"].filled == {"captain"}
        assert found.tables["player"].driver == key("team", "team", "code")


def test_a_key_that_changes_along_series_drives_only_where_no_other_can() -> None:
    metadata = Metadata().add_table("machine", "id").add_table("operator", "id")
    metadata.add_table("event", "id", fk={"machine": "machine.id", "operator": "operator.id"})
    metadata.add_table("shift", "id", fk={"operator": "operator.id"})
    for name in ("event", "shift"):
        keys = metadata.tables[name].foreign_keys
        keys[-1] = keys[-1].model_copy(update={"drives": False})
    found = plan(Metadata.from_json(metadata.to_json()), machine=5, operator=90)
    drivers = [found.tables[name].driver for name in ("event", "shift")]
    assert [key.parent for key in drivers if key is not None] == ["machine", "operator"]


def test_what_rows_follow_one_another_by_is_drawn_with_them() -> None:
    """A player's years drive, and a team is one of the row's year."""
    metadata = Metadata()
    metadata.add_table("player", "p", columns=columns("p"))
    text = Column(name="team", kind="text")
    season = {**columns("year"), "team": text}
    metadata.add_table("season", ["year", "team"], columns=season)
    keys = [key("p", "player", "p"), key("year team", "season", "year team")]
    own = {**columns("p", "year", "n"), "team": text}
    for name, pk in (("played", ["p", "year", "n"]), ("paid", ["year", "team", "p"])):
        metadata.add_table(name, pk, columns=own, foreign_keys=keys)
        table = plan(metadata).tables[name]
        assert table.driver == keys[0]
        assert modes(plan(metadata), name) == {"year+team": "grouped"}
        assert table.asked == {"year"}
        assert table.filled == {"p", "team"}
