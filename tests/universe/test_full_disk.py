"""A disk that is full, at each step that writes: nothing committed is lost, and it goes on."""

from __future__ import annotations

import random
import shutil
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from tests.universe import little_disk
from tests.universe.little_disk import fill, free_bytes, run_on_disk

from batos.errors import DiskFull
from batos.universe.awakening import Mind, awaken
from batos.universe.backup import back_up
from batos.universe.blobs import import_weights, path_of
from batos.universe.bundle.exporting import export_universe
from batos.universe.bundle.importing import rebuild
from batos.universe.packing import pack
from batos.universe.recovering import recover
from batos.universe.universe import Universe, open_universe

KIB = 1 << 10
PAGE_BYTES = 4 * KIB
DISK_KIB = 8 * KIB
PAYLOAD = random.Random(7).randbytes(1000 * KIB)


@pytest.fixture(autouse=True)
def _disks() -> None:
    little_disk.need_disks()


def small_universe(disk: Path) -> Universe:
    weights = disk / "weights"
    weights.write_bytes(b"no weights at all")
    awaken(disk / "u", Mind(weights, "none", "none", {}))
    universe = open_universe(disk / "u")
    with universe.transaction("the first") as root:
        root["account"] = root["genesis_obj"].clone(n=1)
        root["heap"] = root["genesis_obj"].clone(large=b"")
    return universe


def write(universe: Universe, n: int, large: bytes | None = None) -> None:
    with universe.transaction() as root:
        root["account"].n = n
        if large is not None:
            root["heap"].large = large


def check_whole(universe: Universe, n: int) -> None:
    """Check that the universe can be opened again, without its index, and says `n`."""
    universe.close()
    (universe.path / "Data.fs.index").unlink(missing_ok=True)
    again = open_universe(universe.path)
    with again.transaction() as root:
        assert root["account"].n == n
        assert path_of(root["pLLM_obj"].model_blob).read_bytes() == b"no weights at all"
    again.close()
    assert not list(universe.path.glob("*.tr*"))


def fail_to_commit(disk: Path, left_bytes: int) -> dict[str, Any]:
    universe = small_universe(disk)
    write(universe, n=2, large=PAYLOAD[: 100 * KIB])
    before = free_bytes(disk)
    filler = fill(disk, left_bytes)
    texts = []
    for _ in range(3):  # a failure leaves no lock and no rest of itself
        with pytest.raises(DiskFull) as caught:
            write(universe, n=99, large=PAYLOAD)
        texts.append(str(caught.value))
    assert left_bytes - free_bytes(disk) <= PAGE_BYTES
    with universe.transaction() as root:
        assert root["account"].n == 2
    universe.close()
    open_universe(universe.path).close()  # it opens on a full disk

    universe = open_universe(universe.path)
    with pytest.raises(DiskFull):
        write(universe, n=99, large=PAYLOAD)
    filler.unlink()
    assert before - free_bytes(disk) <= 2 * PAGE_BYTES  # the index among them
    write(universe, n=3)  # shorter than what failed: a rest of that would lie behind it
    check_whole(universe, 3)
    return {"texts": texts}


@pytest.mark.parametrize("left_kib", [0, 64, 900, 1200, 1850])
def test_a_commit_that_does_not_fit_is_told_and_leaves_no_trace(
    tmp_path: Path, left_kib: int
) -> None:
    answer = run_on_disk(
        tmp_path / "disk", DISK_KIB, __name__, "fail_to_commit", left_kib * KIB
    )

    path = tmp_path / "disk" / "u"
    assert answer["texts"] == 3 * [
        f"No space is left on the disk of {path}: the change was not done, and what was"
        " committed before is whole. Free some space, then do it again."
    ]


def write_often(universe: Universe, large: bytes) -> None:
    for _ in range(3):  # the first may fit into the page that is there already
        write(universe, n=1, large=large)


def fail_on_the_last_page(disk: Path) -> dict[str, Any]:
    universe = small_universe(disk)
    write(universe, n=1, large=PAYLOAD[:5000])  # so many bytes are there for the temporary file
    filler = fill(disk, 0)
    with pytest.raises(DiskFull):
        write_often(universe, PAYLOAD[:3000])
    filler.unlink()
    write(universe, n=2)
    shutil.copytree(universe.path, disk / "killed")  # as a killed process would leave it
    killed = open_universe(disk / "killed")
    check_whole(killed, 2)
    check_whole(universe, 2)
    return {}


def test_what_a_buffer_kept_is_never_written_behind_a_later_commit(tmp_path: Path) -> None:
    """Plain ZODB cannot open the file any more after these steps."""
    run_on_disk(tmp_path / "disk", DISK_KIB, __name__, "fail_on_the_last_page")


def fail_to_import(disk: Path, source: str) -> dict[str, Any]:
    universe = small_universe(disk)
    write(universe, n=2)
    filler = fill(disk, 500 * KIB)
    with pytest.raises(DiskFull) as caught, universe.transaction() as root:
        root["account"].weights = import_weights(
            root["account"]._p_jar, Path(source), lambda *_: None
        )
    assert list((universe.path / "blobs" / "tmp").iterdir()) == []
    assert 500 * KIB - free_bytes(disk) <= PAGE_BYTES
    open_elsewhere_too(universe)
    filler.unlink()
    with universe.transaction() as root:
        root["account"].n = 3
        root["account"].weights = import_weights(
            root["account"]._p_jar, Path(source), lambda *_: None
        )
    with universe.transaction() as root:
        assert path_of(root["account"].weights).read_bytes() == PAYLOAD
    check_whole(universe, 3)
    return {"text": str(caught.value)}


def open_elsewhere_too(universe: Universe) -> None:
    open_universe(universe.path, read_only=True).close()


def test_weights_that_do_not_fit_are_told_and_leave_no_trace(tmp_path: Path) -> None:
    source = tmp_path / "more weights"
    source.write_bytes(PAYLOAD)

    answer = run_on_disk(tmp_path / "disk", DISK_KIB, __name__, "fail_to_import", str(source))

    assert f"the import of {source} was not done" in answer["text"]
    assert answer["text"].endswith("Free some space, then do it again.")


def write_with_weights(universe: Universe, source: Path) -> None:
    with universe.transaction() as root:
        root["account"].weights = import_weights(
            root["account"]._p_jar, source, lambda *_: None
        )
        root["heap"].large = PAYLOAD


def fail_beside_a_blob(disk: Path, source: str) -> dict[str, Any]:
    universe = small_universe(disk)
    filler = fill(disk, 1500 * KIB)
    blobs_before = sorted(universe.path.rglob("*.blob"))
    with pytest.raises(DiskFull):
        write_with_weights(universe, Path(source))
    assert sorted(universe.path.rglob("*.blob")) == blobs_before
    assert 1500 * KIB - free_bytes(disk) <= 16 * PAGE_BYTES  # empty folders stay
    filler.unlink()
    check_whole(universe, 1)
    return {}


def test_weights_go_again_if_the_rest_of_their_commit_does_not_fit(tmp_path: Path) -> None:
    source = tmp_path / "more weights"
    source.write_bytes(PAYLOAD)

    run_on_disk(tmp_path / "disk", DISK_KIB, __name__, "fail_beside_a_blob", str(source))


def fail_to_awaken(disk: Path, source: str, left_bytes: int) -> dict[str, Any]:
    homes = disk / "homes"
    homes.mkdir()
    filler = fill(disk, left_bytes)
    mind = Mind(Path(source), "none", "none", {})
    with pytest.raises(DiskFull) as caught:
        awaken(homes / "u", mind)
    assert list(homes.iterdir()) == []
    assert left_bytes - free_bytes(disk) <= 0
    filler.unlink()
    awaken(homes / "u", mind)
    open_universe(homes / "u").close()
    return {"text": str(caught.value)}


@pytest.mark.parametrize("left_kib", [0, 4, 500, 1004])
def test_an_awakening_that_does_not_fit_is_told_and_leaves_no_trace(
    tmp_path: Path, left_kib: int
) -> None:
    source = tmp_path / "weights"
    source.write_bytes(PAYLOAD)

    answer = run_on_disk(
        *(tmp_path / "disk", DISK_KIB, __name__, "fail_to_awaken"),
        *(str(source), left_kib * KIB),
    )

    assert answer["text"].startswith("No space is left on the disk of ")
    assert answer["text"].endswith("Free some space, then do it again.")


def fail_to_pack(disk: Path, left_bytes: int) -> dict[str, Any]:
    universe = small_universe(disk)
    for n in range(2, 5):
        write(universe, n=n, large=PAYLOAD)
    filler = fill(disk, left_bytes)
    with pytest.raises(DiskFull):
        pack(universe, timedelta())
    assert not (universe.path / "Data.fs.pack").exists()
    assert left_bytes - free_bytes(disk) <= PAGE_BYTES
    if left_bytes > 64 * KIB:
        write(universe, n=5)
    filler.unlink()
    pack(universe, timedelta())
    write(universe, n=6)
    check_whole(universe, 6)
    return {}


@pytest.mark.parametrize("left_kib", [0, 64, 900])
def test_a_pack_that_does_not_fit_leaves_the_universe_as_it_is(
    tmp_path: Path, left_kib: int
) -> None:
    run_on_disk(tmp_path / "disk", DISK_KIB, __name__, "fail_to_pack", left_kib * KIB)


def fail_to_make_again(disk: Path, backups: str, bundle: str) -> list[str]:
    fill(disk, 4 * KIB)
    told = []
    for make in (
        lambda: recover(Path(backups), disk / "u"),
        lambda: rebuild(disk / "u", Path(bundle)),
    ):
        with pytest.raises(DiskFull) as caught:
            make()
        told.append(caught.value.doing)
        assert not (disk / "u").exists()
    return told


def test_what_did_not_fit_is_called_by_its_own_name(tmp_path: Path) -> None:
    (tmp_path / "source").write_bytes(PAYLOAD)
    awaken(tmp_path / "u", Mind(tmp_path / "source", "none", "none", {}))
    back_up(tmp_path / "u", tmp_path / "backups")
    universe = open_universe(tmp_path / "u", read_only=True)
    export_universe(universe, tmp_path / "bundle")
    universe.close()

    told = run_on_disk(
        *(tmp_path / "disk", DISK_KIB, __name__, "fail_to_make_again"),
        *(str(tmp_path / "backups"), str(tmp_path / "bundle")),
    )

    assert told == ["the recovery", "the import"]
