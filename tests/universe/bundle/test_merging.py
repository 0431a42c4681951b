"""A bundle joins a universe that is there: slot by slot, and nothing is lost unasked."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from tests.universe.bundle.conftest import SOURCE, files_of

from batos.errors import BundleRefused, ImportConflict
from batos.kernel.message import Message
from batos.kernel.method import Method
from batos.kernel.mirror import mirror
from batos.kernel.values import plain
from batos.universe.awakening import Mind, awaken
from batos.universe.bundle.exporting import export_universe
from batos.universe.bundle.importing import import_bundle
from batos.universe.journal import Journal, Proposal, State
from batos.universe.universe import Universe, open_universe

Change = Callable[..., None]


@pytest.fixture
def other(tmp_path: Path, mind: Mind) -> Iterator[Universe]:
    """Another universe, with another mind."""
    awaken(tmp_path / "other.universe", mind)
    other = open_universe(tmp_path / "other.universe")
    yield other
    other.close()


@pytest.fixture
def bundle(universe: Universe, change: Change, tmp_path: Path) -> Path:
    """An account with a friend, as a bundle."""
    change("account", balance=100, tags=["a", "b"], double=Method(SOURCE, {"by": "ann"}))
    with universe.transaction() as root:
        root["account"].friend = root["genesis_obj"].clone(owes=7)
    export_universe(universe, tmp_path / "bundle", ["account"])
    return tmp_path / "bundle"


def put(universe: Universe, **slots: object) -> None:
    with universe.transaction() as root:
        root["account"] = root["genesis_obj"].clone(**slots)


def data_file(universe: Universe) -> bytes:
    return (universe.path / "Data.fs").read_bytes()


def test_an_object_moves_into_a_universe_with_another_mind(
    other: Universe, bundle: Path, tmp_path: Path
) -> None:
    imported = import_bundle(other, bundle, "ann")

    assert imported.new_objects == ("account", "account.friend")
    with other.transaction() as root:
        assert mirror(root["account"]).parents() == (root["genesis_obj"],)
        assert root["account"].friend.owes == 7
    export_universe(other, tmp_path / "again", ["account"])
    assert files_of(bundle) == files_of(tmp_path / "again")
    moment = other.log(1)[0]
    assert (moment.note, moment.user, moment.lasts) == ("import bundle", "ann", False)


def test_importing_again_changes_nothing(other: Universe, bundle: Path) -> None:
    import_bundle(other, bundle)
    before = data_file(other)

    imported = import_bundle(other, bundle)

    assert not imported.changes
    assert imported.equal == 8  # seven slots, and the name
    assert data_file(other) == before


def test_an_import_is_one_transaction_that_can_be_undone(other: Universe, bundle: Path) -> None:
    import_bundle(other, bundle)

    other.undo(None)

    with other.transaction() as root:
        assert "account" not in root


def test_new_slots_are_added_and_those_that_only_the_universe_has_stay(
    other: Universe, bundle: Path
) -> None:
    put(other, balance=100, mine="stays")

    imported = import_bundle(other, bundle)

    assert imported.new_slots == ("account tags", "account double", "account friend")
    with other.transaction() as root:
        assert plain(root["account"].tags) == ["a", "b"]
        assert root["account"].mine == "stays"


def test_what_differs_is_a_conflict_and_nothing_changes(other: Universe, bundle: Path) -> None:
    put(other, balance=7, tags=["a", "c"])
    before = data_file(other)

    with pytest.raises(ImportConflict) as caught:
        import_bundle(other, bundle)

    shown = [(it.object, it.slot, it.here, it.there) for it in caught.value.conflicts]
    assert shown == [
        ("account", "balance", "7", "100"),
        ("account", "tags", '["a","c"]', '["a","b"]'),
    ]
    assert data_file(other) == before


@pytest.mark.parametrize(("prefer", "balance"), [("ours", 7), ("theirs", 100)])
def test_who_counts_can_be_said(
    other: Universe, bundle: Path, prefer: str, balance: int
) -> None:
    put(other, balance=7)

    import_bundle(other, bundle, prefer=prefer)  # type: ignore[arg-type]

    with other.transaction() as root:
        assert root["account"].balance == balance
        assert root["account"].friend.owes == 7


def test_a_dry_run_shows_everything_and_changes_nothing(other: Universe, bundle: Path) -> None:
    put(other, balance=7)
    before = data_file(other)

    imported = import_bundle(other, bundle, dry_run=True)

    assert imported.new_objects == ("account.friend",)
    assert len(imported.conflicts) == 1
    assert data_file(other) == before


def test_a_method_is_its_source_wherever_it_is_from(other: Universe, bundle: Path) -> None:
    put(other, double=Method(SOURCE, {"by": "the mind"}))

    imported = import_bundle(other, bundle)

    assert imported.conflicts == ()
    with other.transaction() as root:
        assert mirror(root["account"]).method("double").provenance == {"by": "the mind"}


def test_shared_containers_are_compared_by_what_they_hold(
    universe: Universe, other: Universe, change: Change, tmp_path: Path
) -> None:
    tags = ["a", "b"]
    change("account", tags=tags, pair=(tags, tags))
    with universe.transaction() as root:
        account = root["account"]
        account.tags = account.pair[0]
    export_universe(universe, tmp_path / "bundle", ["account"])
    put(other, tags=["a", "b"])

    imported = import_bundle(other, tmp_path / "bundle")

    assert imported.conflicts == ()
    with other.transaction() as root:
        assert root["account"].pair[0] is root["account"].pair[1]


@pytest.mark.parametrize("prefer", [None, "theirs"])
def test_primordials_never_change(
    universe: Universe, other: Universe, tmp_path: Path, prefer: str | None
) -> None:
    with universe.transaction() as root:
        mirror(root["traits_obj"]).set("evil", Method(SOURCE, {}))
    export_universe(universe, tmp_path / "bundle")
    before = data_file(other)

    with pytest.raises(ImportConflict, match="Primordials never change") as caught:
        import_bundle(other, tmp_path / "bundle", prefer=prefer)  # type: ignore[arg-type]

    assert ("traits_obj", "evil") in {(it.object, it.slot) for it in caught.value.conflicts}
    assert data_file(other) == before
    import_bundle(other, tmp_path / "bundle", prefer="ours")
    with other.transaction() as root:
        assert not mirror(root["traits_obj"]).understands("evil")


def test_a_whole_universe_can_join_itself(full: Universe, tmp_path: Path) -> None:
    export_universe(full, tmp_path / "bundle")
    before = data_file(full)

    imported = import_bundle(full, tmp_path / "bundle")

    assert not imported.changes
    assert imported.conflicts == ()
    assert imported.entries == 0
    assert data_file(full) == before


def test_a_name_is_taken_for_a_name_whatever_its_file_is_called(
    other: Universe, bundle: Path
) -> None:
    with other.transaction() as root:
        root["Account"] = root["genesis_obj"].clone()
        root["account"] = root["genesis_obj"].clone(balance=100)

    imported = import_bundle(other, bundle)

    assert imported.conflicts == ()
    assert imported.new_objects == ("account.friend",)


def test_imported_proposals_get_numbers_of_their_own_and_no_approval(
    universe: Universe, other: Universe, tmp_path: Path
) -> None:
    theirs, ours = Journal(universe, "eve"), Journal(other, "ann")
    theirs.record(Proposal("k", "account", "double", SOURCE, {}), Message("double"))
    theirs.decide(1, State.APPROVED)
    ours.record(Proposal("other", "account", "halve", SOURCE, {}), Message("halve"))
    export_universe(universe, tmp_path / "bundle")

    first = import_bundle(other, tmp_path / "bundle", prefer="ours")
    again = import_bundle(other, tmp_path / "bundle", prefer="ours")

    assert (first.entries, again.entries) == (1, 0)
    assert [(it.id, it.selector, it.state) for it in ours.list()] == [
        (1, "halve", State.PROPOSED),
        (2, "double", State.PROPOSED),
    ]
    assert [it.id for it in ours.answers("k")] == [2]


def test_a_bundle_of_some_objects_makes_no_universe(bundle: Path, tmp_path: Path) -> None:
    from batos.universe.bundle.importing import rebuild

    with pytest.raises(BundleRefused, match="some objects only"):
        rebuild(tmp_path / "new.universe", bundle)

    assert not (tmp_path / "new.universe").exists()
