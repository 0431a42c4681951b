"""What happened to one object, and what differs between two moments."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from batos.errors import NoSuchObject
from batos.kernel.message import Message
from batos.kernel.method import Method
from batos.kernel.mirror import mirror
from batos.universe.journal import Journal, Proposal
from batos.universe.past import diff, history
from batos.universe.states import Change
from batos.universe.universe import Universe, open_universe

Write = Callable[..., str]


def test_a_changed_comment_is_a_change_of_its_slot(universe: Universe, write: Write) -> None:
    before = write("account", balance=1)
    with universe.transaction("say it") as root:
        mirror(root["account"]).annotate("balance", comment="in euros")

    newest = history(universe, "account")[0]

    said = (Change("balance", "1", "1", comment=("", "in euros")),)
    assert (newest.moment.note, newest.changes) == ("say it", said)
    assert [one.changes for one in diff(universe, before)] == [said]


def test_a_history_says_when_who_and_what(universe: Universe, write: Write) -> None:
    first = write("account", note="open", user="ann", balance=1)
    write("other", balance=7)
    second = write("account", note="earn", user="bob", balance=2)

    latest, earliest = history(universe, "account")

    assert (latest.moment.tid, latest.moment.note, latest.moment.user) == (
        second,
        "earn",
        "bob",
    )
    assert (latest.became, latest.changes) == ("changed", (Change("balance", "1", "2"),))
    assert (earliest.moment.tid, earliest.became) == (first, "created")
    assert Change("balance", None, "1") in earliest.changes
    assert history(universe, "account", 1) == [latest]


def test_a_change_inside_a_container_is_the_objects(universe: Universe, write: Write) -> None:
    write("account", entries=[[1], {"a": {1}}])
    with universe.transaction("deep") as root:
        root["account"].entries[1]["a"].add(2)

    newest = history(universe, "account")[0]

    assert newest.moment.note == "deep"
    assert newest.changes == (Change("entries", "[[1], {'a': {1}}]", "[[1], {'a': {1, 2}}]"),)


def test_a_method_shows_its_source(universe: Universe, write: Write) -> None:
    write("account")
    for body in ("return 1", "return 2"):
        with universe.transaction(body) as root:
            root["account"].answer = Method(f"def answer(self):\n    {body}", {})

    newest = history(universe, "account")[0]

    before, after = ("def answer(self):\n    return 1", "def answer(self):\n    return 2")
    assert newest.changes == (Change("answer", before, after, is_method=True),)


def test_an_object_in_a_slot_is_shown_by_its_name_and_is_not_a_part(
    universe: Universe, write: Write
) -> None:
    write("bob", balance=1)
    write("account")
    with universe.transaction("befriend") as root:
        root["account"].friend = root["bob"]
    write("bob", balance=2)

    newest = history(universe, "account")[0]

    assert newest.changes == (Change("friend", None, "bob"),)


def test_a_name_that_was_taken_away_still_has_a_history(
    universe: Universe, write: Write
) -> None:
    write("account", balance=1)
    with universe.transaction("close") as root:
        del root["account"]

    assert [event.became for event in history(universe, "account")] == ["removed", "created"]


@pytest.mark.parametrize("name", ["nobody", "journal"])
def test_a_name_that_never_meant_an_object_has_none(universe: Universe, name: str) -> None:
    with pytest.raises(NoSuchObject):
        history(universe, name)


def test_the_birth_is_the_first_event_of_a_primordial(universe: Universe) -> None:
    (event,) = history(universe, "genesis_obj")

    assert (event.became, event.moment.note) == ("created", "awakening")


def test_a_reader_sees_the_history_while_another_process_owns_it(
    universe: Universe, universe_path: Path, write: Write
) -> None:
    write("account", balance=1)
    reader = open_universe(universe_path, read_only=True)

    assert len(history(reader, "account")) == 1
    reader.close()


def test_a_diff_finds_objects_without_a_name_and_parts_deep_down(
    universe: Universe, write: Write
) -> None:
    write("account", child=None, entries=[[1]])
    with universe.transaction("child") as root:
        root["account"].child = root["genesis_obj"].clone(age=1)
        oid = None
    start = universe.log(1)[0].tid
    with universe.transaction("grow") as root:
        root["account"].child.age = 2
        root["account"].entries[0].append(2)
        oid = repr(root["account"].child)

    found = {one.name: one for one in diff(universe, start)}

    assert set(found) == {"account", oid}
    assert found["account"].changes == (Change("entries", "[[1]]", "[[1, 2]]"),)
    assert found[str(oid)].changes == (Change("age", "1", "2"),)


def test_a_diff_backwards_is_the_same_the_other_way_round(
    universe: Universe, write: Write
) -> None:
    first = write("account", balance=1)
    second = write("account", balance=2)

    (there,), (back,) = diff(universe, first, second), diff(universe, second, first)

    assert there.changes == (Change("balance", "1", "2"),)
    assert back.changes == (Change("balance", "2", "1"),)


def test_a_diff_of_a_moment_with_itself_is_empty(universe: Universe, write: Write) -> None:
    tid = write("account", balance=1)

    assert diff(universe, tid) == diff(universe, tid, tid) == []


def test_a_new_name_for_an_old_object_is_a_difference(universe: Universe, write: Write) -> None:
    tid = write("account", balance=1)
    with universe.transaction("rename") as root:
        root["savings"] = root.pop("account")

    found = {one.name: one.became for one in diff(universe, tid)}

    assert found == {"savings": "created", "account": "removed"}


def test_a_diff_is_quiet_about_the_journal(universe: Universe, write: Write) -> None:
    tid = write("account", balance=1)
    Journal(universe, "ann").record(Proposal("k", "account", "f", "", {}), Message("f"))

    assert diff(universe, tid) == []


def test_nothing_of_a_history_sends_a_message(universe: Universe, write: Write) -> None:
    write("account")
    with universe.transaction("odd") as root:
        mirror(root["account"]).set("keys", Method("def keys(self):\n    return 1", {}))

    assert history(universe, "account")[0].changes[0].slot == "keys"
