"""Weights that are not what they were: told before a process thinks with them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from tests.conftest import OpenScripted

from batos.engines import ledger
from batos.engines.download import Progress, sha256_of
from batos.errors import WeightsDamaged


def blob_file(universe_path: Path) -> Path:
    (file,) = universe_path.rglob("*.blob")
    file.chmod(0o644)
    return file


def truncate(file: Path) -> None:
    file.write_bytes(file.read_bytes()[:-1])


def flip_a_bit(file: Path) -> None:
    data = file.read_bytes()
    file.write_bytes(data[:5] + bytes([data[5] ^ 1]) + data[6:])


@pytest.mark.parametrize("damage", [truncate, flip_a_bit, Path.unlink])
def test_damaged_weights_are_named_and_the_objects_are_not_concerned(
    open_scripted: OpenScripted, universe_path: Path, damage: Callable[[Path], None]
) -> None:
    file = blob_file(universe_path)
    damage(file)

    uvm = open_scripted(["return 1"])
    with uvm.transaction() as root:
        root["account"] = root["genesis_obj"].clone(n=1)
    with pytest.raises(WeightsDamaged) as caught:
        uvm.send("account", "grow")

    assert str(file) in str(caught.value)
    assert "Restore this file from a backup" in str(caught.value)
    with uvm.transaction() as root:
        assert root["account"].n == 1


def test_whole_weights_are_read_through_once_and_not_by_each_process(
    open_scripted: OpenScripted, monkeypatch: pytest.MonkeyPatch
) -> None:
    read: list[Path] = []

    def counting(path: Path, progress: Progress) -> str:
        read.append(path)
        return sha256_of(path, progress)

    monkeypatch.setattr(ledger, "sha256_of", counting)
    for selector in ("first", "second"):
        uvm = open_scripted(["return 1"])
        with uvm.transaction() as root:
            root["account"] = root["genesis_obj"].clone(n=1)
        uvm.send("account", selector, examples=[((), 1)])
        uvm.close()

    assert len(read) == 1
