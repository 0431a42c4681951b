"""Copies of objects: what travels to a trial, and what comes back."""

from __future__ import annotations

import datetime as dt
import json
import math
from collections.abc import Callable
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings, strategies as st
from ZODB.blob import Blob

from batos.errors import ClosureTooLarge, NotStorable
from batos.kernel.method import Method, Primitive
from batos.kernel.mirror import mirror
from batos.kernel.runtime import Runtime
from batos.kernel.uvm_object import UvmObject
from batos.kernel.values import plain
from batos.sandbox.wire import Encoder, Json
from batos.sandbox.world import Opaque, Ref, capture, rebuild


def refuse(_source: str) -> Callable[..., object]:
    raise AssertionError("nothing is compiled here")


NOTHING_RUNS = Runtime({}, refuse)


def through_json(data: Json) -> Json:
    text: Json = json.loads(json.dumps(data))
    return text


# --- values -------------------------------------------------------------------------------

zones = st.none() | st.builds(
    dt.timezone, st.timedeltas(dt.timedelta(hours=-23), dt.timedelta(hours=23))
)
named_zones = st.builds(dt.timezone, st.just(dt.timedelta(hours=1)), st.text())
folds = st.sampled_from([0, 1])
atoms = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.integers(min_value=2**53).map(lambda n: n**40)
    | st.floats()
    | st.complex_numbers()
    | st.text(st.characters(exclude_categories=()))  # lone surrogates too
    | st.binary()
    | st.dates()
    | st.builds(lambda time, fold: time.replace(fold=fold), st.times(timezones=zones), folds)
    | st.builds(
        lambda time, fold: time.replace(fold=fold),
        st.datetimes(timezones=zones | named_zones),
        folds,
    )
    | st.timedeltas()
    | zones
    | named_zones
)
hashable = st.recursive(
    atoms, lambda some: st.tuples(some, some) | st.frozensets(some), max_leaves=4
)
values = st.recursive(
    atoms,
    lambda some: (
        st.lists(some)
        | st.tuples(some, some)
        | st.sets(hashable)
        | st.frozensets(hashable)
        | st.dictionaries(hashable, some)
    ),
    max_leaves=20,
)


def exact(value: object) -> object:
    """Return something that is equal only for values of the same types all the way down."""
    if isinstance(value, float) and math.isnan(value):
        return "nan"
    if isinstance(value, list | tuple):
        return type(value).__name__, [exact(item) for item in value]
    if isinstance(value, set | frozenset):
        return type(value).__name__, sorted(map(repr, map(exact, value)))
    if isinstance(value, dict):
        return "dict", [(exact(key), exact(item)) for key, item in value.items()]
    fold = getattr(value, "fold", None)
    return type(value).__name__, repr(value), fold


@given(values)
@settings(max_examples=100, deadline=None)
def test_a_value_comes_back_as_it_went(value: object) -> None:
    world = capture(UvmObject(), [value])
    copy = rebuild(through_json(world.to_json()), NOTHING_RUNS)

    there = copy.decode(through_json(world.encode(value)))
    back = world.decode(through_json(copy.encode(there)))

    assert exact(there) == exact(value)
    assert exact(back) == exact(value)


@given(st.dictionaries(st.sampled_from(["one", "two", "three"]), values))
@settings(max_examples=40, deadline=None)
def test_slots_come_back_as_they_went(slots: dict[str, object]) -> None:
    world = capture(UvmObject(**slots), [])
    copy = rebuild(through_json(world.to_json()), NOTHING_RUNS)

    found = {name: plain(value) for name, value in mirror(copy.receiver).data().items()}

    assert exact(found) == exact({name: plain(value) for name, value in slots.items()})


def test_two_halves_of_a_surrogate_pair_stay_two() -> None:
    world = capture(UvmObject(), [])
    halves = "\ud83d\ude00"

    assert world.decode(through_json(world.encode(halves))) == halves


def test_a_time_in_a_named_zone_keeps_its_moment() -> None:
    world = capture(UvmObject(), [])
    noon = dt.datetime(2026, 7, 1, 12, tzinfo=ZoneInfo("Europe/Vienna"))

    back = world.decode(world.encode(noon))

    assert back == noon
    assert isinstance(back, dt.datetime)
    assert back.utcoffset() == dt.timedelta(hours=2)


def test_containers_in_slots_are_written_again_as_persistent_ones() -> None:
    receiver = UvmObject(items=[1, {"a": {2}}])

    copy = rebuild(capture(receiver, []).to_json(), NOTHING_RUNS).receiver

    assert type(copy._slots["items"]) is type(receiver._slots["items"])
    assert plain(copy._slots["items"]) == [1, {"a": {2}}]


@pytest.mark.parametrize("nonsense", [{}, [], ["no such tag"], ["int", "z"], ["date", 0, 0, 0]])
def test_what_is_no_value_is_refused(nonsense: Json) -> None:
    world = capture(UvmObject(), [])

    with pytest.raises((ValueError, TypeError, LookupError)):
        world.decode(nonsense)


@pytest.mark.parametrize("number", [-1, "0", True, None, 1.0])
def test_what_is_no_number_of_an_object_is_refused(number: Json) -> None:
    world = capture(UvmObject(), [])

    with pytest.raises(ValueError, match="no object's number"):
        world.decode(["object", number])


def test_a_value_that_shares_itself_without_end_is_refused() -> None:
    value: list[object] = [1]
    for _ in range(40):
        value = [value, value]

    with pytest.raises(ValueError, match="too many values"):
        Encoder(lambda _value: None).encode(value)


# --- objects ------------------------------------------------------------------------------


def test_a_copy_delegates_as_the_original_does() -> None:
    traits = UvmObject(kind="traits")
    mirror(traits).set("greet", Method("def greet(self):\n    return 1", {"by": "test"}))
    mirror(traits).set("setSlot_value_", Primitive("kernel.set_slot"))
    mirror(traits).seal()
    mind = UvmObject(kind="mind")
    receiver = UvmObject(name="x")
    mirror(receiver).set("parent*", (traits, mind))

    copy = rebuild(through_json(capture(receiver, []).to_json()), NOTHING_RUNS).receiver

    first, second = copy.parents
    assert copy._slots.keys() == receiver._slots.keys()
    assert first._slots["greet"].source == traits._slots["greet"].source  # type: ignore[attr-defined]
    assert first._slots["setSlot_value_"] == Primitive("kernel.set_slot")
    assert (first._sealed, second._sealed) == (True, False)
    assert (copy.kind, second.kind) == ("traits", "mind")


def test_cycles_and_shared_objects_keep_their_shape() -> None:
    one, two = UvmObject(), UvmObject()
    one.friends = [two, one]
    two.index = {(one, "key"): two}

    copy = rebuild(through_json(capture(one, []).to_json()), NOTHING_RUNS).receiver

    friends = copy.friends
    assert friends[1] is copy
    other = friends[0]
    assert dict(other.index) == {(copy, "key"): other}


def test_a_copy_has_the_name_of_its_original() -> None:
    receiver = UvmObject()
    receiver._p_oid = (5).to_bytes(8, "big")

    copy = rebuild(capture(receiver, []).to_json(), NOTHING_RUNS).receiver

    assert repr(copy) == repr(receiver) == "<object 0x5>"


def test_objects_of_arguments_are_copied_too() -> None:
    argument = UvmObject(price=3)
    world = capture(UvmObject(), [[argument]])
    copy = rebuild(through_json(world.to_json()), NOTHING_RUNS)

    there = copy.decode(world.encode(argument))

    assert isinstance(there, UvmObject)
    assert there.price == 3
    assert there is not argument
    assert world.decode(copy.encode(there)) == argument


def test_what_is_no_data_stays_behind_and_keeps_its_identity() -> None:
    blob = Blob(b"weights")
    world = capture(UvmObject(weights=blob, also=blob), [])
    copy = rebuild(through_json(world.to_json()), NOTHING_RUNS)

    mark = copy.receiver._slots["weights"]

    assert isinstance(mark, Opaque)
    assert mark is copy.receiver._slots["also"]
    assert world.decode(copy.encode(mark)) == blob


def test_an_answer_is_data_or_an_object() -> None:
    copy = rebuild(capture(UvmObject(), []).to_json(), NOTHING_RUNS)

    for answer in (len, lambda: 1, (n for n in [1]), object(), UvmObject().unknown, range(3)):
        with pytest.raises(NotStorable):
            copy.encode(answer)


def test_an_object_that_a_method_made_has_a_label_and_its_slots() -> None:
    receiver = UvmObject(name="x")
    world = capture(receiver, [])
    copy = rebuild(world.to_json(), NOTHING_RUNS)

    answer = world.decode(copy.encode(copy.receiver.clone(price=1)))

    assert answer == Ref("new 1")
    assert copy.data_slots() == {
        (0, "name"): "x",
        (1, "parent*"): ["object", 0],
        (1, "price"): 1,
    }


def test_a_reference_equals_the_object_it_stands_for() -> None:
    receiver, other = UvmObject(), UvmObject()
    receiver.other = other
    world = capture(receiver, [])

    back = world.decode(through_json(world.encode({"both": [receiver, other], other: 1})))

    assert back == {"both": [receiver, other], other: 1}
    assert {"both": [receiver, other], other: 1} == back
    assert back != {"both": [other, receiver], other: 1}


# --- bounds -------------------------------------------------------------------------------


def test_an_object_that_reaches_too_many_others_is_not_copied() -> None:
    receiver = UvmObject(others=[UvmObject() for _ in range(10)])

    assert len(capture(receiver, [], limit=11).objects) == 11
    with pytest.raises(ClosureTooLarge, match="more than 10 objects"):
        capture(receiver, [], limit=10)


def test_an_object_that_holds_too_many_values_is_not_copied() -> None:
    receiver = UvmObject(numbers=list(range(200_000)))

    with pytest.raises(ClosureTooLarge, match="too many values"):
        capture(receiver, []).to_json()


def test_containers_that_hold_themselves_are_refused_at_once() -> None:
    nested: list[object] = []
    nested += [nested, nested]
    shared: object = [UvmObject()]
    for _ in range(40):
        shared = [shared, shared]

    with pytest.raises(ClosureTooLarge, match="nested deeper"):
        capture(UvmObject(), [nested]).encode(nested)
    assert len(capture(UvmObject(), [shared]).objects) == 2
