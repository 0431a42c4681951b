"""Backups of a universe that is being written to, killed ones and damaged ones among them."""

from __future__ import annotations

import errno
import multiprocessing
import os
import random
import resource
import signal
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from ZODB.blob import Blob

from batos.errors import (
    BackupFailed,
    BackupMissing,
    Damaged,
    FolderTaken,
    NoSuchBackup,
    UniverseExists,
    UniverseMissing,
    UniverseUnreadable,
)
from batos.universe.backup import back_up
from batos.universe.backup_folder import read_list
from batos.universe.recovering import recover
from batos.universe.universe import Universe, open_universe
from batos.universe.verifying import verify

children = multiprocessing.get_context("forkserver")
children.set_forkserver_preload(["batos.universe.backup", "batos.universe.recovering"])


def put_blob(universe: Universe, name: str, content: bytes) -> None:
    with universe.transaction(f"blob {name}") as root:
        if name not in root:
            root[name] = root["genesis_obj"].clone()
        blob = Blob()
        with blob.open("w") as file:
            file.write(content)
        root[name].weights = blob


def count(universe: Universe, n: int) -> None:
    """One commit; every third brings weights along."""
    with universe.transaction(f"count to {n}") as root:
        if "counter" not in root:
            root["counter"] = root["genesis_obj"].clone()
        root["counter"].n = n
        if n % 3 == 0:
            blob = Blob()
            with blob.open("w") as file:
                file.write(random.Random(n).randbytes(10_000))
            root["counter"].weights = blob


def counted(path: Path) -> int:
    """Open a universe, check its weights, and return how far it has counted."""
    universe = open_universe(path)
    n = 0
    with universe.transaction() as root:
        if "counter" in root:
            n = root["counter"].n
        if n >= 3:
            with root["counter"].weights.open("r") as file:
                assert file.read() == random.Random(n - n % 3).randbytes(10_000)
    universe.close()
    return n


def contents(path: Path) -> dict[str, bytes]:
    """Return the bytes that make a universe."""
    blobs = [file for file in (path / "blobs").rglob("*.blob") if file.is_file()]
    files = [path / "Data.fs", path / "blobs" / ".layout", *blobs]
    return {str(file.relative_to(path)): file.read_bytes() for file in files}


@pytest.fixture
def backups(tmp_path: Path) -> Path:
    return tmp_path / "backups"


@pytest.fixture
def fresh(tmp_path: Path) -> Callable[[], Path]:
    """Return a place where nothing is, each time another one."""
    numbers = iter(range(1000))
    return lambda: tmp_path / "recovered" / f"{next(numbers)}.universe"


def test_what_is_recovered_is_the_same_to_the_byte(
    universe: Universe, backups: Path, fresh: Callable[[], Path]
) -> None:
    for n in range(1, 10):
        count(universe, n)
    back_up(universe.path, backups)
    target = fresh()

    recover(backups, target)

    assert contents(target) == contents(universe.path)
    assert counted(target) == 9


def test_a_second_backup_copies_only_what_is_new(universe: Universe, backups: Path) -> None:
    put_blob(universe, "big", bytes(1_000_000))
    first = back_up(universe.path, backups)
    count(universe, 1)

    second = back_up(universe.path, backups)
    third = back_up(universe.path, backups)

    assert first.is_whole
    assert first.bytes > 1_000_000
    assert (second.is_whole, second.transactions, second.blobs) == (False, 1, 0)
    assert second.bytes < 5_000
    assert (third.transactions, third.bytes, third.tid) == (0, 0, second.tid)


def test_every_earlier_backup_can_be_recovered(
    universe: Universe, backups: Path, fresh: Callable[[], Path]
) -> None:
    taken = []
    for n in range(1, 8):
        count(universe, n)
        taken.append((n, back_up(universe.path, backups).tid))

    for n, tid in taken:
        target = fresh()
        recover(backups, target, tid)
        assert counted(target) == n
    with pytest.raises(NoSuchBackup):
        recover(backups, fresh(), "0" * 16)


def test_after_a_pack_all_of_it_is_copied_and_earlier_backups_stay(
    universe: Universe, backups: Path, fresh: Callable[[], Path]
) -> None:
    for n in range(1, 8):
        count(universe, n)
    before = back_up(universe.path, backups)
    universe._database.pack()
    count(universe, 8)

    after = back_up(universe.path, backups)

    assert after.is_whole
    assert len(read_list(backups)) == 2
    for tid, n in ((before.tid, 7), (after.tid, 8)):
        target = fresh()
        recover(backups, target, tid)
        assert counted(target) == n
    verify(backups)


@pytest.mark.parametrize("packed", [False, True])
def test_backups_hold_a_prefix_of_the_commits_while_threads_write(
    universe: Universe, backups: Path, fresh: Callable[[], Path], packed: bool
) -> None:
    acknowledged = 0
    stop = threading.Event()

    def write() -> None:
        nonlocal acknowledged
        while not stop.is_set():
            count(universe, acknowledged + 1)
            acknowledged += 1

    writer = threading.Thread(target=write)
    writer.start()
    taken = []
    for number in range(8):
        at_least = acknowledged
        backup = back_up(universe.path, backups)
        taken.append((at_least, backup.tid, acknowledged + 1))
        if packed and number % 3 == 2:
            universe._database.pack()
    stop.set()
    writer.join()

    original = (universe.path / "Data.fs").read_bytes()
    for at_least, tid, at_most in taken:
        target = fresh()
        recovered = recover(backups, target, tid)
        if not packed:
            assert (target / "Data.fs").read_bytes() == original[: recovered.bytes]
        assert at_least <= counted(target) <= at_most
    verify(backups)


def write_until_killed(path: Path, acknowledged: Any) -> None:
    universe = open_universe(path)
    while True:
        count(universe, acknowledged.value + 1)
        acknowledged.value += 1


@pytest.fixture
def owner(universe_path: Path) -> Iterator[Any]:
    """Another process that owns the universe and writes to it; how far it is."""
    acknowledged = children.Value("i", 0)
    process = children.Process(target=write_until_killed, args=(universe_path, acknowledged))
    process.start()
    while acknowledged.value < 5:
        time.sleep(0.01)
    yield acknowledged
    process.kill()
    process.join()
    process.close()


def test_another_process_backs_up_what_the_owner_has_committed(
    owner: Any, universe_path: Path, backups: Path, fresh: Callable[[], Path]
) -> None:
    for _ in range(6):
        at_least = owner.value
        back_up(universe_path, backups)
        at_most = owner.value + 1
        target = fresh()

        recovered = recover(backups, target)

        assert at_least <= counted(target) <= at_most
        with (universe_path / "Data.fs").open("rb") as file:
            assert (target / "Data.fs").read_bytes() == file.read(recovered.bytes)
    verify(backups)
    verify(universe_path)


def test_killed_at_any_time_a_backup_damages_none_before_it(
    universe: Universe, backups: Path, fresh: Callable[[], Path]
) -> None:
    chance = random.Random(7)
    count(universe, 1)
    back_up(universe.path, backups)
    longest_s = 0.3
    done = 0
    for n in range(2, 27):
        put_blob(universe, "big", chance.randbytes(3_000_000))
        count(universe, n)
        before = read_list(backups)[-1].pieces[-1].tid
        child = children.Process(target=back_up, args=(universe.path, backups))
        child.start()
        child.join(chance.uniform(0, longest_s))
        child.kill()
        child.join()
        ended = child.exitcode == 0
        child.close()
        longest_s *= 0.8 if ended else 1.1
        done += ended

        verify(backups)
        target = fresh()
        recover(backups, target, before)
        assert counted(target) <= n
    back_up(universe.path, backups)
    recover(backups, fresh())
    assert 0 < done < 25


def back_up_in_little_space(path: Path, backups: Path, most_bytes: int) -> None:
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (most_bytes, most_bytes))
    try:
        back_up(path, backups)
    except BackupFailed as error:
        os._exit(errno.EFBIG if os.strerror(errno.EFBIG) in str(error) else 1)


@pytest.mark.parametrize("most_bytes", [10, 1_000, 100_000])
def test_a_full_disk_is_told_and_earlier_backups_stay(
    universe: Universe, backups: Path, fresh: Callable[[], Path], most_bytes: int
) -> None:
    count(universe, 1)
    back_up(universe.path, backups)
    put_blob(universe, "big", bytes(1_000_000))
    count(universe, 2)
    child = children.Process(
        target=back_up_in_little_space, args=(universe.path, backups, most_bytes)
    )

    child.start()
    child.join()

    assert child.exitcode == errno.EFBIG
    child.close()
    verify(backups)
    target = fresh()
    recover(backups, target)
    assert counted(target) == 1
    assert not list(backups.rglob("*.part"))
    back_up(universe.path, backups)


def test_two_backups_into_one_folder_take_turns(universe: Universe, backups: Path) -> None:
    from zc.lockfile import LockFile

    backups.mkdir()
    lock = LockFile(str(backups / "backup.lock"))

    with pytest.raises(BackupFailed, match="another backup"):
        back_up(universe.path, backups)

    lock.close()
    back_up(universe.path, backups)


# --- damage --------------------------------------------------------------------------------


def test_a_damaged_universe_is_not_backed_up(universe_path: Path, backups: Path) -> None:
    universe = open_universe(universe_path)
    for n in range(1, 10):
        count(universe, n)
    universe.close()
    data = bytearray((universe_path / "Data.fs").read_bytes())
    middle = len(data) // 2
    data[middle - 200 : middle + 200] = bytes(400)
    (universe_path / "Data.fs").write_bytes(data)

    with pytest.raises(UniverseUnreadable):
        back_up(universe_path, backups)

    assert read_list(backups) == []


def test_weights_that_are_missing_are_told(universe: Universe, backups: Path) -> None:
    put_blob(universe, "big", b"weights")
    for file in (universe.path / "blobs").rglob("*.blob"):
        file.unlink()

    with pytest.raises(UniverseUnreadable, match="missing"):
        back_up(universe.path, backups)
    with pytest.raises(Damaged, match="is missing"):
        verify(universe.path)


def test_any_flipped_byte_of_a_backup_is_found(
    universe: Universe, backups: Path, fresh: Callable[[], Path]
) -> None:
    for n in range(1, 5):
        count(universe, n)
        back_up(universe.path, backups)
    chance = random.Random(7)
    files = [file for file in backups.rglob("*") if file.suffix in (".fs", ".blob")]
    for file in files:
        whole = file.read_bytes()
        at = chance.randrange(len(whole))
        file.chmod(0o644)
        file.write_bytes(whole[:at] + bytes([whole[at] ^ 1]) + whole[at + 1 :])

        with pytest.raises(Damaged, match="SHA-256"):
            verify(backups)
        with pytest.raises(Damaged, match="SHA-256"):
            recover(backups, fresh())

        file.write_bytes(whole)
    verify(backups)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        "{}",
        '{"format": 2, "generations": []}',
        '{"format": 1, "generations": [{"number": 1, "pieces": [{}]}]}',
        "[" * 5000,
    ],
)
def test_a_list_that_cannot_be_read_is_damage(
    universe: Universe, backups: Path, fresh: Callable[[], Path], text: str
) -> None:
    back_up(universe.path, backups)
    (backups / "backup.json").write_text(text)

    for use in (
        lambda: verify(backups),
        lambda: recover(backups, fresh()),
        lambda: back_up(universe.path, backups),
    ):
        with pytest.raises(Damaged, match="not a list of backups"):
            use()


def test_a_list_cannot_name_files_elsewhere(
    universe: Universe, backups: Path, fresh: Callable[[], Path]
) -> None:
    back_up(universe.path, backups)
    text = (backups / "backup.json").read_text()
    (backups / "backup.json").write_text(text.replace('"0x00/', '"../0x00/'))

    with pytest.raises(Damaged):
        recover(backups, fresh())


def test_a_universe_is_verified_to_its_last_reference(universe: Universe) -> None:
    count(universe, 3)

    found = verify(universe.path)

    assert found.transactions == 3  # the empty root, the birth, and this one
    assert found.objects >= 8
    assert found.blobs == 2
    assert found.problems == []


def test_a_reference_that_leads_nowhere_is_found(universe_path: Path) -> None:
    from tests.universe.test_records import UVM_OBJECT, oid_of, store

    oid = oid_of(universe_path, "digital_ether")
    nowhere = b"(U\x08" + b"\x00" * 6 + b"\x7f\x7f" + b"cbatos.kernel.uvm_object\nUvmObject\ntQ"
    store(universe_path, oid, UVM_OBJECT + b"}(V_slots\n}(Vfriend\n" + nowhere + b"su.")

    with pytest.raises(Damaged, match="refers to object 0x7f7f: it is missing"):
        verify(universe_path)


def test_a_record_of_a_foreign_class_is_found_and_not_called(
    universe_path: Path, tmp_path: Path
) -> None:
    from tests.universe.test_records import UVM_OBJECT, calls_touch, oid_of, store

    oid = oid_of(universe_path, "digital_ether")
    store(universe_path, oid, UVM_OBJECT + calls_touch(tmp_path / "mark"))

    with pytest.raises(Damaged, match=r"os\.system"):
        verify(universe_path)

    assert not (tmp_path / "mark").exists()


def test_a_folder_with_something_else_gets_no_backup(universe: Universe, backups: Path) -> None:
    backups.mkdir()
    (backups / "letter.txt").write_text("dear Ada")

    with pytest.raises(FolderTaken, match="no backup"):
        back_up(universe.path, backups)

    assert [file.name for file in backups.iterdir()] == ["letter.txt"]


def test_nothing_is_overwritten_and_nothing_made_of_nothing(
    universe: Universe, backups: Path, fresh: Callable[[], Path], tmp_path: Path
) -> None:
    with pytest.raises(BackupMissing):
        recover(backups, fresh())
    with pytest.raises(UniverseMissing):
        back_up(tmp_path / "none", backups)
    with pytest.raises(UniverseMissing):
        verify(tmp_path / "none")
    back_up(universe.path, backups)
    with pytest.raises(UniverseExists):
        recover(backups, universe.path)


@pytest.mark.parametrize("inner", ["", "backups"])
def test_a_universe_holds_no_backups_of_itself(universe_path: Path, inner: str) -> None:
    before = sorted(universe_path.iterdir())

    with pytest.raises(BackupFailed, match="it is a universe, or lies in one"):
        back_up(universe_path, universe_path / inner)

    assert sorted(universe_path.iterdir()) == before
