"""A universe with something of everything, and folders to export it to."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from pathlib import Path

import pytest
from BTrees.OOBTree import OOBTree

from batos.kernel.message import Message
from batos.kernel.method import Method, Primitive
from batos.kernel.mirror import mirror
from batos.universe.journal import Journal, Proposal, State
from batos.universe.universe import Root, Universe

SOURCE = "def double(self):\n    return self.balance * 2"


def files_of(folder: Path) -> dict[str, bytes]:
    """Return every file of a folder with its bytes."""
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def put_everything_into(root: Root) -> None:
    """Add to a root something of everything that a slot can hold."""
    genesis = root["genesis_obj"]
    zone = dt.timezone(dt.timedelta(hours=1), "CET")
    account = root["account"] = genesis.clone(
        balance=100,
        numbers=[1, -(2**70), 1.5, float("inf"), float("-inf"), -0.0, 1j, True, None],
        texts=["ß", "\ud800", "$x", "\u2028", "a\r\nb"],
        raw=b"\x00\xff",
        times=(
            *(dt.date(2026, 1, 1), dt.time(1, tzinfo=zone), dt.timedelta(-1, 3), zone),
            *(dt.datetime(2026, 1, 1), dt.datetime(2026, 1, 1, tzinfo=dt.UTC)),
        ),
        containers=[(1, (2,)), {1: {2, "x"}}, {"$a": 1}, frozenset({3, "y"}), {}, [], ()],
    )
    mirror(account).set("double", Method(SOURCE, {"by": "a person", "tried": [("a", 1)]}))
    mirror(account).set("Double", mirror(account).method("double"))  # one method, two names
    mirror(account).set("setSlot_value_", Primitive("kernel.set_slot"))
    friend = account.clone(owner=account)
    mirror(friend).set("more*", (genesis, account))
    account.friends = {friend, genesis.clone(n=1), genesis.clone(n=2)}
    account.by_object = {friend: "friend"}
    shared = account.shared = [account.containers]
    shared = account.shared
    friend.shared = shared
    shared.append(shared)
    account.tree = OOBTree({"b": 1, "a": friend})
    root["Account"] = genesis.clone()
    root["../../etc/passwd"] = genesis.clone(odd=True)
    root["con"] = genesis.clone()
    root["settings"] = account.shared


@pytest.fixture
def full(universe: Universe) -> Universe:
    """A universe with something of everything, the journal included."""
    with universe.transaction() as root:
        put_everything_into(root)
    journal = Journal(universe, "ann")
    facts = {"candidates": [{"source": SOURCE}], "verdict": "1 of 2"}
    proposal = Proposal("k", "account", "double", SOURCE, facts, State.PROPOSED)
    journal.record(proposal, Message("double", (1, [2]), {"by": {3: 4}}))
    journal.record(Proposal("k", "account", "double", SOURCE, facts), Message("double"))
    journal.decide(1, State.APPROVED)
    return universe


@pytest.fixture
def change(universe: Universe) -> Callable[..., None]:
    """Write slots of an object of the root."""

    def write(name: str, **slots: object) -> None:
        with universe.transaction() as root:
            if name not in root:
                root[name] = root["genesis_obj"].clone()
            for slot, value in slots.items():
                mirror(root[name]).set(slot, value)

    return write
