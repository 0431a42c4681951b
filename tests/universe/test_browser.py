"""Questions about a whole universe."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from BTrees.OOBTree import OOBTree
from hypothesis import HealthCheck, given, settings, strategies as st

from batos.errors import NoSuchObject
from batos.kernel import lookup
from batos.kernel.delegation import ancestry
from batos.kernel.message import send
from batos.kernel.method import Method, Primitive
from batos.kernel.mirror import mirror
from batos.kernel.runtime import Runtime
from batos.kernel.uvm_object import UvmObject
from batos.universe.browser import Browser, Place
from batos.universe.universe import Universe, open_universe

DEPOSIT = "def deposit_(self, much):\n    self.balance += much\n    return self.balance"
PAY = "def pay(self, other):\n    return other.deposit_(self.balance)"
QUESTIONS = ("implementors", "senders", "referrers", "understanding")


@pytest.fixture
def ran() -> list[str]:
    """Everything that ran in the universe."""
    return []


@pytest.fixture
def bank(universe: Universe, ran: list[str]) -> Universe:
    """A universe of two accounts and an unnamed friend; whatever runs in it is noted."""

    class Everything(dict[str, Callable[..., object]]):
        def get(self, name: str, default: object = None) -> Callable[..., object]:
            return lambda *_args: ran.append(name)

    def compile_(source: str) -> Callable[..., object]:
        ran.append(source)
        return lambda *_args: None

    universe.bind(Runtime(Everything(), compile_))
    with universe.transaction() as root:
        account = root["account"] = root["genesis_obj"].clone(
            balance=100, deposit_=Method(DEPOSIT, {})
        )
        friend = account.clone(pay=Method(PAY, {}))
        root["savings"] = account.clone(balance=5, friends=[[friend]], pair=(account, 1))
    return universe


@pytest.fixture
def browser(bank: Universe) -> Iterator[Browser]:
    with bank.transaction() as root:
        yield Browser(root)


@pytest.fixture
def friend(bank: Universe) -> str:
    """The number of the object that has no name."""
    with bank.transaction() as root:
        return f"{int.from_bytes(root['savings'].friends[0][0]._p_oid, 'big'):#x}"


def test_implementors_have_a_slot_of_that_name_of_their_own(
    browser: Browser, friend: str
) -> None:
    assert browser.implementors("balance") == (
        Place("account", "balance", "data"),
        Place("savings", "balance", "data"),
    )
    assert browser.implementors("deposit_") == (Place("account", "deposit_", "method"),)
    assert browser.implementors("pay") == (Place(friend, "pay", "method"),)
    assert browser.implementors("infer_") == (Place("pLLM_obj", "infer_", "primitive"),)
    assert browser.implementors("nothing") == ()


def test_senders_are_found_by_what_their_source_does(browser: Browser, friend: str) -> None:
    assert browser.senders("deposit_") == (Place(friend, "pay", "sends"),)
    assert browser.senders("balance") == (
        Place("account", "deposit_", "reads, writes"),
        Place(friend, "pay", "reads"),
    )
    assert browser.senders("much") == ()


def test_referrers_are_slots_parents_containers_and_names(
    browser: Browser, friend: str
) -> None:
    assert browser.referrers("account") == (
        Place("savings", "pair", "data"),
        Place("savings", "parent*", "parent"),
        Place(None, "account", "name"),
        Place(friend, "parent*", "parent"),
    )
    assert browser.referrers(friend) == (Place("savings", "friends", "container"),)


def test_understanding_goes_by_delegation(browser: Browser, friend: str) -> None:
    assert browser.understanding("deposit_") == (
        Place("account", "deposit_", "own"),
        Place("savings", "deposit_", "inherited"),
        Place(friend, "deposit_", "inherited"),
    )


def test_an_object_is_asked_about_as_well_as_its_name(bank: Universe) -> None:
    with bank.transaction() as root:
        browser = Browser(root)

        assert browser.referrers(root["account"]) == browser.referrers("account")
        assert browser.referrers(root["account"].clone()) == ()


def test_an_object_with_two_names_is_told_by_the_first_and_has_both(bank: Universe) -> None:
    with bank.transaction() as root:
        root["alias"] = root["account"]

    with bank.transaction() as root:
        found = Browser(root).referrers("alias")

    assert [place.slot for place in found if place.how == "name"] == ["account", "alias"]
    assert {place.object for place in found} >= {None, "savings"}


@pytest.mark.parametrize("word", ["nobody", "0xyz", ""])
def test_a_name_that_the_root_does_not_have_is_refused_with_those_it_has(
    browser: Browser, word: str
) -> None:
    with pytest.raises(NoSuchObject) as refused:
        browser.referrers(word)

    assert "account" in refused.value.known


def test_a_container_that_many_share_and_an_index_lead_to_all_their_owners(
    bank: Universe,
) -> None:
    with bank.transaction() as root:
        shared = root["savings"].friends
        root["account"].friends = shared
        root["index"] = OOBTree({f"{key:04}": root["savings"] for key in range(500)})

    with bank.transaction() as root:
        browser = Browser(root)
        inner = root["savings"].friends[0][0]

        assert [place.object for place in browser.referrers(inner)] == ["account", "savings"]
        assert Place(None, "index", "container") in browser.referrers("savings")


def test_no_question_sends_runs_or_loads_anything(bank: Universe, ran: list[str]) -> None:
    with bank.transaction() as root:
        connection = root._p_jar  # type: ignore[attr-defined]
        connection.cacheMinimize()
        before = connection._cache.cache_non_ghost_count
        browser = Browser(root)
        for question in QUESTIONS:
            getattr(browser, question)("account")
            if question != "referrers":
                getattr(browser, question)("deposit_")
        assert ran == []
        assert connection._cache.cache_non_ghost_count == before

        send(root["account"], "unknown")  # one does arrive where they were counted
        send(root["account"], "deposit_", 1)
    assert ran == ["synthesis.not_understood", DEPOSIT]


def test_questions_are_answered_while_another_process_owns_the_universe(
    bank: Universe, universe_path: Path
) -> None:
    reading = open_universe(universe_path, read_only=True)
    with reading.transaction() as root, bank.transaction() as ours:
        for question in QUESTIONS:
            found = getattr(Browser(root), question)("account")
            assert found == getattr(Browser(ours), question)("account")
    reading.close()


names = st.sampled_from(("a", "b"))
numbers = st.integers(0, 4)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=30)
@given(
    parents=st.lists(st.lists(numbers, max_size=2), min_size=5, max_size=5),
    slots=st.lists(st.tuples(numbers, names, st.integers(-1, 4)), max_size=8),
)
def test_any_graph_is_answered_as_walking_its_objects_would(
    universe: Universe, parents: list[list[int]], slots: list[tuple[int, str, int]]
) -> None:
    with universe.transaction() as root:
        objects = [UvmObject() for _ in parents]
        for number, obj in enumerate(objects):
            root[f"o{number}"] = obj
            mirror(obj).set("parent*", tuple(objects[one] for one in parents[number]))
        for number, name, held in slots:
            value = Primitive("test.none") if held < 0 else [objects[held]]
            mirror(objects[number]).set(name, value)

    with universe.transaction() as root:
        browser = Browser(root)
        objects = [root[f"o{number}"] for number in range(5)]
        for name in ("a", "b"):
            understood = {
                f"o{n}" for n, obj in enumerate(objects) if lookup.find(obj, name) is not None
            }
            own = {f"o{n}" for n, obj in enumerate(objects) if name in obj._slots}
            assert {place.object for place in browser.understanding(name)} == understood
            assert {place.object for place in browser.implementors(name)} == own
        for target, obj in enumerate(objects):
            referring = {
                (f"o{n}", name)
                for n, one in enumerate(objects)
                for name, value in one._slots.items()
                if not isinstance(value, Primitive) and obj in tuple(value)  # type: ignore[arg-type]
            }
            found = browser.referrers(f"o{target}")
            assert {(place.object, place.slot) for place in found} == {
                *referring,
                (None, f"o{target}"),
            }
        assert len(list(ancestry(*objects))) == 5
