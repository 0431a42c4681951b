"""Ending history: what stays, what goes, and what a kill in the middle leaves."""

from __future__ import annotations

import datetime as dt
import mmap
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from batos.errors import NoSuchMoment, UndoConflict, UniverseMissing, UniverseReadOnly
from batos.universe.blobs import import_weights, path_of
from batos.universe.moments import visited
from batos.universe.packing import pack, plan_pack, size_bytes, span_of
from batos.universe.past import history
from batos.universe.universe import Universe, open_universe

Write = Callable[..., str]
Read = Callable[[str, str], object]
NOTHING = dt.timedelta()
LARGE = 1_000_000  # bytes of the weights that a pack has to give back


@pytest.fixture
def weigh(universe: Universe, tmp_path: Path) -> Callable[[str], str]:
    """Give an object new weights in the place of its old ones; return the transaction."""

    def write(content: str) -> str:
        (tmp_path / "w").write_bytes(content.encode() * LARGE)
        with universe.transaction(f"weigh {content}") as root:
            if "mind" not in root:
                root["mind"] = root["genesis_obj"].clone()
            jar = root._p_jar  # type: ignore[attr-defined]
            root["mind"].weights = import_weights(jar, tmp_path / "w", lambda *_: None)
        return universe.log(1)[0].tid

    return write


def test_a_pack_ends_the_history_before_it_and_says_so(
    universe: Universe, write: Write, read: Read
) -> None:
    first = write("account", balance=1)
    last = write("account", note="last", balance=2)

    packed = pack(universe, NOTHING, "ann")

    assert (packed.ending.begins.tid, packed.ending.ended) == (last, 2)
    assert read("account", "balance") == 2
    with visited(universe, last) as root:
        assert root["account"].balance == 2
    with pytest.raises(NoSuchMoment, match=f"begins at {last}"), visited(universe, first):
        pass
    noted = universe.log(1, everything=True)[0]
    assert (noted.user, noted.lasts) == ("ann", True)
    assert "2 transactions ended" in noted.note


def test_history_goes_on_after_a_pack(universe: Universe, write: Write) -> None:
    write("account", balance=1)
    write("account", balance=2)
    pack(universe, NOTHING)
    assert history(universe, "account") == []
    write("account", note="later", balance=3)

    assert [event.moment.note for event in history(universe, "account")] == ["later"]


def test_what_is_young_enough_stays(universe: Universe, write: Write) -> None:
    tid = write("account", balance=1)
    write("account", balance=2)
    before = universe.log(everything=True)

    assert plan_pack(universe, dt.timedelta(days=1)).ended == 0
    assert pack(universe, dt.timedelta(days=1)).ending.ended == 0

    assert universe.log(everything=True) == before
    with visited(universe, tid) as root:
        assert root["account"].balance == 1


def test_a_part_of_the_history_can_be_kept(universe: Universe, write: Write) -> None:
    old, kept, _ = (write("account", balance=balance) for balance in (1, 2, 3))
    span = dt.datetime.now(dt.UTC) - universe.log(2)[1].time

    packed = pack(universe, span - dt.timedelta(microseconds=100))

    assert packed.ending.begins.tid == kept
    with visited(universe, kept) as root:
        assert root["account"].balance == 2
    with pytest.raises(NoSuchMoment), visited(universe, old):
        pass


def test_the_space_of_old_weights_comes_back(
    universe: Universe, universe_path: Path, weigh: Callable[[str], str]
) -> None:
    weigh("a")
    weigh("b")

    packed = pack(universe, NOTHING)

    assert packed.before_bytes - packed.after_bytes > 0.9 * LARGE
    assert packed.after_bytes == size_bytes(universe_path)
    assert not list(universe_path.glob("*.old"))
    with universe.transaction() as root:
        assert path_of(root["mind"].weights).read_bytes() == b"b" * LARGE


def test_what_happened_after_the_pack_can_still_be_undone(
    universe: Universe, write: Write, read: Read
) -> None:
    write("account", balance=1)
    write("account", balance=2)
    write("account", balance=3)
    span = dt.datetime.now(dt.UTC) - universe.log(2)[1].time
    pack(universe, span - dt.timedelta(microseconds=100))

    universe.undo(None)
    assert read("account", "balance") == 2
    with pytest.raises(UndoConflict):
        universe.undo(None)


def test_others_write_while_a_pack_is_at_work(
    universe: Universe, write: Write, read: Read
) -> None:
    for number in range(50):
        write(f"account_{number % 5}", balance=number)
    stop = threading.Event()
    written: dict[str, int] = {}

    def write_on(name: str) -> None:
        while not stop.is_set():
            with universe.transaction("busy") as root:
                root[name].balance += 1
                balance = root[name].balance
            written[name] = balance

    threads = [threading.Thread(target=write_on, args=(f"account_{n}",)) for n in range(2)]
    for thread in threads:
        thread.start()
    for _ in range(3):
        pack(universe, NOTHING)
    stop.set()
    for thread in threads:
        thread.join()

    assert len(written) == 2
    for name, balance in written.items():
        assert read(name, "balance") == balance


def test_whoever_holds_old_weights_can_go_on_reading_them(
    universe: Universe, weigh: Callable[[str], str]
) -> None:
    weigh("a")
    with universe.transaction() as root:
        path = path_of(root["mind"].weights)
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as held:
        weigh("b")
        pack(universe, NOTHING)

        assert not path.exists()
        assert held[-1:] == b"a"


def test_a_reader_cannot_pack(universe: Universe, universe_path: Path) -> None:
    reader = open_universe(universe_path, read_only=True)

    with pytest.raises(UniverseReadOnly):
        pack(reader, NOTHING)
    reader.close()


def test_a_pack_can_be_done_again(universe: Universe, write: Write, read: Read) -> None:
    for balance in range(3):
        write("account", balance=balance)
        pack(universe, NOTHING)

    assert read("account", "balance") == 2


KILLED = """
import datetime, os, sys
from pathlib import Path
from batos.universe.packing import pack
from batos.universe.universe import open_universe

path, kind, number = sys.argv[1], sys.argv[2], int(sys.argv[3])
universe = open_universe(Path(path))
done, real = 0, getattr(os, kind)

def counted(*args, **keywords):
    global done
    done += 1
    if done > number:
        os._exit(9)
    return real(*args, **keywords)

setattr(os, kind, counted)
pack(universe, datetime.timedelta())
os._exit(0)
"""
AT = [("rename", n) for n in range(3)] + [("remove", n) for n in range(6)]


@pytest.mark.parametrize("killed_at", AT)
def test_a_pack_that_is_killed_loses_nothing(
    universe: Universe,
    universe_path: Path,
    weigh: Callable[[str], str],
    write: Write,
    killed_at: tuple[str, int],
) -> None:
    weigh("a")
    write("account", balance=1)
    weigh("b")
    write("account", balance=2)
    universe.close()

    command = [sys.executable, "-c", KILLED, str(universe_path), *map(str, killed_at)]
    status = subprocess.run(command, check=False).returncode

    assert status in (9, 0)
    again = open_universe(universe_path)
    with again.transaction("go on") as root:
        assert root["account"].balance == 2
        assert path_of(root["mind"].weights).read_bytes() == b"b" * LARGE
        root["account"].balance = 3
    pack(again, NOTHING)
    assert size_bytes(universe_path) < 1.5 * LARGE
    assert not [*universe_path.glob("*.old"), *universe_path.glob("*.pack")]
    again.close()


FULL = """
import datetime, resource, sys
from pathlib import Path
from batos.universe.packing import pack
from batos.universe.universe import open_universe

universe = open_universe(Path(sys.argv[1]))
resource.setrlimit(resource.RLIMIT_FSIZE, (2000, resource.RLIM_INFINITY))
try:
    pack(universe, datetime.timedelta())
except OSError as error:
    sys.exit(7)
"""


def test_a_pack_that_finds_no_space_leaves_everything_as_it_was(
    universe: Universe, universe_path: Path, write: Write
) -> None:
    tid = write("account", balance=1, text="x" * 5000)
    write("account", balance=2)
    universe.close()

    status = subprocess.run([sys.executable, "-c", FULL, str(universe_path)], check=False)

    assert status.returncode == 7
    again = open_universe(universe_path)
    assert not [*universe_path.glob("*.pack"), *universe_path.rglob(".removed")]
    with visited(again, tid) as root:
        assert root["account"].balance == 1
    pack(again, NOTHING)
    with again.transaction() as root:
        assert root["account"].balance == 2
    again.close()


def test_a_kill_between_the_two_moves_is_among_them(
    universe: Universe, universe_path: Path, write: Write
) -> None:
    write("account", balance=1)
    write("account", balance=2)
    universe.close()

    command = [sys.executable, "-c", KILLED, str(universe_path), "rename", "1"]
    subprocess.run(command, check=False)

    assert not (universe_path / "Data.fs").exists()
    open_universe(universe_path, read_only=True).close()
    assert (universe_path / "Data.fs").exists()


def test_the_old_file_of_a_pack_at_work_is_left_alone(
    universe: Universe, universe_path: Path
) -> None:
    """While another process holds the lock, it is the one that moves its files."""
    (universe_path / "Data.fs").rename(universe_path / "Data.fs.old")

    with pytest.raises(UniverseMissing):
        open_universe(universe_path, read_only=True)

    assert (universe_path / "Data.fs.old").exists()


@pytest.mark.parametrize("text", ["", "30", "d", "-1d", "1y", "1d 2h", "nan d"])
def test_a_span_that_cannot_be_read_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="no span of time"):
        span_of(text)
