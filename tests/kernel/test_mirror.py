"""Look at an object, or change it, without sending."""

from __future__ import annotations

import copy
import datetime as dt
import pickle
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, strategies as st
from persistent.list import PersistentList
from transaction import TransactionManager
from ZODB.POSException import ConflictError

from batos.errors import NoSuchMethod, NotStorable, SlotRefused
from batos.kernel import lookup
from batos.kernel.delegation import ancestry
from batos.kernel.message import Message
from batos.kernel.method import Method, Primitive
from batos.kernel.mirror import mirror
from batos.kernel.shared import Counter, Queue
from batos.kernel.uvm_object import UvmObject, notes_of
from batos.universe.database import Database

THEN = dt.datetime(2026, 5, 1, 12, tzinfo=dt.UTC)
GREET = "def greet(self, name):\n    return f'hi {name}, I am {self.name}'"


def test_slots_show_everything_of_its_own_and_cannot_be_written() -> None:
    parent = UvmObject(rate=1)
    child = parent.clone(size=2, greet=Primitive("test.greet"))

    slots: Any = mirror(child).slots()

    assert slots == {"parent*": parent, "size": 2, "greet": Primitive("test.greet")}
    with pytest.raises(TypeError):
        slots["size"] = 3


def test_data_leaves_parents_and_behaviour_out() -> None:
    child = UvmObject(rate=1).clone(size=2, greet=Primitive("test.greet"))

    assert mirror(child).data() == {"size": 2}


def test_questions_about_lookup() -> None:
    parent = UvmObject(rate=1)
    child = parent.clone(size=2)
    image = mirror(child)

    assert image.parents() == (parent,)
    assert image.selectors() == ["size", "rate"]
    assert image.understands("rate")
    assert not image.understands("price")
    found = image.find("rate")
    assert found is not None
    assert found.holder is parent
    assert image.find("price") is None


def test_looking_and_changing_send_nothing_and_run_nothing(
    traits: UvmObject, heard: list[tuple[UvmObject, Message]]
) -> None:
    obj = traits.clone(broken=Method("this is no Python", {}), size=2)
    image = mirror(obj)

    image.slots(), image.data(), image.parents(), image.ambiguities(), image.selectors()
    for name in image.slots():
        image.slot(name)
    assert not image.understands("price")
    assert image.find("price") is None
    assert image.method("broken").source == "this is no Python"
    image.set("price", 3, "in euros", "Ann")
    image.annotate("price", "in cents")
    image.rename("price", "cost")
    image.rename("broken", "still_broken")
    image.copy("still_broken", traits.clone())
    image.remove("cost")
    image.seal()
    assert heard == []

    obj.price()  # a send does arrive where they were counted
    assert [message.selector for _, message in heard] == ["price"]


def test_set_and_remove_change_slots_of_its_own() -> None:
    parent, child = UvmObject(rate=1), UvmObject()

    mirror(child).set("parent*", parent)
    mirror(child).set("size", 2)
    assert (child.rate, child.size) == (1, 2)
    mirror(child).remove("size")
    mirror(child).remove("parent*")

    assert mirror(child).slots() == {}
    with pytest.raises(SlotRefused):
        mirror(child).remove("size")
    with pytest.raises(NotStorable):
        mirror(child).set("size", print)


def test_define_installs_a_persons_method(traits: UvmObject) -> None:
    account = traits.clone(name="Ann")

    selector = mirror(account).define(GREET)

    assert selector == "greet"
    assert account.greet("Bob") == "hi Bob, I am Ann"
    assert mirror(account.clone()).method("greet").provenance == {"by": "a person"}


def test_define_writes_nothing_when_the_source_is_refused(traits: UvmObject) -> None:
    account = traits.clone()

    with pytest.raises(SyntaxError):
        mirror(account).define("def greet(self:")
    with pytest.raises(SlotRefused):
        mirror(account).define("def clone(self):\n    return 1")

    assert list(mirror(account).slots()) == ["parent*"]


@pytest.mark.parametrize("selector", ["rate", "price", "primitive"])
def test_only_a_method_has_source(selector: str) -> None:
    obj = UvmObject(rate=1, primitive=Primitive("test.greet"))

    with pytest.raises(NoSuchMethod, match="no method with source"):
        mirror(obj).method(selector)


# --- annotations ------------------------------------------------------------------------


def test_a_slot_shows_what_it_holds_who_holds_it_and_what_was_noted() -> None:
    parent = UvmObject()
    mirror(parent).set("rate", 1, "a year", "Ann", THEN)

    slot = mirror(parent.clone()).slot("rate")

    assert (slot.name, slot.value, slot.kind, slot.holder) == ("rate", 1, "data", parent)
    assert (slot.comment, slot.created, slot.by) == ("a year", THEN, "Ann")


@pytest.mark.parametrize(
    ("name", "value", "kind"),
    [
        ("rate", 1, "data"),
        ("greet", Method(GREET, {}), "method"),
        ("greet", Primitive("test.greet"), "primitive"),
        ("law*", UvmObject(), "parent"),
    ],
)
def test_a_slot_is_of_one_of_four_kinds(name: str, value: object, kind: str) -> None:
    obj = UvmObject(**{name: value})

    assert mirror(obj).slot(name).kind == kind


def test_a_slot_that_is_not_there_and_a_parents_parent_slot_are_refused() -> None:
    child = UvmObject(**{"law*": UvmObject()}).clone()

    for name in ("price", "law*"):
        with pytest.raises(SlotRefused):
            mirror(child).slot(name)


def test_a_plain_write_notes_nothing_and_leaves_what_was_noted() -> None:
    obj = UvmObject(size=2)
    mirror(obj).set("rate", 1, "a year", "Ann", THEN)

    obj.rate, obj.size = 2, 3

    assert mirror(obj).slot("size").created is None
    assert notes_of(obj) == {"rate": {"comment": "a year", "by": "Ann", "created": THEN}}


def test_a_mirror_notes_the_time_in_utc_by_itself() -> None:
    obj = UvmObject()
    before = dt.datetime.now(dt.UTC)

    mirror(obj).set("rate", 1)

    created = mirror(obj).slot("rate").created
    assert created is not None
    assert before <= created <= dt.datetime.now(dt.UTC)
    assert created.tzinfo is dt.UTC


def test_new_data_in_a_slot_does_not_create_it_anew_and_other_behaviour_does() -> None:
    obj, later = UvmObject(), THEN + dt.timedelta(days=1)
    image = mirror(obj)
    image.set("rate", 1, "a year", "Ann", THEN)

    image.set("rate", 2, by="Bob", created=later)
    assert image.slot("rate").by == "Ann"
    image.set("rate", Method(GREET, {}), by="the mind (proposal 3)", created=later)

    slot = image.slot("rate")
    assert (slot.by, slot.created) == ("the mind (proposal 3)", later)
    assert slot.comment == "a year"


def test_a_defined_method_is_by_whoever_its_provenance_or_the_caller_says(
    traits: UvmObject,
) -> None:
    account = traits.clone()

    mirror(account).define(GREET)
    assert mirror(account).slot("greet").by == "a person"
    mirror(account).define(GREET, by="Ann", comment="polite")

    assert (mirror(account).slot("greet").by, mirror(account).slot("greet").comment) == (
        "Ann",
        "polite",
    )


def test_annotate_changes_what_it_is_told_and_empty_text_takes_it_away() -> None:
    obj = UvmObject(rate=1)

    mirror(obj).annotate("rate", "a year", "Ann", THEN)
    mirror(obj).annotate("rate", comment="")
    assert notes_of(obj) == {"rate": {"by": "Ann", "created": THEN}}
    with pytest.raises(SlotRefused):
        mirror(obj.clone()).annotate("rate", "a year")


def test_annotations_last_and_a_slot_without_any_takes_no_place(
    connection: Any, traits: UvmObject
) -> None:
    connection.root()["account"] = account = traits.clone(balance=1)
    mirror(account).set("rate", 1, "a year", "Ann", THEN)
    connection.transaction_manager.commit()
    connection.cacheMinimize()

    assert mirror(connection.root()["account"]).slot("rate").by == "Ann"
    assert "_notes" not in traits.__getstate__()
    assert list(account.__getstate__()["_notes"]) == ["rate"]  # type: ignore[call-overload]


def test_an_abort_takes_annotations_back(connection: Any, traits: UvmObject) -> None:
    mirror(traits).set("rate", 1, "a year", "Ann", THEN)
    connection.transaction_manager.commit()

    mirror(traits).annotate("rate", "a month")
    mirror(traits).rename("rate", "pace")
    connection.transaction_manager.abort()

    assert mirror(traits).slot("rate").comment == "a year"


@pytest.mark.parametrize("twin_of", [copy.copy, lambda obj: pickle.loads(pickle.dumps(obj))])
def test_a_twin_has_annotations_of_its_own(twin_of: Callable[[UvmObject], UvmObject]) -> None:
    obj = UvmObject()
    mirror(obj).set("rate", 1, "a year", "Ann", THEN)

    twin = twin_of(obj)
    mirror(twin).annotate("rate", "a month")

    assert mirror(twin).slot("rate").by == "Ann"
    assert mirror(obj).slot("rate").comment == "a year"


Edit = Callable[[UvmObject], None]


def raced(database: Database, ours: Edit, theirs: Edit) -> UvmObject:
    """Return an object that two transactions changed; theirs was committed first."""
    managers = [TransactionManager(), TransactionManager()]
    here, there = (database.open(manager) for manager in managers)
    here.root()["raced"] = UvmObject(
        **{"law*": UvmObject(rate=1), "mind*": UvmObject(rate=2), "size": 1, "price": 2}
    )
    mirror(here.root()["raced"]).annotate("size", "old")
    managers[0].commit()
    managers[1].begin()
    theirs(there.root()["raced"])
    ours(here.root()["raced"])
    managers[1].commit()
    try:
        managers[0].commit()
        managers[0].begin()
        merged: UvmObject = here.root()["raced"]
        merged._p_invalidate()
        return copy.copy(merged)
    finally:
        for manager, connection in zip(managers, (here, there), strict=True):
            manager.abort()
            connection.close()


def test_annotations_of_different_slots_are_merged(database: Database) -> None:
    merged = raced(
        database,
        lambda obj: mirror(obj).annotate("price", "ours"),
        lambda obj: mirror(obj).annotate("law*", "theirs"),
    )

    said = {name: note["comment"] for name, note in notes_of(merged).items()}
    assert said == {"size": "old", "price": "ours", "law*": "theirs"}


def test_two_annotations_of_one_slot_are_a_conflict(database: Database) -> None:
    with pytest.raises(ConflictError):
        raced(
            database,
            lambda obj: mirror(obj).annotate("size", "ours"),
            lambda obj: mirror(obj).annotate("size", "theirs"),
        )


def test_no_annotation_outlives_its_slot(database: Database) -> None:
    merged = raced(
        database,
        lambda obj: mirror(obj).annotate("price", "ours"),
        lambda obj: mirror(obj).remove("price"),
    )

    assert "price" not in mirror(merged).slots()
    assert list(notes_of(merged)) == ["size"]


def test_a_parent_slot_that_was_renamed_keeps_its_place_in_a_merge(database: Database) -> None:
    def rename(obj: UvmObject) -> None:
        mirror(obj).rename("law*", "first*")

    def write(obj: UvmObject) -> None:
        obj.size = 5

    for ours, theirs in ((rename, write), (write, rename)):
        merged = raced(database, ours, theirs)
        assert list(mirror(merged).slots()) == ["first*", "mind*", "size", "price"]


# --- rename and copy --------------------------------------------------------------------


def test_a_renamed_slot_keeps_its_place_value_and_annotation() -> None:
    obj = UvmObject(first=1, second=2, third=3)
    mirror(obj).annotate("second", "a", "Ann", THEN)

    mirror(obj).rename("second", "other")

    assert list(mirror(obj).slots().items()) == [("first", 1), ("other", 2), ("third", 3)]
    assert notes_of(obj) == {"other": {"comment": "a", "by": "Ann", "created": THEN}}
    assert obj.other == 2


@pytest.mark.parametrize(
    ("old", "new", "why"),
    [
        ("price", "cost", "no such slot"),
        ("rate", "size", "already"),
        ("rate", "rate", "already"),
        ("rate", "two words", "Python name"),
        ("rate", "law*", "holds objects"),
        ("rate", "clone", "every object"),
    ],
)
def test_a_rename_that_cannot_be_is_refused_and_changes_nothing(
    old: str, new: str, why: str
) -> None:
    obj = UvmObject(rate=1, size=2)

    with pytest.raises(SlotRefused, match=why):
        mirror(obj).rename(old, new)

    assert dict(mirror(obj).slots()) == {"rate": 1, "size": 2}


def test_a_method_is_copied_with_its_origin_and_without_its_identity(
    traits: UvmObject,
) -> None:
    one, other = traits.clone(name="Ann"), traits.clone(name="Bob")
    mirror(one).define(GREET, {"by": "the mind", "seed": 7}, "polite")

    mirror(one).copy("greet", other, "hello", by="Cid", created=THEN)

    assert other.hello("Eve") == "hi Eve, I am Bob"
    slot = mirror(other).slot("hello")
    assert (slot.comment, slot.by, slot.created) == ("polite", "Cid", THEN)
    assert slot.value is not mirror(one).method("greet")
    assert mirror(other).method("hello").provenance == {"by": "the mind", "seed": 7}


def test_a_container_is_copied_by_value_and_an_object_is_not() -> None:
    friend = UvmObject()
    one, other = UvmObject(friends=[friend, [1]]), UvmObject()

    mirror(one).copy("friends", other)
    one.friends[1].append(2)

    assert isinstance(other.friends, PersistentList)
    assert other.friends[0] is friend
    assert list(other.friends[1]) == [1]


def test_a_copied_counter_counts_by_itself() -> None:
    one, other = UvmObject(count=Counter(5), queue=Queue([1])), UvmObject()

    mirror(one).copy("count", other)
    mirror(one).copy("queue", other)
    one.count.change(1)
    one.queue.put(2)

    assert isinstance(other.count, Counter)
    assert (other.count.value, list(other.queue)) == (5, [1])


def test_a_copy_onto_a_slot_that_is_there_and_of_an_inherited_one_are_refused() -> None:
    one, other = UvmObject(rate=1), UvmObject(rate=2)

    with pytest.raises(SlotRefused, match="already"):
        mirror(one).copy("rate", other)
    with pytest.raises(SlotRefused, match="of its own"):
        mirror(one.clone()).copy("rate", UvmObject())

    assert other.rate == 2


NAMES = ("a", "b", "c", "law*")
names = st.sampled_from(NAMES)
numbers = st.integers(0, 3)
edits = st.one_of(
    st.tuples(st.just("rename"), numbers, names, st.sampled_from((*NAMES, "d"))),
    st.tuples(st.just("copy"), numbers, names, numbers, names),
    st.tuples(st.just("remove"), numbers, names),
    st.tuples(st.just("set"), numbers, st.sampled_from(("a", "b", "c")), st.integers(0, 9)),
)


@given(
    parents=st.lists(st.lists(numbers, max_size=2), min_size=4, max_size=4),
    steps=st.lists(edits, max_size=12),
)
def test_after_any_edits_lookups_answer_by_their_definition_and_notes_keep_step(
    parents: list[list[int]], steps: list[tuple[Any, ...]]
) -> None:
    objects = [UvmObject() for _ in parents]
    for number, obj in enumerate(objects):
        mirror(obj).set("law*", tuple(objects[parent] for parent in parents[number]))
        mirror(obj).set("abc"[number % 3], number, created=THEN)
        mirror(obj).set("b", Primitive("test.b"), created=THEN)

    for what, number, *rest in steps:
        image, before = mirror(objects[number]), list(mirror(objects[number]).slots())
        try:
            if what == "copy":
                image.copy(rest[0], objects[rest[1]], rest[2])
            else:
                getattr(image, what)(*rest)
        except SlotRefused:
            assert list(image.slots()) == before
            continue
        if what == "rename":
            after = [rest[1] if name == rest[0] else name for name in before]
            assert list(image.slots()) == after
        check_all(objects)


def check_all(objects: list[UvmObject]) -> None:
    """Compare every lookup with its definition, twice: the second finds it in a map."""
    for receiver in (*objects, *objects):
        assert notes_of(receiver).keys() == mirror(receiver).slots().keys()
        for name in (*NAMES, "d"):
            holder = next((one for one in ancestry(receiver) if name in one._slots), None)
            found = lookup.find(receiver, name)
            if holder is None:
                assert found is None
                continue
            assert found == (holder, holder._slots[name])
            if not name.endswith("*") and not isinstance(found.value, Primitive):
                assert getattr(receiver, name) == found.value
