"""Bringing old states back."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from BTrees.OOBTree import OOBTree, OOTreeSet

from batos.errors import NoSuchMoment, RestoreRefused, UndoConflict
from batos.kernel.method import Method
from batos.kernel.mirror import mirror
from batos.kernel.shared import Counter, Queue
from batos.universe.blobs import import_weights, path_of
from batos.universe.restoring import restore
from batos.universe.universe import Universe

Write = Callable[..., str]
Read = Callable[[str, str], object]


def test_an_object_is_again_as_it_was_and_the_log_says_so(
    universe: Universe, write: Write, read: Read
) -> None:
    tid = write("account", balance=1, entries=[1])
    write("account", balance=2, entries=[2], extra=3)

    changes = restore(universe, "account", tid, user="ann")

    assert {(c.slot, c.before, c.after) for c in changes} == {
        ("balance", "2", "1"),
        ("entries", "[2]", "[1]"),
        ("extra", "3", None),
    }
    assert (read("account", "balance"), read("account", "entries")) == (1, [1])
    moment = universe.log(1)[0]
    assert (moment.user, moment.note) == ("ann", f"restore: account as of {tid}")


def test_a_change_that_cannot_be_undone_can_be_restored(
    universe: Universe, write: Write, read: Read
) -> None:
    tid = write("account", balance=1)
    for balance in (2, 3, 4):
        write("account", balance=balance)

    restore(universe, "account", tid)

    assert read("account", "balance") == 1
    universe.undo(None)
    assert read("account", "balance") == 4


def test_a_restored_slot_has_the_annotation_that_it_had(
    universe: Universe, write: Write
) -> None:
    write("account", balance=1)
    with universe.transaction() as root:
        mirror(root["account"]).set("rate", 1, "a year", "Ann")
    tid = universe.log(1)[0].tid
    with universe.transaction() as root:
        created = mirror(root["account"]).slot("rate").created
        mirror(root["account"]).remove("rate")
        mirror(root["account"]).annotate("balance", "later")

    restore(universe, "account", tid)

    with universe.transaction() as root:
        slot = mirror(root["account"]).slot("rate")
        assert (slot.comment, slot.by, slot.created) == ("a year", "Ann", created)
        assert mirror(root["account"]).slot("balance").comment == ""


def test_only_the_named_slots_are_restored(
    universe: Universe, write: Write, read: Read
) -> None:
    tid = write("account", balance=1, owner="ann")
    write("account", balance=2, owner="bob", extra=3)

    restore(universe, "account", tid, ["owner", "extra"])

    assert (read("account", "balance"), read("account", "owner")) == (2, "ann")
    with universe.transaction() as root:
        assert "extra" not in mirror(root["account"]).slots()


def test_what_is_as_it_was_is_not_written(universe: Universe, write: Write) -> None:
    tid = write("account", balance=1, entries=[[1]])
    before = universe.log()

    assert restore(universe, "account", tid) == ()
    assert universe.log() == before


def test_a_name_that_was_taken_away_comes_back_as_the_same_object(
    universe: Universe, write: Write, read: Read
) -> None:
    tid = write("account", balance=1)
    with universe.transaction("refer") as root:
        root["friend"] = root["genesis_obj"].clone(of=root["account"])
    with universe.transaction("close") as root:
        del root["account"]

    restore(universe, "account", tid)

    with universe.transaction() as root:
        assert root["account"].balance == 1
        assert root["friend"].of is root["account"]


def test_an_object_whose_creation_was_undone_comes_back(
    universe: Universe, write: Write, read: Read
) -> None:
    tid = write("account", balance=1, entries=[1])
    universe.undo(None)

    restore(universe, "account", tid)

    assert (read("account", "balance"), read("account", "entries")) == (1, [1])


def test_a_reference_to_what_is_gone_is_refused_and_changes_nothing(
    universe: Universe, write: Write, read: Read
) -> None:
    write("account", balance=1)
    with universe.transaction("friend") as root:
        root["account"].friend = root["genesis_obj"].clone()
    tid = universe.log(1)[0].tid
    universe.undo(None)
    write("account", balance=2)

    with pytest.raises(RestoreRefused, match="which is gone"):
        restore(universe, "account", tid)

    assert read("account", "balance") == 2
    assert [c.slot for c in restore(universe, "account", tid, ["balance"])] == ["balance"]


def test_a_method_comes_back_with_its_provenance(universe: Universe, write: Write) -> None:
    write("account")
    with universe.transaction("teach") as root:
        root["account"].answer = Method("def answer(self):\n    return 1", {"by": "ann"})
    tid = universe.log(1)[0].tid
    with universe.transaction("unlearn") as root:
        del root["account"].answer

    restore(universe, "account", tid)

    with universe.transaction() as root:
        assert mirror(root["account"]).method("answer").provenance == {"by": "ann"}


def test_what_two_slots_share_they_share_again(universe: Universe, write: Write) -> None:
    write("account")
    with universe.transaction("share") as root:
        root["account"].a = [1]
        root["account"].b = root["account"].a
    tid = universe.log(1)[0].tid
    write("account", a=0, b=0)

    restore(universe, "account", tid)

    with universe.transaction() as root:
        assert root["account"].a is root["account"].b


def test_a_copy_is_not_tied_to_what_it_was_copied_from(
    universe: Universe, write: Write, read: Read
) -> None:
    tid = write("account", entries=[1])
    with universe.transaction("keep") as root:
        root["keeper"] = root["genesis_obj"].clone(entries=root["account"].entries)
    write("account", entries=[9])
    restore(universe, "account", tid)
    with universe.transaction("append") as root:
        root["account"].entries.append(2)

    assert (read("account", "entries"), read("keeper", "entries")) == ([1, 2], [1])


def test_a_tree_comes_back_as_it_was(universe: Universe, write: Write, read: Read) -> None:
    tid = write("account", by_day=OOBTree({"mo": 1, "tu": 2}), days=OOTreeSet(["mo"]))
    with universe.transaction("change") as root:
        root["account"].by_day["we"] = 3
        root["account"].days.remove("mo")

    changes = restore(universe, "account", tid)

    assert {c.before for c in changes} == {"{'mo': 1, 'tu': 2, 'we': 3}", "OOTreeSet([])"}
    with universe.transaction() as root:
        assert dict(root["account"].by_day) == {"mo": 1, "tu": 2}
        assert list(root["account"].days) == ["mo"]


def test_counters_and_queues_come_back_as_they_were(universe: Universe, write: Write) -> None:
    write("bob")
    with universe.transaction("count") as root:
        root["account"] = root["genesis_obj"].clone(
            hits=Counter(3), waiting=[Queue([[1], root["bob"]])]
        )
    tid = universe.log(1)[0].tid
    with universe.transaction("change") as root:
        root["account"].hits.change(4)
        root["account"].waiting[0].take()

    changes = restore(universe, "account", tid)

    assert {(c.before, c.after) for c in changes} == {
        ("Counter(7)", "Counter(3)"),
        ("[Queue([bob])]", "[Queue([[1], bob])]"),
    }
    with universe.transaction() as root:
        assert root["account"].hits.value == 3
        queue = root["account"].waiting[0]
        assert (list(queue.take()), queue.take()) == ([1], root["bob"])


def test_weights_come_back_whether_they_were_changed_or_replaced(
    universe: Universe, write: Write, tmp_path: Path
) -> None:
    (tmp_path / "w").write_bytes(b"old")
    write("mind")
    with universe.transaction("weigh") as root:
        jar = root._p_jar  # type: ignore[attr-defined]
        for slot in ("a", "b"):
            blob = import_weights(jar, tmp_path / "w", lambda *_: None)
            mirror(root["mind"]).set(slot, blob)
    tid = universe.log(1)[0].tid
    with universe.transaction("change") as root:
        with root["mind"].a.open("w") as file:
            file.write(b"new")
        root["mind"].b = None

    restore(universe, "mind", tid)

    with universe.transaction() as root:
        slots = mirror(root["mind"]).slots()
        for slot in ("a", "b"):
            assert path_of(slots[slot]).read_bytes() == b"old"


def test_what_was_not_there_cannot_be_restored(universe: Universe, write: Write) -> None:
    before = write("bob", balance=1)
    tid = write("account", balance=1)

    with pytest.raises(RestoreRefused, match="no object of this name"):
        restore(universe, "account", before)
    with pytest.raises(RestoreRefused, match="no slot 'nothing'"):
        restore(universe, "account", tid, ["nothing"])
    with pytest.raises(RestoreRefused):
        restore(universe, "journal", tid)
    with pytest.raises(NoSuchMoment):
        restore(universe, "account", "1999-01-01")


def test_an_undo_that_cannot_be_says_what_is_in_the_way(
    universe: Universe, write: Write
) -> None:
    write("account", balance=0)
    earlier = write("account", balance=1)
    write("account", note="earn", balance=2)
    write("bob", note="elsewhere", balance=2)
    last = write("account", note="spend", balance=3)

    with pytest.raises(UndoConflict, match="batos restore") as refused:
        universe.undo(earlier)

    assert [one.split(maxsplit=1)[1] for one in refused.value.in_the_way] == ["spend", "earn"]
    assert last in str(refused.value)
