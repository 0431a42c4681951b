"""One object database: its transactions, and who may open it."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NoReturn

import pytest
from persistent.list import PersistentList
from ZODB.POSException import ConflictError

from batos.errors import (
    ExtraMissing,
    NothingRuns,
    NotStorable,
    TransactionOver,
    UniverseBusy,
    UniverseMissing,
    UniverseReadOnly,
)
from batos.kernel.message import send
from batos.kernel.mirror import mirror
from batos.kernel.runtime import Runtime, context_of
from batos.kernel.values import plain
from batos.universe.universe import Universe, open_universe

Write = Callable[..., str]
Read = Callable[[str, str], object]


# --- transactions ---------------------------------------------------------------------


def test_what_is_committed_is_there_after_a_restart(universe_path: Path) -> None:
    first = open_universe(universe_path)
    with first.transaction() as root:
        root["account"] = root["genesis_obj"].clone(balance=100)
    first.close()

    second = open_universe(universe_path)

    with second.transaction() as root:
        assert root["account"].balance == 100
    second.close()


def test_an_error_inside_takes_everything_back(
    universe: Universe, write: Write, read: Read
) -> None:
    write("account", balance=100, words=["a"])

    def fail() -> None:
        with universe.transaction() as root:
            root["account"].balance = 50
            root["account"].words.append("b")
            root["other"] = root["account"].clone()
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()

    assert read("account", "balance") == 100
    with universe.transaction() as root:
        assert plain(root["account"].words) == ["a"]
        assert "other" not in root


def test_two_changes_of_one_object_conflict_and_the_first_one_stands(
    universe: Universe, write: Write, read: Read
) -> None:
    write("account", balance=100)

    def meet() -> None:
        with universe.transaction() as slow:
            slow["account"].balance = 1
            with universe.transaction() as fast:
                fast["account"].balance = 2

    with pytest.raises(ConflictError):
        meet()

    assert read("account", "balance") == 2


def test_a_reader_keeps_the_moment_at_which_it_began(universe: Universe, write: Write) -> None:
    write("account", balance=100)

    with universe.transaction() as root:
        write("account", balance=1)
        assert root["account"].balance == 100


def test_threads_that_try_again_after_a_conflict_lose_nothing(
    universe: Universe, write: Write, read: Read
) -> None:
    write("counter", n=0)
    conflicts: list[ConflictError] = []
    together = threading.Barrier(4)

    def count_to_ten() -> None:
        together.wait()
        done = 0
        while done < 10:
            try:
                with universe.transaction() as root:
                    counter: Any = root["counter"]
                    counter.n += 1
            except ConflictError as conflict:
                conflicts.append(conflict)
            else:
                done += 1

    threads = [threading.Thread(target=count_to_ten) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert read("counter", "n") == 40
    assert conflicts


def test_what_is_bound_answers_in_every_transaction(universe: Universe) -> None:
    echo = {"synthesis.not_understood": lambda _self, message: message.selector}
    universe.bind(Runtime(echo, _refuse))

    for _ in range(2):
        with universe.transaction() as root:
            assert send(root["genesis_obj"], "shout") == "shout"


def test_nothing_runs_where_nothing_is_bound(universe: Universe) -> None:
    with universe.transaction() as root:
        with pytest.raises(ExtraMissing, match=r"synthesis\.not_understood"):
            send(root["genesis_obj"], "shout")
        with pytest.raises(NothingRuns):
            mirror(root["genesis_obj"]).define("def shout(self): return 1")


def test_a_context_lasts_as_long_as_its_transaction(universe: Universe) -> None:
    with universe.transaction(context="mine") as root:
        assert context_of(root["genesis_obj"]) == "mine"
    with universe.transaction() as root:
        assert context_of(root["genesis_obj"]) is None


def _refuse(_source: str) -> NoReturn:
    raise AssertionError("something was compiled")


@dataclass
class Stranger:
    """A class that another program would not have."""

    name: str = "?"
    friends: list[str] = field(default_factory=list)


@pytest.mark.parametrize("value", [print, Stranger(), os.system, Path("x")])
def test_what_could_not_be_loaded_again_is_not_committed(
    universe: Universe, write: Write, read: Read, value: object
) -> None:
    write("account", words=["a"])

    with pytest.raises(NotStorable), universe.transaction() as root:
        root["account"].words.append(value)  # past `storable`
    with pytest.raises(NotStorable), universe.transaction() as root:
        root["account"].words = PersistentList([value])

    assert read("account", "words") == ["a"]


def test_an_object_cannot_be_used_after_its_transaction(
    universe: Universe, write: Write, read: Read
) -> None:
    write("account", balance=100, words=["a"])
    with universe.transaction() as root:
        account: Any = root["account"]
        words = account.words
        assert list(words) == ["a"]
        ghost: Any = root["digital_ether"]

    with pytest.raises(TransactionOver, match="take the object from its root again"):
        account.balance = 1
    with pytest.raises(TransactionOver):
        del account.balance
    with pytest.raises(TransactionOver):
        ghost.balance = 1
    with pytest.raises(TransactionOver, match="PersistentList"):
        words.append("b")

    write("account", other=1)  # what was refused is not committed with this
    assert read("account", "balance") == 100


# --- who may open it ------------------------------------------------------------------


def test_an_owned_universe_is_busy_and_says_whose_it_is(
    universe: Universe, universe_path: Path
) -> None:
    with pytest.raises(UniverseBusy, match=f"in use by process {os.getpid()}:"):
        open_universe(universe_path)


def test_a_universe_can_be_read_beside_its_owner(
    universe: Universe, universe_path: Path, write: Write
) -> None:
    write("account", note="first", balance=100)

    reader = open_universe(universe_path, read_only=True)

    with reader.transaction() as root:
        assert root["account"].balance == 100
    assert reader.log(1)[0].note == "first"
    write("account", balance=1)
    with reader.transaction() as root:
        assert root["account"].balance == 100  # as it was opened
    reader.close()


def test_a_reader_cannot_change_anything(
    universe: Universe, universe_path: Path, write: Write, read: Read
) -> None:
    write("account", balance=100)
    reader = open_universe(universe_path, read_only=True)

    with pytest.raises(UniverseReadOnly), reader.transaction() as root:
        root["account"].balance = 1
    with pytest.raises(UniverseReadOnly):
        reader.undo(None)

    reader.close()
    assert read("account", "balance") == 100


def test_a_universe_can_be_owned_again_when_it_was_closed(universe_path: Path) -> None:
    for _ in range(3):
        open_universe(universe_path).close()


@pytest.mark.parametrize("read_only", [False, True])
def test_where_nothing_lies_no_universe_is_opened_or_made(
    tmp_path: Path, read_only: bool
) -> None:
    (tmp_path / "file").write_text("x")

    for place in (tmp_path / "nowhere", tmp_path, tmp_path / "file"):
        with pytest.raises(UniverseMissing, match="awaken"):
            open_universe(place, read_only)

    assert [path.name for path in tmp_path.iterdir()] == ["file"]


def test_it_can_be_read_at_any_moment_of_a_commit(universe: Universe) -> None:
    stop = threading.Event()

    def commit() -> None:
        while not stop.is_set():
            with universe.transaction() as root:
                root["genesis_obj"].clone()
                root["n"] = root.get("n", 0) + 1

    writer = threading.Thread(target=commit)
    writer.start()
    try:
        seen = []
        for _ in range(150):
            reader = open_universe(universe.path, read_only=True)
            with reader.transaction() as root:
                seen.append(root.get("n", 0))
            reader.close()
    finally:
        stop.set()
        writer.join()

    assert seen == sorted(seen)
    assert seen[-1] > seen[0]


def test_what_a_program_puts_into_a_stored_container_is_kept_and_aborted_with_it(
    universe: Universe, write: Write, read: Read
) -> None:
    write("account", pages={}, words=[[1]])
    with universe.transaction() as root:
        root["account"].pages["k"] = [1]  # past the slot: a plain list
        root["account"].words.append({"a": [1]})
        root["shelf"] = [1]
    with universe.transaction() as root:
        root["account"].pages["k"].append(2)
        root["account"].words[1]["a"].append(2)
        root["shelf"].append(2)
    with suppress(KeyError), universe.transaction() as root:
        root["account"].pages["k"].append("dirty")
        root["account"].words[1]["a"].append("dirty")
        raise KeyError

    universe.database.cacheMinimize()

    assert read("account", "pages") == {"k": [1, 2]}
    assert read("account", "words") == [[1], {"a": [1, 2]}]
    with universe.transaction() as root:
        assert list(root["shelf"]) == [1, 2]


def test_what_cannot_last_in_a_stored_container_is_told_as_that(
    universe: Universe, write: Write
) -> None:
    write("account", words=[1])

    with pytest.raises(NotStorable, match="a stored list"), universe.transaction() as root:
        root["account"].words.append(lambda: 0)
