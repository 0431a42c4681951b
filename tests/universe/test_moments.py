"""Going back to a moment: which one is meant, and that nothing can be changed there."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from pathlib import Path

import pytest

from batos.errors import MessageNotUnderstood, NoSuchMoment, PastReadOnly
from batos.kernel.message import send
from batos.kernel.mirror import mirror
from batos.universe.blobs import import_weights, path_of
from batos.universe.moments import visited
from batos.universe.universe import Root, Universe
from batos.uvm import Uvm

Write = Callable[..., str]
Read = Callable[[str, str], object]
OpenScripted = Callable[..., Uvm]


def balance_at(universe: Universe, when: str | dt.datetime) -> object:
    with visited(universe, when) as root:
        return root["account"].balance


def test_a_moment_is_a_tid_or_a_time_or_a_text(universe: Universe, write: Write) -> None:
    tid = write("account", balance=1)
    time = universe.log(1)[0].time
    later = write("account", balance=2)

    assert balance_at(universe, tid) == balance_at(universe, tid.upper()) == 1
    assert balance_at(universe, time) == balance_at(universe, time.isoformat()) == 1
    assert balance_at(universe, time.astimezone().replace(tzinfo=None)) == 1
    assert balance_at(universe, later) == 2


def test_a_text_in_whole_seconds_means_the_end_of_the_second(
    universe: Universe, write: Write
) -> None:
    write("account", balance=1)
    shown = f"{universe.log(1)[0].time.astimezone():%Y-%m-%d %H:%M:%S}"  # as a log shows it

    assert balance_at(universe, shown) == 1


def test_the_future_is_now(universe: Universe, write: Write) -> None:
    write("account", balance=1)

    for when in ("f" * 16, "2999-01-01", dt.datetime.now(dt.UTC) + dt.timedelta(days=1)):
        assert balance_at(universe, when) == 1


@pytest.mark.parametrize(
    ("when", "why"),
    [
        ("0" * 16, "the history begins at"),
        ("1999-12-31", "the history begins at"),
        ("0001-01-01T00:00:00+00:00", "out of range"),
        ("yesterday", "neither a transaction"),
        ("", "neither a transaction"),
        ("0123", "neither a transaction"),
    ],
)
def test_a_moment_that_cannot_be_visited_says_why(
    universe: Universe, when: str, why: str
) -> None:
    with pytest.raises(NoSuchMoment, match=why), visited(universe, when):
        pass


def test_the_birth_is_the_first_moment(universe: Universe) -> None:
    birth, empty = universe.log(everything=True)

    with visited(universe, birth.tid) as root:
        assert "genesis_obj" in root
    with pytest.raises(NoSuchMoment), visited(universe, empty.tid):
        pass


def write_slot(root: Root) -> None:
    root["account"].balance = 5


def write_list(root: Root) -> None:
    root["account"].entries.append(2)


def write_name(root: Root) -> None:
    root["other"] = root["account"].clone()


def remove_name(root: Root) -> None:
    del root["account"]


def write_journal(root: Root) -> None:
    root["journal"]["by_key"]["k"] = (1,)


def add_weights(root: Root) -> None:
    connection = root._p_jar  # type: ignore[attr-defined]
    connection.add(root["account"].clone())


@pytest.mark.parametrize(
    "change", [write_slot, write_list, write_name, remove_name, write_journal, add_weights]
)
def test_the_past_refuses_every_change_when_it_is_made(
    universe: Universe, write: Write, read: Read, change: Callable[[Root], None]
) -> None:
    tid = write("account", balance=1, entries=[1])
    write("account", balance=2)

    with visited(universe, tid) as root:
        with pytest.raises(PastReadOnly, match="batos restore"):
            change(root)
        assert root["account"].balance == 1
        assert list(root["account"].entries) == [1]
        assert "other" not in root
    assert balance_at(universe, tid) == 1
    assert read("account", "balance") == 2


def test_methods_of_the_past_run_there_and_change_nothing(open_scripted: OpenScripted) -> None:
    uvm = open_scripted([])
    with uvm.transaction("open an account") as root:
        root["account"] = root["genesis_obj"].clone(balance=1)
        mirror(root["account"]).define("def twice(self):\n    return self.balance * 2")
        mirror(root["account"]).define("def spend(self):\n    self.balance = 0")
    tid = uvm.log(1)[0].tid
    with uvm.transaction("earn") as root:
        root["account"].balance = 10

    with uvm.at(tid) as root:
        assert send(root["account"], "twice") == 2
        with pytest.raises(PastReadOnly):
            send(root["account"], "spend")
        with pytest.raises(MessageNotUnderstood):  # and nothing grows there
            send(root["account"], "unknown")

    assert uvm.send("account", "twice") == 20


def test_weights_of_the_past_can_be_read(universe: Universe, tmp_path: Path) -> None:
    (tmp_path / "old").write_bytes(b"old weights")
    (tmp_path / "new").write_bytes(b"new weights")
    with universe.transaction("first") as root:
        jar = root._p_jar  # type: ignore[attr-defined]
        root["mind"] = root["genesis_obj"].clone()
        root["mind"].weights = import_weights(jar, tmp_path / "old", lambda *_: None)
    tid = universe.log(1)[0].tid
    with universe.transaction("second") as root, root["mind"].weights.open("w") as file:
        file.write(b"new weights")

    with visited(universe, tid) as root:
        assert path_of(root["mind"].weights).read_bytes() == b"old weights"
        with root["mind"].weights.open("r") as file:
            assert file.read() == b"old weights"
