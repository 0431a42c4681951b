"""The attack suite: what a hostile writer would try, one attack a test.

The tables lie in `attacks/`, a topic a file. Each attack has to end as its row says: the
gate refuses it, its message ends in an error, or it runs and does no harm. All of them run in
one jail, and whatever they do, what was planted outside stays as it is: a file, a variable of
the environment, a socket that listens, a signal's handler; and in the jail a primordial.
"""

from __future__ import annotations

import importlib
import math
import os
import signal
import socket
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from tests.sandbox.attacks.attack import ERROR, HARMLESS, REFUSED, Attack
from tests.sandbox.jails import Spawner, with_first
from ZODB.blob import Blob

from batos.errors import SourceRefused
from batos.kernel.method import Method, Primitive
from batos.kernel.mirror import mirror
from batos.kernel.shared import Counter, Queue
from batos.kernel.uvm_object import UvmObject
from batos.kernel.values import plain
from batos.sandbox.jail import Case, Jail
from batos.sandbox.policy import check

pytestmark = pytest.mark.walls

TOPICS: tuple[str, ...] = (
    *("frames", "formats", "imports", "traversal", "types", "exceptions", "names", "slots"),
    *("state", "exhaustion"),
)
CANARY = "canary-4711"
QUICKLY = "from batos.sandbox.meter import METER, Budget; METER.budget = Budget(1_000_000, 0.2)"
PLACE = "tests.sandbox.attacks"


def attacks() -> list[tuple[str, Attack]]:
    tables = {
        topic: importlib.import_module(f"tests.sandbox.attacks.{topic}") for topic in TOPICS
    }
    return [(topic, attack) for topic, table in tables.items() for attack in table.ATTACKS]


ATTACKS = attacks()


@dataclass
class Planted:
    """What an attack would reach for, outside the jail."""

    file: Path
    listener: socket.socket
    signals: list[int] = field(default_factory=list)

    def check(self) -> None:
        assert self.file.read_text() == CANARY
        assert [entry.name for entry in self.file.parent.iterdir()] == [self.file.name]
        assert os.environ["BATOS_CANARY"] == CANARY
        assert not self.signals
        with pytest.raises(BlockingIOError):
            self.listener.accept()


@pytest.fixture(scope="module")
def planted(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Planted]:
    file = tmp_path_factory.mktemp("planted") / "canary"
    file.write_text(CANARY)
    with (
        socket.create_server(("127.0.0.1", 0)) as listener,
        pytest.MonkeyPatch.context() as patch,
    ):
        listener.setblocking(False)
        found = Planted(file, listener)
        before = signal.signal(
            signal.SIGUSR1, lambda number, _frame: found.signals.append(number)
        )
        patch.setenv("BATOS_CANARY", CANARY)
        yield found
        signal.signal(signal.SIGUSR1, before)


@dataclass
class Place:
    """A jail, and what starts its process."""

    spawner: Spawner
    jail: Jail


@pytest.fixture(scope="module")
def hasty(planted: Planted) -> Iterator[Place]:
    """A jail that gives a message 0.2 s."""
    spawner = Spawner(with_first(QUICKLY))
    place = Place(spawner, Jail(spawner, case_s=0.5))
    yield place
    place.jail.close()


@pytest.fixture(scope="module")
def patient(planted: Planted) -> Iterator[Place]:
    """One for what should come to its end, on a busy machine too."""
    spawner = Spawner()
    place = Place(spawner, Jail(spawner, case_s=10))
    yield place
    place.jail.close()


@pytest.fixture(scope="module")
def target() -> UvmObject:
    return a_target()


def a_target() -> UvmObject:
    """Return an object with a primordial above it, behaviour, and a blob to attack."""
    vault = UvmObject(
        gold=[1], card={"k": CANARY, "n": 1}, waiting=Queue([1]), count=Counter(1)
    )
    for name in ("infer_", "reflectOn_", "doesNotUnderstand_", "improveCognition"):
        mirror(vault).set(name, Primitive(f"host.{name}"))
    mirror(vault).set("setSlot_value_", Primitive("kernel.set_slot"))
    mirror(vault).seal()
    obj = vault.clone(
        n=1, items=[1, 2], d={"a": 1}, tags={1}, pair=(1, [2]), text="abc", vault=vault
    )
    obj.hits, obj.queue, obj.blob = Counter(1), Queue([1]), Blob(b"weights")
    behaviour = {
        "greet": "def greet(self):\n    return 'hi'",
        "twice": "def twice(self, x):\n    return x + x",
        "forever": "def forever(self):\n    return self.forever()",
        "bounce_": "def bounce_(self, other):\n    return other.bounce_(self)",
        "touch_": "def touch_(self, x):\n    self.n = x",
        "keep": "def keep(self, x):\n    self.kept = x",
    }
    for name, source in behaviour.items():
        mirror(obj).set(name, Method(source, {}))
    return obj


def test_there_are_more_than_three_hundred_different_attacks() -> None:
    assert len({attack.source for _, attack in ATTACKS}) >= 300
    assert len({(topic, attack.id) for topic, attack in ATTACKS}) == len(ATTACKS)
    assert all(attack.tries for _, attack in ATTACKS)


@pytest.mark.parametrize(
    "attack",
    [attack for _, attack in ATTACKS],
    ids=[f"{topic}: {attack.id}" for topic, attack in ATTACKS],
)
def test_an_attack_ends_as_it_must(
    attack: Attack, hasty: Place, patient: Place, target: UvmObject, planted: Planted
) -> None:
    if attack.ends is REFUSED:
        assert_refused(attack.source)
        return

    place = patient if attack.ends is HARMLESS else hasty
    report = place.jail.trial(attack.source, "method", target, [Case()])

    assert report.refused is None, report.refused
    (outcome,) = report.outcomes
    if attack.ends is ERROR:
        assert outcome.error is not None, (outcome.result, outcome.changes)
        assert not outcome.changes
        assert CANARY not in outcome.error
    else:
        assert outcome.error is None, outcome.error
        assert same(outcome.result, attack.result)
        assert all(label == "self" for label, _ in outcome.changes), outcome.changes
        assert not {"greet", "parent*", "infer_"} & {slot for _, slot in outcome.changes}
    assert len(place.spawner.started) == 1  # the jail itself outlives what its children do
    planted.check()


def assert_refused(source: str) -> None:
    with pytest.raises(SourceRefused) as refusal:
        check(source)
    assert all(reason.startswith("line ") for reason in refusal.value.reasons)
    assert all(reason.isprintable() for reason in refusal.value.reasons)


def same(found: object, expected: object) -> bool:
    if expected is None:
        return True
    if isinstance(expected, float) and math.isnan(expected):
        return isinstance(found, float) and math.isnan(found)
    return type(found) is type(expected) and found == expected


def test_the_target_is_as_it_was_after_all_attacks(target: UvmObject) -> None:
    fresh = a_target()

    data = {name: plain(value) for name, value in mirror(target).data().items()}
    expected = {name: plain(value) for name, value in mirror(fresh).data().items()}

    for name in ("blob", "vault", "parent*"):
        data.pop(name, None)
        expected.pop(name, None)
    assert data == expected
